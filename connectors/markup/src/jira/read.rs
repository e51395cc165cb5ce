//! Jira's wiki markup as canonical text.

use super::ENDS_ADDRESS;
use crate::address;
use crate::bound;
use crate::builder::{Builder, Container};
use crate::entity;
use crate::lists::Lists;
use crate::loss::{Loss, Text};
use crate::markdown::print;
use crate::phrase::{Effect, Phrases};
use crate::tree::Block;

/// Phrases by their signs.
const SIGNS: [(&str, Effect); 7] = [
    ("*", Effect::Bold),
    ("_", Effect::Italic),
    ("-", Effect::Strike),
    ("+", Effect::Face),
    ("^", Effect::Face),
    ("~", Effect::Face),
    ("??", Effect::Italic),
];

/// Macros whose tags are dropped and whose content is kept.
const MACROS: [&str; 20] = [
    "panel",
    "anchor",
    "toc",
    "html",
    "include",
    "excerpt",
    "section",
    "column",
    "info",
    "note",
    "tip",
    "warning",
    "expand",
    "status",
    "chart",
    "jiraissues",
    "gallery",
    "attachments",
    "children",
    "csv",
];

/// Wiki markup as canonical text.
pub fn read(wiki: &str) -> Text {
    let (wiki, cut) = bound(wiki);
    let unified = wiki.replace("\r\n", "\n").replace('\r', "\n");
    let mut reader = Reader::default();
    if cut {
        reader.builder.losses.add(Loss::Length);
    }
    reader.read(&unified);
    reader.end_lists();
    let (tree, losses) = reader.builder.finish();
    losses.with(print(&tree))
}

#[derive(Default)]
struct Reader {
    builder: Builder,
    lists: Lists,
    quoted: bool,
    /// The paragraph or entry in hand has a line already.
    continues: bool,
}

impl Reader {
    fn read(&mut self, text: &str) {
        let mut rest = text;
        // A block that has no end from one place on has none from any later place.
        let mut unending: Vec<&str> = Vec::new();
        while !rest.is_empty() {
            let line_end = rest.find('\n').unwrap_or(rest.len());
            let line = rest.get(..line_end).unwrap_or_default();
            let next = rest.get(line_end + 1..).unwrap_or_default();
            let Some((at, name, length)) = block_macro(line) else {
                self.line(line);
                rest = next;
                continue;
            };
            let before = line.get(..at).unwrap_or_default();
            let tag = line.get(at..at + length).unwrap_or_default();
            let behind = rest.get(at + length..).unwrap_or_default();
            if name == "quote" {
                self.text_before(before);
                self.quote();
                rest = behind;
                continue;
            }
            let end = format!("{{{name}}}");
            let found = if unending.contains(&name) { None } else { behind.find(&end) };
            if let Some(found) = found {
                self.text_before(before);
                self.code(tag, behind.get(..found).unwrap_or_default());
                rest = behind.get(found + end.len()..).unwrap_or_default();
            } else {
                unending.push(if name == "code" { "code" } else { "noformat" });
                self.line(line);
                rest = next;
            }
        }
        if self.quoted {
            self.quote();
        }
    }

    fn text_before(&mut self, text: &str) {
        if !text.trim().is_empty() {
            self.line(text);
        }
        self.end_lists();
    }

    fn quote(&mut self) {
        if self.quoted {
            self.builder.close();
        } else {
            self.builder.open(Container::Quote);
        }
        self.quoted = !self.quoted;
    }

    fn code(&mut self, tag: &str, text: &str) {
        let parameters = tag.trim_start_matches("{code").trim_matches([':', '}']);
        // The language is the parameter without a name.
        let language = parameters.split('|').find(|parameter| !parameter.contains('=')).unwrap_or_default();
        let language = if tag.starts_with("{code") { language.to_owned() } else { String::new() };
        self.builder.push(Block::Code { language, text: text.to_owned() });
    }

