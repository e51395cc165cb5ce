//! What GitLab does that the suite does not ask about.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use throughline_sdk::{
    Blobs, Changes, Class, CommentId, Ctx, Effect, Error, ErrorKind, Intent, IntentId, Marker, NewTicket,
    Operation, RemoteId, Subject as Made, Ticket, TookEffect, Urgency, Visibility,
};
use throughline_testkit::MemoryBlobs;
use throughline_testkit::conformance::Subject;

use crate::desk::{BOT, Desk, GUEST, Mood};
use crate::subject::{Stage, number};

/// A desk with the connector in front of it.
struct World {
    desk: Desk,
    subject: Subject,
    blobs: Arc<MemoryBlobs>,
}

impl World {
    fn new() -> Self {
        Self::with(&[])
    }

    fn with(more: &[(&str, serde_json::Value)]) -> Self {
        let stage = Stage::new();
        let subject = stage.with(Stage::built(more, &[]), "waiting");
        Self { desk: stage.desk, subject, blobs: Arc::default() }
    }

    fn ctx(&self) -> Ctx {
        let clock = Arc::clone(&self.subject.clock);
        Ctx {
            dial: Arc::new(throughline_sdk::NoDial),
            http: Arc::clone(&self.subject.http),
            deadline: clock.monotonic() + Duration::from_secs(20),
            clock,
            blobs: Arc::<MemoryBlobs>::clone(&self.blobs),
            urgency: Urgency::default(),
            trace: [7; 16],
        }
    }

    fn raised(&self) -> RemoteId {
        RemoteId::new(self.desk.create("ada", "Printer on fire", None).to_string())
    }

    async fn apply(&self, ticket: Option<&RemoteId>, operation: Operation) -> Result<Effect, Error> {
        let mut hash = [0; 32];
        let name = format!("{ticket:?} {operation:?}");
        name.bytes().enumerate().for_each(|(at, byte)| hash[at % 32] = byte ^ (hash[at % 32] << 1));
        let (id, marker) = (IntentId::new(name), Marker::from_hash(&hash));
        let intent = Intent { id, ticket: ticket.cloned(), operation, marker, expected: None };
        self.subject.connector.apply(&self.ctx(), &intent).await
    }

    async fn comment(&self, ticket: &RemoteId, body: &str, visibility: Visibility) -> Result<Effect, Error> {
        self.apply(Some(ticket), Operation::Comment { body: body.to_owned(), visibility }).await
    }

    async fn attach(&self, ticket: &RemoteId, name: &str, visibility: Visibility) -> Result<Effect, Error> {
        let digest = self.blobs.write(Bytes::from_static(b"bytes")).await.unwrap();
        let (name, media_type) = (name.to_owned(), "text/plain".to_owned());
        self.apply(Some(ticket), Operation::Attach { name, media_type, size: 5, digest, visibility }).await
    }

    async fn fetch(&self, ticket: &RemoteId) -> Result<Ticket, Error> {
        self.subject.connector.fetch(&self.ctx(), ticket).await
    }

    /// The texts of the notes that people wrote, and whether they are internal.
    fn held(&self, ticket: &RemoteId) -> Vec<(String, bool)> {
        let notes = self.desk.state().issue(number(ticket)).notes.clone();
        notes.into_iter().filter(|note| !note.system).map(|note| (note.body, note.internal)).collect()
    }

    fn writes(&self) -> usize {
        self.subject.transport.take().iter().filter(|request| !request.is_safe()).count()
    }
}

#[tokio::test]
async fn an_internal_note_is_not_sent_where_gitlab_would_publish_it() {
    let moods: [fn(&mut Mood); 2] = [|mood| mood.role = GUEST, |mood| mood.version = "15.4.6".to_owned()];
    for mood in moods {
        let world = World::new();
        let ticket = world.raised();
        world.desk.mood(mood);
        world.writes();
        for outcome in [
            world.comment(&ticket, "for staff", Visibility::Internal).await,
            world.attach(&ticket, "staff.txt", Visibility::Internal).await,
        ] {
            let error = outcome.unwrap_err();
            assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No), "{error}");
        }
        assert_eq!(world.writes(), 0, "nothing left the house");
        world.comment(&ticket, "for all", Visibility::Public).await.unwrap();
    }
}

#[tokio::test]
async fn what_gitlab_published_all_the_same_is_taken_back() {
    let world = World::new();
    let ticket = world.raised();
    // It says nothing about who may read the note, so that nobody can know.
    world.desk.mood(|mood| mood.silent = true);
    for visibility in [Visibility::Internal, Visibility::Public] {
        let error = world.comment(&ticket, "for whom?", visibility).await.unwrap_err();
        assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No), "{error}");
        assert_eq!(world.held(&ticket), []);
    }
}

