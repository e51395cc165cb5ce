//! Textile as canonical text: its blocks.

use super::phrases::Line;
use super::{is_rule, prefix};
use crate::bound;
use crate::builder::{Builder, Container};
use crate::lists::Lists;
use crate::loss::{Loss, Text};
use crate::markdown::print;
use crate::phrase::Phrases;
use crate::tree::Block;

/// Textile as canonical text.
pub fn read(textile: &str) -> Text {
    let (textile, cut) = bound(textile);
    let unified = textile.replace("\r\n", "\n").replace('\r', "\n");
    let mut reader = Reader::default();
    if cut {
        reader.builder.losses.add(Loss::Length);
    }
    reader.read(&unified);
    reader.level(0);
    let (tree, losses) = reader.builder.finish();
    losses.with(print(&tree))
}

#[derive(Default)]
struct Reader {
    builder: Builder,
    lists: Lists,
    /// How many quotes by `>` are open.
    quotes: usize,
    /// The block in hand is a quote by `bq.`.
    cited: bool,
    /// The block in hand has a line already.
    continues: bool,
}

impl Reader {
    fn read(&mut self, text: &str) {
        let mut rest = text;
        let mut unending = false;
        while !rest.is_empty() {
            let line_end = rest.find('\n').unwrap_or(rest.len());
            let line = rest.get(..line_end).unwrap_or_default();
            let opened = if unending { None } else { line.find("<pre") };
            let tag = opened.and_then(|at| Some((at, line.get(at..)?.find('>')?)));
            if let Some((at, length)) = tag {
                let behind = rest.get(at + length + 1..).unwrap_or_default();
                if let Some(end) = behind.find("</pre>") {
                    let before = line.get(..at).unwrap_or_default();
                    if !before.trim().is_empty() {
                        self.line(before);
                    }
                    self.level(0);
                    self.code(behind.get(..end).unwrap_or_default());
                    rest = behind.get(end + "</pre>".len()..).unwrap_or_default();
                    rest = rest.strip_prefix('\n').unwrap_or(rest);
                    continue;
                }
                unending = true;
            }
            self.line(line);
            rest = rest.get(line_end + 1..).unwrap_or_default();
        }
    }

    fn code(&mut self, text: &str) {
        let inner = text.trim_start();
        let (language, inner) = match inner.strip_prefix("<code").and_then(|tag| tag.split_once('>')) {
            Some((attributes, inner)) => {
                let class = attributes.split_once("class=").map_or("", |(_, class)| class);
                (class.trim_matches(['"', '\'']), inner)
            }
            None => ("", text),
        };
        let inner = inner.trim_end().strip_suffix("</code>").unwrap_or(inner);
        self.builder.push(Block::Code { language: language.to_owned(), text: inner.to_owned() });
    }

    fn line(&mut self, line: &str) {
        let prefix = line.len() - line.trim_start_matches(['>', ' ']).len();
        let (line, level) = if line.starts_with('>') {
            let signs = line.get(..prefix).unwrap_or_default();
            (line.get(prefix..).unwrap_or_default(), signs.matches('>').count())
        } else {
            (line, 0)
        };
        self.level(level);
        self.content(line.trim_matches([' ', '\t']));
    }

    fn level(&mut self, level: usize) {
        if level == self.quotes {
            return;
        }
        self.end_block();
        while self.quotes > level {
            self.builder.close();
            self.quotes -= 1;
        }
        while self.quotes < level {
            self.builder.open(Container::Quote);
            self.quotes += 1;
        }
    }

    fn content(&mut self, line: &str) {
        if line.is_empty() {
            self.end_block();
            return;
        }
        if let Some((signs, text)) = entry(line) {
            self.entry(signs);
            self.inline(text);
            self.continues = true;
            return;
        }
        let row = line.starts_with('|') && line.len() > 1;
        if row || line.starts_with("table(") || line.starts_with("table{") || line == "table." {
            self.builder.losses.add(Loss::Table);
        }
        if !self.continues && is_rule(line) {
            self.builder.push(Block::Rule);
            return;
        }
        if !self.continues && self.lists.is_empty() && self.prefixed(line) {
            return;
        }
        if self.continues {
            self.builder.line_break();
        }
        self.continues = true;
        if row { self.row(line) } else { self.inline(line) }
    }

    fn prefixed(&mut self, line: &str) -> bool {
        let Some((tag, length)) = prefix(line) else { return false };
        if line.get(..length).is_some_and(|prefix| prefix.contains("color")) {
            self.builder.losses.add(Loss::Color);
        }
        match tag {
            "bq" => {
                self.builder.open(Container::Quote);
                self.cited = true;
            }
            "p" => {}
            tag => match (tag.strip_prefix('h'), tag.strip_prefix("fn")) {
                (Some(level), _) => self.builder.heading(level.parse().unwrap_or(1)),
                (None, number) => self.builder.text(&format!("[{}] ", number.unwrap_or_default())),
            },
        }
        self.inline(line.get(length..).unwrap_or_default());
        self.continues = true;
        true
    }

    fn row(&mut self, line: &str) {
        let cells = line.trim_start_matches('|').trim_end().trim_end_matches('|');
        for (number, cell) in cells.split('|').enumerate() {
            if number > 0 {
                self.builder.text(" | ");
            }
            let modifier = cell.split_once(". ").filter(|(modifier, _)| {
                modifier.chars().all(|c| "_\\/<>=^~-".contains(c) || c.is_ascii_digit())
            });
            self.inline(modifier.map_or(cell, |(_, text)| text).trim());
        }
    }

    fn entry(&mut self, signs: &str) {
        if self.lists.is_empty() {
            self.end_block();
        }
        self.lists.entry(signs, &mut self.builder);
    }

    fn end_block(&mut self) {
        self.continues = false;
        self.builder.end_paragraph();
        self.lists.end(0, &mut self.builder);
        if std::mem::take(&mut self.cited) {
            self.builder.close();
        }
    }

    fn inline(&mut self, line: &str) {
        let mut phrases = Phrases::default();
        Line { builder: &mut self.builder, line, linked: false, missing: Vec::new() }.read(&mut phrases);
        phrases.finish(&mut self.builder);
    }
}

fn entry(line: &str) -> Option<(&str, &str)> {
    let run = line.bytes().take_while(|byte| b"*#".contains(byte)).count();
    let signs = line.get(..run).filter(|signs| !signs.is_empty())?;
    Some((signs, line.get(run..)?.strip_prefix(' ')?))
}
