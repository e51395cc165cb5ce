//! Sessions that the connector begins itself: by a login of the manifest, or by OAuth with rotating refresh tokens.
//!
//! One token serves all requests, one of them fetches it while the others wait, and it is kept in memory only. A
//! refresh token is used once: where its answer was lost, or it was refused, the account logs in anew.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use futures::future::{Either, select};
use http::{HeaderName, HeaderValue, Method, header};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use throughline_sdk::{Error, ErrorKind, Result, TookEffect};
use tokio::sync::{Mutex, MutexGuard};
use url::Url;

use crate::config::{Config, header_name};
use crate::manifest::{Authentication, Login};
use crate::request::{Api, Body, Outgoing, Purpose};

/// A token is renewed this long before it ends, or a tenth of its life before if that is shorter.
const MARGIN: Duration = Duration::from_secs(60);
/// The most of a token answer that is read.
const MAX_TOKEN_ANSWER_BYTES: u64 = 64 * 1024;

/// How this desk's sessions begin, and the one that is under way.
#[derive(Debug)]
pub(crate) struct Session {
    way: Way,
    state: Mutex<State>,
    /// Attempts that are over: who waited through one takes its outcome, good or bad.
    attempts: AtomicU64,
}

#[derive(Debug)]
enum Way {
    Login,
    Password(Grant),
}

/// An OAuth client, and the account it speaks for.
#[derive(Debug)]
struct Grant {
    token_url: Url,
    client_id: String,
    client_secret: SecretString,
    user: String,
    password: SecretString,
    scope: String,
}

#[derive(Debug, Default)]
struct State {
    token: Option<Token>,
    refresh: Option<SecretString>,
    failure: Option<Error>,
}

/// What a request shows.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    /// The header field.
    pub(crate) name: HeaderName,
    /// Its value, marked sensitive.
    pub(crate) value: HeaderValue,
    /// The token alone, so that it can be taken out of words.
    pub(crate) secret: SecretString,
    /// Which one it is, so that a refusal invalidates no younger one.
    serial: u64,
    renew_at: Duration,
}

/// The parts of RFC 6749 §5.1 that count here.
#[derive(Deserialize)]
struct Granted {
    access_token: SecretString,
    expires_in: Option<u64>,
    refresh_token: Option<SecretString>,
}

/// RFC 6749 §5.2.
#[derive(Deserialize)]
struct NotGranted {
    error: String,
}

/// What was given: the token, the refresh token, and how long the first is good.
struct Begun {
    token: SecretString,
    refresh: Option<SecretString>,
    life: Option<Duration>,
}

impl Session {
    /// The session for a manifest's authentication; `None` where the plane authenticates.
    pub(crate) fn of(authentication: &Authentication, config: &Config) -> Result<Option<Self>> {
        let way = match authentication {
            Authentication::None {}
            | Authentication::Header { .. }
            | Authentication::Bearer {}
            | Authentication::Basic {}
            | Authentication::ClientCredentials { .. } => return Ok(None),
            Authentication::Login(_) => {
                config.user()?;
                config.secret()?;
                Way::Login
            }
            Authentication::Password { token, scopes } => {
                let (client_id, client_secret) = config.client()?;
                Way::Password(Grant {
                    token_url: config.below(token)?,
                    client_id,
                    client_secret,
                    user: config.user()?,
                    password: config.secret()?,
                    scope: scopes.join(" "),
                })
            }
        };
        Ok(Some(Self { way, state: Mutex::default(), attempts: AtomicU64::new(0) }))
    }

    /// The token of the session that is under way, or of a new one.
    pub(crate) async fn token(&self, api: Api<'_>) -> Result<Token> {
        let before = self.attempts.load(Ordering::SeqCst);
        let mut state = self.lock(api).await?;
        if let Some(token) = state.token.as_ref().filter(|token| api.ctx.clock.monotonic() < token.renew_at) {
            return Ok(token.clone());
        }
        let now = self.attempts.load(Ordering::SeqCst);
        if let Some(failure) = state.failure.as_ref().filter(|_| now != before) {
            return Err(failure.clone());
        }
        state.token = None;
        // Taken, not read: whatever becomes of the request, this refresh token is not used a second time.
        let refresh = state.refresh.take();
        // Whatever became of this request, the one it was for has not been sent.
        let begun = self.begin(api, refresh).await.map_err(|error| error.with_effect(TookEffect::No));
        self.attempts.store(now + 1, Ordering::SeqCst);
        let outcome = begun.and_then(|begun| {
            let token = self.shown(api, &begun, now + 1)?;
            Ok((token, begun.refresh))
        });
        match outcome {
            Ok((token, refresh)) => {
                *state = State { token: Some(token.clone()), refresh, failure: None };
                Ok(token)
            }
            Err(error) => {
                state.failure = Some(error.clone());
                Err(error)
            }
        }
    }

    /// Forgets a token that the desk refused, unless it is another by now.
    pub(crate) async fn refused(&self, api: Api<'_>, token: &Token) -> Result<()> {
        let mut state = self.lock(api).await?;
        if state.token.as_ref().is_some_and(|current| current.serial == token.serial) {
            state.token = None;
        }
        Ok(())
    }

