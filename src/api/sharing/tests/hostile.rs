//! Strangers, tokens in the wrong place, and bodies that are no tickets.

use std::sync::Arc;

use axum::http::{Method, StatusCode};
use futures::future::join_all;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use throughline_sdk::Timestamp;

use super::{KEY, Side, TICKET, UUID};
use crate::api::sharing::inside;
use crate::api::sharing::ticket::{Pushed, merged};
use crate::desk::{Narrow, Sort};

/// How many tickets stand on a desk.
async fn count(side: &Side, at: usize) -> usize {
    let desk = &side.faces[at].desk;
    desk.scan(Sort::Ticket, Narrow::default(), 0, |count, _, _| *count += 1).await.unwrap()
}

#[tokio::test]
async fn whoever_bears_no_key_of_an_agreement_is_a_stranger_everywhere() {
    let side = Side::with("accepted").await;
    let good = format!("{UUID}:{KEY}");
    let new = json!({ "uuid": TICKET, "subject": "x", "status": "open" }).to_string();
    let mut said = Vec::new();
    for (system, tokens) in [
        ("partner", vec![]),
        ("partner", vec![""]),
        ("partner", vec![UUID]),
        ("partner", vec![":"]),
        ("partner", vec!["00000000000000000000000000000000000000aa:"]),
        (
            "partner",
            vec!["00000000000000000000000000000000000000aa:00000000000000000000000000000000000000bc"],
        ),
        (
            "partner",
            vec!["00000000000000000000000000000000000000ab:00000000000000000000000000000000000000bb"],
        ),
        // Two tokens are none.
        ("partner", vec![good.as_str(), good.as_str()]),
        // One partner's key opens no other's door, nor one that is not there.
        ("other", vec![good.as_str()]),
        ("nobody", vec![good.as_str()]),
    ] {
        for (method, what) in [
            (Method::POST, "tickets"),
            (Method::PUT, "tickets"),
            (Method::GET, "tickets"),
            (Method::DELETE, "tickets"),
            (Method::PUT, "agreements"),
            (Method::GET, "agreements"),
        ] {
            let name = if what == "tickets" { TICKET } else { UUID };
            let path = format!("/sharing/{system}/{what}/{name}");
            let headers: Vec<_> = tokens.iter().map(|token| ("x-ticket-sharing-token", *token)).collect();
            let answer = side.send(method.clone(), &path, &headers, new.clone()).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path} {tokens:?}: {answer:?}");
            assert_eq!(answer.headers["www-authenticate"], "X-Ticket-Sharing");
            said.push(answer.body);
        }
    }
    said.dedup();
    assert_eq!(said.len(), 1, "refusals tell strangers apart: {said:?}");
    assert_eq!((count(&side, 0).await, count(&side, 1).await), (0, 0));
}

#[tokio::test]
async fn a_ticket_of_one_agreement_is_not_there_for_another() {
    let side = Side::with("accepted").await;
    let path = format!("/tickets/{TICKET}");
    let new = json!({ "subject": "Mine", "status": "open" });
    assert_eq!(side.push(Method::POST, &path, &new).await.status, StatusCode::CREATED);
    let second = UUID.replace("aa", "ad");
    let body = json!({
        "status": "pending", "access_key": KEY, "sender_url": super::PARTNER, "receiver_url": super::HERE,
    });
    let invited = format!("/sharing/partner/agreements/{second}");
    assert_eq!(side.send(Method::POST, &invited, &[], body.to_string()).await.status, StatusCode::CREATED);
    let accepted = json!({ "status": "accepted" });
    let book = &side.faces[0].book;
    book.amend(&second, |one| one.recorded(accepted.as_object().unwrap())).await.unwrap();
    let token = format!("{second}:{KEY}");
    for method in [Method::POST, Method::PUT, Method::GET, Method::DELETE] {
        let headers = [("x-ticket-sharing-token", token.as_str())];
        let answer =
            side.send(method.clone(), &format!("/sharing/partner{path}"), &headers, new.to_string()).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method}: {answer:?}");
    }
    // Nor is one agreement another's to change.
    let headers = [("x-ticket-sharing-token", token.as_str())];
    let other = format!("/sharing/partner/agreements/{UUID}");
    let answer = side.send(Method::PUT, &other, &headers, json!({ "status": "inactive" }).to_string()).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(side.ticket().await["subject"], "Mine");
}

#[tokio::test]
async fn an_agreement_that_is_not_accepted_refuses_tickets() {
    for status in ["pending", "declined", "inactive"] {
        let side = Side::with(status).await;
        for method in [Method::POST, Method::PUT, Method::GET, Method::DELETE] {
            let answer = side.push(method, &format!("/tickets/{TICKET}"), &json!({ "subject": "x" })).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{status}: {answer:?}");
        }
        assert_eq!(count(&side, 0).await, 0);
    }
}

