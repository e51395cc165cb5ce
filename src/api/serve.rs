//! Serves HTTP so that no caller can hold the daemon up: heads, bodies and connections are bounded, and so is the end.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use throughline_sdk::Clock;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_io_timeout::TimeoutStream;
use tower::ServiceExt as _;

use crate::identity::Peer;

/// What a caller may take of us.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// From the first byte of a connection, or the end of its last answer, to the end of a request's head.
    pub head: Duration,
    /// Connections at once; more wait in the listener's queue.
    pub connections: usize,
    /// The longest head of a request, in bytes.
    pub head_bytes: usize,
    /// How long a caller may take nothing of an answer.
    pub write: Duration,
    /// How long callers have to end their requests once the daemon stops.
    pub grace: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(30),
            connections: 512,
            head_bytes: 32 * 1024,
            write: Duration::from_secs(60),
            grace: Duration::from_secs(3),
        }
    }
}

/// How long nothing is accepted after the system refused a socket: what is short has to become free first.
const BREATH: Duration = Duration::from_millis(500);

/// Serves `router` until `stop` returns, then lets callers end their requests for [`Bounds::grace`]. What was sent
/// and not answered by then its sender sends again.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    bounds: Bounds,
    clock: Arc<dyn Clock>,
    stop: impl Future<Output = ()>,
) {
    let (stopping, heard) = watch::channel(false);
    let free = Arc::new(Semaphore::new(bounds.connections));
    let mut connections = JoinSet::new();
    let accepting = async {
        loop {
            let Ok(permit) = Arc::clone(&free).acquire_owned().await else { return };
            while connections.try_join_next().is_some() {}
            match listener.accept().await {
                Ok((stream, peer)) => {
                    let served = connection((stream, Peer(peer)), router.clone(), bounds, heard.clone());
                    connections.spawn(async move {
                        served.await;
                        drop(permit);
                    });
                }
                Err(error) if is_callers_own(&error) => {}
                Err(error) => {
                    tracing::error!(%error, "No connection can be accepted; trying again.");
                    clock.sleep(BREATH).await;
                }
            }
        }
    };
    tokio::select! {
        () = accepting => {}
        () = stop => {}
    }
    drop(listener);
    stopping.send_replace(true);
    let ended = async { while connections.join_next().await.is_some() {} };
    tokio::select! {
        () = ended => {}
        () = clock.sleep(bounds.grace) => tracing::info!("Callers that have not ended their requests are left."),
    }
}

async fn connection(
    (stream, peer): (TcpStream, Peer),
    router: Router,
    bounds: Bounds,
    mut stopping: watch::Receiver<bool>,
) {
    // An answer is one small write: waiting for more to send with it only delays it.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "A connection could not be told to send at once.");
    }
    // Whoever asks and does not read the answer would keep its place for good.
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(bounds.write));
    let stream = Box::pin(stream);
    let service = router.map_request(move |request: Request<Incoming>| {
        let mut request = request.map(axum::body::Body::new);
        request.extensions_mut().insert(peer);
        request
    });
    let mut connection = std::pin::pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(bounds.head)
            .max_buf_size(bounds.head_bytes)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
    );
    // The sender lives until all of us have ended: an error is as good as a stop.
    let told = async { drop(stopping.wait_for(|stopping| *stopping).await) };
    let ended = tokio::select! {
        biased;
        ended = connection.as_mut() => ended,
        () = told => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "A connection ended badly.");
    }
}

/// Whether a caller went away before it was accepted, which is no trouble of ours.
fn is_callers_own(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset
    )
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::oneshot;

    use super::*;
    use crate::clock::SystemClock;

    const BOUNDS: Bounds = Bounds {
        head: Duration::from_millis(300),
        connections: 2,
        head_bytes: 8192,
        write: Duration::from_millis(300),
        grace: Duration::from_millis(300),
    };

    /// Runs `play` against a server with [`BOUNDS`], then stops it and waits for its end.
    async fn with_server<F: Future<Output = ()>>(play: impl FnOnce(std::net::SocketAddr) -> F) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new()
            .route("/", get(|| async { "well" }))
            .route("/long", get(|| async { "x".repeat(64 * 1024 * 1024) }));
        let (stop, stopped) = oneshot::channel::<()>();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let served = serve(listener, router, BOUNDS, clock, async move { drop(stopped.await) });
        let played = async move {
            play(address).await;
            drop(stop);
        };
        let both = futures::future::join(served, played);
        tokio::time::timeout(Duration::from_secs(20), both).await.expect("the server has to end");
    }

    async fn well(address: std::net::SocketAddr) -> bool {
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.is_ok() && answer.ends_with("well")
    }

    #[tokio::test]
    async fn whoever_does_not_end_a_head_is_left_and_makes_room_for_others() {
        with_server(|address| async move {
            let mut silent = TcpStream::connect(address).await.unwrap();
            let mut slow = TcpStream::connect(address).await.unwrap();
            slow.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nx-never").await.unwrap();
            // Both places are taken: this one waits until they are free again.
            assert!(well(address).await);
            let mut rest = Vec::new();
            for socket in [&mut silent, &mut slow] {
                drop(socket.read_to_end(&mut rest).await);
            }
            assert!(!String::from_utf8_lossy(&rest).contains("200 OK"));
        })
        .await;
    }

    #[tokio::test]
    async fn whoever_sends_a_long_head_or_does_not_read_is_left() {
        with_server(|address| async move {
            let mut long = TcpStream::connect(address).await.unwrap();
            let head = format!("GET / HTTP/1.1\r\nhost: x\r\nx-long: {}\r\n\r\n", "x".repeat(10_000));
            long.write_all(head.as_bytes()).await.unwrap();
            let mut answer = String::new();
            long.read_to_string(&mut answer).await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
            let mut deaf =
                [TcpStream::connect(address).await.unwrap(), TcpStream::connect(address).await.unwrap()];
            for socket in &mut deaf {
                socket.write_all(b"GET /long HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
            }
            // Both places are taken, and nobody reads: this one waits until they are free again.
            assert!(well(address).await);
        })
        .await;
    }

    #[tokio::test]
    async fn an_open_connection_does_not_keep_the_server_from_stopping() {
        let mut kept = None;
        with_server(|address| {
            let kept = &mut kept;
            async move {
                let mut socket = TcpStream::connect(address).await.unwrap();
                socket.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
                let mut answer = [0; 12];
                socket.read_exact(&mut answer).await.unwrap();
                assert_eq!(&answer, b"HTTP/1.1 200");
                *kept = Some(socket);
                assert!(well(address).await);
            }
        })
        .await;
        assert!(kept.is_some());
    }
}
