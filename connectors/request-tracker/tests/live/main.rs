//! What only a real Request Tracker can show; run with `--ignored` and `THROUGHLINE_DESKS` naming a folder with
//! `request-tracker/desk.env`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on says so by panicking, its helpers too"
)]

mod desk;
mod race;

use bytes::Bytes;
use http::Method;
use serde_json::json;
use throughline_request_tracker::{PRIORITIES, STATUSES};
use throughline_sdk::{
    Changes, CommentId, ErrorKind, FileId, NewTicket, Operation, Reference, RemoteId, Subject, Visibility,
};

use crate::desk::{Desk, environment, fields, intent, new};

#[tokio::test]
#[ignore = "needs a real Request Tracker"]
async fn it_says_who_we_are_and_which_words_it_knows() {
    let desk = Desk::new(true);
    let identity = desk.connector.probe(&desk.ctx).await.unwrap();
    assert_eq!(identity.account, "bridge");
    assert!(identity.product.starts_with("Request Tracker 5."), "{identity:?}");
    assert!(identity.time.is_some());
    let description = desk.connector.describe(&desk.ctx).await.unwrap();
    let words =
        |choices: &[throughline_sdk::Choice]| choices.iter().map(|c| c.word.clone()).collect::<Vec<_>>();
    let known = |table: &[(&str, &str)]| table.iter().map(|(word, _)| (*word).to_owned()).collect::<Vec<_>>();
    assert_eq!(words(&description.statuses), known(STATUSES));
    assert_eq!(words(&description.priorities), known(PRIORITIES));
    let closed: Vec<_> = description.statuses.iter().filter(|c| c.closed).map(|c| c.word.as_str()).collect();
    assert_eq!(closed, ["resolved", "rejected", "deleted"]);
    assert_eq!(words(&description.kinds), ["Federated"], "a queue we may not see is no choice");
    let mut fields = description.fields;
    fields.sort();
    let attributes = ["Due", "Owner", "Starts", "Time estimated", "Time left", "Time worked"];
    assert!(attributes.iter().all(|name| fields.iter().any(|field| field == name)), "{fields:?}");
    fields.retain(|name| !attributes.contains(&name.as_str()));
    assert_eq!(fields, ["Areas", "Site"]);
}

#[tokio::test]
#[ignore = "needs a real Request Tracker"]
async fn a_wrong_token_or_queue_is_told_at_once() {
    let refused = Desk::with(true, "1-28-00000000000000000000000000000000", "Federated");
    let error = refused.connector.probe(&refused.ctx).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    let token = environment().remove("RT_TOKEN").unwrap();
    let elsewhere = Desk::with(true, &token, "Private");
    let error = elsewhere.connector.probe(&elsewhere.ctx).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured, "{error}");
    let error = elsewhere.try_create("x").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden, "{error}");
}

#[tokio::test]
#[ignore = "needs a real Request Tracker"]
async fn a_created_ticket_is_found_by_its_marker_in_field_or_header() {
    for with_fields in [true, false] {
        let desk = Desk::new(with_fields);
        let new = NewTicket {
            title: "VPN down at site B 🔥 Ünï".into(),
            description: "No tunnel\n\n  since 08:00 <b>&\"'\\ ümlaut 🔥".into(),
            status: Some("stalled".into()),
            priority: Some("High".into()),
            kind: Some("Federated".into()),
            fields: fields(&[("Site", "Zürich"), ("Areas", "lan, wan")]),
        };
        let intent = intent(None, Operation::Create(new.clone()));
        assert_eq!(desk.connector.find(&desk.ctx, &intent).await.unwrap(), []);
        let effect = desk.connector.apply(&desk.ctx, &intent).await.unwrap();
        let Subject::Ticket(id) = effect.subject else { panic!("{:?}", effect.subject) };
        let ticket = desk.fetch(&id).await;
        assert_eq!(Some(&ticket), effect.read_back.as_ref());
        assert_eq!(
            (&ticket.title, &ticket.description),
            (&new.title, &throughline_markup::normal(&new.description))
        );
        assert_eq!((Some(&ticket.status), &ticket.priority), (new.status.as_ref(), &new.priority));
        assert_eq!((&ticket.kind, &ticket.fields), (&new.kind, &new.fields));
        assert_eq!(ticket.marker.as_ref(), Some(&intent.marker));
        assert_eq!(ticket.requester, None, "nobody is mailed because of remote text");
        let found = desk.connector.find(&desk.ctx, &intent).await.unwrap();
        assert_eq!(found.iter().map(|f| &f.subject).collect::<Vec<_>>(), [&Subject::Ticket(id)]);
    }
}

