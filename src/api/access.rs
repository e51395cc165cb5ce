//! Who calls, and whether they may: the one door to a principal.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};

use super::Api;
use super::problem::Problem;
use crate::identity::{Principal, Right};

/// A principal who has the right `R`.
#[derive(Debug)]
pub struct May<R> {
    /// Who calls.
    pub principal: Principal,
    right: PhantomData<R>,
}

impl<R: Right> FromRequestParts<Api> for May<R> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let principal = principal(parts, api).await?;
        if !R::has(&principal.role) {
            let detail =
                format!("this asks for the right to {}, which the role {} has not", R::NAME, principal.role);
            return Err(Problem::new(StatusCode::FORBIDDEN, detail));
        }
        Ok(Self { principal, right: PhantomData })
    }
}

/// Who calls.
pub(super) async fn principal(parts: &Parts, api: &Api) -> Result<Principal, Problem> {
    std::future::ready(()).await;
    let bearer = parts
        .headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    bearer.and_then(|token| api.identity.bearer(token)).ok_or_else(|| {
        let detail = "send a token as bearer token; the admin token stands in the data directory";
        Problem::new(StatusCode::UNAUTHORIZED, detail)
    })
}
