//! Partner Center as its documentation and samples describe it, in raw JSON.
//!
//! A list is sorted by status, gives numbers for words, no notes and less than it is asked for; times have no zone. With
//! each access token comes another refresh token, and those before stay good, as Entra documents it.
//! <https://learn.microsoft.com/partner-center/developer/service-request-resources>

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, Response, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use throughline_sdk::Clock;

pub(crate) const CLIENT_ID: &str = "throughline";
pub(crate) const CLIENT_SECRET: &str = "entra-secret-31c8";
pub(crate) const REFRESH_TOKEN: &str = "refresh-0";
pub(crate) const CUSTOMER: &str = "3b33e682-00c3-41ee-9dd2-a548adf56438";
pub(crate) const TOPIC: &str = "Cannot manage my profile";
/// The most that a page of requests holds, whatever is asked for.
pub(crate) const PAGE: usize = 50;
const STATUSES: [&str; 4] = ["none", "open", "closed", "attention_needed"];
const NEVER: &str = "0001-01-01T00:00:00";

/// A partner's Partner Center. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Desk {
    clock: Arc<dyn Clock>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) requests: BTreeMap<String, Filed>,
    count: u64,
    tokens: Vec<String>,
    /// How many refresh tokens were given out.
    refreshed: u64,
    /// An administrator ended the login.
    pub(crate) ended: bool,
    /// The next request for a token is refused.
    revoked: bool,
    /// Changes are answered with success and not made.
    pub(crate) ignores: bool,
    /// A change is answered without the notes.
    pub(crate) brief: bool,
    /// Changes that were carried out, by their names.
    known: BTreeSet<String>,
}

/// A service request.
pub(crate) struct Filed {
    pub(crate) title: String,
    pub(crate) status: &'static str,
    created: DateTime<Utc>,
    modified: DateTime<Utc>,
    pub(crate) notes: Vec<(String, String, DateTime<Utc>)>,
    /// It cannot be opened again.
    pub(crate) locked: bool,
}

impl Filed {
    fn json(&self, id: &str, listed: bool) -> Value {
        let place = STATUSES.iter().position(|word| *word == self.status).unwrap_or_default();
        let status = if listed { json!(place) } else { json!(self.status) };
        let severity = if listed { json!(2) } else { json!("moderate") };
        let closed = if self.status == "closed" { moment(self.modified) } else { NEVER.to_owned() };
        let mut json = json!({
            "title": self.title, "description": "filed in the dashboard", "severity": severity, "id": id, "status": status,
            "supportTopicName": TOPIC, "organization": { "id": CUSTOMER, "name": "Contoso" }, "productId": "15960",
            "primaryContact": { "firstName": "Ada", "lastName": "Lovelace" }, "createdDate": moment(self.created),
            "lastModifiedDate": moment(self.modified), "lastClosedDate": closed,
            "attributes": { "objectType": "ServiceRequest" },
        });
        if !listed {
            let note = |(who, text, when): &(String, String, DateTime<Utc>)| json!({ "createdByName": who, "createdDate": moment(*when), "text": text });
            json["notes"] = self.notes.iter().map(note).collect();
        }
        json
    }
}

impl Desk {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Arc::default() }
    }

    pub(crate) fn router(&self) -> Router {
        let desk = self.clone();
        Router::new().fallback(move |request: Request<Body>| {
            let desk = desk.clone();
            async move { desk.answer(request).await }
        })
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Files a request in the dashboard and answers its number.
    pub(crate) fn file(&self, title: &str) -> String {
        let now = self.clock.now();
        let mut state = self.state();
        state.count += 1;
        let id = format!("{}", 616_122_292_874_576 + state.count);
        let filed = Filed {
            title: title.to_owned(),
            status: "open",
            created: now,
            modified: now,
            notes: Vec::new(),
            locked: false,
        };
        state.requests.insert(id.clone(), filed);
        id
    }

    /// Changes a request in the dashboard.
    pub(crate) fn change(&self, id: &str, change: impl FnOnce(&mut Filed, DateTime<Utc>)) {
        let now = self.clock.now();
        let mut state = self.state();
        let filed = state.requests.get_mut(id).expect("the request is there");
        filed.modified = now;
        change(filed, now);
    }

    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let bytes = to_bytes(body, 1 << 20).await.unwrap();
        let now = self.clock.now();
        let mut state = self.state();
        let path = parts.uri.path().to_owned();
        let (status, body) = if path.ends_with("/oauth2/v2.0/token") {
            state.token(&parts.headers, &bytes)
        } else if !state.knows(&parts.headers) {
            refusal(StatusCode::UNAUTHORIZED, "900401", "The token is invalid.")
        } else if parts.headers.get("ms-contract-version").is_none()
            || parts.headers.get("x-locale").is_none()
        {
            refusal(StatusCode::BAD_REQUEST, "2000", "A required header is missing.")
        } else {
            let rest = path.strip_prefix("/v1/").unwrap_or_default();
            let rest = rest.strip_prefix(&format!("customers/{CUSTOMER}/")).unwrap_or(rest);
            let query = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
            let query: BTreeMap<String, String> = query.into_owned().collect();
            match (rest.split('/').collect::<Vec<_>>().as_slice(), &parts.method) {
                (["servicerequests"], &Method::GET) => state.list(&query),
                (["servicerequests", "supporttopics"], &Method::GET) => (
                    StatusCode::OK,
                    json!({ "totalCount": 1, "items": [{ "id": "32444671", "name": TOPIC }] }),
                ),
                (["servicerequests", id], &Method::GET) => state.one(id),
                (["servicerequests", id], &Method::PATCH) => {
                    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
                    state.patch(id, &parts.headers, &body, now)
                }
                _ => refusal(StatusCode::NOT_FOUND, "404", "There is no such resource."),
            }
        };
        drop(state);
        let mut response = Response::new(Body::from(body.to_string()));
        *response.status_mut() = status;
        response
    }
}

