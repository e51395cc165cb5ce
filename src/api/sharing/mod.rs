//! The face for partners that push: Networked Help Desk 1.0, which Zendesk calls ticket sharing.
//!
//! Each partner has an address of its own, `/sharing/SYSTEM`, and a desk of its own behind it ([`crate::desk`]), where what
//! it pushed and what it was pushed stand together. Who pushes follows from the key of an agreement, and the agreement
//! belongs to the system in the address. What is answered 2xx is durable, and hinted at. The engine reads and records in
//! process ([`inside`]).

mod address;
mod agreement;
mod book;
pub mod inside;
mod partner;
mod refusal;
mod ticket;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use throughline_sdk::Entropy;
use tokio::sync::Mutex;

use crate::daemon::Shared;
use crate::desk::{Desk, Narrow, Record, Sort};
use crate::{desk, registry};

pub use book::Book;

/// The desk that one partner and we push to, and the agreements with that partner. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Face {
    /// The desk.
    pub desk: Desk,
    /// The agreements.
    pub book: Book,
    /// Where both are.
    pub sharing: registry::Sharing,
    /// Randomness, for the keys of agreements.
    pub entropy: Arc<dyn Entropy>,
    /// Held from looking for a uuid to making a ticket of it: two pushes of one ticket make one.
    making: Arc<Mutex<()>>,
}

impl Face {
    /// The face of a desk.
    pub fn new(desk: Desk, book: Book, sharing: registry::Sharing, entropy: Arc<dyn Entropy>) -> Self {
        Self { desk, book, sharing, entropy, making: Arc::default() }
    }

    /// The ticket with this uuid, and its number.
    async fn with_uuid(&self, uuid: &str) -> Result<Option<(u64, Record)>, desk::Error> {
        let wanted = uuid.to_owned();
        let narrow = Narrow { identifier: Some(wanted.clone()), ..Narrow::default() };
        let found = self.desk.scan(Sort::Ticket, narrow, None, move |found, number, record| {
            if ticket::uuid(&record.document) == wanted {
                *found = Some((number, record));
            }
        });
        found.await
    }
}

/// The faces as partners reach them.
#[derive(Clone, Debug)]
struct Doors {
    faces: Arc<[Face]>,
    /// The bridge that is to hear of what a partner pushed.
    told: Option<Arc<Shared>>,
}

/// What partners reach.
pub(crate) fn router<S: Clone + Send + Sync + 'static>(shared: &Arc<Shared>) -> Router<S> {
    let faces = shared.northbound.sharing.clone().into();
    routes(Doors { faces, told: Some(Arc::clone(shared)) })
}

fn routes<S: Clone + Send + Sync + 'static>(doors: Doors) -> Router<S> {
    let agreement = post(partner::invited).put(partner::amended).get(partner::shown);
    let ticket = post(partner::shared).put(partner::updated).get(partner::told).delete(partner::unshared);
    Router::new()
        .route("/sharing/{system}/agreements/{uuid}", agreement)
        .route("/sharing/{system}/tickets/{uuid}", ticket)
        .route("/sharing/{system}/files/{number}/{uuid}/{until}/{signature}", get(partner::file))
        .with_state(doors)
}
