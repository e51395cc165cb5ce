//! Azure Support as its documentation and recorded answers describe it, in raw JSON and as hostile as they allow.
//!
//! What is asynchronous takes some seconds, in which nothing can be read; lists lag, are in no useful order and short;
//! words are capitalised where the documentation has them small; a change passes through `Updating`; a message is no
//! modification of its ticket; the refusals behind the Resource Manager have another shape than its own.
//!
//! Sources: the published specification (2026-06-01), the asynchronous operations and throttling pages of the Resource
//! Manager, and the answers recorded for the tests of Microsoft's command line
//! (<https://github.com/Azure/azure-cli-extensions/tree/main/src/support/azext_support/tests/latest/recordings>).

mod catalogue;
mod files;
mod messages;
mod tickets;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use serde_json::{Value, json};
use throughline_sdk::Clock;

pub(crate) use messages::Message;
pub(crate) use tickets::Ticket;

pub(crate) const SUBSCRIPTION: &str = "132d901f-189d-4381-9214-fe68e27e05a1";
pub(crate) const CLIENT_ID: &str = "throughline";
pub(crate) const CLIENT_SECRET: &str = "entra-secret-5d1f";
pub(crate) const VERSION: &str = "2026-06-01";
/// How long a creation takes.
const WORK: Duration = Duration::from_secs(4);
/// How long a list lags behind.
pub(crate) const LIST_LAG: Duration = Duration::from_secs(5);
/// How long a change shows as `Updating`.
pub(crate) const UPDATING: Duration = Duration::from_secs(3);

/// A desk. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Desk {
    clock: Arc<dyn Clock>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) tickets: BTreeMap<String, Ticket>,
    pub(crate) workspaces: BTreeMap<String, files::Workspace>,
    operations: BTreeMap<String, Operation>,
    count: u64,
    tokens: Vec<String>,
    /// The application's secret was changed: the next request for a token is refused.
    revoked: bool,
    /// Where it stands: what is followed leads there, and tokens are for it.
    pub(crate) address: String,
    /// The subscription's scope, or the tenant's.
    pub(crate) scope: String,
    /// Changes are answered with success and not made.
    pub(crate) ignores: bool,
    /// The next requests are refused for the rate.
    pub(crate) throttle: u32,
    /// One request is refused for the rate, after so many.
    pub(crate) throttle_after: Option<u32>,
    /// Creations begun from now on end like this.
    pub(crate) fails: Option<(&'static str, &'static str)>,
    /// Operations tell where they are followed by `Location` alone.
    pub(crate) location_only: bool,
    /// How long creations take, if not as usual.
    pub(crate) work: Option<Duration>,
    /// Every request, as method and path with query.
    pub(crate) requests: Vec<String>,
    /// What the next looks at an operation are answered with.
    pub(crate) status_answers: VecDeque<StatusCode>,
}

/// Something accepted and not done yet.
struct Operation {
    done_at: DateTime<Utc>,
    fails: Option<(&'static str, &'static str)>,
    effect: Option<Effect>,
}

enum Effect {
    Ticket(String, Value),
    Message(String, Message),
}

/// A request as the handlers see it.
pub(crate) struct Asked<'a> {
    pub(crate) method: Method,
    /// The path behind the scope.
    pub(crate) path: &'a [&'a str],
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) body: Value,
    pub(crate) now: DateTime<Utc>,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Value>,
}

impl Desk {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let scope = format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Support");
        let address = "http://azure.test".to_owned();
        let state = State { address, scope, ..State::default() };
        Self { clock, state: Arc::new(Mutex::new(state)) }
    }

    /// The same, of a tenant without a subscription.
    pub(crate) fn of_the_tenant(clock: Arc<dyn Clock>) -> Self {
        let desk = Self::new(clock);
        desk.state().scope = "/providers/Microsoft.Support".to_owned();
        desk
    }

    pub(crate) fn router(&self) -> Router {
        let desk = self.clone();
        Router::new().fallback(move |request: Request<Body>| {
            let desk = desk.clone();
            async move { desk.answer(request).await }
        })
    }

    /// The desk's state, with everything done that is due.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap();
        state.work_off(self.now());
        state
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let bytes = to_bytes(body, 16 << 20).await.unwrap();
        let now = self.now();
        let mut state = self.state();
        let path = parts.uri.path().to_owned();
        let whole = parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
        state.requests.push(format!("{} {whole}", parts.method));
        let mut answer = if path.ends_with("/oauth2/v2.0/token") {
            state.token(&parts.headers, &bytes)
        } else {
            let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
            let query = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
            let query = query.map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
            let asked = Asked { method: parts.method, path: &[], query, body, now };
            state.manage(asked, &parts.headers, &path)
        };
        let date = now.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        answer.headers.insert(header::DATE, HeaderValue::from_str(&date).unwrap());
        let mut response = Response::new(match &answer.body {
            Some(body) => Body::from(body.to_string()),
            None => Body::empty(),
        });
        *response.status_mut() = answer.status;
        *response.headers_mut() = answer.headers;
        if answer.body.is_some() {
            let json = HeaderValue::from_static("application/json; charset=utf-8");
            response.headers_mut().insert(header::CONTENT_TYPE, json);
        }
        response
    }
}

