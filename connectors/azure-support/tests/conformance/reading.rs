//! Reading: long lists, chats, and what never comes half.

use serde_json::json;
use throughline_sdk::{ErrorKind, Visibility};
use throughline_testkit::Fault;

use crate::in_process::azure;
use crate::subject::{ctx, say};

#[tokio::test]
async fn all_pages_of_messages_are_read_oldest_first() {
    let (_desk, subject) = azure(&[]);
    let ticket = subject.hand.create("Talkative").await;
    for number in 0..35 {
        subject.hand.comment(&ticket, &format!("message {number}"), false).await;
        subject.clock.sleep(std::time::Duration::from_secs(1)).await;
    }
    let comments = subject.connector.fetch(&ctx(&subject), &ticket).await.unwrap().comments;
    let expected: Vec<String> = (0..35).map(|number| format!("message {number}")).collect();
    assert_eq!(comments.iter().map(|comment| comment.body.clone()).collect::<Vec<_>>(), expected);
    assert!(comments.iter().all(|comment| comment.visibility == Visibility::Public));
}

#[tokio::test]
async fn a_page_that_fails_fails_the_whole_ticket() {
    let (_desk, subject) = azure(&[]);
    let ticket = subject.hand.create("Half").await;
    for number in 0..12 {
        subject.hand.comment(&ticket, &format!("message {number}"), false).await;
    }
    for answered in 1..=3 {
        subject.transport.take();
        (0..answered).for_each(|_| subject.transport.next(Fault::Delay(std::time::Duration::ZERO)));
        subject.transport.next(Fault::Answer(404));
        let outcome = subject.connector.fetch(&ctx(&subject), &ticket).await;
        match answered {
            1 | 2 => assert_eq!(outcome.unwrap_err().kind(), ErrorKind::NotFound, "request {}", answered + 1),
            // There was no chat to be asked for.
            _ => assert_eq!(outcome.unwrap().comments.len(), 12),
        }
    }
}

#[tokio::test]
async fn a_chat_reads_as_comments_beside_our_own_messages() {
    let (desk, subject) = azure(&[]);
    let ticket = subject.hand.create("Chat").await;
    subject.clock.sleep(std::time::Duration::from_secs(5)).await;
    desk.state().tickets.get_mut(ticket.as_str()).unwrap().chat = Some(json!({
        "name": "e3bc592b-ba39-49d3-8853-16e33023b22b", "type": "Microsoft.Support/chatTranscripts",
        "properties": { "startTime": "2026-01-01T00:00:01Z", "messages": [
            { "body": "hi", "communicationDirection": "Inbound", "contentType": "text", "sender": "",
              "createdDate": "2026-01-01T00:00:01Z" },
            { "body": "hello", "communicationDirection": "Outbound", "contentType": "text", "sender": "Grace Hopper",
              "createdDate": "2026-01-01T00:00:02Z" },
        ] },
    }));
    let intent = say(1, &ticket, "And in writing.");
    subject.connector.apply(&ctx(&subject), &intent).await.unwrap();
    let comments = subject.connector.fetch(&ctx(&subject), &ticket).await.unwrap().comments;
    let read: Vec<(&str, &str)> =
        comments.iter().map(|comment| (comment.author.name.as_str(), comment.body.as_str())).collect();
    assert_eq!(
        read,
        [("(sender not told)", "hi"), ("Grace Hopper", "hello"), ("desk@contoso.example", "And in writing.")]
    );
    assert_eq!(comments[2].marker, Some(intent.marker));
}

#[tokio::test]
async fn another_subscription_is_a_wrong_setting_and_no_missing_ticket() {
    let (_desk, subject) = azure(&[("subscription", "00000000-0000-0000-0000-000000000000".into())]);
    let ticket = subject.hand.create("Elsewhere").await;
    let error = subject.connector.fetch(&ctx(&subject), &ticket).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
}
