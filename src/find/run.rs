//! Answering a query: lists of cases laid side by side, a stretch of numbers at a time, until the page is full.

use super::cursor::Cursor;
use super::query::{Name, Part, Since, Text, Wanted};
use super::{Ask, Audience, Error, Looked, MOST, Mistake, Page, Query, Sort};
use crate::case::CaseId;
use crate::store::{Blocks, Index, Members, SPAN, Term, View, block, hour};

/// What one answer may cost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Rows that it reads before it is handed out as far as it is.
    pub(super) rows: usize,
    /// Cases that it reads to look into them.
    pub(super) looks: usize,
    /// Rows that a beginning may stand for.
    pub(super) begun: usize,
}

/// A fraction of a second.
const BOUNDS: Bounds = Bounds { rows: 60_000, looks: 2_000, begun: 20_000 };
/// Rows that are read to know which cases are silent.
const MOST_SILENT: usize = 60_000;
/// Rows that are read to know whose clocks have run out.
pub(super) const MOST_RUN_OUT: usize = 20_000;
/// Blocks of the first stretch, and of the longest.
const FIRST: u64 = 16;
const LONGEST: u64 = 1024;
/// Blocks that are looked up one by one rather than read in a row.
const FEW: usize = 8;

/// The cases that a query asks for, one page of them.
///
/// # Errors
///
/// [`Error::Query`] where a beginning stands for too much; [`Error::Cursor`]; [`Error::Refused`] where it is not for whoever
/// asks, or has no such order.
pub fn find(index: &Index, query: &Query, ask: &Ask<'_>) -> Result<Page, Error> {
    find_within(index, query, ask, BOUNDS)
}

pub(super) fn find_within(
    index: &Index,
    query: &Query,
    ask: &Ask<'_>,
    bounds: Bounds,
) -> Result<Page, Error> {
    check(query, ask)?;
    let cursor = match ask.cursor {
        Some(cursor) => Some(Cursor::read(cursor, query, ask.sort).ok_or(Error::Cursor)?),
        None => None,
    };
    let now = cursor.map_or_else(|| hour(ask.now), |cursor| cursor.now);
    let mut search =
        Search { index, query, ask, bounds, now, rows: 0, looks: 0, last: None, page: Page::default() };
    match ask.sort {
        Sort::Newest | Sort::Oldest => search.by_number(cursor)?,
        Sort::Changed | Sort::Silent => search.by_change(cursor)?,
    }
    Ok(search.page)
}

fn check(query: &Query, ask: &Ask<'_>) -> Result<(), Error> {
    let by_change = matches!(ask.sort, Sort::Changed | Sort::Silent);
    if by_change && query.parts.iter().any(|part| part.wanted == Wanted::View(View::Closed)) {
        let why =
            "only open cases are kept in the order of their changes; sort closed ones by newest or oldest";
        return Err(Error::Refused(why.to_owned()));
    }
    if let Audience::Party { .. } = ask.audience {
        if by_change {
            return Err(Error::Refused("sort by newest or oldest".to_owned()));
        }
        if let Some(part) = query.parts.iter().find(|part| !part.wanted.is_for_guests()) {
            let what =
                "you can search for numbers, words of the subject, status:, priority:, is:open and is:closed";
            return Err(Mistake { at: part.at, what: what.to_owned() }.into());
        }
    }
    Ok(())
}

/// What is looked for, in terms of the lists that are kept.
#[derive(Debug)]
enum Lists {
    /// The list of a term.
    Term(Term),
    /// Cases that are known by now.
    Known(Blocks),
    /// All but those.
    AllBut(Blocks),
    /// What stands on all of these; the first is no [`Lists::AllBut`].
    All(Vec<Lists>),
    /// What stands on any of these.
    Any(Vec<Lists>),
}

/// One answer in the making.
#[derive(Debug)]
struct Search<'a> {
    index: &'a Index,
    query: &'a Query,
    ask: &'a Ask<'a>,
    bounds: Bounds,
    now: u32,
    rows: usize,
    looks: usize,
    /// The case looked at last, and where it stands.
    last: Option<(CaseId, Cursor)>,
    page: Page,
}

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Going {
    On,
    Done,
}

