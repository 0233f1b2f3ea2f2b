//! The commands that need a configuration, one function each.

use super::Exit;
use super::args::{Accept, Build, Check, Explain, Global, Named, Verify};
use super::project;

pub(super) fn build(_options: &Build, global: &Global) -> anyhow::Result<Exit> {
    not_wired(global)
}

pub(super) fn check(_options: &Check, global: &Global) -> anyhow::Result<Exit> {
    not_wired(global)
}

pub(super) fn explain(_options: &Explain, global: &Global) -> anyhow::Result<Exit> {
    not_wired(global)
}

pub(super) fn verify(_options: &Verify, global: &Global) -> anyhow::Result<Exit> {
    not_wired(global)
}

pub(super) fn withdraw(_options: &Named, global: &Global) -> anyhow::Result<Exit> {
    not_wired(global)
}

pub(super) fn restore(_options: &Named, global: &Global) -> anyhow::Result<Exit> {
    not_wired(global)
}

pub(super) fn accept(_options: &Accept, global: &Global) -> anyhow::Result<Exit> {
    not_wired(global)
}

fn not_wired(global: &Global) -> anyhow::Result<Exit> {
    project::config(&global.config)?;
    anyhow::bail!("not wired yet")
}
