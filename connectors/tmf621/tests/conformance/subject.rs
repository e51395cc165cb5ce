//! A desk in process, as the suite wants it: plane, outside hand, events.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::HeaderMap;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use secrecy::SecretString;
use serde_json::{Value, json};
use throughline_sdk::{Changes, Clock, NewTicket, RawWebhook, RemoteId, Settings};
use throughline_testkit::conformance::{Hand, Subject, Truth};
use throughline_testkit::{ManualClock, RouterTransport};

use crate::desk::{Desk, Manners, Write};
use crate::rest::{TOKEN, router};

pub(crate) const WEBHOOK_TOKEN: &str = "event-token-90c4";

struct Person {
    desk: Desk,
}

impl Person {
    /// Works at once, whatever the interface does.
    fn desk(&self) -> Desk {
        let manners = Manners { later: false, ..self.desk.manners };
        Desk { manners, ..self.desk.clone() }
    }

    fn change(&self, ticket: &RemoteId, change: impl FnOnce(&mut Value)) {
        let id = number(ticket);
        let mut held = self.desk.state().tickets[&id].clone();
        change(&mut held);
        self.desk().take(Write::Change(id, held));
    }

    fn add(&self, ticket: &RemoteId, name: &str, entry: Value) {
        self.change(ticket, |held| match held.get_mut(name).and_then(Value::as_array_mut) {
            Some(there) => there.push(entry),
            None => held[name] = json!([entry]),
        });
    }
}

/// The connector with these settings on a desk with these manners.
pub(crate) fn subject(manners: Manners, more: &[(&str, Value)]) -> Subject {
    on_desk(manners, more).0
}

/// The same, with the desk.
pub(crate) fn on_desk(manners: Manners, more: &[(&str, Value)]) -> (Subject, Desk) {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::auto_advance());
    let desk = Desk::new(manners, Arc::clone(&clock));
    let url = format!("http://desk.test/tmf-api/troubleTicket/v{}/", manners.version);
    let mut values = BTreeMap::from([
        ("url".to_owned(), json!(url)),
        ("version".to_owned(), json!(manners.version)),
        ("ticket_types".to_owned(), json!(["Request"])),
    ]);
    values.extend(more.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
    let secrets = [("token", TOKEN), ("webhook_token", WEBHOOK_TOKEN)];
    let secrets = secrets
        .into_iter()
        .map(|(key, text)| (key.to_owned(), SecretString::from(text.to_owned())))
        .collect();
    let lag = values.get("lag").and_then(Value::as_u64).unwrap_or(0);
    let filters = manners.filters && values.get("changes").is_none_or(|way| way != "list");
    let settings = Settings { values, secrets };
    let built = throughline_tmf621::build(&settings).unwrap();
    let mut fields = BTreeMap::from([("severity".to_owned(), "Major".to_owned())]);
    if manners.version == 5 {
        fields.insert("Serial number".to_owned(), "A-1".to_owned());
    }
    let mut changed = fields.clone();
    changed.values_mut().for_each(|value| value.push('2'));
    let received = clock.now();
    let hand = Box::new(Person { desk: desk.clone() });
    let mut subject = Subject {
        new_ticket: NewTicket {
            title: String::new(),
            description: String::new(),
            status: None,
            priority: Some("High".to_owned()),
            kind: Some("Request".to_owned()),
            fields,
        },
        changes: Changes {
            title: Some("Another title".to_owned()),
            description: Some("Another\n\ndescription".to_owned()),
            priority: Some("Critical".to_owned()),
            kind: Some("Incident".to_owned()),
            fields: changed,
        },
        next_status: "inProgress".to_owned(),
        feed_patience: std::time::Duration::from_secs(lag),
        feed_page: filters.then_some(100.min(manners.page)),
        webhook: Box::new(move |ticket| {
            Some(RawWebhook {
                headers: HeaderMap::new(),
                query: format!("token={WEBHOOK_TOKEN}"),
                body: json!({
                    "eventType": "TroubleTicketStatusChangeEvent",
                    "event": { "troubleTicket": { "id": ticket } },
                })
                .to_string()
                .into(),
                received,
            })
        }),
        ..Subject::new(built, Arc::new(RouterTransport(router(&desk))), clock, hand)
    };
    subject.secrets.push(WEBHOOK_TOKEN.to_owned());
    (subject, desk)
}

