//! Under what cases are found: rows that tell which cases bear a word, a number, a party, a status or stand in a view.
//!
//! A row speaks of a thousand cases in a row, so that a list of a million is a thousand short rows, and what two lists
//! have in common is found by laying them side by side. An event writes what it changed: the stored case tells in clear
//! what it is filed under, and only a case whose names changed is read for it.

mod members;
mod terms;

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde::{Deserialize, Serialize};
use throughline_sdk::{RemoteId, Timestamp};

pub(crate) use members::{Blocks, Members, SPAN, block};
pub use terms::View;
pub(crate) use terms::{
    Term, breached_from, folded, is_in_word, is_over_in, numbers, title, words, words_in_order,
};

use super::{Changes, Error, Index, Table, codec};
use crate::case::{Case, CaseId, Priority, Status};

/// Bytes of a [`Filing`].
pub(super) const FILING: usize = 1 + 1 + 1 + 4 + 8 + 8;

/// What a case is filed under, as far as the writer has to know it of the case before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Filing {
    views: u8,
    /// Its place among all, from one on; zero where there is none. So with the priority.
    status: u8,
    priority: u8,
    /// When it last changed, in hours since 1970.
    hour: u32,
    /// From when on it is breached, in nanoseconds since 1970; zero where nothing makes it so by itself.
    due: u64,
    /// A hash of what [`terms::names`] is made of. Where it differs without need, the names are only looked at.
    names: u64,
}

/// How many cases stand in each view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing([u64; View::ALL.len()]);

impl Standing {
    /// How many stand in this one.
    pub fn of(&self, view: View) -> u64 {
        View::ALL.into_iter().zip(self.0).find(|(of, _)| *of == view).map_or(0, |(_, count)| count)
    }

    fn recount(&mut self, before: u8, after: u8) {
        for (view, count) in View::ALL.into_iter().zip(&mut self.0) {
            let holds = |views: u8| u64::from(views & view.bit() != 0);
            *count = count.saturating_add(holds(after)).saturating_sub(holds(before));
        }
    }
}

/// A moment as it is ordered: in nanoseconds since 1970, from one on, up to the year 2262.
fn nanoseconds(moment: Timestamp) -> u64 {
    let late = if moment.timestamp() > 0 { u64::MAX } else { 1 };
    moment.timestamp_nanos_opt().map_or(late, |nanoseconds| u64::try_from(nanoseconds).unwrap_or(1).max(1))
}

/// The hour of a moment, counted from 1970.
pub(crate) fn hour(moment: Timestamp) -> u32 {
    u32::try_from(moment.timestamp().max(0) / 3600).unwrap_or(u32::MAX)
}

impl Filing {
    pub(super) fn of(case: &Case) -> Self {
        let views = View::ALL.into_iter().filter(|view| view.holds(case)).map(View::bit).sum();
        Self {
            views,
            status: place(&Status::ALL, terms::status(case)),
            priority: place(&Priority::ALL, terms::priority(case)),
            hour: hour(case.changed),
            due: breached_from(case).map(nanoseconds).unwrap_or_default(),
            names: names_hash(case),
        }
    }

    pub(super) fn encode(self) -> [u8; FILING] {
        let mut bytes = [0; FILING];
        let (hour, due) = (self.hour.to_be_bytes(), self.due.to_be_bytes());
        let names = self.names.to_be_bytes();
        let parts = [self.views, self.status, self.priority].into_iter().chain(hour).chain(due).chain(names);
        bytes.iter_mut().zip(parts).for_each(|(byte, part)| *byte = part);
        bytes
    }

    pub(super) fn decode(bytes: &[u8; FILING]) -> Self {
        let [views, status, priority, rest @ ..] = bytes;
        let (hour, rest) = rest.split_first_chunk::<4>().unwrap_or((&[0; 4], &[]));
        let (due, names) = rest.split_first_chunk::<8>().unwrap_or((&[0; 8], &[]));
        let names = names.first_chunk::<8>().unwrap_or(&[0; 8]);
        Self {
            views: *views,
            status: *status,
            priority: *priority,
            hour: u32::from_be_bytes(*hour),
            due: u64::from_be_bytes(*due),
            names: u64::from_be_bytes(*names),
        }
    }

