//! A desk's webhooks: kept outside its host, posted until they are taken where the scenario says so.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream;
use throughline_practice::desk::{Desk, deliver_pending};
use throughline_sdk::http::{Request, Response, Transport};
use throughline_sdk::{Clock, Result};

use crate::network::post;
use crate::recorder::Recorder;

const PAUSE: Duration = Duration::from_millis(40);

/// A desk's mail room.
#[derive(Debug)]
pub(crate) struct Mail {
    /// Posted again until it is taken.
    pub(crate) repeats: bool,
    pub(crate) clock: Arc<dyn Clock>,
    host: &'static str,
    record: Arc<Recorder>,
    waiting: Mutex<Vec<Letter>>,
    taken: Mutex<Vec<Request>>,
}

#[derive(Clone, Debug)]
struct Letter {
    request: Request,
    not_before: Duration,
}

impl Mail {
    pub(crate) fn new(
        repeats: bool,
        clock: Arc<dyn Clock>,
        host: &'static str,
        record: Arc<Recorder>,
    ) -> Arc<Self> {
        Arc::new(Self { repeats, clock, host, record, waiting: Mutex::default(), taken: Mutex::default() })
    }

    /// Posts for as long as it is polled.
    pub(crate) async fn run(self: Arc<Self>, desk: Desk) {
        loop {
            deliver_pending(&desk, self.as_ref()).await;
            let now = self.clock.monotonic();
            // What is under way when the host goes down is posted again later: taken letters are removed only then.
            let due: Vec<_> =
                self.waiting().iter().filter(|letter| letter.not_before <= now).cloned().collect();
            stream::iter(due).for_each_concurrent(4, |letter| self.post(letter)).await;
            self.clock.sleep(PAUSE).await;
        }
    }

    async fn post(&self, letter: Letter) {
        let id = letter.request.headers.get("webhook-id").cloned();
        let mut request = letter.request.clone();
        request.deadline = self.clock.monotonic() + Duration::from_secs(2);
        let answer = post(request).await;
        if let Some(body) = &answer {
            self.record.shown(self.host, body);
        }
        let taken = answer.is_some();
        let mut waiting = self.waiting();
        let same = |other: &Letter| other.request.headers.get("webhook-id") == id.as_ref();
        if taken || !self.repeats {
            if let Some(place) = waiting.iter().position(same) {
                waiting.remove(place);
            }
        } else {
            let again = self.clock.monotonic() + Duration::from_millis(700);
            for other in waiting.iter_mut().filter(|other| same(other)) {
                other.not_before = again;
            }
        }
        drop(waiting);
        if taken {
            self.taken().push(letter.request);
        }
    }

    /// Puts every letter that was ever taken into the box once more; answers how many.
    pub(crate) fn replay(&self) -> usize {
        let taken = std::mem::take(&mut *self.taken());
        let count = taken.len();
        self.waiting()
            .extend(taken.into_iter().map(|request| Letter { request, not_before: Duration::ZERO }));
        count
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting().is_empty()
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Letter>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn taken(&self) -> MutexGuard<'_, Vec<Request>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a letter from the desk; posting it is the mail room's business.
impl Transport for Mail {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response>> {
        self.waiting().push(Letter { request, not_before: Duration::ZERO });
        let (status, headers) = (http::StatusCode::OK, http::HeaderMap::new());
        Box::pin(async move { Ok(Response { status, headers, body: bytes::Bytes::new() }) })
    }
}
