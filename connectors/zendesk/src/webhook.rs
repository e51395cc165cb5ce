//! Webhooks: who sent them, and which ticket they hint at.
//!
//! Zendesk calls a webhook from a trigger, with a body that the operator writes, or for events it subscribes to. Both are
//! signed. The ticket is read afresh, so the body need only name it.
//! <https://developer.zendesk.com/documentation/webhooks/verifying/>

use secrecy::SecretString;
use serde_json::Value;
use throughline_sdk::signature::{Stamped, verify_stamped};
use throughline_sdk::{Error, ErrorKind, Hint, RawWebhook, RemoteId, Result};

const FIELDS: Stamped<'_> =
    Stamped { signature: "x-zendesk-webhook-signature", timestamp: "x-zendesk-webhook-signature-timestamp" };

/// Authenticates a webhook and says which ticket it hints at.
pub(crate) fn accept(webhook: &RawWebhook, secret: Option<&SecretString>) -> Result<Vec<Hint>> {
    let secret = secret.ok_or_else(|| {
        Error::new(ErrorKind::Unsupported, "webhooks need the setting webhook_secret, which is not set")
    })?;
    verify_stamped(webhook, FIELDS, secret)?;
    let body: Value = serde_json::from_slice(&webhook.body).map_err(|error| {
        Error::new(ErrorKind::Malformed, format!("the webhook's body is no JSON: {error}"))
    })?;
    ticket(&body)
        .map(|id| vec![Hint::new(RemoteId::new(id.to_string()))])
        .ok_or_else(|| Error::new(ErrorKind::Malformed, "the webhook's body names no ticket"))
}

/// The ticket's number: `{"ticket_id":7}` or `{"ticket":{"id":7}}` from a trigger, in digits or quoted, else what an
/// event is about: `{"type":"zen:event-type:ticket.…","detail":{"id":"7"}}`.
fn ticket(body: &Value) -> Option<u64> {
    let of_trigger = body.get("ticket_id").or_else(|| body.get("ticket")?.get("id"));
    let of_event = || {
        let about = body.get("type")?.as_str()?;
        body.get("detail")?.get("id").filter(|_| about.starts_with("zen:event-type:ticket."))
    };
    let id = of_trigger.or_else(of_event)?;
    id.as_u64().or_else(|| id.as_str()?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use chrono::DateTime;
    use http::HeaderMap;
    use throughline_sdk::signature::sign_stamped;

    use super::*;

    const STAMP: &str = "2026-01-01T00:00:00Z";

    fn check(secret: &str, body: &'static str) -> Result<Vec<Hint>> {
        let mut headers = HeaderMap::new();
        let signature = sign_stamped(&SecretString::from(secret), STAMP, body.as_bytes());
        headers.insert(FIELDS.signature, signature.parse().unwrap());
        headers.insert(FIELDS.timestamp, STAMP.parse().unwrap());
        let webhook = RawWebhook {
            headers,
            query: String::new(),
            body: Bytes::from_static(body.as_bytes()),
            received: STAMP.parse::<DateTime<chrono::Utc>>().unwrap(),
        };
        accept(&webhook, Some(&SecretString::from("s3cret")))
    }

    #[test]
    fn triggers_and_events_hint_at_their_ticket() {
        for body in [
            r#"{"ticket_id":7}"#,
            r#"{"ticket_id":"7"}"#,
            r#"{"ticket":{"id":7}}"#,
            r#"{"type":"zen:event-type:ticket.comment_added","detail":{"id":"7","status":"OPEN"}}"#,
            r#"{"type":"zen:event-type:ticket.merged","detail":{"id":"7"}}"#,
        ] {
            assert_eq!(check("s3cret", body).unwrap(), [Hint::new(RemoteId::new("7"))], "{body}");
        }
    }

    #[test]
    fn a_stranger_is_refused_before_the_body_is_read() {
        assert_eq!(check("another", "{").unwrap_err().kind(), ErrorKind::Unauthenticated);
    }

    #[test]
    fn a_body_without_a_ticket_is_malformed() {
        for body in [
            "{",
            "[]",
            r#"{"ticket_id":"x"}"#,
            r#"{"ticket_id":-1}"#,
            r#"{"type":"zen:event-type:user.created","detail":{"id":"7"}}"#,
        ] {
            assert_eq!(check("s3cret", body).unwrap_err().kind(), ErrorKind::Malformed, "{body}");
        }
    }
}