impl Hand for Person {
    fn create<'a>(&'a self, title: &'a str) -> BoxFuture<'a, RemoteId> {
        let id = self.desk.next();
        let ticket = json!({
            "name": title,
            "description": "what happened",
            "severity": "Minor",
            "priority": "Low",
            "ticketType": "Incident",
        });
        self.desk().take(Write::Create(id, ticket));
        ready(RemoteId::new(id.to_string())).boxed()
    }

    fn comment<'a>(&'a self, ticket: &'a RemoteId, body: &'a str, internal: bool) -> BoxFuture<'a, ()> {
        let sort = if internal { "InternalNote" } else { "Note" };
        let date = self.desk.time();
        self.add(ticket, "note", json!({ "@type": sort, "author": "Ada", "date": date, "text": body }));
        ready(()).boxed()
    }

    fn set_status<'a>(&'a self, ticket: &'a RemoteId, status: &'a str) -> BoxFuture<'a, ()> {
        self.change(ticket, |held| held["status"] = json!(status));
        ready(()).boxed()
    }

    fn attach<'a>(&'a self, ticket: &'a RemoteId, name: &'a str, bytes: Bytes) -> BoxFuture<'a, ()> {
        let content = BASE64_STANDARD.encode(&bytes);
        let size = json!({ "amount": bytes.len(), "units": "bytes" });
        self.add(
            ticket,
            "attachment",
            json!({ "@type": "Attachment", "name": name, "content": content, "size": size }),
        );
        ready(()).boxed()
    }

    fn truth<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, Truth> {
        let state = self.desk.state();
        let held = &state.tickets[&number(ticket)];
        let all = |name: &str| held[name].as_array().cloned().unwrap_or_default();
        let text = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_owned();
        let notes = all("note").into_iter().filter(|note| !text(note, "text").is_empty());
        let comments =
            notes.map(|note| (text(&note, "text"), text(&note, "@type") == "InternalNote")).collect();
        let files = all("attachment").into_iter().map(|file| {
            let bytes = match file["content"].as_str() {
                Some(content) => BASE64_STANDARD.decode(content).unwrap(),
                None => state.files.get(&text(&file, "id")).cloned().unwrap_or_default(),
            };
            (text(&file, "name"), Bytes::from(bytes), false)
        });
        ready(Truth { status: text(held, "status"), comments, files: files.collect() }).boxed()
    }

    fn titled<'a>(&'a self, title: &'a str) -> BoxFuture<'a, Vec<RemoteId>> {
        let state = self.desk.state();
        let titled = state.tickets.iter().filter(|(_, ticket)| ticket["name"] == title);
        ready(titled.map(|(id, _)| RemoteId::new(id.to_string())).collect()).boxed()
    }

    fn merge<'a>(&'a self, _ticket: &'a RemoteId, _into: &'a RemoteId) -> BoxFuture<'a, bool> {
        ready(false).boxed()
    }

    fn delete<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, bool> {
        self.desk.state().tickets.remove(&number(ticket));
        ready(true).boxed()
    }

    fn refuse<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, Option<String>> {
        self.change(ticket, |held| held["status"] = json!("cancelled"));
        ready(Some("resolved".to_owned())).boxed()
    }

    fn ignore_updates(&self, ignore: bool) -> BoxFuture<'_, bool> {
        self.desk.state().ignores = ignore;
        ready(true).boxed()
    }

    fn hide_visibility(&self, _hide: bool) -> BoxFuture<'_, bool> {
        ready(false).boxed()
    }
}

fn number(ticket: &RemoteId) -> u64 {
    ticket.as_str().parse().unwrap()
}
