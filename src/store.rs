//! Where articles come from.

pub mod directory;
pub mod format;
