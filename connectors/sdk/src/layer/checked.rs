//! Refuses without any call what the connector's kind cannot do, and what comes too late.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;

use crate::{
    Capabilities, ChangePage, Ctx, Cursor, Description, DynConnector, Effect, Error, ErrorKind, FileId,
    Found, Hint, Identity, Intent, Linking, Operation, RawWebhook, RemoteId, Result, Ticket, Visibility,
};

/// Checks operations against the declared capabilities and each call against its deadline.
#[derive(Debug)]
pub struct Checked(Arc<dyn DynConnector>);

impl Checked {
    /// Checks calls to `inner`.
    pub fn new(inner: Arc<dyn DynConnector>) -> Self {
        Self(inner)
    }

    fn in_time<'a, T: Send + 'a>(ctx: &'a Ctx, call: BoxFuture<'a, Result<T>>) -> BoxFuture<'a, Result<T>> {
        Box::pin(async move {
            if ctx.clock.monotonic() >= ctx.deadline {
                return Err(Error::new(ErrorKind::Unavailable, "the deadline passed before the call began"));
            }
            call.await
        })
    }
}

#[deny(clippy::missing_trait_methods)]
impl DynConnector for Checked {
    fn kind(&self) -> &'static str {
        self.0.kind()
    }
    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }
    fn probe<'a>(&'a self, ctx: &'a Ctx) -> BoxFuture<'a, Result<Identity>> {
        Self::in_time(ctx, self.0.probe(ctx))
    }
    fn describe<'a>(&'a self, ctx: &'a Ctx) -> BoxFuture<'a, Result<Description>> {
        Self::in_time(ctx, self.0.describe(ctx))
    }
    fn changes<'a>(&'a self, ctx: &'a Ctx, since: Option<&'a Cursor>) -> BoxFuture<'a, Result<ChangePage>> {
        Self::in_time(ctx, self.0.changes(ctx, since))
    }
    fn fetch<'a>(&'a self, ctx: &'a Ctx, ticket: &'a RemoteId) -> BoxFuture<'a, Result<Ticket>> {
        Self::in_time(ctx, self.0.fetch(ctx, ticket))
    }
    fn download<'a>(
        &'a self,
        ctx: &'a Ctx,
        ticket: &'a RemoteId,
        file: &'a FileId,
        limit_bytes: u64,
    ) -> BoxFuture<'a, Result<Bytes>> {
        Self::in_time(ctx, self.0.download(ctx, ticket, file, limit_bytes))
    }
    fn find<'a>(&'a self, ctx: &'a Ctx, intent: &'a Intent) -> BoxFuture<'a, Result<Vec<Found>>> {
        Self::in_time(ctx, self.0.find(ctx, intent))
    }
    fn apply<'a>(&'a self, ctx: &'a Ctx, intent: &'a Intent) -> BoxFuture<'a, Result<Effect>> {
        match missing(&self.0.capabilities(), &intent.operation) {
            Some(what) => {
                let kind = self.0.kind();
                let error = Error::new(ErrorKind::Unsupported, format!("{kind} cannot {what}"));
                Box::pin(std::future::ready(Err(error.with_context("intent", &intent.id))))
            }
            None => Self::in_time(ctx, self.0.apply(ctx, intent)),
        }
    }
    fn accept(&self, webhook: &RawWebhook) -> Result<Vec<Hint>> {
        if self.0.capabilities().webhooks.is_none() {
            let kind = self.0.kind();
            return Err(Error::new(ErrorKind::Unsupported, format!("{kind} sends no webhooks")));
        }
        self.0.accept(webhook)
    }
}

/// What an operation asks for that is not declared.
fn missing(can: &Capabilities, operation: &Operation) -> Option<&'static str> {
    // Fails closed: where a desk knows nothing internal, it would be shown to everybody.
    let shown_to = |visibility: Visibility| match visibility {
        Visibility::Public => true,
        Visibility::Internal => can.internal_comments,
        Visibility::Unknown => false,
    };
    let (declared, what) = match operation {
        Operation::Create(_) => (can.create.is_some(), "create a ticket; raise it there by hand"),
        Operation::Update { .. } => (can.update, "update fields"),
        Operation::Transition { .. } => (can.transition, "change a status"),
        Operation::Comment { .. } if can.comment.is_none() => (false, "add a comment"),
        Operation::Comment { visibility, .. } => (
            shown_to(*visibility),
            "add a comment that is not public, or of which nobody said for whom it is",
        ),
        Operation::Edit { .. } => (can.edit, "edit a comment"),
        Operation::Retract { .. } => (can.retract, "retract a comment"),
        Operation::Attach { size, visibility, .. } => match can.attach {
            None => (false, "attach a file"),
            Some(_) if !shown_to(*visibility) => {
                (false, "attach a file that is not public, or of which nobody said for whom it is")
            }
            Some(_) => (*size <= can.max_file_bytes, "attach a file of this size"),
        },
        Operation::LinkBack(_) if can.link_back == Linking::None => (false, "show a link to the counterpart"),
        Operation::LinkBack(reference) => (
            reference.summary.is_none() || can.link_back.summarizes(),
            "show how the counterpart stands beside the link to it",
        ),
    };
    (!declared).then_some(what)
}
