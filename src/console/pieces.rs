//! What pages are made of over and over: moments, badges, words for the lack of anything, and the parties' colours.

use std::collections::BTreeMap;

use maud::{Markup, html};
use throughline_sdk::{SystemName, Timestamp};

use super::words::words;
use crate::agreement::Rules;
use crate::case::{Fingerprint, PartyName};

/// How something stands, by colour and sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As it should be.
    Good,
    /// Somebody should look.
    Warn,
    /// Something failed.
    Bad,
    /// Of note.
    Info,
    /// Of no weight.
    Quiet,
}

impl Tone {
    /// The class in the stylesheet.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Info => "info",
            Self::Quiet => "quiet",
        }
    }
}

/// A word that says how something stands.
pub(crate) fn badge(tone: Tone, text: &str) -> Markup {
    html! { span.badge.(tone.class()) { (text) } }
}

/// A moment. The script shows how long ago it is; the exact one is always at hand.
pub(crate) fn moment(at: Timestamp) -> Markup {
    let exact = at.format("%Y-%m-%d %H:%M:%S UTC").to_string();
    html! {
        time datetime=(at.format("%Y-%m-%dT%H:%M:%SZ")) title=(exact) { (at.format("%Y-%m-%d %H:%M UTC")) }
    }
}

/// The id in a page of what is known by these names elsewhere. The script finds by it what is the same on a page that it
/// asked for anew, so that a new post moves no other.
pub(crate) fn named_by(names: &[&str]) -> String {
    let print = Fingerprint::of(&names.join("\n"));
    format!("p{}", print.as_str().get(..16).unwrap_or_default())
}

/// A table of this name that becomes a stack of cards where the page is narrow: each cell names its column in `data-label`.
/// Where it is wider than its place, it is scrolled by keys too.
pub(crate) fn table(name: &str, columns: &[&str], rows: &Markup) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(name) { table.data.stack {
            thead { tr { @for column in columns { th scope="col" { (column) } } } }
            tbody { (rows) }
        } }
    }
}

/// Where nothing is: that, and what to do about it.
pub(crate) fn empty(title: &str, hint: &str) -> Markup {
    html! { div.empty { h2 { (title) } p { (hint) } } }
}

/// Whole seconds from one moment to a later one.
pub(crate) fn elapsed(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from((to - from).num_seconds()).unwrap_or_default()
}

/// A span of time in its two largest units.
pub(crate) fn span(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, 0) => format!("{hours} h"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, 0, _) => format!("{days} d"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

/// The parties as pages show them: each with a colour, a letter and its name, the same on every page.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cast {
    members: BTreeMap<PartyName, Member>,
    systems: BTreeMap<SystemName, PartyName>,
}

/// One party as pages show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    /// Its name for readers.
    pub(crate) title: String,
    /// One or two letters that nobody else has.
    pub(crate) letters: String,
    /// Which of the colours.
    pub(crate) colour: usize,
}

/// How many colours there are.
const COLOURS: usize = 8;

impl Cast {
    /// Everybody that `rules` name, home first.
    pub(crate) fn of(rules: &Rules) -> Self {
        let homes: Vec<&PartyName> = rules
            .agreements
            .values()
            .filter_map(|agreement| rules.systems.get(&agreement.home).map(|system| &system.party))
            .collect();
        let mut parties: Vec<(&PartyName, &str)> =
            rules.systems.values().map(|system| (&system.party, system.party_title.as_str())).collect();
        parties.sort_by_key(|(party, _)| (!homes.contains(party), *party));
        parties.dedup_by_key(|(party, _)| *party);
        let mut cast = Self {
            systems: rules
                .systems
                .iter()
                .map(|(name, system)| (name.clone(), system.party.clone()))
                .collect(),
            members: BTreeMap::new(),
        };
        for (number, (party, title)) in parties.into_iter().enumerate() {
            let letters = cast.letters(title);
            let member = Member { title: title.to_owned(), letters, colour: number % COLOURS };
            cast.members.insert(party.clone(), member);
        }
        cast
    }

    /// A party. One that is configured no more has its name only.
    pub(crate) fn party(&self, party: &PartyName) -> Member {
        self.members.get(party).cloned().unwrap_or_else(|| Member {
            title: party.to_string(),
            letters: initials(&party.0).next().unwrap_or_default(),
            colour: COLOURS - 1,
        })
    }

    /// The party of a system.
    pub(crate) fn of_system(&self, system: &SystemName) -> Option<Member> {
        self.systems.get(system).map(|party| self.party(party))
    }

    fn letters(&self, title: &str) -> String {
        let taken = |letters: &String| self.members.values().any(|member| member.letters == *letters);
        let free = initials(title).find(|letters| !taken(letters));
        free.unwrap_or_else(|| (self.members.len() + 1).to_string())
    }
}

/// The first letter, then with each of the others.
fn initials(title: &str) -> impl Iterator<Item = String> {
    let mut letters = title.chars().filter(|sign| sign.is_alphanumeric());
    let first: String = letters.next().map(|sign| sign.to_uppercase().collect()).unwrap_or_default();
    let more: Vec<String> = letters.map(|second| format!("{first}{}", second.to_lowercase())).collect();
    std::iter::once(first).chain(more).filter(|letters| !letters.is_empty())
}

impl Member {
    /// The class of its colour.
    pub(crate) fn class(&self) -> String {
        format!("party-{}", self.colour)
    }

    /// Its letters on its colour, and its name.
    pub(crate) fn chip(&self) -> Markup {
        html! {
            span.party.(self.class()) { (self.sign()) (words(&self.title)) }
        }
    }

    /// Its letters on its colour alone; the name stands beside it.
    pub(crate) fn sign(&self) -> Markup {
        html! { span.mark.(self.class()) aria-hidden="true" { (self.letters) } }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::agreement::{SystemRules, Words};

    #[test]
    fn spans_have_two_units() {
        for (seconds, expected) in [
            (5, "5 s"),
            (60, "1 min"),
            (3600, "1 h"),
            (5400, "1 h 30 min"),
            (90_000, "1 d 1 h"),
            (864_000, "10 d"),
        ] {
            assert_eq!(span(seconds), expected);
        }
    }

    #[test]
    fn a_moment_is_exact_without_a_script() {
        let at = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        assert_eq!(
            moment(at).into_string(),
            "<time datetime=\"2023-11-14T22:13:20Z\" title=\"2023-11-14 22:13:20 UTC\">2023-11-14 22:13 UTC</time>"
        );
    }

    #[test]
    fn no_two_parties_have_the_same_letters() {
        let mut rules = Rules::default();
        for (system, party) in
            [("a", "Contoso"), ("b", "Cont"), ("c", "Co"), ("d", "C"), ("e", "Fabrikam"), ("f", "C")]
        {
            let known = SystemRules {
                party: PartyName(format!("{system}-{party}")),
                party_title: party.to_owned(),
                status: Words { read: BTreeMap::new(), write: BTreeMap::new() },
                priority: Words { read: BTreeMap::new(), write: BTreeMap::new() },
            };
            rules.systems.insert(SystemName::new(system), known);
        }
        let cast = Cast::of(&rules);
        let letters: std::collections::BTreeSet<&str> =
            cast.members.values().map(|member| member.letters.as_str()).collect();
        assert_eq!(letters.len(), 6, "{letters:?}");
        assert_eq!(cast.of_system(&SystemName::new("e")).unwrap().letters, "F");
    }
}
