//! What the cases share: contexts, intents with markers of their own, and the protocol after a doubtful write.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use ring::digest;
use throughline_sdk::http::{Request, Response, Transport};
use throughline_sdk::{
    Capabilities, Changes, CreateClass, Ctx, Effect, Error, ErrorKind, Intent, IntentId, Marker, NewTicket,
    Operation, RemoteId, Subject as Made, Ticket, TookEffect, Urgency, Visibility,
};
use url::Url;

use super::log::Log;
use super::{Stop, Subject, Verdict, ensure};
use crate::MemoryBlobs;

/// How long a call of the suite may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

pub(super) struct Bench<'a> {
    pub(super) subject: &'a Subject,
    pub(super) capabilities: Capabilities,
    pub(super) log: Log,
    asked: Arc<Asked>,
    blobs: Arc<MemoryBlobs>,
    count: AtomicU64,
    said: Mutex<Vec<String>>,
}

impl<'a> Bench<'a> {
    pub(super) fn new(subject: &'a Subject) -> Self {
        let capabilities = subject.connector.capabilities();
        let asked = Arc::new(Asked { inner: Arc::clone(&subject.http), origins: Mutex::default() });
        Self {
            subject,
            capabilities,
            log: Log::default(),
            asked,
            blobs: Arc::default(),
            count: AtomicU64::new(0),
            said: Mutex::default(),
        }
    }

