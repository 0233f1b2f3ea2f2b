//! The `khabar` command.

use std::process::ExitCode;

/// Articles are read by many threads, as many small pieces that live for a moment or for ever: the
/// system's allocator takes a sixth more of the processor for a build, and keeps more of what was let
/// go of.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    khabar::cli::run()
}
