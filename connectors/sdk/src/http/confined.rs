//! Keeps a system's requests, and so its credentials, at the system's own origin.

use std::sync::Arc;

use futures::future::BoxFuture;
use url::{Origin, Url};

use crate::http::{Request, Response, Transport};
use crate::{Error, ErrorKind, Result};

/// Refuses requests to any other origin than the configured one.
///
/// An address inside a ticket's JSON (a file's link, a next page) is written by strangers: whoever can put their own
/// there must not be sent our credentials.
#[derive(Debug)]
pub struct Confined {
    inner: Arc<dyn Transport>,
    origin: Origin,
}

impl Confined {
    /// Confines what `inner` sends to the origin of `address`.
    pub fn new(inner: Arc<dyn Transport>, address: &Url) -> Self {
        Self { inner, origin: address.origin() }
    }
}

impl Transport for Confined {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response>> {
        Box::pin(async move {
            if request.url.origin() != self.origin {
                let message = "an answer of the system led to another address; nothing was sent there";
                return Err(Error::new(ErrorKind::Malformed, message)
                    .with_context("address", request.url.origin().ascii_serialization())
                    .with_context("expected", self.origin.ascii_serialization()));
            }
            self.inner.send(request).await
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::double::{Script, request};
    use ::http::Method;

    #[tokio::test]
    async fn credentials_never_leave_their_origin() {
        let script = Arc::new(Script::new([]));
        let inner: Arc<dyn Transport> = Arc::<Script>::clone(&script);
        let confined = Confined::new(inner, &Url::parse("https://desk.example/api/").unwrap());
        let elsewhere = request(Method::GET, "https://elsewhere.example/file");
        let error = confined.send(elsewhere).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed);
        assert!(error.to_string().contains("https://elsewhere.example"));
        assert_eq!(script.count(), 0);
        confined.send(request(Method::GET, "https://desk.example/file")).await.unwrap();
        assert_eq!(script.count(), 1);
    }
}
