//! The change feed by transaction id, a real sequence, where RT's times have only seconds.
//!
//! Two things can hide a change behind a number. A transaction gets its id before it is committed, so that a lower
//! id may appear later: each read goes back [`OVERLAP`] ids and the cursor knows which of those it has seen. And RT
//! takes out what we may not see after it has cut a page, so that an empty page is not the end: the newest ticket's
//! version tells whether there is more.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use throughline_sdk::{ChangePage, Cursor, Error, ErrorKind, Hint, RemoteId, Result, Version};

use crate::config::Config;
use crate::rest::{Rest, number};
use crate::wire;

/// How many ids each read goes back. RT makes some five transactions for one message, so that this covers about
/// forty messages that were begun before, and committed after, one that was already read.
const OVERLAP: u64 = 200;

/// How many requests one page of changes may cost.
const MAX_REQUESTS: usize = 12;

/// The cursor's content.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Place {
    /// The newest id seen.
    last: u64,
    /// Which ids above `last - OVERLAP` were seen.
    seen: BTreeSet<u64>,
    /// Nothing below this is asked for: the feed began here.
    from: u64,
    /// The newest ticket and its time when it showed something that the feed does not have.
    quiet: String,
}

/// Reads one page of changes after `since`; from now on if `None`.
pub(crate) async fn changes(config: &Config, rest: &Rest<'_>, since: Option<&Cursor>) -> Result<ChangePage> {
    let Some(cursor) = since else { return begin(config, rest).await };
    let mut place: Place = cursor.read("Request Tracker's feed")?;
    let (hints, more) = walk(config, rest, &mut place).await?;
    Ok(ChangePage { hints, next: Cursor::write(&place)?, more })
}

/// From now on: what stands within the overlap is taken for seen, so that only what is committed later is a change.
async fn begin(config: &Config, rest: &Rest<'_>) -> Result<ChangePage> {
    let mut place = Place::default();
    if let Some((newest, _)) = newest(config, rest, "").await? {
        place.from = newest.saturating_sub(OVERLAP);
        place.last = place.from;
        while walk(config, rest, &mut place).await?.1 {}
    }
    Ok(ChangePage { hints: Vec::new(), next: Cursor::write(&place)?, more: false })
}

/// Reads on from `place` and moves it. Says what changed and whether there is more.
async fn walk(config: &Config, rest: &Rest<'_>, place: &mut Place) -> Result<(Vec<Hint>, bool)> {
    let mut after = place.last.saturating_sub(OVERLAP).max(place.from);
    let mut hints: Vec<Hint> = Vec::new();
    let (mut page, mut more) = (1, true);
    let mut newest_state = None;
    for _ in 0..MAX_REQUESTS {
        let rows = transactions(config, rest, after, page).await?;
        if rows.is_empty() {
            if newest_state.is_none() {
                let found = newest(config, rest, &place.quiet).await?;
                newest_state = found.filter(|(newest, _)| *newest > place.last).map(|(_, state)| state);
                if newest_state.is_none() {
                    more = false;
                    break;
                }
            }
            page += 1;
            continue;
        }
        page = 1;
        newest_state = None;
        for row in rows {
            let id = id_of(&row.id)?;
            after = after.max(id);
            if place.seen.insert(id) && concerns_us(config, rest, &row).await? {
                let hint = Hint::new(RemoteId::new(row.object_id));
                if !hints.contains(&hint) {
                    hints.push(hint);
                }
            }
        }
        place.last = place.last.max(after);
    }
    if let Some(state) = newest_state {
        // What the newest ticket shows is not in the queue's feed, as after a merge across queues.
        place.quiet = state;
        more = false;
    }
    place.seen = place.seen.split_off(&place.last.saturating_sub(OVERLAP));
    Ok((hints, more))
}

