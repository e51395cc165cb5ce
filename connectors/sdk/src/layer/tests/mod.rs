//! What the operation plane lets through to a connector, and what it does not.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;

use super::*;
use crate::double::{CountingEntropy, Script, TestClock};
use crate::{
    Blobs, Capabilities, ChangePage, CommentId, ConditionalWrite, Connector, CreateClass, Ctx, Cursor,
    Description, Digest, Effect, Error, ErrorKind, Feed, FileId, Found, Hint, Identity, Intent, IntentId,
    Linking, Marker, NewTicket, Operation, RawWebhook, RemoteId, Result, Subject, Ticket, Urgency,
    Visibility,
};

mod turnstile;

/// How long a call may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A connector whose writes answer from a list, then succeed.
#[derive(Debug, Default)]
struct Desk {
    answers: Mutex<VecDeque<Error>>,
    calls: Mutex<Vec<Applied>>,
    /// How long each write takes.
    takes: Duration,
    /// Whether it declares internal comments, and files of up to a thousand bytes.
    internal_and_files: bool,
    /// Whether it declares that its tickets are only read.
    only_tells: bool,
}

/// A write as the connector saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Applied {
    intent: String,
    began: Duration,
    deadline: Duration,
}

impl Connector for Desk {
    fn kind(&self) -> &'static str {
        "desk"
    }
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            create: (!self.only_tells).then_some(CreateClass::C4),
            comment: (!self.only_tells).then_some(CreateClass::C4),
            attach: self.internal_and_files.then_some(CreateClass::C4),
            settle: Duration::ZERO,
            update: true,
            transition: false,
            internal_comments: self.internal_and_files,
            edit: false,
            retract: false,
            link_back: if self.internal_and_files { Linking::Link } else { Linking::None },
            conditional_write: ConditionalWrite::None,
            feed: Feed { granularity: Duration::ZERO, lag: Duration::ZERO },
            webhooks: None,
            max_file_bytes: 1000,
        }
    }
    async fn probe(&self, _: &Ctx) -> Result<Identity> {
        Err(unused())
    }
    async fn describe(&self, _: &Ctx) -> Result<Description> {
        Err(unused())
    }
    async fn changes(&self, _: &Ctx, _: Option<&Cursor>) -> Result<ChangePage> {
        Err(unused())
    }
    async fn fetch(&self, _: &Ctx, _: &RemoteId) -> Result<Ticket> {
        Err(unused())
    }
    async fn download(&self, _: &Ctx, _: &RemoteId, _: &FileId, _: u64) -> Result<Bytes> {
        Err(unused())
    }
    async fn find(&self, _: &Ctx, _: &Intent) -> Result<Vec<Found>> {
        Err(unused())
    }
    async fn apply(&self, ctx: &Ctx, intent: &Intent) -> Result<Effect> {
        self.calls.lock().unwrap().push(Applied {
            intent: intent.id.to_string(),
            began: ctx.clock.monotonic(),
            deadline: ctx.deadline,
        });
        ctx.clock.sleep(self.takes).await;
        match self.answers.lock().unwrap().pop_front() {
            Some(error) => Err(error),
            None => Ok(Effect {
                subject: Subject::Comment(CommentId::new("1")),
                read_back: None,
                lost: Vec::new(),
            }),
        }
    }
    fn accept(&self, _: &RawWebhook) -> Result<Vec<Hint>> {
        Err(unused())
    }
}

fn unused() -> Error {
    Error::new(ErrorKind::Unsupported, "not part of this test")
}

#[derive(Debug)]
struct NoBlobs;

impl Blobs for NoBlobs {
    fn read<'a>(&'a self, _: &'a Digest) -> BoxFuture<'a, Result<Bytes>> {
        Box::pin(std::future::ready(Err(unused())))
    }
    fn write(&self, _: Bytes) -> BoxFuture<'_, Result<Digest>> {
        Box::pin(std::future::ready(Err(unused())))
    }
}

struct Bench {
    desk: Arc<Desk>,
    clock: Arc<TestClock>,
    guarded: Guarded,
}

impl Bench {
    fn new(answers: impl IntoIterator<Item = Error>) -> Self {
        Self::of(Desk { answers: Mutex::new(answers.into_iter().collect()), ..Desk::default() })
    }

    fn of(desk: Desk) -> Self {
        let desk = Arc::new(desk);
        let clock = Arc::new(TestClock::skipping());
        let connector: Arc<dyn DynConnector> = Arc::<Desk>::clone(&desk);
        let time: Arc<dyn Clock> = Arc::<TestClock>::clone(&clock);
        let guarded = guarded(connector, 1, time, Arc::new(CountingEntropy::default()));
        Self { desk, clock, guarded }
    }

    async fn apply(&self, operation: Operation) -> Result<Effect> {
        let clock: Arc<dyn Clock> = Arc::<TestClock>::clone(&self.clock);
        self.guarded.connector.apply(&ctx(clock, Urgency(0)), &intent("i", operation)).await
    }

