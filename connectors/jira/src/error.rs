//! Where Jira departs from the common table of statuses.
//!
//! | answer | kind | why |
//! |---|---|---|
//! | any, `X-Seraph-LoginReason` says failed or denied | `Unauthenticated` | wrong credentials make a stranger of us, to whom Jira says 404 or an empty list ([Basic auth for REST APIs]) |
//! | any, `X-Authentication-Denied-Reason` | `Unauthenticated` | a person has to solve a CAPTCHA for our account ([REST API tutorial, CAPTCHAs]) |
//! | 3xx to a login page | `Unauthenticated` | files are served outside the API ([Data Center, attachments]) |
//! | other 3xx | `Misconfigured` | nobody follows a redirect with a token; the setting `url` has to name the final address |
//! | 404 for an issue | `NotFound`, after asking who we are | Jira says so of an issue that is hidden from us, too ([Get issue]) |
//! | 400 with `errors` | `Rejected` | the words are kept, with the field each is about ([Status codes]) |
//!
//! The one about a missing issue is decided in `api.rs`, which asks whether the token still works at all.
//!
//! [Basic auth for REST APIs]: https://developer.atlassian.com/cloud/jira/platform/basic-auth-for-rest-apis/
//! [REST API tutorial, CAPTCHAs]: https://developer.atlassian.com/server/jira/platform/basic-authentication/
//! [Data Center, attachments]: https://developer.atlassian.com/server/jira/platform/rest/
//! [Get issue]: https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/
//! [Status codes]: https://developer.atlassian.com/cloud/jira/platform/rest/v3/intro/#status-codes

use http::{Method, header};
use serde_json::Value;
use throughline_sdk::http::Response;
use throughline_sdk::{Error, ErrorKind, Result, TookEffect};

use crate::wire::Refusal;

/// How much of Jira's own words goes into an error.
const MAX_WORDS: usize = 500;

/// The answer if it is success, else the error it stands for.
pub(crate) fn check(response: Response, method: &Method) -> Result<Response> {
    let told = |name: &str| response.headers.get(name).and_then(|value| value.to_str().ok());
    let denied = told("x-seraph-loginreason").is_some_and(|reason| {
        reason.contains("AUTHENTICATED_FAILED") || reason.contains("AUTHENTICATION_DENIED")
    });
    if denied {
        let message = "Jira does not accept the token; it may have expired";
        return Err(response.error(ErrorKind::Unauthenticated, method, message));
    }
    if told("x-authentication-denied-reason").is_some() {
        let message = "Jira asks our account for a CAPTCHA after failed logins; log in once by hand";
        return Err(response.error(ErrorKind::Unauthenticated, method, message));
    }
    if response.status.is_redirection() {
        return Err(redirected(&response));
    }
    let Some(kind) = ErrorKind::from_status(response.status.as_u16()) else { return Ok(response) };
    let words = words(&response);
    let message = match (kind, words.is_empty()) {
        (ErrorKind::Rejected, false) => format!("Jira refused: {words}"),
        (_, false) => format!("Jira answered {}: {words}", response.status),
        (_, true) => format!("Jira answered {}", response.status),
    };
    Err(response.error(kind, method, message))
}

/// Jira accepted a write and did not do it.
pub(crate) fn not_done(names: &[String], effect: TookEffect) -> Error {
    Error::new(
        ErrorKind::Rejected,
        format!(
            "Jira accepted the write and left unchanged: {}; check the account's permissions and the project's \
             automation",
            names.join(", ")
        ),
    )
    .with_effect(effect)
}

/// What a refusal says, with the field each part is about.
fn words(response: &Response) -> String {
    let Ok(refusal) = serde_json::from_slice::<Refusal>(&response.body) else { return String::new() };
    let of_fields = refusal.errors.iter().map(|(field, words)| match words {
        Value::String(words) => format!("{field}: {words}"),
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            format!("{field}: {other}")
        }
    });
    let all: Vec<String> =
        refusal.error_messages.iter().cloned().chain(refusal.error_message).chain(of_fields).collect();
    all.join("; ").chars().take(MAX_WORDS).collect()
}

fn redirected(response: &Response) -> Error {
    let to_login =
        response.headers.get(header::LOCATION).and_then(|location| location.to_str().ok()).is_some_and(
            |location| location.split(['?', '#']).next().is_some_and(|path| path.contains("login")),
        );
    if to_login {
        Error::new(ErrorKind::Unauthenticated, "Jira sent the request to its login page")
    } else {
        Error::new(ErrorKind::Misconfigured, "Jira redirects; set url to the address it redirects to")
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue, StatusCode};

    use super::*;

    fn answer(status: u16, field: Option<(&'static str, &'static str)>, body: &'static str) -> Error {
        let mut headers = HeaderMap::new();
        if let Some((name, value)) = field {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let status = StatusCode::from_u16(status).unwrap();
        let response = Response { status, headers, body: Bytes::from_static(body.as_bytes()) };
        check(response, &Method::POST).unwrap_err()
    }

    #[test]
    fn a_refusal_names_each_field() {
        let error = answer(
            400,
            None,
            r#"{"errorMessages":["No."],"errors":{"labels":"Field 'labels' cannot be set.","x":{"y":1}}}"#,
        );
        assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No));
        assert_eq!(error.message(), "Jira refused: No.; labels: Field 'labels' cannot be set.; x: {\"y\":1}");
        let error = answer(404, None, r#"{"errorMessage":"No such request.","i18nErrorMessage":{}}"#);
        assert!(error.message().ends_with("No such request."), "{error}");
        assert_eq!(answer(400, None, "<html>").message(), "Jira answered 400 Bad Request");
    }

    #[test]
    fn a_stranger_is_told_from_a_missing_issue() {
        for (status, name, value) in [
            (404, "x-seraph-loginreason", "AUTHENTICATED_FAILED"),
            (200, "x-seraph-loginreason", "AUTHENTICATION_DENIED"),
            (
                403,
                "x-authentication-denied-reason",
                "CAPTCHA_CHALLENGE; login-url=https://jira.example/login.jsp",
            ),
            (302, "location", "https://jira.example/login.jsp?os_destination=x"),
        ] {
            assert_eq!(answer(status, Some((name, value)), "").kind(), ErrorKind::Unauthenticated, "{value}");
        }
        assert_eq!(answer(404, Some(("x-seraph-loginreason", "OK")), "").kind(), ErrorKind::NotFound);
        assert_eq!(
            answer(301, Some(("location", "https://new.example/")), "").kind(),
            ErrorKind::Misconfigured
        );
    }
}
