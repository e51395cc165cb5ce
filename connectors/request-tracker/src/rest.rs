//! The one place that makes requests: paths under `/REST/2.0`, JSON in and out, pages of a list.

use bytes::Bytes;
use http::Method;
use http::header::{ETAG, IF_MATCH, LOCATION};
use serde::de::DeserializeOwned;
use serde_json::Value;
use throughline_sdk::http::{Response, join};
use throughline_sdk::{Ctx, Error, ErrorKind, RemoteId, Result, TookEffect, Version};
use url::Url;

use crate::{error, wire};

/// More than RT gives on one page is cut by it without a word.
pub(crate) const PAGE: usize = 100;

/// What a list or record may weigh. A file's own bound is given with its download.
const MAX_ANSWER_BYTES: u64 = 32 * 1024 * 1024;

/// Requests to one Request Tracker for the length of one call.
#[derive(Debug)]
pub(crate) struct Rest<'a> {
    base: &'a Url,
    ctx: &'a Ctx,
}

/// What goes into a request besides its path.
#[derive(Debug, Default)]
pub(crate) struct Body {
    bytes: Bytes,
    media_type: Option<String>,
    if_match: Option<Version>,
}

impl<'a> Rest<'a> {
    pub(crate) fn new(base: &'a Url, ctx: &'a Ctx) -> Self {
        Self { base, ctx }
    }

    pub(crate) fn ctx(&self) -> &'a Ctx {
        self.ctx
    }

    /// Reads a record that is no ticket.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &[&str], query: &[(&str, &str)]) -> Result<T> {
        let answer = self.raw(Method::GET, path, query, Body::default(), MAX_ANSWER_BYTES).await?;
        error::of(answer, &Method::GET)?.json(&Method::GET)
    }

    /// Reads a ticket and its version.
    pub(crate) async fn ticket(&self, ticket: &RemoteId) -> Result<(wire::Ticket, Option<Version>)> {
        let path = ["ticket", number(ticket.as_str())?];
        let query = [("fields[Queue]", "Name")];
        let answer = self.raw(Method::GET, &path, &query, Body::default(), MAX_ANSWER_BYTES).await?;
        let answer = error::of_ticket(answer, &Method::GET, ticket)?;
        Ok((answer.json(&Method::GET)?, version(&answer)))
    }

    /// Reads the rows of one page that we may see.
    pub(crate) async fn list<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Vec<T>> {
        let list: wire::List<T> = self.get(path, query).await?;
        Ok(list.items.into_iter().flatten().collect())
    }

    /// Reads the rows of one page of a search that is given as JSON. A search changes nothing, also as a POST.
    pub(crate) async fn search<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        search: &Value,
    ) -> Result<Vec<T>> {
        let sent = self.raw(Method::POST, path, query, Body::json(search), MAX_ANSWER_BYTES).await;
        let harmless = |error: Error| error.with_effect(TookEffect::No);
        let answer = error::of(sent.map_err(harmless)?, &Method::GET)?;
        let list: wire::List<T> = answer.json(&Method::GET)?;
        Ok(list.items.into_iter().flatten().collect())
    }

    /// Sends one request and gives its answer, whatever the status.
    pub(crate) async fn raw(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        body: Body,
        max_answer_bytes: u64,
    ) -> Result<Response> {
        let segments: Vec<&str> = ["REST", "2.0"].into_iter().chain(path.iter().copied()).collect();
        let mut call = self.ctx.call(method, join(self.base, &segments)).max_answer_bytes(max_answer_bytes);
        for (name, value) in query {
            call = call.query(name, value);
        }
        if let Some(media_type) = &body.media_type {
            call = call.body(media_type, body.bytes);
        }
        if let Some(version) = &body.if_match {
            call = call.header(IF_MATCH, &format!("\"{version}\""));
        }
        call.send_any().await
    }
}

impl Body {
    pub(crate) fn json(value: &Value) -> Self {
        Self {
            bytes: Bytes::from(value.to_string()),
            media_type: Some("application/json".to_owned()),
            if_match: None,
        }
    }

    pub(crate) fn of(bytes: Vec<u8>, media_type: String) -> Self {
        Self { bytes: Bytes::from(bytes), media_type: Some(media_type), if_match: None }
    }

    /// Refused by RT when the ticket has another version.
    pub(crate) fn if_match(mut self, version: Option<&Version>) -> Self {
        self.if_match = version.cloned();
        self
    }
}

/// The id of the record that a write made, from `Location`.
pub(crate) fn created(answer: &Response) -> Option<String> {
    let place = answer.headers.get(LOCATION)?.to_str().ok()?;
    let id = place.trim_end_matches('/').rsplit('/').next()?;
    number(id).ok().map(str::to_owned)
}

/// Ids go into paths and searches, so that nothing but a number may pass.
pub(crate) fn number(id: &str) -> Result<&str> {
    if !id.is_empty() && id.len() <= 18 && id.bytes().all(|b| b.is_ascii_digit()) {
        Ok(id)
    } else {
        Err(Error::new(ErrorKind::NotFound, "Request Tracker's ids are numbers and this one is not")
            .with_context("id", id))
    }
}

fn version(answer: &Response) -> Option<Version> {
    let text = answer.headers.get(ETAG)?.to_str().ok()?;
    Some(Version::new(text.trim_start_matches("W/").trim_matches('"')))
}