async fn transactions(
    config: &Config,
    rest: &Rest<'_>,
    after: u64,
    page: u32,
) -> Result<Vec<wire::Transaction>> {
    let queue = quoted(&config.queue);
    // A ticket that was moved to another queue is one we have to hear of for a last time.
    let query = format!(
        "ObjectType = 'RT::Ticket' AND id > {after} AND ( TicketQueue = {queue} OR Field = 'Queue' )"
    );
    let page = page.to_string();
    let query = [
        ("query", query.as_str()),
        ("fields", "Type,ObjectId,Field,OldValue"),
        ("orderby", "id"),
        ("order", "ASC"),
        ("per_page", "100"),
        ("page", &page),
    ];
    rest.list(&["transactions"], &query).await
}

/// A ticket's history after a version of it, oldest first; of a long one the beginning.
pub(crate) async fn since(
    rest: &Rest<'_>,
    ticket: &RemoteId,
    version: &Version,
) -> Result<Vec<wire::Transaction>> {
    let (ticket, version) = (number(ticket.as_str())?, number(version.as_str())?);
    let query = format!("ObjectType = 'RT::Ticket' AND ObjectId = {ticket} AND id > {version}");
    let query = [
        ("query", query.as_str()),
        ("fields", "Type,Creator,Field,OldValue,NewValue"),
        ("orderby", "id"),
        ("order", "ASC"),
        ("per_page", "100"),
    ];
    rest.list(&["transactions"], &query).await
}

/// Whether a transaction is a change in our queue: all are but records of mail, and moves between other queues.
async fn concerns_us(config: &Config, rest: &Rest<'_>, row: &wire::Transaction) -> Result<bool> {
    if matches!(row.kind.as_str(), "EmailRecord" | "CommentEmailRecord") {
        return Ok(false);
    }
    if row.field != "Queue" {
        return Ok(true);
    }
    let queue: wire::Queue = rest.get(&["queue", &config.queue], &[]).await?;
    if row.old_value == queue.id {
        return Ok(true);
    }
    match rest.ticket(&RemoteId::new(row.object_id.clone())).await {
        Ok((ticket, _)) => Ok(ticket.queue.id == queue.id),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// The newest transaction that we may see in the queue, and the state of the ticket it is of; `None` for no ticket,
/// or for one in the state `known`.
async fn newest(config: &Config, rest: &Rest<'_>, known: &str) -> Result<Option<(u64, String)>> {
    let Some(ticket) = newest_ticket(config, rest).await? else { return Ok(None) };
    let state = format!("{} {}", ticket.id, ticket.last_updated);
    if state == known {
        return Ok(None);
    }
    let (_, version) = rest.ticket(&RemoteId::new(ticket.id)).await?;
    Ok(version.map(|version| id_of(version.as_str())).transpose()?.map(|newest| (newest, state)))
}

async fn newest_ticket(config: &Config, rest: &Rest<'_>) -> Result<Option<wire::Ticket>> {
    let query = format!("Queue = {}", quoted(&config.queue));
    let query = [
        ("query", query.as_str()),
        ("fields", "LastUpdated"),
        ("orderby", "LastUpdated"),
        ("order", "DESC"),
        ("per_page", "1"),
    ];
    Ok(rest.list(&["tickets"], &query).await?.into_iter().next())
}

fn id_of(text: &str) -> Result<u64> {
    text.parse().map_err(|error| {
        Error::new(ErrorKind::Malformed, format!("a transaction's id is no number: {error}"))
            .with_context("id", text)
    })
}

/// A text inside RT's query language.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_quotes() {
        assert_eq!(quoted(r"O'Neill \ co"), r"'O\'Neill \\ co'");
    }

    #[test]
    fn a_cursor_survives_being_written_down() {
        let place = Place { last: 300, seen: BTreeSet::from([299, 300]), from: 10, quiet: "7 x".to_owned() };
        let read: Place = Cursor::write(&place).unwrap().read("this test").unwrap();
        assert_eq!((read.last, read.seen, read.from), (300, BTreeSet::from([299, 300]), 10));
    }
}
