//! Where a marker stands in text: a line of its own, `<!-- tl-… -->`, that GitLab does not show to readers.

use throughline_sdk::{Marker, ticket::canonical_text};

/// The text with the marker as its last line.
pub(crate) fn mark(text: &str, marker: &Marker) -> String {
    let text = canonical_text(text);
    // The empty line ends whatever paragraph or list came before, so that the comment stays hidden.
    if text.is_empty() { format!("<!-- {marker} -->") } else { format!("{text}\n\n<!-- {marker} -->") }
}

/// The text without its marker, and the marker.
///
/// The last line that is a marker counts: people write below it, and what they quote stands above it.
pub(crate) fn split(text: &str) -> (String, Option<Marker>) {
    let text = canonical_text(text);
    let mut lines: Vec<&str> = text.split('\n').collect();
    let found = lines.iter().enumerate().rev().find_map(|(at, line)| Some((at, line_marker(line)?)));
    match found {
        Some((at, marker)) => {
            lines.remove(at);
            (canonical_text(&lines.join("\n")), Some(marker))
        }
        None => (text, None),
    }
}

/// The text of the one note that shows a counterpart, which is no comment.
pub(crate) fn mark_link(text: &str, marker: &Marker) -> String {
    format!("{}\n\n<!-- {LINK} {marker} -->", canonical_text(text))
}

/// The text of a note that shows a counterpart, and its marker; `None` for any other note.
pub(crate) fn split_link(text: &str) -> Option<(String, Marker)> {
    let text = canonical_text(text);
    let (before, last) = text.rsplit_once('\n')?;
    let inner = last.strip_prefix("<!--")?.strip_suffix("-->")?.trim().strip_prefix(LINK)?.trim();
    let marker = Marker::find_in(inner).filter(|marker| marker.as_str() == inner)?;
    Some((canonical_text(before), marker))
}

/// Said before the marker of such a note.
const LINK: &str = "throughline:counterpart";

fn line_marker(line: &str) -> Option<Marker> {
    let inner = line.strip_prefix("<!--")?.strip_suffix("-->")?.trim();
    Marker::find_in(inner).filter(|marker| marker.as_str() == inner)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_marked_is_split_again(text in "(.|\n|\r\n|<!-- tl-[a-z]{26} -->\n){0,40}", hash: [u8; 32]) {
            let marker = Marker::from_hash(&hash);
            let marked = mark(&text, &marker);
            prop_assert_eq!(split(&marked), (canonical_text(&text), Some(marker.clone())));
            prop_assert_eq!(split(&marked.replace('\n', "\r\n")), (canonical_text(&text), Some(marker)));
        }
    }

    #[test]
    fn the_note_of_a_link_is_no_marked_text_and_the_other_way_round() {
        let marker = Marker::from_hash(&[7; 32]);
        let link = mark_link("FABRIKAM 7 · open", &marker);
        assert_eq!(split_link(&link), Some(("FABRIKAM 7 · open".to_owned(), marker.clone())));
        assert_eq!(split(&link).1, None);
        assert_eq!(split_link(&mark("FABRIKAM 7 · open", &marker)), None);
        assert_eq!(split_link(&format!("{link}\nand theirs")), None, "people wrote below it");
    }

    #[test]
    fn a_marker_inside_a_line_is_text() {
        let marker = Marker::from_hash(&[7; 32]);
        let quoted = format!("> <!-- {marker} -->\nsee <!-- {marker} -->");
        assert_eq!(split(&quoted), (quoted.clone(), None));
        let below = format!("ours\n\n<!-- {marker} -->\nand theirs");
        assert_eq!(split(&below), ("ours\n\nand theirs".to_owned(), Some(marker)));
    }
}
