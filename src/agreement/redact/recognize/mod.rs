//! Recognizers: where personal data of each class stands in a folded text.
//!
//! A recognizer claims what its documentation says and nothing else; a checksum is tested wherever there is one. Free
//! text is never promised clean: what nobody wrote a rule for is not seen. `labelled.txt` beside the tests is what the
//! rules are measured on.

mod card;
mod email;
mod groups;
mod iban;
mod ip;
#[cfg(test)]
mod measured;
mod names;
mod national;
mod pattern;
mod phone;
#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::Range;

use regex::Regex;

pub use names::Listed;
pub use pattern::Pattern;

use super::folded::Folded;
use super::terms::Class;
use crate::case::Fingerprint;
use names::Names;

/// Personal data in a folded text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Match {
    /// Where.
    pub(super) place: Range<usize>,
    /// Of which class.
    pub(super) class: Class,
    /// The form by which the value is known again.
    pub(super) key: String,
    /// The spelling in which it comes back; `None`: the one that stands there.
    pub(super) value: Option<String>,
}

/// All recognizers of one organization.
pub struct Recognizers {
    phone: Regex,
    people: Names,
    customers: Names,
    patterns: Vec<Pattern>,
    print: Fingerprint,
}

impl Recognizers {
    /// The recognizers, with the organization's own lists and patterns.
    ///
    /// # Errors
    ///
    /// When the lists are too large.
    pub fn new(people: &[Listed], customers: &[Listed], patterns: Vec<Pattern>) -> Result<Self, String> {
        let own: Vec<_> = patterns.iter().map(Pattern::source).collect();
        Ok(Self {
            phone: phone::pattern()?,
            people: Names::of_people(people)?,
            customers: Names::of_customers(customers)?,
            print: Fingerprint::of(&format!("{people:?} {customers:?} {own:?}")),
            patterns,
        })
    }

    /// The same for the same lists and patterns.
    pub fn print(&self) -> &Fingerprint {
        &self.print
    }

    /// Everything of the wanted classes, in no order. Matches may overlap. Its time grows with the text only.
    pub(super) fn find(&self, folded: &Folded, wanted: impl Fn(&Class) -> bool) -> Vec<Match> {
        let text = folded.text();
        let mut found = Vec::new();
        if wanted(&Class::Email) {
            email::find(text, &mut found);
        }
        if wanted(&Class::Phone) {
            phone::find(&self.phone, text, &mut found);
        }
        if wanted(&Class::Ip) {
            ip::find(text, &mut found);
        }
        if [Class::Iban, Class::Card, Class::NationalId].iter().any(&wanted) {
            let groups = groups::groups(text);
            if wanted(&Class::Iban) {
                iban::find(text, &groups, &mut found);
            }
            if wanted(&Class::Card) {
                card::find(text, &groups, &mut found);
            }
            if wanted(&Class::NationalId) {
                national::find(text, &groups, &mut found);
            }
        }
        if wanted(&Class::Person) {
            self.people.find(text, &Class::Person, &mut found);
        }
        if wanted(&Class::Customer) {
            self.customers.find(text, &Class::Customer, &mut found);
        }
        for pattern in self.patterns.iter().filter(|pattern| wanted(pattern.class())) {
            pattern.find(text, &mut found);
        }
        found
    }
}

impl fmt::Debug for Recognizers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recognizers")
    }
}
