//! Canonical text as Jira's wiki markup, in which no text is a macro, a mention or a picture.

use super::ENDS_ADDRESS;
use crate::address;
use crate::entity;
use crate::loss::{Loss, Losses, Text};
use crate::markdown::parse;
use crate::normal::{JOINER, Mark};
use crate::outline;
use crate::plain;
use crate::spans::{self, Piece};
use crate::tree::{Block, Inline};

/// Canonical text as wiki markup. Pictures are shown from the ticket's files.
pub fn write(text: &str) -> Text {
    let mut losses = Losses::default();
    let mut lines = Vec::new();
    blocks(&parse(text), false, &mut losses, &mut lines);
    losses.with(lines.join("\n"))
}

fn blocks(blocks: &[Block], quoted: bool, losses: &mut Losses, out: &mut Vec<String>) {
    outline::apart(blocks, out, |block, out| self::block(block, quoted, losses, out));
}

fn block(block: &Block, quoted: bool, losses: &mut Losses, out: &mut Vec<String>) {
    match block {
        Block::Paragraph(content) => {
            out.extend(spans::lines(content).map(|line| self::line(line, true, losses)))
        }
        Block::Heading { level, content } => out.push(format!("h{level}. {}", line(content, false, losses))),
        Block::List { start, items } => {
            for entry in outline::entries(*start, items, losses) {
                let mut first = true;
                for line in &entry.lines {
                    let text = self::line(line, !first, losses);
                    out.push(if first { format!("{} {text}", entry.signs) } else { text });
                    first = false;
                }
            }
        }
        Block::Quote(inner) if quoted => {
            losses.add(Loss::Nesting);
            blocks(inner, true, losses, out);
        }
        Block::Quote(inner) => {
            out.push("{quote}".to_owned());
            blocks(inner, true, losses, out);
            out.push("{quote}".to_owned());
        }
        Block::Code { language, text } => {
            let name = if language.is_empty() { "noformat" } else { "code" };
            let end = format!("{{{name}}}");
            out.push(if language.is_empty() { end.clone() } else { format!("{{code:{language}}}") });
            // Nothing is escaped in it, so that only a joiner keeps its own end out of it.
            out.push(text.replace(&end, &format!("{{{JOINER}{name}}}")));
            out.push(end);
        }
        Block::Rule => out.push("----".to_owned()),
    }
}

/// One line. A line that `starts` must not look like a heading, an entry or a table.
fn line(parts: &[Inline], starts: bool, losses: &mut Losses) -> String {
    let pieces = spans::pieces_in(parts, [Mark::Bold, Mark::Italic, Mark::Strike, Mark::Link]);
    let mut out = String::new();
    let mut open: Vec<(Mark, bool)> = Vec::new();
    let mut linked = false;
    for (at, piece) in pieces.iter().enumerate() {
        let behind = pieces.get(at + 1..).unwrap_or_default();
        match *piece {
            Piece::Open(mark) => {
                let braced = needs_braces(mark, &out, behind);
                open.push((mark, braced));
                out.push_str(delimiter(mark, braced));
            }
            Piece::Close(mark) => {
                let braced = open.pop().is_some_and(|(_, braced)| braced);
                out.push_str(delimiter(mark, braced));
            }
            Piece::OpenLink(_) => {
                linked = true;
                out.push('[');
            }
            Piece::CloseLink(address) => {
                linked = false;
                out.push('|');
                out.push_str(address);
                out.push(']');
            }
            Piece::Text(text) => {
                let writer = Writer {
                    starts: starts && out.chars().all(|c| "*_-".contains(c)),
                    first: out.is_empty(),
                    bracketed: linked,
                    ends: behind.is_empty(),
                    open: open.iter().map(|(mark, _)| *mark).collect(),
                };
                writer.write(text, &mut out);
            }
            Piece::Code(text) => {
                out.push_str("{{");
                text.chars().for_each(|c| code(c, &mut out));
                out.push_str("}}");
            }
            Piece::Image { name, alt } => picture(name, alt, starts && out.is_empty(), losses, &mut out),
        }
    }
    out
}

