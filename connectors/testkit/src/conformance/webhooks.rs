//! Webhooks: who sent them is known before what stands in them is believed.

use std::time::Duration;

use throughline_sdk::{Completeness, ErrorKind, RawWebhook, TookEffect};

use super::bench::Bench;
use super::{Stop, Verdict, declared, ensure};

const AN_HOUR: Duration = Duration::from_secs(3600);

pub(super) async fn signed(b: &Bench<'_>) -> Verdict {
    let (ticket, webhook) = sent(b).await?;
    let hints = b.subject.connector.accept(&webhook)?;
    ensure(hints.iter().any(|hint| hint.ticket == ticket), || {
        format!("ticket {ticket} is not among the {} hints", hints.len())
    })?;
    // What came twice hints at the same: the engine answers for replays, with nothing remembered here.
    ensure(b.subject.connector.accept(&webhook)? == hints, || {
        "a second time it hints at something else".to_owned()
    })
}

pub(super) async fn complete(b: &Bench<'_>) -> Verdict {
    declared(b.capabilities.webhooks == Some(Completeness::Complete))?;
    let (ticket, webhook) = sent(b).await?;
    let hints = b.subject.connector.accept(&webhook)?;
    let content = hints.into_iter().find(|hint| hint.ticket == ticket).and_then(|hint| hint.content);
    let content =
        content.ok_or_else(|| Stop::Failed("it is declared complete and carries no ticket".to_owned()))?;
    ensure(content.version.is_some(), || "its ticket has no version to be placed by".to_owned())?;
    let read = b.fetch(&ticket).await?;
    ensure(*content == read, || format!("it says {content:?}\nwhere the desk says {read:?}"))
}

pub(super) async fn forged(b: &Bench<'_>) -> Verdict {
    let (_, webhook) = sent(b).await?;
    let mut bare = webhook.clone();
    bare.headers.clear();
    bare.query.clear();
    let mut forgeries = vec![("a webhook without signature", bare)];
    // What is but a hint brings no content to alter, so that a shared token is enough for it.
    if b.capabilities.webhooks == Some(Completeness::Complete) {
        let body = [webhook.body.as_ref(), b" "].concat().into();
        forgeries.push(("an altered webhook", RawWebhook { body, ..webhook }));
    }
    for (what, webhook) in forgeries {
        let error = Bench::refusal(what, b.subject.connector.accept(&webhook))?;
        Bench::expect(what, &error, ErrorKind::Unauthenticated, TookEffect::No)?;
    }
    Ok(())
}

pub(super) async fn old(b: &Bench<'_>) -> Verdict {
    let (_, mut webhook) = sent(b).await?;
    // Only where the signature covers a time.
    declared(webhook.headers.keys().any(|name| name.as_str().ends_with("timestamp")))?;
    webhook.received += AN_HOUR;
    let error = Bench::refusal("an old webhook", b.subject.connector.accept(&webhook))?;
    Bench::expect("an old webhook", &error, ErrorKind::Unauthenticated, TookEffect::No)
}

async fn sent(b: &Bench<'_>) -> Verdict<(throughline_sdk::RemoteId, RawWebhook)> {
    declared(b.capabilities.webhooks.is_some())?;
    let ticket = b.raised().await;
    let webhook = (b.subject.webhook)(&ticket).ok_or(Stop::NotDeclared)?;
    Ok((ticket, webhook))
}
