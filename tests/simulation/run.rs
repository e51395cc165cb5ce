//! One seed from its first tick to its verdict: the driver that steps the network, cuts the power and lets people act.

use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use throughline_practice::desk::{self, Actor, Desk, Registration, Write};
use throughline_sdk::Clock;
use turmoil::Sim;

use crate::chance::{Chance, SimulatedClock};
use crate::checks;
use crate::ground::{Ground, TOKEN, WEBHOOK_SECRET};
use crate::mail::Mail;
use crate::network::serve;
use crate::people::{Deeds, request};
use crate::recorder::Logbook;
use crate::scenario::{BRIDGE, DESKS, ISOLATED, Intake, Scenario, Trouble};

const TICK: Duration = Duration::from_millis(20);
/// After the faults ended everything has to have converged by then.
const PATIENCE: Duration = Duration::from_secs(200);
/// No write for this long is silence.
const SILENCE: Duration = Duration::from_secs(8);
/// When faults begin.
const BEGIN: Duration = Duration::from_secs(2);
/// How soon two desks exchange a comment while the third is down.
const BOUND: Duration = Duration::from_secs(10);

/// After so many ticks everything that was sent has arrived: a machine that loses its power takes nothing back that it
/// has already put on the wire.
const ON_THE_WIRE: u32 = 4;

/// What came of a seed.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) histories: Vec<Vec<Write>>,
    pub(crate) violations: Vec<String>,
    pub(crate) story: String,
    pub(crate) totals: Totals,
}

/// How much happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) simulated: Duration,
    pub(crate) writes: usize,
    pub(crate) deeds: usize,
    pub(crate) crashes: u64,
    pub(crate) points: u64,
    pub(crate) found: usize,
    pub(crate) conflicts: usize,
    pub(crate) replayed: usize,
}

impl Totals {
    pub(crate) fn add(&mut self, other: &Self) {
        self.simulated += other.simulated;
        self.writes += other.writes;
        self.deeds += other.deeds;
        self.crashes += other.crashes;
        self.points += other.points;
        self.found += other.found;
        self.conflicts += other.conflicts;
        self.replayed += other.replayed;
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { simulated, writes, deeds, crashes, points, found, conflicts, replayed } = self;
        write!(
            f,
            "{} s simulated, {deeds} deeds of people, {writes} writes at desks, {crashes} power cuts at {points} \
             places, {found} effects found after a doubt, {conflicts} conflicts asked, {replayed} webhooks replayed",
            simulated.as_secs()
        )
    }
}

/// How a desk and the bridge are connected.
#[derive(Clone, Copy, Debug)]
enum Link {
    Whole,
    Cut,
    /// The bridge hears nothing.
    Deaf,
    /// The bridge is not heard.
    Mute,
}

/// A running seed.
pub(crate) struct Run<'s> {
    sim: Sim<'s>,
    pub(crate) ground: Arc<Ground>,
    pub(crate) desks: Vec<Desk>,
    mail: Vec<Arc<Mail>>,
    chance: Chance,
    pub(crate) deeds: Deeds,
    /// When the crashed bridge boots again.
    off_until: Option<Duration>,
    /// For how many ticks the bridge has stood still, while what it sent before travels on.
    without_power: u32,
    crashes_left: u64,
    old_store: throughline::store::memory::MemoryStore,
    desk_off: [bool; 3],
    links: [Link; 3],
    totals: Totals,
}

/// Runs a seed.
pub(crate) fn seed(seed: u64) -> Outcome {
    played(Scenario::of(seed))
}

