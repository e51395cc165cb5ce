//! Where TSANet Connect departs from the common table of statuses.
//!
//! | answer | kind | why |
//! |---|---|---|
//! | 3xx | `Malformed` | nobody follows a redirect with a token |
//! | 200 without a token for a new request | `Malformed`, may have taken effect | an answer that settles nothing ([outcomes]) |
//! | 500 with a refusal's words | as any 500 | refusals come as that only to callers that do not ask for problem details ([errors]) |
//! | a case with `deletedAt` | `NotFound` | it is deleted and may still be read ([model]) |
//!
//! The token of a case is not repeated in errors: links with it are sent by mail to people who have no account.
//!
//! [outcomes]: https://developer.tsanet.org/connectors/fin-intercom.html#taxonomy
//! [errors]: https://developer.tsanet.org/api/#errors
//! [model]: https://tsanet.gitbook.io/connect/api-reference/models

use http::Method;
use throughline_sdk::http::Response;
use throughline_sdk::{Error, ErrorKind, Result, TookEffect};

use crate::wire::Refusal;

/// How much of TSANet's own words goes into an error.
const MAX_WORDS: usize = 500;

/// The answer if it is success, else the error it stands for.
pub(crate) fn check(response: Response, method: &Method, token: Option<&str>) -> Result<Response> {
    if response.status.is_success() {
        return Ok(response);
    }
    let Some(kind) = ErrorKind::from_status(response.status.as_u16()) else {
        let message = format!("TSANet Connect answered {} in place of what was asked", response.status);
        let error = response.error(ErrorKind::Malformed, method, message);
        // A write that is answered with an address was not carried out here.
        return Err(error.with_effect(TookEffect::No));
    };
    let message = match words(&response, token) {
        Some(words) => format!("TSANet Connect answered {}: {words}", response.status),
        None => format!("TSANet Connect answered {}", response.status),
    };
    Err(response.error(kind, method, message))
}

/// TSANet accepted a write and did not do it.
pub(crate) fn not_done(what: &str) -> Error {
    let message = format!("TSANet Connect accepted the write and does not show it: {what}");
    Error::new(ErrorKind::Rejected, message).with_unknown_effect()
}

fn words(response: &Response, token: Option<&str>) -> Option<String> {
    let refusal: Refusal = serde_json::from_slice(&response.body).ok()?;
    let words = refusal.detail.or(refusal.title).or(refusal.message)?;
    let words = match token {
        Some(token) => words.replace(token, "\u{2026}"),
        None => words,
    };
    Some(words.chars().take(MAX_WORDS).collect())
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
        check(response, &Method::POST, Some("t0k3n")).unwrap_err()
    }

    #[test]
    fn the_words_are_kept_without_the_token() {
        for (status, body, kind, words) in [
            (
                404,
                r#"{"title":"Not Found","detail":"Case t0k3n not found."}"#,
                ErrorKind::NotFound,
                "Case \u{2026} not found.",
            ),
            (422, r#"{"title":"Unprocessable"}"#, ErrorKind::Rejected, "Unprocessable"),
            (403, r#"{"message":"not your case"}"#, ErrorKind::Forbidden, "not your case"),
        ] {
            let error = refused(status, body);
            assert_eq!((error.kind(), error.took_effect()), (kind, TookEffect::No), "{body}");
            assert!(error.message().ends_with(&format!(": {words}")), "{error}");
        }
        assert_eq!(refused(500, r#"{"message":"no"}"#).took_effect(), TookEffect::Unknown);
        let moved = refused(302, "");
        assert_eq!((moved.kind(), moved.took_effect()), (ErrorKind::Malformed, TookEffect::No));
    }
}
