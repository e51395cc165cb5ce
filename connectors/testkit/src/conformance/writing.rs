//! Writing: what is written is what the desk holds, and what it did not do is no success.

use bytes::Bytes;
use throughline_sdk::{
    Changes, Class, CommentId, ConditionalWrite, CreateClass, Effect, ErrorKind, Linking, Operation,
    Reference, RemoteId, Subject as Made, TookEffect, Version, Visibility,
};

use super::bench::Bench;
use super::{Stop, Verdict, declared, ensure};

/// Text that breaks careless escaping, cutting and counting. In canonical form, which is what connectors are given.
const AWKWARD: &str = "Umlaute \u{e4}\u{f6}\u{fc}, \u{65e5}\u{672c}\u{8a9e}, \u{1f680}, \"quotes\" & 'more', \
                       \\<b>no markup\\</b> \\&amp; \\ %20 {x}";

pub(super) async fn create(b: &Bench<'_>) -> Verdict {
    let title = b.name("Gr\u{fc}\u{df}e \"\u{1f680}\" <i>&amp;</i>");
    // As long as five thousand characters, and with room for the other lines where the desk takes less.
    let words = (b.subject.longest_description.saturating_sub(400) / 5).min(1000);
    let description = format!("{AWKWARD}\n\n\u{a0}\u{a0}indented\n{}\nend", "long ".repeat(words).trim_end());
    let intent = b.create(&title, &description);
    if !b.creates() {
        return b.unsupported(&intent).await;
    }
    let ticket = made_ticket(b.apply(&intent).await?)?;
    let read = b.fetch(&ticket).await?;
    ensure(read.title == title, || format!("the title reads as {:?}", read.title))?;
    ensure(read.description == description, || format!("the description reads as {:?}", read.description))
}

pub(super) async fn marked(b: &Bench<'_>) -> Verdict {
    let class = b.capabilities.create.ok_or(Stop::NotDeclared)?;
    declared(class != CreateClass::C4)?;
    let intent = b.create(&b.name("Marked"), "text");
    let ticket = made_ticket(b.apply(&intent).await?)?;
    if let CreateClass::C3 { lag } = class {
        b.subject.clock.sleep(lag).await;
    }
    let found = b.subject.connector.find(&b.ctx(), &intent).await?;
    ensure(found.len() == 1 && found.iter().all(|found| found.ticket == ticket), || {
        format!("ticket {ticket} is not the one thing found: {found:?}")
    })?;
    let marker = b.fetch(&ticket).await?.marker;
    ensure(marker.as_ref() == Some(&intent.marker), || format!("the ticket's marker reads as {marker:?}"))?;
    let unsent = b.create(&b.name("Never sent"), "text");
    let found = b.subject.connector.find(&b.ctx(), &unsent).await?;
    ensure(found.is_empty(), || format!("what was never sent is found: {found:?}"))
}

/// Comments and files too, where a doubt about them is settled by looking.
pub(super) async fn parts_marked(b: &Bench<'_>) -> Verdict {
    let ticket = b.raised().await;
    let mut parts = Vec::new();
    if let Some(class) = b.capabilities.comment {
        parts.push((class, b.comment(&ticket, &b.name("Marked"), Visibility::Public)));
    }
    if let Some(class) = b.capabilities.attach {
        parts.push((class, b.attach(&ticket, "marked.txt", &Bytes::from_static(b"marked"))));
    }
    let looked_for = |class: &CreateClass| matches!(class, CreateClass::C2 | CreateClass::C3 { .. });
    parts.retain(|(class, _)| looked_for(class));
    declared(!parts.is_empty())?;
    for (class, intent) in parts {
        let made = b.apply(&intent).await?.subject;
        if let CreateClass::C3 { lag } = class {
            b.subject.clock.sleep(lag).await;
        }
        let found = b.subject.connector.find(&b.ctx(), &intent).await?;
        ensure(
            found.len() == 1 && found.iter().all(|found| found.subject == made && found.ticket == ticket),
            || format!("{made:?} of ticket {ticket} is not the one thing found: {found:?}"),
        )?;
    }
    Ok(())
}

/// Set in the write and never left to the desk's default, so that what nobody decided is not written.
pub(super) async fn undecided(b: &Bench<'_>) -> Verdict {
    let ticket = b.raised().await;
    let mut intents = vec![b.comment(&ticket, &b.name("For whom"), Visibility::Unknown)];
    if b.capabilities.attach.is_some() {
        let mut attach = b.attach(&ticket, "whose.txt", &Bytes::from_static(b"whose"));
        if let Operation::Attach { visibility, .. } = &mut attach.operation {
            *visibility = Visibility::Unknown;
        }
        intents.push(attach);
    }
    for intent in intents {
        let error = Bench::refusal("what nobody said for whom it is", b.apply(&intent).await)?;
        ensure(error.class() == Class::Park && error.took_effect() == TookEffect::No, || {
            format!("what nobody said for whom it is: {:?}, {error}", error.kind())
        })?;
    }
    let held = b.subject.hand.truth(&ticket).await;
    ensure(held.comments.is_empty() && held.files.is_empty(), || format!("the desk holds {held:?}"))
}

