//! Tiny doubles for this crate's own tests; everybody else uses the ones of the test kit, which depends on us.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ::http::{HeaderMap, Method, StatusCode};
use bytes::Bytes;
use futures::future::BoxFuture;
use tokio::sync::{Notify, Semaphore};

use crate::http::{Request, Response, Transport};
use crate::{Clock, Entropy, Result, Timestamp, Urgency};

/// A clock that the test moves, or that jumps over every sleep at once.
#[derive(Debug)]
pub(crate) struct TestClock {
    moved: Arc<Moved>,
    skips_sleep: bool,
}

/// Woken in the order in which they fell asleep: a `watch` channel wakes by chance.
#[derive(Debug, Default)]
struct Moved {
    elapsed: Mutex<Duration>,
    sleepers: Notify,
}

impl Moved {
    fn to(&self, at: impl FnOnce(Duration) -> Duration) {
        let mut elapsed = self.elapsed.lock().unwrap();
        *elapsed = at(*elapsed);
        drop(elapsed);
        self.sleepers.notify_waiters();
    }

    fn elapsed(&self) -> Duration {
        *self.elapsed.lock().unwrap()
    }
}

impl TestClock {
    /// A clock that stands still until [`advance`](Self::advance).
    pub(crate) fn manual() -> Self {
        Self { moved: Arc::default(), skips_sleep: false }
    }

    /// A clock on which a sleep is over at once, and time has passed.
    pub(crate) fn skipping() -> Self {
        Self { moved: Arc::default(), skips_sleep: true }
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.moved.to(|elapsed| elapsed + by);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        self.moved.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let until = self.monotonic() + duration;
        let (moved, skips_sleep) = (Arc::clone(&self.moved), self.skips_sleep);
        Box::pin(async move {
            if skips_sleep {
                moved.to(|elapsed| elapsed.max(until));
            }
            loop {
                let woken = moved.sleepers.notified();
                if moved.elapsed() >= until {
                    return;
                }
                woken.await;
            }
        })
    }
}

/// Bytes that count up.
#[derive(Debug, Default)]
pub(crate) struct CountingEntropy(AtomicU8);

impl Entropy for CountingEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = self.0.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        }
    }
}

/// A transport that keeps what it was sent and answers from a script; after its end, 200.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) seen: Mutex<Vec<Request>>,
    answers: Mutex<VecDeque<Result<Response>>>,
    /// How many may be answered; closed doors let a test hold requests in flight.
    pub(crate) doors: Semaphore,
}

impl Script {
    pub(crate) fn new(answers: impl IntoIterator<Item = Result<Response>>) -> Self {
        Self {
            seen: Mutex::default(),
            answers: Mutex::new(answers.into_iter().collect()),
            doors: Semaphore::new(1_000_000),
        }
    }

    /// The same, answering nothing until permits are added to `doors`.
    pub(crate) fn holding(answers: impl IntoIterator<Item = Result<Response>>) -> Self {
        Self { doors: Semaphore::new(0), ..Self::new(answers) }
    }

    pub(crate) fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    pub(crate) fn urls(&self) -> Vec<String> {
        self.seen.lock().unwrap().iter().map(|request| request.url.to_string()).collect()
    }

    pub(crate) fn header(&self, index: usize, name: &str) -> Option<::http::HeaderValue> {
        self.seen.lock().unwrap()[index].headers.get(name).cloned()
    }
}

impl Transport for Script {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response>> {
        Box::pin(async move {
            self.seen.lock().unwrap().push(request);
            self.doors.acquire().await.expect("the doors are never closed for good").forget();
            self.answers.lock().unwrap().pop_front().unwrap_or_else(|| Ok(answer(200, &[], "")))
        })
    }
}

pub(crate) fn request(method: Method, url: &str) -> Request {
    Request {
        method,
        url: url.parse().expect("a test's address"),
        headers: HeaderMap::new(),
        body: Bytes::new(),
        deadline: Duration::from_secs(30),
        urgency: Urgency(0),
        trace: [0xab; 16],
        max_answer_bytes: 1 << 20,
    }
}

pub(crate) fn answer(status: u16, headers: &[(&'static str, &str)], body: &str) -> Response {
    Response {
        status: StatusCode::from_u16(status).expect("a test's status"),
        headers: headers
            .iter()
            .map(|(name, value)| {
                (::http::HeaderName::from_static(name), value.parse().expect("a test's header"))
            })
            .collect(),
        body: Bytes::copy_from_slice(body.as_bytes()),
    }
}
