//! OAuth 2.0 access tokens, got with client credentials (RFC 6749 §4.4) or a login (§6): one for all requests of a
//! system, fetched by one of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ::http::{HeaderValue, StatusCode, header};
use bytes::Bytes;
use futures::future::{BoxFuture, Either, select};
use oauth2::basic::{BasicClient, BasicErrorResponse, BasicErrorResponseType, BasicTokenType};
use oauth2::{AsyncHttpClient, ClientId, ClientSecret, HttpRequest, HttpResponse, RefreshToken};
use oauth2::{RequestTokenError, Scope};
use oauth2::{TokenResponse, TokenUrl};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{Mutex, MutexGuard};
use url::Url;

use crate::http::authentication::bearer;
use crate::http::login::Login;
use crate::http::scrub::{scrub_error, scrubbed};
use crate::http::{Request, Response, Transport};
use crate::{Clock, Error, ErrorKind, Result, TookEffect, Urgency};

/// The most of a token answer that is read.
const MAX_TOKEN_ANSWER_BYTES: u64 = 64 * 1024;
/// A token is renewed this long before it ends, or a tenth of its life before if that is shorter.
const MARGIN: Duration = Duration::from_secs(60);

/// How a client asks for its token.
#[derive(Clone, Debug)]
pub struct Grant {
    /// The token endpoint.
    pub token_url: Url,
    /// The client's id.
    pub client_id: String,
    /// The client's secret; a public client with a login has none.
    pub client_secret: Option<SecretString>,
    /// Scopes asked for.
    pub scopes: Vec<String>,
    /// Whose login the tokens are got with; without one, with the client's own credentials.
    pub(crate) login: Option<Arc<Login>>,
}

/// Adds a bearer token to each request and renews it: kept until shortly before its end, one request for a
/// token at a time while the others wait, renewed once where the system answers 401.
///
/// Inside the trace, outside the rate: a token request goes through the same rate and guard as any other, under the
/// trace of the request it is for. What an answer of a refusal says of our secrets is taken out of it.
/// After a 401 the request is sent a second time, a write too: a request refused for its credentials was not
/// carried out.
#[derive(Debug)]
pub struct ClientCredentials {
    inner: Arc<dyn Transport>,
    /// Where token requests go: the same way, with a trace of their own.
    tokens: Arc<dyn Transport>,
    grant: Grant,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// Attempts to get a token that are over: who waited through one takes its outcome, good or bad.
    attempts: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    token: Option<Token>,
    failure: Option<Error>,
}

#[derive(Clone, Debug)]
struct Token {
    value: HeaderValue,
    secret: SecretString,
    /// Which one it is, so that a 401 invalidates no younger one.
    serial: u64,
    renew_at: Duration,
}

/// What the request that needs a token passes on to the one for the token.
#[derive(Clone, Copy, Debug)]
pub(super) struct Needed {
    pub(super) deadline: Duration,
    pub(super) trace: [u8; 16],
}

impl ClientCredentials {
    /// Authenticates what `inner` sends with tokens got through `tokens`.
    pub fn new(
        inner: Arc<dyn Transport>,
        tokens: Arc<dyn Transport>,
        grant: Grant,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { inner, tokens, grant, clock, state: Mutex::default(), attempts: AtomicU64::new(0) }
    }

    async fn authenticated(&self, request: Request) -> Result<Response> {
        let needed = Needed { deadline: request.deadline, trace: request.trace };
        let token = self.token(needed).await?;
        let response = self.send_with(&token, request.clone()).await?;
        if response.status != StatusCode::UNAUTHORIZED {
            return Ok(response);
        }
        tracing::info!(
            server.address = request.url.host_str().unwrap_or_default(),
            "The system refused a token before its end; a new one is fetched."
        );
        self.invalidate(token.serial, needed).await?;
        let token = self.token(needed).await?;
        self.send_with(&token, request).await
    }

    async fn send_with(&self, token: &Token, mut request: Request) -> Result<Response> {
        request.headers.insert(header::AUTHORIZATION, token.value.clone());
        scrubbed(self.inner.send(request).await, &[token.secret.expose_secret()])
    }

