//! A draft of an agreement, tried on what a bridge recorded.

use std::fs;

use super::bridge::{Said, TestBridge, run, throughline, until};
use super::desks::Desks;

const DRAFT: &str = "[agreements.partner]\nparty = \"partner\"\nhome = \"helpdesk\"\ncounterpart = \"partner\"\n\
                     comments = \"inbound\"\nfiles = \"both\"\nroute.outbound = \"true\"\n\
                     [agreements.partner.fields]\ntitle = { direction = \"outbound\" }\n\
                     description = { direction = \"outbound\" }\n\
                     priority = { direction = \"outbound\", outbound = { low = \"low\", normal = \"low\", \
                     high = \"high\", urgent = \"urgent\" } }\n\
                     status = { policy = \"most_advanced\" }\n";

fn json(said: &Said) -> serde_json::Value {
    serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"))
}

#[test]
fn a_draft_is_tried_beside_the_daemon_and_on_an_export_with_the_same_answer() {
    let desks = Desks::open(&["helpdesk", "partner"]);
    let mut bridge = TestBridge::new().start(&desks, &["partner"]);
    let number = desks.raise("Rehearsed");
    until("the partner has the ticket", || desks.titled("partner", "Rehearsed").is_some());
    desks.desk("helpdesk").comment("Ada Agent", number, "A word to all.", false).unwrap();
    desks.desk("helpdesk").comment("Ada Agent", number, "The SECRET of the house.", true).unwrap();
    until("the comment is there", || desks.times_said("partner", "Rehearsed", "A word to all.") == 1);
    until("nothing is on the way", || bridge.ask("/readyz").json()["working"] == 0);

    let folder = tempfile::tempdir().unwrap();
    let draft = folder.path().join("partner.toml");
    let config = bridge.config();
    let tried = |text: &str, more: &[&str]| {
        fs::write(&draft, text).unwrap();
        let mut asked = throughline();
        asked.args(["agreement", "try", "partner", "--draft"]).arg(&draft);
        asked.arg("--config").arg(&config).args(more);
        run(&mut asked)
    };

    let differs = tried(DRAFT, &["--json"]);
    assert_eq!(differs.code, 1, "{differs:?}");
    let report = json(&differs);
    let groups = report["groups"].as_array().unwrap();
    let told: Vec<_> = groups
        .iter()
        .map(|group| format!("{} {} {}", group["change"], group["item"], group["count"]).replace('"', ""))
        .collect();
    assert_eq!(told, ["no_longer_leaves comments 1", "changes priority 1"], "{report:#}");
    assert_eq!(groups[0]["draft"], "partner: comments travel inbound only");
    let example = &groups[1]["examples"][0];
    assert_eq!((&example["before"], &example["after"]), (&"“Normal”".into(), &"“Low”".into()));
    assert_eq!(report["totals"]["changes"], 1);
    assert!(!differs.out.contains("SECRET") && !differs.out.contains("A word"), "{differs:?}");
    let page = tried(DRAFT, &[]);
    assert!(page.out.contains("Would no longer leave (1)"), "{page:?}");
    assert!(page.out.contains("in force  partner: comments travel both ways"), "{page:?}");
    assert!(page.err.contains("records are of that time"), "how far it is, beside the result: {page:?}");

    bridge.signal("TERM");
    assert_eq!(bridge.ended().code(), Some(0));
    let written = desks.desk("partner").history().len();
    assert_eq!(json(&tried(DRAFT, &["--json"]))["groups"], report["groups"]);
    let export = folder.path().join("records.jsonl");
    assert_eq!(bridge.command(&["ledger", "export", "-o", export.to_str().unwrap()]).code, 0);
    let before = bridge.json(&["ledger", "verify"]);
    let exported = json(&tried(DRAFT, &["--json", "--export", export.to_str().unwrap()]));
    assert_eq!(exported["groups"], report["groups"]);

    let priority = DRAFT.lines().find(|line| line.starts_with("priority")).unwrap();
    let in_force =
        DRAFT.replace("\"inbound\"", "\"both\"").replace(priority, "priority = { policy = \"owner_home\" }");
    let same = tried(&in_force, &[]);
    assert_eq!(same.code, 0, "{same:?}");
    assert!(same.out.contains("The draft makes no difference."), "{same:?}");
    let whole = fs::read_to_string(bridge.config()).unwrap();
    for secret in ["desks.token", "desks.secret"] {
        fs::copy(bridge.config().with_file_name(secret), folder.path().join(secret)).unwrap();
    }
    assert_eq!(tried(&whole, &[]).code, 0, "a whole configuration is a draft too");

    let elsewhere = tried(&DRAFT.replace("agreements.partner", "agreements.other"), &[]);
    assert_eq!(elsewhere.code, 2, "{elsewhere:?}");
    let broken = tried("[agreements.partner]\ncomments = \"sideways\"\n", &[]);
    assert_eq!(broken.code, 2);
    assert!(broken.err.contains("sideways") && broken.err.contains("partner.toml"), "{broken:?}");
    let never = tried(DRAFT, &["--since", "soon"]);
    assert_eq!(never.code, 2);

    assert_eq!(bridge.json(&["ledger", "verify"]), before, "the ledger ends where it ended");
    assert_eq!(desks.desk("partner").history().len(), written, "and nothing was written");
}
