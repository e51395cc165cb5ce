//! The real engine under a simulated network, disk and clock: what must hold holds for every seed.
//!
//! `THROUGHLINE_SEEDS=2000` runs that many seeds, `THROUGHLINE_SEED=17` one alone, with its whole story.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test may fail loudly")]
#![expect(clippy::let_underscore_must_use, reason = "writing into a text has no way to fail")]
#![expect(clippy::print_stderr, reason = "a failing seed tells its story")]

mod canaries;
mod chance;
mod checks;
mod crash;
mod grants;
mod ground;
mod mail;
mod network;
mod people;
mod recorder;
mod run;
mod scenario;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use run::Outcome;
use throughline::agreement::Internal;
use throughline::case::{Field, PartyName};

const SEEDS: u64 = 24;
const THREADS: usize = 2;
/// Failing seeds told in full.
const TOLD: usize = 1;

#[test]
#[expect(clippy::disallowed_methods, reason = "which seeds to run is told by the environment")]
fn every_seed_keeps_what_was_promised() {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    if let Some(seed) = number("THROUGHLINE_SEED") {
        if std::env::var_os("RUST_LOG").is_some() {
            let filter = tracing_subscriber::EnvFilter::from_default_env();
            tracing_subscriber::fmt().with_env_filter(filter).without_time().with_ansi(false).init();
        }
        let outcome = twice(seed);
        eprintln!("{}", outcome.story);
        assert!(outcome.violations.is_empty(), "seed {seed}: {:#?}", outcome.violations);
        return;
    }
    let count = number("THROUGHLINE_SEEDS").unwrap_or(SEEDS);
    let next = AtomicU64::new(number("THROUGHLINE_FIRST").unwrap_or(0));
    let end = next.load(Ordering::Relaxed) + count;
    let failed: Mutex<BTreeMap<u64, Outcome>> = Mutex::default();
    let totals: Mutex<run::Totals> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        return;
                    }
                    let outcome = twice(seed);
                    totals.lock().expect("no thread panics").add(&outcome.totals);
                    if !outcome.violations.is_empty() {
                        eprintln!("seed {seed}: {}", outcome.violations.join("\n    "));
                        failed.lock().expect("no thread panics").insert(seed, outcome);
                    }
                }
            });
        }
    });
    eprintln!("{count} seeds: {}", totals.into_inner().expect("no thread panics"));
    let failed = failed.into_inner().expect("no thread panics");
    if failed.is_empty() {
        return;
    }
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    for outcome in failed.values() {
        let kind = outcome.violations[0].split(' ').next().unwrap_or_default();
        *kinds.entry(kind).or_default() += 1;
    }
    for outcome in failed.values().take(TOLD) {
        eprintln!("{}", outcome.story);
    }
    let seeds: Vec<_> = failed.keys().collect();
    panic!(
        "{} of {count} seeds failed, first by {kinds:?}: {seeds:?}; \
         THROUGHLINE_SEED={} cargo test --test simulation tells one alone",
        failed.len(),
        seeds[0],
    );
}

/// The canaries can be heard: the bridge is given rules that share more than was agreed on.
#[test]
fn a_planted_leak_is_caught() {
    type Sabotage = fn(&mut throughline::agreement::Agreement);
    let others: Sabotage = |agreement| {
        agreement.introduces = scenario::DESKS.iter().map(|desk| PartyName((*desk).to_owned())).collect();
    };
    let internal: Sabotage = |agreement| agreement.internal = Internal::AsInternal;
    let field: Sabotage = |agreement| {
        let rule = agreement.fields.values().next().cloned().expect("some field is shared");
        agreement.fields.insert(Field::Custom("Private".to_owned()), rule);
    };
    for (sabotage, sign) in [(others, "I10 "), (internal, "I8 "), (field, "I8 ")] {
        let caught = (0..60).any(|seed| {
            let mut scenario = scenario::Scenario::of(seed);
            scenario.rules.agreements.values_mut().for_each(sabotage);
            run::played(scenario).violations.iter().any(|violation| violation.starts_with(sign))
        });
        assert!(caught, "nobody notices: {sign}");
    }
}

/// Runs a seed twice: a second run that differs breaks the seed.
fn twice(seed: u64) -> Outcome {
    let (mut first, second) = (run::seed(seed), run::seed(seed));
    if first.histories != second.histories || first.totals != second.totals {
        let at = first.histories.iter().zip(&second.histories).find_map(|(one, other)| {
            let differs = one.iter().zip(other).find(|(one, other)| one != other)?;
            Some(format!("{differs:?}"))
        });
        let at = at.unwrap_or_else(|| format!("{:?} and {:?}", first.totals, second.totals));
        first.violations.push(format!("it ran differently the second time: {at:.400}"));
    }
    first
}
