//! A person logs in once with a code, and the bridge goes on with what came of it, also after a restart.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use super::bridge::{Running, until};

const CODE: &str = "ABCD-EFGH";

/// A token server that gives another refresh token with each access token and takes the one before back, with
/// Partner Center's empty list of requests beside it.
struct Vendor {
    /// Serves until it is dropped.
    _runtime: Runtime,
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// How often it was asked whether the person is done.
    polls: usize,
    /// How many refresh tokens were given out.
    given: usize,
    refused: usize,
    /// The person says no.
    declines: bool,
    /// The bearer tokens of requests to the interface.
    bearers: Vec<String>,
}

impl Vendor {
    fn open() -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let state: Arc<Mutex<State>> = Arc::default();
        let shared = Arc::clone(&state);
        let router = Router::new().fallback(move |request: Request<Body>| {
            let state = Arc::clone(&shared);
            async move {
                let (parts, body) = request.into_parts();
                let body = to_bytes(body, 1 << 20).await.unwrap();
                let bearer = parts.headers.get("authorization").map(|value| value.to_str().unwrap());
                state.lock().unwrap().answer(parts.uri.path(), bearer.unwrap_or_default(), &body)
            }
        });
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        drop(runtime.spawn(async move { axum::serve(listener, router).await }));
        Self { _runtime: runtime, address, state }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// A bridge that knows this vendor only, with these lines in its table.
    fn bridge(&self, more: &str) -> Running {
        let address = self.address;
        let text = format!(
            "[bridge]\nhome = \"contoso\"\ndata = \"data\"\nlisten = \"127.0.0.1:0\"\n[parties.contoso]\n\
             [parties.vendor]\n[systems.vendor]\nparty = \"vendor\"\npoll = \"1s\"\n[systems.vendor.partner-center]\n\
             tenant = \"contoso\"\nclient_id = \"us\"\nurl = \"http://{address}/\"\n\
             token_url = \"http://{address}/oauth2/v2.0/token\"\n{more}"
        );
        Running::configured(&text, &[("given.token", "refresh-0")])
    }

    /// Waits until the interface is asked with a token of this turn.
    fn asked_with(&self, bearer: &str) {
        until("the interface is asked", || self.state().bearers.iter().any(|seen| seen == bearer));
    }
}

impl State {
    fn answer(&mut self, path: &str, bearer: &str, body: &[u8]) -> Response {
        let form: BTreeMap<String, String> = url::form_urlencoded::parse(body).into_owned().collect();
        let field = |name: &str| form.get(name).map(String::as_str);
        match (path, field("grant_type")) {
            ("/oauth2/v2.0/devicecode", _) if field("client_id") == Some("us") => answer(
                200,
                &json!({ "device_code": "device", "user_code": CODE, "verification_uri": "https://vendor.example/device",
                    "expires_in": 900, "interval": 1 }),
            ),
            (_, Some("urn:ietf:params:oauth:grant-type:device_code"))
                if field("device_code") == Some("device") =>
            {
                self.polls += 1;
                match self.polls {
                    1 => answer(400, &json!({ "error": "authorization_pending" })),
                    _ if self.declines => answer(400, &json!({ "error": "authorization_declined" })),
                    2 => answer(400, &json!({ "error": "slow_down" })),
                    _ => self.tokens(),
                }
            }
            (_, Some("refresh_token"))
                if field("refresh_token") == Some(&format!("refresh-{}", self.given)) =>
            {
                self.tokens()
            }
            ("/oauth2/v2.0/token", _) => {
                self.refused += 1;
                answer(400, &json!({ "error": "invalid_grant" }))
            }
            _ if bearer == format!("Bearer access-{}", self.given) => {
                self.bearers.push(bearer.to_owned());
                answer(200, &json!({ "totalCount": 0, "items": [] }))
            }
            _ => answer(401, &json!({ "code": 900_401, "description": "The token is invalid." })),
        }
    }

    fn tokens(&mut self) -> Response {
        self.given += 1;
        let access = format!("access-{}", self.given);
        answer(
            200,
            &json!({ "token_type": "Bearer", "expires_in": 3600, "access_token": access,
                "refresh_token": format!("refresh-{}", self.given) }),
        )
    }
}

fn answer(status: u16, body: &Value) -> Response {
    let fields = [("content-type", "application/json")];
    (StatusCode::from_u16(status).unwrap(), fields, body.to_string()).into_response()
}

#[test]
fn who_logged_in_once_stays_logged_in() {
    let vendor = Vendor::open();
    let mut bridge = vendor.bridge("");
    let check = bridge.command(&["check", "--online"]);
    assert_eq!(check.code, 1, "{check:?}");
    assert!(check.out.contains("throughline login"), "it says what to do: {check:?}");
    let login = bridge.command(&["login", "vendor"]);
    assert_eq!(login.code, 0, "{login:?}");
    assert!(login.out.contains(CODE) && login.out.contains("https://vendor.example/device"), "{login:?}");
    assert_eq!((vendor.state().polls, vendor.state().given), (3, 1), "pending, slow_down, done");
    // Each start takes the login up where the last one left it, whose token the server has taken back.
    for turn in 2..=4 {
        bridge.start();
        vendor.asked_with(&format!("Bearer access-{turn}"));
        if turn == 2 {
            let again = bridge.command(&["login", "vendor"]);
            assert_eq!(again.code, 1, "{again:?}");
            assert!(again.err.contains("another process owns"), "{again:?}");
            let check = bridge.command(&["check", "--online"]);
            assert!(check.code == 1 && check.out.contains("the daemon's"), "{check:?}");
        }
        bridge.kill();
    }
    assert_eq!(vendor.state().refused, 0, "{}", bridge.log());
    let export = bridge.command(&["ledger", "export"]);
    assert_eq!(export.code, 0, "{export:?}");
    assert!(!export.out.contains("refresh-"));
    assert!(!bridge.log().contains("refresh-"));
    nothing_says(&bridge.data(), b"refresh-");
}

#[test]
fn a_configured_token_is_followed_by_those_that_came_of_it() {
    let vendor = Vendor::open();
    let mut bridge = vendor.bridge("refresh_token = { file = \"given.token\" }\n");
    let login = bridge.command(&["login", "vendor"]);
    assert_eq!(login.code, 2, "{login:?}");
    assert!(login.err.contains("refresh_token"), "{login:?}");
    for turn in 1..=2 {
        bridge.start();
        vendor.asked_with(&format!("Bearer access-{turn}"));
        bridge.kill();
    }
    assert_eq!(vendor.state().refused, 0, "{}", bridge.log());
}

#[test]
fn a_login_that_comes_to_nothing_says_why() {
    let vendor = Vendor::open();
    vendor.state().declines = true;
    let bridge = vendor.bridge("");
    let declined = bridge.command(&["login", "vendor"]);
    assert_eq!(declined.code, 1, "{declined:?}");
    assert!(declined.err.contains("nobody is logged in to vendor: ") && declined.err.contains("declined"));
    let unknown = bridge.command(&["login", "vendr"]);
    assert_eq!(unknown.code, 2, "{unknown:?}");
    assert!(unknown.err.contains("vendor"), "{unknown:?}");
    assert!(!bridge.data().join("logins/vendor").exists());
}

/// No file of this folder holds these bytes.
fn nothing_says(folder: &Path, bytes: &[u8]) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            nothing_says(&path, bytes);
            continue;
        }
        let found = fs::read(&path).unwrap().windows(bytes.len()).any(|window| window == bytes);
        assert!(!found, "{} holds a token", path.display());
    }
}
