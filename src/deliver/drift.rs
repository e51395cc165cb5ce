//! Many cases looked at one after another: what differs between each ticket as it is read and what the case says, and
//! what the bridge would do about it. Nothing is recorded or written; every other request goes first.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use throughline_sdk::{Operation, SystemName, Timestamp, Urgency};

use super::preview::{Preview, Unseen};
use crate::case::{Case, CaseId, Fact, Field, WrittenValue};
use crate::daemon::Shared;
use crate::ledger;
use crate::plan::value_in;

/// Cases read from the store at a time.
const PAGE: usize = 50;
/// The most differences that are kept of one look; those beyond are counted.
const KEPT: usize = 2000;

/// Which cases are looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "DriftScope")]
pub struct Scope {
    /// Only cases in which this system takes part, and only its differences.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "system"))]
    pub system: Option<SystemName>,
    /// So many cases, spread evenly over all; `None`: every one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub sample: Option<u64>,
}

/// One look at many cases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "DriftLook")]
pub struct Look {
    /// Who asked for it.
    pub by: String,
    /// Which cases.
    pub scope: Scope,
    /// When it began.
    pub began: Timestamp,
    /// When it ended; `None` while it goes on.
    pub ended: Option<Timestamp>,
    /// Why it ended early, if it did.
    pub stopped: Option<String>,
    /// How many cases there are to look at.
    pub total: u64,
    /// How many were looked at.
    pub looked: u64,
    /// Tickets that could not be read, with the reasons; the first of them.
    pub unread: Vec<String>,
    /// The differences.
    pub differences: Vec<Difference>,
    /// Differences beyond those that are kept.
    pub more: u64,
}

/// Something that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// The case.
    pub case: String,
    /// The leg's system.
    #[schemars(with = "String")]
    pub system: SystemName,
    /// The number of the ticket there.
    pub key: Option<String>,
    /// What differs.
    pub item: String,
    /// What the case says, as that system is shown it.
    pub here: String,
    /// What stands there.
    pub there: String,
    /// What the bridge would do.
    pub does: String,
}

/// The last look, which may go on. One at a time.
#[derive(Debug, Default)]
pub struct Drift(Mutex<Option<Look>>);

impl Drift {
    /// The last look.
    pub fn last(&self) -> Option<Look> {
        self.look().clone()
    }

    /// Ends the look that goes on, if one does.
    pub(crate) fn stop(&self, why: &str, at: Timestamp) {
        if let Some(look) = self.look().as_mut().filter(|look| look.ended.is_none()) {
            look.ended = Some(at);
            look.stopped = Some(why.to_owned());
        }
    }

    fn look(&self) -> MutexGuard<'_, Option<Look>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes something of the look that began at `began`; false once that is over.
    fn note(&self, began: Timestamp, note: impl FnOnce(&mut Look)) -> bool {
        match self.look().as_mut().filter(|look| look.began == began && look.ended.is_none()) {
            Some(look) => {
                note(look);
                true
            }
            None => false,
        }
    }
}

impl Shared {
    /// Begins a look at many cases; `None` where one goes on already.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub(crate) async fn look_for_drift(
        self: &Arc<Self>,
        by: &str,
        scope: Scope,
    ) -> Result<Option<Look>, ledger::Error> {
        let counts = self.journal.read(crate::store::Index::counts).await?;
        let total = scope.sample.map_or(counts.cases, |sample| sample.min(counts.cases));
        let look = Look {
            by: by.to_owned(),
            scope,
            began: self.clock.now(),
            ended: None,
            stopped: None,
            total,
            looked: 0,
            unread: Vec::new(),
            differences: Vec::new(),
            more: 0,
        };
        {
            let mut last = self.drift.look();
            if last.as_ref().is_some_and(|last| last.ended.is_none()) {
                return Ok(None);
            }
            *last = Some(look.clone());
        }
        let (shared, began) = (Arc::clone(self), look.began);
        let (scope, highest) = (look.scope.clone(), counts.highest);
        let walk = async move {
            let walked = shared.walk(began, &scope, total, highest).await;
            if let Err(error) = walked {
                tracing::error!(%error, "A look for drift ended early.");
                shared.drift.stop(&error.to_string(), shared.clock.now());
            }
        };
        self.supervisor.spawn(walk);
        Ok(Some(look))
    }

    async fn walk(
        &self,
        began: Timestamp,
        scope: &Scope,
        total: u64,
        highest: u64,
    ) -> Result<(), ledger::Error> {
        let mut after = CaseId(0);
        // A sample goes over all numbers in equal steps.
        let step = scope.sample.map(|_| (highest / total.max(1)).max(1));
        let mut taken = 0;
        loop {
            let (from, count) = (after, if step.is_some() { 1 } else { PAGE });
            let cases = self.journal.read(move |index| index.cases(from, count)).await?;
            let Some(last) = cases.last().map(|case| case.id) else { break };
            after = step.map_or(last, |step| CaseId(last.0.max(from.0.saturating_add(step))));
            for case in cases {
                if self.supervisor.is_stopping() {
                    self.drift
                        .stop("the bridge stops, or its configuration was loaded anew", self.clock.now());
                    return Ok(());
                }
                taken += 1;
                if !self.look_into(began, scope, case).await? || (step.is_some() && taken >= total) {
                    self.drift.note(began, |look| look.ended = Some(self.clock.now()));
                    return Ok(());
                }
            }
        }
        self.drift.note(began, |look| look.ended = Some(self.clock.now()));
        Ok(())
    }

    /// Looks at one case; false once the look is over.
    async fn look_into(&self, began: Timestamp, scope: &Scope, case: Case) -> Result<bool, ledger::Error> {
        let takes_part = |system: &SystemName| case.legs.contains_key(system);
        let wanted = scope.system.as_ref().is_none_or(takes_part) && !case.legs.is_empty();
        if !wanted {
            return Ok(self.drift.note(began, |look| look.looked += 1));
        }
        let before = case.clone();
        let preview = match self.preview_case(case, None, Urgency(0)).await {
            Ok(preview) => preview,
            Err(Unseen::Ledger(error)) => return Err(error),
            Err(unseen) => {
                return Ok(self.drift.note(began, |look| {
                    look.looked += 1;
                    look.unread.push(unseen.to_string());
                }));
            }
        };
        let differences = differences(&before, &preview, scope.system.as_ref());
        Ok(self.drift.note(began, |look| {
            look.looked += 1;
            let room = KEPT.saturating_sub(look.differences.len());
            let beyond = differences.len().saturating_sub(room);
            look.more += u64::try_from(beyond).unwrap_or_default();
            look.differences.extend(differences.into_iter().take(room));
            let room = KEPT.saturating_sub(look.unread.len());
            look.unread.extend(preview.unread.into_values().take(room));
        }))
    }
}

