//! What the suite does not ask for and Jira needs: its workflow, its three ways to say "staff only", keys that change,
//! pages, files without marks, and a feed that lags.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use proptest::prelude::*;
use serde_json::json;
use throughline_sdk::http::{Request, Response, Transport};
use throughline_sdk::{
    Changes, Cursor, ErrorKind, NewTicket, Operation, Reference, RemoteId, Result, Subject as Made,
    TookEffect, Visibility,
};
use throughline_testkit::{Fault, RouterTransport};

use crate::desk::{Actor, Closing, Plays, check_document, flat, status_name};
use crate::subject::{Stand, desk, say, to};

const ALL: [Plays; 4] =
    [Plays::CloudWithPortal, Plays::Cloud, Plays::DataCenter, Plays::DataCenterWithPortal];
const WITH_PORTAL: [Plays; 2] = [Plays::CloudWithPortal, Plays::DataCenterWithPortal];

fn new(title: &str) -> NewTicket {
    NewTicket {
        title: title.to_owned(),
        description: "Dead.".to_owned(),
        status: None,
        priority: None,
        kind: None,
        fields: Default::default(),
    }
}

fn fields(changes: &[(&str, &str)]) -> Operation {
    let fields = changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Operation::Update { changes: Changes { fields, ..Changes::default() } }
}

#[tokio::test]
async fn a_status_is_reached_over_others_and_the_resolution_is_given() {
    let stand = Stand::new(Plays::Cloud);
    let issue = stand.raised();
    stand.act(issue, to("Closed")).await.unwrap();
    let state = stand.desk.lock();
    let held = &state.issues[&issue];
    assert_eq!((status_name(held.status), held.resolution.as_deref()), ("Closed", Some("Done")));
}

#[tokio::test]
async fn what_closing_asks_for_is_named_and_the_issue_is_back_where_it_was() {
    for (plays, closing, named) in [
        (Plays::Cloud, Closing::Field, "requires the field \"Root cause\""),
        (Plays::DataCenter, Closing::Validator, "Root cause must be filled in"),
    ] {
        let stand = Stand::new(plays);
        let issue = stand.raised();
        stand.desk.lock().issues.get_mut(&issue).unwrap().closing = closing;
        let error = stand.act(issue, to("Closed")).await.unwrap_err();
        assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No));
        assert!(error.to_string().contains(named), "{error}");
        assert_eq!(status_name(stand.desk.lock().issues[&issue].status), "Open");
    }
}

#[tokio::test]
async fn a_resolution_that_no_setting_gives_is_named() {
    let stand = Stand::with(Plays::Cloud, &json!({"resolution": ""}));
    let issue = stand.raised();
    let error = stand.act(issue, to("Resolved")).await.unwrap_err();
    assert!(error.to_string().contains("the field \"Resolution\"; set resolution"), "{error}");
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No));
}

#[tokio::test]
async fn an_unknown_status_is_refused_before_anything_is_sent() {
    let stand = Stand::new(Plays::Cloud);
    let issue = stand.raised();
    let error = stand.act(issue, to("Nirvana")).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No));
    assert_eq!(stand.written(), Vec::<String>::new());
    // One that is known and out of reach costs steps, and they are taken back.
    let error = stand.act(issue, to("Archived")).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No), "{error}");
    assert_eq!(status_name(stand.desk.lock().issues[&issue].status), "Open");
}

#[tokio::test]
async fn a_step_that_jira_accepts_and_does_not_take_is_no_success() {
    let stand = Stand::new(Plays::Cloud);
    let issue = stand.raised();
    stand.desk.lock().ignore_updates = true;
    let error = stand.act(issue, to("In Progress")).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No), "{error}");
}

#[tokio::test]
async fn a_lost_step_in_the_middle_is_doubtful() {
    let stand = Stand::new(Plays::DataCenter);
    let issue = stand.raised();
    stand.act(issue, to("In Progress")).await.unwrap();
    stand.transport.next_write(Fault::DropReply);
    let error = stand.act(issue, to("Closed")).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Unavailable, TookEffect::Unknown));
    // It had been taken: the next plan goes on from there.
    stand.act(issue, to("Closed")).await.unwrap();
}

