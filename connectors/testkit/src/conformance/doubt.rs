//! Doubt: what a connector says when the answer does not come, and that nothing is done twice.

use bytes::Bytes;
use throughline_sdk::{CreateClass, ErrorKind, Intent, Operation, TookEffect, Visibility};

use super::answers::TRIES;
use super::bench::{Bench, PATIENCE};
use super::{Stop, Verdict, declared, ensure};
use crate::Fault;

pub(super) async fn lost(b: &Bench<'_>) -> Verdict {
    declared(b.comments())?;
    let ticket = b.raised().await;
    let intent = b.comment(&ticket, &b.name("Lost"), Visibility::Public);
    b.subject.transport.take();
    b.subject.transport.next_write(Fault::DropReply);
    let outcome = b.apply(&intent).await;
    let writes = b.writes();
    ensure(writes == 1, || format!("one intent sent {writes} writes"))?;
    let error = Bench::refusal("a write without an answer", outcome)?;
    Bench::expect("a write without an answer", &error, ErrorKind::Unavailable, TookEffect::Unknown)
}

/// A change whose answer is lost may have been made, and is not made again.
pub(super) async fn lost_change(b: &Bench<'_>) -> Verdict {
    declared(b.capabilities.update || b.capabilities.transition)?;
    let ticket = b.raised().await;
    let mut changes = Vec::new();
    if b.capabilities.update {
        changes.push(Operation::Update { changes: b.change("Lost") });
    }
    if b.capabilities.transition {
        changes.push(Operation::Transition { status: b.subject.next_status.clone() });
    }
    for operation in changes {
        let intent = b.intent(Some(&ticket), operation);
        b.subject.transport.take();
        b.subject.transport.next_write(Fault::DropReply);
        let outcome = b.apply(&intent).await;
        let writes = b.writes();
        ensure(writes == 1, || format!("one change sent {writes} writes"))?;
        let error = Bench::refusal("a change without an answer", outcome)?;
        Bench::expect("a change without an answer", &error, ErrorKind::Unavailable, TookEffect::Unknown)?;
    }
    Ok(())
}

/// Where the desk itself knows what it was sent already, the same again makes nothing new.
pub(super) async fn same_again(b: &Bench<'_>) -> Verdict {
    let known = |class: CreateClass| matches!(class, CreateClass::C0 | CreateClass::C1);
    let (title, body) = (b.name("Again"), b.name("Again"));
    let ticket = b.raised().await;
    let mut intents = Vec::new();
    if b.capabilities.create.is_some_and(known) {
        intents.push(b.create(&title, "text"));
    }
    if b.capabilities.comment.is_some_and(known) {
        intents.push(b.comment(&ticket, &body, Visibility::Public));
    }
    if b.capabilities.attach.is_some_and(known) {
        intents.push(b.attach(&ticket, "again.txt", &Bytes::from_static(b"again")));
    }
    declared(!intents.is_empty())?;
    for intent in &intents {
        let (first, second) = (b.apply(intent).await?.subject, b.apply(intent).await?.subject);
        ensure(first == second, || format!("the same again made {second:?} after {first:?}"))?;
    }
    let (tickets, held) = (b.subject.hand.titled(&title).await, b.subject.hand.truth(&ticket).await);
    ensure(tickets.len() < 2 && held.comments.len() < 2 && held.files.len() < 2, || {
        format!(
            "the desk holds {} tickets, {} comments, {} files",
            tickets.len(),
            held.comments.len(),
            held.files.len()
        )
    })
}

pub(super) async fn create_once(b: &Bench<'_>) -> Verdict {
    let class = b.capabilities.create.ok_or(Stop::NotDeclared)?;
    for fault in [Fault::DropReply, Fault::Hang] {
        let title = b.name("Once");
        let settled = doubtful(b, class, &b.create(&title, "text"), fault.clone()).await?;
        let held = b.subject.hand.titled(&title).await.len();
        once(held, settled, &fault)?;
    }
    Ok(())
}

pub(super) async fn comment_once(b: &Bench<'_>) -> Verdict {
    let class = b.capabilities.comment.ok_or(Stop::NotDeclared)?;
    for fault in [Fault::DropReply, Fault::Hang] {
        let (ticket, body) = (b.raised().await, b.name("Once"));
        let intent = b.comment(&ticket, &body, Visibility::Public);
        let settled = doubtful(b, class, &intent, fault.clone()).await?;
        let held = b.subject.hand.truth(&ticket).await.comments;
        once(held.iter().filter(|(held, _)| held.contains(&body)).count(), settled, &fault)?;
    }
    Ok(())
}

pub(super) async fn attach_once(b: &Bench<'_>) -> Verdict {
    let class = b.capabilities.attach.ok_or(Stop::NotDeclared)?;
    for fault in [Fault::DropReply, Fault::Hang] {
        let ticket = b.raised().await;
        let intent = b.attach(&ticket, "once.txt", &Bytes::from_static(b"once"));
        let settled = doubtful(b, class, &intent, fault.clone()).await?;
        once(b.subject.hand.truth(&ticket).await.files.len(), settled, &fault)?;
    }
    Ok(())
}

