//! The query language: what is understood, and what is said of mistakes.

use crate::find::Query;

fn mistake(line: &str) -> String {
    Query::parse(line).expect_err("it has a mistake").to_string()
}

#[test]
fn a_mistake_says_what_is_wrong_where() {
    let all = [
        "printer status:opne",
        "stauts:open",
        "is:prked",
        "view:all",
        "priority:high,asap",
        "is:open silent:2w",
        "party:",
        "mail \"printer room",
        "silent:99999999999d",
    ]
    .map(|line| format!("{line}\n  {}", mistake(line)));
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn one_thing_has_several_spellings() {
    let pairs = [
        ("is:waiting-us", "view:WAITING_US"),
        ("is:silent", "silent:2d"),
        ("silent:2d", "silent:48h"),
        ("status:on_hold", "Status:On-Hold"),
        ("status:open,new", "status:new,open"),
        ("Grösse", "GRO\u{308}ßE"),
        ("party:\"Big Corp\"", "party:big\" corp\""),
        ("", "  *  "),
    ];
    for (one, other) in pairs {
        let plain = |line: &str| {
            let parts = Query::parse(line).unwrap().parts;
            parts.into_iter().map(|part| part.wanted).collect::<Vec<_>>()
        };
        assert_eq!(plain(one), plain(other), "{one} and {other}");
    }
}

#[test]
fn what_looks_like_a_filter_may_be_a_ticket() {
    assert!(Query::parse("helpdesk:4711").is_ok());
    assert!(Query::parse("\"status:4711\"").is_ok());
    assert!(Query::parse("https://desk.example/4711").is_ok());
}

#[test]
fn a_query_is_bounded() {
    assert!(mistake(&"x".repeat(1001)).contains("1000 characters"));
    assert!(mistake(&"x ".repeat(17)).contains("16 parts"));
}

proptest::proptest! {
    #[test]
    fn any_line_is_read_or_refused(line in "\\PC{0,60}", filter in "(is|party|status|silent|x|):[^ ]{0,9}") {
        drop(Query::parse(&line));
        drop(Query::parse(&filter));
    }
}
