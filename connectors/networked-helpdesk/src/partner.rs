//! The way to the partner: the protocol's two resources, each named by a uuid of its own.

use http::{HeaderName, Method};
use serde::Serialize;
use serde_json::Value;
use throughline_sdk::http::join;
use throughline_sdk::{Ctx, Result};
use url::Url;

use crate::error::check;
use crate::wire::{AgreementChange, Push};

/// Which version of the protocol is spoken (Request Tracker's implementation asks for it, Zendesk's does not send it).
const VERSION: HeaderName = HeaderName::from_static("x-ticket-sharing-version");
/// By which agreement: its uuid, to which the bridge adds the key on the way out.
const TOKEN: HeaderName = HeaderName::from_static("x-ticket-sharing-token");

/// The largest answer taken: nothing in it counts.
const ANSWER_BYTES: u64 = 1024 * 1024;

/// The way there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Partner<'a> {
    pub(crate) ctx: &'a Ctx,
    pub(crate) url: &'a Url,
}

impl Partner<'_> {
    /// Invites the partner.
    pub(crate) async fn invite(&self, uuid: &str, agreement: &Value) -> Result<()> {
        self.send(Method::POST, &["agreements", uuid], uuid, agreement, "take our invitation").await
    }

    /// Tells the partner what becomes of an agreement.
    pub(crate) async fn amend(&self, change: &AgreementChange) -> Result<()> {
        let uuid = change.uuid.as_str();
        self.send(Method::PUT, &["agreements", uuid], uuid, change, "change the agreement").await
    }

    /// Shares a ticket.
    pub(crate) async fn share(&self, agreement: &str, push: &Push) -> Result<()> {
        self.send(Method::POST, &["tickets", &push.uuid], agreement, push, "take the ticket").await
    }

    /// Tells what is new of a shared ticket.
    pub(crate) async fn update(&self, agreement: &str, push: &Push) -> Result<()> {
        self.send(Method::PUT, &["tickets", &push.uuid], agreement, push, "take what is new of the ticket")
            .await
    }

    async fn send<B: Serialize + Sync>(
        &self,
        method: Method,
        path: &[&str],
        agreement: &str,
        body: &B,
        doing: &str,
    ) -> Result<()> {
        let call = self
            .ctx
            .call(method.clone(), join(self.url, path))
            .header(VERSION, "1")
            .header(TOKEN, agreement)
            .json(body)
            .max_answer_bytes(ANSWER_BYTES);
        check(call.send_any().await?, &method, doing).map(drop)
    }
}