    /// What it is filed under besides its names.
    fn terms(self) -> Vec<Term> {
        let views = View::ALL.into_iter().filter(|view| self.views & view.bit() != 0).map(Term::view);
        let status = at(&Status::ALL, self.status).map(Term::status);
        views.chain(status).chain(at(&Priority::ALL, self.priority).map(Term::priority)).collect()
    }

    /// The hour under which it stands in the order of changes: only what is open does.
    fn ordered(self) -> Option<u32> {
        (self.views & View::Open.bit() != 0).then_some(self.hour)
    }

    /// The moment under which it stands among those whose clocks run.
    fn due(self) -> Option<u64> {
        Some(self.due).filter(|due| *due > 0)
    }
}

fn place<T: PartialEq + Copy>(all: &[T], one: Option<T>) -> u8 {
    let found = one.and_then(|one| all.iter().position(|of| *of == one));
    found.and_then(|place| u8::try_from(place + 1).ok()).unwrap_or_default()
}

fn at<T: Copy>(all: &[T], place: u8) -> Option<T> {
    usize::from(place).checked_sub(1).and_then(|place| all.get(place)).copied()
}

fn names_hash(case: &Case) -> u64 {
    let mut hasher = DefaultHasher::new();
    title(case).hash(&mut hasher);
    for (system, leg) in &case.legs {
        (system.as_str(), &leg.party, &leg.key, leg.ticket.as_ref().map(RemoteId::as_str)).hash(&mut hasher);
    }
    case.former.iter().for_each(|(system, ticket)| (system.as_str(), ticket.as_str()).hash(&mut hasher));
    case.references.known.iter().for_each(|reference| reference.key.hash(&mut hasher));
    hasher.finish()
}

impl Changes<'_> {
    /// Files a case as it is now, and no longer as it was: `before` is what its head told, `None` for a new one, and
    /// `after` has nothing once it is erased. The case before must not be replaced yet.
    pub(super) fn refile(
        &mut self,
        id: CaseId,
        before: Option<Filing>,
        after: Option<(Filing, &Case)>,
    ) -> Result<(), Error> {
        let (is, was) = (after.map(|(filing, _)| filing), before);
        if is == was {
            return Ok(());
        }
        let (mut old, mut new) = (BTreeSet::new(), BTreeSet::new());
        if is.map(|filing| filing.names) != was.map(|filing| filing.names) {
            if was.is_some() {
                old = self.case(id)?.map(|case| terms::names(&case)).unwrap_or_default();
            }
            new = after.map(|(_, case)| terms::names(case)).unwrap_or_default();
        }
        old.extend(was.map(Filing::terms).unwrap_or_default());
        new.extend(is.map(Filing::terms).unwrap_or_default());
        for (terms, is_member) in [(old.difference(&new), false), (new.difference(&old), true)] {
            for term in terms {
                self.enter(Table::Filed, term.place(), id, is_member)?;
            }
        }
        let (from, to) = (was.and_then(Filing::ordered), is.and_then(Filing::ordered));
        if from != to {
            for (hour, is_member) in [(from, false), (to, true)] {
                let Some(hour) = hour else { continue };
                self.enter(Table::Changed, hour.to_be_bytes().to_vec(), id, is_member)?;
                self.count_hour(hour, is_member)?;
            }
        }
        let (from, to) = (was.and_then(Filing::due), is.and_then(Filing::due));
        if from != to {
            for (due, is_member) in [(from, false), (to, true)] {
                let Some(due) = due else { continue };
                self.enter(Table::Due, codec::number(due), id, is_member)?;
            }
        }
        let views = |filing: Option<Filing>| filing.unwrap_or_default().views;
        self.counts.standing.recount(views(was), views(is));
        Ok(())
    }

    fn enter(&mut self, table: Table, place: Vec<u8>, id: CaseId, is_member: bool) -> Result<(), Error> {
        let key = [place, codec::number(block(id))].concat();
        let before = self.get(table, &key)?;
        let mut members = before.map(|value| Members::decode(&value)).transpose()?.unwrap_or_default();
        members.set(id, is_member);
        self.set(table, key, members.encode());
        Ok(())
    }

    fn count_hour(&mut self, hour: u32, is_member: bool) -> Result<(), Error> {
        let key = hour.to_be_bytes().to_vec();
        let count = self.get(Table::Hours, &key)?.map(|value| codec::read_number(&value)).transpose()?;
        let count = count.unwrap_or_default();
        let count = if is_member { count.saturating_add(1) } else { count.saturating_sub(1) };
        self.set(Table::Hours, key, (count > 0).then(|| codec::number(count)));
        Ok(())
    }
}

