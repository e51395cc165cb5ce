//! Canonical text as an Atlassian document. A document's text means nothing, so nothing has to be escaped.

use serde_json::{Value, json};

use crate::address;
use crate::loss::{Loss, Losses};
use crate::markdown::parse;
use crate::normal;
use crate::plain;
use crate::spans;
use crate::tree::{Block, Inline, Style};

/// Canonical text as a document, and what was lost. Mentions, cards and macros are never written.
///
/// Pictures are told by name: a document can only show what Atlassian's media service knows.
pub fn write(text: &str) -> (Value, Vec<Loss>) {
    let mut losses = Losses::default();
    let content = blocks(&parse(text), Inside::Document, &mut losses);
    (json!({ "version": 1, "type": "doc", "content": content }), losses.into_vec())
}

/// What a block stands in, and so what it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inside {
    Document,
    Quote,
    Item,
}

fn blocks(blocks: &[Block], inside: Inside, losses: &mut Losses) -> Vec<Value> {
    let mut out = Vec::new();
    for block in blocks {
        self::block(block, inside, losses, &mut out);
    }
    out
}

fn block(block: &Block, inside: Inside, losses: &mut Losses, out: &mut Vec<Value>) {
    match block {
        Block::Paragraph(content) => out.push(paragraph(content, losses)),
        Block::Heading { level, content } if inside == Inside::Document => {
            out.push(json!({ "type": "heading", "attrs": { "level": level }, "content": inlines(content, losses) }));
        }
        Block::Heading { content, .. } => {
            losses.add(Loss::Nesting);
            out.push(paragraph(&normal::bold(content), losses));
        }
        Block::List { start, items } => {
            let items: Vec<Value> = items.iter().map(|item| list_item(item, losses)).collect();
            out.push(match start {
                None => json!({ "type": "bulletList", "content": items }),
                Some(start) => {
                    json!({ "type": "orderedList", "attrs": { "order": start }, "content": items })
                }
            });
        }
        Block::Quote(inner) if inside == Inside::Document => {
            out.push(json!({ "type": "blockquote", "content": blocks(inner, Inside::Quote, losses) }));
        }
        Block::Quote(inner) => {
            losses.add(Loss::Nesting);
            out.extend(blocks(inner, inside, losses));
        }
        Block::Code { language, text } => {
            let text = json!([{ "type": "text", "text": text }]);
            out.push(if language.is_empty() {
                json!({ "type": "codeBlock", "content": text })
            } else {
                json!({ "type": "codeBlock", "attrs": { "language": language }, "content": text })
            });
        }
        Block::Rule if inside == Inside::Document => out.push(json!({ "type": "rule" })),
        Block::Rule => {
            losses.add(Loss::Nesting);
            out.push(paragraph(&[Inline::plain("---")], losses));
        }
    }
}

/// An item begins with a paragraph or code.
fn list_item(item: &[Block], losses: &mut Losses) -> Value {
    let mut content = blocks(item, Inside::Item, losses);
    if content.first().is_none_or(|first| !matches!(first["type"].as_str(), Some("paragraph" | "codeBlock")))
    {
        content.insert(0, paragraph(&[], losses));
    }
    json!({ "type": "listItem", "content": content })
}

fn paragraph(content: &[Inline], losses: &mut Losses) -> Value {
    json!({ "type": "paragraph", "content": inlines(content, losses) })
}

fn inlines(content: &[Inline], losses: &mut Losses) -> Vec<Value> {
    let mut out = Vec::new();
    for (number, line) in spans::lines(content).enumerate() {
        if number > 0 {
            out.push(json!({ "type": "hardBreak" }));
        }
        for part in line {
            match part {
                Inline::Text { text, style, link: Some(link) } => {
                    out.push(self::text(text, *style, Some(link)))
                }
                Inline::Text { text, style, link: None } => addressed(text, *style, &mut out),
                Inline::Code { text, link } => {
                    let mut marks = vec![json!({ "type": "code" })];
                    marks.extend(link.as_deref().map(link_mark));
                    out.push(json!({ "type": "text", "text": text, "marks": marks }));
                }
                Inline::Image { name, alt } => {
                    losses.add(Loss::Image);
                    out.push(text(&plain::picture(name, alt), Style::PLAIN, None));
                }
                Inline::Break => {}
            }
        }
    }
    out
}

/// Text, with the addresses in it as links: documents do not make them by themselves.
fn addressed(text: &str, style: Style, out: &mut Vec<Value>) {
    let mut done = 0;
    let mut push = |range: std::ops::Range<usize>, link: Option<&str>| {
        if let Some(text) = text.get(range).filter(|text| !text.is_empty()) {
            out.push(self::text(text, style, link));
        }
    };
    for range in address::find(text) {
        push(done..range.start, None);
        let address = text.get(range.clone()).and_then(address::normal);
        done = range.end;
        push(range, address.as_deref());
    }
    push(done..text.len(), None);
}

fn text(text: &str, style: Style, link: Option<&str>) -> Value {
    let mut marks: Vec<Value> = link.map(link_mark).into_iter().collect();
    for (on, name) in [(style.bold, "strong"), (style.italic, "em"), (style.strike, "strike")] {
        if on {
            marks.push(json!({ "type": name }));
        }
    }
    if marks.is_empty() {
        json!({ "type": "text", "text": text })
    } else {
        json!({ "type": "text", "text": text, "marks": marks })
    }
}

fn link_mark(address: &str) -> Value {
    json!({ "type": "link", "attrs": { "href": address } })
}
