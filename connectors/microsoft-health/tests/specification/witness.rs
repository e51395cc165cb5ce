//! A way to the desk on which Prism sees each request.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use futures::FutureExt;
use futures::future::BoxFuture;
use throughline_sdk::Result;
use throughline_sdk::http::{Authentication, Request, Response, Transport};
use throughline_testkit::{RouterTransport, SocketTransport};
use url::Url;

/// Shows each request to Prism and has it answered by the desk.
#[derive(Debug)]
pub(crate) struct Witnessed {
    pub(crate) desk: RouterTransport,
    pub(crate) prism: Prism,
    /// The requests that Prism let pass, as method and path.
    pub(crate) seen: Mutex<BTreeSet<String>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Prism {
    socket: Arc<SocketTransport>,
    pub(crate) address: Url,
}

impl Prism {
    /// The Prism that the caller started, if any.
    #[expect(clippy::disallowed_methods, reason = "the caller says by environment where Prism is")]
    pub(crate) fn started() -> Option<Self> {
        let address = std::env::var("THROUGHLINE_PRISM_MICROSOFT_HEALTH").ok()?;
        let socket = Arc::new(SocketTransport::new(Authentication::None));
        Some(Self { socket, address: address.parse().unwrap() })
    }

    /// What Prism says to a request: its status, and its words if it refuses.
    pub(crate) async fn judge(&self, mut request: Request) -> (u16, String) {
        // Prism serves the document without the version that its server's address ends in.
        let path = request.url.path().trim_start_matches("/v1.0").to_owned();
        request.url.set_path(&path);
        request.url.set_host(self.address.host_str()).unwrap();
        request.url.set_port(self.address.port()).unwrap();
        let answer = self.socket.send(request).await.unwrap();
        (answer.status.as_u16(), String::from_utf8_lossy(&answer.body).into_owned())
    }
}

impl Transport for Witnessed {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response>> {
        async move {
            if !request.url.path().contains("/oauth2/") {
                let (status, words) = self.prism.judge(request.clone()).await;
                assert!(status < 400, "Prism refused {} with {status}: {words}", request.url);
                let parts: Vec<&str> = request.url.path().split('/').skip(4).collect();
                let path = match parts.as_slice() {
                    [list] => (*list).to_owned(),
                    [list, _id] => format!("{list}/*"),
                    other => other.join("/"),
                };
                self.seen.lock().unwrap().insert(format!("{} {path}", request.method));
            }
            self.desk.send(request).await
        }
        .boxed()
    }
}
