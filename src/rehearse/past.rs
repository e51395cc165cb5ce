//! What is remembered of a case while its records go by, and the news in each of them.

use std::collections::BTreeMap;

use throughline_sdk::{SystemName, Timestamp, Visibility};

use super::crossing::News;
use super::routing::Known;
use crate::case::{Case, CaseId, Fact, Field, Origin, Reading, Role};
use crate::ledger::Record;

/// What is remembered of a case.
#[derive(Debug)]
pub(super) struct Past {
    pub(super) case: Case,
    /// Fields as last read, in each system's own words.
    pub(super) natives: BTreeMap<SystemName, Known>,
    pub(super) drafted: Drafted,
    /// What history does not hold was told.
    pub(super) untold: bool,
    /// That its route cannot be told was told.
    pub(super) unrouted: bool,
}

/// How the case would stand under the draft.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Drafted {
    /// With the legs that it has.
    Same,
    /// Without the counterpart.
    Without,
    /// With the counterpart, which it does not have.
    With(Box<Fact>),
}

/// A piece of news, kept while its record is folded.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) what: What,
    /// For this leg only: what stood there when it joined.
    pub(super) only: Option<SystemName>,
    /// Not for these legs: they joined after it, in the same step, and are told all that stood there.
    pub(super) except: Vec<SystemName>,
}

#[derive(Clone, Debug)]
pub(super) enum What {
    Field(SystemName, Field, String),
    Remark(Origin, Visibility, String, Option<String>),
    File(Origin, Visibility, String),
}

impl Past {
    /// A case of which nothing was recorded yet.
    pub(super) fn new(id: CaseId, opened: Timestamp) -> Self {
        Self {
            case: Case::new(id, opened),
            natives: BTreeMap::new(),
            drafted: Drafted::Same,
            untold: false,
            unrouted: false,
        }
    }

    /// Folds a record, and answers its news.
    pub(super) fn fold(&mut self, record: &Record, judged: bool) -> Vec<Event> {
        let mut events = Vec::new();
        let opened = record.facts.contains(&Fact::Opened);
        for fact in &record.facts {
            if let Fact::Observed { leg, reading } = fact {
                if judged {
                    self.fields(leg, reading, record, &mut events);
                }
                let natives = self.natives.entry(leg.clone()).or_default();
                natives.extend(reading.fields.iter().map(|(field, native)| (field.clone(), native.clone())));
            }
            if let Fact::Remarked { origin, author, body, internal, .. } = fact
                && judged
            {
                let body = Some(body.clone());
                events.push(What::Remark(origin.clone(), audience(*internal), author.clone(), body).event());
            }
            if let Fact::Attached { origin, name, internal, .. } = fact
                && judged
            {
                events.push(What::File(origin.clone(), audience(*internal), name.clone()).event());
            }
            self.case.apply(fact, record.at);
            if let Fact::Joined { leg, role: Role::Counterpart, .. } = fact
                && judged
                && !opened
            {
                for event in &mut events {
                    event.except.push(leg.clone());
                }
                events.extend(self.standing(leg));
            }
        }
        events
    }

    /// Fields that their people changed: neither our own echo nor what a ticket of our making looked like at first.
    fn fields(&self, name: &SystemName, reading: &Reading, record: &Record, events: &mut Vec<Event>) {
        let leg = self.case.legs.get(name);
        let made = leg.is_some_and(|leg| leg.ticket.is_some() && leg.shadow.updated.is_none());
        let became = |field: &Field| {
            let changed = |fact: &Fact| matches!(fact, Fact::Changed { field: of, leg, .. } if of == field && leg == name);
            record.facts.iter().any(changed)
        };
        for (field, native) in &reading.fields {
            let echo = reading.agreed.contains_key(field) && !became(field);
            let ours = made && self.case.document.fields.contains_key(field);
            if !(echo || ours) {
                let what = What::Field(name.clone(), field.clone(), native.clone());
                events.push(what.event());
            }
        }
    }

    /// All that the case holds by now, for a leg that joins it later.
    pub(super) fn standing(&self, leg: &SystemName) -> Vec<Event> {
        let only = Some(leg.clone());
        let document = &self.case.document;
        let fields = document.fields.iter().filter_map(|(field, value)| {
            let native = self.natives.get(&value.from)?.get(field)?;
            Some(What::Field(value.from.clone(), field.clone(), native.clone()))
        });
        let remarks =
            document.remarks.iter().filter(|(_, remark)| !remark.withdrawn).map(|(origin, remark)| {
                What::Remark(origin.clone(), remark.visibility(), remark.author.clone(), remark.body.clone())
            });
        let files = document.attachments.iter().filter(|(_, file)| !file.withdrawn);
        let files =
            files.map(|(origin, file)| What::File(origin.clone(), file.visibility(), file.name.clone()));
        fields.chain(remarks).chain(files).map(|what| Event { only: only.clone(), ..what.event() }).collect()
    }

    /// The case as it would stand under the draft.
    pub(super) fn drafted(&self, counterpart: &SystemName, at: Timestamp) -> Case {
        let mut case = self.case.clone();
        match &self.drafted {
            Drafted::Same => {}
            Drafted::Without => drop(case.legs.remove(counterpart)),
            Drafted::With(joined) => case.apply(joined, at),
        }
        case
    }
}

impl What {
    fn event(self) -> Event {
        Event { what: self, only: None, except: Vec::new() }
    }

    pub(super) fn news(&self) -> News<'_> {
        match self {
            Self::Field(leg, field, native) => News::Field(leg, field, native),
            Self::Remark(origin, visibility, author, body) => {
                News::Remark(origin, *visibility, author, body.as_deref().unwrap_or_default())
            }
            Self::File(origin, visibility, name) => News::File(origin, *visibility, name),
        }
    }

    /// Comments and files are named by their place, never shown.
    pub(super) fn place(&self) -> Option<String> {
        match self {
            Self::Field(..) => None,
            Self::Remark(origin, ..) | Self::File(origin, ..) => Some(origin.to_string()),
        }
    }
}

fn audience(internal: bool) -> Visibility {
    if internal { Visibility::Internal } else { Visibility::Public }
}
