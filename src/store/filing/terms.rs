//! What cases are filed under: words, numbers, parties, systems, statuses, priorities and views, in one spelling.

use std::collections::BTreeSet;

use icu_normalizer::DecomposingNormalizerBorrowed;
use throughline_sdk::{RemoteId, SystemName, Timestamp};

use crate::case::{Case, Field, Offer, PartyName, Priority, Role, Status};

const DECOMPOSED: DecomposingNormalizerBorrowed<'static> = DecomposingNormalizerBorrowed::new_nfkd();
/// Bytes of a word or number that count: a desk may send any length.
const LONGEST: usize = 128;
/// Words of a title that count.
const MOST_WORDS: usize = 64;

/// Something that a case is filed under.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Term(Vec<u8>);

/// A list that is always kept, together with how many stand on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum View {
    /// Somebody may still work on it.
    Open,
    /// It is resolved, closed or cancelled.
    Closed,
    /// Open, and home has the ball.
    WaitingUs,
    /// Open, and somebody else has the ball.
    WaitingPartner,
    /// Something of it waits for a person.
    Parked,
    /// Its legs disagree, and a person has to decide.
    Conflict,
    /// Open, and an offer was not answered in time, as far as that is recorded. A clock that has run out and is not is
    /// found by the moment at which it did.
    Breached,
}

impl View {
    /// All, as they are listed.
    pub const ALL: [Self; 7] = [
        Self::Open,
        Self::Closed,
        Self::WaitingUs,
        Self::WaitingPartner,
        Self::Parked,
        Self::Conflict,
        Self::Breached,
    ];

    /// The word in queries and answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
            Self::WaitingUs => "waiting-us",
            Self::WaitingPartner => "waiting-partner",
            Self::Parked => "parked",
            Self::Conflict => "conflict",
            Self::Breached => "breached",
        }
    }

    /// The view with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|view| view.word() == word)
    }

    pub(super) fn bit(self) -> u8 {
        match self {
            Self::Open => 1,
            Self::Closed => 2,
            Self::WaitingUs => 4,
            Self::WaitingPartner => 8,
            Self::Parked => 16,
            Self::Conflict => 32,
            Self::Breached => 64,
        }
    }

    /// Whether a case stands in this view.
    pub fn holds(self, case: &Case) -> bool {
        match self {
            Self::Open => !is_over(case),
            Self::Closed => is_over(case),
            Self::WaitingUs => !is_over(case) && waits_for_home(case) == Some(true),
            Self::WaitingPartner => !is_over(case) && waits_for_home(case) == Some(false),
            Self::Parked => case.is_parked(),
            Self::Conflict => !case.document.conflicts.is_empty(),
            Self::Breached => {
                let lapsed = |offer: &Offer| offer.lapsed;
                !is_over(case) && case.legs.values().filter_map(|leg| leg.offer.as_ref()).any(lapsed)
            }
        }
    }
}

/// The status of a request, where it is known.
pub(super) fn status(case: &Case) -> Option<Status> {
    case.document.fields.get(&Field::Status).and_then(|field| Status::from_word(&field.value))
}

/// The priority of a request, where it is known.
pub(super) fn priority(case: &Case) -> Option<Priority> {
    case.document.fields.get(&Field::Priority).and_then(|field| Priority::from_word(&field.value))
}

/// Whether nobody works on a request in this status any more.
pub(crate) fn is_over_in(status: Status) -> bool {
    match status {
        Status::Resolved | Status::Closed | Status::Cancelled => true,
        Status::New | Status::Open | Status::Pending | Status::OnHold => false,
    }
}

/// From when on a case is breached although nothing says so yet: a clock of it has run out by then, unless an answer is
/// recorded before. `None` where none runs, or where it is breached already.
pub(crate) fn breached_from(case: &Case) -> Option<Timestamp> {
    case.answer_due().filter(|_| !is_over(case) && !View::Breached.holds(case))
}

fn is_over(case: &Case) -> bool {
    status(case).is_some_and(is_over_in)
}

/// Whether home has the ball; `None` where nobody is known to have it.
fn waits_for_home(case: &Case) -> Option<bool> {
    let holder = &case.custody.holder.as_ref()?.party;
    Some(case.legs.values().any(|leg| leg.role == Role::Home && leg.party == *holder))
}

impl Term {
    /// A word of the title, or the beginning of one; folded.
    pub(crate) fn word(word: &str) -> Self {
        Self::new(b'w', word)
    }

    /// A ticket's number as people use it, or its remote id; folded.
    pub(crate) fn key(key: &str) -> Self {
        Self::new(b'k', key)
    }

    /// A party; folded.
    pub(crate) fn party(party: &str) -> Self {
        Self::new(b'p', party)
    }

    /// A system that holds a ticket; folded.
    pub(crate) fn system(system: &str) -> Self {
        Self::new(b's', system)
    }

    /// A system that held a ticket of the case before it was claimed elsewhere; folded.
    pub(crate) fn former(system: &str) -> Self {
        Self::new(b'f', system)
    }

    /// A ticket of a party in a system of its own: what that party's people are shown.
    pub(crate) fn own(party: &PartyName, system: &SystemName) -> Self {
        // Folded texts have no such sign.
        Self::new(b'o', &format!("{}\u{1}{}", folded(&party.0), folded(system.as_str())))
    }

    pub(crate) fn status(status: Status) -> Self {
        Self::new(b't', status.word())
    }