/// Loses the answer to a write, then goes through the protocol of its class; answers whether that settled it.
async fn doubtful(b: &Bench<'_>, class: CreateClass, intent: &Intent, fault: Fault) -> Verdict<bool> {
    b.subject.transport.take();
    b.subject.transport.next_write(fault);
    let outcome = b.apply(intent).await;
    b.subject.transport.take();
    // Where only a step was lost that nobody sees, a layer around the connector has sent it again; the count tells.
    let Err(error) = outcome else { return Ok(true) };
    if error.took_effect() == TookEffect::No {
        // Only a step that nobody sees was lost, or so it says: then it may be sent again, and the count tells.
        b.apply(intent).await?;
        return Ok(true);
    }
    Ok(b.settle(class, intent).await?.is_some())
}

/// Once where the protocol settled it; else as often as the one attempt reached the desk.
fn once(held: usize, settled: bool, fault: &Fault) -> Verdict {
    let holds = if settled { held == 1 } else { held <= 1 };
    ensure(holds, || format!("after {fault:?} the desk holds it {held} times"))
}

pub(super) async fn gateway(b: &Bench<'_>) -> Verdict {
    declared(b.comments())?;
    let ticket = b.raised().await;
    b.subject.transport.take();
    b.subject.transport.next_write(Fault::Unavailable);
    let outcome = b.apply(&b.comment(&ticket, &b.name("Gateway"), Visibility::Public)).await;
    let error = Bench::refusal("a write answered with 503", outcome)?;
    Bench::expect("a write answered with 503", &error, ErrorKind::Unavailable, TookEffect::Unknown)
}

pub(super) async fn truncated(b: &Bench<'_>) -> Verdict {
    let ticket = b.raised().await;
    b.subject.transport.take();
    // A lost connection may be tried again by a layer around the connector; an answer that was cut is not.
    let tries = if b.subject.dialled { TRIES } else { 1 };
    (0..tries).for_each(|_| b.subject.transport.next(Fault::Truncate));
    let error = Bench::refusal("reading a truncated ticket", b.fetch(&ticket).await)?;
    // A connection that ends early is known to have ended; only of an answer over HTTP a part can pass for the whole.
    let kind = if b.subject.dialled { ErrorKind::Unavailable } else { ErrorKind::Malformed };
    Bench::expect("reading a truncated ticket", &error, kind, TookEffect::No)?;
    if !b.creates() {
        return Ok(());
    }
    b.subject.transport.take();
    b.fetch(&ticket).await?;
    b.subject.transport.next_write(Fault::Truncate);
    let title = b.name("Truncated");
    match b.apply(&b.create(&title, "text")).await {
        // What it needed to know may have stood in the header fields, which were whole.
        Ok(effect) => {
            let read = b.fetch(&super::writing::made_ticket(effect)?).await?;
            ensure(read.title == title, || format!("it named another ticket: {:?}", read.title))
        }
        Err(error) => {
            let what = "a write with a truncated answer";
            Bench::expect(what, &error, kind, TookEffect::Unknown)
        }
    }
}

pub(super) async fn rate_limited(b: &Bench<'_>) -> Verdict {
    declared(b.comments() && !b.subject.dialled)?;
    let ticket = b.raised().await;
    b.subject.transport.take();
    b.subject.transport.next_write(Fault::RateLimit(17));
    let outcome = b.apply(&b.comment(&ticket, "too fast", Visibility::Public)).await;
    let error = Bench::refusal("a write answered with 429", outcome)?;
    Bench::expect("a write answered with 429", &error, ErrorKind::RateLimited, TookEffect::No)?;
    let wait = error.retry_after().map(|wait| wait.as_secs());
    ensure(wait == Some(17), || format!("Retry-After of 17 seconds was passed on as {wait:?}"))?;
    let held = b.subject.hand.truth(&ticket).await.comments.len();
    ensure(held == 0, || "the refused comment is there".to_owned())
}

pub(super) async fn deadline(b: &Bench<'_>) -> Verdict {
    let ticket = b.raised().await;
    b.subject.transport.take();
    b.subject.transport.next(Fault::Hang);
    let due = b.subject.clock.monotonic() + PATIENCE;
    let ctx = throughline_sdk::Ctx { deadline: due, ..b.ctx() };
    let outcome = b.subject.connector.fetch(&ctx, &ticket).await;
    let requests = b.subject.transport.take();
    let late = requests.iter().find(|request| request.deadline > due);
    ensure(late.is_none(), || "a request was allowed to take longer than its call".to_owned())?;
    let error = Bench::refusal("a call without an answer", outcome)?;
    Bench::expect("a call without an answer", &error, ErrorKind::Unavailable, TookEffect::No)
}
