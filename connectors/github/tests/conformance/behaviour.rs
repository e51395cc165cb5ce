//! What GitHub does that the suite does not ask about.

use std::sync::Arc;
use std::time::Duration;

use throughline_sdk::{
    Changes, Class, CommentId, Ctx, Effect, Error, ErrorKind, Intent, IntentId, Marker, NewTicket, Operation,
    RemoteId, Subject as Made, TookEffect, Urgency, Visibility,
};
use throughline_testkit::MemoryBlobs;
use throughline_testkit::conformance::Subject;

use crate::desk::{BOT, Desk, Fate, Mood};
use crate::subject::Stage;

/// A desk with the connector in front of it.
pub(crate) struct World {
    pub(crate) desk: Desk,
    pub(crate) subject: Subject,
}

impl World {
    pub(crate) fn new() -> Self {
        let stage = Stage::new();
        let subject = stage.subject("waiting");
        Self { desk: stage.desk, subject }
    }

    pub(crate) fn ctx(&self) -> Ctx {
        let clock = Arc::clone(&self.subject.clock);
        Ctx {
            dial: Arc::new(throughline_sdk::NoDial),
            http: Arc::clone(&self.subject.http),
            deadline: clock.monotonic() + Duration::from_secs(20),
            clock,
            blobs: Arc::<MemoryBlobs>::default(),
            urgency: Urgency::default(),
            trace: [7; 16],
        }
    }

    fn raised(&self) -> RemoteId {
        RemoteId::new(self.desk.create("ada", "Printer on fire", None).to_string())
    }

    pub(crate) fn intent(&self, ticket: Option<&RemoteId>, operation: Operation) -> Intent {
        let mut hash = [0; 32];
        let name = format!("{ticket:?} {operation:?}");
        name.bytes().enumerate().for_each(|(at, byte)| hash[at % 32] = byte ^ (hash[at % 32] << 1));
        let (id, marker) = (IntentId::new(name), Marker::from_hash(&hash));
        Intent { id, ticket: ticket.cloned(), operation, marker, expected: None }
    }

    pub(crate) async fn apply(
        &self,
        ticket: Option<&RemoteId>,
        operation: Operation,
    ) -> Result<Effect, Error> {
        self.subject.connector.apply(&self.ctx(), &self.intent(ticket, operation)).await
    }

    async fn comment(&self, ticket: &RemoteId, body: &str) -> Result<Effect, Error> {
        let (body, visibility) = (body.to_owned(), Visibility::Public);
        self.apply(Some(ticket), Operation::Comment { body, visibility }).await
    }

    async fn fetch(&self, ticket: &RemoteId) -> Result<throughline_sdk::Ticket, Error> {
        self.subject.connector.fetch(&self.ctx(), ticket).await
    }

    fn writes(&self) -> Vec<String> {
        let requests = self.subject.transport.take();
        let writes = requests.iter().filter(|request| !request.is_safe());
        writes.map(|request| format!("{} {}", request.method, request.url.path())).collect()
    }
}

fn number(ticket: &RemoteId) -> u64 {
    crate::subject::number(ticket)
}

#[tokio::test]
async fn an_internal_comment_is_never_written() {
    let world = World::new();
    let ticket = world.raised();
    world.writes();
    let operation = Operation::Comment { body: "for staff".to_owned(), visibility: Visibility::Internal };
    let error = world.apply(Some(&ticket), operation).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Unsupported, TookEffect::No));
    assert_eq!(world.writes(), [""; 0]);
}

#[tokio::test]
async fn an_issue_that_went_to_another_repository_has_moved() {
    let world = World::new();
    let ticket = world.raised();
    world.desk.change(number(&ticket), |issue| issue.fate = Fate::Transferred(3));
    let error = world.fetch(&ticket).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Moved, "{error}");
    let error = world.comment(&ticket, "where are you?").await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Moved, TookEffect::No), "{error}");
}

