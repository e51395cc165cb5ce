//! The query language: one line of words and filters, what each of them means, and what is wrong with it.

use std::collections::BTreeSet;
use std::fmt;

use throughline_sdk::{RemoteId, SystemName, Timestamp};

use crate::case::{Case, CaseId, Field, PartyName, Priority, Status};
use crate::store::{
    View, breached_from, folded, hour, is_in_word, is_over_in, numbers, title, words, words_in_order,
};

/// Hours without a change after which an open case counts as silent, unless a query says otherwise.
pub const DEFAULT_SILENCE: u32 = 48;

/// The query language, for people.
pub const HELP: &str = "\
A query is one line; a case is found where all of its parts hold. Capital letters and accents
make no difference.

  4711  INC0010001  helpdesk:4711   a ticket by its number or id, in any system or in one
  TL-1042  1042                     a case by its id
  printer fabrikam                  words of the subject, or a party's name; each is a part
  print*  INC001*                   what begins so
  \"over: 9000\"                      a text with spaces or colons, as one part
  party:fabrikam  system:helpdesk   who takes part, and with which system
  status:open,pending               new, open, pending, on_hold, resolved, closed or cancelled
  priority:urgent,high              low, normal, high or urgent
  is:open  is:closed                closed is what is resolved, closed or cancelled (also view:open)
  is:waiting-us  is:waiting-partner who has the ball
  is:parked  is:conflict            what waits for a person; what the desks disagree about
  is:breached                       an offer was not answered in time
  is:silent  silent:5d  silent:36h  open, and nobody did anything for two days, or so long";

/// Characters of a query.
const LONGEST: usize = 1000;
/// Parts of a query.
const MOST_PARTS: usize = 16;

/// A query that can be answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    pub(super) parts: Vec<Part>,
}

/// A part of a query, and at which character it begins, counted from one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) at: usize,
    pub(super) wanted: Wanted,
}

/// What a part asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Text(Text),
    Party(Name),
    System(Name),
    Status(BTreeSet<Status>),
    Priority(BTreeSet<Priority>),
    View(View),
    /// For more than so many hours.
    Silent(u32),
}

/// A text that may be a number, a party, or words of a title.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) whole: Name,
    /// Its words; the last one is only a beginning where the whole is.
    pub(super) words: Vec<String>,
    /// The case it may name.
    pub(super) case: Option<CaseId>,
    /// The system and number it may name.
    pub(super) ticket: Option<(String, Name)>,
}

/// A name, folded, or the beginning of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) text: String,
    pub(super) is_beginning: bool,
}

/// From when is counted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Since {
    /// Silence: from this hour, the same for all pages.
    pub(super) hour: u32,
    /// Clocks: what has run out by now.
    pub(super) now: Timestamp,
}

/// What is wrong with a query, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at character {at} of the query: {what}")]
pub struct Mistake {
    /// At which character, counted from one.
    pub at: usize,
    /// What, and what to write instead.
    pub what: String,
}

/// Who asks, and what of a case they are shown. Only that is searched.
#[derive(Clone, Copy)]
pub enum Audience<'a> {
    /// Home's own people.
    Home,
    /// The people of a counterpart: cases with a ticket of theirs, by that ticket's numbers, by the case's id, and by what
    /// `shown` tells that they are shown. A word that their title has in the place of home's is not found. Cursors tell
    /// whoever reads them the numbers of cases: whoever hands them on to such people has to put something else in their
    /// place, see [`behind`](super::behind).
    Party {
        /// Whose.
        party: &'a PartyName,
        /// Where their tickets stand. A case with a ticket nowhere of these is not theirs.
        systems: &'a [SystemName],
        /// What they are shown of a case.
        shown: &'a dyn Fn(&Case) -> Shown,
    },
}

/// What a counterpart's people are shown of a case. What is `None` they are not shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// Its title, as they are shown it.
    pub title: Option<String>,
    /// Its status, as they are shown it.
    pub status: Option<Status>,
    /// Its priority, as they are shown it.
    pub priority: Option<Priority>,
}

impl fmt::Debug for Audience<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Home => f.write_str("Home"),
            Self::Party { party, .. } => {
                f.debug_struct("Party").field("party", party).finish_non_exhaustive()
            }
        }
    }
}

