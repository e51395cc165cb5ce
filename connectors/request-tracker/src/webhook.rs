//! What a scrip posts to us: authenticated by a static token, worth a hint and nothing more.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use throughline_sdk::{Error, ErrorKind, Hint, RawWebhook, RemoteId, Result};

use crate::rest::number;

/// The header field in which the scrip sends the token.
pub(crate) const TOKEN_HEADER: &str = "x-throughline-token";

/// The part of the scrip's message that we read; the README has the scrip.
#[derive(Deserialize)]
struct Message {
    ticket: Value,
}

/// Authenticates a webhook, then says which ticket it is about.
pub(crate) fn accept(token: Option<&SecretString>, webhook: &RawWebhook) -> Result<Vec<Hint>> {
    let Some(token) = token else {
        return Err(Error::new(ErrorKind::Unsupported, "no webhook_token is set for this Request Tracker"));
    };
    let given = webhook.headers.get(TOKEN_HEADER).map_or(&[][..], http::HeaderValue::as_bytes);
    if !same(given, token.expose_secret().as_bytes()) {
        return Err(Error::new(ErrorKind::Unauthenticated, "X-Throughline-Token is missing or wrong"));
    }
    let message: Message = serde_json::from_slice(&webhook.body).map_err(|error| {
        Error::new(
            ErrorKind::Malformed,
            format!("the webhook's body is not the JSON our scrip sends: {error}"),
        )
    })?;
    let ticket = match &message.ticket {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => String::new(),
    };
    number(&ticket).map_err(|error| Error::new(ErrorKind::Malformed, error.to_string()))?;
    Ok(vec![Hint::new(RemoteId::new(ticket))])
}

/// Takes as long for a wrong token as for the right one, so that its letters cannot be tried one by one.
fn same(given: &[u8], token: &[u8]) -> bool {
    // An empty token would let in whoever sends none.
    !token.is_empty()
        && given.len() == token.len()
        && given.iter().zip(token).fold(0, |seen, (a, b)| seen | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use chrono::DateTime;
    use http::{HeaderMap, HeaderValue};

    use super::*;

    fn webhook(token: Option<&'static str>, body: &'static str) -> RawWebhook {
        let mut headers = HeaderMap::new();
        if let Some(token) = token {
            headers.insert(TOKEN_HEADER, HeaderValue::from_static(token));
        }
        RawWebhook {
            headers,
            query: String::new(),
            body: Bytes::from_static(body.as_bytes()),
            received: DateTime::UNIX_EPOCH,
        }
    }

    fn check(token: Option<&'static str>, body: &'static str) -> Result<Vec<Hint>, ErrorKind> {
        accept(Some(&SecretString::from("hook")), &webhook(token, body)).map_err(|error| error.kind())
    }

    #[test]
    fn the_right_token_gives_a_hint() {
        let hint = vec![Hint::new(RemoteId::new("12"))];
        assert_eq!(check(Some("hook"), r#"{"ticket":12,"type":"Create"}"#), Ok(hint.clone()));
        assert_eq!(check(Some("hook"), r#"{"ticket":"12"}"#), Ok(hint));
    }

    #[test]
    fn anything_else_is_refused() {
        assert_eq!(check(None, r#"{"ticket":12}"#), Err(ErrorKind::Unauthenticated));
        assert_eq!(check(Some("hooc"), r#"{"ticket":12}"#), Err(ErrorKind::Unauthenticated));
        assert_eq!(check(Some("hook"), "no JSON"), Err(ErrorKind::Malformed));
        assert_eq!(check(Some("hook"), r#"{"ticket":"../12"}"#), Err(ErrorKind::Malformed));
        let unset = accept(None, &webhook(Some("hook"), r#"{"ticket":12}"#)).unwrap_err();
        assert_eq!(unset.kind(), ErrorKind::Unsupported);
    }
}
