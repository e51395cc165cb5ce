//! Reads a ticket whole, under whatever number it has now: three requests.

use throughline_sdk::{Error, ErrorKind, RemoteId, Result, Ticket};

use crate::api::Api;
use crate::map::{self, Parts};

/// The status of a ticket that went into another.
const MERGED: &str = "merged";

/// How many merges are followed from one ticket to the next.
const MAX_MERGES: usize = 5;

/// A ticket. A merged one comes with the id of the one it went into.
pub(crate) async fn ticket(api: Api<'_>, id: u64) -> Result<Ticket> {
    let mut at = id;
    for _ in 0..=MAX_MERGES {
        let parts = parts(api, at).await?;
        if parts.ticket.state.as_deref() != Some(MERGED) {
            return Ok(map::ticket(&parts, api.config));
        }
        at = target(api, at).await?;
    }
    Err(moved(id, "the ticket was merged into others in a circle"))
}

/// Everything of a ticket, as it stands under this very number.
///
/// The ticket itself is read first: what changes while the rest is read shows in the next version.
pub(crate) async fn parts(api: Api<'_>, id: u64) -> Result<Parts> {
    let ticket = api.ticket(id).await?;
    let articles = api.articles(id).await?;
    let customer = match ticket.customer_id {
        Some(customer) => api.user(customer).await?,
        None => None,
    };
    Ok(Parts { ticket, articles, customer })
}

/// Where a merged ticket went: Zammad moves its links along, and leaves one to the ticket as its parent.
async fn target(api: Api<'_>, id: u64) -> Result<u64> {
    let links = api.links(id).await?;
    let mut parents = links.iter().filter(|link| {
        link.link_type == "parent" && link.link_object == "Ticket" && link.link_object_value != id
    });
    match (parents.next(), parents.next()) {
        (Some(parent), None) => Ok(parent.link_object_value),
        (Some(_), Some(_)) => {
            Err(moved(id, "the ticket was merged, and has several parents; link the right one instead"))
        }
        (None, _) => {
            Err(moved(id, "the ticket was merged into another that it does not name; link that one instead"))
        }
    }
}

fn moved(id: u64, words: &str) -> Error {
    Error::new(ErrorKind::Moved, words).with_context("ticket", RemoteId::new(id.to_string()))
}
