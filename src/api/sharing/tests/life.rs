//! The life of an agreement: who may do what to it, and that it is kept.

use std::sync::Arc;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use throughline_sdk::Clock;
use throughline_testkit::ManualClock;

use super::{HERE, KEY, Kept, PARTNER, Side, TICKET, UUID, face};
use crate::api::sharing::agreement::Agreement;
use crate::daemon::Logins;
use crate::ledger::{MasterKey, Medium, MemoryMedium, Offload};

fn invitation() -> Value {
    json!({
        "uuid": UUID, "name": "Fabrikam", "status": "pending", "access_key": KEY, "sender_url": PARTNER,
        "receiver_url": HERE,
    })
}

async fn invite(side: &Side, body: &Value) -> StatusCode {
    let path = format!("/sharing/partner/agreements/{UUID}");
    side.send(Method::POST, &path, &[], body.to_string()).await.status
}

#[tokio::test]
async fn an_invitation_is_between_the_two_who_are_configured() {
    let side = Side::new().await;
    for (name, value) in [
        ("uuid", json!("another")),
        ("status", json!("accepted")),
        ("status", json!(null)),
        ("access_key", json!("short")),
        ("access_key", json!(null)),
        ("access_key", json!("a key with spaces and more")),
        ("sender_url", json!("https://stranger.example/sharing")),
        ("sender_url", json!(null)),
        ("receiver_url", json!("http://bridge.test/sharing/other")),
        ("receiver_url", json!(7)),
    ] {
        let mut body = invitation();
        body[name] = value.clone();
        assert_eq!(invite(&side, &body).await, StatusCode::UNPROCESSABLE_ENTITY, "{name} {value}");
    }
    assert!(side.faces[0].book.all().is_empty());
    let mut slashed = invitation();
    slashed["sender_url"] = json!(format!("{PARTNER}/"));
    assert_eq!(invite(&side, &slashed).await, StatusCode::CREATED);
    // The same again is nothing new; its name is nobody else's.
    assert_eq!(invite(&side, &invitation()).await, StatusCode::CREATED);
    let mut other = invitation();
    other["access_key"] = json!(KEY.replace("bb", "bc"));
    assert_eq!(invite(&side, &other).await, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(side.faces[0].book.all().len(), 1);
}

#[tokio::test]
async fn who_was_not_decided_on_keeps_few_places() {
    let side = Side::new().await;
    let mut statuses = Vec::new();
    for at in 0..6 {
        let uuid = format!("forged-{at}");
        let mut body = invitation();
        body["uuid"] = json!(uuid);
        let path = format!("/sharing/partner/agreements/{uuid}");
        statuses.push(side.send(Method::POST, &path, &[], body.to_string()).await.status);
    }
    assert_eq!(statuses[3..], [StatusCode::CREATED, StatusCode::FORBIDDEN, StatusCode::FORBIDDEN]);
}

/// An agreement of ours or the partner's, brought to a status by these steps of ours and the partner's.
async fn brought(sent: bool, steps: &[(&str, &str)]) -> (Side, String, String) {
    let side = Side::new().await;
    let book = &side.faces[0].book;
    let (uuid, token) = match sent {
        false => {
            assert_eq!(invite(&side, &invitation()).await, StatusCode::CREATED);
            (UUID.to_owned(), format!("{UUID}:{KEY}"))
        }
        true => {
            let body = json!({ "name": "Ours" });
            let drawn_up = Agreement::drawn_up(body.as_object().unwrap(), side.faces[0].entropy.as_ref());
            let (uuid, token) = (drawn_up.uuid.clone(), format!("{}:{}", drawn_up.uuid, drawn_up.key()));
            let add = |agreements: &mut Vec<Agreement>| {
                agreements.push(drawn_up);
                Ok(())
            };
            book.change(add).await.unwrap();
            (uuid, token)
        }
    };
    for (by, status) in steps {
        if *by == "us" {
            let ours = if sent { "sender" } else { "receiver" };
            let by = if *status == "inactive" { json!(ours) } else { Value::Null };
            let change = json!({ "status": status, "deactivated_by": by });
            book.amend(&uuid, |one| one.recorded(change.as_object().unwrap())).await.unwrap();
        } else {
            let status = amend(&side, &uuid, &token, &json!({ "status": status })).await;
            assert_eq!(status, StatusCode::OK);
        }
    }
    (side, uuid, token)
}

async fn amend(side: &Side, uuid: &str, token: &str, change: &Value) -> StatusCode {
    let path = format!("/sharing/partner/agreements/{uuid}");
    side.send(Method::PUT, &path, &[("x-ticket-sharing-token", token)], change.to_string()).await.status
}

#[tokio::test]
async fn each_side_takes_its_own_steps_only() {
    let (good, bad) = (StatusCode::OK, StatusCode::UNPROCESSABLE_ENTITY);
    let none: &[(&str, &str)] = &[];
    for (sent, steps, wanted, expected) in [
        // Ours: the partner decides.
        (true, none, "accepted", good),
        (true, none, "declined", good),
        (true, none, "inactive", good),
        (true, &[("them", "declined")], "accepted", bad),
        (true, &[("them", "accepted")], "inactive", good),
        (true, &[("them", "accepted")], "declined", bad),
        (true, &[("them", "accepted")], "pending", bad),
        (true, &[("them", "accepted"), ("them", "inactive")], "accepted", good),
        (true, &[("them", "accepted"), ("us", "inactive")], "accepted", bad),
        (true, &[("us", "inactive")], "accepted", bad),
        // The partner's: we decide, and nobody for us.
        (false, none, "accepted", bad),
        (false, none, "declined", bad),
        (false, &[("us", "declined")], "accepted", bad),
        (false, &[("us", "declined")], "pending", good),
        (false, &[("us", "accepted")], "inactive", good),
        (false, &[("us", "accepted"), ("us", "inactive")], "accepted", bad),
        (false, &[("us", "accepted"), ("them", "inactive")], "accepted", good),
        // Taken back before we decided, it is not accepted by being taken up.
        (false, &[("them", "inactive")], "accepted", bad),
        (false, &[("them", "inactive")], "pending", good),
        (false, none, "agreed", bad),
        (false, none, "", bad),
    ] {
        let (side, uuid, token) = brought(sent, steps).await;
        let status = amend(&side, &uuid, &token, &json!({ "status": wanted })).await;
        assert_eq!(status, expected, "sent {sent}, {steps:?}, {wanted}");
    }
}

#[tokio::test]
async fn terms_name_and_key_are_the_senders() {
    let (good, bad) = (StatusCode::OK, StatusCode::UNPROCESSABLE_ENTITY);
    let new_key = KEY.replace("bb", "be");
    for (change, by_sender, by_receiver) in [
        (json!({ "name": "Another" }), good, bad),
        (json!({ "sync_tags": true }), good, bad),
        (json!({ "allows_public_comments": true }), good, bad),
        (json!({ "access_key": new_key }), good, bad),
        (json!({ "access_key": "short" }), bad, bad),
        (json!({ "sender_url": "https://stranger.example/" }), bad, bad),
        (json!({ "uuid": "another" }), bad, bad),
        // The gem sends everything, mostly unchanged or as null.
        (
            json!({ "name": null, "sync_tags": false, "receiver_url": null, "current_actor": null }),
            good,
            good,
        ),
    ] {
        for (sent, expected) in [(false, by_sender), (true, by_receiver)] {
            let change = match (sent, change.get("allows_public_comments")) {
                (false, Some(_)) => json!({ "allows_public_comments": false }),
                _ => change.clone(),
            };
            let (side, uuid, token) = brought(sent, &[]).await;
            assert_eq!(amend(&side, &uuid, &token, &change).await, expected, "sent {sent}: {change}");
        }
    }
    let (side, uuid, token) = brought(false, &[("us", "accepted")]).await;
    assert_eq!(amend(&side, &uuid, &token, &json!({ "access_key": new_key })).await, good);
    assert_eq!(amend(&side, &uuid, &token, &json!({})).await, StatusCode::UNAUTHORIZED);
    assert_eq!(amend(&side, &uuid, &format!("{uuid}:{new_key}"), &json!({})).await, good);
}

#[tokio::test]
async fn by_our_own_agreement_the_partner_works_on_our_tickets_and_shares_none() {
    let (side, _, token) = brought(true, &[("them", "accepted")]).await;
    let path = format!("/sharing/partner/tickets/{TICKET}");
    let headers = [("x-ticket-sharing-token", token.as_str())];
    let new = json!({ "subject": "x" }).to_string();
    assert_eq!(side.send(Method::POST, &path, &headers, new.clone()).await.status, StatusCode::FORBIDDEN);
    assert_eq!(side.send(Method::PUT, &path, &headers, new).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_agreement_is_shown_without_its_key() {
    let side = Side::with("accepted").await;
    let answer = side.push(Method::GET, &format!("/agreements/{UUID}"), &json!({})).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(!answer.body.contains(KEY), "{}", answer.body);
    assert!(!format!("{:?}", side.faces).contains(KEY));
}

#[tokio::test]
async fn agreements_outlive_the_process_sealed() {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::auto_advance());
    let kept = Arc::new(Kept::default());
    let first = face("partner", &clock, &kept).await;
    let body = invitation();
    let invited = Agreement::invited(UUID, body.as_object().unwrap(), &first.sharing).unwrap();
    first.book.invite(invited).await.unwrap();
    let second = face("partner", &clock, &kept).await;
    assert!(second.book.opened_by(&format!("{UUID}:{KEY}")).is_some());
    let medium: Arc<dyn Medium> = Arc::new(MemoryMedium::new());
    let entropy: Arc<dyn throughline_sdk::Entropy> = Arc::new(throughline_testkit::SeededEntropy::new(3));
    let logins = Logins::new(Arc::clone(&medium), MasterKey::new([7; 32]), entropy, Offload::Inline);
    let store = logins.of(first.desk.name()).unwrap();
    let book = crate::api::sharing::Book::open(Arc::clone(&store)).await.unwrap();
    book.invite(first.book.get(UUID).unwrap()).await.unwrap();
    let length = medium.len("logins/partner").unwrap().unwrap();
    let mut bytes = vec![0; usize::try_from(length).unwrap()];
    medium.read_at("logins/partner", 0, &mut bytes).unwrap();
    assert!(!bytes.windows(KEY.len()).any(|window| window == KEY.as_bytes()));
    let again = crate::api::sharing::Book::open(store).await.unwrap();
    assert!(again.get(UUID).is_some());
}