fn delimiter(mark: Mark, braced: bool) -> &'static str {
    match (mark, braced) {
        (Mark::Bold, false) => "*",
        (Mark::Bold, true) => "{*}",
        (Mark::Italic, false) => "_",
        (Mark::Italic, true) => "{_}",
        (Mark::Strike, false) => "-",
        (Mark::Strike, true) => "{-}",
        (Mark::Link, _) => "",
    }
}

fn sign(mark: Mark) -> char {
    delimiter(mark, false).chars().next().unwrap_or(' ')
}

/// Whether a phrase stands inside a word or beside its own sign, where only `{*}` begins and ends it.
fn needs_braces(mark: Mark, before: &str, behind: &[Piece<'_>]) -> bool {
    let end = behind.iter().position(|piece| *piece == Piece::Close(mark)).unwrap_or(behind.len());
    let first = |pieces: &[Piece<'_>]| match pieces.first() {
        Some(Piece::Text(text)) => text.chars().next(),
        _ => None,
    };
    let last = match behind.get(..end).and_then(<[Piece<'_>]>::last) {
        Some(Piece::Text(text)) => text.chars().next_back(),
        _ => None,
    };
    let ends_in_address = match behind.get(..end).and_then(<[Piece<'_>]>::last) {
        Some(Piece::Text(text)) => address::ends_in_one(text),
        _ => false,
    };
    let sign = sign(mark);
    let outside = [before.chars().next_back(), first(behind.get(end + 1..).unwrap_or_default())];
    outside.into_iter().flatten().any(|c| c.is_alphanumeric() || c == sign)
        || [first(behind), last].contains(&Some(sign))
        || ends_in_address
}

/// Text between two pieces of markup.
struct Writer {
    /// It begins a line, on which it could be mistaken for a block.
    starts: bool,
    /// Nothing stands before it.
    first: bool,
    /// It is the text of a link.
    bracketed: bool,
    /// Nothing stands behind it in its line.
    ends: bool,
    open: Vec<Mark>,
}

impl Writer {
    fn write(&self, text: &str, out: &mut String) {
        let body = if self.first { text.trim_start_matches(' ') } else { text };
        // Spaces at the start of a line would vanish.
        out.extend(std::iter::repeat_n('\u{a0}', text.len() - body.len()));
        let escape_at = if self.starts { block_sign(body, self.first) } else { None };
        let mut before = out.chars().next_back();
        let mut addresses =
            if self.bracketed { Vec::new() } else { address::find(body) }.into_iter().peekable();
        let mut skip_to = 0;
        for (at, c) in body.char_indices() {
            if at < skip_to {
                continue;
            }
            if let Some(range) = addresses.next_if(|range| range.start == at) {
                let found = body.get(range.clone()).unwrap_or_default();
                if address::alone(body, &range, ENDS_ADDRESS) == found {
                    out.push_str(found);
                    before = found.chars().next_back();
                    skip_to = range.end;
                    continue;
                }
            }
            let rest = body.get(at + c.len_utf8()..).unwrap_or_default();
            if escape_at == Some(at) && !self.is_escaped(c, before, rest) {
                out.push('\\');
            }
            self.character(c, before, rest, out);
            before = Some(c);
        }
    }

    fn character(&self, c: char, before: Option<char>, rest: &str, out: &mut String) {
        let next = rest.chars().next();
        match c {
            // `\\` would be a line break.
            '\\' if next.is_some_and(|next| next.is_alphanumeric() || next == ' ') => out.push(c),
            '\\' => out.push_str("&#92;"),
            '[' | ']' | '|' if self.bracketed => out.push_str(&format!("&#{};", u32::from(c))),
            '&' if entity::is_one(rest) => out.push_str("&#38;"),
            c => {
                if self.is_escaped(c, before, rest) {
                    out.push('\\');
                }
                out.push(c);
            }
        }
    }

    fn is_escaped(&self, c: char, before: Option<char>, rest: &str) -> bool {
        let next = rest.chars().next();
        let begins = !before.is_some_and(char::is_alphanumeric)
            && next.map_or(!self.ends, |next| !next.is_whitespace());
        match c {
            '{' | '[' => true,
            '!' | '+' | '^' | '~' => begins,
            '*' | '_' | '-' => begins || self.ends_phrase(c, before, next),
            '?' => next == Some('?') || before == Some('?') || (next.is_none() && !self.ends),
            '(' => EMOTICONS.iter().any(|emoticon| rest.starts_with(emoticon)),
            ':' | ';' => {
                next.is_some_and(|next| "()DPp".contains(next)) && !before.is_some_and(char::is_alphanumeric)
            }
            _ => false,
        }
    }

    fn ends_phrase(&self, c: char, before: Option<char>, next: Option<char>) -> bool {
        self.open.iter().any(|mark| sign(*mark) == c)
            && before.is_some_and(|before| !before.is_whitespace())
            && !next.is_some_and(char::is_alphanumeric)
    }
}

/// What follows a parenthesis in a small picture of Jira's.
const EMOTICONS: [&str; 14] =
    ["!)", "?)", "/)", "x)", "i)", "y)", "n)", "+)", "-)", "*)", "*r)", "*g)", "on)", "off)"];

/// Where a line has to be escaped so that it is no heading, quote, entry or table.
fn block_sign(body: &str, first: bool) -> Option<usize> {
    let run = body.bytes().take_while(|byte| b"*#".contains(byte)).count();
    let run = if run == 0 && body.starts_with('-') { 1 } else { run };
    if !first {
        // A line that begins with a bold `# ` begins with `*# ` too.
        return body.starts_with(['#', '*']).then_some(0);
    }
    if body.starts_with('|') || (run > 0 && body.get(run..).is_some_and(|rest| rest.starts_with(' '))) {
        return Some(0);
    }
    let bytes = body.as_bytes();
    let prefixed = matches!(
        (bytes.first(), bytes.get(1), bytes.get(2)),
        (Some(b'h'), Some(b'1'..=b'6'), Some(b'.')) | (Some(b'b'), Some(b'q'), Some(b'.'))
    );
    prefixed.then_some(2)
}

fn code(c: char, out: &mut String) {
    if c.is_alphanumeric() || c.is_whitespace() || "./:,;=<>\"'$%@#".contains(c) {
        out.push(c);
    } else if matches!(c, '\\' | '{' | '}' | '&' | '[' | ']' | '|') || !c.is_ascii() {
        out.push_str(&format!("&#{};", u32::from(c)));
    } else {
        out.push('\\');
        out.push(c);
    }
}

fn picture(name: &str, alt: &str, starts: bool, losses: &mut Losses, out: &mut String) {
    let plain_name = |c: char| c.is_alphanumeric() || " ._-()".contains(c);
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    let is_file = ending.is_some_and(|ending| {
        (1..=5).contains(&ending.len()) && ending.bytes().all(|byte| byte.is_ascii_alphanumeric())
    });
    let beside = out.chars().next_back().is_some_and(char::is_alphanumeric);
    if !is_file || beside || !name.chars().all(plain_name) {
        losses.add(Loss::Image);
        let writer = Writer { starts, first: false, bracketed: false, ends: false, open: Vec::new() };
        writer.write(&plain::picture(name, alt), out);
        return;
    }
    out.push('!');
    out.push_str(name);
    if alt.chars().all(|c| c.is_alphanumeric() || " .-()/".contains(c)) {
        if !alt.is_empty() {
            out.push_str("|alt=");
            out.push_str(alt);
        }
    } else {
        losses.add(Loss::Image);
    }
    out.push('!');
}
