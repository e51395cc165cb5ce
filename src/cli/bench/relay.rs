//! What a bridge is measured against: a relay that takes a webhook, checks its signature, keeps it if it is durable,
//! and sends one change on. It links nothing, decides nothing and remembers nothing.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::routing::post;
use clap::Args;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use throughline_sdk::http::{Request, Transport};
use throughline_sdk::signature::verify_standard;
use throughline_sdk::{Clock, RawWebhook, Urgency};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use url::Url;

use super::protocol::Up;
use super::world::HOME;
use crate::cli::{Failure, Output};
use crate::clock::SystemClock;
use crate::daemon::{Supervisor, assemble};

/// As many as one sync of the ledger makes durable.
const GROUP: usize = 512;

/// A bare relay.
#[derive(Debug, Args)]
pub(super) struct Relay {
    /// The address of the desk that changes are sent to.
    #[arg(long)]
    to: Url,
    /// Where webhooks are kept; without it nothing is.
    #[arg(long)]
    log: Option<PathBuf>,
    /// The secret of the webhooks.
    #[arg(long)]
    secret: PathBuf,
}

#[derive(Clone, Debug)]
struct Running {
    secret: SecretString,
    to: Url,
    http: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    log: Option<mpsc::Sender<Kept>>,
    supervisor: Supervisor,
}

/// A body to keep, and whom to tell.
type Kept = (Bytes, oneshot::Sender<()>);

#[derive(Deserialize)]
struct Announcement {
    ticket: Changed,
}

#[derive(Deserialize)]
struct Changed {
    number: u64,
    title: String,
}

impl Relay {
    pub(super) async fn run(self, output: &Output) -> Result<(), Failure> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let http = assemble::loopback_egress(&clock).map_err(Failure::failed)?;
        let secret = SecretString::from(std::fs::read_to_string(&self.secret).map_err(Failure::failed)?);
        let log = self.log.as_ref().map(keep).transpose()?;
        let supervisor = Supervisor::default();
        let running = Running { secret, to: self.to, http, clock, log, supervisor };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(Failure::failed)?;
        let address = listener.local_addr().map_err(Failure::failed)?.to_string();
        output.value(&Up { address });
        let router = Router::new().route(&format!("/webhooks/{HOME}"), post(take)).with_state(running);
        axum::serve(listener, router).await.map_err(Failure::failed)
    }
}

/// A thread that appends and syncs whatever waits, as the ledger's does.
fn keep(path: &PathBuf) -> Result<mpsc::Sender<Kept>, Failure> {
    let mut file = OpenOptions::new().create(true).append(true).open(path).map_err(Failure::failed)?;
    let (sender, mut queue) = mpsc::channel::<Kept>(2 * GROUP);
    let thread = std::thread::Builder::new().name("log".to_owned());
    let spawned = thread.spawn(move || {
        let mut group = Vec::new();
        while queue.blocking_recv_many(&mut group, GROUP) > 0 {
            let mut lines = Vec::new();
            for (body, _) in &group {
                lines.extend_from_slice(body);
                lines.push(b'\n');
            }
            if file.write_all(&lines).and_then(|()| file.sync_data()).is_err() {
                // Whoever waits is told by the end of the channel.
                return;
            }
            for (_, durable) in group.drain(..) {
                let _gone = durable.send(());
            }
        }
    });
    spawned.map_err(Failure::failed)?;
    Ok(sender)
}

async fn take(State(relay): State<Running>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let webhook = RawWebhook { headers, query: String::new(), body, received: relay.clock.now() };
    if verify_standard(&webhook, std::slice::from_ref(&relay.secret)).is_err() {
        return StatusCode::UNAUTHORIZED;
    }
    let Ok(Announcement { ticket }) = serde_json::from_slice(&webhook.body) else {
        return StatusCode::BAD_REQUEST;
    };
    if let Some(log) = &relay.log {
        let (durable, done) = oneshot::channel();
        if log.send((webhook.body, durable)).await.is_err() || done.await.is_err() {
            return StatusCode::SERVICE_UNAVAILABLE;
        }
    }
    let supervisor = relay.supervisor.clone();
    supervisor.spawn(async move { relay.pass_on(ticket).await });
    StatusCode::ACCEPTED
}

impl Running {
    async fn pass_on(&self, ticket: Changed) {
        let Ok(url) = self.to.join(&format!("api/tickets/{}", ticket.number)) else { return };
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let request = Request {
            method: Method::PATCH,
            url,
            headers,
            body: Bytes::from(json!({ "title": ticket.title }).to_string()),
            deadline: self.clock.monotonic() + Duration::from_secs(30),
            urgency: Urgency::default(),
            trace: [0; 16],
            max_answer_bytes: 1024 * 1024,
        };
        if let Err(error) = self.http.send(request).await {
            tracing::warn!(%error, "The relay could not pass a change on.");
        }
    }
}
