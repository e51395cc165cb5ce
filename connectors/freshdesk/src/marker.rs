//! Where a marker stands in a note: a last line of its own, `[tl-…]`, that no reader of the canonical ticket sees.

use throughline_markup::normal;
use throughline_sdk::Marker;

/// A note's HTML with the marker as its last line.
pub(crate) fn mark(html: &str, marker: &Marker) -> String {
    format!("{html}<p>[{marker}]</p>")
}

/// The canonical text without its marker, and the marker.
///
/// The last line that is a marker counts: people write below it, and what they quote stands above it.
pub(crate) fn split(text: &str) -> (String, Option<Marker>) {
    let mut lines: Vec<&str> = text.split('\n').collect();
    let found = lines.iter().enumerate().rev().find_map(|(at, line)| Some((at, line_marker(line)?)));
    match found {
        Some((at, marker)) => {
            lines.remove(at);
            (normal(&lines.join("\n")), Some(marker))
        }
        None => (text.to_owned(), None),
    }
}

/// Brackets may come back escaped: in canonical text they could begin a link.
fn line_marker(line: &str) -> Option<Marker> {
    let line = line.trim();
    let inner = line.strip_prefix("\\[").or_else(|| line.strip_prefix('['))?;
    let inner = inner.strip_suffix("\\]").or_else(|| inner.strip_suffix(']'))?;
    Marker::find_in(inner).filter(|marker| marker.as_str() == inner)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use throughline_markup::html;

    use super::*;

    proptest! {
        #[test]
        fn what_was_marked_is_split_again(text in "[ -~\u{e4}\n]{0,60}", hash: [u8; 32]) {
            let (text, marker) = (normal(&text), Marker::from_hash(&hash));
            let written = html::write(&text);
            prop_assume!(written.lost.is_empty());
            let read = html::read(&mark(&written.text, &marker)).text;
            prop_assert_eq!(split(&read), (text, Some(marker)));
        }
    }

    #[test]
    fn a_marker_inside_a_line_is_text() {
        let marker = Marker::from_hash(&[7; 32]);
        let quoted = format!("> [{marker}]\n\nsee [{marker}]");
        assert_eq!(split(&quoted), (quoted.clone(), None));
        let below = format!("ours\n\n[{marker}]\n\nand theirs");
        assert_eq!(split(&below), ("ours\n\nand theirs".to_owned(), Some(marker)));
    }
}
