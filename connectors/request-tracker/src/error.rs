//! Where Request Tracker's answers mean something else than their status says in the common table.
//!
//! | call | answer | here | why |
//! |---|---|---|---|
//! | any of one ticket | 403 | `NotFound` | the account may not see this ticket (any more), often because it was moved to another queue; the credentials are good |
//! | create | 403 | `Rejected`, or `Forbidden` for the configured queue | also the answer for a queue that does not exist (`Resource/Ticket.pm`, `validate_input`) |
//! | download | 500 | never met: a list is asked first, and a file it does not have is `NotFound` | RT asks the missing record for its rights and fails |
//! | message with `If-Match` | 412 | never sent | a message has no version there, so that the right one is refused too |
//! | create in a status that no ticket may begin in | 400 | created without it, then set | the lifecycle's `on_create` and `initial` |
//! | PUT | 200 | `Rejected` when the value did not change | RT answers with a list of sentences, whether it obeyed or not |
//!
//! The interface is described at <https://docs.bestpractical.com/rt/5.0.3/RT/REST2.html>; the rows were seen on a
//! running RT 5.0.3.

use http::Method;
use throughline_sdk::http::Response;
use throughline_sdk::{Error, ErrorKind, RemoteId, Result};

use crate::wire;

/// The answer of a call about one ticket, or what its status stands for.
pub(crate) fn of_ticket(answer: Response, method: &Method, ticket: &RemoteId) -> Result<Response> {
    let kind = match ErrorKind::from_status(answer.status.as_u16()) {
        None => return Ok(answer),
        Some(ErrorKind::Forbidden) => ErrorKind::NotFound,
        Some(kind) => kind,
    };
    Err(said(&answer, kind, method).with_context("ticket", ticket))
}

/// The answer of a create in `queue`, or what its status stands for.
pub(crate) fn of_create(answer: Response, queue: &str, configured: bool) -> Result<Response> {
    let kind = match ErrorKind::from_status(answer.status.as_u16()) {
        None => return Ok(answer),
        Some(ErrorKind::Forbidden) if !configured => ErrorKind::Rejected,
        Some(kind) => kind,
    };
    Err(said(&answer, kind, &Method::POST).with_context("queue", queue))
}

/// The answer of any other call, or what its status stands for.
pub(crate) fn of(answer: Response, method: &Method) -> Result<Response> {
    match ErrorKind::from_status(answer.status.as_u16()) {
        None => Ok(answer),
        Some(kind) => Err(said(&answer, kind, method)),
    }
}

/// What RT said when a write was answered with success and not carried out.
pub(crate) fn not_done(ticket: &RemoteId, what: &str, sentences: &[String]) -> Error {
    let words = if sentences.is_empty() { "nothing".to_owned() } else { sentences.join("; ") };
    Error::new(ErrorKind::Rejected, format!("Request Tracker did not set {what} and said: {}", short(&words)))
        .with_context("ticket", ticket)
}

fn said(answer: &Response, kind: ErrorKind, method: &Method) -> Error {
    let message = match serde_json::from_slice::<wire::Message>(&answer.body) {
        Ok(wire::Message { message }) if !message.is_empty() => {
            format!("Request Tracker answered {}: {}", answer.status, short(&message))
        }
        Ok(_) | Err(_) => format!("Request Tracker answered {}", answer.status),
    };
    answer.error(kind, method, message)
}

fn short(words: &str) -> String {
    words.chars().take(400).collect()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, StatusCode};
    use throughline_sdk::TookEffect;

    use super::*;

    fn answer(status: u16, body: &'static str) -> Response {
        Response {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: Bytes::from_static(body.as_bytes()),
        }
    }

    #[test]
    fn a_ticket_we_may_not_see_is_gone_and_does_not_stop_the_system() {
        let error = of_ticket(answer(403, r#"{"message":"Forbidden"}"#), &Method::GET, &RemoteId::new("7"));
        assert_eq!(error.unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[test]
    fn an_unknown_queue_parks_and_the_configured_one_stops() {
        let words = r#"{"message":"No permission to create tickets in the queue 'Nope'"}"#;
        let error = of_create(answer(403, words), "Nope", false).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Rejected);
        assert!(error.to_string().contains("queue 'Nope'"), "{error}");
        assert_eq!(of_create(answer(403, words), "Nope", true).unwrap_err().kind(), ErrorKind::Forbidden);
    }

    #[test]
    fn a_stale_write_is_a_conflict_without_effect() {
        let error = of_ticket(answer(412, "{}"), &Method::PUT, &RemoteId::new("7")).unwrap_err();
        assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Conflict, TookEffect::No));
        let error = of_ticket(answer(500, "oops"), &Method::PUT, &RemoteId::new("7")).unwrap_err();
        assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Unavailable, TookEffect::Unknown));
    }
}
