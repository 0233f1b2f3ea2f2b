//! khabar (خبر, "a piece of news") keeps a newsroom's feeds true.
//!
//! A document is a *channel*, seen through a *window*, written in a *format*.

pub mod article;
pub mod catalog;
pub mod config;
pub mod document;
pub mod plan;
pub mod render;
pub mod store;
