//! Textile as canonical text: the phrases of a line.

use super::{ENDS_ADDRESS, SIGNS, begins_behind, ends_before, ends_link, is_word};
use crate::address;
use crate::builder::Builder;
use crate::entity;
use crate::loss::Loss;
use crate::phrase::{Effect, Phrases};

/// Phrases by their signs, the longer signs first.
const PHRASES: [(&str, Effect); 10] = [
    ("**", Effect::Bold),
    ("__", Effect::Italic),
    ("??", Effect::Italic),
    ("*", Effect::Bold),
    ("_", Effect::Italic),
    ("-", Effect::Strike),
    ("+", Effect::Face),
    ("^", Effect::Face),
    ("~", Effect::Face),
    ("%", Effect::Plain),
];

/// A line whose phrases are read.
pub(super) struct Line<'a> {
    pub(super) builder: &'a mut Builder,
    pub(super) line: &'a str,
    /// It is the text of a link, and so begins behind a quotation mark.
    pub(super) linked: bool,
    /// What does not stand in the rest of the line, and so is not looked for again.
    pub(super) missing: Vec<&'static str>,
}

impl Line<'_> {
    pub(super) fn read(&mut self, phrases: &mut Phrases) {
        let line = self.line;
        let mut addresses = address::find(line).into_iter().peekable();
        let mut at = 0;
        let mut before = self.linked.then_some('"');
        let (mut no_code, mut no_image) = (false, false);
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
                    '&' => match entity::decode(rest) {
                        Some((c, length)) => {
                            phrases.character(c);
                            1 + length
                        }
                        None => 0,
                    },
                    '@' if !is_word(before) && !no_code => code(rest, phrases).unwrap_or_else(|| {
                        no_code = true;
                        0
                    }),
                    '"' if !self.linked => self.link(rest, phrases),
                    '!' if rest.starts_with("{{") || rest.starts_with("[[") => {
                        // The sign keeps Redmine from reading what follows.
                        let signs = rest.get(..2).unwrap_or_default();
                        phrases.text(signs);
                        1 + signs.len()
                    }
                    '!' if next == Some('#') && rest.get(1..).is_some_and(begins_with_digit) => {
                        phrases.text("#");
                        2
                    }
                    '!' if begins_picture(before) && !no_image => match rest.find('!') {
                        Some(end) => picture(rest.get(..end).unwrap_or_default(), phrases),
                        None => {
                            no_image = true;
                            0
                        }
                    },
                    '{' if next == Some('{') => self.call(rest, phrases),
                    '[' if next == Some('[') => self.page(rest, phrases),
                    '=' if next == Some('=') && before.is_none_or(char::is_whitespace) => self
                        .literal(rest.get(1..).unwrap_or_default(), "==", phrases)
                        .map_or(0, |length| 2 + length),
                    '<' => self.tag(rest, phrases),
                    _ => self.sign(line.get(at..).unwrap_or_default(), before, phrases),
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

    /// Where `end` stands in what is left of the line.
    fn find(&mut self, rest: &str, end: &'static str) -> Option<usize> {
        if self.missing.contains(&end) {
            return None;
        }
        let found = rest.find(end);
        if found.is_none() {
            self.missing.push(end);
        }
        found
    }

    /// `"text":address`; `rest` begins behind the first quotation mark.
    fn link(&mut self, rest: &str, phrases: &mut Phrases) -> usize {
        let Some((text, behind)) = rest.split_once('"') else { return 0 };
        let Some(behind) = behind.strip_prefix(':').filter(|_| !text.trim().is_empty()) else { return 0 };
        let run = behind.find(|c: char| c.is_whitespace() || "<\"".contains(c)).unwrap_or(behind.len());
        let mut address = behind.get(..run).unwrap_or_default();
        while let Some(last) = address.chars().next_back() {
            let sign = last.encode_utf8(&mut [0; 4]).to_owned();
            let unbalanced = last == ')' && address.matches('(').count() < address.matches(')').count();
            if ends_link(last) && !unbalanced && !(SIGNS.contains(&last) && phrases.is_open(&sign)) {
                break;
            }
            address = address.get(..address.len() - last.len_utf8()).unwrap_or_default();
        }
        let local = address.starts_with('/') && address.len() > 1;
        if !(local || address.starts_with("mailto:") || is_elsewhere(address)) {
            return 0;
        }
        // What stands in parentheses at the end is shown when pointed at.
        let shown = match text.strip_suffix(')').and_then(|text| text.rsplit_once('(')) {
            Some((shown, _)) if !shown.trim().is_empty() => shown.trim_end(),
            Some(_) | None => text,
        };
        phrases.link(address);
        Line { builder: self.builder, line: shown, linked: true, missing: Vec::new() }.read(phrases);
        phrases.end_link();
        1 + text.len() + 2 + address.len()
    }

    /// `{{macro}}`; `rest` begins behind the first brace.
    fn call(&mut self, rest: &str, phrases: &mut Phrases) -> usize {
        let inner = rest.get(1..).unwrap_or_default();
        let Some(call) = self.find(inner, "}}").and_then(|end| inner.get(..end)) else { return 0 };
        let taken = call.len() + 4;
        let spaces = |text: &str| text.len() - text.trim_start_matches(' ').len();
        // At the start of a line the space behind it would become an indent.
        let behind = if phrases.is_empty() { rest.get(taken - 1..).map_or(0, spaces) } else { 0 };
        let picture = call.strip_prefix("thumbnail(").and_then(|rest| rest.split([',', ')']).next());
        match picture {
            Some(name) => {
                phrases.image(name.trim(), "");
                taken
            }
            None => {
                self.builder.losses.add(Loss::Macro);
                taken + behind
            }
        }
    }

    /// `[[page|text]]`; `rest` begins behind the first bracket.
    fn page(&mut self, rest: &str, phrases: &mut Phrases) -> usize {
        let inner = rest.get(1..).unwrap_or_default();
        let end =
            inner.find(['[', ']']).filter(|end| inner.get(*end..).is_some_and(|rest| rest.starts_with("]]")));
        let Some(page) = end.and_then(|end| inner.get(..end)).filter(|page| !page.trim().is_empty()) else {
            return 0;
        };
        self.builder.losses.add(Loss::Link);
        phrases.text(page.split_once('|').map_or(page, |(_, text)| text));
        page.len() + 4
    }

    /// `<code>text</code>` and `<notextile>text</notextile>`; `rest` begins behind the bracket.
    fn tag(&mut self, rest: &str, phrases: &mut Phrases) -> usize {
        if let Some(comment) = rest.strip_prefix("!--") {
            return self.find(comment, "-->").map_or(0, |end| 1 + 3 + end + 3);
        }
        let tags = [("code", "</code>"), ("kbd", "</kbd>"), ("notextile", "</notextile>")];
        let Some((name, end)) = tags.into_iter().find(|(name, _)| rest.starts_with(name)) else { return 0 };
        let Some(behind) = rest.get(name.len()..).filter(|rest| rest.starts_with(['>', ' '])) else {
            return 0;
        };
        let Some(head) = behind.bytes().take(200).position(|byte| byte == b'>') else { return 0 };
        let text = behind.get(head + 1..).unwrap_or_default();
        let tag = 1 + name.len() + head + 1;
        if name == "notextile" {
            return self.literal(text, end, phrases).map_or(0, |length| tag + length);
        }
        let Some(code) = self.find(text, end).and_then(|end| text.get(..end)) else { return 0 };
        phrases.code(code.to_owned());
        tag + code.len() + end.len()
    }

    /// Text up to `end`, in which nothing means anything.
    fn literal(&mut self, text: &str, end: &'static str, phrases: &mut Phrases) -> Option<usize> {
        let inner = self.find(text, end).filter(|end| *end > 0).and_then(|end| text.get(..end))?;
        phrases.text(&decoded(inner));
        Some(inner.len() + end.len())
    }

    /// A sign of a phrase, where it may begin or end one.
    fn sign(&mut self, rest: &str, before: Option<char>, phrases: &mut Phrases) -> usize {
        for (sign, effect) in PHRASES {
            let Some(behind) = rest.strip_prefix(sign) else { continue };
            let next = behind.chars().next();
            if sign == "-" && next == Some('-') {
                continue;
            }
            if phrases.is_open(sign) {
                if before.is_some_and(|before| !before.is_whitespace()) && ends_before(next) {
                    phrases.end(sign, effect);
                    return sign.len();
                }
            } else if begins_behind(before) && next.is_some_and(|next| !next.is_whitespace()) {
                phrases.begin(sign, effect);
                return sign.len() + self.style(behind);
            }
        }
        0
    }

    /// `{color:red}` behind the sign of a phrase.
    fn style(&mut self, behind: &str) -> usize {
        let Some((style, text)) = behind.strip_prefix('{').and_then(|rest| rest.split_once('}')) else {
            return 0;
        };
        if !style.contains(':') || style.contains('{') || text.is_empty() {
            return 0;
        }
        self.builder.losses.add(if style.contains("color") { Loss::Color } else { Loss::Face });
        style.len() + 2
    }
}

