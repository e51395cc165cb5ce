//! The Web API: one function from request to reply, which a batch calls as well.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State as Shared};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};

use super::{ACCOUNT, CLIENT_SECRET, Desk, OUR_USER, Row, State, TOKEN, batch, metadata};

const BASE: &str = "/api/data/v9.2/";

pub(super) struct Asked {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Asked {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn option(&self, name: &str) -> &str {
        self.query.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    fn json(&self) -> Option<Map<String, Value>> {
        serde_json::from_slice::<Value>(&self.body).ok()?.as_object().cloned()
    }
}

pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(super) fn json(value: &Value) -> Self {
        let kind = "application/json; odata.metadata=minimal".to_owned();
        Self { status: 200, headers: vec![("content-type", kind)], body: value.to_string().into_bytes() }
    }

    fn none() -> Self {
        Self { status: 204, headers: Vec::new(), body: Vec::new() }
    }
}

pub(super) fn problem(status: u16, code: &str, message: &str) -> Reply {
    Reply { status, ..Reply::json(&json!({ "error": { "code": code, "message": message } })) }
}

pub(super) fn router(desk: Desk) -> Router {
    Router::new().fallback(answer).with_state(desk)
}

async fn answer(Shared(desk): Shared<Desk>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 256 * 1024 * 1024).await.unwrap().to_vec();
    // `+` stands for itself here: this server reads no forms.
    let query = parts.uri.query().unwrap_or_default().replace('+', "%2B");
    let query = url::form_urlencoded::parse(query.as_bytes())
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    let headers = parts
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
        .collect();
    let asked =
        Asked { method: parts.method.to_string(), path: decoded(parts.uri.path()), query, headers, body };
    let date = desk.clock.now().to_rfc2822().replace("+0000", "GMT");
    let reply = {
        let mut state = desk.lock();
        match asked.path.ends_with("/oauth2/v2.0/token") {
            true => token(&mut state, &asked),
            false => handle_known(&mut state, &asked),
        }
    };
    let mut response = Response::new(Body::from(reply.body)).into_response();
    *response.status_mut() = http::StatusCode::from_u16(reply.status).unwrap();
    response.headers_mut().insert("date", date.parse().unwrap());
    for (name, value) in reply.headers {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}

fn decoded(path: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        let digits = (byte == b'%').then(|| [rest.next().unwrap(), rest.next().unwrap()]);
        bytes.push(
            digits.map_or(byte, |digits| {
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }),
        );
    }
    String::from_utf8(bytes).unwrap()
}

/// Entra's token endpoint.
fn token(state: &mut State, asked: &Asked) -> Reply {
    assert_eq!(asked.path, "/contoso.onmicrosoft.com/oauth2/v2.0/token");
    let body = String::from_utf8(asked.body.clone()).unwrap();
    let form: Vec<(String, String)> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let field = |name: &str| form.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value);
    let basic = BASE64_STANDARD.encode(format!("app-1:{CLIENT_SECRET}"));
    let in_header = asked.header("authorization") == Some(&format!("Basic {basic}"));
    let in_body = (field("client_id"), field("client_secret")) == ("app-1", CLIENT_SECRET);
    let good =
        field("grant_type") == "client_credentials" && field("scope") == format!("{}/.default", state.org);
    if !good || !(in_header || in_body) {
        return Reply { status: 401, ..Reply::json(&json!({ "error": "invalid_client" })) };
    }
    state.tokens += 1;
    let token = format!("issued-{}", state.tokens);
    state.issued = Some(token.clone());
    Reply::json(&json!({ "token_type": "Bearer", "expires_in": 3599, "access_token": token }))
}

fn handle_known(state: &mut State, asked: &Asked) -> Reply {
    let given = asked.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    if given != Some(state.issued.as_deref().unwrap_or(TOKEN)) {
        return Reply { status: 401, headers: Vec::new(), body: Vec::new() };
    }
    handle(state, asked)
}