#[tokio::test]
async fn a_repository_out_of_sight_takes_no_ticket_with_it() {
    let world = World::new();
    let ticket = world.raised();
    type Turn = fn(&mut Mood);
    let moods: [(Turn, ErrorKind); 3] = [
        (|mood| mood.hidden = true, ErrorKind::Forbidden),
        (|mood| mood.issues_off = true, ErrorKind::Forbidden),
        (|mood| mood.renamed = true, ErrorKind::Misconfigured),
    ];
    for (mood, kind) in moods {
        let good = world.desk.state().mood.clone();
        world.desk.mood(mood);
        for error in [
            world.fetch(&ticket).await.unwrap_err(),
            world.comment(&ticket, "hello?").await.unwrap_err(),
            world.subject.connector.changes(&world.ctx(), None).await.unwrap_err(),
        ] {
            assert_eq!((error.kind(), error.took_effect()), (kind, TookEffect::No), "{error}");
        }
        let error = world.subject.connector.probe(&world.ctx()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured, "{error}");
        world.desk.mood(|mood| *mood = good);
    }
    world.desk.mood(|mood| mood.archived = true);
    assert_eq!(
        world.subject.connector.probe(&world.ctx()).await.unwrap_err().kind(),
        ErrorKind::Misconfigured
    );
    assert_eq!(world.comment(&ticket, "x").await.unwrap_err().kind(), ErrorKind::Forbidden);
}

#[tokio::test]
async fn a_locked_conversation_parks_the_comment_and_not_the_system() {
    let world = World::new();
    let ticket = world.raised();
    world.desk.change(number(&ticket), |issue| issue.locked = true);
    world.desk.mood(|mood| mood.triage = false);
    let error = world.comment(&ticket, "may I?").await.unwrap_err();
    assert_eq!((error.class(), error.took_effect()), (Class::Park, TookEffect::No), "{error}");
    world.desk.mood(|mood| mood.triage = true);
    world.comment(&ticket, "may I?").await.unwrap();
}

#[tokio::test]
async fn both_limits_are_waits_and_no_missing_permissions() {
    let world = World::new();
    let ticket = world.raised();
    world.desk.mood(|mood| mood.secondary = true);
    let mut written = 0;
    let error = loop {
        match world.comment(&ticket, &format!("comment {written}")).await {
            Ok(_) => written += 1,
            Err(error) => break error,
        }
    };
    assert_eq!((error.kind(), error.took_effect(), written), (ErrorKind::RateLimited, TookEffect::No, 80));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(60)));
    world.desk.mood(|mood| mood.left = Some(0));
    let error = world.fetch(&ticket).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(1800)));
}

#[tokio::test]
async fn without_the_role_triage_what_is_left_out_is_told() {
    let world = World::new();
    world.desk.mood(|mood| mood.triage = false);
    let new = NewTicket {
        title: "A new one".to_owned(),
        description: "text".to_owned(),
        status: Some("waiting".to_owned()),
        priority: Some("urgent".to_owned()),
        kind: None,
        fields: Default::default(),
    };
    let effect = world.apply(None, Operation::Create(new)).await.unwrap();
    let made = effect.read_back.unwrap();
    assert_eq!((made.status.as_str(), made.priority), ("open", None), "what GitHub left out shows");
    let changes = Changes { kind: Some("Bug".to_owned()), ..Changes::default() };
    let error = world.apply(Some(&made.id), Operation::Update { changes }).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No), "{error}");
}

#[tokio::test]
async fn a_label_that_the_repository_lacks_is_not_made() {
    let world = World::new();
    let ticket = world.raised();
    world.desk.state().labels.retain(|label| label != "Waiting");
    world.writes();
    let error =
        world.apply(Some(&ticket), Operation::Transition { status: "waiting".into() }).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No), "{error}");
    assert_eq!(world.writes(), [""; 0]);
    let words = world.subject.connector.describe(&world.ctx()).await.unwrap();
    let words: Vec<_> = words.statuses.iter().map(|choice| (choice.word.as_str(), choice.closed)).collect();
    assert_eq!(
        words,
        [
            ("open", false),
            ("working", false),
            ("completed", true),
            ("not planned", true),
            ("duplicate", true)
        ]
    );
}