impl State {
    /// The Entra endpoint: client credentials, by header.
    fn token(&mut self, headers: &HeaderMap, body: &[u8]) -> Answer {
        let form: BTreeMap<String, String> = url::form_urlencoded::parse(body).into_owned().collect();
        let basic = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let expected = {
            use base64::Engine;
            let pair = format!("{CLIENT_ID}:{CLIENT_SECRET}");
            format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
        };
        if std::mem::take(&mut self.revoked) || basic != Some(expected.as_str()) {
            let body = json!({ "error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret" });
            return Answer::of(StatusCode::UNAUTHORIZED, body);
        }
        let scope = form.get("scope").map(String::as_str);
        if form.get("grant_type").map(String::as_str) != Some("client_credentials")
            || scope != Some(format!("{}/.default", self.address).as_str())
        {
            return Answer::of(StatusCode::BAD_REQUEST, json!({ "error": "invalid_scope" }));
        }
        self.count += 1;
        let token = format!("token-{}", self.count);
        self.tokens.push(token.clone());
        let body = json!({ "token_type": "Bearer", "expires_in": 86_399, "access_token": token });
        Answer::of(StatusCode::OK, body)
    }

    /// The Resource Manager in front of everything.
    fn manage(&mut self, asked: Asked<'_>, headers: &HeaderMap, path: &str) -> Answer {
        let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let known =
            bearer.is_some_and(|bearer| self.tokens.iter().any(|token| bearer == format!("Bearer {token}")));
        if !known {
            // Somebody took the credentials back: a new token is not to be had with them either.
            self.revoked = bearer == Some("Bearer wrong");
            return refusal(
                StatusCode::UNAUTHORIZED,
                "InvalidAuthenticationToken",
                "The access token is invalid.",
            );
        }
        match asked.query.get("api-version").map(String::as_str) {
            Some(VERSION) => {}
            Some(other) => {
                let message = format!("The api-version '{other}' is invalid.");
                return refusal(StatusCode::BAD_REQUEST, "InvalidApiVersionParameter", &message);
            }
            None => {
                let message = "The api-version query parameter (?api-version=) is required for all requests.";
                return refusal(StatusCode::BAD_REQUEST, "MissingApiVersionParameter", message);
            }
        }
        match &mut self.throttle_after {
            Some(0) => (self.throttle, self.throttle_after) = (1, None),
            Some(left) => *left -= 1,
            None => {}
        }
        if self.throttle > 0 {
            self.throttle -= 1;
            let mut answer =
                refusal(StatusCode::TOO_MANY_REQUESTS, "SubscriptionRequestsThrottled", "Slow down.");
            answer.headers.insert(header::RETRY_AFTER, HeaderValue::from_static("7"));
            let left = HeaderValue::from_static("0");
            answer.headers.insert("x-ms-ratelimit-remaining-subscription-reads", left);
            return answer;
        }
        let shared = path.strip_prefix("/providers/Microsoft.Support/services");
        let (rest, in_scope) = match (path.strip_prefix(&self.scope), shared) {
            (Some(rest), _) => (rest, true),
            (None, Some(_)) => (path.trim_start_matches("/providers/Microsoft.Support"), false),
            (None, None) if path.starts_with("/subscriptions/") => {
                let message = "The subscription could not be found.";
                return refusal(StatusCode::NOT_FOUND, "SubscriptionNotFound", message);
            }
            (None, None) => return not_found(path),
        };
        let decoded: Vec<String> = rest.split('/').skip(1).map(decode).collect();
        let segments: Vec<&str> = decoded.iter().map(String::as_str).collect();
        let asked = Asked { path: &segments, ..asked };
        match segments.as_slice() {
            ["services", ..] => catalogue::answer(&asked),
            _ if !in_scope => not_found(path),
            ["classifyServices"] => catalogue::answer(&asked),
            ["operationsStatus" | "operationResults", id] => {
                self.operation(id, segments[0] == "operationsStatus", asked.now)
            }
            ["checkNameAvailability"] => self.check_ticket_name(&asked),
            ["supportTickets"] => self.list_tickets(&asked),
            ["supportTickets", name] => self.ticket(name, &asked),
            ["supportTickets", name, rest @ ..] => self.of_ticket(name, rest, &asked),
            ["fileWorkspaces", workspace, rest @ ..] => self.files(workspace, rest, &asked),
            _ => not_found(path),
        }
    }

