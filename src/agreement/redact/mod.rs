//! Redaction: the only place where a value becomes fit for another party's eyes.

mod clean;
mod escapes;
mod folded;
#[cfg(test)]
mod laws;
mod pseudonym;
mod recognize;
mod residual;
mod terms;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use throughline_sdk::ticket::canonical_text;
use throughline_sdk::{Marker, Timestamp};

pub use pseudonym::{ALPHABET, CODE_CHARS, MAX_LABEL_CHARS, Named, Pseudonyms, Unnamed};
pub use recognize::{Listed, Pattern, Recognizers};
pub use terms::{Action, Class, Leftover, OtherFiles, Place, PlaceTerms, Redaction};

use super::{Agreement, Untranslatable};
use crate::case::AgreementName;
use clean::Cleaner;

/// A value that went through an agreement. Only this module's parents can make one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redacted<T> {
    value: T,
    account: Account,
}

/// What became of the personal data in a value: counts by class, nothing of the values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// What was dropped, masked or given a pseudonym.
    pub redacted: BTreeMap<String, u32>,
    /// What may be left.
    pub left: BTreeMap<String, u32>,
}

/// The form by which a value is known again, in whatever spelling it stands.
pub fn known_as(value: &str) -> String {
    folded::fold(value)
}

/// What decides about a value besides its agreement.
#[derive(Clone, Copy, Debug)]
pub struct Release<'a> {
    /// The pseudonyms there are.
    pub names: &'a Pseudonyms,
    /// A person let this very value through, whatever may be left in it.
    pub approved: bool,
}

/// Why a value is not fit for another party's eyes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It has no word there.
    Untranslatable(Untranslatable),
    /// It holds values that have no pseudonym yet.
    Unnamed(Vec<Unnamed>),
    /// Personal data may be left in it, and the agreement has it wait for a person.
    Left(BTreeMap<String, u32>),
    /// What is personal in it cannot be decided.
    Undecided(String),
}

impl<T> Redacted<T> {
    /// The value, to be put into an intent.
    pub fn into_intent(self) -> T {
        self.value
    }

    /// What became of the personal data in it.
    pub fn account(&self) -> &Account {
        &self.account
    }
}

impl Account {
    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.redacted.is_empty() && self.left.is_empty()
    }

    /// Adds the counts of another value.
    pub fn add(&mut self, other: &Self) {
        for (to, from) in [(&mut self.redacted, &other.redacted), (&mut self.left, &other.left)] {
            for (class, count) in from {
                *to.entry(class.clone()).or_default() += count;
            }
        }
    }
}

/// Counts by class, in words: "2 email, 1 phone".
pub fn counted(counts: &BTreeMap<String, u32>) -> String {
    counts.iter().map(|(class, count)| format!("{count} {class}")).collect::<Vec<_>>().join(", ")
}

/// Marks a value that holds no text of people as redacted.
pub(super) fn redacted<T>(value: T) -> Redacted<T> {
    Redacted { value, account: Account::default() }
}

/// A text as the counterpart of an agreement may have it. The home organization's own desk, without an agreement, may
/// have all of it.
pub(super) fn redacted_text(
    text: &str,
    place: &Place,
    agreement: Option<&Agreement>,
    release: &Release<'_>,
) -> Result<Redacted<String>, Refused> {
    let Some((agreement, redaction)) = agreement.and_then(|it| Some((it, it.redaction.as_ref()?))) else {
        return Ok(redacted(text.to_owned()));
    };
    let cleaner = Cleaner { agreement: &agreement.name, redaction, place, names: release.names };
    let (value, account) = cleaner.clean(text)?;
    if redaction.leftover == Leftover::Hold && !release.approved && !account.left.is_empty() {
        return Err(Refused::Left(account.left));
    }
    Ok(Redacted { value, account })
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
///
/// # Errors
///
/// Where its text or its author's name may not leave: see [`Refused`].
pub fn remark_body(
    said: &Said<'_>,
    agreement: Option<&Agreement>,
    release: &Release<'_>,
) -> Result<Redacted<String>, Refused> {
    let author = redacted_text(said.author, &Place::Authors, agreement, release);
    let text = redacted_text(said.text, &Place::Comments, agreement, release);
    let (author, text) = match (author, text) {
        (Ok(author), Ok(text)) => (author, text),
        (Err(Refused::Unnamed(mut one)), Err(Refused::Unnamed(other))) => {
            one.extend(other);
            return Err(Refused::Unnamed(one));
        }
        (Err(refused), _) | (_, Err(refused)) => return Err(refused),
    };
    let edited = if said.repeated { " (edited)" } else { "" };
    let head = format!("{} ({}){edited}:", one_line(&author.value), one_line(said.party_title));
    // A name is no markup, whatever signs are in it.
    let head = throughline_markup::plain::read(head.trim_start()).text;
    let value = canonical_text(&format!("{head}\n\n{}", without_markers(&text.value)));
    let mut account = author.account;
    account.add(&text.account);
    Ok(Redacted { value, account })
}

/// A notice of ours as it is written into a desk: in our own words, or at home in a counterpart's.
pub fn notice_body(text: &str) -> Redacted<String> {
    redacted(canonical_text(&without_markers(text)))
}

/// A file's name as it is written into another desk: without a path.
///
/// # Errors
///
/// Where it may not leave: see [`Refused`].
pub fn file_name(
    name: &str,
    agreement: Option<&Agreement>,
    release: &Release<'_>,
) -> Result<Redacted<String>, Refused> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last.chars().filter(|char| !char.is_control()).collect();
    let mut name = redacted_text(&clean, &Place::FileNames, agreement, release)?;
    if name.value.is_empty() {
        name.value = "file".to_owned();
    }
    Ok(name)
}

