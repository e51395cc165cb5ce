//! Documents as Atlassian's pages show them, and what may stand in what.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{read, write};
use crate::laws;
use crate::loss::Loss;
use crate::{normal, print};

#[expect(clippy::needless_pass_by_value, reason = "reads like the table it is")]
fn check(content: Value, text: &str, lost: &[Loss]) {
    let document = json!({ "version": 1, "type": "doc", "content": content });
    let read = read(&document);
    assert_eq!(read.text, text, "{document}");
    assert_eq!(read.lost, lost, "{document}");
}

#[test]
fn the_documented_nodes_read() {
    check(
        json!([{ "type": "paragraph", "content": [
            { "type": "text", "text": "Hello " },
            { "type": "text", "text": "world", "marks": [{ "type": "strong" }] },
            { "type": "hardBreak" },
            { "type": "text", "text": "a*b", "marks": [{ "type": "link", "attrs": { "href": "https://a.test" } }] },
        ] }]),
        "Hello **world**\n[a\\*b](https://a.test)",
        &[],
    );
    check(
        json!([
            { "type": "heading", "attrs": { "level": 2 }, "content": [{ "type": "text", "text": "Title" }] },
            { "type": "orderedList", "attrs": { "order": 3 }, "content": [{ "type": "listItem", "content": [
                { "type": "paragraph", "content": [{ "type": "text", "text": "a" }] },
                { "type": "bulletList", "content": [{ "type": "listItem", "content": [
                    { "type": "paragraph", "content": [{ "type": "text", "text": "b" }] }] }] }] }] },
            { "type": "codeBlock", "attrs": { "language": "javascript" }, "content": [{ "type": "text", "text": "var a;\nb" }] },
            { "type": "rule" },
        ]),
        "## Title\n\n3. a\n   - b\n\n```javascript\nvar a;\nb\n```\n\n***",
        &[],
    );
}

#[test]
fn what_only_atlassian_shows_is_told() {
    check(
        json!([{ "type": "paragraph", "content": [
            { "type": "mention", "attrs": { "id": "ABCDE", "text": "@Bradley Ayers", "userType": "APP" } },
            { "type": "text", "text": " " },
            { "type": "status", "attrs": { "localId": "x", "text": "In Progress", "color": "yellow" } },
            { "type": "text", "text": " by " },
            { "type": "date", "attrs": { "timestamp": "1582152559" } },
            { "type": "emoji", "attrs": { "shortName": ":grinning:", "text": "😀" } },
            { "type": "inlineCard", "attrs": { "url": "https://a.test/x" } },
        ] }]),
        "@Bradley Ayers In Progress by 1970-01-19😀https://a.test/x",
        &[Loss::Color, Loss::Mention],
    );
    check(
        json!([{ "type": "table", "content": [
            { "type": "tableRow", "content": [
                { "type": "tableHeader", "content": [{ "type": "paragraph", "content": [{ "type": "text", "text": "a" }] }] },
                { "type": "tableHeader", "content": [{ "type": "paragraph", "content": [{ "type": "text", "text": "b" }] }] }] },
            { "type": "tableRow", "content": [
                { "type": "tableCell", "content": [{ "type": "paragraph", "content": [{ "type": "text", "text": "1" }] }] },
                { "type": "tableCell", "content": [] }] }] }]),
        "a | b\n1 |",
        &[Loss::Table],
    );
    check(
        json!([{ "type": "mediaSingle", "attrs": { "layout": "center" }, "content": [
            { "type": "media", "attrs": { "id": "4478e39c", "type": "file", "collection": "", "alt": "screen 1.png" } }] }]),
        "![](<screen 1.png>)",
        &[],
    );
    check(
        json!([{ "type": "bodiedExtension", "content": [{ "type": "paragraph", "content": [{ "type": "text", "text": "x" }] }] }]),
        "x",
        &[Loss::Macro],
    );
    check(
        json!([{ "type": "taskList", "content": [{ "type": "taskItem", "attrs": { "state": "DONE" }, "content": [{ "type": "text", "text": "x" }] }] }]),
        "- [x] x",
        &[Loss::Task],
    );
    assert_eq!(read(&json!("plain *text*")).text, "plain \\*text\\*");
    assert_eq!(read(&Value::Null).text, "");
}

/// Whether a node stands where the schema allows it, and is one of those that do nothing.
fn is_allowed(node: &Value, parent: &str) -> bool {
    let kind = node["type"].as_str().unwrap_or_default();
    let allowed = match kind {
        "doc" => parent.is_empty(),
        "paragraph" | "codeBlock" | "bulletList" | "orderedList" => {
            ["doc", "blockquote", "listItem"].contains(&parent)
        }
        "heading" | "blockquote" | "rule" => parent == "doc",
        "listItem" => ["bulletList", "orderedList"].contains(&parent),
        "text" => ["paragraph", "heading", "codeBlock"].contains(&parent),
        "hardBreak" => parent == "paragraph",
        _ => false,
    };
    let marks: Vec<&str> =
        node["marks"].as_array().into_iter().flatten().filter_map(|mark| mark["type"].as_str()).collect();
    let code_alone = !marks.contains(&"code") || marks.iter().all(|mark| ["code", "link"].contains(mark));
    let filled = kind != "text" || node["text"].as_str().is_some_and(|text| !text.is_empty());
    let children = node["content"].as_array().map(Vec::as_slice).unwrap_or_default();
    let starts = kind != "listItem"
        || children.first().is_some_and(|first| first["type"] == "paragraph" || first["type"] == "codeBlock");
    allowed && code_alone && filled && starts && children.iter().all(|child| is_allowed(child, kind))
}

/// Any value, with the schema's words in it.
fn value() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec![
        "doc",
        "paragraph",
        "text",
        "heading",
        "listItem",
        "bulletList",
        "orderedList",
        "codeBlock",
        "table",
        "tableRow",
        "tableCell",
        "media",
        "mention",
        "taskItem",
        "strong",
        "link",
        "code",
        "panel",
        "x",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        laws::text().prop_map(Value::from)
    ];
    leaf.prop_recursive(6, 60, 6, move |inner| {
        let nodes = prop::collection::vec(inner.clone(), 0..5);
        (word.clone(), nodes.clone(), nodes, inner, laws::text()).prop_map(|(kind, content, marks, attrs, text)| {
            json!({ "type": kind, "content": content, "marks": marks, "attrs": attrs, "text": text })
        })
    })
}

proptest! {
    #[test]
    fn a_document_gives_back_what_it_was_given(tree in laws::tree()) {
        let text = print(&tree);
        let (document, lost) = write(&text);
        let back = read(&document);
        prop_assert!(is_allowed(&document, ""), "{}", document);
        prop_assert!(back.text == text || !lost.is_empty(), "{:?} {:?} {}", back.text, text, document);
    }

    #[test]
    fn any_document_is_read(document in value()) {
        let read = read(&document);
        prop_assert_eq!(normal(&read.text), read.text);
    }
}
