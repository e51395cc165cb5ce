//! Where GitHub departs from the common table of statuses.
//!
//! | answer | kind | why |
//! |---|---|---|
//! | 403 or 429 with `Retry-After`, `x-ratelimit-remaining: 0`, or words about a secondary limit | `RateLimited` | both limits are told by both statuses ([rate limits]) |
//! | 3xx for an issue | `Moved` | it was transferred to another repository ([get an issue]) |
//! | 404 for an issue, and for the repository too | `Forbidden` | what a token may not see is not there for it ([troubleshooting]) |
//! | 410 while issues are switched off | `Forbidden` | else 410 is a deleted issue ([get an issue]) |
//! | 3xx for the repository | `Misconfigured` | it was renamed; nobody follows a redirect with a token ([best practices]) |
//! | 403 for a comment on a locked issue | `Rejected` | the token is as good as before ([locking conversations]) |
//! | 422 | `Rejected` | GitHub's words are kept ([client errors]) |
//!
//! The rows about one issue are decided by the connector, which first asks for the repository.
//!
//! [rate limits]: https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit
//! [get an issue]: https://docs.github.com/en/rest/issues/issues#get-an-issue
//! [troubleshooting]: https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api#404-not-found-for-an-existing-resource
//! [best practices]: https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#follow-redirects
//! [locking conversations]: https://docs.github.com/en/communities/moderating-comments-and-conversations/locking-conversations
//! [client errors]: https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api#validation-failed

use std::time::Duration;

use http::{HeaderMap, Method, StatusCode, header};
use serde_json::Value;
use throughline_sdk::http::Response;
use throughline_sdk::{Error, ErrorKind, Result, Timestamp, TookEffect};

use crate::wire::Refusal;

/// How much of GitHub's own words goes into an error.
const MAX_WORDS: usize = 500;

/// How long GitHub asks to wait at least after a secondary limit that does not say how long.
const SECONDARY: Duration = Duration::from_secs(60);

/// The answer if it is success, else the error it stands for.
pub(crate) fn check(response: Response, method: &Method, now: Timestamp) -> Result<Response> {
    if response.status.is_success() {
        return Ok(response);
    }
    if let Some(wait) = limited(&response, now) {
        let message = "GitHub's rate limit is reached";
        return Err(response.error(ErrorKind::RateLimited, method, message).with_retry_after(Some(wait)));
    }
    if response.status.is_redirection() {
        let error = response.error(ErrorKind::Moved, method, "GitHub has it at another address now");
        // A write that is answered with an address was not carried out here.
        return Err(error.with_effect(TookEffect::No));
    }
    let Some(kind) = ErrorKind::from_status(response.status.as_u16()) else { return Ok(response) };
    let message = match words(&response) {
        Some(words) => format!("GitHub answered {}: {words}", response.status),
        None => format!("GitHub answered {}", response.status),
    };
    Err(response.error(kind, method, message))
}

/// Whether the answer is one of GitHub's own, and not the page of somebody in between.
pub(crate) fn is_githubs(response: &Response) -> bool {
    serde_json::from_slice::<Refusal>(&response.body).is_ok()
}

/// GitHub's time, as its answer says.
pub(crate) fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let date = headers.get(header::DATE)?.to_str().ok()?;
    chrono::DateTime::parse_from_rfc2822(date).ok().map(|date| date.to_utc())
}

/// GitHub accepted a write and did not do it.
pub(crate) fn not_done(names: &[String], effect: TookEffect) -> Error {
    Error::new(
        ErrorKind::Rejected,
        format!(
            "GitHub accepted the write and left unchanged: {}; labels, assignees and types need the role triage or \
             write in the repository",
            names.join(", ")
        ),
    )
    .with_effect(effect)
}

/// How long to wait, if the answer says that a limit is reached.
fn limited(response: &Response, now: Timestamp) -> Option<Duration> {
    if !matches!(response.status, StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS) {
        return None;
    }
    let stated = response.retry_after();
    let reset = until_reset(&response.headers, now);
    let secondary = words(response).map(|words| words.to_lowercase());
    let secondary =
        secondary.is_some_and(|words| words.contains("secondary rate") || words.contains("abuse"));
    if response.status == StatusCode::FORBIDDEN && stated.is_none() && reset.is_none() && !secondary {
        return None;
    }
    let least = secondary.then_some(SECONDARY);
    Some([stated, reset, least].into_iter().flatten().max().unwrap_or(SECONDARY))
}

