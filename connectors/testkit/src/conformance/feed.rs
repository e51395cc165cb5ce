//! The change feed: doubled is allowed, missing is not.

use std::collections::BTreeSet;

use throughline_sdk::{Cursor, RemoteId};

use super::bench::Bench;
use super::{Stop, Verdict, ensure};

/// A feed that goes on for ever is a defect as well.
const MAX_PAGES: usize = 1000;

pub(super) async fn gapless(b: &Bench<'_>) -> Verdict {
    let start = b.subject.connector.changes(&b.ctx(), None).await?.next;
    let mut expected = BTreeSet::new();
    for _ in 0..3 {
        expected.insert(b.raised().await);
    }
    b.subject.clock.sleep(b.subject.feed_patience).await;
    let (seen, cursor) = drain(b, start).await?;
    missing(&expected, &seen)?;
    // Two changes in one tick, the page boundary between them.
    let (first, second) = (b.raised().await, b.raised().await);
    b.subject.hand.comment(&first, "again", false).await;
    b.subject.clock.sleep(b.subject.feed_patience).await;
    let (seen, _) = drain(b, cursor).await?;
    missing(&BTreeSet::from([first, second]), &seen)
}

/// More changes than one page holds, all in as few ticks of the clock as the desk can.
pub(super) async fn bordered(b: &Bench<'_>) -> Verdict {
    let page = b.subject.feed_page.ok_or(Stop::NotDeclared)?;
    let start = b.subject.connector.changes(&b.ctx(), None).await?.next;
    let mut expected = BTreeSet::new();
    for _ in 0..=page {
        expected.insert(b.raised().await);
    }
    b.subject.clock.sleep(b.subject.feed_patience).await;
    let first = b.subject.connector.changes(&b.ctx(), Some(&start)).await?;
    ensure(first.more, || format!("{} changes fit into a page of {page}", page + 1))?;
    let (seen, _) = drain(b, start).await?;
    missing(&expected, &seen)
}

pub(super) async fn resumed(b: &Bench<'_>) -> Verdict {
    let start = b.subject.connector.changes(&b.ctx(), None).await?.next;
    let ticket = b.raised().await;
    b.subject.clock.sleep(b.subject.feed_patience).await;
    for _ in 0..2 {
        let (seen, _) = drain(b, start.clone()).await?;
        missing(&BTreeSet::from([ticket.clone()]), &seen)?;
    }
    Ok(())
}

async fn drain(b: &Bench<'_>, mut cursor: Cursor) -> Verdict<(BTreeSet<RemoteId>, Cursor)> {
    let mut seen = BTreeSet::new();
    for _ in 0..MAX_PAGES {
        let page = b.subject.connector.changes(&b.ctx(), Some(&cursor)).await?;
        seen.extend(page.hints.into_iter().map(|hint| hint.ticket));
        cursor = page.next;
        if !page.more {
            return Ok((seen, cursor));
        }
    }
    Err(Stop::Failed(format!("the feed has no end after {MAX_PAGES} pages")))
}

fn missing(expected: &BTreeSet<RemoteId>, seen: &BTreeSet<RemoteId>) -> Verdict {
    let lost: Vec<_> = expected.difference(seen).map(RemoteId::as_str).collect();
    ensure(lost.is_empty(), || format!("changes of tickets {lost:?} never came"))
}