impl State {
    fn token(&mut self, headers: &HeaderMap, body: &[u8]) -> (StatusCode, Value) {
        let form: BTreeMap<String, String> = url::form_urlencoded::parse(body).into_owned().collect();
        let field = |name: &str| form.get(name).map_or("", String::as_str);
        let basic = format!("Basic {}", STANDARD.encode(format!("{CLIENT_ID}:{CLIENT_SECRET}")));
        if headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()) != Some(basic.as_str()) {
            return (StatusCode::UNAUTHORIZED, json!({ "error": "invalid_client" }));
        }
        if field("scope") != "http://partner.test/user_impersonation offline_access" {
            return (StatusCode::BAD_REQUEST, json!({ "error": "invalid_scope" }));
        }
        let number =
            field("refresh_token").strip_prefix("refresh-").and_then(|number| number.parse::<u64>().ok());
        let good = !self.ended && number.is_some_and(|number| number <= self.refreshed);
        if std::mem::take(&mut self.revoked) || !good || field("grant_type") != "refresh_token" {
            return (StatusCode::BAD_REQUEST, json!({ "error": "invalid_grant" }));
        }
        self.refreshed += 1;
        let token = format!("token-{}", self.refreshed);
        self.tokens.push(token.clone());
        let body = json!({ "token_type": "Bearer", "expires_in": 86_399, "access_token": token,
            "refresh_token": format!("refresh-{}", self.refreshed) });
        (StatusCode::OK, body)
    }

    fn knows(&mut self, headers: &HeaderMap) -> bool {
        let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        // Somebody ended the session: a new token is not to be had just now.
        self.revoked |= bearer == Some("Bearer wrong");
        bearer.is_some_and(|bearer| self.tokens.iter().any(|token| bearer == format!("Bearer {token}")))
    }

    fn list(&self, query: &BTreeMap<String, String>) -> (StatusCode, Value) {
        let number = |name: &str| query.get(name).and_then(|value| value.parse::<usize>().ok());
        let (size, offset) = (number("size").unwrap_or(PAGE).min(PAGE), number("offset").unwrap_or_default());
        let mut rows: Vec<(&String, &Filed)> = self.requests.iter().collect();
        rows.sort_by_key(|(_, filed)| filed.status);
        let items: Vec<Value> =
            rows.iter().skip(offset).take(size).map(|(id, filed)| filed.json(id, true)).collect();
        let body =
            json!({ "totalCount": rows.len(), "items": items, "attributes": { "objectType": "Collection" } });
        (StatusCode::OK, body)
    }

    fn one(&self, id: &str) -> (StatusCode, Value) {
        match self.requests.get(id) {
            Some(filed) => (StatusCode::OK, filed.json(id, false)),
            None => refusal(StatusCode::NOT_FOUND, "5004", "The service request was not found."),
        }
    }

    fn patch(
        &mut self,
        id: &str,
        headers: &HeaderMap,
        body: &Value,
        now: DateTime<Utc>,
    ) -> (StatusCode, Value) {
        let name = headers.get("ms-requestid").and_then(|value| value.to_str().ok()).unwrap_or_default();
        if name.len() != 36 {
            return refusal(StatusCode::BAD_REQUEST, "2001", "MS-RequestId is no GUID.");
        }
        let again = !self.known.insert(name.to_owned());
        let (ignores, brief) = (self.ignores, self.brief);
        let Some(filed) = self.requests.get_mut(id) else { return self.one(id) };
        if body["Attributes"]["ObjectType"] != "ServiceRequest" {
            return refusal(StatusCode::BAD_REQUEST, "2002", "The body is no service request.");
        }
        let wanted = match body["Status"].as_str() {
            None | Some("none") => None,
            Some(word) => match STATUSES.iter().find(|known| **known == word) {
                Some(_) if filed.locked => {
                    return refusal(
                        StatusCode::BAD_REQUEST,
                        "5013",
                        "The service request cannot be changed.",
                    );
                }
                Some(known) => Some(*known),
                None => return refusal(StatusCode::BAD_REQUEST, "5012", "The status is invalid."),
            },
        };
        if !again && !ignores {
            if let Some(status) = wanted {
                filed.status = status;
            }
            if let Some(text) = body["NewNote"]["Text"].as_str() {
                filed.notes.push(("Partner".to_owned(), text.to_owned(), now));
            }
            filed.modified = now;
        }
        (StatusCode::OK, filed.json(id, brief))
    }
}

fn refusal(status: StatusCode, code: &str, description: &str) -> (StatusCode, Value) {
    (status, json!({ "code": code, "description": description, "data": [], "source": "PartnerFD" }))
}

/// A moment as the samples have it: without its zone.
fn moment(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%S%.3f").to_string()
}
