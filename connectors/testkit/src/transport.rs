//! Transports for tests: a router called in process, and a wrapper that makes any transport fail on command.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use futures::FutureExt;
use futures::future::{BoxFuture, Either, select};
use http::header::{HOST, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use throughline_sdk::http::{Request, Response, Transport, after, too_large};
use throughline_sdk::{Clock, Error, ErrorKind, Result, Urgency};
use tower::ServiceExt;

/// Calls an axum router without a socket. A body that breaks off is a lost reply, as it would be over TCP.
#[derive(Clone)]
pub struct RouterTransport(pub Router);

impl fmt::Debug for RouterTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RouterTransport")
    }
}

impl Transport for RouterTransport {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response>> {
        let router = self.0.clone();
        async move {
            let method = request.method.clone();
            let lost =
                |why: String| Error::new(ErrorKind::Unavailable, why).with_effect(after(&method, None));
            let target = match request.url.query() {
                Some(query) => format!("{}?{query}", request.url.path()),
                None => request.url.path().to_owned(),
            };
            let mut inner = http::Request::new(Body::from(request.body));
            *inner.method_mut() = request.method;
            *inner.headers_mut() = request.headers;
            *inner.uri_mut() = target.parse().map_err(|error| {
                Error::new(
                    ErrorKind::Misconfigured,
                    format!("the address {target:?} cannot be asked: {error}"),
                )
            })?;
            if let Some(Ok(host)) = request.url.host_str().map(HeaderValue::from_str) {
                inner.headers_mut().insert(HOST, host);
            }
            let answer = match router.oneshot(inner).await {
                Ok(answer) => answer,
                Err(never) => match never {},
            };
            let (parts, body) = answer.into_parts();
            let most = request.max_answer_bytes;
            let limit = usize::try_from(most).unwrap_or(usize::MAX);
            let body = Limited::new(body, limit).collect().await.map_err(|error| {
                match error.is::<LengthLimitError>() {
                    true => too_large(&method, parts.status, most),
                    false => lost(format!("the reply was lost: {error}")),
                }
            })?;
            Ok(Response { status: parts.status, headers: parts.headers, body: body.to_bytes() })
        }
        .boxed()
    }
}

/// What goes wrong with one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is carried out and its reply is lost.
    DropReply,
    /// It is refused with 429 and this many seconds of `Retry-After`; the desk never sees it.
    RateLimit(u64),
    /// The desk carries it out, and a gateway in front answers 503.
    Unavailable,
    /// It is answered with this status and a page that is no JSON; the desk never sees it.
    Answer(u16),
    /// It is carried out and the answer's body is cut in half.
    Truncate,
    /// It is carried out and the answer is larger than the caller takes.
    Oversize,
    /// It takes this long before the desk sees it.
    Delay(Duration),
    /// It never gets an answer, and never reaches the desk.
    Hang,
    /// It is sent with credentials the desk does not know.
    WrongCredentials,
}

/// A transport that records every request and makes the next ones fail on command.
#[derive(Clone, Debug)]
pub struct Faulty {
    inner: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    faults: VecDeque<Fault>,
    write_faults: VecDeque<Fault>,
    requests: Vec<Request>,
    /// The deadline of a call that hung and was not waited for.
    hung: Option<Duration>,
    /// Whether such calls are not waited for.
    hurries: bool,
}

