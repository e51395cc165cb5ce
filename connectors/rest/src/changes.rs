//! Which tickets have changed: one page of the desk's feed at a time, and the cursor after it.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use http::header::DATE;
use serde::{Deserialize, Serialize};
use throughline_sdk::{
    ChangePage, Cursor, Error, ErrorKind, Feed, Hint, Moments, RemoteId, Result, Timestamp,
};

use crate::expression::Scope;
use crate::feed;
use crate::manifest::Changes;
use crate::pagination::{self, Position};
use crate::request::{Answer, Api};
use crate::{read, sequence};

/// How far a desk's clock may be behind ours where it does not tell its time.
const SKEW: TimeDelta = TimeDelta::minutes(5);

/// A cursor: the kind of feed, and the place in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Place {
    Time(feed::Place),
    Sequence(sequence::Place),
}

/// A page of the feed.
#[derive(Debug)]
struct Rows {
    answer: Answer,
    /// What each row's expressions see.
    rows: Vec<Scope>,
    next: Option<Position>,
}

/// One page of changes after `since`, or the place where the feed stands now.
pub(crate) async fn changes(api: Api<'_>, since: Option<&Cursor>) -> Result<ChangePage> {
    let place = since.map(|since| since.read("this connector")).transpose()?;
    let by_sequence = api.desk.manifest.changes.sequence.is_some();
    let (hints, next, more) = match place {
        None if by_sequence => (Vec::new(), Place::Sequence(latest(api).await?), false),
        None => (Vec::new(), Place::Time(now(api).await?), false),
        Some(Place::Time(place)) if !by_sequence => by_time(api, &place).await?,
        Some(Place::Sequence(place)) if by_sequence => by_number(api, &place).await?,
        Some(_) => {
            return Err(Error::new(
                ErrorKind::Malformed,
                "the cursor is of a manifest with another kind of feed",
            ));
        }
    };
    Ok(ChangePage { hints, next: Cursor::write(&next)?, more })
}

async fn by_time(api: Api<'_>, place: &feed::Place) -> Result<(Vec<Hint>, Place, bool)> {
    let says = &api.desk.manifest.changes;
    let feed = Feed { granularity: says.granularity, lag: says.lag };
    let position = place.at.clone().unwrap_or_else(|| says.pages.first());
    let exclusive = if says.exclusive {
        TimeDelta::from_std(says.granularity).unwrap_or_default()
    } else {
        TimeDelta::zero()
    };
    let from = place.since() - exclusive;
    let asked = api.ctx.clock.now();
    let page = rows(api, &position, api.desk.scope().with("since", api.desk.since.write(from))).await?;
    let mut times = Vec::new();
    if let Some(changed) = &says.changed {
        for row in &page.rows {
            let value = changed.value(row).map_err(|failed| page.answer.unreadable(api, &failed))?;
            times.push(api.desk.dates.read(&value).ok_or_else(|| {
                let why = "it gives no time of the form that [dates] says".to_owned();
                page.answer.unreadable(api, &changed.because(why))
            })?);
        }
    }
    let tickets = tickets(api, says, &page)?;
    let mut last = times.last().copied();
    if says.changed.is_none()
        && let Some(ticket) = tickets.last()
    {
        last = last_changed(api, ticket).await?;
    }
    let seen = feed::Page {
        newest: times.iter().copied().chain(last).max(),
        last,
        next: page.next,
        moments: Moments { asked, answered: api.ctx.clock.now() },
    };
    let (next, more) = place.advance(&seen, feed);
    // Where rows tell their times, what is older than the window is known already.
    let wanted = |at: usize| times.get(at).is_none_or(|time| *time >= place.since());
    let hints = tickets.into_iter().enumerate().filter(|(at, _)| wanted(*at)).map(|(_, ticket)| ticket);
    Ok((once(hints), Place::Time(next), more))
}

