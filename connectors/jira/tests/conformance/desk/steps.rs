//! The workflow: what may come next, what its screens ask for, and what becomes of a step.

use serde_json::{Map, Value, json};

use super::Desk;
use super::issues::{Outcome, meta, set};
use super::rest::{Answer, Asked, refuse, refuse_fields};
use super::state::{Actor, Closing, FIELDS, Issue, TRANSITIONS, status};

/// The fields that a transition's screen asks for, with whether it has to have them.
fn screen(transition: &str, issue: &Issue) -> Vec<(&'static str, &'static str, bool)> {
    match transition {
        "61" => vec![("resolution", "Resolution", true)],
        "81" if issue.closing == Closing::Field => vec![("customfield_10040", "Root cause", true)],
        _ => Vec::new(),
    }
}

pub(crate) fn transitions(desk: &Desk, asked: &Asked, id: u64) -> Answer {
    let state = desk.lock();
    let issue = &state.issues[&id];
    let open = TRANSITIONS.iter().filter(|one| one.2 == issue.status);
    let shown = open.map(|(transition, name, _, to)| {
        let mut one = json!({"id": transition, "name": name, "to": status(to), "isAvailable": true, "hasScreen": false});
        if asked.lists("expand", "transitions.fields") {
            let fields = screen(transition, issue).into_iter().map(|(field, name, required)| {
                let known = FIELDS.iter().find(|one| one.0 == field);
                let other = (field, name, "resolution", None, None);
                (field.to_owned(), meta(known.unwrap_or(&other), required))
            });
            one["fields"] = fields.collect::<Map<_, _>>().into();
        }
        one
    });
    Answer::json(200, json!({ "transitions": shown.collect::<Vec<_>>() }))
}

pub(crate) fn transition(desk: &Desk, asked: &Asked, id: u64) -> Outcome {
    let body = asked.json()?;
    let mut state = desk.lock();
    let issue = &state.issues[&id];
    let step = TRANSITIONS.iter().find(|one| body["transition"]["id"] == one.0 && one.2 == issue.status);
    let Some((transition, _, _, to)) = step else {
        return Err(refuse(
            400,
            "It seems that you have tried to perform a workflow operation that is not valid for the current state of this issue.",
        ));
    };
    let screen = screen(transition, issue);
    let mut errors = Map::new();
    let given = body["fields"].as_object().cloned().unwrap_or_default();
    for field in given.keys().filter(|field| !screen.iter().any(|one| one.0 == *field)) {
        errors.insert(
            field.clone(),
            "Field cannot be set. It is not on the appropriate screen, or unknown.".into(),
        );
    }
    for (field, name, required) in &screen {
        let empty = issue.fields.get(*field).is_none_or(Value::is_null) && !given.contains_key(*field);
        if *required && empty {
            errors.insert((*field).to_owned(), format!("{name} is required.").into());
        }
    }
    if !errors.is_empty() {
        return Err(refuse_fields(&errors));
    }
    if *transition == "81" && issue.closing == Closing::Validator {
        return Err(refuse(400, "Root cause must be filled in before an issue is closed."));
    }
    if !state.ignore_updates {
        state.change(id, Actor::Bridge, |issue| {
            set(issue, given.into_iter().collect());
            issue.status = to;
            if status(to)["statusCategory"]["key"] != "done" {
                issue.resolution = None;
            }
        });
    }
    Ok(Answer::nothing())
}
