//! Rotating refresh tokens: one request for a token at a time, no refresh token twice, and no secret in words.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use futures::future::join_all;
use http::StatusCode;
use serde_json::{Value, json};
use throughline_sdk::http::Transport;
use throughline_sdk::{Built, Clock, Ctx, ErrorKind, TookEffect, Urgency};
use throughline_testkit::{Fault, Faulty, ManualClock, MemoryBlobs, RouterTransport};

use crate::subject::{built, manifest};

const LIFE: u64 = 300;

/// A token server as django-oauth-toolkit is one: a refresh ends the old access token, and a refresh token that comes a
/// second time ends them all.
#[derive(Clone, Debug)]
struct Server {
    clock: ManualClock,
    state: Arc<Mutex<Issued>>,
}

#[derive(Debug, Default)]
struct Issued {
    grants: Vec<String>,
    access: Option<(String, Duration)>,
    refresh: Vec<String>,
    reused: bool,
    refuses: bool,
}

async fn answer(State(server): State<Server>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let now = server.clock.monotonic();
    // Others ask meanwhile.
    tokio::task::yield_now().await;
    let json = |status: StatusCode, body: Value| {
        let answer = Response::builder().status(status).header("content-type", "application/json");
        answer.body(Body::from(body.to_string())).unwrap()
    };
    let mut state = server.state.lock().unwrap();
    let shown = parts.headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if parts.uri.path() != "/token" {
        let good = state
            .access
            .as_ref()
            .is_some_and(|(token, end)| shown == format!("Bearer {token}") && now < *end);
        return match good {
            true => json(StatusCode::OK, json!({ "name": "Throughline" })),
            false => {
                json(StatusCode::UNAUTHORIZED, json!({ "error": { "text": format!("no session {shown}") } }))
            }
        };
    }
    let form: std::collections::HashMap<_, _> = url::form_urlencoded::parse(&body).into_owned().collect();
    // client:client-secret-5c, in base 64.
    if shown != "Basic Y2xpZW50OmNsaWVudC1zZWNyZXQtNWM=" {
        return json(StatusCode::UNAUTHORIZED, json!({ "error": "invalid_client" }));
    }
    state.grants.push(form["grant_type"].clone());
    let good = match form["grant_type"].as_str() {
        _ if state.refuses => false,
        "password" => form["username"] == "throughline" && form["password"] == crate::desk::TOKEN,
        _ => {
            let known = state.refresh.iter().position(|known| *known == form["refresh_token"]);
            if known.is_some_and(|at| at + 1 < state.refresh.len()) {
                state.reused = true;
                state.access = None;
            }
            known.is_some_and(|at| at + 1 == state.refresh.len()) && !state.reused
        }
    };
    if !good {
        let echo = format!("you sent {}", form.get("password").cloned().unwrap_or_default());
        return json(StatusCode::BAD_REQUEST, json!({ "error": "invalid_grant", "error_description": echo }));
    }
    let (access, refresh) =
        (format!("access-{}", state.grants.len()), format!("refresh-{}", state.grants.len()));
    state.access = Some((access.clone(), now + Duration::from_secs(LIFE)));
    state.refresh.push(refresh.clone());
    json(
        StatusCode::OK,
        json!({ "access_token": access, "refresh_token": refresh, "expires_in": LIFE, "token_type": "Bearer" }),
    )
}

struct Bench {
    server: Server,
    transport: Faulty,
    built: Built,
}

impl Bench {
    fn new() -> Self {
        let clock = ManualClock::new();
        let server = Server { clock: clock.clone(), state: Arc::default() };
        let router = Router::new().fallback(answer).with_state(server.clone());
        let transport = Faulty::new(Arc::new(RouterTransport(router)), Arc::new(clock));
        let text = manifest(&[("[authentication.bearer]", "[authentication.password]\ntoken = \"token\"")]);
        Self { server, transport, built: built(&text) }
    }

