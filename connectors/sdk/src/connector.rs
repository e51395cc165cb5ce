//! The connector contract: a narrow waist of few methods, all operations as data.

use std::fmt::Debug;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use url::Url;

use crate::http::{Authentication, FurtherHost, Transport};
use crate::{
    Capabilities, Clock, Cursor, Dial, Digest, Effect, FileId, Found, Hint, Intent, RawWebhook, RemoteId,
    Result, Ticket, Timestamp,
};

/// The code that speaks one kind of ticket system.
///
/// A connector holds its configuration only; every runtime resource comes with the [`Ctx`]. Implementors write
/// plain `async fn`; everybody else uses [`DynConnector`].
pub trait Connector: Debug + Send + Sync + 'static {
    /// The kind's name in configuration, such as `redmine`.
    fn kind(&self) -> &'static str;

    /// What this kind can do: declared, constant, proven by the conformance suite.
    fn capabilities(&self) -> Capabilities;

    /// Who we are there, and what time it is.
    fn probe(&self, ctx: &Ctx) -> impl Future<Output = Result<Identity>> + Send;

    /// The statuses, priorities, types and fields of this very system, as they are now.
    fn describe(&self, ctx: &Ctx) -> impl Future<Output = Result<Description>> + Send;

    /// Reads one page of changes after `since`, oldest first; from now on if `None`.
    ///
    /// A change may appear in two pages, never in none: the cursor overlaps by at least the feed's granularity
    /// and lag.
    fn changes(&self, ctx: &Ctx, since: Option<&Cursor>) -> impl Future<Output = Result<ChangePage>> + Send;

    /// Reads a ticket whole. A ticket whose id differs from the one asked for was merged or moved.
    fn fetch(&self, ctx: &Ctx, ticket: &RemoteId) -> impl Future<Output = Result<Ticket>> + Send;

    /// Reads a file's bytes, at most `limit_bytes` of them; more is [`Rejected`](crate::ErrorKind::Rejected).
    fn download(
        &self,
        ctx: &Ctx,
        ticket: &RemoteId,
        file: &FileId,
        limit_bytes: u64,
    ) -> impl Future<Output = Result<Bytes>> + Send;

    /// What a doubtful write of this intent left: everything that bears its marker.
    fn find(&self, ctx: &Ctx, intent: &Intent) -> impl Future<Output = Result<Vec<Found>>> + Send;

    /// Carries out one intent, once. Never sends a second time by itself.
    ///
    /// # Errors
    ///
    /// An error that may have taken effect says so. A write that the system accepted and did not do is
    /// [`Rejected`](crate::ErrorKind::Rejected): the connector has read it back.
    fn apply(&self, ctx: &Ctx, intent: &Intent) -> impl Future<Output = Result<Effect>> + Send;

    /// Authenticates a webhook over its raw bytes, then says what it hints at. Pure.
    ///
    /// # Errors
    ///
    /// [`Unauthenticated`](crate::ErrorKind::Unauthenticated) for a wrong or missing signature,
    /// [`Malformed`](crate::ErrorKind::Malformed) for a body it cannot read,
    /// [`Unsupported`](crate::ErrorKind::Unsupported) where no webhook secret is configured.
    fn accept(&self, webhook: &RawWebhook) -> Result<Vec<Hint>>;
}

/// [`Connector`] behind a pointer. Implemented for every connector; never by hand except by layers.
pub trait DynConnector: Debug + Send + Sync + 'static {
    /// See [`Connector::kind`].
    fn kind(&self) -> &'static str;
    /// See [`Connector::capabilities`].
    fn capabilities(&self) -> Capabilities;
    /// See [`Connector::probe`].
    fn probe<'a>(&'a self, ctx: &'a Ctx) -> BoxFuture<'a, Result<Identity>>;
    /// See [`Connector::describe`].
    fn describe<'a>(&'a self, ctx: &'a Ctx) -> BoxFuture<'a, Result<Description>>;
    /// See [`Connector::changes`].
    fn changes<'a>(&'a self, ctx: &'a Ctx, since: Option<&'a Cursor>) -> BoxFuture<'a, Result<ChangePage>>;
    /// See [`Connector::fetch`].
    fn fetch<'a>(&'a self, ctx: &'a Ctx, ticket: &'a RemoteId) -> BoxFuture<'a, Result<Ticket>>;
    /// See [`Connector::download`].
    fn download<'a>(
        &'a self,
        ctx: &'a Ctx,
        ticket: &'a RemoteId,
        file: &'a FileId,
        limit_bytes: u64,
    ) -> BoxFuture<'a, Result<Bytes>>;
    /// See [`Connector::find`].
    fn find<'a>(&'a self, ctx: &'a Ctx, intent: &'a Intent) -> BoxFuture<'a, Result<Vec<Found>>>;
    /// See [`Connector::apply`].
    fn apply<'a>(&'a self, ctx: &'a Ctx, intent: &'a Intent) -> BoxFuture<'a, Result<Effect>>;
    /// See [`Connector::accept`].
    fn accept(&self, webhook: &RawWebhook) -> Result<Vec<Hint>>;
}

