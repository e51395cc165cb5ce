//! What a seed decides beforehand: desks, rules, how changes come in, and what goes wrong when.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use throughline::agreement::{
    Agreement, Direction, Expression, FieldRule, Grants, Internal, Policy, Rules, SystemRules, Words,
};
use throughline::case::{AgreementName, Field, PartyName, Priority, Status};
use throughline_practice::desk::Faults;
use throughline_practice::{PRIORITIES, STATUSES};
use throughline_sdk::SystemName;

use crate::chance::Chance;

/// The desks: home first.
pub(crate) const DESKS: [&str; 3] = ["helpdesk", "partner", "vendor"];
pub(crate) const BRIDGE: &str = "bridge";
/// The value of the field `Route` that offers a home ticket to the third desk.
pub(crate) const ROUTE: &str = "vendor";

/// How the bridge comes to know of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Intake {
    /// Webhooks that the desk repeats until they are taken; neither polling nor reconciliation.
    Webhooks,
    /// Change feeds only.
    Polling,
    /// Webhooks that may be lost, and change feeds.
    Both,
}

/// One desk of a scenario.
#[derive(Clone, Debug)]
pub(crate) struct DeskPlan {
    pub(crate) class: &'static str,
    pub(crate) faults: Faults,
    /// What stays of the faults when they end: traits.
    pub(crate) traits: Faults,
    pub(crate) settle_seconds: u64,
    pub(crate) lag_seconds: u64,
}

/// What happens to the network or a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    Partition(usize),
    /// Requests get through, answers do not.
    Deaf(usize),
    /// Answers get through, requests do not.
    Mute(usize),
    Repair(usize),
    Down(usize),
    Up(usize),
}

/// Everything a seed decides beforehand.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) seed: u64,
    pub(crate) intake: Intake,
    pub(crate) desks: Vec<DeskPlan>,
    pub(crate) rules: Rules,
    pub(crate) policies: BTreeMap<Field, Policy>,
    /// The partner is shown `high` for `urgent`.
    pub(crate) lossy: bool,
    /// The two counterparts are introduced to each other.
    pub(crate) relay: bool,
    /// The partner is shown what is internal at home.
    pub(crate) confiding: bool,
    pub(crate) troubles: Vec<(Duration, Trouble)>,
    pub(crate) crashes: u64,
    pub(crate) acts: Vec<Duration>,
    /// No other faults: the third desk is down for long, and the two others have to go on.
    pub(crate) isolation: bool,
    pub(crate) faults_end: Duration,
}

/// When the third desk goes down and comes back where isolation is looked at.
pub(crate) const ISOLATED: (Duration, Duration) = (Duration::from_secs(12), Duration::from_secs(32));

impl Scenario {
    pub(crate) fn of(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let isolation = seed % 10 == 9;
        let intake = *chance.pick(&[Intake::Webhooks, Intake::Polling, Intake::Both]);
        let normalise = chance.hit(30);
        let desks =
            (0..DESKS.len()).map(|desk| desk_plan(&mut chance, desk, intake, isolation, normalise)).collect();
        let relay = chance.hit(70);
        let lossy = chance.hit(40);
        let policies = policies(&mut chance);
        let confiding = chance.hit(40);
        let rules = rules(&policies, relay, lossy, confiding);
        let faults_end = if isolation { ISOLATED.1 } else { chance.millis(20_000, 32_000) };
        let troubles = troubles(&mut chance, isolation, faults_end);
        let people_rest = u64::try_from(faults_end.as_millis()).unwrap_or(0) + 1_000;
        let count = 12 + chance.below(25);
        let mut acts: Vec<_> = (0..count).map(|_| chance.millis(2_500, people_rest)).collect();
        acts.extend([chance.millis(2_000, 3_000), chance.millis(2_000, 4_000)]);
        // Bursts: people also do several things at once.
        for place in 0..acts.len() {
            if chance.hit(25) {
                acts.push(acts[place] + chance.millis(0, 300));
            }
        }
        acts.sort_unstable();
        let crashes = if isolation { 0 } else { *chance.pick(&[0, 1, 2, 3, 5]) };
        Self {
            seed,
            intake,
            desks,
            rules,
            policies,
            lossy,
            relay,
            confiding,
            troubles,
            crashes,
            acts,
            isolation,
            faults_end,
        }
    }

