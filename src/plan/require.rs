//! What the counterpart needs before it is given a ticket: the agreement's requirements, held against what it would be
//! shown.

use super::project::Target;
use crate::agreement::{Agreement, Refused, Subject};
use crate::case::{Field, Priority, Status};

impl Target<'_> {
    /// What the ticket lacks that the agreement requires, all of it, in words. A requirement that cannot be decided is
    /// not met.
    pub(super) fn lack(&self, agreement: &Agreement) -> Option<String> {
        if agreement.require.is_empty() {
            return None;
        }
        let own = |field: &Field| {
            let value = self.value(field)?;
            match self.shown(field, value) {
                Ok(shown) => Some(shown.into_intent()),
                // It will leave, once what stands for the names in it is known.
                Err(Refused::Unnamed(_)) => Some(value.to_owned()),
                Err(Refused::Untranslatable(_) | Refused::Left(_) | Refused::Undecided(_)) => None,
            }
        };
        // Status and priority stay in our words here: conditions know no others.
        let meant = |field: &Field| {
            let value = self.value(field)?;
            own(field)?;
            self.view.rules.outward(agreement, field, value).ok()
        };
        let (title, description) = (own(&Field::Title), own(&Field::Description));
        let kind = agreement.counterpart_type.clone().or_else(|| own(&Field::Kind));
        let custom: Vec<(&str, String)> = self
            .case
            .document
            .fields
            .keys()
            .filter_map(|field| match field {
                Field::Custom(name) => Some((name.as_str(), own(field).filter(|value| !value.is_empty())?)),
                Field::Title | Field::Description | Field::Status | Field::Priority | Field::Kind => None,
            })
            .collect();
        let subject = Subject {
            title: title.as_deref().unwrap_or_default(),
            description: description.as_deref().unwrap_or_default(),
            status: meant(&Field::Status).and_then(Status::from_word),
            priority: meant(&Field::Priority).and_then(Priority::from_word),
            kind: kind.as_deref().filter(|kind| !kind.is_empty()),
            fields: custom.iter().map(|(name, value)| (*name, value.as_str())).collect(),
            system: self.name.as_str(),
            party: &agreement.party.0,
        };
        let lacking: Vec<String> = agreement
            .require
            .iter()
            .filter(|requirement| requirement.condition.evaluate(&subject) != Ok(true))
            .map(|requirement| format!("{} ({})", requirement.message, requirement.name))
            .collect();
        let title = self.view.rules.systems.get(self.name).map(|system| system.party_title.as_str());
        let party = title.unwrap_or(&agreement.party.0);
        (!lacking.is_empty()).then(|| {
            format!(
                "the agreement {} requires more before {} gets a ticket: {}; it goes by itself once the home ticket \
                 has it",
                agreement.name,
                party,
                lacking.join("; ")
            )
        })
    }
}
