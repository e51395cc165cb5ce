//! The desk's hub, and what the connector does with it.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Value, json};

use crate::desk::{Desk, Manners};
use crate::rest::{answer, refuse, stranger};
use crate::subject::{WEBHOOK_TOKEN, on_desk};

pub(crate) async fn subscribe(State(desk): State<Desk>, headers: HeaderMap, body: Bytes) -> Response {
    if let Some(stranger) = stranger(&headers) {
        return stranger;
    }
    let mut made: Value = serde_json::from_slice(&body).unwrap();
    let id = format!("hub-{}", desk.next());
    made["id"] = json!(id);
    desk.state().hub.push(made.clone());
    answer(201, Some(&made))
}

pub(crate) async fn show(State(desk): State<Desk>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    if let Some(stranger) = stranger(&headers) {
        return stranger;
    }
    let state = desk.state();
    match state.hub.iter().find(|one| one["id"] == id) {
        // Version 4 has no way to look.
        Some(standing) if desk.manners.version == 5 => answer(200, Some(standing)),
        Some(_) => refuse(405, "Method Not Allowed"),
        None => refuse(404, "Not Found"),
    }
}

pub(crate) async fn end(State(desk): State<Desk>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    if let Some(stranger) = stranger(&headers) {
        return stranger;
    }
    desk.state().hub.retain(|one| one["id"] != id);
    answer(204, None)
}

#[tokio::test]
async fn events_are_asked_for_once_and_again_when_the_desk_has_forgotten() {
    for manners in [Manners::V4, Manners::V5] {
        let callback = ("callback", json!("https://bridge.example/webhooks/partner"));
        let (subject, desk) = on_desk(manners, &[callback]);
        let hub = || desk.state().hub.clone();
        let changes = async |since: Option<&throughline_sdk::Cursor>| {
            subject.connector.changes(&subject.ctx(), since).await.unwrap().next
        };
        let mut cursor = changes(None).await;
        let standing = hub();
        assert_eq!(standing.len(), 1);
        let address = format!("https://bridge.example/webhooks/partner?token={WEBHOOK_TOKEN}");
        assert_eq!(standing[0]["callback"], address.as_str());
        assert!(!cursor.as_str().contains(WEBHOOK_TOKEN), "the cursor holds the token: {cursor}");
        for _ in 0..3 {
            cursor = changes(Some(&cursor)).await;
        }
        assert_eq!(hub(), standing, "it is not asked for at each poll");
        subject.clock.sleep(std::time::Duration::from_secs(13 * 3600)).await;
        cursor = changes(Some(&cursor)).await;
        assert_eq!(hub().len(), 1, "one subscription, whether looked at or renewed");
        desk.state().hub.clear();
        subject.clock.sleep(std::time::Duration::from_secs(13 * 3600)).await;
        changes(Some(&cursor)).await;
        assert_eq!(hub().len(), 1, "it was forgotten and asked for again");
    }
}
