//! Redaction: the only place where a value becomes fit for another party's eyes.

use throughline_sdk::Marker;
use throughline_sdk::ticket::canonical_text;

/// A value that went through an agreement. Only this module's parents can make one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redacted<T>(T);

impl<T> Redacted<T> {
    /// The value, to be put into an intent.
    pub fn into_intent(self) -> T {
        self.0
    }
}

/// Marks a value as redacted.
pub(super) fn redacted<T>(value: T) -> Redacted<T> {
    Redacted(value)
}

/// A public comment on its way to another desk.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    /// Who wrote it.
    pub author: &'a str,
    /// The name of the author's party, for readers.
    pub party_title: &'a str,
    /// The text.
    pub text: &'a str,
    /// Whether an earlier version of it stands there already, as a comment of its own.
    pub repeated: bool,
}

/// A comment's text as it is written into another desk, bearing its author's name.
pub fn remark_body(said: &Said<'_>) -> Redacted<String> {
    let edited = if said.repeated { " (edited)" } else { "" };
    let head = format!("{} ({}){edited}:", one_line(said.author), one_line(said.party_title));
    // A name is no markup, whatever signs are in it.
    let head = throughline_markup::plain::read(&head).text;
    redacted(canonical_text(&format!("{head}\n\n{}", without_markers(said.text))))
}

/// A notice of ours as it is written into a desk: it may repeat what somebody said in another one.
pub fn notice_body(text: &str) -> Redacted<String> {
    redacted(canonical_text(&without_markers(text)))
}

/// A file's name as it is written into another desk: without a path.
pub fn file_name(name: &str) -> Redacted<String> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last.chars().filter(|char| !char.is_control()).collect();
    redacted(if clean.is_empty() { "file".to_owned() } else { clean })
}

/// What a link to the other party's ticket is called.
pub fn label(party_title: &str, key: &str) -> Redacted<String> {
    redacted(one_line(&format!("{party_title} {key}")))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A quoted marker of one desk must not be taken for ours in the next.
///
/// Each becomes an ellipsis, so that what stood around it cannot close up into another one.
fn without_markers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, from)) = rest.find(PREFIX).and_then(|at| rest.split_at_checked(at)) {
        out.push_str(before);
        let (token, behind) = from.split_at_checked(LENGTH_BYTES).unwrap_or((PREFIX, ""));
        if Marker::find_in(token).is_some() {
            out.push('…');
            rest = behind;
        } else {
            out.push_str(PREFIX);
            rest = from.strip_prefix(PREFIX).unwrap_or_default();
        }
    }
    out.push_str(rest);
    out
}

const PREFIX: &str = "tl-";
const LENGTH_BYTES: usize = 29;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_marker_leaves_no_trace_and_other_words_stay() {
        let marker = Marker::from_hash(&[7; 32]);
        let digits = marker.as_str().trim_start_matches(PREFIX);
        for (text, expected) in [
            (format!("see {marker} and html-form"), "see … and html-form".to_owned()),
            (format!("tl-{marker}{digits}"), format!("tl-…{digits}")),
            (format!("{marker}{marker}, ä{marker}"), "……, ä…".to_owned()),
            (format!("{marker}x"), "…x".to_owned()),
            ("tl-ä".to_owned(), "tl-ä".to_owned()),
            ("tl-ääääääääääääääääääää".to_owned(), "tl-ääääääääääääääääääää".to_owned()),
        ] {
            let clean = without_markers(&text);
            assert_eq!(clean, expected);
            assert_eq!(Marker::find_in(&clean), None, "{text}");
        }
    }

    #[test]
    fn a_files_name_has_no_path() {
        assert_eq!(file_name("..\\../etc/pass\nwd").into_intent(), "passwd");
        assert_eq!(file_name("a/").into_intent(), "file");
    }
}
