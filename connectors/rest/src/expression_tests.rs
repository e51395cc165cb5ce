//! What expressions read and build, and what bounds them.

use proptest::prelude::*;
use serde_json::json;
use url::Url;

use super::*;

#[derive(Deserialize)]
struct One {
    it: Expression,
}

#[derive(Deserialize)]
struct Path {
    it: Template,
}

fn expression(source: &str) -> Expression {
    toml::from_str::<One>(&format!("it = {}", toml::Value::from(source)))
        .unwrap_or_else(|error| panic!("{error}"))
        .it
}

fn template(source: &str) -> Template {
    toml::from_str::<Path>(&format!("it = {}", toml::Value::from(source))).unwrap().it
}

fn scope() -> Scope {
    let answer = json!({
        "ticket": { "id": 7, "name": "é", "big": 9_007_199_254_740_993_u64, "none": null, "empty": "",
                    "notes": [{ "id": "1", "private": false, "files": [{ "n": "a" }, { "n": "b" }] },
                              { "id": 2, "private": true }] },
    });
    Scope::default().with("answer", value_of(&answer))
}

#[test]
fn expressions_read_what_is_there_and_nothing_where_it_is_not() {
    for (source, text) in [
        ("answer.ticket.id", Some("7")),
        ("answer.ticket['name']", Some("é")),
        ("answer.ticket.big", Some("9007199254740993")),
        ("answer.ticket.none", None),
        ("answer.ticket.empty", None),
        ("answer.ticket.nothing.at.all", None),
        ("nobody.at.home", None),
        ("(answer.ticket.notes | last).id", Some("2")),
        ("answer.ticket.notes | selectattr('private') | map(attribute='id') | join(',')", Some("2")),
        ("'T-' ~ answer.ticket.id", Some("T-7")),
        ("answer.ticket.nothing or 'default'", Some("default")),
        ("(answer.ticket.notes | each('files') | last).n", Some("b")),
        ("answer.ticket.id == 7", Some("true")),
    ] {
        assert_eq!(expression(source).text(&scope()).unwrap().as_deref(), text, "{source}");
    }
}

#[test]
fn what_is_no_text_is_not_taken_for_one() {
    for source in ["answer.ticket.notes", "answer.ticket", "1.5"] {
        let failed = expression(source).text(&scope()).unwrap_err();
        assert!(failed.why.contains("where text belongs"), "{source}: {}", failed.why);
    }
    for source in ["answer.ticket.id", "answer.ticket", "answer.nothing", "answer.ticket.none", "'text'"] {
        assert!(expression(source).list(&scope()).is_err(), "{source}");
    }
}

#[test]
fn a_body_leaves_out_what_is_absent_and_keeps_what_is_null() {
    let body = "{ 'id': answer.ticket.id, 'gone': answer.ticket.nothing, 'null': answer.ticket.none,
                  'empty': answer.ticket.empty | or_null, 'absent': answer.ticket.nothing | or_null,
                  'list': [1, answer.nothing, { 'a': answer.ticket.name }], 'yes': true }";
    let built = expression(body).json(&scope()).unwrap().unwrap();
    assert_eq!(
        built,
        json!({ "id": 7, "null": null, "empty": null, "list": [1, { "a": "é" }], "yes": true })
    );
    assert_eq!(expression("answer.nothing").json(&scope()).unwrap(), None);
}

#[test]
fn a_name_that_is_not_there_is_told_before_anything_is_sent() {
    let wrong = |source: &str| expression(source).check(&["answer", "id"]);
    assert!(wrong("answer.ticket.anything ~ id").is_empty());
    assert_eq!(wrong("anwser.ticket")[0].why, "\"anwser\" is no name here; there are: answer, id");
    assert_eq!(wrong("answer | upcase")[0].why, "unknown filter: filter upcase is unknown");
    assert_eq!(wrong("range(10)")[0].why, "\"range\" is no name here; there are: answer, id");
    assert_eq!(template("a/{{ nobody }}").check(&["id"])[0].why, "\"nobody\" is no name here; there are: id");
    assert!(toml::from_str::<One>("it = \"answer.\"").is_err());
    assert!(toml::from_str::<Path>("it = \"{{ answer\"").is_err());
}

