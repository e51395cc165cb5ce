//! The interface: who asks, what for, and the answers that all resources share.

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, Multipart, Request, State as Shared};
use axum::response::Response;
use bytes::Bytes;
use chrono::FixedOffset;
use http::{HeaderMap, Method, StatusCode, header};
use serde_json::{Map, Value, json};
use throughline_sdk::Timestamp;

use super::state::{Actor, FIELDS, FieldRow, PRIORITIES, TYPES};
use super::{Desk, EMAIL, PROJECT, TOKEN, issues, portal, search, state};

/// A request, taken apart.
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) path: Vec<String>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Asked {
    pub(crate) fn one(&self, name: &str) -> Option<String> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
    }

    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        self.query.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect()
    }

    /// Whether a parameter that lists words holds this one.
    pub(crate) fn lists(&self, name: &str, word: &str) -> bool {
        self.one(name).is_some_and(|words| words.split(',').any(|one| one == word))
    }

    pub(crate) fn json(&self) -> Result<Value, Answer> {
        serde_json::from_slice(&self.body).map_err(|_why| refuse(400, "There was an error parsing JSON."))
    }

    pub(crate) fn page(&self, start: &str) -> usize {
        self.one(start).and_then(|at| at.parse().ok()).unwrap_or_default()
    }

    /// The files of a form, if it may be sent at all.
    pub(crate) async fn form(&self) -> Result<Vec<(String, String, Bytes)>, Answer> {
        if self.headers.get("x-atlassian-token").is_none_or(|value| value != "no-check") {
            return Err(refuse(403, "XSRF check failed"));
        }
        let mut request = Request::new(Body::from(self.body.clone()));
        *request.headers_mut() = self.headers.clone();
        let mut form = Multipart::from_request(request, &()).await.map_err(|_why| refuse(415, "no form"))?;
        let mut files = Vec::new();
        while let Some(part) = form.next_field().await.map_err(|_why| refuse(400, "a broken form"))? {
            if part.name() != Some("file") {
                return Err(refuse(400, "the part has to be called file"));
            }
            let name = part.file_name().unwrap_or_default().to_owned();
            let media_type = part.content_type().unwrap_or("application/octet-stream").to_owned();
            files.push((name, media_type, part.bytes().await.map_err(|_why| refuse(400, "a broken part"))?));
        }
        Ok(files)
    }
}

/// An answer before it is sent.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
    pub(crate) fields: Vec<(header::HeaderName, String)>,
}

impl Answer {
    #[expect(clippy::needless_pass_by_value, reason = "the callers write literals")]
    pub(crate) fn json(status: u16, body: Value) -> Self {
        let fields = vec![(header::CONTENT_TYPE, "application/json;charset=UTF-8".to_owned())];
        Self { status, body: body.to_string().into(), fields }
    }

    /// Success without a body, of a media type all the same, as Jira has it.
    pub(crate) fn nothing() -> Self {
        let fields = vec![(header::CONTENT_TYPE, "application/json;charset=UTF-8".to_owned())];
        Self { status: 204, body: Bytes::new(), fields }
    }

    pub(crate) fn bytes(media_type: &str, body: Bytes) -> Self {
        Self { status: 200, body, fields: vec![(header::CONTENT_TYPE, media_type.to_owned())] }
    }
}

pub(crate) fn refuse(status: u16, words: &str) -> Answer {
    Answer::json(status, json!({ "errorMessages": [words], "errors": {} }))
}

/// A refusal of fields, each with its reason.
pub(crate) fn refuse_fields(errors: &Map<String, Value>) -> Answer {
    Answer::json(400, json!({ "errorMessages": [], "errors": errors }))
}

