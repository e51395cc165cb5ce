//! A way to the desk on which Prism sees each request.

use std::collections::BTreeSet;
use std::sync::Mutex;

use futures::FutureExt;
use futures::future::BoxFuture;
use throughline_sdk::Result;
use throughline_sdk::http::{Request, Response, Transport};
use throughline_testkit::{Prism, RouterTransport};

/// Shows each request to Prism and has it answered by the desk.
#[derive(Debug)]
pub(crate) struct Witnessed {
    pub(crate) desk: RouterTransport,
    pub(crate) prism: Prism,
    /// The requests that Prism let pass, as method and path.
    pub(crate) seen: Mutex<BTreeSet<String>>,
}

impl Transport for Witnessed {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response>> {
        async move {
            if !request.url.path().contains("/oauth2/") {
                // Prism serves the document without the version that its server's address ends in.
                let mut copy = request.clone();
                copy.url.set_path(request.url.path().trim_start_matches("/v1.0"));
                let (status, words) = self.prism.judge(copy).await.unwrap();
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
