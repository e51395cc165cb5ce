//! The window of time that a feed without a sequence reads, so that nothing falls into a gap.
//!
//! For desks that list what changed from a time on, the longest ago first. A window is always open at its end, and its
//! last part is read again until a reading that began after it and after the desk's lag: what was committed late is
//! seen then. The two clocks need not agree: how far the desk's clock has come is told by the latest time seen there
//! and by what has passed on ours since. A page is continued by beginning anew at the time of its last row, because a
//! ticket that changes leaves its place and moves the rest up. Where one tick of the desk's clock fills a page, that
//! does not help: [`paged`](crate::paged) reads such a tick by page numbers.

use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use serde::{Deserialize, Serialize};

use crate::{Feed, Timestamp};

/// When a page was asked for and when it came, on our clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moments {
    /// When it was asked for.
    pub asked: Timestamp,
    /// When it came.
    pub answered: Timestamp,
}

/// The part of a feed to read next. Part of a cursor: what its fields are called is recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// The first moment to read.
    since: Timestamp,
    /// The latest moment seen, on the desk's clock.
    newest: Timestamp,
    /// When that moment was first seen, on our clock.
    seen: Timestamp,
    /// While a reading takes several pages: a moment that the desk's clock had reached when the first was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reached: Option<Timestamp>,
}

impl Window {
    /// The window after everything up to `newest`, with room for what is committed late. `now` is on our clock.
    pub fn after(newest: Timestamp, now: Timestamp, feed: Feed) -> Self {
        let since = floor(minus(newest, feed.lag), feed.granularity);
        Self { since, newest, seen: now, reached: None }
    }

    /// The first moment to read.
    pub fn since(&self) -> Timestamp {
        self.since
    }

    /// The window once a page showed these times.
    #[must_use]
    pub fn having_seen(&self, times: impl IntoIterator<Item = Timestamp>, page: Moments, feed: Feed) -> Self {
        let newest = times.into_iter().fold(self.newest, Timestamp::max);
        // A clock that was set back would else keep the window open for as long as it was set back.
        let seen = if newest > self.newest { page.answered } else { self.seen.min(page.answered) };
        let reached = self.reached.unwrap_or_else(|| {
            let passed = page.asked.signed_duration_since(self.seen).max(TimeDelta::zero());
            // The reading before had left the lag behind it: so the window never goes back.
            newest.max(later(self.newest, passed)).max(plus(self.since, feed.lag))
        });
        Self { newest, seen, reached: Some(reached), since: self.since }
    }

    /// The rest of a reading, from the tick of a page's last row on. `None` where that is where it already begins: one
    /// tick fills the page.
    pub fn from(&self, last: Timestamp, feed: Feed) -> Option<Self> {
        let since = floor(last, feed.granularity);
        (since > self.since).then(|| Self { since, ..self.clone() })
    }

    /// The rest of a reading, once its first tick is read.
    #[must_use]
    pub fn past_a_tick(self, feed: Feed) -> Self {
        Self { since: plus(self.since, step(feed)), ..self }
    }

    /// The window of the next reading, once everything was read: what was committed before this reading began need not
    /// be read again.
    #[must_use]
    pub fn closed(self, feed: Feed) -> Self {
        let over = plus(floor(self.newest, step(feed)), step(feed));
        let since = self.settled(feed).min(over);
        Self { since, reached: None, ..self }
    }

    /// The same window, beginning at `moment` where that is earlier: what lies there is to be read once more.
    #[must_use]
    pub fn reaching_back(self, moment: Timestamp) -> Self {
        Self { since: self.since.min(moment), ..self }
    }

    /// The window of a reading at whose beginning the desk's clock had surely reached `moment`.
    #[must_use]
    pub fn having_reached(self, moment: Timestamp) -> Self {
        Self { reached: Some(moment), ..self }
    }

    /// Whether something may have changed, or been committed late, since the reading began.
    pub fn moved(&self, feed: Feed) -> bool {
        self.newest >= self.settled(feed)
    }

