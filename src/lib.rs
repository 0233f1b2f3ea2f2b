//! khabar (خبر, "a piece of news") keeps a newsroom's feeds true.
//!
//! A document is a *channel*, seen through a *window*, written in a *format*.

pub mod article;
pub mod document;
pub mod config;
pub mod catalog;
pub mod render;
pub mod plan;
pub mod engine;
pub mod store;
pub mod publish;
pub mod state;
pub mod cli;
