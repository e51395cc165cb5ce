//! What admins see and do beyond cases: drift and its repair, the workbench, and the pages for them.

use super::bridge::{Running, TestBridge, until};
use super::desks::{Desks, SECRET};
use super::web::{self, Answer};

/// A ticket on both sides, in a bridge that hears of nothing by itself any more.
fn deaf(desks: &Desks, title: &str) -> (Running, u64) {
    let bridge = TestBridge::new().poll("1d").without_webhooks().start(desks, &["partner"]);
    let number = desks.raise(title);
    let ticket = serde_json::to_value(desks.titled("helpdesk", title).unwrap()).unwrap();
    let body = serde_json::json!({ "type": "ticket.changed", "ticket": ticket }).to_string();
    assert_eq!(bridge.webhook("helpdesk", SECRET, &body).status, 202);
    until("the partner has the ticket", || desks.titled("partner", title).is_some());
    until("nothing is on the way", || {
        let ready = web::get(&bridge.address, "/readyz").json();
        ready["working"] == 0 && ready["hints"] == 0 && ready["lanes"] == 0
    });
    (bridge, number)
}

fn post(bridge: &Running, path: &str, sort: &str, body: &str) -> Answer {
    let token = std::fs::read_to_string(bridge.data().join("admin.token")).unwrap();
    let bearer = format!("Bearer {token}");
    let fields = [("authorization", bearer.as_str()), ("content-type", sort)];
    web::send(&bridge.address, "POST", path, &fields, body.as_bytes()).unwrap()
}

#[test]
fn drift_is_told_without_a_change_and_mended_when_a_person_says_so() {
    let desks = Desks::open(&["helpdesk", "partner"]);
    let (bridge, number) = deaf(&desks, "Drifting");
    let same = bridge.command(&["drift", "--all"]);
    assert_eq!(same.code, 0, "{same:?}");
    assert!(same.out.contains("1 of 1 cases were looked at; 0 things differ."), "{same:?}");

    let there = desks.titled("partner", "Drifting").unwrap();
    desks.desk("partner").set_status("Bob Partner", there.number, "Solved").unwrap();
    desks.desk("helpdesk").comment("Ada Agent", number, "Nobody heard this.", false).unwrap();
    let look = bridge.command(&["--json", "drift", "--system", "partner", "--sample", "5"]);
    assert_eq!(look.code, 1, "{look:?}");
    let look: serde_json::Value = serde_json::from_str(&look.out).unwrap();
    let status = look["differences"].as_array().unwrap().iter().find(|one| one["item"] == "status").unwrap();
    assert_eq!((&status["here"], &status["there"]), (&"new".into(), &"Solved".into()), "{look}");
    assert_eq!(desks.titled("helpdesk", "Drifting").unwrap().status, "New", "looking changes nothing");
    assert_eq!(desks.times_said("partner", "Drifting", "Nobody heard this."), 0);
    let page = bridge.ask("/console/drift");
    assert!(page.body.contains("Mend the chosen cases") && page.body.contains("TL-1"), "{}", page.body);

    let unknown = bridge.command(&["drift", "repair", "TL-1", "TL-77"]);
    assert!(unknown.err.contains("no case has the id or ticket TL-77"), "{unknown:?}");
    assert_eq!(bridge.command(&["drift", "repair", "TL-1"]).code, 0);
    until("home has the status", || desks.titled("helpdesk", "Drifting").unwrap().status == "Solved");
    until("the partner has the comment", || {
        desks.times_said("partner", "Drifting", "Nobody heard this.") == 1
    });
    until("nothing differs any more", || bridge.command(&["drift", "--all"]).code == 0);
}

