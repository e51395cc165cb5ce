//! The place in the incremental export, which Zendesk keeps for us in a cursor of its own.
//!
//! The export leaves out the last minute, so that what it has shown once is complete.
//! <https://developer.zendesk.com/documentation/ticketing/managing-tickets/using-the-incremental-export-api/>

use chrono::TimeDelta;
use throughline_sdk::{ChangePage, Ctx, Cursor, Error, ErrorKind, Hint, RemoteId, Result};

use crate::api::{Api, From};
use crate::config::Config;

/// How far the export stays behind.
pub(crate) const LAG_SECONDS: u64 = 60;

/// The most tickets on a page: Zendesk gives up to 1,000 and asks to take fewer where that is slow.
pub(crate) const PAGE: usize = 500;

/// How long before now a first reading begins. Zendesk takes no time of its own last minute, and the clocks may differ.
const MARGIN: TimeDelta = TimeDelta::minutes(10);

const TIME: &str = "time:";
const CURSOR: &str = "cursor:";

/// One page of what changed.
pub(crate) async fn changes(ctx: &Ctx, config: &Config, since: Option<&Cursor>) -> Result<ChangePage> {
    let Some(since) = since else {
        let start = ctx.clock.now().checked_sub_signed(MARGIN).unwrap_or_default();
        let next = Cursor::new(format!("{TIME}{}", start.timestamp()));
        return Ok(ChangePage { hints: Vec::new(), next, more: false });
    };
    let place = parse(since)?;
    let page = Api { ctx, config }.export(&place, PAGE).await?;
    let ours =
        page.tickets.iter().filter(|ticket| config.brand.is_none_or(|brand| ticket.brand_id == Some(brand)));
    let hints = ours.map(|ticket| Hint::new(RemoteId::new(ticket.id.to_string()))).collect();
    // Without a cursor there was nothing to stand behind yet.
    let next = page.after_cursor.filter(|cursor| !cursor.is_empty());
    let next = next.map_or_else(|| since.clone(), |cursor| Cursor::new(format!("{CURSOR}{cursor}")));
    // A cursor that stands still would be read for ever.
    let more = !page.end_of_stream && next != *since;
    Ok(ChangePage { hints, next, more })
}

fn parse(cursor: &Cursor) -> Result<From<'_>> {
    let text = cursor.as_str();
    if let Some(cursor) = text.strip_prefix(CURSOR) {
        return Ok(From::Cursor(cursor));
    }
    let seconds = text.strip_prefix(TIME).and_then(|seconds| seconds.parse().ok());
    seconds
        .map(From::Time)
        .ok_or_else(|| Error::new(ErrorKind::Malformed, "this is no cursor of the Zendesk connector"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_as_it_was_written() {
        assert_eq!(parse(&Cursor::new("time:7")).unwrap(), From::Time(7));
        assert_eq!(parse(&Cursor::new("cursor:MTU3:x||")).unwrap(), From::Cursor("MTU3:x||"));
        for text in ["", "time:", "time:x", "7", "MTU3"] {
            assert_eq!(parse(&Cursor::new(text)).unwrap_err().kind(), ErrorKind::Malformed, "{text}");
        }
    }
}
