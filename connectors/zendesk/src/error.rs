//! Where Zendesk departs from the common table of statuses.
//!
//! | answer | kind | why |
//! |---|---|---|
//! | 3xx to `/access` or `/auth` | `Unauthenticated` | pages outside the API send strangers to the sign-in page |
//! | other 3xx | `Misconfigured` | nobody follows a redirect with a token; the setting `url` has to name the account's own address |
//! | 400 `IdempotentRequestError` to a create | `Unavailable`, in doubt | the key stands for another body of ours ([Idempotency]); where the ticket is there it is taken |
//! | 409 to a create | `Unavailable`, in doubt | the first request under the key may still be at work |
//! | 409 `UpdateConflict` | `Conflict` | somebody was faster ([Protecting against ticket update collisions]) |
//! | 403 for one ticket | `NotFound` | an agent of restricted access may not see it any more; the credentials are asked about first |
//! | 422 `RecordInvalid` | `Rejected` | Zendesk's words are kept ([Requests and responses]) |
//!
//! [Idempotency]: https://developer.zendesk.com/api-reference/ticketing/introduction/#idempotency
//! [Protecting against ticket update collisions]: https://developer.zendesk.com/documentation/ticketing/managing-tickets/creating-and-updating-tickets/#protecting-against-ticket-update-collisions
//! [Requests and responses]: https://developer.zendesk.com/api-reference/introduction/requests/

use http::Method;
use serde_json::Value;
use throughline_sdk::http::Response;
use throughline_sdk::{Error, ErrorKind, Result, TookEffect};
use url::Url;

use crate::wire::Refusal;

/// How much of Zendesk's own words goes into an error.
const MAX_WORDS: usize = 500;

/// The answer to a request for `asked` if it is success, else the error it stands for.
pub(crate) fn check(response: Response, method: &Method, asked: &Url) -> Result<Response> {
    if let Some(target) = response.location(asked) {
        return Err(redirected(&response, method, &target));
    }
    let kind = match ErrorKind::from_status(response.status.as_u16()) {
        None => return response.success(method),
        Some(kind) => kind,
    };
    let words = match refusal(&response).map(|refusal| words(&refusal)) {
        Some(words) if !words.is_empty() => format!("Zendesk answered {}: {words}", response.status),
        Some(_) | None => format!("Zendesk answered {}", response.status),
    };
    Err(response.error(kind, method, words))
}

/// Whether a create was refused because its key was used with another body.
pub(crate) fn is_key_taken(response: &Response) -> bool {
    response.status.is_client_error()
        && refusal(response).is_some_and(|refusal| refusal.error.as_str() == Some("IdempotentRequestError"))
}

/// Whether an address is that of the sign-in page.
pub(crate) fn is_sign_in(url: &Url) -> bool {
    url.path().starts_with("/access") || url.path().starts_with("/auth")
}

/// Zendesk accepted a write and did not do it.
pub(crate) fn not_done(names: &[String], effect: TookEffect) -> Error {
    Error::new(
        ErrorKind::Rejected,
        format!(
            "Zendesk accepted the write and left unchanged: {}; check the account's role and the triggers",
            names.join(", ")
        ),
    )
    .with_effect(effect)
}

fn redirected(response: &Response, method: &Method, target: &Url) -> Error {
    let (kind, words) = if is_sign_in(target) {
        (ErrorKind::Unauthenticated, "Zendesk sent the request to its sign-in page")
    } else {
        (ErrorKind::Misconfigured, "Zendesk redirects; set url to the account's own address")
    };
    response.error(kind, method, words)
}

fn refusal(response: &Response) -> Option<Refusal> {
    serde_json::from_slice(&response.body).ok()
}

/// What a refusal says, in one line.
fn words(refusal: &Refusal) -> String {
    let mut said = Vec::new();
    for part in [&refusal.error, &refusal.description, &refusal.details] {
        gather(part, &mut said);
    }
    said.dedup();
    said.join("; ").chars().filter(|letter| !letter.is_control()).take(MAX_WORDS).collect()
}

fn gather(value: &Value, said: &mut Vec<String>) {
    match value {
        Value::String(text) if !text.trim().is_empty() => said.push(text.trim().to_owned()),
        Value::Array(values) => values.iter().for_each(|value| gather(value, said)),
        Value::Object(fields) => {
            for (name, value) in fields {
                // The type of a fault says nothing that its description does not.
                if name != "type" && name != "error" {
                    gather(value, said);
                }
            }
        }
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, StatusCode};

    use super::*;

    fn answer(status: u16, body: &'static str) -> Response {
        Response {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: Bytes::from_static(body.as_bytes()),
        }
    }

    fn fail(response: Response) -> Error {
        check(response, &Method::PUT, &"https://desk.example/api/v2/tickets/1.json".parse().unwrap())
            .unwrap_err()
    }

    #[test]
    fn zendesk_is_quoted_in_all_the_forms_it_refuses_in() {
        for (body, words) in [
            (
                r#"{"error":"RecordInvalid","description":"Record validation errors","details":{"status":[
                    {"description":"Status: closed prevents ticket update","error":"InvalidValue"}]}}"#,
                "RecordInvalid; Record validation errors; Status: closed prevents ticket update",
            ),
            (r#"{"error":{"title":"Forbidden","message":"No access"}}"#, "No access; Forbidden"),
            (r#"{"error":"Couldn't authenticate you"}"#, "Couldn't authenticate you"),
        ] {
            let error = fail(answer(422, body));
            assert_eq!(error.kind(), ErrorKind::Rejected);
            assert_eq!(error.message(), format!("Zendesk answered 422 Unprocessable Entity: {words}"));
        }
        assert_eq!(fail(answer(422, "<html>")).message(), "Zendesk answered 422 Unprocessable Entity");
    }

    #[test]
    fn a_stale_write_is_a_conflict_and_a_lost_one_is_in_doubt() {
        let error = fail(answer(409, r#"{"error":"UpdateConflict"}"#));
        assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Conflict, TookEffect::No));
        let error = fail(answer(502, ""));
        assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Unavailable, TookEffect::Unknown));
    }

    #[test]
    fn strangers_are_told_from_wrong_addresses() {
        for (to, kind) in [
            ("/access/unauthenticated?return_to=x", ErrorKind::Unauthenticated),
            ("https://help.example.org/api/v2/tickets/1.json", ErrorKind::Misconfigured),
        ] {
            let mut response = answer(302, "");
            response.headers.insert("location", to.parse().unwrap());
            assert_eq!(fail(response).kind(), kind);
        }
    }
}
