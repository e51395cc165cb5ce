//! What is wrong with a configuration, each mistake with its place, for a person at a terminal and as JSON.

use std::fmt::{self, Write as _};
use std::path::PathBuf;

use serde::Serialize;

/// Everything found in one reading of the configuration, in the order of files and lines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Problems {
    /// Errors and warnings together.
    pub list: Vec<Problem>,
}

/// One mistake, or one thing to look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Whether the daemon refuses to start with it.
    pub severity: Severity,
    /// What is wrong, in one sentence.
    pub message: String,
    /// The key's path, such as `systems.helpdesk.poll`; empty for a file as a whole.
    pub key: String,
    /// What stands there. Never the text of a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
    /// What may stand there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// The valid word that is closest to what was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nearest: Option<String>,
    /// The file.
    pub file: PathBuf,
    /// Where in the file; `None` for a file that could not be read.
    #[serde(flatten)]
    pub spot: Option<Spot>,
}

/// Whether a problem stops the daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It does.
    Error,
    /// It does not.
    Warning,
}

/// A place in a file, with the line as it may be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Spot {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// The source line. A part that may hold a secret stands there as one `…`.
    pub source: String,
    /// How many characters of `source` stand before what is meant.
    pub caret: usize,
    /// How many characters are meant, at least 1.
    pub width: usize,
}

impl Problems {
    /// Those that stop the daemon.
    pub fn errors(&self) -> impl Iterator<Item = &Problem> {
        self.list.iter().filter(|problem| problem.severity == Severity::Error)
    }

    /// Those that do not.
    pub fn warnings(&self) -> impl Iterator<Item = &Problem> {
        self.list.iter().filter(|problem| problem.severity == Severity::Warning)
    }

    /// Whether the daemon may start.
    pub fn are_harmless(&self) -> bool {
        self.errors().next().is_none()
    }

    /// The list for a terminal, like a compiler's; `color` adds ANSI colours.
    pub fn render(&self, color: bool) -> String {
        let paint = Paint { on: color };
        let mut out = String::new();
        for problem in &self.list {
            problem.render(paint, &mut out);
            out.push('\n');
        }
        let errors = self.errors().count();
        let warnings = self.warnings().count();
        if errors + warnings > 0 {
            out.push_str(&format!("{}, {}\n", counted(errors, "error"), counted(warnings, "warning")));
        }
        out
    }

    /// The list as JSON, one object per problem.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Problems {}

impl Problem {
    fn render(&self, paint: Paint, out: &mut String) {
        let (name, colour) = match self.severity {
            Severity::Error => ("error", Paint::RED),
            Severity::Warning => ("warning", Paint::YELLOW),
        };
        let message = visible(&self.message);
        // Writing into a string cannot fail.
        _ = writeln!(out, "{}: {}", paint.with(colour, name), paint.with(Paint::BOLD, &message));
        let file = self.file.display();
        match &self.spot {
            None => _ = writeln!(out, "  {} {file}", paint.with(Paint::BLUE, "-->")),
            Some(spot) => {
                let number = spot.line.to_string();
                let gutter = " ".repeat(number.len());
                let bar = paint.with(Paint::BLUE, "|");
                let arrow = paint.with(Paint::BLUE, "-->");
                let caret = paint.with(colour, &"^".repeat(spot.width));
                let indent = " ".repeat(spot.caret);
                _ = writeln!(out, "{gutter}{arrow} {file}:{number}:{}", spot.column);
                _ = writeln!(out, "{gutter} {bar}");
                _ = writeln!(out, "{} {bar} {}", paint.with(Paint::BLUE, &number), visible(&spot.source));
                _ = writeln!(out, "{gutter} {bar} {indent}{caret}");
            }
        }
        if !self.key.is_empty() {
            _ = writeln!(out, "      key: {}", visible(&self.key));
        }
        for (label, text) in
            [("    found", &self.found), (" expected", &self.expected), ("  nearest", &self.nearest)]
        {
            if let Some(text) = text {
                _ = writeln!(out, "{label}: {}", visible(text));
            }
        }
    }
}

/// A text with control characters replaced, one for one, so that carets stay in place and terminals unharmed.
fn visible(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            '\t' => ' ',
            other if other.is_control() => '\u{fffd}',
            other => other,
        })
        .collect()
}

fn counted(count: usize, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        more => format!("{more} {noun}s"),
    }
}

#[derive(Clone, Copy)]
struct Paint {
    on: bool,
}

impl Paint {
    const BLUE: &'static str = "34;1";
    const BOLD: &'static str = "1";
    const RED: &'static str = "31;1";
    const YELLOW: &'static str = "33;1";

    fn with(self, code: &str, text: &str) -> String {
        if self.on { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}
