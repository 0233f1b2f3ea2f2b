//! How faults and doubts look: with their source line for people, as one JSON object for machines.

use std::io::IsTerminal;
use std::path::Path;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet, Title};
use serde::Serialize;

use super::args::Color;
use crate::article::{Diagnostic, Excerpt, Place, Severity, escape_controls};
use crate::config::ConfigFault;

/// The most columns of a cut line that are stood in for by spaces, so that the source line is
/// drawn with its real column; behind that, columns are only named. Drawing takes time per column.
const PADDING_MAX: usize = 10_000;

/// Whether to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// Text alone.
    Plain,
    /// With terminal escapes.
    Coloured,
}

impl Style {
    /// What `--color` means for a stream. `auto` is a terminal that can colour, and nobody asked
    /// not to (<https://no-color.org>).
    pub(super) fn of(color: Color, stream: &impl IsTerminal) -> Self {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let coloured = match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                stream.is_terminal()
                    && !set("NO_COLOR")
                    && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
            }
        };
        if coloured {
            Self::Coloured
        } else {
            Self::Plain
        }
    }
}

/// A fault, doubt or note for people, with a line end.
pub(super) fn diagnostic(diagnostic: &Diagnostic, style: Style) -> String {
    let level = match diagnostic.severity {
        Severity::Fault => Level::ERROR,
        Severity::Doubt => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let title = level
        .with_name(severity(diagnostic.severity))
        .primary_title(diagnostic.message.as_str())
        .id(diagnostic.code);
    let path = escape_controls(diagnostic.path.as_str());
    let group = placed(title, path, diagnostic.place, diagnostic.excerpt.as_ref());
    let help = Level::HELP.message(diagnostic.remedy.as_str());
    render(group.element(help), style)
}

/// A fault of the configuration file `path`, for people, with a line end.
pub(super) fn config_fault(path: &Path, fault: &ConfigFault, style: Style) -> String {
    let title = Level::ERROR.primary_title(fault.message.as_str());
    let path = escape_controls(&path.to_string_lossy());
    let group = placed(title, path, fault.place, fault.excerpt.as_ref());
    let help = Level::HELP.message(fault.remedy.as_str());
    render(group.element(help), style)
}

/// An error with everything that caused it, with a line end.
pub(super) fn error(error: &anyhow::Error, style: Style) -> String {
    message(&escape_controls(&format!("{error:#}")), None, style)
}

/// An error message and what to do about it, with a line end.
pub(super) fn message(message: &str, remedy: Option<&str>, style: Style) -> String {
    // Rendered apart: together, the frame of a source line would be drawn between them.
    let error = Group::with_title(Level::ERROR.primary_title(message));
    let help = remedy.map(|remedy| Group::with_title(Level::HELP.primary_title(remedy)));
    std::iter::once(error)
        .chain(help)
        .map(|group| render(group, style))
        .collect()
}

/// A fault, doubt or note as one JSON object, without a line end.
///
/// # Errors
/// None that these fields can cause; they are passed on all the same.
pub(super) fn json(diagnostic: &Diagnostic) -> serde_json::Result<String> {
    #[derive(Serialize)]
    struct Object<'a> {
        severity: &'static str,
        code: &'static str,
        path: &'a str,
        line: u32,
        column: u32,
        message: &'a str,
        remedy: &'a str,
    }
    serde_json::to_string(&Object {
        severity: severity(diagnostic.severity),
        code: diagnostic.code,
        path: diagnostic.path.as_str(),
        line: diagnostic.place.line,
        column: diagnostic.place.column,
        message: &diagnostic.message,
        remedy: &diagnostic.remedy,
    })
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Fault => "fault",
        Severity::Doubt => "doubt",
        Severity::Note => "note",
    }
}

/// A message with its place, and the source line where there is one.
fn placed<'a>(
    title: Title<'a>,
    path: String,
    place: Place,
    excerpt: Option<&'a Excerpt>,
) -> Group<'a> {
    let group = Group::with_title(title);
    let (line, column) = (place.line as usize, place.column as usize);
    let origin = |path| Origin::path(path).line(line).char_column(column);
    let Some(excerpt) = excerpt else {
        return group.element(origin(path));
    };
    let span = excerpt.span.clone();
    let shown_column = excerpt.line.get(..span.start).unwrap_or("").chars().count() + 1;
    // An excerpt is a part of its line: what was cut off on the left is missing from the column.
    let cut = column.saturating_sub(shown_column);
    let source = |padding: usize| {
        let line_text = format!("{:padding$}{}", "", excerpt.line);
        Snippet::source(line_text)
            .line_start(line)
            .annotation(AnnotationKind::Primary.span(padding + span.start..padding + span.end))
    };
    if cut <= PADDING_MAX {
        group.element(source(cut).path(path))
    } else {
        group.element(origin(path)).element(source(0))
    }
}

fn render(group: Group<'_>, style: Style) -> String {
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Coloured => Renderer::styled(),
    };
    let mut text = renderer.decor_style(DecorStyle::Ascii).render(&[group]);
    text.push('\n');
    text
}

#[cfg(test)]
mod tests;