impl Search<'_> {
    fn by_number(&mut self, cursor: Option<Cursor>) -> Result<(), Error> {
        let lists = self.lists()?;
        let is_down = self.ask.sort == Sort::Newest;
        let highest = self.index.counts()?.highest;
        // Behind this number, in the direction of the order.
        let begin = if is_down { highest.saturating_add(1) } else { 0 };
        let from = cursor.map_or(begin, |cursor| cursor.number.min(highest.saturating_add(1)));
        let now = self.now;
        let mut stretch = FIRST;
        let mut next = block(CaseId(if is_down { from.saturating_sub(1) } else { from }));
        loop {
            let (first, last) = if is_down {
                (next.saturating_sub(stretch - 1), next)
            } else {
                (next, next.saturating_add(stretch - 1))
            };
            let found = self.read(&lists, first, last)?;
            let ahead = |case: &CaseId| if is_down { case.0 < from } else { case.0 > from };
            let cases = in_order(&found, is_down).filter(ahead);
            let going = self.take(cases.map(|case| (case, Cursor { hour: 0, number: case.0, now })))?;
            let is_last = if is_down { first == 0 } else { last >= block(CaseId(highest)) };
            if going == Going::Done || is_last {
                return Ok(());
            }
            if self.rows > self.bounds.rows {
                let number = if is_down { first * SPAN } else { last * SPAN + (SPAN - 1) };
                self.stop(Cursor { hour: 0, number, now }, Looked::To(CaseId(number)));
                return Ok(());
            }
            next = if is_down { first - 1 } else { last + 1 };
            stretch = (stretch * 4).min(LONGEST);
        }
    }

    fn by_change(&mut self, cursor: Option<Cursor>) -> Result<(), Error> {
        let lists = self.lists()?;
        let is_all = matches!(&lists, Lists::Term(term) if *term == Term::view(View::Open));
        let matching = if is_all {
            None
        } else {
            let last = block(CaseId(self.index.counts()?.highest));
            Some(self.read(&lists, 0, last)?)
        };
        let silent = self.query.parts.iter().filter_map(|part| part.wanted.silence());
        let end = silent.map(|hours| self.now.saturating_sub(hours)).min().unwrap_or(u32::MAX);
        let is_down = self.ask.sort == Sort::Changed;
        let mut hours: Vec<u32> = self.index.hours()?.into_iter().map(|(hour, _)| hour).collect();
        if is_down {
            hours.reverse();
        }
        // An hour that was looked through to its end is behind.
        let ahead = |hour: u32| {
            cursor.is_none_or(|cursor| match (is_down, cursor.number) {
                (true, 0) => hour < cursor.hour,
                (true, _) => hour <= cursor.hour,
                (false, u64::MAX) => hour > cursor.hour,
                (false, _) => hour >= cursor.hour,
            })
        };
        let now = self.now;
        for hour in hours.into_iter().filter(|hour| *hour < end && ahead(*hour)) {
            let mut found = self.index.changed_in(hour)?;
            self.rows += found.len() + FEW;
            if let Some(matching) = &matching {
                found = both(&found, matching);
            }
            let behind = cursor.filter(|cursor| cursor.hour == hour);
            let ahead = |case: &CaseId| {
                behind.is_none_or(
                    |cursor| if is_down { case.0 < cursor.number } else { case.0 > cursor.number },
                )
            };
            let cases = in_order(&found, is_down).filter(ahead);
            if self.take(cases.map(|case| (case, Cursor { hour, number: case.0, now })))? == Going::Done {
                return Ok(());
            }
            if self.rows > self.bounds.rows {
                let number = if is_down { 0 } else { u64::MAX };
                let begins = chrono::DateTime::from_timestamp(i64::from(hour) * 3600, 0).unwrap_or_default();
                self.stop(Cursor { hour, number, now }, Looked::ToHour(begins));
                return Ok(());
            }
        }
        Ok(())
    }

    /// Takes cases that are found, until the page is full or enough was looked at.
    fn take(&mut self, found: impl Iterator<Item = (CaseId, Cursor)>) -> Result<Going, Error> {
        let limit = self.limit();
        let looks_into = self.looks_into();
        let since = Since { hour: self.now, now: self.ask.now };
        for (id, place) in found {
            let is_full = self.page.cases.len() == limit;
            if let Some((last, cursor)) = self.last {
                if is_full && !looks_into {
                    self.page.next = Some(cursor.write(self.query, self.ask.sort));
                    return Ok(Going::Done);
                }
                if self.looks >= self.bounds.looks {
                    self.stop(cursor, Looked::To(last));
                    return Ok(Going::Done);
                }
                self.looks += usize::from(looks_into);
            }
            let case = self
                .index
                .case(id)?
                .filter(|case| !looks_into || self.query.matches(case, since, &self.ask.audience));
            if let Some(case) = case {
                if let Some((_, cursor)) = self.last.filter(|_| is_full) {
                    self.page.next = Some(cursor.write(self.query, self.ask.sort));
                    return Ok(Going::Done);
                }
                self.page.cases.push(case);
            }
            self.last = Some((id, place));
        }
        Ok(Going::On)
    }

    fn limit(&self) -> usize {
        self.ask.limit.clamp(1, MOST)
    }

    fn stop(&mut self, at: Cursor, looked: Looked) {
        self.page.next = Some(at.write(self.query, self.ask.sort));
        if self.page.cases.len() < self.limit() {
            self.page.looked_through = Some(looked);
        }
    }

    /// Whether the lists may hold more than what is asked for, so that each case has to be looked into.
    fn looks_into(&self) -> bool {
        let names_a_ticket =
            |part: &Part| matches!(&part.wanted, Wanted::Text(text) if text.ticket.is_some());
        matches!(self.ask.audience, Audience::Party { .. }) || self.query.parts.iter().any(names_a_ticket)
    }

    fn lists(&mut self) -> Result<Lists, Error> {
        let is_guest = matches!(self.ask.audience, Audience::Party { .. });
        let by_change = matches!(self.ask.sort, Sort::Changed | Sort::Silent);
        let mut all = Vec::new();
        if let Audience::Party { party, systems, .. } = self.ask.audience {
            let own = systems.iter().map(|system| Lists::Term(Term::own(party, system)));
            all.push((3, Lists::Any(own.collect())));
        }
        for part in &self.query.parts {
            // The shorter a list is likely to be, the sooner it is read.
            all.push(match &part.wanted {
                Wanted::Text(text) => (0, self.text(text, part.at, is_guest)?),
                Wanted::Party(name) => (3, self.name(name, part.at, Term::party)?),
                Wanted::System(name) => (3, self.name(name, part.at, Term::system)?),
                // A counterpart may be shown another word than the one that is filed.
                Wanted::Status(_) | Wanted::Priority(_) | Wanted::View(_) if is_guest => continue,
                Wanted::Status(wanted) => {
                    (3, Lists::Any(wanted.iter().map(|word| Lists::Term(Term::status(*word))).collect()))
                }
                Wanted::Priority(wanted) => {
                    (2, Lists::Any(wanted.iter().map(|word| Lists::Term(Term::priority(*word))).collect()))
                }
                Wanted::View(view @ (View::Parked | View::Conflict)) => (1, Lists::Term(Term::view(*view))),
                Wanted::View(View::Breached) => (1, self.breached()?),
                Wanted::View(view) => (4, Lists::Term(Term::view(*view))),
                // The order of changes has only what is open, and is read up to where silence begins.
                Wanted::Silent(_) if by_change => continue,
                Wanted::Silent(hours) => (5, self.silent(*hours)?),
            });
        }
        all.sort_by_key(|(rank, _)| *rank);
        let mut all: Vec<Lists> = all.into_iter().map(|(_, lists)| lists).collect();
        Ok(match (all.pop(), by_change) {
            (None, true) => Lists::Term(Term::view(View::Open)),
            (None, false) => {
                Lists::Any([View::Open, View::Closed].map(|view| Lists::Term(Term::view(view))).into())
            }
            (Some(only), _) if all.is_empty() => only,
            (Some(last), _) => {
                all.push(last);
                Lists::All(all)
            }
        })
    }

    fn text(&mut self, text: &Text, at: usize, is_guest: bool) -> Result<Lists, Error> {
        let mut any = vec![self.name(&text.whole, at, Term::key)?];
        if !is_guest {
            any.push(self.name(&text.whole, at, Term::party)?);
        }
        if let Some(case) = text.case {
            let mut members = Members::default();
            members.set(case, true);
            any.push(Lists::Known([(block(case), members)].into()));
        }
        if let Some((system, key)) = &text.ticket {
            let key = self.name(key, at, Term::key)?;
            let held = Lists::Any(vec![Lists::Term(Term::system(system)), Lists::Term(Term::former(system))]);
            any.push(Lists::All(vec![key, held]));
        }
        if let Some((last, whole)) = text.words.split_last() {
            let last = Name { text: last.clone(), is_beginning: text.whole.is_beginning };
            let mut all = vec![self.name(&last, at, Term::word)?];
            all.extend(whole.iter().map(|word| Lists::Term(Term::word(word))));
            any.push(Lists::All(all));
        }
        Ok(Lists::Any(any))
    }

    fn name(&mut self, name: &Name, at: usize, term: fn(&str) -> Term) -> Result<Lists, Error> {
        let term = term(&name.text);
        if !name.is_beginning {
            return Ok(Lists::Term(term));
        }
        let Some((blocks, rows)) = self.index.filed_under(&term, self.bounds.begun)? else {
            let what = format!("too much begins with {:?}; write more of it", name.text);
            return Err(Mistake { at, what }.into());
        };
        self.rows += rows;
        Ok(Lists::Known(blocks))
    }

    /// What is recorded as breached, and what is so by now.
    fn breached(&mut self) -> Result<Lists, Error> {
        let (known, rows) = self.index.run_out(self.ask.now, MOST_RUN_OUT)?;
        self.rows += rows;
        Ok(Lists::Any(vec![Lists::Term(Term::view(View::Breached)), Lists::Known(known)]))
    }

    /// The open cases without a change for so many hours: whichever are fewer are read, they or the others.
    fn silent(&mut self, hours: u32) -> Result<Lists, Error> {
        let end = self.now.saturating_sub(hours);
        let (silent, lively): (Vec<_>, Vec<_>) =
            self.index.hours()?.into_iter().partition(|(hour, _)| *hour < end);
        let count = |hours: &[(u32, u64)]| hours.iter().map(|(_, count)| count).sum::<u64>();
        let is_silent = count(&silent) <= count(&lively);
        let mut known = Blocks::new();
        for (hour, _) in if is_silent { silent } else { lively } {
            let found = self.index.changed_in(hour)?;
            self.rows += found.len() + FEW;
            if self.rows > MOST_SILENT {
                let why =
                    "too many open cases are silent to look at all for one answer; sort by silent or changed";
                return Err(Error::Refused(why.to_owned()));
            }
            unite(&mut known, found);
        }
        let open = || Lists::Term(Term::view(View::Open));
        Ok(if is_silent { Lists::Known(known) } else { Lists::All(vec![open(), Lists::AllBut(known)]) })
    }

    /// What stands on these lists, from one block to another.
    fn read(&mut self, lists: &Lists, first: u64, last: u64) -> Result<Blocks, Error> {
        Ok(match lists {
            Lists::Term(term) => {
                let found = self.index.filed(term, first, last)?;
                self.rows += found.len() + FEW;
                found
            }
            Lists::Known(known) => {
                known.range(first..=last).map(|(block, members)| (*block, *members)).collect()
            }
            Lists::All(all) => {
                let mut all = all.iter();
                let mut found = match all.next() {
                    Some(lists) => self.read(lists, first, last)?,
                    None => Blocks::new(),
                };
                for lists in all {
                    found = self.narrow(lists, found)?;
                }
                found
            }
            Lists::Any(any) => {
                let mut found = Blocks::new();
                for lists in any {
                    let more = self.read(lists, first, last)?;
                    unite(&mut found, more);
                }
                found
            }
            Lists::AllBut(_) => Blocks::new(),
        })
    }

    /// What of `found` stands on these lists too.
    fn narrow(&mut self, lists: &Lists, found: Blocks) -> Result<Blocks, Error> {
        let ends = found.keys().next().copied().zip(found.keys().next_back().copied());
        let Some((first, last)) = ends else { return Ok(found) };
        Ok(match lists {
            Lists::Term(term) if found.len() <= FEW => {
                let mut narrowed = Blocks::new();
                for (block, members) in &found {
                    self.rows += 1;
                    let members = members.and(&self.index.filed_in(term, *block)?);
                    if !members.is_empty() {
                        narrowed.insert(*block, members);
                    }
                }
                narrowed
            }
            Lists::Term(_) => both(&found, &self.read(lists, first, last)?),
            Lists::Known(known) => both(&found, known),
            Lists::AllBut(known) => found
                .into_iter()
                .map(|(block, members)| match known.get(&block) {
                    Some(known) => (block, members.without(known)),
                    None => (block, members),
                })
                .filter(|(_, members)| !members.is_empty())
                .collect(),
            Lists::All(all) => {
                let mut narrowed = found;
                for lists in all {
                    narrowed = self.narrow(lists, narrowed)?;
                }
                narrowed
            }
            Lists::Any(any) => {
                let mut narrowed = Blocks::new();
                for lists in any {
                    let more = self.narrow(lists, found.clone())?;
                    unite(&mut narrowed, more);
                }
                narrowed
            }
        })
    }
}

fn in_order(found: &Blocks, is_down: bool) -> Box<dyn Iterator<Item = CaseId> + '_> {
    let cases = found.iter().flat_map(|(block, members)| members.cases(*block));
    if is_down { Box::new(cases.rev()) } else { Box::new(cases) }
}

fn both(one: &Blocks, other: &Blocks) -> Blocks {
    let both = one.iter().filter_map(|(block, members)| Some((*block, members.and(other.get(block)?))));
    both.filter(|(_, members)| !members.is_empty()).collect()
}

fn unite(all: &mut Blocks, more: Blocks) {
    for (block, members) in more {
        all.entry(block).and_modify(|known| *known = known.or(&members)).or_insert(members);
    }
}