    /// Every origin that the connector sent a request to so far, or tried to: as an address without a path.
    pub(super) fn origins(&self) -> BTreeSet<Url> {
        self.asked.origins.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn ctx(&self) -> Ctx {
        let clock = Arc::clone(&self.subject.clock);
        Ctx {
            http: Arc::<Asked>::clone(&self.asked),
            dial: Arc::clone(&self.subject.dial),
            deadline: clock.monotonic() + PATIENCE,
            clock,
            blobs: Arc::<MemoryBlobs>::clone(&self.blobs),
            urgency: Urgency::default(),
            trace: [7; 16],
        }
    }

    /// A text that no other case has used, also on a desk that outlives the run, and that no log may quote.
    pub(super) fn name(&self, what: &str) -> String {
        let name = self.unique(what);
        self.said.lock().unwrap_or_else(PoisonError::into_inner).push(name.clone());
        name
    }

    /// Everything that was said so far.
    pub(super) fn said(&self) -> Vec<String> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn unique(&self, what: &str) -> String {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let run = self.subject.clock.now().timestamp_micros();
        format!("{what} {run}-{count}")
    }

    pub(super) fn intent(&self, ticket: Option<&RemoteId>, operation: Operation) -> Intent {
        let name = self.unique("conformance");
        let mut hash = [0; 32];
        hash.copy_from_slice(digest::digest(&digest::SHA256, name.as_bytes()).as_ref());
        let (id, marker) = (IntentId::new(name), Marker::from_hash(&hash));
        Intent { id, ticket: ticket.cloned(), operation, marker, expected: None }
    }

    pub(super) fn create(&self, title: &str, description: &str) -> Intent {
        let (title, description) = (title.to_owned(), description.to_owned());
        self.intent(
            None,
            Operation::Create(NewTicket { title, description, ..self.subject.new_ticket.clone() }),
        )
    }

    pub(super) fn comment(&self, ticket: &RemoteId, body: &str, visibility: Visibility) -> Intent {
        self.intent(Some(ticket), Operation::Comment { body: body.to_owned(), visibility })
    }

    pub(super) fn attach(&self, ticket: &RemoteId, name: &str, bytes: &Bytes) -> Intent {
        let operation = Operation::Attach {
            name: name.to_owned(),
            media_type: "application/octet-stream".to_owned(),
            size: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            digest: self.blobs.put(bytes.clone()),
            visibility: Visibility::Public,
        };
        self.intent(Some(ticket), operation)
    }

    pub(super) async fn apply(&self, intent: &Intent) -> Result<Effect, Error> {
        self.subject.connector.apply(&self.ctx(), intent).await
    }

    pub(super) async fn fetch(&self, ticket: &RemoteId) -> Result<Ticket, Error> {
        self.subject.connector.fetch(&self.ctx(), ticket).await
    }

    /// A change that this desk can make: of the title, or else of the first field that the subject has a value for.
    pub(super) fn change(&self, what: &str) -> Changes {
        let (all, none) = (&self.subject.changes, Changes::default);
        let of_title = Changes { title: Some(self.name(what)), ..none() };
        let others = [
            Changes { description: all.description.clone(), ..none() },
            Changes { priority: all.priority.clone(), ..none() },
            Changes { kind: all.kind.clone(), ..none() },
            Changes { fields: all.fields.clone(), ..none() },
        ];
        match all.title {
            Some(_) => of_title,
            None => others.into_iter().find(|other| *other != none()).unwrap_or(of_title),
        }
    }

    /// Whether the connector can raise tickets.
    pub(super) fn creates(&self) -> bool {
        self.capabilities.create.is_some()
    }

    /// Whether the connector can say anything on a ticket. What only tells of records elsewhere refuses all operations.
    pub(super) fn comments(&self) -> bool {
        self.capabilities.comment.is_some()
    }

    /// A ticket raised by a person.
    pub(super) async fn raised(&self) -> RemoteId {
        self.subject.hand.create(&self.name("Raised by a person")).await
    }

    /// The error of a call that must not succeed.
    pub(super) fn refusal<T>(what: &str, outcome: Result<T, Error>) -> Verdict<Error> {
        match outcome {
            Ok(_) => Err(Stop::Failed(format!("{what} succeeded"))),
            Err(error) => Ok(error),
        }
    }

    /// Ensures kind and effect of an error.
    pub(super) fn expect(what: &str, error: &Error, kind: ErrorKind, effect: TookEffect) -> Verdict {
        ensure(error.kind() == kind && error.took_effect() == effect, || {
            format!("{what}: expected {kind:?}, effect {effect:?}; got {:?}, {error}", error.kind())
        })
    }

    /// Ensures that an operation which is not declared is refused without any request.
    pub(super) async fn unsupported(&self, intent: &Intent) -> Verdict {
        self.subject.transport.take();
        let error = Self::refusal("an operation that is not declared", self.apply(intent).await)?;
        Self::expect("an operation that is not declared", &error, ErrorKind::Unsupported, TookEffect::No)?;
        let requests = self.subject.transport.take().len();
        ensure(requests == 0, || format!("an operation that is not declared sent {requests} requests"))
    }

    /// What the engine does after a doubtful write of this class; `None` where only a person may go on.
    pub(super) async fn settle(&self, class: CreateClass, intent: &Intent) -> Verdict<Option<Made>> {
        let connector = &self.subject.connector;
        match class {
            CreateClass::C0 | CreateClass::C1 => return Ok(Some(self.apply(intent).await?.subject)),
            CreateClass::C2 => {}
            CreateClass::C3 { lag } => {
                let wait = self.capabilities.settle + lag + Duration::from_secs(1);
                self.subject.clock.sleep(wait).await;
            }
            CreateClass::C4 => return Ok(None),
        }
        let found = connector.find(&self.ctx(), intent).await?;
        ensure(found.len() < 2, || format!("its marker is borne {} times", found.len()))?;
        match found.into_iter().next() {
            Some(found) => Ok(Some(found.subject)),
            None => Ok(Some(self.apply(intent).await?.subject)),
        }
    }

    pub(super) fn writes(&self) -> usize {
        self.subject.transport.take().iter().filter(|request| !request.is_safe()).count()
    }
}

/// Notes where requests are for, before the plane keeps them at the desk.
#[derive(Debug)]
struct Asked {
    inner: Arc<dyn Transport>,
    origins: Mutex<BTreeSet<Url>>,
}

impl Transport for Asked {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, Error>> {
        let mut origin = request.url.clone();
        origin.set_path("");
        origin.set_query(None);
        origin.set_fragment(None);
        self.origins.lock().unwrap_or_else(PoisonError::into_inner).insert(origin);
        self.inner.send(request)
    }
}