#[tokio::test]
async fn another_reason_closes_once_more() {
    let world = World::new();
    let ticket = world.raised();
    for status in ["completed", "duplicate", "working", "open"] {
        let effect =
            world.apply(Some(&ticket), Operation::Transition { status: status.into() }).await.unwrap();
        assert_eq!(effect.read_back.unwrap().status, status);
    }
}

#[tokio::test]
async fn labels_that_others_add_at_the_same_moment_stay() {
    let world = World::new();
    let ticket = world.raised();
    let changes = Changes { priority: Some("urgent".to_owned()), ..Changes::default() };
    world.apply(Some(&ticket), Operation::Update { changes }).await.unwrap();
    world.desk.change(number(&ticket), |issue| issue.labels.push("theirs".to_owned()));
    world.writes();
    let changes = Changes { priority: Some("high".to_owned()), ..Changes::default() };
    world.apply(Some(&ticket), Operation::Update { changes }).await.unwrap();
    let path = format!("/repos/fabrikam/support/issues/{ticket}/labels");
    assert_eq!(world.writes(), [format!("POST {path}"), format!("DELETE {path}/P1")]);
    assert_eq!(world.desk.state().issue(number(&ticket)).labels, ["theirs", "P2"]);
}

#[tokio::test]
async fn pull_requests_are_no_tickets() {
    let world = World::new();
    let start = world.subject.connector.changes(&world.ctx(), None).await.unwrap().next;
    let pull = world.raised();
    world.desk.change(number(&pull), |issue| issue.pull = true);
    let issue = world.raised();
    world.subject.clock.sleep(Duration::from_secs(60)).await;
    let page = world.subject.connector.changes(&world.ctx(), Some(&start)).await.unwrap();
    let hinted: Vec<_> = page.hints.into_iter().map(|hint| hint.ticket).collect();
    assert_eq!(hinted, [issue]);
    assert_eq!(world.fetch(&pull).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_long_conversation_is_read_whole_and_the_marker_of_each_comment_stays_out_of_sight() {
    let world = World::new();
    let ticket = world.raised();
    for at in 0..250 {
        world.desk.comment("ada", number(&ticket), &format!("line {at}"));
    }
    let Made::Comment(id) = world.comment(&ticket, "ours").await.unwrap().subject else {
        panic!("no comment")
    };
    let read = world.fetch(&ticket).await.unwrap();
    assert_eq!(read.comments.len(), 251);
    let ours = read.comments.last().unwrap();
    assert_eq!((&ours.id, ours.body.as_str(), ours.author.name.as_str()), (&id, "ours", BOT));
    let held = world.desk.state().issue(number(&ticket)).comments.last().unwrap().body.clone();
    assert_eq!(held, format!("ours\n\n<!-- {} -->", ours.marker.as_ref().unwrap()));
}

#[tokio::test]
async fn a_comment_that_is_gone_is_not_edited_and_counts_as_retracted() {
    let world = World::new();
    let ticket = world.raised();
    let comment = CommentId::new("5000000999");
    let edit = Operation::Edit { comment: comment.clone(), body: "x".to_owned() };
    let error = world.apply(Some(&ticket), edit).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No));
    world.apply(Some(&ticket), Operation::Retract { comment }).await.unwrap();
}

#[tokio::test]
async fn what_acts_in_githubs_text_is_carried_and_does_not_act() {
    let world = World::new();
    let ticket = world.raised();
    let body = "cc @ada and @fabrikam/staff, fixes #12, see contoso/other#3 and GH-7";
    world.comment(&ticket, body).await.unwrap();
    let held = world.desk.state().issue(number(&ticket)).comments.last().unwrap().body.clone();
    for acting in ["@ada", "@fabrikam", "#12", "other#3", "GH-7"] {
        assert!(!held.contains(acting), "{acting} acts in {held:?}");
    }
    assert_eq!(world.fetch(&ticket).await.unwrap().comments[0].body, body);
}
