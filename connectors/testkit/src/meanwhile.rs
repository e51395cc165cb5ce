//! Somebody who writes in the one moment that no check before a write can see.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use futures::future::BoxFuture;
use http::header::IF_MATCH;
use throughline_sdk::http::{Request, Response, Transport};
use throughline_sdk::{Error, ErrorKind, Result};

/// A transport under which somebody else's write is done just before the first write of ours.
///
/// A condition on ours is taken off: on a desk that checks it and writes in two steps, both writes pass the check.
pub struct Meanwhile {
    inner: Arc<dyn Transport>,
    theirs: Mutex<Option<(Arc<dyn Transport>, Request)>>,
}

impl Meanwhile {
    /// Wraps `inner`; `theirs` is what the other one sends, and how.
    pub fn new(inner: Arc<dyn Transport>, theirs: (Arc<dyn Transport>, Request)) -> Self {
        Self { inner, theirs: Mutex::new(Some(theirs)) }
    }
}

impl fmt::Debug for Meanwhile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meanwhile")
    }
}

impl Transport for Meanwhile {
    fn send(&self, mut request: Request) -> BoxFuture<'_, Result<Response>> {
        async move {
            if !request.is_safe() {
                let theirs = self.theirs.lock().unwrap_or_else(PoisonError::into_inner).take();
                if let Some((transport, theirs)) = theirs {
                    request.headers.remove(IF_MATCH);
                    let answer = transport.send(theirs).await?;
                    if !answer.status.is_success() {
                        return Err(Error::new(
                            ErrorKind::Malformed,
                            format!("somebody else's write was answered with {}", answer.status),
                        ));
                    }
                }
            }
            self.inner.send(request).await
        }
        .boxed()
    }
}
