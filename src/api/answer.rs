//! What is answered beside plain JSON: what was created or taken on, and what is known by a tag.

use std::marker::PhantomData;

use aide::generate::GenContext;
use aide::openapi::{
    HeaderStyle, Operation, Parameter, ParameterData, ParameterSchemaOrContent, Response, SchemaObject,
};
use aide::operation::{OperationInput, OperationOutput, add_parameters};
use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::IntoResponse;
use ring::digest::{SHA256, digest};
use schemars::{JsonSchema, json_schema};
use serde::Serialize;

use super::Api;
use super::interface::add_problem;
use super::page::header_of;
use super::problem::{Kind, Problem};
use crate::case::Case;

/// Something that was made: 201.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Created<T>(pub(crate) T);

/// Something that is going to be done: 202.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Accepted<T>(pub(crate) T);

/// Something that was made, of which a part is told this once: 201, kept by nobody on its way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown<T>(pub(crate) T);

/// It is done, and there is nothing to say: 204.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Done;

/// Something about a case, with the tag that it is known by.
#[derive(Clone, Debug)]
pub(crate) struct Tagged<T> {
    tag: String,
    /// `None` if the caller has it.
    body: Option<Vec<u8>>,
    of: PhantomData<T>,
}

/// The tags of what the caller has (`If-None-Match`).
#[derive(Clone, Debug)]
pub(crate) struct Known(Vec<String>);

/// The tags of what a write is meant for (`If-Match`).
#[derive(Clone, Debug)]
pub(crate) struct Meant(Vec<String>);

impl Known {
    /// `value`, which is about `case`, unless the caller has just that.
    ///
    /// # Errors
    ///
    /// A problem, when it cannot be written as JSON.
    pub(crate) fn answer<T: Serialize>(&self, case: &Case, value: &T) -> Result<Tagged<T>, Problem> {
        let body = serde_json::to_vec(value).map_err(|error| Problem::internal(&error))?;
        // The record alone would not do: what is said of a case depends on the rules in force and on the time as well.
        let digest: String =
            digest(&SHA256, &body).as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let tag = format!("\"{}.{digest}\"", record(case));
        let has = self.0.iter().any(|known| known == "*" || known.trim_start_matches("W/") == tag);
        Ok(Tagged { tag, body: (!has).then_some(body), of: PhantomData })
    }
}

impl Meant {
    /// That `case` is as the caller saw it, if the caller said how that was.
    ///
    /// # Errors
    ///
    /// 412, when it moved on.
    pub(crate) fn holds(&self, case: &Case) -> Result<(), Problem> {
        let begin = format!("\"{}.", record(case));
        if self.0.is_empty() || self.0.iter().any(|tag| tag == "*" || tag.starts_with(&begin)) {
            return Ok(());
        }
        let detail = format!("{} moved on since it was read; read it again, and decide anew", case.id);
        Err(Problem::new(StatusCode::PRECONDITION_FAILED, detail).of_kind(Kind::MovedOn))
    }
}

/// Where the last record of a case begins: no two records of the ledger share that.
fn record(case: &Case) -> String {
    case.last.map(|position| position.to_string()).unwrap_or_default()
}

fn tags(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    let lines = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(|tag| tag.trim().to_owned()).collect()
}

impl FromRequestParts<Api> for Known {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Api) -> Result<Self, Problem> {
        std::future::ready(()).await;
        Ok(Self(tags(&parts.headers, &header::IF_NONE_MATCH)))
    }
}

impl FromRequestParts<Api> for Meant {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Api) -> Result<Self, Problem> {
        std::future::ready(()).await;
        Ok(Self(tags(&parts.headers, &header::IF_MATCH)))
    }
}

impl OperationInput for Known {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        let words = "Tags of what the caller has: if it is still so, the answer is 304.";
        add_parameters(context, operation, [header_parameter("If-None-Match", words)]);
    }
}

impl OperationInput for Meant {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        let words = "The `ETag` of the case as it was read: if it moved on since, nothing is done.";
        add_parameters(context, operation, [header_parameter("If-Match", words)]);
        add_problem(context, operation, 412);
    }
}

/// A header that a caller may send.
pub(super) fn header_parameter(name: &str, words: &str) -> Parameter {
    Parameter::Header {
        parameter_data: ParameterData {
            name: name.to_owned(),
            description: Some(words.to_owned()),
            required: false,
            deprecated: None,
            format: ParameterSchemaOrContent::Schema(SchemaObject {
                json_schema: json_schema!({ "type": "string" }),
                external_docs: None,
                example: None,
            }),
            example: None,
            examples: Default::default(),
            explode: None,
            extensions: Default::default(),
        },
        style: HeaderStyle::Simple,
    }
}

impl<T> IntoResponse for Tagged<T> {
    fn into_response(self) -> axum::response::Response {
        // What is kept is asked for again each time: only the bridge knows whether it still holds.
        let headers = [(header::ETAG, self.tag), (header::CACHE_CONTROL, "private, no-cache".to_owned())];
        match self.body {
            Some(body) => (headers, [(header::CONTENT_TYPE, "application/json")], body).into_response(),
            None => (StatusCode::NOT_MODIFIED, headers).into_response(),
        }
    }
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> axum::response::Response {
        (StatusCode::CREATED, Json(self.0)).into_response()
    }
}

impl<T: Serialize> IntoResponse for Accepted<T> {
    fn into_response(self) -> axum::response::Response {
        (StatusCode::ACCEPTED, Json(self.0)).into_response()
    }
}

impl<T: JsonSchema> OperationOutput for Tagged<T> {
    type Inner = T;

    fn inferred_responses(
        context: &mut GenContext,
        operation: &mut Operation,
    ) -> Vec<(Option<u16>, Response)> {
        let mut answer = Json::<T>::operation_response(context, operation).unwrap_or_default();
        answer.headers.insert("ETag".to_owned(), header_of("What this answer is known by."));
        let mut same =
            Response { description: "What the caller has is still so.".to_owned(), ..Response::default() };
        same.headers = answer.headers.clone();
        vec![(Some(200), answer), (Some(304), same)]
    }
}

impl<T: JsonSchema> OperationOutput for Created<T> {
    type Inner = T;

    fn inferred_responses(
        context: &mut GenContext,
        operation: &mut Operation,
    ) -> Vec<(Option<u16>, Response)> {
        let response = Json::<T>::operation_response(context, operation);
        response.map(|response| (Some(201), response)).into_iter().collect()
    }
}

impl<T: JsonSchema> OperationOutput for Accepted<T> {
    type Inner = T;

    fn inferred_responses(
        context: &mut GenContext,
        operation: &mut Operation,
    ) -> Vec<(Option<u16>, Response)> {
        let response = Json::<T>::operation_response(context, operation);
        response.map(|response| (Some(202), response)).into_iter().collect()
    }
}

impl<T: Serialize> IntoResponse for Shown<T> {
    fn into_response(self) -> axum::response::Response {
        (StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], Json(self.0)).into_response()
    }
}

impl IntoResponse for Done {
    fn into_response(self) -> axum::response::Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

impl<T: JsonSchema> OperationOutput for Shown<T> {
    type Inner = T;

    fn inferred_responses(
        context: &mut GenContext,
        operation: &mut Operation,
    ) -> Vec<(Option<u16>, Response)> {
        Created::<T>::inferred_responses(context, operation)
    }
}

impl OperationOutput for Done {
    type Inner = Self;

    fn inferred_responses(_: &mut GenContext, _: &mut Operation) -> Vec<(Option<u16>, Response)> {
        vec![(Some(204), Response { description: "It is done.".to_owned(), ..Response::default() })]
    }
}