    async fn token(&self, needed: Needed) -> Result<Token> {
        let before = self.attempts.load(Ordering::SeqCst);
        let mut state = self.lock(needed).await?;
        if let Some(token) = &state.token
            && self.clock.monotonic() < token.renew_at
        {
            return Ok(token.clone());
        }
        let now = self.attempts.load(Ordering::SeqCst);
        if let Some(failure) = state.failure.as_ref().filter(|_| now != before) {
            return Err(failure.clone());
        }
        let outcome = self.fetch(needed, now + 1).await;
        self.attempts.store(now + 1, Ordering::SeqCst);
        state.failure = outcome.as_ref().err().cloned();
        state.token = outcome.as_ref().ok().cloned();
        outcome
    }

    async fn invalidate(&self, serial: u64, needed: Needed) -> Result<()> {
        let mut state = self.lock(needed).await?;
        if state.token.as_ref().is_some_and(|token| token.serial == serial) {
            state.token = None;
        }
        Ok(())
    }

    /// Waits its turn, but not past the request's deadline.
    async fn lock(&self, needed: Needed) -> Result<MutexGuard<'_, State>> {
        let left = needed.deadline.saturating_sub(self.clock.monotonic());
        match select(Box::pin(self.state.lock()), self.clock.sleep(left)).await {
            Either::Left((state, _)) => Ok(state),
            Either::Right(((), _)) => Err(Error::new(
                ErrorKind::Unavailable,
                "the request was not sent: no token came before the deadline",
            )),
        }
    }

    async fn fetch(&self, needed: Needed, serial: u64) -> Result<Token> {
        let mut client = BasicClient::new(ClientId::new(self.grant.client_id.clone()))
            .set_token_uri(TokenUrl::from_url(self.grant.token_url.clone()));
        let mut secrets: Vec<SecretString> = self.grant.client_secret.iter().cloned().collect();
        if let Some(secret) = &self.grant.client_secret {
            client = client.set_client_secret(ClientSecret::new(secret.expose_secret().to_owned()));
        }
        let http = ThroughPlane { inner: &*self.tokens, grant: &self.grant, needed };
        let scopes = self.grant.scopes.iter().cloned().map(Scope::new);
        let answer = match &self.grant.login {
            None => client.exchange_client_credentials().add_scopes(scopes).request_async(&http).await,
            Some(login) => {
                let token = login.token().await.map_err(|error| error.with_effect(TookEffect::No))?;
                secrets.push(token.clone());
                let token = RefreshToken::new(token.expose_secret().to_owned());
                client.exchange_refresh_token(&token).add_scopes(scopes).request_async(&http).await
            }
        };
        // Whatever became of the token request, the request it was for has not been sent.
        let answer = answer.map_err(|error| {
            let error = explain(error, &self.grant).with_effect(TookEffect::No);
            let secrets: Vec<&str> = secrets.iter().map(SecretString::expose_secret).collect();
            scrub_error(error, &secrets)
        })?;
        if let (Some(login), Some(next)) = (&self.grant.login, answer.refresh_token()) {
            login.replace(next.secret()).await.map_err(|error| {
                error
                    .with_effect(TookEffect::No)
                    .with_context("login", "its new refresh token could not be kept")
            })?;
        }
        if *answer.token_type() != BasicTokenType::Bearer {
            return Err(about(
                &self.grant,
                ErrorKind::Unauthenticated,
                "gave a token that is no bearer token",
            ));
        }
        let renew_at = match answer.expires_in() {
            Some(life) => self.clock.monotonic().saturating_add(life.saturating_sub(MARGIN.min(life / 10))),
            // No end is stated: it ends when the system says 401.
            None => Duration::MAX,
        };
        let token = answer.access_token().secret();
        Ok(Token { value: bearer(token)?, secret: token.as_str().into(), serial, renew_at })
    }
}

impl Transport for ClientCredentials {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response>> {
        Box::pin(self.authenticated(request))
    }
}

