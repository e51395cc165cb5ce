//! Finding cases: one line of text in, a page of cases out, however many there are.
//!
//! Whoever shows a search box calls three functions, all of them on a thread that may block (`Journal::read`):
//!
//! ```ignore
//! let query = Query::parse(text)?;                  // a `Mistake` says what is wrong, and at which character
//! let ask = Ask { sort, cursor, limit, now, audience: Audience::Home };
//! let page = find(index, &query, &ask)?;            // `page.next` is the cursor of the next page
//! let counts = counts(index, DEFAULT_SILENCE, now)?; // for the side: how many stand in each view
//! ```
//!
//! [`HELP`] is the query language in words, for people. A page that has `looked_through` ends before it is full, because
//! one answer looks at no more than it can in good time: say so, and offer `next`. For a partner's own people the caller
//! gives an [`Audience::Party`], which decides what of a case they are shown; nothing else is searched for them.

mod cursor;
mod query;
mod run;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use throughline_sdk::Timestamp;

use cursor::Cursor;
pub use query::{Audience, DEFAULT_SILENCE, HELP, Mistake, Query, Shown};
pub use run::find;

use crate::case::{Case, CaseId};
use crate::store::{self, Index, View};

/// What is asked besides the query.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// In which order.
    pub sort: Sort,
    /// Where the page begins: the `next` of the page before.
    pub cursor: Option<&'a str>,
    /// Cases on the page, [`MOST`] at the most.
    pub limit: usize,
    /// The moment that silence is counted from, and by which clocks have run out.
    pub now: Timestamp,
    /// Who asks.
    pub audience: Audience<'a>,
}

/// The most cases on a page.
pub const MOST: usize = 200;

/// The order of a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// The case that was opened last comes first. Cases are numbered as they are opened.
    #[default]
    Newest,
    /// The case that was opened first comes first.
    Oldest,
    /// The open case that changed last comes first, to the hour.
    Changed,
    /// The open case that has been silent for longest comes first, to the hour.
    Silent,
}

/// Cases that were found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// In the order that was asked for.
    pub cases: Vec<Case>,
    /// The cursor of the next page; `None` where there is no more.
    pub next: Option<String>,
    /// Where the search stopped before the page was full. `next` goes on from there.
    pub looked_through: Option<Looked>,
}

/// Where a search stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looked {
    /// At this case.
    To(CaseId),
    /// At the cases that last changed in the hour that begins then.
    ToHour(Timestamp),
}

/// How many cases stand in each view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// Cases in all.
    pub all: u64,
    /// `is:open`.
    pub open: u64,
    /// `is:closed`.
    pub closed: u64,
    /// `is:waiting-us`.
    pub waiting_us: u64,
    /// `is:waiting-partner`.
    pub waiting_partner: u64,
    /// `is:silent`.
    pub silent: u64,
    /// `is:parked`.
    pub parked: u64,
    /// `is:conflict`.
    pub conflict: u64,
    /// `is:breached`.
    pub breached: u64,
}

/// Why nothing was found, or nothing could be.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The query cannot be answered as it is.
    #[error(transparent)]
    Query(#[from] Mistake),
    /// The cursor is none of this query's.
    #[error("the cursor is not one that this query was answered with; begin without one")]
    Cursor,
    /// What is asked cannot be put in this order, or is not for whoever asks.
    #[error("{0}")]
    Refused(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Sort {
    /// All.
    pub const ALL: [Self; 4] = [Self::Newest, Self::Oldest, Self::Changed, Self::Silent];

    /// The word in queries and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::Oldest => "oldest",
            Self::Changed => "changed",
            Self::Silent => "silent",
        }
    }
}

impl std::str::FromStr for Sort {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|sort| sort.word() == word);
        found.ok_or_else(|| {
            format!("{word:?} is no order; cases are sorted by newest, oldest, changed or silent")
        })
    }
}

/// The cursor behind a case, in an order by number: for whoever is told of cases by other names than their numbers, which a
/// cursor tells.
pub fn behind(query: &Query, sort: Sort, case: CaseId, now: Timestamp) -> String {
    Cursor { hour: 0, number: case.0, now: store::hour(now) }.write(query, sort)
}

/// How many cases stand in each view; silent are those without a change for `silence` hours.
///
/// Costs the same however many there are, but for clocks that have run out and are not recorded yet, of which there are few.
///
/// # Errors
///
/// When the store cannot be read.
pub fn counts(index: &Index, silence: u32, now: Timestamp) -> Result<Counts, store::Error> {
    let counts = index.counts()?;
    let end = store::hour(now).saturating_sub(silence);
    let silent = index.hours()?.into_iter().filter(|(hour, _)| *hour < end).map(|(_, count)| count).sum();
    let of = |view| counts.standing.of(view);
    let (run_out, _) = index.run_out(now, run::MOST_RUN_OUT)?;
    let run_out: u64 = run_out.values().map(|members| u64::from(members.len())).sum();
    Ok(Counts {
        all: counts.cases,
        open: of(View::Open),
        closed: of(View::Closed),
        waiting_us: of(View::WaitingUs),
        waiting_partner: of(View::WaitingPartner),
        silent,
        parked: of(View::Parked),
        conflict: of(View::Conflict),
        breached: of(View::Breached).saturating_add(run_out),
    })
}
