//! What the suite cannot know of Freshdesk: the search that lags, notes that come out otherwise, the bin, the archive.

use std::time::Duration;

use throughline_sdk::{
    Ctx, ErrorKind, Intent, IntentId, Marker, NewTicket, Operation, RemoteId, Subject as Made, TookEffect,
    Visibility,
};
use throughline_testkit::conformance::{Hand, Subject};

use crate::desk::{Desk, OUR_CONTACT};
use crate::subject::{Person, freshdesk, number};

struct Bench {
    subject: Subject,
    desk: Desk,
    person: Person,
}

impl Bench {
    fn new() -> Self {
        let (subject, desk) = freshdesk();
        Self { subject, person: Person(desk.clone()), desk }
    }

    fn ctx(&self) -> Ctx {
        self.subject.ctx()
    }

    async fn apply(&self, intent: &Intent) -> throughline_sdk::Result<throughline_sdk::Effect> {
        self.subject.connector.apply(&self.ctx(), intent).await
    }

    async fn fetch(&self, ticket: &RemoteId) -> throughline_sdk::Result<throughline_sdk::Ticket> {
        self.subject.connector.fetch(&self.ctx(), ticket).await
    }
}

fn intent(ticket: Option<&RemoteId>, operation: Operation) -> Intent {
    let marker = Marker::from_hash(&[9; 32]);
    Intent { id: IntentId::new("i"), ticket: ticket.cloned(), operation, marker, expected: None }
}

fn creating(description: &str) -> Intent {
    intent(
        None,
        Operation::Create(NewTicket {
            title: "Printer".to_owned(),
            description: description.to_owned(),
            status: None,
            priority: None,
            kind: None,
            fields: [].into(),
        }),
    )
}

fn saying(ticket: &RemoteId, visibility: Visibility) -> Intent {
    intent(Some(ticket), Operation::Comment { body: "said".to_owned(), visibility })
}

#[tokio::test]
async fn a_ticket_is_found_by_the_search_when_the_list_no_longer_shows_it() {
    let bench = Bench::new();
    let Made::Ticket(made) = bench.apply(&creating("text")).await.unwrap().subject else {
        panic!("no ticket")
    };
    // Others came after it, more than the list of the newest shows.
    for _ in 0..100 {
        let other = bench.person.create("x").await;
        bench.desk.lock().tickets.get_mut(&number(&other)).unwrap().requester = OUR_CONTACT.0;
    }
    let find = async || bench.subject.connector.find(&bench.ctx(), &creating("text")).await.unwrap();
    assert!(find().await.is_empty(), "the search has not caught up");
    bench.subject.clock.sleep(Duration::from_secs(600)).await;
    assert_eq!(find().await.iter().map(|found| &found.ticket).collect::<Vec<_>>(), [&made]);
}

#[tokio::test]
async fn a_ticket_without_a_description_is_created_and_reads_as_one() {
    let bench = Bench::new();
    let Made::Ticket(made) = bench.apply(&creating("")).await.unwrap().subject else { panic!("no ticket") };
    let read = bench.fetch(&made).await.unwrap();
    assert_eq!((read.description.as_str(), read.status.as_str()), ("", "Open"));
    assert_eq!(read.fields.get("Group").map(String::as_str), Some("Second level"));
    assert_eq!(read.requester.unwrap().name, "Partner desk");
}

#[tokio::test]
async fn a_note_that_others_see_than_were_meant_is_taken_back() {
    let bench = Bench::new();
    for (visibility, becomes_private) in [(Visibility::Internal, false), (Visibility::Public, true)] {
        let ticket = bench.person.create("x").await;
        bench.desk.lock().overrides = Some(becomes_private);
        let error = bench.apply(&saying(&ticket, visibility)).await.unwrap_err();
        assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No), "{error}");
        assert!(bench.person.truth(&ticket).await.comments.is_empty());
    }
}

#[tokio::test]
async fn only_our_own_notes_are_changed() {
    let bench = Bench::new();
    let ticket = bench.person.create("x").await;
    bench.person.comment(&ticket, "theirs", false).await;
    let theirs = bench.fetch(&ticket).await.unwrap().comments[0].id.clone();
    let edit = Operation::Edit { comment: theirs.clone(), body: "ours now".to_owned() };
    for operation in [edit, Operation::Retract { comment: theirs }] {
        let error = bench.apply(&intent(Some(&ticket), operation)).await.unwrap_err();
        assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No), "{error}");
    }
    assert_eq!(bench.fetch(&ticket).await.unwrap().comments[0].body, "theirs");
}

#[tokio::test]
async fn an_edited_note_keeps_its_marker() {
    let bench = Bench::new();
    let ticket = bench.person.create("x").await;
    let Made::Comment(comment) = bench.apply(&saying(&ticket, Visibility::Public)).await.unwrap().subject
    else {
        panic!("no comment");
    };
    let edit = Operation::Edit { comment, body: "said **better**".to_owned() };
    bench.apply(&intent(Some(&ticket), edit)).await.unwrap();
    let read = &bench.fetch(&ticket).await.unwrap().comments[0];
    assert_eq!((read.body.as_str(), read.marker.is_some()), ("said **better**", true));
}

#[tokio::test]
async fn the_bin_is_gone_and_the_archive_is_read() {
    let bench = Bench::new();
    let (binned, archived) = (bench.person.create("x").await, bench.person.create("y").await);
    bench.person.comment(&archived, "long ago", false).await;
    bench.person.delete(&binned).await;
    bench.desk.lock().tickets.get_mut(&number(&archived)).unwrap().archived = true;
    let error = bench.apply(&saying(&binned, Visibility::Public)).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::NotFound, TookEffect::No), "{error}");
    assert_eq!(bench.fetch(&archived).await.unwrap().comments[0].body, "long ago");
}

#[tokio::test]
async fn a_mass_change_within_one_second_is_read_page_by_page() {
    let bench = Bench::new();
    let start = bench.subject.connector.changes(&bench.ctx(), None).await.unwrap().next;
    let mut expected = Vec::new();
    for _ in 0..250 {
        expected.push(bench.person.create("x").await);
    }
    let (mut seen, mut cursor) = (Vec::new(), start);
    loop {
        let page = bench.subject.connector.changes(&bench.ctx(), Some(&cursor)).await.unwrap();
        seen.extend(page.hints.into_iter().map(|hint| hint.ticket));
        cursor = page.next;
        if !page.more {
            break;
        }
    }
    assert!(expected.iter().all(|ticket| seen.contains(ticket)));
}