/// Sends what `oauth2` prepared through our own plane.
struct ThroughPlane<'a> {
    inner: &'a dyn Transport,
    grant: &'a Grant,
    needed: Needed,
}

impl<'c> AsyncHttpClient<'c> for ThroughPlane<'_> {
    type Error = Error;
    type Future = BoxFuture<'c, Result<HttpResponse>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(exchange(self.inner, self.grant, request, self.needed))
    }
}

pub(super) async fn exchange(
    inner: &dyn Transport,
    grant: &Grant,
    token_request: HttpRequest,
    needed: Needed,
) -> Result<HttpResponse> {
    let (parts, body) = token_request.into_parts();
    let answer = inner
        .send(Request {
            method: parts.method,
            url: grant.token_url.clone(),
            headers: parts.headers.into_iter().filter_map(sensitive_if_secret).collect(),
            body: Bytes::from(body),
            deadline: needed.deadline,
            // Everybody waits for it.
            urgency: Urgency(u8::MAX),
            trace: needed.trace,
            max_answer_bytes: MAX_TOKEN_ANSWER_BYTES,
        })
        .await?;
    match ErrorKind::from_status(answer.status.as_u16()) {
        Some(kind @ (ErrorKind::Unavailable | ErrorKind::RateLimited)) => {
            return Err(about(grant, kind, &format!("answered {}", answer.status))
                .with_retry_after(answer.retry_after()));
        }
        // Some token servers refuse without the JSON that RFC 6749 §5.2 asks for.
        Some(_) if serde_json::from_slice::<BasicErrorResponse>(&answer.body).is_err() => {
            let what = format!("refused our client with {}", answer.status);
            return Err(about(grant, ErrorKind::Unauthenticated, &what));
        }
        Some(_) | None => {}
    }
    let mut response = HttpResponse::new(answer.body.to_vec());
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    Ok(response)
}

fn sensitive_if_secret(
    (name, mut value): (Option<::http::HeaderName>, HeaderValue),
) -> Option<(::http::HeaderName, HeaderValue)> {
    let name = name?;
    value.set_sensitive(name == header::AUTHORIZATION);
    Some((name, value))
}

/// Never quotes an answer that could not be read: it may hold a token.
pub(super) fn explain(error: RequestTokenError<Error, BasicErrorResponse>, grant: &Grant) -> Error {
    match error {
        RequestTokenError::Request(error) => error,
        RequestTokenError::ServerResponse(refusal) => {
            let kind = match refusal.error() {
                BasicErrorResponseType::Extension(code)
                    if matches!(code.as_str(), "temporarily_unavailable" | "server_error") =>
                {
                    ErrorKind::Unavailable
                }
                BasicErrorResponseType::Extension(_)
                | BasicErrorResponseType::InvalidClient
                | BasicErrorResponseType::InvalidGrant
                | BasicErrorResponseType::InvalidRequest
                | BasicErrorResponseType::InvalidScope
                | BasicErrorResponseType::UnauthorizedClient
                | BasicErrorResponseType::UnsupportedGrantType => ErrorKind::Unauthenticated,
            };
            let words = refusal.error_description().map(String::as_str).unwrap_or_default();
            let words: String = words.chars().filter(|letter| !letter.is_control()).take(200).collect();
            let error = about(grant, kind, &format!("refused our client: {}", refusal.error().as_ref()))
                .with_context("description", words);
            match (refusal.error(), &grant.login) {
                (BasicErrorResponseType::InvalidGrant, Some(_)) => error.with_context(
                    "login",
                    "it has ended: log in again, with `throughline login` or as its refresh token was got",
                ),
                _ => error,
            }
        }
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            about(grant, ErrorKind::Unauthenticated, "gave an answer that is no token; check its address")
        }
    }
}

pub(super) fn about(grant: &Grant, kind: ErrorKind, what: &str) -> Error {
    Error::new(kind, format!("the token server {what}"))
        .with_context("server", grant.token_url.host_str().unwrap_or_default())
        .with_context("client", &grant.client_id)
}

#[cfg(test)]
mod tests {
    use ::http::Method;
    use futures::future::join_all;