    /// How often the change feeds are read.
    pub(crate) fn poll(&self) -> Duration {
        match self.intake {
            Intake::Webhooks => Duration::from_secs(86_400),
            Intake::Polling => Duration::from_secs(1),
            Intake::Both => Duration::from_secs(3),
        }
    }
}

fn desk_plan(chance: &mut Chance, desk: usize, intake: Intake, isolation: bool, normalise: bool) -> DeskPlan {
    let _ = desk;
    let class = *chance.pick(&["c0", "c2", "c3"]);
    let lag_seconds = if class == "c3" { 1 + chance.below(2) } else { 0 };
    let settle_seconds = 2;
    let lag = Duration::from_secs(lag_seconds);
    let traits = Faults {
        find_lag: lag.mul_f64(0.9),
        feed_lag: if intake == Intake::Webhooks || !chance.hit(50) {
            Duration::ZERO
        } else {
            chance.millis(0, 1_500)
        },
        normalise_text: normalise && chance.hit(60),
        coarse_clock: chance.hit(40),
        ..Faults::default()
    };
    let rate = |chance: &mut Chance, most: u64| {
        if chance.hit(50) { u8::try_from(chance.below(most)).unwrap_or(0) } else { 0 }
    };
    let mut faults = traits.clone();
    if !isolation {
        faults.late_commit = rate(chance, 15);
        faults.commit_delay = chance.millis(100, 1_600);
        faults.drop_reply = rate(chance, 20);
        faults.rate_limit = rate(chance, 15);
        faults.unavailable = rate(chance, 15);
        faults.retry_after = Duration::from_secs(chance.below(3));
        faults.truncate = rate(chance, 15);
        faults.double_webhook = rate(chance, 30);
        faults.reorder_webhook = rate(chance, 30);
        if intake == Intake::Both {
            faults.lose_webhook = rate(chance, 60);
        }
    }
    DeskPlan { class, faults, traits, settle_seconds, lag_seconds }
}

fn troubles(chance: &mut Chance, isolation: bool, faults_end: Duration) -> Vec<(Duration, Trouble)> {
    if isolation {
        return vec![(ISOLATED.0, Trouble::Down(2)), (ISOLATED.1, Trouble::Up(2))];
    }
    let end = u64::try_from(faults_end.as_millis()).unwrap_or(0);
    let mut troubles = Vec::new();
    for _ in 0..chance.below(4) {
        let desk = chance.place(DESKS.len());
        let from = chance.millis(2_000, end - 4_000);
        let until = (from + chance.millis(500, 7_000)).min(faults_end);
        let (start, stop) = match chance.below(4) {
            0 => (Trouble::Partition(desk), Trouble::Repair(desk)),
            1 => (Trouble::Deaf(desk), Trouble::Repair(desk)),
            2 => (Trouble::Mute(desk), Trouble::Repair(desk)),
            _ => (Trouble::Down(desk), Trouble::Up(desk)),
        };
        troubles.push((from, start));
        troubles.push((until, stop));
    }
    for desk in 0..DESKS.len() {
        troubles.push((faults_end, Trouble::Repair(desk)));
        troubles.push((faults_end, Trouble::Up(desk)));
    }
    troubles.sort_by_key(|(at, _)| *at);
    troubles
}

/// The shared fields, by name.
pub(crate) fn shared_fields() -> [Field; 5] {
    [Field::Title, Field::Description, Field::Status, Field::Priority, Field::Custom("Asset".to_owned())]
}

