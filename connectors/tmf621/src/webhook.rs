//! Events of the desk's hub: who sent them, and which ticket they hint at.
//!
//! The standard signs nothing. The token in our own address says that the sender was told it by us; the ticket is read
//! afresh, so a replayed or invented event costs one read and changes nothing.

use secrecy::SecretString;
use throughline_sdk::http::json_fault;
use throughline_sdk::signature::verify_token_query;
use throughline_sdk::{Error, ErrorKind, Hint, RawWebhook, RemoteId, Result};

use crate::wire::Event;

/// Authenticates an event and says which ticket it hints at.
pub(crate) fn accept(webhook: &RawWebhook, token: Option<&SecretString>) -> Result<Vec<Hint>> {
    let token = token.ok_or_else(|| {
        Error::new(ErrorKind::Unsupported, "events need the setting webhook_token, which is not set")
    })?;
    verify_token_query(webhook, "token", token)?;
    let malformed = |what: String| Error::new(ErrorKind::Malformed, what);
    let event: Event = serde_json::from_slice(&webhook.body)
        .map_err(|error| malformed(format!("the event is not the JSON we expect: {}", json_fault(&error))))?;
    match event.event.trouble_ticket.id {
        id if id.is_empty() => Err(malformed("the event names no trouble ticket".to_owned())),
        id => Ok(vec![Hint::new(RemoteId::new(id))]),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderMap;

    use super::*;

    fn check(query: &str, body: &'static str) -> Result<Vec<Hint>> {
        let webhook = RawWebhook {
            headers: HeaderMap::new(),
            query: query.to_owned(),
            body: Bytes::from_static(body.as_bytes()),
            received: chrono::DateTime::UNIX_EPOCH,
        };
        accept(&webhook, Some(&SecretString::from("s3cret")))
    }

    #[test]
    fn an_event_with_the_token_hints_at_its_ticket() {
        for body in [r#"{"event":{"troubleTicket":{"id":"7"}}}"#, r#"{"event":{"troubleTicket":{"id":7}}}"#] {
            assert_eq!(check("token=s3cret", body).unwrap(), [Hint::new(RemoteId::new("7"))], "{body}");
        }
    }

    #[test]
    fn a_stranger_is_refused_before_the_body_is_read() {
        for query in ["", "token=", "token=s3cre", "token=s3cret&token=s3cret"] {
            assert_eq!(check(query, "{").unwrap_err().kind(), ErrorKind::Unauthenticated, "{query}");
        }
    }

    #[test]
    fn an_event_without_a_ticket_is_malformed() {
        for body in ["{", "[]", r#"{"event":{}}"#, r#"{"event":{"troubleTicket":{}}}"#] {
            assert_eq!(check("token=s3cret", body).unwrap_err().kind(), ErrorKind::Malformed, "{body}");
        }
    }
}
