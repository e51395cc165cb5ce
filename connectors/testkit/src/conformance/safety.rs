//! Safety: credentials, secrets and webhooks.

use std::time::Duration;

use throughline_sdk::{Completeness, ErrorKind, RawWebhook, TookEffect, Visibility};

use super::bench::Bench;
use super::{Stop, Verdict, declared, ensure};
use crate::Fault;

const AN_HOUR: Duration = Duration::from_secs(3600);

pub(super) async fn credentials(b: &Bench<'_>) -> Verdict {
    let ticket = b.raised().await;
    b.subject.transport().take();
    b.subject.transport().next(Fault::WrongCredentials);
    let error = Bench::refusal("reading with wrong credentials", b.fetch(&ticket).await)?;
    Bench::expect("reading with wrong credentials", &error, ErrorKind::Unauthenticated, TookEffect::No)
}

pub(super) async fn secrets(b: &Bench<'_>) -> Verdict {
    let mut shown = format!("{:?}", b.subject.connector());
    let ticket = b.raised().await;
    for fault in [Fault::WrongCredentials, Fault::DropReply, Fault::Truncate, Fault::RateLimit(1)] {
        b.subject.transport().take();
        b.subject.transport().next_write(fault);
        let outcome = b.apply(&b.comment(&ticket, "text", Visibility::Public)).await;
        if let Err(error) = outcome {
            shown.push_str(&format!("{error} {error:?}"));
        }
    }
    let leaked = b.subject.secrets().iter().filter(|secret| shown.contains(secret.as_str())).count();
    ensure(leaked == 0, || format!("{leaked} secrets stand in a debug output or an error"))
}

pub(super) async fn webhook(b: &Bench<'_>) -> Verdict {
    let (ticket, webhook) = sent(b).await?;
    let hints = b.subject.connector().accept(&webhook)?;
    ensure(hints.iter().any(|hint| hint.ticket == ticket), || {
        format!("ticket {ticket} is not among the {} hints", hints.len())
    })
}

pub(super) async fn forged(b: &Bench<'_>) -> Verdict {
    let (_, webhook) = sent(b).await?;
    let mut bare = webhook.clone();
    bare.headers.clear();
    let mut forgeries = vec![("a webhook without signature", bare)];
    // What is but a hint brings no content to alter, so that a shared token is enough for it.
    if b.capabilities.webhooks == Some(Completeness::Complete) {
        let body = [webhook.body.as_ref(), b" "].concat().into();
        forgeries.push(("an altered webhook", RawWebhook { body, ..webhook }));
    }
    for (what, webhook) in forgeries {
        let error = Bench::refusal(what, b.subject.connector().accept(&webhook))?;
        Bench::expect(what, &error, ErrorKind::Unauthenticated, TookEffect::No)?;
    }
    Ok(())
}

pub(super) async fn old(b: &Bench<'_>) -> Verdict {
    let (_, mut webhook) = sent(b).await?;
    // Only where the signature covers a time.
    declared(webhook.headers.contains_key("webhook-timestamp"))?;
    webhook.received += AN_HOUR;
    let error = Bench::refusal("an old webhook", b.subject.connector().accept(&webhook))?;
    Bench::expect("an old webhook", &error, ErrorKind::Unauthenticated, TookEffect::No)
}

async fn sent(b: &Bench<'_>) -> Verdict<(throughline_sdk::RemoteId, RawWebhook)> {
    declared(b.capabilities.webhooks.is_some())?;
    let ticket = b.raised().await;
    let webhook = b.subject.webhook(&ticket).ok_or(Stop::NotDeclared)?;
    Ok((ticket, webhook))
}
