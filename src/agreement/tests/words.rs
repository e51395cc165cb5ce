//! Words: what a value is called on each side, and what becomes of one that has no word.

use std::collections::BTreeMap;

use super::{HOME, ONE, agreement, name, rules};
use crate::agreement::{
    Agreement, Direction, FieldRule, Otherwise, Policy, Pseudonyms, Redacted, Release, Rules, Untranslatable,
};
use crate::case::{Field, Priority, Status};

fn map(words: &[(&str, &str)]) -> BTreeMap<String, String> {
    words.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect()
}

/// Rules under which only the desk of the first counterpart has words, for two statuses and two priorities.
fn worded() -> Rules {
    let mut rules = rules();
    let system = rules.systems.get_mut(&name(ONE)).unwrap();
    for (status, word) in [(Status::Open, "Offen"), (Status::Resolved, "Fertig")] {
        system.status.write.insert(status, word.to_owned());
    }
    for (priority, word) in [(Priority::Normal, "Mittel"), (Priority::High, "Hoch")] {
        system.priority.write.insert(priority, word.to_owned());
    }
    rules
}

fn under(field: &Field, rule: FieldRule) -> Agreement {
    let mut agreement = agreement(ONE);
    agreement.fields.insert(field.clone(), rule);
    agreement
}

#[test]
fn words_are_read_and_written_as_they_are_configured_and_no_other_way() {
    let mut rules = rules();
    let system = rules.systems.get_mut(&name(ONE)).unwrap();
    system.status.read.insert("Fertig".to_owned(), Status::Resolved);
    system.status.write.insert(Status::Resolved, "Fertig".to_owned());
    system.priority.read.insert("Hoch".to_owned(), Priority::High);
    system.priority.write.insert(Priority::High, "Hoch".to_owned());
    let names = Pseudonyms::default();
    let lift = |field: &Field, native: &str| rules.lift(&name(ONE), None, field, native, &names);
    assert_eq!(lift(&Field::Status, "Fertig").unwrap().as_deref(), Some("resolved"));
    assert_eq!(lift(&Field::Priority, "Hoch").unwrap().as_deref(), Some("high"));
    assert_eq!(lift(&Field::Priority, ""), Ok(None));
    assert_eq!(lift(&Field::Kind, ""), Ok(None));
    assert_eq!(lift(&Field::Kind, "Incident ").unwrap().as_deref(), Some("Incident "));
    for field in [Field::Title, Field::Description, Field::Custom("x".to_owned())] {
        assert_eq!(lift(&field, "a \r\nb\n").unwrap().as_deref(), Some("a\nb"));
    }
    for (field, native) in [(Field::Status, "Hoch"), (Field::Status, ""), (Field::Priority, "Fertig")] {
        let told = lift(&field, native).unwrap_err().to_string();
        assert!(told.contains(&format!("no meaning for the {field} {native:?} of one")), "{told}");
    }

    let mut agreement = agreement(ONE);
    let mut rule = agreement.fields[&Field::Title].clone();
    rule.outbound = map(&[("urgent", "high"), ("closed", "resolved"), ("secret", "public")]);
    rule.otherwise = Some(Otherwise::AsItIs);
    for field in [Field::Title, Field::Status, Field::Priority, Field::Kind] {
        agreement.fields.insert(field, rule.clone());
    }
    let project = |agreement: Option<&Agreement>, field: &Field, value: &str| {
        let release = Release { names: &names, approved: false };
        rules.project(&name(ONE), agreement, field, value, &release).map(Redacted::into_intent)
    };
    let with = Some(&agreement);
    assert_eq!(project(with, &Field::Status, "closed").unwrap(), "Fertig");
    assert_eq!(project(with, &Field::Priority, "urgent").unwrap(), "Hoch");
    assert_eq!(project(with, &Field::Title, "secret").unwrap(), "public");
    assert_eq!(project(with, &Field::Kind, "secret").unwrap(), "public");
    assert_eq!(project(with, &Field::Title, "a \n").unwrap(), "a");
    assert_eq!(project(with, &Field::Description, "secret").unwrap(), "secret", "a map is for its own field");
    assert_eq!(project(None, &Field::Title, "secret").unwrap(), "secret");
    for (agreement, field, value) in [
        (None, Field::Status, "closed"),
        (None, Field::Priority, "urgent"),
        (with, Field::Status, "new"),
        (with, Field::Status, "nonsense"),
        (with, Field::Priority, "low"),
    ] {
        let told = project(agreement, &field, value).unwrap_err().to_string();
        assert!(told.contains(&format!("one has no word for the {field}")), "{told}");
    }
}

