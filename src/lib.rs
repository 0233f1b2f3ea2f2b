//! khabar (خبر, "a piece of news") keeps a newsroom's feeds true.
//!
//! A document is a *channel*, seen through a *window*, written in a *format*.

pub mod article;
pub mod catalog;
pub mod cli;
pub mod config;
pub mod daemon;
pub mod document;
pub mod engine;
pub mod plan;
pub mod publish;
pub mod render;
pub mod state;
pub mod store;
