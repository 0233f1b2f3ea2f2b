//! The manual page: one for all commands, made from the command line's own definition.

use std::io::Write;

use clap::CommandFactory as _;
use clap_mangen::Man;

use super::args::{Args, EXIT_STATUS};

/// Writes the page in roff.
pub(super) fn write(out: &mut dyn Write) -> std::io::Result<()> {
    let mut command = Args::command().disable_help_subcommand(true);
    // Gives every command its full name and the options that all have in common.
    command.build();
    let page = Man::new(command.clone()).manual("khabar");
    page.render_title(out)?;
    page.render_name_section(out)?;
    page.render_synopsis_section(out)?;
    page.render_description_section(out)?;
    page.render_options_section(out)?;
    for command in command.get_subcommands() {
        section(command, out)?;
    }
    writeln!(out, ".SH EXIT STATUS\n{EXIT_STATUS}")?;
    page.render_version_section(out)
}

/// One command: its name as a heading, and below it what its own page would say.
fn section(command: &clap::Command, out: &mut dyn Write) -> std::io::Result<()> {
    let name = command.get_bin_name().unwrap_or(command.get_name());
    writeln!(out, ".SH \"{name}\"")?;
    // The options of all commands have been listed above.
    let own = command.clone().mut_args(|arg| {
        let is_common = arg.is_global_set() || arg.get_id() == "help";
        arg.hide(is_common)
    });
    let page = Man::new(own);
    let mut text = Vec::new();
    page.render_description_section(&mut text)?;
    page.render_synopsis_section(&mut text)?;
    page.render_options_section(&mut text)?;
    let text = String::from_utf8_lossy(&text).replace(".SH ", ".SS ");
    out.write_all(text.as_bytes())
}
