//! Adds a system's fixed credentials to each request, so that no connector ever holds them.

use std::sync::Arc;

use ::http::{HeaderName, HeaderValue, header};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures::future::BoxFuture;
use secrecy::ExposeSecret;

use crate::http::{Authentication, Request, Response, Transport};
use crate::{Error, ErrorKind, Result};

/// Adds a secret header field to each request.
///
/// Inside the trace, which therefore never sees the secret; outside the rate, so that a request that waits
/// long is still sent with what it was given. Values are marked sensitive: they print as `Sensitive`, and the
/// egress drops them where a redirect leaves the origin.
#[derive(Debug)]
pub struct Authenticated {
    inner: Arc<dyn Transport>,
    authentication: Authentication,
}

impl Authenticated {
    /// Authenticates what `inner` sends. Client credentials are another layer's:
    /// [`ClientCredentials`](super::client_credentials::ClientCredentials).
    pub fn new(inner: Arc<dyn Transport>, authentication: Authentication) -> Self {
        Self { inner, authentication }
    }
}

impl Transport for Authenticated {
    fn send(&self, mut request: Request) -> BoxFuture<'_, Result<Response>> {
        Box::pin(async move {
            if let Some((name, value)) = field(&self.authentication)? {
                request.headers.insert(name, value);
            }
            self.inner.send(request).await
        })
    }
}

fn field(authentication: &Authentication) -> Result<Option<(HeaderName, HeaderValue)>> {
    let (name, value) = match authentication {
        Authentication::None | Authentication::ClientCredentials { .. } => return Ok(None),
        Authentication::Header { name, value } => (name.clone(), sensitive(value.expose_secret())?),
        Authentication::Basic { user, password } => {
            let pair = BASE64_STANDARD.encode(format!("{user}:{}", password.expose_secret()));
            (header::AUTHORIZATION, sensitive(&format!("Basic {pair}"))?)
        }
        Authentication::Bearer(token) => (header::AUTHORIZATION, bearer(token.expose_secret())?),
    };
    Ok(Some((name, value)))
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
    use ::http::Method;

    use super::*;
    use crate::double::{Script, request};

    async fn sent(authentication: Authentication) -> Result<Option<(String, HeaderValue)>> {
        let script = Arc::new(Script::new([]));
        let base: Arc<dyn Transport> = Arc::<Script>::clone(&script);
        let layer = Authenticated::new(base, authentication);
        layer.send(request(Method::GET, "https://desk.example/")).await?;
        let seen = script.seen.lock().unwrap();
        Ok(seen[0].headers.iter().map(|(name, value)| (name.to_string(), value.clone())).next())
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
