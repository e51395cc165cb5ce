//! Webhooks of triggers: who sent them, and which ticket they hint at.
//!
//! Zammad signs the body with the webhook's token; no time is signed with it. The ticket is read afresh, so that a replay
//! costs one read and changes nothing. <https://admin-docs.zammad.org/en/latest/manage/webhook/payload.html>

use secrecy::SecretString;
use serde_json::Value;
use throughline_sdk::signature::verify_hub_sha1;
use throughline_sdk::{Error, ErrorKind, Hint, RawWebhook, RemoteId, Result};

/// The header that carries the signature.
const HEADER: &str = "x-hub-signature";

/// Authenticates a webhook and says which ticket it hints at.
pub(crate) fn accept(webhook: &RawWebhook, secret: Option<&SecretString>) -> Result<Vec<Hint>> {
    let secret = secret.ok_or_else(|| {
        Error::new(ErrorKind::Unsupported, "webhooks need the setting webhook_secret, which is not set")
    })?;
    verify_hub_sha1(webhook, HEADER, secret)?;
    let body: Value = serde_json::from_slice(&webhook.body).map_err(|error| {
        Error::new(ErrorKind::Malformed, format!("the webhook's body is no JSON: {error}"))
    })?;
    ticket(&body)
        .map(|id| vec![Hint::new(RemoteId::new(id.to_string()))])
        .ok_or_else(|| Error::new(ErrorKind::Malformed, "the webhook's body names no ticket"))
}

/// The ticket's number: `{"ticket":{"id":7,…}}`, or `{"ticket_id":7}` in a body of the operator's own, in digits or quoted.
fn ticket(body: &Value) -> Option<u64> {
    let id = body.get("ticket_id").or_else(|| body.get("ticket")?.get("id"))?;
    id.as_u64().or_else(|| id.as_str()?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue};

    use super::*;

    /// `printf '{"ticket":{"id":7}}' | openssl dgst -sha1 -hmac s3cret`
    const SIGNED: &str = "sha1=e197d43c3459abbd32ed8b5f35f43e0bc0e4a352";

    fn check(signature: Option<&'static str>, body: &'static str) -> Result<Vec<Hint>> {
        let mut headers = HeaderMap::new();
        if let Some(value) = signature {
            headers.insert(HEADER, HeaderValue::from_static(value));
        }
        let body = Bytes::from_static(body.as_bytes());
        let webhook =
            RawWebhook { headers, query: String::new(), body, received: chrono::DateTime::UNIX_EPOCH };
        accept(&webhook, Some(&SecretString::from("s3cret")))
    }

    #[test]
    fn a_signed_body_hints_at_its_ticket() {
        assert_eq!(check(Some(SIGNED), r#"{"ticket":{"id":7}}"#).unwrap(), [Hint::new(RemoteId::new("7"))]);
        assert_eq!(ticket(&serde_json::json!({ "ticket_id": "7" })), Some(7));
        assert_eq!(ticket(&serde_json::json!({ "article": { "id": 7 } })), None);
    }

    #[test]
    fn another_body_and_a_body_without_a_signature_are_refused_unread() {
        for (signature, body) in [
            (Some(SIGNED), r#"{"ticket":{"id":8}}"#),
            (None, "{"),
            (Some("sha1="), "{"),
            (Some("sha1=zz"), "{"),
        ] {
            assert_eq!(check(signature, body).unwrap_err().kind(), ErrorKind::Unauthenticated, "{body}");
        }
    }
}
