//! Mapping: between a system's own words and Throughline's, in both directions. What has no word goes nowhere.

use std::fmt;

use throughline_sdk::SystemName;
use throughline_sdk::ticket::canonical_text;

use super::redact::{redacted, redacted_text};
use super::{Agreement, Place, Pseudonyms, Redacted, Refused, Release, Rules};
use crate::case::{Field, Priority, Status};

/// A value that has no meaning or no word, and therefore is not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Untranslatable(String);

impl Rules {
    /// What a system's own value means in Throughline's words; `None` for an empty value that means nothing. What a
    /// counterpart wrote has the values in place of its agreement's pseudonyms; `agreement` is `None` for the home desk.
    ///
    /// # Errors
    ///
    /// A status or priority whose meaning is not configured.
    pub fn lift(
        &self,
        system: &SystemName,
        agreement: Option<&Agreement>,
        field: &Field,
        native: &str,
        names: &Pseudonyms,
    ) -> Result<Option<String>, Untranslatable> {
        let rules = self.systems.get(system);
        let meaning = match field {
            Field::Status => {
                rules.and_then(|rules| rules.status.read.get(native)).map(|status| status.word())
            }
            Field::Priority => rules.and_then(|rules| rules.priority.read.get(native)).map(|it| it.word()),
            Field::Title | Field::Description | Field::Custom(_) => {
                return Ok(Some(canonical_text(&restored(native, agreement, names))));
            }
            Field::Kind => return Ok(Some(native.to_owned()).filter(|kind| !kind.is_empty())),
        };
        match meaning {
            Some(word) => Ok(Some(word.to_owned())),
            None if native.is_empty() && *field == Field::Priority => Ok(None),
            None => Err(Untranslatable(format!(
                "no meaning for the {field} {native:?} of {system}; say what it means under {field}.read"
            ))),
        }
    }

    /// What a system is shown for a value in Throughline's words: mapped for the counterpart, then put into the
    /// system's own words, then redacted. `agreement` is `None` for the home desk.
    ///
    /// # Errors
    ///
    /// A status or priority for which the system has no configured word, and a text that may not leave.
    pub fn project(
        &self,
        system: &SystemName,
        agreement: Option<&Agreement>,
        field: &Field,
        value: &str,
        release: &Release<'_>,
    ) -> Result<Redacted<String>, Refused> {
        let shown = agreement
            .and_then(|agreement| agreement.fields.get(field)?.outbound.get(value))
            .map_or(value, String::as_str);
        let rules = self.systems.get(system);
        let word = match field {
            Field::Status => Status::from_word(shown).and_then(|status| rules?.status.write.get(&status)),
            Field::Priority => Priority::from_word(shown).and_then(|it| rules?.priority.write.get(&it)),
            Field::Title | Field::Description | Field::Custom(_) => {
                let place = Place::Field(field.clone());
                return redacted_text(&canonical_text(shown), &place, agreement, release);
            }
            Field::Kind => return Ok(redacted(shown.to_owned())),
        };
        word.map(|word| redacted(word.clone())).ok_or_else(|| {
            Refused::Untranslatable(Untranslatable(format!(
                "{system} has no word for the {field} {shown:?}; write one under {field}.write"
            )))
        })
    }
}

/// A counterpart's text with the values in place of its agreement's pseudonyms.
pub fn restored(text: &str, agreement: Option<&Agreement>, names: &Pseudonyms) -> String {
    // Also where nothing is redacted any more: what was sent before still comes back.
    agreement.map_or_else(|| text.to_owned(), |agreement| names.restore(&agreement.name, text))
}

impl fmt::Display for Untranslatable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Untranslatable {}
