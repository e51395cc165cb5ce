//! Each way in which the desk misbehaves, and that a seed decides how often.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt, ready};
use http::{HeaderMap, Method, Request, StatusCode, header};
use serde_json::{Value, json};
use throughline_practice::desk::{Desk, Faults, Patch, Registration, Settings, deliver_pending};
use throughline_sdk::http::{Request as Posted, Response, Transport};
use throughline_sdk::{Clock, Result};
use throughline_testkit::ManualClock;
use tower::ServiceExt;

use crate::subject::TOKEN;

struct Stand {
    desk: Desk,
    clock: ManualClock,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    /// `None` where it broke off.
    body: Option<Bytes>,
}

impl Answer {
    fn json(&self) -> Option<Value> {
        serde_json::from_slice(self.body.as_ref()?).ok()
    }
}

impl Stand {
    fn new(faults: Faults) -> Self {
        Self::seeded(faults, 1)
    }

    fn seeded(faults: Faults, seed: u64) -> Self {
        let clock = ManualClock::new();
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let desk = Desk::new(Settings { seed, ..Settings::new("vendor", "Vendor support", TOKEN, shared) });
        // A ticket that is there before anything goes wrong.
        let title = Some("first".to_owned());
        desk.create("Ada", Patch { title, ..Patch::default() }).unwrap();
        desk.set_faults(faults);
        Self { desk, clock }
    }

    async fn call(&self, method: Method, path: &str, body: &Value) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {TOKEN}"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))
            .unwrap();
        let (parts, body) = self.desk.router().oneshot(request).await.unwrap().into_parts();
        let body = to_bytes(body, 1 << 20).await.ok();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    async fn comment(&self) -> Answer {
        let comment = json!({ "body": "Hello\t there \n\n", "internal": false, "marker": "m" });
        self.call(Method::POST, "/api/tickets/1/comments", &comment).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, &Value::Null).await
    }

    fn comments(&self) -> Vec<String> {
        let snapshot = self.desk.snapshot();
        snapshot.ticket(1).unwrap().comments.iter().map(|comment| comment.body.clone()).collect()
    }
}

#[tokio::test]
async fn without_faults_it_does_what_it_is_told() {
    let stand = Stand::new(Faults::default());
    let answer = stand.comment().await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.json().unwrap()["ticket"]["comments"][0]["body"], "Hello\t there \n\n");
    assert_eq!(stand.comments(), ["Hello\t there \n\n"]);
}

#[tokio::test]
async fn a_dropped_reply_breaks_off_and_the_write_is_done() {
    let stand = Stand::new(Faults { drop_reply: 100, ..Faults::default() });
    assert!(stand.comment().await.body.is_none());
    assert_eq!(stand.comments().len(), 1);
}

#[tokio::test]
async fn a_refusal_for_the_rate_says_how_long_and_does_nothing() {
    let seconds = Duration::from_secs(9);
    let stand = Stand::new(Faults { rate_limit: 100, retry_after: seconds, ..Faults::default() });
    let answer = stand.comment().await;
    assert_eq!(
        (answer.status, &answer.headers[header::RETRY_AFTER]),
        (StatusCode::TOO_MANY_REQUESTS, &"9".parse().unwrap())
    );
    assert!(stand.comments().is_empty());
}

#[tokio::test]
async fn a_failed_gateway_hides_whether_it_was_done() {
    let stand = Stand::new(Faults { unavailable: 100, ..Faults::default() });
    for _ in 0..40 {
        assert_eq!(stand.comment().await.status, StatusCode::SERVICE_UNAVAILABLE);
    }
    let done = stand.comments().len();
    assert!((5..36).contains(&done), "{done} of 40 were done");
}

#[tokio::test]
async fn a_truncated_answer_is_no_json_and_the_write_is_done() {
    let stand = Stand::new(Faults { truncate: 100, ..Faults::default() });
    let answer = stand.comment().await;
    assert!(answer.status.is_success() && answer.body.is_some() && answer.json().is_none());
    assert_eq!(stand.comments().len(), 1);
}

#[tokio::test]
async fn an_ignored_change_is_answered_with_success() {
    let stand = Stand::new(Faults { ignore_write: 100, ..Faults::default() });
    let answer = stand.call(Method::PATCH, "/api/tickets/1", &json!({ "title": "second" })).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(stand.desk.snapshot().ticket(1).unwrap().title, "first");
}

#[tokio::test]
async fn search_and_feed_lag_behind() {
    let lag = Duration::from_secs(5);
    let stand = Stand::new(Faults { find_lag: lag, feed_lag: lag, ..Faults::default() });
    stand.comment().await;
    let seen = async || {
        let found = stand.get("/api/find?marker=m").await.json().unwrap()["found"].as_array().unwrap().len();
        let changes =
            stand.get("/api/changes?after=1").await.json().unwrap()["changes"].as_array().unwrap().len();
        (found, changes)
    };
    assert_eq!(seen().await, (0, 0));
    stand.clock.advance(lag);
    assert_eq!(seen().await, (1, 1));
}

