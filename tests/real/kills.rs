//! Thirty kills in the middle of two hundred changes: every desk holds everything exactly once afterwards.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use throughline::clock::SystemClock;
use throughline_sdk::{Clock, Entropy};
use throughline_testkit::SeededEntropy;

use crate::bridge::{Bridge, pass};
use crate::people::Seen;
use crate::redmine::Bob;
use crate::request_tracker::Alice;
use crate::stage::{Pair, QUIET, Stage};

const SEED: u64 = 20_261_122;
const TICKETS: usize = 15;
/// What Alice does; the tickets that she raises are among it.
const AT_HOME: usize = 140;
/// What Bob does: his desk has one thread, which the bridge keeps busy.
const AT_THE_PARTNER: usize = 60;
const CHANGES: usize = AT_HOME + AT_THE_PARTNER;
const KILLS: usize = 30;
/// How long the desks may need to agree once nobody kills any more.
const PATIENCE: Duration = Duration::from_secs(240);

/// What one person said and attached in one ticket, in order.
#[derive(Clone, Debug, Default)]
struct Said {
    words: Vec<String>,
    files: Vec<(String, Bytes)>,
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_kills_double_nothing_and_lose_nothing() {
    let Some(mut stage) = Stage::open("kills").await else { return };
    let clock = SystemClock::new();
    let titles: Vec<String> = (0..TICKETS).map(|n| stage.setup.title(&format!("Burst {n:02}"))).collect();
    let tickets = Mutex::new(Vec::new());
    let made = AtomicUsize::new(0);
    let (ours, theirs, ()) = futures::join!(
        at_the_helpdesk(&stage.alice, &titles, &tickets, &made),
        at_the_partner(&stage.bob, &titles, &made),
        kill_again_and_again(&mut stage.bridge, &made),
    );
    let tickets = tickets.into_inner().unwrap();
    eprintln!("{KILLS} kills during {CHANGES} changes took {:?}", clock.monotonic());
    let quiet_since = clock.monotonic();
    let mut pairs = Vec::new();
    loop {
        let wrong = differences(&stage, &titles, &tickets, &ours, &theirs, &mut pairs).await;
        if wrong.is_empty() {
            break;
        }
        let waited = clock.monotonic() - quiet_since;
        assert!(waited < PATIENCE, "after {waited:?} the desks do not agree:\n{}", wrong.join("\n"));
        pass(Duration::from_secs(2)).await;
    }
    eprintln!("the desks agreed {:?} after the last change", clock.monotonic() - quiet_since);
    let before = all(&stage, &pairs).await;
    pass(QUIET).await;
    assert!(before == all(&stage, &pairs).await, "something was written after all was done");
    assert_eq!(stage.bridge.json(&["cases"]).as_array().unwrap().len(), TICKETS);
    stage.close().await;
}

/// Raises tickets, comments, attaches and sets fields, with pauses.
async fn at_the_helpdesk(
    alice: &Alice,
    titles: &[String],
    tickets: &Mutex<Vec<String>>,
    made: &AtomicUsize,
) -> Vec<Said> {
    let dice = SeededEntropy::new(SEED);
    let mut said = vec![Said::default(); titles.len()];
    for n in 0..AT_HOME {
        pass(Duration::from_millis(draw(&dice, 150))).await;
        made.fetch_add(1, Ordering::Relaxed);
        let known = tickets.lock().unwrap().clone();
        if known.len() < titles.len() && n % 3 == 0 {
            let ticket = alice.raise(&titles[known.len()], "one of many").await;
            tickets.lock().unwrap().push(ticket);
            continue;
        }
        let place = below(&dice, known.len());
        let (ticket, said, word) = (&known[place], &mut said[place], format!("alice-{n:03}"));
        match below(&dice, 10) {
            0..=4 => {
                alice.reply(ticket, &word).await;
                said.words.push(word);
            }
            5 => alice.note(ticket, &format!("confidential {word}")).await,
            6 => {
                let (name, bytes) = (format!("{word}.bin"), noise(&dice));
                alice.attach(ticket, &word, &name, &bytes).await;
                said.words.push(word);
                said.files.push((name, bytes));
            }
            7 | 8 => {
                let status = ["open", "stalled", "resolved", "rejected"][below(&dice, 4)];
                alice.set(ticket, &json!({ "Status": status })).await;
            }
            _ => {
                let priority = ["0", "50", "100"][below(&dice, 3)];
                alice.set(ticket, &json!({ "Priority": priority })).await;
            }
        }
    }
    said
}

/// The same at the other desk, in whatever has arrived there.
async fn at_the_partner(bob: &Bob, titles: &[String], made: &AtomicUsize) -> Vec<Said> {
    let dice = SeededEntropy::new(SEED + 1);
    let mut said = vec![Said::default(); titles.len()];
    let mut known = vec![None; titles.len()];
    let mut n = 0;
    while n < AT_THE_PARTNER {
        pass(Duration::from_millis(draw(&dice, 150))).await;
        let place = below(&dice, titles.len());
        if known[place].is_none() {
            known[place] = bob.titled(&titles[place]).await.pop();
        }
        let Some(issue) = known[place].clone() else { continue };
        let (said, word) = (&mut said[place], format!("bob-{n:03}"));
        n += 1;
        made.fetch_add(1, Ordering::Relaxed);
        match below(&dice, 10) {
            0..=4 => {
                bob.reply(&issue, &word).await;
                said.words.push(word);
            }
            5 => bob.note(&issue, &format!("confidential {word}")).await,
            6 => {
                let (name, bytes) = (format!("{word}.bin"), noise(&dice));
                bob.attach(&issue, &name, &bytes).await;
                said.files.push((name, bytes));
            }
            7 | 8 => {
                let status = ["In Progress", "Feedback", "Resolved", "Closed"][below(&dice, 4)];
                bob.set(&issue, &json!({ "status": status })).await;
            }
            _ => {
                let priority = ["Low", "Normal", "High", "Urgent"][below(&dice, 4)];
                bob.set(&issue, &json!({ "priority": priority })).await;
            }
        }
    }
    said
}

/// Kills spread over the burst, however fast the machine is, and each a random moment after that.
async fn kill_again_and_again(bridge: &mut Bridge, made: &AtomicUsize) {
    let dice = SeededEntropy::new(SEED + 2);
    let mut moments: Vec<usize> = (0..KILLS).map(|_| below(&dice, CHANGES)).collect();
    moments.sort_unstable();
    for moment in moments {
        while made.load(Ordering::Relaxed) < moment {
            pass(Duration::from_millis(20)).await;
        }
        pass(Duration::from_millis(50 + draw(&dice, 1500))).await;
        bridge.kill();
        bridge.launch();
    }
}

/// Everything that is not as it should be in the end.
async fn differences(
    stage: &Stage,
    titles: &[String],
    tickets: &[String],
    ours: &[Said],
    theirs: &[Said],
    pairs: &mut Vec<Pair>,
) -> Vec<String> {
    let mut wrong = Vec::new();
    pairs.clear();
    for (place, (title, ticket)) in titles.iter().zip(tickets).enumerate() {
        let (at_home, there) = (stage.alice.titled(title).await, stage.bob.titled(title).await);
        let [issue] = there.as_slice() else {
            wrong.push(format!("{title} stands in Redmine as {there:?}"));
            continue;
        };
        if at_home != [ticket.clone()] {
            wrong.push(format!("{title} stands in Request Tracker as {at_home:?}"));
        }
        let pair = Pair { ticket: ticket.clone(), issue: issue.clone() };
        let (at_home, there) = stage.see(&pair).await;
        let mut differs = |what: &str, is: &dyn std::fmt::Debug, should: &dyn std::fmt::Debug| {
            wrong.push(format!("{title} (ticket {ticket}, issue {issue}): {what} is {is:?}, not {should:?}"));
        };
        for (desk, seen, foreign) in
            [("Request Tracker", &at_home, &theirs[place]), ("Redmine", &there, &ours[place])]
        {
            let arrived: Vec<_> = said_by_the_bridge(seen);
            if arrived != foreign.words {
                differs(&format!("what the other side said, in {desk},"), &arrived, &foreign.words);
            }
            let mut held: Vec<_> = seen.files.clone();
            let mut expected = [ours[place].files.clone(), theirs[place].files.clone()].concat();
            held.sort();
            expected.sort();
            if held != expected {
                let names = |files: &[(String, Bytes)]| -> Vec<String> {
                    files.iter().map(|(name, bytes)| format!("{name} ({})", bytes.len())).collect()
                };
                differs(&format!("the files in {desk}"), &names(&held), &names(&expected));
            }
            let leaked = seen.public().iter().any(|body| body.contains("confidential"));
            assert!(!leaked, "{title}: an internal note was published in {desk}");
        }
        if !same_status(&at_home.status, &there.status) {
            differs("the status", &at_home.status, &there.status);
        }
        if !same_priority(&at_home.priority, &there.priority) {
            differs("the priority", &at_home.priority, &there.priority);
        }
    }
    wrong
}

/// The words of the other side's comments, in the order in which they stand.
fn said_by_the_bridge(seen: &Seen) -> Vec<String> {
    let copies =
        seen.remarks.iter().filter(|remark| matches!(remark.author.as_str(), "Bridge" | "Federation Bot"));
    let words = copies.map(|remark| {
        let mut words = remark.body.split_whitespace();
        words.find(|word| word.starts_with("alice-") || word.starts_with("bob-")).unwrap_or("?").to_owned()
    });
    words.collect()
}

fn same_status(at_home: &str, there: &str) -> bool {
    matches!(
        (at_home, there),
        ("new", "New")
            | ("open", "In Progress")
            | ("stalled", "Feedback")
            | ("resolved", "Resolved" | "Closed")
            | ("rejected", "Rejected")
    )
}

fn same_priority(at_home: &str, there: &str) -> bool {
    matches!((at_home, there), ("0", "Low") | ("50", "Normal") | ("100", "High" | "Urgent"))
}

async fn all(stage: &Stage, pairs: &[Pair]) -> Vec<(Seen, Seen)> {
    let mut seen = Vec::new();
    for pair in pairs {
        seen.push(stage.see(pair).await);
    }
    seen
}

fn noise(dice: &SeededEntropy) -> Bytes {
    let mut bytes = vec![0; 1 + below(dice, 20_000)];
    dice.fill(&mut bytes);
    bytes.into()
}

fn draw(dice: &SeededEntropy, below: u64) -> u64 {
    let mut bytes = [0; 8];
    dice.fill(&mut bytes);
    u64::from_le_bytes(bytes) % below
}

fn below(dice: &SeededEntropy, bound: usize) -> usize {
    draw(dice, bound.try_into().unwrap()).try_into().unwrap()
}
