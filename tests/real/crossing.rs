//! One request in two desks: everything that is shared crosses, once, and nothing else does.

use bytes::Bytes;
use serde_json::json;

use crate::bridge::{pass, until};
use crate::people::Remark;
use crate::stage::{SOON, Stage};
use crate::together::{story, together};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_shared_crosses_once_and_nothing_else_does() {
    let Some(stage) = Stage::open("crossing").await else { return };
    the_check_finds_both_desks_well(&stage);
    together(vec![
        story!(a_ticket_crosses_once_and_what_is_said_bears_its_author(&stage)),
        story!(a_request_can_begin_at_the_partner(&stage)),
        story!(status_and_priority_follow_both_ways(&stage)),
        story!(a_large_file_crosses_byte_for_byte(&stage)),
        story!(an_internal_note_stays_where_it_was_written(&stage)),
        story!(an_edited_note_is_repeated_and_a_withdrawn_one_is_told(&stage)),
        story!(the_story_is_told_by_every_name(&stage)),
    ])
    .await;
    stage.close().await;
}

fn the_check_finds_both_desks_well(stage: &Stage) {
    let report = stage.bridge.json(&["check", "--online"]);
    let lines = report["systems"].as_array().unwrap();
    assert_eq!(lines.len(), 2);
    for line in lines {
        assert_eq!(line["problems"], json!([]), "{line}");
        assert!(line["account"].as_str().is_some_and(|account| !account.is_empty()), "{line}");
    }
}

async fn a_ticket_crosses_once_and_what_is_said_bears_its_author(stage: &Stage) {
    let pair = stage.raised("VPN down at site B 🔥", "No tunnel\nsince 08:00").await;
    for n in 0..3 {
        stage.alice.reply(&pair.ticket, &format!("Alice's words {n} — \"ä\" & <b>")).await;
        stage.bob.reply(&pair.issue, &format!("Bob's words {n} — \"ö\" & <i>")).await;
    }
    let all = |seen: &crate::people::Seen| (0..3).all(|n| seen.mentions(&format!("'s words {n}")) == 2);
    let (ours, theirs) =
        stage.until("all words stand in both", &pair, |ours, theirs| all(ours) && all(theirs)).await;
    assert_eq!(
        (&theirs.title, ours.title.as_str()),
        (&ours.title, stage.setup.title("VPN down at site B 🔥").as_str())
    );
    assert!(theirs.description.starts_with("No tunnel\nsince 08:00"), "{theirs:#?}");
    let of = |remarks: &[Remark], account: &str| -> Vec<String> {
        let copies = remarks.iter().filter(|remark| remark.author == account);
        copies.map(|remark| remark.body.split("\n\n[tl-").next().unwrap_or_default().to_owned()).collect()
    };
    let expected = |head: &str, tail: &str| -> Vec<String> {
        (0..3).map(|n| format!("{head}'s words {n} — {tail}")).collect()
    };
    // As Textile spells a sign that would else begin a tag.
    assert_eq!(
        of(&theirs.remarks, "Federation Bot"),
        expected("Alice Agent (Contoso):\n\nAlice", "\"ä\" & &lt;b>")
    );
    assert_eq!(of(&ours.remarks, "Bridge"), expected("Bob Agent (Fabrikam):\n\nBob", "\"ö\" & <i>"));
    stage.is_quiet(&pair).await;
}

async fn a_request_can_begin_at_the_partner(stage: &Stage) {
    let title = stage.setup.title("Raised in Redmine");
    let issue = stage.bob.raise(&title, "from the partner").await;
    let ticket =
        until("it appears at the helpdesk", SOON, async || stage.alice.titled(&title).await.pop()).await;
    let pair = crate::stage::Pair { ticket, issue };
    stage.alice.reply(&pair.ticket, "We look into it.").await;
    stage.until("the answer arrives", &pair, |_, theirs| theirs.mentions("We look into it.") == 1).await;
    stage.is_quiet(&pair).await;
}

async fn status_and_priority_follow_both_ways(stage: &Stage) {
    let pair = stage.raised("Printer on fire", "it burns").await;
    stage.alice.set(&pair.ticket, &json!({"Status": "stalled", "Priority": "50"})).await;
    stage
        .until("they wait too", &pair, |_, theirs| theirs.status == "Feedback" && theirs.priority == "Normal")
        .await;
    stage.bob.set(&pair.issue, &json!({"status": "In Progress", "priority": "Urgent"})).await;
    stage
        .until("we work on it too", &pair, |ours, theirs| {
            ours.status == "open" && ours.priority == "100" && theirs.priority == "Urgent"
        })
        .await;
    stage.is_quiet(&pair).await;
    stage.bob.set(&pair.issue, &json!({ "status": "Closed" })).await;
    let (_, theirs) = stage.until("it is resolved here", &pair, |ours, _| ours.status == "resolved").await;
    assert_eq!(
        (theirs.status.as_str(), theirs.priority.as_str()),
        ("Closed", "Urgent"),
        "a lossy word came back"
    );
    stage.is_quiet(&pair).await;
}

