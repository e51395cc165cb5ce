//! Histories in which somebody else wrote at the same moment, as each edition tells them.

use serde_json::json;

use super::*;

fn issue(histories: &Value) -> Issue {
    serde_json::from_value(json!({
        "id": "1", "key": "S-1", "changelog": {"histories": histories},
        "names": {"customfield_1": "Site"},
        "editmeta": {"fields": {"customfield_1": {"name": "Site", "schema": {"type": "option"}}}},
        "fields": {
            "summary": "x", "status": {"id": "1", "name": "Open"},
            "created": "2026-01-02T03:04:05.678+0000", "updated": "2026-01-02T03:04:05.678+0000",
        },
    }))
    .unwrap()
}

/// An entry: its id, who made it, and which fields, each with what stood there.
fn entry(id: &str, who: &str, fields: &[(&str, &str)]) -> Value {
    let items = fields
        .iter()
        .map(|(field, from)| json!({"field": field, "from": from, "fromString": from, "to": "?"}));
    json!({
        "id": id, "author": {"name": who}, "created": "2026-01-02T03:04:06.000+0000", "items": items.collect::<Vec<_>>(),
    })
}

fn met(histories: &Value, sent: &[&str]) -> Outcome {
    let before = issue(&json!([entry("9", "bob", &[("summary", "older")])]));
    let after = issue(histories);
    let sent = sent.iter().map(|id| (*id).to_owned()).collect();
    let myself = serde_json::from_value(json!({"name": "bridge"})).unwrap();
    outcome(&news(&before, &after, &sent), &myself, |one| restored(one, &after, Edition::DataCenter))
}

#[test]
fn others_who_wrote_at_the_same_moment_are_seen() {
    let old = || entry("9", "bob", &[("summary", "older")]);
    let ours = |id: &str, from: &str| entry(id, "bridge", &[("summary", from)]);
    let theirs = |id: &str, from: &str| entry(id, "bob", &[("summary", from)]);
    let lost = |id: &str, value: Value| Outcome::Overwritten(Map::from_iter([(id.to_owned(), value)]));
    for (histories, expected) in [
        (json!([old(), ours("10", "a")]), Outcome::Alone),
        (json!([old(), theirs("10", "a"), ours("11", "b")]), lost("summary", json!("b"))),
        // Newest first, as Cloud has it.
        (json!([ours("11", "b"), theirs("10", "a"), old()]), lost("summary", json!("b"))),
        (json!([old(), ours("10", "a"), theirs("11", "b")]), Outcome::Overtaken),
        (json!([old(), theirs("10", "a"), ours("11", "b"), theirs("12", "c")]), Outcome::Overtaken),
        (json!([old(), entry("10", "bob", &[("priority", "1")]), ours("11", "a")]), Outcome::Alone),
    ] {
        assert_eq!(met(&histories, &["summary"]), expected, "{histories}");
    }
}

#[test]
fn what_is_set_again_is_what_stood_there() {
    for (id, name, from, value) in [
        ("priority", "priority", "2", json!({"id": "2"})),
        ("description", "description", "", json!(null)),
        ("labels", "labels", "one two", json!(["one", "two"])),
        ("customfield_1", "Site", "Wien", json!({"value": "Wien"})),
        ("customfield_1", "Site", "", json!(null)),
    ] {
        let histories = json!([entry("10", "bob", &[(name, "?")]), entry("11", "bridge", &[(name, from)])]);
        let expected = Outcome::Overwritten(Map::from_iter([(id.to_owned(), value)]));
        assert_eq!(met(&histories, &[id]), expected, "{id}");
    }
    // Of another kind of field nothing is known: it is reported, and what stands there stays.
    let histories = json!([entry("10", "bob", &[("Team", "?")]), entry("11", "bridge", &[("Team", "x")])]);
    assert_eq!(met(&histories, &["Team"]), Outcome::Overtaken);
}
