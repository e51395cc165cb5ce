//! Conditions as an admin writes them: what they take, what they refuse at load, and what they do without a value.

use proptest::prelude::*;

use super::{Expression, Subject};
use crate::case::{Priority, Status};

fn subject() -> Subject<'static> {
    Subject {
        title: "Invoices do not print: [ERP] spooler",
        description: "Since this morning.",
        status: Some(Status::Open),
        priority: Some(Priority::High),
        kind: Some("Incident"),
        fields: [("Component", "ERP"), ("Partner", "Fabrikam")].into(),
        system: "helpdesk",
        party: "contoso",
    }
}

fn told(text: &str, subject: &Subject<'_>) -> String {
    match Expression::compile(text).map(|condition| condition.evaluate(subject)) {
        Ok(Ok(holds)) => holds.to_string(),
        Ok(Err(unevaluated)) => unevaluated.to_string(),
        Err(mistake) => format!("{mistake} at {:?}", text.get(mistake.at.clone()).unwrap()),
    }
}

#[test]
fn conditions_speak_of_the_canonical_ticket() {
    for (text, expected) in [
        ("true", "true"),
        ("ticket.type == \"Incident\"", "true"),
        ("ticket.type in ['Request', 'Incident']", "true"),
        ("ticket.priority == \"high\"", "true"),
        ("ticket.priority >= \"high\" && ticket.priority < \"urgent\"", "true"),
        ("ticket.priority > \"high\"", "false"),
        ("\"normal\" <= ticket.priority", "true"),
        ("ticket.status in [\"new\", \"open\"]", "true"),
        ("ticket.fields[\"Component\"] in [\"ERP\", \"CRM\"]", "true"),
        ("ticket.fields.Partner == \"Northwind\"", "false"),
        ("has(ticket.fields.Partner) && !has(ticket.fields.Impact)", "true"),
        ("\"Partner\" in ticket.fields", "true"),
        ("size(ticket.fields) == 2 && ticket.fields.exists(name, ticket.fields[name] == \"ERP\")", "true"),
        ("ticket.title.contains(\"[ERP]\")", "true"),
        ("ticket.title.lower().contains(\"[erp]\")", "true"),
        ("ticket.title.startsWith(\"Invoices\") || ticket.title.endsWith(\"!\")", "true"),
        ("[\"ERP\", \"CRM\"].exists(word, ticket.title.contains(word))", "true"),
        ("[\"ERP\", \"CRM\"].all(word, ticket.title.contains(word))", "false"),
        ("size(ticket.description) > 3 && ticket.description.size() < 100", "true"),
        ("system == \"helpdesk\" && party != \"fabrikam\"", "true"),
        ("ticket.priority == \"low\" ? false : true", "true"),
    ] {
        assert_eq!(told(text, &subject()), expected, "{text}");
    }
}

#[test]
fn what_the_ticket_does_not_have_is_said_unless_nothing_depends_on_it() {
    let bare = Subject { title: "x", ..Subject::default() };
    for (text, expected) in [
        ("ticket.fields[\"Impact\"] == \"high\"", "the ticket has no value in the field \"Impact\""),
        ("ticket.fields.Impact == \"high\"", "the ticket has no value in the field \"Impact\""),
        ("ticket.type == \"Incident\"", "the ticket has no type"),
        ("ticket.priority >= \"low\"", "the ticket has no priority that has a meaning"),
        ("ticket.priority == \"low\"", "the ticket has no priority that has a meaning"),
        ("ticket.status == \"open\"", "the ticket has no status that has a meaning"),
        ("ticket.type == \"Incident\" || ticket.title == \"x\"", "true"),
        ("ticket.type == \"Incident\" && ticket.title == \"y\"", "false"),
        ("has(ticket.type)", "false"),
    ] {
        assert_eq!(told(text, &bare), expected, "{text}");
    }
}

