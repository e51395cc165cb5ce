//! A desk that is down, and one whose answers get lost: nobody else waits, and nothing is done twice.

use std::time::Duration;

use futures::future::join;
use serde_json::json;
use throughline::clock::SystemClock;
use throughline_sdk::Clock;

use crate::bridge::{pass, until};
use crate::desks::Desks;
use crate::gate::{Gate, is_write};
use crate::setup::Setup;
use crate::stage::{Pair, Stage};
use crate::vendor::Vendor;

const TICKETS: usize = 4;
/// How long a change between the two desks that are up may take, on a busy machine.
const PROMPT: Duration = Duration::from_secs(30);
/// How long the desk that was down may take to catch up.
const CATCHING_UP: Duration = Duration::from_secs(180);

#[tokio::test(flavor = "multi_thread")]
async fn a_desk_that_is_down_delays_its_own_lanes_and_returns_to_no_storm() {
    let Some(desks) = Desks::standing() else { return };
    let gate = Gate::to(desks.get("REDMINE_URL")).await;
    let mut setup = Setup::new();
    let vendor = Vendor::open(&setup).await;
    setup.redmine = Some(gate.url());
    setup.more = vendor.configuration();
    let mut stage = Stage::set("outage", &desks, setup);
    let (file, token) = vendor.token();
    stage.bridge.keep_secret(file, token);
    stage.bridge.start().await;
    let mut pairs = Vec::new();
    for n in 0..TICKETS {
        pairs.push(stage.raised(&format!("Before {n}"), "text").await);
    }
    for pair in &pairs {
        stage.is_linked(pair).await;
    }

    gate.shut();
    let clock = SystemClock::new();
    for round in 0..3 {
        let changes = async {
            for pair in &pairs {
                stage.alice.reply(&pair.ticket, &format!("meanwhile {round}")).await;
                let status = ["stalled", "open", "resolved"][round];
                let fields = json!({"Status": status, "Priority": (50 * round).to_string()});
                stage.alice.set(&pair.ticket, &fields).await;
            }
        };
        let exchange = async {
            let asked = clock.monotonic();
            vendor.exchange(&stage.alice, &format!("round {round}"), PROMPT).await;
            eprintln!(
                "an exchange with the vendor took {:?} while Redmine was down",
                clock.monotonic() - asked
            );
        };
        join(changes, exchange).await;
    }
    let title = stage.setup.title("During");
    let ticket = stage.alice.raise(&title, "text").await;
    stage.alice.reply(&ticket, "meanwhile 3").await;
    assert!(gate.passed().iter().all(|(_, path)| !path.is_empty()), "the gate counts what passes");
    pass(Duration::from_secs(5)).await;
    assert_eq!(gate.passed(), [], "nothing passes a shut gate");

    gate.open();
    let returned = clock.monotonic();
    let issue = until("the ticket raised meanwhile appears", CATCHING_UP, async || {
        stage.bob.titled(&title).await.pop()
    });
    pairs.push(Pair { ticket, issue: issue.await });
    for (n, pair) in pairs.iter().enumerate() {
        let caught_up = until("Redmine has caught up", CATCHING_UP, async || {
            let seen = stage.bob.see(&pair.issue).await;
            let done = match pairs.len() - n {
                1 => seen.mentions("meanwhile 3") == 1,
                _ => seen.mentions("meanwhile") == 3 && seen.status == "Resolved" && seen.priority == "High",
            };
            done.then_some(())
        });
        caught_up.await;
    }
    eprintln!("Redmine had caught up {:?} after its return", clock.monotonic() - returned);
    stage.is_linked(&pairs[TICKETS]).await;
    let passed = gate.passed();
    let writes = passed.iter().filter(|(method, path)| is_write(method, path)).count();
    // Three comments each; of status, priority and how the counterpart stands what was planned before the outage was
    // noticed, and the last; and for the new ticket itself, its link, its comment, the status that the comment set, and
    // the link once more.
    let needed = TICKETS * (3 + 2 + 2 + 2) + 5;
    eprintln!(
        "{writes} writes and {} requests passed; at most {needed} writes were to be expected",
        passed.len()
    );
    assert!(writes <= needed, "a storm of {writes} writes: {passed:#?}");
    assert!(passed.len() <= 12 * needed, "a storm of {} requests", passed.len());
    stage.are_quiet(&pairs).await;
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_answers_double_nothing() {
    let Some(desks) = Desks::standing() else { return };
    let (rt, redmine) = (Gate::to(desks.get("RT_URL")).await, Gate::to(desks.get("REDMINE_URL")).await);
    let mut setup = Setup::new();
    setup.request_tracker = Some(rt.url());
    setup.redmine = Some(redmine.url());
    let mut stage = Stage::set("lost", &desks, setup);
    stage.bridge.start().await;
    for gate in [&rt, &redmine] {
        gate.lose_every(2);
    }
    let first = stage.raised("Lost 1", "text").await;
    let second = stage.raised("Lost 2", "text").await;
    for pair in [&first, &second] {
        for n in 0..3 {
            stage.alice.reply(&pair.ticket, &format!("alice {n}")).await;
            stage.bob.reply(&pair.issue, &format!("bob {n}")).await;
        }
        stage.alice.attach(&pair.ticket, "see file", "ours.bin", &vec![1; 5000].into()).await;
        stage.bob.attach(&pair.issue, "theirs.bin", &vec![2; 5000].into()).await;
        stage.bob.set(&pair.issue, &json!({"status": "Feedback", "priority": "High"})).await;
    }
    for pair in [&first, &second] {
        let (ours, theirs) = stage
            .until("all of it stands in both", pair, |ours, theirs| {
                (0..3).all(|n| {
                    theirs.mentions(&format!("alice {n}")) > 0 && ours.mentions(&format!("bob {n}")) > 0
                }) && ours.files.len() >= 2
                    && theirs.files.len() >= 2
                    && theirs.mentions("see file") > 0
                    && (ours.status.as_str(), ours.priority.as_str()) == ("stalled", "100")
            })
            .await;
        for seen in [&ours, &theirs] {
            assert_eq!(seen.files.len(), 2, "{seen:#?}");
            for n in 0..3 {
                assert_eq!(seen.mentions(&format!("alice {n}")), 1, "{seen:#?}");
                assert_eq!(seen.mentions(&format!("bob {n}")), 1, "{seen:#?}");
            }
        }
    }
    for gate in [&rt, &redmine] {
        gate.lose_every(0);
    }
    stage.are_quiet([&first, &second]).await;
    stage.close().await;
}
