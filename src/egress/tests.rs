//! The way out against servers that misbehave, on loopback, which the policy of these tests opens.

use http::{HeaderMap, Method};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::*;
use crate::clock::SystemClock;
use throughline_sdk::Urgency;
use throughline_testkit::clock::ManualClock;

/// A server that reads requests and answers the n-th of all from a list; past its end, and after an answer that
/// says so, it hangs up.
struct Server {
    url: Url,
    seen: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    #[expect(clippy::disallowed_methods, reason = "the server of a test ends with it")]
    async fn start(answers: &[String]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
        let (seen, connections) = (Arc::<Mutex<Vec<String>>>::default(), Arc::<AtomicUsize>::default());
        let (log, count, answers) = (Arc::clone(&seen), Arc::clone(&connections), answers.to_vec());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                serve(stream, &log, &answers).await;
            }
        });
        Self { url, seen, connections, task }
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, log: &Mutex<Vec<String>>, answers: &[String]) {
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut buffer).await {
        let index = {
            let mut log = log.lock().unwrap();
            log.push(String::from_utf8_lossy(&buffer[..read]).into_owned());
            log.len() - 1
        };
        let Some(answer) = answers.get(index) else { return };
        let sent = stream.write_all(answer.as_bytes()).await;
        if sent.is_err() || answer.contains("connection: close") {
            return;
        }
    }
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

fn redirect(to: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n")
}

fn egress() -> Arc<dyn Transport> {
    let policy = AddressPolicy { loopback: true, ..AddressPolicy::default() };
    Egress::new(policy, Arc::new(SystemClock::new())).unwrap()
}

fn request(method: Method, url: &Url) -> Request {
    let mut headers = HeaderMap::new();
    let mut key = HeaderValue::from_static("secret-key");
    key.set_sensitive(true);
    headers.insert("x-api-key", key);
    Request {
        method,
        url: url.clone(),
        headers,
        body: Bytes::new(),
        deadline: Duration::from_secs(20),
        urgency: Urgency(0),
        trace: [1; 16],
        max_answer_bytes: 1000,
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_nobody_is_asked_behind_it() {
    let other = Server::start(&[ok("there")]).await;
    for target in ["/here", other.url.as_str(), "http://169.254.169.254/latest", "ftp://127.0.0.1/"] {
        for method in [Method::GET, Method::POST] {
            let server = Server::start(&[redirect(target)]).await;
            let response = egress().send(request(method, &server.url)).await.unwrap();
            assert_eq!(response.status, StatusCode::FOUND);
            assert_eq!(response.headers[header::LOCATION], target);
            assert_eq!((server.seen().len(), other.seen().len()), (1, 0));
        }
    }
}

#[tokio::test]
async fn what_lies_behind_a_redirect_is_checked_like_any_address() {
    let policy = AddressPolicy::of_system(&"https://desk.example/".parse().unwrap(), Vec::new());
    let egress = Egress::new(policy, Arc::new(SystemClock::new())).unwrap();
    for target in
        ["https://169.254.169.254/", "https://0xa9fea9fe/", "https://10.0.0.1/", "https://localhost/"]
    {
        let error = egress.send(request(Method::GET, &target.parse().unwrap())).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured, "{target}: {error}");
    }
}

#[tokio::test]
async fn an_answer_too_large_is_cut_off() {
    for head in ["content-length: 1001", "connection: close"] {
        let answer = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{}", "x".repeat(1001));
        let server = Server::start(&[answer]).await;
        let error = egress().send(request(Method::GET, &server.url)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Rejected);
    }
}

#[tokio::test]
async fn nothing_is_unpacked_so_that_a_small_answer_stays_small() {
    let packed = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 6\r\n\r\npacked";
    let server = Server::start(&[packed.to_owned()]).await;
    let response = egress().send(request(Method::GET, &server.url)).await.unwrap();
    assert_eq!(response.body, "packed");
    assert!(server.seen()[0].contains("accept-encoding: identity"), "{}", server.seen()[0]);
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_request_leaves_a_write_in_doubt() {
    for (method, effect) in [(Method::POST, TookEffect::Unknown), (Method::GET, TookEffect::No)] {
        for answers in
            [vec![], vec!["HTTP/1.1 200 OK\r\ncontent-length: 9\r\nconnection: close\r\n\r\n".to_owned()]]
        {
            let server = Server::start(&answers).await;
            let error = egress().send(request(method.clone(), &server.url)).await.unwrap_err();
            assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Unavailable, effect));
            assert_eq!(server.seen().len(), 1);
        }
    }
}

#[tokio::test]
async fn a_write_on_a_reused_connection_that_breaks_is_sent_once() {
    let server = Server::start(&[ok("first")]).await;
    let egress = egress();
    egress.send(request(Method::POST, &server.url)).await.unwrap();
    let error = egress.send(request(Method::POST, &server.url)).await.unwrap_err();
    assert_eq!(error.took_effect(), TookEffect::Unknown);
    assert_eq!(server.seen().len(), 2, "one request, one arrival");
    assert_eq!(server.connections.load(Ordering::SeqCst), 1, "and the connection was reused");
}

#[tokio::test]
async fn without_a_connection_nothing_took_effect() {
    let gone = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}/?token=hidden", listener.local_addr().unwrap()).parse().unwrap()
    };
    let error = egress().send(request(Method::POST, &gone)).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Unavailable, TookEffect::No));
    assert!(!error.to_string().contains("hidden"));
}

#[tokio::test]
async fn a_name_that_leads_inside_is_refused_when_it_is_resolved() {
    let policy = AddressPolicy { plain_http: true, ..AddressPolicy::default() };
    let egress = Egress::new(policy, Arc::new(SystemClock::new())).unwrap();
    let url = "http://localhost:9/".parse().unwrap();
    let error = egress.send(request(Method::POST, &url)).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Misconfigured, TookEffect::No));
}

#[tokio::test]
async fn nothing_is_sent_after_the_deadline() {
    let server = Server::start(&[ok("late")]).await;
    let mut late = request(Method::POST, &server.url);
    late.deadline = Duration::ZERO;
    let error = egress().send(late).await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Unavailable, TookEffect::No));
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn an_answer_that_hangs_ends_at_the_deadline_and_leaves_a_write_in_doubt() {
    let server = Server::start(&["HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n".to_owned()]).await;
    let clock = Arc::new(ManualClock::new());
    let policy = AddressPolicy { loopback: true, ..AddressPolicy::default() };
    let time: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
    let egress = Egress::new(policy, time).unwrap();
    let mut sending = egress.send(request(Method::POST, &server.url));
    while server.seen().is_empty() {
        assert!(futures::poll!(&mut sending).is_pending());
        tokio::task::yield_now().await;
    }
    clock.advance(Duration::from_secs(20));
    let error = sending.await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Unavailable, TookEffect::Unknown));
}
