//! Where GitLab departs from the common table of statuses.
//!
//! | answer | kind | why |
//! |---|---|---|
//! | 3xx for the project | `Misconfigured` | its path changed; nobody follows a redirect with a token ([redirects]) |
//! | 404 for an issue, and for the project too | `Forbidden` | what a token may not see is not there for it ([status codes]) |
//! | an issue with `moved_to_id` | `Moved` | it is closed here and lives on elsewhere ([move an issue]) |
//! | `needs_captcha_response`, whatever the status | `Rejected` | taken for spam; no program solves that ([spam]) |
//! | 202 for a new note | `Rejected` | the whole text was taken for commands ([quick actions]) |
//! | 400 | `Rejected` | GitLab's words are kept ([validation]) |
//!
//! The rows about one issue are decided by the connector, which first asks for the project.
//!
//! [redirects]: https://docs.gitlab.com/api/rest/#redirects
//! [status codes]: https://docs.gitlab.com/api/rest/troubleshooting/#status-codes
//! [move an issue]: https://docs.gitlab.com/api/issues/#move-an-issue
//! [spam]: https://docs.gitlab.com/api/rest/troubleshooting/#requests-detected-as-spam
//! [quick actions]: https://docs.gitlab.com/user/project/quick_actions/
//! [validation]: https://docs.gitlab.com/api/rest/troubleshooting/#status-code-400

use http::Method;
use serde_json::Value;
use throughline_sdk::http::Response;
use throughline_sdk::{Error, ErrorKind, Result, TookEffect};

use crate::wire::Refusal;

/// How much of GitLab's own words goes into an error.
const MAX_WORDS: usize = 500;

/// The answer if it is success, else the error it stands for.
pub(crate) fn check(response: Response, method: &Method) -> Result<Response> {
    if response.status.is_success() {
        return Ok(response);
    }
    if response.status.is_redirection() {
        let error = response.error(ErrorKind::Moved, method, "GitLab has it at another address now");
        // A write that is answered with an address was not carried out here.
        return Err(error.with_effect(TookEffect::No));
    }
    let refusal: Option<Refusal> = serde_json::from_slice(&response.body).ok();
    let spam = refusal.as_ref().is_some_and(|refusal| refusal.needs_captcha_response);
    let kind = match ErrorKind::from_status(response.status.as_u16()) {
        Some(_) if spam => ErrorKind::Rejected,
        Some(kind) => kind,
        None => return Ok(response),
    };
    let words = refusal.map(|refusal| words(&refusal)).filter(|words| !words.is_empty());
    let message = match words {
        Some(words) => format!("GitLab answered {}: {words}", response.status),
        None => format!("GitLab answered {}", response.status),
    };
    Err(response.error(kind, method, message))
}

/// Whether the answer is one of GitLab's own, and not the page of somebody in between.
pub(crate) fn is_gitlabs(response: &Response) -> bool {
    serde_json::from_slice::<Refusal>(&response.body).is_ok_and(|refusal| !words(&refusal).is_empty())
}

/// GitLab accepted a write and did not do it.
pub(crate) fn not_done(names: &[String], effect: TookEffect) -> Error {
    Error::new(
        ErrorKind::Rejected,
        format!(
            "GitLab accepted the write and left unchanged: {}; check the role of our account in the project",
            names.join(", ")
        ),
    )
    .with_effect(effect)
}

fn words(refusal: &Refusal) -> String {
    let mut all = Vec::new();
    [&refusal.message, &refusal.error, &refusal.error_description]
        .into_iter()
        .for_each(|value| gather(value, "", &mut all));
    all.join("; ").chars().take(MAX_WORDS).collect()
}

/// The texts of a refusal with the attributes they are about.
fn gather(value: &Value, about: &str, all: &mut Vec<String>) {
    match value {
        Value::String(text) if about.is_empty() => all.push(text.clone()),
        Value::String(text) => all.push(format!("{about}: {text}")),
        Value::Array(values) => values.iter().for_each(|value| gather(value, about, all)),
        Value::Object(members) => {
            for (name, value) in members {
                gather(value, if name == "base" || name == "error" { about } else { name }, all);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, StatusCode};

    use super::*;

    fn refused(status: u16, body: &str) -> Error {
        let body = Bytes::copy_from_slice(body.as_bytes());
        let response =
            Response { status: StatusCode::from_u16(status).unwrap(), headers: HeaderMap::new(), body };
        check(response, &Method::POST).unwrap_err()
    }

    #[test]
    fn gitlabs_words_are_kept_in_each_of_their_shapes() {
        for (status, body, kind, words) in [
            (
                400,
                r#"{"message":{"title":["can't be blank","is odd"]}}"#,
                ErrorKind::Rejected,
                "title: can't be blank; title: is odd",
            ),
            (400, r#"{"error":"title is missing"}"#, ErrorKind::Rejected, "title is missing"),
            (
                400,
                r#"{"message":{"base":["no"],"note":{"body":["is too long"]}}}"#,
                ErrorKind::Rejected,
                "no; body: is too long",
            ),
            (401, r#"{"message":"401 Unauthorized"}"#, ErrorKind::Unauthenticated, "401 Unauthorized"),
            (
                403,
                r#"{"error":"insufficient_scope","error_description":"more","scope":"api"}"#,
                ErrorKind::Forbidden,
                "insufficient_scope; more",
            ),
            (404, r#"{"message":"404 Project Not Found"}"#, ErrorKind::NotFound, "404 Project Not Found"),
            (
                409,
                r#"{"needs_captcha_response":true,"message":{"error":"spam"}}"#,
                ErrorKind::Rejected,
                "spam",
            ),
        ] {
            let error = refused(status, body);
            assert_eq!((error.kind(), error.took_effect()), (kind, TookEffect::No), "{body}");
            assert!(error.message().ends_with(&format!(": {words}")), "{error}");
        }
        assert_eq!(refused(301, "moved").took_effect(), TookEffect::No);
        assert_eq!(refused(502, "<html>").took_effect(), TookEffect::Unknown);
    }
}
