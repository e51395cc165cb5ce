//! Both sides change the same before either change has crossed: both end as the policy says, whoever is seen first.
//!
//! "At once" is made, not hoped for: a bridge that runs carries the first change over within a second, and what is
//! said after that is an answer to it and no conflict.

use std::time::Duration;

use futures::future::join_all;
use serde_json::json;

use crate::bridge::{Bridge, pass, until};
use crate::desks::Desks;
use crate::gate::Gate;
use crate::setup::Setup;
use crate::stage::{Pair, SOON, Stage};

/// Whose change the bridge sees first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum First {
    Ours,
    Theirs,
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_on_both_sides_at_once_end_as_the_policy_says() {
    let Some(desks) = Desks::standing() else { return };
    let (ours, theirs) = (Gate::to(desks.get("RT_URL")).await, Gate::to(desks.get("REDMINE_URL")).await);
    let mut setup = Setup::new();
    setup.request_tracker = Some(ours.url());
    setup.redmine = Some(theirs.url());
    let mut stage = Stage::set("conflict", &desks, setup);
    stage.bridge.start().await;
    let raised = [First::Ours, First::Theirs].map(async |first| {
        let pair = stage.raised(&format!("Contested, {first:?} first"), "by two").await;
        stage.is_linked(&pair).await;
        (first, pair)
    });
    let contested = join_all(raised).await;
    for (first, pair) in &contested {
        stage.bridge.stop().await;
        both_change(&stage, *first, pair).await;
        let shut = match first {
            First::Ours => &theirs,
            First::Theirs => &ours,
        };
        shut.shut();
        stage.bridge.start_again().await;
        let title = stage.setup.title(&format!("{first:?}, {first:?} first"));
        until("one side's change was seen", SOON, async || {
            was_seen(&stage.bridge, pair, &title).then_some(())
        })
        .await;
        shut.open();
        stage
            .until(
                "the home's title, the further status and the later priority stand in both",
                pair,
                |ours, theirs| {
                    let title = stage.setup.title(&format!("Ours, {first:?} first"));
                    (ours.title.as_str(), theirs.title.as_str()) == (title.as_str(), title.as_str())
                        && (ours.status.as_str(), theirs.status.as_str()) == ("resolved", "Resolved")
                        && (ours.priority.as_str(), theirs.priority.as_str()) == ("100", "High")
                },
            )
            .await;
        let story = stage.bridge.told(&["trace", &format!("helpdesk:{}", pair.ticket)]);
        assert!(story.contains(&format!("Theirs, {first:?} first")), "what was overruled is told:\n{story}");
    }
    stage.are_quiet(contested.iter().map(|(_, pair)| pair)).await;
    stage.close().await;
}

/// Alice changes title, status and priority, and Bob changes all of them otherwise, while nobody carries it over.
async fn both_change(stage: &Stage, first: First, pair: &Pair) {
    let title = |whose: &str| stage.setup.title(&format!("{whose}, {first:?} first"));
    stage
        .alice
        .set(&pair.ticket, &json!({"Status": "stalled", "Subject": title("Ours"), "Priority": "50"}))
        .await;
    // Desks tell the moment of a change in whole seconds, and the later priority is to win.
    pass(Duration::from_secs(2)).await;
    stage
        .bob
        .set(&pair.issue, &json!({"status": "Resolved", "subject": title("Theirs"), "priority": "High"}))
        .await;
}

/// Whether the bridge has taken in what one side made of the title, the other being out of its reach.
fn was_seen(bridge: &Bridge, pair: &Pair, title: &str) -> bool {
    bridge.json(&["trace", &format!("helpdesk:{}", pair.ticket)])["case"]["title"] == title
}
