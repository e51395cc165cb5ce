//! What comes in by webhook: raw bytes to authenticate, and the hints they turn into.

use ::http::HeaderMap;
use bytes::Bytes;

use crate::{RemoteId, Ticket, Timestamp};

/// A webhook as it arrived. Senders are verified over these very bytes, before they are parsed.
#[derive(Clone, Debug)]
pub struct RawWebhook {
    /// Header fields.
    pub headers: HeaderMap,
    /// The query part of the address, without the question mark.
    pub query: String,
    /// The body, as many bytes as came.
    pub body: Bytes,
    /// When it arrived, on our clock.
    pub received: Timestamp,
}

/// Something may have changed on this ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// The ticket.
    pub ticket: RemoteId,
    /// The ticket itself, only from a webhook that is signed and complete and carries a version.
    pub content: Option<Box<Ticket>>,
}

impl Hint {
    /// A hint without content: the ticket is read afresh.
    pub fn new(ticket: RemoteId) -> Self {
        Self { ticket, content: None }
    }
}
