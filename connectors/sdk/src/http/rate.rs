//! Keeps every attempt inside what the system allows, the more urgent first.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::http::{HeaderValue, StatusCode, header};
use futures::future::{BoxFuture, Either, select};
use governor::clock::Clock as GovernorClock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::sync::Notify;

use crate::http::{Request, Response, Transport};
use crate::line::{Line, Place};
use crate::{Clock, Error, ErrorKind, Result, Timestamp};

/// The longest pause taken from an answer: beyond it the system is asked again, whatever it said.
const LONGEST_PAUSE: Duration = Duration::from_secs(24 * 60 * 60);

/// The pause after 429 where the system does not say how long: or every lane would go and be refused by itself.
const UNSTATED_PAUSE: Duration = Duration::from_secs(5);

/// What one system allows us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Requests per second in the long run; `None` for no limit. Zero counts as one.
    pub per_second: Option<u32>,
    /// How many may go at once after a quiet time. Zero counts as one.
    pub burst: u32,
    /// How many may be under way at the same time. Zero counts as one.
    pub concurrency: usize,
}

/// Paces requests: a permit for each attempt, a bound on how many are under way, a pause on `Retry-After`.
///
/// Inside authentication, so that token requests count against the same quota; outside the guard, so that
/// nothing reaches the network unpaced. Who waits is served by urgency, then by arrival, one turn in four being
/// left to the least urgent. Whoever cannot be served before the deadline is refused without effect, and at once
/// where that is known.
#[derive(Debug)]
pub struct Paced {
    inner: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    limits: Limits,
    permits: Option<Permits>,
    queue: Mutex<Queue>,
}

type Permits = RateLimiter<NotKeyed, InMemoryState, Monotonic, NoOpMiddleware<Duration>>;

/// Governor's view of our clock: it must not read time of its own.
#[derive(Clone, Debug)]
struct Monotonic(Arc<dyn Clock>);

impl GovernorClock for Monotonic {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.monotonic()
    }
}

#[derive(Debug, Default)]
struct Queue {
    line: Line,
    under_way: usize,
    paused_until: Duration,
    /// The earliest moment of the next permit, as last heard.
    next_permit: Duration,
}

/// What the one who asks has to do.
enum Turn {
    Go,
    /// Not before this moment.
    At(Duration),
    /// When somebody else is done.
    Later,
}

impl Paced {
    /// Paces what `inner` sends by `limits`.
    pub fn new(inner: Arc<dyn Transport>, limits: Limits, clock: Arc<dyn Clock>) -> Self {
        let at_least_one = |count| NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
        let permits = limits.per_second.map(|per_second| {
            let quota = Quota::per_second(at_least_one(per_second)).allow_burst(at_least_one(limits.burst));
            RateLimiter::direct_with_clock(quota, Monotonic(Arc::clone(&clock)))
        });
        let limits = Limits { concurrency: limits.concurrency.max(1), ..limits };
        Self { inner, clock, limits, permits, queue: Mutex::default() }
    }