#[tokio::test]
async fn an_internal_file_stays_internal() {
    let world = World::new();
    let ticket = world.raised();
    let made = world.attach(&ticket, "for [staff] only.txt", Visibility::Internal).await.unwrap();
    let read = made.read_back.unwrap();
    assert_eq!(read.comments, [], "a note that only brings a file is no comment");
    let file = &read.files[0];
    assert_eq!((file.name.as_str(), file.visibility), ("for [staff] only.txt", Visibility::Internal));
    assert_eq!(Made::File(file.id.clone()), made.subject);
    assert!(world.held(&ticket)[0].1);
    let bytes = world.subject.connector.download(&world.ctx(), &ticket, &file.id, 100).await.unwrap();
    assert_eq!(bytes, "bytes");
    let stranger = throughline_sdk::FileId::new("../../users");
    let error = world.subject.connector.download(&world.ctx(), &ticket, &stranger, 100).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn commands_names_and_numbers_in_text_do_not_act() {
    let world = World::new();
    let ticket = world.raised();
    let body = "cc @ada, fixes #12, !3\n/close\n/lock";
    world.comment(&ticket, body, Visibility::Public).await.unwrap();
    let read = world.fetch(&ticket).await.unwrap();
    assert_eq!((read.comments[0].body.as_str(), read.status.as_str()), (body, "opened"));
    assert!(!world.desk.state().issue(number(&ticket)).locked);
    let held = world.held(&ticket)[0].0.clone();
    for acting in ["@ada", "#12"] {
        assert!(!held.contains(acting), "{acting} acts in {held:?}");
    }
    let changes = Changes { description: Some("/close\n\ntext".to_owned()), ..Changes::default() };
    world.apply(Some(&ticket), Operation::Update { changes }).await.unwrap();
    let read = world.fetch(&ticket).await.unwrap();
    assert_eq!((read.description.as_str(), read.status.as_str()), ("/close\n\ntext", "opened"));
}

#[tokio::test]
async fn a_confidential_issue_is_shared_only_where_that_is_wanted() {
    for (wanted, visibility) in [(false, Visibility::Internal), (true, Visibility::Public)] {
        let world = World::with(&[("confidential", json!(wanted))]);
        let ticket = world.raised();
        world.desk.change(number(&ticket), "made confidential", |issue| issue.confidential = true);
        world.desk.say("ada", number(&ticket), "between us", false);
        let read = world.fetch(&ticket).await.unwrap();
        assert_eq!(read.comments[0].visibility, visibility);
        assert_eq!(read.fields["Confidential"], "yes");
        // What we say there is for those who may read it, as anything.
        world.comment(&ticket, "ours", Visibility::Public).await.unwrap();
        let new = NewTicket {
            title: "A new one".to_owned(),
            description: String::new(),
            status: Some("closed".to_owned()),
            priority: None,
            kind: None,
            fields: Default::default(),
        };
        let made = world.apply(None, Operation::Create(new)).await.unwrap().read_back.unwrap();
        assert_eq!((made.fields.contains_key("Confidential"), made.status.as_str()), (wanted, "closed"));
    }
}

#[tokio::test]
async fn an_issue_that_went_to_another_project_has_moved() {
    let world = World::new();
    let ticket = world.raised();
    world.desk.change(number(&ticket), "moved to contoso/other#3", |issue| {
        issue.open = false;
        issue.moved = Some(92_000_003);
    });
    let error = world.fetch(&ticket).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Moved, "{error}");
    let changes = Changes { title: Some("x".to_owned()), ..Changes::default() };
    let error = world.apply(Some(&ticket), Operation::Update { changes }).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Moved, TookEffect::No), "{error}");
}

#[tokio::test]
async fn a_project_out_of_sight_takes_no_ticket_with_it() {
    type Turn = fn(&mut Mood);
    let moods: [(Turn, ErrorKind); 3] = [
        (|mood| mood.hidden = true, ErrorKind::Forbidden),
        (|mood| mood.issues_off = true, ErrorKind::Forbidden),
        (|mood| mood.elsewhere = true, ErrorKind::Misconfigured),
    ];
    let world = World::new();
    let ticket = world.raised();
    for (mood, kind) in moods {
        let good = world.desk.state().mood.clone();
        world.desk.mood(mood);
        for error in [
            world.fetch(&ticket).await.unwrap_err(),
            world.comment(&ticket, "hello?", Visibility::Public).await.unwrap_err(),
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
    let by_number = World::with(&[("project", json!("7"))]);
    by_number.desk.mood(|mood| mood.elsewhere = true);
    by_number.fetch(&by_number.raised()).await.expect("a number holds when the path changes");
}

#[tokio::test]
async fn a_locked_discussion_parks_the_comment_and_not_the_system() {
    let world = World::new();
    let ticket = world.raised();
    world.desk.change(number(&ticket), "locked", |issue| issue.locked = true);
    world.desk.mood(|mood| mood.role = GUEST);
    let error = world.comment(&ticket, "may I?", Visibility::Public).await.unwrap_err();
    assert_eq!((error.class(), error.took_effect()), (Class::Park, TookEffect::No), "{error}");
}

#[tokio::test]
async fn too_many_notes_are_waited_out() {
    let world = World::new();
    let ticket = world.raised();
    world.desk.mood(|mood| mood.notes_a_minute = 2);
    for text in ["one", "two"] {
        world.comment(&ticket, text, Visibility::Public).await.unwrap();
    }
    let error = world.comment(&ticket, "three", Visibility::Public).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::RateLimited, TookEffect::No));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(37)));
}

