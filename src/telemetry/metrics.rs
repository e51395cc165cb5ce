//! The numbers an operator watches, in the text form that Prometheus reads.
//!
//! Labels are words of ours and names from the configuration: never a ticket, a person or a text, so that their
//! number is bounded and a metric gives nothing away.

use std::sync::Arc;

use futures::future::BoxFuture;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use throughline_sdk::http::{Request, Response, Transport};
use throughline_sdk::{Error, Result, SystemName};

/// The media type of [`Metrics::text`].
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Everything that is counted. Cheap to share: each part counts by itself.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    hints: Family<Source, Counter>,
    intents: Family<Outcome, Counter>,
    cases: Family<Standing, Gauge>,
    requests: Family<Answer, Counter>,
    open_circuits: Family<System, Gauge>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Source {
    source: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    system: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct System {
    system: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Standing {
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answer {
    system: String,
    status: &'static str,
}

impl Metrics {
    /// All at zero.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("throughline");
        let hints = Family::default();
        registry.register("hints", "Hints received, by where they came from", hints.clone());
        let intents = Family::default();
        registry.register("intents", "Intents that ended, by system and outcome", intents.clone());
        let cases = Family::<Standing, Gauge>::default();
        registry.register(
            "cases",
            "Cases, and how many of them are at work or wait for a person",
            cases.clone(),
        );
        let requests = Family::default();
        registry.register("remote_requests", "Requests to systems, by class of status", requests.clone());
        let open_circuits = Family::<System, Gauge>::default();
        registry.register("open_circuits", "1 while a system is left alone", open_circuits.clone());
        Self { registry, hints, intents, cases, requests, open_circuits }
    }

    /// A hint came in: `source` is `webhook`, `poll` or `operator`.
    pub fn hint(&self, source: &'static str) {
        self.hints.get_or_create(&Source { source }).inc();
    }

    /// An intent ended: `outcome` is a word such as `done`, `parked` or `doubtful`.
    pub fn intent(&self, system: &SystemName, outcome: &'static str) {
        self.intents.get_or_create(&Outcome { system: system.to_string(), outcome }).inc();
    }

    /// How many cases there are: `state` is `all`, `working` or `parked`.
    pub fn cases(&self, state: &'static str, count: u64) {
        self.cases.get_or_create(&Standing { state }).set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// A request to a system is over.
    pub fn request(&self, system: &SystemName, result: Result<&Response, &Error>) {
        let status = match result.map(|response| response.status.as_u16()) {
            Ok(0..=199) => "1xx",
            Ok(200..=299) => "2xx",
            Ok(300..=399) => "3xx",
            Ok(400..=499) => "4xx",
            Ok(_) => "5xx",
            Err(_) => "none",
        };
        self.requests.get_or_create(&Answer { system: system.to_string(), status }).inc();
    }

    /// Whether a system's circuit is open.
    pub fn circuit(&self, system: &SystemName, open: bool) {
        self.open_circuits.get_or_create(&System { system: system.to_string() }).set(i64::from(open));
    }

    /// All of it as text, in the form named by [`MEDIA_TYPE`].
    pub fn text(&self) -> String {
        let mut out = String::new();
        if text::encode(&mut out, &self.registry).is_err() {
            // Writing to a String fails only by a defect of the library; half a page would mislead.
            out.clear();
        }
        out
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// Counts what really goes out to one system. Lies directly around the egress: token requests and repeated
/// attempts count too.
#[derive(Debug)]
pub struct Counted {
    inner: Arc<dyn Transport>,
    system: SystemName,
    metrics: Arc<Metrics>,
}

impl Counted {
    /// Counts what `inner` sends to `system`.
    pub fn new(inner: Arc<dyn Transport>, system: SystemName, metrics: Arc<Metrics>) -> Self {
        Self { inner, system, metrics }
    }
}

impl Transport for Counted {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response>> {
        Box::pin(async move {
            let result = self.inner.send(request).await;
            self.metrics.request(&self.system, result.as_ref());
            result
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use throughline_sdk::ErrorKind;

    #[test]
    fn what_was_counted_stands_in_the_text() {
        let (metrics, desk) = (Metrics::new(), SystemName::new("helpdesk"));
        metrics.hint("webhook");
        metrics.intent(&desk, "done");
        metrics.cases("parked", 3);
        metrics.request(&desk, Err(&Error::new(ErrorKind::Unavailable, "no answer")));
        metrics.circuit(&desk, true);
        let text = metrics.text();
        for line in [
            "throughline_hints_total{source=\"webhook\"} 1",
            "throughline_intents_total{system=\"helpdesk\",outcome=\"done\"} 1",
            "throughline_cases{state=\"parked\"} 3",
            "throughline_remote_requests_total{system=\"helpdesk\",status=\"none\"} 1",
            "throughline_open_circuits{system=\"helpdesk\"} 1",
        ] {
            assert!(text.lines().any(|have| have == line), "{line} in\n{text}");
        }
    }
}
