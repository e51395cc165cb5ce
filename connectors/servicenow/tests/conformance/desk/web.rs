//! The Table, Attachment and Import Set APIs, and the token endpoint.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State as Shared};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};

use super::{Access, CLIENT_SECRET, Desk, PASSWORD, Row, State, USER, query};

/// What the table has; other fields are ignored, in writes and in lists.
const FIELDS: &[&str] = &[
    "sys_id",
    "number",
    "short_description",
    "description",
    "state",
    "request_state",
    "priority",
    "impact",
    "urgency",
    "category",
    "caller_id",
    "opened_by",
    "close_code",
    "close_notes",
    "hold_reason",
    "comments",
    "work_notes",
    "correlation_id",
    "correlation_display",
    "contact_type",
    "u_serial_number",
    "u_units",
    "due_date",
    "assignment_group",
    "sys_created_on",
    "sys_created_by",
    "sys_updated_on",
    "sys_mod_count",
];
const CALCULATED: &[&str] =
    &["sys_id", "number", "sys_created_on", "sys_created_by", "sys_updated_on", "sys_mod_count"];

struct Asked {
    method: String,
    path: Vec<String>,
    query: BTreeMap<String, String>,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Asked {
    fn option(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }

    fn texts(&self) -> Result<Row, Reply> {
        let bad = || problem(400, "Exception while reading request", "The payload is not valid JSON.");
        let body: Value = serde_json::from_slice(&self.body).ok().ok_or_else(bad)?;
        let fields = body.as_object().ok_or_else(bad)?;
        Ok(fields
            .iter()
            .map(|(field, value)| {
                (field.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))
            })
            .collect())
    }
}

struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

fn ok(status: u16, value: &Value) -> Reply {
    let kind = "application/json;charset=UTF-8".to_owned();
    Reply { status, headers: vec![("content-type", kind)], body: value.to_string().into_bytes() }
}

fn problem(status: u16, message: &str, detail: &str) -> Reply {
    ok(status, &json!({ "error": { "message": message, "detail": detail }, "status": "failure" }))
}

fn missing() -> Reply {
    problem(404, "No Record found", "Record doesn't exist or ACL restricts the record retrieval")
}

pub(super) fn router(desk: Desk) -> Router {
    Router::new().fallback(answer).with_state(desk)
}

async fn answer(Shared(desk): Shared<Desk>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 256 * 1024 * 1024).await.unwrap().to_vec();
    let pairs = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
    let query = pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    let header = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        (name.to_string(), value.to_str().unwrap_or_default().to_owned())
    };
    let asked = Asked {
        method: parts.method.to_string(),
        path: parts.uri.path().split('/').skip(1).map(str::to_owned).collect(),
        query,
        headers: parts.headers.iter().map(header).collect(),
        body,
    };
    let date = desk.clock.now().to_rfc2822().replace("+0000", "GMT");
    let reply = {
        let mut state = desk.lock();
        state.log.push(format!("{} {}", asked.method, parts.uri.path()));
        handle(&mut state, &asked)
    };
    let mut response = Response::new(Body::from(reply.body)).into_response();
    *response.status_mut() = http::StatusCode::from_u16(reply.status).unwrap();
    response.headers_mut().insert("date", date.parse().unwrap());
    for (name, value) in reply.headers {
        response.headers_mut().append(name, value.parse().unwrap());
    }
    response
}

