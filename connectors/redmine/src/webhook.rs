//! Webhooks of a plugin: who sent them, and which issue they hint at.
//!
//! Redmine itself has none up to 6.0. A plugin posts JSON that names the issue, with a static token in a header;
//! the issue is read afresh, so a replayed or invented body costs one read and changes nothing.

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use throughline_sdk::{Error, ErrorKind, Hint, RawWebhook, RemoteId, Result};

/// The header that carries the token.
pub(crate) const HEADER: &str = "x-throughline-token";

/// Authenticates a webhook and says which issue it hints at.
pub(crate) fn accept(webhook: &RawWebhook, token: Option<&SecretString>) -> Result<Vec<Hint>> {
    let token = token.ok_or_else(|| {
        Error::new(ErrorKind::Unsupported, "webhooks need the setting webhook_token, which is not set")
    })?;
    let mut sent = webhook.headers.get_all(HEADER).iter();
    let good = match (sent.next(), sent.next()) {
        (Some(only), None) => equal(only.as_bytes(), token.expose_secret().as_bytes()),
        (Some(_) | None, _) => false,
    };
    if !good {
        return Err(Error::new(
            ErrorKind::Unauthenticated,
            "the header X-Throughline-Token is missing or wrong",
        ));
    }
    let body: Value = serde_json::from_slice(&webhook.body).map_err(|error| {
        Error::new(ErrorKind::Malformed, format!("the webhook's body is no JSON: {error}"))
    })?;
    issue(&body)
        .map(|id| vec![Hint::new(RemoteId::new(id.to_string()))])
        .ok_or_else(|| Error::new(ErrorKind::Malformed, "the webhook's body names no issue"))
}

/// The issue's number: `{"issue":7}`, `{"issue":{"id":7}}`, or either of them inside `payload`.
fn issue(body: &Value) -> Option<u64> {
    let issue = body.get("issue").or_else(|| body.get("payload")?.get("issue"))?;
    issue.as_u64().or_else(|| issue.get("id")?.as_u64())
}

/// Compares without stopping at the first difference, so that the time taken does not tell where it is.
fn equal(left: &[u8], right: &[u8]) -> bool {
    !right.is_empty()
        && left.len() == right.len()
        && left.iter().zip(right).fold(0, |differences, (a, b)| differences | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue};

    use super::*;

    fn check(header: Option<&'static str>, body: &'static str) -> Result<Vec<Hint>> {
        let mut headers = HeaderMap::new();
        if let Some(value) = header {
            headers.insert(HEADER, HeaderValue::from_static(value));
        }
        let webhook = RawWebhook {
            headers,
            query: String::new(),
            body: Bytes::from_static(body.as_bytes()),
            received: chrono::DateTime::UNIX_EPOCH,
        };
        accept(&webhook, Some(&SecretString::from("s3cret")))
    }

    #[test]
    fn a_plugin_with_the_token_hints_at_its_issue() {
        for body in [r#"{"issue":7}"#, r#"{"issue":{"id":7}}"#, r#"{"payload":{"issue":{"id":7}}}"#] {
            assert_eq!(check(Some("s3cret"), body).unwrap(), [Hint::new(RemoteId::new("7"))], "{body}");
        }
    }

    #[test]
    fn a_stranger_is_refused_before_the_body_is_read() {
        for header in [None, Some(""), Some("s3cre"), Some("s3creT")] {
            assert_eq!(check(header, "{").unwrap_err().kind(), ErrorKind::Unauthenticated, "{header:?}");
        }
    }

    #[test]
    fn a_body_without_an_issue_is_malformed() {
        for body in ["{", "[]", r#"{"issue":"7"}"#, r#"{"issue":-1}"#] {
            assert_eq!(check(Some("s3cret"), body).unwrap_err().kind(), ErrorKind::Malformed, "{body}");
        }
    }
}
