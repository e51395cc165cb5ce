//! Tickets and specifications: listed, shown, made, changed, deleted.

use axum::body::Body;
use axum::extract::{Path, RawQuery};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

use super::body::{self, Means};
use super::edition::kept;
use super::files;
use super::query::{Fields, Mark, Place, Query};
use super::refusal::Refusal;
use super::shape::{self, Purpose, Shape};
use super::ticket::Written;
use super::view::{self, name, seen, tag};
use super::visitor::Visitor;
use super::{Edition, patch, specification, ticket};
use crate::desk::{Before, Change, Record, Sort};

const TOTAL: HeaderName = HeaderName::from_static("x-total-count");
const RESULT: HeaderName = HeaderName::from_static("x-result-count");

pub(super) async fn list(
    sort: Sort,
    visitor: &Visitor,
    RawQuery(raw): RawQuery,
) -> Result<Response, Refusal> {
    let query = Query::parse(raw.as_deref().unwrap_or_default(), visitor.edition)?;
    let (edition, base) = (visitor.edition, visitor.base.clone());
    let asked = query.clone();
    let found = visitor.desk.scan(sort, query.narrow(), Vec::new(), move |found, number, record| {
        let ticket = Value::Object(seen(&record, sort, number, edition, &base));
        if asked.wants(&ticket) {
            found.push(Mark { keys: asked.keys(&ticket), number });
        }
    });
    let mut found = found.await?;
    found.sort_by(|one, other| query.order(one, other));
    let total = found.len();
    let page = page(&query, &found);
    let mut shown = Vec::with_capacity(page.len());
    for mark in page {
        // One that was deleted in the meantime is not there any more.
        if let Some(record) = visitor.desk.read(sort, mark.number).await? {
            shown.push(Value::Object(fields_of(visitor, &query.fields, sort, mark.number, &record)));
        }
    }
    let links = links(visitor, sort, &query, &found, page);
    let mut answer = json(StatusCode::OK, &Value::from(shown.clone()));
    let headers = answer.headers_mut();
    headers.insert(TOTAL, HeaderValue::from(total));
    headers.insert(RESULT, HeaderValue::from(shown.len()));
    if let Ok(links) = HeaderValue::try_from(links)
        && !links.is_empty()
    {
        headers.insert(header::LINK, links);
    }
    Ok(answer)
}

/// The part of a list that is asked for.
fn page<'f>(query: &Query, found: &'f [Mark]) -> &'f [Mark] {
    let (from, to) = match &query.place {
        Some(Place::After(mark)) => {
            let from =
                found.partition_point(|one| query.order(one, mark).is_le()).saturating_add(query.offset);
            (from, from.saturating_add(query.limit))
        }
        Some(Place::Before(mark)) => {
            let to = found.partition_point(|one| query.order(one, mark).is_lt());
            (to.saturating_sub(query.limit), to)
        }
        None => (query.offset, query.offset.saturating_add(query.limit)),
    };
    let to = to.min(found.len());
    found.get(from.min(to)..to).unwrap_or_default()
}

/// Where the pages before and behind this one are, by cursor under version 5.
fn links(visitor: &Visitor, sort: Sort, query: &Query, found: &[Mark], page: &[Mark]) -> String {
    if visitor.edition == Edition::V4 || query.limit == 0 {
        return String::new();
    }
    let link = |name_of_cursor: &str, mark: &Mark, rel: &str| {
        let (base, name) = (&visitor.base, name(sort));
        format!("<{base}/{name}?{name_of_cursor}={}&limit={}>; rel=\"{rel}\"", mark.cursor(), query.limit)
    };
    let next = page.last().filter(|last| found.last().is_some_and(|end| end.number != last.number));
    let before = page.first().filter(|first| found.first().is_some_and(|start| start.number != first.number));
    let next = next.map(|mark| link("after", mark, "next"));
    let before = before.map(|mark| link("before", mark, "prev"));
    next.into_iter().chain(before).collect::<Vec<_>>().join(", ")
}

pub(super) async fn show(
    sort: Sort,
    visitor: &Visitor,
    Path(id): Path<String>,
    RawQuery(raw): RawQuery,
) -> Result<Response, Refusal> {
    let number = number(&id).ok_or_else(|| Refusal::missing(name(sort)))?;
    let record = visitor.desk.read(sort, number).await?.ok_or_else(|| Refusal::missing(name(sort)))?;
    Ok(shown(StatusCode::OK, visitor, &Fields::of(&raw.unwrap_or_default()), sort, number, &record))
}

pub(super) async fn create(
    sort: Sort,
    visitor: &Visitor,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    body::of_new(&headers)?;
    let body = body::json(visitor, body).await?;
    shape::check(&body, form(sort, visitor.edition), Purpose::New)?;
    let files = files::decoded(visitor, &body).await?;
    let Value::Object(document) = body else { return Err(Refusal::bad("the body has to be an object")) };
    let party = visitor.desk.settings().party.clone();
    let free = visitor.desk.settings().reference.is_some();
    let document = match sort {
        Sort::Ticket => kept(visitor.edition, document, &party),
        Sort::Specification => document,
    };
    let made = visitor.desk.change(sort, None, move |before| match sort {
        Sort::Ticket => ticket::written(Written { before, document, files: &files, author: &party, free }),
        Sort::Specification => specification::written(before, document),
    });
    let made = made.await??.ok_or_else(|| Refusal::missing(name(sort)))?;
    if sort == Sort::Ticket {
        visitor.tell(made.number).await;
    }
    let fields = Fields::of(&raw.unwrap_or_default());
    let mut answer = shown(StatusCode::CREATED, visitor, &fields, sort, made.number, &made.record);
    if let Ok(place) = HeaderValue::try_from(view::address(&visitor.base, sort, made.number)) {
        answer.headers_mut().insert(header::LOCATION, place);
    }
    Ok(answer)
}