/// Plays a scenario to its end.
pub(crate) fn played(scenario: Scenario) -> Outcome {
    let mut run = Run::new(scenario);
    let logbook = Logbook(Arc::clone(&run.ground.record));
    // Whoever asks for the log of one seed sees it instead.
    let _log = std::env::var_os("RUST_LOG").is_none().then(|| {
        let filter = tracing_subscriber::EnvFilter::new("throughline=debug");
        let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).without_time();
        tracing::subscriber::set_default(subscriber.with_writer(logbook).finish())
    });
    run.eventful();
    let mut violations = run.settle();
    if violations.is_empty() {
        violations = run.replay();
    }
    let problems = std::mem::take(&mut *run.ground.problems.lock().expect("nobody panicked"));
    violations.splice(0..0, problems);
    run.outcome(violations)
}

impl Run<'_> {
    fn new(scenario: Scenario) -> Self {
        let clock = SimulatedClock::new();
        let mut sim = turmoil::Builder::new()
            .rng_seed(scenario.seed)
            .tick_duration(TICK)
            .simulation_duration(Duration::from_secs(100_000))
            .min_message_latency(Duration::from_millis(1))
            .max_message_latency(Duration::from_millis(60))
            .tcp_capacity(4096)
            .build();
        let ground = Arc::new(Ground::new(scenario, Arc::clone(&clock)));
        let scenario = &ground.scenario;
        let (mut desks, mut mail) = (Vec::new(), Vec::new());
        for (place, name) in DESKS.iter().enumerate() {
            let shared: Arc<dyn Clock> = Arc::<SimulatedClock>::clone(&clock);
            let mut settings = desk::Settings::new(name, name, TOKEN, Arc::clone(&shared));
            settings.seed = scenario.seed.wrapping_mul(31).wrapping_add(u64::try_from(place).unwrap_or(0));
            let desk = Desk::new(settings);
            // A change feed tells of what comes after it was first read: nothing fails until then.
            desk.set_faults(scenario.desks[place].traits.clone());
            if scenario.intake != Intake::Polling {
                desk.register(Registration {
                    url: format!("http://{BRIDGE}/webhooks/{name}").parse().expect("an address"),
                    secret: SecretString::from(WEBHOOK_SECRET),
                    internal_comments: true,
                });
            }
            let record = Arc::clone(&ground.record);
            let room = Mail::new(scenario.intake == Intake::Webhooks, shared, name, record);
            let (served, posting) = (desk.clone(), Arc::clone(&room));
            sim.host(*name, move || {
                let (desk, room) = (served.clone(), Arc::clone(&posting));
                async move {
                    tokio::select! {
                        biased;
                        () = room.run(desk.clone()) => Ok(()),
                        served = serve(desk.router()) => served,
                    }
                }
            });
            desks.push(desk);
            mail.push(room);
        }
        let booted = Arc::clone(&ground);
        sim.host(BRIDGE, move || Arc::clone(&booted).boot());
        let mut chance = Chance::new(scenario.seed ^ 0x5eed);
        let crashes_left = scenario.crashes;
        Self {
            sim,
            ground: Arc::clone(&ground),
            desks,
            mail,
            deeds: Deeds::default(),
            off_until: None,
            without_power: 0,
            crashes_left,
            old_store: throughline::store::memory::MemoryStore::new(),
            desk_off: [false; 3],
            links: [Link::Whole; 3],
            totals: Totals::default(),
            chance: Chance::new(chance.next()),
        }
    }

    /// Lets the next power cut come at a place that the seed names.
    fn arm(&mut self) {
        let next = if self.crashes_left == 0 {
            None
        } else {
            self.crashes_left -= 1;
            let far = *self.chance.pick(&[12, 60, 300, 900]);
            Some(1 + self.chance.below(far))
        };
        self.ground.crash.arm(next);
    }

    fn now(&self) -> Duration {
        self.sim.elapsed()
    }

    /// The part with people and faults.
    fn eventful(&mut self) {
        let scenario = self.ground.scenario.clone();
        let mut troubles = scenario.troubles.iter().peekable();
        let mut acts = scenario.acts.iter().peekable();
        let (mut begun, mut quieted) = (false, false);
        let mut probe = scenario.isolation.then_some(ISOLATED.0 + Duration::from_secs(1));
        let mut due: Option<(Duration, String)> = None;
        let last_act = scenario.acts.last().copied().unwrap_or_default();
        while self.now() < last_act.max(scenario.faults_end) + TICK {
            while let Some((_, trouble)) = troubles.next_if(|(at, _)| *at <= self.now()) {
                self.trouble(trouble);
            }
            while acts.next_if(|at| **at <= self.now()).is_some() {
                let desk = if self.chance.hit(50) { 0 } else { 1 + self.chance.place(2) };
                self.deeds.story.push(format!("{:>7.2}", self.now().as_secs_f64()));
                let now = self.ground.clock.now();
                self.deeds.act(&mut self.chance, desk, &self.desks[desk], now);
                self.totals.deeds += 1;
            }
            if !begun && self.now() >= BEGIN {
                begun = true;
                for (desk, plan) in self.desks.iter().zip(&scenario.desks) {
                    desk.set_faults(plan.faults.clone());
                }
                self.arm();
            }
            if !quieted && self.now() >= scenario.faults_end {
                quieted = true;
                self.crashes_left = 0;
                for (desk, plan) in self.desks.iter().zip(&scenario.desks) {
                    desk.set_faults(plan.traits.clone());
                }
                if self.off_until.is_none() && !self.ground.crash.is_out() {
                    self.ground.crash.arm(None);
                }
            }
            if probe.is_some_and(|at| at <= self.now()) {
                probe = None;
                due = self.ask_while_alone().map(|token| (self.now() + BOUND, token));
            }
            if let Some((_, token)) = due.take_if(|(at, _)| *at <= self.now()) {
                let there = self.desks[1]
                    .snapshot()
                    .tickets
                    .iter()
                    .any(|ticket| ticket.comments.iter().any(|comment| comment.body.contains(&token)));
                let withdrawn = self.deeds.said.iter().any(|said| said.token == token && !said.is_public());
                if !there && !withdrawn {
                    self.ground
                        .problem(format!("I19 while {} is down, {token} does not get through", DESKS[2]));
                }
            }
            self.step();
        }
    }

    /// While the third desk is down: a comment at home on a request that all three share.
    fn ask_while_alone(&mut self) -> Option<String> {
        let shared: Vec<_> = self.desks[2]
            .snapshot()
            .tickets
            .iter()
            .filter_map(|ticket| request(ticket).map(str::to_owned))
            .collect();
        let at_partner = self.desks[1].snapshot().tickets;
        let home = self.desks[0].snapshot().tickets;
        let ticket = home.iter().find(|ticket| {
            let request = request(ticket).unwrap_or_default();
            shared.iter().any(|other| other == request)
                && at_partner.iter().any(|other| crate::people::request(other) == Some(request))
        })?;
        let name = request(ticket)?.to_owned();
        self.deeds.story.push(format!("{:>7.2}", self.now().as_secs_f64()));
        Some(self.deeds.comment(&mut self.chance, 0, &self.desks[0], ticket, &name))
    }

    fn trouble(&mut self, trouble: &Trouble) {
        self.deeds.story.push(format!("{:>7.2}", self.now().as_secs_f64()));
        self.deeds.story.push(format!("{trouble:?}"));
        match trouble {
            Trouble::Partition(desk) => self.set_link(*desk, Link::Cut),
            Trouble::Deaf(desk) => self.set_link(*desk, Link::Deaf),
            Trouble::Mute(desk) => self.set_link(*desk, Link::Mute),
            Trouble::Repair(desk) => self.set_link(*desk, Link::Whole),
            Trouble::Down(desk) => {
                if !std::mem::replace(&mut self.desk_off[*desk], true) {
                    self.crash(DESKS[*desk]);
                }
            }
            Trouble::Up(desk) => {
                if std::mem::take(&mut self.desk_off[*desk]) {
                    self.sim.bounce(DESKS[*desk]);
                }
            }
        }
    }

    fn set_link(&mut self, desk: usize, link: Link) {
        self.links[desk] = link;
        self.lay_link(desk);
    }

    fn lay_link(&self, desk: usize) {
        let name = DESKS[desk];
        self.sim.repair(BRIDGE, name);
        match self.links[desk] {
            Link::Whole => {}
            Link::Cut => self.sim.partition(BRIDGE, name),
            Link::Deaf => self.sim.partition_oneway(name, BRIDGE),
            Link::Mute => self.sim.partition_oneway(BRIDGE, name),
        }
    }

    /// Crashes a host whose last words nobody hears: a machine without power ends no connection. Nor could a seed
    /// repeat itself otherwise, since tokio drops tasks in an order that a counter of the whole process decides.
    fn crash(&mut self, host: &str) {
        for name in DESKS {
            self.sim.partition(BRIDGE, name);
        }
        self.sim.crash(host);
        for desk in 0..DESKS.len() {
            self.lay_link(desk);
        }
    }

    fn step(&mut self) {
        if let Err(error) = self.sim.step() {
            self.ground.problem(format!("the simulation stopped: {error}"));
        }
        self.ground.clock.set(self.sim.elapsed());
        let out = self.off_until.is_none() && self.ground.crash.is_out();
        self.without_power = if out { self.without_power + 1 } else { 0 };
        if self.without_power > ON_THE_WIRE {
            self.cut();
        }
        if self.off_until.is_some_and(|until| until <= self.now()) {
            self.off_until = None;
            self.arm();
            self.sim.bounce(BRIDGE);
            self.deeds.story.push(format!("{:>7.2}", self.now().as_secs_f64()));
            self.deeds.story.push("the bridge boots".to_owned());
        }
        if self.chance.hit(1) {
            self.old_store = self.ground.store().snapshot();
        }
    }

    /// The power goes out at the bridge: what was not synced may be gone, the store may be behind or gone.
    fn cut(&mut self) {
        self.totals.crashes += 1;
        *self.ground.running() = None;
        self.crash(BRIDGE);
        let chance = &mut self.chance;
        self.ground.medium.crash(&mut |bound| chance.below(bound));
        let store = match self.chance.below(4) {
            0 => {
                self.old_store = throughline::store::memory::MemoryStore::new();
                Some(self.old_store.snapshot())
            }
            1 => Some(self.old_store.snapshot()),
            _ => None,
        };
        if let Some(store) = store {
            *self.ground.store() = Arc::new(store);
        }
        self.off_until = Some(self.now() + self.chance.millis(20, 3_000));
        self.deeds.story.push(format!("{:>7.2}", self.now().as_secs_f64()));
        self.deeds.story.push("the power goes out".to_owned());
    }

    /// When the API last wrote anything, anywhere.
    fn last_write(&self) -> Option<chrono::DateTime<chrono::Utc>> {
        let api = |desk: &Desk| {
            desk.history().iter().rev().find(|write| write.who == Actor::Api).map(|write| write.at)
        };
        self.desks.iter().filter_map(api).max()
    }

    fn is_silent(&self) -> bool {
        let silence = chrono::Duration::from_std(SILENCE).unwrap_or_default();
        self.last_write().is_none_or(|at| self.ground.clock.now() - at >= silence)
    }

    /// Without faults and people, until all is quiet and as it should be, or patience ends.
    fn settle(&mut self) -> Vec<String> {
        let until = self.now() + PATIENCE;
        let mut look = self.now() + SILENCE;
        let mut pause = Duration::from_secs(1);
        loop {
            self.step();
            let end = self.now() >= until;
            if self.now() < look && !end {
                continue;
            }
            look = self.now() + pause;
            let silent = self.is_silent() && self.mail.iter().all(|room| room.is_empty());
            if !silent && !end {
                continue;
            }
            pause += pause / 2;
            let mut violations = checks::all(self, end);
            if !silent {
                violations.push("I2 there is no silence".to_owned());
            }
            if violations.is_empty() || end {
                return violations;
            }
        }
    }

    /// Every webhook that was ever taken comes once more: nothing may follow from it.
    fn replay(&mut self) -> Vec<String> {
        let before: Vec<usize> = self.desks.iter().map(|desk| desk.history().len()).collect();
        self.totals.replayed = self.mail.iter().map(|room| room.replay()).sum();
        let until = self.now() + Duration::from_secs(5);
        while self.now() < until
            || (self.mail.iter().any(|room| !room.is_empty()) && self.now() < until + PATIENCE)
        {
            self.step();
        }
        let mut violations = Vec::new();
        for ((desk, before), name) in self.desks.iter().zip(before).zip(DESKS) {
            for write in desk.history().iter().skip(before) {
                violations.push(format!("I16 a replay brought about a write at {name}: {write:?}"));
            }
        }
        violations.extend(checks::all(self, true));
        violations
    }

    fn outcome(mut self, violations: Vec<String>) -> Outcome {
        let histories: Vec<_> = self.desks.iter().map(Desk::history).collect();
        self.totals.simulated = self.now();
        self.totals.writes = histories.iter().map(Vec::len).sum();
        self.totals.points = self.ground.crash.points();
        let (found, conflicts) = checks::counts(&self);
        (self.totals.found, self.totals.conflicts) = (found, conflicts);
        let story = if violations.is_empty() && std::env::var_os("THROUGHLINE_SEED").is_none() {
            String::new()
        } else {
            self.story(&violations)
        };
        // The bridge first: its tasks belong to the simulation's runtimes.
        *self.ground.running() = None;
        Outcome { histories, violations, story, totals: self.totals }
    }

    fn story(&self, violations: &[String]) -> String {
        let scenario = &self.ground.scenario;
        let mut story = format!("=== seed {} ===\n{:?}", scenario.seed, scenario.intake);
        let _ = writeln!(
            story,
            ", relay: {}, confiding: {}, lossy: {}, power cuts: {}, policies: {:?}",
            scenario.relay, scenario.confiding, scenario.lossy, scenario.crashes, scenario.policies
        );
        for (plan, name) in scenario.desks.iter().zip(DESKS) {
            let _ = writeln!(story, "{name}: {plan:?}");
        }
        let _ =
            writeln!(story, "--- people and faults\n{}", self.deeds.story.join(" ").replace("  ", "\n  "));
        let mut writes: BTreeMap<_, Vec<String>> = BTreeMap::new();
        for (desk, name) in self.desks.iter().zip(DESKS) {
            for write in desk.history() {
                let Write { at, who, marker, ticket, action, .. } = write;
                let marker = marker.unwrap_or_default();
                let line = format!(
                    "{} {name} {} #{ticket} {marker} {action:?}",
                    at.format("%H:%M:%S%.3f"),
                    who.name()
                );
                writes.entry(at).or_default().push(line);
            }
        }
        let _ = writeln!(story, "--- writes");
        for line in writes.into_values().flatten() {
            let _ = writeln!(story, "{line}");
        }
        let _ = writeln!(story, "--- desks at the end");
        for (desk, name) in self.desks.iter().zip(DESKS) {
            for ticket in desk.snapshot().tickets {
                let _ = writeln!(
                    story,
                    "{name} #{} {:?} {} {} {:?} {:?} by {}",
                    ticket.number,
                    ticket.title,
                    ticket.status,
                    ticket.priority,
                    ticket.fields,
                    request(&ticket),
                    ticket.requester
                );
                for comment in &ticket.comments {
                    let _ = writeln!(story, "    #{} {}: {:?}", comment.id, comment.author, comment.body);
                }
                for file in &ticket.files {
                    let _ = writeln!(story, "    #{} {} {}", file.id, file.author, file.name);
                }
            }
        }
        let _ = writeln!(story, "--- the ledger\n{}", checks::ledger(self));
        let _ = writeln!(story, "--- violations");
        for violation in violations {
            let _ = writeln!(story, "{violation}");
        }
        story
    }
}