    pub(crate) fn priority(priority: Priority) -> Self {
        Self::new(b'u', priority.word())
    }

    pub(crate) fn view(view: View) -> Self {
        Self::new(b'v', view.word())
    }

    fn new(kind: u8, text: &str) -> Self {
        let mut bytes = Vec::with_capacity(1 + text.len());
        bytes.push(kind);
        bytes.extend_from_slice(text.as_bytes());
        Self(bytes)
    }

    /// Where rows of this term, and of all that go on as it does, begin.
    pub(super) fn beginning(&self) -> &[u8] {
        &self.0
    }

    /// Where its own rows begin. Folded texts have no zero byte.
    pub(super) fn place(&self) -> Vec<u8> {
        [self.0.as_slice(), &[0]].concat()
    }
}

/// A text in the one spelling in which it is filed and looked for: small letters without accents, nothing invisible.
pub(crate) fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len().min(LONGEST));
    let mut push = |letters: &str| {
        let fits = folded.len() + letters.len() <= LONGEST;
        if fits {
            folded.push_str(letters);
        }
        fits
    };
    let decomposed = DECOMPOSED.normalize_iter(text.trim().chars().take(LONGEST));
    for char in decomposed.flat_map(char::to_lowercase) {
        let mut own = [0; 4];
        let letters = match char {
            char if is_accent(char) || char.is_control() || is_invisible(char) => continue,
            'ß' => "ss",
            'æ' => "ae",
            'œ' => "oe",
            'ø' => "o",
            'ł' => "l",
            'đ' | 'ð' => "d",
            'ı' => "i",
            'ς' => "σ",
            char => char.encode_utf8(&mut own),
        };
        if !push(letters) {
            break;
        }
    }
    folded
}

/// The words of a text, each once.
pub(crate) fn words(text: &str) -> BTreeSet<String> {
    let mut known = BTreeSet::new();
    for word in words_in_order(text) {
        known.insert(word);
        if known.len() == MOST_WORDS {
            break;
        }
    }
    known
}

/// The words of a text as they follow each other.
pub(crate) fn words_in_order(text: &str) -> impl Iterator<Item = String> {
    text.split(|char| !is_in_word(char)).map(folded).filter(|word| !word.is_empty())
}

/// Whether a word may go on with this.
pub(crate) fn is_in_word(char: char) -> bool {
    char.is_alphanumeric() || is_accent(char) || is_invisible(char)
}

fn is_accent(char: char) -> bool {
    matches!(char, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}'
        | '\u{fe20}'..='\u{fe2f}')
}

fn is_invisible(char: char) -> bool {
    matches!(char, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

/// The title of a request.
pub(crate) fn title(case: &Case) -> &str {
    case.document.fields.get(&Field::Title).map_or("", |field| &field.value)
}

/// The numbers by which people may know a case: of its tickets, of those it had before, and of what it refers to.
pub(crate) fn numbers(case: &Case) -> impl Iterator<Item = &str> {
    let legs = case
        .legs
        .values()
        .flat_map(|leg| leg.key.as_deref().into_iter().chain(leg.ticket.as_ref().map(RemoteId::as_str)));
    let former = case.former.values().map(RemoteId::as_str);
    legs.chain(former).chain(case.references.known.iter().map(|reference| reference.key.as_str()))
}

/// Everything that names a case, and changes rarely.
pub(super) fn names(case: &Case) -> BTreeSet<Term> {
    let words = words(title(case)).into_iter().map(|word| Term::word(&word));
    let numbers = numbers(case).map(folded).filter(|key| !key.is_empty()).map(|key| Term::key(&key));
    let parties = case.legs.values().map(|leg| Term::party(&folded(&leg.party.0)));
    let systems = case.legs.keys().map(|system| Term::system(&folded(system.as_str())));
    let standing = case.legs.iter().filter(|(_, leg)| leg.ticket.is_some());
    let own = standing.map(|(system, leg)| Term::own(&leg.party, system));
    let former = case.former.keys().map(|system| Term::former(&folded(system.as_str())));
    words.chain(numbers).chain(parties).chain(systems).chain(own).chain(former).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling() {
        let pairs = [
            ("Größe", "grosse"),
            ("ÇA VA", "ca va"),
            ("e\u{301}te\u{301}", "ete"),
            ("İstanbul", "istanbul"),
            ("ΟΔΟΣ", "οδοσ"),
            (" HD-4711\u{200b} ", "hd-4711"),
            ("ﬁle №7", "file no7"),
            ("a\0b", "ab"),
        ];
        for (text, expected) in pairs {
            assert_eq!(folded(text), expected);
            assert_eq!(folded(expected), expected, "once is enough");
        }
    }

    #[test]
    fn words_stand_between_what_is_no_letter() {
        let expected: BTreeSet<String> = ["drucker", "brennt", "3", "og"].map(str::to_owned).into();
        assert_eq!(words("Drucker (3. OG) brennt -- DRUCKER!"), expected);
        assert_eq!(words("e\u{301}te\u{301}"), ["ete".to_owned()].into());
        assert_eq!(words(" -- "), BTreeSet::new());
    }

    #[test]
    fn no_desk_makes_a_row_as_long_as_it_likes() {
        assert!(folded(&"ﷺ".repeat(10_000)).len() <= LONGEST);
        let title: String = (0..10_000).map(|word| format!("{word} ")).collect();
        assert_eq!(words(&title).len(), MOST_WORDS);
    }
}
