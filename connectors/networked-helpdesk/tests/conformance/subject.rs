//! A pair of partner and own desk, as the suite wants it: the way to both, outside hand.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::HeaderValue;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use throughline_sdk::http::{Request, Response, Transport};
use throughline_sdk::{Changes, Clock, DynConnector, NewTicket, RemoteId, Result, Settings};
use throughline_testkit::conformance::Subject;
use throughline_testkit::{ManualClock, RouterTransport};

use crate::own::{OwnDesk, PAGE};
use crate::partner::{HERE, Manners, PARTNER, Partner};

/// What a test needs of both sides.
pub(crate) struct Pair {
    pub(crate) subject: Subject,
    pub(crate) partner: Partner,
    pub(crate) own: OwnDesk,
    values: BTreeMap<String, Value>,
}

impl Pair {
    /// A connector with other settings on the same desks.
    pub(crate) fn with(&self, more: &[(&str, Value)]) -> Arc<dyn DynConnector> {
        let mut values = self.values.clone();
        values.extend(more.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
        throughline_networked_helpdesk::build(&Settings { values, ..Settings::default() }).unwrap().connector
    }

    /// The name under which a ticket is shared.
    pub(crate) fn uuid(&self, ticket: &RemoteId) -> String {
        self.own.uuid(ticket.as_str().parse().unwrap())
    }
}

/// The two ways of the bridge's transport: inside, and out with the key of the agreement.
#[derive(Debug)]
struct Way {
    inside: RouterTransport,
    outside: RouterTransport,
    own: Keys,
}

#[derive(Clone)]
struct Keys(OwnDesk);

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys")
    }
}

impl Transport for Way {
    fn send(&self, mut request: Request) -> BoxFuture<'_, Result<Response>> {
        if request.url.host_str() == Some("desk.invalid") {
            return self.inside.send(request);
        }
        if let Some(uuid) = request.headers.get("x-ticket-sharing-token") {
            let uuid = uuid.to_str().unwrap();
            let key = self.own.0.stand().agreements[uuid]["access_key"].as_str().unwrap().to_owned();
            let token = HeaderValue::try_from(format!("{uuid}:{key}")).unwrap();
            request.headers.insert("x-ticket-sharing-token", token);
        }
        self.outside.send(request)
    }
}

/// A connector between a partner with these manners, which has invited the bridge, and the bridge's own desk.
pub(crate) async fn pair(manners: Manners, more: &[(&str, Value)]) -> Pair {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::auto_advance());
    let (partner, own) = (Partner::new(manners), OwnDesk::new(Arc::clone(&clock)));
    partner.knows(own.outside(), own.inside());
    let mut values = BTreeMap::from([
        ("url".to_owned(), json!(PARTNER)),
        ("here".to_owned(), json!(HERE)),
        ("invite".to_owned(), json!(true)),
        ("invitations".to_owned(), json!("accept")),
        ("share_tags".to_owned(), json!(true)),
        ("share_custom_fields".to_owned(), json!(true)),
    ]);
    values.extend(more.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
    let settings = Settings { values: values.clone(), ..Settings::default() };
    let built = throughline_networked_helpdesk::build(&settings).unwrap();
    let way = Way {
        inside: RouterTransport(own.inside()),
        outside: RouterTransport(partner.router()),
        own: Keys(own.clone()),
    };
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
            fields: if values["share_custom_fields"] == true { fields("Gateway") } else { BTreeMap::new() },
        },
        changes: Changes {
            title: Some("Another title".to_owned()),
            fields: fields("Router"),
            ..Changes::default()
        },
        next_status: "pending".to_owned(),
        feed_page: Some(PAGE),
        ..Subject::new(built, Arc::new(way), clock, Box::new(partner.clone()))
    };
    // What the partner may share, and what we may: both are settled at the first look.
    if values["invitations"] == "accept" {
        partner.invite().await;
    }
    subject.connector.changes(&subject.ctx(), None).await.unwrap();
    Pair { subject, partner, own, values }
}