#[tokio::test]
async fn a_ticket_is_created_in_the_status_asked_for() {
    let stand = Stand::new(Plays::CloudWithPortal);
    let wanted = NewTicket { status: Some("Waiting for customer".to_owned()), ..new("Printer") };
    let effect = stand.apply(&stand.intent(None, Operation::Create(wanted))).await.unwrap();
    assert_eq!(effect.read_back.unwrap().status, "Waiting for customer");
}

#[tokio::test]
async fn a_moved_issue_keeps_its_id_and_what_we_know_of_it() {
    for plays in ALL {
        let stand = Stand::new(plays);
        let create = stand.intent(None, Operation::Create(new("Printer")));
        let Made::Ticket(id) = stand.apply(&create).await.unwrap().subject else { panic!() };
        let issue: u64 = id.as_str().parse().unwrap();
        let before = stand.fetch(issue).await;
        stand.desk.lock().relocate(issue);
        let after = stand.fetch(issue).await;
        assert_eq!((&after.id, &after.marker), (&before.id, &Some(create.marker.clone())));
        assert_ne!(after.key, before.key);
        stand.act(issue, say("still here", Visibility::Public)).await.unwrap();
        // The old key still leads to it, and it is known by its id.
        let by_key = stand.connector.fetch(&stand.ctx(), &RemoteId::new(before.key)).await.unwrap();
        assert_eq!(by_key.id, before.id);
        stand.clock.sleep(Duration::from_secs(90)).await;
        let found = stand.connector.find(&stand.ctx(), &create).await.unwrap();
        assert_eq!(found.into_iter().map(|one| one.ticket).collect::<Vec<_>>(), [before.id]);
    }
}

#[tokio::test]
async fn long_lists_are_read_to_their_end() {
    for plays in ALL {
        let stand = Stand::new(plays);
        let issue = stand.raised();
        for at in 0..7 {
            stand.act(issue, say(&format!("number {at}"), Visibility::Public)).await.unwrap();
        }
        let bodies: Vec<String> = stand.fetch(issue).await.comments.into_iter().map(|one| one.body).collect();
        assert_eq!(bodies, (0..7).map(|at| format!("number {at}")).collect::<Vec<_>>(), "{plays:?}");
    }
}

#[tokio::test]
async fn an_edit_keeps_for_whom_a_comment_is_and_whose() {
    for plays in ALL {
        let stand = Stand::new(plays);
        let issue = stand.raised();
        let comment = stand.intent(Some(issue), say("first", Visibility::Internal));
        let Made::Comment(id) = stand.apply(&comment).await.unwrap().subject else { panic!() };
        stand.act(issue, Operation::Edit { comment: id, body: "second".to_owned() }).await.unwrap();
        let [read] = &stand.fetch(issue).await.comments[..] else { panic!() };
        assert_eq!((read.body.as_str(), read.visibility), ("second", Visibility::Internal));
        assert_eq!(read.marker.as_ref(), Some(&comment.marker));
    }
}

#[tokio::test]
async fn a_comment_is_gone_once_and_taking_it_back_again_is_well() {
    let stand = Stand::new(Plays::Cloud);
    let issue = stand.raised();
    let Made::Comment(id) = stand.act(issue, say("x", Visibility::Public)).await.unwrap().subject else {
        panic!()
    };
    for _ in 0..2 {
        stand.act(issue, Operation::Retract { comment: id.clone() }).await.unwrap();
    }
    let error = stand.act(issue, Operation::Edit { comment: id, body: "y".to_owned() }).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No));
}

#[tokio::test]
async fn an_internal_comment_that_jira_published_is_taken_down() {
    for plays in WITH_PORTAL {
        let stand = Stand::new(plays);
        let issue = stand.raised();
        stand.desk.lock().no_licence = true;
        let error = stand.act(issue, say("for staff", Visibility::Internal)).await.unwrap_err();
        assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No), "{error}");
        assert!(stand.desk.lock().issues[&issue].comments.is_empty());
    }
}

