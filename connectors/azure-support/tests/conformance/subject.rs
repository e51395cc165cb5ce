//! The simulated desk in process, as the suite wants it, with a person who works in the portal.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use secrecy::SecretString;
use serde_json::{Value, json};
use throughline_sdk::http::Transport;
use throughline_sdk::{
    Changes, Clock, Ctx, Intent, IntentId, Marker, NewTicket, Operation, RemoteId, Settings, Urgency,
    Visibility,
};
use throughline_testkit::MemoryBlobs;
use throughline_testkit::conformance::{Hand, Subject, Truth};

use crate::desk::{CLIENT_ID, CLIENT_SECRET, Desk, LIST_LAG, Message, SUBSCRIPTION, Ticket};

pub(crate) const TYPE: &str = "Virtual machine";
pub(crate) const SERVICE: &str = "cddd3eb5-1830-b494-44fd-782f691479dc";
pub(crate) const PROBLEM: &str = "6fb3a706-abe9-0693-1544-72e848334a9f";

struct Person {
    desk: Desk,
}

/// The connector's settings for the simulated desk, changed by `more`; `null` takes one away.
pub(crate) fn settings(more: &[(&str, Value)]) -> Settings {
    let mut values: BTreeMap<String, Value> = [
        ("url", json!("http://azure.test")),
        ("token_url", json!("http://login.test/contoso/oauth2/v2.0/token")),
        ("tenant", json!("contoso")),
        ("client_id", json!(CLIENT_ID)),
        ("subscription", json!(SUBSCRIPTION)),
        ("services", json!({ TYPE: format!("{SERVICE}/{PROBLEM}") })),
        ("default_type", json!(TYPE)),
        ("contact_first_name", json!("Service")),
        ("contact_last_name", json!("Desk")),
        ("contact_email", json!("desk@contoso.example")),
        ("contact_phone", json!("+49 30 901820")),
        ("contact_time_zone", json!("W. Europe Standard Time")),
        ("contact_country", json!("DEU")),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value))
    .collect();
    for (key, value) in more {
        values.remove(*key);
        if !value.is_null() {
            values.insert((*key).to_owned(), value.clone());
        }
    }
    let secret = SecretString::from(CLIENT_SECRET.to_owned());
    Settings { values, secrets: BTreeMap::from([("client_secret".to_owned(), secret)]) }
}

/// The connector on a desk reached through `base`, with these settings beside the usual ones.
pub(crate) fn with_base(
    desk: &Desk,
    base: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    more: &[(&str, Value)],
) -> Subject {
    let built = throughline_azure_support::build(&settings(more)).unwrap();
    Subject {
        new_ticket: NewTicket {
            title: String::new(),
            description: String::new(),
            status: None,
            priority: Some("moderate".to_owned()),
            kind: Some(TYPE.to_owned()),
            fields: BTreeMap::new(),
        },
        // Title and description stand once a ticket is raised.
        changes: Changes { priority: Some("critical".to_owned()), ..Changes::default() },
        next_status: "Closed".to_owned(),
        reads_files: false,
        feed_patience: LIST_LAG,
        ..Subject::new(built, base, clock, Box::new(Person { desk: desk.clone() }))
    }
}

/// A call on this subject that may take as long.
pub(crate) fn ctx_for(subject: &Subject, time: Duration) -> Ctx {
    let clock = Arc::clone(&subject.clock);
    Ctx {
        dial: Arc::new(throughline_sdk::NoDial),
        http: Arc::clone(&subject.http),
        deadline: clock.monotonic() + time,
        clock,
        blobs: Arc::<MemoryBlobs>::default(),
        urgency: Urgency::default(),
        trace: [7; 16],
    }
}

/// The same, with time enough.
pub(crate) fn ctx(subject: &Subject) -> Ctx {
    ctx_for(subject, Duration::from_secs(60))
}

/// An intent, the same for the same number.
pub(crate) fn intent(number: u8, ticket: Option<&RemoteId>, operation: Operation) -> Intent {
    Intent {
        id: IntentId::new(format!("intent-{number}")),
        ticket: ticket.cloned(),
        operation,
        marker: Marker::from_hash(&[number; 32]),
        expected: None,
    }
}

/// An intent to raise a ticket.
pub(crate) fn raise(number: u8, subject: &Subject) -> Intent {
    let (title, description) = (format!("Ticket {number}"), "It does not start.".to_owned());
    intent(number, None, Operation::Create(NewTicket { title, description, ..subject.new_ticket.clone() }))
}