pub(super) async fn comments(b: &Bench<'_>) -> Verdict {
    let ticket = b.raised().await;
    let mut kinds = vec![Visibility::Public];
    if b.capabilities.internal_comments {
        kinds.push(Visibility::Internal);
    }
    for visibility in kinds {
        let body = format!("{} {AWKWARD}\n\nsecond paragraph", b.name("Said"));
        let comment = b.comment(&ticket, &body, visibility);
        if !b.comments() {
            return b.unsupported(&comment).await;
        }
        let id = made_comment(b.apply(&comment).await?)?;
        let read = b.fetch(&ticket).await?.comments.into_iter().find(|comment| comment.id == id);
        let read = read.ok_or_else(|| Stop::Failed("the comment is not listed".to_owned()))?;
        ensure(read.body == body, || format!("the comment reads as {:?}", read.body))?;
        ensure(read.visibility == visibility, || {
            format!("a comment written as {visibility:?} reads as {:?}", read.visibility)
        })?;
        let internal = visibility == Visibility::Internal;
        let held = b.subject.hand.truth(&ticket).await.comments;
        ensure(held.last().is_some_and(|(_, held)| *held == internal), || {
            format!("a comment written as {visibility:?} is held as {held:?}")
        })?;
    }
    Ok(())
}

pub(super) async fn edit(b: &Bench<'_>) -> Verdict {
    let ticket = b.raised().await;
    let id = said(b, &ticket, "first").await?;
    let edit = b.intent(Some(&ticket), Operation::Edit { comment: id.clone(), body: "second".to_owned() });
    if !b.capabilities.edit {
        return b.unsupported(&edit).await;
    }
    b.apply(&edit).await?;
    let comments = b.fetch(&ticket).await?.comments;
    let kept = comments.iter().any(|comment| comment.id == id && comment.body == "second");
    ensure(kept && comments.len() == 1, || format!("the comments read as {comments:?}"))
}

pub(super) async fn retract(b: &Bench<'_>) -> Verdict {
    let ticket = b.raised().await;
    let id = said(b, &ticket, "not meant").await?;
    let retract = b.intent(Some(&ticket), Operation::Retract { comment: id });
    if !b.capabilities.retract {
        return b.unsupported(&retract).await;
    }
    b.apply(&retract).await?;
    let left = b.subject.hand.truth(&ticket).await.comments;
    let legible = left.iter().any(|(body, _)| body.contains("not meant"));
    ensure(!legible, || "the comment is still legible".to_owned())
}

pub(super) async fn link(b: &Bench<'_>) -> Verdict {
    const LABEL: &str = "TL-7";
    const ADDRESS: &str = "https://desk.example/7";
    let ticket = b.raised().await;
    let reference = Reference::new(LABEL, Some(ADDRESS.to_owned()));
    let link = b.intent(Some(&ticket), Operation::LinkBack(reference.clone()));
    if b.capabilities.link_back == Linking::None {
        return b.unsupported(&link).await;
    }
    if !b.capabilities.link_back.summarizes() {
        let summary = Some("Open".to_owned());
        let told = b.intent(Some(&ticket), Operation::LinkBack(Reference { summary, ..reference }));
        b.unsupported(&told).await?;
    }
    b.apply(&link).await?;
    let read = b.fetch(&ticket).await?.references;
    let kept = read.iter().any(|link| link.label == LABEL || link.url.as_deref() == Some(ADDRESS));
    ensure(kept, || format!("the references read as {read:?}"))
}

pub(super) async fn attach(b: &Bench<'_>) -> Verdict {
    declared(b.capabilities.attach.is_some())?;
    let ticket = b.raised().await;
    for (name, size) in [("leer.txt", 0), ("one.dat", 1), ("\u{dc}bersicht \u{1f4ce}.dat", 300 * 1024)] {
        let bytes: Bytes = (0..=255).cycle().take(size).collect();
        let outcome = b.apply(&b.attach(&ticket, name, &bytes)).await;
        // Some desks take no empty file; saying so is all that can be asked.
        if let (0, Err(error)) = (size, &outcome) {
            Bench::expect("an empty file", error, ErrorKind::Rejected, TookEffect::No)?;
            continue;
        }
        let Made::File(id) = outcome?.subject else {
            return Err(Stop::Failed("what was made is no file".to_owned()));
        };
        let held = b.subject.hand.truth(&ticket).await.files;
        ensure(held.iter().any(|(held, is, internal)| held == name && *is == bytes && !internal), || {
            format!("the desk does not hold {name:?} of {size} bytes as it was sent, for all to read")
        })?;
        if b.subject.reads_files {
            let read = b.subject.connector.download(&b.ctx(), &ticket, &id, 1024 * 1024).await?;
            ensure(read == bytes, || format!("{name:?} of {size} bytes reads differently"))?;
        }
    }
    Ok(())
}