impl Index {
    /// The cases of these blocks that are filed under a term.
    pub(crate) fn filed(&self, term: &Term, first: u64, last: u64) -> Result<Blocks, Error> {
        let place = term.place();
        let (from, to) = (key(&place, first), end(&place, last));
        let most = usize::try_from(last.saturating_sub(first).saturating_add(1)).unwrap_or(usize::MAX);
        self.blocks(Table::Filed, &from, &to, most)
    }

    /// The cases of one block that are filed under a term.
    pub(crate) fn filed_in(&self, term: &Term, block: u64) -> Result<Members, Error> {
        let value = self.get(Table::Filed, &key(&term.place(), block))?;
        Ok(value.map(|value| Members::decode(&value)).transpose()?.unwrap_or_default())
    }

    /// The cases filed under a term that begins like this one; `None` where these are more than `most` rows.
    pub(crate) fn filed_under(&self, term: &Term, most: usize) -> Result<Option<(Blocks, usize)>, Error> {
        let from = term.beginning();
        // No text has this byte: it stands behind everything that goes on as the term does.
        let to = [from, &[0xff]].concat();
        let rows = self.between(Table::Filed, from, &to, most.saturating_add(1))?;
        let count = rows.len();
        if count > most {
            return Ok(None);
        }
        let mut blocks = Blocks::new();
        for (key, value) in rows {
            let (block, members) = (last_number(&key)?, Members::decode(&value)?);
            blocks.entry(block).and_modify(|before| *before = before.or(&members)).or_insert(members);
        }
        Ok(Some((blocks, count)))
    }

    /// The open cases that last changed in this hour.
    pub(crate) fn changed_in(&self, hour: u32) -> Result<Blocks, Error> {
        let place = hour.to_be_bytes();
        self.blocks(Table::Changed, &place, &end(&place, u64::MAX), usize::MAX)
    }

    /// The cases with a clock that has run out by this moment, although nothing is recorded of it yet, and how many rows
    /// tell of them: at most `most` are read, those of the clocks that ran out first. A lane records what becomes of its
    /// clock as soon as it runs out, so that there are few at any time, however many clocks run.
    pub(crate) fn run_out(&self, now: Timestamp, most: usize) -> Result<(Blocks, usize), Error> {
        let rows = self.between(Table::Due, &[], &codec::number(nanoseconds(now).saturating_add(1)), most)?;
        let mut blocks = Blocks::new();
        for (key, value) in &rows {
            let (block, members) = (last_number(key)?, Members::decode(value)?);
            blocks.entry(block).and_modify(|before| *before = before.or(&members)).or_insert(members);
        }
        Ok((blocks, rows.len()))
    }

    /// The hours in which open cases last changed, earliest first, and how many did in each.
    pub(crate) fn hours(&self) -> Result<Vec<(u32, u64)>, Error> {
        let rows = self.between(Table::Hours, &[], &[0xff; 5], usize::MAX)?;
        let hours = rows.iter().map(|(key, value)| {
            let hour = key.first_chunk::<4>().map(|hour| u32::from_be_bytes(*hour));
            let hour = hour.ok_or_else(|| Error::Broken("an hour is too short".into()))?;
            Ok((hour, codec::read_number(value)?))
        });
        hours.collect()
    }

    fn blocks(&self, table: Table, from: &[u8], to: &[u8], most: usize) -> Result<Blocks, Error> {
        let rows = self.between(table, from, to, most)?;
        rows.iter().map(|(key, value)| Ok((last_number(key)?, Members::decode(value)?))).collect()
    }
}

fn key(place: &[u8], block: u64) -> Vec<u8> {
    [place, &codec::number(block)].concat()
}

/// The first key behind a block's.
fn end(place: &[u8], last: u64) -> Vec<u8> {
    [place, &codec::number(last), &[0]].concat()
}

fn last_number(key: &[u8]) -> Result<u64, Error> {
    let last = key.last_chunk::<8>().map(|number| u64::from_be_bytes(*number));
    last.ok_or_else(|| Error::Broken("a row of members names no block".into()))
}
