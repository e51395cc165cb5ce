//! Webhooks: who sent them, then which tickets they hint at. Their content is never believed.

use std::collections::BTreeSet;

use secrecy::SecretString;
use throughline_sdk::http::json_fault;
use throughline_sdk::signature::{verify_hub, verify_standard, verify_token_header, verify_token_query};
use throughline_sdk::{Error, ErrorKind, Hint, RawWebhook, RemoteId, Result};

use crate::desk::Desk;
use crate::expression::{Value, is_list, plain_text};
use crate::manifest::Signature;

/// Authenticates a webhook and says which tickets it hints at.
pub(crate) fn accept(desk: &Desk, webhook: &RawWebhook) -> Result<Vec<Hint>> {
    let unsupported = |message: &str| Error::new(ErrorKind::Unsupported, message);
    let says = desk.manifest.webhook.as_ref().ok_or_else(|| unsupported("the manifest has no [webhook]"))?;
    let secret = desk.config.webhook_secret.as_ref();
    let secret =
        secret.ok_or_else(|| unsupported("webhooks need the setting webhook_secret, which is not set"))?;
    verify(&says.signature, webhook, secret)?;
    let body: Value = serde_json::from_slice(&webhook.body).map_err(|error| {
        Error::new(ErrorKind::Malformed, format!("the webhook's body is no JSON: {}", json_fault(&error)))
    })?;
    let named =
        says.ticket.value(&desk.scope().with("body", body)).map_err(|failed| desk.source.failed(&failed))?;
    if named.is_undefined() || named.is_none() {
        return Ok(Vec::new());
    }
    let members: Vec<Value> = if is_list(&named) {
        named.try_iter().map(Iterator::collect).unwrap_or_default()
    } else {
        vec![named]
    };
    let ids: Option<BTreeSet<String>> = members.iter().map(plain_text).collect();
    let ids =
        ids.ok_or_else(|| desk.source.failed(&says.ticket.because("it gives no id of a ticket".to_owned())))?;
    Ok(ids.into_iter().filter(|id| !id.is_empty()).map(|id| Hint::new(RemoteId::new(id))).collect())
}

fn verify(signature: &Signature, webhook: &RawWebhook, secret: &SecretString) -> Result<()> {
    match signature {
        Signature::Standard {} => verify_standard(webhook, std::slice::from_ref(secret)).map(drop),
        Signature::Hub { header } => verify_hub(webhook, header, secret).map(drop),
        Signature::Header { name } => verify_token_header(webhook, name, secret),
        Signature::Query { name } => verify_token_query(webhook, name, secret),
    }
}
