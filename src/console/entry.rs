//! Who enters a page: whoever is not known is sent to log in, whoever may not is told so.

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Redirect;
use url::form_urlencoded;

use super::Refusal;
use crate::api::{Api, May};
use crate::identity::{Principal, Right};

/// A person who has the right `R` to a page.
#[derive(Debug)]
pub(crate) struct Entered<R> {
    /// Who it is, with the right.
    pub(crate) may: May<R>,
}

impl<R> Entered<R> {
    /// Who it is.
    pub(crate) fn principal(&self) -> &Principal {
        &self.may.principal
    }
}

impl<R: Right> FromRequestParts<Api> for Entered<R> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Refusal> {
        match May::from_request_parts(parts, api).await {
            Ok(may) => Ok(Self { may }),
            Err(problem) if problem.status() == StatusCode::UNAUTHORIZED => {
                let to = parts.uri.path_and_query().map_or("/console/", |path| path.as_str());
                let to: String = form_urlencoded::byte_serialize(to.as_bytes()).collect();
                Err(Refusal::Elsewhere(Redirect::to(&format!("/console/login?to={to}"))))
            }
            Err(problem) => Err(problem.into()),
        }
    }
}
