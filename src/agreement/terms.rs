//! The terms of an agreement as one value: what its version is the fingerprint of, and what the ledger keeps of it.

use ring::digest;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::{Agreement, Rules, SystemRules};
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
}

impl Rules {
    /// The terms of an agreement; `None` if there is none, or one of its systems is not known.
    pub fn terms(&self, name: &AgreementName) -> Option<Terms> {
        let agreement = self.agreements.get(name)?;
        Some(Terms {
            home: self.systems.get(&agreement.home)?.clone(),
            counterpart: self.systems.get(&agreement.counterpart)?.clone(),
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
