//! A connector with one defect: the practice connector, and one thing that it does wrong.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use throughline_sdk::{
    Capabilities, ChangePage, CommentId, Connector, Ctx, Cursor, Description, DynConnector, Effect, Error,
    ErrorKind, FileId, Found, Hint, Identity, Intent, Marker, Operation, RawWebhook, RemoteId, Result,
    Subject, Ticket, TookEffect, Version, Visibility,
};

use crate::subject::TOKEN;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Defect {
    AcceptsAnySender,
    AddsALink,
    AltersWebhooks,
    AsksElsewhere,
    ChangesTheKey,
    CommentsOnLinks,
    CutsText,
    DecidesForWhom,
    DeniesDoubt,
    DescribesNothing,
    DropsTheVersion,
    FindsNothing,
    ForgetsItsCursor,
    ForgetsTheTable,
    GetsLimitsWrong,
    HasNoName,
    HidesRefusals,
    HintsAtNothing,
    IgnoresDeadline,
    IgnoresMerges,
    IgnoresTheLimit,
    LinksAnewAfterDoubt,
    LogsWhatItWrites,
    LosesBytes,
    LosesOneOfTwoChanges,
    LosesRetryAfter,
    LosesThePageBorder,
    MistakesStrangers,
    OpensACursorOnce,
    Pretends(Kind),
    QuotesStaff,
    ReadsInternalAsPublic,
    ReadsUnknownAsPublic,
    ResendsBlindly,
    ShowsItsToken,
    StandsStill,
    TrustsSuccess,
    WritesForAll,
}

/// An operation that is not done and reported as done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Update,
    Transition,
    Edit,
    Retract,
    LinkBack,
    Attach,
}

pub(super) struct Broken {
    inner: Arc<dyn DynConnector>,
    defect: Defect,
    cursors: Mutex<BTreeSet<Cursor>>,
    overheard: Mutex<String>,
    count: AtomicU64,
    doubted: AtomicBool,
}

impl Broken {
    pub(super) fn new(inner: Arc<dyn DynConnector>, defect: Defect) -> Self {
        let (cursors, overheard) = (Mutex::default(), Mutex::default());
        Self { inner, defect, cursors, overheard, count: AtomicU64::new(0), doubted: AtomicBool::new(false) }
    }

    fn is(&self, defect: Defect) -> bool {
        self.defect == defect
    }

    fn ctx(&self, ctx: &Ctx) -> Ctx {
        let mut ctx = ctx.clone();
        if self.is(Defect::IgnoresDeadline) {
            ctx.deadline += Duration::from_secs(3600);
        }
        ctx
    }

    /// The intent as it is really sent; `None` where nothing is.
    fn spoilt(&self, intent: &Intent) -> Option<Intent> {
        let mut intent = intent.clone();
        let kind = match &mut intent.operation {
            Operation::Create(new) => {
                if self.is(Defect::CutsText) {
                    new.description.truncate(10);
                }
                None
            }
            Operation::Comment { visibility, .. } => {
                let internal = *visibility == Visibility::Internal;
                let unknown = *visibility == Visibility::Unknown;
                if (self.is(Defect::WritesForAll) && internal) || (self.is(Defect::DecidesForWhom) && unknown)
                {
                    *visibility = Visibility::Public;
                }
                None
            }
            Operation::LinkBack(reference) => {
                if self.is(Defect::QuotesStaff) {
                    reference.url.get_or_insert_default().push_str(&self.overheard.lock().unwrap());
                }
                Some(Kind::LinkBack)
            }
            Operation::Update { .. } => Some(Kind::Update),
            Operation::Transition { .. } => Some(Kind::Transition),
            Operation::Edit { .. } => Some(Kind::Edit),
            Operation::Retract { .. } => Some(Kind::Retract),
            Operation::Attach { .. } => Some(Kind::Attach),
        };
        if self.is(Defect::DropsTheVersion) {
            intent.expected = None;
        }
        let anew = self.is(Defect::AddsALink)
            || (self.is(Defect::LinksAnewAfterDoubt) && self.doubted.swap(false, Ordering::Relaxed));
        let links = kind == Some(Kind::LinkBack);
        if (self.is(Defect::ChangesTheKey) && !links) || (anew && links) {
            let mut hash = [0; 32];
            hash[..8].copy_from_slice(&self.count.fetch_add(1, Ordering::Relaxed).to_be_bytes());
            intent.marker = Marker::from_hash(&hash);
        }
        match kind {
            Some(kind) if self.is(Defect::Pretends(kind)) => None,
            Some(_) | None => Some(intent),
        }
    }