/// An intent to say something.
pub(crate) fn say(number: u8, ticket: &RemoteId, body: &str) -> Intent {
    let operation = Operation::Comment { body: body.to_owned(), visibility: Visibility::Public };
    intent(number, Some(ticket), operation)
}

impl Person {
    fn with<T>(&self, ticket: &RemoteId, act: impl FnOnce(&mut Ticket) -> T) -> T {
        act(self.desk.state().tickets.get_mut(ticket.as_str()).expect("the ticket is there"))
    }
}

impl Hand for Person {
    fn create<'a>(&'a self, title: &'a str) -> BoxFuture<'a, RemoteId> {
        let properties = json!({
            "title": title, "description": "raised in the portal", "severity": "minimal",
            "serviceId": format!("/providers/Microsoft.Support/services/{SERVICE}"),
            "problemClassificationId":
                format!("/providers/Microsoft.Support/services/{SERVICE}/problemClassifications/{PROBLEM}"),
            "contactDetails": { "firstName": "Ada", "lastName": "Lovelace" },
        });
        let now = self.desk.now();
        let mut state = self.desk.state();
        let number = state.next_number();
        // As the portal names them.
        let name = format!("58cf91d7-27a54e37-7ee57473-c9c9-4350-{number}");
        state.tickets.insert(name.clone(), Ticket::new(&properties, number, now));
        ready(RemoteId::new(name)).boxed()
    }

    fn comment<'a>(&'a self, ticket: &'a RemoteId, body: &'a str, _internal: bool) -> BoxFuture<'a, ()> {
        let now = self.desk.now();
        self.with(ticket, |ticket| {
            ticket.messages.push(Message {
                name: format!("message-{}", ticket.messages.len()),
                sender: "engineer@microsoft.example".to_owned(),
                subject: "RE: your request".to_owned(),
                body: body.to_owned(),
                created: now,
            });
        });
        ready(()).boxed()
    }

    fn set_status<'a>(&'a self, ticket: &'a RemoteId, status: &'a str) -> BoxFuture<'a, ()> {
        let now = self.desk.now();
        self.with(ticket, |ticket| ticket.change(status, now));
        ready(()).boxed()
    }

    fn attach<'a>(&'a self, _ticket: &'a RemoteId, _name: &'a str, _bytes: Bytes) -> BoxFuture<'a, ()> {
        // Nobody's file can be read through the interface, so that the suite asks for none.
        ready(()).boxed()
    }

    fn truth<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, Truth> {
        let (number, status, comments) = self.with(ticket, |ticket| {
            let comments = ticket.messages.iter().map(|message| (message.body.clone(), false)).collect();
            (ticket.number.clone(), ticket.status.clone(), comments)
        });
        let state = self.desk.state();
        let files = state.workspaces.get(&number).map(|workspace| {
            let whole = workspace
                .files
                .iter()
                .filter_map(|(name, file)| Some((unmarked(name), file.whole()?, false)));
            whole.collect()
        });
        ready(Truth { status, comments, files: files.unwrap_or_default() }).boxed()
    }

    fn titled<'a>(&'a self, title: &'a str) -> BoxFuture<'a, Vec<RemoteId>> {
        let state = self.desk.state();
        let titled = state.tickets.iter().filter(|(_, ticket)| ticket.properties["title"] == title);
        ready(titled.map(|(name, _)| RemoteId::new(name)).collect()).boxed()
    }

    fn merge<'a>(&'a self, _ticket: &'a RemoteId, _into: &'a RemoteId) -> BoxFuture<'a, bool> {
        ready(false).boxed()
    }

    fn delete<'a>(&'a self, _ticket: &'a RemoteId) -> BoxFuture<'a, bool> {
        ready(false).boxed()
    }

    fn refuse<'a>(&'a self, ticket: &'a RemoteId) -> BoxFuture<'a, Option<String>> {
        let now = self.desk.now();
        self.with(ticket, |ticket| {
            ticket.change("Closed", now);
            ticket.locked = true;
        });
        ready(Some("Open".to_owned())).boxed()
    }

    fn ignore_updates(&self, ignore: bool) -> BoxFuture<'_, bool> {
        self.desk.state().ignores = ignore;
        ready(true).boxed()
    }

    fn hide_visibility(&self, _hide: bool) -> BoxFuture<'_, bool> {
        ready(false).boxed()
    }
}

/// A file's name as a reader takes it: without the marker that stands before its ending.
fn unmarked(name: &str) -> String {
    match Marker::find_in(name) {
        Some(marker) => name.replace(&format!(".{marker}"), ""),
        None => name.to_owned(),
    }
}
