//! Answers other than success: each status has its kind, its class follows, and whether it took effect is told.

use throughline_sdk::{Error, ErrorKind, RemoteId, TookEffect, Visibility};

use super::bench::Bench;
use super::{Verdict, declared, ensure};
use crate::Fault;

/// What a status may be read as. A desk's own exceptions are allowed where they keep the promise of the common
/// table: a ticket that is forbidden may just as well be gone, with the credentials still good.
const KINDS: &[(u16, &[ErrorKind])] = &[
    (400, &[ErrorKind::Rejected]),
    (403, &[ErrorKind::Forbidden, ErrorKind::NotFound]),
    (404, &[ErrorKind::NotFound]),
    (408, &[ErrorKind::Unavailable]),
    (409, &[ErrorKind::Conflict]),
    (410, &[ErrorKind::NotFound]),
    (412, &[ErrorKind::Conflict]),
    (422, &[ErrorKind::Rejected]),
    (423, &[ErrorKind::Unavailable]),
    (429, &[ErrorKind::RateLimited]),
    (500, &[ErrorKind::Unavailable]),
    (502, &[ErrorKind::Unavailable]),
    (503, &[ErrorKind::Unavailable]),
    (504, &[ErrorKind::Unavailable]),
];

/// More than a layer around the connector tries again, where that cannot do a thing twice.
pub(super) const TRIES: usize = 8;

pub(super) async fn to_a_read(b: &Bench<'_>) -> Verdict {
    declared(!b.subject.dialled)?;
    let ticket = b.raised().await;
    for (status, kinds) in KINDS {
        b.subject.transport.take();
        (0..TRIES).for_each(|_| b.subject.transport.next(Fault::Answer(*status)));
        let error = Bench::refusal(&format!("reading, answered {status}"), b.fetch(&ticket).await)?;
        holds(*status, &error, kinds, TookEffect::No)?;
        answers_again(b, &ticket).await?;
    }
    Ok(())
}

pub(super) async fn to_a_write(b: &Bench<'_>) -> Verdict {
    declared(b.comments() && !b.subject.dialled)?;
    let ticket = b.raised().await;
    for (status, kinds) in KINDS {
        b.subject.transport.take();
        (0..TRIES).for_each(|_| b.subject.transport.next_write(Fault::Answer(*status)));
        let comment = b.comment(&ticket, &b.name("Answered"), Visibility::Public);
        let error = Bench::refusal(&format!("a write answered {status}"), b.apply(&comment).await)?;
        let doubtful = matches!(status, 408 | 500..);
        holds(*status, &error, kinds, if doubtful { TookEffect::Unknown } else { TookEffect::No })?;
        answers_again(b, &ticket).await?;
    }
    Ok(())
}

/// A good answer in between, or a layer around the connector takes the desk for dead.
async fn answers_again(b: &Bench<'_>, ticket: &RemoteId) -> Verdict {
    b.subject.transport.take();
    b.fetch(ticket).await.map(drop).map_err(Into::into)
}

fn holds(status: u16, error: &Error, kinds: &[ErrorKind], effect: TookEffect) -> Verdict {
    ensure(kinds.contains(&error.kind()) && error.took_effect() == effect, || {
        format!(
            "{status} is to be one of {kinds:?}, effect {effect:?}; it is {:?}, effect {:?}: {error}",
            error.kind(),
            error.took_effect()
        )
    })
}

/// An answer that is cut off for its size is refused, and of a write it says that it may have been carried out.
pub(super) async fn oversized(b: &Bench<'_>) -> Verdict {
    declared(!b.subject.dialled)?;
    let ticket = b.raised().await;
    b.subject.transport.take();
    b.subject.transport.next(Fault::Oversize);
    let error = Bench::refusal("reading a ticket that is too large", b.fetch(&ticket).await)?;
    Bench::expect("reading a ticket that is too large", &error, ErrorKind::Rejected, TookEffect::No)?;
    if !b.comments() {
        return Ok(());
    }
    b.subject.transport.next_write(Fault::Oversize);
    let comment = b.comment(&ticket, &b.name("Large"), Visibility::Public);
    let error = Bench::refusal("a write whose answer is too large", b.apply(&comment).await)?;
    ensure(error.took_effect() == TookEffect::Unknown, || {
        format!("a write whose answer is too large has effect {:?}: {error}", error.took_effect())
    })
}
