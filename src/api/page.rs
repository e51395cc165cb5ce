//! Lists in pages: a limit, a cursor that only we read, and a link to the next page.

use aide::generate::GenContext;
use aide::openapi::{
    Header, HeaderStyle, Operation, ParameterSchemaOrContent, ReferenceOr, Response, SchemaObject,
};
use aide::operation::OperationOutput;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

use super::ask::Asked;
use super::interface::BASE;
use super::problem::{Kind, Problem};

/// Most items in one page.
pub(crate) const LONGEST: usize = 1000;
/// Items in one page unless a caller says otherwise.
const USUAL: usize = 100;

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Page<T> {
    /// What stands in it.
    pub(crate) items: Vec<T>,
    /// The cursor of the next page; without it this is the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<Cursor>,
    /// The address of the next page.
    #[serde(skip)]
    link: Option<String>,
}

/// A part of a list in a form of its own, with the address of the next one.
#[derive(Clone, Debug)]
pub(crate) struct Linked<T> {
    body: T,
    link: Option<String>,
}

/// How long a page may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit(usize);

/// Where a page begins, as the page before it said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Cursor(pub(crate) String);

impl Default for Limit {
    fn default() -> Self {
        Self(USUAL)
    }
}

impl Limit {
    /// It as a count of items.
    pub(crate) fn items(self) -> usize {
        self.0
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let limit = usize::deserialize(deserializer)?;
        if !(1..=LONGEST).contains(&limit) {
            let why = format!("a page has from 1 to {LONGEST} items, not {limit}");
            return Err(serde::de::Error::custom(why));
        }
        Ok(Self(limit))
    }
}

impl JsonSchema for Limit {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Limit".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 1, "maximum": LONGEST, "default": USUAL })
    }
}

impl JsonSchema for Cursor {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Cursor".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        // The format is our own: it says that not any text will do.
        json_schema!({ "type": "string", "format": "cursor" })
    }
}

impl Cursor {
    /// The cursor of a page that begins behind this place.
    ///
    /// # Errors
    ///
    /// When the place cannot be written down.
    pub(crate) fn to<P: Serialize>(place: &P) -> Result<Self, serde_json::Error> {
        Ok(Self(URL_SAFE_NO_PAD.encode(serde_json::to_vec(place)?)))
    }

    /// The place that it names.
    ///
    /// # Errors
    ///
    /// A problem, when it is none of ours.
    pub(crate) fn place<P: DeserializeOwned>(&self) -> Result<P, Problem> {
        let bytes = URL_SAFE_NO_PAD.decode(&self.0).unwrap_or_default();
        serde_json::from_slice(&bytes).map_err(|_unreadable| {
            let detail = "this is no cursor that a page of this list gave; begin without one";
            Problem::new(StatusCode::BAD_REQUEST, detail).of_kind(Kind::BadCursor).at_parameter("cursor")
        })
    }
}

impl<T> Asked<T> {
    /// A page of what was asked for, the next of which begins at `next`.
    ///
    /// # Errors
    ///
    /// A problem, when the place cannot be written down.
    pub(crate) fn page<I, P: Serialize>(&self, items: Vec<I>, next: Option<P>) -> Result<Page<I>, Problem> {
        let next = next.map(|place| Cursor::to(&place)).transpose();
        let next = next.map_err(|error| Problem::internal(&error))?;
        let link = next.as_ref().map(|cursor| self.link(cursor));
        Ok(Page { items, next, link })
    }

    /// A page of the first `limit` of these, of which there is one more if another page follows. `place` tells where one
    /// stands, so that the next page begins after it.
    ///
    /// # Errors
    ///
    /// A problem, when the place cannot be written down.
    pub(crate) fn cut<I, P: Serialize>(
        &self,
        mut items: Vec<I>,
        limit: Limit,
        place: impl Fn(&I) -> P,
    ) -> Result<Page<I>, Problem> {
        let is_last = items.len() <= limit.items();
        items.truncate(limit.items());
        let next = if is_last { None } else { items.last().map(place) };
        self.page(items, next)
    }

