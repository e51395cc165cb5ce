//! What is Partner Center's own: long lists that come short, and changes told by their names.

use std::time::Duration;

use throughline_sdk::{ErrorKind, Intent, IntentId, Marker, Operation, RemoteId, TookEffect, Visibility};

use crate::subject::partner_center;

fn say(number: u8, ticket: &RemoteId, body: &str) -> Intent {
    Intent {
        id: IntentId::new(format!("intent-{number}")),
        ticket: Some(ticket.clone()),
        operation: Operation::Comment { body: body.to_owned(), visibility: Visibility::Public },
        marker: Marker::from_hash(&[number; 32]),
        expected: None,
    }
}

#[tokio::test]
async fn a_list_that_comes_shorter_than_asked_for_is_read_whole() {
    let (_desk, subject) = partner_center(&[]);
    let old = subject.hand.create("Old").await;
    subject.clock.sleep(Duration::from_secs(3600)).await;
    let start = subject.connector.changes(&subject.ctx(), None).await.unwrap().next;
    for number in 0..120 {
        subject.hand.create(&format!("Request {number}")).await;
    }
    subject.hand.comment(&old, "Any news?", false).await;
    let page = subject.connector.changes(&subject.ctx(), Some(&start)).await.unwrap();
    assert_eq!((page.hints.len(), page.more), (121, false));
    let again = subject.connector.changes(&subject.ctx(), Some(&page.next)).await.unwrap();
    assert!(again.hints.is_empty());
    assert_eq!(again.next, page.next, "nothing happened, and the cursor stays");
}

#[tokio::test]
async fn a_note_sent_again_is_one_note_by_its_name_and_by_its_marker() {
    let (desk, subject) = partner_center(&[]);
    let ticket = subject.hand.create("Twice").await;
    let intent = say(1, &ticket, "Is anybody there?");
    for _ in 0..2 {
        subject.connector.apply(&subject.ctx(), &intent).await.unwrap();
    }
    assert_eq!(desk.state().requests[ticket.as_str()].notes.len(), 1);
    assert_eq!(subject.connector.find(&subject.ctx(), &intent).await.unwrap().len(), 1);
    let comments = subject.connector.fetch(&subject.ctx(), &ticket).await.unwrap().comments;
    assert_eq!((comments[0].body.as_str(), &comments[0].marker), ("Is anybody there?", &Some(intent.marker)));
}

#[tokio::test]
async fn an_internal_note_is_refused_unsent() {
    let (_desk, subject) = partner_center(&[]);
    let ticket = subject.hand.create("Internal").await;
    let mut intent = say(2, &ticket, "between us");
    if let Operation::Comment { visibility, .. } = &mut intent.operation {
        *visibility = Visibility::Internal;
    }
    subject.transport.take();
    let error = subject.connector.apply(&subject.ctx(), &intent).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Unsupported, TookEffect::No));
    assert!(subject.transport.take().is_empty());
}

#[tokio::test]
async fn a_login_that_ended_asks_for_a_person() {
    let (desk, subject) = partner_center(&[]);
    desk.state().ended = true;
    let error = subject.connector.probe(&subject.ctx()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    assert!(error.to_string().contains("log in again"), "{error}");
}
