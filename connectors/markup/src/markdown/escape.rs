//! Text as Markdown source: escaped where it would mean something, and only there, so that people can read it.

use std::fmt::Write as _;

use super::print::Flavor;
use crate::address;
use crate::normal::JOINER;

/// Where a piece of text stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Nothing of the line stands before it.
    pub(super) starts_line: bool,
    /// It is the first text of the line.
    pub(super) first_text: bool,
    /// The line is the first of its paragraph.
    pub(super) first_line: bool,
    /// The line is a heading.
    pub(super) heading: bool,
    /// Nothing of the line stands behind it.
    pub(super) ends_line: bool,
    /// It is the text of a link or picture.
    pub(super) bracketed: bool,
    /// A link begins right behind it.
    pub(super) before_bracket: bool,
    /// Its first character must be punctuation in the source, or a delimiter before it would not close.
    pub(super) guard_first: bool,
    /// Its last character must be punctuation in the source, or a delimiter behind it would not open.
    pub(super) guard_last: bool,
    pub(super) flavor: Flavor,
}

/// Appends `text` to `out` so that it reads back as itself.
pub(super) fn text(text: &str, place: Place, out: &mut String) {
    let (body, indent) = match place.starts_line {
        true => (text.trim_start_matches(' '), text.len() - text.trim_start_matches(' ').len()),
        false => (text, 0),
    };
    // Spaces at the start of a line would make it a code block, or vanish.
    out.extend(std::iter::repeat_n('\u{a0}', indent));
    let start = if place.starts_line { line_start(body) } else { Start::default() };
    let addresses = if place.bracketed { Vec::new() } else { address::find(body) };
    let mut addresses = addresses.into_iter().peekable();
    let mut skip_to = 0;
    let mut before = None;
    for (at, c) in body.char_indices() {
        if at < skip_to {
            before = Some(c);
            continue;
        }
        if let Some(range) = addresses.next_if(|range| range.start == at) {
            let found = body.get(range.clone()).unwrap_or_default();
            let guarded = (at == 0 && place.guard_first) || (range.end == body.len() && place.guard_last);
            if guarded || place.flavor.encloses(found) {
                out.push('<');
                out.push_str(found);
                out.push('>');
                skip_to = range.end;
                before = Some(c);
                continue;
            }
        }
        let rest = body.get(at + c.len_utf8()..).unwrap_or_default();
        let next_address = addresses.peek().is_some_and(|next| next.start == at + c.len_utf8());
        let is_last = rest.is_empty();
        let guarded = (before.is_none() && place.guard_first) || (is_last && place.guard_last);
        if guarded && !(c.is_whitespace() || c.is_ascii_punctuation()) {
            write!(out, "&#{};", u32::from(c)).unwrap_or_default();
        } else {
            if start.escape_at == Some(at)
                || acts(c, Around { before, rest, body, at, address: next_address }, place)
            {
                out.push('\\');
            }
            if place.flavor == Flavor::Hosted && place.first_text && at == 0 && c == '/' {
                out.push(JOINER);
            }
            out.push(c);
        }
        if place.flavor == Flavor::Hosted && refers(c, before, rest) {
            out.push(JOINER);
        }
        before = Some(c);
    }
}

/// What stands around a character.
#[derive(Clone, Copy, Debug)]
struct Around<'t> {
    before: Option<char>,
    rest: &'t str,
    body: &'t str,
    at: usize,
    /// An address begins right behind it, which may be printed between `<` and `>`.
    address: bool,
}

/// Whether a character would mean something to a Markdown parser where it stands.
fn acts(c: char, around: Around<'_>, place: Place) -> bool {
    let Around { before, rest, .. } = around;
    let next = rest.chars().next();
    let between_spaces = before == Some(' ') && next == Some(' ');
    match c {
        // The last character may be written as an entity, which begins with punctuation.
        '\\' => {
            next.is_none_or(|next| next.is_ascii_punctuation())
                || around.address
                || (place.guard_last && rest.chars().nth(1).is_none())
        }
        '`' => true,
        '*' | '~' => !between_spaces,
        '_' => !(between_spaces || is_inside_word(around)),
        '[' => {
            let starts_block = place.starts_line && place.first_line && around.at == 0;
            place.bracketed || (starts_block && may_be_label(rest))
        }
        ']' => place.bracketed || next == Some('('),
        '!' => next == Some('[') || (next.is_none() && place.before_bracket),
        '<' => next.is_none_or(|next| next.is_ascii_alphabetic() || "/!?".contains(next)),
        '&' => is_entity(rest),
        '#' => place.heading && place.ends_line && next.is_none(),
        _ => false,
    }
}

