//! Issues, their fields, files, links and properties.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::rest::{Answer, Asked, refuse, refuse_fields, schema, time, user};
use super::state::{Actor, Change, FIELDS, FieldRow, File, History, Issue, PRIORITIES, SITES, TYPES, status};
use super::{Desk, PROJECT, adf, comments, steps};

pub(crate) type Outcome = Result<Answer, Answer>;

pub(crate) async fn route(desk: &Desk, asked: &Asked, method: &str, path: &[&str]) -> Answer {
    let outcome = match (method, path) {
        ("POST", []) => create(desk, asked),
        ("GET", ["createmeta", PROJECT, "issuetypes"]) => Ok(create_types(desk)),
        ("GET", ["createmeta", PROJECT, "issuetypes", _]) => Ok(create_fields(desk, asked)),
        (method, [id, rest @ ..]) => {
            let Some(number) = desk.lock().named(id) else {
                return refuse(404, "Issue does not exist or you do not have permission to see it.");
            };
            of_issue(desk, asked, method, number, rest).await
        }
        _ => Err(refuse(404, "No such resource")),
    };
    outcome.unwrap_or_else(|refusal| refusal)
}

async fn of_issue(desk: &Desk, asked: &Asked, method: &str, id: u64, path: &[&str]) -> Outcome {
    match (method, path) {
        ("GET", []) => Ok(show(desk, asked, id)),
        ("PUT", []) => edit(desk, asked, id),
        ("GET", ["comment"]) => Ok(comments::comments(desk, asked, id)),
        ("POST", ["comment"]) => comments::comment(desk, asked, id),
        ("PUT", ["comment", comment]) => comments::edit_comment(desk, asked, id, comment),
        ("DELETE", ["comment", comment]) => comments::delete_comment(desk, id, comment),
        ("GET", ["transitions"]) => Ok(steps::transitions(desk, asked, id)),
        ("POST", ["transitions"]) => steps::transition(desk, asked, id),
        ("GET", ["remotelink"]) => {
            let links: Vec<Value> = desk.lock().issues[&id].links.clone();
            Ok(Answer::json(200, links.into()))
        }
        ("POST", ["remotelink"]) => link(desk, asked, id),
        ("PUT", ["properties", key]) => {
            let value = asked.json()?;
            if value.to_string().len() > 32_768 {
                return Err(refuse(400, "The property value is too long"));
            }
            let mut state = desk.lock();
            // A property moves no time.
            let old = state.issues.get_mut(&id).unwrap().properties.insert((*key).to_owned(), value);
            Ok(Answer::json(if old.is_some() { 200 } else { 201 }, json!({})))
        }
        ("POST", ["attachments"]) => {
            let files = asked.form().await?;
            let mut state = desk.lock();
            let made: Vec<u64> = files
                .into_iter()
                .map(|(name, media_type, bytes)| state.attach(id, Actor::Bridge, &name, &media_type, bytes))
                .collect();
            let issue = &state.issues[&id];
            let made = issue.files.iter().filter(|file| made.contains(&file.id));
            Ok(Answer::json(200, made.map(|file| file_json(desk, file)).collect()))
        }
        _ => Err(refuse(404, "No such resource")),
    }
}

