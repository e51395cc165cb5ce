//! Adds a system's fixed credentials to each request, so that no connector ever holds them.

use std::sync::Arc;

use ::http::{HeaderMap, HeaderValue, header};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};

use crate::http::scrub::scrubbed;
use crate::http::{Authentication, HmacScheme, Request, Response, Transport};
use crate::signature::{sign_hub, sign_standard};
use crate::{Clock, Entropy, Error, ErrorKind, Result};

/// Adds a secret header field, or a signature, to each request.
///
/// Inside the trace, which therefore never sees the secret; outside the rate, so that a request that waits
/// long is still sent with what it was given. Values are marked sensitive: they print as `Sensitive`, and
/// a request that leaves the origin loses them. What a refusal quotes of the secret is taken out of it.
#[derive(Debug)]
pub struct Authenticated {
    inner: Arc<dyn Transport>,
    authentication: Authentication,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl Authenticated {
    /// Authenticates what `inner` sends. Client credentials and logins are another layer's:
    /// [`ClientCredentials`](super::client_credentials::ClientCredentials).
    pub fn new(
        inner: Arc<dyn Transport>,
        authentication: Authentication,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self { inner, authentication, clock, entropy }
    }

    fn fields(&self, body: &[u8]) -> Result<HeaderMap> {
        let (name, value) = match &self.authentication {
            Authentication::None
            | Authentication::Login { .. }
            | Authentication::ClientCredentials { .. } => {
                return Ok(HeaderMap::new());
            }
            Authentication::Header { name, value } => (name.clone(), sensitive(value.expose_secret())?),
            Authentication::Basic { user, password } => {
                (header::AUTHORIZATION, sensitive(&format!("Basic {}", basic(user, password)))?)
            }
            Authentication::Bearer(token) => (header::AUTHORIZATION, bearer(token.expose_secret())?),
            Authentication::Hmac { scheme: HmacScheme::Body(name), secret } => {
                (name.clone(), sensitive(&sign_hub(secret, body))?)
            }
            Authentication::Hmac { scheme: HmacScheme::Standard, secret } => {
                let mut id = [0; 16];
                self.entropy.fill(&mut id);
                let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
                let mut fields = sign_standard(secret, &format!("msg_{id}"), self.clock.now(), body)?;
                fields.values_mut().for_each(|value| value.set_sensitive(true));
                return Ok(fields);
            }
        };
        Ok(HeaderMap::from_iter([(name, value)]))
    }

    /// What must not come back up in words.
    fn secrets(&self) -> Vec<String> {
        match &self.authentication {
            Authentication::None
            | Authentication::Login { .. }
            | Authentication::ClientCredentials { .. } => Vec::new(),
            Authentication::Header { value: secret, .. }
            | Authentication::Bearer(secret)
            | Authentication::Hmac { secret, .. } => vec![secret.expose_secret().to_owned()],
            Authentication::Basic { user, password } => {
                vec![password.expose_secret().to_owned(), basic(user, password)]
            }
        }
    }
}

impl Transport for Authenticated {
    fn send(&self, mut request: Request) -> BoxFuture<'_, Result<Response>> {
        Box::pin(async move {
            request.headers.extend(self.fields(&request.body)?);
            let outcome = self.inner.send(request).await;
            let refused = outcome.as_ref().map_or(true, |response| !response.status.is_success());
            if !refused {
                return outcome;
            }
            let secrets = self.secrets();
            scrubbed(outcome, &secrets.iter().map(String::as_str).collect::<Vec<_>>())
        })
    }
}

fn basic(user: &str, password: &SecretString) -> String {
    BASE64_STANDARD.encode(format!("{user}:{}", password.expose_secret()))
}

/// The value of `Authorization` for a bearer token.
pub(crate) fn bearer(token: &str) -> Result<HeaderValue> {
    sensitive(&format!("Bearer {token}"))
}