impl Faulty {
    /// Wraps `inner`: the base of a plane.
    pub fn new(inner: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Self {
        Self { inner, clock, shared: Arc::default() }
    }

    /// From now on the deadline of a call that hangs is taken for passed at once, for suites on a clock that cannot be
    /// moved on: nothing else of that call is answered either.
    pub fn do_not_wait(&self) {
        self.lock().hurries = true;
    }

    /// Makes the next request that has no fault yet fail like this.
    pub fn next(&self, fault: Fault) {
        self.lock().faults.push_back(fault);
    }

    /// Makes the next write that has no fault yet fail like this; reads go on unharmed.
    pub fn next_write(&self, fault: Fault) {
        self.lock().write_faults.push_back(fault);
    }

    /// Forgets faults that met no request and answers the requests since the last call.
    pub fn take(&self) -> Vec<Request> {
        let mut shared = self.lock();
        shared.faults.clear();
        shared.write_faults.clear();
        std::mem::take(&mut shared.requests)
    }

    /// Records what went over a connection that is none of HTTP, and answers what goes wrong with it.
    pub(crate) fn meet(&self, method: http::Method, url: url::Url, deadline: Duration) -> Option<Fault> {
        let request = Request {
            method,
            url,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            deadline,
            urgency: Urgency::default(),
            trace: [0; 16],
            max_answer_bytes: u64::MAX,
        };
        let mut shared = self.lock();
        let safe = request.is_safe();
        shared.requests.push(request);
        match safe {
            true => shared.faults.pop_front(),
            false => shared.faults.pop_front().or_else(|| shared.write_faults.pop_front()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn forward(&self, request: Request) -> Result<Response> {
        let method = request.method.clone();
        let late = || {
            Error::new(ErrorKind::Unavailable, "no answer by the deadline").with_effect(after(&method, None))
        };
        let left = request.deadline.checked_sub(self.clock.monotonic()).ok_or_else(late)?;
        let send = self.inner.send(request);
        match select(send, self.clock.sleep(left)).await {
            Either::Left((answer, _)) => answer,
            Either::Right(((), _)) => Err(late()),
        }
    }
}

impl Transport for Faulty {
    fn send(&self, mut request: Request) -> BoxFuture<'_, Result<Response>> {
        async move {
            let (method, deadline) = (request.method.clone(), request.deadline);
            let lost = |why: &str| Error::new(ErrorKind::Unavailable, why).with_effect(after(&method, None));
            let fault = {
                let mut shared = self.lock();
                shared.requests.push(request.clone());
                if shared.hung.is_some_and(|hung| deadline <= hung) {
                    return Err(lost("the deadline has passed"));
                }
                match request.is_safe() {
                    true => shared.faults.pop_front(),
                    false => shared.faults.pop_front().or_else(|| shared.write_faults.pop_front()),
                }
            };
            match fault {
                None => self.forward(request).await,
                Some(Fault::DropReply) => {
                    self.forward(request).await?;
                    Err(lost("the reply was dropped"))
                }
                Some(Fault::RateLimit(seconds)) => {
                    let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from(seconds))]);
                    Ok(Response { status: StatusCode::TOO_MANY_REQUESTS, headers, body: Default::default() })
                }
                Some(Fault::Unavailable) => {
                    self.forward(request).await?;
                    let headers = HeaderMap::new();
                    Ok(Response {
                        status: StatusCode::SERVICE_UNAVAILABLE,
                        headers,
                        body: Default::default(),
                    })
                }
                Some(Fault::Truncate) => {
                    let mut answer = self.forward(request).await?;
                    answer.body.truncate(answer.body.len() / 2);
                    Ok(answer)
                }
                Some(Fault::Answer(status)) => {
                    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                    let body = Bytes::from_static(b"<html><body>A proxy's page</body></html>");
                    Ok(Response { status, headers: HeaderMap::new(), body })
                }
                Some(Fault::Oversize) => {
                    let most = request.max_answer_bytes;
                    let status = self.forward(request).await?.status;
                    Err(too_large(&method, status, most))
                }
                Some(Fault::Delay(by)) => {
                    self.clock.sleep(by).await;
                    self.forward(request).await
                }
                Some(Fault::Hang) => {
                    {
                        let mut shared = self.lock();
                        if shared.hurries {
                            shared.hung = Some(deadline);
                            return Err(lost("no answer by the deadline"));
                        }
                    }
                    self.clock.sleep(deadline.saturating_sub(self.clock.monotonic())).await;
                    Err(lost("no answer by the deadline"))
                }
                Some(Fault::WrongCredentials) => {
                    // The plane marks what is secret.
                    let secret = request.headers.values_mut().filter(|value| value.is_sensitive());
                    secret.for_each(|value| *value = HeaderValue::from_static("Bearer wrong"));
                    self.forward(request).await
                }
            }
        }
        .boxed()
    }
}
