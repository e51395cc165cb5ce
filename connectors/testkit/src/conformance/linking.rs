//! Linking: how the counterpart stands is shown once, kept current in place, and never read as something people did.

use throughline_sdk::{Intent, Linking, Operation, Reference, RemoteId, Ticket};

use super::bench::Bench;
use super::{Verdict, declared, ensure};
use crate::Fault;

/// What a link says first, and what it says later.
const SUMMARIES: [&str; 3] = ["Open, with us", "Waiting, with you", "Solved"];

pub(super) async fn renewed(b: &Bench<'_>) -> Verdict {
    declared(b.capabilities.link_back.summarizes())?;
    let ticket = b.raised().await;
    let mut link = first(b, &ticket);
    for summary in SUMMARIES {
        link = saying(&link, summary);
        // The second time there is nothing to be done.
        for _ in 0..2 {
            b.apply(&link).await?;
            shown_once(b, &ticket, summary).await?;
        }
    }
    Ok(())
}

pub(super) async fn renewed_once(b: &Bench<'_>) -> Verdict {
    declared(b.capabilities.link_back.summarizes())?;
    for fault in [Fault::DropReply, Fault::Hang] {
        let ticket = b.raised().await;
        let mut link = first(b, &ticket);
        for summary in SUMMARIES {
            link = saying(&link, summary);
            b.subject.transport.take();
            b.subject.transport.next_write(fault.clone());
            drop(b.apply(&link).await);
            b.subject.transport.take();
            b.apply(&link).await?;
            shown_once(b, &ticket, summary).await?;
        }
    }
    Ok(())
}

pub(super) async fn unheard(b: &Bench<'_>) -> Verdict {
    declared(b.capabilities.link_back != Linking::None)?;
    let ticket = b.raised().await;
    b.subject.hand.comment(&ticket, &b.name("Said by a person"), false).await;
    let before = said(b.fetch(&ticket).await?);
    let said_by_desk = b.subject.hand.truth(&ticket).await.comments.len();
    let mut link = first(b, &ticket);
    let summaries = if b.capabilities.link_back.summarizes() { &SUMMARIES[..] } else { &[] };
    b.apply(&link).await?;
    for summary in summaries {
        link = saying(&link, summary);
        b.apply(&link).await?;
    }
    let after = said(b.fetch(&ticket).await?);
    ensure(after == before, || format!("the ticket reads as {after:?} instead of {before:?}"))?;
    let held = b.subject.hand.truth(&ticket).await.comments;
    let ours = held.get(said_by_desk..).unwrap_or_default();
    let (most, internal) = match b.capabilities.link_back {
        Linking::Comment => (1, ours.iter().all(|(_, internal)| *internal)),
        Linking::None | Linking::Link | Linking::Field => (0, true),
    };
    ensure(ours.len() <= most && internal, || format!("the desk holds these comments for it: {ours:?}"))
}

/// A link to a counterpart of the ticket that nothing was said of yet.
fn first(b: &Bench<'_>, ticket: &RemoteId) -> Intent {
    let link = Reference::new(LABEL, Some("https://desk.example/9".to_owned()));
    b.intent(Some(ticket), Operation::LinkBack(link))
}

/// A later intent about the same counterpart.
fn saying(link: &Intent, summary: &str) -> Intent {
    let Operation::LinkBack(reference) = &link.operation else { return link.clone() };
    let reference = Reference { summary: Some(summary.to_owned()), ..reference.clone() };
    Intent { operation: Operation::LinkBack(reference), ..link.clone() }
}

const LABEL: &str = "TL-9";

async fn shown_once(b: &Bench<'_>, ticket: &RemoteId, summary: &str) -> Verdict {
    let read = b.fetch(ticket).await?.references;
    let ours: Vec<_> = read.iter().filter(|one| one.label == LABEL).collect();
    let current = ours.iter().all(|one| one.summary.as_deref() == Some(summary));
    // Where number and address have places of their own, they are two.
    let stale = read.iter().filter_map(|one| one.summary.as_deref()).filter(|told| *told != summary).count();
    ensure(ours.len() == 1 && current && stale == 0, || {
        format!("after {summary:?} the references read as {read:?}")
    })
}

/// The ticket without what a link of ours may change: its references, its version and the time of its last change.
fn said(ticket: Ticket) -> Ticket {
    let updated = ticket.created;
    Ticket { references: Vec::new(), version: None, updated, ..ticket }
}
