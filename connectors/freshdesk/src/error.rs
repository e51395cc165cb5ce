//! Where Freshdesk departs from the common table of statuses.
//!
//! | answer | kind | why |
//! |---|---|---|
//! | 3xx | `Misconfigured` | nobody follows a redirect with a key; the setting `url` has to name the account's own address |
//! | 405 to a write into a ticket | `NotFound` | the ticket is in the bin or marked as spam ([Changelog], April 2016) |
//! | 403 for one ticket | `NotFound` | an agent of restricted scope may not see it any more; the key is asked about first |
//! | 400 | `Rejected` | Freshdesk's words are kept ([Errors]) |
//!
//! [Changelog]: https://developers.freshdesk.com/api/#changelog
//! [Errors]: https://developers.freshdesk.com/api/#error

use http::{Method, StatusCode};
use throughline_sdk::http::Response;
use throughline_sdk::{Error, ErrorKind, Result, TookEffect};

use crate::wire::Refusal;

/// How much of Freshdesk's own words goes into an error.
const MAX_WORDS: usize = 500;

/// The answer if it is success, else the error it stands for.
pub(crate) fn check(response: Response, method: &Method) -> Result<Response> {
    let Some(kind) = ErrorKind::from_status(response.status.as_u16()) else {
        return response.success(method);
    };
    let said =
        serde_json::from_slice::<Refusal>(&response.body).map(|refusal| words(&refusal)).unwrap_or_default();
    let words = match said.is_empty() {
        true => format!("Freshdesk answered {}", response.status),
        false => format!("Freshdesk answered {}: {said}", response.status),
    };
    Err(response.error(kind, method, words))
}

/// The same for a write into a ticket.
pub(crate) fn check_ticket(response: Response, method: &Method) -> Result<Response> {
    if response.status == StatusCode::METHOD_NOT_ALLOWED {
        let words = "the ticket is in Freshdesk's bin or marked as spam";
        return Err(response.error(ErrorKind::NotFound, method, words));
    }
    check(response, method)
}

/// Freshdesk accepted a write and did not do it.
pub(crate) fn not_done(names: &[String], effect: TookEffect) -> Error {
    Error::new(
        ErrorKind::Rejected,
        format!(
            "Freshdesk accepted the write and left unchanged: {}; check the account's role and the automation rules",
            names.join(", ")
        ),
    )
    .with_effect(effect)
}

fn words(refusal: &Refusal) -> String {
    let faults = refusal.errors.iter().map(|fault| match (&fault.field, &fault.message) {
        (Some(field), Some(message)) => format!("{field}: {message}"),
        (Some(words), None) | (None, Some(words)) => words.clone(),
        (None, None) => String::new(),
    });
    let said = [refusal.description.clone(), refusal.message.clone()].into_iter().flatten().chain(faults);
    let said: Vec<String> = said.filter(|words| !words.trim().is_empty()).collect();
    said.join("; ").chars().filter(|letter| !letter.is_control()).take(MAX_WORDS).collect()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderMap;

    use super::*;

    fn answer(status: u16, body: &'static str) -> Response {
        Response {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: Bytes::from_static(body.as_bytes()),
        }
    }

    #[test]
    fn freshdesk_is_quoted() {
        for (body, words) in [
            (
                r#"{"description":"Validation failed","errors":[
                    {"field":"status","message":"It should be one of these values: '2,3,4,5'","code":"invalid_value"}]}"#,
                "Validation failed; status: It should be one of these values: '2,3,4,5'",
            ),
            (r#"{"code":"access_denied","message":"You are not authorized"}"#, "You are not authorized"),
        ] {
            let error = check(answer(400, body), &Method::PUT).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Rejected);
            assert_eq!(error.message(), format!("Freshdesk answered 400 Bad Request: {words}"));
        }
        let error = check(answer(404, ""), &Method::GET).unwrap_err();
        assert_eq!(
            (error.kind(), error.message()),
            (ErrorKind::NotFound, "Freshdesk answered 404 Not Found")
        );
    }

    #[test]
    fn a_binned_ticket_is_gone_and_not_unsupported() {
        let error = check_ticket(answer(405, ""), &Method::PUT).unwrap_err();
        assert_eq!((error.kind(), error.took_effect()), (ErrorKind::NotFound, TookEffect::No));
    }
}