/// From GitHub's time, or ours where it does not tell, to the moment when the primary limit begins anew.
fn until_reset(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
    if number("x-ratelimit-remaining")? != 0 {
        return None;
    }
    let left = number("x-ratelimit-reset")?.saturating_sub(date(headers).unwrap_or(now).timestamp());
    Some(Duration::from_secs(u64::try_from(left.max(1)).unwrap_or(1)))
}

fn words(response: &Response) -> Option<String> {
    let refusal: Refusal = serde_json::from_slice(&response.body).ok()?;
    let words = std::iter::once(refusal.message).chain(refusal.errors.iter().map(detail));
    let words: Vec<String> = words.filter(|words| !words.is_empty()).collect();
    Some(words.join("; ").chars().take(MAX_WORDS).collect())
}

/// One reason for a refusal. The refused value, which may be a ticket's text, is left out.
fn detail(error: &Value) -> String {
    let text = |key: &str| error.get(key).and_then(Value::as_str);
    match (text("field"), text("code"), text("message"), error.as_str()) {
        (_, _, Some(message), _) | (_, _, None, Some(message)) => message.to_owned(),
        (Some(field), Some(code), None, None) => format!("{field}: {code}"),
        (Some(word), None, None, None) | (None, Some(word), None, None) => word.to_owned(),
        (None, None, None, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn answer(status: u16, fields: &[(&'static str, &str)], body: &str) -> Response {
        let headers = fields
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect();
        let body = Bytes::copy_from_slice(body.as_bytes());
        Response { status: StatusCode::from_u16(status).unwrap(), headers, body }
    }

    #[test]
    fn a_limit_is_told_from_a_missing_permission() {
        let now = Timestamp::from_timestamp(1_000_000, 0).unwrap();
        let remaining = |left| [("x-ratelimit-remaining", left), ("x-ratelimit-reset", "1000090")];
        let dated = [
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-reset", "1000090"),
            ("date", "Mon, 12 Jan 1970 13:47:10 GMT"),
        ];
        let secondary = r#"{"message":"You have exceeded a secondary rate limit. Please wait."}"#;
        let forbidden = r#"{"message":"Resource not accessible by personal access token"}"#;
        for (status, fields, body, wait) in [
            (403, &[("retry-after", "17")][..], "", Some(17)),
            (429, &[("retry-after", "17")], "", Some(17)),
            (403, &remaining("0"), forbidden, Some(90)),
            (429, &remaining("0"), "", Some(90)),
            (403, &dated, "", Some(60)),
            (403, &[], secondary, Some(60)),
            (403, &[("retry-after", "120")], secondary, Some(120)),
            (429, &[], "", Some(60)),
            (403, &remaining("12"), forbidden, None),
            (403, &[], forbidden, None),
            (403, &[], "<html>", None),
        ] {
            let error = check(answer(status, fields, body), &Method::POST, now).unwrap_err();
            let kind = if wait.is_some() { ErrorKind::RateLimited } else { ErrorKind::Forbidden };
            assert_eq!(error.kind(), kind, "{status} {fields:?} {body}");
            assert_eq!(error.retry_after().map(|wait| wait.as_secs()), wait, "{status} {fields:?} {body}");
            assert_eq!(error.took_effect(), TookEffect::No);
        }
    }

    #[test]
    fn githubs_words_are_kept_and_values_are_not() {
        let body = r#"{"message":"Validation Failed","errors":[
            {"resource":"Issue","field":"title","code":"missing_field","value":"for staff only"},
            {"resource":"Issue","code":"custom","message":"body is too long"}, "or so"]}"#;
        let error = check(answer(422, &[], body), &Method::POST, Timestamp::UNIX_EPOCH).unwrap_err();
        assert_eq!(
            error.to_string(),
            "GitHub answered 422 Unprocessable Entity: Validation Failed; title: missing_field; body is too long; or so"
        );
        assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No));
    }
}
