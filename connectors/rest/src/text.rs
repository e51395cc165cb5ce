//! Text between the canonical form and a desk's own, and where our marker stands in it: on a line of its own, `[tl-…]`,
//! that no reader of the canonical ticket sees.

use serde::Deserialize;
use throughline_markup::{Loss, Text, github, html, jira, normal, plain};
use throughline_sdk::{Marker, ticket::canonical_text};

/// How a desk writes text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Dialect {
    /// `"plain"`: lines, in which nothing means anything.
    #[default]
    Plain,
    /// `"markdown"`: `CommonMark`.
    Markdown,
    /// `"github"`: Markdown in which `@name`, `#7` and commands act. None of ours does.
    Github,
    /// `"html"`: HTML.
    Html,
    /// `"jira"`: Jira's wiki markup.
    Jira,
}

/// A desk's text as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Read {
    /// In canonical form, without our marker.
    pub(crate) text: String,
    /// Our marker.
    pub(crate) marker: Option<Marker>,
    /// What could not be read.
    pub(crate) lost: Vec<Loss>,
}

impl Dialect {
    /// The desk's text in canonical form.
    pub(crate) fn read(self, text: &str) -> Read {
        let canonical = self.canonical(text);
        let (text, marker) = split(&canonical.text);
        // Where a line was taken out, what stood around it is joined.
        let text = if marker.is_some() { normal(&text) } else { text };
        Read { text, marker, lost: canonical.lost }
    }

    /// Canonical text as the desk writes it.
    pub(crate) fn write(self, text: &str) -> String {
        self.written(text).text
    }

    /// What of canonical text cannot be written.
    pub(crate) fn losses(self, text: &str) -> Vec<Loss> {
        self.written(text).lost
    }

    fn written(self, text: &str) -> Text {
        match self {
            Self::Plain => plain::write(text),
            Self::Markdown => Text { text: canonical_text(text), lost: Vec::new() },
            Self::Github => github::write(text),
            Self::Html => html::write(text),
            Self::Jira => jira::write(text),
        }
    }

    /// The same with our marker as its last line.
    pub(crate) fn mark(self, text: &str, marker: &Marker) -> String {
        self.write(&mark(text, marker))
    }

    /// What will be read once this text was written: the text itself, but for what the desk's form cannot say.
    pub(crate) fn kept(self, text: &str) -> String {
        self.canonical(&self.write(text)).text
    }

    fn canonical(self, text: &str) -> Text {
        match self {
            Self::Plain => plain::read(text),
            Self::Markdown => Text { text: normal(text), lost: Vec::new() },
            Self::Github => github::read(text),
            Self::Html => html::read(text),
            Self::Jira => jira::read(text),
        }
    }
}

/// Canonical text with the marker as its last line.
fn mark(text: &str, marker: &Marker) -> String {
    let text = canonical_text(text);
    if text.is_empty() { format!("[{marker}]") } else { format!("{text}\n\n[{marker}]") }
}

/// Canonical text without its marker, and the marker.
///
/// The last line that is a marker counts: people write below it, and what they quote stands above it.
fn split(text: &str) -> (String, Option<Marker>) {
    let mut lines: Vec<&str> = text.split('\n').collect();
    let found = lines.iter().enumerate().rev().find_map(|(at, line)| Some((at, line_marker(line)?)));
    match found {
        Some((at, marker)) => {
            lines.remove(at);
            (canonical_text(&lines.join("\n")), Some(marker))
        }
        None => (text.to_owned(), None),
    }
}

/// A marker alone on its line; canonical text may escape the brackets around it.
fn line_marker(line: &str) -> Option<Marker> {
    let inner = line.trim_start_matches('\\').strip_prefix('[')?.strip_suffix(']')?;
    let inner = inner.strip_suffix('\\').unwrap_or(inner);
    Marker::find_in(inner).filter(|marker| marker.as_str() == inner)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: [Dialect; 5] =
        [Dialect::Plain, Dialect::Markdown, Dialect::Github, Dialect::Html, Dialect::Jira];

    proptest! {
        #[test]
        fn what_was_marked_is_read_again_in_each_dialect(
            text in "(\\PC|\n|\\[tl-[a-z]{26}\\]\n|[*_#@`<&-]){0,40}",
            hash: [u8; 32],
        ) {
            let marker = Marker::from_hash(&hash);
            let text = normal(&text);
            for dialect in ALL {
                let kept = dialect.kept(&text);
                let written = dialect.mark(&text, &marker);
                let read = dialect.read(&written);
                prop_assert_eq!((read.text, read.marker), (kept.clone(), Some(marker.clone())), "{:?} {:?}", dialect, written);
                prop_assert_eq!(dialect.kept(&kept), kept, "{:?}", dialect);
            }
        }
    }

    #[test]
    fn a_marker_inside_a_line_is_text() {
        let marker = Marker::from_hash(&[7; 32]);
        for dialect in ALL {
            let read = dialect.read(&dialect.write(&format!("see [{marker}] there")));
            assert!(read.text.contains(marker.as_str()) && read.marker.is_none(), "{dialect:?} {read:?}");
        }
        let below = format!("ours\n\n[{marker}]\n\nand theirs");
        let read = Dialect::Plain.read(&below);
        assert_eq!((read.text.as_str(), read.marker), ("ours\n\nand theirs", Some(marker)));
    }
}