    fn line(&mut self, line: &str) {
        let line = line.trim_matches([' ', '\t']);
        if line.is_empty() {
            self.end_lists();
        } else if let Some((level, text)) = heading(line) {
            self.end_lists();
            self.builder.heading(level);
            self.inline(text, false);
            self.builder.end_paragraph();
        } else if let Some(text) = line.strip_prefix("bq. ") {
            self.end_lists();
            self.builder.open(Container::Quote);
            self.inline(text, false);
            self.builder.close();
        } else if line.len() >= 4 && line.bytes().all(|byte| byte == b'-') {
            self.end_lists();
            self.builder.push(Block::Rule);
        } else if let Some((signs, text)) = entry(line) {
            self.entry(signs);
            self.inline(text, false);
            self.continues = true;
        } else {
            if self.continues {
                self.builder.line_break();
            }
            self.continues = true;
            let table = line.starts_with('|');
            if table {
                self.builder.losses.add(Loss::Table);
            }
            self.inline(if table { line.trim_matches('|') } else { line }, table);
        }
    }

    fn entry(&mut self, signs: &str) {
        if self.lists.is_empty() {
            self.builder.end_paragraph();
        }
        self.lists.entry(signs, &mut self.builder);
    }

    fn end_lists(&mut self) {
        self.continues = false;
        self.builder.end_paragraph();
        self.lists.end(0, &mut self.builder);
    }

    fn inline(&mut self, line: &str, table: bool) {
        let mut phrases = Phrases::default();
        Line { builder: &mut self.builder, line, table, linked: false }.read(&mut phrases);
        phrases.finish(&mut self.builder);
    }
}

/// The first macro in a line that stands on lines of its own: its place, its name, and the length of its tag.
fn block_macro(line: &str) -> Option<(usize, &'static str, usize)> {
    let mut from = 0;
    // What does not end behind one place does not end behind a later one: nothing is looked for twice.
    let mut fixed_ends = true;
    while let Some(found) = line.get(from..)?.find('{') {
        let at = from + found;
        let rest = line.get(at..)?;
        let escaped = line.get(..at)?.ends_with('\\');
        if rest.starts_with("{{") && !escaped {
            // Fixed-width text may name a macro.
            let end = if fixed_ends { rest.get(2..)?.find("}}") } else { None };
            fixed_ends = end.is_some();
            from = at + 2 + end.map_or(0, |end| end + 2);
            continue;
        }
        for name in ["code", "noformat", "quote"] {
            let behind = rest.get(1..).and_then(|rest| rest.strip_prefix(name));
            let Some(behind) = behind.filter(|behind| !escaped && behind.starts_with([':', '}'])) else {
                continue;
            };
            if let Some(end) = closing(behind) {
                return Some((at, name, 1 + name.len() + end + 1));
            }
        }
        from = at + 1;
    }
    None
}

/// Where a tag ends. None is longer than this.
fn closing(behind: &str) -> Option<usize> {
    behind.bytes().take(400).position(|byte| byte == b'}')
}

fn heading(line: &str) -> Option<(u8, &str)> {
    let (level, rest) = line.strip_prefix('h')?.split_once('.')?;
    let level = level.parse().ok().filter(|level| (1..=6).contains(level) && !rest.is_empty())?;
    rest.starts_with(' ').then(|| (level, rest.trim_start_matches(' ')))
}

fn entry(line: &str) -> Option<(&str, &str)> {
    let run = line.bytes().take_while(|byte| b"*#".contains(byte)).count();
    let run = if run == 0 && line.starts_with('-') { 1 } else { run };
    let signs = line.get(..run).filter(|signs| !signs.is_empty())?;
    Some((signs, line.get(run..)?.strip_prefix(' ')?))
}

/// A line whose phrases are read.
struct Line<'a> {
    builder: &'a mut Builder,
    line: &'a str,
    /// It is a row of a table.
    table: bool,
    /// It is the text of a link.
    linked: bool,
}

