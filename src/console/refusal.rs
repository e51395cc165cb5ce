//! What a person is shown in place of a page: where to go first, or what went wrong and what to do.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::html;

use super::{Layout, Place};
use crate::api::Problem;

/// In place of a page.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// Another page has to come first.
    Elsewhere(Redirect),
    /// It cannot be shown.
    Problem(StatusCode, String),
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem.status(), problem.detail().to_owned())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Elsewhere(redirect) => redirect.into_response(),
            Self::Problem(status, detail) => {
                let title = status.canonical_reason().unwrap_or("Error");
                let body = html! {
                    section.notice {
                        h1 { (title) }
                        p { (detail) }
                        p { a href="/console/" { "Back to the cases" } }
                    }
                };
                (status, Layout::new(title, Place::Nowhere, None).page(&body)).into_response()
            }
        }
    }
}
