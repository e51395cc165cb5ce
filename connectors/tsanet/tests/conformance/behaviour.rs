//! What only this desk does.

use serde_json::json;
use throughline_sdk::{
    Cursor, Error, ErrorKind, Intent, IntentId, Marker, NewTicket, Operation, Reference, RemoteId, Ticket,
    TookEffect, Visibility,
};
use throughline_testkit::conformance::Subject;

use crate::desk::Desk;
use crate::subject::{Stage, partner, signed};

struct World {
    desk: Desk,
    subject: Subject,
}

impl World {
    fn new() -> Self {
        Self::with(&[])
    }

    fn with(more: &[(&str, serde_json::Value)]) -> Self {
        let stage = Stage::new();
        Self { subject: stage.with(more, "INBOUND", "INFORMATION"), desk: stage.desk }
    }

    /// A request of the partner that nobody has answered.
    fn open(&self) -> RemoteId {
        RemoteId::new(self.desk.submit(false, "VPN down", "Since noon.", "F-7"))
    }

    async fn apply(&self, ticket: Option<&RemoteId>, operation: Operation) -> Result<Ticket, Error> {
        let marker = Marker::from_hash(&[9; 32]);
        let intent =
            Intent { id: IntentId::new("i"), ticket: ticket.cloned(), operation, marker, expected: None };
        Ok(self.subject.connector.apply(&self.subject.ctx(), &intent).await?.read_back.unwrap())
    }

    async fn transition(&self, ticket: &RemoteId, status: &str) -> Result<Ticket, Error> {
        self.apply(Some(ticket), Operation::Transition { status: status.to_owned() }).await
    }

    async fn fetch(&self, ticket: &RemoteId) -> Ticket {
        self.subject.connector.fetch(&self.subject.ctx(), ticket).await.unwrap()
    }

    /// Reads the feed once; answers what it hinted at.
    async fn changes(&self, cursor: &mut Cursor) -> Vec<String> {
        let page = self.subject.connector.changes(&self.subject.ctx(), Some(cursor)).await.unwrap();
        *cursor = page.next;
        page.hints.into_iter().map(|hint| hint.ticket.as_str().to_owned()).collect()
    }

    async fn pass(&self, seconds: u64) {
        self.subject.clock.sleep(std::time::Duration::from_secs(seconds)).await;
    }
}

fn new(priority: Option<&str>) -> Operation {
    Operation::Create(NewTicket {
        title: "VPN down".to_owned(),
        description: "since noon".to_owned(),
        status: None,
        priority: priority.map(str::to_owned),
        kind: None,
        fields: [("Product".to_owned(), "Gateway".to_owned())].into(),
    })
}

fn say(visibility: Visibility) -> Operation {
    Operation::Comment { body: "said".to_owned(), visibility }
}

#[tokio::test]
async fn a_request_is_accepted_questioned_and_rejected_with_our_name() {
    let world = World::with(&[("next_steps", json!("We look into it.")), ("case_number", json!("C-9"))]);
    let ticket = world.open();
    let accepted = world.transition(&ticket, "ACCEPTED").await.unwrap();
    assert_eq!(accepted.status, "ACCEPTED");
    assert!(accepted.references.iter().any(|reference| reference.label == "C-9"));
    assert!(accepted.comments.is_empty(), "what we answered is not shared back");
    assert_eq!(world.transition(&ticket, "INFORMATION").await.unwrap().status, "INFORMATION");
    assert_eq!(world.transition(&ticket, "ACCEPTED").await.unwrap().status, "ACCEPTED");
    let said = world.desk.state().case(ticket.as_str()).unwrap().responses.clone();
    let said: Vec<_> = said.iter().map(|one| (one["type"].clone(), one["nextSteps"].clone())).collect();
    assert_eq!(said[0], (json!("APPROVAL"), json!("We look into it.")));
    assert_eq!(said[1], (json!("INFORMATION_REQUEST"), json!("We need more information; see the notes.")));
    let refused = world.open();
    assert_eq!(world.transition(&refused, "REJECTED").await.unwrap().status, "REJECTED");
    let error = world.transition(&refused, "ACCEPTED").await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No));
}

