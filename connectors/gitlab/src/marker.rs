//! The one note that shows a counterpart: its last line is a marker of its own, `<!-- throughline:counterpart tl-… -->`, that
//! GitLab does not show to readers.

use throughline_sdk::{Marker, ticket::canonical_text};

/// Said before the marker of such a note.
const LINK: &str = "throughline:counterpart";

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

#[cfg(test)]
mod tests {
    use throughline_sdk::MarkerLine;

    use super::*;

    #[test]
    fn the_note_of_a_link_is_no_marked_text_and_the_other_way_round() {
        let marker = Marker::from_hash(&[7; 32]);
        let link = mark_link("FABRIKAM 7 · open", &marker);
        assert_eq!(split_link(&link), Some(("FABRIKAM 7 · open".to_owned(), marker.clone())));
        assert_eq!(MarkerLine::COMMENT.split(&link).1, None);
        assert_eq!(split_link(&MarkerLine::COMMENT.mark("FABRIKAM 7 · open", &marker)), None);
        assert_eq!(split_link(&format!("{link}\nand theirs")), None, "people wrote below it");
    }
}