/// A scheme stands right behind the colon.
fn is_elsewhere(address: &str) -> bool {
    let scheme = address.split_once("://").map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphabetic()))
}

fn begins_with_digit(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

fn begins_picture(before: Option<char>) -> bool {
    before.is_none_or(|before| (before.is_whitespace() && before != '\u{a0}') || before == '>')
}

/// `@code@`; `rest` begins behind the first sign. `None`: there is no end in this line.
fn code(rest: &str, phrases: &mut Phrases) -> Option<usize> {
    let ends = |(at, _): &(usize, &str)| {
        *at > 0 && !is_word(rest.get(at + 1..).and_then(|rest| rest.chars().next()))
    };
    let (end, _) = rest.match_indices('@').find(ends)?;
    let inner = rest.get(..end)?;
    let language = inner.strip_prefix('|').and_then(|inner| inner.split_once('|'));
    let text = decoded(language.map_or(inner, |(_, text)| text));
    if text.trim().is_empty() {
        return Some(0);
    }
    phrases.code(text);
    Some(1 + end + 1)
}

/// `!picture.png(what it shows)!`; `inner` stands between the signs.
fn picture(inner: &str, phrases: &mut Phrases) -> usize {
    let bare = inner.trim_start_matches(['<', '>', '=']);
    let (source, alt) = match bare.strip_suffix(')').and_then(|inner| inner.split_once('(')) {
        Some((source, alt)) => (source.trim_end(), alt),
        None => (bare, ""),
    };
    let ending = source.rsplit_once('.').map(|(_, ending)| ending);
    let is_file = ending.is_some_and(|ending| {
        (1..=5).contains(&ending.len()) && ending.bytes().all(|byte| byte.is_ascii_alphanumeric())
    });
    if source.contains(char::is_whitespace) || !(is_file || address::normal(source).is_some()) {
        return 0;
    }
    if address::has_scheme(source) {
        phrases.image(source, alt);
    } else {
        phrases.image(&unquoted(source), alt);
    }
    inner.len() + 2
}

fn decoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('&') {
        out.push_str(before);
        let reference = entity::decode(behind);
        out.push(reference.map_or('&', |(c, _)| c));
        rest = behind.get(reference.map_or(0, |(_, length)| length)..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// A file's name whose characters are percent-encoded.
fn unquoted(name: &str) -> String {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let Some((byte, behind)) = rest.split_first() {
        let digits = behind.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.filter(|_| *byte == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(decoded) => {
                bytes.push(decoded);
                rest = behind.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*byte);
                rest = behind;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| name.to_owned())
}
