//! Two writes at once, in the journals that Redmine 5.0 left of them.

use serde_json::json;

use super::*;

/// The issue with one journal for each (number, what it changed).
fn issue(journals: &[(u64, Value)]) -> Issue {
    let journals: Vec<Value> = journals
        .iter()
        .map(|(id, details)| {
            json!({"id": id, "user": {"id": 5, "name": "Anybody"}, "notes": null, "private_notes": false,
                   "created_on": "2026-11-22T19:55:20Z", "details": details})
        })
        .collect();
    serde_json::from_value(json!({
        "id": 7, "project": {"id": 1, "name": "Support"}, "tracker": {"id": 1, "name": "Bug"},
        "status": {"id": 2, "name": "In Progress", "is_closed": false}, "subject": "race",
        "created_on": "2026-11-22T19:55:14Z", "updated_on": "2026-11-22T19:55:20Z", "journals": journals,
    }))
    .unwrap()
}

fn attr(name: &str, old: &str, new: &str) -> Value {
    json!({"property": "attr", "name": name, "old_value": old, "new_value": new})
}

fn sent(name: &'static str, value: &str) -> IssueWrite {
    IssueWrite { attributes: [(name, value.to_owned())].into(), ..IssueWrite::default() }
}

fn lost(name: &'static str, value: &str) -> Outcome {
    Outcome::Overwritten(sent(name, value))
}

#[test]
fn what_went_under_is_told_from_what_came_after() {
    let before = issue(&[(9, json!([attr("subject", "older", "base")]))]);
    let judged = |journals: &[(u64, Value)]| outcome(&before, &issue(journals), &sent("subject", "ours"));
    let (theirs, ours) = (attr("subject", "base", "theirs"), attr("subject", "theirs", "ours"));
    assert_eq!(judged(&[(9, json!([])), (11, json!([attr("subject", "base", "ours")]))]), Outcome::Alone);
    assert_eq!(
        judged(&[(10, json!([theirs.clone()])), (11, json!([ours.clone()]))]),
        lost("subject", "theirs")
    );
    let after = attr("subject", "ours", "theirs");
    assert_eq!(
        judged(&[(10, json!([attr("subject", "base", "ours")])), (11, json!([after]))]),
        Outcome::Overtaken
    );
    assert_eq!(judged(&[(10, json!([theirs]))]), Outcome::Overtaken, "Redmine did not take ours at all");
    let other = attr("status_id", "1", "2");
    assert_eq!(
        judged(&[(10, json!([other])), (11, json!([attr("subject", "base", "ours")]))]),
        Outcome::Alone
    );
}

#[test]
fn what_was_empty_is_emptied_again() {
    let cleared =
        json!([{"property": "attr", "name": "due_date", "old_value": "2031-05-06", "new_value": null}]);
    let ours =
        json!([{"property": "attr", "name": "due_date", "old_value": null, "new_value": "2031-05-09"}]);
    let after = issue(&[(1, cleared), (2, ours)]);
    assert_eq!(outcome(&issue(&[]), &after, &sent("due_date", "2031-05-09")), lost("due_date", ""));
}

#[test]
fn a_custom_field_is_judged_by_its_number_and_a_list_is_not_judged() {
    let change =
        |old: &str, new: &str| json!([{"property": "cf", "name": "4", "old_value": old, "new_value": new}]);
    let after = issue(&[(1, change("base", "theirs")), (2, change("theirs", "ours"))]);
    let write = |id: u64, value: Value| IssueWrite {
        custom_fields: vec![FieldWrite { id, value }],
        ..IssueWrite::default()
    };
    let judged = |write: &IssueWrite| outcome(&issue(&[]), &after, write);
    assert_eq!(judged(&write(4, json!("ours"))), Outcome::Overwritten(write(4, json!("theirs"))));
    assert_eq!(judged(&write(5, json!("ours"))), Outcome::Alone);
    assert_eq!(judged(&write(4, json!(["ours"]))), Outcome::Alone);
}