#[tokio::test]
async fn without_a_circle_internal_comments_are_not_declared() {
    let stand = Stand::with(Plays::DataCenter, &json!({"internal_role": ""}));
    assert!(!stand.connector.capabilities().internal_comments);
    let error = stand.act(stand.raised(), say("for staff", Visibility::Internal)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(stand.written(), Vec::<String>::new());
}

#[tokio::test]
async fn a_portal_decides_who_may_read_a_file() {
    for plays in WITH_PORTAL {
        let stand = Stand::new(plays);
        let issue = stand.raised();
        {
            let mut state = stand.desk.lock();
            state.attach(issue, Actor::Ada, "with the request.txt", "text/plain", "x".into());
            state.attach(issue, Actor::Bob, "for staff.txt", "text/plain", "x".into());
        }
        stand.act(issue, stand.attach("ours.txt", b"x", Public)).await.unwrap();
        stand.act(issue, stand.attach("ours, for staff.txt", b"x", Internal)).await.unwrap();
        let ticket = stand.fetch(issue).await;
        let files: Vec<_> = ticket
            .files
            .iter()
            .map(|one| (one.name.as_str(), one.visibility, one.marker.is_some()))
            .collect();
        use Visibility::{Internal, Public};
        assert_eq!(
            files,
            [
                ("with the request.txt", Public, false),
                ("for staff.txt", Internal, false),
                ("ours.txt", Public, true),
                ("ours, for staff.txt", Internal, true),
            ]
        );
        // What carries our files says nothing, and is no comment.
        assert!(ticket.comments.is_empty(), "{:?}", ticket.comments);
        assert_eq!(stand.desk.lock().issues[&issue].comments.len(), 2);
    }
}

#[tokio::test]
async fn an_issue_that_is_not_on_the_portal_takes_no_public_file() {
    for plays in WITH_PORTAL {
        let stand = Stand::new(plays);
        let issue = stand.desk.lock().raise(Actor::Bob, "Task", "Internal", false);
        let error = stand.act(issue, stand.attach("a.txt", b"x", Visibility::Public)).await.unwrap_err();
        assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No), "{error}");
        assert!(error.to_string().contains("request type"), "{error}");
        assert!(stand.fetch(issue).await.files.is_empty());
    }
}

#[tokio::test]
async fn a_lost_upload_is_found_and_not_sent_again() {
    for plays in [Plays::Cloud, Plays::DataCenter] {
        let stand = Stand::new(plays);
        let issue = stand.raised();
        // One like it was there before.
        stand.desk.lock().attach(issue, Actor::Bob, "a.txt", "text/plain", "x".into());
        let attach = stand.intent(Some(issue), stand.attach("a.txt", b"x", Visibility::Public));
        // The note before the upload goes through.
        stand.transport.next_write(Fault::Delay(Duration::ZERO));
        stand.transport.next_write(Fault::DropReply);
        let error = stand.apply(&attach).await.unwrap_err();
        assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Unavailable, TookEffect::Unknown));
        let found = stand.connector.find(&stand.ctx(), &attach).await.unwrap();
        let held: Vec<u64> = stand.desk.lock().issues[&issue].files.iter().map(|file| file.id).collect();
        let [_, ours] = held[..] else { panic!("{held:?}") };
        let [found] = &found[..] else { panic!("{found:?}") };
        assert_eq!(found.subject, Made::File(throughline_sdk::FileId::new(ours.to_string())));
        // Even a second attempt sees that it came through.
        assert_eq!(stand.apply(&attach).await.unwrap().subject, found.subject);
        assert_eq!(stand.desk.lock().issues[&issue].files.len(), 2);
    }
}

#[tokio::test]
async fn our_labels_stay_when_others_are_set() {
    let stand = Stand::new(Plays::DataCenter);
    let create = stand.intent(None, Operation::Create(new("Printer")));
    let Made::Ticket(id) = stand.apply(&create).await.unwrap().subject else { panic!() };
    let issue = id.as_str().parse().unwrap();
    for labels in ["one\ntwo", ""] {
        stand.act(issue, fields(&[("Labels", labels)])).await.unwrap();
        let ticket = stand.fetch(issue).await;
        assert_eq!(ticket.fields.get("Labels").map_or("", String::as_str), labels);
        assert_eq!(ticket.marker.as_ref(), Some(&create.marker));
    }
}

