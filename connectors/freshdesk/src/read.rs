//! Reads a ticket whole: three requests, and one for each person outside whose name is not known yet.

use std::collections::{BTreeMap, BTreeSet};

use throughline_sdk::{Result, Ticket};

use crate::api::Api;
use crate::map::{self, Parts};

/// The most people whose names are asked for; further ones are called by their numbers.
const MAX_CONTACTS: usize = 20;

/// A ticket.
pub(crate) async fn ticket(api: Api<'_>, id: u64) -> Result<Ticket> {
    Ok(map::ticket(&parts(api, id).await?, api.config))
}

/// Everything of a ticket. The ticket itself is read first: what changes while the rest is read shows in the next version.
pub(crate) async fn parts(api: Api<'_>, id: u64) -> Result<Parts> {
    let (ticket, shelf) = api.ticket(id).await?;
    let conversations = api.conversations(id, shelf).await?;
    let form = api.form().await?;
    let requester = ticket.requester.as_ref().and_then(|requester| requester.id);
    let authors = conversations.iter().filter_map(|one| one.user_id).chain(ticket.requester_id);
    let unknown: BTreeSet<u64> =
        authors.filter(|id| Some(*id) != requester && form.agent(*id).is_none()).collect();
    let mut contacts = BTreeMap::new();
    for id in unknown.into_iter().take(MAX_CONTACTS) {
        if let Some(name) = api.contact(id).await? {
            contacts.insert(id, name);
        }
    }
    Ok(Parts { ticket, conversations, form, contacts })
}