impl Line<'_> {
    fn read(&mut self, phrases: &mut Phrases) {
        let line = self.line;
        let mut addresses = address::find(line).into_iter().peekable();
        let mut at = 0;
        let mut before = None;
        let (mut no_code, mut no_link, mut no_image) = (false, false, false);
        while let Some(c) = line.get(at..).and_then(|rest| rest.chars().next()) {
            let rest = line.get(at + c.len_utf8()..).unwrap_or_default();
            let next = rest.chars().next();
            while addresses.next_if(|range| range.start < at).is_some() {}
            let address = addresses.next_if(|range| range.start == at && !self.linked);
            let taken = if let Some(range) = address {
                let shown = address::alone(line, &range, ENDS_ADDRESS);
                phrases.text(shown);
                shown.len()
            } else {
                match c {
                    '\\' => escaped(next, phrases),
                    '&' => reference(rest, phrases),
                    '{' if next == Some('{') && !no_code => code(rest, phrases).unwrap_or_else(|| {
                        no_code = true;
                        0
                    }),
                    '{' => self.tag(rest, phrases),
                    '[' if !self.linked && !no_link => match rest.find(['[', ']']) {
                        Some(end) if rest.get(end..).is_some_and(|rest| rest.starts_with(']')) => {
                            self.link(rest.get(..end).unwrap_or_default(), phrases)
                        }
                        Some(_) => 0,
                        None => {
                            no_link = true;
                            0
                        }
                    },
                    '!' if !no_image && !before.is_some_and(char::is_alphanumeric) => match rest.find('!') {
                        Some(end) => picture(rest.get(..end).unwrap_or_default(), phrases),
                        None => {
                            no_image = true;
                            0
                        }
                    },
                    '|' if self.table => {
                        phrases.text(" | ");
                        1 + rest.len() - rest.trim_start_matches(['|', ' ']).len()
                    }
                    _ => sign(line.get(at..).unwrap_or_default(), before, phrases),
                }
            };
            if taken == 0 {
                phrases.character(c);
            }
            let taken = taken.max(c.len_utf8());
            before = line.get(at..at + taken).and_then(|taken| taken.chars().next_back());
            at += taken;
        }
    }

    /// `{color:red}`, `{*}` and macros; `rest` begins behind the brace.
    fn tag(&mut self, rest: &str, phrases: &mut Phrases) -> usize {
        for (sign, effect) in SIGNS {
            if rest.strip_prefix(sign).is_some_and(|rest| rest.starts_with('}')) {
                if phrases.is_open(sign) {
                    phrases.end(sign, effect);
                } else {
                    phrases.begin(sign, effect);
                }
                return sign.len() + 2;
            }
        }
        let length = rest.bytes().take_while(u8::is_ascii_lowercase).count();
        let name = rest.get(..length).unwrap_or_default();
        let loss = match name {
            "color" => Loss::Color,
            name if MACROS.contains(&name) => Loss::Macro,
            _ => return 0,
        };
        match rest.get(length..).filter(|behind| behind.starts_with([':', '}'])).and_then(closing) {
            Some(end) => {
                self.builder.losses.add(loss);
                1 + length + end + 1
            }
            None => 0,
        }
    }

    /// What stands in brackets: a link, a person, a file, or just text.
    fn link(&mut self, inner: &str, phrases: &mut Phrases) -> usize {
        let taken = inner.len() + 2;
        let mut parts = inner.split('|');
        let first = parts.next().unwrap_or_default();
        let second = parts.next();
        let target = second.unwrap_or(first).trim();
        if inner.is_empty() {
            return 0;
        }
        let alias = |this: &mut Self, shown: &str, phrases: &mut Phrases| {
            let mut line = Line { builder: this.builder, line: shown, table: false, linked: true };
            line.read(phrases);
        };
        if address::normal(target).is_some() {
            phrases.link(target);
            match second {
                Some(_) => alias(self, first, phrases),
                None => phrases.text(target.strip_prefix("mailto:").unwrap_or(target)),
            }
            phrases.end_link();
            return taken;
        }
        let shown = match (target.chars().next(), second) {
            (Some('~'), second) => {
                self.builder.losses.add(Loss::Mention);
                let name = target.trim_start_matches('~').trim_start_matches("accountid:");
                second.map_or_else(|| format!("@{name}"), |_| first.to_owned())
            }
            (Some('^'), None) => target.trim_start_matches('^').to_owned(),
            (Some('^' | '#'), Some(_)) => {
                self.builder.losses.add(Loss::Link);
                first.to_owned()
            }
            _ if second.is_some() && address::has_scheme(target) => {
                self.builder.losses.add(Loss::Link);
                first.to_owned()
            }
            _ => return 0,
        };
        phrases.text(&shown);
        taken
    }
}

