//! TSANet Connect's REST API as calls: addresses, bodies, and one answer each.

use http::{HeaderMap, Method, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use throughline_sdk::http::{Call, Response, join};
use throughline_sdk::{Ctx, Error, ErrorKind, RemoteId, Result, Timestamp};
use url::Url;

use crate::config::Config;
use crate::error::check;
use crate::wire::{Case, Form, Me, NewCase, NewNote, Note};

/// With this a refusal has its own status and its words; without it every refusal is a 500.
///
/// <https://developer.tsanet.org/api/#errors>
const ACCEPT: &str = "application/json, application/problem+json";

/// The largest answer taken: lists have no pages.
const MAX_JSON_BYTES: u64 = 128 * 1024 * 1024;

/// One call's view of TSANet Connect.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Api<'a> {
    pub(crate) ctx: &'a Ctx,
    pub(crate) config: &'a Config,
}

/// Whether a text can be the token of a request. It becomes part of an address.
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

impl Api<'_> {
    /// Who we are, and the answer with the time.
    pub(crate) async fn me(&self) -> Result<(Me, HeaderMap)> {
        let answer = self.read(self.url(&["v1", "me"], &[]), None).await?;
        Ok((answer.json(&Method::GET)?, answer.headers))
    }

    /// The partner's form as it is now: partners change their forms, and a request bears the number of the last one.
    pub(crate) async fn form(&self) -> Result<Option<Form>> {
        let Some([kind, id]) = &self.config.partner else { return Ok(None) };
        match self.get(&["v1", "forms", kind, id], &[], None).await {
            Ok(form) => Ok(Some(form)),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(Error::new(
                ErrorKind::Misconfigured,
                "the setting partner names nobody that TSANet has a form for; look the id up among the partners",
            )
            .with_context("partner", format!("{kind}/{id}"))),
            Err(error) => Err(error),
        }
    }

    /// A request whole, with its notes and the answers to it.
    pub(crate) async fn case(&self, id: &RemoteId) -> Result<Case> {
        let token = id.as_str();
        let gone = || Error::new(ErrorKind::NotFound, "there is no such collaboration request");
        if !is_token(token) {
            return Err(gone());
        }
        let path = ["v1", "collaboration-requests", token];
        let mut case: Case = self.get(&path, &[], Some(token)).await?;
        if case.deleted_at.is_some() {
            return Err(gone().with_context("case", case.id));
        }
        if case.case_notes.is_none() {
            let path = ["v1", "collaboration-requests", token, "notes"];
            let notes: Vec<Note> = self.get(&path, &[], Some(token)).await?;
            case.case_notes = Some(notes);
        }
        Ok(case)
    }

    /// The requests that a filter lets through, all at once, and the answer with the time.
    pub(crate) async fn cases(&self, filter: &[(&str, String)]) -> Result<(Vec<Case>, HeaderMap)> {
        let url = self.url(&["v2", "collaboration-requests", "list"], filter);
        let answer = self.read(url, None).await?;
        Ok((answer.json(&Method::GET)?, answer.headers))
    }

    /// Submits a request.
    pub(crate) async fn create(&self, case: &NewCase) -> Result<Case> {
        let url = self.url(&["v1", "collaboration-requests"], &[]);
        self.write(Method::POST, url, case, None).await?.json(&Method::POST)
    }

    /// Adds a note.
    pub(crate) async fn add_note(&self, token: &str, note: &NewNote) -> Result<Note> {
        let url = self.url(&["v1", "collaboration-requests", token, "notes"], &[]);
        self.write(Method::POST, url, note, Some(token)).await?.json(&Method::POST)
    }

    /// Changes a request, or one of the things that belong to it.
    pub(crate) async fn change<T: Serialize>(
        &self,
        method: Method,
        token: &str,
        part: Option<&str>,
        body: &T,
    ) -> Result<()> {
        let path: Vec<&str> = ["v1", "collaboration-requests", token].into_iter().chain(part).collect();
        self.write(method, self.url(&path, &[]), body, Some(token)).await.map(drop)
    }

    async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, String)],
        token: Option<&str>,
    ) -> Result<T> {
        self.read(self.url(path, query), token).await?.json(&Method::GET)
    }

    async fn read(&self, url: Url, token: Option<&str>) -> Result<Response> {
        send(self.ctx.get(url).max_answer_bytes(MAX_JSON_BYTES), &Method::GET, token).await
    }

    async fn write<T: Serialize>(
        &self,
        method: Method,
        url: Url,
        body: &T,
        token: Option<&str>,
    ) -> Result<Response> {
        send(self.ctx.call(method.clone(), url).json(body), &method, token).await
    }

    fn url(&self, path: &[&str], query: &[(&str, String)]) -> Url {
        let mut url = join(&self.config.url, path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }
}

/// TSANet's time, as an answer tells it.
pub(crate) fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let date = headers.get(header::DATE)?.to_str().ok()?;
    chrono::DateTime::parse_from_rfc2822(date).ok().map(|date| date.to_utc())
}

async fn send(call: Call<'_>, method: &Method, token: Option<&str>) -> Result<Response> {
    check(call.header(header::ACCEPT, ACCEPT).send_any().await?, method, token)
}