    /// Waits its turn, but not past the call's deadline.
    async fn lock(&self, api: Api<'_>) -> Result<MutexGuard<'_, State>> {
        // Asked for first, because a wait may be cut short by the runtime without anybody being in front.
        if let Ok(state) = self.state.try_lock() {
            return Ok(state);
        }
        let left = api.ctx.deadline.saturating_sub(api.ctx.clock.monotonic());
        match select(Box::pin(self.state.lock()), api.ctx.clock.sleep(left)).await {
            Either::Left((state, _)) => Ok(state),
            Either::Right(((), _)) => Err(Error::new(
                ErrorKind::Unavailable,
                "the request was not sent: no session began before the deadline",
            )),
        }
    }

    async fn begin(&self, api: Api<'_>, refresh: Option<SecretString>) -> Result<Begun> {
        match (&self.way, &api.desk.manifest.authentication) {
            (Way::Password(grant), _) => {
                if let Some(refresh) = refresh {
                    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh.expose_secret())];
                    match grant.ask(api, &form).await {
                        Err(error) if error.kind() == ErrorKind::Unauthenticated => {}
                        other => return other,
                    }
                }
                let form = [
                    ("grant_type", "password"),
                    ("username", grant.user.as_str()),
                    ("password", grant.password.expose_secret()),
                    ("scope", grant.scope.as_str()),
                ];
                grant.ask(api, &form).await
            }
            (Way::Login, Authentication::Login(login)) => log_in(api, login).await,
            (Way::Login, _) => Err(Error::new(ErrorKind::Misconfigured, "the manifest has no login")),
        }
    }

    fn shown(&self, api: Api<'_>, begun: &Begun, serial: u64) -> Result<Token> {
        let (name, prefix) = match &api.desk.manifest.authentication {
            Authentication::Login(login) => (header_name(&login.header)?, login.prefix.as_str()),
            Authentication::None {}
            | Authentication::Header { .. }
            | Authentication::Bearer {}
            | Authentication::Basic {}
            | Authentication::ClientCredentials { .. }
            | Authentication::Password { .. } => (header::AUTHORIZATION, "Bearer "),
        };
        // The library's own error is left out: it could one day quote the value.
        let value = HeaderValue::try_from(format!("{prefix}{}", begun.token.expose_secret())).ok();
        let mut value = value.ok_or_else(|| {
            Error::new(ErrorKind::Malformed, "the desk gave a token that no header field can carry")
        })?;
        value.set_sensitive(true);
        let now = api.ctx.clock.monotonic();
        let renew_at =
            begun.life.map_or(Duration::MAX, |life| now.saturating_add(life - MARGIN.min(life / 10)));
        Ok(Token { name, value, secret: begun.token.clone(), serial, renew_at })
    }
}

impl Grant {
    async fn ask(&self, api: Api<'_>, form: &[(&str, &str)]) -> Result<Begun> {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form.iter().filter(|(_, value)| !value.is_empty()))
            .finish();
        let client =
            BASE64_STANDARD.encode(format!("{}:{}", self.client_id, self.client_secret.expose_secret()));
        let mut basic = HeaderValue::try_from(format!("Basic {client}")).map_err(|error| {
            Error::new(
                ErrorKind::Misconfigured,
                format!("the OAuth client cannot be named in a header field: {error}"),
            )
        })?;
        basic.set_sensitive(true);
        let outgoing = Outgoing {
            method: Method::POST,
            url: self.token_url.clone(),
            headers: Vec::new(),
            body: Body::Bytes {
                media_type: "application/x-www-form-urlencoded".to_owned(),
                bytes: Bytes::from(body),
            },
            purpose: Purpose::Writing,
            max_answer_bytes: MAX_TOKEN_ANSWER_BYTES,
        };
        let answer = api.send(&outgoing, vec![(header::AUTHORIZATION, basic)]).await?;
        if answer.status.is_success() {
            let granted: Granted = answer.json(&Method::POST)?;
            let life = granted.expires_in.map(Duration::from_secs);
            return Ok(Begun { token: granted.access_token, refresh: granted.refresh_token, life });
        }
        let said =
            serde_json::from_slice::<NotGranted>(&answer.body).map(|not| not.error).unwrap_or_default();
        let code: String = said.chars().filter(|c| c.is_ascii_lowercase() || *c == '_').take(40).collect();
        let kind = match answer.status.as_u16() {
            // RFC 6749 §5.2 refuses with 400, and with 401 for the client itself; some answer 403.
            400 | 401 | 403 => ErrorKind::Unauthenticated,
            other => ErrorKind::from_status(other).unwrap_or(ErrorKind::Misconfigured),
        };
        let message = format!(
            "the desk gave no token, {} {code}; check user, secret, client_id and client_secret",
            answer.status.as_u16()
        );
        Err(answer.error(kind, &Method::POST, message))
    }
}

async fn log_in(api: Api<'_>, login: &Login) -> Result<Begun> {
    let secret = api.desk.config.secret()?;
    let scope = api.desk.scope().with("secret", secret.expose_secret());
    let outgoing = api.outgoing(&login.request, Some(&login.body), &scope, Purpose::Writing)?;
    let outgoing = Outgoing { max_answer_bytes: MAX_TOKEN_ANSWER_BYTES, ..outgoing };
    let answer = api.once(&outgoing, None).await?;
    let token = answer.text(api, &login.token)?.ok_or_else(|| {
        Error::new(
            ErrorKind::Unauthenticated,
            "the desk's answer to our login holds no token; check user and secret",
        )
    })?;
    Ok(Begun { token: token.into(), refresh: None, life: login.lifetime })
}
