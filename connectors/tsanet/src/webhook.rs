//! Webhooks: signed over the body, and thin. They name a request and say nothing else that is believed.
//!
//! Both versions of a subscription are understood: flat events until 2027, and `CloudEvents`.
//!
//! <https://developer.tsanet.org/api/#webhooks>

use throughline_sdk::signature::verify_hub;
use throughline_sdk::{Error, ErrorKind, Hint, RawWebhook, RemoteId, Result};

use crate::config::Config;
use crate::wire::Event;

/// Authenticates a webhook and says which request it is about.
pub(crate) fn accept(webhook: &RawWebhook, config: &Config) -> Result<Vec<Hint>> {
    let secret = config.webhook_secret.as_ref().ok_or_else(|| {
        Error::new(ErrorKind::Unsupported, "webhooks are refused without the setting webhook_secret")
    })?;
    verify_hub(webhook, "x-hub-signature-256", secret)?;
    let event: Event = serde_json::from_slice(&webhook.body).map_err(|error| {
        Error::new(ErrorKind::Malformed, format!("the webhook is no event of TSANet Connect: {error}"))
    })?;
    let token = event.request_token.or(event.data.and_then(|data| data.request_token));
    let token = token
        .filter(|token| crate::api::is_token(token))
        .ok_or_else(|| Error::new(ErrorKind::Malformed, "the webhook names no request by its token"))?;
    Ok(vec![Hint::new(RemoteId::new(token))])
}