#[tokio::test]
async fn text_is_normalised_and_the_clock_is_coarse() {
    let stand = Stand::new(Faults { normalise_text: true, coarse_clock: true, ..Faults::default() });
    stand.clock.advance(Duration::from_millis(1900));
    let answer = stand.comment().await.json().unwrap();
    assert_eq!(answer["ticket"]["comments"][0]["body"], "Hello there");
    assert_eq!(answer["ticket"]["updated"], "2026-01-01T00:00:01Z");
}

#[tokio::test]
async fn a_refused_step_is_told_in_words() {
    let step = ("New".to_owned(), "Closed".to_owned());
    let stand = Stand::new(Faults { refused_transitions: vec![step], ..Faults::default() });
    let answer = stand.call(Method::PATCH, "/api/tickets/1", &json!({ "status": "Closed" })).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(answer.json().unwrap()["error"], "a ticket does not go from New to Closed here");
}

#[tokio::test]
async fn a_stale_version_is_refused_and_an_old_key_makes_nothing_new() {
    let stand = Stand::new(Faults::default());
    let request = |name: &str, value: &str, method: &str, path: &str, body: &str| {
        Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {TOKEN}"))
            .header(header::CONTENT_TYPE, "application/json")
            .header(name, value)
            .body(Body::from(body.to_owned()))
            .unwrap()
    };
    let stale = request("if-match", "\"0\"", "PATCH", "/api/tickets/1", r#"{"title":"late"}"#);
    let answer = stand.desk.router().oneshot(stale).await.unwrap();
    assert_eq!(answer.status(), StatusCode::PRECONDITION_FAILED);
    for _ in 0..2 {
        let body = r#"{"ticket":{"title":"once"},"marker":null}"#;
        let once = request("idempotency-key", "k", "POST", "/api/tickets", body);
        assert_eq!(stand.desk.router().oneshot(once).await.unwrap().status(), StatusCode::OK);
    }
    assert_eq!(stand.desk.snapshot().tickets.len(), 2);
}

/// The titles of the tickets that are announced, after three changes.
fn announced(faults: Faults) -> Vec<String> {
    let stand = Stand::new(faults);
    stand.desk.register(Registration {
        url: "http://bridge.test/webhooks/vendor".parse().unwrap(),
        secret: "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=".into(),
        internal_comments: false,
    });
    for title in ["one", "two", "three"] {
        stand.desk.set_field("Ada", 1, "title", title).unwrap();
    }
    // Not for this registration.
    stand.desk.comment("Ada", 1, "for staff", true).unwrap();
    let box_ = Letters::default();
    deliver_pending(&stand.desk, &box_).now_or_never().expect("a box takes at once");
    let letters = box_.0.lock().unwrap();
    let title = |body: &Bytes| serde_json::from_slice::<Value>(body).unwrap()["ticket"]["title"].clone();
    letters.iter().map(|letter| title(&letter.body).as_str().unwrap().to_owned()).collect()
}

#[derive(Debug, Default)]
struct Letters(Mutex<Vec<Posted>>);

impl Transport for Letters {
    fn send(&self, request: Posted) -> BoxFuture<'_, Result<Response>> {
        self.0.lock().unwrap().push(request);
        let (status, headers) = (StatusCode::OK, HeaderMap::new());
        ready(Ok(Response { status, headers, body: Bytes::new() })).boxed()
    }
}

#[test]
fn webhooks_are_lost_doubled_and_reordered() {
    assert_eq!(announced(Faults::default()), ["one", "two", "three"]);
    assert!(announced(Faults { lose_webhook: 100, ..Faults::default() }).is_empty());
    let doubled = announced(Faults { double_webhook: 100, ..Faults::default() });
    assert_eq!(doubled, ["one", "one", "two", "two", "three", "three"]);
    let reordered = announced(Faults { reorder_webhook: 100, ..Faults::default() });
    assert_eq!(reordered, ["two", "three", "one"]);
}

#[tokio::test]
async fn the_seed_decides_what_goes_wrong() {
    let fates = async |seed| {
        let stand = Stand::seeded(Faults { rate_limit: 30, unavailable: 30, ..Faults::default() }, seed);
        let mut fates = Vec::new();
        for _ in 0..30 {
            fates.push(stand.comment().await.status.as_u16());
        }
        fates
    };
    assert_eq!(fates(7).await, fates(7).await);
    assert_ne!(fates(7).await, fates(8).await);
}
