//! Which requests bring an issue to what is wanted, as data: pure, so that the order and its reasons can be tested.

use throughline_sdk::labels::{self, Exchange};
use throughline_sdk::{Changes, Error, ErrorKind, MarkerLine, Result};

use crate::config::Config;
use crate::map::{self, ASSIGNEES, LABELS, OPEN};
use crate::wire::{Issue, NewIssue, Patch};

/// One request that changes an issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Patch(Patch),
    AddLabels(Vec<String>),
    RemoveLabel(String),
    Assign(Vec<String>),
    Unassign(Vec<String>),
}

/// The requests that bring an issue to a status.
///
/// Labels come first: while an issue is closed they say nothing, so that reopening it shows the new status at once. A
/// closed issue keeps its labels, or reopening it by hand would lose where it stood.
pub(crate) fn transition(issue: &Issue, status: &str, config: &Config) -> Result<Vec<Step>> {
    if map::status(issue, config) == status {
        return Ok(Vec::new());
    }
    let open = Step::Patch(Patch { state: Some("open"), ..Patch::default() });
    let is_open = issue.state == "open";
    if let Some(reason) = map::closing_reason(status) {
        let close = Patch { state: Some("closed"), state_reason: Some(reason), ..Patch::default() };
        // A reason is ignored unless the state changes, so that another one means closing once more.
        let first = (!is_open).then_some(open);
        return Ok(first.into_iter().chain([Step::Patch(close)]).collect());
    }
    let wanted = Some(status).filter(|status| *status != OPEN);
    let exchange = labels::exchange(&config.statuses, &map::label_names(issue), wanted)
        .ok_or_else(|| no_word("status", status, "status_labels"))?;
    Ok(label_steps(exchange).chain((!is_open).then_some(open)).collect())
}

/// The requests that set fields. What an issue has already is not written again.
pub(crate) fn update(issue: &Issue, changes: &Changes, config: &Config) -> Result<Vec<Step>> {
    let asked = map::not_in(changes, &map::ticket(issue, &[], config));
    let asks = |name: &str| asked.iter().any(|one| one == name);
    let mut patch = Patch::default();
    if asks("title") {
        patch.title = changes.title.as_deref().map(|title| title.trim().to_owned());
    }
    if asks("description") {
        // The marker that stands in the text stays there.
        let (_, marker) = MarkerLine::COMMENT.split(issue.body.as_deref().unwrap_or_default());
        patch.body = changes.description.as_deref().map(|text| map::write_text(text, marker.as_ref()));
    }
    if asks("type") {
        patch.kind.clone_from(&changes.kind);
    }
    let mut steps: Vec<Step> =
        (patch != Patch::default()).then_some(Step::Patch(patch)).into_iter().collect();
    if let Some(priority) = changes.priority.as_deref().filter(|_| asks("priority")) {
        let exchange = labels::exchange(&config.priorities, &map::label_names(issue), Some(priority))
            .ok_or_else(|| no_word("priority", priority, "priority_labels"))?;
        steps.extend(label_steps(exchange));
    }
    for (name, value) in changes.fields.iter().filter(|(name, _)| asks(name)) {
        let wanted = map::lines(value);
        match name.as_str() {
            LABELS => {
                free(&wanted, config)?;
                let Exchange { add, remove } = labels::difference(&map::other_labels(issue, config), &wanted);
                steps.extend(label_steps(Exchange { add, remove }));
            }
            ASSIGNEES => {
                let Exchange { add, remove } = labels::difference(&map::assignees(issue), &wanted);
                steps.extend((!add.is_empty()).then_some(Step::Assign(add)));
                steps.extend((!remove.is_empty()).then_some(Step::Unassign(remove)));
            }
            _ => return Err(no_field(name)),
        }
    }
    Ok(steps)
}

/// The body of a new issue, which bears its marker from the first moment. A status that closes it comes afterwards.
pub(crate) fn create(
    new: &throughline_sdk::NewTicket,
    marker: &throughline_sdk::Marker,
    config: &Config,
) -> Result<NewIssue> {
    let mut issue = NewIssue {
        title: new.title.trim().to_owned(),
        body: map::write_text(&new.description, Some(marker)),
        kind: new.kind.clone(),
        ..NewIssue::default()
    };
    let word = |words, wanted: &str, what, setting| {
        let exchange =
            labels::exchange(words, &[], Some(wanted)).ok_or_else(|| no_word(what, wanted, setting));
        exchange.map(|exchange| exchange.add)
    };
    let labelled = |status: &&String| *status != OPEN && map::closing_reason(status).is_none();
    if let Some(status) = new.status.as_ref().filter(labelled) {
        issue.labels.extend(word(&config.statuses, status, "status", "status_labels")?);
    }
    if let Some(priority) = &new.priority {
        issue.labels.extend(word(&config.priorities, priority, "priority", "priority_labels")?);
    }
    for (name, value) in &new.fields {
        let values = map::lines(value);
        match name.as_str() {
            LABELS => {
                free(&values, config)?;
                issue.labels.extend(values.into_iter().map(str::to_owned));
            }
            ASSIGNEES => issue.assignees.extend(values.into_iter().map(str::to_owned)),
            _ => return Err(no_field(name)),
        }
    }
    Ok(issue)
}

