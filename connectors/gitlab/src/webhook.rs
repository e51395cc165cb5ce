//! The project's webhook: who sent it, and which issue it hints at.
//!
//! A secret token is sent as it is and says nothing about the body. A signing token signs id, time and body. Either way
//! the issue is read afresh, so that a replayed or invented body costs one read and changes nothing.

use throughline_sdk::signature::{verify_standard, verify_token_header};
use throughline_sdk::{Error, ErrorKind, Hint, RawWebhook, RemoteId, Result, http::json_fault};

use crate::config::Config;
use crate::wire::{Hinted, HintedProject, Payload};

/// The field that carries the secret token.
const TOKEN: &str = "X-Gitlab-Token";

/// Authenticates a webhook and says which issue it hints at, if any.
pub(crate) fn accept(webhook: &RawWebhook, config: &Config) -> Result<Vec<Hint>> {
    match (&config.webhook_signing_token, &config.webhook_token) {
        (Some(secret), _) => verify_standard(webhook, std::slice::from_ref(secret)).map(drop)?,
        (None, Some(token)) => verify_token_header(webhook, TOKEN, token)?,
        (None, None) => {
            let message =
                "webhooks need the setting webhook_token or webhook_signing_token, and neither is set";
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
    }
    let payload: Payload = serde_json::from_slice(&webhook.body).map_err(|error| {
        Error::new(
            ErrorKind::Malformed,
            format!("the webhook's body is not GitLab's: {}", json_fault(&error)),
        )
    })?;
    // A group's webhook brings other projects, whose numbers would be taken for ours.
    let ours = payload.project.as_ref().is_some_and(|project| is_ours(project, config));
    let about: Option<Hinted> = match payload.object_kind.as_deref() {
        Some("note") => payload.issue,
        Some("issue" | "incident" | "work_item") => payload.object_attributes,
        Some(_) | None => None,
    };
    let iid = about.filter(|_| ours).and_then(|about| about.iid);
    Ok(iid.map(|iid| Hint::new(RemoteId::new(iid.to_string()))).into_iter().collect())
}

fn is_ours(project: &HintedProject, config: &Config) -> bool {
    project.path_with_namespace.eq_ignore_ascii_case(&config.project)
        || project.id.to_string() == config.project
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use throughline_sdk::signature::sign_standard;

    use super::*;
    use crate::config::tests::config;

    fn check(body: &str, token: &str) -> Result<Vec<Hint>> {
        let headers = HeaderMap::from_iter([("x-gitlab-token".parse().unwrap(), token.parse().unwrap())]);
        let webhook = RawWebhook {
            headers,
            query: String::new(),
            body: body.to_owned().into(),
            received: chrono::DateTime::UNIX_EPOCH,
        };
        accept(&webhook, &Config { webhook_token: Some("s".into()), ..config() })
    }

    const PROJECT: &str = r#""project":{"id":7,"path_with_namespace":"Fabrikam/support"}"#;

    #[test]
    fn issues_and_their_notes_are_hinted_at() {
        for body in [
            format!(r#"{{"object_kind":"issue","object_attributes":{{"id":301,"iid":23}},{PROJECT}}}"#),
            format!(r#"{{"object_kind":"incident","object_attributes":{{"id":301,"iid":23}},{PROJECT}}}"#),
            format!(
                r#"{{"object_kind":"note","object_attributes":{{"id":9}},"issue":{{"iid":23}},{PROJECT}}}"#
            ),
        ] {
            assert_eq!(check(&body, "s").unwrap(), [Hint::new(RemoteId::new("23"))], "{body}");
            assert_eq!(check(&body, "t").unwrap_err().kind(), ErrorKind::Unauthenticated);
        }
    }

    #[test]
    fn what_is_no_issue_of_ours_hints_at_nothing() {
        for body in [
            format!(r#"{{"object_kind":"merge_request","object_attributes":{{"iid":23}},{PROJECT}}}"#),
            format!(r#"{{"object_kind":"note","object_attributes":{{"id":9}},"merge_request":{{"iid":23}},{PROJECT}}}"#),
            r#"{"object_kind":"issue","object_attributes":{"iid":23},"project":{"id":8,"path_with_namespace":"a/b"}}"#.to_owned(),
            "{}".to_owned(),
        ] {
            assert_eq!(check(&body, "s").unwrap(), [], "{body}");
        }
        assert_eq!(check("x", "s").unwrap_err().kind(), ErrorKind::Malformed);
    }

    #[test]
    fn with_a_signing_token_the_secret_one_is_not_enough() {
        let signing = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let config = Config {
            webhook_token: Some("s".into()),
            webhook_signing_token: Some(signing.into()),
            ..config()
        };
        let body = format!(r#"{{"object_kind":"issue","object_attributes":{{"iid":23}},{PROJECT}}}"#);
        let received = chrono::DateTime::UNIX_EPOCH;
        let headers = HeaderMap::from_iter([("x-gitlab-token".parse().unwrap(), "s".parse().unwrap())]);
        let mut webhook = RawWebhook { headers, query: String::new(), body: body.clone().into(), received };
        assert_eq!(accept(&webhook, &config).unwrap_err().kind(), ErrorKind::Unauthenticated);
        webhook
            .headers
            .extend(sign_standard(&signing.into(), "f5e5f430", received, body.as_bytes()).unwrap());
        assert_eq!(accept(&webhook, &config).unwrap().len(), 1);
    }
}
