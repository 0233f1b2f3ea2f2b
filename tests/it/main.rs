//! The whole program, as a user has it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod announce;
mod commands;
mod daemon;
mod faults;
mod laws;
mod memory;
mod model;
#[cfg(feature = "postgres")]
mod postgres;
mod project;
mod publish;
mod sample;
mod serve;
#[cfg(feature = "sqlite")]
mod sqlite;
mod stores;
mod strangers;
mod tidy;
