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
use prometheus_client::registry::{Registry, Unit};
use throughline_sdk::http::{Request, Response, Transport};
use throughline_sdk::{Clock, Error, Result, SystemName, Timestamp};

use crate::case::{Fact, Holder};
use crate::daemon::Standing as Watched;

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
    request_seconds: Family<System, Histogram, fn() -> Histogram>,
    open_circuits: Family<System, Gauge>,
    failing: Family<System, Gauge>,
    answered: Family<System, Gauge<f64, AtomicU64>>,
    webhook_seconds: Histogram,
    refused: Family<Reason, Counter>,
    busy_lanes: Gauge,
    hinted: Gauge,
    silent_portals: Family<System, Gauge>,
    by_hand: Family<System, Gauge>,
    held_seconds: Family<Held, Counter<f64, AtomicU64>>,
    offers: Family<OfferIs, Counter>,
    leaks: Family<System, Counter>,
    watched_alarms: Family<Log, Gauge>,
    watched_asked: Family<Log, Gauge<f64, AtomicU64>>,
}

/// How a system answers, as its last answers tell.
#[derive(Clone, Copy, Debug)]
pub struct Answers {
    /// Whether it is left alone just now.
    pub open_circuit: bool,
    /// Whether its last answer was an error.
    pub failing: bool,
    /// When it last answered well.
    pub well: Option<Timestamp>,
}

/// Upper bounds of durations, in seconds: from one `fdatasync` on a quick disk to a time-out.
const SECONDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0, 30.0];

