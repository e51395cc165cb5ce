//! The terms of an agreement as one value: what its version is the fingerprint of, and what the ledger keeps of it.

use std::collections::BTreeMap;

use ring::digest;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::{Action, Agreement, Class, Leftover, OtherFiles, Place, Redaction, Rules, SystemRules};
use crate::case::{AgreementName, AgreementVersion};

/// An agreement with the words of both systems: everything that decides what goes over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    /// The agreement.
    pub agreement: Agreement,
    /// The words of the home system.
    pub home: SystemRules,
    /// The words of the counterpart's system.
    pub counterpart: SystemRules,
    /// What becomes of personal data, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redaction: Option<RedactionTerms>,
}

/// What an agreement says of personal data, in words. What is recognized by the organization's own lists and patterns
/// is not told: they are its own, and may change every day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedactionTerms {
    /// What becomes of a class, by its name.
    pub classes: BTreeMap<String, String>,
    /// What becomes of a class at a place, or of all that stands there, by the name of the place; before `classes`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub places: BTreeMap<String, BTreeMap<String, String>>,
    /// What becomes of files that are no text.
    pub other_files: String,
    /// What becomes of a text in which something may be left.
    pub leftover: String,
}

impl RedactionTerms {
    fn of(redaction: &Redaction) -> Self {
        let places = redaction.places.iter().map(|(place, terms)| {
            let whole = terms.whole.map(|action| ("everything".to_owned(), said(action).to_owned()));
            (named(place), whole.into_iter().chain(by_class(&terms.classes)).collect())
        });
        Self {
            classes: by_class(&redaction.classes).collect(),
            places: places.collect(),
            other_files: match redaction.other_files {
                OtherFiles::Send => "send",
                OtherFiles::Hold => "hold",
                OtherFiles::Drop => "drop",
            }
            .to_owned(),
            leftover: match redaction.leftover {
                Leftover::Tell => "tell",
                Leftover::Hold => "hold",
            }
            .to_owned(),
        }
    }
}

fn by_class(classes: &BTreeMap<Class, Action>) -> impl Iterator<Item = (String, String)> + '_ {
    classes.iter().map(|(class, action)| (class.to_string(), said(*action).to_owned()))
}

fn said(action: Action) -> &'static str {
    match action {
        Action::Pass => "pass",
        Action::Pseudonymize => "pseudonymize",
        Action::Mask => "mask",
        Action::Drop => "drop",
    }
}

fn named(place: &Place) -> String {
    match place {
        Place::Field(field) => field.to_string(),
        Place::Comments => "comments".to_owned(),
        Place::Authors => "authors".to_owned(),
        Place::FileNames => "file names".to_owned(),
        Place::Files => "files".to_owned(),
    }
}

impl Rules {
    /// The terms of an agreement; `None` if there is none, or one of its systems is not known.
    pub fn terms(&self, name: &AgreementName) -> Option<Terms> {
        let agreement = self.agreements.get(name)?;
        Some(Terms {
            home: self.systems.get(&agreement.home)?.clone(),
            counterpart: self.systems.get(&agreement.counterpart)?.clone(),
            redaction: agreement.redaction.as_ref().map(RedactionTerms::of),
            agreement: agreement.clone(),
        })
    }
}

impl Terms {
    /// Reads terms that a ledger keeps.
    ///
    /// # Errors
    ///
    /// When they were written by a later version of Throughline that knows terms which this one does not.
    pub fn read(document: &Json) -> Result<Self, serde_json::Error> {
        let mut terms: Self = serde_json::from_value(document.clone())?;
        terms.agreement.version = Some(version_of(document));
        Ok(terms)
    }

    /// The terms as JSON, with every object's keys in order.
    pub fn document(&self) -> Json {
        // Serializing plain data into memory has no way to fail.
        in_order(serde_json::to_value(self).unwrap_or_default())
    }

    /// The version of these terms: the same for the same terms, however they are written down.
    pub fn version(&self) -> AgreementVersion {
        version_of(&self.document())
    }
}

fn version_of(document: &Json) -> AgreementVersion {
    let text = in_order(document.clone()).to_string();
    let hash = digest::digest(&digest::SHA256, text.as_bytes());
    AgreementVersion(hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn in_order(value: Json) -> Json {
    match value {
        Json::Object(object) => {
            let mut entries: Vec<(String, Json)> =
                object.into_iter().map(|(key, value)| (key, in_order(value))).collect();
            entries.sort_by(|one, other| one.0.cmp(&other.0));
            Json::Object(entries.into_iter().collect::<Map<_, _>>())
        }
        Json::Array(items) => Json::Array(items.into_iter().map(in_order).collect()),
        plain @ (Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_)) => plain,
    }
}