#[tokio::test]
async fn a_body_that_is_no_ticket_is_refused_with_its_place_and_leaves_nothing() {
    let side = Side::with("accepted").await;
    let path = format!("/tickets/{TICKET}");
    for (body, place) in [
        (json!({ "uuid": "another" }), "uuid"),
        (json!({ "uuid": 7 }), "uuid"),
        (json!({ "subject": ["x"] }), "subject"),
        (json!({ "status": 1 }), "status"),
        (json!({ "requester": "Ada" }), "requester"),
        (json!({ "requester": { "name": {} } }), "requester.name"),
        (json!({ "tags": [1] }), "tags"),
        (json!({ "custom_fields": [] }), "custom_fields"),
        (json!({ "comments": {} }), "comments"),
        (json!({ "comments": ["x"] }), "comments[0]"),
        (json!({ "comments": [{ "body": "no name" }] }), "comments[0].uuid"),
        (json!({ "comments": [{ "uuid": "../../etc" }] }), "comments[0].uuid"),
        (json!({ "comments": [{ "uuid": "a", "public": "yes" }] }), "comments[0].public"),
        (json!({ "comments": [{ "uuid": "a", "body": 1 }] }), "comments[0].body"),
        (json!({ "comments": [{ "uuid": "a", "attachments": {} }] }), "comments[0].attachments"),
        (json!({ "comments": [{ "uuid": "a", "attachments": [1] }] }), "comments[0].attachments[0]"),
        (json!({ "comments": [{ "uuid": "a", "attachments": [{ "url": 1 }] }] }), "attachments[0].url"),
    ] {
        let answer = side.push(Method::POST, &path, &body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {answer:?}");
        assert!(answer.body.contains(place), "{body}: {}", answer.body);
    }
    let token = format!("{UUID}:{KEY}");
    let headers = [("x-ticket-sharing-token", token.as_str())];
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let large = format!("{{\"subject\":\"{}\"}}", "x".repeat(5 << 20));
    for (body, status) in [
        (String::new(), StatusCode::BAD_REQUEST),
        ("null".to_owned(), StatusCode::BAD_REQUEST),
        ("[]".to_owned(), StatusCode::BAD_REQUEST),
        ("{\"uuid\":".to_owned(), StatusCode::BAD_REQUEST),
        (deep, StatusCode::BAD_REQUEST),
        (large, StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let answer = side.send(Method::POST, &format!("/sharing/partner{path}"), &headers, body).await;
        assert_eq!(answer.status, status, "{answer:?}");
    }
    for name in ["..%2f..%2fetc", "a%00b", &"a".repeat(65)] {
        let answer = side.push(Method::POST, &format!("/tickets/{name}"), &json!({})).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}: {answer:?}");
    }
    let newer = [headers[0], ("x-ticket-sharing-version", "2")];
    let answer = side.send(Method::POST, &format!("/sharing/partner{path}"), &newer, "{}".to_owned()).await;
    assert_eq!(answer.status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(count(&side, 0).await, 0);
}

#[tokio::test]
async fn one_ticket_is_made_however_often_it_is_shared() {
    let side = Side::with("accepted").await;
    let new = json!({ "subject": "Once", "status": "open", "comments": [{ "uuid": "c1", "body": "first" }] });
    let path = format!("/tickets/{TICKET}");
    let answers = join_all((0..8).map(|_| side.push(Method::POST, &path, &new))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == StatusCode::CREATED).count(), 1);
    assert!(answers.iter().all(|answer| answer.status.is_success()));
    assert_eq!(count(&side, 0).await, 1);
    // The whole list again, with another text under the same name, and nothing said of all else.
    let again = json!({
        "subject": null, "status": null, "tags": null, "custom_fields": null, "requester": null,
        "comments": [{ "uuid": "c1", "body": "changed" }, { "uuid": "c2", "body": "second" }],
    });
    assert_eq!(side.push(Method::PUT, &path, &again).await.status, StatusCode::OK);
    let ticket = side.ticket().await;
    assert_eq!((&ticket["subject"], &ticket["status"]), (&json!("Once"), &json!("open")));
    let said: Vec<_> = ticket["comments"].as_array().unwrap().iter().map(|one| one["body"].clone()).collect();
    assert_eq!(said, ["first", "second"]);
    assert!(ticket["comments"][0].get("at").is_none(), "{ticket}");
}

#[tokio::test]
async fn a_first_comment_for_the_staff_is_no_description() {
    let side = Side::with("accepted").await;
    let new = json!({ "subject": "s", "comments": [{ "uuid": "c1", "body": "for staff", "public": false }] });
    side.push(Method::POST, &format!("/tickets/{TICKET}"), &new).await;
    let (_, record) = side.faces[0].with_uuid(TICKET).await.unwrap().unwrap();
    assert!(record.document.get("description").is_none());
}

/// The address under which the engine laid a file out, without the bridge's own.
async fn laid_out(side: &Side) -> String {
    side.push(Method::POST, &format!("/tickets/{TICKET}"), &json!({ "subject": "Files" })).await;
    let (number, _) = side.faces[0].with_uuid(TICKET).await.unwrap().unwrap();
    let inside = inside::routes(side.faces[0].clone());
    let request = http::Request::put(format!("/tickets/{number}/files/f1"));
    let answer = tower::ServiceExt::oneshot(inside, request.body(axum::body::Body::from("smoke")).unwrap())
        .await
        .unwrap();
    let bytes = axum::body::to_bytes(answer.into_body(), 1 << 16).await.unwrap();
    let laid: Value = serde_json::from_slice(&bytes).unwrap();
    laid["url"].as_str().unwrap().strip_prefix("http://bridge.test").unwrap().to_owned()
}

#[tokio::test]
async fn a_file_is_fetched_by_its_address_alone_and_for_a_week() {
    let side = Side::with("accepted").await;
    let path = laid_out(&side).await;
    let get = async |path: &str| side.send(Method::GET, path, &[], String::new()).await;
    let answer = get(&path).await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, "smoke"));
    for (name, value) in [
        ("content-type", "application/octet-stream"),
        ("content-disposition", "attachment"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(answer.headers[name], value);
    }
    let parts: Vec<&str> = path.split('/').collect();
    let [_, _, _, _, number, name, until, signature] = parts[..] else { panic!("{path}") };
    let later = (until.parse::<i64>().unwrap() + 1).to_string();
    let mut other = signature.to_owned();
    other.replace_range(0..1, if signature.starts_with('0') { "1" } else { "0" });
    for forged in [
        path.replace("/partner/", "/other/"),
        path.replace(&format!("/files/{number}/"), "/files/2/"),
        path.replace(&format!("/{name}/"), "/f2/"),
        path.replace(until, &later),
        path.replace(signature, &other),
        path.replace(signature, "zz"),
        path.replace(signature, signature.get(2..).unwrap()),
        path.replace(until, "x"),
    ] {
        assert_eq!(get(&forged).await.status, StatusCode::NOT_FOUND, "{forged}");
    }
    side.clock.advance(std::time::Duration::from_secs(8 * 24 * 3600));
    assert_eq!(get(&path).await.status, StatusCode::GONE);
}

