//! Mapping: between a system's own words and Throughline's, in both directions. What has no word goes nowhere.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use throughline_sdk::SystemName;
use throughline_sdk::ticket::canonical_text;

use super::redact::{redacted, redacted_text};
use super::{Agreement, FieldRule, Otherwise, Place, Pseudonyms, Redacted, Refused, Release, Rules};
use crate::case::{Field, Priority, Status};

/// A value that has no meaning or no word, and therefore is not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Untranslatable(String);

impl Rules {
    /// What a system's own value means in the case: in Throughline's words, with the values in place of its agreement's
    /// pseudonyms, then mapped as the agreement has it; `None` for an empty value that means nothing. `agreement` is
    /// `None` for the home desk.
    ///
    /// # Errors
    ///
    /// A status or priority whose meaning is not configured, and a value that the agreement's map does not name and
    /// that it parks.
    pub fn lift(
        &self,
        system: &SystemName,
        agreement: Option<&Agreement>,
        field: &Field,
        native: &str,
        names: &Pseudonyms,
    ) -> Result<Option<String>, Untranslatable> {
        let Some(value) = self.meaning(system, agreement, field, native, names)? else { return Ok(None) };
        let Some((agreement, rule)) = agreement.and_then(|it| Some((it, it.fields.get(field)?))) else {
            return Ok(Some(value));
        };
        let way = Way { agreement, rule, map: &rule.inbound, to: &agreement.home };
        self.through(&way, field, &value).map(|value| Some(value.to_owned()))
    }

    fn meaning(
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
                "no meaning for the {field} {native:?} of {system}; say what it means in [systems.{system}.{field}]"
            ))),
        }
    }

    /// What the counterpart is shown for a value, both in Throughline's words.
    ///
    /// # Errors
    ///
    /// For a value that the agreement's map does not name and that it parks.
    pub fn outward<'v>(
        &self,
        agreement: &'v Agreement,
        field: &Field,
        value: &'v str,
    ) -> Result<&'v str, Untranslatable> {
        let Some(rule) = agreement.fields.get(field) else { return Ok(value) };
        let way = Way { agreement, rule, map: &rule.outbound, to: &agreement.counterpart };
        self.through(&way, field, value)
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
        let shown = agreement.map_or(Ok(value), |agreement| self.outward(agreement, field, value));
        let shown = shown.map_err(Refused::Untranslatable)?;
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
                "{system} has no word for the {field} {shown:?}; write one in [systems.{system}.write.{field}]"
            )))
        })
    }

    fn through<'v>(&self, way: &Way<'v>, field: &Field, value: &'v str) -> Result<&'v str, Untranslatable> {
        if let Some(mapped) = way.map.get(value) {
            return Ok(mapped);
        }
        let unnamed = !way.map.is_empty() && !value.is_empty();
        let unsaid = !self.has_word(way.to, field, value);
        match &way.rule.otherwise {
            Some(Otherwise::Default(other)) if unnamed || unsaid => Ok(other),
            None | Some(Otherwise::Park) if unnamed => Err(Untranslatable(format!(
                "the agreement {} does not say what the {field} {value:?} becomes at {}, and parks it",
                way.agreement.name, way.to
            ))),
            // What the other side has no word for is refused where the word is looked up.
            _ => Ok(value),
        }
    }

    /// Whether a system has a word for a value. Fields without a closed set of words take any.
    fn has_word(&self, system: &SystemName, field: &Field, value: &str) -> bool {
        let Some(rules) = self.systems.get(system) else { return false };
        match field {
            Field::Status => Status::from_word(value).is_some_and(|it| rules.status.write.contains_key(&it)),
            Field::Priority => {
                Priority::from_word(value).is_some_and(|it| rules.priority.write.contains_key(&it))
            }
            Field::Title | Field::Description | Field::Kind | Field::Custom(_) => true,
        }
    }
}

/// A value that no map names.
const UNNAMED: &str = "\u{0}";

impl FieldRule {
    /// Where the two maps contradict each other: a value of one side that comes back, and leaves again, as another one.
    /// Given as that value and what it would become; `None` if there is none among the values that are named.
    pub fn contradiction(&self) -> Option<(String, String)> {
        if self.direction != super::Direction::Both {
            return None;
        }
        let default = match &self.otherwise {
            Some(Otherwise::Default(value)) => Some(value.as_str()),
            Some(Otherwise::Park | Otherwise::AsItIs) | None => None,
        };
        let maps = [&self.outbound, &self.inbound].into_iter().flatten();
        let named = maps.flat_map(|(from, to)| [from.as_str(), to.as_str()]);
        let values: BTreeSet<&str> = named.chain(default).chain([UNNAMED]).collect();
        let once_more = |value: &str, out: bool| {
            let one = self.mapped(out, value)?;
            let back = self.mapped(!out, &one)?;
            let again = self.mapped(out, &back)?;
            (again != one).then_some((one, again))
        };
        values.iter().find_map(|value| once_more(value, true).or_else(|| once_more(value, false)))
    }

    fn mapped(&self, out: bool, value: &str) -> Option<String> {
        let map = if out { &self.outbound } else { &self.inbound };
        match (map.get(value), &self.otherwise) {
            (Some(mapped), _) => Some(mapped.clone()),
            (None, _) if map.is_empty() => Some(value.to_owned()),
            (None, Some(Otherwise::Default(other))) => Some(other.clone()),
            (None, Some(Otherwise::AsItIs)) => Some(value.to_owned()),
            (None, Some(Otherwise::Park) | None) => None,
        }
    }
}

/// One way of one field.
#[derive(Clone, Copy, Debug)]
struct Way<'v> {
    agreement: &'v Agreement,
    rule: &'v FieldRule,
    map: &'v BTreeMap<String, String>,
    to: &'v SystemName,
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