fn show(desk: &Desk, asked: &Asked, id: u64) -> Answer {
    let state = desk.lock();
    let issue = &state.issues[&id];
    if asked.one("fields").as_deref() == Some("status") {
        let fields = json!({ "status": status(issue.status) });
        return Answer::json(200, json!({"id": id.to_string(), "key": issue.key, "fields": fields}));
    }
    assert_eq!(asked.one("fields").as_deref(), Some("*all,-comment,-worklog"), "comments would come cut off");
    let kind = TYPES.iter().find(|kind| kind.1 == issue.kind).unwrap();
    let mut fields = json!({
        "summary": issue.summary,
        "description": text(desk, &issue.description),
        "status": status(issue.status),
        "priority": {"id": "3", "name": issue.priority},
        "issuetype": {"id": kind.0, "name": kind.1, "subtask": kind.2},
        "project": {"id": "10000", "key": issue.key.split('-').next().unwrap()},
        "labels": issue.fields.get("labels").cloned().unwrap_or_else(|| json!([])),
        "reporter": user(desk, issue.reporter),
        "creator": user(desk, issue.reporter),
        "assignee": null,
        "resolution": issue.resolution.as_ref().map(|name| json!({ "name": name })),
        "attachment": issue.files.iter().map(|file| file_json(desk, file)).collect::<Vec<_>>(),
        "created": time(desk, issue.created),
        "updated": time(desk, issue.updated),
        "votes": {"votes": 0},
    });
    for (field, ..) in FIELDS.iter().filter(|field| field.0 != "labels") {
        fields[*field] = issue.fields.get(*field).map_or(Value::Null, |value| text(desk, value));
    }
    let mut body = json!({"id": id.to_string(), "key": issue.key, "fields": fields});
    if asked.lists("expand", "names") {
        body["names"] = FIELDS
            .iter()
            .map(|field| (field.0.to_owned(), Value::from(field.1)))
            .collect::<Map<_, _>>()
            .into();
        body["names"]["resolution"] = "Resolution".into();
    }
    if asked.lists("expand", "schema") {
        let of = |field: &FieldRow| schema(field.0, field.2, field.3, field.4);
        body["schema"] =
            FIELDS.iter().map(|field| (field.0.to_owned(), of(field))).collect::<Map<_, _>>().into();
    }
    if asked.lists("expand", "editmeta") {
        let fields: Map<String, Value> = FIELDS
            .iter()
            .filter(|field| field.0 != "customfield_10040")
            .map(|field| (field.0.to_owned(), meta(field, false)))
            .collect();
        body["editmeta"] = json!({ "fields": fields });
    }
    if asked.lists("expand", "changelog") {
        let mut histories: Vec<Value> = issue.histories.iter().map(|one| history(desk, one)).collect();
        if desk.plays.cloud() {
            // From the most recent.
            histories.reverse();
        }
        body["changelog"] = json!({"startAt": 0, "maxResults": histories.len(), "total": histories.len(), "histories": histories});
    }
    // Only those that are asked for by name.
    let properties = issue.properties.iter().filter(|(key, _)| asked.lists("properties", key));
    body["properties"] =
        properties.map(|(key, value)| (key.clone(), value.clone())).collect::<Map<_, _>>().into();
    Answer::json(200, body)
}

fn history(desk: &Desk, history: &History) -> Value {
    let item = |change: &Change| {
        let known = FIELDS.iter().find(|field| field.1 == change.field);
        let mut item = json!({
            "field": change.field, "fieldtype": if known.is_some() { "custom" } else { "jira" },
            "from": number_of(change), "fromString": change.from, "to": null, "toString": change.to,
        });
        if desk.plays.cloud() {
            // Left out here, null there.
            item.as_object_mut().unwrap().retain(|_, value| !value.is_null());
            item["fieldId"] = known.map_or(change.field.as_str(), |field| field.0).into();
        }
        item
    };
    json!({
        "id": history.id.to_string(), "author": user(desk, history.author), "created": time(desk, history.at),
        "items": history.items.iter().map(item).collect::<Vec<_>>(),
    })
}

/// The id of what stood there, where it has one.
fn number_of(change: &Change) -> Value {
    let at = |place: Option<usize>| place.map_or(Value::Null, |at| (at + 1).to_string().into());
    match change.field.as_str() {
        "priority" => at(PRIORITIES.iter().position(|name| *name == change.from)),
        "issuetype" => {
            TYPES.iter().find(|kind| kind.1 == change.from).map_or(Value::Null, |kind| kind.0.into())
        }
        "Due date" => change.from.as_str().into(),
        _ => Value::Null,
    }
}

pub(crate) fn meta(field: &FieldRow, required: bool) -> Value {
    let (id, name, kind, items, custom) = *field;
    json!({
        "key": id, "name": name, "required": required, "hasDefaultValue": false, "operations": ["set"],
        "schema": schema(id, kind, items, custom),
    })
}

fn create_types(desk: &Desk) -> Answer {
    let types: Vec<Value> =
        TYPES.iter().map(|(id, name, subtask)| json!({"id": id, "name": name, "subtask": subtask})).collect();
    let list = if desk.plays.cloud() { "issueTypes" } else { "values" };
    Answer::json(200, json!({"startAt": 0, "maxResults": 50, "total": types.len(), list: types}))
}

