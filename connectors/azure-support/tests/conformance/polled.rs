//! What changed, found by comparing: everything that an engineer or the portal does is told.

use std::time::Duration;

use chrono::TimeDelta;
use throughline_sdk::{Cursor, RemoteId};
use throughline_testkit::conformance::Subject;

use crate::desk::Desk;
use crate::in_process::azure;
use crate::subject::ctx;

/// Longer than anything is told again for its second and the lag.
const QUIET: Duration = Duration::from_secs(60);

async fn read(subject: &Subject, cursor: &Cursor) -> (Vec<String>, Cursor) {
    let page = subject.connector.changes(&ctx(subject), Some(cursor)).await.unwrap();
    assert!(!page.more);
    (page.hints.into_iter().map(|hint| hint.ticket.as_str().to_owned()).collect(), page.next)
}

/// A ticket that stands there since long before the feed begins, and the cursor at which nothing is left to tell.
async fn quiet() -> (Desk, Subject, RemoteId, Cursor) {
    let (desk, subject) = azure(&[]);
    let ticket = subject.hand.create("Quiet").await;
    subject.clock.sleep(QUIET * 120).await;
    let start = subject.connector.changes(&ctx(&subject), None).await.unwrap().next;
    let (told, cursor) = read(&subject, &start).await;
    assert!(told.is_empty(), "what stood there before is not told: {told:?}");
    subject.clock.sleep(QUIET).await;
    (desk, subject, ticket, cursor)
}

#[tokio::test]
async fn while_nothing_happens_the_cursor_stays_and_nothing_is_told() {
    let (_desk, subject, _, cursor) = quiet().await;
    assert_eq!(read(&subject, &cursor).await, (Vec::new(), cursor));
}

#[tokio::test]
async fn a_message_is_told_although_it_modifies_nothing() {
    let (_desk, subject, ticket, cursor) = quiet().await;
    subject.hand.comment(&ticket, "We are looking into it.", false).await;
    let (told, cursor) = read(&subject, &cursor).await;
    assert_eq!(told, [ticket.as_str()]);
    subject.clock.sleep(QUIET).await;
    let (_, cursor) = read(&subject, &cursor).await;
    subject.clock.sleep(QUIET).await;
    let (told, cursor) = read(&subject, &cursor).await;
    assert!(told.is_empty(), "it was told often enough");
    // A second message in the second of the first, and one much later.
    for _ in 0..2 {
        subject.hand.comment(&ticket, "Done.", false).await;
    }
    assert_eq!(read(&subject, &cursor).await.0, [ticket.as_str()]);
}

#[tokio::test]
async fn a_ticket_closed_in_between_is_told_once_it_is_missed() {
    let (_desk, subject, ticket, cursor) = quiet().await;
    subject.hand.set_status(&ticket, "Closed").await;
    subject.clock.sleep(subject.feed_patience).await;
    let (told, cursor) = read(&subject, &cursor).await;
    assert_eq!(told, [ticket.as_str()]);
    let mut cursor = cursor;
    for _ in 0..2 {
        subject.clock.sleep(QUIET).await;
        cursor = read(&subject, &cursor).await.1;
    }
    assert_eq!(read(&subject, &cursor).await, (Vec::new(), cursor.clone()));
    // Somebody opens it again.
    subject.hand.set_status(&ticket, "Open").await;
    subject.clock.sleep(subject.feed_patience).await;
    assert_eq!(read(&subject, &cursor).await.0, [ticket.as_str()]);
}

#[tokio::test]
async fn a_ticket_raised_and_closed_between_two_readings_is_told() {
    let (_desk, subject, _, cursor) = quiet().await;
    let brief = subject.hand.create("Brief").await;
    subject.hand.set_status(&brief, "Closed").await;
    subject.clock.sleep(subject.feed_patience).await;
    assert_eq!(read(&subject, &cursor).await.0, [brief.as_str()]);
}

#[tokio::test]
async fn a_ticket_in_the_middle_of_a_change_is_not_taken_for_closed() {
    let (_desk, subject, ticket, cursor) = quiet().await;
    subject.hand.set_status(&ticket, "Updating").await;
    subject.clock.sleep(subject.feed_patience).await;
    let (told, cursor) = read(&subject, &cursor).await;
    assert_eq!(told, [ticket.as_str()]);
    let status = subject.connector.fetch(&ctx(&subject), &ticket).await.unwrap().status;
    assert_eq!(status, "Updating");
    subject.hand.set_status(&ticket, "Open").await;
    subject.clock.sleep(subject.feed_patience).await;
    assert_eq!(read(&subject, &cursor).await.0, [ticket.as_str()]);
}

#[tokio::test]
async fn a_ticket_that_grew_too_old_vanishes_without_a_word() {
    let (desk, subject, ticket, cursor) = quiet().await;
    let long_ago = desk.now() - TimeDelta::days(547);
    desk.state().tickets.get_mut(ticket.as_str()).unwrap().created = long_ago;
    // It is still open, and was remembered with the day on which it was raised.
    let cursor = Cursor::new(cursor.as_str().replace(
        &format!("\"c\":{}", (desk.now() - TimeDelta::seconds(7260)).timestamp()),
        &format!("\"c\":{}", long_ago.timestamp()),
    ));
    assert!(cursor.as_str().contains(&long_ago.timestamp().to_string()), "{}", cursor.as_str());
    subject.clock.sleep(Duration::from_secs(2 * 24 * 60 * 60)).await;
    assert!(read(&subject, &cursor).await.0.is_empty());
    let error = subject.connector.fetch(&ctx(&subject), &ticket).await.unwrap_err();
    assert_eq!(error.kind(), throughline_sdk::ErrorKind::NotFound);
    assert!(error.to_string().contains("18 months") && error.to_string().contains("does not say"), "{error}");
}

#[tokio::test]
async fn a_reading_that_is_throttled_half_way_goes_on_where_it_stopped() {
    let (desk, subject, _, _) = quiet().await;
    for number in 0..5 {
        subject.hand.create(&format!("Ticket {number}")).await;
    }
    subject.clock.sleep(QUIET * 120).await;
    let start = subject.connector.changes(&ctx(&subject), None).await.unwrap().next;
    let names: Vec<String> = desk.state().tickets.keys().cloned().collect();
    for name in &names {
        subject.hand.comment(&RemoteId::new(name), "News.", false).await;
    }
    desk.state().throttle_after = Some(4);
    let (mut told, cursor) = read(&subject, &start).await;
    assert!(!told.is_empty() && told.len() < names.len(), "{told:?}");
    subject.clock.sleep(QUIET).await;
    told.extend(read(&subject, &cursor).await.0);
    told.sort();
    told.dedup();
    assert_eq!(told, names);
}
