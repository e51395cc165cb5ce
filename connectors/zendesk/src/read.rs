//! Reads a ticket whole, under whatever number it has now.

use throughline_sdk::{Error, ErrorKind, RemoteId, Result, Ticket};

use crate::api::Api;
use crate::map::{self, Parts};
use crate::merge;

/// How many merges are followed from one ticket to the next.
const MAX_MERGES: usize = 5;

/// A ticket. A merged one comes with the id of the one it went into.
pub(crate) async fn ticket(api: Api<'_>, id: u64) -> Result<Ticket> {
    let mut parts = parts(api, id).await?;
    for _ in 0..MAX_MERGES {
        if !merge::is_source(&parts) {
            return Ok(map::ticket(&parts, api.config));
        }
        parts = target(api, &parts).await?;
    }
    Err(moved(id, "the ticket was merged into others in a circle"))
}

/// Everything of a ticket, as it stands under this very number.
///
/// The ticket itself is read first: what changes while the rest is read shows in the next version.
pub(crate) async fn parts(api: Api<'_>, id: u64) -> Result<Parts> {
    let answer = api.ticket(id).await?;
    let (comments, authors) = api.comments(id).await?;
    let audits = api.audits(id).await?;
    let set = answer.ticket.custom_fields.iter().any(|field| !field.value.is_null());
    let fields = if set { api.fields().await? } else { Vec::new() };
    let mut users = answer.users;
    users.extend(authors);
    Ok(Parts {
        ticket: answer.ticket,
        users,
        groups: answer.groups,
        statuses: answer.custom_statuses,
        fields,
        comments,
        audits,
    })
}

async fn target(api: Api<'_>, source: &Parts) -> Result<Parts> {
    let id = source.ticket.id;
    for candidate in merge::candidates(source) {
        match parts(api, candidate).await {
            Ok(target) if merge::confirms(&target, id) => return Ok(target),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Err(moved(id, "the ticket was merged into another that neither of the two names; link that one instead"))
}

fn moved(id: u64, words: &str) -> Error {
    Error::new(ErrorKind::Moved, words).with_context("ticket", RemoteId::new(id.to_string()))
}