    async fn comment(&self) -> Result<Effect> {
        self.apply(Operation::Comment { body: "Hello".into(), visibility: Visibility::Public }).await
    }

    fn calls(&self) -> usize {
        self.desk.calls.lock().unwrap().len()
    }
}

fn ctx(clock: Arc<dyn Clock>, urgency: Urgency) -> Ctx {
    Ctx {
        http: Arc::new(Script::new([])),
        dial: Arc::new(crate::NoDial),
        blobs: Arc::new(NoBlobs),
        deadline: clock.monotonic() + TIMEOUT,
        clock,
        urgency,
        trace: [1; 16],
    }
}

fn intent(id: &str, operation: Operation) -> Intent {
    Intent {
        id: IntentId::new(id),
        ticket: Some(RemoteId::new("1")),
        operation,
        marker: Marker::from_hash(&[0; 32]),
        expected: None,
    }
}

fn gone() -> Error {
    Error::new(ErrorKind::Unavailable, "no connection")
}

#[tokio::test]
async fn what_is_not_declared_is_refused_without_a_call() {
    let bench = Bench::new([]);
    for operation in [
        Operation::Transition { status: "closed".into() },
        Operation::Retract { comment: CommentId::new("1") },
        Operation::Comment { body: "psst".into(), visibility: Visibility::Internal },
        Operation::Comment { body: "psst".into(), visibility: Visibility::Unknown },
        attach(1, Visibility::Public),
    ] {
        assert_eq!(bench.apply(operation).await.unwrap_err().kind(), ErrorKind::Unsupported);
    }
    assert_eq!(bench.calls(), 0);
}

#[tokio::test]
async fn what_only_tells_is_written_nothing() {
    let bench = Bench::of(Desk { only_tells: true, ..Desk::default() });
    let new = NewTicket {
        title: "Printer".into(),
        description: String::new(),
        status: None,
        priority: None,
        kind: None,
        fields: BTreeMap::new(),
    };
    for operation in
        [Operation::Create(new), Operation::Comment { body: "hello?".into(), visibility: Visibility::Public }]
    {
        assert_eq!(bench.apply(operation).await.unwrap_err().kind(), ErrorKind::Unsupported);
    }
    assert_eq!(bench.calls(), 0);
}

#[tokio::test]
async fn what_might_be_shown_to_others_is_refused_even_where_internal_is_declared() {
    let bench = Bench::of(Desk { internal_and_files: true, ..Desk::default() });
    for operation in [
        Operation::Comment { body: "psst".into(), visibility: Visibility::Unknown },
        attach(1, Visibility::Unknown),
        attach(1001, Visibility::Public),
    ] {
        assert_eq!(bench.apply(operation).await.unwrap_err().kind(), ErrorKind::Unsupported);
    }
    assert_eq!(bench.calls(), 0);
    for operation in [
        Operation::Comment { body: "psst".into(), visibility: Visibility::Internal },
        attach(1000, Visibility::Internal),
    ] {
        bench.apply(operation).await.unwrap();
    }
}

fn attach(size: u64, visibility: Visibility) -> Operation {
    let (name, media_type) = ("a.txt".to_owned(), "text/plain".to_owned());
    Operation::Attach { name, media_type, size, digest: Digest::new("00"), visibility }
}

#[tokio::test]
async fn a_transient_error_without_effect_is_tried_again_shortly() {
    let bench = Bench::new([gone(), gone()]);
    bench.comment().await.unwrap();
    assert_eq!(bench.calls(), 3);
}

#[tokio::test]
async fn what_may_have_taken_effect_or_is_no_hiccup_is_never_tried_again() {
    for error in [
        gone().with_unknown_effect(),
        Error::new(ErrorKind::RateLimited, "slow down"),
        Error::new(ErrorKind::Rejected, "no"),
        gone().with_retry_after(Some(Duration::from_secs(60))),
    ] {
        let bench = Bench::new([error.clone()]);
        assert_eq!(bench.comment().await.unwrap_err().kind(), error.kind());
        assert_eq!(bench.calls(), 1);
    }
}

#[tokio::test]
async fn a_dead_system_is_left_alone_and_asked_again_by_one_call() {
    let bench = Bench::new((0..6).map(|_| gone().with_unknown_effect()));
    for _ in 0..5 {
        bench.comment().await.unwrap_err();
    }
    let CircuitState::Open { retry_in } = bench.guarded.circuit.state() else {
        panic!("the circuit is open");
    };
    let error = bench.comment().await.unwrap_err();
    assert_eq!(error.retry_after(), Some(retry_in));
    assert_eq!(error.took_effect(), crate::TookEffect::No);
    assert_eq!(bench.calls(), 5, "nothing is sent while it is open");
    bench.clock.advance(retry_in);
    bench.comment().await.unwrap_err();
    assert_eq!(bench.calls(), 6);
    let CircuitState::Open { retry_in: longer } = bench.guarded.circuit.state() else {
        panic!("it opens again");
    };
    bench.clock.advance(longer);
    bench.comment().await.unwrap();
    assert_eq!(bench.guarded.circuit.state(), CircuitState::Closed);
}
