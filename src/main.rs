//! The `khabar` command.

fn main() {}
