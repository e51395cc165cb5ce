//! Agreements as documents, and compared: what a reader sees.

use insta::assert_snapshot;
use serde_json::{Value as Json, json};

use super::{Format, differences, render};
use crate::agreement::Terms;

fn terms() -> Json {
    json!({
        "agreement": {
            "name": "fabrikam", "party": "fabrikam", "home": "helpdesk", "counterpart": "partner",
            "outbound": "ticket.type == \"Incident\" && ticket.priority >= \"high\"",
            "comments": "both", "files": "outbound", "introduces": ["northwind"], "counterpart_type": "Support <b>|`*",
            "fields": {
                "title": { "direction": "outbound", "policy": "owner_home" },
                "status": { "direction": "both", "policy": "most_advanced", "otherwise": { "default": "open" } },
                "priority": {
                    "direction": "both", "policy": "manual", "otherwise": "park",
                    "outbound": { "urgent": "high" }, "inbound": { "high": "urgent" },
                },
                "field:Component": { "direction": "inbound", "policy": "union", "otherwise": "as_it_is", "inbound": { "a": "b" } },
                "field:Hidden": { "direction": "none", "policy": "latest" },
            },
            "handshake": {
                "direction": "outbound", "respond_within": { "secs": 14_400, "nanos": 0 }, "on_lapse": "remind",
                "reminders": 2, "route_on": ["northwind"], "share_before": false, "tell_home": "internal",
                "words": { "accept": "ACCEPT", "reject": "REJECT", "need_info": "" },
                "field": "Acceptance <b>", "reason_field": null, "answers": [["Declined", "rejected"]],
            },
            "grants": {
                "may_ask": ["internal_comments", "environment", { "field": "field:Asset" }],
                "approved_by": "service manager", "at_once_from": "urgent", "longest": { "secs": 604_800, "nanos": 0 },
            },
            "require": [
                { "name": "impact", "condition": "has(ticket.fields.Impact)", "message": "the impact" },
            ],
        },
        "redaction": {
            "classes": { "email": "pseudonymize" }, "places": { "authors": { "everything": "mask" } },
            "other_files": "hold", "leftover": "tell",
        },
        "home": {
            "party": "contoso", "party_title": "Contoso",
            "status": { "read": { "New": "new", "Fresh": "new", "Done": "closed" }, "write": { "new": "New", "closed": "Done" } },
            "priority": { "read": { "High": "high" }, "write": { "high": "High" } },
        },
        "counterpart": {
            "party": "fabrikam", "party_title": "Fabrikam & Sons",
            "status": { "read": { "Open": "open" }, "write": { "open": "Open" } },
            "priority": { "read": { "P1": "urgent" }, "write": { "urgent": "P1" } },
        },
    })
}

fn read(document: &Json) -> Terms {
    Terms::read(document).unwrap()
}

#[test]
fn an_agreement_reads_as_a_document() {
    assert_snapshot!(render(&read(&terms()), Format::Markdown));
}

#[test]
fn the_page_needs_nothing_else_and_runs_nothing() {
    let mut document = terms();
    document["home"]["party_title"] = json!("<script>alert(1)</script>");
    document["counterpart"]["party_title"] = json!("'\"><img src=x onerror=alert(1)>");
    let page = render(&read(&document), Format::Html);
    assert!(
        !page.contains("<script")
            && !page.contains("<img")
            && !page.contains("<b>")
            && !page.contains("http"),
        "{page}"
    );
    assert_snapshot!(page);
}

#[test]
fn what_is_kept_of_an_agreement_is_what_was_in_force() {
    let terms = read(&terms());
    let kept = terms.document();
    assert_eq!(serde_json::from_str::<Json>(&render(&terms, Format::Json)).unwrap(), kept);
    let again = read(&kept);
    assert_eq!(again.document(), kept);
    assert_eq!(again.version(), terms.version());
    assert_eq!(again.agreement.version, Some(terms.version()));
    assert_eq!(differences(&terms, &again), []);
}

#[test]
fn no_term_of_an_agreement_is_left_without_a_sentence() {
    let mut document = terms();
    document["agreement"]["recheck"] = json!(false);
    document["agreement"]["reply_passes"] = json!(true);
    document["agreement"]["home_type"] = json!("Incident");
    let page = render(&read(&document), Format::Markdown);
    assert!(!page.contains("Further terms"), "{page}");
    let mut without = document.clone();
    for given in ["handshake", "grants", "reply_passes"] {
        without["agreement"].as_object_mut().unwrap().remove(given);
    }
    let gone: Vec<String> =
        differences(&read(&document), &read(&without)).iter().map(ToString::to_string).collect();
    assert_eq!(gone.len(), 1 + 7 + 4, "{gone:#?}");
    assert!(gone.iter().all(|line| line.contains(": no longer: ")), "{gone:#?}");
}

#[test]
fn two_versions_are_compared_in_words() {
    let mut document = terms();
    for (place, value) in [
        ("/agreement/outbound", json!("true")),
        ("/agreement/introduces", json!([])),
        ("/redaction/classes/email", json!("drop")),
        ("/agreement/fields/title/direction", json!("both")),
        ("/agreement/fields/priority/outbound/urgent", json!("normal")),
        ("/agreement/fields/priority/policy", json!("latest")),
        ("/agreement/fields/status/otherwise", json!("park")),
        ("/agreement/require/0/name", json!("contact")),
        ("/home/status/read/Done", json!("resolved")),
        ("/counterpart/party_title", json!("Fabrikam")),
        ("/agreement/handshake/on_lapse", json!("route_on")),
        ("/agreement/handshake/words/accept", json!("YES")),
        ("/agreement/handshake/answers", json!([["Declined", "rejected"], ["Taken", "accepted"]])),
        ("/agreement/grants/may_ask", json!(["files"])),
        ("/agreement/grants/approved_by", json!(null)),
        ("/agreement/grants/longest/secs", json!(90)),
    ] {
        *document.pointer_mut(place).unwrap() = value;
    }
    document["agreement"]["inbound"] = json!("ticket.type in [\"a\", \"b\"]");
    document["agreement"]["fields"].as_object_mut().unwrap().remove("field:Component");
    document["agreement"]["fields"]["field:Site"] = json!({ "direction": "both", "policy": "latest" });
    let (old, new) = (read(&terms()), read(&document));
    assert_ne!(old.version(), new.version());
    let lines: Vec<String> = differences(&old, &new).iter().map(ToString::to_string).collect();
    assert_snapshot!(lines.join("\n"));
    assert_eq!(differences(&new, &old).len(), lines.len());
}