#[tokio::test]
async fn nobody_but_the_engine_enters_by_the_inner_door() {
    let side = Side::with("accepted").await;
    let out: Arc<dyn throughline_sdk::http::Transport> =
        Arc::new(throughline_testkit::RouterTransport(side.router()));
    let way = inside::Inside::new(side.faces[0].clone(), out);
    for bears in [None, Some("Bearer x"), Some("in process only")] {
        let mut headers = http::HeaderMap::new();
        headers.extend(bears.map(|bears| (http::header::AUTHORIZATION, bears.parse().unwrap())));
        let request = throughline_sdk::http::Request {
            method: Method::GET,
            url: "https://desk.invalid/agreements".parse().unwrap(),
            headers,
            body: Default::default(),
            deadline: std::time::Duration::MAX,
            urgency: Default::default(),
            trace: [0; 16],
            max_answer_bytes: 1000,
        };
        let answer = throughline_sdk::http::Transport::send(&way, request).await.unwrap();
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
}

/// Any JSON that is not too deep.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(|flag| json!(flag)),
        any::<i64>().prop_map(|number| json!(number)),
        "[a-z-]{0,5}".prop_map(|text| json!(text)),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        let name = prop_oneof![
            Just("uuid"),
            Just("comments"),
            Just("attachments"),
            Just("author"),
            Just("custom_fields"),
            Just("tags"),
            Just("public"),
            Just("body"),
            Just("url"),
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::btree_map(name.prop_map(str::to_owned), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    /// Whatever is pushed: it is a ticket or refused, and the same again changes nothing.
    #[test]
    fn any_push_is_taken_once_or_refused(push in anything()) {
        let Value::Object(push) = push else { return Ok(()) };
        let now = Timestamp::UNIX_EPOCH;
        let pushed = |record| Pushed { record, uuid: "t", agreement: "a", push: &push, offered: false, now };
        let Ok(first) = merged(pushed(None)) else { return Ok(()) };
        let record = crate::desk::Record {
            v: 1,
            change: 1,
            created: now,
            updated: now,
            document: first.document.clone(),
            files: Default::default(),
            parts: 0,
            carried: None,
            events: Vec::new(),
            deleted: false,
        };
        let second = merged(pushed(Some(&record))).unwrap();
        prop_assert_eq!(second.document, first.document);
    }
}

#[test]
fn a_partner_cannot_say_that_a_file_is_here() {
    let push: Map<String, Value> = serde_json::from_value(json!({
        "comments": [{ "uuid": "c1", "attachments": [{ "url": "https://x.example/", "size": 5 }] }],
    }))
    .unwrap();
    let now = Timestamp::UNIX_EPOCH;
    let pushed = Pushed { record: None, uuid: "t", agreement: "a", push: &push, offered: false, now };
    let made = merged(pushed).unwrap();
    assert!(made.document["comments"][0]["attachments"][0].get("size").is_none());
}
