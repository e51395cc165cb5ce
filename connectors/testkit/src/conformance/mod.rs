//! What every connector has to show, picked by the capabilities it declares and never by its name.

mod answers;
mod bench;
mod doubt;
mod feed;
mod linking;
mod log;
mod reading;
mod safety;
mod webhooks;
mod writing;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use secrecy::ExposeSecret;
use throughline_sdk::http::{Authentication, FurtherHost, Limits, Reach, Transport, plane};
use throughline_sdk::{
    Built, Changes, Clock, Ctx, Dial, DynConnector, Error, NewTicket, NoDial, RawWebhook, RemoteId, Urgency,
};
use tracing::instrument::WithSubscriber;
use url::Url;

use crate::{Faulty, MemoryBlobs, SeededEntropy};
use bench::Bench;

/// A connector under test, with the desk it talks to. What [`new`](Self::new) leaves open is set in the fields.
#[expect(missing_debug_implementations, reason = "it holds the hand and the webhooks of a test")]
pub struct Subject {
    /// The connector.
    pub connector: Arc<dyn DynConnector>,
    /// The plane it is given. At its base is `transport`.
    pub http: Arc<dyn Transport>,
    /// What records its requests and makes them fail on command.
    pub transport: Faulty,
    /// Its connections for protocols other than HTTP.
    pub dial: Arc<dyn Dial>,
    /// Whether those are all there is, by a [`FaultyDial`](crate::FaultyDial): then no answer has a status of HTTP.
    pub dialled: bool,
    /// Where the desk is: requests to any other origin are a defect, except to `further`.
    pub address: Url,
    /// Hosts that may be asked too, without credentials.
    pub further: Vec<FurtherHost>,
    /// The clock of plane and desk.
    pub clock: Arc<dyn Clock>,
    /// Somebody who works at the desk directly.
    pub hand: Box<dyn Hand>,
    /// A ticket that this desk takes; the suite sets title and description.
    pub new_ticket: NewTicket,
    /// A value for each field that `Update` can set, other than those of a new ticket, in this desk's words.
    pub changes: Changes,
    /// A status that a new ticket can go to.
    pub next_status: String,
    /// The longest description that the desk takes, in characters; the suite writes none that is longer.
    pub longest_description: usize,
    /// Whether the desk gives the bytes of its files back.
    pub reads_files: bool,
    /// How long the change feed may take to show a change.
    pub feed_patience: Duration,
    /// How many changes the feed hands out in one page; `None` where so many cannot be made for a test.
    pub feed_page: Option<usize>,
    /// A webhook about a ticket as the desk would send it, signed with the configured secret; `None` where the kind
    /// has none.
    pub webhook: Webhooks,
    /// Texts that must never appear in a debug output, an error or a log: those of the authentication, and more.
    pub secrets: Vec<String>,
}

impl Subject {
    /// What was built, on the desk behind `base`, with the HTTP plane of the daemon in between.
    pub fn new(built: Built, base: Arc<dyn Transport>, clock: Arc<dyn Clock>, hand: Box<dyn Hand>) -> Self {
        let Built { connector, authentication, address, further } = built;
        let transport = Faulty::new(base, Arc::clone(&clock));
        let secrets = match &authentication {
            Authentication::None | Authentication::Login { refresh_token: None, .. } => None,
            Authentication::Header { value: secret, .. }
            | Authentication::Basic { password: secret, .. }
            | Authentication::Bearer(secret)
            | Authentication::Hmac { secret, .. }
            | Authentication::Login { refresh_token: Some(secret), .. }
            | Authentication::ClientCredentials { client_secret: secret, .. } => {
                Some(secret.expose_secret().to_owned())
            }
        };
        let limits = Limits { per_second: None, burst: 1, concurrency: 4 };
        let entropy = Arc::new(SeededEntropy::new(1));
        let recorded = Arc::new(transport.clone());
        let reach = Reach { address: &address, further: &further };
        let http = plane(recorded, reach, authentication, limits, Arc::clone(&clock), entropy);
        Self {
            connector,
            http,
            transport,
            dial: Arc::new(NoDial),
            dialled: false,
            address,
            further,
            clock,
            hand,
            new_ticket: NewTicket {
                title: String::new(),
                description: String::new(),
                status: None,
                priority: None,
                kind: None,
                fields: BTreeMap::new(),
            },
            changes: Changes::default(),
            next_status: String::new(),
            longest_description: usize::MAX,
            reads_files: true,
            feed_patience: Duration::ZERO,
            feed_page: None,
            webhook: Box::new(|_| None),
            secrets: secrets.into_iter().collect(),
        }
    }
}

