//! Cases by a query, a page at a time, with how many stand in each view.

use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use throughline_sdk::Timestamp;

use super::Api;
use super::access::May;
use super::ask::Asked;
use super::cases::read;
use super::page::{LONGEST, Linked};
use super::problem::{Kind, Problem};
use super::view::CaseLine;
use crate::find::{Ask, Audience, Counts, DEFAULT_SILENCE, Error, Looked, Query, Sort, counts, find};
use crate::identity::Look;
use crate::store::Index;

/// What is looked for.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// The query; all cases without one.
    #[serde(default)]
    pub(crate) q: String,
    /// The order.
    #[serde(default)]
    pub(crate) sort: Sort,
    /// Where the page begins, as `next` of the page before says.
    #[serde(default)]
    #[schemars(extend("format" = "cursor"))]
    pub(crate) cursor: Option<String>,
    /// How many cases at most.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) limit: Option<usize>,
}

/// One page of cases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Found {
    /// The cases, in the order that was asked for.
    pub items: Vec<CaseLine>,
    /// The cursor of the next page; absent where there is no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Present where the search stopped before the page was full: the case, or the hour of the last change, up to which
    /// it looked. `next` goes on from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked_through: Option<String>,
    /// How many cases stand in each view, whatever the query.
    pub counts: Counts,
}

impl Found {
    /// The page that is wanted, for home's own people.
    pub(crate) fn of(index: &Index, wanted: &Wanted, now: Timestamp) -> Result<Self, Error> {
        let query = Query::parse(&wanted.q)?;
        let ask = Ask {
            sort: wanted.sort,
            cursor: wanted.cursor.as_deref(),
            limit: wanted.limit.unwrap_or(PAGE),
            now,
            audience: Audience::Home,
        };
        let page = find(index, &query, &ask)?;
        Ok(Self {
            items: page.cases.iter().map(CaseLine::of).collect(),
            next: page.next,
            looked_through: page.looked_through.map(|looked| match looked {
                Looked::To(case) => case.to_string(),
                Looked::ToHour(hour) => hour.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
            }),
            counts: counts(index, DEFAULT_SILENCE, now)?,
        })
    }
}

/// Cases on a page unless another number is asked for.
pub(crate) const PAGE: usize = 50;

pub(super) async fn list(
    State(api): State<Api>,
    _: May<Look>,
    wanted: Asked<Wanted>,
) -> Result<Linked<Found>, Problem> {
    if let Some(limit) = wanted.asked.limit.filter(|limit| !(1..=LONGEST).contains(limit)) {
        let why = format!("a page has from 1 to {LONGEST} items, not {limit}");
        return Err(Problem::bad_parameter("limit", why));
    }
    let now = api.bridge.shared().clock.now();
    let asked = wanted.asked.clone();
    let found = read(&api, move |index| Ok(Found::of(index, &asked, now))).await?;
    let found = found.map_err(|error| match error {
        Error::Store(error) => Problem::internal(&error),
        Error::Cursor => {
            let problem = Problem::new(StatusCode::BAD_REQUEST, error.to_string());
            problem.of_kind(Kind::BadCursor).at_parameter("cursor")
        }
        Error::Query(_) | Error::Refused(_) => Problem::bad_parameter("q", error.to_string()),
    })?;
    let next = found.next.clone();
    Ok(wanted.linked(found, next.as_deref()))
}
