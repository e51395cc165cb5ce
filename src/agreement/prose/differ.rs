//! What two versions of an agreement differ in, statement by statement.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::grants::grants;
use super::offers::offers;
use super::{Names, Terms, Word, conflict, further, named, personal, rest, sides, travels};
use crate::agreement::{Internal, Words};

/// One thing that two versions say differently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What it is about.
    pub about: String,
    /// What the old version says; `None` if nothing.
    pub old: Option<String>,
    /// What the new version says; `None` if nothing.
    pub new: Option<String>,
}

/// Everything that two versions say differently.
pub fn differences(old: &Terms, new: &Terms) -> Vec<Difference> {
    let (mut before, mut after) = (Statements::of(old), Statements::of(new));
    let mut found = Vec::new();
    let abouts: Vec<String> = before.order.iter().chain(&after.order).cloned().collect();
    for about in abouts {
        let (old, new) = (before.said.remove(&about), after.said.remove(&about));
        if old != new {
            found.push(Difference { about, old, new });
        }
    }
    found
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let about = &self.about;
        match (&self.old, &self.new) {
            (Some(old), Some(new)) => write!(f, "{about}: it was: {old}; it is now: {new}"),
            (None, Some(new)) => write!(f, "{about}: new: {new}"),
            (Some(old), None) => write!(f, "{about}: no longer: {old}"),
            (None, None) => write!(f, "{about}: nothing"),
        }
    }
}

/// What an agreement says, by what it is about.
#[derive(Debug, Default)]
struct Statements {
    order: Vec<String>,
    said: BTreeMap<String, String>,
}

impl Statements {
    fn of(terms: &Terms) -> Self {
        let mut all = Self::default();
        let names = Names::roles();
        let agreement = &terms.agreement;
        all.say("the name of the agreement", agreement.name.to_string());
        all.say("the counterpart", agreement.party.to_string());
        all.say("the home system", agreement.home.to_string());
        all.say("the counterpart's system", agreement.counterpart.to_string());
        for (name, system) in sides(terms) {
            all.say(format!("the party of {name}, as readers see it"), system.party_title.clone());
        }
        for (condition, about) in
            [(&agreement.outbound, "tickets that go out"), (&agreement.inbound, "tickets that come in")]
        {
            let said = match condition {
                None => "none by themselves".to_owned(),
                Some(condition) if condition.is_always() => "every one".to_owned(),
                Some(condition) => format!("those where {}", condition.in_words()),
            };
            all.say(about, said);
        }
        for requirement in &agreement.require {
            let about = format!("what is required, {:?}", requirement.name);
            all.say(about, format!("{}: {}", requirement.message, requirement.condition.in_words()));
        }
        for (field, rule) in &agreement.fields {
            let field = named(field);
            all.say(format!("{field}, which way"), travels(rule.direction, names));
            all.say(format!("{field}, when both sides changed it"), conflict(rule, names));
            for (from, to) in &rule.outbound {
                all.say(format!("{field}, {from:?} on its way out"), format!("shown as “{to}”"));
            }
            for (from, to) in &rule.inbound {
                all.say(format!("{field}, {from:?} on its way in"), format!("becomes “{to}”"));
            }
            if let Some(otherwise) = &rule.otherwise {
                all.say(format!("{field}, the rest"), rest(otherwise));
            }
        }
        all.say("public comments", travels(agreement.comments, names));
        all.say("public files", travels(agreement.files, names));
        let others: Vec<String> = agreement.introduces.iter().map(ToString::to_string).collect();
        let others = if others.is_empty() { "none".to_owned() } else { others.join(", ") };
        all.say("other parties that the counterpart may know of", others);
        let internal = match agreement.internal {
            Internal::None => "never go over",
            Internal::AsInternal => "go over and are internal there",
        };
        all.say("internal comments and files", internal.to_owned());
        let recheck = if agreement.recheck { "yes" } else { "no" };
        all.say("read once more just before sending", recheck.to_owned());
        if agreement.reply_passes {
            all.say("a public comment", "passes the ball to the other side".to_owned());
        }
        let offers = agreement.handshake.as_ref().map(|handshake| offers(handshake, names));
        let granted = (!agreement.grants.are_none()).then(|| grants(&agreement.grants, names));
        for (about, says) in offers.into_iter().flatten().chain(granted.into_iter().flatten()) {
            all.say(about, says);
        }
        let linked = if agreement.guest_link { "yes" } else { "no" };
        all.say("the counterpart's tickets link to the console", linked.to_owned());
        if let Some(redaction) = &terms.redaction {
            for said in personal(redaction) {
                let (about, says) = said.split_once(": ").unwrap_or((said.as_str(), "agreed"));
                all.say(format!("personal data, {about}"), says.to_owned());
            }
        }
        for (given, about) in [
            (&agreement.counterpart_type, "the type of tickets created at the counterpart"),
            (&agreement.home_type, "the type of tickets created at home"),
        ] {
            if let Some(given) = given {
                all.say(about, format!("“{given}”"));
            }
        }
        for (name, system) in sides(terms) {
            all.words(name, "status", &system.status);
            all.words(name, "priority", &system.priority);
        }
        for (key, value) in further(terms) {
            all.say(key, value);
        }
        all
    }

    fn words<T: Ord + Copy + Word>(&mut self, system: &str, what: &str, words: &Words<T>) {
        for (word, meaning) in &words.read {
            self.say(format!("the {what} {word:?} of {system}"), format!("means {}", meaning.said()));
        }
        for (meaning, word) in &words.write {
            self.say(format!("the {what} {} in {system}", meaning.said()), format!("written as “{word}”"));
        }
    }

    fn say(&mut self, about: impl Into<String>, says: String) {
        let about = about.into();
        self.order.push(about.clone());
        self.said.insert(about, says);
    }
}
