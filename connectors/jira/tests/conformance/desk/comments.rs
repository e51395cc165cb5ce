//! Comments: read in small pages, and rewritten with whatever is sent, restrictions too.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Desk;
use super::issues::{Outcome, check_text, text};
use super::rest::{Answer, Asked, refuse, time, user};
use super::state::{Actor, Comment, ROLES, State};

pub(crate) fn comments(desk: &Desk, asked: &Asked, id: u64) -> Answer {
    const PAGE: usize = 2;
    let state = desk.lock();
    let all = &state.issues[&id].comments;
    let start = asked.page("startAt");
    let properties = asked.lists("expand", "properties");
    let page: Vec<Value> =
        all.iter().skip(start).take(PAGE).map(|one| comment_json(desk, &state, one, properties)).collect();
    Answer::json(200, json!({"startAt": start, "maxResults": PAGE, "total": all.len(), "comments": page}))
}

fn comment_json(desk: &Desk, state: &State, comment: &Comment, properties: bool) -> Value {
    let mut shown = json!({
        "id": comment.id.to_string(), "author": user(desk, comment.author), "body": text(desk, &comment.body),
        "created": time(desk, comment.created), "updated": time(desk, comment.created),
    });
    if let Some(visibility) = &comment.visibility {
        shown["visibility"] = visibility.clone();
    }
    if desk.plays.cloud() && !state.hide_visibility {
        // Said of every comment, also where there is no portal.
        shown["jsdPublic"] = (comment.public() || !desk.plays.portal()).into();
    }
    if properties {
        let told = comment
            .properties
            .iter()
            .filter(|(key, _)| !state.hide_visibility || *key != "sd.public.comment");
        shown["properties"] = told.map(|(key, value)| json!({"key": key, "value": value})).collect();
    }
    shown
}

/// What a comment's body, restriction and properties are to be.
type Written = (Value, Option<Value>, BTreeMap<String, Value>);

fn written(desk: &Desk, body: &Value) -> Result<Written, Answer> {
    let text = &body["body"];
    if text.is_null() || text == "" {
        return Err(refuse(400, "Comment body can not be empty!"));
    }
    if check_text(desk, text).is_err() {
        return Err(refuse(400, "INVALID_INPUT"));
    }
    let visibility = body.get("visibility").filter(|visibility| !visibility.is_null()).cloned();
    if let Some(visibility) = &visibility {
        let known = visibility["type"] == "role"
            && visibility["value"].as_str().is_some_and(|role| ROLES.contains(&role));
        if !known {
            return Err(refuse(400, "The role or group for the comment does not exist."));
        }
    }
    let properties = body["properties"].as_array().into_iter().flatten();
    let properties =
        properties.map(|one| (one["key"].as_str().unwrap_or_default().to_owned(), one["value"].clone()));
    Ok((text.clone(), visibility, properties.collect()))
}

pub(crate) fn comment(desk: &Desk, asked: &Asked, id: u64) -> Outcome {
    let (body, visibility, mut properties) = written(desk, &asked.json()?)?;
    let mut state = desk.lock();
    if state.no_licence {
        properties.remove("sd.public.comment");
    }
    let made = state.comment(id, Actor::Bridge, body);
    (made.visibility, made.properties) = (visibility, properties);
    let made = made.clone();
    Ok(Answer::json(201, comment_json(desk, &state, &made, false)))
}

pub(crate) fn edit_comment(desk: &Desk, asked: &Asked, id: u64, comment: &str) -> Outcome {
    let (body, visibility, properties) = written(desk, &asked.json()?)?;
    let mut state = desk.lock();
    let all = &mut state.issues.get_mut(&id).unwrap().comments;
    let Some(known) = all.iter_mut().find(|one| one.id.to_string() == comment) else {
        return Err(refuse(404, "Can not find a comment for the id."));
    };
    // What is not sent again is gone.
    (known.body, known.visibility, known.properties) = (body, visibility, properties);
    let known = known.clone();
    if desk.plays.cloud() {
        state.touch(id);
    }
    Ok(Answer::json(200, comment_json(desk, &state, &known, false)))
}

pub(crate) fn delete_comment(desk: &Desk, id: u64, comment: &str) -> Outcome {
    let mut state = desk.lock();
    let all = &mut state.issues.get_mut(&id).unwrap().comments;
    let before = all.len();
    all.retain(|one| one.id.to_string() != comment);
    if all.len() == before {
        return Err(refuse(404, "Can not find a comment for the id."));
    }
    state.touch(id);
    Ok(Answer::nothing())
}
