//! What callers send: names in the path, parameters, bodies. What is not known or not fit is refused, with its place.

use std::time::Duration;

use aide::generate::GenContext;
use aide::openapi::{MediaType, Operation, RequestBody, SchemaObject};
use aide::operation::{OperationInput, ParamLocation, add_parameters, parameters_from_schema, set_body};
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, RawPathParams, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::Api;
use super::interface::add_problem;
use super::problem::{Kind, Problem};

/// How long a body may take to arrive.
const BODY: Duration = Duration::from_secs(30);

/// The names in a route's path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Named<T>(pub(crate) T);

/// The parameters after a path.
#[derive(Clone, Debug)]
pub(crate) struct Asked<T> {
    /// What they say.
    pub(crate) asked: T,
    /// The path within the interface, and the parameters as they were written.
    pub(super) uri: Uri,
}

/// A JSON body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Api> for Named<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        match Path::<T>::from_request_parts(parts, api).await {
            Ok(Path(names)) => Ok(Self(names)),
            // Nothing has a name that is no text.
            Err(rejection) if rejection.status() == StatusCode::BAD_REQUEST => {
                let which = match RawPathParams::from_request_parts(parts, api).await {
                    Ok(params) => {
                        params.iter().map(|(name, _)| name.to_owned()).collect::<Vec<_>>().join(", ")
                    }
                    Err(_) => "path".to_owned(),
                };
                let problem = Problem::new(StatusCode::BAD_REQUEST, rejection.body_text());
                Err(problem.of_kind(Kind::BadParameter).at_parameter(&which))
            }
            Err(rejection) => Err(rejection.into()),
        }
    }
}

impl<T: DeserializeOwned + Send> FromRequestParts<Api> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Api) -> Result<Self, Problem> {
        std::future::ready(()).await;
        let query = parts.uri.query().unwrap_or_default();
        let read = serde_urlencoded::Deserializer::new(form_urlencoded(query));
        let asked = serde_path_to_error::deserialize(read).map_err(|error| {
            let parameter = error.path().to_string();
            let detail = error.into_inner().to_string();
            let parameter = misnamed(&detail).unwrap_or(&parameter).to_owned();
            Problem::new(StatusCode::BAD_REQUEST, detail).of_kind(Kind::BadParameter).at_parameter(&parameter)
        })?;
        Ok(Self { asked, uri: parts.uri.clone() })
    }
}

fn form_urlencoded(query: &str) -> url::form_urlencoded::Parse<'_> {
    url::form_urlencoded::parse(query.as_bytes())
}

impl<T: DeserializeOwned> FromRequest<Api> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            let detail = "send JSON, and say so in the header Content-Type: application/json";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
        }
        let bytes = tokio::select! {
            biased;
            bytes = Bytes::from_request(request, api) => bytes?,
            () = api.bridge.shared().clock.sleep(BODY) => {
                let detail = format!("the body did not arrive within {} s", BODY.as_secs());
                return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, detail));
            }
        };
        // What serde takes in place of members by name: a list of them in their order.
        if bytes.trim_ascii_start().starts_with(b"[") {
            return Err(Problem::bad_member("", "send an object, not a list"));
        }
        let mut read = serde_json::Deserializer::from_slice(&bytes);
        let body = serde_path_to_error::deserialize(&mut read).map_err(|error| {
            let place = pointer(error.path());
            unfit(&error.into_inner(), place)
        })?;
        read.end().map_err(|error| unfit(&error, String::new()))?;
        Ok(Self(body))
    }
}

/// What is wrong with a body, and where.
fn unfit(error: &serde_json::Error, place: String) -> Problem {
    let status = if error.is_data() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::BAD_REQUEST };
    let detail = error.to_string();
    let place = match misnamed(&detail) {
        Some(name) if !place.ends_with(&format!("/{name}")) => format!("{place}/{name}"),
        _ => place,
    };
    Problem::new(status, format!("the body is not what this takes: {detail}"))
        .of_kind(Kind::BadBody)
        .at_member(&place)
}

/// The name that serde does not know, or misses, or finds twice.
fn misnamed(message: &str) -> Option<&str> {
    let rest = ["unknown field `", "missing field `", "duplicate field `"]
        .iter()
        .find_map(|begin| message.strip_prefix(begin))?;
    rest.split('`').next()
}

/// A place in a JSON document as RFC 6901 writes it.
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in path {
        let part = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => key.replace('~', "~0").replace('/', "~1"),
            Segment::Enum { .. } | Segment::Unknown => continue,
        };
        pointer.push('/');
        pointer.push_str(&part);
    }
    pointer
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

impl<T: JsonSchema> OperationInput for Named<T> {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        parameters::<T>(context, operation, ParamLocation::Path);
    }
}

impl<T: JsonSchema> OperationInput for Asked<T> {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        parameters::<T>(context, operation, ParamLocation::Query);
    }
}

fn parameters<T: JsonSchema>(context: &mut GenContext, operation: &mut Operation, place: ParamLocation) {
    // In place: the parameters are described one by one, and nothing refers to them together.
    let schema = T::json_schema(&mut context.schema);
    let parameters = parameters_from_schema(context, schema, place);
    add_parameters(context, operation, parameters);
    add_problem(context, operation, 400);
}

impl<T: JsonSchema> OperationInput for Body<T> {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        let json_schema = context.schema.subschema_for::<T>();
        let schema = SchemaObject { json_schema, external_docs: None, example: None };
        let media = MediaType { schema: Some(schema), ..MediaType::default() };
        let content = [("application/json".to_owned(), media)].into_iter().collect();
        set_body(context, operation, RequestBody { content, required: true, ..RequestBody::default() });
        for status in [400, 408, 413, 415, 422] {
            add_problem(context, operation, status);
        }
    }
}
