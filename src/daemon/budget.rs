//! What is left of a system's rate: of our own limit, of the pause that it asked for, and by its own count where it
//! tells one.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use throughline_sdk::http::{Limits, Request, Response, Transport};
use throughline_sdk::{Clock, Result, Timestamp};

/// The span over which requests are counted.
const SPAN: Duration = Duration::from_secs(60);
/// The most requests that are counted in it.
const MOST: usize = 100_000;

/// What one system's requests take of its rate.
#[derive(Debug)]
pub struct Budget {
    limits: Limits,
    spent: Mutex<Spent>,
}

#[derive(Debug, Default)]
struct Spent {
    /// When each of the last requests went out, on the monotonic clock.
    sent: VecDeque<Duration>,
    /// When all permits are there again.
    full_at: Duration,
    under_way: usize,
    paused_until: Option<Timestamp>,
    told: Option<Told>,
}

/// What is left of a system's rate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Left {
    /// Requests in a second by our own limit; `None`: no limit of ours.
    pub per_second: Option<u32>,
    /// Requests at once after a quiet time, by our own limit.
    pub burst: u32,
    /// How many may go at once now, by our own limit.
    pub left: Option<u32>,
    /// Requests in the last minute.
    pub last_minute: usize,
    /// Requests under way.
    pub under_way: usize,
    /// How many may be under way.
    pub concurrency: usize,
    /// Until when the system asked us to wait.
    pub paused_until: Option<Timestamp>,
    /// What the system itself says is left.
    pub told: Option<Told>,
}

/// What a system itself says is left of its rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Told {
    /// Requests that are left.
    pub remaining: u64,
    /// Of so many.
    pub limit: Option<u64>,
    /// When it said so.
    pub at: Timestamp,
}

impl Budget {
    /// Nothing spent of these limits.
    pub fn new(limits: Limits) -> Self {
        Self { limits, spent: Mutex::default() }
    }

    /// What is left.
    pub fn left(&self, clock: &dyn Clock) -> Left {
        let (now, moment) = (clock.monotonic(), clock.now());
        let mut spent = self.spent();
        spent.forget(now);
        let burst = self.limits.burst.max(1);
        let left = self.limits.per_second.map(|per_second| {
            let each = Duration::from_secs(1) / per_second.max(1);
            let owed = spent.full_at.saturating_sub(now).as_nanos().div_ceil(each.as_nanos().max(1));
            burst.saturating_sub(u32::try_from(owed).unwrap_or(u32::MAX))
        });
        Left {
            per_second: self.limits.per_second,
            burst,
            left,
            last_minute: spent.sent.len(),
            under_way: spent.under_way,
            concurrency: self.limits.concurrency.max(1),
            paused_until: spent.paused_until.filter(|until| *until > moment),
            told: spent.told,
        }
    }

    fn send(&self, now: Duration) {
        let mut spent = self.spent();
        spent.forget(now);
        if spent.sent.len() < MOST {
            spent.sent.push_back(now);
        }
        spent.under_way += 1;
        if let Some(per_second) = self.limits.per_second {
            let each = Duration::from_secs(1) / per_second.max(1);
            spent.full_at = spent.full_at.max(now).saturating_add(each);
        }
    }

    fn hear(&self, response: Option<&Response>, now: Timestamp) {
        let mut spent = self.spent();
        spent.under_way = spent.under_way.saturating_sub(1);
        let Some(response) = response else { return };
        if matches!(response.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
            && let Some(wait) = response.retry_after()
            && let Some(until) =
                chrono::Duration::from_std(wait).ok().and_then(|wait| now.checked_add_signed(wait))
        {
            spent.paused_until = Some(until);
        }
        let number = |names: [&str; 3]| {
            let values = names.iter().filter_map(|name| response.headers.get(*name)?.to_str().ok());
            values.filter_map(|value| value.trim().parse::<u64>().ok()).next()
        };
        if let Some(remaining) =
            number(["ratelimit-remaining", "x-ratelimit-remaining", "x-rate-limit-remaining"])
        {
            let limit = number(["ratelimit-limit", "x-ratelimit-limit", "x-rate-limit-limit"]);
            spent.told = Some(Told { remaining, limit, at: now });
        }
    }

    fn spent(&self) -> MutexGuard<'_, Spent> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Spent {
    fn forget(&mut self, now: Duration) {
        while self.sent.front().is_some_and(|at| now.saturating_sub(*at) > SPAN) {
            self.sent.pop_front();
        }
    }
}

/// Notes what goes out in a system's budget. Lies directly around the egress: token requests count too.
#[derive(Debug)]
pub(super) struct Budgeted {
    pub(super) inner: Arc<dyn Transport>,
    pub(super) budget: Arc<Budget>,
    pub(super) clock: Arc<dyn Clock>,
}

/// A request under way, over also when nobody waits for its answer any more.
struct UnderWay<'a> {
    budgeted: &'a Budgeted,
    answered: bool,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if !self.answered {
            self.budgeted.budget.hear(None, self.budgeted.clock.now());
        }
    }
}

impl Transport for Budgeted {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response>> {
        Box::pin(async move {
            self.budget.send(self.clock.monotonic());
            let mut under_way = UnderWay { budgeted: self, answered: false };
            let answer = self.inner.send(request).await;
            under_way.answered = true;
            self.budget.hear(answer.as_ref().ok(), self.clock.now());
            answer
        })
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue};

    use super::*;
    use crate::clock::SystemClock;

    const LIMITS: Limits = Limits { per_second: Some(1), burst: 3, concurrency: 2 };

    fn answer(status: u16, fields: &[(&'static str, &'static str)]) -> Response {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        Response { status: StatusCode::from_u16(status).unwrap(), headers, body: Bytes::new() }
    }

    #[test]
    fn permits_are_spent_and_come_back_and_a_pause_is_told_until_it_is_over() {
        let (budget, clock) = (Budget::new(LIMITS), SystemClock::new());
        assert_eq!(budget.left(&clock).left, Some(3));
        for _ in 0..2 {
            budget.send(clock.monotonic());
        }
        let left = budget.left(&clock);
        assert_eq!((left.left, left.under_way, left.last_minute), (Some(1), 2, 2));
        let refused = answer(
            429,
            &[("retry-after", "60"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-limit", "90")],
        );
        budget.hear(Some(&refused), clock.now());
        budget.hear(None, clock.now());
        let left = budget.left(&clock);
        assert_eq!(left.under_way, 0);
        assert!(left.paused_until.is_some_and(|until| until > clock.now()));
        assert_eq!(left.told.map(|told| (told.remaining, told.limit)), Some((0, Some(90))));
        let long_ago = clock.now() - chrono::Duration::seconds(600);
        budget.hear(Some(&answer(503, &[("retry-after", "60")])), long_ago);
        assert_eq!(budget.left(&clock).paused_until, None);
    }
}
