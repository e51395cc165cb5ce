//! Conditions as an admin writes them: what they take, what they refuse at load, and what they do without a value.

use proptest::prelude::*;

use super::{Asked, Expression, MAX_BYTES, Subject};
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
        ("size(ticket.fields) == 2", "true"),
        ("ticket.fields.exists(name, name == \"Partner\")", "true"),
        ("ticket.fields.all(name, name != \"Partner\")", "false"),
        ("[\"ERP\", \"CRM\"].exists(word, ticket.title.contains(word))", "true"),
        ("[\"ERP\", \"CRM\"].all(word, ticket.title.contains(word))", "false"),
        ("[\"a\"].exists(one, [\"a\", \"b\"].exists(other, one != other))", "true"),
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
        "5 == ticket.title",
        "ticket.title < 5",
        "5 < ticket.title",
        "\"x\" in ticket.title",
        "5 in [\"x\"]",
        "true in ticket.fields",
        "size(ticket.title).contains(\"x\")",
        "ticket.lower() == \"x\"",
        "ticket.title.size(1) == 1",
        "ticket.has(\"type\")",
        "exists(ticket.title)",
        "[\"x\"].all(x)",
        "lower(ticket.title) == \"x\"",
        "ticket.title.exists(letter, letter == \"x\")",
        "[\"a\"].exists(x, [\"b\"].exists(y, [\"c\"].exists(z, x == y)))",
        "ticket.fields.urgnt == \"x\" && ticket.priority == \"urgnt\"",
        "true )",
    ];
    let lines: Vec<String> = all
        .iter()
        .map(|text| {
            let mistake = Expression::compile(text).unwrap_err();
            let words = match &mistake.word {
                Some(word) => format!(": {word} is none of {:?}", mistake.valid),
                None => String::new(),
            };
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
    let written = " ticket.type=='Incident'";
    assert_eq!(Expression::compile(written).unwrap().text(), written, "it is shown as it was written");
    assert!(same("ticket.fields.Impact == 'x'", "ticket.fields[\"Impact\"] == \"x\""));
    assert!(same("size(ticket.title) > 3", "ticket.title.size() > 3"));
    assert!(!same(
        "ticket.type == 'a' && (ticket.type == 'b' || true)",
        "ticket.type == 'a' && ticket.type == 'b' || true"
    ));
    assert!(!same("!(ticket.type == 'a' && true)", "!(ticket.type == 'a') && true"));
}

#[test]
fn a_condition_tells_what_it_asks_for() {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let none = Asked::default;
    for (text, asked) in [
        ("ticket.title.contains(\"x\")", Asked { title: true, ..none() }),
        ("size(ticket.description) > 3", Asked { description: true, ..none() }),
        ("ticket.status == \"open\"", Asked { status: true, ..none() }),
        ("ticket.priority >= \"high\"", Asked { priority: true, ..none() }),
        ("has(ticket.type)", Asked { kind: true, ..none() }),
        (
            "ticket.type in [\"Incident\", \"Request\"] || ticket.type == \"Task\" || \"Bug\" == ticket.type",
            Asked { kind: true, kinds: words(&["Bug", "Incident", "Request", "Task"]), ..none() },
        ),
        (
            "ticket.fields.Impact == \"x\" && \"Partner\" in ticket.fields && ticket.fields[\"Site\"] == \"y\"",
            Asked { fields: words(&["Impact", "Partner", "Site"]), ..none() },
        ),
        ("ticket.fields.exists(name, name == \"x\")", Asked { any_field: true, ..none() }),
    ] {
        let condition = Expression::compile(text).unwrap();
        assert_eq!(*condition.asked(), asked, "{text}");
        assert!(!condition.asked().is_empty(), "{text}");
    }
    for text in ["true", "system == \"helpdesk\" && party.lower() == \"contoso\""] {
        assert!(Expression::compile(text).unwrap().asked().is_empty(), "{text}");
    }
}

#[test]
fn a_condition_is_as_long_and_as_deep_as_it_may_be_and_no_more() {
    let says = |text: &str| match Expression::compile(text) {
        Ok(condition) => condition.evaluate(&subject()).unwrap().to_string(),
        Err(mistake) => mistake.to_string(),
    };
    let padded = |bytes: usize| format!("{:>bytes$}", "true");
    assert_eq!(says(&padded(MAX_BYTES)), "true");
    assert_eq!(says(&padded(MAX_BYTES + 1)), "a condition has 2000 bytes at most");
    let chained = |links: usize| format!("true{}", " == true".repeat(links));
    assert_eq!(says(&chained(31)), "true");
    assert_eq!(says(&chained(32)), "too much stands in brackets here; take it apart");
    assert_eq!(says(&format!("true{}", " && true".repeat(240))), "true", "what stands beside is not deep");
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
