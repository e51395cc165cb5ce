//! What a change makes of a document: merge patches (RFC 7386), JSON Patch (RFC 6902), and TM Forum's query paths.
//!
//! Two things are the standard's own or ours. Notes, attachments and external identifiers are grow-only in a merge
//! patch: an entry whose id is known changes that entry, any other is added, and what is left out stays, because a
//! partner that sends the one note it adds must not remove all others. And `add` with an object at an array's own path
//! adds to the array, as the standard's example does.

use serde_json::{Map, Value};

use super::edition::EXTERNAL_ID;

/// Attributes whose entries are told apart by their id.
const BY_ID: [&str; 2] = ["note", "attachment"];
const IDENTIFIERS: &str = "externalIdentifier";

/// Puts a merge patch into a document.
pub(super) fn merge(document: &mut Map<String, Value>, patch: Map<String, Value>) {
    for (name, value) in patch {
        match (document.get_mut(&name), value) {
            (_, Value::Null) => _ = document.remove(&name),
            (Some(Value::Array(there)), Value::Array(new)) if BY_ID.contains(&name.as_str()) => {
                new.into_iter().for_each(|entry| by_id(there, entry));
            }
            (Some(Value::Array(there)), Value::Array(new)) if name == IDENTIFIERS => identify(there, new),
            (Some(Value::Object(there)), Value::Object(new)) => merge(there, new),
            (_, value) => _ = document.insert(name, value),
        }
    }
}

fn by_id(there: &mut Vec<Value>, entry: Value) {
    let id = entry.get("id").filter(|id| id.is_string());
    let same = id.and_then(|id| there.iter_mut().find(|one| one.get("id") == Some(id)));
    match (same, entry) {
        (Some(Value::Object(same)), Value::Object(entry)) => merge(same, entry),
        (Some(_) | None, entry) => there.push(entry),
    }
}

fn identify(there: &mut Vec<Value>, new: Vec<Value>) {
    let key = |one: &Value| ["owner", "externalIdentifierType", "id"].map(|name| one.get(name).cloned());
    for entry in new {
        // Version 4 has one of a partner: another one takes its place.
        let is_only = |one: &Value| one.get("externalIdentifierType").is_some_and(|is| is == EXTERNAL_ID);
        there.retain(|one| {
            let replaced = is_only(one) && is_only(&entry) && one.get("owner") == entry.get("owner");
            !replaced && key(one) != key(&entry)
        });
        there.push(entry);
    }
}

/// Carries out operations, all of them or none.
///
/// # Errors
///
/// The first operation that cannot be carried out, and why.
pub(super) fn operate(document: &Value, operations: &[Value]) -> Result<Value, String> {
    let mut document = document.clone();
    for (at, operation) in operations.iter().enumerate() {
        one(&mut document, operation).map_err(|why| format!("operation {at}: {why}"))?;
    }
    Ok(document)
}

fn one(document: &mut Value, operation: &Value) -> Result<(), String> {
    let text = |name: &str| operation.get(name).and_then(Value::as_str);
    let path = text("path").ok_or("it has no path")?;
    let value = || operation.get("value").cloned().ok_or_else(|| "it has no value".to_owned());
    let from = || text("from").ok_or_else(|| "it has no from".to_owned());
    match text("op") {
        Some("add") => add(document, path, value()?),
        Some("remove") => remove(document, path).map(drop),
        Some("replace") => replace(document, path, value()?),
        Some("move") => {
            let from = from()?;
            if path.strip_prefix(from).is_some_and(|rest| rest.starts_with('/')) {
                return Err(format!("{from} cannot be moved into itself"));
            }
            let moved = remove(document, from)?;
            add(document, path, moved)
        }
        Some("copy") => {
            let from = from()?;
            let copied = found(document, &steps(document, from)?).cloned().ok_or_else(|| nothing(from))?;
            add(document, path, copied)
        }
        Some("test") => {
            let (steps, value) = (steps(document, path)?, value()?);
            match found(document, &steps) {
                Some(there) if *there == value => Ok(()),
                Some(_) => Err(format!("{path} is another value")),
                None => Err(nothing(path)),
            }
        }
        Some(other) => Err(format!("there is no operation {other:?}")),
        None => Err("it has no op".to_owned()),
    }
}