fn create_fields(desk: &Desk, asked: &Asked) -> Answer {
    const PAGE: usize = 3;
    let all: Vec<Value> = FIELDS
        .iter()
        .map(|field| {
            let mut one = meta(field, false);
            one["fieldId"] = field.0.into();
            one
        })
        .collect();
    let start = asked.page("startAt");
    let page: Vec<&Value> = all.iter().skip(start).take(PAGE).collect();
    let list = if desk.plays.cloud() { "fields" } else { "values" };
    Answer::json(200, json!({"startAt": start, "maxResults": PAGE, "total": all.len(), list: page}))
}

/// Checks fields that are to be set and says what becomes of each.
fn checked(desk: &Desk, fields: &Value, create: bool) -> Result<BTreeMap<String, Value>, Answer> {
    let mut errors = Map::new();
    let mut set = BTreeMap::new();
    let is = |list: &[&str], value: &Value| named(list, value).is_some();
    let kinds: Vec<&str> = TYPES.iter().map(|kind| kind.1).collect();
    for (id, value) in fields.as_object().into_iter().flatten() {
        let field = FIELDS.iter().find(|field| field.0 == id);
        let rich = id == "description"
            || field.is_some_and(|field| field.4.is_some_and(|kind| kind.ends_with("textarea")));
        if rich {
            match check_text(desk, value) {
                Ok(()) => drop(set.insert(id.clone(), value.clone())),
                Err(why) => drop(errors.insert(id.clone(), why.into())),
            }
            continue;
        }
        let wrong = match (id.as_str(), field.map(|field| (field.2, field.4))) {
            ("project", _) if create && value["key"] == PROJECT => None,
            ("summary", _) => match value.as_str() {
                Some(text) if text.contains('\n') => {
                    Some("The summary is invalid because it contains newline characters.")
                }
                Some("") => Some("You must specify a summary of the issue."),
                Some(text) if text.chars().count() > 255 => Some("Summary must be less than 255 characters."),
                Some(_) => None,
                None => Some("Operation value must be a string"),
            },
            ("issuetype", _) => (!is(&kinds, value)).then_some("Specify a valid issue type"),
            ("priority", _) => (!is(PRIORITIES, value)).then_some("The priority selected is invalid."),
            ("labels", _) => {
                let spaced = |label: &Value| {
                    label.as_str().is_none_or(|label| label.contains(' ') || label.is_empty())
                };
                value
                    .as_array()
                    .is_none_or(|all| all.iter().any(spaced))
                    .then_some("The label contains spaces which is invalid.")
            }
            ("customfield_10010", _) if create && desk.plays.portal() => {
                (value != "25" && value != "sup/25").then_some("The request type is not valid.")
            }
            ("customfield_10033", _) => {
                let known =
                    value.is_null() || value["value"].as_str().is_some_and(|site| SITES.contains(&site));
                (!known).then_some("Option value is not valid")
            }
            (_, Some(("string" | "date", _))) => {
                (!value.is_string() && !value.is_null()).then_some("Operation value must be a string")
            }
            (_, Some(("number", _))) => {
                (!value.is_number() && !value.is_null()).then_some("Operation value must be a number")
            }
            // People, above all, are never to be set.
            _ => Some("Field cannot be set. It is not on the appropriate screen, or unknown."),
        };
        match wrong {
            Some(words) => drop(errors.insert(id.clone(), words.into())),
            None => drop(set.insert(id.clone(), value.clone())),
        }
    }
    for required in ["project", "issuetype", "summary"] {
        if create && !set.contains_key(required) && !errors.contains_key(required) {
            errors.insert(required.to_owned(), "is required.".into());
        }
    }
    if errors.is_empty() { Ok(set) } else { Err(refuse_fields(&errors)) }
}

/// The word of a list that is meant, by its name or by its id.
fn named(list: &[&str], value: &Value) -> Option<String> {
    let id = |at: usize| match list.first() {
        Some(&"Highest") => (at + 1).to_string(),
        _ => (10_001 + at).to_string(),
    };
    let meant = |(at, name): &(usize, &&str)| value["name"] == **name || value["id"] == id(*at);
    list.iter().enumerate().find(meant).map(|(_, name)| (*name).to_owned())
}

/// Whether a text is in the dialect of this Jira. Jira itself does not say why it is not.
pub(crate) fn check_text(desk: &Desk, value: &Value) -> Result<(), String> {
    match (desk.plays.cloud(), value.is_string()) {
        _ if value.is_null() => Ok(()),
        (false, true) => Ok(()),
        (true, _) => adf::check(value).map_err(|why| format!("INVALID_INPUT ({why})")),
        (false, false) => Err("Operation value must be a string".to_owned()),
    }
}

