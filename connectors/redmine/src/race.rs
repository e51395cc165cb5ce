//! Two writes at the same moment: seen in the issue's history afterwards, because Redmine takes no condition beforehand.
//!
//! Redmine writes one journal after another and says in each what stood there before. So a write of ours that went
//! over somebody else's shows there: what they had set is set again, and the plan is made anew on it.

use serde_json::Value;
use throughline_sdk::{Error, ErrorKind, Result};

use crate::api::Api;
use crate::map::{same_value, value_text};
use crate::wire::{Detail, FieldWrite, Issue, IssueWrite};
use crate::write::read_back;

/// Writes into an issue that was just read, and gives it as it is then.
///
/// # Errors
///
/// [`ErrorKind::Conflict`] if somebody set the same attribute between that reading and this one. What they set stands.
pub(crate) async fn write(api: Api<'_>, before: &Issue, write: IssueWrite) -> Result<Issue> {
    let id = before.id;
    api.put(id, write.clone()).await?;
    let after = read_back(api, id).await?;
    let lost = match outcome(before, &after, &write) {
        Outcome::Alone => return Ok(after),
        Outcome::Overtaken => IssueWrite::default(),
        Outcome::Overwritten(lost) => lost,
    };
    if !(lost.attributes.is_empty() && lost.custom_fields.is_empty()) {
        tracing::info!(issue = id, "A write went over one of the same moment, which is set again.");
        api.put(id, lost).await.map_err(Error::with_unknown_effect)?;
    }
    Err(Error::new(ErrorKind::Conflict, "somebody set the same at the same moment").with_context("issue", id))
}

/// How a write met those of others.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    /// Nobody else set any of it.
    Alone,
    /// Somebody set it after us, and that stands.
    Overtaken,
    /// Somebody set it before us, unseen: what has to be set again.
    Overwritten(IssueWrite),
}

fn outcome(before: &Issue, after: &Issue, sent: &IssueWrite) -> Outcome {
    let known = before.journals.iter().map(|journal| journal.id).max().unwrap_or_default();
    let news: Vec<&Detail> = after
        .journals
        .iter()
        .filter(|journal| journal.id > known)
        .flat_map(|journal| &journal.details)
        .collect();
    let of = |property: &str, name: &str| -> Vec<&Detail> {
        news.iter().copied().filter(|detail| detail.property == property && detail.name == name).collect()
    };
    let mut lost = IssueWrite::default();
    let mut overtaken = false;
    for (name, value) in &sent.attributes {
        match judge(&of("attr", name), value) {
            Judgement::Alone => {}
            Judgement::Overtaken => overtaken = true,
            Judgement::Overwritten(theirs) => {
                lost.attributes.insert(name, theirs);
            }
        }
    }
    // A list with several values is told member by member, without an order to judge by.
    for field in sent.custom_fields.iter().filter(|field| !field.value.is_array()) {
        match judge(&of("cf", &field.id.to_string()), &value_text(&field.value)) {
            Judgement::Alone => {}
            Judgement::Overtaken => overtaken = true,
            Judgement::Overwritten(theirs) => {
                lost.custom_fields.push(FieldWrite { id: field.id, value: Value::from(theirs) });
            }
        }
    }
    if !(lost.attributes.is_empty() && lost.custom_fields.is_empty()) {
        Outcome::Overwritten(lost)
    } else if overtaken {
        Outcome::Overtaken
    } else {
        Outcome::Alone
    }
}

enum Judgement {
    Alone,
    Overtaken,
    Overwritten(String),
}

/// Judges the changes of one attribute since it was read, in their order.
fn judge(changes: &[&Detail], sent: &str) -> Judgement {
    let Some(last) = changes.last() else { return Judgement::Alone };
    if !same_value(sent, &value_text(&last.new_value)) {
        return Judgement::Overtaken;
    }
    if changes.len() < 2 { Judgement::Alone } else { Judgement::Overwritten(value_text(&last.old_value)) }
}

#[cfg(test)]
#[path = "race_tests.rs"]
mod tests;
