//! Every route times everybody: the routes from the list that the router is made of, what is expected from the right
//! that each of them asks for.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use chrono::TimeDelta;
use futures::future::BoxFuture;
use throughline_sdk::{Clock, SystemName, Timestamp};
use tower::ServiceExt as _;

use super::routes::Route;
use crate::case::{Case, CaseId, Fact, PartyName, Role as LegRole, Who};
use crate::clock::SystemClock;
use crate::daemon::Bridge;
use crate::daemon::bare::Bare;
use crate::identity::{self, Change, Identity, NewAccount, NewToken, RightName, Role, Settings};
use crate::ledger::{Entry, Journal};

const ORIGIN: &str = "http://127.0.0.1";
const PASSWORD: &str = "several words make a good one";

/// A clock whose days a test turns.
#[derive(Debug)]
struct Turned {
    clock: SystemClock,
    hours: AtomicI64,
}

impl Clock for Turned {
    fn now(&self) -> Timestamp {
        self.clock.now() + TimeDelta::hours(self.hours.load(Ordering::Relaxed))
    }

    fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.clock.sleep(duration)
    }
}

/// A bridge with one case of `fabrikam`, and everybody who may ask.
struct House {
    router: Router,
    tokens: BTreeMap<&'static str, String>,
    /// A session of an admin.
    session: String,
    /// A session of somebody who was disabled since.
    disabled: String,
}

#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl House {
    async fn build() -> Self {
        let clock = Arc::new(Turned { clock: SystemClock::new(), hours: AtomicI64::new(0) });
        let shared: Arc<dyn Clock> = Arc::<Turned>::clone(&clock);
        let bare = Bare::new(shared);
        let journal = journal(&bare).await;
        let parties = ["contoso", "fabrikam", "adatum"].map(|party| PartyName(party.to_owned()));
        let settings = Settings { parties: Some(parties.into()), ..Settings::default() };
        let identity = bare.identity(journal.clone(), settings);
        let guest = |party: &str| Role::Guest(PartyName(party.to_owned()));
        let mut tokens = BTreeMap::new();
        let later = clock.now() + TimeDelta::hours(1);
        tokens.insert("expired", token(&identity, "expired", Role::Admin, None, Some(later)).await);
        clock.hours.store(2, Ordering::Relaxed);
        for (name, role) in [
            ("guest of the case", guest("fabrikam")),
            ("guest of another party", guest("adatum")),
            ("agent", Role::Agent),
            ("auditor", Role::Auditor),
            ("admin", Role::Admin),
        ] {
            tokens.insert(name, token(&identity, name, role, None, None).await);
        }
        let looks = Some(vec![RightName::Look]);
        tokens.insert("admin who only looks", token(&identity, "narrow", Role::Admin, looks, None).await);
        let session = session(&identity, "alex").await;
        let disabled = self::session(&identity, "kim").await;
        identity.change(&Who::command_line(), "kim", Change::Disable).await.unwrap();
        let router = super::router(Bridge::start(bare.parts(journal)).await.unwrap(), identity);
        Self { router, tokens, session, disabled }
    }

    async fn ask(&self, method: &Method, path: &str, fields: &[(&str, String)], body: &str) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, "127.0.0.1");
        for (name, value) in fields {
            request = request.header(*name, value);
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        // What never ends is only looked at.
        let endless = headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream");
        let body = match endless {
            true => String::new(),
            false => {
                let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
                String::from_utf8(bytes.to_vec()).unwrap()
            }
        };
        Answer { status, headers, body }
    }

    async fn bear(&self, who: &str, route: &Route, name: &str) -> Answer {
        let bearer = ("authorization", format!("Bearer {}", self.tokens[who]));
        self.ask(&route.method, &filled(route, name), &[bearer], "").await
    }
}

async fn journal(bare: &Bare) -> Journal {
    let journal = bare.journal().await;
    let at = SystemClock::new().now();
    let joined = |leg: &str, party: &str, role| Fact::Joined {
        leg: SystemName::new(leg),
        party: PartyName(party.to_owned()),
        role,
        agreement: None,
        version: None,
    };
    let facts = vec![
        Fact::Opened,
        joined("helpdesk", "contoso", LegRole::Home),
        joined("desk", "fabrikam", LegRole::Counterpart),
    ];
    let mut case = Case::new(journal.next_case(), at);
    assert_eq!(case.id, CaseId(1));
    for fact in &facts {
        case.apply(fact, at);
    }
    journal.commit(Entry { at, case: Some(case), facts }).await.unwrap();
    journal
}