#[tokio::test]
#[ignore = "needs a real Request Tracker"]
async fn a_ticket_without_text_keeps_its_marker() {
    let desk = Desk::new(false);
    let intent = intent(None, Operation::Create(new("empty", "")));
    let effect = desk.connector.apply(&desk.ctx, &intent).await.unwrap();
    let ticket = effect.read_back.unwrap();
    assert_eq!((ticket.description.as_str(), ticket.marker.as_ref()), ("", Some(&intent.marker)));
    assert_eq!(desk.connector.find(&desk.ctx, &intent).await.unwrap().len(), 1);
}

#[tokio::test]
#[ignore = "needs a real Request Tracker"]
async fn fields_are_set_or_refused_with_rt_s_words() {
    let desk = Desk::new(true);
    let id = desk.create("fields").await;
    let changes = Changes {
        title: Some("new\ntitle 🔥".into()),
        priority: Some("Low".into()),
        fields: fields(&[
            ("Site", "B"),
            ("Areas", "b, a, c"),
            ("Due", "2031-05-06"),
            ("Starts", "2031-05-01T12:00:00+02:00"),
            ("Owner", "alice"),
            ("Time estimated", "90"),
        ]),
        ..Changes::default()
    };
    let after = desk.on(&id, Operation::Update { changes }).await.unwrap().read_back.unwrap();
    assert_eq!((after.title.as_str(), after.priority.as_deref()), ("new title 🔥", Some("Low")));
    assert_eq!((after.fields["Site"].as_str(), after.fields["Due"].as_str()), ("B", "2031-05-06"));
    assert_eq!(
        (after.fields["Starts"].as_str(), after.fields["Owner"].as_str()),
        ("2031-05-01T10:00:00Z", "alice")
    );
    assert_eq!(after.fields["Time estimated"], "90");
    let reassign = Changes { fields: fields(&[("Owner", "")]), ..Changes::default() };
    let error = desk.on(&id, Operation::Update { changes: reassign }).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected, "{error}");
    assert!(error.to_string().contains("only reassign tickets that you own"), "{error}");
    desk.agent(Method::PUT, &format!("ticket/{id}"), json!({"Owner": "Nobody"})).await;
    let clear = Changes {
        fields: fields(&[("Site", ""), ("Areas", "c"), ("Due", ""), ("Starts", ""), ("Time estimated", "")]),
        ..Changes::default()
    };
    let after = desk.on(&id, Operation::Update { changes: clear }).await.unwrap().read_back.unwrap();
    assert_eq!(after.fields, fields(&[("Areas", "c")]));
    let again = Changes { priority: Some("Low".into()), ..Changes::default() };
    desk.on(&id, Operation::Update { changes: again }).await.unwrap();

    for (changes, kind) in [
        (Changes { description: Some("x".into()), ..Changes::default() }, ErrorKind::Unsupported),
        (Changes { priority: Some("Loud".into()), ..Changes::default() }, ErrorKind::Rejected),
        (Changes { kind: Some("Private".into()), ..Changes::default() }, ErrorKind::Rejected),
        (Changes { fields: fields(&[("Nonsense", "x")]), ..Changes::default() }, ErrorKind::Rejected),
        (
            Changes { fields: fields(&[("Owner", "no-such-account")]), ..Changes::default() },
            ErrorKind::Rejected,
        ),
    ] {
        let error = desk.on(&id, Operation::Update { changes }).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    }
}

#[tokio::test]
#[ignore = "needs a real Request Tracker"]
async fn a_status_is_reached_or_refused_with_rt_s_words() {
    let desk = Desk::new(true);
    let id = desk.create("statuses").await;
    for status in ["open", "stalled", "resolved", "open", "rejected", "new"] {
        let effect = desk.on(&id, Operation::Transition { status: status.into() }).await.unwrap();
        assert_eq!(effect.read_back.unwrap().status, status);
    }
    for status in ["bogus", "deleted"] {
        let error = desk.on(&id, Operation::Transition { status: status.into() }).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Rejected);
    }
}

