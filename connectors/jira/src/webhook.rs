//! Webhooks that an administrator made: signed over the body, worth a hint and nothing more.
//!
//! Jira's delivery id stands in a header field outside the signature, events of one change come in any order and some
//! minutes late, and comments are cut off, so the issue is read afresh
//! ([Webhooks](https://developer.atlassian.com/cloud/jira/platform/webhooks/)).

use secrecy::SecretString;
use serde_json::Value;
use throughline_sdk::http::json_fault;
use throughline_sdk::signature::verify_hub;
use throughline_sdk::{Error, ErrorKind, Hint, RawWebhook, RemoteId, Result};

/// The header field with the signature.
const SIGNATURE: &str = "x-hub-signature";

/// Authenticates a webhook and says which issues it hints at: none, if it is about something else.
pub(crate) fn accept(webhook: &RawWebhook, secret: Option<&SecretString>) -> Result<Vec<Hint>> {
    let secret = secret.ok_or_else(|| {
        Error::new(ErrorKind::Unsupported, "webhooks need the setting webhook_secret, which is not set")
    })?;
    verify_hub(webhook, SIGNATURE, secret)?;
    let body: Value = serde_json::from_slice(&webhook.body).map_err(|error| {
        Error::new(ErrorKind::Malformed, format!("the webhook's body is no JSON: {}", json_fault(&error)))
    })?;
    let link = body.get("issueLink");
    let named = [
        body.get("issue").and_then(|issue| issue.get("id")),
        link.and_then(|link| link.get("sourceIssueId")),
        link.and_then(|link| link.get("destinationIssueId")),
    ];
    let ids = named.into_iter().flatten().filter_map(|id| match id {
        Value::String(text) if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) => {
            Some(text.clone())
        }
        Value::Number(number) => number.as_u64().map(|number| number.to_string()),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    });
    Ok(ids.map(|id| Hint::new(RemoteId::new(id))).collect())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue};
    use throughline_sdk::signature::sign_hub;

    use super::*;

    fn hints(body: &'static str, signed: &[u8]) -> Result<Vec<String>> {
        let secret = SecretString::from("It's a secret");
        let mut headers = HeaderMap::new();
        headers.insert(SIGNATURE, HeaderValue::from_str(&sign_hub(&secret, signed)).unwrap());
        headers.insert("x-atlassian-webhook-identifier", HeaderValue::from_static("1"));
        let webhook = RawWebhook {
            headers,
            query: String::new(),
            body: Bytes::from_static(body.as_bytes()),
            received: chrono::DateTime::UNIX_EPOCH,
        };
        let hints = accept(&webhook, Some(&secret))?;
        Ok(hints.into_iter().map(|hint| hint.ticket.to_string()).collect())
    }

    #[test]
    fn a_signed_event_hints_at_its_issues() {
        for (body, issues) in [
            (r#"{"webhookEvent":"jira:issue_updated","issue":{"id":"10002","key":"SUP-2"}}"#, vec!["10002"]),
            (
                r#"{"webhookEvent":"comment_created","comment":{"id":"7"},"issue":{"id":10002}}"#,
                vec!["10002"],
            ),
            (r#"{"issueLink":{"sourceIssueId":1,"destinationIssueId":2}}"#, vec!["1", "2"]),
            (r#"{"webhookEvent":"user_created"}"#, vec![]),
            (r#"{"issue":{"id":"../1"}}"#, vec![]),
        ] {
            assert_eq!(hints(body, body.as_bytes()).unwrap(), issues, "{body}");
        }
    }

    #[test]
    fn a_stranger_is_refused_before_the_body_is_read() {
        assert_eq!(hints("{", b"{ ").unwrap_err().kind(), ErrorKind::Unauthenticated);
        assert_eq!(hints("{", b"{").unwrap_err().kind(), ErrorKind::Malformed);
    }
}