#[tokio::test]
async fn a_field_that_is_not_there_or_not_ours_is_refused_before_anything_is_sent() {
    for (name, value) in [("Colour", "red"), ("Watcher", "Eve"), ("Machines", "many")] {
        let stand = Stand::new(Plays::Cloud);
        let issue = stand.raised();
        let error = stand.act(issue, fields(&[(name, value)])).await.unwrap_err();
        assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No), "{error}");
        assert!(error.message().contains(name), "{error}");
        let mut wanted = new("Printer");
        wanted.fields.insert(name.to_owned(), value.to_owned());
        let error = stand.apply(&stand.intent(None, Operation::Create(wanted))).await.unwrap_err();
        assert!(error.message().contains(name), "{error}");
        assert_eq!(stand.written(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn what_jira_refuses_is_passed_on_with_its_field() {
    let stand = Stand::new(Plays::Cloud);
    let wanted = NewTicket { priority: Some("Extreme".to_owned()), ..new("Printer") };
    let error = stand.apply(&stand.intent(None, Operation::Create(wanted))).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No));
    assert_eq!(error.message(), "Jira refused: priority: The priority selected is invalid.");
}

#[tokio::test]
async fn nobody_is_ever_named_in_a_write() {
    for plays in ALL {
        let stand = Stand::new(plays);
        let create = stand.intent(None, Operation::Create(new("Printer")));
        let Made::Ticket(id) = stand.apply(&create).await.unwrap().subject else { panic!() };
        let issue = id.as_str().parse().unwrap();
        stand
            .act(issue, say("Ada writes: please mail bob@example.org, [~bob] @bob", Visibility::Public))
            .await
            .unwrap();
        stand.act(issue, to("Closed")).await.unwrap();
        let written = stand.written().concat();
        for word in ["reporter", "assignee", "accountId", "watcher", "\"mention\"", "notify"] {
            assert!(!written.contains(word), "{word} in {written}");
        }
    }
}

#[tokio::test]
async fn the_same_link_back_is_one_link_and_needs_no_address() {
    let stand = Stand::new(Plays::Cloud);
    let issue = stand.raised();
    let link = |label: &str, url: Option<&str>| {
        Operation::LinkBack(Reference::new(label.to_owned(), url.map(str::to_owned)))
    };
    let first = stand.intent(Some(issue), link("Contoso  7", None));
    stand.apply(&first).await.unwrap();
    let mut again = first.clone();
    again.operation = link("Contoso 8", Some("https://contoso.example/8"));
    for _ in 0..2 {
        stand.apply(&again).await.unwrap();
    }
    let [reference] = &stand.fetch(issue).await.references[..] else { panic!() };
    assert_eq!(
        (reference.label.as_str(), reference.url.as_deref()),
        ("Contoso 8", Some("https://contoso.example/8"))
    );
    stand.act(issue, link("Fabrikam 1", None)).await.unwrap();
    let references = stand.fetch(issue).await.references;
    assert_eq!((references.len(), references[1].url.as_deref()), (2, None));
}

#[tokio::test]
async fn the_feed_shows_a_late_change_and_then_keeps_silent() {
    for plays in ALL {
        let stand = Stand::new(plays);
        let hints = async |cursor: &mut Cursor| {
            let mut hinted = Vec::new();
            loop {
                let page = stand.connector.changes(&stand.ctx(), Some(cursor)).await.unwrap();
                hinted
                    .extend(page.hints.into_iter().map(|hint| hint.ticket.as_str().parse::<u64>().unwrap()));
                *cursor = page.next;
                if !page.more {
                    return hinted;
                }
            }
        };
        let issue = stand.raised();
        stand.clock.sleep(Duration::from_secs(100)).await;
        let mut cursor = stand.connector.changes(&stand.ctx(), None).await.unwrap().next;
        assert_eq!(hints(&mut cursor).await, Vec::<u64>::new(), "what was there is left alone");
        let late = stand.raised();
        // The index does not know of it yet, and the cursor moves on.
        for _ in 0..3 {
            assert_eq!(hints(&mut cursor).await, Vec::<u64>::new());
            stand.clock.sleep(Duration::from_secs(20)).await;
        }
        stand.clock.sleep(Duration::from_secs(20)).await;
        assert_eq!(hints(&mut cursor).await, [late]);
        stand.clock.sleep(Duration::from_secs(20)).await;
        // Once more, since its second was not over for certain; and that is all.
        assert_eq!(hints(&mut cursor).await, [late]);
        for _ in 0..3 {
            stand.clock.sleep(Duration::from_secs(20)).await;
            assert_eq!(hints(&mut cursor).await, Vec::<u64>::new());
        }
        // Of what changed lately, Cloud's search is asked to be sure.
        stand.desk.lock().touch(late);
        let at_once = hints(&mut cursor).await;
        assert_eq!(at_once, if plays.cloud() { vec![late] } else { vec![] }, "{plays:?}");
        assert_ne!(issue, late);
    }
}