fn handle(state: &mut State, asked: &Asked) -> Reply {
    let path: Vec<&str> = asked.path.iter().map(String::as_str).collect();
    if path == ["oauth_token.do"] {
        return token(state, asked);
    }
    let given = asked.headers.get("authorization").map_or("", String::as_str);
    let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("{USER}:{PASSWORD}")));
    let bearer = state.issued.as_ref().map(|token| format!("Bearer {token}"));
    if given != basic && Some(given) != bearer.as_deref() {
        return problem(401, "User Not Authenticated", "Required to provide Auth information");
    }
    match (asked.method.as_str(), &path[..]) {
        ("GET", ["api", "now", "table", table]) => list(state, asked, table),
        ("GET", ["api", "now", "table", table, id]) if *table == state.table => match state.record(id) {
            Some(row) if !state.hidden.iter().any(|hidden| hidden == id) => {
                ok(200, &json!({ "result": shown(state, asked, row) }))
            }
            _ => missing(),
        },
        ("POST", ["api", "now", "table", table]) if *table == state.table => match asked.texts() {
            Ok(fields) => create(state, asked, fields),
            Err(reply) => reply,
        },
        ("PATCH", ["api", "now", "table", table, id]) if *table == state.table => match asked.texts() {
            Ok(fields) => update(state, asked, id, fields),
            Err(reply) => reply,
        },
        ("POST", ["api", "now", "import", "u_throughline_incident"]) => match asked.texts() {
            Ok(fields) => import(state, fields),
            Err(reply) => reply,
        },
        (_, ["api", "now", "attachment", ..]) => attachment(state, asked, &path[3..]),
        (_, ["api", "now", "table", table, ..]) => problem(400, &format!("Invalid table {table}"), ""),
        _ => problem(400, "Requested URI does not represent any resource", &asked.path.join("/")),
    }
}

fn token(state: &mut State, asked: &Asked) -> Reply {
    let form: BTreeMap<String, String> = url::form_urlencoded::parse(&asked.body).into_owned().collect();
    let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("app-1:{CLIENT_SECRET}")));
    let field = |name: &str| form.get(name).map_or("", String::as_str);
    let in_body = (field("client_id"), field("client_secret")) == ("app-1", CLIENT_SECRET);
    let in_header = asked.headers.get("authorization") == Some(&basic);
    if field("grant_type") != "client_credentials" || !(in_body || in_header) {
        return ok(401, &json!({ "error": "access_denied", "error_description": "access_denied" }));
    }
    state.issued = Some("issued-token".to_owned());
    ok(
        200,
        &json!({ "access_token": "issued-token", "scope": "useraccount", "token_type": "Bearer", "expires_in": 1799 }),
    )
}

/// A record as it is shown: with `all`, each field in both forms.
fn shown(state: &State, asked: &Asked, row: &Row) -> Value {
    let wanted: Vec<&str> =
        asked.option("sysparm_fields").split(',').filter(|field| FIELDS.contains(field)).collect();
    let mut out = Map::new();
    for field in wanted {
        let value = row.get(field).cloned().unwrap_or_default();
        let (value, display) = match field {
            "comments" | "work_notes" => {
                // The record shows the whole journal, and keeps nothing itself.
                let entries = state
                    .journal
                    .iter()
                    .rev()
                    .filter(|entry| entry["element_id"] == row["sys_id"] && entry["element"] == field);
                let lines = entries.map(|entry| {
                    format!("{} - Ada ({field})\n{}\n\n", entry["sys_created_on"], entry["value"])
                });
                (String::new(), lines.collect::<String>())
            }
            "description" => (value.replace('\n', "\r\n"), value.replace('\n', "\r\n")),
            // In the account's own format and zone.
            "sys_created_on" | "sys_updated_on" | "due_date" if !value.is_empty() => {
                (value.clone(), format!("{value} CET"))
            }
            _ => (value.clone(), state.label(field, &value).unwrap_or(value)),
        };
        let both = json!({ "value": value, "display_value": display });
        out.insert(
            field.to_owned(),
            if asked.option("sysparm_display_value") == "all" { both } else { json!(value) },
        );
    }
    Value::Object(out)
}

