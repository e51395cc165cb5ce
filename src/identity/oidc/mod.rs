//! Login through the organization's own provider: OpenID Connect, authorization code flow with PKCE, any provider by
//! discovery.
//!
//! The signature of an ID token is checked with ring against the provider's published keys (`jws.rs`), what it says in
//! `claims.rs`, who may enter with it in `rules.rs`. All requests go through our own egress.

mod claims;
mod jws;
mod provider;
mod rules;
#[cfg(test)]
pub(super) mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use secrecy::SecretString;
use throughline_sdk::http::Transport;
use throughline_sdk::{Clock, Entropy};
use url::Url;

use super::secret::{self, Hash};
use super::{Error, Role};
use crate::identity::account::Subject;
use claims::Claims;
use provider::Provider;
pub use rules::Rules;

/// How long a person has for the provider's own pages.
const PATIENCE: Duration = Duration::from_secs(600);
/// Logins under way at once; of more, the oldest is forgotten.
const AT_ONCE: usize = 10_000;

/// What is configured of the provider.
#[derive(Clone, Debug)]
pub struct OidcSettings {
    /// Its address, exactly as it names itself.
    pub issuer: Url,
    /// Its name as it was written: it is compared letter by letter.
    pub issuer_name: String,
    /// Who we are there.
    pub client_id: String,
    /// Our secret there; `None` for a public client.
    pub client_secret: Option<SecretString>,
    /// What is asked for besides `openid`.
    pub scopes: Vec<String>,
    /// Who may enter, and as what.
    pub rules: Rules,
}

/// The provider, and the logins that are under way.
#[derive(Debug)]
pub(super) struct Oidc {
    provider: Provider,
    rules: Rules,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    under_way: Mutex<BTreeMap<Hash, UnderWay>>,
}

/// A login that a browser was sent away for.
#[derive(Debug)]
struct UnderWay {
    /// The hash of what that browser keeps: nobody else can come back with it.
    browser: Hash,
    nonce: String,
    verifier: String,
    to: String,
    until: Duration,
}

/// Where a browser is sent, and what it keeps.
#[derive(Debug)]
pub struct Departure {
    /// The provider's page.
    pub address: Url,
    /// What it keeps in a cookie until it comes back.
    pub browser: String,
}

/// What a browser came back with.
#[derive(Clone, Debug, Default)]
pub struct Arrival {
    /// What it kept.
    pub browser: Option<String>,
    /// The login that is meant.
    pub state: Option<String>,
    /// What is exchanged for tokens.
    pub code: Option<String>,
    /// Which provider it comes from (RFC 9207).
    pub issuer: Option<String>,
    /// Why there is no code.
    pub error: Option<String>,
}

/// Somebody whom the provider knows, and who may enter.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) subject: Subject,
    pub(super) name: String,
    pub(super) role: Role,
    /// Where they wanted to go.
    pub(super) to: String,
}

impl Oidc {
    /// The provider of these settings, reached by `way`.
    pub(super) fn new(
        settings: OidcSettings,
        way: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        let rules = settings.rules.clone();
        let provider = Provider::new(settings, way, Arc::clone(&clock));
        Self { provider, rules, clock, entropy, under_way: Mutex::default() }
    }

    /// Begins a login that comes back to `callback`.
    pub(super) async fn depart(&self, callback: &Url, to: &str) -> Result<Departure, Error> {
        let random = || secret::random::<32>(self.entropy.as_ref());
        let (state, browser, nonce, verifier) = (random(), random(), random(), random());
        let address = self.provider.login_address(callback, &state, &nonce, &verifier).await?;
        let now = self.clock.monotonic();
        let login = UnderWay {
            browser: Hash::of(&browser),
            nonce,
            verifier,
            to: to.to_owned(),
            until: now.saturating_add(PATIENCE),
        };
        let mut under_way = self.under_way();
        under_way.retain(|_, login| login.until > now);
        if under_way.len() >= AT_ONCE {
            let oldest =
                under_way.iter().min_by_key(|(_, login)| login.until).map(|(state, _)| state.clone());
            oldest.and_then(|oldest| under_way.remove(&oldest));
        }
        under_way.insert(Hash::of(&state), login);
        Ok(Departure { address, browser })
    }

    /// Ends a login: who came back, if they may enter. A state is good once, whatever comes of it.
    pub(super) async fn arrive(&self, callback: &Url, arrival: &Arrival) -> Result<Known, Error> {
        let state = arrival.state.as_deref().ok_or_else(stale)?;
        let login = self.under_way().remove(&Hash::of(state)).ok_or_else(stale)?;
        let same_browser = arrival.browser.as_deref().is_some_and(|kept| Hash::of(kept) == login.browser);
        if !same_browser || login.until <= self.clock.monotonic() {
            return Err(stale());
        }
        if let Some(issuer) = &arrival.issuer
            && *issuer != self.provider.name()
        {
            return Err(Error::Provider("another provider answered than was asked".to_owned()));
        }
        if let Some(error) = &arrival.error {
            let why = match error.as_str() {
                "access_denied" => "the login was broken off, or you may not use this application there",
                _ => "the provider did not log you in",
            };
            return Err(Error::Provider(why.to_owned()));
        }
        let code = arrival.code.as_deref().ok_or_else(stale)?;
        let tokens = self.provider.exchange(code, callback, &login.verifier).await?;
        let claims = self.provider.read(&tokens.id_token, &login.nonce).await?;
        let claims = self.completed(claims, &tokens.access_token).await?;
        let role = self.rules.role(&claims)?;
        let subject =
            Subject { issuer: self.provider.name().to_owned(), subject: claims.subject().to_owned() };
        Ok(Known { subject, name: claims.name().to_owned(), role, to: login.to })
    }

    /// Some providers say in the ID token only who it is, and what more there is when they are asked.
    async fn completed(&self, claims: Claims, access_token: &SecretString) -> Result<Claims, Error> {
        if claims.has(self.rules.claim()) {
            return Ok(claims);
        }
        match self.provider.more(access_token).await? {
            Some(more) => claims.with(more),
            None => Ok(claims),
        }
    }

    fn under_way(&self) -> MutexGuard<'_, BTreeMap<Hash, UnderWay>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn stale() -> Error {
    Error::Provider("this login took too long, was begun in another browser, or was used before".to_owned())
}
