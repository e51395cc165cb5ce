//! What has to be written so that an issue becomes what is wanted: pure, one request for all of it.

use throughline_sdk::labels::{self, Exchange};
use throughline_sdk::{Changes, Error, ErrorKind, Marker, MarkerLine, NewTicket, Result};

use crate::config::Config;
use crate::map::{self, CLOSED, DUE, LABELS, OPENED};
use crate::wire::{Issue, IssueWrite};

/// What brings an issue to a status; `None` where it has it. A closed issue keeps its labels, or reopening it by hand
/// would lose where it stood.
pub(crate) fn transition(issue: &Issue, wanted: &str, config: &Config) -> Result<Option<IssueWrite>> {
    if map::status(issue, config) == wanted {
        return Ok(None);
    }
    if wanted == CLOSED {
        return Ok(Some(IssueWrite { state_event: Some("close"), ..IssueWrite::default() }));
    }
    let word = Some(wanted).filter(|wanted| *wanted != OPENED);
    let exchange = labels::exchange(&config.statuses, &map::label_names(issue), word)
        .ok_or_else(|| no_word("status", wanted, "status_labels"))?;
    let mut write = IssueWrite::default();
    relabel(&mut write, exchange);
    write.state_event = (issue.state != OPENED).then_some("reopen");
    Ok(Some(write))
}

/// What sets the asked fields, one request for all of them; `None` where the issue has them already.
pub(crate) fn update(issue: &Issue, changes: &Changes, config: &Config) -> Result<Option<IssueWrite>> {
    let asked = map::not_in(changes, &map::ticket(issue, &[], config));
    let asks = |name: &str| asked.iter().any(|one| one == name);
    let mut write = IssueWrite::default();
    if asks("title") {
        write.title = changes.title.as_deref().map(|title| title.trim().to_owned());
    }
    if asks("description") {
        // The marker and the files that stand in the text stay there.
        let old = issue.description.as_deref().unwrap_or_default();
        let (_, marker) = MarkerLine::COMMENT.split(old);
        write.description =
            changes.description.as_deref().map(|text| map::write_text(text, old, marker.as_ref()));
    }
    if asks("type") {
        write.issue_type.clone_from(&changes.kind);
    }
    let mut exchange = Exchange::default();
    if let Some(priority) = changes.priority.as_deref().filter(|_| asks("priority")) {
        exchange = labels::exchange(&config.priorities, &map::label_names(issue), Some(priority))
            .ok_or_else(|| no_word("priority", priority, "priority_labels"))?;
    }
    for (name, value) in changes.fields.iter().filter(|(name, _)| asks(name)) {
        match name.as_str() {
            LABELS => {
                let wanted = map::lines(value);
                free(&wanted, config)?;
                let Exchange { add, remove } = labels::difference(&map::other_labels(issue, config), &wanted);
                exchange.add.extend(add);
                exchange.remove.extend(remove);
            }
            DUE => write.due_date = Some(value.trim().to_owned()),
            _ => return Err(no_field(name)),
        }
    }
    relabel(&mut write, exchange);
    Ok(Some(write).filter(|write| *write != IssueWrite::default()))
}

/// The body of a new issue, which bears its marker from the first moment.
pub(crate) fn create(new: &NewTicket, marker: &Marker, config: &Config) -> Result<IssueWrite> {
    let mut write = IssueWrite {
        title: Some(new.title.trim().to_owned()),
        description: Some(map::write_text(&new.description, "", Some(marker))),
        issue_type: new.kind.clone(),
        confidential: Some(config.confidential),
        ..IssueWrite::default()
    };
    let mut all = Vec::new();
    let mut word = |words, wanted: &str, what, setting| {
        let exchange =
            labels::exchange(words, &[], Some(wanted)).ok_or_else(|| no_word(what, wanted, setting))?;
        all.extend(exchange.add);
        Ok(())
    };
    if let Some(status) = new.status.as_ref().filter(|status| *status != OPENED && *status != CLOSED) {
        word(&config.statuses, status, "status", "status_labels")?;
    }
    if let Some(priority) = &new.priority {
        word(&config.priorities, priority, "priority", "priority_labels")?;
    }
    for (name, value) in &new.fields {
        match name.as_str() {
            LABELS => {
                let values = map::lines(value);
                free(&values, config)?;
                all.extend(values.into_iter().map(str::to_owned));
            }
            DUE => write.due_date = Some(value.trim().to_owned()),
            _ => return Err(no_field(name)),
        }
    }
    write.labels = all.join(",");
    Ok(write)
}

