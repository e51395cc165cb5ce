//! A partner's refusals in its own words, and where the protocol departs from the common table of statuses.
//!
//! | answer | kind | why |
//! |---|---|---|
//! | 3xx | `Misconfigured` | Zendesk's implementation sends the same again, with the key, to wherever it is led ([request.rb]); we do not |
//!
//! Every other status is as in the common table. Zendesk's implementation takes 401, 403, 404, 405, 408, 410, 422 and
//! 5xx for "not now" and any other for a defect ([client.rb]).
//!
//! [request.rb]: https://github.com/zendesk/ticket_sharing/blob/master/lib/ticket_sharing/request.rb
//! [client.rb]: https://github.com/zendesk/ticket_sharing/blob/master/lib/ticket_sharing/client.rb

use http::Method;
use http::header::CONTENT_TYPE;
use throughline_sdk::http::Response;
use throughline_sdk::{ErrorKind, Result};

/// How much of the partner's own words goes into an error.
const MAX_WORDS: usize = 300;

/// The answer if its status says success, else an error with the partner's words.
pub(crate) fn check(answer: Response, method: &Method, doing: &str) -> Result<Response> {
    if answer.status.is_redirection() {
        let why = "the partner redirects; set url to the address it redirects to";
        return Err(answer.error(ErrorKind::Misconfigured, method, why));
    }
    let Some(kind) = ErrorKind::from_status(answer.status.as_u16()) else { return Ok(answer) };
    let message = match words(&answer) {
        Some(words) => format!("the partner did not {doing}: {}: {words}", answer.status),
        None => format!("the partner did not {doing}: it answered {}", answer.status),
    };
    Err(answer.error(kind, method, message))
}

/// What a refusal says in plain text. Pages are not for people who read logs.
fn words(answer: &Response) -> Option<String> {
    let media = answer.headers.get(CONTENT_TYPE)?.to_str().ok()?;
    if !media.trim_start().starts_with("text/plain") {
        return None;
    }
    let text = std::str::from_utf8(&answer.body).ok()?.trim();
    let words: String = text.chars().filter(|letter| !letter.is_control()).take(MAX_WORDS).collect();
    (!words.is_empty()).then_some(words)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, StatusCode};
    use throughline_sdk::{Error, TookEffect};

    use super::*;

    fn refused(status: u16, media: &'static str, body: &'static str) -> Error {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(media))]);
        let status = StatusCode::from_u16(status).unwrap();
        check(Response { status, headers, body: body.into() }, &Method::PUT, "take it").unwrap_err()
    }

    #[test]
    fn a_refusal_has_its_kind_and_the_partners_plain_words() {
        let error = refused(422, "text/plain; charset=\"UTF-8\"", "no mapping for 'new'\n");
        assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No));
        assert!(error.to_string().contains("no mapping for 'new'"), "{error}");
        let page = refused(503, "text/html", "<html>down</html>");
        assert_eq!((page.kind(), page.took_effect()), (ErrorKind::Unavailable, TookEffect::Unknown));
        assert!(!page.to_string().contains("html"), "{page}");
        assert_eq!(refused(302, "text/plain", "").kind(), ErrorKind::Misconfigured);
    }
}
