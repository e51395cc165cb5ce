//! What Azure accepts first and does later: followed to its end, never begun twice.

use std::time::Duration;

use axum::http::StatusCode;
use throughline_sdk::{Changes, ErrorKind, Operation, Subject as Made, TookEffect};
use throughline_testkit::Fault;

use crate::in_process::azure;
use crate::subject::{ctx, ctx_for, intent, raise, say};

const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_creation_is_followed_to_its_end_wherever_that_is_told() {
    for location_only in [false, true] {
        let (desk, subject) = azure(&[]);
        desk.state().location_only = location_only;
        let intent = raise(1, &subject);
        let effect = subject.connector.apply(&ctx(&subject), &intent).await.unwrap();
        let Made::Ticket(id) = effect.subject else { panic!("{effect:?}") };
        assert_eq!(id.as_str(), intent.marker.as_str(), "the name is ours");
        let read = subject.connector.fetch(&ctx(&subject), &id).await.unwrap();
        assert_eq!((read.marker, read.kind), (Some(intent.marker), Some("Virtual machine".to_owned())));
        assert_eq!(read.priority.as_deref(), Some("moderate"), "in the documented case");
        let followed = if location_only { "operationResults" } else { "operationsStatus" };
        let looks = desk.state().requests.iter().filter(|asked| asked.contains(followed)).count();
        assert_eq!(looks, 2, "as often as Retry-After says");
    }
}

#[tokio::test]
async fn a_creation_that_fails_later_is_told_with_its_reason() {
    for (code, kind, effect) in [
        ("QuotaExceeded", ErrorKind::Rejected, TookEffect::No),
        ("InternalServerError", ErrorKind::Unavailable, TookEffect::Unknown),
    ] {
        let (desk, subject) = azure(&[]);
        desk.state().fails = Some((code, "the plan does not allow it"));
        let error = subject.connector.apply(&ctx(&subject), &raise(1, &subject)).await.unwrap_err();
        assert_eq!((error.kind(), error.took_effect()), (kind, effect), "{error}");
        assert!(error.to_string().contains("the plan does not allow it"), "{error}");
        assert!(desk.state().tickets.is_empty());
    }
}

#[tokio::test]
async fn a_creation_still_running_at_the_deadline_is_in_doubt_and_never_begun_again() {
    let (desk, subject) = azure(&[]);
    desk.state().work = Some(LONG);
    let intent = raise(1, &subject);
    let short = Duration::from_secs(10);
    for attempt in ["first", "second"] {
        let error = subject.connector.apply(&ctx_for(&subject, short), &intent).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{attempt}: {error}");
        assert_eq!(error.took_effect(), TookEffect::Unknown, "{attempt}: {error}");
        assert!(desk.state().tickets.is_empty());
    }
    // With time enough the next attempt waits for what the first one began.
    let effect = subject.connector.apply(&ctx_for(&subject, LONG), &intent).await.unwrap();
    assert!(matches!(effect.subject, Made::Ticket(_)));
    assert_eq!(desk.state().tickets.len(), 1);
}

#[tokio::test]
async fn looks_that_fail_end_nothing() {
    let (desk, subject) = azure(&[]);
    desk.state().status_answers = [StatusCode::SERVICE_UNAVAILABLE, StatusCode::TOO_MANY_REQUESTS].into();
    subject.connector.apply(&ctx(&subject), &raise(1, &subject)).await.unwrap();
    desk.state().status_answers = [StatusCode::FORBIDDEN].into();
    let error = subject.connector.apply(&ctx(&subject), &raise(2, &subject)).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Forbidden, TookEffect::Unknown));
}

#[tokio::test]
async fn a_message_whose_answer_was_lost_is_waited_for_and_sent_once() {
    let (desk, subject) = azure(&[]);
    let ticket = subject.hand.create("Lost").await;
    let intent = say(3, &ticket, "Is anybody there?");
    subject.connector.probe(&ctx(&subject)).await.unwrap();
    subject.transport.take();
    subject.transport.next_write(Fault::DropReply);
    let error = subject.connector.apply(&ctx(&subject), &intent).await.unwrap_err();
    assert_eq!(error.took_effect(), TookEffect::Unknown);
    assert!(subject.connector.find(&ctx(&subject), &intent).await.unwrap().is_empty(), "it is on its way");
    subject.connector.apply(&ctx(&subject), &intent).await.unwrap();
    assert_eq!(subject.connector.find(&ctx(&subject), &intent).await.unwrap().len(), 1);
    assert_eq!(desk.state().tickets[ticket.as_str()].messages.len(), 1);
}