async fn token(
    identity: &Identity,
    name: &str,
    role: Role,
    rights: Option<Vec<RightName>>,
    until: Option<Timestamp>,
) -> String {
    let new = NewToken { name: name.to_owned(), role, rights, until };
    let (_, secret) = identity.issue(&Who::command_line(), new).await.unwrap();
    secret.show().to_owned()
}

async fn session(identity: &Identity, name: &str) -> String {
    let new = NewAccount { name: name.to_owned(), role: Role::Admin, password: PASSWORD.into() };
    identity.add(&Who::command_line(), new).await.unwrap();
    let from = std::net::Ipv4Addr::LOCALHOST.into();
    identity.log_in(name, &PASSWORD.into(), from).await.unwrap().show().to_owned()
}

/// The address of a route, with this in the place of every name in it.
fn filled(route: &Route, name: &str) -> String {
    let parts = route.path.split('/').map(|part| if part.starts_with('{') { name } else { part });
    parts.collect::<Vec<_>>().join("/")
}

fn routes() -> Vec<Route> {
    let routes = super::routes().list().to_vec();
    assert!(routes.len() > 30, "{routes:?}");
    routes
}

fn is_page(route: &Route) -> bool {
    !route.path.starts_with("/api/")
}

/// What everybody is told who is not known.
fn is_unknown(route: &Route, answer: &Answer) -> bool {
    let location = answer.headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
    match is_page(route) {
        true => {
            answer.status == StatusCode::SEE_OTHER
                && location.unwrap_or_default().starts_with("/console/login")
        }
        false => answer.status == StatusCode::UNAUTHORIZED,
    }
}