impl Subject {
    /// What a call is given: a minute, and an empty folder of files.
    pub fn ctx(&self) -> Ctx {
        Ctx {
            http: Arc::clone(&self.http),
            dial: Arc::clone(&self.dial),
            clock: Arc::clone(&self.clock),
            blobs: Arc::new(MemoryBlobs::default()),
            deadline: self.clock.monotonic() + Duration::from_secs(60),
            urgency: Urgency::default(),
            trace: [7; 16],
        }
    }
}

/// Makes a webhook about a ticket.
pub type Webhooks = Box<dyn Fn(&RemoteId) -> Option<RawWebhook> + Send + Sync>;

/// What a person does at the desk, past the connector.
pub trait Hand: Send + Sync {
    /// Raises a ticket.
    fn create<'a>(&'a self, title: &'a str) -> BoxFuture<'a, RemoteId>;
    /// Comments.
    fn comment<'a>(&'a self, ticket: &'a RemoteId, body: &'a str, internal: bool) -> BoxFuture<'a, ()>;
    /// Sets the status.
    fn set_status<'a>(&'a self, ticket: &'a RemoteId, status: &'a str) -> BoxFuture<'a, ()>;
    /// Attaches a file that the requester may read.
    fn attach<'a>(&'a self, ticket: &'a RemoteId, name: &'a str, bytes: Bytes) -> BoxFuture<'a, ()>;
    /// The ticket as the desk really holds it.
    fn truth<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, Truth>;
    /// All tickets with this title.
    fn titled<'a>(&'a self, title: &'a str) -> BoxFuture<'a, Vec<RemoteId>>;
    /// Merges a ticket into another; false if this desk, or this person, cannot.
    fn merge<'a>(&'a self, ticket: &'a RemoteId, into: &'a RemoteId) -> BoxFuture<'a, bool>;
    /// Deletes a ticket; false if this desk, or this person, cannot.
    fn delete<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, bool>;
    /// Makes the desk refuse a transition of this ticket and answers to which status; `None` if it has no rules.
    fn refuse<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, Option<String>>;
    /// Makes the desk accept updates and not do them, or stops that; false if it cannot.
    fn ignore_updates(&self, ignore: bool) -> BoxFuture<'_, bool>;
    /// Makes comments leave out who may read them, or stops that; false if the desk cannot.
    fn hide_visibility(&self, hide: bool) -> BoxFuture<'_, bool>;
}

/// A ticket as the desk really holds it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Truth {
    /// Its status.
    pub status: String,
    /// Each comment's text and whether it is internal.
    pub comments: Vec<(String, bool)>,
    /// Each file's name, bytes and whether it is internal.
    pub files: Vec<(String, Bytes, bool)>,
}

/// What became of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It holds.
    Passed,
    /// It does not, and why.
    Failed(String),
    /// The connector does not declare what it is about, or the desk cannot be brought to it.
    NotDeclared,
}

/// What became of every case, in order.
#[derive(Clone, Debug)]
pub struct Report {
    /// The cases with their outcomes.
    pub cases: Vec<(&'static str, Outcome)>,
}

impl Report {
    /// The names of the cases that failed.
    pub fn failed(&self) -> Vec<&'static str> {
        let failed = |outcome: &Outcome| matches!(outcome, Outcome::Failed(_));
        self.cases.iter().filter(|(_, outcome)| failed(outcome)).map(|(name, _)| *name).collect()
    }

    /// Ends the test that called it if a case failed.
    ///
    /// # Panics
    ///
    /// With the whole report, if a case failed.
    pub fn assert(&self) {
        assert!(self.failed().is_empty(), "{self}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, outcome) in &self.cases {
            match outcome {
                Outcome::Passed => writeln!(f, "passed        {name}")?,
                Outcome::NotDeclared => writeln!(f, "not declared  {name}")?,
                Outcome::Failed(why) => writeln!(f, "FAILED        {name}: {why}")?,
            }
        }
        Ok(())
    }
}

/// Why a case ends before its end.
#[derive(Debug)]
enum Stop {
    Failed(String),
    NotDeclared,
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(format!("{:?}: {error}", error.kind()))
    }
}

type Verdict<T = ()> = Result<T, Stop>;

fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(Stop::Failed(otherwise())) }
}

fn declared(holds: bool) -> Verdict {
    if holds { Ok(()) } else { Err(Stop::NotDeclared) }
}

/// Runs every case that the connector's capabilities call for, one after the other.
pub async fn run(subject: &Subject) -> Report {
    run_telling(subject, &mut |_, _| ()).await
}

/// The same, and tells of each case what became of it as soon as it is over.
pub async fn run_telling(subject: &Subject, tell: Tell<'_>) -> Report {
    let bench = Bench::new(subject);
    let log = bench.log.clone();
    each(&bench, tell).with_subscriber(log).await
}

