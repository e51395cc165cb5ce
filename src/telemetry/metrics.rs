//! The numbers an operator watches, in the text form that Prometheus reads.
//!
//! Labels are words of ours and names from the configuration: never a ticket, a person or a text, so that their
//! number is bounded and a metric gives nothing away.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use futures::future::BoxFuture;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use throughline_sdk::http::{Request, Response, Transport};
use throughline_sdk::{Error, Result, SystemName};

/// The media type of [`Metrics::text`].
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// From a hint's arrival to its effect: from what nobody notices to what somebody asks about.
const LATENCY_SECONDS: [f64; 12] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0];
/// Records in one commit of the ledger.
const BATCH_RECORDS: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// Everything that is counted. Cheap to share: each part counts by itself.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    hints: Family<Source, Counter>,
    intents: Family<Outcome, Counter>,
    parked: Family<System, Gauge>,
    requests: Family<Answer, Counter>,
    open_circuits: Family<System, Gauge>,
    latency: Histogram,
    commits: Counter,
    batch: Histogram,
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
        let parked = Family::<System, Gauge>::default();
        registry.register("parked", "Fields, comments and files that wait for a person", parked.clone());
        let requests = Family::default();
        registry.register("remote_requests", "Requests to systems, by class of status", requests.clone());
        let open_circuits = Family::<System, Gauge>::default();
        registry.register("open_circuits", "1 while a system is left alone", open_circuits.clone());
        let latency = Histogram::new(LATENCY_SECONDS);
        let help = "From a webhook's arrival to the effect in another system";
        registry.register("webhook_to_effect_seconds", help, latency.clone());
        let commits = Counter::<u64, AtomicU64>::default();
        registry.register("ledger_commits", "Commits of the ledger, each one sync", commits.clone());
        let batch = Histogram::new(BATCH_RECORDS);
        registry.register("ledger_batch_records", "Records in one commit of the ledger", batch.clone());
        Self { registry, hints, intents, parked, requests, open_circuits, latency, commits, batch }
    }

    /// A hint came in: `source` is `webhook`, `poll` or `operator`.
    pub fn hint(&self, source: &'static str) {
        self.hints.get_or_create(&Source { source }).inc();
    }

    /// An intent ended: `outcome` is a word such as `done`, `parked` or `doubtful`.
    pub fn intent(&self, system: &SystemName, outcome: &'static str) {
        self.intents.get_or_create(&Outcome { system: system.to_string(), outcome }).inc();
    }

    /// How much of a system is parked now.
    pub fn parked(&self, system: &SystemName, count: i64) {
        self.parked.get_or_create(&System { system: system.to_string() }).set(count);
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

    /// A webhook took this long to become an effect.
    pub fn webhook_to_effect(&self, latency: Duration) {
        self.latency.observe(latency.as_secs_f64());
    }

    /// The ledger committed this many records at once.
    pub fn commit(&self, records: usize) {
        self.commits.inc();
        self.batch.observe(f64::from(u32::try_from(records).unwrap_or(u32::MAX)));
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
        metrics.parked(&desk, 3);
        metrics.request(&desk, Err(&Error::new(ErrorKind::Unavailable, "no answer")));
        metrics.circuit(&desk, true);
        metrics.webhook_to_effect(Duration::from_millis(300));
        metrics.commit(5);
        let text = metrics.text();
        for line in [
            "throughline_hints_total{source=\"webhook\"} 1",
            "throughline_intents_total{system=\"helpdesk\",outcome=\"done\"} 1",
            "throughline_parked{system=\"helpdesk\"} 3",
            "throughline_remote_requests_total{system=\"helpdesk\",status=\"none\"} 1",
            "throughline_open_circuits{system=\"helpdesk\"} 1",
            "throughline_webhook_to_effect_seconds_bucket{le=\"0.5\"} 1",
            "throughline_ledger_commits_total 1",
            "throughline_ledger_batch_records_sum 5.0",
        ] {
            assert!(text.lines().any(|have| have == line), "{line} in\n{text}");
        }
    }
}