/// Every label that the steps add.
pub(crate) fn added(steps: &[Step]) -> Vec<String> {
    let added = |step: &Step| match step {
        Step::AddLabels(labels) => labels.clone(),
        Step::Patch(_) | Step::RemoveLabel(_) | Step::Assign(_) | Step::Unassign(_) => Vec::new(),
    };
    steps.iter().flat_map(added).collect()
}

fn label_steps(Exchange { add, remove }: Exchange) -> impl Iterator<Item = Step> {
    let add = (!add.is_empty()).then_some(Step::AddLabels(add));
    add.into_iter().chain(remove.into_iter().map(Step::RemoveLabel))
}

/// Labels with a meaning of their own are not set past it.
fn free(labels: &[&str], config: &Config) -> Result<()> {
    match labels.iter().find(|label| map::is_word(label, config)) {
        None => Ok(()),
        Some(label) => Err(Error::new(
            ErrorKind::Rejected,
            "a label that stands for a status or a priority is not set as one of the field Labels",
        )
        .with_context("label", label)),
    }
}

fn no_word(what: &str, word: &str, setting: &str) -> Error {
    Error::new(ErrorKind::Rejected, format!("no label stands for the {what} {word:?}; name one in {setting}"))
}

fn no_field(name: &str) -> Error {
    let message = "an issue has no field of this name that we can write; there are Labels and Assignees";
    Error::new(ErrorKind::Rejected, message).with_context("field", name)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::config::tests::config;
    use crate::map::tests::issue;

    fn state(state: &'static str, reason: Option<&'static str>) -> Step {
        Step::Patch(Patch { state: Some(state), state_reason: reason, ..Patch::default() })
    }

    #[test]
    fn a_status_is_reached_by_labels_and_state() {
        let add = |label: &str| Step::AddLabels(vec![label.to_owned()]);
        let remove = |label: &str| Step::RemoveLabel(label.to_owned());
        let cases: [(Value, &str, Vec<Step>); 8] = [
            (json!({}), "open", vec![]),
            (json!({}), "waiting", vec![add("Waiting")]),
            (
                json!({"labels": ["In Progress", "bug"]}),
                "waiting",
                vec![add("Waiting"), remove("In Progress")],
            ),
            (json!({"labels": ["waiting"]}), "open", vec![remove("waiting")]),
            (json!({"labels": ["waiting"]}), "not planned", vec![state("closed", Some("not_planned"))]),
            (
                json!({"state": "closed", "state_reason": "completed"}),
                "duplicate",
                vec![state("open", None), state("closed", Some("duplicate"))],
            ),
            (
                json!({"state": "closed", "labels": ["waiting"]}),
                "working",
                vec![add("in progress"), remove("waiting"), state("open", None)],
            ),
            (json!({"state": "closed"}), "completed", vec![]),
        ];
        for (before, status, expected) in cases {
            assert_eq!(
                transition(&issue(before.clone()), status, &config()).unwrap(),
                expected,
                "{before} {status}"
            );
        }
        let error = transition(&issue(json!({})), "resolved", &config()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Rejected);
    }

    #[test]
    fn only_what_differs_is_written_and_the_marker_stays() {
        let marker = throughline_sdk::Marker::from_hash(&[5; 32]);
        let before = issue(json!({"body": format!("old\n\n<!-- {marker} -->"), "labels": ["P1", "x"]}));
        let changes = Changes {
            title: Some("VPN down".into()),
            description: Some("new".into()),
            priority: Some("high".into()),
            fields: [("Labels".to_owned(), "x\ny".to_owned())].into(),
            ..Changes::default()
        };
        let steps = update(&before, &changes, &config()).unwrap();
        let body = Some(format!("new\n\n<!-- {marker} -->"));
        assert_eq!(
            steps,
            [
                Step::Patch(Patch { body, ..Patch::default() }),
                Step::AddLabels(vec!["P2".into()]),
                Step::RemoveLabel("P1".into()),
                Step::AddLabels(vec!["y".into()]),
            ]
        );
        assert_eq!(added(&steps), ["P2", "y"]);
    }

    #[test]
    fn a_label_with_a_meaning_is_not_set_as_a_field() {
        for (field, value) in [("Labels", "x\nwaiting"), ("Milestone", "Q4"), ("Colour", "red")] {
            let fields = [(field.to_owned(), value.to_owned())].into();
            let changes = Changes { fields, ..Changes::default() };
            let error = update(&issue(json!({})), &changes, &config()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Rejected, "{field}");
        }
    }
}
