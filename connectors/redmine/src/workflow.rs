//! The way to a status: Redmine tells which statuses may come next, never the whole workflow.

use throughline_sdk::{Error, ErrorKind, Result, TookEffect};

use crate::api::Api;
use crate::wire::{Issue, IssueWrite};
use crate::write::number_of;
use crate::{map, race};

/// The most statuses walked through before giving up.
const MAX_STEPS: usize = 6;

/// Brings an issue, read with its allowed statuses, to `status`.
///
/// Where the workflow does not go there at once it is walked one allowed status at a time, each step read back. If
/// that leads nowhere, the issue is brought back to where it stood.
pub(crate) async fn walk(api: Api<'_>, issue: Issue, status: &str) -> Result<Issue> {
    if issue.status.name == status {
        return Ok(issue);
    }
    let order = api.statuses().await?;
    let target = number_of(&order, status, "status")?;
    let start = issue.status.clone();
    let mut visited = vec![start.id];
    let mut issue = issue;
    for _ in 0..MAX_STEPS {
        let next = match &issue.allowed_statuses {
            // Before Redmine 5.0 it is not told: ask for the status itself and see.
            None => Some(target),
            Some(allowed) if allowed.iter().any(|one| one.id == target) => Some(target),
            Some(allowed) => map::step(issue.status.id, target, allowed, &order, &visited).map(|one| one.id),
        };
        let Some(next) = next else { break };
        visited.push(next);
        let moved = issue.status.id != start.id;
        issue = set(api, &issue, next).await.map_err(|error| {
            // A refusal of this step does not undo the steps before it. Where somebody was faster, the issue is read
            // again and whatever stands there decides.
            if moved && error.kind() != ErrorKind::Conflict { error.with_unknown_effect() } else { error }
        })?;
        if issue.status.id == target {
            return Ok(issue);
        }
        if next == target {
            break;
        }
    }
    if issue.status.id != start.id {
        issue = set(api, &issue, start.id).await.map_err(Error::with_unknown_effect)?;
    }
    let effect = if issue.status.id == start.id { TookEffect::No } else { TookEffect::Unknown };
    Err(Error::new(
        ErrorKind::Rejected,
        format!(
            "Redmine's workflow does not let our account bring the issue from status {:?} to {status:?}",
            start.name
        ),
    )
    .with_effect(effect)
    .with_context("issue", issue.id)
    .with_context("status now", &issue.status.name))
}

async fn set(api: Api<'_>, before: &Issue, status: u64) -> Result<Issue> {
    let write =
        IssueWrite { attributes: [("status_id", status.to_string())].into(), ..IssueWrite::default() };
    race::write(api, before, write).await
}
