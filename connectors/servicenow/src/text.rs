//! Text as ServiceNow keeps it: plain; but in a journal `[code]` makes HTML of what follows.

use throughline_sdk::ticket::canonical_text;

/// Stands behind the bracket of a tag that must not act. Nobody sees it.
const STOP: char = '\u{200b}';
const TAGS: [&str; 2] = ["code]", "/code]"];

/// A field's text in canonical form.
pub(crate) fn read(text: &str) -> String {
    canonical_text(text)
}

/// Canonical text for a field.
pub(crate) fn write(text: &str) -> String {
    canonical_text(text)
}

/// A journal entry's text, without its marker, in canonical form.
pub(crate) fn read_entry(text: &str) -> String {
    read(&mapped(text, |stops| stops.saturating_sub(1)))
}

/// Canonical text for a journal entry, with nothing in it that acts.
pub(crate) fn write_entry(text: &str) -> String {
    mapped(&write(text), |stops| stops + 1)
}

/// Changes how many stops stand inside each tag.
fn mapped(text: &str, stops: impl Fn(usize) -> usize) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        out.push_str(before);
        out.push('[');
        let tag = after.trim_start_matches(STOP);
        let there = (after.len() - tag.len()) / STOP.len_utf8();
        let acts =
            TAGS.iter().any(|known| tag.get(..known.len()).is_some_and(|t| t.eq_ignore_ascii_case(known)));
        let wanted = if acts { stops(there) } else { there };
        out.extend(std::iter::repeat_n(STOP, wanted));
        rest = tag;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_reads_the_same_and_never_acts(text in "(\\[|\u{200b}|code\\]|/code\\]|CODE\\]|[a-z<>]| |\n|ü){0,30}") {
            let written = write_entry(&text);
            prop_assert_eq!(read_entry(&written), canonical_text(&text));
            let lower = written.to_lowercase();
            prop_assert!(!lower.contains("[code]") && !lower.contains("[/code]"));
        }
    }

    #[test]
    fn what_people_formatted_reads_as_it_stands() {
        assert_eq!(read_entry("see [code]<b>this</b>[/code] \r\n"), "see [code]<b>this</b>[/code]");
    }
}
