//! The provider: what it publishes of itself, and what it is asked.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Method, header};
use oauth2::basic::{
    BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType,
};
use oauth2::{
    AsyncHttpClient, AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet,
    EndpointSet, ExtraTokenFields, HttpRequest, HttpResponse, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, Scope, StandardRevocableToken, StandardTokenResponse, TokenResponse as _, TokenUrl,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use throughline_sdk::http::{Request, Response, Transport};
use throughline_sdk::{Clock, Urgency};
use url::Url;

use super::claims::{Claims, Expected};
use super::jws::{Keys, Unsigned};
use super::{Error, OidcSettings};

/// How long one answer may take: a person waits for it.
const PATIENCE: Duration = Duration::from_secs(15);
const MAX_ANSWER_BYTES: u64 = 1 << 20;
/// What the provider publishes of itself is read again after this time.
const FRESH: Duration = Duration::from_secs(3600);
/// A token with an unknown key makes us read the keys again, and strangers can send such tokens: no more often than this.
const KEYS_EVERY: Duration = Duration::from_secs(30);

/// The provider.
#[derive(Debug)]
pub(super) struct Provider {
    settings: OidcSettings,
    way: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    published: Mutex<Published>,
}

#[derive(Debug, Default)]
struct Published {
    metadata: Option<(Duration, Metadata)>,
    keys: Option<(Duration, Keys)>,
}

/// What the provider publishes of itself (OpenID Connect Discovery §3), as far as it is asked for.
#[derive(Clone, Debug, Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: Url,
    token_endpoint: Url,
    jwks_uri: Url,
    #[serde(default)]
    userinfo_endpoint: Option<Url>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

/// What a code was exchanged for.
#[derive(Debug)]
pub(super) struct Tokens {
    pub(super) id_token: String,
    pub(super) access_token: SecretString,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct IdToken {
    #[serde(default)]
    id_token: Option<String>,
}

impl ExtraTokenFields for IdToken {}

type Client = oauth2::Client<
    BasicErrorResponse,
    StandardTokenResponse<IdToken, BasicTokenType>,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

impl Provider {
    pub(super) fn new(settings: OidcSettings, way: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Self {
        Self { settings, way, clock, published: Mutex::default() }
    }

    /// What it calls itself.
    pub(super) fn name(&self) -> &str {
        &self.settings.issuer_name
    }

    /// Where a browser logs in.
    pub(super) async fn login_address(
        &self,
        callback: &Url,
        state: &str,
        nonce: &str,
        verifier: &str,
    ) -> Result<Url, Error> {
        let client = self.client(&self.metadata().await?, callback);
        let challenge =
            PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(verifier.to_owned()));
        let state = CsrfToken::new(state.to_owned());
        let scopes = self.settings.scopes.iter().filter(|scope| *scope != "openid").cloned().map(Scope::new);
        let (address, _state) = client
            .authorize_url(|| state)
            .add_scope(Scope::new("openid".to_owned()))
            .add_scopes(scopes)
            .add_extra_param("nonce", nonce)
            .set_pkce_challenge(challenge)
            .url();
        Ok(address)
    }

    /// Exchanges a code for tokens. A code is good once, so that this is never tried again.
    pub(super) async fn exchange(&self, code: &str, callback: &Url, verifier: &str) -> Result<Tokens, Error> {
        let client = self.client(&self.metadata().await?, callback);
        let answer = client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(verifier.to_owned()))
            .request_async(&Way(self))
            .await
            .map_err(|error| match error {
                oauth2::RequestTokenError::Request(error) => error,
                // The provider's own words may quote what it was sent.
                oauth2::RequestTokenError::ServerResponse(refusal) => Error::Provider(format!(
                    "the provider takes our code or our client not: {}",
                    refusal.error()
                )),
                oauth2::RequestTokenError::Parse(..) | oauth2::RequestTokenError::Other(_) => {
                    Error::Provider("the provider gave no token".to_owned())
                }
            })?;
        let id_token = answer.extra_fields().id_token.clone();
        let id_token = id_token.ok_or_else(|| Error::Provider("the provider gave no ID token".to_owned()))?;
        Ok(Tokens { id_token, access_token: answer.access_token().secret().as_str().into() })
    }

    /// What an ID token says, if it is this provider's, and for us and this login.
    pub(super) async fn read(&self, token: &str, nonce: &str) -> Result<Claims, Error> {
        let json = match self.keys(None).await?.1.verify(token) {
            // The provider may have changed its keys.
            Err(Unsigned::UnknownKey) => {
                let (read_at, _) = self.keys(None).await?;
                self.keys(Some(read_at)).await?.1.verify(token)
            }
            verified => verified,
        };
        let json = json.map_err(|why| {
            tracing::warn!(?why, "An ID token was refused.");
            Error::Provider("the provider's answer is not signed by the provider".to_owned())
        })?;
        let expected = Expected {
            issuer: self.name(),
            client_id: &self.settings.client_id,
            nonce,
            now: self.clock.now(),
        };
        Claims::of(&json, &expected)
    }

    /// What more the provider says of whoever the token is for; `None` where it has no place to ask.
    pub(super) async fn more(
        &self,
        access_token: &SecretString,
    ) -> Result<Option<Map<String, Value>>, Error> {
        let Some(url) = self.metadata().await?.userinfo_endpoint else { return Ok(None) };
        let mut headers = HeaderMap::new();
        let bearer = HeaderValue::from_str(&format!("Bearer {}", access_token.expose_secret()));
        let mut bearer = bearer.map_err(|_not_a_header| {
            Error::Provider("the provider gave an access token that cannot be sent".to_owned())
        })?;
        bearer.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, bearer);
        self.json(url, headers).await.map(Some)
    }

    async fn metadata(&self) -> Result<Metadata, Error> {
        let now = self.clock.monotonic();
        let known = self.published().metadata.clone();
        if let Some((at, metadata)) = known
            && now.saturating_sub(at) < FRESH
        {
            return Ok(metadata);
        }
        let address = format!("{}/.well-known/openid-configuration", self.name().trim_end_matches('/'));
        let address = Url::parse(&address).map_err(Error::broken)?;
        let metadata: Metadata = self.json(address, HeaderMap::new()).await?;
        if metadata.issuer != self.name() {
            let why = format!(
                "the provider calls itself {:?}, and console.oidc.issuer says {:?}",
                metadata.issuer,
                self.name()
            );
            return Err(Error::Provider(why));
        }
        let endpoints = [&metadata.authorization_endpoint, &metadata.token_endpoint, &metadata.jwks_uri];
        let secure = self.settings.issuer.scheme() == "https";
        if secure
            && endpoints.into_iter().chain(&metadata.userinfo_endpoint).any(|url| url.scheme() != "https")
        {
            return Err(Error::Provider("the provider publishes an address without TLS".to_owned()));
        }
        self.published().metadata = Some((now, metadata.clone()));
        Ok(metadata)
    }

    /// The provider's keys and when they were read; read again if they are those of `stale`.
    async fn keys(&self, stale: Option<Duration>) -> Result<(Duration, Keys), Error> {
        let now = self.clock.monotonic();
        let known = self.published().keys.clone();
        if let Some((at, keys)) = known {
            let age = now.saturating_sub(at);
            let again = stale == Some(at) && age >= KEYS_EVERY;
            if age < FRESH && !again {
                return Ok((at, keys));
            }
        }
        let keys: Keys = self.json(self.metadata().await?.jwks_uri, HeaderMap::new()).await?;
        self.published().keys = Some((now, keys.clone()));
        Ok((now, keys))
    }

    fn client(&self, metadata: &Metadata, callback: &Url) -> Client {
        let methods = metadata.token_endpoint_auth_methods_supported.as_ref();
        // Without a word of the provider it takes Basic.
        let basic =
            methods.is_none_or(|methods| methods.iter().any(|method| method == "client_secret_basic"));
        let client = oauth2::Client::new(ClientId::new(self.settings.client_id.clone()))
            .set_auth_type(if basic { AuthType::BasicAuth } else { AuthType::RequestBody })
            .set_auth_uri(AuthUrl::from_url(metadata.authorization_endpoint.clone()))
            .set_token_uri(TokenUrl::from_url(metadata.token_endpoint.clone()))
            .set_redirect_uri(RedirectUrl::from_url(callback.clone()));
        match &self.settings.client_secret {
            Some(secret) => client.set_client_secret(ClientSecret::new(secret.expose_secret().to_owned())),
            None => client,
        }
    }

    async fn json<T: DeserializeOwned>(&self, url: Url, headers: HeaderMap) -> Result<T, Error> {
        let shown = url.clone();
        let answer = self.send(Method::GET, url, headers, Bytes::new()).await?;
        let wrong = |what: String| Error::Unreachable(format!("{shown} {what}"));
        if !answer.status.is_success() {
            return Err(wrong(format!("answered {}", answer.status)));
        }
        serde_json::from_slice(&answer.body)
            .map_err(|error| wrong(format!("gave what cannot be read: {error}")))
    }

    async fn send(
        &self,
        method: Method,
        url: Url,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Response, Error> {
        let request = Request {
            method,
            url,
            headers,
            body,
            deadline: self.clock.monotonic().saturating_add(PATIENCE),
            urgency: Urgency(u8::MAX),
            trace: [0; 16],
            max_answer_bytes: MAX_ANSWER_BYTES,
        };
        self.way.send(request).await.map_err(|error| Error::Unreachable(error.to_string()))
    }

    fn published(&self) -> std::sync::MutexGuard<'_, Published> {
        self.published.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sends what `oauth2` prepared through our own egress.
struct Way<'a>(&'a Provider);

impl<'c> AsyncHttpClient<'c> for Way<'_> {
    type Error = Error;
    type Future = BoxFuture<'c, Result<HttpResponse, Error>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let url = Url::parse(&parts.uri.to_string()).map_err(Error::broken)?;
            let mut headers = parts.headers;
            if let Some(value) = headers.get_mut(header::AUTHORIZATION) {
                value.set_sensitive(true);
            }
            let answer = self.0.send(parts.method, url, headers, Bytes::from(body)).await?;
            let mut response = HttpResponse::new(answer.body.to_vec());
            *response.status_mut() = answer.status;
            *response.headers_mut() = answer.headers;
            Ok(response)
        })
    }
}