    /// Everything before this moment was committed when the reading began.
    fn settled(&self, feed: Feed) -> Timestamp {
        floor(minus(self.reached.unwrap_or(self.newest), feed.lag), step(feed))
    }
}

/// The tick of a clock that a moment falls into: where it began.
pub fn floor(time: Timestamp, tick: Duration) -> Timestamp {
    let tick = i64::try_from(tick.as_micros()).unwrap_or(i64::MAX).max(1);
    let micros = time.timestamp_micros();
    DateTime::from_timestamp_micros(micros.saturating_sub(micros.rem_euclid(tick))).unwrap_or(time)
}

/// No clock told here is finer than a microsecond.
fn step(feed: Feed) -> Duration {
    feed.granularity.max(Duration::from_micros(1))
}

fn plus(time: Timestamp, length: Duration) -> Timestamp {
    later(time, TimeDelta::from_std(length).unwrap_or(TimeDelta::MAX))
}

fn minus(time: Timestamp, length: Duration) -> Timestamp {
    later(time, -TimeDelta::from_std(length).unwrap_or(TimeDelta::MAX))
}

fn later(time: Timestamp, by: TimeDelta) -> Timestamp {
    time.checked_add_signed(by).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FEED: Feed = Feed { granularity: Duration::from_secs(1), lag: Duration::from_secs(60) };

    fn at(second: i64) -> Timestamp {
        DateTime::from_timestamp(1_700_000_000 + second, 0).unwrap()
    }

    fn read(window: &Window, rows: &[i64], second: i64) -> Window {
        let page = Moments { asked: at(second), answered: at(second) };
        window.having_seen(rows.iter().map(|row| at(*row)), page, FEED).closed(FEED)
    }

    #[test]
    fn the_last_seconds_are_read_again_until_their_time_is_over() {
        let window = Window::after(at(0), at(0), FEED);
        assert_eq!(window.since(), at(-60));
        let window = read(&window, &[5], 5);
        assert_eq!(window.since(), at(-55));
        // Nothing new for an hour: no more of it is read again.
        let window = read(&window, &[5], 3600);
        assert_eq!(window.since(), at(6));
        assert_eq!(read(&window, &[], 7200).since(), at(6));
    }

    #[test]
    fn clocks_need_not_agree() {
        // The desk is an hour behind us, and nothing is known of its time but what it shows.
        let window = read(&Window::after(at(0), at(3600), FEED), &[10], 3610);
        assert_eq!(window.since(), at(-50));
        assert_eq!(read(&window, &[10], 3640).since(), at(-20));
    }

    #[test]
    fn a_window_stays_where_it_is_while_our_clock_is_set_back() {
        let window = read(&Window::after(at(0), at(0), FEED), &[10], 50);
        let back = read(&window, &[10], -5000);
        assert_eq!(back.since(), window.since());
        assert_eq!(
            read(&back, &[10], -4900).since(),
            at(11),
            "a hundred seconds passed on the clock as it is now"
        );
    }

    #[test]
    fn a_moment_falls_into_the_tick_that_began_before_it() {
        let time = DateTime::from_timestamp(-1, 500_000_000).unwrap();
        assert_eq!(floor(time, Duration::from_secs(1)), DateTime::from_timestamp(-1, 0).unwrap());
        assert_eq!(floor(time, Duration::ZERO), time);
    }

    #[test]
    fn what_an_earlier_version_recorded_is_read() {
        let text = r#"{"since":"2023-11-14T22:13:20Z","page":3,"newest":"2023-11-14T22:13:21Z",
            "seen":"2023-11-14T22:13:22Z","reached":"2023-11-14T22:13:25Z"}"#;
        let window: Window = serde_json::from_str(text).unwrap();
        assert_eq!(window, Window { since: at(0), newest: at(1), seen: at(2), reached: Some(at(5)) });
    }
}
