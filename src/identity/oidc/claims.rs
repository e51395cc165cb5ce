//! What an ID token says, and whether it says it to us, now, and to this login.

use serde_json::{Map, Value};
use throughline_sdk::Timestamp;

use super::Error;

/// Clocks differ.
const LEEWAY_SECONDS: i64 = 60;
/// A subject is at most that long (OpenID Connect Core §2).
const MAX_SUBJECT: usize = 255;

/// The claims about somebody.
#[derive(Clone, Debug)]
pub(super) struct Claims {
    subject: String,
    all: Map<String, Value>,
}

/// What a token has to agree with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
    pub(super) now: Timestamp,
}

impl Claims {
    /// The claims of an ID token whose signature is good (OpenID Connect Core §3.1.3.7).
    pub(super) fn of(json: &[u8], expected: &Expected<'_>) -> Result<Self, Error> {
        let wrong =
            |what: &str| Error::Provider(format!("the provider's answer is not for this login: {what}"));
        let Ok(Value::Object(all)) = serde_json::from_slice(json) else {
            return Err(wrong("it holds no claims"));
        };
        let text = |name: &str| all.get(name).and_then(Value::as_str);
        if text("iss") != Some(expected.issuer) {
            return Err(wrong("it is another provider's"));
        }
        let (for_us, for_others) = match all.get("aud") {
            Some(Value::String(audience)) => (audience == expected.client_id, false),
            Some(Value::Array(audiences)) => {
                let ours = |audience: &Value| audience.as_str() == Some(expected.client_id);
                (audiences.iter().any(ours), !audiences.iter().all(ours))
            }
            _ => (false, false),
        };
        if !for_us {
            return Err(wrong("it is for another application"));
        }
        match all.get("azp") {
            Some(party) if party.as_str() != Some(expected.client_id) => {
                return Err(wrong("it was given to another application"));
            }
            None if for_others => {
                return Err(wrong("it is for several applications and does not say for which"));
            }
            Some(_) | None => {}
        }
        let now = expected.now.timestamp();
        let seconds = |name: &str| all.get(name).and_then(Value::as_f64);
        if seconds("exp").is_none_or(|end| end <= lossy(now.saturating_sub(LEEWAY_SECONDS))) {
            return Err(wrong("its time is over; is this machine's clock right?"));
        }
        let ahead = lossy(now.saturating_add(LEEWAY_SECONDS));
        let from_the_future = |name: &str| seconds(name).is_some_and(|begin| begin > ahead);
        if seconds("iat").is_none() || from_the_future("iat") || from_the_future("nbf") {
            return Err(wrong("its time has not come; is this machine's clock right?"));
        }
        if text("nonce") != Some(expected.nonce) {
            return Err(wrong("it is another login's"));
        }
        let subject = text("sub").filter(|subject| !subject.is_empty() && subject.len() <= MAX_SUBJECT);
        let subject = subject.ok_or_else(|| wrong("it does not say whose it is"))?.to_owned();
        Ok(Self { subject, all })
    }

    /// The same with what the provider said when it was asked for more (§5.3.2: it has to be about the same person).
    pub(super) fn with(mut self, more: Map<String, Value>) -> Result<Self, Error> {
        if more.get("sub").and_then(Value::as_str) != Some(&self.subject) {
            return Err(Error::Provider("the provider told about somebody else".to_owned()));
        }
        for (name, value) in more {
            self.all.entry(name).or_insert(value);
        }
        Ok(self)
    }

    /// Who it is to the provider.
    pub(super) fn subject(&self) -> &str {
        &self.subject
    }

    /// What the person is called.
    pub(super) fn name(&self) -> &str {
        let text =
            |name: &str| self.all.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
        text("preferred_username").or_else(|| text("email")).or_else(|| text("name")).unwrap_or(&self.subject)
    }

    /// Whether there is such a claim.
    pub(super) fn has(&self, claim: &str) -> bool {
        self.all.contains_key(claim)
    }

    /// Whether a claim is this value, or holds it.
    pub(super) fn holds(&self, claim: &str, value: &str) -> bool {
        match self.all.get(claim) {
            Some(Value::String(found)) => found == value,
            Some(Value::Array(found)) => found.iter().any(|found| found.as_str() == Some(value)),
            _ => false,
        }
    }
}

/// Seconds may be written with a fraction; as many of them as there are fit.
#[expect(
    clippy::as_conversions,
    reason = "seconds since 1970 are exact in a double for a hundred million years"
)]
fn lossy(seconds: i64) -> f64 {
    seconds as f64
}
