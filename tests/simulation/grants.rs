//! A grant in virtual time: it shows what it names up to its moment, and ends by itself, also when the power was out then.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::{Value, json};
use throughline::agreement::{Askable, Grants, Internal};
use throughline_practice::desk::{self, Desk, Patch};
use throughline_sdk::http::Request;
use throughline_sdk::{Clock, Urgency};
use turmoil::Sim;

use crate::chance::SimulatedClock;
use crate::ground::{Ground, TOKEN};
use crate::network::{post, serve};
use crate::scenario::{BRIDGE, DESKS, Intake, Scenario};

const TICK: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_secs(60);
const ROLE: &str = "service manager";
const SECRET: &str = "the disk is full";

/// A bridge between three desks on which nothing goes wrong.
struct Stage<'s> {
    sim: Sim<'s>,
    ground: Arc<Ground>,
    desks: Vec<Desk>,
    asked: usize,
}

impl Stage<'_> {
    fn new() -> Self {
        let mut scenario = Scenario::of(1);
        scenario.intake = Intake::Polling;
        for agreement in scenario.rules.agreements.values_mut() {
            agreement.internal = Internal::None;
            agreement.grants = Grants {
                may_ask: [Askable::InternalComments].into(),
                approved_by: Some(ROLE.to_owned()),
                at_once_from: None,
                longest: Duration::from_secs(3_600),
            };
        }
        let clock = SimulatedClock::new();
        let mut sim = turmoil::Builder::new()
            .rng_seed(scenario.seed)
            .tick_duration(TICK)
            .simulation_duration(Duration::from_secs(10_000))
            .build();
        let ground = Arc::new(Ground::new(scenario, Arc::clone(&clock)));
        let mut desks = Vec::new();
        for name in DESKS {
            let shared: Arc<dyn Clock> = Arc::<SimulatedClock>::clone(&clock);
            let desk = Desk::new(desk::Settings::new(name, name, TOKEN, shared));
            let served = desk.clone();
            sim.host(name, move || {
                let desk = served.clone();
                async move { serve(desk.router()).await }
            });
            desks.push(desk);
        }
        let booted = Arc::clone(&ground);
        sim.host(BRIDGE, move || Arc::clone(&booted).boot());
        Self { sim, ground, desks, asked: 0 }
    }

    fn step(&mut self) {
        self.sim.step().expect("nothing goes wrong here");
        self.ground.clock.set(self.sim.elapsed());
    }

    fn pass(&mut self, time: Duration) {
        let end = self.sim.elapsed() + time;
        while self.sim.elapsed() < end {
            self.step();
        }
    }

    fn until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        for _ in 0..3_000 {
            if holds(self) {
                return;
            }
            self.step();
        }
        assert!(holds(self), "it never comes to this: {what}");
    }

    /// Posts to the bridge's interface, and reads the answer.
    fn ask(&mut self, path: &str, body: &Value) -> Value {
        let mut headers = HeaderMap::new();
        let token = HeaderValue::from_str(&format!("Bearer {TOKEN}")).expect("a token");
        headers.insert(header::AUTHORIZATION, token);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let request = Request {
            method: Method::POST,
            url: format!("http://{BRIDGE}/api/v1/cases/TL-1/grants{path}").parse().expect("an address"),
            headers,
            body: Bytes::from(body.to_string()),
            deadline: self.sim.elapsed() + LONG,
            urgency: Urgency::default(),
            trace: [0; 16],
            max_answer_bytes: 1 << 20,
        };
        let answer: Arc<Mutex<Option<Bytes>>> = Arc::default();
        let heard = Arc::clone(&answer);
        self.asked += 1;
        self.sim.client(format!("admin-{}", self.asked), async move {
            *heard.lock().expect("nobody panicked") = post(request).await;
            Ok(())
        });
        self.until("the bridge answers", |_| answer.lock().expect("nobody panicked").is_some());
        let answer = answer.lock().expect("nobody panicked").clone().expect("an answer");
        serde_json::from_slice(&answer).expect("JSON")
    }

    /// How often a desk shows it.
    fn shows(&self, desk: usize) -> usize {
        let snapshot = self.desks[desk].snapshot();
        let comments = snapshot.ticket(1).map(|ticket| ticket.comments.clone()).unwrap_or_default();
        comments.iter().filter(|comment| comment.body.contains(SECRET)).count()
    }

    fn is_calm(&self) -> bool {
        self.desks[1].snapshot().ticket(1).is_some()
    }
}

#[test]
fn a_grant_ends_by_itself_at_its_moment_also_when_the_power_was_out_then() {
    for power_cut in [false, true] {
        let mut stage = Stage::new();
        // A change feed tells of what comes after it was first read.
        stage.pass(Duration::from_secs(3));
        let patch = Patch {
            title: Some("Payroll".to_owned()),
            kind: Some("Incident".to_owned()),
            ..Patch::default()
        };
        let number = stage.desks[0].create("Ada", patch).expect("a desk takes a whole ticket");
        stage.desks[0].comment("Ada", number, SECRET, true).expect("the ticket is there");
        stage.until("the partner has the ticket", Stage::is_calm);
        stage.pass(Duration::from_secs(10));
        assert_eq!(stage.shows(1), 0);

        let until = stage.ground.clock.now() + LONG;
        let asked = json!({
            "party": "partner", "what": "internal comments", "purpose": "root cause", "until": until, "by": "Paul",
        });
        assert_eq!(stage.ask("", &asked)["grant"], "G1");
        let approved = stage.ask("/G1/approve", &json!({ "by": "Grace", "role": ROLE }));
        assert_ne!(approved["state"], "asked", "{approved}");
        stage.until("the partner reads it", |stage| stage.shows(1) == 1);

        // A second before its moment nothing has changed.
        let left = (until - stage.ground.clock.now()).to_std().expect("time is left");
        stage.pass(left - Duration::from_secs(1));
        assert_eq!(stage.shows(1), 1);
        if power_cut {
            *stage.ground.running() = None;
            stage.sim.crash(BRIDGE);
            stage.pass(LONG);
            assert_eq!(stage.shows(1), 1);
            stage.sim.bounce(BRIDGE);
        }
        stage.pass(Duration::from_secs(4));
        assert_eq!(stage.shows(1), 0, "power cut: {power_cut}");
        stage.desks[0].comment("Ada", number, &format!("{SECRET} again"), true).expect("the ticket is there");
        stage.pass(Duration::from_secs(30));
        assert_eq!((stage.shows(1), stage.shows(2)), (0, 0));
        let problems = stage.ground.problems.lock().expect("nobody panicked");
        assert!(problems.is_empty(), "{problems:?}");
    }
}