impl Query {
    /// Reads a query. An empty one finds every case.
    ///
    /// # Errors
    ///
    /// A [`Mistake`], where a filter or its value has no meaning.
    pub fn parse(line: &str) -> Result<Self, Mistake> {
        if line.chars().count() > LONGEST {
            return Err(mistake(LONGEST, format!("a query has {LONGEST} characters at the most")));
        }
        let mut parts = Vec::new();
        for token in tokens(line)? {
            if parts.len() == MOST_PARTS {
                return Err(mistake(token.at, format!("a query has {MOST_PARTS} parts at the most")));
            }
            if let Some(wanted) = wanted(&token)? {
                parts.push(Part { at: token.at, wanted });
            }
        }
        Ok(Self { parts })
    }

    /// Whether a case is one that the query asks for.
    pub(super) fn matches(&self, case: &Case, since: Since, audience: &Audience<'_>) -> bool {
        match audience {
            Audience::Home => self.parts.iter().all(|part| part.wanted.holds(case, since)),
            Audience::Party { party, systems, shown } => {
                let own = || {
                    let standing = case.legs.iter().filter(|(_, leg)| leg.ticket.is_some());
                    standing.filter(|(system, leg)| leg.party == **party && systems.contains(system))
                };
                if own().next().is_none() {
                    return false;
                }
                let shown = shown(case);
                let keys = own().flat_map(|(system, leg)| {
                    let id = leg.ticket.as_ref().map(RemoteId::as_str);
                    leg.key.as_deref().into_iter().chain(id).map(move |key| (system.as_str(), key))
                });
                let keys: Vec<_> = keys.collect();
                self.parts.iter().all(|part| part.wanted.is_shown(case.id, &shown, &keys))
            }
        }
    }
}

impl Wanted {
    fn holds(&self, case: &Case, since: Since) -> bool {
        match self {
            Self::Text(text) => text.holds(case),
            Self::Party(name) => case.legs.values().any(|leg| name.is(&leg.party.0)),
            Self::System(name) => case.legs.keys().any(|system| name.is(system.as_str())),
            Self::Status(wanted) => wanted.iter().any(|status| has(case, &Field::Status, status.word())),
            Self::Priority(wanted) => {
                wanted.iter().any(|priority| has(case, &Field::Priority, priority.word()))
            }
            Self::View(View::Breached) => {
                let has_run_out = breached_from(case).is_some_and(|from| from <= since.now);
                View::Breached.holds(case) || has_run_out
            }
            Self::View(view) => view.holds(case),
            Self::Silent(hours) => {
                View::Open.holds(case) && hour(case.changed) < since.hour.saturating_sub(*hours)
            }
        }
    }

    fn is_shown(&self, id: CaseId, shown: &Shown, keys: &[(&str, &str)]) -> bool {
        match self {
            Self::Text(text) => {
                let names = |(system, key): &(&str, &str)| text.whole.is(key) || text.names(system, key);
                text.case == Some(id)
                    || keys.iter().any(names)
                    || shown.title.as_deref().is_some_and(|title| text.is_in(title))
            }
            Self::Status(wanted) => shown.status.is_some_and(|status| wanted.contains(&status)),
            Self::Priority(wanted) => shown.priority.is_some_and(|priority| wanted.contains(&priority)),
            Self::View(View::Open) => shown.status.is_some_and(|status| !is_over_in(status)),
            Self::View(View::Closed) => shown.status.is_some_and(is_over_in),
            // What these would tell is home's, or another counterpart's.
            Self::Party(_) | Self::System(_) | Self::View(_) | Self::Silent(_) => false,
        }
    }

    /// For how many hours nobody did anything, where that is asked for.
    pub(super) fn silence(&self) -> Option<u32> {
        if let Self::Silent(hours) = self { Some(*hours) } else { None }
    }

    /// Whether a counterpart's people may ask for this.
    pub(super) fn is_for_guests(&self) -> bool {
        match self {
            Self::Text(_) | Self::Status(_) | Self::Priority(_) => true,
            Self::View(view) => matches!(view, View::Open | View::Closed),
            Self::Party(_) | Self::System(_) | Self::Silent(_) => false,
        }
    }
}

