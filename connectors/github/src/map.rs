//! GitHub's issue as a canonical ticket, and back: pure and total.

use std::collections::BTreeMap;

use throughline_markup::{github, normal};
use throughline_sdk::{
    Changes, CommentId, Marker, MarkerLine, Person, RemoteId, Ticket, Version, Visibility, labels,
};

use crate::config::Config;
use crate::wire::{Account, Comment, Issue, Label};

/// GitHub's own words for a status, and what they mean to Throughline.
///
/// The words of labels have no meaning but the one that the configuration gives them.
pub const STATUSES: &[(&str, &str)] =
    &[(OPEN, "open"), (COMPLETED, "closed"), ("not planned", "cancelled"), ("duplicate", "cancelled")];

/// Words for a priority that `priority_labels` may use without giving them a meaning. GitHub itself has none.
pub const PRIORITIES: &[(&str, &str)] =
    &[("low", "low"), ("normal", "normal"), ("high", "high"), ("urgent", "urgent")];

/// The status of an open issue without a status label.
pub(crate) const OPEN: &str = "open";

/// The status of a closed issue that nobody gave another reason.
const COMPLETED: &str = "completed";

/// The labels that stand for neither status nor priority, one on a line.
pub(crate) const LABELS: &str = "Labels";

/// The accounts an issue is assigned to, one on a line.
pub(crate) const ASSIGNEES: &str = "Assignees";

/// The title of an issue's milestone. Read only.
pub(crate) const MILESTONE: &str = "Milestone";

/// The name that GitHub shows for an account that is gone.
const GHOST: &str = "ghost";

/// An issue with its comments as a ticket.
pub(crate) fn ticket(issue: &Issue, comments: &[Comment], config: &Config) -> Ticket {
    let (description, marker) = read_text(issue.body.as_deref().unwrap_or_default());
    let mut ticket = Ticket {
        id: RemoteId::new(issue.number.to_string()),
        key: format!("#{}", issue.number),
        version: None,
        url: Some(issue.html_url.clone())
            .filter(|url| url.starts_with("https://") || url.starts_with("http://")),
        title: issue.title.trim().to_owned(),
        description,
        status: status(issue, config),
        priority: labels::said(&config.priorities, &label_names(issue)).map(str::to_owned),
        kind: issue.kind.as_ref().map(|kind| kind.name.clone()),
        fields: fields(issue, config),
        requester: Some(person(issue.user.as_ref())),
        comments: comments.iter().map(comment).collect(),
        files: Vec::new(),
        references: Vec::new(),
        marker,
        created: issue.created_at,
        updated: issue.updated_at,
        lost: Vec::new(),
    };
    ticket.version = Some(version(&ticket));
    ticket
}

/// An issue's status: of an open one what its labels say, of a closed one why it was closed.
pub(crate) fn status(issue: &Issue, config: &Config) -> String {
    match issue.state.as_str() {
        "open" => labels::said(&config.statuses, &label_names(issue)).unwrap_or(OPEN).to_owned(),
        "closed" => issue.state_reason.as_deref().unwrap_or(COMPLETED).replace('_', " "),
        // A state that GitHub may come to have has no meaning in the configuration, so the ticket is parked.
        other => other.to_owned(),
    }
}

/// GitHub's word for why an issue is closed with this status; `None` if it does not close it.
pub(crate) fn closing_reason(status: &str) -> Option<&'static str> {
    match status {
        COMPLETED => Some("completed"),
        "not planned" => Some("not_planned"),
        "duplicate" => Some("duplicate"),
        _ => None,
    }
}

/// The names of an issue's labels, in GitHub's order.
pub(crate) fn label_names(issue: &Issue) -> Vec<&str> {
    issue.labels.iter().map(Label::name).filter(|name| !name.is_empty()).collect()
}

/// The labels of an issue that stand for neither status nor priority.
pub(crate) fn other_labels<'a>(issue: &'a Issue, config: &Config) -> Vec<&'a str> {
    label_names(issue).into_iter().filter(|name| !is_word(name, config)).collect()
}

