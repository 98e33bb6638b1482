//! Data on standard output, everything else on standard error.

use std::io::Write as _;

use clap::ValueEnum;
use serde::Serialize;

use crate::paint::Paint;
use crate::stop::{Exit, Stop};

/// How data is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Output {
    /// For a person.
    #[default]
    Text,
    /// For a program.
    Json,
}

impl Output {
    /// The media type in which a file of the server is asked for.
    pub(crate) fn file_media_type(self) -> &'static str {
        match self {
            Self::Text => "application/yaml",
            Self::Json => "application/json",
        }
    }
}

/// Writes data as JSON.
pub(crate) fn json(data: &impl Serialize) -> Result<(), Stop> {
    let text = serde_json::to_string_pretty(data).map_err(|error| Stop::new(Exit::Internal, error.to_string()))?;
    line(text)
}

/// Writes a line of data. A reader that went away is the end, and no error.
pub(crate) fn line(text: impl std::fmt::Display) -> Result<(), Stop> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{text}").and_then(|()| stdout.flush()).map_err(|error| match error.kind() {
        std::io::ErrorKind::BrokenPipe => Stop::silent(Exit::Done),
        _ => Stop::new(Exit::Internal, format!("standard output does not take it: {error}")),
    })
}

/// How many columns a line of data may have: those of the terminal, or as many as most people can read.
pub(crate) fn width() -> usize {
    const WITHOUT_TERMINAL: usize = 100;
    let terminal = console::Term::stdout().size_checked();
    terminal.map_or(WITHOUT_TERMINAL, |(_, columns)| usize::from(columns))
}

/// Tells a person something. Standard error that is closed has no listener: nothing is lost.
pub(crate) fn tell(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Writes a table of data; the columns are as wide as they must be.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> Result<(), Stop> {
    let paint = Paint::of(&std::io::stdout());
    let mut lines = columns(head, rows).into_iter();
    if let Some(head) = lines.next() {
        line(paint.dim(head))?;
    }
    lines.try_for_each(line)
}

/// The lines of a table, its head first.
pub(crate) fn columns(head: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).chain([head[column].len()]).max().unwrap_or(0);
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let format = |cells: Vec<&str>| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let rows = rows.iter().map(|row| format(row.iter().map(String::as_str).collect()));
    std::iter::once(format(head.to_vec())).chain(rows).collect()
}