#[test]
fn what_a_desk_has_no_word_for_becomes_the_default_and_nothing_else_does() {
    let rules = worded();
    let names = Pseudonyms::default();
    for (field, other, expected) in [
        (
            Field::Status,
            "open",
            [("open", "Offen"), ("resolved", "Fertig"), ("pending", "Offen"), ("odd", "Offen")],
        ),
        (
            Field::Priority,
            "normal",
            [("normal", "Mittel"), ("high", "Hoch"), ("urgent", "Mittel"), ("odd", "Mittel")],
        ),
        (Field::Kind, "Task", [("open", "open"), ("Incident", "Incident"), ("odd", "odd"), ("", "")]),
        (Field::Title, "None", [("open", "open"), ("Fire", "Fire"), ("odd", "odd"), ("", "")]),
    ] {
        let plain = FieldRule::plain(Direction::Both, Policy::Latest);
        let agreement =
            under(&field, FieldRule { otherwise: Some(Otherwise::Default(other.to_owned())), ..plain });
        for (value, word) in expected {
            let release = Release { names: &names, approved: false };
            let written = rules.project(&name(ONE), Some(&agreement), &field, value, &release);
            assert_eq!(written.unwrap().into_intent(), word, "{field} {value:?}");
        }
        let mut nobody = rules.clone();
        nobody.systems.remove(&name(ONE));
        assert_eq!(nobody.outward(&agreement, &field, "open"), Ok(other), "who is not known has no word");
    }
}

#[test]
fn a_map_that_says_nothing_of_a_value_parks_it_but_never_an_empty_one() {
    let rules = worded();
    let lift = |rule: &FieldRule, native: &str| {
        let agreement = under(&Field::Title, rule.clone());
        rules.lift(&name(ONE), Some(&agreement), &Field::Title, native, &Pseudonyms::default())
    };
    let to = |value: &str| -> Result<_, Untranslatable> { Ok(Some(value.to_owned())) };
    let plain = FieldRule::plain(Direction::Both, Policy::Latest);
    let mapped = FieldRule { inbound: map(&[("a", "b")]), ..plain.clone() };
    for otherwise in [None, Some(Otherwise::Park)] {
        let rule = FieldRule { otherwise: otherwise.clone(), ..mapped.clone() };
        assert_eq!((lift(&rule, "a"), lift(&rule, "")), (to("b"), to("")));
        assert_eq!(
            lift(&rule, "c").unwrap_err().to_string(),
            format!(
                "the agreement with one does not say what the title \"c\" becomes at {HOME}, and parks it"
            )
        );
        let unmapped = FieldRule { otherwise, ..plain.clone() };
        assert_eq!(lift(&unmapped, "c"), to("c"), "without a map it is not asked");
    }
    let rule = FieldRule { otherwise: Some(Otherwise::AsItIs), ..mapped.clone() };
    assert_eq!((lift(&rule, "c"), lift(&rule, "")), (to("c"), to("")));
    let rule = FieldRule { otherwise: Some(Otherwise::Default("d".to_owned())), ..mapped };
    assert_eq!((lift(&rule, "c"), lift(&rule, "a"), lift(&rule, "")), (to("d"), to("b"), to("")));
}

#[test]
fn two_maps_contradict_each_other_where_what_comes_back_leaves_again_as_something_else() {
    let found = |outbound: &[(&str, &str)], inbound: &[(&str, &str)], otherwise: Option<Otherwise>| {
        [Direction::Both, Direction::Outbound, Direction::Inbound, Direction::None].map(|direction| {
            let plain = FieldRule::plain(direction, Policy::Latest);
            let rule = FieldRule {
                outbound: map(outbound),
                inbound: map(inbound),
                otherwise: otherwise.clone(),
                ..plain
            };
            rule.contradiction().is_some()
        })
    };
    let (never, both_ways) = ([false; 4], [true, false, false, false]);
    let default = |value: &str| Some(Otherwise::Default(value.to_owned()));
    for (outbound, inbound, otherwise, expected) in [
        (&[][..], &[][..], None, never),
        (&[("a", "b")], &[("b", "a")], None, never),
        (&[("a", "b"), ("c", "b")], &[("b", "a")], None, never),
        (&[("a", "b")], &[("b", "c")], Some(Otherwise::Park), never),
        (&[("a", "b")], &[("b", "c")], Some(Otherwise::AsItIs), both_ways),
        (&[("a", "b"), ("c", "d")], &[("b", "c"), ("d", "c")], None, both_ways),
        (&[("a", "b")], &[("b", "a")], default("b"), both_ways),
    ] {
        assert_eq!(
            found(outbound, inbound, otherwise.clone()),
            expected,
            "{outbound:?} {inbound:?} {otherwise:?}"
        );
    }
}
