//! The connector against a simulated partner and a stand-in for the bridge's own desk.

// `cfg(test)` tells clippy that helpers are test code as well.
#[cfg(test)]
mod own;
#[cfg(test)]
mod partner;
#[cfg(test)]
mod subject;

use axum::http::Method;
use partner::Manners;
use serde_json::{Value, json};
use subject::{Pair, pair};
use throughline_sdk::{
    Changes, ErrorKind, Intent, IntentId, Marker, NewTicket, Operation, Subject as Made, Visibility,
};
use throughline_testkit::conformance::{self, Hand, Outcome};

#[tokio::test]
async fn a_partner_in_zendesks_manner_conforms() {
    let Pair { subject, .. } = pair(Manners::ZENDESK, &[]).await;
    let report = conformance::run(&subject).await;
    assert!(report.failed().is_empty(), "{report}");
    let undeclared: Vec<_> = report
        .cases
        .iter()
        .filter(|(_, outcome)| *outcome == Outcome::NotDeclared)
        .map(|(name, _)| *name)
        .collect();
    // What the protocol does not have; and of a partner that does not do what it took, nobody ever hears.
    assert_eq!(
        undeclared,
        [
            "a merged ticket answers under the other id",
            "unknown visibility never reads as public",
            "a comment or file is found by its marker",
            "a link is renewed in place",
            "a link is no comment and no change by people",
            "an ignored write is rejected",
            "a link is shown once, whatever is lost",
            "a signed webhook hints at its ticket",
            "a complete webhook says what the desk says",
            "a forged webhook is refused",
            "an old webhook is refused",
        ]
    );
}

#[tokio::test]
async fn a_partner_of_the_protocols_first_version_conforms() {
    let settings = [("unsaid", json!("internal")), ("statuses", json!(["open", "pending", "solved"]))];
    let Pair { subject, .. } = pair(Manners::REQUEST_TRACKER, &settings).await;
    let report = conformance::run(&subject).await;
    assert!(report.failed().is_empty(), "{report}");
}

/// An intent of its own for each name.
fn intent(name: &str, ticket: Option<&throughline_sdk::RemoteId>, operation: Operation) -> Intent {
    let mut hash = [0; 32];
    hash.iter_mut().zip(name.bytes().cycle()).for_each(|(to, from)| *to = from);
    let (id, marker) = (IntentId::new(name), Marker::from_hash(&hash));
    Intent { id, ticket: ticket.cloned(), operation, marker, expected: None }
}

fn new_ticket(title: &str) -> Operation {
    Operation::Create(NewTicket {
        title: title.to_owned(),
        description: "text".to_owned(),
        status: None,
        priority: None,
        kind: None,
        fields: Default::default(),
    })
}

async fn look(pair: &Pair) {
    let looked = pair.subject.connector.changes(&pair.subject.ctx(), None).await;
    assert!(looked.is_ok(), "{looked:?}");
}

fn standing(pair: &Pair, sent: bool) -> Option<Value> {
    let stand = pair.own.stand();
    stand.agreements.values().find(|one| one["sent"] == sent).cloned().map(Value::Object)
}

#[tokio::test]
async fn a_partner_is_invited_once_and_asked_no_more_once_it_declined() {
    let manners = Manners { answer: Some("declined"), ..Manners::ZENDESK };
    let pair = pair(manners, &[]).await;
    look(&pair).await;
    assert_eq!(
        pair.partner.held().agreements.values().filter(|one| one["sender_url"] == partner::HERE).count(),
        1
    );
    let create = intent("declined", None, new_ticket("Declined"));
    let error = pair.subject.connector.apply(&pair.subject.ctx(), &create).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden, "{error}");
    assert!(!pair.partner.held().tickets.values().any(|_| true));
}

#[tokio::test]
async fn what_is_shared_before_the_partner_decided_waits() {
    let manners = Manners { answer: None, ..Manners::ZENDESK };
    let pair = pair(manners, &[]).await;
    let create = intent("waits", None, new_ticket("Waits"));
    let error = pair.subject.connector.apply(&pair.subject.ctx(), &create).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    let uuid = standing(&pair, true).unwrap()["uuid"].as_str().unwrap().to_owned();
    let (token, accepted) = (pair.partner.token(&uuid), json!({ "status": "accepted" }));
    pair.partner.send(Method::PUT, &format!("/agreements/{uuid}"), Some(&token), &accepted).await;
    pair.partner.held().agreements.get_mut(&uuid).unwrap().insert("status".to_owned(), json!("accepted"));
    pair.subject.connector.apply(&pair.subject.ctx(), &create).await.unwrap();
    assert_eq!(pair.partner.titled("Waits").await.len(), 1);
}

