//! The search for a way, over workflows of which only a part is known.

use proptest::prelude::*;

use super::*;

fn status(name: &str) -> Status {
    let key = match name {
        "New" => "new",
        "Resolved" | "Closed" => "done",
        _ => "indeterminate",
    };
    serde_json::from_value(json!({"id": name, "name": name, "statusCategory": {"key": key}})).unwrap()
}

fn known(edges: &[(&str, &[&str])]) -> Known {
    let steps = |to: &&str| Step { transition: format!("to {to}"), to: status(to), fields: Map::new() };
    edges.iter().map(|(from, to)| ((*from).to_owned(), to.iter().map(steps).collect())).collect()
}

fn first(edges: &[(&str, &[&str])], here: &str, name: &str) -> Option<String> {
    let target = Target { name, rank: rank(&status(name)) };
    next(&known(edges), here, target).map(|step| step.to.name.clone())
}

#[test]
fn the_shortest_known_way_is_taken() {
    let edges: &[(&str, &[&str])] = &[
        ("New", &["Work", "Wait"]),
        ("Work", &["Review"]),
        ("Wait", &["Resolved"]),
        ("Review", &["Resolved"]),
    ];
    assert_eq!(first(edges, "New", "Resolved").as_deref(), Some("Wait"));
    assert_eq!(first(&[("New", &["Work", "Resolved"])], "New", "Resolved").as_deref(), Some("Resolved"));
}

#[test]
fn without_a_known_way_the_nearest_unknown_place_is_looked_at() {
    // Of two as near, the one on the way from new to done.
    assert_eq!(first(&[("New", &["Work"])], "New", "Closed").as_deref(), Some("Work"));
    let edges: &[(&str, &[&str])] = &[("New", &["Work"]), ("Work", &["New", "Wait"])];
    assert_eq!(first(edges, "New", "Review").as_deref(), Some("Work"));
    assert_eq!(first(edges, "Work", "Review").as_deref(), Some("Wait"));
    assert_eq!(first(&[("New", &["New"])], "New", "Review"), None);
    assert_eq!(first(&[("New", &["Work"]), ("Work", &["New"])], "New", "Review"), None);
}

#[test]
fn what_is_closed_is_walked_through_only_on_the_way_to_something_closed() {
    assert_eq!(first(&[("Work", &["Resolved"])], "Work", "Review"), None);
    assert_eq!(first(&[("Work", &["Resolved"])], "Work", "Closed").as_deref(), Some("Resolved"));
}

#[test]
fn a_screen_is_filled_or_the_field_is_named() {
    let issue: Issue = serde_json::from_value(json!({"id": "1", "key": "S-1", "fields": {
        "summary": "x", "description": "there", "status": {"id": "1", "name": "Work"}, "customfield_1": "there", "customfield_2": null,
        "created": "2026-01-02T03:04:05.678+0000", "updated": "2026-01-02T03:04:05.678+0000",
    }}))
    .unwrap();
    let filled = |fields: Value, resolution: Option<&str>| {
        let mut settings = throughline_sdk::Settings::default();
        for (key, value) in [
            ("url", "https://jira.example"),
            ("edition", "cloud"),
            ("project", "S"),
            ("issue_type", "Task"),
            ("resolution", resolution.unwrap_or_default()),
        ] {
            settings.values.insert(key.to_owned(), value.into());
        }
        let to = json!({"id": "5", "name": "Resolved", "statusCategory": {"key": "done"}});
        let transition: Transition =
            serde_json::from_value(json!({"id": "61", "name": "Resolve", "to": to, "fields": fields}))
                .unwrap();
        fill(&transition, &issue, &Config::read(&settings).unwrap()).map(Value::from)
    };
    let field = |name: &str, required: bool| json!({"name": name, "required": required, "schema": {"type": "string"}});
    let resolution = |required| json!({ "resolution": field("Resolution", required) });
    assert_eq!(filled(resolution(true), Some("Done")), Ok(json!({"resolution": {"name": "Done"}})));
    assert_eq!(filled(resolution(false), Some("Done")), Ok(json!({"resolution": {"name": "Done"}})));
    assert_eq!(filled(resolution(false), None), Ok(json!({})));
    assert!(filled(resolution(true), None).unwrap_err().ends_with("set resolution for this system"));
    for (there, fields) in [
        (
            true,
            json!({"customfield_1": field("Team", true), "summary": field("Summary", true), "description": field("D", true)}),
        ),
        (true, json!({"customfield_2": field("Root cause", false)})),
        (false, json!({"customfield_2": field("Root cause", true)})),
        (false, json!({"customfield_9": field("Root cause", true)})),
    ] {
        match filled(fields, None) {
            Ok(_) => assert!(there),
            Err(why) => assert!(!there && why.contains("requires the field \"Root cause\""), "{why}"),
        }
    }
}

proptest! {
    /// Walked over any workflow, each step leads to somewhere, and never twice in vain.
    #[test]
    fn a_walk_ends_and_reaches_what_can_be_reached(
        edges in prop::collection::vec(prop::collection::btree_set(0..7_usize, 0..4), 7),
        goal in 1..7_usize,
    ) {
        let name = |at: usize| format!("S{at}");
        let all: Vec<Vec<Step>> = edges
            .iter()
            .map(|to| to.iter().map(|to| Step { transition: String::new(), to: status(&name(*to)), fields: Map::new() }).collect())
            .collect();
        let mut known = Known::new();
        let mut here = 0;
        let goal_name = name(goal);
        let target = Target { name: &goal_name, rank: 1 };
        let mut steps = 0;
        while here != goal {
            known.insert(name(here), all[here].clone());
            let Some(step) = next(&known, &name(here), target) else { break };
            here = step.to.name.trim_start_matches('S').parse().unwrap();
            steps += 1;
            prop_assert!(steps <= 49, "walks in circles");
        }
        // Places that lead nowhere may hold it fast; but whatever it could still reach, it has looked at.
        if here != goal {
            prop_assert!(way(&known, &name(here), &goal_name).is_none());
        }
    }
}