    async fn admit(&self, request: &Request) -> Result<UnderWay<'_>> {
        let place = self.enter(request);
        loop {
            let now = self.clock.monotonic();
            if now >= request.deadline {
                return Err(refusal("the deadline passed while the request waited for its turn", None));
            }
            let until = match self.turn(&place, now) {
                Turn::Go => return Ok(UnderWay(self)),
                Turn::At(at) if at >= request.deadline => {
                    let wait = at.saturating_sub(now);
                    return Err(refusal("the system's rate leaves no room before the deadline", Some(wait)));
                }
                Turn::At(at) => at,
                Turn::Later => request.deadline,
            };
            let sleep = self.clock.sleep(until.saturating_sub(now));
            match select(Box::pin(place.called.notified()), sleep).await {
                Either::Left(_) | Either::Right(_) => {}
            }
        }
    }

    fn enter(&self, request: &Request) -> Waiting<'_> {
        let (place, called) = self.queue().line.join(request.urgency);
        Waiting { paced: self, place, called, deadline: request.deadline }
    }

    fn turn(&self, waiting: &Waiting<'_>, now: Duration) -> Turn {
        let mut queue = self.queue();
        if queue.paused_until > now {
            return Turn::At(queue.paused_until);
        }
        if !queue.line.is_next(waiting.place) {
            return match (self.limits.per_second, queue.next_permit > now) {
                (Some(per_second), true) => {
                    let ahead = u32::try_from(queue.line.ahead(waiting.place)).unwrap_or(u32::MAX);
                    let each = Duration::from_secs(1) / per_second.max(1);
                    let at = queue.next_permit.saturating_add(each.saturating_mul(ahead));
                    // Only a forecast, good enough to refuse early; the call comes from the one before.
                    if at >= waiting.deadline { Turn::At(at) } else { Turn::Later }
                }
                (Some(_) | None, _) => Turn::Later,
            };
        }
        if queue.under_way >= self.limits.concurrency {
            return Turn::Later;
        }
        if let Some(Err(not_until)) = self.permits.as_ref().map(RateLimiter::check) {
            queue.next_permit = now.saturating_add(not_until.wait_time_from(now));
            // A wait of nothing would spin on a clock that stands still.
            return Turn::At(queue.next_permit.max(now.saturating_add(Duration::from_nanos(1))));
        }
        queue.line.take(waiting.place);
        queue.under_way += 1;
        queue.line.call_next();
        Turn::Go
    }

    /// Heeds `Retry-After` of 429 and 503, and writes it in seconds: nothing above needs a clock to read it.
    fn heed(&self, response: &mut Response) {
        if !matches!(response.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            return;
        }
        let stated = response.retry_after().or_else(|| self.until_date(response));
        let wait = match stated {
            Some(wait) => wait.min(LONGEST_PAUSE),
            None if response.status == StatusCode::TOO_MANY_REQUESTS => UNSTATED_PAUSE,
            None => return,
        };
        response.headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs()));
        let until = self.clock.monotonic().saturating_add(wait);
        let mut queue = self.queue();
        queue.paused_until = queue.paused_until.max(until);
        // Those who slept towards an earlier moment, or who now cannot make it, look again.
        queue.line.call_all();
    }

    /// `Retry-After` in its form of a date, rounded up to whole seconds.
    fn until_date(&self, response: &Response) -> Option<Duration> {
        let date = http_date(response.headers.get(header::RETRY_AFTER)?.to_str().ok()?)?;
        let seconds = date.signed_duration_since(self.clock.now()).num_milliseconds().max(0);
        Some(Duration::from_secs(u64::try_from(seconds).ok()?.div_ceil(1000)))
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transport for Paced {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response>> {
        Box::pin(async move {
            let _under_way = self.admit(&request).await?;
            let mut response = self.inner.send(request).await?;
            self.heed(&mut response);
            Ok(response)
        })
    }
}

/// A place in the queue, given back if whoever held it went away.
struct Waiting<'a> {
    paced: &'a Paced,
    place: Place,
    called: Arc<Notify>,
    deadline: Duration,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut queue = self.paced.queue();
        if queue.line.leave(self.place) {
            queue.line.call_next();
        }
    }
}

/// One of the requests under way, given back when it is over or dropped.
struct UnderWay<'a>(&'a Paced);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut queue = self.0.queue();
        queue.under_way = queue.under_way.saturating_sub(1);
        queue.line.call_next();
    }
}

/// A date in any of the three forms that RFC 9110 §5.6.7 has a recipient read.
fn http_date(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(date) = chrono::DateTime::parse_from_rfc2822(text) {
        return Some(date.to_utc());
    }
    ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"]
        .iter()
        .find_map(|form| chrono::NaiveDateTime::parse_from_str(text, form).ok())
        .map(|date| date.and_utc())
}

