//! A third desk, of our own, served in this process: it shows whether one that is down makes others wait.

use std::sync::Arc;
use std::time::Duration;

use throughline::clock::SystemClock;
use throughline::daemon::Supervisor;
use throughline_practice::desk::{Desk, Settings, Ticket};
use tokio::net::TcpListener;

use crate::bridge::until;
use crate::request_tracker::Alice;
use crate::setup::Setup;

const TOKEN: &str = "practice-token-of-a-test";

/// The vendor's desk.
#[derive(Debug)]
pub(crate) struct Vendor {
    desk: Desk,
    address: String,
    tag: String,
    _serving: Supervisor,
}

impl Vendor {
    /// Opens the desk on loopback.
    pub(crate) async fn open(setup: &Setup) -> Self {
        let desk =
            Desk::new(Settings::new("vendor", "Northwind support", TOKEN, Arc::new(SystemClock::new())));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        let (serving, router) = (Supervisor::default(), desk.router());
        serving.spawn(async move { axum::serve(listener, router).await.unwrap() });
        let tag = format!("[vendor {}]", setup.tag.trim_matches(['[', ']']));
        Self { desk, address, tag, _serving: serving }
    }

    /// What the bridge's configuration says about it.
    pub(crate) fn configuration(&self) -> String {
        format!(
            r#"
[parties.northwind]
title = "Northwind"

[systems.vendor]
party = "northwind"
poll = "1s"
settle = "2s"

[systems.vendor.practice]
url = "{}"
token = {{ file = "practice-token" }}

[agreements.northwind]
party = "northwind"
home = "helpdesk"
counterpart = "vendor"
comments = "both"

[agreements.northwind.route]
outbound = 'ticket.title.contains("{}")'

[agreements.northwind.fields.title]
direction = "outbound"

[agreements.northwind.fields.status]
direction = "both"
policy = "most_advanced"
otherwise = "park"
"#,
            self.address, self.tag
        )
    }

    /// The bridge's token, under the name that the configuration gives its file.
    pub(crate) fn token(&self) -> (&'static str, &'static str) {
        ("practice-token", TOKEN)
    }

    /// A ticket goes to the vendor, and an answer comes back, each within `limit`.
    pub(crate) async fn exchange(&self, alice: &Alice, what: &str, limit: Duration) {
        let title = format!("{what} {}", self.tag);
        let ticket = alice.raise(&title, "for the vendor").await;
        let there = until("the vendor has the ticket", limit, async || {
            self.titled(&title).map(|ticket| ticket.number)
        })
        .await;
        self.desk.comment("Vera", there, "The vendor answers.", false).unwrap();
        until("the vendor's answer arrives", limit, async || {
            (alice.see(&ticket).await.mentions("The vendor answers.") == 1).then_some(())
        })
        .await;
    }

    fn titled(&self, title: &str) -> Option<Arc<Ticket>> {
        self.desk.snapshot().tickets.into_iter().find(|ticket| ticket.title == title)
    }
}
