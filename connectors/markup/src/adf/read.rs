//! An Atlassian document as canonical text.

use serde_json::Value;

use crate::LONGEST;
use crate::builder::{Builder, Container};
use crate::loss::{Loss, Text};
use crate::markdown::{image, print};
use crate::plain;
use crate::tree::Block;

/// Nodes nest at most this deep; what lies deeper is not read.
const DEEPEST: usize = 100;

/// A document as canonical text. A document may also be plain text, or null.
pub fn read(document: &Value) -> Text {
    read_with(document, &|_| None)
}

/// As [`read`]; `images` says which of the ticket's files a media id shows, where the document does not name it.
pub fn read_with(document: &Value, images: &dyn Fn(&str) -> Option<String>) -> Text {
    if let Value::String(text) = document {
        return plain::read(text);
    }
    let mut reader = Reader { builder: Builder::default(), images, room: LONGEST };
    reader.node(document, 0);
    let (tree, losses) = reader.builder.finish();
    losses.with(print(&tree))
}

struct Reader<'a> {
    builder: Builder,
    images: &'a dyn Fn(&str) -> Option<String>,
    /// Bytes of text that are still read.
    room: usize,
}

impl Reader<'_> {
    fn children(&mut self, node: &Value, depth: usize) {
        let Some(children) = node.get("content").and_then(Value::as_array) else { return };
        if depth >= DEEPEST {
            self.builder.losses.add(Loss::Nesting);
            return;
        }
        for child in children {
            self.node(child, depth + 1);
        }
    }

    fn node(&mut self, node: &Value, depth: usize) {
        match word(node, "type") {
            "doc"
            | "layoutSection"
            | "layoutColumn"
            | "caption"
            | "multiBodiedExtension"
            | "extensionFrame" => {
                self.children(node, depth);
            }
            "paragraph" => {
                self.children(node, depth);
                self.builder.end_paragraph();
            }
            "heading" => {
                let level = attribute(node, "level").and_then(Value::as_u64).unwrap_or(1);
                self.builder.heading(u8::try_from(level).unwrap_or(6));
                self.children(node, depth);
                self.builder.end_paragraph();
            }
            "bulletList" | "decisionList" => self.contained(Container::List(None), node, depth),
            "orderedList" => {
                let start = attribute(node, "order").and_then(Value::as_u64).unwrap_or(1);
                let start = u32::try_from(start).unwrap_or(u32::MAX);
                self.contained(Container::List(Some(start)), node, depth);
            }
            "listItem" | "decisionItem" => self.contained(Container::Item, node, depth),
            "taskList" => self.contained(Container::List(None), node, depth),
            "taskItem" | "blockTaskItem" => self.task(node, depth),
            "blockquote" => self.contained(Container::Quote, node, depth),
            "panel" => {
                self.builder.losses.add(Loss::Color);
                self.contained(Container::Quote, node, depth);
            }
            "codeBlock" => self.code_block(node),
            "rule" => self.builder.push(Block::Rule),
            "expand" | "nestedExpand" => {
                self.builder.end_paragraph();
                self.builder.bold(true);
                self.text(attribute_text(node, "title"));
                self.builder.bold(false);
                self.builder.end_paragraph();
                self.children(node, depth);
            }
            "table" => {
                self.builder.losses.add(Loss::Table);
                self.builder.end_paragraph();
                self.children(node, depth);
                self.builder.end_paragraph();
            }
            "tableRow" => self.row(node, depth),
            "mediaSingle" | "mediaGroup" => {
                self.builder.end_paragraph();
                self.children(node, depth);
                self.builder.end_paragraph();
            }
            _ => self.inline(node, depth),
        }
    }

    fn inline(&mut self, node: &Value, depth: usize) {
        match word(node, "type") {
            "text" => self.styled(node),
            "hardBreak" => self.builder.line_break(),
            "mention" => {
                self.builder.losses.add(Loss::Mention);
                let name = attribute_text(node, "text");
                self.text(if name.is_empty() { attribute_text(node, "id") } else { name });
            }
            "emoji" => {
                let shown = attribute_text(node, "text");
                self.text(if shown.is_empty() { attribute_text(node, "shortName") } else { shown });
            }
            "date" => self.text(&date(attribute_text(node, "timestamp"))),
            "status" => {
                self.builder.losses.add(Loss::Color);
                self.text(attribute_text(node, "text"));
            }
            "inlineCard" | "blockCard" | "embedCard" => {
                let address = attribute_text(node, "url");
                self.builder.link(address);
                self.text(address);
                self.builder.end_link();
            }
            "media" | "mediaInline" => self.media(node),
            "placeholder" => {}
            "extension" | "inlineExtension" | "bodiedExtension" | "syncBlock" | "bodiedSyncBlock" => {
                self.builder.losses.add(Loss::Macro);
                self.children(node, depth);
            }
            _ => {
                // A node of a later schema: whatever text it holds counts.
                self.builder.losses.add(Loss::Macro);
                self.text(attribute_text(node, "text"));
                self.children(node, depth);
            }
        }
    }

    fn contained(&mut self, container: Container, node: &Value, depth: usize) {
        self.builder.open(container);
        self.children(node, depth);
        self.builder.close();
    }

    fn task(&mut self, node: &Value, depth: usize) {
        self.builder.losses.add(Loss::Task);
        self.builder.open(Container::Item);
        self.text(if attribute_text(node, "state") == "DONE" { "[x] " } else { "[ ] " });
        self.children(node, depth);
        self.builder.close();
    }

    fn code_block(&mut self, node: &Value) {
        let children = node.get("content").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let mut text = String::new();
        for child in children {
            text.push_str(word(child, "text"));
        }
        let text = self.within(&text).to_owned();
        self.builder.push(Block::Code { language: attribute_text(node, "language").to_owned(), text });
    }

    fn row(&mut self, node: &Value, depth: usize) {
        self.builder.line_break();
        let cells = node.get("content").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        for (number, cell) in cells.iter().enumerate() {
            if number > 0 {
                self.text(" | ");
            }
            // A cell of one paragraph stays in its row's line.
            match cell.get("content").and_then(Value::as_array).map(Vec::as_slice) {
                Some([one]) if word(one, "type") == "paragraph" => self.children(one, depth + 1),
                _ => self.children(cell, depth + 1),
            }
        }
    }

    fn media(&mut self, node: &Value) {
        let alt = attribute_text(node, "alt");
        let address = attribute_text(node, "url");
        if word(node.get("attrs").unwrap_or(&Value::Null), "type") == "external" || !address.is_empty() {
            image(address, alt, (self.images)(address).as_deref(), &mut self.builder);
            return;
        }
        // Jira's editor keeps the file's name as the description of what is uploaded.
        let named = (self.images)(attribute_text(node, "id"));
        match named {
            Some(name) => self.builder.image(&name, alt),
            None if !alt.is_empty() => self.builder.image(alt, ""),
            None => self.builder.losses.add(Loss::Image),
        }
    }

    fn styled(&mut self, node: &Value) {
        let marks = node.get("marks").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let (mut code, mut links) = (false, 0);
        for mark in marks {
            match word(mark, "type") {
                "strong" => self.builder.bold(true),
                "em" => self.builder.italic(true),
                "strike" => self.builder.strike(true),
                "code" => code = true,
                "link" => {
                    self.builder.link(attribute_text(mark, "href"));
                    links += 1;
                }
                "underline" | "subsup" => self.builder.losses.add(Loss::Face),
                "textColor" | "backgroundColor" => self.builder.losses.add(Loss::Color),
                // Alignment, comments in the margin and the like do not belong to the text.
                _ => {}
            }
        }
        let text = word(node, "text");
        if code {
            let text = self.within(text);
            self.builder.code(text);
        } else {
            self.text(text);
        }
        for mark in marks {
            match word(mark, "type") {
                "strong" => self.builder.bold(false),
                "em" => self.builder.italic(false),
                "strike" => self.builder.strike(false),
                _ => {}
            }
        }
        (0..links).for_each(|_| self.builder.end_link());
    }

    fn text(&mut self, text: &str) {
        let text = self.within(text);
        self.builder.text(text);
    }

    fn within<'t>(&mut self, text: &'t str) -> &'t str {
        if text.len() <= self.room {
            self.room -= text.len();
            return text;
        }
        self.builder.losses.add(Loss::Length);
        let end = (0..=self.room).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
        self.room = 0;
        text.get(..end).unwrap_or_default()
    }
}