    /// Accepts something to be done later.
    fn accept(&mut self, effect: Effect, now: DateTime<Utc>) -> Answer {
        self.count += 1;
        let id = format!("operation-{}", self.count);
        let work = TimeDelta::from_std(self.work.unwrap_or(WORK)).unwrap();
        let fails = self.fails;
        self.operations.insert(id.clone(), Operation { done_at: now + work, fails, effect: Some(effect) });
        let mut answer = Answer { status: StatusCode::ACCEPTED, headers: HeaderMap::new(), body: None };
        let mut tell = |name: &'static str, path: &str| {
            let url = format!("{}{}/{path}/{id}?api-version={VERSION}", self.address, self.scope);
            answer.headers.insert(name, HeaderValue::from_str(&url).unwrap());
        };
        tell("location", "operationResults");
        if !self.location_only {
            tell("azure-asyncoperation", "operationsStatus");
        }
        answer.headers.insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
        answer
    }

    fn operation(&mut self, id: &str, by_status: bool, now: DateTime<Utc>) -> Answer {
        if let Some(status) = self.status_answers.pop_front() {
            return refusal(status, "ServerBusy", "Try again.");
        }
        let Some(operation) = self.operations.get(id) else { return not_found(id) };
        let done = operation.done_at <= now;
        let status = match (done, operation.fails) {
            (false, _) => "InProgress",
            (true, Some(_)) => "Failed",
            (true, None) => "Succeeded",
        };
        if !by_status {
            let status = if done { StatusCode::OK } else { StatusCode::ACCEPTED };
            return Answer { status, headers: HeaderMap::new(), body: None };
        }
        let mut body = json!({ "id": format!("{}/operationsStatus/{id}", self.scope), "status": status });
        if let (true, Some((code, message))) = (done, operation.fails) {
            body["error"] = json!({ "code": code, "message": message });
        }
        Answer::of(StatusCode::OK, body)
    }

    /// Does what is due.
    fn work_off(&mut self, now: DateTime<Utc>) {
        let due: Vec<Effect> = self
            .operations
            .values_mut()
            .filter(|operation| operation.done_at <= now && operation.fails.is_none())
            .filter_map(|operation| operation.effect.take())
            .collect();
        for effect in due {
            match effect {
                Effect::Ticket(name, properties) => {
                    let number = self.next_number();
                    self.tickets.insert(name, Ticket::new(&properties, number, now));
                }
                Effect::Message(ticket, message) => {
                    if let Some(ticket) = self.tickets.get_mut(&ticket) {
                        ticket.messages.push(message);
                    }
                }
            }
        }
        for ticket in self.tickets.values_mut() {
            ticket.settle(now);
        }
    }

    /// Whether a ticket of this name is there or on its way.
    fn is_taken(&self, name: &str) -> bool {
        self.tickets.contains_key(name)
            || self.operations.values().any(|one| matches!(&one.effect, Some(Effect::Ticket(on_its_way, _)) if on_its_way == name && one.fails.is_none()))
    }

    fn message_is_taken(&self, ticket: &str, name: &str) -> bool {
        let there =
            self.tickets.get(ticket).is_some_and(|one| one.messages.iter().any(|one| one.name == name));
        there
            || self.operations.values().any(|one| {
                matches!(&one.effect, Some(Effect::Message(on, message)) if on == ticket && message.name == name)
            })
    }

    pub(crate) fn next_number(&mut self) -> String {
        self.count += 1;
        format!("{}", 2_601_010_040_000_000_u64 + self.count)
    }

    /// An address in the desk's scope.
    fn link(&self, path: &str, query: &str) -> String {
        format!("{}{}/{path}?api-version={VERSION}{query}", self.address, self.scope)
    }
}

impl Answer {
    pub(crate) fn of(status: StatusCode, body: Value) -> Self {
        Self { status, headers: HeaderMap::new(), body: Some(body) }
    }

    fn ok(body: Value) -> Self {
        Self::of(StatusCode::OK, body)
    }
}

/// A refusal of the Resource Manager.
fn refusal(status: StatusCode, code: &str, message: &str) -> Answer {
    Answer::of(status, json!({ "error": { "code": code, "message": message } }))
}

/// A refusal of Microsoft.Support behind it.
fn invalid(message: &str) -> Answer {
    let error = json!({ "Code": "InvalidData", "Message": message, "Target": null, "InnerError": null, "Details": [] });
    Answer::of(StatusCode::BAD_REQUEST, json!({ "Error": error }))
}

fn not_found(what: &str) -> Answer {
    refusal(StatusCode::NOT_FOUND, "ResourceNotFound", &format!("{what} was not found."))
}

fn not_allowed() -> Answer {
    refusal(StatusCode::METHOD_NOT_ALLOWED, "HttpMethodNotSupported", "The method is not supported.")
}

/// A moment as the service tells it: whole seconds.
fn second(time: DateTime<Utc>) -> String {
    time.trunc_subsecs(0).format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The rules for names, as the name check itself tells them.
fn name_is_legal(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 255
        && !name.starts_with("tmp-")
        && !name.contains(['<', '>', '%', '&', ':', '\\', '?', '/'])
        && !name.chars().any(char::is_control)
        && !name.bytes().all(|byte| byte.is_ascii_digit())
}

fn decode(segment: &str) -> String {
    // Only the part in front of a plus sign differs from a form's encoding.
    let pair = format!("x={}", segment.replace('+', "%2B"));
    url::form_urlencoded::parse(pair.as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}
