//! placeholder
pub mod control;
mod workbench;
pub use workbench::*;
