//! What the command line prints: text for people, JSON for programs, errors apart. The only place that prints.

use std::borrow::Cow;
use std::io::{IsTerminal, Write};

use serde::Serialize;

use crate::config::Problems;

/// Where a command's results go.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    /// Whether results are JSON.
    pub json: bool,
    colour: bool,
    colour_of_errors: bool,
}

impl Output {
    /// Output to this process's standard output.
    pub fn new(json: bool) -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self {
            json,
            colour: !json && wanted && std::io::stdout().is_terminal(),
            colour_of_errors: !json && wanted && std::io::stderr().is_terminal(),
        }
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
        } else {
            format!("error: {}", printable(text))
        };
        drop(writeln!(std::io::stderr(), "{text}"));
    }

    /// Prints what is wrong with a configuration.
    pub fn problems(&self, problems: &Problems) {
        let text = if self.json {
            let count = problems.errors().count();
            let error = format!("the configuration has {count} errors");
            serde_json::json!({ "error": error, "problems": problems.to_json() }).to_string()
        } else {
            problems.render(self.colour_of_errors)
        };
        drop(writeln!(std::io::stderr(), "{}", text.trim_end()));
    }

    /// Tells how far long work is, on standard error, where it does not mix with results. Programs are not told.
    pub fn progress(&self, text: &str) {
        if self.json {
            return;
        }
        drop(writeln!(std::io::stderr(), "{text}"));
    }

    /// Tells programs something beside the result, as JSON on standard error.
    pub fn aside(&self, value: &serde_json::Value) {
        drop(writeln!(std::io::stderr(), "{value}"));
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
                *width = (*width).max(printable(cell).chars().count());
            }
        }
        let pad = |cells: &mut dyn Iterator<Item = &str>| {
            let mut line = String::new();
            for (cell, width) in cells.zip(&widths) {
                line.push_str(&printable(cell));
                let taken = printable(cell).chars().count();
                line.extend(std::iter::repeat_n(' ', width.saturating_sub(taken) + 2));
            }
            line.trim_end().to_owned()
        };
        self.line(&self.bold(&pad(&mut heading.iter().copied())));
        for row in rows {
            self.line(&pad(&mut row.iter().map(String::as_str)));
        }
    }
}

/// A text as a terminal may be given it. What people write at a foreign desk is no command to our terminal: control
/// characters, and those that turn the direction of writing, are shown as their numbers.
pub(super) fn printable(text: &str) -> Cow<'_, str> {
    let harmful = |letter: char| {
        letter.is_control() || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(harmful) {
        return Cow::Borrowed(text);
    }
    let shown = text
        .chars()
        .map(|letter| if harmful(letter) { letter.escape_unicode().to_string() } else { letter.to_string() });
    Cow::Owned(shown.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_text_commands_no_terminal() {
        assert_eq!(printable("Übersicht – 表 (1)"), "Übersicht – 表 (1)");
        assert_eq!(printable("a\u{1b}[2Jb\nc\u{9b}d\u{202e}e"), "a\\u{1b}[2Jb\\u{a}c\\u{9b}d\\u{202e}e");
    }
}