fn list(state: &State, asked: &Asked, table: &str) -> Reply {
    let user: Row = [("sys_id", USER), ("user_name", USER), ("name", "Throughline")]
        .map(|(field, value)| (field.to_owned(), value.to_owned()))
        .into();
    let (rows, fields): (Vec<Row>, Vec<&str>) = match table {
        "sys_user" => (vec![user], vec!["sys_id", "user_name", "name"]),
        "sys_choice" => (
            state.choices.clone(),
            vec!["name", "element", "value", "label", "language", "inactive", "sequence"],
        ),
        "sys_journal_field" if state.journal_access == Access::Forbidden => {
            return problem(403, "User Not Authorized", "Failed API level ACL Validation");
        }
        "sys_journal_field" => {
            let fields =
                vec!["sys_id", "element", "element_id", "name", "value", "sys_created_on", "sys_created_by"];
            (state.journal.clone(), fields)
        }
        table if table == state.table => (state.records.clone(), FIELDS.to_vec()),
        _ => return problem(400, &format!("Invalid table {table}"), ""),
    };
    let visible = |row: &Row| {
        let hidden = row.get("sys_id").is_some_and(|id| state.hidden.contains(id));
        let closed = table == "sys_journal_field" && state.journal_access == Access::None;
        !hidden && !closed
    };
    let show = |row: &Row| {
        if table == state.table {
            return shown(state, asked, row);
        }
        let wanted = asked.option("sysparm_fields").split(',').filter(|field| fields.contains(field));
        let wanted =
            wanted.filter(|field| !(*field == "element" && state.journal_access == Access::NoElement));
        wanted.map(|field| (field.to_owned(), json!(row.get(field).cloned().unwrap_or_default()))).collect()
    };
    let query = if state.confused { "" } else { asked.option("sysparm_query") };
    paged(asked, &query::run(query, &rows, &fields), &visible, &show)
}

/// The limit is applied before access rules are.
fn paged(asked: &Asked, rows: &[Row], visible: &dyn Fn(&Row) -> bool, show: &dyn Fn(&Row) -> Value) -> Reply {
    let limit: usize = asked.option("sysparm_limit").parse().unwrap_or(10_000);
    let offset: usize = asked.option("sysparm_offset").parse().unwrap_or(0);
    let page: Vec<Value> =
        rows.iter().skip(offset).take(limit).filter(|row| visible(row)).map(show).collect();
    let mut reply = ok(200, &json!({ "result": page }));
    reply.headers.push(("x-total-count", rows.len().to_string()));
    reply
        .headers
        .push(("link", "<https://fabrikam.test/api/now/x?sysparm_offset=0>;rel=\"first\"".to_owned()));
    if rows.len() > offset + limit {
        let next =
            format!("<https://fabrikam.test/api/now/x?sysparm_offset={}>;rel=\"next\"", offset + limit);
        reply.headers.push(("link", next));
    }
    reply
}

/// What access rules, policies and business rules leave of a write.
fn ruled(state: &State, id: Option<&str>, mut fields: Row) -> Result<Row, Reply> {
    fields.retain(|field, _| FIELDS.contains(&field.as_str()) && !CALCULATED.contains(&field.as_str()));
    fields.retain(|field, _| !state.closed_fields.contains(&field.as_str()));
    let now = id.and_then(|id| state.record(id)).cloned().unwrap_or_default();
    let after = |field: &str| fields.get(field).or(now.get(field)).cloned().unwrap_or_default();
    let goes = |states: &[&str]| fields.get("state").is_some_and(|to| states.contains(&to.as_str()));
    if goes(&["6", "7"]) && state.table == "incident" {
        let lacks: Vec<&str> = [("close_code", "Resolution code"), ("close_notes", "Resolution notes")]
            .iter()
            .filter(|(field, _)| after(field).is_empty())
            .map(|(_, label)| *label)
            .collect();
        if !lacks.is_empty() {
            let detail =
                format!("Data Policy Exception: The following fields are mandatory: {}", lacks.join(", "));
            return Err(problem(403, "Operation Failed", &detail));
        }
        if id.is_some_and(|id| state.kept.iter().any(|kept| kept == id)) {
            let detail = "Operation against file 'incident' was aborted by Business Rule 'Open tasks^ab12'. Error: close the tasks first";
            return Err(problem(403, "Operation Failed", detail));
        }
    }
    if goes(&["3"]) && after("hold_reason").is_empty() {
        let detail = "Data Policy Exception: The following fields are mandatory: On hold reason";
        return Err(problem(403, "Operation Failed", detail));
    }
    Ok(fields)
}

fn create(state: &mut State, asked: &Asked, fields: Row) -> Reply {
    match ruled(state, None, fields) {
        Ok(fields) => {
            let id = state.insert(fields, USER);
            let row = state.record(&id).unwrap();
            ok(201, &json!({ "result": shown(state, asked, row) }))
        }
        Err(reply) => reply,
    }
}

