//! Where a marker stands in text: a line of its own, that no reader of the canonical ticket sees.

use crate::ids::Marker;
use crate::ticket::canonical_text;

/// How the line of a marker is written. The last line that is a marker counts: people write below it, and what they quote
/// stands above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarkerLine {
    before: &'static str,
    after: &'static str,
}

impl MarkerLine {
    /// `[tl-…]`.
    pub const BRACKETS: Self = Self { before: "[", after: "]" };
    /// `<!-- tl-… -->`, which a reader of rendered Markdown does not see.
    pub const COMMENT: Self = Self { before: "<!-- ", after: " -->" };

    /// The text with the marker as its last line.
    pub fn mark(self, text: &str, marker: &Marker) -> String {
        let (text, line) = (canonical_text(text), self.line(marker));
        // The empty line ends whatever paragraph or list came before, so that a comment stays hidden.
        if text.is_empty() { line } else { format!("{text}\n\n{line}") }
    }

    /// The text in canonical form without its marker, and the marker.
    pub fn split(self, text: &str) -> (String, Option<Marker>) {
        let text = canonical_text(text);
        let mut lines: Vec<&str> = text.split('\n').collect();
        let found = lines.iter().enumerate().rev().find_map(|(at, line)| Some((at, self.alone(line)?)));
        match found {
            Some((at, marker)) => {
                lines.remove(at);
                (canonical_text(&lines.join("\n")), Some(marker))
            }
            None => (text, None),
        }
    }

    /// The line of this marker.
    pub fn line(self, marker: &Marker) -> String {
        format!("{}{marker}{}", self.before, self.after)
    }

    /// The marker that a line is of, and of nothing else.
    pub fn alone(self, line: &str) -> Option<Marker> {
        let inner =
            line.trim().strip_prefix(self.before.trim_end())?.strip_suffix(self.after.trim_start())?.trim();
        Marker::find_in(inner).filter(|marker| marker.as_str() == inner)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BOTH: [MarkerLine; 2] = [MarkerLine::BRACKETS, MarkerLine::COMMENT];

    proptest! {
        #[test]
        fn what_was_marked_is_split_again(
            text in "(.|\n|\r\n|\\[tl-[a-z]{26}\\]\n|<!-- tl-[a-z]{26} -->\n){0,40}",
            hash: [u8; 32],
        ) {
            for line in BOTH {
                let marker = Marker::from_hash(&hash);
                let marked = line.mark(&text, &marker);
                prop_assert_eq!(line.split(&marked), (canonical_text(&text), Some(marker.clone())));
                prop_assert_eq!(line.split(&marked.replace('\n', "\r\n")), (canonical_text(&text), Some(marker)));
            }
        }
    }

    #[test]
    fn a_marker_inside_a_line_is_text() {
        let marker = Marker::from_hash(&[7; 32]);
        for line in BOTH {
            let written = line.line(&marker);
            let quoted = format!("> {written}\nsee {written}");
            assert_eq!(line.split(&quoted), (quoted.clone(), None));
            let below = format!("ours\n\n{written}\nand theirs");
            assert_eq!(line.split(&below), ("ours\n\nand theirs".to_owned(), Some(marker.clone())));
            assert_eq!(line.alone(&written), Some(marker.clone()));
            assert_eq!(line.alone(&format!("about {written}")), None);
        }
    }
}
