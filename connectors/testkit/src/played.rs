//! A person at a desk where nobody can be sent: played through the connector's own operations.
//!
//! That is honest for what a person does, such as raising a ticket. It is not for what only somebody who looks at the desk
//! can tell, such as whether what was written as internal is internal there. What could not be played is told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use ring::digest;
use throughline_sdk::http::{Limits, Reach, Transport, plane};
use throughline_sdk::{
    Built, Clock, Ctx, Cursor, Description, Entropy, Error, Identity, Intent, IntentId, Marker, NewTicket,
    Operation, RemoteId, Subject as Made, Ticket, Urgency, Visibility,
};

use crate::conformance::{Hand, Truth};
use crate::{MemoryBlobs, SeededEntropy};

/// How long one thing that the person does may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// A feed that goes on for ever is a defect as well.
const MAX_PAGES: usize = 1000;

/// A person who works at the desk through the connector, past the faults of the suite. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Played(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    built: Built,
    http: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    blobs: Arc<MemoryBlobs>,
    new_ticket: NewTicket,
    /// Where the change feed stood when the person came.
    since: Option<Cursor>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    count: u64,
    /// The titles of tickets that were read.
    titles: BTreeMap<RemoteId, String>,
    unable: Vec<String>,
}

impl Played {
    /// Somebody who raises tickets like `new_ticket`. The change feed tells them what else was raised from now on.
    pub async fn new(
        built: Built,
        base: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        new_ticket: NewTicket,
    ) -> Self {
        let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(2));
        let limits = Limits { per_second: None, burst: 1, concurrency: 4 };
        let authentication = built.authentication.clone();
        let reach = Reach { address: &built.address, further: &built.further };
        let http = plane(base, reach, authentication, limits, Arc::clone(&clock), entropy);
        let (blobs, state) = (Arc::default(), Mutex::default());
        let inner = Inner { built, http, clock, blobs, new_ticket, since: None, state };
        let since = inner.built.connector.changes(&inner.ctx(), None).await;
        let unable = since.as_ref().err().map(|error| format!("the change feed cannot be read: {error}"));
        let since = since.ok().map(|page| page.next);
        let played = Self(Arc::new(Inner { since, ..inner }));
        played.0.state().unable.extend(unable);
        played
    }

    /// What the person could not do since the last call, and why.
    pub fn unable(&self) -> Vec<String> {
        std::mem::take(&mut self.0.state().unable)
    }

    /// Who the person is at the desk.
    ///
    /// # Errors
    ///
    /// What the connector says.
    pub async fn probe(&self) -> Result<Identity, Error> {
        self.0.built.connector.probe(&self.0.ctx()).await
    }

    /// The desk's words.
    ///
    /// # Errors
    ///
    /// What the connector says.
    pub async fn describe(&self) -> Result<Description, Error> {
        self.0.built.connector.describe(&self.0.ctx()).await
    }

    /// Carries out one operation.
    ///
    /// # Errors
    ///
    /// What the connector says.
    pub async fn apply(&self, ticket: Option<&RemoteId>, operation: Operation) -> Result<Made, Error> {
        let intent = self.0.intent(ticket, operation);
        self.0.built.connector.apply(&self.0.ctx(), &intent).await.map(|effect| effect.subject)
    }

    /// Reads a ticket.
    ///
    /// # Errors
    ///
    /// What the connector says.
    pub async fn fetch(&self, ticket: &RemoteId) -> Result<Ticket, Error> {
        self.0.built.connector.fetch(&self.0.ctx(), ticket).await
    }

    async fn act(&self, what: &str, ticket: &RemoteId, operation: Operation) {
        if let Err(error) = self.apply(Some(ticket), operation).await {
            self.cannot(what, &error);
        }
    }

    fn cannot(&self, what: &str, error: &Error) {
        self.0.state().unable.push(format!("{what}: {error}"));
    }

    /// Every ticket that changed since the person came, with its title.
    async fn titles(&self) -> Result<Vec<(RemoteId, String)>, Error> {
        let mut cursor = self.0.since.clone();
        for _ in 0..MAX_PAGES {
            let page = self.0.built.connector.changes(&self.0.ctx(), cursor.as_ref()).await?;
            for hint in page.hints {
                let known = self.0.state().titles.contains_key(&hint.ticket);
                if !known && let Ok(ticket) = self.fetch(&hint.ticket).await {
                    self.0.state().titles.insert(hint.ticket, ticket.title);
                }
            }
            cursor = Some(page.next);
            if !page.more {
                break;
            }
        }
        Ok(self.0.state().titles.iter().map(|(id, title)| (id.clone(), title.clone())).collect())
    }

    async fn looked_at(&self, ticket: &RemoteId) -> Result<Truth, Error> {
        let read = self.fetch(ticket).await?;
        let internal = |visibility: Visibility| visibility == Visibility::Internal;
        let mut files = Vec::new();
        for file in &read.files {
            let limit = file.size.saturating_add(1);
            let bytes = self.0.built.connector.download(&self.0.ctx(), ticket, &file.id, limit).await?;
            files.push((file.name.clone(), bytes, internal(file.visibility)));
        }
        let comments = read.comments.into_iter().map(|one| (one.body, internal(one.visibility))).collect();
        Ok(Truth { status: read.status, comments, files })
    }
}

