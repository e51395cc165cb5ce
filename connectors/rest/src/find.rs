//! What a doubtful write left: whatever bears its marker.

use throughline_sdk::{Error, ErrorKind, Found, Intent, Marker, Operation, RemoteId, Result, Subject};

use crate::pagination;
use crate::read;
use crate::request::Api;

/// So many candidates are read. More means that the desk ignores the filter, and a person has to look.
const MAX_CANDIDATES: usize = 50;

/// Everything that bears the intent's marker.
pub(crate) async fn find(api: Api<'_>, intent: &Intent) -> Result<Vec<Found>> {
    if let Operation::Create(_) = intent.operation {
        return tickets(api, &intent.marker).await;
    }
    match intent.marked_in() {
        Some(id) => Ok(intent.left_in(read::ticket(api, id).await?.ticket)),
        None => Ok(Vec::new()),
    }
}

async fn tickets(api: Api<'_>, marker: &Marker) -> Result<Vec<Found>> {
    let Some(says) = &api.desk.manifest.find else { return Ok(Vec::new()) };
    let scope = api.desk.scope().with("marker", marker.as_str());
    let rows =
        pagination::all(api, (&says.request, says.body.as_ref()), &says.pages, &says.list, &scope).await?;
    let mut candidates = Vec::new();
    for (scope, row) in rows {
        let row = scope.with("row", row);
        if let Some(filter) = &says.filter
            && !filter.holds(&row).map_err(|failed| api.failed(&failed))?
        {
            continue;
        }
        candidates.extend(says.ticket.text(&row).map_err(|failed| api.failed(&failed))?.map(RemoteId::new));
    }
    candidates.sort_unstable();
    candidates.dedup();
    if candidates.len() > MAX_CANDIDATES {
        let message = format!(
            "the search for our marker gave {} tickets, more than we look at: the desk seems to ignore its filter",
            candidates.len()
        );
        return Err(Error::new(ErrorKind::Malformed, message));
    }
    let mut ours = Vec::new();
    for id in candidates {
        match read::ticket(api, &id).await {
            Ok(read) if read.ticket.marker.as_ref() == Some(marker) => {
                let id = read.ticket.id;
                ours.push(found(&id, Subject::Ticket(id.clone())));
            }
            Ok(_) => {}
            // Gone since the search: no longer there to be doubled.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(ours)
}

fn found(ticket: &RemoteId, subject: Subject) -> Found {
    Found { ticket: ticket.clone(), subject }
}