async fn a_large_file_crosses_byte_for_byte(stage: &Stage) {
    let pair = stage.raised("See attached", "two files").await;
    let noise = |seed: u32| -> Bytes {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        };
        (0..3 * 1024 * 1024).map(|_| next()).collect()
    };
    let (ours, theirs) = (noise(1), noise(2));
    let (from_us, from_them) = ("Übersicht größer 📎.bin", "日本語 données.bin");
    stage.alice.attach(&pair.ticket, "the first one", from_us, &ours).await;
    stage.bob.attach(&pair.issue, from_them, &theirs).await;
    let both = |seen: &crate::people::Seen| seen.files.len() >= 2;
    let (at_home, there) =
        stage.until("both hold both files", &pair, |ours, theirs| both(ours) && both(theirs)).await;
    for seen in [at_home, there] {
        assert_eq!(seen.files.len(), 2);
        for (name, bytes) in [(from_us, &ours), (from_them, &theirs)] {
            let held = seen.files.iter().find(|(held, _)| held == name);
            let (_, held) = held.unwrap_or_else(|| panic!("no {name}"));
            assert!(held == bytes, "{name} has other bytes");
        }
    }
    stage.is_quiet(&pair).await;
}

async fn an_internal_note_stays_where_it_was_written(stage: &Stage) {
    let pair = stage.raised("Half open, half closed", "what all may read").await;
    stage.alice.note(&pair.ticket, "confidential-at-home").await;
    stage.bob.note(&pair.issue, "confidential-at-partner").await;
    stage.alice.reply(&pair.ticket, "public-at-home").await;
    stage.bob.reply(&pair.issue, "public-at-partner").await;
    stage
        .until("what is public crosses", &pair, |ours, theirs| {
            ours.mentions("public-at-partner") == 1 && theirs.mentions("public-at-home") == 1
        })
        .await;
    pass(std::time::Duration::from_secs(3)).await;
    let at_home = stage.alice.everything(&pair.ticket).await;
    let there = stage.bob.everything(&pair.issue).await;
    for (where_, all, own, other) in [
        ("Request Tracker", &at_home, "confidential-at-home", "confidential-at-partner"),
        ("Redmine", &there, "confidential-at-partner", "confidential-at-home"),
    ] {
        assert!(all.contains(own), "{where_} was not searched as it should be");
        assert!(!all.contains(other), "an internal note crossed into {where_}");
    }
    stage.is_quiet(&pair).await;
    let log = std::fs::read_to_string(stage.bridge.folder().join("log")).unwrap();
    assert!(!log.contains("confidential"), "an internal note stands in the log");
}

async fn an_edited_note_is_repeated_and_a_withdrawn_one_is_told(stage: &Stage) {
    let pair = stage.raised("Slip of the pen", "text").await;
    stage.bob.reply(&pair.issue, "teh first").await;
    stage.bob.reply(&pair.issue, "said too soon").await;
    let arrived =
        |ours: &crate::people::Seen| ours.mentions("teh first") == 1 && ours.mentions("said too soon") == 1;
    stage.until("both notes arrive", &pair, |ours, _| arrived(ours)).await;
    stage.bob.edit(&pair.issue, "teh first", "the first").await;
    // Redmine tells nobody of an edited note; any other change shows it. The note that is blanked must not be the
    // last: SQLite gives the number of a deleted last row to the next one.
    stage.bob.reply(&pair.issue, "and a third").await;
    stage.bob.edit(&pair.issue, "said too soon", "").await;
    stage.bob.reply(&pair.issue, "and a fourth").await;
    let (ours, _) = stage
        .until("the edit arrives", &pair, |ours, _| {
            ours.mentions("the first") == 1 && ours.mentions("and a fourth") == 1
        })
        .await;
    assert!(ours.public().iter().any(|body| body.starts_with("Bob Agent (Fabrikam) (edited):")), "{ours:#?}");
    assert!(arrived(&ours), "Request Tracker takes nothing back");
    let story = stage.bridge.told(&["trace", &format!("partner:{}", pair.issue)]);
    assert!(story.contains("takes no comment back"), "{story}");
    // A person takes it back by hand, and says so.
    let parked = stage.bridge.json(&["parked"]);
    let mut waiting = parked.as_array().unwrap().iter();
    let recall = waiting.find(|line| line["item"].as_str().unwrap().starts_with("recall:")).unwrap();
    let word = |key: &str| recall[key].as_str().unwrap();
    stage.bridge.told(&["parked", "discard", word("case"), word("system"), word("item")]);
    stage.is_quiet(&pair).await;
}

async fn the_story_is_told_by_every_name(stage: &Stage) {
    let pair = stage.raised("Whose story is it", "text").await;
    stage.bob.reply(&pair.issue, "words of the partner").await;
    stage.until("they arrive", &pair, |ours, _| ours.mentions("words of the partner") == 1).await;
    stage.is_quiet(&pair).await;
    let cases = stage.bridge.json(&["cases"]);
    let case =
        cases.as_array().unwrap().iter().find(|case| case["title"] == stage.setup.title("Whose story is it"));
    let case = case.unwrap()["case"].as_str().unwrap().to_owned();
    let by_case = stage.bridge.told(&["trace", &case]);
    for name in [format!("helpdesk:{}", pair.ticket), format!("partner:{}", pair.issue)] {
        assert_eq!(stage.bridge.told(&["trace", &name]), by_case, "by {name}");
        assert!(by_case.contains(&name), "{by_case}");
    }
    for event in ["the case was opened", "create a ticket", "Bob Agent: a comment", "words of the partner"] {
        assert!(by_case.contains(event), "no {event:?} in:\n{by_case}");
    }
}
