//! What only a real Redmine can show; run with `--ignored` and `THROUGHLINE_DESKS` naming a folder with `redmine/desk.env`.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test file of its own: the helpers below its tests count as tests too"
)]

mod desk;
mod race;

use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use throughline_sdk::{
    Changes, ErrorKind, FileId, Intent, Linking, NewTicket, Operation, Reference, Subject, TookEffect,
    Visibility,
};

use crate::desk::{Desk, fields, intent};

#[tokio::test]
#[ignore = "needs a real Redmine"]
async fn it_says_who_we_are_and_which_words_it_knows() {
    let desk = Desk::new("REDMINE_KEY", true);
    let identity = desk.connector.probe(&desk.ctx).await.unwrap();
    assert_eq!(identity.account, "Federation Bot (fedbot)");
    desk.create("words", "Bug").await;
    let description = desk.connector.describe(&desk.ctx).await.unwrap();
    let words =
        |choices: &[throughline_sdk::Choice]| choices.iter().map(|c| c.word.clone()).collect::<Vec<_>>();
    let known = |table: &[(&str, &str)]| table.iter().map(|(word, _)| (*word).to_owned()).collect::<Vec<_>>();
    let mut statuses = words(&description.statuses);
    statuses.sort();
    let mut expected = known(throughline_redmine::STATUSES);
    expected.sort();
    assert_eq!(statuses, expected);
    assert_eq!(words(&description.priorities), known(throughline_redmine::PRIORITIES));
    assert!(description.statuses.iter().filter(|c| c.closed).count() == 2);
    assert!(words(&description.kinds).contains(&"Stepwise".to_owned()));
    assert!(description.fields.contains(&"Site".to_owned()), "{:?}", description.fields);
    assert!(!description.fields.contains(&"Throughline marker".to_owned()));
}

#[tokio::test]
#[ignore = "needs a real Redmine"]
async fn a_created_issue_is_found_by_its_marker_in_field_or_text() {
    for with_field in [true, false] {
        let desk = Desk::new("REDMINE_KEY", with_field);
        let new = NewTicket {
            title: "VPN down at site B 🔥 Ünï".into(),
            description: "No tunnel\nsince 08:00".into(),
            status: Some("In Progress".into()),
            priority: Some("Immediate".into()),
            kind: Some("Stepwise".into()),
            fields: fields(&[
                ("Site", "Zürich"),
                ("Areas", "wan\nlan"),
                ("Due date", "2031-05-06"),
                ("% Done", "30"),
                ("Estimated time", "2.50"),
                ("Category", "Network"),
                ("Target version", "1.0"),
                ("Assignee", "Bob Agent"),
            ]),
        };
        let intent = intent(None, Operation::Create(new.clone()));
        let effect = desk.connector.apply(&desk.ctx, &intent).await.unwrap();
        let Subject::Ticket(id) = effect.subject else { panic!("{:?}", effect.subject) };
        let ticket = desk.fetch(&id).await;
        assert_eq!(Some(&ticket), effect.read_back.as_ref());
        assert_eq!((&ticket.title, &ticket.description), (&new.title, &new.description));
        assert_eq!(
            (Some(ticket.status.clone()), &ticket.priority, &ticket.kind),
            (new.status, &new.priority, &new.kind)
        );
        assert_eq!(ticket.marker.as_ref(), Some(&intent.marker));
        assert_eq!(ticket.fields["Assignee"], "Bob Agent");
        assert_eq!(ticket.fields["Estimated time"], "2.5");
        assert_eq!(ticket.fields["Areas"].lines().count(), 2);
        let found = desk.connector.find(&desk.ctx, &intent).await.unwrap();
        assert_eq!(found.iter().map(|f| f.ticket.clone()).collect::<Vec<_>>(), [id]);
        let other = self::intent(None, intent.operation.clone());
        assert_eq!(desk.connector.find(&desk.ctx, &other).await.unwrap(), []);
    }
}