pub(super) fn handle(state: &mut State, asked: &Asked) -> Reply {
    state.log.push(format!("{} {}", asked.method, asked.path));
    for name in ["odata-version", "odata-maxversion"] {
        assert_eq!(asked.header(name), Some("4.0"), "{} {} lacks {name}", asked.method, asked.path);
    }
    let Some(path) = asked.path.strip_prefix(BASE) else {
        return problem(404, "", "No HTTP resource was found.");
    };
    let (set, key) = match path.split_once('(') {
        Some((set, rest)) => (set, rest.split_once(')')),
        None => (path, None),
    };
    let table = match set {
        "incidents" => "incident",
        "annotations" => "annotation",
        _ => return elsewhere(state, asked, path),
    };
    match (asked.method.as_str(), key) {
        ("GET", None) => list(state, asked, table),
        ("GET", Some((id, ""))) => read(state, asked, table, id),
        ("GET", Some((id, "/documentbody/$value"))) if table == "annotation" => match state.notes.get(id) {
            Some(note) => {
                let body = note.columns.get("documentbody").and_then(Value::as_str).unwrap_or_default();
                let kind = vec![("content-type", "text/plain".to_owned())];
                Reply { status: 200, headers: kind, body: body.as_bytes().to_vec() }
            }
            None => missing(table, id),
        },
        ("PATCH", Some((id, ""))) => upsert(state, asked, table, id),
        ("DELETE", Some((id, ""))) => match state.remove(table, id) {
            true => Reply::none(),
            false => missing(table, id),
        },
        _ => problem(405, "", "The requested resource does not support this method."),
    }
}

fn elsewhere(state: &mut State, asked: &Asked, path: &str) -> Reply {
    match (asked.method.as_str(), path) {
        ("GET", "WhoAmI") => Reply::json(&json!({ "UserId": OUR_USER, "OrganizationId": ACCOUNT })),
        ("GET", "RetrieveVersion()") => Reply::json(&json!({ "Version": "9.2.24014.00182" })),
        ("GET", path) if path == format!("systemusers({OUR_USER})") => Reply::json(
            &json!({ "@odata.etag": "W/\"1\"", "fullname": "# Throughline", "systemuserid": OUR_USER }),
        ),
        ("GET", path) if path.starts_with("EntityDefinitions(") => {
            metadata::answer(state, path, asked.option("$select"), asked.option("$expand"))
        }
        ("POST", "CloseIncident") => close(state, asked),
        ("POST", "$batch") => batch::run(state, asked),
        _ => problem(404, "0x80060888", "Resource not found for the segment."),
    }
}

fn missing(table: &str, id: &str) -> Reply {
    problem(404, "0x80040217", &format!("{table} With Id = {id} Does Not Exist"))
}

fn shown(state: &State, asked: &Asked, table: &str, id: &str, row: &Row) -> Result<Value, Reply> {
    let labels = asked.header("prefer").is_some_and(|prefer| prefer.contains("FormattedValue"));
    let mut out = Map::new();
    out.insert("@odata.etag".to_owned(), format!("W/\"{}\"", row.version).into());
    out.insert(format!("{table}id"), id.into());
    for column in asked.option("$select").split(',') {
        if !metadata::knows(table, column) {
            let message = format!(
                "Could not find a property named '{column}' on type 'Microsoft.Dynamics.CRM.{table}'."
            );
            return Err(problem(400, "0x80060888", &message));
        }
        let (value, label) = match column {
            "incidentid" | "annotationid" => continue,
            "createdon" => (json!(row.created), Some("1/1/2026".to_owned())),
            "modifiedon" => (json!(row.modified), Some("1/1/2026".to_owned())),
            "_createdby_value" => {
                let name = if row.by == OUR_USER { "# Throughline" } else { "Ada Lovelace" };
                (json!(row.by), Some(name.to_owned()))
            }
            "_customerid_value" => (json!(ACCOUNT), Some("Contoso".to_owned())),
            "_primarycontactid_value" => (Value::Null, None),
            "_masterid_value" => (row.columns.get("masterid").cloned().unwrap_or_default(), None),
            "_objectid_value" => (row.columns["objectid"].clone(), None),
            _ => {
                let value = row.columns.get(column).cloned().unwrap_or_default();
                // Forms send line ends of their own.
                let value = match (column, value) {
                    ("description" | "notetext", Value::String(text)) => json!(text.replace('\n', "\r\n")),
                    (_, value) => value,
                };
                let label = metadata::label(state, column, &value).map(str::to_owned);
                let number = value.as_f64().map(|number| format!("{number:.2}"));
                (value, label.or(number))
            }
        };
        if let Some(label) = label.filter(|_| labels) {
            out.insert(format!("{column}@OData.Community.Display.V1.FormattedValue"), label.into());
        }
        out.insert(column.to_owned(), value);
    }
    Ok(Value::Object(out))
}

