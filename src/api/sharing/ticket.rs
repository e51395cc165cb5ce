//! What a push makes of a ticket: pure. A push tells what is new; what it leaves out, or gives as `null`, stays.
//!
//! Only what the protocol knows is kept, in its own words. A comment is known by its uuid: one that is there already stays
//! as it is, however often the whole list comes.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use throughline_sdk::Timestamp;

use super::agreement::is_uuid;
use super::refusal::Refusal;
use crate::desk::{Change, Record, Stored};

/// The most comments of one ticket.
const MOST_COMMENTS: usize = 5000;
/// The most custom fields of one ticket.
const MOST_FIELDS: usize = 500;
/// The most files of one comment.
const MOST_FILES: usize = 100;

/// A push, and what it meets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pushed<'a> {
    /// What stands there; `None` where it is shared now.
    pub(super) record: Option<&'a Record>,
    pub(super) uuid: &'a str,
    /// The agreement by which it is shared.
    pub(super) agreement: &'a str,
    pub(super) push: &'a Map<String, Value>,
    /// We began to share it, and do not know yet whether the partner has it.
    pub(super) offered: bool,
    pub(super) now: Timestamp,
}

/// The ticket's name.
pub(super) fn uuid(document: &Map<String, Value>) -> &str {
    text(document, "uuid")
}

/// The agreement by which it is shared.
pub(super) fn agreement(document: &Map<String, Value>) -> &str {
    text(document, "agreement")
}

/// Whether it waits for the partner to take it.
pub(super) fn is_offered(document: &Map<String, Value>) -> bool {
    document.get("offered").and_then(Value::as_bool).unwrap_or(false)
}

/// The ticket after a push.
///
/// # Errors
///
/// 422 for what is no ticket, with its place.
pub(super) fn merged(pushed: Pushed<'_>) -> Result<Change, Refusal> {
    let Pushed { record, push, now, .. } = pushed;
    let mut document = record.map(|record| record.document.clone()).unwrap_or_default();
    let files = record.map(|record| record.files.clone()).unwrap_or_default();
    document.insert("uuid".to_owned(), json!(pushed.uuid));
    document.insert("agreement".to_owned(), json!(pushed.agreement));
    document.remove("offered");
    if pushed.offered {
        document.insert("offered".to_owned(), json!(true));
    }
    for name in ["subject", "status", "custom_status", "original_id", "requested_at"] {
        match push.get(name) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) => _ = document.insert(name.to_owned(), json!(text)),
            // Some send numbers as such.
            Some(Value::Number(number)) if name == "original_id" => {
                document.insert(name.to_owned(), json!(number.to_string()));
            }
            Some(_) => return Err(wrong(name, "a text")),
        }
    }
    for name in ["requester", "current_actor"] {
        if let Some(actor) = actor(push, name, name)? {
            document.insert(name.to_owned(), actor);
        }
    }
    if let Some(tags) = tags(push)? {
        document.insert("tags".to_owned(), json!(tags));
    }
    fields(&mut document, push)?;
    comments(&mut document, push, &files, now)?;
    if record.is_none() {
        // What a ticket is about is said by its first comment, if that is for everybody.
        let first = document.get("comments").and_then(Value::as_array).and_then(|all| all.first());
        let first = first.filter(|first| first.get("public") != Some(&Value::Bool(false)));
        let name = first.and_then(|first| first.get("uuid")).cloned();
        document.extend(name.map(|name| ("description".to_owned(), name)));
    }
    Ok(Change { document, files, ..Change::default() })
}

/// A ticket that is shared no more.
pub(super) fn unshared(record: Option<&Record>) -> Change {
    let name = record.map(|record| uuid(&record.document)).unwrap_or_default();
    let document = Map::from_iter([("uuid".to_owned(), json!(name))]);
    Change { document, deleted: true, ..Change::default() }
}

/// The ticket as the protocol writes it.
pub(super) fn told(document: &Map<String, Value>) -> Value {
    let mut told = document.clone();
    for ours in ["agreement", "offered", "description"] {
        told.remove(ours);
    }
    for comment in told.get_mut("comments").and_then(Value::as_array_mut).into_iter().flatten() {
        let Some(comment) = comment.as_object_mut() else { continue };
        comment.remove("at");
        let files = comment.get_mut("attachments").and_then(Value::as_array_mut);
        for file in files.into_iter().flatten().filter_map(Value::as_object_mut) {
            file.remove("size");
        }
    }
    Value::Object(told)
}

fn tags(push: &Map<String, Value>) -> Result<Option<Vec<String>>, Refusal> {
    match push.get("tags") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(tags)) => Ok(Some(tags.split_whitespace().map(str::to_owned).collect())),
        Some(Value::Array(tags)) => {
            let tags: Option<_> = tags.iter().map(|tag| tag.as_str().map(str::to_owned)).collect();
            tags.map(Some).ok_or_else(|| wrong("tags", "a list of texts"))
        }
        Some(_) => Err(wrong("tags", "a list of texts")),
    }
}