    fn excused(&self, operation: &Operation, error: Error) -> Result<Effect> {
        let update = matches!(operation, Operation::Update { .. });
        let transition = matches!(operation, Operation::Transition { .. });
        let rejected = error.kind() == ErrorKind::Rejected;
        let trusted =
            (self.is(Defect::TrustsSuccess) && update) || (self.is(Defect::HidesRefusals) && transition);
        if trusted && rejected {
            return Ok(done(operation));
        }
        Err(self.mistaken(error))
    }

    fn mistaken(&self, error: Error) -> Error {
        let as_kind = |kind| {
            Error::new(kind, error.to_string())
                .with_effect(error.took_effect())
                .with_retry_after(error.retry_after())
        };
        match (self.defect, error.kind()) {
            (Defect::DeniesDoubt, _) => error.with_effect(TookEffect::No),
            (Defect::LosesRetryAfter, _) => error.with_retry_after(None),
            (Defect::ForgetsTheTable, ErrorKind::Conflict) => as_kind(ErrorKind::Rejected),
            (Defect::GetsLimitsWrong, ErrorKind::Rejected) => as_kind(ErrorKind::Malformed),
            (Defect::MistakesStrangers, ErrorKind::Unauthenticated | ErrorKind::NotFound) => {
                as_kind(ErrorKind::Unavailable)
            }
            _ => error,
        }
    }
}

fn done(operation: &Operation) -> Effect {
    let subject = match operation {
        Operation::Attach { .. } => Subject::File(FileId::new("1")),
        Operation::Edit { comment, .. } | Operation::Retract { comment } => Subject::Comment(comment.clone()),
        Operation::Comment { .. } => Subject::Comment(CommentId::new("1")),
        Operation::Create(_)
        | Operation::Update { .. }
        | Operation::Transition { .. }
        | Operation::LinkBack { .. } => Subject::Ticket(RemoteId::new("1")),
    };
    Effect { subject, read_back: None, lost: Vec::new() }
}

impl fmt::Debug for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.is(Defect::ShowsItsToken) {
            true => write!(f, "Broken {{ token: {TOKEN:?} }}"),
            false => f.write_str("Broken"),
        }
    }
}

impl Connector for Broken {
    fn kind(&self) -> &'static str {
        self.inner.kind()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn probe(&self, ctx: &Ctx) -> Result<Identity> {
        if self.is(Defect::AsksElsewhere) {
            drop(ctx.get("http://elsewhere.test/avatar.png".parse().unwrap()).send_any().await);
        }
        let mut identity = self.inner.probe(&self.ctx(ctx)).await?;
        if self.is(Defect::HasNoName) {
            identity.account.clear();
        }
        Ok(identity)
    }

    async fn describe(&self, ctx: &Ctx) -> Result<Description> {
        match self.is(Defect::DescribesNothing) {
            true => Ok(Description::default()),
            false => self.inner.describe(&self.ctx(ctx)).await,
        }
    }

    async fn changes(&self, ctx: &Ctx, since: Option<&Cursor>) -> Result<ChangePage> {
        let since = since.filter(|_| !self.is(Defect::ForgetsItsCursor));
        let mut page = self.inner.changes(&self.ctx(ctx), since).await?;
        let fresh = since.is_none_or(|since| self.cursors.lock().unwrap().insert(since.clone()));
        if self.is(Defect::LosesOneOfTwoChanges) {
            page.hints.truncate(1);
        }
        if self.is(Defect::LosesThePageBorder) && page.more {
            page.hints.pop();
        }
        if self.is(Defect::OpensACursorOnce) && !fresh {
            page.hints.clear();
        }
        Ok(page)
    }