/// Never `Unavailable`: our own pace must not open the circuit of a system that is well.
fn refusal(what: &str, retry_after: Option<Duration>) -> Error {
    Error::new(ErrorKind::RateLimited, format!("the request was not sent: {what}"))
        .with_retry_after(retry_after)
}

#[cfg(test)]
mod tests {
    use ::http::Method;
    use futures::future::join_all;

    use super::*;
    use crate::double::{Script, TestClock, answer, request};
    use crate::{TookEffect, Urgency};

    fn paced(script: &Arc<Script>, clock: &Arc<TestClock>, limits: Limits) -> Paced {
        let base: Arc<dyn Transport> = Arc::<Script>::clone(script);
        let clock: Arc<dyn Clock> = Arc::<TestClock>::clone(clock);
        Paced::new(base, limits, clock)
    }

    const WIDE: Limits = Limits { per_second: None, burst: 1, concurrency: 8 };

    #[tokio::test]
    async fn every_attempt_costs_a_permit() {
        let (script, clock) = (Arc::new(Script::new([])), Arc::new(TestClock::skipping()));
        let layer = paced(&script, &clock, Limits { per_second: Some(2), burst: 3, concurrency: 8 });
        for _ in 0..7 {
            layer.send(request(Method::GET, "https://desk.example/")).await.unwrap();
        }
        let elapsed = clock.monotonic();
        assert!(elapsed >= Duration::from_secs(2) && elapsed < Duration::from_millis(2100), "{elapsed:?}");
    }

    #[tokio::test]
    async fn the_more_urgent_goes_first_and_then_who_came_first() {
        let (script, clock) = (Arc::new(Script::holding([])), Arc::new(TestClock::manual()));
        let layer = paced(&script, &clock, Limits { concurrency: 1, ..WIDE });
        let send = |name: &str, urgency| {
            let mut request = request(Method::GET, &format!("https://desk.example/{name}"));
            request.urgency = Urgency(urgency);
            layer.send(request)
        };
        let all = join_all([send("first", 0), send("low", 1), send("high", 9), send("low-later", 1)]);
        let mut all = Box::pin(all);
        assert!(futures::poll!(&mut all).is_pending());
        assert_eq!(script.count(), 1, "one at a time");
        script.doors.add_permits(4);
        all.await;
        let names: Vec<_> =
            script.urls().iter().map(|url| url.rsplit('/').next().unwrap().to_owned()).collect();
        assert_eq!(names, ["first", "high", "low", "low-later"]);
    }

    #[tokio::test]
    async fn a_low_request_is_served_although_urgent_ones_never_end() {
        let (script, clock) = (Arc::new(Script::holding([])), Arc::new(TestClock::manual()));
        let layer = paced(&script, &clock, Limits { concurrency: 1, ..WIDE });
        let send = |name: &str, urgency| {
            let mut request = request(Method::GET, &format!("https://desk.example/{name}"));
            request.urgency = Urgency(urgency);
            layer.send(request)
        };
        let mut under_way = vec![send("urgent", 3)];
        assert!(futures::poll!(&mut under_way[0]).is_pending());
        let mut low = send("low", 0);
        assert!(futures::poll!(&mut low).is_pending());
        for _ in 0..4 {
            // Before one is through, the next urgent one stands there.
            under_way.push(send("urgent", 3));
            assert!(futures::poll!(&mut under_way[1]).is_pending());
            script.doors.add_permits(1);
            under_way.remove(0).await.unwrap();
            assert!(futures::poll!(&mut low).is_pending());
            assert!(futures::poll!(&mut under_way[0]).is_pending());
            if script.urls().last().is_some_and(|url| url.ends_with("low")) {
                return;
            }
        }
        panic!("the low one was not served: {:?}", script.urls());
    }