/// Is told the name of a case and what became of it.
pub type Tell<'a> = &'a mut (dyn FnMut(&'static str, &Outcome) + Send);

async fn each(b: &Bench<'_>, tell: Tell<'_>) -> Report {
    let cases: Vec<(&'static str, BoxFuture<'_, Verdict>)> = vec![
        ("probe names the account", reading::probe(b).boxed()),
        ("describe lists the words a new ticket bears", reading::describe(b).boxed()),
        ("a missing ticket is not found", reading::missing(b).boxed()),
        ("a deleted ticket is not found", reading::deleted(b).boxed()),
        ("a merged ticket answers under the other id", reading::merged(b).boxed()),
        ("a change shows in version, time and status", reading::changed(b).boxed()),
        ("an internal comment reads as internal", reading::internal(b).boxed()),
        ("unknown visibility never reads as public", reading::unknown(b).boxed()),
        ("a person's file is read byte for byte", reading::file(b).boxed()),
        ("a file over the limit is rejected", reading::too_large(b).boxed()),
        ("a created ticket reads as it was written", writing::create(b).boxed()),
        ("a created ticket is found by its marker", writing::marked(b).boxed()),
        ("a comment or file is found by its marker", writing::parts_marked(b).boxed()),
        ("comments keep text and visibility", writing::comments(b).boxed()),
        ("what nobody said for whom it is is not written", writing::undecided(b).boxed()),
        ("a comment is edited, or that is unsupported", writing::edit(b).boxed()),
        ("a comment is retracted, or that is unsupported", writing::retract(b).boxed()),
        ("a link back is kept, or that is unsupported", writing::link(b).boxed()),
        ("a link is renewed in place", linking::renewed(b).boxed()),
        ("a link is no comment and no change by people", linking::unheard(b).boxed()),
        ("files arrive byte for byte", writing::attach(b).boxed()),
        ("each field is updated", writing::update(b).boxed()),
        ("a ticket is brought to a status", writing::transition(b).boxed()),
        ("a refused transition is rejected", writing::refused(b).boxed()),
        ("an ignored write is rejected", writing::ignored(b).boxed()),
        ("a stale write is a conflict", writing::stale(b).boxed()),
        ("no change is lost in one tick of the clock", feed::gapless(b).boxed()),
        ("no change is lost between two pages", feed::bordered(b).boxed()),
        ("a cursor resumes where it stood", feed::resumed(b).boxed()),
        ("a lost reply is doubtful and nothing is resent", doubt::lost(b).boxed()),
        ("a lost change is doubtful and nothing is resent", doubt::lost_change(b).boxed()),
        ("a ticket is created once, whatever is lost", doubt::create_once(b).boxed()),
        ("a comment is written once, whatever is lost", doubt::comment_once(b).boxed()),
        ("a file is attached once, whatever is lost", doubt::attach_once(b).boxed()),
        ("a link is shown once, whatever is lost", linking::renewed_once(b).boxed()),
        ("the same key again makes nothing new", doubt::same_again(b).boxed()),
        ("a failed gateway leaves a write in doubt", doubt::gateway(b).boxed()),
        ("a truncated answer is malformed", doubt::truncated(b).boxed()),
        ("an answer too large is rejected", answers::oversized(b).boxed()),
        ("each status of a read has its kind", answers::to_a_read(b).boxed()),
        ("each status of a write has its kind and effect", answers::to_a_write(b).boxed()),
        ("a rate limit is passed on and has no effect", doubt::rate_limited(b).boxed()),
        ("the deadline is respected", doubt::deadline(b).boxed()),
        ("wrong credentials are unauthenticated", safety::credentials(b).boxed()),
        ("no secret is shown", safety::secrets(b).boxed()),
        ("no write carries what is private", safety::private(b).boxed()),
        ("a signed webhook hints at its ticket", webhooks::signed(b).boxed()),
        ("a complete webhook says what the desk says", webhooks::complete(b).boxed()),
        ("a forged webhook is refused", webhooks::forged(b).boxed()),
        ("an old webhook is refused", webhooks::old(b).boxed()),
        // These two look back on all the others.
        ("no request goes anywhere else", safety::confined(b).boxed()),
        ("the log tells neither secrets nor texts", safety::quiet(b).boxed()),
    ];
    let mut report = Report { cases: Vec::with_capacity(cases.len()) };
    for (name, case) in cases {
        // What the case before left is none of this case's business: faults that met no request, and a layer that
        // takes the desk for dead after many of them. Whether the desk answers is a case of its own.
        b.subject.transport.take();
        drop(b.subject.connector.probe(&b.ctx()).await);
        let outcome = match case.await {
            Ok(()) => Outcome::Passed,
            Err(Stop::Failed(why)) => Outcome::Failed(why),
            Err(Stop::NotDeclared) => Outcome::NotDeclared,
        };
        tell(name, &outcome);
        report.cases.push((name, outcome));
    }
    report
}
