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
    redacted(canonical_text(&format!("{head}\n\n{}", without_markers(said.text))))
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
fn without_markers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, from)) = rest.find(PREFIX).and_then(|at| rest.split_at_checked(at)) {
        out.push_str(before);
        // A marker ends where its digits do, so the character behind them is looked at too.
        let width = from.char_indices().nth(LENGTH + 1).map_or(from.len(), |(at, _)| at);
        let marker = from.get(..width).and_then(Marker::find_in);
        let token = marker.as_ref().map(Marker::as_str).filter(|token| from.starts_with(token));
        let skip = token.unwrap_or_else(|| {
            out.push_str(PREFIX);
            PREFIX
        });
        rest = from.strip_prefix(skip).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

const PREFIX: &str = "tl-";
const LENGTH: usize = 29;
