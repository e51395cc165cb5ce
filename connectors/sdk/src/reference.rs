//! A record elsewhere, as a ticket shows it: its number, its address, and in one line how it stands.

use serde::{Deserialize, Serialize};

/// A link from a ticket to a record elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// What it is called, such as the counterpart's number.
    pub label: String,
    /// Where it leads, if it is an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// How it stands, in one line, where the system shows such a thing beside the link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
}

/// Between label and summary.
const BETWEEN: &str = " · ";

impl Reference {
    /// A link that says no more than where it leads.
    pub fn new(label: impl Into<String>, url: Option<String>) -> Self {
        Self { label: label.into(), url, summary: None }
    }

    /// All of it in one line, for a desk that has one field for it: `label · summary address`.
    ///
    /// At most `longest` characters, counted as UTF-16 does, which no desk counts longer. The summary is cut first, at
    /// a character border; what is cut ends in an ellipsis.
    pub fn line(&self, longest: usize) -> String {
        let label = one_line(&self.label).replace(BETWEEN, " - ");
        let summary = self.summary.as_deref().map(one_line).unwrap_or_default();
        let url = self.url.as_deref().unwrap_or_default();
        let (before, after) = match (label.is_empty(), url.is_empty()) {
            (_, true) => (label, String::new()),
            (true, false) => return cut(url, longest),
            (false, false) => (label, format!(" {url}")),
        };
        let bare = format!("{before}{after}");
        let room = longest.saturating_sub(length(&bare) + length(BETWEEN));
        if summary.is_empty() || room < SHORTEST_SUMMARY {
            // An address that was cut leads nowhere.
            return if length(&bare) <= longest { bare } else { cut(&before, longest) };
        }
        format!("{before}{BETWEEN}{}{after}", cut(&summary, room))
    }

    /// Reads what [`line`](Self::line) wrote, or what people wrote in its place.
    pub fn of_line(text: &str) -> Self {
        let text = text.trim();
        let (head, url) = match text.rsplit_once(' ') {
            Some((head, url)) if is_address(url) => (head.trim(), Some(url.to_owned())),
            Some(_) | None => (text, Some(text).filter(|text| is_address(text)).map(str::to_owned)),
        };
        let (label, summary) = match head.split_once(BETWEEN) {
            Some((label, summary)) => (label, Some(summary.to_owned())),
            None => (head, None),
        };
        Self { label: label.to_owned(), url, summary }
    }

    /// The same as a desk keeps it that cuts a summary after so many characters, counted as UTF-16 does.
    #[must_use]
    pub fn cut(&self, longest: usize) -> Self {
        let summary = self.summary.as_deref().map(|summary| cut(&one_line(summary), longest));
        Self { summary, ..self.clone() }
    }
}

/// Less than this says nothing.
const SHORTEST_SUMMARY: usize = 8;

fn is_address(text: &str) -> bool {
    let address = text.starts_with("https://") || text.starts_with("http://");
    // A summary may end in what somebody quoted.
    address && !text.contains(char::is_whitespace) && !text.ends_with(['…', '”'])
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn length(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// A text of at most so many characters; an ellipsis stands for what is missing.
fn cut(text: &str, longest: usize) -> String {
    if length(text) <= longest {
        return text.to_owned();
    }
    let mut left = longest.saturating_sub(1);
    let mut kept = String::new();
    for char in text.chars() {
        let Some(rest) = left.checked_sub(char.len_utf16()) else { break };
        left = rest;
        kept.push(char);
    }
    let mut kept = kept.trim_end().to_owned();
    if longest > 0 {
        kept.push('…');
    }
    kept
}

#[cfg(test)]
mod tests {
    use proptest::{prop_assert, prop_assert_eq, proptest};

    use super::*;

    fn reference(label: &str, url: Option<&str>, summary: Option<&str>) -> Reference {
        Reference {
            label: label.to_owned(),
            url: url.map(str::to_owned),
            summary: summary.map(str::to_owned),
        }
    }

    #[test]
    fn number_and_address_come_before_the_summary() {
        let whole =
            reference("Contoso 7", Some("https://c.example/7"), Some("Open · with you · said “hello all”"));
        let line = "Contoso 7 · Open · with you · said “hello all” https://c.example/7";
        assert_eq!(whole.line(100), line);
        assert_eq!(whole.line(50), "Contoso 7 · Open · with you ·… https://c.example/7");
        assert_eq!(whole.line(35), "Contoso 7 https://c.example/7");
        assert_eq!(whole.line(20), "Contoso 7", "an address that was cut leads nowhere");
        assert_eq!(whole.line(5), "Cont…");
        assert_eq!(whole.line(0), "");
        assert_eq!(Reference::of_line(line), whole);
    }

    #[test]
    fn what_people_write_is_a_link_too() {
        for (text, expected) in [
            ("https://x.example/1", reference("https://x.example/1", Some("https://x.example/1"), None)),
            ("see  https://x.example/1 ", reference("see", Some("https://x.example/1"), None)),
            ("TL-7", reference("TL-7", None, None)),
            ("A 1 · said “look at https://x”", reference("A 1", None, Some("said “look at https://x”"))),
        ] {
            assert_eq!(Reference::of_line(text), expected);
        }
    }

    proptest! {
        #[test]
        fn a_line_reads_as_it_was_written(
            label in "[A-Za-z]{1,9}( [A-Z0-9-]{1,9}){0,2}",
            url in proptest::option::of("https://desk\\.example/[a-z0-9]{0,8}"),
            summary in proptest::option::of("[a-z“”🔥]{1,9}( ·? ?[a-z:]{1,9}){0,5}"),
        ) {
            let summary = summary.map(|summary| one_line(&summary));
            let whole = Reference { label, url, summary };
            prop_assert_eq!(Reference::of_line(&whole.line(1000)), whole);
        }

        #[test]
        fn a_line_is_never_too_long_and_what_was_cut_begins_as_the_whole(
            label in "\\PC{0,20}",
            url in proptest::option::of("https://[a-z]{0,20}"),
            summary in proptest::option::of("\\PC{0,60}"),
            longest in 0usize..90,
        ) {
            let whole = Reference { label, url, summary };
            let line = whole.line(longest);
            prop_assert!(length(&line) <= longest, "{line:?}");
            prop_assert_eq!(line.chars().filter(|char| char.is_control()).count(), 0);
        }
    }
}
