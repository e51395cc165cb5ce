//! The way to a status: Jira shows which transitions may come next, never the whole workflow.
//!
//! What is known of it grows with each step. The shortest known way is gone; while the status is not in sight, the
//! nearest place is visited whose own transitions are not known yet. If that leads nowhere, the issue is brought back.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Map, Value, json};
use throughline_sdk::{Error, ErrorKind, Result, TookEffect};

use crate::api::Api;
use crate::config::Config;
use crate::connector::done;
use crate::wire::{FieldMeta, Issue, IssueWrite, Status, Transition, TransitionRef};

/// The most steps of one walk, there or back.
const MAX_STEPS: usize = 8;

/// The resolution's field.
const RESOLUTION: &str = "resolution";

/// One step that our account may take.
#[derive(Clone, Debug, PartialEq)]
struct Step {
    transition: String,
    to: Status,
    /// What its screen asks for.
    fields: Map<String, Value>,
}

/// What is known of the workflow: the steps from each status that was visited, by its id.
type Known = BTreeMap<String, Vec<Step>>;

/// Where to.
#[derive(Clone, Copy, Debug)]
struct Target<'t> {
    name: &'t str,
    /// Its place between new and done.
    rank: u8,
}

/// Brings an issue to a status it is not in.
pub(crate) async fn walk(api: Api<'_>, issue: &Issue, status: &str) -> Result<()> {
    let (id, start) = (issue.id.as_str(), &issue.fields.status);
    let all = api.types().await?;
    let wanted =
        all.iter().flat_map(|kind| &kind.statuses).find(|one| one.name == status).ok_or_else(|| {
            Error::new(
                ErrorKind::Rejected,
                format!("the project has no status {status:?}; see what describe lists"),
            )
            .with_context("issue", id)
        })?;
    let target = Target { name: status, rank: rank(wanted) };
    let mut walk = Walk { api, issue, known: Known::new(), closed: BTreeSet::new(), refusals: Vec::new() };
    let mut here = start.clone();
    let moved = |here: &Status| here.id != start.id;
    for _ in 0..MAX_STEPS {
        // A refusal of this step does not undo the steps before it.
        let doubt = |error: Error| if moved(&here) { error.with_unknown_effect() } else { error };
        let direct = walk.look(&here, target).await.map_err(doubt)?;
        if direct == Direct::Closed {
            // Looking for another way round would show people a wild-goose chase.
            break;
        }
        let Some(step) = next(&walk.known, &here.id, target).cloned() else { break };
        here = walk.take(&here, &step).await.map_err(doubt)?;
        if here.name == status {
            return Ok(());
        }
    }
    for _ in 0..MAX_STEPS {
        if !moved(&here) {
            break;
        }
        let back = Target { name: &start.name, rank: rank(start) };
        walk.look(&here, back).await.map_err(Error::with_unknown_effect)?;
        let Some(step) = way(&walk.known, &here.id, &start.name).cloned() else { break };
        here = walk.take(&here, &step).await.map_err(Error::with_unknown_effect)?;
    }
    let effect = if moved(&here) { TookEffect::Unknown } else { TookEffect::No };
    let because = if walk.refusals.is_empty() {
        "no transition that our account may make leads there".to_owned()
    } else {
        walk.refusals.join("; ")
    };
    Err(Error::new(
        ErrorKind::Rejected,
        format!("the issue was not brought from status {:?} to {status:?}: {because}", start.name),
    )
    .with_effect(effect)
    .with_context("issue", id)
    .with_context("status now", &here.name))
}

/// Whether the status can be reached by one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direct {
    Open,
    /// There is such a step, and we cannot take it.
    Closed,
    None,
}

struct Walk<'a> {
    api: Api<'a>,
    issue: &'a Issue,
    known: Known,
    /// Steps that were refused, by status and transition.
    closed: BTreeSet<(String, String)>,
    /// Why steps cannot be taken.
    refusals: Vec<String>,
}

impl Walk<'_> {
    /// Learns which steps lead on from here.
    async fn look(&mut self, here: &Status, target: Target<'_>) -> Result<Direct> {
        let mut steps = Vec::new();
        let mut direct = Direct::None;
        for transition in self.api.transitions(&self.issue.id).await? {
            let leads = transition.to.name == target.name;
            let refused = self.closed.contains(&(here.id.clone(), transition.id.clone()));
            match fill(&transition, self.issue, self.api.config) {
                Ok(fields) if !refused => {
                    direct = if leads { Direct::Open } else { direct };
                    steps.push(Step { transition: transition.id, to: transition.to, fields });
                }
                Ok(_) => direct = if leads && direct == Direct::None { Direct::Closed } else { direct },
                Err(why) => {
                    direct = if leads && direct == Direct::None { Direct::Closed } else { direct };
                    if leads && !self.refusals.contains(&why) {
                        self.refusals.push(why);
                    }
                }
            }
        }
        self.known.insert(here.id.clone(), steps);
        Ok(direct)
    }

    /// Takes a step and says where the issue stands then: here, if it was refused.
    async fn take(&mut self, here: &Status, step: &Step) -> Result<Status> {
        let write = IssueWrite {
            fields: step.fields.clone(),
            transition: Some(TransitionRef { id: step.transition.clone() }),
        };
        let outcome = self.api.transition(&self.issue.id, &write).await;
        if let Err(error) = outcome {
            if error.kind() != ErrorKind::Rejected {
                return Err(error);
            }
            let now = self.api.status(&self.issue.id).await?;
            if now.id != here.id {
                let message = "somebody else changed the status at the same moment";
                return Err(Error::new(ErrorKind::Conflict, message).with_context("issue", &self.issue.id));
            }
            self.closed.insert((here.id.clone(), step.transition.clone()));
            self.refusals.push(error.message().to_owned());
            return Ok(now);
        }
        let now = self.api.status(&self.issue.id).await.map_err(Error::with_unknown_effect)?;
        if now.id == here.id {
            self.closed.insert((here.id.clone(), step.transition.clone()));
            self.refusals.push(format!("Jira accepted the step to {:?} and did not take it", step.to.name));
        }
        Ok(now)
    }
}

