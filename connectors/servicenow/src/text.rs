//! Text as ServiceNow keeps it: plain; but in a journal `[code]` makes HTML of what follows.

use throughline_markup::plain;

/// Stands behind the bracket of a tag that must not act. Nobody sees it.
const STOP: char = '\u{200b}';
const TAGS: [&str; 2] = ["code]", "/code]"];

/// A description in canonical form.
pub(crate) fn read(text: &str) -> String {
    plain::read(text).text
}

/// Canonical text for a description. What is formatted in it is plain there.
pub(crate) fn write(text: &str) -> String {
    plain::write(text).text
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
        fn what_is_plain_reads_the_same_and_never_acts(text in "(\\[|\u{200b}|code\\]|/code\\]|CODE\\]|[a-z<>]| |\n|ü){0,30}") {
            let text = plain::read(&text).text;
            let written = write_entry(&text);
            prop_assert_eq!(read_entry(&written), text);
            let lower = written.to_lowercase();
            prop_assert!(!lower.contains("[code]") && !lower.contains("[/code]"));
        }
    }

    #[test]
    fn what_people_formatted_reads_as_it_stands() {
        let read = read_entry("see [code]<b>this</b>[/code] \r\n");
        assert_eq!(write(&read), "see [code]<b>this</b>[/code]");
    }
}
