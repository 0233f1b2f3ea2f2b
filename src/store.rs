//! Where articles come from.

pub mod format;
