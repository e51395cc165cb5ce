//! The login page, and the way out.

use std::net::IpAddr;

use axum::Form;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{FromRequestParts, Query, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use secrecy::SecretString;
use serde::Deserialize;

use super::{Entered, Layout, Place, Refusal};
use crate::api::{Api, FromOwnPage, Problem};
use crate::identity::{Error, Peer, Visit};

/// Where a person goes who wanted nothing else.
const HOME: &str = "/console/";

/// Where a person wants to go.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    to: String,
}

/// What a person typed.
#[derive(Debug, Deserialize)]
pub(super) struct Typed {
    #[serde(default)]
    name: String,
    #[serde(default)]
    password: SecretString,
    #[serde(default)]
    to: String,
}

/// From where a request comes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Client(pub(super) IpAddr);

impl FromRequestParts<Api> for Client {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Self::Rejection> {
        let peer = parts.extensions.get::<Peer>().copied();
        std::future::ready(Ok(Self(api.identity.site().client(&parts.headers, peer)))).await
    }
}

pub(super) async fn page(
    State(api): State<Api>,
    headers: HeaderMap,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Response {
    let to = wanted.map(|Query(wanted)| wanted.to).unwrap_or_default();
    if let Some(session) = api.identity.site().session(&headers)
        && api.identity.by_session(session).await.is_some()
    {
        return Redirect::to(within(&to)).into_response();
    }
    form(&api, &to, None).into_response()
}

pub(super) async fn log_in(
    State(api): State<Api>,
    Client(from): Client,
    own: Result<FromOwnPage, Problem>,
    headers: HeaderMap,
    typed: Result<Form<Typed>, FormRejection>,
) -> Result<Response, Refusal> {
    own?;
    let Form(typed) = typed.map_err(|rejection| Problem::new(rejection.status(), rejection.body_text()))?;
    match api.identity.log_in(&typed.name, &typed.password, from).await {
        Ok(session) => {
            // The session of whoever was logged in here before ends: none is taken over.
            if let Some(before) = api.identity.site().session(&headers) {
                api.identity.log_out(before).await.map_err(Problem::from)?;
            }
            let cookie = api.identity.site().set(session.show());
            let cookie = cookie.ok_or_else(|| Problem::internal(&Error::None))?;
            Ok(([(header::SET_COOKIE, cookie)], Redirect::to(within(&typed.to))).into_response())
        }
        Err(Error::Refused) => {
            let why = "Name or password is not right, or the account may not enter.";
            Ok((StatusCode::UNAUTHORIZED, form(&api, &typed.to, Some(why))).into_response())
        }
        Err(Error::Slowed(wait)) => {
            let seconds = wait.as_secs().saturating_add(1);
            let why = format!("Too many tries: wait {seconds} seconds.");
            let fields = [(header::RETRY_AFTER, seconds.to_string())];
            Ok((StatusCode::TOO_MANY_REQUESTS, fields, form(&api, &typed.to, Some(&why))).into_response())
        }
        Err(error) => Err(Problem::from(error).into()),
    }
}

pub(super) async fn log_out(
    State(api): State<Api>,
    _: Entered<Visit>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let site = api.identity.site();
    if let Some(session) = site.session(&headers) {
        api.identity.log_out(session).await.map_err(Problem::from)?;
    }
    let cookie = site.clear().map(|cookie| [(header::SET_COOKIE, cookie)]);
    Ok((cookie, Redirect::to("/console/login")).into_response())
}

/// Only a page of ours: a link to the login page must not lead elsewhere afterwards.
fn within(to: &str) -> &str {
    let plain = to.bytes().all(|byte| (0x21..0x7f).contains(&byte) && byte != b'\\');
    if to.starts_with(HOME) && plain { to } else { HOME }
}

fn form(api: &Api, to: &str, error: Option<&str>) -> Markup {
    let content = html! {
        section.login {
            h1 { "Log in" }
            @if let Some(error) = error { p.error role="alert" { (error) } }
            @if api.identity.has_accounts() {
                form method="post" action="/console/login" {
                    input type="hidden" name="to" value=(to);
                    label for="name" { "Name" }
                    input #name name="name" autocomplete="username" autocapitalize="none" spellcheck="false" required
                        autofocus;
                    label for="password" { "Password" }
                    input #password name="password" type="password" autocomplete="current-password" required;
                    button type="submit" { "Log in" }
                }
            } @else {
                p { "Nobody has an account here yet. On the machine of the bridge, the first one is made by" }
                pre { code { "throughline account add NAME --role admin --config FILE" } }
            }
        }
    };
    Layout::new("Log in", Place::Nowhere, None).page(&content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_leads_to_a_page_of_ours_only() {
        assert_eq!(within("/console/cases/TL-7?as=fabrikam"), "/console/cases/TL-7?as=fabrikam");
        for elsewhere in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example/console/",
            "/console/\\x",
            "/console/\r\nx",
        ] {
            assert_eq!(within(elsewhere), HOME, "{elsewhere:?}");
        }
    }
}
