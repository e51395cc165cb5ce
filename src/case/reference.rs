//! What a case refers to: announcements elsewhere that its people want to know of, and that are no leg.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use throughline_sdk::{CommentId, TicketRef, Timestamp};

use super::Fingerprint;
use crate::agreement::Products;

/// What a case refers to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct References {
    /// The products it is about; empty once nobody works on it any more.
    #[serde(default, skip_serializing_if = "Products::is_empty")]
    pub products: Products,
    /// Its products changed, and nobody looked yet what stands announced about them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unasked: bool,
    /// Announcements that stood before, and have to be read.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub unread: BTreeSet<TicketRef>,
    /// Those that were read, in the order in which they came.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub known: Vec<Reference>,
}

/// One announcement as it was last recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// Which.
    pub ticket: TicketRef,
    /// The number people use.
    pub key: String,
    /// Its title.
    pub title: String,
    /// Where a person opens it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its status, in the system's own words.
    pub status: String,
    /// Nobody works on it any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub over: bool,
    /// When it last changed there.
    pub updated: Timestamp,
    /// Its updates that were recorded.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub posts: BTreeSet<Fingerprint>,
}

impl References {
    /// The most a case refers to. What nobody works on any more makes room for what is new.
    pub const MOST: usize = 32;

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether something has to be looked up or read.
    pub fn has_work(&self) -> bool {
        self.unasked || !self.unread.is_empty()
    }

    /// What is known of this announcement.
    pub fn get(&self, ticket: &TicketRef) -> Option<&Reference> {
        self.known.iter().find(|reference| reference.ticket == *ticket)
    }

    /// Whether one more finds room.
    pub fn has_room(&self) -> bool {
        self.known.len() < Self::MOST || self.known.iter().any(|reference| reference.over)
    }

    /// The case is about these products from now on.
    pub(super) fn concern(&mut self, products: &Products) {
        self.products.clone_from(products);
        self.unasked = !products.is_empty();
        self.unread.clear();
    }

    /// This was found announced about its products.
    pub(super) fn consult(&mut self, found: &[TicketRef]) {
        self.unasked = false;
        let new = found.iter().filter(|ticket| self.get(ticket).is_none()).take(Self::MOST);
        self.unread = new.cloned().collect();
    }

    /// This has nothing to tell it.
    pub(super) fn unrefer(&mut self, ticket: &TicketRef) {
        self.unread.remove(ticket);
    }

    /// It refers to this as it was read now; the posts that were recorded stay.
    pub(super) fn refer(&mut self, reference: Reference) {
        self.unread.remove(&reference.ticket);
        match self.known.iter_mut().find(|known| known.ticket == reference.ticket) {
            Some(known) => *known = Reference { posts: std::mem::take(&mut known.posts), ..reference },
            None => {
                self.make_room();
                self.known.push(reference);
            }
        }
    }

    /// This post of it was recorded.
    pub(super) fn post(&mut self, ticket: &TicketRef, id: &CommentId, body: &str) {
        let known = self.known.iter_mut().find(|known| known.ticket == *ticket);
        if let Some(known) = known.filter(|known| known.posts.len() < Reference::MOST_POSTS) {
            known.posts.insert(Reference::post(id, body));
        }
    }

    fn make_room(&mut self) {
        while self.known.len() >= Self::MOST {
            let oldest = self.known.iter().position(|reference| reference.over).unwrap_or_default();
            self.known.remove(oldest);
        }
    }
}

impl Reference {
    /// The most updates of one announcement that a case records.
    pub const MOST_POSTS: usize = 128;

    /// What tells an update from others: another text under the same id is another one.
    pub fn post(id: &CommentId, body: &str) -> Fingerprint {
        Fingerprint::of(&format!("{id}\n{body}"))
    }
}