fn word<'v>(node: &'v Value, name: &str) -> &'v str {
    node.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn attribute<'v>(node: &'v Value, name: &str) -> Option<&'v Value> {
    node.get("attrs")?.get(name)
}

fn attribute_text<'v>(node: &'v Value, name: &str) -> &'v str {
    attribute(node, name).and_then(Value::as_str).unwrap_or_default()
}

/// The day of a time in milliseconds since 1970, as people write it; the digits themselves where they are no time.
fn date(milliseconds: &str) -> String {
    let Ok(time) = milliseconds.parse::<i64>() else { return milliseconds.to_owned() };
    // Days since the first of March of the year 0, so that a leap day is the last of its year. The Gregorian calendar
    // repeats itself every 146,097 days.
    let days = time.div_euclid(86_400_000).saturating_add(719_468);
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, later) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    format!("{:04}-{month:02}-{day:02}", year + era * 400 + later)
}

#[cfg(test)]
mod tests {
    #[test]
    fn days_are_those_of_the_calendar() {
        for (time, day) in [
            ("0", "1970-01-01"),
            ("951782400000", "2000-02-29"),
            ("1582152577000", "2020-02-19"),
            ("-1", "1969-12-31"),
            ("soon", "soon"),
            ("9223372036854775807", "292278994-08-17"),
        ] {
            assert_eq!(super::date(time), day);
        }
    }
}