pub(super) async fn update(b: &Bench<'_>) -> Verdict {
    declared(b.capabilities.update)?;
    let ticket = b.raised().await;
    let all = b.subject.changes.clone();
    let none = Changes::default;
    let mut single = vec![
        Changes { title: all.title.clone(), ..none() },
        Changes { description: all.description.clone(), ..none() },
        Changes { priority: all.priority.clone(), ..none() },
        Changes { kind: all.kind.clone(), ..none() },
    ];
    let one = |(name, value): (&String, &String)| [(name.clone(), value.clone())].into_iter().collect();
    single.extend(all.fields.iter().map(one).map(|fields| Changes { fields, ..none() }));
    for changes in single.into_iter().filter(|changes| *changes != none()) {
        b.apply(&b.intent(Some(&ticket), Operation::Update { changes })).await?;
    }
    let read = b.fetch(&ticket).await?;
    ensure(all.title.is_none_or(|title| title == read.title), || format!("title: {:?}", read.title))?;
    let described = all.description.is_none_or(|description| description == read.description);
    ensure(described, || format!("description: {:?}", read.description))?;
    ensure(all.priority.is_none() || all.priority == read.priority, || {
        format!("priority: {:?}", read.priority)
    })?;
    ensure(all.kind.is_none() || all.kind == read.kind, || format!("type: {:?}", read.kind))?;
    ensure(all.fields.iter().all(|(name, value)| read.fields.get(name) == Some(value)), || {
        format!("fields: {:?}", read.fields)
    })
}

pub(super) async fn transition(b: &Bench<'_>) -> Verdict {
    declared(b.capabilities.transition)?;
    let (ticket, status) = (b.raised().await, b.subject.next_status.clone());
    b.apply(&b.intent(Some(&ticket), Operation::Transition { status: status.clone() })).await?;
    let held = b.subject.hand.truth(&ticket).await.status;
    ensure(held == status, || format!("the desk holds status {held:?} instead of {status:?}"))
}

pub(super) async fn refused(b: &Bench<'_>) -> Verdict {
    declared(b.capabilities.transition)?;
    let ticket = b.raised().await;
    let status = b.subject.hand.refuse(&ticket).await.ok_or(Stop::NotDeclared)?;
    let outcome = b.apply(&b.intent(Some(&ticket), Operation::Transition { status })).await;
    let error = Bench::refusal("a refused transition", outcome)?;
    Bench::expect("a refused transition", &error, ErrorKind::Rejected, TookEffect::No)
}

pub(super) async fn ignored(b: &Bench<'_>) -> Verdict {
    declared(b.capabilities.update)?;
    let ticket = b.raised().await;
    declared(b.subject.hand.ignore_updates(true).await)?;
    let changes = b.change("Ignored");
    let outcome = b.apply(&b.intent(Some(&ticket), Operation::Update { changes })).await;
    b.subject.hand.ignore_updates(false).await;
    let error = Bench::refusal("a write that the desk did not do", outcome)?;
    Bench::expect("a write that the desk did not do", &error, ErrorKind::Rejected, TookEffect::No)
}

pub(super) async fn stale(b: &Bench<'_>) -> Verdict {
    declared(b.capabilities.conditional_write != ConditionalWrite::None)?;
    let ticket = b.raised().await;
    let version: Option<Version> = b.fetch(&ticket).await?.version;
    ensure(version.is_some(), || "conditional writes are declared and the ticket has no version".to_owned())?;
    let status = b.subject.next_status.clone();
    b.subject.hand.set_status(&ticket, &status).await;
    let mut late = Vec::new();
    if b.capabilities.update {
        let changes = b.change("Too late");
        late.push(Operation::Update { changes });
    }
    if b.capabilities.transition {
        late.push(Operation::Transition { status });
    }
    for operation in late {
        let mut intent = b.intent(Some(&ticket), operation);
        intent.expected.clone_from(&version);
        let error = Bench::refusal("a write on a stale version", b.apply(&intent).await)?;
        Bench::expect("a write on a stale version", &error, ErrorKind::Conflict, TookEffect::No)?;
    }
    Ok(())
}

/// A comment of ours, or the name of one where none can be written.
async fn said(b: &Bench<'_>, ticket: &RemoteId, body: &str) -> Verdict<CommentId> {
    if !b.comments() {
        return Ok(CommentId::new("1"));
    }
    made_comment(b.apply(&b.comment(ticket, body, Visibility::Public)).await?)
}

pub(super) fn made_ticket(effect: Effect) -> Verdict<RemoteId> {
    match effect.subject {
        Made::Ticket(id) => Ok(id),
        other @ (Made::Comment(_) | Made::File(_)) => Err(Stop::Failed(format!("created {other:?}"))),
    }
}

fn made_comment(effect: Effect) -> Verdict<CommentId> {
    match effect.subject {
        Made::Comment(id) => Ok(id),
        other @ (Made::Ticket(_) | Made::File(_)) => Err(Stop::Failed(format!("commented {other:?}"))),
    }
}
