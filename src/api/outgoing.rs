//! Outgoing webhooks: subscribers are told what was recorded, at least once and in order, each on its own.
//!
//! There is no queue of events: a subscriber has a place in the ledger, and what is recorded behind it is what it is still
//! to be told. Signed as <https://www.standardwebhooks.com> has it. What a ticket says is never in them.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, Method, StatusCode, header};
use bytes::Bytes;
use chrono::TimeDelta;
use schemars::JsonSchema;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;
use throughline_sdk::http::{Request, Schedule, TokenStore, Transport};
use throughline_sdk::signature::sign_standard;
use throughline_sdk::{Error, ErrorKind, Timestamp, Urgency};
use tokio::sync::{Notify, broadcast};
use url::Url;

use super::Api;
use super::access::May;
use super::ask::{Asked, Named};
use super::cases::Paging;
use super::page::{self, Page};
use super::problem::Problem;
use crate::daemon::Shared;
use crate::identity::Administer;
use crate::ledger::{Position, Told};

/// Between attempts to tell one event.
const RETRY: Schedule = Schedule::new(Duration::from_secs(5), LONGEST_WAIT);
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
/// After so long without one success a subscriber is told no more, until an admin says so.
const GIVEN_UP: TimeDelta = TimeDelta::days(5);
/// How long a subscriber may take for one event.
const PATIENCE: Duration = Duration::from_secs(15);
/// Records that are looked at a time; after so many the place is kept.
const BATCH: usize = 64;
/// The largest answer taken: nothing in it counts.
const ANSWER_BYTES: u64 = 64 * 1024;

/// A subscriber, and how it stands. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Subscriber {
    inner: Arc<Inner>,
}

/// What a subscriber is made of.
#[derive(Debug)]
pub struct Parts {
    /// Its name in the configuration.
    pub name: String,
    /// Where it is told.
    pub url: Url,
    /// Under which secret.
    pub secret: SecretString,
    /// Of which kinds of facts; empty: of all.
    pub events: BTreeSet<String>,
    /// The guarded way there.
    pub way: Arc<dyn Transport>,
    /// Where its place is kept.
    pub kept: Arc<dyn TokenStore>,
}

#[derive(Debug)]
struct Inner {
    parts: Parts,
    standing: Mutex<Standing>,
    /// Held while that is written.
    writing: tokio::sync::Mutex<()>,
    /// An admin wants it told again.
    again: Notify,
}

/// How a subscriber stands: what is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Standing {
    /// Everything before this place was told; `None` before its first time.
    at: Option<Position>,
    /// Since when nothing could be told.
    failing_since: Option<Timestamp>,
    /// Why not, last.
    error: Option<String>,
    /// Since when it is told no more.
    disabled: Option<Timestamp>,
}

/// A subscriber, as admins see it.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct SubscriberLine {
    /// Its name in the configuration.
    name: String,
    /// The host that is told.
    host: String,
    /// Of which kinds of facts; empty: of all.
    events: BTreeSet<String>,
    /// Since when nothing could be told.
    failing_since: Option<Timestamp>,
    /// Why not, last.
    error: Option<String>,
    /// Since when it is told no more: have it told again once it answers.
    disabled: Option<Timestamp>,
}

/// Which subscriber.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct SubscriberName {
    /// Its name in the configuration.
    webhook: String,
}

pub(super) async fn list(
    State(api): State<Api>,
    _: May<Administer>,
    query: Asked<Paging>,
) -> Result<Page<SubscriberLine>, Problem> {
    let lines = api.bridge.shared().northbound.subscribers.iter().map(Subscriber::line);
    page::of_all(&query, query.asked.limit, query.asked.cursor.as_ref(), lines)
}

