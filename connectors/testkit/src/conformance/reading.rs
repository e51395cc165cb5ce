//! Reading: identity, words, tickets, visibility, files.

use bytes::Bytes;
use throughline_sdk::{Class, ErrorKind, RemoteId, TookEffect, Visibility};

use super::bench::Bench;
use super::{Stop, Verdict, declared, ensure};

pub(super) async fn probe(b: &Bench<'_>) -> Verdict {
    let identity = b.subject.connector.probe(&b.ctx()).await?;
    ensure(!identity.account.is_empty(), || "the account has no name".to_owned())
}

pub(super) async fn describe(b: &Bench<'_>) -> Verdict {
    let ticket = b.fetch(&b.raised().await).await?;
    let words = b.subject.connector.describe(&b.ctx()).await?;
    let listed = |list: &[throughline_sdk::Choice], word: &str| list.iter().any(|choice| choice.word == word);
    ensure(listed(&words.statuses, &ticket.status), || format!("status {:?} is not listed", ticket.status))?;
    if let Some(priority) = &ticket.priority {
        ensure(listed(&words.priorities, priority), || format!("priority {priority:?} is not listed"))?;
    }
    match &ticket.kind {
        Some(kind) => ensure(listed(&words.kinds, kind), || format!("type {kind:?} is not listed")),
        None => Ok(()),
    }
}

pub(super) async fn missing(b: &Bench<'_>) -> Verdict {
    let error = Bench::refusal("reading a missing ticket", b.fetch(&RemoteId::new("987654321")).await)?;
    Bench::expect("reading a missing ticket", &error, ErrorKind::NotFound, TookEffect::No)
}

pub(super) async fn deleted(b: &Bench<'_>) -> Verdict {
    let ticket = b.raised().await;
    b.fetch(&ticket).await?;
    declared(b.subject.hand.delete(&ticket).await)?;
    let error = Bench::refusal("reading a deleted ticket", b.fetch(&ticket).await)?;
    Bench::expect("reading a deleted ticket", &error, ErrorKind::NotFound, TookEffect::No)
}

/// Or the desk says that it is not there any more; never that it is still the one that was asked for.
pub(super) async fn merged(b: &Bench<'_>) -> Verdict {
    let (ticket, into) = (b.raised().await, b.raised().await);
    declared(b.subject.hand.merge(&ticket, &into).await)?;
    match b.fetch(&ticket).await {
        Ok(read) => ensure(read.id == into, || format!("{ticket}, merged into {into}, reads as {}", read.id)),
        Err(error) => {
            ensure(error.class() == Class::Changed && error.took_effect() == TookEffect::No, || {
                format!("reading a merged ticket: {:?}, {error}", error.kind())
            })
        }
    }
}

/// A change is told from no change by version and time.
pub(super) async fn changed(b: &Bench<'_>) -> Verdict {
    let ticket = b.raised().await;
    let before = b.fetch(&ticket).await?;
    ensure(before.created <= before.updated, || {
        format!("it was raised at {} and last changed at {}", before.created, before.updated)
    })?;
    let same = b.fetch(&ticket).await?;
    ensure(same.version == before.version, || "its version changes by reading".to_owned())?;
    b.subject.hand.set_status(&ticket, &b.subject.next_status.clone()).await;
    let after = b.fetch(&ticket).await?;
    ensure(before.version.is_none() || after.version != before.version, || {
        format!("its version is still {:?}", after.version)
    })?;
    ensure(after.updated >= before.updated && after.created == before.created, || {
        format!("it went from {} to {}, raised {}", before.updated, after.updated, after.created)
    })?;
    ensure(after.status == b.subject.next_status.clone(), || {
        format!("its status reads as {:?}", after.status)
    })
}

pub(super) async fn internal(b: &Bench<'_>) -> Verdict {
    declared(b.capabilities.internal_comments)?;
    let ticket = b.raised().await;
    b.subject.hand.comment(&ticket, "for everybody", false).await;
    b.subject.hand.comment(&ticket, "for staff", true).await;
    let comments = b.fetch(&ticket).await?.comments;
    for (body, expected) in [("for everybody", Visibility::Public), ("for staff", Visibility::Internal)] {
        let read =
            comments.iter().find(|comment| comment.body.contains(body)).map(|comment| comment.visibility);
        ensure(read == Some(expected), || format!("the comment {body:?} reads as {read:?}"))?;
    }
    Ok(())
}

pub(super) async fn unknown(b: &Bench<'_>) -> Verdict {
    let ticket = b.raised().await;
    b.subject.hand.comment(&ticket, "for whom?", true).await;
    declared(b.subject.hand.hide_visibility(true).await)?;
    let read = b.fetch(&ticket).await;
    b.subject.hand.hide_visibility(false).await;
    let public = read?.comments.iter().any(|comment| comment.visibility == Visibility::Public);
    ensure(!public, || "a comment whose visibility the desk did not tell reads as public".to_owned())
}

pub(super) async fn file(b: &Bench<'_>) -> Verdict {
    declared(b.capabilities.attach.is_some() && b.subject.reads_files)?;
    let (ticket, bytes) = (b.raised().await, Bytes::from_static(b"\x00\xff\r\nend"));
    b.subject.hand.attach(&ticket, "R\u{fc}ckmeldung \u{1f4ce}.bin", bytes.clone()).await;
    let file = b.fetch(&ticket).await?.files.into_iter().next();
    let file = file.ok_or_else(|| Stop::Failed("the file is not listed".to_owned()))?;
    ensure(file.name == "R\u{fc}ckmeldung \u{1f4ce}.bin", || format!("its name reads as {:?}", file.name))?;
    let read = b.subject.connector.download(&b.ctx(), &ticket, &file.id, 1024).await?;
    ensure(read == bytes, || format!("{} bytes were read as {}", bytes.len(), read.len()))
}

pub(super) async fn too_large(b: &Bench<'_>) -> Verdict {
    declared(b.capabilities.attach.is_some() && b.subject.reads_files)?;
    let ticket = b.raised().await;
    b.subject.hand.attach(&ticket, "large.bin", Bytes::from(vec![1; 4096])).await;
    let file = b.fetch(&ticket).await?.files.into_iter().next();
    let file = file.ok_or_else(|| Stop::Failed("the file is not listed".to_owned()))?;
    let outcome = b.subject.connector.download(&b.ctx(), &ticket, &file.id, 1000).await;
    let error = Bench::refusal("reading past the limit", outcome)?;
    Bench::expect("reading past the limit", &error, ErrorKind::Rejected, TookEffect::No)
}
