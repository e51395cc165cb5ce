//! The desks' own webhooks, a scrip in Request Tracker and a plugin in Redmine: with them nobody has to poll.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use url::Url;

use crate::bridge::until;
use crate::desks::Desks;
use crate::setup::Setup;
use crate::stage::{Pair, SOON, Stage};

#[tokio::test(flavor = "multi_thread")]
async fn a_desk_that_tells_of_its_changes_need_not_be_polled() {
    let Some(desks) = Desks::standing() else { return };
    let told: Vec<Url> = ["RT_WEBHOOK_URL", "REDMINE_WEBHOOK_URL"]
        .into_iter()
        .filter_map(|key| Url::parse(desks.get(key)).ok())
        .collect();
    let [rt, redmine] = told.as_slice() else {
        eprintln!("skipped: these desks were started without WEBHOOK_URL");
        return;
    };
    assert_eq!((rt.path(), redmine.path()), ("/webhooks/helpdesk", "/webhooks/partner"));
    assert_eq!(rt.authority(), redmine.authority(), "one bridge takes both");
    let mut setup = Setup::new();
    setup.webhooks = Some(rt.authority().parse().unwrap());
    let mut stage = Stage::set("webhooks", &desks, setup);
    stage.bridge.start().await;

    let pair = stage.raised("Told, not asked", "text").await;
    stage.bob.reply(&pair.issue, "words of the partner").await;
    stage.bob.set(&pair.issue, &json!({ "status": "In Progress" })).await;
    stage
        .until("what happens at the partner arrives", &pair, |ours, _| {
            ours.mentions("words of the partner") == 1 && ours.status == "open"
        })
        .await;
    stage.alice.reply(&pair.ticket, "words of the helpdesk").await;
    stage.alice.note(&pair.ticket, "confidential").await;
    stage.alice.set(&pair.ticket, &json!({ "Status": "stalled" })).await;
    stage
        .until("what happens at the helpdesk arrives", &pair, |_, theirs| {
            theirs.mentions("words of the helpdesk") == 1 && theirs.status == "Feedback"
        })
        .await;
    let title = stage.setup.title("Raised in Redmine, and told");
    let issue = stage.bob.raise(&title, "from the partner").await;
    let ticket =
        until("it appears at the helpdesk", SOON, async || stage.alice.titled(&title).await.pop()).await;
    stage.are_quiet([&pair, &Pair { ticket, issue }]).await;
    assert!(
        !stage.bob.everything(&pair.issue).await.contains("confidential"),
        "a scrip tells of notes as well"
    );
    let ledger = stage.bridge.told(&["ledger", "export"]);
    let hints: BTreeSet<(String, String)> = ledger
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .flat_map(|record| record["facts"].as_array().cloned().unwrap_or_default())
        .filter(|fact| fact["fact"] == "hinted")
        .map(|fact| (fact["ticket"]["system"].to_string(), fact["source"].to_string()))
        .collect();
    let told = |system: &str| (format!("\"{system}\""), "\"webhook\"".to_owned());
    assert_eq!(hints, BTreeSet::from([told("helpdesk"), told("partner")]), "only webhooks said what changed");
    stage.close().await;
}
