//! Connectors with one defect each: the suite has to notice every one of them, and nothing else.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use throughline_sdk::{
    Capabilities, ChangePage, Connector, Ctx, Cursor, Description, DynConnector, Effect, ErrorKind, FileId,
    Found, Hint, Identity, Intent, Operation, RawWebhook, RemoteId, Result, Subject, Ticket, TookEffect,
    Visibility,
};
use throughline_testkit::conformance;

use crate::subject::{Practice, TOKEN};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Defect {
    ResendsBlindly,
    DeniesDoubt,
    ReadsInternalAsPublic,
    ReadsUnknownAsPublic,
    LosesOneOfTwoChanges,
    TrustsSuccess,
    LosesBytes,
    IgnoresDeadline,
    AcceptsAnySender,
    ShowsItsToken,
    DropsTheVersion,
}

struct Broken {
    inner: Arc<dyn DynConnector>,
    defect: Defect,
}

impl fmt::Debug for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.defect == Defect::ShowsItsToken {
            true => write!(f, "Broken {{ token: {TOKEN:?} }}"),
            false => f.write_str("Broken"),
        }
    }
}

impl Broken {
    fn ctx(&self, ctx: &Ctx) -> Ctx {
        let mut ctx = ctx.clone();
        if self.defect == Defect::IgnoresDeadline {
            ctx.deadline += Duration::from_secs(3600);
        }
        ctx
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
        self.inner.probe(&self.ctx(ctx)).await
    }

    async fn describe(&self, ctx: &Ctx) -> Result<Description> {
        self.inner.describe(&self.ctx(ctx)).await
    }

    async fn changes(&self, ctx: &Ctx, since: Option<&Cursor>) -> Result<ChangePage> {
        let mut page = self.inner.changes(&self.ctx(ctx), since).await?;
        if self.defect == Defect::LosesOneOfTwoChanges {
            page.hints.truncate(1);
        }
        Ok(page)
    }

    async fn fetch(&self, ctx: &Ctx, ticket: &RemoteId) -> Result<Ticket> {
        let mut ticket = self.inner.fetch(&self.ctx(ctx), ticket).await?;
        for comment in &mut ticket.comments {
            match (self.defect, comment.visibility) {
                (Defect::ReadsInternalAsPublic, Visibility::Internal)
                | (Defect::ReadsUnknownAsPublic, Visibility::Unknown) => {
                    comment.visibility = Visibility::Public;
                }
                _ => {}
            }
        }
        Ok(ticket)
    }

    async fn download(&self, ctx: &Ctx, ticket: &RemoteId, file: &FileId, limit: u64) -> Result<Bytes> {
        let bytes = self.inner.download(&self.ctx(ctx), ticket, file, limit).await?;
        let kept =
            if self.defect == Defect::LosesBytes { bytes.len().saturating_sub(1) } else { bytes.len() };
        Ok(bytes.slice(..kept))
    }

    async fn find(&self, ctx: &Ctx, intent: &Intent) -> Result<Vec<Found>> {
        self.inner.find(&self.ctx(ctx), intent).await
    }

    async fn apply(&self, ctx: &Ctx, intent: &Intent) -> Result<Effect> {
        let mut intent = intent.clone();
        if self.defect == Defect::DropsTheVersion {
            intent.expected = None;
        }
        let done = self.inner.apply(&self.ctx(ctx), &intent).await;
        let Err(error) = done else { return done };
        let update = matches!(intent.operation, Operation::Update { .. });
        let doubtful = error.took_effect() == TookEffect::Unknown;
        if self.defect == Defect::ResendsBlindly && doubtful {
            self.inner.apply(ctx, &intent).await
        } else if self.defect == Defect::DeniesDoubt {
            Err(error.with_effect(TookEffect::No))
        } else if self.defect == Defect::TrustsSuccess && update && error.kind() == ErrorKind::Rejected {
            Ok(Effect { subject: Subject::Ticket(intent.ticket.unwrap()), read_back: None })
        } else {
            Err(error)
        }
    }

    fn accept(&self, webhook: &RawWebhook) -> Result<Vec<Hint>> {
        match self.inner.accept(webhook) {
            Err(_) if self.defect == Defect::AcceptsAnySender => Ok(vec![Hint::new(RemoteId::new("1"))]),
            outcome => outcome,
        }
    }
}

async fn check(defect: Defect, expected: &[&str]) {
    let mut subject = Practice::new("c2");
    subject.connector = Arc::new(Broken { inner: Arc::clone(&subject.connector), defect });
    let report = conformance::run(&subject).await;
    assert_eq!(report.failed(), expected, "{defect:?}\n{report}");
}

#[tokio::test]
async fn a_blind_resend_is_noticed() {
    let expected = [
        "a lost reply is doubtful and nothing is resent",
        "a ticket is created once, whatever is lost",
        "a comment is written once, whatever is lost",
        "a file is attached once, whatever is lost",
        "a failed gateway leaves a write in doubt",
    ];
    check(Defect::ResendsBlindly, &expected).await;
}

#[tokio::test]
async fn denied_doubt_is_noticed() {
    let expected = [
        "a lost reply is doubtful and nothing is resent",
        "a ticket is created once, whatever is lost",
        "a comment is written once, whatever is lost",
        "a file is attached once, whatever is lost",
        "a failed gateway leaves a write in doubt",
        "a truncated answer is malformed",
    ];
    check(Defect::DeniesDoubt, &expected).await;
}

#[tokio::test]
async fn wrong_visibility_is_noticed() {
    let expected = ["an internal comment reads as internal", "comments keep text and visibility"];
    check(Defect::ReadsInternalAsPublic, &expected).await;
    check(Defect::ReadsUnknownAsPublic, &["unknown visibility never reads as public"]).await;
}

#[tokio::test]
async fn a_lost_change_is_noticed() {
    check(Defect::LosesOneOfTwoChanges, &["no change is lost in one tick of the clock"]).await;
}

#[tokio::test]
async fn a_write_that_was_not_done_is_noticed() {
    check(Defect::TrustsSuccess, &["an ignored write is rejected"]).await;
}

#[tokio::test]
async fn lost_bytes_are_noticed() {
    let expected = ["a person's file is read byte for byte", "files arrive byte for byte"];
    check(Defect::LosesBytes, &expected).await;
}

#[tokio::test]
async fn an_ignored_deadline_is_noticed() {
    check(Defect::IgnoresDeadline, &["the deadline is respected"]).await;
}

#[tokio::test]
async fn an_unseen_overwrite_is_noticed() {
    check(Defect::DropsTheVersion, &["a stale write is a conflict"]).await;
}

#[tokio::test]
async fn carelessness_with_secrets_and_senders_is_noticed() {
    check(Defect::AcceptsAnySender, &["a forged webhook is refused", "an old webhook is refused"]).await;
    check(Defect::ShowsItsToken, &["no secret is shown"]).await;
}
