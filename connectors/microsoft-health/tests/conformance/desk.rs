//! Graph's service communications as the documentation describes them, in raw JSON.
//!
//! Words are capitalised as in Microsoft's examples where the schema has them small, a page holds as many entries as the
//! `Prefer` field says and is continued by count, and times have milliseconds.
//! <https://learn.microsoft.com/graph/api/resources/service-communications-api-overview>

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use throughline_sdk::Clock;

pub(crate) const CLIENT_ID: &str = "throughline";
pub(crate) const CLIENT_SECRET: &str = "entra-secret-77b0";
const ROOT: &str = "/v1.0/admin/serviceAnnouncement/";
/// The most that a page may be asked to hold.
const MAX_PAGE: usize = 1000;

/// A tenant's service communications. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Desk {
    clock: Arc<dyn Clock>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) issues: BTreeMap<String, Entry>,
    pub(crate) messages: BTreeMap<String, Entry>,
    count: u64,
    tokens: Vec<String>,
    /// The application's secret was changed: the next request for a token is refused.
    revoked: bool,
}

pub(crate) struct Entry {
    pub(crate) modified: DateTime<Utc>,
    pub(crate) json: Value,
}

impl Entry {
    fn whole(&self, id: &str) -> Value {
        let mut json = self.json.clone();
        json["id"] = id.into();
        json["lastModifiedDateTime"] = millis(self.modified).into();
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

    /// Publishes an issue and answers its number.
    pub(crate) fn publish(&self, title: &str) -> String {
        let now = self.clock.now();
        let mut state = self.state();
        state.count += 1;
        let id = format!("EX{}", 226_792 + state.count);
        let json = json!({
            "startDateTime": millis(now), "endDateTime": null, "title": title, "impactDescription": "Nobody can work.",
            "classification": "Incident", "origin": "Microsoft", "status": "Investigating", "service": "Exchange Online",
            "feature": "Mail flow", "featureGroup": "E-mail", "isResolved": false, "details": [], "posts": [],
        });
        state.issues.insert(id.clone(), Entry { modified: now, json });
        id
    }

    /// Publishes an announcement and answers its number.
    pub(crate) fn announce(&self, title: &str) -> String {
        let now = self.clock.now();
        let mut state = self.state();
        state.count += 1;
        let id = format!("MC{}", 172_851 + state.count);
        let json = json!({
            "startDateTime": millis(now), "title": title, "category": "PlanForChange", "severity": "High",
            "services": ["Exchange Online", "Microsoft Teams"], "tags": [], "isMajorChange": null,
            "body": { "contentType": "Html", "content": "<p>It will be <i>better</i>.</p>" },
        });
        state.messages.insert(id.clone(), Entry { modified: now, json });
        id
    }

    /// Changes an issue.
    pub(crate) fn change(&self, id: &str, change: impl FnOnce(&mut Value)) {
        let now = self.clock.now();
        let mut state = self.state();
        let entry = state.issues.get_mut(id).expect("the issue is there");
        entry.modified = now;
        change(&mut entry.json);
    }

    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let bytes = to_bytes(body, 1 << 20).await.unwrap();
        let mut state = self.state();
        let path = parts.uri.path();
        let (status, body) = if path.ends_with("/oauth2/v2.0/token") {
            state.token(&parts.headers, &bytes)
        } else if !state.knows(&parts.headers) {
            refusal(StatusCode::UNAUTHORIZED, "InvalidAuthenticationToken", "Access token is invalid.")
        } else if parts.method != Method::GET {
            refusal(StatusCode::METHOD_NOT_ALLOWED, "Request_BadRequest", "The method is not allowed.")
        } else {
            let query = parts.uri.query().unwrap_or_default();
            let query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
            state.read(path.strip_prefix(ROOT).unwrap_or_default(), &query, &parts.headers)
        };
        drop(state);
        let mut response = Response::new(Body::from(body.to_string()));
        *response.status_mut() = status;
        let date = self.clock.now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        response.headers_mut().insert(header::DATE, HeaderValue::from_str(&date).unwrap());
        response
    }
}