    async fn fetch(&self, ctx: &Ctx, ticket: &RemoteId) -> Result<Ticket> {
        let mut read =
            self.inner.fetch(&self.ctx(ctx), ticket).await.map_err(|error| self.mistaken(error))?;
        if self.is(Defect::IgnoresMerges) {
            read.id = ticket.clone();
        }
        if self.is(Defect::StandsStill) {
            read.version = Some(Version::new("1"));
        }
        for comment in &mut read.comments {
            match (self.defect, comment.visibility) {
                (Defect::ReadsInternalAsPublic, Visibility::Internal)
                | (Defect::ReadsUnknownAsPublic, Visibility::Unknown) => {
                    comment.visibility = Visibility::Public;
                }
                (Defect::QuotesStaff, Visibility::Internal) => {
                    self.overheard.lock().unwrap().clone_from(&comment.body);
                }
                _ => {}
            }
        }
        Ok(read)
    }

    async fn download(&self, ctx: &Ctx, ticket: &RemoteId, file: &FileId, limit: u64) -> Result<Bytes> {
        let limit = if self.is(Defect::IgnoresTheLimit) { u64::MAX } else { limit };
        let bytes = self.inner.download(&self.ctx(ctx), ticket, file, limit).await;
        let bytes = bytes.map_err(|error| self.mistaken(error))?;
        let kept = if self.is(Defect::LosesBytes) { bytes.len().saturating_sub(1) } else { bytes.len() };
        Ok(bytes.slice(..kept))
    }

    async fn find(&self, ctx: &Ctx, intent: &Intent) -> Result<Vec<Found>> {
        match self.is(Defect::FindsNothing) {
            true => Ok(Vec::new()),
            false => self.inner.find(&self.ctx(ctx), intent).await,
        }
    }

    async fn apply(&self, ctx: &Ctx, intent: &Intent) -> Result<Effect> {
        if self.is(Defect::LogsWhatItWrites) {
            tracing::debug!(operation = ?intent.operation, "Sending.");
        }
        let Some(sent) = self.spoilt(intent) else {
            return Ok(done(&intent.operation));
        };
        match self.inner.apply(&self.ctx(ctx), &sent).await {
            Err(error) if self.is(Defect::LinksAnewAfterDoubt) => {
                self.doubted.store(error.took_effect() == TookEffect::Unknown, Ordering::Relaxed);
                Err(error)
            }
            Ok(done)
                if self.is(Defect::CommentsOnLinks) && matches!(sent.operation, Operation::LinkBack(_)) =>
            {
                let (body, visibility) = ("linked".to_owned(), Visibility::Internal);
                let operation = Operation::Comment { body, visibility };
                self.inner.apply(ctx, &Intent { operation, ..sent }).await?;
                Ok(done)
            }
            Err(error) if self.is(Defect::ResendsBlindly) && error.took_effect() == TookEffect::Unknown => {
                self.inner.apply(ctx, &sent).await
            }
            Err(error) => self.excused(&intent.operation, error),
            done => done,
        }
    }

    fn accept(&self, webhook: &RawWebhook) -> Result<Vec<Hint>> {
        match (self.defect, self.inner.accept(webhook)) {
            (Defect::AcceptsAnySender, Err(_)) => Ok(vec![Hint::new(RemoteId::new("1"))]),
            (Defect::HintsAtNothing, Ok(_)) => Ok(Vec::new()),
            (Defect::AltersWebhooks, Ok(mut hints)) => {
                for content in hints.iter_mut().filter_map(|hint| hint.content.as_mut()) {
                    content.title.push('!');
                }
                Ok(hints)
            }
            (_, outcome) => outcome,
        }
    }
}
