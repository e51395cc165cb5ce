//! What the suite cannot know of Zammad: attributes that are not there, notes too old to delete, articles that come out
//! otherwise, maintenance.

use std::time::Duration;

use serde_json::json;
use throughline_sdk::{
    Changes, CommentId, Ctx, Effect, ErrorKind, Intent, IntentId, Marker, NewTicket, Operation, RemoteId,
    Result, Subject as Made, Ticket, TookEffect, Visibility,
};
use throughline_testkit::conformance::{Hand, Subject};

use crate::desk::{ADA, Desk};
use crate::subject::{Person, number, zammad};

struct Bench {
    subject: Subject,
    desk: Desk,
    person: Person,
}

impl Bench {
    fn new() -> Self {
        let (subject, desk) = zammad();
        Self { subject, person: Person(desk.clone()), desk }
    }

    fn ctx(&self) -> Ctx {
        self.subject.ctx()
    }

    async fn apply(&self, intent: &Intent) -> Result<Effect> {
        self.subject.connector.apply(&self.ctx(), intent).await
    }

    async fn fetch(&self, ticket: &RemoteId) -> Result<Ticket> {
        self.subject.connector.fetch(&self.ctx(), ticket).await
    }

    async fn said(&self, ticket: &RemoteId) -> CommentId {
        match self.apply(&saying(ticket, Visibility::Public)).await.unwrap().subject {
            Made::Comment(id) => id,
            other @ (Made::Ticket(_) | Made::File(_)) => panic!("{other:?}"),
        }
    }
}

fn intent(ticket: Option<&RemoteId>, operation: Operation) -> Intent {
    let marker = Marker::from_hash(&[9; 32]);
    Intent { id: IntentId::new("i"), ticket: ticket.cloned(), operation, marker, expected: None }
}

fn creating(fields: &[(&str, &str)]) -> Intent {
    let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let new = NewTicket {
        title: "Printer".to_owned(),
        description: String::new(),
        status: None,
        priority: None,
        kind: None,
        fields,
    };
    intent(None, Operation::Create(new))
}

fn setting(ticket: &RemoteId, name: &str, value: &str) -> Intent {
    let fields = [(name.to_owned(), value.to_owned())].into();
    intent(Some(ticket), Operation::Update { changes: Changes { fields, ..Changes::default() } })
}

fn saying(ticket: &RemoteId, visibility: Visibility) -> Intent {
    intent(Some(ticket), Operation::Comment { body: "said".to_owned(), visibility })
}

#[tokio::test]
async fn a_ticket_without_a_description_is_created_once() {
    let bench = Bench::new();
    let Made::Ticket(made) = bench.apply(&creating(&[])).await.unwrap().subject else { panic!("no ticket") };
    assert_eq!(bench.apply(&creating(&[])).await.unwrap().subject, Made::Ticket(made.clone()));
    let read = bench.fetch(&made).await.unwrap();
    assert_eq!((read.description.as_str(), read.status.as_str(), read.comments.len()), ("", "new", 0));
    assert_eq!(read.requester.unwrap().name, "Partner Desk");
}

#[tokio::test]
async fn an_attribute_that_is_not_there_is_refused_before_anything_is_sent() {
    let bench = Bench::new();
    let before = bench.desk.lock().tickets.len();
    let error = bench.apply(&creating(&[("colour", "red")])).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No), "{error}");
    assert_eq!(bench.desk.lock().tickets.len(), before);
    let ticket = bench.person.create("x").await;
    for (name, value) in [("colour", "red"), ("organization", "x"), ("customer", "x"), ("site", "Paris")] {
        let error = bench.apply(&setting(&ticket, name, value)).await.unwrap_err();
        assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No), "{error}");
    }
}

#[tokio::test]
async fn without_the_attribute_for_markers_nothing_is_created() {
    let (subject, desk) = zammad();
    {
        let mut state = desk.lock();
        state.without_marker = true;
        state.tickets.values_mut().for_each(|ticket| drop(ticket.own.remove("throughline_marker")));
    }
    let before = desk.lock().tickets.len();
    let error = subject.connector.probe(&subject.ctx()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured, "{error}");
    let error = subject.connector.apply(&subject.ctx(), &creating(&[])).await.unwrap_err();
    assert_eq!(error.took_effect(), TookEffect::No, "{error}");
    assert_eq!(desk.lock().tickets.len(), before);
}