#[tokio::test]
async fn an_invitation_taken_back_deactivates_the_agreement_and_one_made_again_takes_it_up() {
    let pair = pair(Manners::ZENDESK, &[]).await;
    let uuid = standing(&pair, true).unwrap()["uuid"].as_str().unwrap().to_owned();
    assert_eq!(pair.partner.status(&uuid), "accepted");
    let back = pair.with(&[("invite", json!(false))]);
    back.changes(&pair.subject.ctx(), None).await.unwrap();
    assert_eq!(pair.partner.status(&uuid), "inactive");
    assert_eq!(pair.partner.held().agreements[&uuid]["deactivated_by"], "sender");
    let create = intent("inactive", None, new_ticket("Inactive"));
    let error = back.apply(&pair.subject.ctx(), &create).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden, "{error}");
    look(&pair).await;
    assert_eq!(pair.partner.status(&uuid), "accepted");
    pair.subject.connector.apply(&pair.subject.ctx(), &create).await.unwrap();
}

#[tokio::test]
async fn the_partners_invitations_are_held_accepted_or_declined() {
    for (invitations, expected) in [("hold", "pending"), ("accept", "accepted"), ("decline", "declined")] {
        let pair = pair(Manners::ZENDESK, &[("invitations", json!(invitations))]).await;
        let uuid = pair.partner.invite().await;
        look(&pair).await;
        assert_eq!(pair.partner.status(&uuid), expected);
        assert_eq!(pair.own.stand().agreements[&uuid]["status"], expected);
    }
}

#[tokio::test]
async fn an_invitation_that_the_partner_never_sent_comes_to_nothing() {
    let pair = pair(Manners::ZENDESK, &[]).await;
    let forged = pair.partner.invite().await;
    pair.partner.held().agreements.remove(&forged);
    look(&pair).await;
    assert!(!pair.own.stand().agreements.contains_key(&forged));
}

#[tokio::test]
async fn where_public_comments_are_not_agreed_upon_ours_are_for_the_staff() {
    let pair = pair(Manners::ZENDESK, &[]).await;
    let ticket = pair.partner.create("Quiet").await;
    let by = pair.own.stand().agreements.values_mut().find(|one| one["sent"] == false).map(|one| {
        one.insert("allows_public_comments".to_owned(), json!(false));
        one["uuid"].clone()
    });
    assert!(by.is_some());
    let said = Operation::Comment { body: "Said.".to_owned(), visibility: Visibility::Public };
    let effect = pair
        .subject
        .connector
        .apply(&pair.subject.ctx(), &intent("quiet", Some(&ticket), said))
        .await
        .unwrap();
    assert!(effect.lost[0].contains("staff only"), "{:?}", effect.lost);
    assert_eq!(pair.partner.truth(&ticket).await.comments, [("Said.".to_owned(), true)]);
}

#[tokio::test]
async fn what_the_protocol_does_not_carry_is_refused_before_anything_is_sent() {
    let pair = pair(Manners::ZENDESK, &[("share_custom_fields", json!(false))]).await;
    let connector = &pair.subject.connector;
    let made = connector.apply(&pair.subject.ctx(), &intent("made", None, new_ticket("Made"))).await.unwrap();
    let Made::Ticket(ticket) = made.subject else { panic!("no ticket") };
    let none = Changes::default;
    pair.subject.transport.take();
    for changes in [
        Changes { description: Some("other".to_owned()), ..none() },
        Changes { priority: Some("high".to_owned()), ..none() },
        Changes { fields: [("Product".to_owned(), "x".to_owned())].into(), ..none() },
    ] {
        let update = intent("update", Some(&ticket), Operation::Update { changes });
        let error = connector.apply(&pair.subject.ctx(), &update).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Rejected, "{error}");
    }
    assert!(pair.subject.transport.take().iter().all(throughline_sdk::http::Request::is_safe));
}

#[tokio::test]
async fn a_file_elsewhere_than_at_the_partner_is_not_read() {
    let pair = pair(Manners::ZENDESK, &[]).await;
    let ticket = pair.partner.create("Elsewhere").await;
    let uuid = pair.own.stand().agreements.values().find(|one| one["sent"] == false).unwrap()["uuid"].clone();
    for url in
        ["http://169.254.169.254/secret", "http://desk.invalid.example/", "file:///etc/passwd", "nothing"]
    {
        let comment = json!({
            "uuid": format!("{:040x}", url.len()), "body": "See.", "author": { "name": "Ada" },
            "attachments": [{ "url": url, "filename": "x.txt" }],
        });
        let name = pair.uuid(&ticket);
        let token = pair.partner.token(uuid.as_str().unwrap());
        pair.partner
            .send(Method::PUT, &format!("/tickets/{name}"), Some(&token), &json!({ "comments": [comment] }))
            .await;
        let read = pair.subject.connector.fetch(&pair.subject.ctx(), &ticket).await.unwrap();
        let file = &read.files.last().unwrap().id;
        let error =
            pair.subject.connector.download(&pair.subject.ctx(), &ticket, file, 1000).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed, "{url}: {error}");
    }
}