fn update(state: &mut State, asked: &Asked, id: &str, fields: Row) -> Reply {
    if state.record(id).is_none() || state.hidden.iter().any(|hidden| hidden == id) {
        return missing();
    }
    match ruled(state, Some(id), fields) {
        Ok(fields) => {
            if !state.ignores {
                state.update(id, fields, USER);
            }
            let row = state.record(id).unwrap();
            ok(200, &json!({ "result": shown(state, asked, row) }))
        }
        Err(reply) => reply,
    }
}

/// A staging table with one transform map, which coalesces on the correlation id.
fn import(state: &mut State, staged: Row) -> Reply {
    let fields: Row = staged
        .into_iter()
        .filter_map(|(name, value)| Some((name.strip_prefix("u_")?.to_owned(), value)))
        .collect();
    let marker = fields.get("correlation_id").cloned().unwrap_or_default();
    let there =
        state.records.iter().find(|row| !marker.is_empty() && row.get("correlation_id") == Some(&marker));
    let there = there.map(|row| row["sys_id"].clone());
    let done = ruled(state, there.as_deref(), fields).map(|fields| match there {
        Some(id) => {
            state.update(&id, fields, USER);
            (id, "updated")
        }
        None => (state.insert(fields, USER), "inserted"),
    });
    let result = match done {
        Ok((id, status)) => json!({
            "transform_map": "Throughline", "table": "incident", "display_name": "number", "display_value": "INC",
            "record_link": format!("https://fabrikam.test/api/now/table/incident/{id}"), "status": status, "sys_id": id,
        }),
        Err(_) => {
            json!({ "transform_map": "Throughline", "table": "incident", "status": "error", "error_message": "mandatory" })
        }
    };
    ok(
        201,
        &json!({ "import_set": "ISET0010001", "staging_table": "u_throughline_incident", "result": [result] }),
    )
}

fn attachment(state: &mut State, asked: &Asked, path: &[&str]) -> Reply {
    let find = |state: &State, id: &str| state.files.iter().find(|(row, _)| row["sys_id"] == id).cloned();
    match (asked.method.as_str(), path) {
        ("GET", []) => {
            let rows: Vec<Row> = state.files.iter().map(|(row, _)| row.clone()).collect();
            let fields = ["table_name", "table_sys_id", "file_name", "sys_created_on", "sys_id"];
            let rows = query::run(asked.option("sysparm_query"), &rows, &fields);
            paged(asked, &rows, &|_| true, &|row| json!(row))
        }
        ("GET", [id]) => find(state, id).map_or_else(missing, |(row, _)| ok(200, &json!({ "result": row }))),
        ("GET", [id, "file"]) => match find(state, id) {
            Some((_, bytes)) => Reply {
                status: 200,
                headers: vec![("content-type", "application/octet-stream".to_owned())],
                body: bytes,
            },
            None => missing(),
        },
        ("POST", ["file"]) => {
            let (table, record, name) =
                (asked.option("table_name"), asked.option("table_sys_id"), asked.option("file_name"));
            if table != state.table || state.record(record).is_none() {
                return missing();
            }
            if asked.body.is_empty() {
                return problem(400, "Invalid request body", "A file must be at least 1 byte in size");
            }
            let kind = asked.headers.get("content-type").cloned().unwrap_or_default();
            let id = state.attach(record, (name, &kind), &asked.body, USER);
            find(state, &id).map_or_else(missing, |(row, _)| ok(201, &json!({ "result": row })))
        }
        ("DELETE", [id]) => {
            let before = state.files.len();
            state.files.retain(|(row, _)| row["sys_id"] != *id);
            if state.files.len() == before {
                missing()
            } else {
                Reply { status: 204, headers: Vec::new(), body: Vec::new() }
            }
        }
        _ => problem(405, "Method not supported", ""),
    }
}

pub(super) fn sha256(bytes: &[u8]) -> String {
    let hash = ring::digest::digest(&ring::digest::SHA256, bytes);
    hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
