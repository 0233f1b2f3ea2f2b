//! Why an article is where it is.
