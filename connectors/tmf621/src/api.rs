//! The standard's operations as requests, and what their answers say.

use std::time::Duration;

use bytes::Bytes;
use chrono::DateTime;
use http::header::{CONTENT_LENGTH, DATE, ETAG, HeaderName, IF_MATCH, LOCATION};
use http::{HeaderMap, Method, StatusCode};
use serde_json::Value;
use throughline_sdk::http::{Call, Response, join};
use throughline_sdk::{Ctx, Error, ErrorKind, RemoteId, Result, Ticket, Timestamp};
use url::Url;

use crate::config::{Config, Edition};
use crate::error::check;
use crate::{map, wire};

/// Rows in a page of a list.
pub(crate) const PAGE: usize = 100;

const TOTAL: HeaderName = HeaderName::from_static("x-total-count");

/// How long between two looks for what a desk accepted and has not done yet.
const GLANCE: Duration = Duration::from_secs(1);

/// A desk for the time of one call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Api<'a> {
    pub(crate) ctx: &'a Ctx,
    pub(crate) config: &'a Config,
}

/// A ticket as it was read, with what has to be sent back whole.
#[derive(Clone, Debug)]
pub(crate) struct Read {
    pub(crate) raw: Value,
    pub(crate) wire: wire::Ticket,
    pub(crate) ticket: Ticket,
    /// Its entity tag, where the desk is said to heed one.
    pub(crate) tag: Option<String>,
}

/// A page of a list.
#[derive(Debug)]
pub(crate) struct Rows {
    pub(crate) rows: Vec<Value>,
    /// What time it was at the desk.
    pub(crate) at: Option<Timestamp>,
    /// How many there are in all, where the desk tells.
    pub(crate) total: Option<usize>,
}

/// What a write was answered with.
#[derive(Debug)]
pub(crate) enum Answered {
    /// The ticket.
    Ticket(Box<Read>),
    /// That it is there, under this id or address.
    At(Option<RemoteId>),
    /// That it will be done (202), to be looked for.
    Later(Option<RemoteId>),
}