    /// A page in a form of its own, of which the next begins at a cursor of its own.
    pub(crate) fn linked<B>(&self, body: B, next: Option<&str>) -> Linked<B> {
        let link = next.map(|cursor| self.link(&Cursor(cursor.to_owned())));
        Linked { body, link }
    }

    /// The address of what was asked for, from another place on.
    fn link(&self, Cursor(cursor): &Cursor) -> String {
        let query = self.uri.query().unwrap_or_default();
        let kept = url::form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name != "cursor");
        let mut written = url::form_urlencoded::Serializer::new(String::new());
        let query = written.extend_pairs(kept).append_pair("cursor", cursor).finish();
        format!("{BASE}{}?{query}", self.uri.path())
    }
}

/// A page of a list that is at hand as a whole: those after the place that `cursor` names, which is a count.
///
/// # Errors
///
/// A problem, when the cursor is none of ours.
pub(crate) fn of_all<I, T>(
    asked: &Asked<T>,
    limit: Limit,
    cursor: Option<&Cursor>,
    all: impl IntoIterator<Item = I>,
) -> Result<Page<I>, Problem> {
    let begin: usize = cursor.map_or(Ok(0), Cursor::place)?;
    let mut rest = all.into_iter().skip(begin);
    let items: Vec<I> = rest.by_ref().take(limit.items()).collect();
    let next = rest.next().is_some().then(|| begin.saturating_add(items.len()));
    asked.page(items, next)
}

impl<T: Serialize> IntoResponse for Page<T> {
    fn into_response(mut self) -> axum::response::Response {
        let link = self.link.take();
        Linked { body: self, link }.into_response()
    }
}

impl<T: JsonSchema> OperationOutput for Page<T> {
    type Inner = Self;

    fn operation_response(context: &mut GenContext, operation: &mut Operation) -> Option<Response> {
        Linked::<Self>::operation_response(context, operation)
    }

    fn inferred_responses(
        context: &mut GenContext,
        operation: &mut Operation,
    ) -> Vec<(Option<u16>, Response)> {
        Linked::<Self>::inferred_responses(context, operation)
    }
}

impl<T: Serialize> IntoResponse for Linked<T> {
    fn into_response(self) -> axum::response::Response {
        let link = self.link.as_ref().map(|link| HeaderValue::from_str(&format!("<{link}>; rel=\"next\"")));
        let mut response = Json(self.body).into_response();
        if let Some(Ok(link)) = link {
            response.headers_mut().insert(header::LINK, link);
        }
        response
    }
}

impl<T: JsonSchema> OperationOutput for Linked<T> {
    type Inner = Self;

    fn operation_response(context: &mut GenContext, operation: &mut Operation) -> Option<Response> {
        let mut response = Json::<T>::operation_response(context, operation)?;
        let words = "Where the next page is, as RFC 8288 writes it: `<…>; rel=\"next\"`.";
        response.headers.insert("Link".to_owned(), header_of(words));
        Some(response)
    }

    fn inferred_responses(
        context: &mut GenContext,
        operation: &mut Operation,
    ) -> Vec<(Option<u16>, Response)> {
        Self::operation_response(context, operation)
            .map(|response| (Some(200), response))
            .into_iter()
            .collect()
    }
}

/// How a header of an answer is described.
pub(super) fn header_of(words: &str) -> ReferenceOr<Header> {
    ReferenceOr::Item(Header {
        description: Some(words.to_owned()),
        style: HeaderStyle::Simple,
        required: false,
        deprecated: None,
        format: ParameterSchemaOrContent::Schema(SchemaObject {
            json_schema: json_schema!({ "type": "string" }),
            external_docs: None,
            example: None,
        }),
        example: None,
        examples: Default::default(),
        extensions: Default::default(),
    })
}