fn sensitive(text: &str) -> Result<HeaderValue> {
    // The library's own error is left out: it could one day quote the value.
    let mut value = HeaderValue::from_str(text).ok().ok_or_else(|| {
        Error::new(
            ErrorKind::Misconfigured,
            "the secret of this system holds a character that no header field may carry; \
             look for a line break at its end",
        )
    })?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use ::http::{HeaderName, Method};

    use super::*;
    use crate::RawWebhook;
    use crate::double::{CountingEntropy, Script, TestClock, answer, request};
    use crate::signature::{verify_hub, verify_standard};

    fn layer(script: &Arc<Script>, authentication: Authentication) -> Authenticated {
        let base: Arc<dyn Transport> = Arc::<Script>::clone(script);
        let (clock, entropy) = (Arc::new(TestClock::manual()), Arc::new(CountingEntropy::default()));
        Authenticated::new(base, authentication, clock, entropy)
    }

    async fn sent(authentication: Authentication) -> Result<Option<(String, HeaderValue)>> {
        let script = Arc::new(Script::new([]));
        layer(&script, authentication).send(request(Method::GET, "https://desk.example/")).await?;
        let seen = script.seen.lock().unwrap();
        Ok(seen[0].headers.iter().map(|(name, value)| (name.to_string(), value.clone())).next())
    }

    /// The signed request as its receiver sees it.
    async fn signed(scheme: HmacScheme, secret: &SecretString) -> RawWebhook {
        let script = Arc::new(Script::new([]));
        let mut request = request(Method::POST, "https://desk.example/");
        request.body = r#"{"title":"Hello"}"#.into();
        let hmac = Authentication::Hmac { scheme, secret: secret.clone() };
        layer(&script, hmac).send(request).await.unwrap();
        let seen = script.seen.lock().unwrap();
        let (headers, body) = (seen[0].headers.clone(), seen[0].body.clone());
        assert!(headers.values().all(HeaderValue::is_sensitive), "{headers:?}");
        RawWebhook { headers, query: String::new(), body, received: TestClock::manual().now() }
    }

    #[tokio::test]
    async fn what_is_signed_passes_the_check_of_the_other_side() {
        let secret: SecretString = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into();
        let name = HeaderName::from_static("x-hub-signature-256");
        verify_hub(&signed(HmacScheme::Body(name), &secret).await, "X-Hub-Signature-256", &secret).unwrap();
        let id = verify_standard(&signed(HmacScheme::Standard, &secret).await, &[secret]).unwrap();
        assert_eq!(id, "msg_0102030405060708090a0b0c0d0e0f10");
    }

    #[tokio::test]
    async fn a_refusal_that_quotes_the_credentials_loses_them() {
        let basic = Authentication::Basic { user: "Aladdin".into(), password: "open sesame".into() };
        let echo = "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ== is 'open sesame'";
        let script = Arc::new(Script::new([Ok(answer(401, &[], echo))]));
        let answer = layer(&script, basic).send(request(Method::GET, "https://desk.example/")).await.unwrap();
        assert_eq!(answer.body, "Basic [secret] is '[secret]'");
    }

    #[tokio::test]
    async fn each_kind_sends_its_field_and_hides_it_from_debug() {
        let cases = [
            (
                Authentication::Header {
                    name: HeaderName::from_static("x-redmine-api-key"),
                    value: "k".into(),
                },
                ("x-redmine-api-key", "k"),
            ),
            (
                Authentication::Basic { user: "Aladdin".into(), password: "open sesame".into() },
                ("authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
            ),
            (Authentication::Bearer("t".into()), ("authorization", "Bearer t")),
        ];
        for (authentication, (name, value)) in cases {
            let (sent_name, sent_value) = sent(authentication).await.unwrap().unwrap();
            assert_eq!((sent_name.as_str(), sent_value.to_str().unwrap()), (name, value));
            assert_eq!(format!("{sent_value:?}"), "Sensitive");
        }
        assert!(sent(Authentication::None).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_secret_with_a_line_break_is_a_wrong_setting_and_not_quoted() {
        let error = sent(Authentication::Bearer("hidden\n".into())).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        assert!(!error.to_string().contains("hidden"));
    }
}
