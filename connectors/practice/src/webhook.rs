//! The desk's webhooks: Standard Webhooks signatures over the raw bytes, then the whole ticket.

use secrecy::SecretString;
use throughline_sdk::http::json_fault;
use throughline_sdk::signature::verify_standard;
use throughline_sdk::{Error, ErrorKind, RawWebhook, Result};

use crate::wire;

pub(crate) fn verified(secret: &SecretString, webhook: &RawWebhook) -> Result<wire::Announcement> {
    verify_standard(webhook, std::slice::from_ref(secret))?;
    serde_json::from_slice(&webhook.body).map_err(|error| {
        let what = json_fault(&error);
        Error::new(ErrorKind::Malformed, format!("the webhook's body is not the JSON we expect: {what}"))
    })
}
