//! What the feed tells: each change once, of the services that are watched.

use std::sync::Arc;
use std::time::Duration;

use throughline_sdk::{Clock, Cursor, ErrorKind, RemoteId};
use throughline_testkit::conformance::Subject;
use throughline_testkit::{ManualClock, RouterTransport};

use crate::desk::Desk;
use crate::health;
use crate::subject::with_base;

async fn read(subject: &Subject, cursor: &Cursor) -> (Vec<String>, Cursor) {
    let page = subject.connector.changes(&subject.ctx(), Some(cursor)).await.unwrap();
    assert!(!page.more);
    (page.hints.into_iter().map(|hint| hint.ticket.as_str().to_owned()).collect(), page.next)
}

#[tokio::test]
async fn issues_and_announcements_are_told_once() {
    let (desk, subject) = health();
    let old = desk.publish("Before");
    let start = subject.connector.changes(&subject.ctx(), None).await.unwrap().next;
    assert_eq!(read(&subject, &start).await, (Vec::new(), start.clone()), "what stands there is not told");
    subject.clock.sleep(Duration::from_secs(1)).await;
    let (issue, message) = (desk.publish("Outage"), desk.announce("A change"));
    let (told, cursor) = read(&subject, &start).await;
    assert_eq!(told, [format!("issues/{issue}"), format!("messages/{message}")]);
    assert_eq!(read(&subject, &cursor).await, (Vec::new(), cursor.clone()));
    subject.clock.sleep(Duration::from_secs(600)).await;
    desk.change(&old, |issue| issue["status"] = "ServiceRestored".into());
    let (told, cursor) = read(&subject, &cursor).await;
    assert_eq!(told, [format!("issues/{old}")]);
    assert_eq!(read(&subject, &cursor).await, (Vec::new(), cursor));
}

#[tokio::test]
async fn an_announcement_reads_whole() {
    let (desk, subject) = health();
    let id = RemoteId::new(format!("messages/{}", desk.announce("A change")));
    let ticket = subject.connector.fetch(&subject.ctx(), &id).await.unwrap();
    assert_eq!(
        (ticket.kind.as_deref(), ticket.status.as_str()),
        (Some("Exchange Online, Microsoft Teams"), "published")
    );
    assert_eq!(ticket.description, "It will be _better_.");
}

#[tokio::test]
async fn only_watched_services_are_told_and_messages_only_if_asked_for() {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::auto_advance());
    let desk = Desk::new(Arc::clone(&clock));
    let base = Arc::new(RouterTransport(desk.router()));
    let subject = with_base(&desk, base, clock, &[("services", serde_json::json!(["microsoft teams"]))]);
    let start = subject.connector.changes(&subject.ctx(), None).await.unwrap().next;
    subject.clock.sleep(Duration::from_secs(1)).await;
    desk.announce("A change");
    desk.publish("Mail");
    let chat = desk.publish("Chat");
    desk.change(&chat, |issue| issue["service"] = "Microsoft Teams".into());
    assert_eq!(read(&subject, &start).await.0, [format!("issues/{chat}")]);
}

#[tokio::test]
async fn an_id_of_somewhere_else_is_not_found_without_asking() {
    let (_desk, subject) = health();
    subject.transport.take();
    let error = subject.connector.fetch(&subject.ctx(), &RemoteId::new("tasks/7")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(subject.transport.take().is_empty());
}