fn histogram() -> Histogram {
    Histogram::new(SECONDS)
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Build {
    version: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
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
struct Log {
    log: String,
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

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Held {
    party: String,
    level: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfferIs {
    system: String,
    state: &'static str,
}

impl Metrics {
    /// All at zero.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("throughline");
        let hints = Family::default();
        registry.register("hints", "Hints received, by where they came from", hints.clone());
        let intents = Family::default();
        registry.register("intents", "Attempts at intents, by system and outcome", intents.clone());
        let cases = Family::<Standing, Gauge>::default();
        registry.register(
            "cases",
            "Cases, and how many of them are at work or wait for a person",
            cases.clone(),
        );
        let requests = Family::default();
        registry.register("remote_requests", "Requests to systems, by class of status", requests.clone());
        let constructor: fn() -> Histogram = histogram;
        let request_seconds = Family::new_with_constructor(constructor);
        registry.register_with_unit(
            "remote_request",
            "How long requests to systems took, waiting for our turn not counted",
            Unit::Seconds,
            request_seconds.clone(),
        );
        let open_circuits = Family::<System, Gauge>::default();
        registry.register("open_circuits", "1 while a system is left alone", open_circuits.clone());
        let failing = Family::<System, Gauge>::default();
        registry.register("system_failing", "1 while a system's last answer was an error", failing.clone());
        let answered = Family::<System, Gauge<f64, AtomicU64>>::default();
        registry.register_with_unit(
            "system_answered_timestamp",
            "When a system last answered well, since 1970",
            Unit::Seconds,
            answered.clone(),
        );
        let webhook_seconds = histogram();
        registry.register_with_unit(
            "webhook",
            "From a webhook's last byte to its hint being durable",
            Unit::Seconds,
            webhook_seconds.clone(),
        );
        let refused = Family::<Reason, Counter>::default();
        registry.register("webhooks_refused", "Webhooks that were not taken, by reason", refused.clone());
        let busy_lanes = Gauge::default();
        registry.register("busy_lanes", "Cases being worked on just now", busy_lanes.clone());
        let hinted = Gauge::default();
        registry.register("hinted_tickets", "Tickets that wait to be read", hinted.clone());
        let silent_portals = Family::<System, Gauge>::default();
        registry.register(
            "silent_tickets",
            "Tickets kept by hand whose portal is silent for longer than it may be",
            silent_portals.clone(),
        );
        let by_hand = Family::<System, Gauge>::default();
        registry.register(
            "tickets_to_carry_over",
            "Tickets of which something is to be carried over by hand",
            by_hand.clone(),
        );
        let held_seconds = Family::<Held, Counter<f64, AtomicU64>>::default();
        registry.register_with_unit(
            "cases_held",
            "How long parties had the ball before they passed it on, by party and level of support",
            Unit::Seconds,
            held_seconds.clone(),
        );
        let offers = Family::<OfferIs, Counter>::default();
        registry.register("offers", "What became of offers, by the counterpart's system", offers.clone());
        let leaks = Family::default();
        registry.register(
            "leaks",
            "What was sent to a system as internal and was not internal there",
            leaks.clone(),
        );
        let watched_alarms = Family::<Log, Gauge>::default();
        registry.register(
            "watched_alarm",
            "1 while what the log of another organization signed cannot all be true: it forked, or was rolled back",
            watched_alarms.clone(),
        );
        let watched_asked = Family::<Log, Gauge<f64, AtomicU64>>::default();
        registry.register_with_unit(
            "watched_answered_timestamp",
            "When the log of another organization was last asked and answered, since 1970",
            Unit::Seconds,
            watched_asked.clone(),
        );
        let build = Family::<Build, Gauge>::default();
        registry.register("build_info", "1, with the version that runs", build.clone());
        build.get_or_create(&Build { version: env!("CARGO_PKG_VERSION") }).set(1);
        let metrics = Self {
            registry,
            hints,
            intents,
            cases,
            requests,
            request_seconds,
            open_circuits,
            failing,
            answered,
            webhook_seconds,
            refused,
            busy_lanes,
            hinted,
            silent_portals,
            by_hand,
            held_seconds,
            offers,
            leaks,
            watched_alarms,
            watched_asked,
        };
        // A counter that begins at zero shows its first increase, one that is not there does not.
        for source in ["webhook", "poll"] {
            metrics.hints.get_or_create(&Source { source }).inc_by(0);
        }
        for reason in ["unknown_system", "unsigned", "malformed", "unavailable"] {
            metrics.refused.get_or_create(&Reason { reason }).inc_by(0);
        }
        metrics
    }

    /// There is such a system: its counters begin at zero.
    pub fn system(&self, system: &SystemName) {
        let name = || system.to_string();
        self.leaks.get_or_create(&System { system: name() }).inc_by(0);
        self.intents.get_or_create(&Outcome { system: name(), outcome: "effected" }).inc_by(0);
        self.requests.get_or_create(&Answer { system: name(), status: "2xx" }).inc_by(0);
        self.requests.get_or_create(&Answer { system: name(), status: "none" }).inc_by(0);
    }

    /// Something that was sent to a system as internal is not internal there.
    pub fn leak(&self, system: &SystemName) {
        self.leaks.get_or_create(&System { system: system.to_string() }).inc();
    }

    /// A hint came in: `source` is `webhook` or `poll`.
    pub fn hint(&self, source: &'static str) {
        self.hints.get_or_create(&Source { source }).inc();
    }

    /// An intent was tried: `outcome` is a word such as `effected`, `park` or `transient`.
    pub fn intent(&self, system: &SystemName, outcome: &'static str) {
        self.intents.get_or_create(&Outcome { system: system.to_string(), outcome }).inc();
    }

    /// How many cases there are: `state` is `all`, `working` or `parked`.
    pub fn cases(&self, state: &'static str, count: u64) {
        self.cases.get_or_create(&Standing { state }).set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// A request to a system is over.
    pub fn request(&self, system: &SystemName, result: Result<&Response, &Error>, took: Duration) {
        let status = match result.map(|response| response.status.as_u16()) {
            Ok(0..=199) => "1xx",
            Ok(200..=299) => "2xx",
            Ok(300..=399) => "3xx",
            Ok(400..=499) => "4xx",
            Ok(_) => "5xx",
            Err(_) => "none",
        };
        self.requests.get_or_create(&Answer { system: system.to_string(), status }).inc();
        self.request_seconds
            .get_or_create(&System { system: system.to_string() })
            .observe(took.as_secs_f64());
    }

    /// How a system answers.
    pub fn answers(&self, system: &SystemName, answers: Answers) {
        let name = System { system: system.to_string() };
        self.open_circuits.get_or_create(&name).set(i64::from(answers.open_circuit));
        self.failing.get_or_create(&name).set(i64::from(answers.failing));
        if let Some(well) = answers.well {
            self.answered.get_or_create(&name).set(since_1970(well));
        }
    }

    /// How the watched logs stand. Those that are watched no longer are told of no longer.
    pub fn watched(&self, logs: &[Watched]) {
        self.watched_alarms.clear();
        self.watched_asked.clear();
        for log in logs {
            let name = Log { log: log.name.clone() };
            self.watched_alarms.get_or_create(&name).set(i64::from(log.alarm.is_some()));
            if let Some(asked) = log.asked {
                self.watched_asked.get_or_create(&name).set(since_1970(asked));
            }
        }
    }

    /// A webhook was made durable.
    pub fn webhook(&self, took: Duration) {
        self.webhook_seconds.observe(took.as_secs_f64());
    }

    /// A webhook was not taken: `reason` is `unknown_system`, `unsigned`, `malformed` or `unavailable`.
    pub fn webhook_refused(&self, reason: &'static str) {
        self.refused.get_or_create(&Reason { reason }).inc();
    }

    /// How much is being worked on, and how much waits to be.
    pub fn work(&self, busy_lanes: usize, hinted_tickets: u64) {
        self.busy_lanes.set(i64::try_from(busy_lanes).unwrap_or(i64::MAX));
        self.hinted.set(i64::try_from(hinted_tickets).unwrap_or(i64::MAX));
    }

    /// How many tickets of a portal have fallen silent, and of how many something is to be carried over by hand.
    pub fn carried_by_hand(&self, system: &SystemName, silent: usize, waiting: usize) {
        let name = System { system: system.to_string() };
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.silent_portals.get_or_create(&name).set(count(silent));
        self.by_hand.get_or_create(&name).set(count(waiting));
    }

    /// What was decided of a case: offers that turned, and how long who had the ball had it.
    pub fn decided(&self, holder: Option<&Holder>, facts: &[Fact]) {
        let mut holder = holder.map(|holder| (&holder.party, holder.level, holder.since));
        for fact in facts {
            if let Fact::Holds { party, level, since, .. } = fact {
                if let Some((before, level, from)) = holder {
                    let held = Held { party: before.to_string(), level: level.word() };
                    let span = (*since - from).to_std().unwrap_or_default();
                    self.held_seconds.get_or_create(&held).inc_by(span.as_secs_f64());
                }
                holder = Some((party, *level, *since));
            }
            if let Fact::Handshake { leg, state, .. } = fact {
                self.offer(leg, state.word());
            }
            if let Fact::OfferLapsed { leg } = fact {
                self.offer(leg, "lapsed");
            }
        }
    }

    fn offer(&self, system: &SystemName, state: &'static str) {
        self.offers.get_or_create(&OfferIs { system: system.to_string(), state }).inc();
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

fn since_1970(at: Timestamp) -> f64 {
    let millis = i32::try_from(at.timestamp_subsec_millis()).unwrap_or_default();
    let seconds = Duration::from_secs(u64::try_from(at.timestamp()).unwrap_or_default());
    seconds.as_secs_f64() + f64::from(millis) / 1000.0
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
    clock: Arc<dyn Clock>,
}

impl Counted {
    /// Counts what `inner` sends to `system`.
    pub fn new(
        inner: Arc<dyn Transport>,
        system: SystemName,
        metrics: Arc<Metrics>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        metrics.system(&system);
        Self { inner, system, metrics, clock }
    }
}

impl Transport for Counted {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response>> {
        Box::pin(async move {
            let began = self.clock.monotonic();
            let result = self.inner.send(request).await;
            let took = self.clock.monotonic().saturating_sub(began);
            self.metrics.request(&self.system, result.as_ref(), took);
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
        let silent = Error::new(ErrorKind::Unavailable, "no answer");
        metrics.request(&desk, Err(&silent), Duration::from_millis(1500));
        let well = Timestamp::from_timestamp_millis(1_700_000_000_500);
        metrics.answers(&desk, Answers { open_circuit: true, failing: true, well });
        metrics.webhook(Duration::from_millis(2));
        metrics.webhook_refused("unsigned");
        metrics.work(2, 7);
        let text = metrics.text();
        for line in [
            "throughline_hints_total{source=\"webhook\"} 1",
            "throughline_intents_total{system=\"helpdesk\",outcome=\"done\"} 1",
            "throughline_cases{state=\"parked\"} 3",
            "throughline_remote_requests_total{system=\"helpdesk\",status=\"none\"} 1",
            "throughline_remote_request_seconds_bucket{le=\"2.5\",system=\"helpdesk\"} 1",
            "throughline_remote_request_seconds_sum{system=\"helpdesk\"} 1.5",
            "throughline_open_circuits{system=\"helpdesk\"} 1",
            "throughline_system_failing{system=\"helpdesk\"} 1",
            "throughline_system_answered_timestamp_seconds{system=\"helpdesk\"} 1700000000.5",
            "throughline_webhook_seconds_bucket{le=\"0.0025\"} 1",
            "throughline_webhooks_refused_total{reason=\"unsigned\"} 1",
            "throughline_webhooks_refused_total{reason=\"malformed\"} 0",
            "throughline_busy_lanes 2",
            "throughline_hinted_tickets 7",
        ] {
            assert!(text.lines().any(|have| have == line), "{line} in\n{text}");
        }
    }
}
