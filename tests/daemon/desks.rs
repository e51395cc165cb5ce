//! Practice desks served by the test process, as a partner's desk would be served by the partner.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use throughline::clock::SystemClock;
use throughline_practice::desk::{self, Desk, Patch, Registration, Settings, Ticket};
use throughline_sdk::Clock;
use throughline_sdk::http::Authentication;
use throughline_testkit::SocketTransport;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

pub(crate) const TOKEN: &str = "the-token-of-the-desks";
pub(crate) const SECRET: &str = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz";

/// Some desks, each on an address of its own.
pub(crate) struct Desks {
    runtime: Runtime,
    desks: BTreeMap<&'static str, (Desk, SocketAddr)>,
}

impl Desks {
    /// Opens desks with these names.
    pub(crate) fn open(names: &[&'static str]) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let mut desks = BTreeMap::new();
        for name in names {
            let desk = Desk::new(Settings::new(name, name, TOKEN, Arc::clone(&clock)));
            let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
            let address = listener.local_addr().unwrap();
            let router = desk.router();
            drop(runtime.spawn(async move { axum::serve(listener, router).await }));
            desks.insert(*name, (desk, address));
        }
        Self { runtime, desks }
    }

    pub(crate) fn address(&self, name: &str) -> SocketAddr {
        self.desks[name].1
    }

    pub(crate) fn desk(&self, name: &str) -> &Desk {
        &self.desks[name].0
    }

    /// From now on every change is posted to the bridge at `address`.
    pub(crate) fn announce_to(&self, address: &str) {
        for (name, (desk, _)) in &self.desks {
            desk.register(Registration {
                url: format!("http://{address}/webhooks/{name}").parse().unwrap(),
                secret: SECRET.into(),
                internal_comments: true,
            });
            let transport = Arc::new(SocketTransport::new(Authentication::None));
            drop(self.runtime.spawn(desk::deliver(desk.clone(), transport)));
        }
    }

    /// Raises an incident at the helpdesk.
    pub(crate) fn raise(&self, title: &str) -> u64 {
        let patch = Patch { title: Some(title.to_owned()), ..Patch::default() };
        self.desk("helpdesk").create("Ada Agent", patch).unwrap()
    }

    /// The ticket with this title at this desk.
    pub(crate) fn titled(&self, name: &str, title: &str) -> Option<Ticket> {
        let tickets = self.desk(name).snapshot().tickets;
        tickets.iter().find(|ticket| ticket.title == title).map(|ticket| ticket.as_ref().clone())
    }

    /// How often these words stand in the comments of that ticket.
    pub(crate) fn times_said(&self, name: &str, title: &str, words: &str) -> usize {
        let ticket = self.titled(name, title);
        ticket
            .map_or(0, |ticket| ticket.comments.iter().filter(|comment| comment.body.contains(words)).count())
    }
}

/// The header fields of a webhook with this body, signed with `secret` at this moment.
pub(crate) fn signed(secret: &str, body: &str) -> Vec<(&'static str, String)> {
    let time = SystemClock::new().now().timestamp().to_string();
    let key = STANDARD.decode(secret.trim_start_matches("whsec_")).unwrap();
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), format!("msg_1.{time}.{body}").as_bytes());
    vec![
        ("webhook-id", "msg_1".to_owned()),
        ("webhook-timestamp", time),
        ("webhook-signature", format!("v1,{}", STANDARD.encode(tag))),
    ]
}