    use super::*;
    use crate::double::{CountingEntropy, Script, TestClock, answer, request};
    use crate::http::plane::plane;
    use crate::http::rate::Limits;
    use crate::http::{Authentication, Reach};

    const LIMITS: Limits = Limits { per_second: Some(1), burst: 1, concurrency: 1 };
    const DESK: &str = "https://desk.example/";

    fn token(name: &str) -> Result<Response> {
        let body = format!(r#"{{"access_token":"{name}","token_type":"Bearer","expires_in":3600}}"#);
        Ok(answer(200, &[("content-type", "application/json")], &body))
    }

    fn refusal(status: u16, code: &str) -> Result<Response> {
        let body = format!(r#"{{"error":"{code}","error_description":"no"}}"#);
        Ok(answer(status, &[("content-type", "application/json")], &body))
    }

    fn planes(script: &Arc<Script>, clock: &Arc<TestClock>) -> Arc<dyn Transport> {
        planes_with(script, clock, LIMITS)
    }

    fn planes_with(script: &Arc<Script>, clock: &Arc<TestClock>, limits: Limits) -> Arc<dyn Transport> {
        let auth = Authentication::ClientCredentials {
            token_url: "https://login.example/token".parse().unwrap(),
            client_id: "us".into(),
            client_secret: "s3cret-of-ours".into(),
            scopes: vec!["tickets".into()],
        };
        let base: Arc<dyn Transport> = Arc::<Script>::clone(script);
        let clock: Arc<dyn Clock> = Arc::<TestClock>::clone(clock);
        let origin = DESK.parse().unwrap();
        let reach = Reach { address: &origin, further: &[] };
        plane(base, reach, auth, limits, clock, Arc::new(CountingEntropy::default()))
    }

    fn bearers(script: &Script) -> Vec<String> {
        let seen = script.seen.lock().unwrap();
        seen.iter()
            .map(|request| request.headers[header::AUTHORIZATION].to_str().unwrap().to_owned())
            .collect()
    }

    #[tokio::test]
    async fn many_requests_fetch_one_token_which_counts_against_the_quota() {
        let script = Arc::new(Script::new([token("one")]));
        let clock = Arc::new(TestClock::skipping());
        let plane = planes(&script, &clock);
        for _ in 0..3 {
            plane.send(request(Method::GET, "https://desk.example/1")).await.unwrap();
        }
        assert_eq!(script.urls().iter().filter(|url| url.contains("login")).count(), 1);
        let basic = "Basic dXM6czNjcmV0LW9mLW91cnM=";
        assert_eq!(bearers(&script), [basic, "Bearer one", "Bearer one", "Bearer one"]);
        assert_eq!(clock.monotonic(), Duration::from_secs(3), "four requests at one per second");
    }

    #[tokio::test]
    async fn a_token_request_bears_the_trace_of_the_request_it_is_for() {
        let script = Arc::new(Script::new([token("one")]));
        let plane = planes(&script, &Arc::new(TestClock::skipping()));
        plane.send(request(Method::GET, "https://desk.example/1")).await.unwrap();
        let parents: Vec<String> =
            (0..2).map(|at| script.header(at, "traceparent").unwrap().to_str().unwrap().to_owned()).collect();
        let trace = format!("00-{}-", "ab".repeat(16));
        assert!(parents.iter().all(|parent| parent.starts_with(&trace)), "{parents:?}");
        assert_ne!(parents[0], parents[1], "each has a span of its own");
    }

    #[tokio::test]
    async fn fifty_at_once_wait_for_one_token() {
        let script = Arc::new(Script::holding([token("one")]));
        let clock = Arc::new(TestClock::manual());
        let wide = Limits { per_second: None, burst: 1, concurrency: 64 };
        let plane = planes_with(&script, &clock, wide);
        let all = (0..50).map(|_| plane.send(request(Method::GET, "https://desk.example/")));
        let mut all = Box::pin(join_all(all));
        assert!(futures::poll!(&mut all).is_pending());
        assert_eq!(script.count(), 1, "only the token is asked for");
        script.doors.add_permits(51);
        assert!(all.await.iter().all(Result::is_ok));
        assert_eq!(script.count(), 51);
        assert!(bearers(&script)[1..].iter().all(|bearer| bearer == "Bearer one"));
    }

    #[tokio::test]
    async fn refusals_that_quote_our_secrets_lose_them() {
        let echo = || Ok(answer(403, &[], "who is token-one-of-ours?"));
        let script = Arc::new(Script::new([token("token-one-of-ours"), echo()]));
        let plane = planes(&script, &Arc::new(TestClock::skipping()));
        let answer = plane.send(request(Method::GET, "https://desk.example/")).await.unwrap();
        assert_eq!(answer.body, "who is [secret]?");
        let script = Arc::new(Script::new([refusal(401, "s3cret-of-ours is no secret")]));
        let plane = planes(&script, &Arc::new(TestClock::skipping()));
        let error = plane.send(request(Method::GET, "https://desk.example/")).await.unwrap_err();
        assert!(error.to_string().contains("[secret] is no secret"), "{error}");
    }

    #[tokio::test]
    async fn those_who_wait_share_the_one_flight_and_its_failure() {
        let script = Arc::new(Script::holding([refusal(401, "invalid_client")]));
        let clock = Arc::new(TestClock::manual());
        let plane = planes(&script, &clock);
        let mut all =
            Box::pin(join_all((0..3).map(|_| plane.send(request(Method::POST, "https://desk.example/")))));
        assert!(futures::poll!(&mut all).is_pending());
        script.doors.add_permits(9);
        for result in all.await {
            let error = result.unwrap_err();
            assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Unauthenticated, TookEffect::No));
            assert!(error.to_string().contains("invalid_client") && !error.to_string().contains("s3cret"));
        }
        assert_eq!(script.count(), 1);
    }

