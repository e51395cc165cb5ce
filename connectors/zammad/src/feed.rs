//! The change feed: the tickets by `updated_at`.
//!
//! Zammad finds what changed from a time on, in milliseconds, and gives no sequence.

use std::time::Duration;

use chrono::DateTime;
use throughline_sdk::paged::{Place, Row};
use throughline_sdk::{ChangePage, Ctx, Cursor, Error, ErrorKind, Feed, Hint, Moments, RemoteId, Result};

use crate::api::Api;
use crate::config::Config;

/// How many rows to ask for at once; Zammad gives 200 at most.
pub(crate) const PAGE: usize = 100;

/// Milliseconds, and how long after its `updated_at` a ticket may be committed.
pub(crate) const FEED: Feed = Feed { granularity: Duration::from_millis(1), lag: Duration::from_secs(60) };

/// The last page that is read of one moment: of 100,000 tickets in it the rest is left to the reconciliation.
const LAST_PAGE: u32 = 1000;

/// One page of what changed.
pub(crate) async fn changes(ctx: &Ctx, config: &Config, since: Option<&Cursor>) -> Result<ChangePage> {
    let api = Api { ctx, config };
    let asked = ctx.clock.now();
    let Some(since) = since else {
        let newest = api.newest_change().await?.map_or(DateTime::UNIX_EPOCH, |ticket| ticket.updated_at);
        let next = Cursor::write(&Place::after(newest, ctx.clock.now(), FEED))?;
        return Ok(ChangePage { hints: Vec::new(), next, more: false });
    };
    let place: Place = since.read("the Zammad connector")?;
    let tickets = api.changed_since(place.since(), place.page()).await?;
    if tickets.iter().any(|ticket| ticket.updated_at < place.since()) {
        // A search that leaves out a condition it does not know would begin with the oldest ticket, every time.
        return Err(Error::new(ErrorKind::Malformed, "Zammad listed tickets that did not change since then"));
    }
    let rows: Vec<Row> =
        tickets.iter().map(|ticket| Row { id: ticket.id, changed: ticket.updated_at }).collect();
    let follows = rows.len() >= PAGE && place.page() < LAST_PAGE;
    let moments = Moments { asked, answered: ctx.clock.now() };
    let (next, more) = place.advance(&rows, follows, moments, FEED);
    let hints = rows.iter().map(|row| Hint::new(RemoteId::new(row.id.to_string()))).collect();
    Ok(ChangePage { hints, next: Cursor::write(&next)?, more })
}
