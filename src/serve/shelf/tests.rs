//! What stands on the shelf, and what it is called.
