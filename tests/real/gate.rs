//! A gate in front of a desk: it counts what passes, is shut on command, and loses answers on command.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use throughline::daemon::Supervisor;
use throughline_sdk::Urgency;
use throughline_sdk::http::{Authentication, Request, Transport};
use throughline_testkit::{ReservedAddress, SocketTransport};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use url::Url;

/// A gate in front of one desk. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    desk: Url,
    transport: SocketTransport,
    is_open: watch::Sender<bool>,
    lose_every: AtomicUsize,
    writes: AtomicUsize,
    passed: Mutex<Vec<(Method, String)>>,
    supervisor: Supervisor,
}

/// The answer was lost on the way.
#[derive(Debug)]
struct Lost;

impl std::fmt::Display for Lost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the answer was lost on the way")
    }
}

impl std::error::Error for Lost {}

impl Gate {
    /// An open gate in front of `desk`.
    pub(crate) async fn to(desk: &str) -> Self {
        let reserved = ReservedAddress::new().unwrap();
        let listener = TcpListener::bind(reserved.address()).await.unwrap();
        let gate = Self {
            address: reserved.address(),
            shared: Arc::new(Shared {
                desk: Url::parse(desk).unwrap(),
                transport: SocketTransport::new(Authentication::None),
                is_open: watch::Sender::new(true),
                lose_every: AtomicUsize::new(0),
                writes: AtomicUsize::new(0),
                passed: Mutex::default(),
                supervisor: Supervisor::default(),
            }),
        };
        gate.shared.supervisor.spawn(gate.clone().keep(listener, reserved));
        gate
    }

    /// The address under which the desk is reached through this gate.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The desk is down: connections end, and new ones are refused.
    pub(crate) fn shut(&self) {
        self.shared.is_open.send_replace(false);
    }

    /// The desk is back.
    pub(crate) fn open(&self) {
        self.shared.is_open.send_replace(true);
    }

    /// From now on the answer to every `n`th write is lost after the desk did it; 0 for none.
    pub(crate) fn lose_every(&self, n: usize) {
        self.shared.lose_every.store(n, Ordering::Relaxed);
    }

    /// What has passed since the last call.
    pub(crate) fn passed(&self) -> Vec<(Method, String)> {
        std::mem::take(&mut *self.shared.passed.lock().unwrap())
    }

    async fn keep(self, first: TcpListener, reserved: ReservedAddress) {
        let mut is_open = self.shared.is_open.subscribe();
        let mut listener = Some(first);
        loop {
            let bound = match listener.take() {
                Some(bound) => bound,
                None => TcpListener::bind(reserved.address()).await.unwrap(),
            };
            loop {
                tokio::select! {
                    _ = is_open.wait_for(|open| !open) => break,
                    accepted = bound.accept() => {
                        let (socket, _) = accepted.unwrap();
                        self.shared.supervisor.spawn(self.clone().serve(socket));
                    }
                }
            }
            drop(bound);
            if is_open.wait_for(|open| *open).await.is_err() {
                return;
            }
        }
    }

    async fn serve(self, socket: TcpStream) {
        let mut is_open = self.shared.is_open.subscribe();
        let service = service_fn(|request| self.pass(request));
        let connection = http1::Builder::new().serve_connection(TokioIo::new(socket), service);
        tokio::select! {
            _ = is_open.wait_for(|open| !open) => {}
            // A lost answer ends the connection, and so does a client that goes.
            _ended = connection => {}
        }
    }

    async fn pass(&self, request: hyper::Request<Incoming>) -> Result<hyper::Response<Full<Bytes>>, Lost> {
        let (head, body) = request.into_parts();
        let path = head.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
        self.shared.passed.lock().unwrap().push((head.method.clone(), path.clone()));
        let mut headers = head.headers;
        for name in [header::HOST, header::CONTENT_LENGTH, header::CONNECTION, header::TRANSFER_ENCODING] {
            headers.remove(name);
        }
        let lost = is_write(&head.method, &path) && {
            let (every, count) = (
                self.shared.lose_every.load(Ordering::Relaxed),
                self.shared.writes.fetch_add(1, Ordering::Relaxed),
            );
            every > 0 && count % every == 0
        };
        let sent = self.shared.transport.send(Request {
            method: head.method,
            url: self.shared.desk.join(&path).unwrap(),
            headers,
            body: body.collect().await.map_err(|_gone| Lost)?.to_bytes(),
            deadline: Duration::MAX,
            urgency: Urgency(0),
            trace: [0; 16],
            max_answer_bytes: 64 << 20,
        });
        let Ok(answer) = sent.await else { return Ok::<_, Lost>(refused()) };
        if lost {
            return Err(Lost);
        }
        let mut response = hyper::Response::new(Full::new(answer.body));
        *response.status_mut() = answer.status;
        *response.headers_mut() = answer.headers;
        for name in [header::CONTENT_LENGTH, header::CONNECTION, header::TRANSFER_ENCODING] {
            response.headers_mut().remove(name);
        }
        Ok(response)
    }
}

/// Whether a request changes anything: Request Tracker is also searched with POST.
pub(crate) fn is_write(method: &Method, path: &str) -> bool {
    !method.is_safe() && !path.contains("/attachments")
}

fn refused() -> hyper::Response<Full<Bytes>> {
    let mut response = hyper::Response::new(Full::default());
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response
}