#[tokio::test]
async fn a_message_is_from_the_sender_and_never_internal() {
    let (desk, subject) = azure(&[("sender", "bridge@contoso.example".into())]);
    let ticket = subject.hand.create("Sender").await;
    subject.connector.apply(&ctx(&subject), &say(4, &ticket, "Ada Lovelace wrote:\n\nhello")).await.unwrap();
    assert_eq!(desk.state().tickets[ticket.as_str()].messages[0].sender, "bridge@contoso.example");
    let mut internal = say(5, &ticket, "between us");
    if let Operation::Comment { visibility, .. } = &mut internal.operation {
        *visibility = throughline_sdk::Visibility::Internal;
    }
    let error = subject.connector.apply(&ctx(&subject), &internal).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Unsupported, TookEffect::No));
}

#[tokio::test]
async fn a_severity_stands_while_an_engineer_works_and_is_rejected_with_what_to_do() {
    let (desk, subject) = azure(&[]);
    let ticket = subject.hand.create("In work").await;
    desk.state().tickets.get_mut(ticket.as_str()).unwrap().in_work = true;
    let changes = Changes { priority: Some("critical".to_owned()), ..Changes::default() };
    let error = subject
        .connector
        .apply(&ctx(&subject), &intent(6, Some(&ticket), Operation::Update { changes }))
        .await
        .unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Rejected, TookEffect::No));
    assert!(
        error.to_string().contains("InvalidData") && error.to_string().contains("in a message"),
        "{error}"
    );
}

#[tokio::test]
async fn a_plan_made_on_an_older_ticket_is_a_conflict() {
    let (_desk, subject) = azure(&[]);
    let ticket = subject.hand.create("Stale").await;
    let version = subject.connector.fetch(&ctx(&subject), &ticket).await.unwrap().version;
    subject.hand.set_status(&ticket, "Closed").await;
    let mut late = intent(7, Some(&ticket), Operation::Transition { status: "Open".to_owned() });
    late.expected = version;
    let error = subject.connector.apply(&ctx(&subject), &late).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Conflict, TookEffect::No));
}

#[tokio::test]
async fn a_file_larger_than_a_chunk_arrives_in_two_and_a_larger_one_is_refused() {
    let (_desk, subject) = azure(&[]);
    let ticket = subject.hand.create("Large").await;
    for (number, size, fits) in [(8, 3_000_000_u64, true), (9, 5_242_880, true), (10, 5_242_881, false)] {
        let bytes: bytes::Bytes = (0..=250).cycle().take(usize::try_from(size).unwrap()).collect();
        let ctx = ctx(&subject);
        let digest = ctx.blobs.write(bytes.clone()).await.unwrap();
        let operation = Operation::Attach {
            name: format!("dump {number}.zip"),
            media_type: "application/zip".to_owned(),
            size,
            digest,
            visibility: throughline_sdk::Visibility::Public,
        };
        let outcome = subject.connector.apply(&ctx, &intent(number, Some(&ticket), operation)).await;
        assert_eq!(outcome.is_ok(), fits, "{size} bytes: {outcome:?}");
        let held = subject.hand.truth(&ticket).await.files;
        let whole =
            held.iter().any(|(name, held, _)| *name == format!("dump {number}.zip") && *held == bytes);
        assert_eq!(whole, fits, "{size} bytes");
    }
}

#[tokio::test]
async fn a_file_for_a_ticket_without_a_number_waits() {
    let (desk, subject) = azure(&[]);
    let ticket = subject.hand.create("Without a number").await;
    desk.state().tickets.get_mut(ticket.as_str()).unwrap().number = String::new();
    let operation = Operation::Attach {
        name: "a.txt".to_owned(),
        media_type: "text/plain".to_owned(),
        size: 1,
        digest: throughline_sdk::Digest::new("0"),
        visibility: throughline_sdk::Visibility::Public,
    };
    let error =
        subject.connector.apply(&ctx(&subject), &intent(11, Some(&ticket), operation)).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Unavailable, TookEffect::No));
}

#[tokio::test]
async fn throttling_is_passed_on_with_what_is_left() {
    let (desk, subject) = azure(&[]);
    subject.connector.probe(&ctx(&subject)).await.unwrap();
    desk.state().throttle = 1;
    let error = subject.connector.probe(&ctx(&subject)).await.unwrap_err();
    assert_eq!((error.kind(), error.retry_after()), (ErrorKind::RateLimited, Some(Duration::from_secs(7))));
    assert!(error.to_string().contains("x-ms-ratelimit-remaining-subscription-reads: 0"), "{error}");
    subject.connector.probe(&ctx(&subject)).await.unwrap();
}
