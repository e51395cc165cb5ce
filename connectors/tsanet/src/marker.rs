//! Where a marker stands: in our own number of a request that we submit, which partners see, and as the last line of its
//! description and of our notes.

use throughline_sdk::{Marker, ticket::canonical_text};

/// Text as it is sent, with the marker as its last line.
pub(crate) fn mark(text: &str, marker: &Marker) -> String {
    if text.is_empty() { format!("[{marker}]") } else { format!("{text}\n\n[{marker}]") }
}

/// How much room a marker takes.
pub(crate) fn room(marker: &Marker) -> usize {
    marker.as_str().len() + 4
}

/// Canonical text without its marker, and the marker.
///
/// The last line that is a marker counts: people write below it, and what they quote stands above it.
pub(crate) fn split(text: &str) -> (String, Option<Marker>) {
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

/// The marker that stands alone in a text, such as a number.
pub(crate) fn alone(text: &str) -> Option<Marker> {
    Marker::find_in(text).filter(|marker| marker.as_str() == text.trim())
}

/// Canonical text may have its brackets escaped.
fn line_marker(line: &str) -> Option<Marker> {
    let line = line.replace('\\', "");
    alone(line.strip_prefix('[')?.strip_suffix(']')?)
}