    #[tokio::test]
    async fn a_token_is_renewed_shortly_before_its_end() {
        let script = Arc::new(Script::new([token("one"), Ok(answer(200, &[], "")), token("two")]));
        let clock = Arc::new(TestClock::skipping());
        let plane = planes(&script, &clock);
        let mut request = request(Method::GET, "https://desk.example/");
        request.deadline = Duration::from_secs(9999);
        plane.send(request.clone()).await.unwrap();
        clock.advance(Duration::from_secs(3539));
        plane.send(request).await.unwrap();
        assert_eq!(bearers(&script)[3], "Bearer two");
    }

    #[tokio::test]
    async fn a_401_renews_the_token_once_and_repeats_the_request_once() {
        let no = || Ok(answer(401, &[], ""));
        let script = Arc::new(Script::new([token("one"), no(), token("two"), no()]));
        let plane = planes(&script, &Arc::new(TestClock::skipping()));
        let response = plane.send(request(Method::POST, "https://desk.example/")).await.unwrap();
        assert_eq!(response.status, StatusCode::UNAUTHORIZED);
        assert_eq!(bearers(&script)[1..], ["Bearer one", bearers(&script)[2].as_str(), "Bearer two"]);
        assert_eq!(script.count(), 4);
    }

    #[tokio::test]
    async fn a_failing_token_server_says_whether_to_wait_or_to_ask_an_admin() {
        let lost = Err(Error::new(ErrorKind::Unavailable, "no answer").with_unknown_effect());
        for (outcome, kind) in [
            (lost, ErrorKind::Unavailable),
            (Ok(answer(502, &[], "<html>")), ErrorKind::Unavailable),
            (refusal(400, "temporarily_unavailable"), ErrorKind::Unavailable),
            (refusal(400, "invalid_scope"), ErrorKind::Unauthenticated),
            (Ok(answer(403, &[], "")), ErrorKind::Unauthenticated),
            (Ok(answer(200, &[], "<html>")), ErrorKind::Unauthenticated),
        ] {
            let plane = planes(&Arc::new(Script::new([outcome])), &Arc::new(TestClock::skipping()));
            let error = plane.send(request(Method::POST, "https://desk.example/")).await.unwrap_err();
            assert_eq!((error.kind(), error.took_effect()), (kind, TookEffect::No), "{error}");
        }
    }
}