#[tokio::test]
async fn a_search_that_leaves_out_its_condition_neither_finds_a_ticket_nor_begins_again() {
    let bench = Bench::new();
    let start = bench.subject.connector.changes(&bench.ctx(), None).await.unwrap().next;
    bench.subject.clock.sleep(Duration::from_secs(300)).await;
    bench.person.create("x").await;
    let next = bench.subject.connector.changes(&bench.ctx(), Some(&start)).await.unwrap().next;
    bench.desk.lock().drops_conditions = true;
    assert!(bench.subject.connector.find(&bench.ctx(), &creating(&[])).await.unwrap().is_empty());
    let error = bench.subject.connector.changes(&bench.ctx(), Some(&next)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
}

#[tokio::test]
async fn an_article_that_came_out_otherwise_is_taken_back() {
    let bench = Bench::new();
    for (visibility, becomes_internal) in [(Visibility::Internal, false), (Visibility::Public, true)] {
        let ticket = bench.person.create("x").await;
        bench.desk.lock().overrides = Some(becomes_internal);
        let error = bench.apply(&saying(&ticket, visibility)).await.unwrap_err();
        assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No), "{error}");
        assert!(bench.person.truth(&ticket).await.comments.is_empty());
    }
    bench.desk.lock().overrides = None;
    bench.desk.lock().drops_preferences = true;
    let ticket = bench.person.create("x").await;
    let error = bench.apply(&saying(&ticket, Visibility::Public)).await.unwrap_err();
    assert!(error.message().contains("did not keep the marker"), "{error}");
    assert!(bench.person.truth(&ticket).await.comments.is_empty());
}

#[tokio::test]
async fn a_note_too_old_to_be_deleted_is_hidden() {
    let bench = Bench::new();
    let ticket = bench.person.create("x").await;
    let comment = bench.said(&ticket).await;
    bench.subject.clock.sleep(Duration::from_secs(601)).await;
    let error = bench.apply(&intent(Some(&ticket), Operation::Retract { comment })).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No), "{error}");
    assert!(error.message().contains("too old"), "{error}");
    assert!(bench.person.truth(&ticket).await.comments[0].1, "customers still read it");
}

#[tokio::test]
async fn only_our_own_articles_are_taken_back() {
    let bench = Bench::new();
    let ticket = bench.person.create("x").await;
    let forged = json!({ "throughline": Marker::from_hash(&[9; 32]).as_str() });
    bench.person.say(&ticket, ADA, &json!({ "body": "theirs", "preferences": forged }));
    let comment = bench.fetch(&ticket).await.unwrap().comments[0].id.clone();
    let error = bench.apply(&intent(Some(&ticket), Operation::Retract { comment })).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No), "{error}");
    assert_eq!(bench.person.truth(&ticket).await.comments, [("theirs".to_owned(), false)]);
}

#[tokio::test]
async fn what_our_groups_may_not_see_is_gone_and_maintenance_passes() {
    let bench = Bench::new();
    let ticket = bench.person.create("x").await;
    bench.desk.lock().hidden.push(number(&ticket));
    let error = bench.fetch(&ticket).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    let error = bench.apply(&saying(&ticket, Visibility::Public)).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::NotFound, TookEffect::No), "{error}");
    bench.desk.lock().maintenance = true;
    let error = bench.fetch(&ticket).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}

#[tokio::test]
async fn a_merged_ticket_brings_what_we_wrote_along() {
    let bench = Bench::new();
    let Made::Ticket(source) = bench.apply(&creating(&[])).await.unwrap().subject else {
        panic!("no ticket")
    };
    let comment = bench.said(&source).await;
    bench.subject.clock.sleep(Duration::from_secs(1)).await;
    let target = bench.person.create("target").await;
    bench.person.merge(&source, &target).await;
    let read = bench.fetch(&source).await.unwrap();
    assert_eq!(read.id, target);
    assert_eq!(read.description, "It is broken.");
    // The first article of the source is ours too, and no comment that somebody made.
    assert!(read.comments.iter().all(|comment| comment.marker.is_some()), "{:?}", read.comments);
    assert!(read.comments.iter().any(|read| read.id == comment));
}

#[tokio::test]
async fn an_agent_without_more_learns_no_types() {
    let bench = Bench::new();
    bench.desk.lock().agent_only = true;
    let described = bench.subject.connector.describe(&bench.ctx()).await.unwrap();
    assert!(described.kinds.is_empty());
    let words: Vec<_> =
        described.statuses.iter().filter(|choice| choice.closed).map(|choice| choice.word.as_str()).collect();
    assert_eq!(words, ["closed"]);
    let fields = ["group", "owner", "organization", "on_site", "parts", "serial_number", "site", "visits"];
    assert_eq!(described.fields, fields);
}

#[tokio::test]
async fn a_pending_ticket_says_until_when() {
    let bench = Bench::new();
    let ticket = bench.person.create("x").await;
    let pending = Operation::Transition { status: "pending close".to_owned() };
    bench.apply(&intent(Some(&ticket), pending)).await.unwrap();
    assert!(bench.desk.lock().tickets[&number(&ticket)].pending_time.is_string());
    for word in ["merged", "removed", "on holiday"] {
        let to = Operation::Transition { status: word.to_owned() };
        let error = bench.apply(&intent(Some(&ticket), to)).await.unwrap_err();
        assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No), "{error}");
    }
}