#[tokio::test]
#[ignore = "needs a real Redmine"]
async fn an_update_is_read_back_and_a_refusal_names_the_field() {
    for with_field in [true, false] {
        let desk = Desk::new("REDMINE_KEY", with_field);
        let id = desk.create("before", "Bug").await;
        let marker = desk.fetch(&id).await.marker;
        let changes = Changes {
            title: Some("after".into()),
            description: Some("new text".into()),
            priority: Some("High".into()),
            kind: Some("Feature".into()),
            fields: fields(&[("Site", "Bern"), ("Impact", "major"), ("% Done", "")]),
        };
        let after =
            desk.on(&id, Operation::Update { changes: changes.clone() }).await.unwrap().read_back.unwrap();
        assert_eq!((after.title.as_str(), after.description.as_str()), ("after", "new text"));
        assert_eq!((after.fields["Site"].as_str(), after.fields["% Done"].as_str()), ("Bern", "0"));
        assert_eq!(after.marker, marker, "the marker outlives an update of the text it stands in");
        let again = desk.on(&id, Operation::Update { changes }).await.unwrap().read_back.unwrap();
        assert_eq!(again.version, after.version, "what is there already is not written again");
        for (field, value) in [("Impact", "huge"), ("Nonsense", "1"), ("Private", ""), ("Assignee", "Nobody")]
        {
            let changes = Changes { fields: fields(&[(field, value)]), ..Changes::default() };
            if value.is_empty() {
                continue;
            }
            let error = desk.on(&id, Operation::Update { changes }).await.unwrap_err();
            assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No), "{error}");
            assert!(error.to_string().contains(field), "{error}");
        }
        assert_eq!(desk.fetch(&id).await.version, after.version);
        let cleared = Changes { fields: fields(&[("Site", ""), ("Impact", "")]), ..Changes::default() };
        let after = desk.on(&id, Operation::Update { changes: cleared }).await.unwrap().read_back.unwrap();
        assert!(!after.fields.contains_key("Site") && !after.fields.contains_key("Impact"));
    }
}

#[tokio::test]
#[ignore = "needs a real Redmine"]
async fn a_write_planned_on_an_older_version_is_a_conflict() {
    let desk = Desk::new("REDMINE_KEY", true);
    let id = desk.create("versions", "Bug").await;
    let older = desk.fetch(&id).await.version;
    desk.agent(Method::PUT, &format!("issues/{id}.json"), json!({"issue": {"subject": "theirs"}})).await;
    let changes = Changes { title: Some("ours".into()), ..Changes::default() };
    let stale = Intent { expected: older, ..intent(Some(&id), Operation::Update { changes }) };
    let error = desk.connector.apply(&desk.ctx, &stale).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    let ticket = desk.fetch(&id).await;
    assert_eq!(ticket.title, "theirs");
    let fresh = Intent { expected: ticket.version, ..stale };
    desk.connector.apply(&desk.ctx, &fresh).await.unwrap();
}

#[tokio::test]
#[ignore = "needs a real Redmine"]
async fn a_status_is_reached_by_steps_or_not_at_all() {
    let desk = Desk::new("REDMINE_KEY", true);
    let to = |status: &str| Operation::Transition { status: status.into() };
    let id = desk.create("direct", "Bug").await;
    for status in ["Closed", "In Progress", "Rejected", "Feedback", "Resolved", "New"] {
        let after = desk.on(&id, to(status)).await.unwrap().read_back.unwrap();
        assert_eq!(after.status, status);
    }
    let id = desk.create("steps", "Stepwise").await;
    let error = desk.on(&id, to("Feedback")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected, "{error}");
    assert!(error.to_string().contains("Feedback"), "{error}");
    let id = desk.create("steps", "Stepwise").await;
    assert_eq!(desk.on(&id, to("Closed")).await.unwrap().read_back.unwrap().status, "Closed");
    let error = desk.on(&id, to("New")).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No), "{error}");
    let error = desk.on(&id, to("Nonsense")).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No), "{error}");
}

