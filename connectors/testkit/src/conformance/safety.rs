//! Safety: credentials, secrets, what is private, and where requests go.

use throughline_sdk::{ErrorKind, Linking, Operation, Reference, TookEffect, Visibility};
use url::Url;

use super::answers::TRIES;
use super::bench::Bench;
use super::{Verdict, declared, ensure};
use crate::Fault;

pub(super) async fn credentials(b: &Bench<'_>) -> Verdict {
    let ticket = b.raised().await;
    b.subject.transport.take();
    // A connector may take one refusal for the end of its session and log in anew.
    (0..TRIES).for_each(|_| b.subject.transport.next(Fault::WrongCredentials));
    let error = Bench::refusal("reading with wrong credentials", b.fetch(&ticket).await)?;
    Bench::expect("reading with wrong credentials", &error, ErrorKind::Unauthenticated, TookEffect::No)
}

pub(super) async fn secrets(b: &Bench<'_>) -> Verdict {
    let mut shown = format!("{:?}", b.subject.connector);
    let ticket = b.raised().await;
    for fault in [Fault::WrongCredentials, Fault::DropReply, Fault::Truncate, Fault::RateLimit(1)] {
        b.subject.transport.take();
        b.subject.transport.next_write(fault);
        let outcome = b.apply(&b.comment(&ticket, "text", Visibility::Public)).await;
        if let Err(error) = outcome {
            shown.push_str(&format!("{error} {error:?}"));
        }
    }
    let leaked = b.subject.secrets.iter().filter(|secret| shown.contains(secret.as_str())).count();
    ensure(leaked == 0, || format!("{leaked} secrets stand in a debug output or an error"))
}

/// What staff say to one another is read, and nothing that is written afterwards carries it.
pub(super) async fn private(b: &Bench<'_>) -> Verdict {
    declared(b.capabilities.internal_comments)?;
    let (ticket, canary) = (b.raised().await, b.name("Canary"));
    b.subject.hand.comment(&ticket, &canary, true).await;
    b.fetch(&ticket).await?;
    b.subject.transport.take();
    let mut intents = vec![b.comment(&ticket, &b.name("Said to all"), Visibility::Public)];
    if b.capabilities.update {
        let changes = b.change("Changed");
        intents.push(b.intent(Some(&ticket), Operation::Update { changes }));
    }
    if b.capabilities.transition {
        intents
            .push(b.intent(Some(&ticket), Operation::Transition { status: b.subject.next_status.clone() }));
    }
    if b.capabilities.link_back != Linking::None {
        let mut link = Reference::new("TL-8", Some("https://desk.example/8".to_owned()));
        link.summary = b.capabilities.link_back.summarizes().then(|| "Open".to_owned());
        intents.push(b.intent(Some(&ticket), Operation::LinkBack(link)));
    }
    if b.capabilities.attach.is_some() {
        intents.push(b.attach(&ticket, "public.txt", &bytes::Bytes::from_static(b"for all")));
    }
    for intent in &intents {
        b.apply(intent).await?;
    }
    let told = b.subject.transport.take().into_iter().find(|request| {
        let holds = |bytes: &[u8]| bytes.windows(canary.len()).any(|window| window == canary.as_bytes());
        !request.is_safe()
            && (holds(&request.body) || request.headers.values().any(|value| holds(value.as_bytes())))
    });
    ensure(told.is_none(), || "a write carries what staff said to one another".to_owned())
}

/// Of all the cases before: no request was for anybody but the desk and the further hosts it named.
pub(super) async fn confined(b: &Bench<'_>) -> Verdict {
    // One request at least, if this case runs alone.
    b.subject.connector.probe(&b.ctx()).await?;
    let (own, further) = (b.subject.address.origin(), &b.subject.further);
    let strange = |asked: &Url| asked.origin() != own && !further.iter().any(|host| host.admits(asked));
    let strangers: Vec<String> = b
        .origins()
        .iter()
        .filter(|asked| strange(asked))
        .map(|asked| asked.origin().ascii_serialization())
        .collect();
    ensure(strangers.is_empty(), || {
        format!("the desk is at {}, and requests were for {strangers:?}", own.ascii_serialization())
    })
}

/// Of all the cases before: the log holds neither a secret nor what was said.
#[expect(clippy::unused_async, reason = "a case is a future")]
pub(super) async fn quiet(b: &Bench<'_>) -> Verdict {
    let log = b.log.text();
    let secrets = b.subject.secrets.iter().filter(|secret| log.contains(secret.as_str())).count();
    ensure(secrets == 0, || format!("{secrets} secrets stand in the log"))?;
    let said = b.said().into_iter().find(|text| log.contains(text));
    ensure(said.is_none(), || format!("the log quotes {:?}", said.unwrap_or_default()))
}