/// Labels with a meaning of their own are not set past it, and none holds a comma.
fn free(labels: &[&str], config: &Config) -> Result<()> {
    let (wrong, message) = match labels.iter().find(|label| map::is_word(label, config)) {
        Some(label) => {
            (label, "a label that stands for a status or a priority is not set as one of the field Labels")
        }
        None => match labels.iter().find(|label| label.contains(',')) {
            Some(label) => (label, "GitLab's labels hold no commas"),
            None => return Ok(()),
        },
    };
    Err(Error::new(ErrorKind::Rejected, message).with_context("label", wrong))
}

fn relabel(write: &mut IssueWrite, Exchange { add, remove }: Exchange) {
    write.add_labels = add.join(",");
    write.remove_labels = remove.join(",");
}

fn no_word(what: &str, word: &str, setting: &str) -> Error {
    Error::new(ErrorKind::Rejected, format!("no label stands for the {what} {word:?}; name one in {setting}"))
}

fn no_field(name: &str) -> Error {
    let message = "an issue has no field of this name that we can write; there are Labels and Due date";
    Error::new(ErrorKind::Rejected, message).with_context("field", name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::tests::config;
    use crate::map::tests::{SECRET, issue};

    #[test]
    fn only_what_differs_is_written_in_one_request() {
        let marker = Marker::from_hash(&[5; 32]);
        let file = format!("[a.txt](/uploads/{SECRET}/a.txt)");
        let before = issue(json!({
            "description": format!("old {file}\n\n<!-- {marker} -->"), "labels": ["priority::1", "x"],
        }));
        let changes = Changes {
            title: Some("VPN down".into()),
            description: Some("new".into()),
            priority: Some("high".into()),
            fields: [("Labels", "y"), ("Due date", "2031-06-01")]
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
                .into(),
            ..Changes::default()
        };
        let expected = IssueWrite {
            description: Some(format!("new\n\n{file}\n\n<!-- {marker} -->")),
            due_date: Some("2031-06-01".into()),
            add_labels: "priority::2,y".into(),
            remove_labels: "priority::1,x".into(),
            ..IssueWrite::default()
        };
        assert_eq!(update(&before, &changes, &config()).unwrap(), Some(expected));
        let nothing = Changes { priority: Some("urgent".into()), ..Changes::default() };
        assert_eq!(update(&before, &nothing, &config()).unwrap(), None);
        for (field, value) in [("Labels", "doing"), ("Labels", "a,b"), ("Milestone", "Q4")] {
            let fields = [(field.to_owned(), value.to_owned())].into();
            let error = update(&before, &Changes { fields, ..Changes::default() }, &config()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Rejected, "{field} {value}");
        }
    }

    #[test]
    fn a_status_is_reached_in_one_request() {
        let write = |add: &str, remove: &str, state_event| {
            Some(IssueWrite {
                add_labels: add.into(),
                remove_labels: remove.into(),
                state_event,
                ..IssueWrite::default()
            })
        };
        for (before, wanted, expected) in [
            (json!({}), "opened", None),
            (json!({"state": "closed", "labels": ["doing"]}), "closed", None),
            (json!({"labels": ["doing"]}), "closed", write("", "", Some("close"))),
            (json!({"labels": ["doing"]}), "waiting", write("status::waiting", "doing", None)),
            (json!({"state": "closed", "labels": ["doing"]}), "working", write("", "", Some("reopen"))),
            (json!({"state": "closed", "labels": ["doing"]}), "opened", write("", "doing", Some("reopen"))),
        ] {
            assert_eq!(
                transition(&issue(before.clone()), wanted, &config()).unwrap(),
                expected,
                "{before} {wanted}"
            );
        }
        assert_eq!(
            transition(&issue(json!({})), "resolved", &config()).unwrap_err().kind(),
            ErrorKind::Rejected
        );
    }
}