fn add(document: &mut Value, path: &str, value: Value) -> Result<(), String> {
    let steps = steps(document, path)?;
    let Some((last, parents)) = steps.split_last() else {
        *document = value;
        return Ok(());
    };
    // An array that has no entry yet is not there: its first one makes it.
    if let ([name], "-", Value::Object(members)) = (parents, last.as_str(), &mut *document) {
        members.entry(name).or_insert_with(|| Value::Array(Vec::new()));
    }
    match (found_mut(document, parents).ok_or_else(|| nothing(path))?, value) {
        (Value::Object(members), value) => {
            match (members.get_mut(last), value) {
                // The standard's example adds a note at `/note`.
                (Some(Value::Array(there)), value @ Value::Object(_)) => there.push(value),
                (None, value @ Value::Object(_)) if BY_ID.contains(&last.as_str()) => {
                    members.insert(last.clone(), Value::Array(vec![value]));
                }
                (_, value) => _ = members.insert(last.clone(), value),
            }
            Ok(())
        }
        (Value::Array(entries), value) => {
            let at = if last == "-" { Some(entries.len()) } else { index(last) };
            let at = at.filter(|at| *at <= entries.len()).ok_or_else(|| nothing(path))?;
            entries.insert(at, value);
            Ok(())
        }
        (_, _) => Err(nothing(path)),
    }
}

fn remove(document: &mut Value, path: &str) -> Result<Value, String> {
    let steps = steps(document, path)?;
    let (last, parents) = steps.split_last().ok_or("the whole cannot be removed")?;
    let removed = match found_mut(document, parents) {
        Some(Value::Object(members)) => members.remove(last),
        Some(Value::Array(entries)) => {
            index(last).filter(|at| *at < entries.len()).map(|at| entries.remove(at))
        }
        Some(_) | None => None,
    };
    removed.ok_or_else(|| nothing(path))
}

fn replace(document: &mut Value, path: &str, value: Value) -> Result<(), String> {
    let steps = steps(document, path)?;
    let there = found_mut(document, &steps).ok_or_else(|| nothing(path))?;
    match (path.contains('?'), there, value) {
        // An entry found by a query keeps what the new one does not say, as in the standard's example.
        (true, Value::Object(there), Value::Object(value)) => merge(there, value),
        (_, there, value) => *there = value,
    }
    Ok(())
}

/// A path's steps: a JSON Pointer (RFC 6901), or one whose last step asks for an entry, `/note?id=77456`.
fn steps(document: &Value, path: &str) -> Result<Vec<String>, String> {
    let (pointer, query) =
        path.split_once('?').map_or((path, None), |(pointer, query)| (pointer, Some(query)));
    if pointer.is_empty() && query.is_none() {
        return Ok(Vec::new());
    }
    let rest = pointer.strip_prefix('/').ok_or_else(|| format!("{path:?} is no JSON Pointer"))?;
    let mut steps: Vec<String> =
        rest.split('/').map(|step| step.replace("~1", "/").replace("~0", "~")).collect();
    if let Some(query) = query {
        let wanted: Vec<(String, String)> =
            url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let fits = |entry: &Value| {
            wanted.iter().all(|(name, value)| {
                let is = name.split('.').try_fold(entry, |value, step| value.get(step));
                is.is_some_and(|is| plain(is) == *value)
            })
        };
        let entries = found(document, &steps).and_then(Value::as_array).ok_or_else(|| nothing(path))?;
        let mut fitting = entries.iter().enumerate().filter(|(_, entry)| fits(entry));
        match (fitting.next(), fitting.next()) {
            (Some((at, _)), None) => steps.push(at.to_string()),
            (Some(_), Some(_)) => return Err(format!("{path} is more than one entry")),
            (None, _) => return Err(nothing(path)),
        }
    }
    Ok(steps)
}

fn found<'d>(document: &'d Value, steps: &[String]) -> Option<&'d Value> {
    steps.iter().try_fold(document, |value, step| match value {
        Value::Object(members) => members.get(step),
        Value::Array(entries) => entries.get(index(step)?),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    })
}

fn found_mut<'d>(document: &'d mut Value, steps: &[String]) -> Option<&'d mut Value> {
    steps.iter().try_fold(document, |value, step| match value {
        Value::Object(members) => members.get_mut(step),
        Value::Array(entries) => entries.get_mut(index(step)?),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    })
}

/// A value as a query writes it.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A place in an array: digits without a zero in front.
fn index(step: &str) -> Option<usize> {
    let plain = step == "0" || !step.starts_with('0');
    (plain && step.bytes().all(|byte| byte.is_ascii_digit())).then(|| step.parse().ok()).flatten()
}

fn nothing(path: &str) -> String {
    format!("there is nothing at {path:?}")
}
