//! Two writes at the same moment: seen in the issue's history afterwards, because Jira takes no condition beforehand.
//!
//! Jira writes one entry after another and says in each what stood there before. So a write of ours that went over
//! somebody else's shows there: what they had set is set again, and the plan is made anew on it.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use throughline_sdk::{Error, ErrorKind, Result};

use crate::api::{Api, Extent};
use crate::config::Edition;
use crate::map::Whole;
use crate::wire::{Changed, History, Issue, IssueWrite, User};
use crate::{field, text};

/// Writes fields into an issue that was just read for editing, and gives it as it is then.
///
/// # Errors
///
/// [`ErrorKind::Conflict`] if somebody set one of them between that reading and this one. What they set stands.
pub(crate) async fn write(api: Api<'_>, before: &Issue, fields: Map<String, Value>) -> Result<Whole> {
    let id = &before.id;
    let sent: BTreeSet<String> = fields.keys().cloned().collect();
    api.edit(id, &IssueWrite { fields, transition: None }).await?;
    let after = api.whole(id, Extent::Editing).await.map_err(Error::with_unknown_effect)?;
    let news = news(before, &after.issue, &sent);
    if news.len() < 2 {
        return Ok(after);
    }
    // Only now it matters which of them is ours.
    let myself = api.myself().await.map_err(Error::with_unknown_effect)?;
    let outcome = outcome(&news, &myself, |changed| restored(changed, before, api.config.edition));
    let lost = match outcome {
        Outcome::Alone => return Ok(after),
        Outcome::Overtaken => Map::new(),
        Outcome::Overwritten(lost) => lost,
    };
    if !lost.is_empty() {
        tracing::info!(issue.id = id, "A write went over one of the same moment, which is set again.");
        let again = IssueWrite { fields: lost, transition: None };
        api.edit(id, &again).await.map_err(Error::with_unknown_effect)?;
    }
    Err(Error::new(ErrorKind::Conflict, "somebody set the same at the same moment").with_context("issue", id))
}

/// One change of a field that we wrote, since the issue was read.
#[derive(Clone, Debug)]
struct New<'n> {
    id: String,
    author: Option<&'n User>,
    changed: &'n Changed,
}

/// How a write met those of others.
#[derive(Clone, Debug, PartialEq)]
enum Outcome {
    /// Nobody else set any of it.
    Alone,
    /// Somebody set it after us, and that stands; or before us, and it cannot be set again.
    Overtaken,
    /// Somebody set it before us, unseen: what has to be set again.
    Overwritten(Map<String, Value>),
}

/// The changes of the fields that we sent, oldest first, that were not there before.
fn news<'n>(before: &Issue, after: &'n Issue, sent: &BTreeSet<String>) -> Vec<New<'n>> {
    let all = |issue: &'n Issue| issue.changelog.iter().flat_map(|log| &log.histories);
    let known: BTreeSet<&str> =
        before.changelog.iter().flat_map(|log| &log.histories).map(|one| one.id.as_str()).collect();
    let mut new: Vec<&History> = all(after).filter(|one| !known.contains(one.id.as_str())).collect();
    new.sort_by_key(|one| (one.created, one.id.len(), one.id.clone()));
    let named = |changed: &Changed| {
        let is = |id: &&String| {
            changed.field_id.as_ref() == Some(id)
                || changed.field == **id
                || after.names.get(*id) == Some(&changed.field)
        };
        sent.iter().find(is).cloned()
    };
    new.into_iter()
        .flat_map(|one| one.items.iter().map(move |changed| (one.author.as_ref(), changed)))
        .filter_map(|(author, changed)| Some(New { id: named(changed)?, author, changed }))
        .collect()
}

/// Judges the changes, field by field.
fn outcome(news: &[New<'_>], myself: &User, restored: impl Fn(&New<'_>) -> Option<Value>) -> Outcome {
    let ours = |one: &New<'_>| one.author.is_some_and(|author| same(author, myself));
    let mut lost = Map::new();
    let mut others = false;
    for (at, one) in news.iter().enumerate().filter(|(_, one)| ours(one)) {
        let of_field = |other: &&New<'_>| other.id == one.id && !ours(other);
        let earlier = news.iter().take(at).any(|other| of_field(&other));
        let later = news.iter().skip(at).any(|other| of_field(&other));
        others |= earlier || later;
        if earlier
            && !later
            && let Some(theirs) = restored(one)
        {
            lost.insert(one.id.clone(), theirs);
        }
    }
    match (lost.is_empty(), others) {
        (false, _) => Outcome::Overwritten(lost),
        (true, true) => Outcome::Overtaken,
        (true, false) => Outcome::Alone,
    }
}

/// The same account: by its id, its key or its name, whichever this edition has.
fn same(one: &User, other: &User) -> bool {
    let equal = |a: &Option<String>, b: &Option<String>| a.is_some() && a == b;
    equal(&one.account_id, &other.account_id) || equal(&one.key, &other.key) || equal(&one.name, &other.name)
}

/// What stood in a field before our change, as it is written; `None` where the history does not say it well enough.
fn restored(one: &New<'_>, issue: &Issue, edition: Edition) -> Option<Value> {
    let words = one.changed.from_string.as_deref().unwrap_or_default();
    match one.id.as_str() {
        "summary" => Some(words.into()),
        "priority" | "issuetype" => Some(json!({ "id": one.changed.from.as_deref()? })),
        "description" if words.is_empty() => Some(Value::Null),
        // The history has it as markup in both editions.
        "description" => Some(text::write(edition, &text::read(&Value::from(words)))),
        // Labels hold no spaces, and ours are among them.
        "labels" => Some(words.split_whitespace().map(Value::from).collect()),
        id => {
            let meta = issue.editmeta.as_ref()?.fields.get(id)?;
            let value = match meta.schema.kind.as_str() {
                "date" | "datetime" => one.changed.from.as_deref().unwrap_or_default(),
                "array" => return None,
                _ => words,
            };
            field::write(edition, meta, value).ok()
        }
    }
}

#[cfg(test)]
#[path = "race_tests.rs"]
mod tests;