#[tokio::test]
async fn a_label_that_the_project_lacks_is_not_made() {
    let world = World::new();
    let ticket = world.raised();
    world.desk.state().labels.retain(|label| label != "doing");
    world.writes();
    let error =
        world.apply(Some(&ticket), Operation::Transition { status: "working".into() }).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No), "{error}");
    assert_eq!(world.writes(), 0);
    let words = world.subject.connector.describe(&world.ctx()).await.unwrap();
    let words: Vec<_> = words.statuses.iter().map(|choice| (choice.word.as_str(), choice.closed)).collect();
    assert_eq!(words, [("opened", false), ("waiting", false), ("closed", true)]);
}

#[tokio::test]
async fn without_a_role_what_is_left_out_is_told() {
    let world = World::new();
    world.desk.mood(|mood| mood.role = GUEST);
    let new = NewTicket {
        title: "A new one".to_owned(),
        description: "text".to_owned(),
        status: Some("waiting".to_owned()),
        priority: Some("urgent".to_owned()),
        kind: None,
        fields: Default::default(),
    };
    let made = world.apply(None, Operation::Create(new)).await.unwrap().read_back.unwrap();
    assert_eq!((made.status.as_str(), made.priority), ("opened", None), "what GitLab left out shows");
}

#[tokio::test]
async fn a_rewritten_description_keeps_its_files_and_its_pictures() {
    let world = World::new();
    let ticket = world.raised();
    let (shot, log) = (world.desk.store("shot.png", vec![1]), world.desk.store("a b.log", vec![2]));
    let text = format!("It burns:\r\n\r\n![flames]({shot})\r\n\r\nSee [a b.log]({log}).");
    world.desk.change(number(&ticket), "described", |issue| issue.description = Some(text));
    let before = world.fetch(&ticket).await.unwrap();
    assert_eq!(before.description, "It burns:\n\n![flames](shot.png)\n\nSee a b.log.");
    let names: Vec<_> = before.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["shot.png", "a b.log"]);
    let description = Some("It burned:\n\n![flames](shot.png)".to_owned());
    let changes = Changes { description: description.clone(), ..Changes::default() };
    let after = world.apply(Some(&ticket), Operation::Update { changes }).await.unwrap().read_back.unwrap();
    assert_eq!(Some(after.description), description);
    assert_eq!(after.files, before.files);
}

#[tokio::test]
async fn a_long_conversation_is_read_whole_without_what_gitlab_says_itself() {
    let world = World::new();
    let ticket = world.raised();
    for at in 0..150 {
        world.desk.say("ada", number(&ticket), &format!("line {at}"), false);
        world.desk.change(number(&ticket), "changed the weight to 3", |_| {});
    }
    let Made::Comment(id) = world.comment(&ticket, "ours", Visibility::Public).await.unwrap().subject else {
        panic!("no comment")
    };
    let read = world.fetch(&ticket).await.unwrap();
    assert_eq!(read.comments.len(), 151);
    let ours = read.comments.last().unwrap();
    assert_eq!(
        (&ours.id, ours.body.as_str(), ours.author.name.as_str()),
        (&id, "ours", format!("{BOT} by name").as_str())
    );
}

#[tokio::test]
async fn a_note_that_is_gone_is_not_edited_and_counts_as_retracted() {
    let world = World::new();
    let ticket = world.raised();
    let comment = CommentId::new("300000999");
    let edit = Operation::Edit { comment: comment.clone(), body: "x".to_owned() };
    let error = world.apply(Some(&ticket), edit).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No));
    world.apply(Some(&ticket), Operation::Retract { comment }).await.unwrap();
}

#[tokio::test]
async fn a_file_is_read_from_the_store_that_gitlab_sends_its_readers_to() {
    for (hosts, outcome) in [(json!(["files.test"]), Ok("bytes")), (json!([]), Err(ErrorKind::Malformed))] {
        let world = World::with(&[("file_hosts", hosts)]);
        let ticket = world.raised();
        let made = world.attach(&ticket, "log.txt", Visibility::Public).await.unwrap();
        let file = &made.read_back.unwrap().files[0].id.clone();
        world.desk.mood(|mood| mood.stored = true);
        let read = world.subject.connector.download(&world.ctx(), &ticket, file, 100).await;
        match (read, outcome) {
            (Ok(bytes), Ok(expected)) => assert_eq!(bytes, expected),
            (Err(error), Err(kind)) => assert_eq!(error.kind(), kind, "{error}"),
            (read, _) => panic!("{read:?}"),
        }
    }
}
