//! Where documents go.

pub mod directory;