#[test]
fn every_mistake_is_told_with_its_place() {
    let all = [
        "",
        "ticket.tpe == \"Incident\"",
        "tickt.type == \"Incident\"",
        "title == \"x\"",
        "ticket.priority >= \"hgh\"",
        "ticket.status == \"Open\"",
        "ticket.priority in [\"high\", \"urgnt\"]",
        "ticket.status > \"open\"",
        "ticket.title < \"b\"",
        "ticket.title == 5",
        "ticket.title",
        "ticket",
        "ticket.title.contain(\"x\")",
        "contains(ticket.title)",
        "ticket.title.matches(\"x.*\")",
        "ticket.title + \"x\" == \"y\"",
        "ticket.fields.map(x, x) == []",
        "ticket[\"title\"] == \"x\"",
        "ticket.title.length == 3",
        "ticket.title == \"x\" && ",
        "ticket.title == \"x",
        "[1, 2].exists(x, x == 1)",
        "{\"a\": 1} == {}",
        "1.5 < 2.0",
        "ticket.priority >= ticket.title",
        "ticket.type && true",
    ];
    let lines: Vec<String> = all
        .iter()
        .map(|text| {
            let mistake = Expression::compile(text).unwrap_err();
            let words =
                if mistake.valid.is_empty() { String::new() } else { format!(" {:?}", mistake.valid) };
            format!("{text}\n    {mistake} at {:?}{words}", text.get(mistake.at.clone()).unwrap())
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn the_same_condition_written_otherwise_is_the_same() {
    let same =
        |left: &str, right: &str| Expression::compile(left).unwrap() == Expression::compile(right).unwrap();
    assert!(same("ticket.type=='Incident'", "( ticket.type  ==\n\"Incident\" )"));
    assert!(same("ticket.fields.Impact == 'x'", "ticket.fields[\"Impact\"] == \"x\""));
    assert!(same("size(ticket.title) > 3", "ticket.title.size() > 3"));
    assert!(!same(
        "ticket.type == 'a' && (ticket.type == 'b' || true)",
        "ticket.type == 'a' && ticket.type == 'b' || true"
    ));
    assert!(!same("!(ticket.type == 'a' && true)", "!(ticket.type == 'a') && true"));
}

#[test]
fn conditions_are_said_in_plain_english() {
    let lines: Vec<String> = [
        "true",
        "ticket.type == \"Incident\" && ticket.priority >= \"high\"",
        "ticket.type == \"Incident\" && (ticket.fields[\"Partner\"] in [\"A\", \"B\", \"C\"] || has(ticket.fields.Impact))",
        "!(ticket.status in [\"closed\"]) && !has(ticket.fields.Impact)",
        "ticket.title.lower().contains(\"erp\") && \"Impact\" in ticket.fields",
        "[\"ERP\", \"CRM\"].exists(word, ticket.title.contains(word))",
        "size(ticket.title) > 3",
        "ticket.fields.all(name, name != \"x\")",
    ]
    .iter()
    .map(|text| {
        let condition = Expression::compile(text).unwrap();
        format!("{}\n    {}", condition.normal(), condition.in_words())
    })
    .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn deep_and_long_texts_are_refused_and_overflow_nothing() {
    for text in [
        format!("{}true{}", "(".repeat(900), ")".repeat(900)),
        format!("{}true", "!".repeat(1900)),
        format!("true{}", " && true".repeat(240)),
        format!("1{} == 1", " + 1".repeat(490)),
        format!("{}true", "[".repeat(1900)),
        "x".repeat(5000),
    ] {
        _ = Expression::compile(&text);
    }
    assert!(Expression::compile(&format!("true{}", " && true".repeat(5000))).is_err());
}

/// Conditions as people nest them.
fn condition() -> impl Strategy<Value = String> {
    let atom = prop_oneof![
        Just("true".to_owned()),
        Just("ticket.type == \"Incident\"".to_owned()),
        Just("ticket.priority >= \"high\"".to_owned()),
        Just("ticket.priority in [\"low\", \"high\"]".to_owned()),
        Just("has(ticket.fields.Impact)".to_owned()),
        Just("ticket.fields[\"Im\\\"pact\"] != 'x'".to_owned()),
        Just("[\"a\", \"b\"].exists(w, ticket.title.contains(w))".to_owned()),
        Just("[\"a\", \"b\"].all(w, w == ticket.title.lower())".to_owned()),
        Just("size(ticket.title) > 3".to_owned()),
    ];
    atom.prop_recursive(4, 12, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) && ({b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) || ({b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) == ({b})")),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(a, b, c)| format!("({a}) ? ({b}) : ({c})")),
            inner.prop_map(|a| format!("!({a})")),
        ]
    })
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        if let Ok(condition) = Expression::compile(&text) {
            _ = condition.evaluate(&subject());
            _ = condition.in_words();
        }
    }

    #[test]
    fn no_change_to_a_condition_makes_it_panic(text in condition(), at in 0usize..200, put in "[\\[\\](){}\"'.!=&|<>?a-z0-9\u{e9} ]{0,4}") {
        let mut text = text;
        let at = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap();
        text.insert_str(at, &put);
        match Expression::compile(&text) {
            Ok(condition) => _ = condition.evaluate(&subject()),
            Err(mistake) => prop_assert!(mistake.at.start <= mistake.at.end && mistake.at.end <= text.len()),
        }
    }

    #[test]
    fn the_normal_form_says_the_same_and_is_its_own(text in condition()) {
        let condition = Expression::compile(&text).unwrap();
        let normal = Expression::compile(&condition.normal()).unwrap();
        prop_assert_eq!(normal.normal(), condition.normal());
        for subject in [subject(), Subject::default(), Subject { title: "a", ..subject() }] {
            prop_assert_eq!(normal.evaluate(&subject), condition.evaluate(&subject), "{}", condition.normal());
        }
        _ = condition.in_words();
    }
}
