//! Where ServiceNow departs from the common table of statuses.
//!
//! | answer | kind | why |
//! |---|---|---|
//! | 403 to a write, with a reason | `Rejected` | a business rule, data policy or access rule refused this record ([status codes]) |
//! | 200 with an `error` | `Unavailable` | the transaction was cancelled for its time, what came is not all ([transaction quotas]) |
//! | 404 to a list | no rows | version 1 of the Table API says so of an empty list ([Table API]) |
//! | 429 without `Retry-After` | `RateLimited` | the wait is taken from `X-RateLimit-Reset` ([rate limits]) |
//! | 3xx | `Misconfigured` | nobody follows a redirect with credentials; the setting `url` has to name the instance |
//!
//! [status codes]: https://www.servicenow.com/docs/r/api-reference/rest-apis/c_RESTAPI.html
//! [transaction quotas]: https://www.servicenow.com/docs/r/platform-administration/c_TransactionQuotas.html
//! [Table API]: https://www.servicenow.com/docs/r/api-reference/rest-apis/c_TableAPI.html
//! [rate limits]: https://www.servicenow.com/docs/r/api-reference/rest-api-explorer/inbound-REST-API-rate-limiting.html

use std::time::Duration;

use http::Method;
use http::header::DATE;
use throughline_sdk::http::Response;
use throughline_sdk::{Error, ErrorKind, Result, Timestamp, TookEffect};

use crate::wire::Refusal;

/// How much of ServiceNow's own words goes into an error.
const MAX_WORDS: usize = 500;

/// The answer if it is success, else the error it stands for.
pub(crate) fn check(response: Response, method: &Method) -> Result<Response> {
    let status = response.status.as_u16();
    let words = words(&response);
    if response.status.is_redirection() {
        let message = "ServiceNow redirects; set url to the instance's own address";
        return Err(Error::new(ErrorKind::Misconfigured, message));
    }
    let Some(common) = ErrorKind::from_status(status) else {
        return match words {
            None => Ok(response),
            Some(words) => Err(response.error(
                ErrorKind::Unavailable,
                method,
                format!("ServiceNow broke off its answer: {words}"),
            )),
        };
    };
    let kind = match (common, &words) {
        (ErrorKind::Forbidden, Some(_)) if !method.is_safe() => ErrorKind::Rejected,
        (common, _) => common,
    };
    let message = match words {
        Some(words) => format!("ServiceNow answered {status}: {words}"),
        None => format!("ServiceNow answered {status}"),
    };
    let error = response.error(kind, method, message);
    let wait = error.retry_after().or_else(|| reset(&response));
    Err(if kind == ErrorKind::RateLimited { error.with_retry_after(wait) } else { error })
}

/// The reason in an answer, the fields it names included.
fn words(response: &Response) -> Option<String> {
    // Almost every answer that has none is spared the reading.
    let reason = b"\"error\"";
    if !response.body.windows(reason.len()).any(|window| window == reason) {
        return None;
    }
    let error = serde_json::from_slice::<Refusal>(&response.body).ok()?.error?;
    let parts = [error.message, error.detail].into_iter().flatten();
    let parts: Vec<String> = parts
        .map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|p| !p.is_empty())
        .collect();
    let words: String = parts.join(": ").chars().take(MAX_WORDS).collect();
    Some(words)
}

/// How long it takes until the limit is lifted, on the instance's own clock.
fn reset(response: &Response) -> Option<Duration> {
    let until: i64 = response.headers.get("x-ratelimit-reset")?.to_str().ok()?.trim().parse().ok()?;
    let now = server_time(response)?;
    u64::try_from(until - now.timestamp()).ok().map(Duration::from_secs)
}

/// What time it is there.
pub(crate) fn server_time(response: &Response) -> Option<Timestamp> {
    let date = response.headers.get(DATE)?.to_str().ok()?;
    chrono::DateTime::parse_from_rfc2822(date).ok().map(|time| time.to_utc())
}

/// ServiceNow accepted a write and did not do it.
pub(crate) fn not_done(names: &[String], effect: TookEffect) -> Error {
    Error::new(
        ErrorKind::Rejected,
        format!(
            "ServiceNow accepted the write and left unchanged: {}; check the account's access rules for these fields, \
             and the business rules that set them",
            names.join(", ")
        ),
    )
    .with_effect(effect)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

    use super::*;

    fn read(
        method: &Method,
        status: u16,
        headers: &[(&'static str, &'static str)],
        body: &str,
    ) -> Result<Response> {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        let body = Bytes::copy_from_slice(body.as_bytes());
        check(Response { status: StatusCode::from_u16(status).unwrap(), headers, body }, method)
    }

    #[test]
    fn a_rule_refuses_a_record_and_a_missing_role_the_account() {
        let rule = r#"{"error":{"message":"Operation Failed","detail":"Data Policy Exception:\nClose code is mandatory"},"status":"failure"}"#;
        let error = read(&Method::PATCH, 403, &[], rule).unwrap_err();
        assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No));
        assert!(error.message().contains("Close code is mandatory"), "{error}");
        assert_eq!(read(&Method::GET, 403, &[], rule).unwrap_err().kind(), ErrorKind::Forbidden);
        assert_eq!(read(&Method::PATCH, 403, &[], "<html>").unwrap_err().kind(), ErrorKind::Forbidden);
    }

    #[test]
    fn an_answer_that_breaks_off_is_no_answer() {
        let body = r#"{"result":[{"sys_id":"1"}],"error":{"message":"Transaction cancelled: maximum execution time exceeded","detail":""},"status":"failure"}"#;
        for (method, effect) in [(Method::GET, TookEffect::No), (Method::POST, TookEffect::Unknown)] {
            let error = read(&method, 200, &[], body).unwrap_err();
            assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Unavailable, effect));
        }
        assert!(read(&Method::GET, 200, &[], r#"{"result":[{"short_description":"\"error\""}]}"#).is_ok());
    }

    #[test]
    fn the_wait_is_taken_from_either_field() {
        let date = ("date", "Thu, 01 Jan 2026 00:00:00 GMT");
        for (headers, wait) in [
            (&[("retry-after", "17"), date][..], Some(17)),
            (&[("x-ratelimit-reset", "1767225630"), date], Some(30)),
            (&[date], None),
        ] {
            let error = read(&Method::GET, 429, headers, "").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::RateLimited);
            assert_eq!(error.retry_after().map(|wait| wait.as_secs()), wait);
        }
    }
}