#[tokio::test]
async fn an_open_request_is_not_closed_and_an_accepted_one_is() {
    let world = World::new();
    let ticket = world.apply(None, new(Some("HIGH"))).await.unwrap();
    assert_eq!((ticket.status.as_str(), ticket.priority.as_deref()), ("OPEN", Some("HIGH")));
    let error = world.transition(&ticket.id, "CLOSED").await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No));
    world.desk.respond(ticket.id.as_str(), "APPROVAL", "ACCEPTED", &partner(), "On it.");
    let accepted = world.fetch(&ticket.id).await;
    assert_eq!(accepted.comments[0].body, "On it.");
    assert_eq!(accepted.comments[0].author.name, "Bo (Fabrikam)");
    assert_eq!(world.transition(&ticket.id, "CLOSED").await.unwrap().status, "CLOSED");
}

#[tokio::test]
async fn an_answer_that_is_not_carried_out_is_no_success() {
    let world = World::new();
    let ticket = world.open();
    world.desk.mood(|mood| mood.ignores = true);
    let error = world.transition(&ticket, "ACCEPTED").await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::Unknown));
}

#[tokio::test]
async fn a_request_takes_our_number_once_it_is_accepted() {
    let world = World::new();
    let ticket = world.open();
    let link = || Operation::LinkBack(Reference::new("INC-1", None));
    let error = world.apply(Some(&ticket), link()).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No));
    world.transition(&ticket, "ACCEPTED").await.unwrap();
    let linked = world.apply(Some(&ticket), link()).await.unwrap();
    let labels: Vec<_> = linked.references.iter().map(|reference| reference.label.as_str()).collect();
    assert_eq!(labels, ["F-7", "INC-1"]);
    world.desk.mood(|mood| mood.ignores = true);
    let other = Operation::LinkBack(Reference::new("INC-2", None));
    let error = world.apply(Some(&ticket), other).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::Unknown));
}

#[tokio::test]
async fn our_own_request_keeps_its_marker_when_it_gets_a_number() {
    let world = World::new();
    let ticket = world.apply(None, new(None)).await.unwrap();
    assert!(ticket.references.is_empty(), "a marker is no number: {:?}", ticket.references);
    assert_eq!(ticket.priority.as_deref(), Some("MEDIUM"));
    let link = Operation::LinkBack(Reference::new("INC-1", None));
    let linked = world.apply(Some(&ticket.id), link).await.unwrap();
    assert_eq!(linked.references[0].label, "INC-1");
    assert_eq!((linked.marker, linked.description.as_str()), (ticket.marker, "since noon"));
}

#[tokio::test]
async fn a_request_that_is_answered_without_its_token_is_in_doubt() {
    let world = World::new();
    world.desk.mood(|mood| mood.tokenless = true);
    let error = world.apply(None, new(None)).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Malformed, TookEffect::Unknown));
}

#[tokio::test]
async fn refusals_keep_their_words_and_not_the_token() {
    let world = World::with(&[("engineer_email", json!("support@elsewhere.example"))]);
    let ticket = world.open();
    let error = world.transition(&ticket, "ACCEPTED").await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No));
    assert!(error.message().contains("registered domain"), "{error}");
    let unknown = RemoteId::new("9f9f9f9f-0000");
    let connector = &world.subject.connector;
    let error = connector.fetch(&world.subject.ctx(), &unknown).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(!error.to_string().contains(unknown.as_str()), "{error}");
    let elsewhere = RemoteId::new("..");
    let error = connector.fetch(&world.subject.ctx(), &elsewhere).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_partner_without_a_form_is_a_wrong_setting() {
    let world = World::new();
    world.desk.mood(|mood| mood.partnerless = true);
    let connector = &world.subject.connector;
    let error = connector.probe(&world.subject.ctx()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    let receiving = World::with(&[("partner", json!(null))]);
    receiving.subject.connector.probe(&receiving.subject.ctx()).await.unwrap();
    let error = receiving.apply(None, new(None)).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No));
}