#[tokio::test]
#[ignore = "needs a real Redmine"]
async fn notes_are_written_found_edited_and_taken_back() {
    let desk = Desk::new("REDMINE_KEY", true);
    let id = desk.create("notes", "Bug").await;
    for visibility in [Visibility::Public, Visibility::Internal] {
        let body = "Jürg (Partner) wrote:\n\n_hello_ ☎".to_owned();
        let intent = intent(Some(&id), Operation::Comment { body: body.clone(), visibility });
        assert_eq!(desk.connector.find(&desk.ctx, &intent).await.unwrap(), []);
        let effect = desk.connector.apply(&desk.ctx, &intent).await.unwrap();
        let Subject::Comment(note) = effect.subject.clone() else { panic!("{:?}", effect.subject) };
        let found = desk.connector.find(&desk.ctx, &intent).await.unwrap();
        assert_eq!(found.iter().map(|f| f.subject.clone()).collect::<Vec<_>>(), [effect.subject]);
        let written = desk.comment(&id, &note).await.unwrap();
        assert_eq!((written.body, written.visibility), (body, visibility));
        assert_eq!(written.author.name, "Federation Bot");
        assert_eq!(written.marker.as_ref(), Some(&intent.marker));
        let before = desk.fetch(&id).await;
        desk.on(&id, Operation::Edit { comment: note.clone(), body: "better".into() }).await.unwrap();
        let edited = desk.comment(&id, &note).await.unwrap();
        assert_eq!((edited.body.as_str(), edited.visibility), ("better", visibility));
        assert_eq!(edited.marker, Some(intent.marker), "the marker outlives an edit");
        let after = desk.fetch(&id).await;
        assert_eq!(before.updated, after.updated, "Redmine does not move updated_on for an edit");
        assert_ne!(before.version, after.version);
        for _ in 0..2 {
            desk.on(&id, Operation::Retract { comment: note.clone() }).await.unwrap();
            assert!(desk.comment(&id, &note).await.is_none());
        }
        let gone = desk.on(&id, Operation::Edit { comment: note, body: "again".into() }).await.unwrap_err();
        assert_eq!((gone.kind(), gone.took_effect()), (ErrorKind::Rejected, TookEffect::No), "{gone}");
    }
    let issue = format!("issues/{id}.json");
    desk.agent(Method::PUT, &issue, json!({"issue": {"notes": "one  \r\ntwo\r\n", "private_notes": true}}))
        .await;
    desk.agent(Method::PUT, &issue, json!({"issue": {"done_ratio": 50}})).await;
    let ticket = desk.fetch(&id).await;
    let [theirs] = ticket.comments.as_slice() else { panic!("{:?}", ticket.comments) };
    assert_eq!((theirs.body.as_str(), theirs.author.name.as_str()), ("one\ntwo", "Bob Agent"));
    assert_eq!((theirs.visibility, &theirs.marker), (Visibility::Internal, &None));
}

#[tokio::test]
#[ignore = "needs a real Redmine"]
async fn without_the_permission_a_private_note_is_not_sent_at_all() {
    let desk = Desk::new("REDMINE_KEY", true);
    let id = desk.create("permissions", "Bug").await;
    let reporter = Desk::new("REDMINE_REPORTER_KEY", true);
    let secret = Operation::Comment { body: "secret".into(), visibility: Visibility::Internal };
    let error = reporter.on(&id, secret).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No), "{error}");
    assert!(desk.fetch(&id).await.comments.is_empty());
    let error = reporter.on(&id, Operation::Transition { status: "Rejected".into() }).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No), "{error}");
    let changes = Changes { title: Some("mine".into()), ..Changes::default() };
    let error = reporter.on(&id, Operation::Update { changes }).await.unwrap_err();
    assert_eq!(error.took_effect(), TookEffect::No, "{error}");
    let stranger = Desk::with_key("0".repeat(40), true);
    let error = stranger.connector.fetch(&stranger.ctx, &id).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
}