impl Inner {
    fn ctx(&self) -> Ctx {
        Ctx {
            dial: Arc::new(throughline_sdk::NoDial),
            http: Arc::clone(&self.http),
            clock: Arc::clone(&self.clock),
            blobs: Arc::<MemoryBlobs>::clone(&self.blobs),
            deadline: self.clock.monotonic() + PATIENCE,
            urgency: Urgency::default(),
            trace: [8; 16],
        }
    }

    fn intent(&self, ticket: Option<&RemoteId>, operation: Operation) -> Intent {
        let count = {
            let mut state = self.state();
            state.count += 1;
            state.count
        };
        let name = format!("played {} {count}", self.clock.now().timestamp_micros());
        let mut hash = [0; 32];
        hash.copy_from_slice(digest::digest(&digest::SHA256, name.as_bytes()).as_ref());
        let (id, marker) = (IntentId::new(name), Marker::from_hash(&hash));
        Intent { id, ticket: ticket.cloned(), operation, marker, expected: None }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hand for Played {
    fn create<'a>(&'a self, title: &'a str) -> BoxFuture<'a, RemoteId> {
        async move {
            let new = NewTicket {
                title: title.to_owned(),
                description: "text".to_owned(),
                ..self.0.new_ticket.clone()
            };
            match self.apply(None, Operation::Create(new)).await {
                Ok(Made::Ticket(id)) => id,
                Ok(Made::Comment(_) | Made::File(_)) => RemoteId::new("0"),
                Err(error) => {
                    self.cannot("no ticket could be raised", &error);
                    RemoteId::new("0")
                }
            }
        }
        .boxed()
    }

    fn comment<'a>(&'a self, ticket: &'a RemoteId, body: &'a str, internal: bool) -> BoxFuture<'a, ()> {
        let visibility = if internal { Visibility::Internal } else { Visibility::Public };
        self.act(
            "no comment could be written",
            ticket,
            Operation::Comment { body: body.to_owned(), visibility },
        )
        .boxed()
    }

    fn set_status<'a>(&'a self, ticket: &'a RemoteId, status: &'a str) -> BoxFuture<'a, ()> {
        self.act("the status could not be set", ticket, Operation::Transition { status: status.to_owned() })
            .boxed()
    }

    fn attach<'a>(&'a self, ticket: &'a RemoteId, name: &'a str, bytes: Bytes) -> BoxFuture<'a, ()> {
        let operation = Operation::Attach {
            name: name.to_owned(),
            media_type: "application/octet-stream".to_owned(),
            size: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            digest: self.0.blobs.put(bytes),
            visibility: Visibility::Public,
        };
        self.act("no file could be attached", ticket, operation).boxed()
    }

    fn truth<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, Truth> {
        async move {
            self.looked_at(ticket).await.unwrap_or_else(|error| {
                self.cannot("the ticket could not be looked at", &error);
                Truth::default()
            })
        }
        .boxed()
    }

    fn titled<'a>(&'a self, title: &'a str) -> BoxFuture<'a, Vec<RemoteId>> {
        async move {
            let titles = self.titles().await.unwrap_or_else(|error| {
                self.cannot("the change feed could not be read", &error);
                Vec::new()
            });
            titles.into_iter().filter(|(_, one)| one == title).map(|(id, _)| id).collect()
        }
        .boxed()
    }

    fn merge<'a>(&'a self, _: &'a RemoteId, _: &'a RemoteId) -> BoxFuture<'a, bool> {
        ready(false).boxed()
    }

    fn delete<'a>(&'a self, _: &'a RemoteId) -> BoxFuture<'a, bool> {
        ready(false).boxed()
    }

    fn refuse<'a>(&'a self, _: &'a RemoteId) -> BoxFuture<'a, Option<String>> {
        ready(None).boxed()
    }

    fn ignore_updates(&self, _: bool) -> BoxFuture<'_, bool> {
        ready(false).boxed()
    }

    fn hide_visibility(&self, _: bool) -> BoxFuture<'_, bool> {
        ready(false).boxed()
    }
}

/// What nobody but a person at the desk can bring about or tell, so that a suite with a [`Played`] hand leaves it open.
pub const LEFT_OPEN: &[(&str, &str)] = &[
    ("a deleted ticket is not found", "delete a ticket there, then read it"),
    ("a merged ticket answers under the other id", "merge two tickets there, then read the one that is gone"),
    (
        "an internal comment reads as internal",
        "write one there, and look at ours: the requester must not see it",
    ),
    ("unknown visibility never reads as public", "the desk would have to leave it out of its answer"),
    ("a refused transition is rejected", "the desk would need a workflow that forbids a step"),
    ("an ignored write is rejected", "the desk would have to accept a write and not do it"),
    ("no change is lost between two pages", "more tickets than a page holds would have to be raised at once"),
    ("a signed webhook hints at its ticket", "let the desk send one"),
    ("a complete webhook says what the desk says", "the kind's webhooks are hints"),
    ("a forged webhook is refused", "let the desk send one, and repeat it without its signature"),
    ("an old webhook is refused", "let the desk send one, and repeat it an hour later"),
];
