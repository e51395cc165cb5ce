//! What happens, as it happens: server-sent events for whoever follows cases, resumable from the ledger.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use aide::generate::GenContext;
use aide::openapi::{MediaType, Operation, Response as Described, SchemaObject};
use aide::operation::{OperationInput, OperationOutput, add_parameters};
use axum::body::Body;
use axum::extract::{FromRequestParts, State};
use axum::http::header;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::stream;
use schemars::{JsonSchema, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::json;
use throughline_sdk::Timestamp;
use tokio::sync::broadcast;

use super::Api;
use super::access::May;
use super::answer::header_parameter;
use super::ask::Asked;
use super::cases::named;
use super::interface::add_problem;
use super::problem::Problem;
use crate::case::CaseId;
use crate::daemon::Shared;
use crate::identity::{Look, Place};
use crate::ledger::{Position, Told};

/// Events that are kept for a listener that is slower than the bridge.
const KEPT: usize = 1024;
/// Records that are read at a time.
const BATCH: usize = 256;
/// How far back, in bytes of the ledger, a listener may take up where it left.
const LOOK_BACK: u64 = 32 * 1024 * 1024;
/// Nothing is said for longer than this, so that a dead connection is noticed.
const QUIET: Duration = Duration::from_secs(15);
/// When a browser comes back after a break.
const COMES_BACK: Duration = Duration::from_secs(2);

/// Tells the records of the ledger in their order to all listeners.
#[derive(Clone, Debug)]
pub(crate) struct Events {
    live: broadcast::Sender<Arc<Told>>,
}

/// Something was recorded about a case.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Event<'t> {
    /// The case.
    case: String,
    /// The record's number.
    seq: u64,
    /// When it was recorded.
    at: Timestamp,
    /// What kinds of facts it holds, in the words of the ledger.
    kinds: &'t [String],
}

/// Which events are wanted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    /// Those of one case only: its id, as `TL-1042`, or one of its tickets, as `SYSTEM:KEY`.
    #[serde(default)]
    case: Option<String>,
}

/// The event that a listener heard last (`Last-Event-ID`).
#[derive(Clone, Debug)]
pub(super) struct Heard(Option<String>);

/// A stream of events.
pub(super) struct Stream(Body);

impl Events {
    /// Follows the ledger from now on.
    pub(crate) fn start(shared: &Arc<Shared>) -> Self {
        let (live, _) = broadcast::channel(KEPT);
        shared.supervisor.spawn(follow(Arc::clone(shared), live.clone()));
        Self { live }
    }
}

/// Reads what is recorded, once for all listeners.
async fn follow(shared: Arc<Shared>, live: broadcast::Sender<Arc<Told>>) {
    let mut news = shared.journal.news();
    let mut from = shared.journal.end();
    loop {
        tokio::select! {
            biased;
            () = shared.supervisor.stopping() => return,
            heard = news.recv() => if matches!(heard, Err(broadcast::error::RecvError::Closed)) { return },
        }
        // Whoever begins to listen reads up to the end that it finds, and hears what comes behind it.
        if live.receiver_count() == 0 {
            from = shared.journal.end();
            continue;
        }
        loop {
            match shared.journal.told(from, BATCH).await {
                Ok(told) => {
                    let Some(last) = told.last() else { break };
                    from = last.next;
                    for one in told {
                        // The last listener may have gone.
                        drop(live.send(Arc::new(one)));
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "The ledger cannot be followed; listeners hear of what is recorded next.");
                    from = shared.journal.end();
                    break;
                }
            }
        }
    }
}

pub(super) async fn listen(
    State(api): State<Api>,
    may: May<Look>,
    Asked { asked: Which { case }, .. }: Asked<Which>,
    Heard(heard): Heard,
) -> Result<Stream, Problem> {
    let case = match case {
        Some(name) => Some(named(&api, &name).await?.id),
        None => None,
    };
    let place = api.identity.place(&may.principal).map_err(Problem::crowded)?;
    let shared = Arc::clone(api.bridge.shared());
    let live = api.events.live.subscribe();
    let end = shared.journal.end();
    let mut ready =
        VecDeque::from([Bytes::from(format!("retry: {}\n: listening\n\n", COMES_BACK.as_millis()))]);
    let mut backlog = None;
    if let Some(heard) = heard {
        match taken_up(&shared, &heard, end).await {
            Some(from) => backlog = Some(from),
            None => ready.push_back(reset(end, "what was heard last is too long ago, or unknown here")),
        }
    }
    let listener = Listener { shared, live, ready, backlog, end, case, over: false, _place: place };
    let said = stream::unfold(listener, |mut listener| async move {
        let next = listener.next().await?;
        Some((Ok::<_, Infallible>(next), listener))
    });
    Ok(Stream(Body::from_stream(said)))
}

