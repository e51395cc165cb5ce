//! What the command line prints: text for people, JSON for programs, errors apart. The only place that prints.

use std::io::{IsTerminal, Write};

use serde::Serialize;

/// Where a command's results go.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    /// Whether results are JSON.
    pub json: bool,
    colour: bool,
}

impl Output {
    /// Output to this process's standard output.
    pub fn new(json: bool) -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { json, colour: !json && wanted && std::io::stdout().is_terminal() }
    }

    /// Prints a line. A reader that has gone (`| head`) is no error.
    pub fn line(&self, text: &str) {
        drop(writeln!(std::io::stdout(), "{text}"));
    }

    /// Prints a value as JSON on one line.
    pub fn value(&self, value: &impl Serialize) {
        match serde_json::to_string(value) {
            Ok(text) => self.line(&text),
            Err(error) => self.error(&format!("the result cannot be written as JSON: {error}")),
        }
    }

    /// Prints an error.
    pub fn error(&self, text: &str) {
        let text = if self.json {
            serde_json::json!({ "error": text }).to_string()
        } else if text.starts_with("error: ") {
            // A list of problems says so itself, for each of them.
            text.to_owned()
        } else {
            format!("error: {text}")
        };
        drop(writeln!(std::io::stderr(), "{text}"));
    }

    /// Tells how far long work is, on standard error, where it does not mix with results.
    pub fn progress(&self, text: &str) {
        drop(writeln!(std::io::stderr(), "{text}"));
    }

    /// The text in bold, where that can be seen.
    pub fn bold(&self, text: &str) -> String {
        if self.colour { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// The text dimmed, where that can be seen.
    pub fn dim(&self, text: &str) -> String {
        if self.colour { format!("\u{1b}[2m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// Prints rows in columns under a heading.
    pub fn table(&self, heading: &[&str], rows: &[Vec<String>]) {
        let mut widths: Vec<usize> = heading.iter().map(|cell| cell.chars().count()).collect();
        for row in rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let pad = |cells: &mut dyn Iterator<Item = &str>| {
            let mut line = String::new();
            for (cell, width) in cells.zip(&widths) {
                line.push_str(cell);
                line.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.chars().count()) + 2));
            }
            line.trim_end().to_owned()
        };
        self.line(&self.bold(&pad(&mut heading.iter().copied())));
        for row in rows {
            self.line(&pad(&mut row.iter().map(String::as_str)));
        }
    }
}