/// A text as it is given back.
pub(crate) fn text(desk: &Desk, value: &Value) -> Value {
    match value.as_str() {
        Some(wiki) if !desk.plays.cloud() => wiki.replace('\n', "\r\n").into(),
        _ if value["type"] == "doc" => adf::stored(value),
        _ => value.clone(),
    }
}

pub(crate) fn set(issue: &mut Issue, fields: BTreeMap<String, Value>) {
    let kinds: Vec<&str> = TYPES.iter().map(|kind| kind.1).collect();
    let resolution = |value: &Value| value["name"].as_str().unwrap_or_default().to_owned();
    for (id, value) in fields {
        match id.as_str() {
            "project" => {}
            "summary" => value.as_str().unwrap().clone_into(&mut issue.summary),
            "description" => issue.description = value,
            "issuetype" => issue.kind = named(&kinds, &value).unwrap_or_default(),
            "priority" => issue.priority = named(PRIORITIES, &value).unwrap_or_default(),
            "resolution" => issue.resolution = Some(resolution(&value)),
            "customfield_10010" => drop(issue.fields.insert(id, json!({"requestType": {"id": value}}))),
            _ => drop(issue.fields.insert(id, value)),
        }
    }
}

fn create(desk: &Desk, asked: &Asked) -> Outcome {
    let body = asked.json()?;
    let fields = checked(desk, &body["fields"], true)?;
    let mut state = desk.lock();
    let id = state.raise(Actor::Bridge, "Task", "", false);
    set(state.issues.get_mut(&id).unwrap(), fields);
    state.touch(id);
    let key = &state.issues[&id].key;
    Ok(Answer::json(
        201,
        json!({"id": id.to_string(), "key": key, "self": format!("https://jira.elsewhere.test/{id}")}),
    ))
}

fn edit(desk: &Desk, asked: &Asked, id: u64) -> Outcome {
    let fields = checked(desk, &asked.json()?["fields"], false)?;
    let mut state = desk.lock();
    if !state.ignore_updates {
        state.change(id, Actor::Bridge, |issue| set(issue, fields));
    }
    Ok(Answer::nothing())
}

fn link(desk: &Desk, asked: &Asked, id: u64) -> Outcome {
    let body = asked.json()?;
    let url = body["object"]["url"].as_str().unwrap_or_default();
    if !(url.starts_with("http://") || url.starts_with("https://"))
        || body["object"]["title"].as_str().is_none_or(str::is_empty)
    {
        return Err(refuse_fields(&Map::from_iter([("url".to_owned(), "'url' is required.".into())])));
    }
    let mut state = desk.lock();
    let number = state.id();
    let links = &mut state.issues.get_mut(&id).unwrap().links;
    let same =
        links.iter_mut().find(|link| !body["globalId"].is_null() && link["globalId"] == body["globalId"]);
    let made = json!({"id": number, "globalId": body["globalId"], "object": body["object"]});
    let known = same.is_some();
    match same {
        Some(link) => link["object"] = body["object"].clone(),
        None => links.push(made.clone()),
    }
    Ok(Answer::json(
        if known { 200 } else { 201 },
        json!({"id": made["id"], "self": "https://jira.elsewhere.test/link"}),
    ))
}

fn file_json(desk: &Desk, file: &File) -> Value {
    json!({
        "id": file.id.to_string(), "filename": file.name, "size": file.bytes.len(), "mimeType": file.media_type,
        "author": user(desk, file.author), "created": time(desk, file.created),
        "content": format!("https://jira.elsewhere.test/secure/attachment/{}/x", file.id),
    })
}

fn stored(desk: &Desk, id: &str) -> Option<File> {
    let state = desk.lock();
    state.issues.values().flat_map(|issue| &issue.files).find(|file| file.id.to_string() == id).cloned()
}

pub(crate) fn file(desk: &Desk, id: &str) -> Answer {
    let Some(file) = stored(desk, id) else { return refuse(404, "The attachment does not exist") };
    let mut shown = file_json(desk, &file);
    // A number here and text there.
    shown["id"] = file.id.into();
    Answer::json(200, shown)
}

pub(crate) fn bytes(desk: &Desk, id: &str) -> Answer {
    match stored(desk, id) {
        Some(file) => Answer::bytes(&file.media_type, file.bytes),
        None => refuse(404, "The attachment does not exist"),
    }
}
