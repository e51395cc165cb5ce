//! What a stranger writes wrong is told with its line, before any request is sent.

use std::collections::BTreeMap;

use throughline_rest::{EXAMPLE, build};
use throughline_sdk::{ErrorKind, Settings};

/// The line of the example where a text stands, as an error names it.
fn line_of(text: &str) -> usize {
    EXAMPLE.split(text).next().unwrap().matches('\n').count() + 1
}

fn mistake(text: &str) -> String {
    let path =
        std::env::temp_dir().join(format!("throughline-mistake-{}-{:p}.toml", std::process::id(), &text));
    std::fs::write(&path, text).unwrap();
    let settings = Settings {
        values: BTreeMap::from([
            ("url".to_owned(), "http://desk.test/".into()),
            ("manifest".to_owned(), path.to_str().unwrap().into()),
        ]),
        secrets: BTreeMap::from([("secret".to_owned(), "secret".into())]),
    };
    let error = build(&settings).map(drop).unwrap_err();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(error.message().starts_with("the setting manifest "), "{error}");
    error.message().replace(path.to_str().unwrap(), "desk.toml")
}

#[test]
fn each_mistake_is_told_with_its_place() {
    for (from, to, at, told) in [
        ("product = \"Example Desk\"\n", "", None, "missing field `product`"),
        (
            "title = \"ticket.subject\"",
            "titel = \"ticket.subject\"",
            Some("title ="),
            "unknown field `titel`, expected one of",
        ),
        (
            "title = \"ticket.subject\"",
            "title = \"ticket.\"",
            Some("title ="),
            "syntax error: unexpected end of input, expected identifier",
        ),
        (
            "title = \"ticket.subject\"",
            "title = \"tikcet.subject\"",
            Some("title ="),
            "\"tikcet\" is no name here; there are: settings, user, answer, code, headers, ticket, id, in `tikcet.subject`",
        ),
        (
            "title = \"ticket.subject\"",
            "title = \"ticket.subject | shout\"",
            Some("title ="),
            "unknown filter: filter shout is unknown, in `ticket.subject | shout`",
        ),
        (
            "\"GET me\"",
            "\"FETCH me\"",
            Some("\"GET me\""),
            "a request begins with GET, POST, PUT, PATCH or DELETE",
        ),
        (
            "\"GET tickets/{{ id }}\"",
            "\"GET tickets/{{ nr }}\"",
            Some("\"GET tickets/{{ id }}\""),
            "\"nr\" is no name here; there are: settings, user, id, in `tickets/{{ nr }}`",
        ),
        (
            "lag = \"5s\"",
            "lag = \"5 seconds\"",
            Some("lag = \"5s\""),
            "a length of time is a number and a unit",
        ),
        (
            "class = \"c2\"\nrequest = \"POST tickets\"",
            "class = \"c7\"\nrequest = \"POST tickets\"",
            Some("class = \"c2\"\nrequest = \"POST tickets\""),
            "unknown variant `c7`, expected one of `c0`, `c1`, `c2`, `c3`, `c4`",
        ),
        (
            "kind = \"not_found\"",
            "kind = \"missing\"",
            Some("    { when = \"answer.error.code == 'no_such_ticket'\""),
            "unknown variant `missing`",
        ),
    ] {
        assert_eq!(EXAMPLE.matches(from).count(), 1, "the example has {from:?} once");
        let said = mistake(&EXAMPLE.replace(from, to));
        let line = at.map_or(1, line_of);
        assert!(said.contains(&format!("desk.toml:{line}: ")), "{to}: {said}");
        assert!(said.contains(told), "{to}: {said}");
    }
}

#[test]
fn what_contradicts_itself_is_told() {
    for (from, to, told) in [
        ("format = \"rfc3339\"", "format = \"iso\"", "the format \"iso\" is neither"),
        (
            "{ desk = 3, word = \"High\" }",
            "{ desk = \"2\", word = \"High\" }",
            "[words] priority says \"2\" twice",
        ),
        (
            "public = [false], internal = [true]",
            "internal = [true]",
            "[comments.visibility] lists no value that is public",
        ),
        ("visibility = { always = \"public\" }\n", "", "[files] needs `visibility`"),
        ("changed_from={{ since }}&", "", "[changes] needs `since` in its request"),
        ("    'external_ref': marker,\n", "", "[create] has a class other than \"c4\" and sends neither"),
        (
            "form = { remark = \"marker\" }",
            "raw = true\nform = { remark = \"marker\" }",
            "[attach] takes one of",
        ),
        ("version = \"ticket.revision\"\n", "", "[update] has a `condition`, and [ticket] no `version`"),
        ("header = \"X-Hub-Signature-256\"", "header = \"X Hub\"", "names no header field"),
        ("link_label = \"ticket.link.label\"\nlink_url = \"ticket.link.url\"\n", "", "[link_back] needs"),
        ("link_url = \"ticket.link.url\"\n", "link_line = \"ticket.link\"\n", "[ticket] has either"),
        (
            "default = \"Support\"\n",
            "",
            "the setting settings lacks \"team\": the team that new tickets go to",
        ),
    ] {
        assert_eq!(EXAMPLE.matches(from).count(), 1, "the example has {from:?} once");
        let text = EXAMPLE.replace(from, to);
        let said = if from.starts_with("default") { settings_mistake(&text) } else { mistake(&text) };
        assert!(said.contains(told), "{to}: {said}");
    }
}

fn settings_mistake(text: &str) -> String {
    let path = std::env::temp_dir().join(format!("throughline-settings-{}.toml", std::process::id()));
    std::fs::write(&path, text).unwrap();
    let mut settings = Settings::default();
    settings.values.insert("url".to_owned(), "http://desk.test/".into());
    settings.values.insert("manifest".to_owned(), path.to_str().unwrap().into());
    settings.secrets.insert("secret".to_owned(), "secret".into());
    let error = build(&settings).map(drop).unwrap_err();
    std::fs::remove_file(&path).unwrap();
    error.to_string()
}

#[test]
fn a_manifest_that_is_not_there_is_told_with_the_names_of_those_that_are() {
    let mut settings = Settings::default();
    settings.values.insert("url".to_owned(), "http://desk.test/".into());
    settings.values.insert("manifest".to_owned(), "/nowhere/desk.toml".into());
    let said = build(&settings).map(drop).unwrap_err().to_string();
    assert!(said.contains("/nowhere/desk.toml cannot be read") && said.contains("django-helpdesk"), "{said}");
}