#[tokio::test]
async fn a_note_that_became_another_than_it_was_meant_to_is_told() {
    let world = World::new();
    let ticket = world.open();
    world.desk.mood(|mood| mood.closed_mouth = true);
    world.apply(Some(&ticket), say(Visibility::Internal)).await.unwrap();
    let error = world.apply(Some(&ticket), say(Visibility::Public)).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::Unknown));
    world.desk.mood(|mood| mood.silent = true);
    world.apply(Some(&ticket), say(Visibility::Public)).await.unwrap();
    let error = world.apply(Some(&ticket), say(Visibility::Internal)).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::Unknown));
}

#[tokio::test]
async fn notes_read_the_same_however_they_come() {
    for (apart, raw) in [(false, false), (true, false), (false, true)] {
        let world = World::new();
        let ticket = world.open();
        world.desk.mood(|mood| (mood.apart, mood.raw) = (apart, raw));
        world.desk.note(ticket.as_str(), "Fabrikam", "New log", Some("one\ntwo\n\nthree"), "USER_PUBLIC");
        let read = world.apply(Some(&ticket), say(Visibility::Public)).await.unwrap();
        let bodies: Vec<_> = read.comments.iter().map(|comment| comment.body.as_str()).collect();
        assert_eq!(bodies, ["New log\n\none\ntwo\n\nthree", "said"], "apart {apart}, raw {raw}");
        assert!(read.comments[1].marker.is_some());
    }
}

#[tokio::test]
async fn a_note_for_the_two_companies_is_public_where_an_operator_says_so() {
    let world = World::with(&[("partner_notes", json!("public"))]);
    let ticket = world.open();
    world.desk.note(ticket.as_str(), "Fabrikam", "for you", None, "USER_PARTNER");
    assert_eq!(world.fetch(&ticket).await.comments[0].visibility, Visibility::Public);
}

#[tokio::test]
async fn a_long_text_is_cut_and_says_so() {
    let world = World::new();
    let ticket = world.open();
    let body = "\u{1f680}word ".repeat(2000);
    let comment = Operation::Comment { body, visibility: Visibility::Public };
    let read = world.apply(Some(&ticket), comment).await.unwrap();
    assert!(read.comments[0].body.contains("more characters in the original"), "{:?}", read.comments[0].body);
}

#[tokio::test]
async fn a_note_that_moves_nothing_is_found_in_the_round() {
    for timeless in [false, true] {
        let world = World::new();
        world.desk.mood(|mood| (mood.notes_move, mood.timeless) = (false, timeless));
        let ticket = world.open();
        world.pass(1000).await;
        let page = world.subject.connector.changes(&world.subject.ctx(), None).await.unwrap();
        let mut cursor = page.next;
        world.pass(1000).await;
        world.changes(&mut cursor).await;
        world.desk.note(ticket.as_str(), "Fabrikam", "news", None, "USER_PUBLIC");
        let mut found = Vec::new();
        for _ in 0..13 {
            world.pass(60).await;
            found.extend(world.changes(&mut cursor).await);
        }
        assert!(found.contains(&ticket.as_str().to_owned()), "timeless {timeless}: {found:?}");
    }
}

#[tokio::test]
async fn events_of_both_versions_name_their_request() {
    let world = World::new();
    let accept = |body| world.subject.connector.accept(&signed(&body, world.desk.now()));
    let flat = json!({"eventType": "collaboration-request.created", "requestToken": "t-1"});
    assert_eq!(accept(flat).unwrap()[0].ticket.as_str(), "t-1");
    let cloud = json!({
        "specversion": "1.0", "id": "e-1", "type": "org.tsanet.connect.collaboration-request.note.created",
        "data": {"requestToken": "t-2"},
    });
    assert_eq!(accept(cloud).unwrap()[0].ticket.as_str(), "t-2");
    for body in [json!({"eventType": "ping"}), json!({"requestToken": "../me"}), json!([])] {
        assert_eq!(accept(body.clone()).unwrap_err().kind(), ErrorKind::Malformed, "{body}");
    }
}
