//! Our subscription at the desk's hub: events are hints, so all that depends on it is how soon we hear of a change.

use chrono::TimeDelta;
use http::Method;
use ring::digest;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::json;
use throughline_sdk::{Error, ErrorKind, Result, Timestamp};
use url::Url;

use crate::api::Api;
use crate::config::Callback;
use crate::error::check;
use crate::wire::Subscription;

/// How often it is made sure that the desk still knows of us.
const PERIOD: TimeDelta = TimeDelta::hours(12);

/// What stands at the hub.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Standing {
    /// Its id there.
    id: String,
    /// A hash of the address it is for, which holds a token.
    callback: String,
    /// When it was last made sure of, on our clock.
    sure: Timestamp,
}

/// The subscription, made sure of where that is due. A hub that refuses keeps nobody from polling.
pub(crate) async fn ensured(api: Api<'_>, before: Option<Standing>) -> Option<Standing> {
    let callback = api.config.callback.as_ref()?;
    let now = api.ctx.clock.now();
    let address = address(callback);
    let print = print_of(&address);
    let ours = before.filter(|standing| standing.callback == print);
    if let Some(standing) = ours.as_ref().filter(|standing| now - standing.sure < PERIOD) {
        return Some(standing.clone());
    }
    match subscribed(api, ours.as_ref(), &address).await {
        Ok(id) => Some(Standing { id, callback: print, sure: now }),
        Err(error) => {
            tracing::warn!(%error, "The desk's hub does not take our subscription; its changes are found by polling.");
            ours
        }
    }
}

async fn subscribed(api: Api<'_>, before: Option<&Standing>, address: &Url) -> Result<String> {
    if let Some(standing) = before.filter(|standing| api.is_v5() && !standing.id.is_empty()) {
        let call = api.ctx.get(api.at(&["hub", &standing.id]));
        match check(call.send_any().await?, &Method::GET, "show our subscription") {
            Ok(_) => return Ok(standing.id.clone()),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            // Not every hub shows a subscription: then it is asked for again.
            Err(error) if error.kind() == ErrorKind::Unsupported => {}
            Err(error) => return Err(error),
        }
    }
    let body = match api.is_v5() {
        true => json!({ "@type": "Hub", "callback": address }),
        false => json!({ "callback": address }),
    };
    let call = api.ctx.post(api.at(&["hub"])).json(&body);
    let answer = match check(call.send_any().await?, &Method::POST, "take our subscription") {
        Ok(answer) => answer,
        // It has one for this address already.
        Err(error) if error.kind() == ErrorKind::Conflict => {
            return Ok(before.map(|standing| standing.id.clone()).unwrap_or_default());
        }
        Err(error) => return Err(error),
    };
    let made: Subscription = answer.json(&Method::POST)?;
    if let Some(old) = before.filter(|old| !old.id.is_empty() && old.id != made.id) {
        // A hub that counts each request for itself would send everything twice from now on.
        let call = api.ctx.call(Method::DELETE, api.at(&["hub", &old.id]));
        let removed: Result<_, Error> = call.send_any().await;
        if let Err(error) =
            removed.and_then(|answer| check(answer, &Method::DELETE, "end our old subscription"))
        {
            tracing::debug!(%error, "An old subscription is left at the desk's hub.");
        }
    }
    Ok(made.id)
}

/// Our address with the token that events have to bear.
fn address(callback: &Callback) -> Url {
    let mut url = callback.url.clone();
    url.query_pairs_mut().append_pair("token", callback.token.expose_secret());
    url
}

fn print_of(address: &Url) -> String {
    let hash = digest::digest(&digest::SHA256, address.as_str().as_bytes());
    hash.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
