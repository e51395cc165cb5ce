//! The northbound face: TM Forum's TMF621 Trouble Ticket Management, v4.0.0 and v5.0.1, for partners.
//!
//! Each partner has a desk of its own behind the same addresses ([`crate::desk`]); which one is meant follows from the
//! token. A partner's change is durable before it is answered, and hinted at like any other desk's. The engine goes the
//! same way in process ([`inside`]), with the connector that would speak to any desk of the standard.

pub(crate) mod announce;
mod body;
mod edition;
mod files;
mod hub;
pub mod inside;
mod jsonpath;
mod listener;
mod patch;
mod query;
pub(crate) mod record;
mod refusal;
mod resources;
mod shape;
mod specification;
mod ticket;
mod view;
mod visitor;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use axum::{Extension, Router, middleware};

use crate::daemon::Shared;
use crate::desk::Sort;
use crate::egress::AddressPolicy;
use refusal::Refusal;
use visitor::{Door, Visitor};

pub(crate) use edition::Edition;
pub use visitor::{Face, Northbound};

/// The media type of every answer.
const MEDIA_TYPE: &str = "application/json;charset=utf-8";

/// Both editions as partners reach them.
pub(crate) fn router<S: Clone + Send + Sync + 'static>(shared: &Arc<Shared>) -> Router<S> {
    let policy = Arc::new(shared.northbound.policy.clone());
    let of = |edition: Edition| {
        let door = Door { shared: Arc::clone(shared), edition };
        routes(edition, Some(Arc::clone(&policy))).layer(middleware::from_fn_with_state(door, visitor::admit))
    };
    let mut router = Router::new();
    for edition in [Edition::V4, Edition::V5] {
        router = router.nest_service(edition.path(), of(edition));
    }
    router
}

/// Version 5 as the engine reaches it.
fn inner(visitor: Visitor) -> Router {
    let routes = routes(Edition::V5, None).layer(Extension(visitor));
    Router::new().nest_service(Edition::V5.path(), routes)
}

type Id = Result<Path<String>, PathRejection>;

fn routes(edition: Edition, policy: Option<Arc<AddressPolicy>>) -> Router {
    let mut router = of_sort(Router::new(), edition, Sort::Ticket);
    if edition == Edition::V5 {
        router = of_sort(router, edition, Sort::Specification);
    }
    let subscribe = move |visitor: Visitor, headers: HeaderMap, body: Body| {
        let policy = policy.clone();
        async move { answered(edition, hub::subscribe(&visitor, policy.as_deref(), headers, body).await) }
    };
    let show = async move |visitor: Visitor, id: Id| match id {
        Ok(id) => answered(edition, hub::show(&visitor, id).await),
        Err(_) => Refusal::missing("subscription").answer(edition),
    };
    let end = async move |visitor: Visitor, id: Id| match id {
        Ok(id) => answered(edition, hub::end(&visitor, id).await),
        Err(_) => Refusal::missing("subscription").answer(edition),
    };
    let hear = async move |visitor: Visitor, event: Id, headers: HeaderMap, body: Body| match event {
        Ok(event) => answered(edition, listener::hear(&visitor, event, headers, body).await),
        Err(_) => Refusal::missing("event").answer(edition),
    };
    let file = async move |visitor: Visitor, path: Result<Path<(String, String)>, PathRejection>| {
        let found = path.ok().and_then(|Path((id, file))| Some((resources::number(&id)?, file)));
        match found {
            Some((number, id)) => answered(edition, files::hand_out(&visitor, number, &id).await),
            None => Refusal::missing("attachment").answer(edition),
        }
    };
    let subscription = match edition {
        Edition::V4 => only(edition, axum::routing::delete(end), "DELETE"),
        Edition::V5 => only(edition, get(show).delete(end), "GET, DELETE"),
    };
    router
        .route("/troubleTicket/{id}/attachment/{file}", only(edition, get(file), "GET"))
        .route("/hub", only(edition, post(subscribe), "POST"))
        .route("/hub/{id}", subscription)
        .route("/listener/{event}", only(edition, post(hear), "POST"))
        .fallback(async move || Refusal::missing("address").answer(edition))
}

fn of_sort(router: Router, edition: Edition, sort: Sort) -> Router {
    let missing = move || Refusal::missing(view::name(sort)).answer(edition);
    let list = async move |visitor: Visitor, query: RawQuery| {
        answered(edition, resources::list(sort, &visitor, query).await)
    };
    let create = async move |visitor: Visitor, query: RawQuery, headers: HeaderMap, body: Body| {
        answered(edition, resources::create(sort, &visitor, query, headers, body).await)
    };
    let show = async move |visitor: Visitor, id: Id, query: RawQuery| match id {
        Ok(id) => answered(edition, resources::show(sort, &visitor, id, query).await),
        Err(_) => missing(),
    };
    let change =
        async move |visitor: Visitor, id: Id, query: RawQuery, headers: HeaderMap, body: Body| match id {
            Ok(id) => answered(edition, resources::change(sort, &visitor, id, query, headers, body).await),
            Err(_) => missing(),
        };
    let remove = async move |visitor: Visitor, id: Id, headers: HeaderMap| match id {
        Ok(id) => answered(edition, resources::remove(sort, &visitor, id, headers).await),
        Err(_) => missing(),
    };
    let name = view::name(sort);
    router.route(&format!("/{name}"), only(edition, get(list).post(create), "GET, POST")).route(
        &format!("/{name}/{{id}}"),
        only(edition, get(show).patch(change).delete(remove), "GET, PATCH, DELETE"),
    )
}

/// These methods and no others.
fn only(edition: Edition, methods: MethodRouter, allow: &'static str) -> MethodRouter {
    methods.fallback(async move || Refusal::method(allow).answer(edition))
}

fn answered(edition: Edition, outcome: Result<Response, Refusal>) -> Response {
    outcome.unwrap_or_else(|refusal| refusal.answer(edition))
}