/// The text of a file as the counterpart of an agreement may have it.
///
/// # Errors
///
/// Where it may not leave: see [`Refused`].
pub fn redacted_file(
    text: &str,
    agreement: &Agreement,
    release: &Release<'_>,
) -> Result<Redacted<String>, Refused> {
    redacted_text(text, &Place::Files, Some(agreement), release)
}

/// What a counterpart wrote, and the records have in home's words, as that counterpart knows it: with its pseudonyms
/// for whatever stands behind them. `None` where that cannot be told.
pub fn retold(
    text: &str,
    place: &Place,
    agreement: Option<&AgreementName>,
    terms: Option<&Agreement>,
    names: &Pseudonyms,
) -> Option<String> {
    let concealed = agreement.map_or_else(|| text.to_owned(), |name| names.conceal(name, text));
    let release = Release { names, approved: true };
    redacted_text(&concealed, place, terms, &release).ok().map(Redacted::into_intent)
}

/// How the other party's ticket stands, as it is told beside a link to it.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// Its status in the reader's words, or words of ours.
    pub state: Option<&'a str>,
    /// Who has the ball, in words of ours.
    pub ball: Option<&'a str>,
    /// What it said last.
    pub last: Option<LastWord<'a>>,
}

/// What a party said last in public.
#[derive(Clone, Copy, Debug)]
pub struct LastWord<'a> {
    /// When.
    pub written: Timestamp,
    /// The text or its beginning; `None` where it is not kept, or must not be told.
    pub text: Option<&'a str>,
}

/// The most characters of a last word that are told.
const LAST_WORD_CHARS: usize = 80;

/// One line of plain text about the other party's ticket. Redacted before it is cut, so that nothing personal is cut
/// beyond recognition.
///
/// # Errors
///
/// Where what was said last may not leave: see [`Refused`].
pub fn standing(
    told: &Standing<'_>,
    agreement: Option<&Agreement>,
    release: &Release<'_>,
) -> Result<Redacted<String>, Refused> {
    let mut account = Account::default();
    let last = match told.last {
        None => None,
        Some(LastWord { written, text }) => {
            let when = written.format("%Y-%m-%d %H:%M UTC");
            let said = match text {
                None => None,
                Some(text) => {
                    let text = redacted_text(text, &Place::Comments, agreement, release)?;
                    account.add(&text.account);
                    Some(excerpt(&without_markers(&text.value)))
                }
            };
            Some(match said.filter(|said| !said.is_empty()) {
                Some(said) => format!("{when}: “{said}”"),
                None => format!("last word {when}"),
            })
        }
    };
    let parts = [told.state.map(one_line), told.ball.map(one_line), last];
    Ok(Redacted { value: parts.into_iter().flatten().collect::<Vec<_>>().join(" · "), account })
}

fn excerpt(text: &str) -> String {
    let plain = one_line(&throughline_markup::plain::write(text).text);
    let Some((at, _)) = plain.char_indices().nth(LAST_WORD_CHARS) else { return plain };
    format!("{}…", plain.get(..at).unwrap_or_default().trim_end())
}

/// What a link to the other party's ticket is called.
pub fn label(party_title: &str, key: &str) -> Redacted<String> {
    redacted(one_line(&format!("{party_title} {key}")))
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Untranslatable(untranslatable) => untranslatable.fmt(f),
            Self::Unnamed(unnamed) => write!(f, "{} values have no pseudonym yet", unnamed.len()),
            Self::Left(left) => write!(
                f,
                "personal data may be left in it ({}), and the agreement has that wait for a person; \
                 change the text, or retry it to send it as it is",
                counted(left)
            ),
            Self::Undecided(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Refused {}

impl From<Untranslatable> for Refused {
    fn from(untranslatable: Untranslatable) -> Self {
        Self::Untranslatable(untranslatable)
    }
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
