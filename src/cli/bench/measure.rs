//! The order of the measurements, and what each of them is judged by.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use throughline_sdk::{Clock, Entropy};

use super::Bench;
use super::bridge::{Bridge, Surroundings};
use super::parts::Part;
use super::protocol::{Order, Outcome};
use super::report::{Report, Wanted, median};
use super::world::PARTNER;
use crate::cli::{Failure, Output};
use crate::clock::{SystemClock, SystemEntropy};

/// The linked tickets that others are compared with.
const FEW: u64 = 1000;
const SYNCS: u32 = 100;

/// Measures everything and prints it.
pub(super) async fn measure(bench: &Bench, output: &Output) -> Result<(), Failure> {
    let temporary = tempfile::tempdir().map_err(Failure::failed)?;
    let root = bench.data.clone().unwrap_or_else(|| temporary.path().to_owned());
    fs::create_dir_all(&root).map_err(Failure::failed)?;
    let mut stage = Stage::set(bench, &root, output)?;
    stage.few_linked().await?;
    if let Some(linked) = bench.linked {
        stage.many_linked(linked).await?;
    }
    stage.exactly_once();
    stage.report.print(output);
    Ok(())
}

struct Stage<'a> {
    bench: &'a Bench,
    output: &'a Output,
    around: Surroundings,
    load: Part,
    report: Report,
    /// Events sent so far, by world.
    sent: BTreeMap<String, u64>,
    taken: u32,
    refused: u32,
    lost: u32,
    extra: u32,
}

/// The saturating runs of one target.
#[derive(Default)]
struct Runs {
    rates: Vec<f64>,
    processor_ms: Vec<f64>,
    load_ms: Vec<f64>,
}

impl Runs {
    fn rate(&self) -> f64 {
        median(self.rates.clone())
    }

    fn processor(&self) -> f64 {
        median(self.processor_ms.clone())
    }

    /// What the load process, which has the desks too, took beside it.
    fn load(&self) -> f64 {
        median(self.load_ms.clone())
    }

    /// The middle one of the ratios of runs that stood next to each other.
    fn against(&self, other: &Self) -> f64 {
        median(self.rates.iter().zip(&other.rates).map(|(mine, theirs)| mine / theirs).collect())
    }
}

