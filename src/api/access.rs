//! Who calls, and whether they may: the one door to a principal.
//!
//! A program bears a token. A browser bears a session's cookie, which it sends along whoever made it ask: so whatever
//! comes by cookie and changes something has to come from our own pages, and with what only those know.

use std::marker::PhantomData;

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use url::form_urlencoded;

use super::problem::Problem;
use super::{Api, limit};
use crate::case::{CaseId, Seen};
use crate::identity::{self, Principal, Right};

/// The field of a form, and the header field of a script, that only our own pages know.
const CSRF_FIELD: &str = "csrf";
const CSRF_HEADER: HeaderName = HeaderName::from_static("x-csrf-token");
/// The largest form.
const FORM_BYTES: usize = 1 << 20;

/// A principal who has the right `R`.
#[derive(Debug)]
pub struct May<R> {
    /// Who calls.
    pub principal: Principal,
    right: PhantomData<R>,
}

/// A request that was made by a page of ours, as its browser says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FromOwnPage(());

/// A request that was made by a page of the very session that it bears.
#[derive(Clone, Copy, Debug)]
struct Unforged;

impl<R: Right> FromRequestParts<Api> for May<R> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let principal = principal(parts, api).await?;
        let left = api.identity.pace(&principal).map_err(Problem::slowed)?;
        limit::note(parts, left);
        if !principal.may::<R>() {
            let (right, role) = (R::NAME, &principal.role);
            let detail = match R::has(role) {
                false => format!("this asks for the right to {right}, which the role {role} has not"),
                true => format!("this asks for the right to {right}, which this token was not given"),
            };
            return Err(Problem::new(StatusCode::FORBIDDEN, detail));
        }
        Ok(Self { principal, right: PhantomData })
    }
}

impl<R> May<R> {
    /// Records that the one who calls looks at something. Nothing is shown that is not recorded.
    pub(crate) async fn looks(&self, api: &Api, what: Seen, case: Option<CaseId>) -> Result<(), Problem> {
        Ok(api.identity.looks(&self.principal, what, case, None).await?)
    }
}

/// Who calls.
pub(super) async fn principal(parts: &Parts, api: &Api) -> Result<Principal, Problem> {
    let unknown = |detail: &str| Problem::new(StatusCode::UNAUTHORIZED, detail);
    // Whoever bears a token is nobody else, whatever cookie comes along.
    if let Some(bearer) = parts.headers.get(header::AUTHORIZATION) {
        let token = bearer.to_str().ok().and_then(|value| value.strip_prefix("Bearer "));
        let principal = match token {
            Some(token) => api.identity.bearer(token).await,
            None => None,
        };
        return principal.ok_or_else(|| unknown("this token is not known here, has ended, or was revoked"));
    }
    let Some(session) = api.identity.site().session(&parts.headers) else {
        return Err(unknown(
            "send a token as bearer token; an admin makes one by `throughline token create`",
        ));
    };
    let principal = api.identity.by_session(session).await;
    let principal = principal.ok_or_else(|| unknown("the session has ended: log in again"))?;
    if !parts.method.is_safe() && parts.extensions.get::<Unforged>().is_none() {
        let detail = "this was not sent by a page of this console, or the page is too old: load it again; if it happens \
                      always, the setting console.public_url is not the address in your browser";
        return Err(Problem::new(StatusCode::FORBIDDEN, detail));
    }
    Ok(principal)
}

impl FromRequestParts<Api> for FromOwnPage {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _api: &Api) -> Result<Self, Problem> {
        let own = parts.extensions.get::<Self>().copied();
        std::future::ready(own.ok_or_else(|| {
            let detail = "this was not sent by a page of this console; if it happens always, the setting \
                          console.public_url is not the address in your browser";
            Problem::new(StatusCode::FORBIDDEN, detail)
        }))
        .await
    }
}

/// Marks what comes from our own pages. Whatever is not marked, [`May`] refuses, so that a route that this does not stand
/// before fails closed.
pub(super) async fn watch(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let site = api.identity.site();
    if request.method().is_safe()
        || request.headers().contains_key(header::AUTHORIZATION)
        || !site.is_own(request.headers())
    {
        return next.run(request).await;
    }
    request.extensions_mut().insert(FromOwnPage(()));
    let Some(expected) = site.session(request.headers()).map(identity::csrf) else {
        return next.run(request).await;
    };
    let sent = request.headers().get(CSRF_HEADER).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let sent = match sent {
        Some(sent) => Some(sent),
        None if is_form(request.headers()) => {
            let (parts, body) = request.into_parts();
            let Ok(form) = to_bytes(body, FORM_BYTES).await else {
                return Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "this form is too large").into_response();
            };
            let (token, rest) = take_token(&form);
            request = Request::from_parts(parts, Body::from(rest));
            token
        }
        None => None,
    };
    if sent.is_some_and(|sent| identity::same(&expected, &sent)) {
        request.extensions_mut().insert(Unforged);
    }
    next.run(request).await
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';')
        .next()
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"))
}

/// The token of a form, and the form without it: what a handler takes is what its page asks for.
fn take_token(form: &[u8]) -> (Option<String>, Vec<u8>) {
    let is_token =
        |pair: &&[u8]| pair.strip_prefix(CSRF_FIELD.as_bytes()).is_some_and(|rest| rest.starts_with(b"="));
    let (tokens, rest): (Vec<&[u8]>, Vec<&[u8]>) = form.split(|byte| *byte == b'&').partition(is_token);
    let token = tokens.first().and_then(|pair| form_urlencoded::parse(pair).next());
    (token.map(|(_, value)| value.into_owned()), rest.join(&b'&'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handler_sees_a_form_without_its_token() {
        for (form, token, rest) in [
            ("csrf=a-b&name=x&text=a%26csrf%3Db", Some("a-b"), "name=x&text=a%26csrf%3Db"),
            ("name=x&csrf=%2B", Some("+"), "name=x"),
            ("name=x&csrfx=1", None, "name=x&csrfx=1"),
            ("", None, ""),
        ] {
            let (found, kept) = take_token(form.as_bytes());
            assert_eq!((found.as_deref(), kept.as_slice()), (token, rest.as_bytes()), "{form}");
        }
    }
}
