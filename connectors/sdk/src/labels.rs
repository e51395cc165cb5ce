//! Labels that stand for a status or a priority, at desks that have no field for it: which word a set of them says, and how
//! another word is put there.
//!
//! Labels are added and removed one by one, never replaced as a whole: what somebody else adds at the same moment
//! stays.

use std::collections::{BTreeMap, BTreeSet};

use crate::settings::wrong;
use crate::{Result, Settings};

/// Words by label.
pub type Words = BTreeMap<String, String>;

/// What has to be done to a ticket's labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exchange {
    /// Labels to put there.
    pub add: Vec<String>,
    /// Labels to take away.
    pub remove: Vec<String>,
}

/// The words under a setting, a table from label to word. Two labels that differ in case alone are one.
///
/// # Errors
///
/// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) where a label or word is empty, or a label stands twice.
pub fn words(settings: &Settings, key: &str) -> Result<Words> {
    let table = settings.values.get(key).and_then(serde_json::Value::as_object);
    let mut words = Words::new();
    let mut seen = BTreeSet::new();
    for (label, word) in table.into_iter().flatten() {
        let (label, word) = (label.trim(), word.as_str().unwrap_or_default().trim());
        if label.is_empty() || word.is_empty() {
            return Err(wrong(key, "has an empty label or word"));
        }
        if !seen.insert(label.to_lowercase()) {
            return Err(wrong(key, &format!("has the label {label:?} twice; case is not told apart")));
        }
        words.insert(label.to_owned(), word.to_owned());
    }
    Ok(words)
}

/// The label of `these` that is also one of `those`: it would stand for two things.
pub fn shared<'w>(these: &'w Words, those: &Words) -> Option<&'w str> {
    these.keys().map(String::as_str).find(|label| word(those, label).is_some())
}

/// Whether two names are one label: case is not told apart.
pub fn same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// The word of a label.
pub fn word<'w>(words: &'w Words, label: &str) -> Option<&'w str> {
    words.iter().find(|(known, _)| same(known, label)).map(|(_, word)| word.as_str())
}

/// The word that a ticket's labels say. Of several the one whose label comes first in the alphabet.
pub fn said<'w>(words: &'w Words, present: &[&str]) -> Option<&'w str> {
    let there = |label: &String| present.iter().any(|name| same(name, label));
    words.iter().find(|(label, _)| there(label)).map(|(_, word)| word.as_str())
}

/// How the labels come to say `wanted`, or nothing for `None`. `None` if no label stands for the word.
pub fn exchange(words: &Words, present: &[&str], wanted: Option<&str>) -> Option<Exchange> {
    let there = |label: &str| present.iter().any(|name| same(name, label));
    let fits: Vec<&String> =
        words.iter().filter(|(_, word)| Some(word.as_str()) == wanted).map(|(label, _)| label).collect();
    let add = match (wanted, fits.first()) {
        (None, _) => Vec::new(),
        (Some(_), None) => return None,
        (Some(_), Some(_)) if fits.iter().any(|label| there(label)) => Vec::new(),
        (Some(_), Some(label)) => vec![(*label).clone()],
    };
    let other = |name: &&&str| word(words, name).is_some_and(|word| Some(word) != wanted);
    let remove = present.iter().filter(other).map(|name| (*name).to_owned()).collect();
    Some(Exchange { add, remove })
}

/// How one set of names becomes another.
pub fn difference(present: &[&str], wanted: &[&str]) -> Exchange {
    let missing = |from: &[&str], name: &str| !from.iter().any(|other| same(other, name));
    let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
    Exchange {
        add: owned(wanted.iter().copied().filter(|name| missing(present, name)).collect()),
        remove: owned(present.iter().copied().filter(|name| missing(wanted, name)).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> Words {
        [("P1", "urgent"), ("blocker", "urgent"), ("P2", "high")]
            .map(|(l, w)| (l.to_owned(), w.to_owned()))
            .into()
    }

    fn check(present: &[&str], wanted: Option<&str>, add: &[&str], remove: &[&str]) {
        let Exchange { add: added, remove: removed } = exchange(&words(), present, wanted).unwrap();
        assert_eq!((added, removed), (owned(add), owned(remove)), "{present:?} to {wanted:?}");
    }

    fn owned(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_word_is_put_there_and_the_others_go() {
        check(&["bug"], Some("high"), &["P2"], &[]);
        check(&["bug", "p1", "blocker"], Some("high"), &["P2"], &["p1", "blocker"]);
        check(&["Blocker", "P2"], Some("urgent"), &[], &["P2"]);
        check(&["bug", "P2"], None, &[], &["P2"]);
        assert_eq!(exchange(&words(), &[], Some("low")), None, "no label says it");
    }

    #[test]
    fn what_was_put_there_is_said() {
        assert_eq!(said(&words(), &["bug", "p2"]), Some("high"));
        assert_eq!(said(&words(), &["P2", "blocker"]), Some("high"), "the alphabet decides");
        assert_eq!(said(&words(), &["bug"]), None);
    }

    #[test]
    fn a_set_becomes_another_without_touching_what_stays() {
        assert_eq!(
            difference(&["Bug", "old"], &["bug", "new"]),
            Exchange { add: owned(&["new"]), remove: owned(&["old"]) }
        );
    }
}