fn policies(chance: &mut Chance) -> BTreeMap<Field, Policy> {
    let plain = [Policy::OwnerHome, Policy::OwnerCounterpart, Policy::Latest];
    let ordered = [Policy::OwnerHome, Policy::OwnerCounterpart, Policy::Latest, Policy::MostAdvanced];
    let asked = [Policy::OwnerHome, Policy::Latest, Policy::Latest, Policy::Manual];
    shared_fields()
        .into_iter()
        .map(|field| {
            let policy = match &field {
                Field::Status | Field::Priority => *chance.pick(&ordered),
                Field::Title => *chance.pick(&asked),
                Field::Description | Field::Kind | Field::Custom(_) => *chance.pick(&plain),
            };
            (field, policy)
        })
        .collect()
}

fn rules(policies: &BTreeMap<Field, Policy>, relay: bool, lossy: bool, confiding: bool) -> Rules {
    let systems = DESKS.iter().map(|name| (SystemName::new(*name), system_rules(name))).collect();
    let agreements = DESKS[1..].iter().map(|name| {
        let name = *name;
        let fields = policies.iter().map(|(field, policy)| {
            let mut rule = FieldRule::plain(Direction::Both, *policy);
            if name == "partner" && lossy && *field == Field::Priority {
                let shown = [("low", "low"), ("normal", "normal"), ("high", "high"), ("urgent", "high")];
                rule.outbound = shown.map(|(from, to)| (from.to_owned(), to.to_owned())).into();
            }
            (field.clone(), rule)
        });
        let outbound = if name == "partner" {
            "ticket.type == \"Incident\"".to_owned()
        } else {
            format!("ticket.fields[\"Route\"] == {ROUTE:?}")
        };
        let agreement = Agreement {
            name: AgreementName(name.to_owned()),
            party: PartyName(name.to_owned()),
            home: SystemName::new(DESKS[0]),
            counterpart: SystemName::new(name),
            outbound: Some(Expression::compile(&outbound).expect("a condition")),
            inbound: Some(Expression::always()),
            fields: fields.collect(),
            comments: Direction::Both,
            files: Direction::Both,
            introduces: if relay { others(name) } else { BTreeSet::new() },
            internal: if confiding && name == "partner" { Internal::AsInternal } else { Internal::None },
            recheck: true,
            counterpart_type: Some("Incident".to_owned()),
            grants: Grants::default(),
            home_type: Some("Request".to_owned()),
            handshake: None,
            reply_passes: false,
            guest_link: false,
            redaction: None,
            require: Vec::new(),
            version: None,
        };
        (agreement.name.clone(), agreement)
    });
    Rules::new(systems, agreements.collect())
}

/// The parties of all other counterparts.
fn others(name: &str) -> BTreeSet<PartyName> {
    DESKS[1..].iter().filter(|other| **other != name).map(|other| PartyName((*other).to_owned())).collect()
}

fn system_rules(name: &str) -> SystemRules {
    let status = |meaning: &str| Status::from_word(meaning).expect("a status word");
    let priority = |meaning: &str| Priority::from_word(meaning).expect("a priority word");
    SystemRules {
        party: PartyName(name.to_owned()),
        party_title: name.to_owned(),
        status: Words {
            read: STATUSES.iter().map(|(word, means)| ((*word).to_owned(), status(means))).collect(),
            write: STATUSES.iter().map(|(word, means)| (status(means), (*word).to_owned())).collect(),
        },
        priority: Words {
            read: PRIORITIES.iter().map(|(word, means)| ((*word).to_owned(), priority(means))).collect(),
            write: PRIORITIES.iter().map(|(word, means)| (priority(means), (*word).to_owned())).collect(),
        },
    }
}

/// The shared fields as people name them, and as the record does.
pub(crate) fn shared_words() -> [(&'static str, Field); 5] {
    let [title, description, status, priority, asset] = shared_fields();
    [
        ("title", title),
        ("description", description),
        ("status", status),
        ("priority", priority),
        ("Asset", asset),
    ]
}
