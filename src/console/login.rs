//! The login page, and the way out.

use std::net::IpAddr;

use axum::Form;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{FromRequestParts, Query, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use secrecy::SecretString;
use serde::Deserialize;
use url::{Url, form_urlencoded};

use super::{Entered, Layout, Place, Refusal};
use crate::api::{Api, FromOwnPage, Problem};
use crate::identity::{Arrival, Error, Peer, Visit};

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

/// Where the organization's own login sends a browser back to.
const CALLBACK: &str = "/console/login/callback";
/// The cookie by which a browser is known again that was sent there.
const UNDER_WAY: &str = "login";

/// What the organization's own login sends along.
#[derive(Debug, Deserialize)]
pub(super) struct Returned {
    state: Option<String>,
    code: Option<String>,
    iss: Option<String>,
    error: Option<String>,
}

/// Sends a person to the organization's own login.
pub(super) async fn depart(
    State(api): State<Api>,
    Client(from): Client,
    headers: HeaderMap,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Refusal> {
    let to = wanted.map(|Query(wanted)| wanted.to).unwrap_or_default();
    let site = api.identity.site();
    let callback = callback(&api, &headers)?;
    let departure = api.identity.depart(&callback, within(&to), from).await.map_err(Problem::from)?;
    let pair = format!("{}={}", site.named(UNDER_WAY), departure.browser);
    let cookie = site.sensitive(&pair, "; Max-Age=600").map(|cookie| [(header::SET_COOKIE, cookie)]);
    Ok((cookie, Redirect::to(departure.address.as_str())).into_response())
}

/// Takes a person in who comes back from there.
pub(super) async fn arrive(
    State(api): State<Api>,
    Client(from): Client,
    headers: HeaderMap,
    returned: Result<Query<Returned>, QueryRejection>,
) -> Result<Response, Refusal> {
    let Query(returned) = returned.map_err(Problem::from)?;
    let site = api.identity.site();
    let arrival = Arrival {
        browser: site.cookie(&headers, &site.named(UNDER_WAY)).map(str::to_owned),
        state: returned.state,
        code: returned.code,
        issuer: returned.iss,
        error: returned.error,
    };
    let callback = callback(&api, &headers)?;
    let (session, to) = match api.identity.arrive(&callback, &arrival, from).await {
        Ok(entered) => entered,
        Err(error @ (Error::Provider(_) | Error::NoRole(_) | Error::Refused)) => {
            let why = format!("You are not logged in: {error}.");
            return Ok((StatusCode::FORBIDDEN, form(&api, "", Some(&why))).into_response());
        }
        Err(error) => return Err(Problem::from(error).into()),
    };
    if let Some(before) = site.session(&headers) {
        api.identity.log_out(before).await.map_err(Problem::from)?;
    }
    let over = site.sensitive(&format!("{}=", site.named(UNDER_WAY)), "; Max-Age=0");
    let cookies = [site.set(session.show()), over].into_iter().flatten();
    let cookies = AppendHeaders(cookies.map(|cookie| (header::SET_COOKIE, cookie)).collect::<Vec<_>>());
    Ok((cookies, Redirect::to(within(&to))).into_response())
}

fn callback(api: &Api, headers: &HeaderMap) -> Result<Url, Problem> {
    let origin = api.identity.site().origin(headers);
    let callback = origin.and_then(|origin| Url::parse(&format!("{origin}{CALLBACK}")).ok());
    callback.ok_or_else(|| {
        let why = "under this name the console cannot be logged in to: set console.public_url to the address that you use";
        Problem::new(StatusCode::MISDIRECTED_REQUEST, why)
    })
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
            @if api.identity.has_provider() {
                @let to: String = form_urlencoded::byte_serialize(to.as_bytes()).collect();
                p { a.button href=(format!("/console/login/oidc?to={to}")) { "Log in with your organization's account" } }
            }
            @if api.identity.has_local_accounts() {
                form method="post" action="/console/login" {
                    input type="hidden" name="to" value=(to);
                    label for="name" { "Name" }
                    input #name name="name" autocomplete="username" autocapitalize="none" spellcheck="false" required
                        autofocus;
                    label for="password" { "Password" }
                    input #password name="password" type="password" autocomplete="current-password" required;
                    button type="submit" { "Log in" }
                }
            } @else if !api.identity.has_provider() {
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