#[tokio::test]
#[ignore = "needs a real Redmine"]
async fn a_file_arrives_byte_by_byte() {
    let desk = Desk::new("REDMINE_KEY", true);
    let id = desk.create("files", "Bug").await;
    let bytes = Bytes::from((0..=255_u8).cycle().take(70_000).collect::<Vec<_>>());
    let attach = |visibility| Operation::Attach {
        name: "trace ü 🔥 (1).bin".into(),
        media_type: "application/x-trace".into(),
        size: 70_000,
        digest: desk.blobs.put(bytes.clone()),
        visibility,
    };
    let intent = intent(Some(&id), attach(Visibility::Public));
    let effect = desk.connector.apply(&desk.ctx, &intent).await.unwrap();
    let Subject::File(file) = effect.subject.clone() else { panic!("{:?}", effect.subject) };
    let ticket = desk.fetch(&id).await;
    let [seen] = ticket.files.as_slice() else { panic!("{:?}", ticket.files) };
    assert_eq!((&seen.id, seen.name.as_str(), seen.size), (&file, "trace ü 🔥 (1).bin", 70_000));
    assert_eq!(
        (seen.media_type.as_str(), &seen.marker),
        ("application/x-trace", &Some(intent.marker.clone()))
    );
    assert!(ticket.comments.is_empty(), "attaching makes no comment");
    let found = desk.connector.find(&desk.ctx, &intent).await.unwrap();
    assert_eq!(found.iter().map(|f| f.subject.clone()).collect::<Vec<_>>(), [effect.subject]);
    let download = |limit| desk.connector.download(&desk.ctx, &id, &file, limit);
    assert_eq!(download(70_000).await.unwrap(), bytes);
    assert_eq!(download(69_999).await.unwrap_err().kind(), ErrorKind::Rejected);
    let missing = desk.connector.download(&desk.ctx, &id, &FileId::new("999999"), 10).await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    let error = desk.on(&id, attach(Visibility::Internal)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let stranger = Desk::with_key("0".repeat(40), true);
    let error = stranger.connector.download(&stranger.ctx, &id, &file, 70_000).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
}

#[tokio::test]
#[ignore = "needs a real Redmine"]
async fn the_counterpart_is_shown_in_its_field() {
    let desk = Desk::new("REDMINE_KEY", true);
    let id = desk.create("link", "Bug").await;
    let link = Operation::LinkBack(Reference::new("INC 77", Some("https://partner.example/77".into())));
    let ticket = desk.on(&id, link).await.unwrap().read_back.unwrap();
    let [reference] = ticket.references.as_slice() else { panic!("{:?}", ticket.references) };
    assert_eq!(
        (reference.label.as_str(), reference.url.as_deref()),
        ("INC 77", Some("https://partner.example/77"))
    );
    assert!(!ticket.fields.contains_key("Counterpart"));
    let without = Desk::new("REDMINE_KEY", false);
    assert_eq!(without.connector.capabilities().link_back, Linking::None);
}

#[tokio::test]
#[ignore = "needs a real Redmine"]
async fn the_feed_shows_each_change_and_then_falls_silent() {
    let desk = Desk::new("REDMINE_KEY", true);
    let id = desk.create("feed", "Bug").await;
    let start = desk.connector.changes(&desk.ctx, None).await.unwrap();
    assert!(start.hints.is_empty() && !start.more);
    let mut cursor = start.next;
    for body in [
        json!({"issue": {"notes": "a"}}),
        json!({"issue": {"status_id": 5}}),
        json!({"issue": {"notes": "b"}}),
    ] {
        desk.agent(Method::PUT, &format!("issues/{id}.json"), body).await;
        let page = desk.connector.changes(&desk.ctx, Some(&cursor)).await.unwrap();
        assert!(page.hints.iter().any(|hint| hint.ticket == id), "{page:?}");
        cursor = page.next;
        desk.clock.0.fetch_add(2, Ordering::Relaxed);
    }
    // Tests beside this one change other issues, which keeps the window open a little longer.
    let mut silent = false;
    for _ in 0..5 {
        desk.clock.0.fetch_add(60, Ordering::Relaxed);
        let page = desk.connector.changes(&desk.ctx, Some(&cursor)).await.unwrap();
        silent = page.hints.iter().all(|hint| hint.ticket != id);
        cursor = page.next;
    }
    assert!(silent, "{id} {cursor}");
}

#[tokio::test]
#[ignore = "needs a real Redmine"]
async fn a_deleted_issue_is_not_found() {
    let desk = Desk::new("REDMINE_KEY", true);
    let id = desk.create("short-lived", "Bug").await;
    // SQLite gives the number of a deleted last row to the next one.
    desk.create("after it", "Bug").await;
    desk.agent(Method::DELETE, &format!("issues/{id}.json"), Value::Null).await;
    for error in [
        desk.connector.fetch(&desk.ctx, &id).await.unwrap_err(),
        desk.on(&id, Operation::Comment { body: "x".into(), visibility: Visibility::Public })
            .await
            .unwrap_err(),
    ] {
        assert_eq!((error.kind(), error.took_effect()), (ErrorKind::NotFound, TookEffect::No), "{error}");
    }
}

#[tokio::test]
#[ignore = "needs a real Redmine"]
async fn an_issue_moved_out_of_our_sight_is_not_found_and_stops_nothing() {
    let desk = Desk::new("REDMINE_KEY", true);
    let id = desk.create("moving", "Bug").await;
    desk.agent(Method::PUT, &format!("issues/{id}.json"), json!({"issue": {"project_id": "elsewhere"}}))
        .await;
    for error in [
        desk.connector.fetch(&desk.ctx, &id).await.unwrap_err(),
        desk.on(&id, Operation::Comment { body: "x".into(), visibility: Visibility::Public })
            .await
            .unwrap_err(),
    ] {
        assert_eq!((error.kind(), error.took_effect()), (ErrorKind::NotFound, TookEffect::No), "{error}");
    }
}