#[tokio::test]
async fn the_wrong_edition_and_the_wrong_project_are_told_by_the_probe() {
    let stand = Stand::with(Plays::DataCenter, &json!({"project": "NOPE"}));
    let error = stand.connector.probe(&stand.ctx()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    let identity = Stand::new(Plays::DataCenter);
    let identity = identity.connector.probe(&identity.ctx()).await.unwrap();
    assert_eq!((identity.account.as_str(), identity.product.as_str()), ("Throughline", "Jira 10.3.1"));
    assert!(identity.time.is_some());
}

#[tokio::test]
async fn what_we_write_is_held_as_the_edition_wants_it() {
    for (plays, starts) in [(Plays::Cloud, "{"), (Plays::DataCenter, "\"")] {
        let stand = Stand::new(plays);
        let issue = stand.raised();
        let body = "Bob Agent writes:\n\n- one\n- two\n\n```sh\nrm -rf {x} [~bob]\n```\n\n`code`, **strong**, _[a link](https://example.org/x_y)_, \\*two\\* {color:red} [~bob]";
        let body = throughline_markup::normal(body);
        stand.act(issue, say(&body, Visibility::Public)).await.unwrap();
        let held = stand.desk.lock().issues[&issue].comments[0].body.clone();
        assert!(held.to_string().starts_with(starts) && flat(&held).contains("two"), "{held}");
        assert_eq!(stand.fetch(issue).await.comments[0].body, body);
    }
}

/// Somebody who writes in the moment before or after the first write of ours, which no check can see.
struct AtOnce {
    inner: RouterTransport,
    before: bool,
    theirs: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl std::fmt::Debug for AtOnce {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AtOnce")
    }
}

impl Transport for AtOnce {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response>> {
        async move {
            let writes = !request.is_safe();
            let act = || {
                let theirs = self.theirs.lock().unwrap().take();
                theirs.into_iter().for_each(|theirs| theirs());
            };
            if writes && self.before {
                act();
            }
            let answer = self.inner.send(request).await;
            if writes && !self.before {
                act();
            }
            answer
        }
        .boxed()
    }
}

#[tokio::test]
async fn a_write_of_the_same_moment_is_seen_and_what_people_set_stands() {
    for plays in ALL {
        for before in [true, false] {
            let (desk, clock) = desk(plays);
            let issue = desk.lock().raise(Actor::Ada, "Task", "Printer", plays.portal());
            let at_once = AtOnce {
                inner: RouterTransport(desk.router()),
                before,
                theirs: Mutex::new(Some(Box::new({
                    let desk = desk.clone();
                    move || {
                        desk.lock().change(issue, Actor::Bob, |issue| {
                            "Bob's title".clone_into(&mut issue.summary);
                            "Low".clone_into(&mut issue.priority);
                        });
                    }
                }))),
            };
            let stand = Stand::on(desk, clock, Arc::new(at_once), &json!({}));
            let changes = Changes {
                title: Some("Our title".to_owned()),
                priority: Some("High".to_owned()),
                ..Changes::default()
            };
            let error = stand.act(issue, Operation::Update { changes }).await.unwrap_err();
            assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Conflict, TookEffect::No), "{error}");
            let ticket = stand.fetch(issue).await;
            assert_eq!(
                (ticket.title.as_str(), ticket.priority.as_deref()),
                ("Bob's title", Some("Low")),
                "{plays:?} {before}"
            );
        }
    }
}

/// Pieces of Markdown, put together in any order.
fn markdown() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-z\u{e9} \u{1f680}]{0,6}",
        Just("\n".to_owned()),
        Just("\n\n".to_owned()),
        "(- |1\\. |> |# |### |```|    |\\*\\*|_|~~|`|\\|)",
        "(\\[x\\]\\(https://example\\.org/a\\)|!\\[p\\]\\(p\\.png\\)|https://example\\.org|\\*\\*\\*\n)",
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn jira_takes_every_document_that_we_write(text in markdown()) {
        let document = throughline_markup::adf::write(&throughline_markup::normal(&text)).0;
        prop_assert_eq!(check_document(&document), Ok(()), "{}", document);
    }
}