impl Text {
    fn holds(&self, case: &Case) -> bool {
        let tickets = || {
            case.legs.iter().flat_map(|(system, leg)| {
                let id = leg.ticket.as_ref().map(RemoteId::as_str);
                leg.key.as_deref().into_iter().chain(id).map(move |key| (system, key))
            })
        };
        self.case == Some(case.id)
            || numbers(case).any(|key| self.whole.is(key))
            || case.legs.values().any(|leg| self.whole.is(&leg.party.0))
            || tickets().any(|(system, key)| self.names(system.as_str(), key))
            || case.former.iter().any(|(system, ticket)| self.names(system.as_str(), ticket.as_str()))
            || self.is_in(title(case))
    }

    fn names(&self, system: &str, key: &str) -> bool {
        self.ticket.as_ref().is_some_and(|(of, number)| *of == folded(system) && number.is(key))
    }

    fn is_in(&self, title: &str) -> bool {
        let Some((last, whole)) = self.words.split_last() else { return false };
        let known = words(title);
        let last = Name { text: last.clone(), is_beginning: self.whole.is_beginning };
        whole.iter().all(|word| known.contains(word)) && known.iter().any(|word| last.is_folded(word))
    }
}

impl Name {
    fn of(text: &str) -> Self {
        let beginning = text.strip_suffix('*');
        Self { text: folded(beginning.unwrap_or(text)), is_beginning: beginning.is_some() }
    }

    fn is(&self, name: &str) -> bool {
        self.is_folded(&folded(name))
    }

    fn is_folded(&self, name: &str) -> bool {
        if self.is_beginning { name.starts_with(&self.text) } else { name == self.text }
    }
}

fn has(case: &Case, field: &Field, word: &str) -> bool {
    case.document.fields.get(field).is_some_and(|field| field.value == word)
}

/// A part as it was written.
#[derive(Debug)]
struct Token {
    at: usize,
    /// What stands before the first colon, if it is not inside quotes.
    filter: Option<String>,
    /// The text without its quotes, the filter and colon included.
    text: String,
    /// What stands behind that colon.
    value: String,
    /// At which character the value begins.
    value_at: usize,
}

fn tokens(line: &str) -> Result<Vec<Token>, Mistake> {
    let mut tokens = Vec::new();
    let mut rest = line.chars().zip(1..).peekable();
    loop {
        while rest.next_if(|(char, _)| char.is_whitespace()).is_some() {}
        let Some((_, at)) = rest.peek().copied() else { return Ok(tokens) };
        let mut token = Token { at, filter: None, text: String::new(), value: String::new(), value_at: at };
        let mut quoted_since = None;
        let mut is_quoted = false;
        while let Some((char, place)) =
            rest.next_if(|(char, _)| quoted_since.is_some() || !char.is_whitespace())
        {
            if char == '"' {
                quoted_since = if quoted_since.is_some() { None } else { Some(place) };
                is_quoted = true;
                continue;
            }
            if char == ':' && token.filter.is_none() && !is_quoted {
                token.filter = Some(token.text.clone());
                token.text.push(char);
                token.value_at = place + 1;
                continue;
            }
            token.text.push(char);
            if token.filter.is_some() {
                token.value.push(char);
            }
        }
        if let Some(at) = quoted_since {
            return Err(mistake(
                at,
                "this quotation mark has no second one; write it, or leave this one out",
            ));
        }
        tokens.push(token);
    }
}

const FILTERS: [&str; 7] = ["party", "system", "status", "priority", "is", "view", "silent"];

