//! Finds what a doubtful write left: everything in RT that bears an intent's marker.

use serde_json::json;
use throughline_sdk::{CommentId, FileId, Found, Intent, Marker, Operation, RemoteId, Result, Subject};

use crate::config::Config;
use crate::rest::{Rest, number};
use crate::write::ticket_of;
use crate::{feed, map, read, wire};

/// Everything in RT that bears an intent's marker. All reads here are of committed rows, without an index that lags.
pub(crate) async fn find(config: &Config, rest: &Rest<'_>, intent: &Intent) -> Result<Vec<Found>> {
    match &intent.operation {
        Operation::Create(_) => find_ticket(config, rest, &intent.marker).await,
        Operation::Comment { .. } | Operation::Attach { .. } => {
            find_message(rest, ticket_of(intent)?, &intent.marker).await
        }
        // These leave no marker: what they left is the state of the ticket.
        Operation::Update { .. }
        | Operation::Transition { .. }
        | Operation::LinkBack { .. }
        | Operation::Edit { .. }
        | Operation::Retract { .. } => Ok(Vec::new()),
    }
}

async fn find_ticket(config: &Config, rest: &Rest<'_>, marker: &Marker) -> Result<Vec<Found>> {
    if let Some(name) = &config.marker_field {
        let query = format!("CF.{{{name}}} = {}", feed::quoted(marker.as_str()));
        let tickets: Vec<wire::Ticket> = rest.list(&["tickets"], &[("query", &query)]).await?;
        return Ok(tickets.into_iter().map(|ticket| Found::made(RemoteId::new(ticket.id))).collect());
    }
    let search = json!([{"field": "Headers", "operator": "LIKE", "value": marker.as_str()}]);
    let query = [("fields", "TransactionId"), ("per_page", "100")];
    let parts: Vec<wire::Attachment> = rest.search(&["attachments"], &query, &search).await?;
    let mut found = Vec::new();
    for part in parts {
        let transaction: wire::Transaction =
            rest.get(&["transaction", number(&part.transaction_id.id)?], &[]).await?;
        let ticket = Found::made(RemoteId::new(&transaction.object.id));
        if transaction.kind == "Create" && !found.contains(&ticket) {
            found.push(ticket);
        }
    }
    Ok(found)
}

async fn find_message(rest: &Rest<'_>, ticket: &RemoteId, marker: &Marker) -> Result<Vec<Found>> {
    let (survivor, parts) = read::parts(rest, ticket).await?;
    let bearing = parts.into_iter().filter(|part| map::marker(part).as_ref() == Some(marker));
    Ok(bearing
        .map(|part| Found {
            ticket: survivor.clone(),
            subject: if map::is_file(&part) {
                Subject::File(FileId::new(part.id))
            } else {
                Subject::Comment(CommentId::new(part.transaction_id.id))
            },
        })
        .collect())
}