#[tokio::test]
#[ignore = "needs a real Request Tracker"]
async fn comments_keep_their_side_their_text_and_their_order() {
    let desk = Desk::new(true);
    let id = desk.create("comments").await;
    let mut expected = Vec::new();
    for (body, visibility) in [
        ("public 🔥 <b>&amp;</b>\n\n> quoted\n  indented", Visibility::Public),
        ("internal ü", Visibility::Internal),
        ("0", Visibility::Public),
        ("tl-nothing", Visibility::Internal),
    ] {
        let intent = intent(Some(&id), Operation::Comment { body: body.into(), visibility });
        assert_eq!(desk.connector.find(&desk.ctx, &intent).await.unwrap(), []);
        let effect = desk.connector.apply(&desk.ctx, &intent).await.unwrap();
        let found = desk.connector.find(&desk.ctx, &intent).await.unwrap();
        assert_eq!(found.iter().map(|f| &f.subject).collect::<Vec<_>>(), [&effect.subject]);
        let Subject::Comment(comment) = effect.subject else { panic!("no comment") };
        expected.push((comment, throughline_markup::normal(body), visibility, Some(intent.marker)));
    }
    let ticket = desk.fetch(&id).await;
    let seen: Vec<_> = ticket.comments.into_iter().map(|c| (c.id, c.body, c.visibility, c.marker)).collect();
    assert_eq!(seen, expected);
    let unsaid = Operation::Comment { body: "x".into(), visibility: Visibility::Unknown };
    assert_eq!(desk.on(&id, unsaid).await.unwrap_err().kind(), ErrorKind::Rejected);
    let edit = Operation::Edit { comment: CommentId::new("1"), body: "x".into() };
    assert_eq!(desk.on(&id, edit).await.unwrap_err().kind(), ErrorKind::Unsupported);
}

#[tokio::test]
#[ignore = "needs a real Request Tracker"]
async fn a_reply_we_bring_leaves_the_status_alone() {
    let desk = Desk::new(true);
    let id = desk.create("reopening").await;
    for status in ["new", "open", "stalled", "resolved", "rejected"] {
        desk.on(&id, Operation::Transition { status: status.into() }).await.unwrap();
        for visibility in [Visibility::Public, Visibility::Internal] {
            desk.on(&id, Operation::Comment { body: "text".into(), visibility }).await.unwrap();
            assert_eq!(desk.fetch(&id).await.status, status, "after a comment for {visibility:?}");
        }
        desk.on(&id, desk.file("a.txt", b"x", Visibility::Public)).await.unwrap();
        assert_eq!(desk.fetch(&id).await.status, status, "after a file");
    }
    desk.agent(
        Method::POST,
        &format!("ticket/{id}/correspond"),
        json!({"Content": "x", "ContentType": "text/plain"}),
    )
    .await;
    assert_eq!(desk.fetch(&id).await.status, "open", "a person's reply reopens");
}

#[tokio::test]
#[ignore = "needs a real Request Tracker"]
async fn files_arrive_with_every_byte_and_their_name() {
    let desk = Desk::new(true);
    let id = desk.create("files").await;
    let large: Vec<u8> = (0..3_000_000u32)
        .flat_map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes().into_iter().take(1))
        .collect();
    let files: [(&str, &str, &[u8], Visibility); 5] = [
        ("trace ü 🔥 \"quoted\".bin", "application/octet-stream", &large, Visibility::Public),
        ("internal.txt", "text/plain", "é\r\nline\n\n".as_bytes(), Visibility::Internal),
        ("latin1.txt", "text/plain", b"\xe9\r\n", Visibility::Public),
        ("mail.eml", "message/rfc822", b"From: a@b.test\n\nx\n", Visibility::Internal),
        ("page.html", "text/html; charset=iso-8859-1", b"<p>x", Visibility::Public),
    ];
    for (name, media_type, bytes, visibility) in files {
        let operation = Operation::Attach {
            name: name.into(),
            media_type: media_type.into(),
            size: u64::try_from(bytes.len()).unwrap(),
            digest: desk.blobs.put(Bytes::copy_from_slice(bytes)),
            visibility,
        };
        let intent = intent(Some(&id), operation);
        let effect = desk.connector.apply(&desk.ctx, &intent).await.unwrap();
        let found = desk.connector.find(&desk.ctx, &intent).await.unwrap();
        assert_eq!(found.iter().map(|f| &f.subject).collect::<Vec<_>>(), [&effect.subject]);
        let Subject::File(file) = effect.subject else { panic!("no file") };
        let read = desk.connector.download(&desk.ctx, &id, &file, 4_000_000).await.unwrap();
        assert!(read == bytes, "{name} has other bytes");
        let ticket = desk.fetch(&id).await;
        let seen = ticket.files.iter().find(|seen| seen.id == file).unwrap();
        assert_eq!((seen.name.replace('_', "\""), seen.visibility), (name.to_owned(), visibility));
        assert_eq!(
            (seen.size, seen.marker.as_ref()),
            (u64::try_from(bytes.len()).unwrap(), Some(&intent.marker))
        );
        assert_eq!(ticket.comments, [], "a file alone is no comment");
        let error = desk.connector.download(&desk.ctx, &id, &file, 2).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Rejected, "{error}");
    }
    let error = desk.connector.download(&desk.ctx, &id, &FileId::new("999999"), 10).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    let error = desk.on(&id, desk.file("empty", b"", Visibility::Public)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
}

