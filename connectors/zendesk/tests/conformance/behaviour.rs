//! What the suite cannot know of Zendesk: keys that end, placeholders, notes that are published, merges that are claimed.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use throughline_sdk::{
    Changes, Ctx, ErrorKind, FileId, Intent, IntentId, Marker, NewTicket, Operation, RemoteId,
    Subject as Made, TookEffect, Urgency, Visibility,
};
use throughline_testkit::MemoryBlobs;
use throughline_testkit::conformance::{Hand, Subject};

use crate::desk::{ADA, BOB, Desk};
use crate::subject::{Person, number, zendesk};

struct Bench {
    subject: Subject,
    desk: Desk,
    person: Person,
}

impl Bench {
    fn new() -> Self {
        let (subject, desk) = zendesk();
        Self { subject, person: Person(desk.clone()), desk }
    }

    fn ctx(&self) -> Ctx {
        let clock = Arc::clone(&self.subject.clock);
        Ctx {
            dial: Arc::new(throughline_sdk::NoDial),
            http: Arc::clone(&self.subject.http),
            deadline: clock.monotonic() + Duration::from_secs(20),
            clock,
            blobs: Arc::new(MemoryBlobs::default()),
            urgency: Urgency::default(),
            trace: [7; 16],
        }
    }

    async fn apply(&self, intent: &Intent) -> throughline_sdk::Result<throughline_sdk::Effect> {
        self.subject.connector.apply(&self.ctx(), intent).await
    }

    async fn fetch(&self, ticket: &RemoteId) -> throughline_sdk::Result<throughline_sdk::Ticket> {
        self.subject.connector.fetch(&self.ctx(), ticket).await
    }

    async fn pass(&self, seconds: u64) {
        self.subject.clock.sleep(Duration::from_secs(seconds)).await;
    }
}

fn intent(ticket: Option<&RemoteId>, operation: Operation) -> Intent {
    let marker = Marker::from_hash(&[9; 32]);
    Intent { id: IntentId::new("i"), ticket: ticket.cloned(), operation, marker, expected: None }
}

fn creating(title: &str) -> Intent {
    intent(
        None,
        Operation::Create(NewTicket {
            title: title.to_owned(),
            description: "text".to_owned(),
            status: None,
            priority: None,
            kind: None,
            fields: [].into(),
        }),
    )
}

fn saying(ticket: &RemoteId, body: &str, visibility: Visibility) -> Intent {
    intent(Some(ticket), Operation::Comment { body: body.to_owned(), visibility })
}

#[tokio::test]
async fn a_create_is_found_again_when_its_key_has_ended() {
    let bench = Bench::new();
    let first = bench.apply(&creating("once")).await.unwrap().subject;
    bench.pass(3 * 3600).await;
    assert_eq!(bench.apply(&creating("once")).await.unwrap().subject, first);
    assert_eq!(bench.desk.lock().tickets.len(), 1);
}

#[tokio::test]
async fn a_key_that_stands_for_another_body_leaves_the_create_in_doubt() {
    let bench = Bench::new();
    bench.apply(&creating("one wording")).await.unwrap();
    // The ticket does not show under its external id, as behind a list that lags.
    bench.desk.lock().tickets.values_mut().for_each(|ticket| ticket.external_id = json!("hidden"));
    let error = bench.apply(&creating("another wording")).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Unavailable, TookEffect::Unknown), "{error}");
    assert_eq!(bench.desk.lock().tickets.len(), 1);
    // Once it shows it is taken for what it is.
    let marker = json!(creating("x").marker.as_str());
    bench.desk.lock().tickets.values_mut().for_each(|ticket| ticket.external_id = marker.clone());
    bench.apply(&creating("another wording")).await.unwrap();
    assert_eq!(bench.desk.lock().tickets.len(), 1);
}

#[tokio::test]
async fn placeholders_of_strangers_are_not_filled_in() {
    let bench = Bench::new();
    let ticket = bench.person.create("{{dc.secret}}").await;
    bench.person.comment(&ticket, "for staff", true).await;
    for body in ["{{ticket.latest_comment}}", "{{{{ticket.latest_comment}}}}"] {
        bench.apply(&saying(&ticket, body, Visibility::Public)).await.unwrap();
        let read = bench.fetch(&ticket).await.unwrap();
        assert_eq!(read.comments.last().unwrap().body, body);
        let held = bench.person.truth(&ticket).await.comments;
        assert!(!held.last().unwrap().0.contains("staff"), "{held:?}");
    }
    let title = Some("{{dc.secret}} again".to_owned());
    let changes = Changes { title: title.clone(), ..Changes::default() };
    bench.apply(&intent(Some(&ticket), Operation::Update { changes })).await.unwrap();
    assert_eq!(Some(bench.fetch(&ticket).await.unwrap().title), title);
}