/// What a transition's screen asks for.
///
/// # Errors
///
/// Why it cannot be filled in, naming the field.
fn fill(transition: &Transition, issue: &Issue, config: &Config) -> Result<Map<String, Value>, String> {
    let mut fields = Map::new();
    for (id, field) in &transition.fields {
        if id == RESOLUTION && (field.required || done(&transition.to)) {
            match &config.resolution {
                Some(resolution) => {
                    fields.insert(id.clone(), json!({ "name": resolution }));
                }
                None if needed(id, field, issue) => {
                    return Err(format!("{}; set resolution for this system", asks(transition, field)));
                }
                None => {}
            }
        } else if needed(id, field, issue) {
            return Err(asks(transition, field));
        }
    }
    Ok(fields)
}

fn asks(transition: &Transition, field: &FieldMeta) -> String {
    format!("the transition {:?} requires the field {:?}", transition.name, field.name)
}

/// Whether a step fails without a value for this field: not if the issue has one, or Jira a default.
fn needed(id: &str, field: &FieldMeta, issue: &Issue) -> bool {
    let empty = |value: &Value| match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    };
    let there = match id {
        "summary" | "issuetype" | "project" => true,
        "description" => !empty(&issue.fields.description),
        "priority" => issue.fields.priority.is_some(),
        "reporter" => issue.fields.reporter.is_some(),
        "labels" => !issue.fields.labels.is_empty(),
        "attachment" => !issue.fields.attachment.is_empty(),
        other => issue.fields.other.get(other).is_some_and(|value| !empty(value)),
    };
    field.required && !field.has_default_value && !there
}

/// The next step: on the shortest known way to the target, or else to the nearest place that is not known yet.
///
/// Closing has consequences of its own: what counts as closed is walked through only on the way to something closed.
fn next<'k>(known: &'k Known, here: &str, target: Target<'_>) -> Option<&'k Step> {
    if let Some(step) = way(known, here, target.name) {
        return Some(step);
    }
    let mut unknown = Vec::new();
    breadth_first(known, here, |depth, first, to| {
        let passable = !done(to) || target.rank >= CLOSED;
        if passable && !known.contains_key(&to.id) {
            unknown.push(((depth, rank(to).abs_diff(target.rank)), first));
        }
        if passable { Visit::Through } else { Visit::Past }
    });
    unknown.into_iter().min_by_key(|(nearness, _)| *nearness).map(|(_, first)| first)
}

/// The first step on the shortest known way to a status.
fn way<'k>(known: &'k Known, here: &str, name: &str) -> Option<&'k Step> {
    let mut found = None;
    breadth_first(known, here, |_, first, to| {
        if to.name == name && found.is_none() {
            found = Some(first);
        }
        Visit::Through
    });
    found
}

/// What to do with a place that was reached.
enum Visit {
    Through,
    Past,
}

/// Reaches every place that is known to be reachable, nearest first, with the first step of the way there.
fn breadth_first<'k>(
    known: &'k Known,
    here: &str,
    mut visit: impl FnMut(usize, &'k Step, &'k Status) -> Visit,
) {
    let mut reached = BTreeSet::from([here.to_owned()]);
    let mut queue: VecDeque<(usize, String, Option<&'k Step>)> = VecDeque::from([(0, here.to_owned(), None)]);
    while let Some((depth, at, first)) = queue.pop_front() {
        for step in known.get(&at).into_iter().flatten() {
            if !reached.insert(step.to.id.clone()) {
                continue;
            }
            let first = first.unwrap_or(step);
            if let Visit::Through = visit(depth, first, &step.to) {
                queue.push_back((depth.saturating_add(1), step.to.id.clone(), Some(first)));
            }
        }
    }
}

const CLOSED: u8 = 2;

/// A status's place between new and done.
fn rank(status: &Status) -> u8 {
    match status.category.as_ref().map(|category| category.key.as_str()) {
        Some("done") => CLOSED,
        Some("indeterminate") => 1,
        Some(_) | None => 0,
    }
}

#[cfg(test)]
#[path = "workflow_tests.rs"]
mod tests;
