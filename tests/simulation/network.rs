//! HTTP over turmoil's simulated network: hyper on both ends, no real socket and no real time.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use throughline_sdk::http::{Request, Response, Transport, after};
use throughline_sdk::{Clock, Error, ErrorKind, Result};
use turmoil::net::{TcpListener, TcpStream};

use crate::crash::CrashPoints;
use crate::recorder::Recorder;

/// The port every simulated host serves on.
pub(crate) const PORT: u16 = 80;

/// Serves a router on this simulated host until the host is crashed.
pub(crate) async fn serve(router: axum::Router) -> turmoil::Result {
    let listener = TcpListener::bind(("0.0.0.0", PORT)).await?;
    axum::serve(Listener(listener), router).await?;
    Ok(())
}

struct Listener(TcpListener);

impl axum::serve::Listener for Listener {
    type Io = TcpStream;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            if let Ok(accepted) = self.0.accept().await {
                return accepted;
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

/// One connection for each request, from whatever simulated host the caller runs on.
#[derive(Debug)]
pub(crate) struct SimulatedHttp {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) crash: CrashPoints,
    /// The change feed shows nothing: only webhooks tell of changes.
    pub(crate) no_feed: bool,
    pub(crate) record: Arc<Recorder>,
}

impl Transport for SimulatedHttp {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response>> {
        Box::pin(async move {
            self.crash.point().await;
            self.record.sent(&request);
            if self.no_feed && request.url.path() == "/api/changes" {
                let body = Bytes::from_static(br#"{"changes":[],"last":0,"more":false}"#);
                return Ok(Response { status: http::StatusCode::OK, headers: http::HeaderMap::new(), body });
            }
            let left = request.deadline.saturating_sub(self.clock.monotonic());
            let method = request.method.clone();
            let result =
                match tokio::time::timeout(left, exchange(request)).await {
                    Ok(result) => result,
                    Err(_elapsed) => Err(Error::new(ErrorKind::Unavailable, "no answer in time")
                        .with_effect(after(&method, None))),
                };
            self.crash.point().await;
            result
        })
    }
}

/// Posts a webhook; the answer's body if it was taken.
pub(crate) async fn post(request: Request) -> Option<Bytes> {
    let answer = tokio::time::timeout(Duration::from_secs(2), exchange(request)).await;
    answer.ok()?.ok().filter(|response| response.status.is_success()).map(|response| response.body)
}

async fn exchange(request: Request) -> Result<Response> {
    let method = request.method.clone();
    let host = request.url.host_str().unwrap_or_default().to_owned();
    let before = |what: &str| Error::new(ErrorKind::Unavailable, what.to_owned());
    let lost = |what: &str| before(what).with_effect(after(&method, None));
    let connect = TcpStream::connect((host.as_str(), PORT));
    let stream = tokio::time::timeout(Duration::from_secs(2), connect)
        .await
        .map_err(|_elapsed| before("cannot connect in time"))?
        .map_err(|error| before(&format!("cannot connect: {error}")))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| before(&format!("cannot connect: {error}")))?;
    let drive = async {
        // Its error is the exchange's error.
        drop(connection.await);
        std::future::pending::<()>().await;
    };
    let mut built = http::Request::builder().method(request.method).uri(match request.url.query() {
        Some(query) => format!("{}?{query}", request.url.path()),
        None => request.url.path().to_owned(),
    });
    if let Some(headers) = built.headers_mut() {
        headers.extend(request.headers);
        headers.insert(http::header::HOST, http::HeaderValue::from_str(&host).expect("a host name"));
    }
    let built = built.body(Full::new(request.body)).expect("a request");
    let exchange = async {
        let response =
            sender.send_request(built).await.map_err(|error| lost(&format!("no answer: {error}")))?;
        let (parts, body) = response.into_parts();
        let limit = usize::try_from(request.max_answer_bytes).unwrap_or(usize::MAX);
        let body: Bytes = Limited::new(body, limit)
            .collect()
            .await
            .map_err(|error| lost(&format!("the answer broke off: {error}")))?
            .to_bytes();
        Ok(Response { status: parts.status, headers: parts.headers, body })
    };
    tokio::select! {
        biased;
        response = exchange => response,
        () = drive => Err(lost("the connection ended")),
    }
}
