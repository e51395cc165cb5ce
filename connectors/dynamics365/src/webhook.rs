//! Webhooks of a registered service endpoint: who sent them, and which cases they hint at.
//!
//! Dataverse signs nothing. It shows a fixed key, in a header or in the address, and what it says is a hint: the case is
//! read afresh. Of a change over 256 KB it sends less than the whole, and the case's id is what stays.

use secrecy::SecretString;
use serde_json::Value;
use throughline_sdk::http::json_fault;
use throughline_sdk::signature::{verify_token_header, verify_token_query};
use throughline_sdk::{Error, ErrorKind, Hint, RawWebhook, RemoteId, Result};

use crate::guid::Guid;
use crate::wire::Execution;

/// How deep the parameters of a message are searched for cases.
const MAX_DEPTH: usize = 8;

/// Authenticates a webhook and says which cases it hints at; none where it names none, as of a deleted note.
pub(crate) fn accept(
    webhook: &RawWebhook,
    key: Option<&SecretString>,
    header: Option<&str>,
) -> Result<Vec<Hint>> {
    let key = key.ok_or_else(|| {
        Error::new(ErrorKind::Unsupported, "webhooks need the setting webhook_key, which is not set")
    })?;
    match header {
        Some(header) => verify_token_header(webhook, header, key)?,
        None => verify_token_query(webhook, "code", key)?,
    }
    let execution: Execution = serde_json::from_slice(&webhook.body).map_err(|error| {
        let what = json_fault(&error);
        Error::new(ErrorKind::Malformed, format!("the webhook's body is no execution context: {what}"))
    })?;
    let mut cases = Vec::new();
    if execution.primary_entity_name == "incident" {
        cases.extend(Guid::parse(&execution.primary_entity_id));
    }
    for part in [&execution.input_parameters, &execution.pre_entity_images, &execution.post_entity_images] {
        collect(part, MAX_DEPTH, &mut cases);
    }
    let nobody = Guid::parse("00000000-0000-0000-0000-000000000000");
    let mut hints: Vec<Hint> = Vec::new();
    for case in cases.into_iter().filter(|case| Some(*case) != nobody) {
        let hint = Hint::new(RemoteId::new(case.to_string()));
        if !hints.contains(&hint) {
            hints.push(hint);
        }
    }
    Ok(hints)
}

/// Every row and reference of the table of cases.
fn collect(value: &Value, depth: usize, cases: &mut Vec<Guid>) {
    let Some(depth) = depth.checked_sub(1) else { return };
    match value {
        Value::Object(object) => {
            let text = |key: &str| object.get(key).and_then(Value::as_str);
            if text("LogicalName") == Some("incident") {
                cases.extend(text("Id").and_then(Guid::parse));
            }
            object.values().for_each(|value| collect(value, depth, cases));
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, depth, cases)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue};
    use serde_json::json;

    use super::*;

    const CASE: &str = "2e451703-c686-e711-80e5-00155db19e6d";

    fn check(query: &str, header: Option<&'static str>, body: &Value) -> Result<Vec<Hint>> {
        let mut headers = HeaderMap::new();
        if let Some(value) = header {
            headers.insert("x-key", HeaderValue::from_static(value));
        }
        let webhook = RawWebhook {
            headers,
            query: query.to_owned(),
            body: Bytes::from(body.to_string()),
            received: chrono::DateTime::UNIX_EPOCH,
        };
        accept(&webhook, Some(&SecretString::from("s3cret")), header.map(|_| "x-key"))
    }

    #[test]
    fn a_case_and_what_belongs_to_one_hint_at_it() {
        let reference = json!({ "LogicalName": "incident", "Id": CASE });
        for body in [
            json!({ "PrimaryEntityName": "incident", "PrimaryEntityId": CASE }),
            // A note that was just written.
            json!({ "PrimaryEntityName": "annotation", "InputParameters": [{ "key": "Target", "value": {
                "LogicalName": "annotation", "Attributes": [{ "key": "objectid", "value": reference }] } }] }),
            // A note of which an image was registered.
            json!({ "PrimaryEntityName": "annotation", "PostEntityImages": [{ "key": "after", "value": {
                "Attributes": [{ "key": "objectid", "value": reference }] } }] }),
            // Too large: the parameters are left out.
            json!({ "PrimaryEntityName": "incident", "PrimaryEntityId": CASE.to_uppercase(),
                    "InputParameters": null, "PreEntityImages": null, "PostEntityImages": null }),
        ] {
            let hints = check("code=s3cret", None, &body).unwrap();
            assert_eq!(hints, [Hint::new(RemoteId::new(CASE))], "{body}");
        }
        let deleted = json!({ "PrimaryEntityName": "annotation", "PrimaryEntityId": CASE });
        assert_eq!(check("x=1&code=s3cret", None, &deleted).unwrap(), []);
    }

    #[test]
    fn a_stranger_is_refused_before_the_body_is_read() {
        for (query, header) in [("", None), ("code=s3creT", None), ("code=s3cret", Some("wrong"))] {
            let error = check(query, header, &json!(7)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{query} {header:?}");
        }
        assert_eq!(check("", Some("s3cret"), &json!(7)).unwrap_err().kind(), ErrorKind::Malformed);
    }
}