fn read(state: &State, asked: &Asked, table: &str, id: &str) -> Reply {
    let rows = if table == "incident" { &state.cases } else { &state.notes };
    if state.hidden.iter().any(|hidden| hidden == id) {
        return problem(
            403,
            "0x80040220",
            "SecLib::AccessCheckEx failed. Returned hr = -2147187962, AccessRights: ReadAccess",
        );
    }
    match rows.get(id) {
        Some(row) => shown(state, asked, table, id, row).map_or_else(|reply| reply, |row| Reply::json(&row)),
        None => missing(table, id),
    }
}

fn list(state: &mut State, asked: &Asked, table: &'static str) -> Reply {
    let tracked = asked.header("prefer").is_some_and(|prefer| prefer.contains("odata.track-changes"));
    if tracked || !asked.option("$deltatoken").is_empty() {
        return changes(state, asked, table);
    }
    let rows = state.rows(table).clone();
    let mut rows: Vec<(String, Row)> = rows.into_iter().collect();
    if table == "annotation" {
        let filter = asked.option("$filter");
        let case = filter
            .strip_prefix("_objectid_value eq ")
            .and_then(|f| f.strip_suffix(" and objecttypecode eq 'incident'"));
        let Some(case) = case else { return problem(400, "0x80060888", "Syntax error in the filter.") };
        rows.retain(|(_, row)| row.columns["objectid"] == json!(case));
        assert_eq!(asked.option("$orderby"), "createdon asc");
        rows.sort_by_key(|(_, row)| (row.created.clone(), row.version));
        assert!(!asked.option("$select").contains("documentbody"), "files are not for lists");
    }
    let (skip, page) = (asked.option("$skiptoken").parse().unwrap_or(0), 3);
    let here = rows.iter().skip(skip).take(page).map(|(id, row)| shown(state, asked, table, id, row));
    let value = match here.collect::<Result<Vec<Value>, Reply>>() {
        Ok(value) => value,
        Err(reply) => return reply,
    };
    let mut out = json!({ "value": value });
    if rows.len() > skip + page {
        let kept: Vec<String> = asked
            .query
            .iter()
            .filter(|(name, _)| name != "$skiptoken")
            .map(|(name, value)| format!("{name}={}", value.replace(' ', "%20")))
            .collect();
        out["@odata.nextLink"] =
            json!(format!("{}{BASE}annotations?{}&$skiptoken={}", state.org, kept.join("&"), skip + page));
    }
    Reply::json(&out)
}

