//! Webhooks of an automation rule: who sent them, and which ticket they hint at.
//!
//! Freshdesk signs nothing. A rule posts JSON that names the ticket, with a static token in a header; the ticket is read
//! afresh, so a replayed or invented body costs one read and changes nothing.

use secrecy::SecretString;
use serde_json::Value;
use throughline_sdk::signature::verify_token_header;
use throughline_sdk::{Error, ErrorKind, Hint, RawWebhook, RemoteId, Result};

/// The header that carries the token.
const HEADER: &str = "x-throughline-token";

/// Authenticates a webhook and says which ticket it hints at.
pub(crate) fn accept(webhook: &RawWebhook, token: Option<&SecretString>) -> Result<Vec<Hint>> {
    let token = token.ok_or_else(|| {
        Error::new(ErrorKind::Unsupported, "webhooks need the setting webhook_token, which is not set")
    })?;
    verify_token_header(webhook, HEADER, token)?;
    let body: Value = serde_json::from_slice(&webhook.body).map_err(|error| {
        Error::new(ErrorKind::Malformed, format!("the webhook's body is no JSON: {error}"))
    })?;
    ticket(&body)
        .map(|id| vec![Hint::new(RemoteId::new(id.to_string()))])
        .ok_or_else(|| Error::new(ErrorKind::Malformed, "the webhook's body names no ticket"))
}

/// The ticket's number, in digits or quoted: `{"ticket_id":7}`, or what Freshdesk sends where no body was written:
/// `{"freshdesk_webhook":{"ticket_id":7}}`.
fn ticket(body: &Value) -> Option<u64> {
    let id = body.get("ticket_id").or_else(|| body.get("freshdesk_webhook")?.get("ticket_id"))?;
    id.as_u64().or_else(|| id.as_str()?.trim().parse().ok())
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
        let body = Bytes::from_static(body.as_bytes());
        let webhook =
            RawWebhook { headers, query: String::new(), body, received: chrono::DateTime::UNIX_EPOCH };
        accept(&webhook, Some(&SecretString::from("s3cret")))
    }

    #[test]
    fn a_rule_with_the_token_hints_at_its_ticket() {
        for body in [r#"{"ticket_id":7}"#, r#"{"ticket_id":"7"}"#, r#"{"freshdesk_webhook":{"ticket_id":7}}"#]
        {
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
    fn a_body_without_a_ticket_is_malformed() {
        for body in ["{", "[]", r#"{"ticket_id":"x"}"#, r#"{"ticket_id":-1}"#] {
            assert_eq!(check(Some("s3cret"), body).unwrap_err().kind(), ErrorKind::Malformed, "{body}");
        }
    }
}