pub(super) async fn change(
    sort: Sort,
    visitor: &Visitor,
    Path(id): Path<String>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let means = body::of_change(&headers, visitor.edition)?;
    let body = body::json(visitor, body).await?;
    let shape = match means {
        Means::Document => form(sort, visitor.edition),
        Means::Operations => {
            shape::check(&body, shape::OPERATIONS, Purpose::Change)?;
            shape::check_operations(&body)?;
            shape::OPERATIONS
        }
    };
    shape::check(&body, shape, Purpose::Change)?;
    let number = number(&id).ok_or_else(|| Refusal::missing(name(sort)))?;
    let files = files::decoded(visitor, &body).await?;
    let party = visitor.desk.settings().party.clone();
    let free = visitor.desk.settings().reference.is_some();
    let condition = headers.get(header::IF_MATCH).cloned();
    let edition = visitor.edition;
    let changed = visitor.desk.change(sort, Some(number), move |before| {
        unchanged(before, condition.as_ref())?;
        let document = becomes(before, sort, edition, body, &party)?;
        match sort {
            Sort::Ticket => {
                ticket::written(Written { before, document, files: &files, author: &party, free })
            }
            Sort::Specification => specification::written(before, document),
        }
    });
    let changed = changed.await??.ok_or_else(|| Refusal::missing(name(sort)))?;
    if sort == Sort::Ticket {
        visitor.tell(number).await;
    }
    let fields = Fields::of(&raw.unwrap_or_default());
    Ok(shown(StatusCode::OK, visitor, &fields, sort, number, &changed.record))
}

/// What a document becomes by a body of the right form.
fn becomes(
    before: Before<'_>,
    sort: Sort,
    edition: Edition,
    body: Value,
    party: &str,
) -> Result<Map<String, Value>, Refusal> {
    let mut document = before.record.map(|record| record.document.clone()).unwrap_or_default();
    if let Value::Array(operations) = body {
        document.insert("id".to_owned(), Value::from(before.number.to_string()));
        let done = patch::operate(&Value::Object(document), &operations).map_err(Refusal::conflict)?;
        let Value::Object(document) = done else {
            return Err(Refusal::conflict("the operations leave no object"));
        };
        return Ok(document);
    }
    let Value::Object(body) = body else { return Err(Refusal::bad("the body has to be an object")) };
    let body = match sort {
        Sort::Ticket => kept(edition, body, party),
        Sort::Specification => body,
    };
    patch::merge(&mut document, body);
    Ok(document)
}

pub(super) async fn remove(
    sort: Sort,
    visitor: &Visitor,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let number = number(&id).ok_or_else(|| Refusal::missing(name(sort)))?;
    let condition = headers.get(header::IF_MATCH).cloned();
    let removed = visitor.desk.change(sort, Some(number), move |before| -> Result<Change, Refusal> {
        unchanged(before, condition.as_ref())?;
        Ok(match sort {
            Sort::Ticket => ticket::deleted(before.record),
            Sort::Specification => specification::deleted(before.record),
        })
    });
    removed.await??.ok_or_else(|| Refusal::missing(name(sort)))?;
    if sort == Sort::Ticket {
        visitor.tell(number).await;
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Whether a thing still is as the caller saw it, where the caller says what that was.
fn unchanged(before: Before<'_>, condition: Option<&HeaderValue>) -> Result<(), Refusal> {
    let Some(condition) = condition else { return Ok(()) };
    let stands = before.record.map(tag).unwrap_or_default();
    let fits = condition
        .to_str()
        .is_ok_and(|tags| tags.trim() == "*" || tags.split(',').any(|tag| tag.trim() == stands));
    if fits {
        return Ok(());
    }
    Err(Refusal::new(StatusCode::PRECONDITION_FAILED, "it has changed since; read it again"))
}

fn shown(
    status: StatusCode,
    visitor: &Visitor,
    fields: &Fields,
    sort: Sort,
    number: u64,
    record: &Record,
) -> Response {
    let body = fields_of(visitor, fields, sort, number, record);
    let mut answer = json(status, &Value::Object(body));
    if let Ok(tag) = HeaderValue::try_from(tag(record)) {
        answer.headers_mut().insert(header::ETAG, tag);
    }
    answer
}

fn fields_of(
    visitor: &Visitor,
    fields: &Fields,
    sort: Sort,
    number: u64,
    record: &Record,
) -> Map<String, Value> {
    let whole = seen(record, sort, number, visitor.edition, &visitor.base);
    let [v4, v5] = visitor.desk.settings().only;
    fields.of_ticket(whole, if visitor.edition == Edition::V4 { v4 } else { v5 })
}

fn form(sort: Sort, edition: Edition) -> &'static Shape {
    match sort {
        Sort::Ticket => shape::ticket(edition),
        Sort::Specification => shape::SPECIFICATION,
    }
}

/// A number as an address has it. What is no number of ours is not there.
pub(super) fn number(id: &str) -> Option<u64> {
    let number = id.parse().ok()?;
    (u64::to_string(&number) == id).then_some(number)
}

/// An answer in JSON.
pub(super) fn json(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, super::MEDIA_TYPE)], body.to_string()).into_response()
}