/// Change tracking: the whole table first, then what has a later version than the token.
fn changes(state: &mut State, asked: &Asked, table: &'static str) -> Reply {
    if state.untracked.contains(&table) {
        // The preference is not applied, and so no link is given.
        return Reply::json(&json!({ "value": [] }));
    }
    if let Some((name, _)) =
        asked.query.iter().find(|(n, _)| ["$filter", "$orderby", "$expand", "$top"].contains(&n.as_str()))
    {
        let message =
            format!("The \"{name}\" query parameter isn't supported when Change Tracking is enabled.");
        return problem(400, "0x80060888", &message);
    }
    let token = asked.option("$deltatoken");
    let since: u64 = token.split('!').next().unwrap_or_default().parse().unwrap_or(0);
    if !token.is_empty() && since < state.expired_before {
        let message = "Version stamp associated with the client has expired. Please perform a full sync.";
        return problem(400, "0x80044352", message);
    }
    let rows = state.rows(table).clone();
    let mut news: Vec<(String, Row)> = rows.into_iter().filter(|(_, row)| row.version > since).collect();
    news.sort_by_key(|(_, row)| row.version);
    let mut value = Vec::new();
    for (id, row) in &news {
        match shown(state, asked, table, id, row) {
            Ok(row) => value.push(row),
            Err(reply) => return reply,
        }
    }
    if !token.is_empty() {
        let gone = state.deleted.iter().filter(|(version, of, _)| *version > since && *of == table);
        value.extend(gone.map(|(_, _, id)| {
            json!({ "@odata.context": format!("{}{BASE}$metadata#{table}s/$deletedEntity", state.org), "id": id, "reason": "deleted" })
        }));
    }
    let skip: usize = asked.option("$skiptoken").parse().unwrap_or(0);
    let set = if table == "incident" { "incidents" } else { "annotations" };
    let org = state.org.clone();
    let link = |more: &str| format!("{org}{BASE}{set}?$select={}{more}", asked.option("$select"));
    let more = value.len() > skip + state.page;
    let here: Vec<Value> = value.into_iter().skip(skip).take(state.page).collect();
    let mut out = json!({ "value": here });
    if more {
        let token = if token.is_empty() {
            String::new()
        } else {
            format!("&$deltatoken={}", token.replace('!', "%21"))
        };
        out["@odata.nextLink"] = json!(link(&format!("{token}&$skiptoken={}", skip + state.page)));
    } else {
        out["@odata.deltaLink"] = json!(link(&format!("&$deltatoken={}%2101%2f01%2f2026", state.version)));
    }
    Reply::json(&out)
}

fn upsert(state: &mut State, asked: &Asked, table: &'static str, id: &str) -> Reply {
    let Some(given) = asked.json() else { return problem(400, "0x80048d19", "Error identified in payload.") };
    let before = state.rows(table).get(id).cloned();
    match (&before, asked.header("if-match"), asked.header("if-none-match")) {
        (Some(_), _, Some("*")) => {
            return problem(412, "0x80040237", "A record with matching key values already exists.");
        }
        (None, Some(_), _) => return missing(table, id),
        (Some(row), Some(etag), _) if etag != "*" && etag != format!("W/\"{}\"", row.version) => {
            let message =
                "The version of the existing record doesn't match the RowVersion property provided.";
            return problem(412, "0x80060882", message);
        }
        _ => {}
    }
    let created = before.is_none();
    let written = match table {
        "incident" => case(state, before.as_ref(), given),
        _ => note(state, before.as_ref(), given),
    };
    match written {
        Ok(columns) => {
            if created || !state.ignores {
                state.put(table, id.to_owned(), columns, OUR_USER);
            }
            Reply::none()
        }
        Err(reply) => reply,
    }
}

fn too_long(columns: &Map<String, Value>, column: &str, most: usize) -> Result<(), Reply> {
    let text = columns.get(column).and_then(Value::as_str).unwrap_or_default();
    if text.encode_utf16().count() <= most {
        return Ok(());
    }
    let message = format!(
        "A validation error occurred. The length of the '{column}' attribute exceeded the maximum allowed length of '{most}'."
    );
    Err(problem(400, "0x80044331", &message))
}

