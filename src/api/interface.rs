//! Declares the routes under `/api/v1`, each with its description: there is no way to add one without.
//!
//! What a route takes and answers is described by the types of its handler, the right it asks for by its argument
//! [`May`] alone. The whole is published as OpenAPI 3.1.

use aide::axum::ApiRouter;
use aide::axum::routing::{ApiMethodRouter, get_with, post_with};
use aide::generate::{GenContext, in_context, reset_context};
use aide::openapi::{Info, License, OpenApi, Operation, ReferenceOr, Response, SecurityScheme, StatusCode};
use aide::operation::{OperationHandler, OperationInput, OperationOutput};
use aide::transform::TransformOperation;
use axum::extract::DefaultBodyLimit;
use axum::handler::Handler;
use axum::http::Method;
use schemars::generate::SchemaSettings;

use super::access::May;
use super::problem::{self, Problem};
use super::routes::{Asks, Route, Routes};
use super::{Api, once};
use crate::identity::{Right, RightName};

/// Where the interface stands.
pub(crate) const BASE: &str = "/api/v1";

/// How callers show who they are.
const SCHEME: &str = "token";

/// The largest body taken, in bytes: what people and programs say about a case is short.
pub(super) const BODY_BYTES: usize = 256 * 1024;

/// What is said of a route beside what its types say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About {
    /// The group in which it is listed.
    pub(crate) tag: &'static str,
    /// Its name, for programs that are generated from the description.
    pub(crate) id: &'static str,
    /// What it does.
    pub(crate) summary: &'static str,
    /// What else a caller has to know.
    pub(crate) more: &'static str,
    /// The statuses of its own problems, besides those that its arguments bring along.
    pub(crate) problems: &'static [u16],
}

/// The routes of the interface, and what is said of them.
pub(crate) struct Interface {
    router: ApiRouter<Api>,
    list: Vec<Route>,
}

macro_rules! method {
    ($name:ident, $with:ident, $method:expr, $writes:literal, $doc:literal) => {
        #[doc = $doc]
        pub(crate) fn $name<H, I, O, T>(self, path: &str, about: About, handler: H) -> Self
        where
            H: Handler<T, Api> + OperationHandler<I, O>,
            I: OperationInput,
            O: OperationOutput,
            T: Asks + 'static,
        {
            self.route(
                $method,
                path,
                Some(T::RIGHT),
                $with(handler, |operation| about.told(operation, $writes)),
            )
        }
    };
}

impl Interface {
    /// No routes yet.
    pub(crate) fn new() -> Self {
        reset_context();
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = "#/components/schemas/".into();
            settings.meta_schema = None;
        });
        in_context(|context| context.schema = settings.into_generator());
        Self { router: ApiRouter::new(), list: Vec::new() }
    }

    method!(get, get_with, Method::GET, false, "A route that only reads.");
    method!(post, post_with, Method::POST, true, "A route that acts.");

    /// A route that everybody may read.
    pub(crate) fn open<H, I, O, T>(self, path: &str, about: About, handler: H) -> Self
    where
        H: Handler<T, Api> + OperationHandler<I, O>,
        I: OperationInput,
        O: OperationOutput,
        T: 'static,
    {
        self.route(Method::GET, path, None, get_with(handler, |operation| about.told(operation, false)))
    }

    fn route(
        mut self,
        method: Method,
        path: &str,
        asks: Option<RightName>,
        methods: ApiMethodRouter<Api>,
    ) -> Self {
        self.list.push(Route { method, path: format!("{BASE}{path}"), asks });
        Self { router: self.router.api_route(path, methods), list: self.list }
    }

    /// The routes, below [`BASE`], and their description.
    pub(crate) fn finish(self) -> (Routes, OpenApi) {
        let mut description = OpenApi { info: info(), ..OpenApi::default() };
        let router = ApiRouter::new().nest(BASE, self.router).finish_api_with(&mut description, |api| {
            api.security_scheme(
                SCHEME,
                SecurityScheme::Http {
                    scheme: "bearer".to_owned(),
                    bearer_format: None,
                    description: Some(
                        "A token of the bridge. What a route requires of its bearer is the right that it names."
                            .to_owned(),
                    ),
                    extensions: Default::default(),
                },
            )
        });
        let router = router.layer(DefaultBodyLimit::max(BODY_BYTES));
        (Routes::of(router, self.list), description)
    }
}

/// What is published of the interface.
fn info() -> Info {
    Info {
        title: "Throughline".to_owned(),
        summary: Some(
            "Tickets federated between organizations: cases, their stories, and what waits for people."
                .to_owned(),
        ),
        description: Some(WORDS.to_owned()),
        license: Some(License {
            name: env!("CARGO_PKG_LICENSE").to_owned(),
            identifier: Some(env!("CARGO_PKG_LICENSE").to_owned()),
            ..License::default()
        }),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..Info::default()
    }
}

/// What holds for all routes.
const WORDS: &str = "\
Errors are RFC 9457 problem documents. Parameters and members that a route does not know are refused.

Lists come in pages: `limit` says how long one may be; `next` is the `cursor` of the next one, and the header `Link` its \
address. A cursor \
means nothing outside of this interface.

Answers about one case bear an `ETag`; `If-None-Match` spares the answer while nothing has changed, and `If-Match` \
keeps a write from acting on a case that moved on.

A write that bears an `Idempotency-Key` is done once, however often it is sent within a day.

How many requests a token has left is in the headers `RateLimit` and `RateLimit-Policy` of every answer; 429 says in \
`Retry-After` when to come back.";

impl About {
    fn told(self, mut operation: TransformOperation<'_>, writes: bool) -> TransformOperation<'_> {
        let inner = operation.inner_mut();
        in_context(|context| {
            if writes {
                once::describe(context, inner);
            }
            for status in self.problems {
                add_problem(context, inner, *status);
            }
        });
        let operation = operation.id(self.id).tag(self.tag).summary(self.summary);
        if self.more.is_empty() { operation } else { operation.description(self.more) }
    }
}

/// Describes a problem of an operation, unless that status is described already.
pub(super) fn add_problem(context: &mut GenContext, operation: &mut Operation, status: u16) {
    let response = problem::described(context, status);
    let responses = operation.responses.get_or_insert_default();
    responses.responses.entry(StatusCode::Code(status)).or_insert(ReferenceOr::Item(response));
}

/// The one place that says which right a route asks for.
impl<R: Right> OperationInput for May<R> {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        let requirement = [(SCHEME.to_owned(), vec![R::NAME.word().to_owned()])];
        operation.security.push(requirement.into_iter().collect());
        operation.extensions.insert("x-right".to_owned(), R::NAME.word().into());
        for status in [401, 403, 429] {
            add_problem(context, operation, status);
        }
    }
}

impl OperationOutput for Problem {
    type Inner = Self;

    fn operation_response(context: &mut GenContext, _operation: &mut Operation) -> Option<Response> {
        Some(problem::described(context, 500))
    }

    fn inferred_responses(
        context: &mut GenContext,
        _operation: &mut Operation,
    ) -> Vec<(Option<u16>, Response)> {
        [500, 503].map(|status| (Some(status), problem::described(context, status))).into()
    }
}