/// Whether a label stands for a status or a priority.
pub(crate) fn is_word(label: &str, config: &Config) -> bool {
    labels::word(&config.statuses, label).or_else(|| labels::word(&config.priorities, label)).is_some()
}

/// The accounts an issue is assigned to.
pub(crate) fn assignees(issue: &Issue) -> Vec<&str> {
    issue.assignees.iter().flatten().map(|account| account.login.as_str()).collect()
}

/// The lines of a field with several values.
pub(crate) fn lines(value: &str) -> Vec<&str> {
    value.lines().map(str::trim).filter(|line| !line.is_empty()).collect()
}

/// Which of the asked changes a ticket does not show, by name.
pub(crate) fn not_in(changes: &Changes, ticket: &Ticket) -> Vec<String> {
    let word = |asked: &Option<String>, seen: &Option<String>| asked.is_some() && asked != seen;
    let standard = [
        ("title", changes.title.as_ref().is_some_and(|asked| asked.trim() != ticket.title)),
        (
            "description",
            changes.description.as_ref().is_some_and(|asked| !same_text(asked, &ticket.description)),
        ),
        ("priority", word(&changes.priority, &ticket.priority)),
        ("type", word(&changes.kind, &ticket.kind)),
    ];
    let standard = standard.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name.to_owned());
    let seen = |name: &String| ticket.fields.get(name).map_or("", String::as_str);
    let fields = changes.fields.iter().filter(|(name, asked)| folded(asked) != folded(seen(name)));
    standard.chain(fields.map(|(name, _)| name.clone())).collect()
}

/// Canonical text as GitHub's Markdown, where nobody is called and nothing acts, with the marker out of sight.
pub(crate) fn write_text(text: &str, marker: Option<&Marker>) -> String {
    let text = github::write(text).text;
    match marker {
        Some(marker) => MarkerLine::COMMENT.mark(&text, marker),
        None => text,
    }
}

/// GitHub's Markdown as canonical text, and the marker that stood in it.
pub(crate) fn read_text(text: &str) -> (String, Option<Marker>) {
    let (text, marker) = MarkerLine::COMMENT.split(text);
    (github::read(&text).text, marker)
}

/// Whether a text that was to be written is the one that stands there.
pub(crate) fn same_text(asked: &str, seen: &str) -> bool {
    normal(asked) == normal(seen)
}

fn fields(issue: &Issue, config: &Config) -> BTreeMap<String, String> {
    let joined = |mut names: Vec<&str>| {
        names.sort_unstable();
        names.join("\n")
    };
    let milestone = issue.milestone.as_ref().map(|milestone| milestone.title.clone()).unwrap_or_default();
    [
        (LABELS, joined(other_labels(issue, config))),
        (ASSIGNEES, joined(assignees(issue))),
        (MILESTONE, milestone),
    ]
    .into_iter()
    .filter(|(_, value)| !value.is_empty())
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

/// A field's lines for comparing: GitHub keeps an order and a case of its own.
fn folded(value: &str) -> Vec<String> {
    let mut lines: Vec<String> = lines(value).into_iter().map(str::to_lowercase).collect();
    lines.sort_unstable();
    lines
}

fn comment(comment: &Comment) -> throughline_sdk::Comment {
    let (body, marker) = read_text(comment.body.as_deref().unwrap_or_default());
    throughline_sdk::Comment {
        id: CommentId::new(comment.id.to_string()),
        author: person(comment.user.as_ref()),
        body,
        // Whoever reads the repository reads its comments: GitHub has no others.
        visibility: Visibility::Public,
        created: comment.created_at,
        marker,
    }
}

fn person(account: Option<&Account>) -> Person {
    Person { name: account.map_or(GHOST, |account| account.login.as_str()).to_owned() }
}

/// `updated_at`, which has whole seconds only, and a hash of all that is visible.
fn version(ticket: &Ticket) -> Version {
    let visible = serde_json::to_vec(ticket).unwrap_or_default();
    let hash = visible.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    Version::new(format!("{}-{hash:016x}", ticket.updated.format("%Y%m%dT%H%M%SZ")))
}

#[cfg(test)]
#[path = "map_tests.rs"]
pub(crate) mod tests;
