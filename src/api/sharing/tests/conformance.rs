//! The suite for connectors, on the real desk between the engine and a simulated partner.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::Method;
use serde_json::{Value, json};
use throughline_sdk::{Changes, Clock, NewTicket, Settings};
use throughline_testkit::conformance::{self, Subject};
use throughline_testkit::{ManualClock, RouterTransport};

use super::partner::{HERE, Manners, PARTNER, Partner};
use super::{Doors, Kept, face, routes};
use crate::api::sharing::Face;
use crate::api::sharing::inside::{self, Inside};
use crate::registry;

/// The engine on a real desk, and a partner with these manners on the other side; each invited the other.
async fn pair(manners: Manners, more: &[(&str, Value)]) -> (Subject, Partner, Face) {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::auto_advance());
    let partner = Partner::new(manners);
    let face = face("partner", &clock, &Arc::new(Kept::default())).await;
    let doors = Doors { faces: vec![face.clone()].into(), told: None };
    partner.knows(routes(doors), inside::routes(face.clone()));
    let mut values = BTreeMap::from([
        ("url".to_owned(), json!(PARTNER)),
        ("here".to_owned(), json!(HERE)),
        ("invite".to_owned(), json!(true)),
        ("invitations".to_owned(), json!("accept")),
        ("share_tags".to_owned(), json!(true)),
        ("share_custom_fields".to_owned(), json!(true)),
    ]);
    values.extend(more.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
    let settings = Settings { values, ..Settings::default() };
    let built = (registry::kind("networked-helpdesk").unwrap().build)(&settings).unwrap();
    let way = Inside::new(face.clone(), Arc::new(RouterTransport(partner.router())));
    let fields = |value: &str| {
        BTreeMap::from([("Product".to_owned(), value.to_owned()), ("tags".to_owned(), "a b".to_owned())])
    };
    let subject = Subject {
        new_ticket: NewTicket {
            title: String::new(),
            description: String::new(),
            status: None,
            priority: None,
            kind: None,
            fields: fields("Gateway"),
        },
        changes: Changes {
            title: Some("Another title".to_owned()),
            fields: fields("Router"),
            ..Changes::default()
        },
        next_status: "pending".to_owned(),
        feed_page: Some(100),
        ..Subject::new(built, Arc::new(way), clock, Box::new(partner.clone()))
    };
    let invited = partner.invite().await;
    subject.connector.changes(&subject.ctx(), None).await.unwrap();
    assert_eq!(partner.status(&invited), "accepted");
    (subject, partner, face)
}

#[tokio::test]
async fn the_engine_conforms_between_the_real_desk_and_a_partner() {
    for (manners, more) in [
        (Manners::ZENDESK, vec![]),
        (
            Manners::REQUEST_TRACKER,
            vec![("unsaid", json!("internal")), ("statuses", json!(["open", "pending", "solved"]))],
        ),
    ] {
        let (mut subject, partner, face) = pair(manners, &more).await;
        let keys = face.book.all().iter().map(|agreement| agreement.key().to_owned()).collect::<Vec<_>>();
        assert_eq!(keys.len(), 2);
        subject.secrets.extend(keys);
        let report = conformance::run(&subject).await;
        assert!(report.failed().is_empty(), "{manners:?}:\n{report}");
        assert!(!format!("{face:?}").contains(&subject.secrets[1]));
        drop(partner);
    }
}

#[tokio::test]
async fn a_partner_that_quotes_the_key_gives_it_away_to_nobody() {
    let (subject, partner, face) = pair(Manners::ZENDESK, &[]).await;
    let sent = face.book.all().iter().find(|one| one.sent).unwrap().clone();
    let quoted = sent.key().to_owned();
    let answer = move || {
        let quoted = quoted.clone();
        async move { (http::StatusCode::FORBIDDEN, format!("your key {quoted} is no good")) }
    };
    let quoting = axum::Router::new().fallback(answer);
    let way = Inside::new(face.clone(), Arc::new(RouterTransport(quoting)));
    let mut ctx = subject.ctx();
    ctx.http = Arc::new(way);
    let url = format!("{PARTNER}/tickets/x").parse().unwrap();
    let token = http::HeaderName::from_static("x-ticket-sharing-token");
    let answer = ctx.call(Method::PUT, url).header(token, &sent.uuid).send_any().await.unwrap();
    assert_eq!(answer.body, "your key [secret] is no good");
    drop(partner);
}