fn fields(document: &mut Map<String, Value>, push: &Map<String, Value>) -> Result<(), Refusal> {
    let new = match push.get("custom_fields") {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::Object(new)) => new,
        Some(_) => return Err(wrong("custom_fields", "an object")),
    };
    let all = document.entry("custom_fields").or_insert_with(|| json!({}));
    let Some(all) = all.as_object_mut() else { return Ok(()) };
    for (name, value) in new {
        if value.is_null() {
            all.remove(name);
        } else {
            all.insert(name.clone(), value.clone());
        }
    }
    if all.len() > MOST_FIELDS {
        return Err(Refusal::unprocessable(format!("a ticket has at most {MOST_FIELDS} custom fields")));
    }
    Ok(())
}

fn comments(
    document: &mut Map<String, Value>,
    push: &Map<String, Value>,
    files: &BTreeMap<String, Stored>,
    now: Timestamp,
) -> Result<(), Refusal> {
    let new = match push.get("comments") {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::Array(new)) => new,
        Some(_) => return Err(wrong("comments", "a list")),
    };
    let all = document.entry("comments").or_insert_with(|| json!([]));
    let Some(all) = all.as_array_mut() else { return Ok(()) };
    for (at, comment) in new.iter().enumerate() {
        let place = format!("comments[{at}]");
        let comment = comment.as_object().ok_or_else(|| wrong(&place, "an object"))?;
        let name = comment.get("uuid").and_then(Value::as_str).filter(|name| is_uuid(name));
        let name = name.ok_or_else(|| wrong(&format!("{place}.uuid"), "a uuid"))?;
        if all.iter().any(|there| there.get("uuid").and_then(Value::as_str) == Some(name)) {
            continue;
        }
        all.push(kept(comment, name, &place, files, now)?);
    }
    if all.len() > MOST_COMMENTS {
        return Err(Refusal::unprocessable(format!("a ticket has at most {MOST_COMMENTS} comments")));
    }
    Ok(())
}

/// A comment as it is kept.
fn kept(
    comment: &Map<String, Value>,
    name: &str,
    place: &str,
    files: &BTreeMap<String, Stored>,
    now: Timestamp,
) -> Result<Value, Refusal> {
    let mut kept = Map::from_iter([("uuid".to_owned(), json!(name)), ("at".to_owned(), json!(now))]);
    for name in ["body", "html_body", "authored_at"] {
        match comment.get(name) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) => _ = kept.insert(name.to_owned(), json!(text)),
            Some(_) => return Err(wrong(&format!("{place}.{name}"), "a text")),
        }
    }
    match comment.get("public") {
        None | Some(Value::Null) => {}
        Some(Value::Bool(public)) => _ = kept.insert("public".to_owned(), json!(public)),
        // What nobody understands is never taken for public.
        Some(_) => return Err(wrong(&format!("{place}.public"), "true or false")),
    }
    if let Some(author) = actor(comment, "author", &format!("{place}.author"))? {
        kept.insert("author".to_owned(), author);
    }
    let attached = match comment.get("attachments") {
        None | Some(Value::Null) => &[][..],
        Some(Value::Array(attached)) if attached.len() <= MOST_FILES => attached,
        Some(Value::Array(_)) => {
            return Err(Refusal::unprocessable(format!("a comment has at most {MOST_FILES} attachments")));
        }
        Some(_) => return Err(wrong(&format!("{place}.attachments"), "a list")),
    };
    let mut attachments = Vec::new();
    for (at, file) in attached.iter().enumerate() {
        let place = format!("{place}.attachments[{at}]");
        let file = file.as_object().ok_or_else(|| wrong(&place, "an object"))?;
        let mut kept = Map::new();
        for name in ["url", "filename", "display_filename", "content_type"] {
            match file.get(name) {
                None | Some(Value::Null) => {}
                Some(Value::String(text)) => _ = kept.insert(name.to_owned(), json!(text)),
                Some(_) => return Err(wrong(&format!("{place}.{name}"), "a text")),
            }
        }
        // Of a file that was laid out here we know how large it is. Nobody else can say that one is here.
        if let Some(stored) = files.get(name).filter(|_| at == 0) {
            kept.insert("size".to_owned(), json!(stored.size));
        }
        attachments.push(Value::Object(kept));
    }
    kept.insert("attachments".to_owned(), Value::Array(attachments));
    Ok(Value::Object(kept))
}

fn actor(outer: &Map<String, Value>, name: &str, place: &str) -> Result<Option<Value>, Refusal> {
    let given = match outer.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Object(given)) => given,
        Some(_) => return Err(wrong(place, "an object")),
    };
    let mut kept = Map::new();
    for name in ["uuid", "name"] {
        match given.get(name) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) => _ = kept.insert(name.to_owned(), json!(text)),
            Some(_) => return Err(wrong(&format!("{place}.{name}"), "a text")),
        }
    }
    Ok(Some(Value::Object(kept)))
}

fn wrong(place: &str, expected: &str) -> Refusal {
    Refusal::unprocessable(format!("{place} has to be {expected}"))
}

fn text<'d>(document: &'d Map<String, Value>, name: &str) -> &'d str {
    document.get(name).and_then(Value::as_str).unwrap_or_default()
}