#[test]
fn files_environment_and_other_templates_are_out_of_reach() {
    for source in
        ["{% include 'x' %}", "{% import 'x' as y %}", "{% macro a() %}{% endmacro %}", "{% extends 'x' %}"]
    {
        assert!(toml::from_str::<Path>(&format!("it = {}", toml::Value::from(source))).is_err(), "{source}");
    }
    for name in ["open", "env", "input", "debug", "range", "namespace", "dict", "lipsum", "cycler"] {
        assert!(!expression(&format!("{name}('x')")).check(&[]).is_empty(), "{name}");
    }
}

/// Work and memory that grow with every step, also without a loop.
#[test]
fn whatever_an_expression_does_it_comes_to_an_end() {
    let longer =
        (0..12).fold("'x' * 1000".to_owned(), |inner, _| format!("({inner}) | replace('x', 'xxxxxxxx')"));
    let promised = (0..9).fold("answer.list".to_owned(), |inner, _| format!("({inner} + {inner})"));
    let members: Vec<u32> = (0..10_000).collect();
    let scope =
        Scope::default().with("answer", value_of(&json!({ "list": members, "text": "ab".repeat(1 << 20) })));
    for source in [
        "'x' * 100000000",
        "[1, 2, 3] * 100000000",
        "10 ** 10 ** 10 ** 10",
        "'%1000000000d' | format(1)",
        "answer.list | batch(1) | list | batch(1) | list | map('string') | join(',')",
        "answer.list | sort | unique | groupby | list",
        "answer.text | replace('a', answer.text)",
        "answer.text | split('') | join(answer.text)",
        &promised,
        &longer,
    ] {
        let Ok(one) = toml::from_str::<One>(&format!("it = {}", toml::Value::from(source))) else { continue };
        drop(one.it.json(&scope));
        drop(one.it.list(&scope));
        // Either it fails, or what it gives is of a size that its fuel could pay for.
        if let Ok(Some(text)) = one.it.text(&scope) {
            assert!(text.len() < 8 << 20, "{} bytes", text.len());
        }
    }
    let spins =
        template("{% for a in answer.list %}{% for b in answer.list %}{{ b }}{% endfor %}{% endfor %}");
    assert!(spins.text(&scope).unwrap_err().why.contains("more steps or memory"));
}

#[test]
fn what_a_desk_sent_is_not_quoted_in_an_error() {
    let scope = Scope::default()
        .with("answer", value_of(&json!({ "text": "for staff only", "list": ["for staff only"] })));
    for source in [
        "answer.text | int",
        "answer.text + 1",
        "answer.text.call()",
        "answer.list | sum",
        "answer.text | split(1)",
    ] {
        if let Err(failed) = expression(source).value(&scope) {
            assert!(!failed.why.contains("staff"), "{source}: {}", failed.why);
        }
    }
}

proptest! {
    #[test]
    fn no_value_adds_anything_to_an_address_but_itself(value in "[\\PC\r\n/?#%.]{0,12}", number in any::<i64>()) {
        let path = template("a/{{ value }}/b?c={{ value }}&d={{ number }}");
        let scope = Scope::default().with("value", value.as_str()).with("number", number);
        let Ok(text) = path.text(&scope) else {
            prop_assert!(["", ".", ".."].contains(&value.as_str()));
            return Ok(());
        };
        let url = Url::parse("https://desk.example/x/").unwrap().join(&text).unwrap();
        let segments: Vec<&str> = url.path_segments().unwrap().collect();
        prop_assert_eq!((segments.len(), segments[0], segments[1], segments[3]), (4, "x", "a", "b"));
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        prop_assert_eq!(pairs, [("c".to_owned(), value), ("d".to_owned(), number.to_string())]);
        prop_assert_eq!(url.fragment(), None);
    }

    #[test]
    fn json_comes_out_as_it_went_in(text in "\\PC{0,20}", number in any::<i64>(), small in any::<u64>(), flag in any::<bool>()) {
        let json = json!({ "text": text, "n": [number, small, null, flag, { "deep": [[]] }], "é": {} });
        let back = expression("answer").json(&Scope::default().with("answer", value_of(&json))).unwrap();
        prop_assert_eq!(back, Some(json));
    }

    #[test]
    fn nothing_that_stands_in_a_manifest_panics(source in "\\PC{0,60}", answer in "\\PC{0,20}") {
        if let Ok(one) = toml::from_str::<One>(&format!("it = {}", toml::Value::from(source.as_str()))) {
            drop(one.it.json(&Scope::default().with("answer", answer.as_str())));
            one.it.check(&["answer"]);
        }
        if let Ok(path) = toml::from_str::<Path>(&format!("it = {}", toml::Value::from(source))) {
            drop(path.it.text(&Scope::default().with("answer", answer)));
        }
    }
}
