//! Makes each request traceable on both sides without telling anybody what was in it.

use std::sync::Arc;

use ::http::{HeaderName, HeaderValue};
use futures::future::BoxFuture;
use tracing::Instrument;

use crate::http::{Request, Response, Transport};
use crate::{Clock, Entropy, Error, ErrorKind, Result};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Sends a W3C `traceparent` (version 00) and writes one event per request.
///
/// Outermost: what it measures is what the connector waits for, pacing and token requests included, and it
/// sees the request before any secret is in it. Query, header fields and body never reach a log.
#[derive(Debug)]
pub struct Traced {
    inner: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl Traced {
    /// Traces what `inner` sends.
    pub fn new(inner: Arc<dyn Transport>, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { inner, clock, entropy }
    }

    /// An id that is not all zeros, which W3C Trace Context §3.2.2 declares invalid.
    fn id<const N: usize>(&self) -> [u8; N] {
        let mut id = [0; N];
        self.entropy.fill(&mut id);
        if id == [0; N] {
            id = [1; N];
        }
        id
    }
}

impl Transport for Traced {
    fn send(&self, mut request: Request) -> BoxFuture<'_, Result<Response>> {
        if request.trace == [0; 16] {
            request.trace = self.id();
        }
        let trace = hex(&request.trace);
        let span = tracing::debug_span!(
            "request",
            trace.id = trace,
            http.method = %request.method,
            server.address = request.url.host_str().unwrap_or_default(),
            url.path = request.url.path(),
        );
        let parent = format!("00-{trace}-{}-01", hex(&self.id::<8>()));
        Box::pin(
            async move {
                let parent = HeaderValue::try_from(parent).map_err(|error| {
                    Error::new(ErrorKind::Misconfigured, format!("the trace is no header value: {error}"))
                })?;
                request.headers.insert(TRACEPARENT, parent);
                let begun = self.clock.monotonic();
                let result = self.inner.send(request).await;
                let elapsed = self.clock.monotonic().saturating_sub(begun);
                match &result {
                    Ok(response) => tracing::debug!(
                        http.status = response.status.as_u16(),
                        elapsed_seconds = elapsed.as_secs_f64(),
                        "The system answered a request."
                    ),
                    // The kind only: a message may quote what the system said.
                    Err(error) => tracing::debug!(
                        error.kind = ?error.kind(),
                        error.effect = ?error.took_effect(),
                        elapsed_seconds = elapsed.as_secs_f64(),
                        "A request got no answer."
                    ),
                }
                result
            }
            .instrument(span),
        )
    }
}

fn hex(bytes: &[u8]) -> String {
    let nibbles = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    nibbles.filter_map(|nibble| char::from_digit(u32::from(nibble), 16)).collect()
}

#[cfg(test)]
mod tests {
    use ::http::Method;

    use super::*;
    use crate::double::{CountingEntropy, Script, TestClock, request};

    #[tokio::test]
    async fn each_request_bears_its_trace_and_a_span_of_its_own() {
        let script = Arc::new(Script::new([]));
        let base: Arc<dyn Transport> = Arc::<Script>::clone(&script);
        let traced = Traced::new(base, Arc::new(TestClock::manual()), Arc::new(CountingEntropy::default()));
        for _ in 0..2 {
            traced.send(request(Method::GET, "https://desk.example/1?secret=x")).await.unwrap();
        }
        let parent = |index| script.header(index, "traceparent").unwrap().to_str().unwrap().to_owned();
        assert_eq!(parent(0), format!("00-{}-0102030405060708-01", "ab".repeat(16)));
        assert_ne!(parent(0), parent(1));
    }
}