fn case(
    state: &State,
    before: Option<&Row>,
    mut given: Map<String, Value>,
) -> Result<Map<String, Value>, Reply> {
    too_long(&given, "title", 200)?;
    too_long(&given, "description", 2000)?;
    let mut columns = before.map(|row| row.columns.clone()).unwrap_or_default();
    let stands = columns.get("statecode").and_then(Value::as_i64).unwrap_or(0);
    let moves = given.keys().all(|column| column == "statecode" || column == "statuscode");
    if before.is_none() {
        let bound = given.remove("customerid_account@odata.bind");
        if bound != Some(json!(format!("/accounts({ACCOUNT})"))) {
            return Err(problem(400, "0x80040203", "You should specify a parent contact or account."));
        }
        if given.get("title").and_then(Value::as_str).is_none_or(str::is_empty) {
            return Err(problem(400, "0x80040203", "Title is required."));
        }
        assert!(!given.contains_key("statecode"), "not valid for create");
        columns.extend([("statecode".to_owned(), json!(0)), ("statuscode".to_owned(), json!(1))]);
        columns.insert("prioritycode".to_owned(), json!(2));
    } else if stands != 0 && !moves {
        let message =
            "This case has already been resolved. Close and reopen the case record to see the updates.";
        return Err(problem(400, "0x80048408", message));
    }
    for (column, value) in &given {
        if !metadata::takes(state, column, value) {
            let message = format!("The value of '{column}' is not of the expected type.");
            return Err(problem(400, "0x80048d19", &message));
        }
    }
    let to = given.get("statecode").and_then(Value::as_i64).unwrap_or(stands);
    if let Some(status) = given.get("statuscode").and_then(Value::as_i64)
        && state.state_of(status) != Some(to)
    {
        let message = format!("{status} is not a valid status code for state code {to} on incident.");
        return Err(problem(400, "0x80048408", &message));
    }
    if to == 1 && stands != 1 {
        let message = "This message can not be used to set the state of incident to Resolved. In order to set state of \
                       incident to Resolved, use the CloseIncidentRequest message instead.";
        return Err(problem(400, "0x80040203", message));
    }
    let merges = given.get("statuscode") == Some(&json!(2000));
    if (stands != 0 && to != 0 && stands != to) || merges {
        return Err(problem(400, "0x80048408", "The object cannot be moved to this state from where it is."));
    }
    columns.extend(given);
    Ok(columns)
}

fn note(
    state: &State,
    before: Option<&Row>,
    mut given: Map<String, Value>,
) -> Result<Map<String, Value>, Reply> {
    too_long(&given, "subject", 500)?;
    too_long(&given, "notetext", 100_000)?;
    too_long(&given, "filename", 255)?;
    let mut columns = before.map(|row| row.columns.clone()).unwrap_or_default();
    if let Some(bound) = given.remove("objectid_incident@odata.bind") {
        let id = bound
            .as_str()
            .and_then(|text| text.strip_prefix("/incidents(")?.strip_suffix(')'))
            .unwrap_or_default();
        if !state.cases.contains_key(id) {
            return Err(missing("incident", id));
        }
        columns
            .extend([("objectid".to_owned(), json!(id)), ("objecttypecode".to_owned(), json!("incident"))]);
    } else if before.is_none() {
        return Err(problem(400, "0x80040203", "The note needs an object."));
    }
    if let Some(body) = given.get("documentbody").and_then(Value::as_str) {
        let Ok(bytes) = BASE64_STANDARD.decode(body) else {
            return Err(problem(400, "0x80048d19", "Invalid length for a Base-64 char array or string."));
        };
        if bytes.len() > 5 * 1024 * 1024 {
            return Err(problem(400, "0x80044a02", "Attachment file size is too big."));
        }
        given.insert("filesize".to_owned(), json!(bytes.len()));
    }
    columns.extend(given);
    Ok(columns)
}

fn close(state: &mut State, asked: &Asked) -> Reply {
    let Some(given) = asked.json() else { return problem(400, "0x80048d19", "Error identified in payload.") };
    let resolution = &given["IncidentResolution"];
    assert_eq!(resolution["@odata.type"], "Microsoft.Dynamics.CRM.incidentresolution");
    assert!(resolution["subject"].as_str().is_some_and(|subject| !subject.is_empty()));
    let bound = resolution["incidentid@odata.bind"].as_str().unwrap_or_default();
    let id = bound.trim_start_matches("/incidents(").trim_end_matches(')').to_owned();
    let status = given["Status"].as_i64().unwrap_or_default();
    let Some(row) = state.cases.get(&id).cloned() else { return missing("incident", &id) };
    if state.state_of(status) != Some(1) {
        return problem(400, "0x80048408", "This is not a valid status code for state code Resolved.");
    }
    if row.columns["statecode"] != json!(0) {
        return problem(400, "0x80040503", "The case is not active.");
    }
    if state.busy.contains(&id) {
        let message = "The incident can not be closed because there are open activities for this incident.";
        return problem(400, "0x80040504", message);
    }
    let mut columns = row.columns;
    columns.extend([("statecode".to_owned(), json!(1)), ("statuscode".to_owned(), json!(status))]);
    columns.insert("resolution".to_owned(), resolution["subject"].clone());
    state.put("incident", id, columns, OUR_USER);
    Reply::none()
}
