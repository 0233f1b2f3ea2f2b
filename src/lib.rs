//! khabar (خبر, "a piece of news") keeps a newsroom's feeds true.
//!
//! A document is a *channel*, seen through a *window*, written in a *format*.

pub mod article;
pub mod cli;
pub mod config;
pub mod document;
pub mod render;
pub mod store;