/// What differs in one case, by what the planner would do about it.
fn differences(before: &Case, preview: &Preview, only: Option<&SystemName>) -> Vec<Difference> {
    let mut found: Vec<Difference> = Vec::new();
    for fact in &preview.facts {
        let Some((system, item, here, there, does)) = difference(before, preview, fact) else { continue };
        let leg = before.legs.get(&system);
        if only.is_some_and(|only| *only != system) {
            continue;
        }
        found.push(Difference {
            case: before.id.to_string(),
            key: leg.and_then(|leg| leg.key.clone().or_else(|| leg.ticket.as_ref().map(ToString::to_string))),
            system,
            item,
            here,
            there,
            does,
        });
    }
    found
}

/// Where, what, here, there, and what would be done.
type Told = (SystemName, String, String, String, String);

#[expect(clippy::wildcard_enum_match_arm, reason = "all but these say nothing of a difference")]
fn difference(before: &Case, preview: &Preview, fact: &Fact) -> Option<Told> {
    let native = |system: &SystemName, field: &Field| {
        preview.tickets.get(system).map(|ticket| value_in(ticket, field).to_owned()).unwrap_or_default()
    };
    let said = |field: &Field| {
        before.document.fields.get(field).map(|value| value.value.clone()).unwrap_or_default()
    };
    Some(match fact {
        Fact::Changed { field, value, leg, .. } if said(field) != *value => {
            let does = format!("takes it over as {value:?}, and tells the others");
            (leg.clone(), field.to_string(), said(field), native(leg, field), does)
        }
        Fact::Disputed { field, wanted } => {
            let leg = wanted.keys().next()?.clone();
            let does = "asks a person, for the legs disagree".to_owned();
            (leg.clone(), field.to_string(), said(field), native(&leg, field), does)
        }
        Fact::Remarked { origin, body, version, .. } => {
            let what = if *version > 1 { "an edited comment" } else { "a comment" };
            let does = format!("takes {what} over");
            (origin.system.clone(), format!("comment:{}", origin.id), String::new(), body.clone(), does)
        }
        Fact::RemarkWithdrawn { origin } => {
            let does = "takes its copies back".to_owned();
            (
                origin.system.clone(),
                format!("comment:{}", origin.id),
                String::new(),
                "not there".to_owned(),
                does,
            )
        }
        Fact::Attached { origin, name, .. } => {
            let does = "takes the file over".to_owned();
            (origin.system.clone(), format!("file:{}", origin.id), String::new(), name.clone(), does)
        }
        Fact::Intended { leg, item, intent, .. } => {
            let field = match item {
                crate::case::Item::Field(field) => Some(field),
                _ => None,
            };
            let written = field.and_then(|field| Some((field, intent.operation.value(field)?)));
            let (here, there) = match (&intent.operation, written) {
                (_, Some((field, value))) => (value.to_owned(), native(leg, field)),
                (Operation::Create(ticket), _) => (ticket.title.clone(), "no ticket".to_owned()),
                (Operation::Comment { body, .. } | Operation::Edit { body, .. }, _) => {
                    (body.clone(), "not there in this version".to_owned())
                }
                (Operation::Attach { name, .. }, _) => (name.clone(), "not there".to_owned()),
                (Operation::LinkBack(link), _) => (link.label.clone(), "no link like it".to_owned()),
                (Operation::Retract { comment }, _) => (String::new(), format!("comment {comment}")),
                (Operation::Update { .. } | Operation::Transition { .. }, None) => return None,
            };
            (leg.clone(), item.to_string(), here, there, "sends it there".to_owned())
        }
        Fact::Parked { leg, item, reason, .. } | Fact::Held { leg, item, reason, .. } => {
            let does = format!("has it wait for a person: {reason}");
            (leg.clone(), item.to_string(), String::new(), String::new(), does)
        }
        Fact::Ailed { leg, health, reason } => {
            let there = format!("{health:?}").to_lowercase();
            (leg.clone(), "ticket".to_owned(), "well".to_owned(), there, format!("notes it: {reason}"))
        }
        _ => return None,
    })
}