#[test]
fn a_ticket_on_the_workbench_shows_what_each_rule_does_and_what_a_draft_would() {
    let desks = Desks::open(&["helpdesk", "partner"]);
    let (bridge, number) = deaf(&desks, "On the bench");
    desks.desk("helpdesk").comment("Ada Agent", number, "For the partner.", false).unwrap();
    desks.desk("helpdesk").comment("Ada Agent", number, "For us only.", true).unwrap();
    let ask = |draft: &str| {
        let ticket = format!("helpdesk:{number}");
        let asked = serde_json::json!({ "agreement": "partner", "ticket": ticket, "draft": draft });
        post(&bridge, "/api/v1/workbench", "application/json", &asked.to_string())
    };
    let bench = ask("").json();
    assert_eq!(bench["in_force"]["routing"]["holds"], true, "{bench}");
    let row = |rules: &serde_json::Value, here: &str| {
        let rows = rules["rows"].as_array().unwrap();
        rows.iter().find(|row| row["here"] == here).cloned().unwrap_or_default()
    };
    let title = row(&bench["in_force"], "On the bench");
    assert_eq!((&title["does"], &title["there"]), (&"goes".into(), &"On the bench".into()), "{bench}");
    assert_eq!(row(&bench["in_force"], "For the partner.")["does"], "goes", "{bench}");
    assert_eq!(row(&bench["in_force"], "For us only.")["does"], "stays", "{bench}");

    let draft = "[agreements.partner]\nparty = \"partner\"\nhome = \"helpdesk\"\ncounterpart = \"partner\"\n\
                 comments = \"inbound\"\nroute.outbound = \"false\"\n[agreements.partner.fields]\n\
                 title = { direction = \"outbound\" }\n";
    let tried = ask(draft).json();
    assert_eq!(tried["draft"]["routing"]["holds"], false, "{tried}");
    assert_eq!(row(&tried["draft"], "For the partner.")["does"], "stays", "{tried}");
    assert_eq!(row(&tried["draft"], "On the bench")["does"], "goes", "{tried}");
    let wrong = ask(&draft.replace("inbound", "sometimes"));
    assert_eq!(wrong.status, 422);
    assert!(wrong.body.contains("draft:5:"), "{}", wrong.body);
    assert_eq!(desks.times_said("partner", "On the bench", "For the partner."), 0, "it only reads");

    let form = format!("ticket=helpdesk%3A{number}&draft=");
    let page =
        post(&bridge, "/console/agreements/partner/workbench", "application/x-www-form-urlencoded", &form);
    assert!(page.status == 200 && page.body.contains("What each rule does"), "{}", page.body);
}

#[test]
fn every_page_for_admins_is_there_and_its_buttons_do_what_they_say() {
    let desks = Desks::open(&["helpdesk", "partner"]);
    let (bridge, _) = deaf(&desks, "Pages");
    for (path, words) in [
        ("/console/connections", "The systems that are connected"),
        ("/console/connections/partner", "What it can do"),
        ("/console/configuration", "Not since the first start"),
        ("/console/parked", "Nothing is parked"),
        ("/console/drift", "Nobody has looked yet"),
        ("/console/agreements", "Agreements"),
        ("/console/agreements/partner", "Versions"),
        ("/console/agreements/partner/workbench", "No ticket lies here yet"),
    ] {
        let page = bridge.ask(path);
        assert_eq!(page.status, 200, "{path}: {}", page.body);
        assert!(page.body.contains(words), "{path}: {}", page.body);
        assert!(!page.body.contains(" style=") && !page.body.contains("onclick"), "{path}");
    }
    let form = "application/x-www-form-urlencoded";
    let paused = post(&bridge, "/console/connections/partner/pause", form, "reason=their+upgrade");
    assert_eq!(paused.status, 303, "{paused:?}");
    assert!(bridge.ask("/console/connections").body.contains("their upgrade"));
    let nameless = post(&bridge, "/console/connections/partner/pause", form, "reason=");
    assert_eq!(nameless.status, 422);
    assert_eq!(post(&bridge, "/console/connections/partner/resume", form, "").status, 303);
    let reloaded = post(&bridge, "/console/configuration/reload", form, "");
    assert_eq!(reloaded.status, 303, "{reloaded:?}");
    assert!(bridge.ask("/console/configuration").body.contains("No setting differed."));
    let broken = std::fs::read_to_string(bridge.config()).unwrap().replace("title = {", "titel = {");
    std::fs::write(bridge.config(), broken).unwrap();
    let refused = post(&bridge, "/console/configuration/reload", form, "");
    assert!(refused.status == 422 && refused.body.contains("It was not loaded"), "{refused:?}");
}
