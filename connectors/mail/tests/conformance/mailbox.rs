//! What the simulated server holds: our folders, and the mails that the partner got.

use std::sync::{Arc, Mutex};

use throughline_sdk::{Clock, Timestamp};

use crate::hand::Post;

#[derive(Debug)]
pub(crate) struct Mailbox {
    clock: Arc<dyn Clock>,
    pub(crate) state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) inbox: Folder,
    pub(crate) sent: Folder,
    pub(crate) partner: Vec<Vec<u8>>,
    /// What the SMTP server answers to the next mail instead of taking it.
    pub(crate) refusal: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Folder {
    pub(crate) validity: u32,
    pub(crate) next: u32,
    pub(crate) mails: Vec<Stored>,
}

#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) uid: u32,
    pub(crate) flags: Vec<String>,
    pub(crate) date: Timestamp,
    pub(crate) raw: Vec<u8>,
}

impl Default for Folder {
    fn default() -> Self {
        Self { validity: 7, next: 1, mails: Vec::new() }
    }
}

impl Folder {
    pub(crate) fn put(&mut self, raw: Vec<u8>, flags: Vec<String>, date: Timestamp) {
        self.mails.push(Stored { uid: self.next, flags, date, raw });
        // Servers may leave numbers out.
        self.next += 3;
    }
}

impl Mailbox {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { clock, state: Mutex::default() })
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl Post for Arc<Mailbox> {
    fn deliver(&self, raw: Vec<u8>) {
        let now = self.now();
        self.state.lock().unwrap().inbox.put(raw, Vec::new(), now);
    }

    fn received(&self) -> Vec<Vec<u8>> {
        self.state.lock().unwrap().partner.clone()
    }

    fn remove(&self, id: &str) {
        let id = format!("Message-ID: <{id}>");
        let mut state = self.state.lock().unwrap();
        state.inbox.mails.retain(|mail| !String::from_utf8_lossy(&mail.raw).contains(&id));
    }
}