impl Api<'_> {
    pub(crate) fn at(&self, path: &[&str]) -> Url {
        join(&self.config.url, path)
    }

    pub(crate) fn is_v5(&self) -> bool {
        self.config.edition == Edition::V5
    }

    pub(crate) async fn ticket(&self, id: &RemoteId) -> Result<Read> {
        let call = self.ctx.get(self.at(&["troubleTicket", id.as_str()]));
        let answer = check(call.send_any().await?, &Method::GET, "show the ticket")?;
        let raw: Value = answer.json(&Method::GET)?;
        let read = self.read(raw, &answer.headers, &Method::GET)?;
        if read.wire.id.is_empty() {
            return Err(Error::new(ErrorKind::Malformed, "the desk shows a ticket without an id"));
        }
        Ok(read)
    }

    /// One page of a list.
    pub(crate) async fn list(&self, query: &[(&str, String)], offset: usize, limit: usize) -> Result<Rows> {
        let mut call = self.ctx.get(self.at(&["troubleTicket"]));
        for (name, value) in query {
            call = call.query(name, value);
        }
        call = call.query("offset", &offset.to_string()).query("limit", &limit.to_string());
        let answer = check(call.send_any().await?, &Method::GET, "list tickets")?;
        let total = header(&answer.headers, &TOTAL).and_then(|text| text.parse().ok());
        Ok(Rows { rows: answer.json(&Method::GET)?, at: date(&answer), total })
    }

    pub(crate) async fn create(&self, body: &Value) -> Result<Answered> {
        let call = self.ctx.post(self.at(&["troubleTicket"])).json(body);
        self.written(call, &Method::POST, "create the ticket").await
    }

    /// Changes attributes: an array that is named is replaced, or added to where the desk does that.
    pub(crate) async fn merge(&self, id: &RemoteId, body: &Value, tag: Option<&str>) -> Result<Answered> {
        let media = match self.config.merge_patch {
            true => "application/merge-patch+json",
            false => "application/json",
        };
        self.patch(id, body, media, tag).await
    }

    /// Changes by operations of RFC 6902.
    pub(crate) async fn operate(
        &self,
        id: &RemoteId,
        operations: &Value,
        tag: Option<&str>,
    ) -> Result<Answered> {
        self.patch(id, operations, "application/json-patch+json", tag).await
    }

    async fn patch(&self, id: &RemoteId, body: &Value, media: &str, tag: Option<&str>) -> Result<Answered> {
        let url = self.at(&["troubleTicket", id.as_str()]);
        let bytes = serde_json::to_vec(body).map_err(|error| {
            Error::new(ErrorKind::Malformed, format!("the change cannot be written as JSON: {error}"))
        })?;
        let mut call = self.ctx.call(Method::PATCH, url).body(media, Bytes::from(bytes));
        if let Some(tag) = tag {
            call = call.header(IF_MATCH, tag);
        }
        self.written(call, &Method::PATCH, "change the ticket").await
    }

    /// Sends a write once.
    async fn written(&self, call: Call<'_>, method: &Method, doing: &'static str) -> Result<Answered> {
        let answer = check(call.send_any().await?, method, doing)?;
        let place = header(&answer.headers, &LOCATION).and_then(last_segment).map(RemoteId::new);
        if answer.status == StatusCode::ACCEPTED {
            return Ok(Answered::Later(place));
        }
        // A desk that answers without a body did it all the same; one that breaks off in the middle may have.
        let says_nothing = answer.body.is_empty()
            && header(&answer.headers, &CONTENT_LENGTH).is_none_or(|length| length == "0");
        if says_nothing {
            return Ok(Answered::At(place));
        }
        let raw: Value = answer.json(method)?;
        let read = self.read(raw, &answer.headers, method)?;
        let whole =
            !read.wire.id.is_empty() && !read.wire.status.is_empty() && !read.wire.description.is_empty();
        Ok(match whole {
            true => Answered::Ticket(Box::new(read)),
            false => {
                Answered::At(Some(read.wire.id).filter(|id| !id.is_empty()).map(RemoteId::new).or(place))
            }
        })
    }

    pub(crate) fn read(&self, raw: Value, headers: &HeaderMap, method: &Method) -> Result<Read> {
        let wire: wire::Ticket = serde_json::from_value(raw.clone()).map_err(|error| {
            let what = throughline_sdk::http::json_fault(&error);
            Error::new(ErrorKind::Malformed, format!("the answer is not the ticket we expect: {what}"))
                .with_effect(throughline_sdk::http::after(method, Some(StatusCode::OK)))
        })?;
        let tag = header(headers, &ETAG).filter(|tag| self.config.conditional && !tag.starts_with("W/"));
        let tag = tag.map(str::to_owned);
        let ticket = map::ticket(self.config, &wire, tag.as_deref());
        Ok(Read { raw, wire, ticket, tag })
    }

    /// The ticket once it is as `is_done` says, looked at again and again for the time of one call.
    pub(crate) async fn once(&self, id: &RemoteId, is_done: impl Fn(&Read) -> bool) -> Result<Read> {
        loop {
            let read = self.ticket(id).await.map_err(Error::with_unknown_effect)?;
            if is_done(&read) {
                return Ok(read);
            }
            self.pause().await?;
        }
    }

    /// Waits before the next look for what a desk accepted, if there is time for one.
    pub(crate) async fn pause(&self) -> Result<()> {
        if self.ctx.clock.monotonic() + GLANCE >= self.ctx.deadline {
            let why = "the desk accepted the write and has not done it in the time of one call";
            return Err(Error::new(ErrorKind::Unavailable, why).with_unknown_effect());
        }
        self.ctx.clock.sleep(GLANCE).await;
        Ok(())
    }
}

/// What time it was at the desk.
pub(crate) fn date(answer: &Response) -> Option<Timestamp> {
    let text = header(&answer.headers, &DATE)?;
    DateTime::parse_from_rfc2822(text).ok().map(|time| time.to_utc())
}

fn header<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

fn last_segment(address: &str) -> Option<String> {
    let path = address.split(['?', '#']).next()?.trim_end_matches('/');
    let last = path.rsplit('/').next().filter(|last| !last.is_empty())?;
    // Ids travel escaped in an address.
    let decoded = url::form_urlencoded::parse(format!("x={}", last.replace('+', "%2B")).as_bytes())
        .next()
        .map(|(_, value)| value.into_owned());
    decoded.filter(|id| id != "troubleTicket")
}