pub(crate) async fn answer(Shared(desk): Shared<Desk>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let url = url::Url::parse(&format!("http://desk{}", parts.uri)).unwrap();
    let decode = |segment: &str| {
        // A pair's key is decoded like a segment, but for the plus sign.
        let pair = segment.replace('+', "%2B");
        url::form_urlencoded::parse(pair.as_bytes())
            .next()
            .map(|(key, _)| key.into_owned())
            .unwrap_or_default()
    };
    let asked = Asked {
        method: parts.method,
        path: url.path_segments().unwrap().map(decode).collect(),
        query: url.query_pairs().into_owned().collect(),
        headers: parts.headers,
        body: to_bytes(body, 64 << 20).await.unwrap(),
    };
    let answer = route(&desk, &asked).await;
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap();
    for (name, value) in answer.fields {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}

async fn route(desk: &Desk, asked: &Asked) -> Answer {
    let path: Vec<&str> = asked.path.iter().map(String::as_str).collect();
    let known = known(desk, &asked.headers);
    let version = if desk.plays.cloud() { "3" } else { "2" };
    match (asked.method.as_str(), &path[..]) {
        ("GET", ["secure", "attachment", id, _]) if !desk.plays.cloud() => match known {
            true => issues::bytes(desk, id),
            false => {
                let mut answer = refuse(302, "");
                answer.fields.push((header::LOCATION, "/login.jsp?os_destination=%2Fsecure".to_owned()));
                answer
            }
        },
        // Whoever is not known is a stranger, to whom an issue is not shown.
        (_, ["rest", "api", _, "issue", ..]) if !known && desk.plays.cloud() => {
            let mut answer = refuse(404, "Issue does not exist or you do not have permission to see it.");
            let name = header::HeaderName::from_static("x-seraph-loginreason");
            answer.fields.push((name, "AUTHENTICATED_FAILED".to_owned()));
            answer
        }
        _ if !known => refuse(401, "Client must be authenticated to access this resource."),
        (method, ["rest", "api", asked_version, rest @ ..]) if *asked_version == version => {
            platform(desk, asked, method, rest).await
        }
        (method, ["rest", "servicedeskapi", rest @ ..]) if desk.plays.portal() => {
            portal::route(desk, asked, method, rest).await
        }
        _ => refuse(404, "No such resource"),
    }
}

async fn platform(desk: &Desk, asked: &Asked, method: &str, path: &[&str]) -> Answer {
    match (method, path) {
        ("GET", ["myself"]) => Answer::json(200, user(desk, Actor::Bridge)),
        ("GET", ["serverInfo"]) => {
            let kind = if desk.plays.cloud() { "Cloud" } else { "Server" };
            let server = json!({
                "version": "10.3.1", "deploymentType": kind, "serverTime": time(desk, desk.now()),
            });
            Answer::json(200, server)
        }
        ("GET", ["project", PROJECT, "statuses"]) => {
            let statuses: Vec<Value> = state::STATUSES.iter().map(|(id, ..)| state::status(id)).collect();
            let of = |(id, name, subtask): &(&str, &str, bool)| json!({ "id": id, "name": name, "subtask": subtask, "statuses": statuses });
            Answer::json(200, TYPES.iter().map(of).collect())
        }
        ("GET", ["priority"]) => {
            let all = PRIORITIES.iter().enumerate();
            Answer::json(
                200,
                all.map(|(id, name)| json!({"id": (id + 1).to_string(), "name": name})).collect(),
            )
        }
        ("GET", ["field"]) => {
            let field = |(id, name, kind, items, custom): &FieldRow| json!({"id": id, "name": name, "custom": custom.is_some(), "schema": schema(id, kind, *items, *custom)});
            Answer::json(200, FIELDS.iter().map(field).collect())
        }
        ("GET", ["search", "jql"]) if desk.plays.cloud() => search::cloud(desk, asked),
        ("GET", ["search"]) if !desk.plays.cloud() => search::data_center(desk, asked),
        (_, ["search"]) => refuse(
            410,
            "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API.",
        ),
        ("GET", ["attachment", id]) => issues::file(desk, id),
        ("GET", ["attachment", "content", id]) if desk.plays.cloud() => {
            if asked.one("redirect").as_deref() == Some("false") {
                return issues::bytes(desk, id);
            }
            let mut answer = refuse(303, "");
            answer.fields.push((header::LOCATION, "https://media.elsewhere.test/file".to_owned()));
            answer
        }
        (method, ["issue", rest @ ..]) => issues::route(desk, asked, method, rest).await,
        _ => refuse(404, "No such resource"),
    }
}

/// Whether the account is known, each edition in its own way.
fn known(desk: &Desk, headers: &HeaderMap) -> bool {
    // "bridge@jira.test:jira-token-51c9e0" in base 64, reckoned by hand and not by the connector's code.
    const BASIC: &str = "Basic YnJpZGdlQGppcmEudGVzdDpqaXJhLXRva2VuLTUxYzllMA==";
    assert_eq!((EMAIL, TOKEN), ("bridge@jira.test", "jira-token-51c9e0"));
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if desk.plays.cloud() { given == BASIC } else { given == format!("Bearer {TOKEN}") }
}

/// A time in the reader's own zone.
pub(crate) fn time(desk: &Desk, time: Timestamp) -> String {
    let zone = if desk.plays.cloud() { 0 } else { 5 * 3600 + 1800 };
    let zone = FixedOffset::east_opt(zone).unwrap();
    time.with_timezone(&zone).format("%Y-%m-%dT%H:%M:%S%.3f%z").to_string()
}

pub(crate) fn user(desk: &Desk, actor: Actor) -> Value {
    let (id, name) = match actor {
        Actor::Bridge => ("bridge", "Throughline"),
        Actor::Bob => ("bob", "Bob Agent"),
        Actor::Ada => ("ada", "Ada Customer"),
    };
    if desk.plays.cloud() {
        json!({"accountId": format!("5b10:{id}"), "accountType": "atlassian", "active": true, "displayName": name})
    } else {
        json!({"key": format!("JIRAUSER_{id}"), "name": id, "active": true, "displayName": name})
    }
}

pub(crate) fn schema(id: &str, kind: &str, items: Option<&str>, custom: Option<&str>) -> Value {
    let mut schema = json!({ "type": kind });
    if let Some(items) = items {
        schema["items"] = items.into();
    }
    match custom {
        Some(custom) => {
            schema["custom"] = custom.into();
            schema["customId"] = id.trim_start_matches("customfield_").parse::<u64>().unwrap().into();
        }
        None => schema["system"] = id.into(),
    }
    schema
}
