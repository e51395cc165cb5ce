//! The part of Service Management: what a customer sees of an issue, and how files get there.

use serde_json::{Value, json};

use super::rest::{Answer, Asked, time, user};
use super::state::{Actor, File, Issue, flat};
use super::{Desk, PROJECT};

pub(crate) async fn route(desk: &Desk, asked: &Asked, method: &str, path: &[&str]) -> Answer {
    match (method, path) {
        ("POST", ["servicedesk", PROJECT, "attachTemporaryFile"]) => {
            let known = if desk.plays.cloud() { "opt-in" } else { "true" };
            if asked.headers.get("x-experimentalapi").is_none_or(|value| value != known) {
                return refuse(412, "This API is experimental.");
            }
            let files = match asked.form().await {
                Ok(files) => files,
                Err(refusal) => return refusal,
            };
            let mut state = desk.lock();
            let mut stored = Vec::new();
            for (name, media_type, bytes) in files {
                let (id, created) = (state.id(), state.now);
                let key = format!("temp-{id}");
                stored.push(json!({ "temporaryAttachmentId": key, "fileName": name }));
                state
                    .stored
                    .insert(key, File { id, name, media_type, bytes, author: Actor::Bridge, created });
            }
            Answer::json(201, json!({ "temporaryAttachments": stored }))
        }
        (method, ["request", id, rest @ ..]) => {
            let number = desk.lock().named(id);
            let shown = |id: &u64| desk.lock().issues[id].fields.contains_key("customfield_10010");
            let Some(number) = number.filter(shown) else {
                // Whose comments are asked for is told that there are none.
                if rest == ["comment"] && desk.plays.cloud() {
                    return Answer::json(
                        200,
                        json!({"start": 0, "size": 0, "isLastPage": true, "values": []}),
                    );
                }
                return refuse(
                    404,
                    "The request you requested does not exist or you have no permission to see it.",
                );
            };
            match (method, rest) {
                ("GET", ["comment"]) => comments(desk, asked, number),
                ("POST", ["attachment"]) => attach(desk, asked, number),
                _ => refuse(404, "No such resource"),
            }
        }
        _ => refuse(404, "No such resource"),
    }
}

/// Refusals look different here.
fn refuse(status: u16, words: &str) -> Answer {
    Answer::json(
        status,
        json!({"errorMessage": words, "i18nErrorMessage": {"i18nKey": "sd", "parameters": []}}),
    )
}

fn comments(desk: &Desk, asked: &Asked, id: u64) -> Answer {
    const PAGE: usize = 2;
    let state = desk.lock();
    let issue = &state.issues[&id];
    let start = asked.page("start");
    let page: Vec<Value> = issue
        .comments
        .iter()
        .skip(start)
        .take(PAGE)
        .map(|comment| {
            let mut shown = json!({
                "id": comment.id.to_string(), "body": wiki(issue, comment), "author": user(desk, comment.author),
                "created": {"iso8601": time(desk, comment.created), "epochMillis": comment.created.timestamp_millis()},
            });
            if !state.hide_visibility {
                shown["public"] = comment.public().into();
            }
            if asked.lists("expand", "attachment") && desk.plays.cloud() {
                let files: Vec<Value> =
                    issue.files.iter().filter(|file| comment.files.contains(&file.id)).map(|file| file_json(desk, file)).collect();
                shown["attachments"] = json!({"size": files.len(), "isLastPage": true, "values": files});
            }
            shown
        })
        .collect();
    let last = start + page.len() >= issue.comments.len();
    Answer::json(
        200,
        json!({"start": start, "limit": PAGE, "size": page.len(), "isLastPage": last, "values": page}),
    )
}

/// The text as wiki markup, with the files below.
fn wiki(issue: &Issue, comment: &super::state::Comment) -> String {
    let mut text = flat(&comment.body);
    if comment.body.is_string() {
        // It is markup already, and refers to them.
        return text.replace('\n', "\r\n");
    }
    for file in issue.files.iter().filter(|file| comment.files.contains(&file.id)) {
        text.push_str(&format!("\n\n[^{}]", file.name));
    }
    text
}

fn file_json(desk: &Desk, file: &File) -> Value {
    let base = format!("https://jira.elsewhere.test/secure/attachment/{}/x", file.id);
    json!({
        "filename": file.name, "author": user(desk, file.author), "size": file.bytes.len(), "mimeType": file.media_type,
        "created": {"iso8601": time(desk, file.created)}, "_links": {"content": base, "thumbnail": null},
    })
}

fn attach(desk: &Desk, asked: &Asked, id: u64) -> Answer {
    let body = match asked.json() {
        Ok(body) => body,
        Err(refusal) => return refusal,
    };
    let names: Vec<String> = body["temporaryAttachmentIds"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|id| id.as_str().map(str::to_owned))
        .collect();
    let Some(public) = body["public"].as_bool() else { return refuse(400, "public is missing") };
    let mut state = desk.lock();
    if names.is_empty() || names.iter().any(|name| !state.stored.contains_key(name)) {
        return refuse(400, "No such temporary attachment");
    }
    let stored: Vec<File> = names.iter().filter_map(|name| state.stored.remove(name)).collect();
    let ids: Vec<u64> = stored
        .iter()
        .map(|file| state.attach(id, Actor::Bridge, &file.name, &file.media_type, file.bytes.clone()))
        .collect();
    let text = body["additionalComment"]["body"].as_str().unwrap_or_default();
    let media: Vec<Value> = ids.iter().map(|id| json!({"type": "media", "attrs": {"id": format!("{id:036}"), "type": "file", "collection": ""}})).collect();
    let document = if desk.plays.cloud() {
        json!({"type": "doc", "version": 1, "content": [
            {"type": "paragraph", "content": [{"type": "text", "text": text}]},
            {"type": "mediaGroup", "content": media},
        ]})
    } else {
        let names: Vec<String> = stored.iter().map(|file| format!("[^{}]", file.name)).collect();
        format!("{text}\n\n{}", names.join("\n")).into()
    };
    let public = public || state.no_licence;
    let comment = state.comment(id, Actor::Bridge, document);
    comment.files.clone_from(&ids);
    if !public {
        comment.properties.insert("sd.public.comment".to_owned(), json!({"internal": true}));
    }
    let made =
        json!({"comment": {"id": comment.id.to_string(), "public": public}, "attachments": {"values": []}});
    Answer::json(201, made)
}