impl State {
    fn token(&mut self, headers: &HeaderMap, body: &[u8]) -> (StatusCode, Value) {
        let form: BTreeMap<String, String> = url::form_urlencoded::parse(body).into_owned().collect();
        let basic = format!("Basic {}", STANDARD.encode(format!("{CLIENT_ID}:{CLIENT_SECRET}")));
        let sent = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        if std::mem::take(&mut self.revoked) || sent != Some(basic.as_str()) {
            return (StatusCode::UNAUTHORIZED, json!({ "error": "invalid_client" }));
        }
        if form.get("scope").map(String::as_str) != Some("http://graph.test/.default") {
            return (StatusCode::BAD_REQUEST, json!({ "error": "invalid_scope" }));
        }
        self.count += 1;
        let token = format!("token-{}", self.count);
        self.tokens.push(token.clone());
        (StatusCode::OK, json!({ "token_type": "Bearer", "expires_in": 86_399, "access_token": token }))
    }

    fn knows(&mut self, headers: &HeaderMap) -> bool {
        let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        // Somebody took the credentials back: a new token is not to be had with them either.
        self.revoked |= bearer == Some("Bearer wrong");
        bearer.is_some_and(|bearer| self.tokens.iter().any(|token| bearer == format!("Bearer {token}")))
    }

    fn read(&self, path: &str, query: &BTreeMap<String, String>, headers: &HeaderMap) -> (StatusCode, Value) {
        match path.split('/').collect::<Vec<_>>().as_slice() {
            ["healthOverviews"] => {
                let services = ["Exchange Online", "Microsoft Teams"];
                let value: Vec<Value> =
                    services.map(|service| json!({ "id": service, "service": service, "status": "ServiceOperational" })).into();
                (StatusCode::OK, json!({ "value": value }))
            }
            ["issues"] => list("issues", &self.issues, query, headers),
            ["messages"] => list("messages", &self.messages, query, headers),
            ["issues", id] => one(&self.issues, id),
            ["messages", id] => one(&self.messages, id),
            _ => refusal(StatusCode::NOT_FOUND, "BadRequest", "Resource not found for the segment."),
        }
    }
}

fn one(entries: &BTreeMap<String, Entry>, id: &str) -> (StatusCode, Value) {
    match entries.get(id) {
        Some(entry) => (StatusCode::OK, entry.whole(id)),
        None => refusal(StatusCode::NOT_FOUND, "ResourceNotFound", &format!("{id} was not found.")),
    }
}

fn list(
    name: &str,
    entries: &BTreeMap<String, Entry>,
    query: &BTreeMap<String, String>,
    headers: &HeaderMap,
) -> (StatusCode, Value) {
    let bad = |what: &str| refusal(StatusCode::BAD_REQUEST, "BadRequest", &format!("{what} is invalid."));
    let prefer = headers.get("prefer").and_then(|value| value.to_str().ok());
    let page = match prefer.map(|value| value.trim_start_matches("odata.maxpagesize=").parse()) {
        None => 100,
        Some(Ok(page)) if (1..=MAX_PAGE).contains(&page) => page,
        Some(_) => return bad("odata.maxpagesize"),
    };
    let since = match query.get("$filter").map(|filter| filter.strip_prefix("lastModifiedDateTime ge ")) {
        None => String::new(),
        Some(Some(time)) if DateTime::parse_from_rfc3339(time).is_ok() => time.to_owned(),
        Some(_) => return bad("$filter"),
    };
    let mut rows: Vec<(&String, &Entry)> =
        entries.iter().filter(|(_, entry)| millis(entry.modified) >= since).collect();
    match query.get("$orderby").map(String::as_str) {
        None => {}
        Some("lastModifiedDateTime") => rows.sort_by_key(|(_, entry)| entry.modified),
        Some("lastModifiedDateTime desc") => rows.sort_by_key(|(_, entry)| std::cmp::Reverse(entry.modified)),
        Some(_) => return bad("$orderby"),
    }
    let skip: usize = query.get("$skip").and_then(|skip| skip.parse().ok()).unwrap_or_default();
    let value: Vec<Value> = rows.iter().skip(skip).take(page).map(|(id, entry)| entry.whole(id)).collect();
    let mut body = json!({ "value": value });
    if rows.len() > skip + page {
        let mut next = url::form_urlencoded::Serializer::new(String::new());
        next.extend_pairs(query.iter().filter(|(name, _)| *name != "$skip"));
        next.append_pair("$skip", &(skip + page).to_string());
        body["@odata.nextLink"] = format!("http://graph.test{ROOT}{name}?{}", next.finish()).into();
    }
    (StatusCode::OK, body)
}

fn refusal(status: StatusCode, code: &str, message: &str) -> (StatusCode, Value) {
    (status, json!({ "error": { "code": code, "message": message, "innerError": { "request-id": "1" } } }))
}

fn millis(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}