/// Has a subscriber told again that was given up.
pub(super) async fn enable(
    State(api): State<Api>,
    _: May<Administer>,
    Named(SubscriberName { webhook }): Named<SubscriberName>,
) -> Result<Json<SubscriberLine>, Problem> {
    let mut subscribers = api.bridge.shared().northbound.subscribers.iter();
    let subscriber = subscribers.find(|one| one.inner.parts.name == webhook).ok_or_else(|| {
        Problem::new(StatusCode::NOT_FOUND, format!("no webhook is called {webhook:?} in the configuration"))
    })?;
    let kept = subscriber.stand(|standing| {
        *standing = Standing { at: standing.at, ..Standing::default() };
    });
    kept.await.map_err(|error| Problem::internal(&error))?;
    subscriber.inner.again.notify_one();
    Ok(Json(subscriber.line()))
}

/// Begins to tell all subscribers.
pub(crate) fn start(shared: &Arc<Shared>) {
    for subscriber in &shared.northbound.subscribers {
        shared.supervisor.spawn(serve(Arc::clone(shared), subscriber.clone()));
    }
}

impl Subscriber {
    /// Reads where it stands.
    ///
    /// # Errors
    ///
    /// When that cannot be read, or was damaged.
    pub async fn open(parts: Parts) -> throughline_sdk::Result<Self> {
        let standing = match parts.kept.read().await? {
            None => Standing::default(),
            Some(kept) => serde_json::from_str(kept.expose_secret()).map_err(|error| {
                let what = format!("where the webhook {} stands cannot be read: {error}", parts.name);
                Error::new(ErrorKind::Misconfigured, what)
            })?,
        };
        let (standing, writing) = (Mutex::new(standing), tokio::sync::Mutex::default());
        Ok(Self { inner: Arc::new(Inner { parts, standing, writing, again: Notify::new() }) })
    }