#[tokio::test]
#[ignore = "needs a real Request Tracker"]
async fn a_person_s_rich_reply_and_private_file_are_read_for_what_they_are() {
    let desk = Desk::new(true);
    let id = desk.create("people").await;
    let path = format!("ticket/{id}/correspond");
    desk.agent(
        Method::POST,
        &path,
        json!({"Content": "<p>Hello <b>you</b></p><ul><li>one</li></ul>", "ContentType": "text/html"}),
    )
    .await;
    let file = json!([{"FileName": "secret.txt", "FileType": "text/plain", "FileContent": "c2VjcmV0"}]);
    let path = format!("ticket/{id}/comment");
    desk.agent(
        Method::POST,
        &path,
        json!({"Content": "internal", "ContentType": "text/plain", "Attachments": file}),
    )
    .await;
    desk.agent(Method::PUT, &format!("ticket/{id}"), json!({"Requestor": ["carol@partner.test"]})).await;
    let ticket = desk.fetch(&id).await;
    let comments: Vec<_> =
        ticket.comments.iter().map(|c| (c.body.as_str(), c.visibility, c.author.name.as_str())).collect();
    assert_eq!(
        comments,
        [
            ("Hello **you**\n- one", Visibility::Public, "Alice Agent"),
            ("internal", Visibility::Internal, "Alice Agent")
        ]
    );
    assert_eq!(ticket.files.len(), 1);
    assert_eq!(
        (ticket.files[0].name.as_str(), ticket.files[0].visibility),
        ("secret.txt", Visibility::Internal)
    );
    assert_eq!(ticket.requester.unwrap().name, "carol", "an address is not shown");
}