#[tokio::test]
async fn a_description_is_not_changed_and_an_unchanged_one_is_no_change() {
    let bench = Bench::new();
    let ticket = bench.person.create("x").await;
    let changing = |text: &str| {
        let changes = Changes { description: Some(text.to_owned()), ..Changes::default() };
        intent(Some(&ticket), Operation::Update { changes })
    };
    bench.apply(&changing("It is broken.")).await.unwrap();
    let error = bench.apply(&changing("It works.")).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No));
}

#[tokio::test]
async fn a_note_that_was_published_is_made_private_at_once() {
    let bench = Bench::new();
    let ticket = bench.person.create("x").await;
    bench.desk.lock().publishes = true;
    bench.apply(&saying(&ticket, "for staff", Visibility::Internal)).await.unwrap();
    assert_eq!(bench.person.truth(&ticket).await.comments, [("for staff".to_owned(), true)]);
}

#[tokio::test]
async fn a_comment_that_nobody_outside_sees_is_no_success() {
    let bench = Bench::new();
    let ticket = bench.person.create("x").await;
    bench.desk.lock().light = true;
    let error = bench.apply(&saying(&ticket, "for all", Visibility::Public)).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No), "{error}");
}

#[tokio::test]
async fn only_our_own_comments_are_blackened_and_what_is_black_is_not_read() {
    let bench = Bench::new();
    let ticket = bench.person.create("x").await;
    bench.person.comment(&ticket, "theirs", false).await;
    let Made::Comment(ours) =
        bench.apply(&saying(&ticket, "ours & <b>", Visibility::Public)).await.unwrap().subject
    else {
        panic!("no comment");
    };
    let theirs = bench.fetch(&ticket).await.unwrap().comments[0].id.clone();
    let error =
        bench.apply(&intent(Some(&ticket), Operation::Retract { comment: theirs })).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No));
    for _ in 0..2 {
        bench.apply(&intent(Some(&ticket), Operation::Retract { comment: ours.clone() })).await.unwrap();
    }
    let read = bench.fetch(&ticket).await.unwrap().comments;
    assert_eq!(read.iter().map(|comment| comment.body.as_str()).collect::<Vec<_>>(), ["theirs"]);
}

#[tokio::test]
async fn a_merge_is_believed_where_both_tickets_tell_of_it() {
    let bench = Bench::new();
    let (ticket, other) = (bench.person.create("x").await, bench.person.create("y").await);
    let closing = |words: String| {
        json!({
            "status": "closed", "tags": ["closed_by_merge"],
            "comment": { "html_body": words, "public": false },
        })
    };
    // The other one says nothing of it, or only its requester does.
    let claim = format!("Request #{} was closed and merged into this request.", number(&ticket));
    bench.person.write(number(&other), ADA, &json!({ "comment": { "html_body": claim, "public": true } }));
    bench.person.write(number(&ticket), BOB, &closing(format!("merged into #{}", number(&other))));
    let error = bench.fetch(&ticket).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Moved, "{error}");
}

#[tokio::test]
async fn tickets_of_many_pages_are_read_whole() {
    let bench = Bench::new();
    let ticket = bench.person.create("x").await;
    for at in 0..250 {
        bench.person.comment(&ticket, &format!("no. {at}"), at % 2 == 0).await;
    }
    bench.apply(&saying(&ticket, "ours", Visibility::Public)).await.unwrap();
    let read = bench.fetch(&ticket).await.unwrap();
    assert_eq!(read.comments.len(), 251);
    assert!(read.comments.last().unwrap().marker.is_some(), "the audit behind the first pages was read");
}

#[tokio::test]
async fn malware_is_not_carried_on() {
    let bench = Bench::new();
    let ticket = bench.person.create("x").await;
    bench.person.attach(&ticket, "a.exe", Bytes::from_static(b"x")).await;
    bench.desk.lock().files.values_mut().for_each(|file| file.malware = true);
    let file: FileId = bench.fetch(&ticket).await.unwrap().files[0].id.clone();
    let error = bench.subject.connector.download(&bench.ctx(), &ticket, &file, 10).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    assert_eq!(bench.desk.lock().stored, 0);
}

#[tokio::test]
async fn a_closed_ticket_refuses_in_zendesks_words() {
    let bench = Bench::new();
    let ticket = bench.person.create("x").await;
    bench.person.set_status(&ticket, "closed").await;
    let error = bench.apply(&saying(&ticket, "late", Visibility::Public)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    assert!(error.to_string().contains("closed prevents ticket update"), "{error}");
}
