//! Where Dataverse departs from the common table of statuses.
//!
//! | answer | kind | why |
//! |---|---|---|
//! | any status, code `0x80040217` | `NotFound` | the row does not exist ([error codes]) |
//! | any status, code `0x80060882` | `Conflict` | the row has another version by now ([error codes]) |
//! | any status, code `0x80060883` | `Misconfigured` | the table does not check versions ([optimistic concurrency]) |
//! | 405 | `Rejected` | also a refused operation, not only a wrong method ([status codes]) |
//! | 412, code `0x80040237` or `0x80060892`, the row is not there | `Rejected` | another row has the same alternate key ([error codes]) |
//! | 403 on one case | `NotFound` | it went out of our sight, if we may read others ([status codes]) |
//! | code `0x80044352` on a delta link | read anew | the token is too old ([cache schema data]) |
//!
//! The last three are decided where the request is made. 429 is answered by the limits of [service protection], with the
//! wait in `Retry-After`: the common table has it.
//!
//! [error codes]: https://learn.microsoft.com/power-apps/developer/data-platform/reference/web-service-error-codes
//! [optimistic concurrency]: https://learn.microsoft.com/power-apps/developer/data-platform/optimistic-concurrency
//! [status codes]: https://learn.microsoft.com/power-apps/developer/data-platform/webapi/compose-http-requests-handle-errors#identify-status-codes
//! [cache schema data]: https://learn.microsoft.com/power-apps/developer/data-platform/cache-schema-data
//! [service protection]: https://learn.microsoft.com/power-apps/developer/data-platform/api-limits

use http::Method;
use throughline_sdk::http::Response;
use throughline_sdk::{Error, ErrorKind, Result, TookEffect};

use crate::wire::{Refusal, RefusalError};

/// `ObjectDoesNotExist`.
const MISSING: &str = "0x80040217";
/// `ConcurrencyVersionMismatch`.
const STALE: &str = "0x80060882";
/// `OptimisticConcurrencyNotEnabled`.
const UNCHECKED: &str = "0x80060883";
/// `DuplicateRecord`, `DuplicateRecordEntityKey`.
pub(crate) const DUPLICATE: [&str; 2] = ["0x80040237", "0x80060892"];
/// `ExpiredVersionStamp`.
pub(crate) const EXPIRED: &str = "0x80044352";

/// How much of Dataverse's own words goes into an error.
const MAX_WORDS: usize = 500;

/// The answer if it is success, else the error it stands for.
pub(crate) fn check(response: Response, method: &Method) -> Result<Response> {
    let status = response.status.as_u16();
    let Some(common) = ErrorKind::from_status(status) else { return Ok(response) };
    let refusal = refusal(&response);
    let kind = match refusal.code.as_str() {
        MISSING => ErrorKind::NotFound,
        STALE => ErrorKind::Conflict,
        UNCHECKED => ErrorKind::Misconfigured,
        _ if status == 405 => ErrorKind::Rejected,
        _ => common,
    };
    let words: String = refusal.message.split_whitespace().collect::<Vec<_>>().join(" ");
    let words: String = words.chars().take(MAX_WORDS).collect();
    let message = match words.is_empty() {
        true => format!("Dataverse answered {status}"),
        false => format!("Dataverse answered {status}: {words}"),
    };
    let error = response.error(kind, method, message);
    Err(if refusal.code.is_empty() { error } else { error.with_context("code", refusal.code) })
}

/// Why a request was refused, where the answer says so. A change set's answer has it inside one of its parts.
pub(crate) fn refusal(response: &Response) -> RefusalError {
    let body = String::from_utf8_lossy(&response.body);
    let json = body.find("{\"error\"").and_then(|at| body.get(at..)).unwrap_or(&body);
    let first = serde_json::Deserializer::from_str(json).into_iter::<Refusal>().next();
    first.and_then(std::result::Result::ok).unwrap_or_default().error
}

/// Dataverse accepted a write and did not do it: a plug-in or a business rule undid it.
pub(crate) fn not_done(names: &[String], effect: TookEffect) -> Error {
    Error::new(
        ErrorKind::Rejected,
        format!(
            "Dataverse accepted the write and left unchanged: {}; look for a plug-in, flow or business rule that sets it",
            names.join(", ")
        ),
    )
    .with_effect(effect)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, StatusCode};

    use super::*;

    fn read(status: u16, body: &str) -> Error {
        let status = StatusCode::from_u16(status).unwrap();
        let body = Bytes::copy_from_slice(body.as_bytes());
        check(Response { status, headers: HeaderMap::new(), body }, &Method::PATCH).unwrap_err()
    }

    #[test]
    fn a_code_says_more_than_a_status() {
        for (status, code, kind) in [
            (400, MISSING, ErrorKind::NotFound),
            (404, "", ErrorKind::NotFound),
            (400, STALE, ErrorKind::Conflict),
            (412, STALE, ErrorKind::Conflict),
            (412, "", ErrorKind::Conflict),
            (400, UNCHECKED, ErrorKind::Misconfigured),
            (405, "0x80048306", ErrorKind::Rejected),
            (400, "0x80040265", ErrorKind::Rejected),
            (429, "0x80072322", ErrorKind::RateLimited),
            (500, "0x80040216", ErrorKind::Unavailable),
        ] {
            let error = read(status, &format!(r#"{{"error":{{"code":"{code}","message":"Words."}}}}"#));
            assert_eq!(error.kind(), kind, "{status} {code}: {error}");
        }
    }

    #[test]
    fn the_refusal_inside_a_change_set_is_found() {
        let error = read(
            400,
            "--batchresponse_1\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 400 Bad Request\r\n\r\n\
             {\"error\":{\"code\":\"0x80040265\",\"message\":\"Close the activities first.\"}}\r\n--batchresponse_1--",
        );
        assert!(error.message().contains("Close the activities first."), "{error}");
        assert_eq!(read(502, "<html>").message(), "Dataverse answered 502");
    }
}