fn escaped(next: Option<char>, phrases: &mut Phrases) -> usize {
    match next {
        Some('\\') => {
            phrases.line_break();
            2
        }
        Some(next) if !(next.is_alphanumeric() || next.is_whitespace()) => {
            phrases.character(next);
            1 + next.len_utf8()
        }
        Some(_) | None => 0,
    }
}

fn reference(rest: &str, phrases: &mut Phrases) -> usize {
    let Some((c, length)) = entity::decode(rest) else { return 0 };
    phrases.character(c);
    1 + length
}

/// `{{code}}`; `rest` begins behind the first brace. `None`: there is no end in this line.
fn code(rest: &str, phrases: &mut Phrases) -> Option<usize> {
    let end = rest.get(1..)?.find("}}")?;
    let mut text = String::new();
    let mut inner = rest.get(1..1 + end)?;
    while let Some(c) = inner.chars().next() {
        let behind = inner.get(c.len_utf8()..)?;
        let next = behind.chars().next();
        inner = match c {
            '\\' if next.is_some_and(|next| !(next.is_alphanumeric() || next.is_whitespace())) => {
                text.extend(next);
                behind.get(next.map_or(0, char::len_utf8)..)?
            }
            '&' if let Some((c, length)) = entity::decode(behind) => {
                text.push(c);
                behind.get(length..)?
            }
            c => {
                text.push(c);
                behind
            }
        };
    }
    if text.trim().is_empty() {
        return Some(0);
    }
    phrases.code(text);
    Some(1 + 1 + end + 2)
}

/// `!picture.png|alt=what it shows!`; `inner` stands between the signs.
fn picture(inner: &str, phrases: &mut Phrases) -> usize {
    let (source, parameters) = inner.split_once('|').unwrap_or((inner, ""));
    let ending = source.rsplit_once('.').map(|(_, ending)| ending);
    let is_file = ending.is_some_and(|ending| {
        (1..=5).contains(&ending.len()) && ending.bytes().all(|byte| byte.is_ascii_alphanumeric())
    });
    let spaced = source.starts_with(char::is_whitespace) || source.ends_with(char::is_whitespace);
    if spaced || !(is_file || address::normal(source).is_some()) {
        return 0;
    }
    let alt = parameters.split(',').find_map(|parameter| parameter.trim().strip_prefix("alt="));
    phrases.image(source, alt.unwrap_or_default().trim_matches('"'));
    inner.len() + 2
}

/// A sign of a phrase, where it may begin or end one.
fn sign(rest: &str, before: Option<char>, phrases: &mut Phrases) -> usize {
    let Some((sign, effect)) = SIGNS.into_iter().find(|(sign, _)| rest.starts_with(sign)) else { return 0 };
    let next = rest.get(sign.len()..).and_then(|rest| rest.chars().next());
    if sign == "-" && (before == Some('-') || next == Some('-')) {
        return 0;
    }
    let begins = !before.is_some_and(char::is_alphanumeric) && next.is_some_and(|next| !next.is_whitespace());
    let ends =
        before.is_some_and(|before| !before.is_whitespace()) && !next.is_some_and(char::is_alphanumeric);
    if phrases.is_open(sign) {
        if !ends {
            return 0;
        }
        phrases.end(sign, effect);
    } else if begins {
        phrases.begin(sign, effect);
    } else {
        return 0;
    }
    sign.len()
}