    fn name(&self) -> &str {
        &self.inner.parts.name
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.inner.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes where it stands, durable on return.
    async fn stand(&self, change: impl FnOnce(&mut Standing)) -> throughline_sdk::Result<()> {
        let _writing = self.inner.writing.lock().await;
        let text = {
            let mut standing = self.standing();
            change(&mut standing);
            serde_json::to_string(&*standing)
        };
        let text = text.map_err(|error| Error::new(ErrorKind::Malformed, error.to_string()))?;
        self.inner.parts.kept.write(text.into()).await
    }

    fn line(&self) -> SubscriberLine {
        let Standing { failing_since, error, disabled, .. } = self.standing().clone();
        SubscriberLine {
            name: self.name().to_owned(),
            // The rest of an address may hold a token.
            host: self.inner.parts.url.host_str().unwrap_or_default().to_owned(),
            events: self.inner.parts.events.clone(),
            failing_since,
            error,
            disabled,
        }
    }

    fn wants(&self, told: &Told) -> bool {
        let events = &self.inner.parts.events;
        told.case.is_some() && (events.is_empty() || told.words.iter().any(|word| events.contains(word)))
    }
}

/// Tells one subscriber, until the daemon stops.
async fn serve(shared: Arc<Shared>, subscriber: Subscriber) {
    let mut news = shared.journal.news();
    if subscriber.standing().at.is_none() {
        // Whoever is new here hears of what happens from now on.
        let end = shared.journal.end();
        note(&subscriber, |standing| standing.at = Some(end)).await;
    }
    loop {
        if subscriber.standing().disabled.is_some() {
            tokio::select! {
                biased;
                () = shared.supervisor.stopping() => return,
                () = subscriber.inner.again.notified() => continue,
            }
        }
        let from = subscriber.standing().at.unwrap_or_else(|| shared.journal.end());
        let told = match shared.journal.told(from, BATCH).await {
            Ok(told) => told,
            Err(error) => {
                tracing::error!(webhook = subscriber.name(), %error, "What a webhook is to be told cannot be read; trying again.");
                tokio::select! {
                    biased;
                    () = shared.supervisor.stopping() => return,
                    () = shared.clock.sleep(LONGEST_WAIT) => continue,
                }
            }
        };
        let Some(next) = told.last().map(|told| told.next) else {
            tokio::select! {
                biased;
                () = shared.supervisor.stopping() => return,
                heard = news.recv() => match heard {
                    Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => continue,
                    Err(broadcast::error::RecvError::Closed) => return,
                },
            }
        };
        let mut done = next;
        for one in &told {
            if subscriber.wants(one) && !tell(&shared, &subscriber, one).await {
                done = one.position;
                break;
            }
        }
        if done != from {
            note(&subscriber, |standing| standing.at = Some(done)).await;
        }
        if shared.supervisor.is_stopping() {
            return;
        }
    }
}

/// Keeps where a subscriber stands. If it cannot be kept, the subscriber is told some things twice.
async fn note(subscriber: &Subscriber, change: impl FnOnce(&mut Standing)) {
    if let Err(error) = subscriber.stand(change).await {
        tracing::error!(webhook = subscriber.name(), %error, "Where a webhook stands cannot be kept.");
    }
}

/// Tells one event, again and again; false when the subscriber is given up or the daemon ends meanwhile.
async fn tell(shared: &Arc<Shared>, subscriber: &Subscriber, told: &Told) -> bool {
    for attempt in 0.. {
        if shared.supervisor.is_stopping() {
            return false;
        }
        let (gone, error) = match post(shared, subscriber, told).await {
            Ok(()) => {
                if subscriber.standing().failing_since.is_some() {
                    tracing::info!(webhook = subscriber.name(), "A webhook can be told again.");
                    note(subscriber, |standing| {
                        standing.failing_since = None;
                        standing.error = None;
                    })
                    .await;
                }
                return true;
            }
            Err(refusal) => refusal,
        };
        let now = shared.clock.now();
        let since = subscriber.standing().failing_since.unwrap_or(now);
        let given_up = gone || now - since >= GIVEN_UP;
        note(subscriber, |standing| {
            standing.failing_since = Some(since);
            standing.error = Some(error.message().to_owned());
            standing.disabled = given_up.then_some(now);
        })
        .await;
        if given_up {
            tracing::error!(webhook = subscriber.name(), %since, error = error.message(),
                "A webhook is told no more: mend it, and have it told again with POST /api/v1/webhooks/NAME/enable.");
            return false;
        }
        // Its address may hold a token: it is not logged.
        tracing::info!(
            webhook = subscriber.name(),
            attempt,
            error = error.message(),
            "A webhook could not be told."
        );
        let wait = RETRY
            .delay(attempt, shared.entropy.as_ref())
            .max(error.retry_after().unwrap_or_default().min(LONGEST_WAIT));
        tokio::select! {
            biased;
            () = shared.supervisor.stopping() => return false,
            () = shared.clock.sleep(wait) => {}
        }
    }
    false
}

/// Tells one event once. A refusal says too whether the subscriber wants to hear nothing any more.
async fn post(shared: &Shared, subscriber: &Subscriber, told: &Told) -> Result<(), (bool, Error)> {
    let Parts { url, secret, way, .. } = &subscriber.inner.parts;
    let body = payload(told);
    // The same however often it is sent, so that a subscriber knows what it has heard.
    let id = format!("tl_{}", told.seq);
    let signed = sign_standard(secret, &id, shared.clock.now(), body.as_bytes());
    let mut headers = signed.map_err(|error| (false, error))?;
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let mut trace = [0; 16];
    shared.entropy.fill(&mut trace);
    let request = Request {
        method: Method::POST,
        url: url.clone(),
        headers,
        body: Bytes::from(body),
        deadline: shared.clock.monotonic() + PATIENCE,
        urgency: Urgency::default(),
        trace,
        max_answer_bytes: ANSWER_BYTES,
    };
    let response = way.send(request).await.map_err(|error| (false, error))?;
    let gone = response.status == StatusCode::GONE;
    response.success(&Method::POST).map(drop).map_err(|error| (gone, error))
}

/// What is told of a record: thin, so that nothing of a ticket leaves this way.
fn payload(told: &Told) -> String {
    let body = json!({
        "type": "case.recorded",
        "timestamp": told.at,
        "data": {
            "case": told.case.map(|case| case.to_string()),
            "seq": told.seq,
            "kinds": told.words,
        },
    });
    body.to_string()
}