/// Whether what stands behind a bracket may, with whatever follows it, be `[label]: address`, which is never shown.
fn may_be_label(rest: &str) -> bool {
    let mut brackets = rest.match_indices(['[', ']']);
    brackets.next().is_none_or(|(at, bracket)| {
        let behind = rest.get(at + bracket.len()..).unwrap_or_default();
        bracket == "]" && (behind.is_empty() || behind.starts_with([':', '(']))
    })
}

/// An underscore between letters is one; but the first and the last letter may be written as entities.
fn is_inside_word(around: Around<'_>) -> bool {
    let mut behind = around.rest.chars();
    let first = around.body.get(..around.at).is_none_or(|body| body.chars().nth(1).is_none());
    around.before.is_some_and(char::is_alphanumeric)
        && behind.next().is_some_and(char::is_alphanumeric)
        && behind.next().is_some()
        && !first
        && !around.address
}

/// Whether what follows an ampersand makes it an entity.
pub(super) fn is_entity(rest: &str) -> bool {
    let name = rest.strip_prefix('#').unwrap_or(rest);
    let length = name.bytes().take_while(u8::is_ascii_alphanumeric).take(40).count();
    length > 0 && name.as_bytes().get(length) == Some(&b';')
}

/// Whether a sign would call a person or point to a record where the text is shown.
fn refers(c: char, before: Option<char>, rest: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let next = rest.chars().next();
    match c {
        // `a@b.test` is an address of mail.
        '@' => next.is_some_and(|next| !next.is_whitespace()) && !before.is_some_and(word),
        '#' | '!' | '$' | '%' | '^' => next.is_some_and(|next| word(next) || next == '"'),
        // Macros and pages of Redmine, pages of GitLab.
        '{' | '[' => next == Some(c),
        '&' => next.is_some_and(|next| next.is_ascii_digit()),
        'H' | 'h' => {
            matches!(before, Some('G' | 'g'))
                && rest.strip_prefix('-').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        }
        // `fixes https://…/issues/1` closes as `fixes #1` does.
        's' | 'S' | 'd' | 'D' | 'e' | 'E' | 'x' | 'X' => {
            let behind = rest.trim_start_matches([' ', ':']);
            behind.len() < rest.len() && behind.starts_with("http")
        }
        _ => false,
    }
}

/// What has to be escaped because a line starts with it.
#[derive(Clone, Copy, Debug, Default)]
struct Start {
    escape_at: Option<usize>,
}

fn line_start(body: &str) -> Start {
    let Some(first) = body.chars().next() else { return Start::default() };
    let space_or_end = |rest: &str| rest.is_empty() || rest.starts_with([' ', '\t']);
    let rest = body.get(first.len_utf8()..).unwrap_or_default();
    let only = |signs: &str| body.chars().all(|c| signs.contains(c));
    let escaped = match first {
        '>' => true,
        '+' => space_or_end(rest),
        '-' => space_or_end(rest) || only("- ") || is_table_rule(body),
        '=' => only("= "),
        ':' | '|' => is_table_rule(body),
        '#' => {
            let hashes = body.bytes().take_while(|byte| *byte == b'#').count();
            hashes <= 6 && body.get(hashes..).is_some_and(space_or_end)
        }
        first if first.is_ascii_digit() => {
            let digits = body.bytes().take_while(u8::is_ascii_digit).count();
            let behind = body.get(digits..).unwrap_or_default();
            let ends = behind.strip_prefix(['.', ')']);
            if digits <= 9 && ends.is_some_and(space_or_end) {
                return Start { escape_at: Some(digits) };
            }
            false
        }
        _ => false,
    };
    Start { escape_at: escaped.then_some(0) }
}

/// A line that makes the line above it the head of a table.
fn is_table_rule(body: &str) -> bool {
    body.contains('-') && body.chars().all(|c| "|:- ".contains(c))
}
