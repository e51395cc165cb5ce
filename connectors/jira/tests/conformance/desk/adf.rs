//! The Atlassian Document Format as Jira checks it: a document with anything unknown in it is refused whole.
//!
//! From [Document structure](https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/).

use serde_json::Value;

const INLINE: &[&str] = &["text", "hardBreak", "mention", "emoji", "inlineCard", "date", "status"];
const BLOCK: &[&str] = &[
    "paragraph",
    "heading",
    "bulletList",
    "orderedList",
    "codeBlock",
    "blockquote",
    "rule",
    "panel",
    "table",
    "mediaSingle",
    "mediaGroup",
];

/// What is wrong with a document.
pub(crate) fn check(document: &Value) -> Result<(), String> {
    if document["type"] != "doc" || document["version"] != 1 || !document["content"].is_array() {
        return Err("Operation value must be an Atlassian Document".to_owned());
    }
    only(document, &["type", "version", "content"])?;
    children(document, BLOCK)
}

fn children(node: &Value, allowed: &[&str]) -> Result<(), String> {
    for child in node["content"].as_array().map(Vec::as_slice).unwrap_or_default() {
        let kind = child["type"].as_str().ok_or("a node without type")?;
        if !allowed.contains(&kind) {
            return Err(format!("{kind} in {}", node["type"]));
        }
        one(child, kind)?;
    }
    Ok(())
}

fn one(node: &Value, kind: &str) -> Result<(), String> {
    let filled = || match node["content"].as_array() {
        Some(content) if !content.is_empty() => Ok(()),
        _ => Err(format!("an empty {kind}")),
    };
    let attrs = |allowed: &[&str]| only(&node["attrs"], allowed);
    match kind {
        "text" => {
            only(node, &["type", "text", "marks"])?;
            if node["text"].as_str().is_none_or(str::is_empty) {
                return Err("an empty text".to_owned());
            }
            marks(node)
        }
        "hardBreak" => only(node, &["type", "attrs"]),
        "paragraph" => {
            only(node, &["type", "content", "attrs"])?;
            attrs(&["localId"])?;
            children(node, INLINE)
        }
        "heading" => {
            attrs(&["level", "localId"])?;
            let level = node["attrs"]["level"].as_u64().unwrap_or_default();
            if !(1..=6).contains(&level) {
                return Err(format!("a heading of level {level}"));
            }
            children(node, INLINE)
        }
        "bulletList" | "orderedList" => {
            attrs(&["order", "localId"])?;
            filled()?;
            children(node, &["listItem"])
        }
        "listItem" => {
            filled()?;
            let first = node["content"][0]["type"].as_str().unwrap_or_default();
            if !["paragraph", "codeBlock", "mediaSingle"].contains(&first) {
                return Err(format!("a list item that begins with {first}"));
            }
            children(node, &["paragraph", "bulletList", "orderedList", "codeBlock", "mediaSingle"])
        }
        "codeBlock" => {
            attrs(&["language", "uniqueId", "localId"])?;
            let marked =
                node["content"].as_array().into_iter().flatten().any(|text| text.get("marks").is_some());
            if marked {
                return Err("marks in a code block".to_owned());
            }
            children(node, &["text"])
        }
        "blockquote" => {
            filled()?;
            children(
                node,
                &["paragraph", "bulletList", "orderedList", "codeBlock", "mediaSingle", "mediaGroup"],
            )
        }
        "rule" => only(node, &["type", "attrs"]),
        "panel" => {
            attrs(&["panelType", "localId"])?;
            filled()?;
            children(node, &["paragraph", "heading", "bulletList", "orderedList"])
        }
        "table" => {
            filled()?;
            children(node, &["tableRow"])
        }
        "tableRow" => children(node, &["tableCell", "tableHeader"]),
        "tableCell" | "tableHeader" => {
            filled()?;
            children(node, BLOCK)
        }
        "mediaGroup" | "mediaSingle" => children(node, &["media"]),
        _ => Ok(()),
    }
}

fn marks(text: &Value) -> Result<(), String> {
    let all = text["marks"].as_array().map(Vec::as_slice).unwrap_or_default();
    let kinds: Vec<&str> = all.iter().filter_map(|mark| mark["type"].as_str()).collect();
    for (mark, kind) in all.iter().zip(&kinds) {
        match *kind {
            "strong" | "em" | "code" | "strike" | "underline" => only(mark, &["type"])?,
            "link" => {
                only(&mark["attrs"], &["href", "title", "id", "collection", "occurrenceKey"])?;
                if mark["attrs"]["href"].as_str().is_none_or(str::is_empty) {
                    return Err("a link to nowhere".to_owned());
                }
            }
            "subsup" | "textColor" | "backgroundColor" => {}
            other => return Err(format!("the mark {other}")),
        }
        if kinds.iter().filter(|other| *other == kind).count() > 1 {
            return Err(format!("the mark {kind} twice"));
        }
    }
    if kinds.contains(&"code") && kinds.iter().any(|kind| !["code", "link"].contains(kind)) {
        return Err("code with other marks".to_owned());
    }
    Ok(())
}

fn only(object: &Value, allowed: &[&str]) -> Result<(), String> {
    let unknown =
        object.as_object().and_then(|object| object.keys().find(|key| !allowed.contains(&key.as_str())));
    unknown.map_or(Ok(()), |key| Err(format!("the attribute {key}")))
}

/// The document as Jira gives it back: with ids of its own on paragraphs, and like texts beside one another joined.
pub(crate) fn stored(document: &Value) -> Value {
    let mut node = document.clone();
    if let Some(content) = node["content"].as_array() {
        let mut joined: Vec<Value> = Vec::new();
        for child in content.iter().map(stored) {
            match joined.last_mut() {
                Some(last)
                    if last["type"] == "text"
                        && child["type"] == "text"
                        && last["marks"] == child["marks"] =>
                {
                    let text =
                        format!("{}{}", last["text"].as_str().unwrap(), child["text"].as_str().unwrap());
                    last["text"] = text.into();
                }
                _ => joined.push(child),
            }
        }
        if node["type"] == "paragraph" {
            node["attrs"]["localId"] = format!("{:012x}", joined.len()).into();
        }
        node["content"] = joined.into();
    }
    node
}