impl<C: Connector> DynConnector for C {
    fn kind(&self) -> &'static str {
        Connector::kind(self)
    }
    fn capabilities(&self) -> Capabilities {
        Connector::capabilities(self)
    }
    fn probe<'a>(&'a self, ctx: &'a Ctx) -> BoxFuture<'a, Result<Identity>> {
        Box::pin(Connector::probe(self, ctx))
    }
    fn describe<'a>(&'a self, ctx: &'a Ctx) -> BoxFuture<'a, Result<Description>> {
        Box::pin(Connector::describe(self, ctx))
    }
    fn changes<'a>(&'a self, ctx: &'a Ctx, since: Option<&'a Cursor>) -> BoxFuture<'a, Result<ChangePage>> {
        Box::pin(Connector::changes(self, ctx, since))
    }
    fn fetch<'a>(&'a self, ctx: &'a Ctx, ticket: &'a RemoteId) -> BoxFuture<'a, Result<Ticket>> {
        Box::pin(Connector::fetch(self, ctx, ticket))
    }
    fn download<'a>(
        &'a self,
        ctx: &'a Ctx,
        ticket: &'a RemoteId,
        file: &'a FileId,
        limit_bytes: u64,
    ) -> BoxFuture<'a, Result<Bytes>> {
        Box::pin(Connector::download(self, ctx, ticket, file, limit_bytes))
    }
    fn find<'a>(&'a self, ctx: &'a Ctx, intent: &'a Intent) -> BoxFuture<'a, Result<Vec<Found>>> {
        Box::pin(Connector::find(self, ctx, intent))
    }
    fn apply<'a>(&'a self, ctx: &'a Ctx, intent: &'a Intent) -> BoxFuture<'a, Result<Effect>> {
        Box::pin(Connector::apply(self, ctx, intent))
    }
    fn accept(&self, webhook: &RawWebhook) -> Result<Vec<Hint>> {
        Connector::accept(self, webhook)
    }
}

/// What a connector's `build` makes of an operator's settings.
#[derive(Clone, Debug)]
pub struct Built {
    /// The connector.
    pub connector: Arc<dyn DynConnector>,
    /// How the plane authenticates its requests.
    pub authentication: Authentication,
    /// Where the system is: the plane's guard lets requests go there only, and to `further`.
    pub address: Url,
    /// Hosts beside it that requests go to without its credentials, such as those that keep its files.
    pub further: Vec<FurtherHost>,
}

/// Everything a call needs at run time.
#[derive(Clone, Debug)]
pub struct Ctx {
    /// The HTTP plane of this system: authenticated, paced, guarded.
    pub http: Arc<dyn Transport>,
    /// Connections for protocols other than HTTP, by the same guard.
    pub dial: Arc<dyn Dial>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Files by digest.
    pub blobs: Arc<dyn Blobs>,
    /// When the call has to be over, on [`Clock::monotonic`].
    pub deadline: Duration,
    /// Who goes first where the system's rate is tight.
    pub urgency: Urgency,
    /// The 16 bytes of the W3C trace this call belongs to.
    pub trace: [u8; 16],
}

/// Who goes first where a system's rate is tight: the larger the sooner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Urgency(pub u8);

/// Attached files by digest, as the content-addressed folder holds them.
pub trait Blobs: Debug + Send + Sync + 'static {
    /// The bytes with this digest.
    fn read<'a>(&'a self, digest: &'a Digest) -> BoxFuture<'a, Result<Bytes>>;

    /// Stores bytes durably and names them.
    fn write(&self, bytes: Bytes) -> BoxFuture<'_, Result<Digest>>;
}

/// Who we are in a system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The account's name there.
    pub account: String,
    /// What the system calls itself, with its version where it tells.
    pub product: String,
    /// What time it is there, where it tells.
    pub time: Option<Timestamp>,
}

/// The words of one very system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description {
    /// Statuses.
    pub statuses: Vec<Choice>,
    /// Priorities, lowest first.
    pub priorities: Vec<Choice>,
    /// Types.
    pub kinds: Vec<Choice>,
    /// Custom field names.
    pub fields: Vec<String>,
}

/// One word of a closed list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The word, as it stands in a [`Ticket`].
    pub word: String,
    /// Whether a ticket with it counts as closed. Always false for priorities and types.
    pub closed: bool,
}

/// One page of a change feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangePage {
    /// What may have changed, oldest first.
    pub hints: Vec<Hint>,
    /// Where the next page begins. Saved only in the commit that records `hints`.
    pub next: Cursor,
    /// Whether another page is ready now.
    pub more: bool,
}