    fn ctx(&self) -> Ctx {
        let http: Arc<dyn Transport> = Arc::new(self.transport.clone());
        Ctx {
            dial: Arc::new(throughline_sdk::NoDial),
            http,
            clock: Arc::new(self.server.clock.clone()),
            blobs: Arc::new(MemoryBlobs::default()),
            deadline: self.server.clock.monotonic() + Duration::from_secs(20),
            urgency: Urgency(0),
            trace: [7; 16],
        }
    }

    async fn probe(&self) -> throughline_sdk::Result<String> {
        self.built.connector.probe(&self.ctx()).await.map(|identity| identity.account)
    }

    fn grants(&self) -> Vec<String> {
        self.server.state.lock().unwrap().grants.clone()
    }

    fn reused(&self) -> bool {
        self.server.state.lock().unwrap().reused
    }
}

#[tokio::test]
async fn one_request_gets_the_token_for_all() {
    let bench = Bench::new();
    let all = join_all((0..10).map(|_| bench.probe())).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert_eq!(bench.grants(), ["password"]);
    // Renewed shortly before its end, again by one.
    bench.server.clock.advance(Duration::from_secs(LIFE - 30));
    let all = join_all((0..10).map(|_| bench.probe())).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert_eq!(bench.grants(), ["password", "refresh_token"]);
    assert!(!bench.reused());
}

#[tokio::test]
async fn a_refresh_whose_answer_is_lost_is_not_sent_again() {
    let bench = Bench::new();
    bench.probe().await.unwrap();
    bench.server.clock.advance(Duration::from_secs(LIFE));
    bench.transport.next(Fault::DropReply);
    let error = bench.probe().await.unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Unavailable, TookEffect::No), "{error}");
    assert_eq!(bench.probe().await.unwrap(), "Throughline");
    assert_eq!(bench.grants(), ["password", "refresh_token", "password"]);
    assert!(!bench.reused());
}

#[tokio::test]
async fn a_session_that_ends_early_is_begun_again() {
    let bench = Bench::new();
    bench.probe().await.unwrap();
    bench.server.state.lock().unwrap().access = None;
    bench.probe().await.unwrap();
    assert_eq!(bench.grants(), ["password", "refresh_token"]);
    // All at once: who was refused for an old token takes the new one and asks for none.
    bench.server.state.lock().unwrap().access = None;
    let all = join_all((0..10).map(|_| bench.probe())).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert_eq!(bench.grants().len(), 3);
    // Neither is good any more: the account logs in anew.
    {
        let mut state = bench.server.state.lock().unwrap();
        state.access = None;
        state.refresh.push("another's".to_owned());
    }
    bench.probe().await.unwrap();
    assert_eq!(bench.grants()[3..], ["refresh_token", "password"]);
}

#[tokio::test]
async fn a_refused_account_is_told_and_not_quoted() {
    let bench = Bench::new();
    bench.server.state.lock().unwrap().refuses = true;
    let all = join_all((0..5).map(|_| bench.probe())).await;
    for error in all.into_iter().map(Result::unwrap_err) {
        assert_eq!(
            (error.kind(), error.took_effect()),
            (ErrorKind::Unauthenticated, TookEffect::No),
            "{error}"
        );
        assert!(error.message().contains("check user, secret, client_id and client_secret"), "{error}");
        let shown = format!("{error} {error:?} {:?}", bench.built.connector);
        for secret in [crate::desk::TOKEN, "client-secret-5c", "access-", "refresh-"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
    assert_eq!(bench.grants(), ["password"], "those who waited took the one answer");
    bench.server.state.lock().unwrap().refuses = false;
    bench.probe().await.unwrap();
}

#[tokio::test]
async fn words_that_quote_a_token_lose_it() {
    let bench = Bench::new();
    bench.probe().await.unwrap();
    // The desk refuses whatever is shown, and says what that was.
    bench.server.state.lock().unwrap().access = Some(("other".to_owned(), Duration::MAX));
    bench.transport.next(Fault::Delay(Duration::ZERO));
    bench.transport.next(Fault::Answer(500));
    let error = bench.probe().await.unwrap_err();
    assert!(!error.to_string().contains("access-"), "{error}");
}