#[tokio::test]
#[ignore = "needs a real Request Tracker"]
async fn a_stale_version_is_a_conflict_for_every_write() {
    let desk = Desk::new(true);
    let id = desk.create("versions").await;
    let before = desk.fetch(&id).await.version;
    desk.agent(Method::PUT, &format!("ticket/{id}"), json!({"Subject": "theirs"})).await;
    let operations = [
        Operation::Update { changes: Changes { title: Some("ours".into()), ..Changes::default() } },
        Operation::Transition { status: "open".into() },
        Operation::Comment { body: "ours".into(), visibility: Visibility::Internal },
        Operation::Comment { body: "ours".into(), visibility: Visibility::Public },
        desk.file("a", b"x", Visibility::Public),
        Operation::LinkBack(Reference::new("7", Some("https://partner.test/7".into()))),
    ];
    for operation in operations {
        let error = desk.on_version(&id, operation.clone(), before.clone()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{operation:?}: {error}");
        let fresh = desk.fetch(&id).await;
        assert_eq!((fresh.title.as_str(), fresh.comments.len(), fresh.files.len()), ("theirs", 0, 0));
    }
    for operation in [
        Operation::Comment { body: "ours".into(), visibility: Visibility::Public },
        Operation::Update { changes: Changes { title: Some("ours".into()), ..Changes::default() } },
    ] {
        let fresh = desk.fetch(&id).await.version;
        desk.on_version(&id, operation, fresh).await.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs a real Request Tracker"]
async fn a_counterpart_s_number_and_address_are_shown() {
    let desk = Desk::new(true);
    let id = desk.create("links").await;
    let link =
        Operation::LinkBack(Reference::new("INC-7", Some("https://partner.test/tickets/7?a=1&b=2".into())));
    for _ in 0..2 {
        let after = desk.on(&id, link.clone()).await.unwrap().read_back.unwrap();
        let seen: Vec<_> = after.references.iter().map(|r| (r.label.as_str(), r.url.as_deref())).collect();
        let url = "https://partner.test/tickets/7?a=1&b=2";
        assert_eq!(seen, [("INC-7", None), (url, Some(url))]);
    }
    let bare = Desk::new(false);
    let summary = Some("Open".to_owned());
    let address = Some("https://partner.test/tickets/8".to_owned());
    for more in [Reference::new("INC-7", None), Reference { summary, ..Reference::new("INC-7", address) }] {
        let error = bare.on(&id, Operation::LinkBack(more)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }
}

#[tokio::test]
#[ignore = "needs a real Request Tracker"]
async fn a_merged_ticket_is_read_as_the_one_that_survived() {
    let desk = Desk::new(true);
    let (kept, gone) = (desk.create("kept").await, desk.create("gone").await);
    desk.agent(
        Method::POST,
        &format!("ticket/{gone}/correspond"),
        json!({"Content": "from gone", "ContentType": "text/plain"}),
    )
    .await;
    let start = desk.now().await;
    desk.agent(Method::PUT, &format!("ticket/{gone}"), json!({"MergeInto": kept.as_str()})).await;
    let ticket = desk.fetch(&gone).await;
    assert_eq!((&ticket.id, ticket.title.as_str()), (&kept, "kept"));
    let bodies: Vec<_> = ticket.comments.iter().map(|c| c.body.as_str()).collect();
    assert_eq!(bodies, ["text of gone", "from gone"]);
    let (hinted, _) = desk.changed_since(&start).await;
    assert!(hinted.contains(&gone) || hinted.contains(&kept), "{hinted:?}");
    let error = desk.connector.fetch(&desk.ctx, &RemoteId::new("999999")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
#[ignore = "needs a real Request Tracker"]
async fn the_feed_shows_every_change_once_and_then_nothing() {
    let desk = Desk::new(true);
    let start = desk.now().await;
    let first = desk.create("feed").await;
    let second = desk.create("feed").await;
    desk.agent(
        Method::POST,
        &format!("ticket/{first}/comment"),
        json!({"Content": "x", "ContentType": "text/plain"}),
    )
    .await;
    let (hinted, next) = desk.changed_since(&start).await;
    assert!(hinted.contains(&first) && hinted.contains(&second), "{hinted:?}");
    desk.agent(Method::PUT, &format!("ticket/{second}"), json!({"Status": "resolved"})).await;
    let (hinted, _) = desk.changed_since(&next).await;
    assert!(hinted.contains(&second), "{hinted:?}");
    let (hinted, _) = desk.changed_since(&start).await;
    assert!(hinted.contains(&first) && hinted.contains(&second), "an old cursor shows it all again");
}

#[tokio::test]
#[ignore = "needs a real Request Tracker"]
async fn a_long_history_is_read_to_its_end_and_the_feed_past_what_we_may_not_see() {
    let desk = Desk::new(true);
    let id = desk.create("long").await;
    let start = desk.now().await;
    for n in 0..60 {
        desk.agent(
            Method::POST,
            &format!("ticket/{id}/comment"),
            json!({"Content": format!("note {n}"), "ContentType": "text/plain"}),
        )
        .await;
    }
    for n in 0..60 {
        desk.agent(Method::PUT, &format!("ticket/{id}"), json!({"Priority": n.to_string()})).await;
    }
    let last = Operation::Comment { body: "the last".into(), visibility: Visibility::Public };
    desk.on(&id, last).await.unwrap();
    let ticket = desk.fetch(&id).await;
    assert_eq!(ticket.comments.len(), 61);
    assert_eq!(ticket.comments[60].body, "the last");
    let (hinted, _) = desk.changed_since(&start).await;
    assert!(hinted.contains(&id));
}