/// Where the record behind the one that was heard last begins, if it is known and not too far back.
async fn taken_up(shared: &Shared, heard: &str, end: Position) -> Option<Position> {
    let heard: u64 = heard.parse().ok()?;
    if heard == end.0 {
        return Some(end);
    }
    let back = end.0.checked_sub(heard)?;
    if back > LOOK_BACK {
        return None;
    }
    let told = shared.journal.told(Position(heard), 1).await.ok()?;
    told.first().map(|told| told.next)
}

/// One who listens.
struct Listener {
    shared: Arc<Shared>,
    live: broadcast::Receiver<Arc<Told>>,
    /// What is to be said next.
    ready: VecDeque<Bytes>,
    /// Where what it missed begins.
    backlog: Option<Position>,
    /// What begins here or behind comes live.
    end: Position,
    case: Option<CaseId>,
    over: bool,
    _place: Place,
}

impl Listener {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(ready) = self.ready.pop_front() {
                return Some(ready);
            }
            if self.over {
                return None;
            }
            if let Some(from) = self.backlog {
                self.catch_up(from).await;
                continue;
            }
            let shared = Arc::clone(&self.shared);
            let heard = tokio::select! {
                biased;
                () = shared.supervisor.stopping() => {
                    self.end_with("the bridge is stopping");
                    continue;
                }
                heard = self.live.recv() => heard,
                () = shared.clock.sleep(QUIET) => return Some(Bytes::from_static(b": still here\n\n")),
            };
            match heard {
                Ok(told) if told.position >= self.end => self.say(&told),
                Ok(_) => {}
                Err(broadcast::error::RecvError::Lagged(_)) => {
                    self.end_with("this listener is too slow; take up where it left");
                }
                Err(broadcast::error::RecvError::Closed) => self.over = true,
            }
        }
    }

    async fn catch_up(&mut self, from: Position) {
        let told = match self.shared.journal.told(from, BATCH).await {
            Ok(told) => told,
            Err(error) => {
                tracing::error!(%error, "A listener cannot be told what it missed.");
                self.ready.push_back(reset(self.end, "what was missed cannot be read"));
                self.backlog = None;
                return;
            }
        };
        let missed: Vec<Told> = told.into_iter().take_while(|told| told.position < self.end).collect();
        self.backlog = missed.last().map(|told| told.next).filter(|next| *next < self.end);
        missed.iter().for_each(|told| self.say(told));
    }

    fn say(&mut self, told: &Told) {
        let Some(case) = told.case.filter(|case| self.case.is_none_or(|wanted| wanted == *case)) else {
            return;
        };
        let event = Event { case: case.to_string(), seq: told.seq, at: told.at, kinds: &told.words };
        let data = serde_json::to_string(&event).unwrap_or_default();
        self.ready
            .push_back(Bytes::from(format!("id: {}\nevent: recorded\ndata: {data}\n\n", told.position)));
    }

    fn end_with(&mut self, reason: &str) {
        self.ready.push_back(Bytes::from(format!("event: end\ndata: {}\n\n", json!({ "reason": reason }))));
        self.over = true;
    }
}

/// Tells a listener that it does not know what happened before.
fn reset(end: Position, reason: &str) -> Bytes {
    Bytes::from(format!("id: {end}\nevent: reset\ndata: {}\n\n", json!({ "reason": reason })))
}

impl FromRequestParts<Api> for Heard {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Api) -> Result<Self, Problem> {
        std::future::ready(()).await;
        let heard = parts.headers.get("last-event-id").and_then(|value| value.to_str().ok());
        Ok(Self(heard.map(str::to_owned)))
    }
}

impl OperationInput for Heard {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        let words = "The `id` of the event that was heard last: what came behind it comes first.";
        add_parameters(context, operation, [header_parameter("Last-Event-ID", words)]);
        add_problem(context, operation, 503);
    }
}

impl IntoResponse for Stream {
    fn into_response(self) -> Response {
        let headers = [
            (header::CONTENT_TYPE, "text/event-stream"),
            (header::CACHE_CONTROL, "no-store"),
            // A proxy that collects answers would keep events back.
            (header::HeaderName::from_static("x-accel-buffering"), "no"),
        ];
        (headers, self.0).into_response()
    }
}

impl OperationOutput for Stream {
    type Inner = Self;

    fn inferred_responses(context: &mut GenContext, _: &mut Operation) -> Vec<(Option<u16>, Described)> {
        // Named among the schemas, for whoever reads the stream.
        let _ = context.schema.subschema_for::<Event<'static>>();
        let schema = SchemaObject {
            json_schema: json_schema!({ "type": "string" }),
            external_docs: None,
            example: None,
        };
        let media = MediaType { schema: Some(schema), ..MediaType::default() };
        let described = Described {
            description: "Server-sent events: `recorded` with an `Event`, `reset` where something was missed for good, \
                          `end` with the reason for which the stream ends."
                .to_owned(),
            content: [("text/event-stream".to_owned(), media)].into_iter().collect(),
            ..Described::default()
        };
        vec![(Some(200), described)]
    }
}
