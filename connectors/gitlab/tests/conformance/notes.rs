//! Notes of the desk: an internal one of somebody who may not write such is published, as GitLab does it.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde_json::json;

use crate::desk::{BOT, Desk, Note, REPORTER};
use crate::rest::{Answer, Asked, Refused, page, parsed, refusal, text, there};

type Named<const N: usize> = Path<[String; N]>;

const MAX_BODY: usize = 1_000_000;

pub(crate) async fn list(
    State(desk): State<Desk>,
    Path([_, iid]): Named<2>,
    Query(asked): Query<Asked>,
) -> Answer {
    let issue = there(&desk, &iid)?;
    let mood = desk.state().mood.clone();
    let mut rows: Vec<_> = issue.notes.iter().map(|note| note.render(issue.iid, &mood)).collect();
    if asked.get("sort").is_none_or(|sort| sort == "desc") {
        rows.reverse();
    }
    page(rows, &asked, &format!("issues/{iid}/notes"))
}

pub(crate) async fn read(State(desk): State<Desk>, Path([_, iid, note]): Named<3>) -> Answer {
    let (issue, note) = (there(&desk, &iid)?, find(&desk, &iid, &note)?);
    Ok(Json(note.render(issue.iid, &desk.state().mood)).into_response())
}

pub(crate) async fn add(State(desk): State<Desk>, Path([_, iid]): Named<2>, body: Bytes) -> Answer {
    let body = parsed(&body)?;
    let issue = there(&desk, &iid)?;
    let mood = desk.state().mood.clone();
    let said = text(&body, "body").ok_or_else(|| refusal(400, json!({"error": "body is missing"})))?;
    checked(&said)?;
    limited(&desk)?;
    if issue.locked && mood.role < REPORTER {
        return Err(refusal(403, json!({"message": "403 Forbidden"})));
    }
    let left = desk.obey(issue.iid, &said);
    if left.trim().is_empty() {
        let done = json!({"commands_changes": {"state_event": "close"}, "summary": ["Closed this issue."]});
        return Ok((StatusCode::ACCEPTED, Json(done)).into_response());
    }
    let knows = !mood.version.starts_with("15.4");
    let internal = body["internal"].as_bool().unwrap_or_default() && mood.role >= REPORTER && knows;
    let id = desk.say(BOT, issue.iid, &left, internal);
    let note = find(&desk, &iid, &id.to_string())?;
    Ok((StatusCode::CREATED, Json(note.render(issue.iid, &mood))).into_response())
}

pub(crate) async fn edit(State(desk): State<Desk>, Path([id, iid, note]): Named<3>, body: Bytes) -> Answer {
    let body = parsed(&body)?;
    let (issue, found) = (there(&desk, &iid)?, find(&desk, &iid, &note)?);
    own(&found)?;
    let said = text(&body, "body").ok_or_else(|| refusal(400, json!({"error": "body is missing"})))?;
    checked(&said)?;
    let left = desk.obey(issue.iid, &said);
    desk.state().rewrite(issue.iid, found.id, &left);
    read(State(desk), Path([id, iid, note])).await
}

pub(crate) async fn delete(State(desk): State<Desk>, Path([_, iid, note]): Named<3>) -> Answer {
    let (issue, found) = (there(&desk, &iid)?, find(&desk, &iid, &note)?);
    own(&found)?;
    desk.state().issue(issue.iid).notes.retain(|one| one.id != found.id);
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn find(desk: &Desk, iid: &str, note: &str) -> Result<Note, Refused> {
    let found = there(desk, iid)?.notes.into_iter().find(|one| one.id.to_string() == note);
    found.ok_or_else(|| refusal(404, json!({"message": "404 Not found"})))
}

fn own(note: &Note) -> Result<(), Refused> {
    match note.author == BOT {
        true => Ok(()),
        false => Err(refusal(403, json!({"message": "403 Forbidden"}))),
    }
}

fn checked(said: &str) -> Result<(), Refused> {
    let wrong = |why: &str| Err(refusal(400, json!({"message": {"note": [why]}})));
    match said.chars().count() {
        0 => wrong("can't be blank"),
        count if count > MAX_BODY => wrong("is too long (maximum is 1000000 characters)"),
        _ => Ok(()),
    }
}

fn limited(desk: &Desk) -> Result<(), Refused> {
    let now = desk.now();
    let mut state = desk.state();
    state.noted.retain(|at| (now - *at).num_seconds() < 60);
    if state.noted.len() >= state.mood.notes_a_minute {
        let said = json!({"message": {"error": "This endpoint has been requested too many times. Try again later."}});
        let answer =
            (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "37")], Json(said)).into_response();
        return Err(Refused::of(answer));
    }
    state.noted.push(now);
    Ok(())
}
