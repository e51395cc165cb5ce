//! Against a real IMAP and SMTP server; run with `--ignored` and `THROUGHLINE_DESKS` naming a folder with
//! `mail/desk.env`.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test file of its own: the helpers below its tests count as tests too"
)]

#[expect(clippy::disallowed_methods, reason = "a test against real servers: real time, and where they are")]
mod desk;
#[path = "../conformance/hand.rs"]
mod hand;

use throughline_sdk::{
    ErrorKind, Intent, IntentId, Marker, NewTicket, Operation, Subject as Made, TookEffect, Visibility,
};
use throughline_testkit::conformance;

use crate::desk::Desk;
use crate::hand::Post;

fn intent(desk: &Desk, number: u8, operation: Operation) -> Intent {
    let mut hash = [number; 32];
    // A marker shows the first 130 bits, and the number of a run has 64 that matter.
    hash[1..9].copy_from_slice(&desk.run.to_be_bytes()[8..]);
    let marker = Marker::from_hash(&hash);
    Intent { id: IntentId::new(marker.as_str()), ticket: None, operation, marker, expected: None }
}

fn create(desk: &Desk, number: u8) -> Intent {
    let ticket = NewTicket {
        title: format!("Drucker {} brennt \u{1f525}", desk.run),
        description: "Seit 8 Uhr.\n.\nFrom here on: r\u{e4}tselhaft.".to_owned(),
        status: None,
        priority: None,
        kind: None,
        fields: Default::default(),
    };
    intent(desk, number, Operation::Create(ticket))
}

#[tokio::test]
#[ignore = "needs a real mail server"]
async fn the_connector_conforms() {
    let subject = Desk::new("open").subject();
    let report = conformance::run(&subject).await;
    report.assert();
}

#[tokio::test]
#[ignore = "needs a real mail server"]
async fn a_thread_goes_back_and_forth_under_tls() {
    let desk = Desk::new("starttls");
    let subject = desk.subject();
    let connector = &subject.connector;
    let start = connector.changes(&subject.ctx(), None).await.unwrap().next;
    let sent = create(&desk, 1);
    let Made::Ticket(id) = connector.apply(&subject.ctx(), &sent).await.unwrap().subject else { panic!() };
    let Operation::Create(new) = &sent.operation else { panic!() };
    let ticket = connector.fetch(&subject.ctx(), &id).await.unwrap();
    assert_eq!((&ticket.title, &ticket.description), (&new.title, &new.description));
    assert_eq!(ticket.marker.as_ref(), Some(&sent.marker));
    assert_eq!(connector.find(&subject.ctx(), &sent).await.unwrap().len(), 1);
    // The partner's program quotes all of it and answers what it got.
    let raw = desk.post.received().into_iter().find(|raw| String::from_utf8_lossy(raw).contains(id.as_str()));
    let raw = String::from_utf8(raw.unwrap()).unwrap();
    assert!(raw.contains("Return-path: <tickets@example.org>"), "{raw}");
    let answer = format!(
        "From: \"P\" <p@partner.example>\r\nMessage-ID: <{}@p>\r\nSubject: AW: [{}]\r\nReferences: <{id}>\r\n\
         \r\nGel\u{f6}scht.\r\n\r\nAm 1.1.2026 schrieb tickets@example.org:\r\n> -- Please\r\n> Seit 8 Uhr.\r\n",
        desk.run, ticket.key
    );
    desk.post.deliver(answer.into_bytes());
    let page = connector.changes(&subject.ctx(), Some(&start)).await.unwrap();
    assert!(page.hints.iter().any(|hint| hint.ticket == id), "{page:?}");
    let mut comment =
        intent(&desk, 2, Operation::Comment { body: "Danke.".to_owned(), visibility: Visibility::Public });
    comment.ticket = Some(id.clone());
    connector.apply(&subject.ctx(), &comment).await.unwrap();
    let comments = connector.fetch(&subject.ctx(), &id).await.unwrap().comments;
    let said: Vec<_> = comments.iter().map(|comment| comment.body.as_str()).collect();
    assert_eq!(said, ["Gel\u{f6}scht.", "Danke."]);
}

#[tokio::test]
#[ignore = "needs a real mail server"]
async fn a_refused_address_leaves_nothing_behind() {
    let desk = Desk::with("open", "nobody@nowhere.example");
    let subject = desk.subject();
    let sent = create(&desk, 3);
    let error = subject.connector.apply(&subject.ctx(), &sent).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No), "{error}");
    assert!(error.to_string().contains("nobody of that name"), "{error}");
    assert!(!desk.holds(sent.marker.as_str()));
}

#[tokio::test]
#[ignore = "needs a real mail server"]
async fn a_folder_that_is_not_there_is_a_wrong_setting() {
    let mut desk = Desk::new("open");
    desk.settings.values.insert("sent".to_owned(), "Nowhere".into());
    let subject = desk.subject();
    let error = subject.connector.probe(&subject.ctx()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured, "{error}");
}