#[tokio::test]
async fn every_route_lets_in_whoever_has_the_right_that_it_asks_for_and_nobody_else() {
    let house = House::build().await;
    let has = |who: &str, right: RightName| match who {
        "expired" => None,
        "admin who only looks" => Some(right == RightName::Look),
        "agent" => Some(right.is_of(&Role::Agent)),
        "auditor" => Some(right.is_of(&Role::Auditor)),
        "admin" => Some(right.is_of(&Role::Admin)),
        _ => Some(matches!(right, RightName::Visit | RightName::Prove)),
    };
    let mut wrong = Vec::new();
    for route in routes() {
        let Some(right) = route.asks else {
            let answer = house.ask(&route.method, &filled(&route, "x"), &[], "").await;
            let known = answer.status == StatusCode::UNAUTHORIZED || answer.status.is_server_error();
            wrong.extend(known.then(|| format!("{route:?} is open to everybody: {answer:?}")));
            continue;
        };
        for who in house.tokens.keys() {
            let answer = house.bear(who, &route, "TL-999").await;
            let as_expected = match has(who, right) {
                None => is_unknown(&route, &answer),
                Some(false) => answer.status == StatusCode::FORBIDDEN,
                Some(true) => {
                    let refused = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&answer.status);
                    !refused && !answer.status.is_server_error() && !is_refused(&route, &answer)
                }
            };
            wrong.extend((!as_expected).then(|| format!("{who}: {route:?}: {answer:?}")));
        }
        let path = filled(&route, "TL-999");
        for cookie in
            [None, Some("throughline=guessed".to_owned()), Some(format!("throughline={}", house.disabled))]
        {
            let fields: Vec<_> = cookie.into_iter().map(|cookie| ("cookie", cookie)).collect();
            let answer = house.ask(&route.method, &path, &fields, "").await;
            wrong
                .extend((!is_unknown(&route, &answer)).then(|| format!("{fields:?}: {route:?}: {answer:?}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whoever may leave is led to the login page, too; nobody else who may.
fn is_refused(route: &Route, answer: &Answer) -> bool {
    is_page(route) && route.path != "/console/logout" && is_unknown(route, answer)
}

#[tokio::test]
async fn a_guest_cannot_tell_whether_a_case_of_others_exists() {
    let house = House::build().await;
    let mut wrong = Vec::new();
    let named: Vec<Route> =
        routes().into_iter().filter(|route| route.path.contains('{') && route.asks.is_some()).collect();
    assert!(named.len() > 10, "{named:?}");
    for route in named {
        let mut answers = Vec::new();
        for name in ["TL-1", "TL-9"] {
            let answer = house.bear("guest of another party", &route, name).await;
            let mut fields: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
            fields.sort();
            answers.push((answer.status, fields, answer.body.replace(name, "NAME")));
        }
        wrong.extend((answers[0] != answers[1]).then(|| format!("{route:?}: {answers:?}")));
        let served = answers[0].0.is_success();
        wrong.extend(served.then(|| format!("{route:?} serves a guest of another party: {answers:?}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn nothing_changes_by_a_cookie_that_another_site_made_its_browser_send() {
    let house = House::build().await;
    let token = identity::csrf(&house.session);
    let cookie = || ("cookie", format!("throughline={}", house.session));
    let kind = || ("content-type", "application/x-www-form-urlencoded".to_owned());
    let origin = |origin: &str| ("origin", origin.to_owned());
    let form = format!("csrf={token}");
    let mut wrong = Vec::new();
    let unsafe_routes: Vec<Route> =
        routes().into_iter().filter(|route| !route.method.is_safe() && route.asks.is_some()).collect();
    assert!(unsafe_routes.len() > 15, "{unsafe_routes:?}");
    // Leaving ends the session with which all the others are asked.
    for route in unsafe_routes.into_iter().filter(|route| route.path != "/console/logout") {
        let path = filled(&route, "TL-999");
        for (fields, body, expected) in [
            (vec![cookie(), kind()], form.as_str(), true),
            (vec![cookie(), kind(), origin("http://evil.example")], &form, true),
            (vec![cookie(), kind(), origin("null")], &form, true),
            (vec![cookie(), kind(), origin(ORIGIN)], "csrf=guessed", true),
            (vec![cookie(), kind(), origin(ORIGIN)], "", true),
            (vec![cookie(), kind(), origin(ORIGIN), ("x-csrf-token", "guessed".to_owned())], &form, true),
            (vec![cookie(), kind(), origin(ORIGIN)], &form, false),
            (vec![cookie(), origin(ORIGIN), ("x-csrf-token", token.clone())], "", false),
        ] {
            let answer = house.ask(&route.method, &path, &fields, body).await;
            let refused = answer.status == StatusCode::FORBIDDEN;
            wrong.extend((refused != expected).then(|| format!("{route:?} {fields:?} {body}: {answer:?}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn who_looked_is_told_to_auditors_once_within_a_few_minutes() {
    let house = House::build().await;
    let get = async |who: &str, path: &str| {
        let bearer = ("authorization", format!("Bearer {}", house.tokens[who]));
        house.ask(&Method::GET, path, &[bearer], "").await
    };
    for who in ["agent", "agent", "admin"] {
        for path in ["/api/v1/cases/TL-1", "/api/v1/trace/TL-1"] {
            assert_eq!(get(who, path).await.status, StatusCode::OK);
        }
    }
    assert_eq!(get("agent", "/api/v1/cases/TL-9").await.status, StatusCode::NOT_FOUND);
    let told: serde_json::Value =
        serde_json::from_str(&get("auditor", "/api/v1/looked?case=TL-1").await.body).unwrap();
    let lines = told["items"].as_array().unwrap();
    let line = |line: &serde_json::Value| {
        [&line["name"], &line["what"]].map(|word| word.as_str().unwrap().to_owned())
    };
    let expected = [["admin", "trace"], ["admin", "case"], ["agent", "trace"], ["agent", "case"]];
    assert_eq!(lines.iter().map(line).collect::<Vec<_>>(), expected);
    let mut address = "/api/v1/looked?limit=2".to_owned();
    for half in expected.chunks(2) {
        let page: serde_json::Value = serde_json::from_str(&get("auditor", &address).await.body).unwrap();
        assert_eq!(page["items"].as_array().unwrap().iter().map(line).collect::<Vec<_>>(), half);
        address = format!("/api/v1/looked?limit=2&cursor={}", page["next"].as_str().unwrap_or_default());
    }
}
