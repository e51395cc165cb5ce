//! Takes our own secrets out of what comes back, before anybody quotes it.

use bytes::Bytes;

use crate::http::Response;
use crate::{Error, Result};

/// What stands where a secret stood.
const HIDDEN: &str = "[secret]";
/// Shorter than this nothing is a secret, and taking it out would tear words apart.
const LEAST_BYTES: usize = 6;

/// The same outcome without `secrets`. An answer that says success is left as it is: it is data and never quoted.
pub(crate) fn scrubbed(outcome: Result<Response>, secrets: &[&str]) -> Result<Response> {
    match outcome {
        Ok(mut response) => {
            if response.status.is_client_error() || response.status.is_server_error() {
                for secret in usable(secrets) {
                    response.body = without(response.body, secret);
                }
            }
            Ok(response)
        }
        Err(error) => Err(scrub_error(error, secrets)),
    }
}

/// The same error without `secrets`.
pub(crate) fn scrub_error(error: Error, secrets: &[&str]) -> Error {
    usable(secrets).fold(error, |error, secret| error.map_words(|words| words.replace(secret, HIDDEN)))
}

fn usable<'a>(secrets: &'a [&'a str]) -> impl Iterator<Item = &'a str> {
    secrets.iter().copied().filter(|secret| secret.len() >= LEAST_BYTES)
}

fn without(body: Bytes, secret: &str) -> Bytes {
    let mut out = Vec::new();
    let mut rest = body.as_ref();
    while let Some(at) = rest.windows(secret.len()).position(|window| window == secret.as_bytes()) {
        let (before, from) = rest.split_at(at);
        out.extend_from_slice(before);
        out.extend_from_slice(HIDDEN.as_bytes());
        rest = from.get(secret.len()..).unwrap_or_default();
    }
    if out.is_empty() {
        return body;
    }
    out.extend_from_slice(rest);
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use crate::double::answer;

    #[test]
    fn a_refusal_that_quotes_the_secret_loses_it() {
        for status in [400, 401, 500] {
            let refusal = Ok(answer(status, &[], "your key hunter2-key is no key; hunter2-key"));
            let body = scrubbed(refusal, &["hunter2-key"]).unwrap().body;
            assert_eq!(body, "your key [secret] is no key; [secret]");
        }
    }

    #[test]
    fn what_is_data_stays_as_it_is() {
        let body =
            |status, secret| scrubbed(Ok(answer(status, &[], "a hunter2-key")), &[secret]).unwrap().body;
        assert_eq!(body(200, "hunter2-key"), "a hunter2-key");
        assert_eq!(body(400, "a"), "a hunter2-key", "too short to be told from words");
    }

    #[test]
    fn an_error_loses_it_in_words_and_circumstances() {
        let error = Error::new(ErrorKind::Unavailable, "no hunter2-key").with_context("field", "hunter2-key");
        let error = scrubbed(Err(error), &["hunter2-key"]).unwrap_err();
        assert_eq!(error.to_string(), "no [secret] (field: [secret])");
    }
}