impl<'a> Stage<'a> {
    fn set(bench: &'a Bench, root: &Path, output: &'a Output) -> Result<Self, Failure> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::new());
        let mut bytes = [0; 24];
        entropy.fill(&mut bytes);
        let secret = format!("whsec_{}", STANDARD.encode(bytes));
        fs::write(root.join("secret"), &secret).map_err(Failure::failed)?;
        let load = Part::start(&["bench", "load"].map(str::to_owned), &root.join("load.log"))?;
        let around =
            Surroundings { root: root.to_owned(), desks: load.address.clone(), secret, clock, entropy };
        let report = Report::default();
        let sent = BTreeMap::new();
        Ok(Self { bench, output, around, load, report, sent, taken: 0, refused: 0, lost: 0, extra: 0 })
    }

    /// Rate and latency with few linked tickets, against the relays.
    async fn few_linked(&mut self) -> Result<(), Failure> {
        self.say("Linking 1000 tickets …");
        let mut bridge = Bridge::make(&self.around, FEW).await?;
        let clock = Arc::clone(&self.around.clock);
        bridge.start(clock.as_ref()).await?;
        clock.sleep(Duration::from_secs(1)).await;
        let idle = bridge.process()?.memory("VmRSS");
        let durable = self.relay("durable", true)?;
        let bare = self.relay("bare", false)?;
        let (mut of_bridge, mut of_durable, mut of_bare) =
            (Runs::default(), Runs::default(), Runs::default());
        for round in 1..=self.bench.rounds {
            self.say(&format!(
                "Round {round} of {}: relays and bridge, as fast as they can …",
                self.bench.rounds
            ));
            self.saturate("durable", FEW, &durable, &mut of_durable)?;
            self.saturate(&bridge.world, FEW, bridge.process()?, &mut of_bridge)?;
            self.saturate("bare", FEW, &bare, &mut of_bare)?;
        }
        let (mut paced, mut paced_relay, mut syncs) = (Vec::new(), Vec::new(), Vec::new());
        for round in 1..=self.bench.rounds {
            self.say(&format!(
                "Round {round} of {}: {} events a second …",
                self.bench.rounds, self.bench.rate
            ));
            // Before and after: others may be using the disk as well.
            syncs.push(self.fdatasync()?);
            paced.push(self.pace(&bridge.world, bridge.process()?)?);
            syncs.push(self.fdatasync()?);
            paced_relay.push(self.pace("durable", &durable)?);
        }
        let sync = median(syncs);
        let of = |runs: &[Outcome], pick: fn(&Outcome) -> f64| median(runs.iter().map(pick).collect());
        let rate = self.bench.rate;
        let report = &mut self.report;
        report.note("fdatasync of 4 KB, median", sync, "ms");
        report.note("durable relay: events a second", of_durable.rate(), "/s");
        report.note("durable relay: processor time an event", of_durable.processor(), "ms");
        report.note("relay without storage: events a second", of_bare.rate(), "/s");
        report.judge("bridge: events a second", of_bridge.rate(), "/s", Wanted::AtLeast(2000.0));
        report.judge(
            "bridge against durable relay",
            of_bridge.against(&of_durable),
            "",
            Wanted::AtLeast(1.0 / 3.0),
        );
        report.note("bridge against relay without storage", of_bridge.against(&of_bare), "");
        report.judge("bridge: processor time an event", of_bridge.processor(), "ms", Wanted::AtMost(0.5));
        report.note("load and desks: processor time an event", of_bridge.load(), "ms");
        let p50 = of(&paced, |outcome| outcome.p50);
        let p99 = of(&paced, |outcome| outcome.p99);
        report.judge(format!("latency at {rate}/s, p50"), p50, "ms", Wanted::AtMost(2.0 * sync + 3.0));
        report.judge(format!("latency at {rate}/s, p99"), p99, "ms", Wanted::AtMost(5.0 * sync + 20.0));
        report.note(format!("latency at {rate}/s, p99.9"), of(&paced, |outcome| outcome.p999), "ms");
        let relay_p50 = of(&paced_relay, |outcome| outcome.p50);
        report.note("the same against durable relay, p50", p50 / relay_p50, "");
        report.note("the same against durable relay, p99", p99 / of(&paced_relay, |outcome| outcome.p99), "");
        report.judge("memory, idle, three systems", idle, "MiB", Wanted::AtMost(40.0));
        report.note("memory, highest, 1000 linked", bridge.process()?.memory("VmHWM"), "MiB");
        bridge.stop()
    }

    /// The same rate with many linked tickets, and what they cost.
    async fn many_linked(&mut self, linked: u64) -> Result<(), Failure> {
        let clock = Arc::clone(&self.around.clock);
        self.say(&format!("Linking {linked} tickets …"));
        let begin = clock.monotonic();
        let mut many = Bridge::make(&self.around, linked).await?;
        let filling = clock.monotonic() - begin;
        let ready = many.start(clock.as_ref()).await?;
        let idle = many.process()?.memory("VmRSS");
        let mut few = Bridge::make(&self.around, FEW + 1).await?;
        few.start(clock.as_ref()).await?;
        let (mut of_many, mut of_few) = (Runs::default(), Runs::default());
        for round in 1..=self.bench.rounds {
            self.say(&format!("Round {round} of {}: few and many linked …", self.bench.rounds));
            self.saturate(&few.world, few.linked, few.process()?, &mut of_few)?;
            self.saturate(&many.world, linked, many.process()?, &mut of_many)?;
        }
        self.say("Traces, memory, disk, start …");
        let mut traces = Vec::new();
        for turn in 1..=20 {
            let case = turn * (linked / 21) + 1;
            traces.push(milliseconds(many.trace(case, clock.as_ref())?));
        }
        let memory = many.process()?.memory("VmHWM");
        many.stop()?;
        let [ledger, keyring, store] = many.disk();
        let again = many.start(clock.as_ref()).await?;
        many.stop()?;
        few.stop()?;
        let report = &mut self.report;
        report.note(format!("linking {linked} tickets"), filling.as_secs_f64(), "s");
        report.note(format!("events a second, {linked} linked"), of_many.rate(), "/s");
        report.judge(
            format!("rate with {linked} linked against 1000"),
            of_many.against(&of_few),
            "",
            Wanted::AtLeast(0.8),
        );
        report.judge(format!("memory, highest, {linked} linked"), memory, "MiB", Wanted::AtMost(500.0));
        report.note(format!("memory, just started, {linked} linked"), idle, "MiB");
        report.note("disk: ledger", ledger + keyring, "MiB");
        report.note("disk: store", store, "MiB");
        report.judge("disk together", ledger + keyring + store, "MiB", Wanted::AtMost(4096.0));
        report.note("start to ready, first", milliseconds(ready), "ms");
        report.judge("start to ready after a clean stop", milliseconds(again), "ms", Wanted::AtMost(3000.0));
        report.judge("one trace, the whole command, median", median(traces), "ms", Wanted::AtMost(50.0));
        Ok(())
    }

    /// Whether each event led to its write, once.
    fn exactly_once(&mut self) {
        self.report.note("events, all runs", f64::from(self.taken), "");
        self.report.judge("webhooks refused", f64::from(self.refused), "", Wanted::AtMost(0.0));
        self.report.judge("writes that did not come", f64::from(self.lost), "", Wanted::AtMost(0.0));
        self.report.judge("writes beyond one an event", f64::from(self.extra), "", Wanted::AtMost(0.0));
    }

    fn saturate(&mut self, world: &str, linked: u64, target: &Part, runs: &mut Runs) -> Result<(), Failure> {
        let before = (target.processor(), self.load.processor());
        let outcome = self.order(world, linked, target, None)?;
        let events = f64::from(outcome.taken.max(1));
        runs.rates.push(outcome.per_second);
        runs.processor_ms.push(milliseconds(target.processor() - before.0) / events);
        runs.load_ms.push(milliseconds(self.load.processor() - before.1) / events);
        Ok(())
    }

    fn pace(&mut self, world: &str, target: &Part) -> Result<Outcome, Failure> {
        self.order(world, FEW, target, Some(self.bench.rate))
    }

    fn order(
        &mut self,
        world: &str,
        linked: u64,
        target: &Part,
        rate: Option<u32>,
    ) -> Result<Outcome, Failure> {
        let order = Order {
            world: world.to_owned(),
            target: target.address.clone(),
            linked,
            first: self.sent.get(world).copied().unwrap_or_default(),
            concurrency: self.bench.concurrency,
            rate,
            seconds: self.bench.seconds,
            secret: self.around.secret.clone(),
        };
        let outcome = self.load.order(&order)?;
        if let Some(trouble) = &outcome.trouble {
            self.output.progress(&format!("{world}: {trouble}"));
        }
        *self.sent.entry(world.to_owned()).or_default() += outcome.sent;
        self.taken += outcome.taken;
        self.refused += outcome.refused;
        self.lost += outcome.lost;
        self.extra += outcome.extra;
        Ok(outcome)
    }

    fn relay(&self, world: &str, durable: bool) -> Result<Part, Failure> {
        let root = &self.around.root;
        let to = format!("http://{}/{world}/{PARTNER}/", self.around.desks);
        let secret = root.join("secret").display().to_string();
        let mut arguments =
            vec!["bench".into(), "relay".into(), "--to".into(), to, "--secret".into(), secret];
        if durable {
            arguments.extend(["--log".to_owned(), root.join("relay.log").display().to_string()]);
        }
        Part::start(&arguments, &root.join(format!("{world}-relay.log")))
    }

    /// How long appending four kilobytes and syncing them takes, in milliseconds.
    fn fdatasync(&self) -> Result<f64, Failure> {
        let path = self.around.root.join("fdatasync");
        let mut file = File::options().create(true).append(true).open(&path).map_err(Failure::failed)?;
        let mut took = Vec::new();
        for _ in 0..SYNCS {
            let begin = self.around.clock.monotonic();
            file.write_all(&[b'x'; 4096]).and_then(|()| file.sync_data()).map_err(Failure::failed)?;
            took.push(milliseconds(self.around.clock.monotonic() - begin));
        }
        fs::remove_file(&path).map_err(Failure::failed)?;
        Ok(median(took))
    }

    fn say(&self, text: &str) {
        self.output.progress(text);
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
