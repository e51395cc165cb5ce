//! The desk itself: a small ticket system kept in memory, for demo, rehearsal, simulation and load.

mod faults;
mod model;
mod rest;
mod state;
mod web;
mod webhook;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use bytes::Bytes;
use throughline_sdk::{Clock, Timestamp};
use tokio::sync::Notify;

pub use faults::{Dice, DroppedReply, Faults};
pub use model::{
    Action, Actor, Comment, File, Made, Patch, Reference, Refusal, Settings, Snapshot, Ticket, Write,
};
pub use webhook::{Registration, deliver, deliver_pending};

use state::State;

/// A ticket desk. Cloning it gives another handle to the same desk.
#[derive(Clone, Debug)]
pub struct Desk {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    settings: Settings,
    state: Mutex<State>,
    posted: Notify,
}

impl Desk {
    /// Opens an empty desk.
    pub fn new(settings: Settings) -> Self {
        let state = State::new(&settings);
        Self { inner: Arc::new(Inner { settings, state: Mutex::new(state), posted: Notify::new() }) }
    }

    /// The REST interface under `/api` and the pages for people, to serve over TCP or to call in process.
    pub fn router(&self) -> Router {
        rest::routes(self).merge(web::routes(self))
    }

    /// What the desk was opened with.
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// How the desk misbehaves from now on.
    pub fn set_faults(&self, faults: Faults) {
        self.lock().faults = faults;
    }

    /// How the desk misbehaves now.
    pub fn faults(&self) -> Faults {
        self.lock().faults.clone()
    }

    /// Announces every change to this address from now on.
    pub fn register(&self, registration: Registration) {
        self.lock().registrations.push(registration);
    }

    /// A person raises a ticket; answers its number.
    ///
    /// # Errors
    ///
    /// If a word is not one of the desk's.
    pub fn create(&self, person: &str, patch: Patch) -> Result<u64, Refusal> {
        self.act(person, Action::Create(patch)).map(|made| made.ticket.number)
    }

    /// A person comments; answers the comment's id.
    ///
    /// # Errors
    ///
    /// If the ticket is not there.
    pub fn comment(&self, person: &str, ticket: u64, body: &str, internal: bool) -> Result<u64, Refusal> {
        let made = self.act(person, Action::Comment { ticket, body: body.to_owned(), internal })?;
        Ok(made.id.unwrap_or_default())
    }

    /// A person sets the status.
    ///
    /// # Errors
    ///
    /// If the ticket is not there, the word is unknown or the workflow refuses the step.
    pub fn set_status(&self, person: &str, ticket: u64, status: &str) -> Result<(), Refusal> {
        let patch = Patch { status: Some(status.to_owned()), ..Patch::default() };
        self.act(person, Action::Patch { ticket, patch, expected: None }).map(drop)
    }

    /// A person sets a field: `title`, `description`, `priority`, `type`, or a custom field by its name.
    ///
    /// # Errors
    ///
    /// If the ticket is not there or the word is unknown.
    pub fn set_field(&self, person: &str, ticket: u64, field: &str, value: &str) -> Result<(), Refusal> {
        let (mut patch, value) = (Patch::default(), value.to_owned());
        match field {
            "title" => patch.title = Some(value),
            "description" => patch.description = Some(value),
            "priority" => patch.priority = Some(value),
            "type" => patch.kind = Some(value),
            custom => {
                patch.fields.insert(custom.to_owned(), value);
            }
        }
        self.act(person, Action::Patch { ticket, patch, expected: None }).map(drop)
    }

    /// A person rewrites a comment.
    ///
    /// # Errors
    ///
    /// If it is not there.
    pub fn edit_comment(&self, person: &str, ticket: u64, comment: u64, body: &str) -> Result<(), Refusal> {
        self.act(person, Action::Edit { ticket, comment, body: body.to_owned() }).map(drop)
    }

    /// A person changes who may read a comment.
    ///
    /// # Errors
    ///
    /// If it is not there.
    pub fn show_comment(
        &self,
        person: &str,
        ticket: u64,
        comment: u64,
        internal: bool,
    ) -> Result<(), Refusal> {
        self.act(person, Action::Show { ticket, comment, internal }).map(drop)
    }

    /// A person deletes a comment.
    ///
    /// # Errors
    ///
    /// If it is not there.
    pub fn delete_comment(&self, person: &str, ticket: u64, comment: u64) -> Result<(), Refusal> {
        self.act(person, Action::Retract { ticket, comment }).map(drop)
    }

    /// A person attaches a file; answers its id.
    ///
    /// # Errors
    ///
    /// If the ticket is not there.
    pub fn attach(
        &self,
        person: &str,
        ticket: u64,
        name: &str,
        bytes: Bytes,
        internal: bool,
    ) -> Result<u64, Refusal> {
        let (name, media_type) = (name.to_owned(), "application/octet-stream".to_owned());
        let made = self.act(person, Action::Attach { ticket, name, media_type, bytes, internal })?;
        Ok(made.id.unwrap_or_default())
    }

    /// A person deletes a ticket.
    ///
    /// # Errors
    ///
    /// If it is not there.
    pub fn delete_ticket(&self, person: &str, ticket: u64) -> Result<(), Refusal> {
        self.act(person, Action::Delete { ticket }).map(drop)
    }

    /// A person merges a ticket into another one, under whose number it is found from then on.
    ///
    /// # Errors
    ///
    /// If one of them is not there, or both are the same.
    pub fn merge(&self, person: &str, ticket: u64, into: u64) -> Result<(), Refusal> {
        self.act(person, Action::Merge { ticket, into }).map(drop)
    }

    /// The desk as it really is, whatever the faults make it say.
    pub fn snapshot(&self) -> Snapshot {
        let state = self.lock();
        let mut tickets: Vec<_> = state.tickets.values().cloned().collect();
        tickets.sort_by_key(|ticket| ticket.number);
        Snapshot { tickets }
    }

    /// Every write that took effect, oldest first.
    pub fn history(&self) -> Vec<Write> {
        self.lock().history.clone()
    }

    fn act(&self, person: &str, action: Action) -> Result<Made, Refusal> {
        self.write(Actor::Person(person.to_owned()), action, None)
    }

    fn write(&self, who: Actor, action: Action, marker: Option<String>) -> Result<Made, Refusal> {
        let made = self.lock().write(&self.inner.settings, self.now(), who, action, marker);
        self.inner.posted.notify_one();
        made
    }

    fn now(&self) -> Timestamp {
        self.inner.settings.clock.now()
    }

    /// The state, after every late commit that is due by now.
    fn lock(&self) -> MutexGuard<'_, State> {
        let mut state = self.inner.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.catch_up(&self.inner.settings, self.now()) {
            self.inner.posted.notify_one();
        }
        state
    }

    async fn posted(&self) {
        self.inner.posted.notified().await;
    }

    fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.settings.clock
    }
}
