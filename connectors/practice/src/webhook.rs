//! The desk's webhooks: Standard Webhooks signatures over the raw bytes, then the whole ticket.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use secrecy::{ExposeSecret, SecretString};
use throughline_sdk::{Error, ErrorKind, RawWebhook, Result};

use crate::wire;

/// How old a webhook may be, and how far ahead of us its sender's clock.
const TOLERANCE_SECONDS: u64 = 300;

pub(crate) fn verified(secret: &SecretString, webhook: &RawWebhook) -> Result<wire::Announcement> {
    let header = |name: &str| webhook.headers.get(name).and_then(|value| value.to_str().ok());
    let (Some(id), Some(timestamp), Some(signatures)) =
        (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"))
    else {
        return Err(refused("a header field of its signature is missing"));
    };
    let sent: i64 = timestamp.parse().map_err(|_not_a_number| refused("its time is no number"))?;
    if webhook.received.timestamp().abs_diff(sent) > TOLERANCE_SECONDS {
        return Err(refused("its time is more than five minutes from ours"));
    }
    let encoded = secret.expose_secret().strip_prefix("whsec_");
    let key = encoded.and_then(|encoded| STANDARD.decode(encoded).ok()).ok_or_else(|| {
        Error::new(ErrorKind::Misconfigured, "the setting webhook_secret is no whsec_ secret with base 64")
    })?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let mut signed = format!("{id}.{timestamp}.").into_bytes();
    signed.extend_from_slice(&webhook.body);
    let fits = signatures.split(' ').filter_map(|signature| signature.strip_prefix("v1,")).any(|signature| {
        STANDARD.decode(signature).is_ok_and(|tag| hmac::verify(&key, &signed, &tag).is_ok())
    });
    if !fits {
        return Err(refused("its signature does not fit"));
    }
    serde_json::from_slice(&webhook.body).map_err(|error| {
        Error::new(ErrorKind::Malformed, format!("the webhook's body is not the JSON we expect: {error}"))
    })
}

fn refused(why: &str) -> Error {
    Error::new(ErrorKind::Unauthenticated, format!("the webhook was refused: {why}"))
}
