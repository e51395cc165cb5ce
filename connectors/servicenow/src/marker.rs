//! Where a marker stands in a journal entry: a line of its own, `[tl-…]`, that no reader of the canonical ticket sees.

use throughline_sdk::{Marker, ticket::canonical_text};

/// The text with the marker as its last line.
pub(crate) fn mark(text: &str, marker: &Marker) -> String {
    let text = canonical_text(text);
    if text.is_empty() { format!("[{marker}]") } else { format!("{text}\n\n[{marker}]") }
}

/// The text in canonical form without its marker, and the marker.
///
/// The last line that is a marker counts: what people quote stands above it.
pub(crate) fn split(text: &str) -> (String, Option<Marker>) {
    let text = canonical_text(text);
    let mut lines: Vec<&str> = text.split('\n').collect();
    let found = lines.iter().enumerate().rev().find_map(|(at, line)| Some((at, alone(line)?)));
    match found {
        Some((at, marker)) => {
            lines.remove(at);
            (canonical_text(&lines.join("\n")), Some(marker))
        }
        None => (text, None),
    }
}

fn alone(line: &str) -> Option<Marker> {
    let inner = line.trim().strip_prefix('[')?.strip_suffix(']')?;
    Marker::find_in(inner).filter(|marker| marker.as_str() == inner)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_marked_is_split_again(text in "(.|\n|\r\n|\\[tl-[a-z]{26}\\]\n){0,40}", hash: [u8; 32]) {
            let marker = Marker::from_hash(&hash);
            let marked = mark(&text, &marker);
            prop_assert_eq!(split(&marked), (canonical_text(&text), Some(marker.clone())));
            prop_assert_eq!(split(&marked.replace('\n', "\r\n")), (canonical_text(&text), Some(marker)));
        }
    }

    #[test]
    fn a_marker_inside_a_line_is_text() {
        let marker = Marker::from_hash(&[7; 32]);
        let quoted = format!("> [{marker}]\nsee [{marker}]");
        assert_eq!(split(&quoted), (quoted.clone(), None));
    }
}