    #[tokio::test]
    async fn retry_after_pauses_everybody_for_its_full_length() {
        for (status, wait) in [
            (429, "7"),
            (503, "7"),
            (429, "Thu, 01 Jan 1970 00:00:07 GMT"),
            (429, "Thursday, 01-Jan-70 00:00:07 GMT"),
            (503, "Thu Jan  1 00:00:07 1970"),
        ] {
            let script = Arc::new(Script::new([Ok(answer(status, &[("retry-after", wait)], ""))]));
            let clock = Arc::new(TestClock::skipping());
            let layer = paced(&script, &clock, WIDE);
            let refused = layer.send(request(Method::GET, "https://desk.example/")).await.unwrap();
            assert_eq!(refused.retry_after(), Some(Duration::from_secs(7)));
            layer.send(request(Method::GET, "https://desk.example/")).await.unwrap();
            assert_eq!(clock.monotonic(), Duration::from_secs(7));
        }
    }

    #[tokio::test]
    async fn a_rate_limit_that_does_not_say_how_long_pauses_too_and_an_outage_does_not() {
        for (status, fields, pause) in [
            (429, &[][..], 5),
            (429, &[("retry-after", "soon")], 5),
            (503, &[], 0),
            (500, &[("retry-after", "9")], 0),
        ] {
            let script = Arc::new(Script::new([Ok(answer(status, fields, ""))]));
            let clock = Arc::new(TestClock::skipping());
            let layer = paced(&script, &clock, WIDE);
            for _ in 0..2 {
                layer.send(request(Method::GET, "https://desk.example/")).await.unwrap();
            }
            assert_eq!(clock.monotonic(), Duration::from_secs(pause), "{status} {fields:?}");
        }
    }

    #[tokio::test]
    async fn a_wait_past_the_deadline_is_refused_at_once_without_effect() {
        let script = Arc::new(Script::new([Ok(answer(429, &[("retry-after", "120")], ""))]));
        let clock = Arc::new(TestClock::manual());
        let layer = paced(&script, &clock, WIDE);
        layer.send(request(Method::POST, "https://desk.example/")).await.unwrap();
        let error = layer.send(request(Method::POST, "https://desk.example/")).await.unwrap_err();
        assert_eq!((error.kind(), error.took_effect()), (ErrorKind::RateLimited, TookEffect::No));
        assert_eq!(error.retry_after(), Some(Duration::from_secs(120)));
        assert_eq!(script.count(), 1);
    }

    #[tokio::test]
    async fn who_goes_away_gives_back_the_place_and_the_turn() {
        let (script, clock) = (Arc::new(Script::holding([])), Arc::new(TestClock::manual()));
        let layer = paced(&script, &clock, Limits { concurrency: 1, ..WIDE });
        let mut first = layer.send(request(Method::GET, "https://desk.example/1"));
        let mut second = layer.send(request(Method::GET, "https://desk.example/2"));
        let mut third = layer.send(request(Method::GET, "https://desk.example/3"));
        assert!(futures::poll!(&mut first).is_pending());
        assert!(futures::poll!(&mut second).is_pending());
        assert!(futures::poll!(&mut third).is_pending());
        drop(second);
        drop(first);
        script.doors.add_permits(1);
        third.await.unwrap();
        assert_eq!(script.count(), 2);
    }

    #[tokio::test]
    async fn who_waits_behind_a_stuck_request_is_refused_at_the_deadline() {
        let (script, clock) = (Arc::new(Script::holding([])), Arc::new(TestClock::manual()));
        let layer = paced(&script, &clock, Limits { concurrency: 1, ..WIDE });
        let mut stuck = layer.send(request(Method::GET, "https://desk.example/1"));
        let mut behind = layer.send(request(Method::POST, "https://desk.example/2"));
        assert!(futures::poll!(&mut stuck).is_pending());
        assert!(futures::poll!(&mut behind).is_pending());
        clock.advance(Duration::from_secs(30));
        let error = behind.await.unwrap_err();
        assert_eq!((error.kind(), error.took_effect()), (ErrorKind::RateLimited, TookEffect::No));
    }
}