/// When a ticket last changed, where its row does not say; nothing where it has gone by now.
async fn last_changed(api: Api<'_>, ticket: &RemoteId) -> Result<Option<Timestamp>> {
    match read::ticket(api, ticket).await {
        Ok(read) => Ok(Some(read.ticket.updated)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Moved) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn by_number(api: Api<'_>, place: &sequence::Place) -> Result<(Vec<Hint>, Place, bool)> {
    let says = &api.desk.manifest.changes;
    let asked = api.ctx.clock.now();
    let (next, more, numbered) = if says.takes_number() {
        let page = after(api, place.number()).await?;
        let numbered = numbered(api, says, &page)?;
        let numbers: Vec<u64> = numbered.iter().map(|(number, _)| *number).collect();
        let (next, more) = place.advance(&numbers, asked, says.lag);
        (next, more, numbered)
    } else {
        let position = place.page.clone().unwrap_or_else(|| says.pages.first());
        let page = counted(api, &position).await?;
        let (numbered, next) = match page {
            Some(page) => (numbered(api, says, &page)?, page.next),
            None => (Vec::new(), None),
        };
        let numbers: Vec<u64> = numbered.iter().map(|(number, _)| *number).collect();
        let (next, more) = place.turn(&numbers, (&position, next, &says.pages), asked, says.lag);
        (next, more, numbered)
    };
    let wanted = numbered.into_iter().filter(|(number, _)| place.wants(*number)).map(|(_, ticket)| ticket);
    Ok((once(wanted), Place::Sequence(next), more))
}

/// Where a feed by time stands now, on the desk's clock where it tells it.
async fn now(api: Api<'_>) -> Result<feed::Place> {
    let says = &api.desk.manifest.probe;
    let answer = api.read(&says.request, says.body.as_ref(), &api.desk.scope()).await?;
    let now = api.ctx.clock.now();
    let told = answer.response.headers.get(DATE).and_then(|date| date.to_str().ok());
    let told =
        told.and_then(|date| chrono::DateTime::parse_from_rfc2822(date).ok()).map(|date| date.to_utc());
    let says = &api.desk.manifest.changes;
    let feed = Feed { granularity: says.granularity, lag: says.lag };
    // What the desk answers by need not be the clock that it dates changes by.
    let newest = told.unwrap_or(now - SKEW) - TimeDelta::from_std(says.lag).unwrap_or_default();
    Ok(feed::Place::after(newest, now, feed))
}

/// Where a feed by number stands now. Found by halving, so that a long journal is not read through.
async fn latest(api: Api<'_>) -> Result<sequence::Place> {
    let says = &api.desk.manifest.changes;
    let now = api.ctx.clock.now();
    let highest = |page: &Rows| -> Result<Option<u64>> {
        Ok(numbered(api, says, page)?.into_iter().map(|(number, _)| number).max())
    };
    let (mut low, mut high, mut step) = (0_u64, None, 1_u64);
    if says.takes_number() {
        // Nothing comes after `high`; something does, or has come, at `low`.
        while high.is_none_or(|high| low < high) {
            let middle = high.map_or(low.saturating_add(step), |high| low + (high - low) / 2);
            match highest(&after(api, middle).await?)? {
                Some(number) => (low, step) = (number.max(middle), step.saturating_mul(2)),
                None => high = Some(middle),
            }
        }
        return Ok(sequence::Place::after(low, now, None));
    }
    // Page `low` is there, or nothing is; page `high` is not.
    let mut found = None;
    loop {
        let middle = match (found.is_some(), high) {
            (false, None) => 0,
            (true, None) => low + step,
            (_, Some(high)) => low + (high - low) / 2,
        };
        let Some(position) = sequence::nth(&says.pages, middle) else { break };
        let page = counted(api, &position).await?.filter(|page| !page.rows.is_empty());
        match page {
            Some(page) => {
                (low, step) = (middle, step * 2);
                found = Some((highest(&page)?.unwrap_or_default(), position));
                if page.next.is_none() {
                    break;
                }
            }
            None if middle == 0 => break,
            None => high = Some(middle),
        }
        if high.is_some_and(|high| high - low < 2) {
            break;
        }
    }
    let (highest, page) = found.map_or((0, None), |(highest, position)| (highest, Some(position)));
    Ok(sequence::Place::after(highest, now, page))
}

async fn after(api: Api<'_>, number: u64) -> Result<Rows> {
    let first = api.desk.manifest.changes.pages.first();
    rows(api, &first, api.desk.scope().with("after", number)).await
}

/// A counted page; `None` for one that the desk says is not there, as some do past the last.
async fn counted(api: Api<'_>, position: &Position) -> Result<Option<Rows>> {
    let first = api.desk.manifest.changes.pages.first();
    match rows(api, position, api.desk.scope()).await {
        Ok(rows) => Ok(Some(rows)),
        Err(error) if error.kind() == ErrorKind::NotFound && *position != first => Ok(None),
        Err(error) => Err(error),
    }
}

async fn rows(api: Api<'_>, position: &Position, scope: Scope) -> Result<Rows> {
    let says = &api.desk.manifest.changes;
    let answer =
        pagination::page(api, (&says.request, says.body.as_ref()), &says.pages, position, &scope).await?;
    let list = answer.list(api, &says.list)?;
    let next = says.pages.next(api, position, &answer, list.len())?;
    let rows = list.into_iter().map(|row| answer.scope.clone().with("row", row)).collect();
    Ok(Rows { answer, rows, next })
}

fn tickets(api: Api<'_>, says: &Changes, page: &Rows) -> Result<Vec<RemoteId>> {
    let id = |row: &Scope| {
        let id = says.ticket.text(row).map_err(|failed| page.answer.unreadable(api, &failed))?;
        let missing =
            || page.answer.unreadable(api, &says.ticket.because("the row does not hold it".to_owned()));
        id.map(RemoteId::new).ok_or_else(missing)
    };
    page.rows.iter().map(id).collect()
}

fn numbered(api: Api<'_>, says: &Changes, page: &Rows) -> Result<Vec<(u64, RemoteId)>> {
    let Some(sequence) = &says.sequence else { return Ok(Vec::new()) };
    let tickets = tickets(api, says, page)?;
    let number = |(row, ticket): (&Scope, RemoteId)| {
        let text = sequence.text(row).map_err(|failed| page.answer.unreadable(api, &failed))?;
        let number = text.and_then(|text| text.parse().ok());
        let missing = || page.answer.unreadable(api, &sequence.because("it gives no number".to_owned()));
        Ok((number.ok_or_else(missing)?, ticket))
    };
    page.rows.iter().zip(tickets).map(number).collect()
}

/// Each ticket once, in the order of its last change.
fn once(tickets: impl Iterator<Item = RemoteId>) -> Vec<Hint> {
    let all: Vec<RemoteId> = tickets.collect();
    let mut told = BTreeSet::new();
    let mut hints: Vec<Hint> =
        all.into_iter().rev().filter(|ticket| told.insert(ticket.clone())).map(Hint::new).collect();
    hints.reverse();
    hints
}

impl Changes {
    /// Whether its request says after which number.
    fn takes_number(&self) -> bool {
        self.request.path.uses("after") || self.body.as_ref().is_some_and(|body| body.uses("after"))
    }
}
