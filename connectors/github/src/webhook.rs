//! The repository's webhook: who sent it, and which issue it hints at.
//!
//! The signature covers the body and nothing else, so the event's name and the delivery's id, which stand in header
//! fields, decide nothing. GitHub never sends a failed delivery again by itself; the change feed brings what was missed.

use std::borrow::Cow;

use secrecy::SecretString;
use throughline_sdk::signature::verify_hub;
use throughline_sdk::{Error, ErrorKind, Hint, RawWebhook, RemoteId, Result, http::json_fault};

use crate::config::Config;
use crate::wire::Payload;

/// The field that carries the signature.
const SIGNATURE: &str = "X-Hub-Signature-256";

/// Authenticates a webhook and says which issue it hints at, if any.
pub(crate) fn accept(webhook: &RawWebhook, config: &Config) -> Result<Vec<Hint>> {
    let secret: &SecretString = config.webhook_secret.as_ref().ok_or_else(|| {
        Error::new(ErrorKind::Unsupported, "webhooks need the setting webhook_secret, which is not set")
    })?;
    verify_hub(webhook, SIGNATURE, secret)?;
    let payload: Payload = serde_json::from_slice(&json(&webhook.body)).map_err(|error| {
        Error::new(
            ErrorKind::Malformed,
            format!("the webhook's body is not GitHub's: {}", json_fault(&error)),
        )
    })?;
    // One secret may serve the webhooks of many repositories, whose numbers would be taken for ours.
    let ours = payload.repository.is_some_and(|one| one.full_name.eq_ignore_ascii_case(&config.full_name()));
    let issue = payload.issue.filter(|issue| ours && issue.pull_request.is_none());
    Ok(issue.map(|issue| Hint::new(RemoteId::new(issue.number.to_string()))).into_iter().collect())
}

/// The JSON of a body, which GitHub sends as a form unless it is told otherwise.
fn json(body: &[u8]) -> Cow<'_, [u8]> {
    if !body.starts_with(b"payload=") {
        return Cow::Borrowed(body);
    }
    let payload = url::form_urlencoded::parse(body).find(|(name, _)| name == "payload");
    payload.map_or(Cow::Borrowed(body), |(_, json)| Cow::Owned(json.into_owned().into_bytes()))
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use throughline_sdk::signature::sign_hub;

    use super::*;
    use crate::config::tests::config;

    fn check(body: &str, secret: &str) -> Result<Vec<Hint>> {
        let signature = sign_hub(&secret.into(), body.as_bytes());
        let headers =
            HeaderMap::from_iter([("x-hub-signature-256".parse().unwrap(), signature.parse().unwrap())]);
        let webhook = RawWebhook {
            headers,
            query: String::new(),
            body: body.to_owned().into(),
            received: chrono::DateTime::UNIX_EPOCH,
        };
        accept(&webhook, &Config { webhook_secret: Some("s".into()), ..config() })
    }

    #[test]
    fn an_issue_of_our_repository_is_hinted_at() {
        let body =
            r#"{"action":"edited","issue":{"number":7},"repository":{"full_name":"Fabrikam/support"}}"#;
        assert_eq!(check(body, "s").unwrap(), [Hint::new(RemoteId::new("7"))]);
        let form: String =
            url::form_urlencoded::Serializer::new(String::new()).append_pair("payload", body).finish();
        assert_eq!(check(&form, "s").unwrap(), [Hint::new(RemoteId::new("7"))]);
        assert_eq!(check(body, "other").unwrap_err().kind(), ErrorKind::Unauthenticated);
    }

    #[test]
    fn what_is_no_issue_of_ours_hints_at_nothing() {
        for body in [
            r#"{"zen":"Keep it logically awesome.","hook_id":1,"repository":{"full_name":"fabrikam/support"}}"#,
            r#"{"issue":{"number":7},"repository":{"full_name":"fabrikam/other"}}"#,
            r#"{"issue":{"number":7,"pull_request":{"url":"u"}},"repository":{"full_name":"fabrikam/support"}}"#,
            r#"{"issue":{"number":7}}"#,
        ] {
            assert_eq!(check(body, "s").unwrap(), [], "{body}");
        }
    }

    #[test]
    fn a_body_that_is_not_githubs_is_malformed_and_not_quoted() {
        for body in ["{", "[]x", r#"{"issue":{"number":"for staff only"}}"#, "payload=%7B"] {
            let error = check(body, "s").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Malformed, "{body}");
            assert!(!error.to_string().contains("staff"), "{error}");
        }
    }
}