fn wanted(token: &Token) -> Result<Option<Wanted>, Mistake> {
    let filter = token.filter.as_deref().map(folded);
    let Some(filter) = filter.as_deref().filter(|filter| FILTERS.contains(filter)) else {
        if let Some(meant) = filter.as_deref().and_then(|filter| meant(filter, &FILTERS)) {
            let what = format!(
                "no filter is called {:?}; did you mean {meant}:? A ticket of a system with that name is found in \
                 quotes, as \"{}\"",
                token.filter.as_deref().unwrap_or_default(),
                token.text
            );
            return Err(mistake(token.at, what));
        }
        return Ok(text(&token.text).map(Wanted::Text));
    };
    if token.value.trim().is_empty() {
        return Err(mistake(token.value_at, format!("{filter}: is followed by nothing; {}", offer(filter))));
    }
    let wrong = |value: &str, known: &[&str]| {
        let meant = meant(&folded(value), known).map(|meant| format!("did you mean {meant}? "));
        let what = format!("{filter}: knows no {value:?}; {}{}", meant.unwrap_or_default(), offer(filter));
        mistake(token.value_at, what)
    };
    Ok(Some(match filter {
        "party" => Wanted::Party(Name::of(&token.value)),
        "system" => Wanted::System(Name::of(&token.value)),
        "status" => {
            let known = Status::ALL.map(Status::word);
            Wanted::Status(listed(&token.value, Status::from_word).map_err(|value| wrong(value, &known))?)
        }
        "priority" => {
            let known = Priority::ALL.map(Priority::word);
            Wanted::Priority(listed(&token.value, Priority::from_word).map_err(|value| wrong(value, &known))?)
        }
        "silent" => Wanted::Silent(hours(&token.value).ok_or_else(|| wrong(&token.value, &[]))?),
        _ => {
            let word = folded(&token.value).replace('_', "-");
            let mut known = View::ALL.map(View::word).to_vec();
            known.push("silent");
            match View::from_word(&word) {
                Some(view) => Wanted::View(view),
                None if word == "silent" => Wanted::Silent(DEFAULT_SILENCE),
                None => return Err(wrong(&token.value, &known)),
            }
        }
    }))
}

/// What may stand behind a filter.
fn offer(filter: &str) -> String {
    match filter {
        "party" => "write a party's name, as party:fabrikam".to_owned(),
        "system" => "write a system's name, as system:helpdesk".to_owned(),
        "status" => format!("write one or more of {}", Status::ALL.map(Status::word).join(",")),
        "priority" => format!("write one or more of {}", Priority::ALL.map(Priority::word).join(",")),
        "silent" => "write days or hours, as silent:2d or silent:36h".to_owned(),
        _ => format!("write one of {}, silent", View::ALL.map(View::word).join(", ")),
    }
}

fn text(written: &str) -> Option<Text> {
    let whole = Name::of(written);
    if whole.text.is_empty() {
        return None;
    }
    let ticket = written.split_once(':').map(|(system, key)| (folded(system), Name::of(key)));
    let case = if whole.is_beginning {
        None
    } else {
        let digits = whole.text.strip_prefix("tl-").unwrap_or(&whole.text);
        digits.parse().ok().map(CaseId)
    };
    // In the order of the text: only the last word may be a beginning.
    let begun = written.strip_suffix('*').unwrap_or(written);
    let mut found: Vec<String> = words_in_order(begun).collect();
    if whole.is_beginning && !begun.ends_with(is_in_word) {
        // Nothing is known of the word that begins here.
        found.clear();
    }
    let ticket = ticket.filter(|(system, key)| !system.is_empty() && !key.text.is_empty());
    Some(Text { whole, words: found, case, ticket })
}

/// Words separated by commas; the word itself where it has no meaning.
fn listed<T: Ord>(value: &str, read: impl Fn(&str) -> Option<T>) -> Result<BTreeSet<T>, &str> {
    value.split(',').map(|word| read(&folded(word).replace('-', "_")).ok_or(word)).collect()
}

fn hours(value: &str) -> Option<u32> {
    let value = folded(value);
    let (digits, unit) = match (value.strip_suffix('d'), value.strip_suffix('h')) {
        (Some(digits), _) => (digits, 24),
        (None, Some(digits)) => (digits, 1),
        (None, None) => return None,
    };
    digits.parse::<u32>().ok()?.checked_mul(unit)
}

/// The known word that was probably meant.
fn meant<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let near = |known: &&&str| {
        let distance = strsim::osa_distance(word, known);
        distance == 1 && word.len() > 2 || distance == 2 && known.len() > 5
    };
    known.iter().find(near).copied()
}

fn mistake(at: usize, what: impl Into<String>) -> Mistake {
    Mistake { at, what: what.into() }
}
