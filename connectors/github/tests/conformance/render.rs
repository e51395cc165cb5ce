//! GitHub's answers, with every member that its published document requires.

use serde_json::{Value, json};
use throughline_sdk::Timestamp;

use crate::desk::{Comment, Issue, Mood, NAME, OWNER};

const API: &str = "https://api.github.com";

pub(crate) fn time(time: Timestamp) -> String {
    time.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

pub(crate) fn account(login: &str) -> Value {
    let url = format!("{API}/users/{login}");
    let part = |part: &str| format!("{url}/{part}");
    json!({
        "login": login, "id": login.len(), "node_id": format!("U_{login}"), "gravatar_id": "",
        "avatar_url": "https://avatars.githubusercontent.com/u/1?v=4", "url": url,
        "html_url": format!("https://github.com/{login}"), "followers_url": part("followers"),
        "following_url": part("following{/other_user}"), "gists_url": part("gists{/gist_id}"),
        "starred_url": part("starred{/owner}{/repo}"), "subscriptions_url": part("subscriptions"),
        "organizations_url": part("orgs"), "repos_url": part("repos"), "events_url": part("events{/privacy}"),
        "received_events_url": part("received_events"), "type": "User", "site_admin": false,
    })
}

pub(crate) fn label(name: &str) -> Value {
    json!({
        "id": name.len(), "node_id": format!("LA_{}", name.len()),
        "url": format!("{API}/repos/{OWNER}/{NAME}/labels/x"), "name": name, "description": null,
        "color": "ededed", "default": false,
    })
}

pub(crate) fn issue(issue: &Issue) -> Value {
    let url = format!("{API}/repos/{OWNER}/{NAME}/issues/{}", issue.number);
    let closed = (!issue.open).then(|| time(issue.updated));
    let mut out = json!({
        "id": 2_000_000_000 + issue.number, "node_id": format!("I_{}", issue.number), "url": url,
        "repository_url": format!("{API}/repos/{OWNER}/{NAME}"), "labels_url": format!("{url}/labels{{/name}}"),
        "comments_url": format!("{url}/comments"), "events_url": format!("{url}/events"),
        "html_url": format!("https://github.com/{OWNER}/{NAME}/issues/{}", issue.number),
        "number": issue.number, "state": if issue.open { "open" } else { "closed" }, "state_reason": issue.reason,
        "title": issue.title, "body": issue.body, "user": account(&issue.author),
        "labels": issue.labels.iter().map(|name| label(name)).collect::<Vec<_>>(),
        "assignee": issue.assignees.first().map(|login| account(login)),
        "assignees": issue.assignees.iter().map(|login| account(login)).collect::<Vec<_>>(),
        "milestone": issue.milestone.as_ref().map(|title| milestone(title, issue)),
        "locked": issue.locked, "active_lock_reason": null, "comments": issue.comments.len(),
        "closed_at": closed, "created_at": time(issue.created), "updated_at": time(issue.updated),
        "author_association": "NONE", "closed_by": null,
    });
    if let Some(kind) = &issue.kind {
        out["type"] = self::kind(kind);
    }
    if issue.pull {
        out["pull_request"] = json!({"url": url, "html_url": url, "diff_url": url, "patch_url": url});
    }
    out
}

pub(crate) fn kind(name: &str) -> Value {
    json!({"id": 1, "node_id": "IT_1", "name": name, "description": null})
}

pub(crate) fn comment(comment: &Comment, number: u64) -> Value {
    let url = format!("{API}/repos/{OWNER}/{NAME}/issues/comments/{}", comment.id);
    json!({
        "id": comment.id, "node_id": format!("IC_{}", comment.id), "url": url,
        "html_url": format!("https://github.com/{OWNER}/{NAME}/issues/{number}#issuecomment-{}", comment.id),
        "issue_url": format!("{API}/repos/{OWNER}/{NAME}/issues/{number}"), "body": comment.body,
        "user": account(&comment.author), "created_at": time(comment.created), "updated_at": time(comment.updated),
        "author_association": "NONE",
    })
}

pub(crate) fn repository(mood: &Mood) -> Value {
    json!({
        "id": 1296269, "node_id": "R_1", "name": NAME, "full_name": format!("{OWNER}/{NAME}"), "private": true,
        "owner": account(OWNER), "has_issues": !mood.issues_off, "archived": mood.archived,
        "permissions": {"admin": false, "push": false, "triage": mood.triage, "pull": true},
    })
}

fn milestone(title: &str, issue: &Issue) -> Value {
    let url = format!("{API}/repos/{OWNER}/{NAME}/milestones/1");
    json!({
        "url": url, "html_url": url, "labels_url": url, "id": 1, "node_id": "MI_1", "number": 1, "state": "open",
        "title": title, "description": null, "creator": account("ada"), "open_issues": 1, "closed_issues": 0,
        "created_at": time(issue.created), "updated_at": time(issue.created), "closed_at": null, "due_on": null,
    })
}
