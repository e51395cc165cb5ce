//! Doubt: which intents an observation shows to have taken effect, and which it shows not to have.

use std::collections::{BTreeMap, BTreeSet};

use throughline_sdk::{
    Capabilities, ConditionalWrite, CreateClass, IntentId, Marker, Operation, RemoteId, Subject, SystemName,
    Ticket,
};

use super::native::{answers, value_in};
use super::planner::Planner;
use crate::case::{Fact, Field, Item, Leg, Outstanding, Phase, WrittenValue};

impl Planner<'_> {
    /// Ends the intents whose marker the ticket bears.
    pub(super) fn recognize(&mut self, leg: &SystemName, ticket: &Ticket) {
        let Some(standing) = self.case.legs.get(leg) else { return };
        if standing.outstanding.is_empty() {
            return;
        }
        let mut marked: BTreeMap<&Marker, Subject> = BTreeMap::new();
        for comment in &ticket.comments {
            if let Some(marker) =
                comment.marker.as_ref().filter(|_| !standing.shadow.comments.contains_key(&comment.id))
            {
                marked.entry(marker).or_insert_with(|| Subject::Comment(comment.id.clone()));
            }
        }
        for file in &ticket.files {
            if let Some(marker) =
                file.marker.as_ref().filter(|_| !standing.shadow.files.contains_key(&file.id))
            {
                marked.entry(marker).or_insert_with(|| Subject::File(file.id.clone()));
            }
        }
        if let Some(marker) = &ticket.marker {
            marked.entry(marker).or_insert_with(|| Subject::Ticket(ticket.id.clone()));
        }
        let mut found: Vec<(IntentId, Subject)> = standing
            .outstanding
            .iter()
            .filter_map(|standing| {
                let subject = marked.get(&standing.intent.marker)?;
                fits(&standing.intent.operation, subject)
                    .then(|| (standing.intent.id.clone(), subject.clone()))
            })
            .collect();
        if let Some(able) = self.view.capabilities.get(leg) {
            found.extend(unmarked(standing, able, ticket));
        }
        for (intent, subject) in found {
            self.say(Fact::Effected { leg: leg.clone(), intent, subject, found: true, lost: Vec::new() });
        }
    }

    /// Decides the doubtful intents that no attempt can bring to effect any more, where the ticket shows it.
    pub(super) fn settle(&mut self, leg: &SystemName, ticket: &Ticket) {
        let Some(standing) = self.case.legs.get(leg) else { return };
        let decided: Vec<(IntentId, Option<Subject>)> = standing
            .outstanding
            .iter()
            .filter(|standing| {
                matches!(standing.phase, Phase::Doubtful { .. })
                    && self.view.settled.contains(&standing.intent.id)
            })
            .filter_map(|standing| {
                let subject = shows(standing, ticket)?.filter(|_| !self.came_later(leg, standing));
                Some((standing.intent.id.clone(), subject))
            })
            .collect();
        for (intent, subject) in decided {
            let leg = leg.clone();
            self.say(match subject {
                Some(subject) => Fact::Effected { leg, intent, subject, found: true, lost: Vec::new() },
                None => Fact::Dropped {
                    leg,
                    intent,
                    reason: "the ticket was read and shows no effect of it".to_owned(),
                },
            });
        }
    }

    /// Whether a doubtful value that the ticket shows was set by its people: it got another one in between, after
    /// which a write on the condition of an older version could not take effect any more.
    pub(super) fn came_later(&self, leg: &SystemName, standing: &Outstanding) -> bool {
        let able = self.view.capabilities.get(leg);
        standing.overtaken && able.is_some_and(|able| able.conditional_write == ConditionalWrite::Atomic)
    }
}

/// Whether a doubtful write stands on its ticket where nothing bears a marker: word for word, and nobody else's so far.
pub(crate) fn stands_unmarked(leg: &Leg, able: &Capabilities, intent: &IntentId, ticket: &Ticket) -> bool {
    unmarked(leg, able, ticket).iter().any(|(found, _)| found == intent)
}

/// What stands on a ticket of the doubtful writes that bear no marker there.
fn unmarked(leg: &Leg, able: &Capabilities, ticket: &Ticket) -> Vec<(IntentId, Subject)> {
    let mut taken = BTreeSet::new();
    let doubtful = leg.outstanding.iter().filter(|standing| standing.doubted);
    let found = doubtful.filter_map(|standing| {
        let subject = match &standing.intent.operation {
            Operation::Comment { body, visibility } if able.comment == Some(CreateClass::C4) => {
                let mut strangers = ticket.comments.iter().filter(|comment| {
                    !leg.shadow.comments.contains_key(&comment.id)
                        && !taken.contains(comment.id.as_str())
                        && comment.visibility == *visibility
                });
                let there = strangers.find(|there| answers(&Field::Description, body, &there.body))?;
                taken.insert(there.id.as_str());
                Subject::Comment(there.id.clone())
            }
            Operation::Attach { name, size, visibility, .. } if able.attach == Some(CreateClass::C4) => {
                let there = ticket.files.iter().find(|file| {
                    !leg.shadow.files.contains_key(&file.id)
                        && !taken.contains(file.id.as_str())
                        && (&file.name, file.size, file.visibility) == (name, *size, *visibility)
                })?;
                taken.insert(there.id.as_str());
                Subject::File(there.id.clone())
            }
            Operation::Comment { .. }
            | Operation::Attach { .. }
            | Operation::Create(_)
            | Operation::Update { .. }
            | Operation::Transition { .. }
            | Operation::Edit { .. }
            | Operation::Retract { .. }
            | Operation::LinkBack { .. } => return None,
        };
        Some((standing.intent.id.clone(), subject))
    });
    found.collect()
}

fn fits(operation: &Operation, subject: &Subject) -> bool {
    match operation {
        Operation::Create(_) => matches!(subject, Subject::Ticket(_)),
        Operation::Comment { .. } => matches!(subject, Subject::Comment(_)),
        Operation::Attach { .. } => matches!(subject, Subject::File(_)),
        Operation::Update { .. }
        | Operation::Transition { .. }
        | Operation::Edit { .. }
        | Operation::Retract { .. }
        | Operation::LinkBack { .. } => false,
    }
}

/// What the ticket shows of an intent: its subject if it took effect. `None` where a ticket can never show that
/// it did not: a create, a comment, a file.
fn shows(standing: &Outstanding, ticket: &Ticket) -> Option<Option<Subject>> {
    let this = || Subject::Ticket(RemoteId::new(ticket.id.as_str()));
    let found = match &standing.intent.operation {
        Operation::Create(_) | Operation::Comment { .. } | Operation::Attach { .. } => return None,
        operation @ (Operation::Update { .. } | Operation::Transition { .. }) => {
            let Item::Field(field) = &standing.item else { return Some(None) };
            let sent = operation.value(field)?;
            answers(field, sent, value_in(ticket, field)).then(this)
        }
        Operation::Edit { comment, body } => {
            let there = ticket.comments.iter().find(|there| there.id == *comment);
            there
                .filter(|there| answers(&Field::Description, body, &there.body))
                .map(|there| Subject::Comment(there.id.clone()))
        }
        Operation::Retract { comment } => {
            let there = ticket.comments.iter().any(|there| there.id == *comment && !there.body.is_empty());
            (!there).then(|| Subject::Comment(comment.clone()))
        }
        Operation::LinkBack(link) => ticket.references.contains(link).then(this),
    };
    Some(found)
}
