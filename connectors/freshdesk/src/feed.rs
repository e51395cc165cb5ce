//! The change feed: what changed from a second on, by `updated_since`.
//!
//! Freshdesk lists what changed from a time on, in whole seconds, and gives no sequence.

use std::time::Duration;

use chrono::DateTime;
use throughline_sdk::paged::{Place, Row};
use throughline_sdk::{ChangePage, Ctx, Cursor, Feed, Hint, Moments, RemoteId, Result};

use crate::api::Api;
use crate::config::Config;

/// The most rows that Freshdesk gives at once; it refuses larger wishes.
pub(crate) const PAGE: usize = 100;

/// Whole seconds, and how long after its `updated_at` a ticket may be committed.
pub(crate) const FEED: Feed = Feed { granularity: Duration::from_secs(1), lag: Duration::from_secs(60) };

/// Freshdesk gives no page behind this one: of 30,000 tickets in one second the rest is left to the reconciliation.
/// <https://developers.freshdesk.com/api/#list_all_tickets>
const LAST_PAGE: u32 = 300;

/// One page of what changed.
pub(crate) async fn changes(ctx: &Ctx, config: &Config, since: Option<&Cursor>) -> Result<ChangePage> {
    let api = Api { ctx, config };
    let asked = ctx.clock.now();
    let Some(since) = since else {
        let newest = api.newest_change().await?.map_or(DateTime::UNIX_EPOCH, |ticket| ticket.updated_at);
        let next = Cursor::write(&Place::after(newest, ctx.clock.now(), FEED))?;
        return Ok(ChangePage { hints: Vec::new(), next, more: false });
    };
    let place: Place = since.read("the Freshdesk connector")?;
    let tickets = api.changed_since(place.since(), place.page()).await?;
    let rows: Vec<Row> =
        tickets.iter().map(|ticket| Row { id: ticket.id, changed: ticket.updated_at }).collect();
    let follows = rows.len() >= PAGE && place.page() < LAST_PAGE;
    let moments = Moments { asked, answered: ctx.clock.now() };
    let (next, more) = place.advance(&rows, follows, moments, FEED);
    let hints = rows.iter().map(|row| Hint::new(RemoteId::new(row.id.to_string()))).collect();
    Ok(ChangePage { hints, next: Cursor::write(&next)?, more })
}
