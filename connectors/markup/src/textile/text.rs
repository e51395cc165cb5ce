//! Canonical text as Textile: its lines.

use std::fmt::Write as _;

use super::{ENDS_ADDRESS, SIGNS, begins_behind, ends_link, is_rule, is_word, prefix};
use crate::address;
use crate::entity;
use crate::loss::{Loss, Losses};
use crate::normal::{JOINER, Mark};
use crate::plain;
use crate::spans::{self, Piece};
use crate::tree::Inline;

/// [`JOINER`] spelt so that what stands before and behind it is punctuation.
const SPELT: &str = "&#8288;";

/// Words before a colon that make a link of Redmine's.
const WORDS: [&str; 11] = [
    "attachment",
    "document",
    "version",
    "forum",
    "news",
    "commit",
    "source",
    "export",
    "message",
    "project",
    "user",
];

/// Appends one line. A line that `starts` must not look like a block of another kind.
pub(super) fn line(parts: &[Inline], starts: bool, losses: &mut Losses, out: &mut String) {
    let pieces = spans::pieces_in(parts, [Mark::Bold, Mark::Italic, Mark::Strike, Mark::Link]);
    let mut writer =
        Writer { starts, open: Vec::new(), link: None, after: After::Anything, addressed: 0, losses };
    for at in 0..pieces.len() {
        let (before, rest) = pieces.split_at_checked(at).unwrap_or_default();
        if let Some((piece, behind)) = rest.split_first() {
            writer.piece(*piece, before.last(), behind, out);
        }
    }
}

struct Writer<'a> {
    starts: bool,
    /// The marks in hand, and whether their signs were written.
    open: Vec<(Mark, bool)>,
    /// Whether the link in hand is written as one.
    link: Option<bool>,
    after: After,
    /// Where an address in running text ended last, or a later place in the same word.
    addressed: usize,
    losses: &'a mut Losses,
}

/// What was written last, and so what may follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    Anything,
    /// The end of a phrase: punctuation or a space.
    Phrase,
    /// The end of code: no letter.
    Code,
    /// The end of a picture: no colon.
    Picture,
}

impl Writer<'_> {
    fn piece(
        &mut self,
        piece: Piece<'_>,
        before: Option<&Piece<'_>>,
        behind: &[Piece<'_>],
        out: &mut String,
    ) {
        match piece {
            Piece::Open(mark) => self.begin(mark, before, out),
            Piece::Close(mark) => {
                if self.open.pop().is_some_and(|(_, written)| written) {
                    let addressed = self.is_addressed(out);
                    let next = behind.iter().find(|piece| !matches!(piece, Piece::Close(_)));
                    let parted = match next {
                        None => true,
                        Some(Piece::Text(text)) => text.starts_with(' '),
                        Some(_) => false,
                    };
                    // An address ends before a sign only where a space follows, and never before a hyphen.
                    if addressed && (mark == Mark::Strike || !parted) {
                        out.push_str(SPELT);
                    }
                    out.push(sign(mark));
                    self.after = After::Phrase;
                }
            }
            Piece::OpenLink(address) => {
                let good = self.can_link(address, behind);
                self.link = Some(good);
                if good {
                    self.after = After::Anything;
                    out.push('"');
                    if let Some(Piece::Text(text)) = behind.first()
                        && text.starts_with(['(', '{', '['])
                    {
                        out.push(JOINER);
                    }
                }
            }
            Piece::CloseLink(address) => {
                if self.link.take() == Some(true) {
                    if out.ends_with(')') {
                        out.push(JOINER);
                    }
                    out.push_str("\":");
                    out.push_str(address);
                    self.after = After::Anything;
                    // The sign behind a link's address is told from it by the reader of links.
                    self.addressed = 0;
                } else {
                    self.losses.add(Loss::Address);
                    let mut marks =
                        behind.iter().filter(|piece| !matches!(piece, Piece::Open(_) | Piece::Close(_)));
                    // The link goes on in another style: its address stands behind all of it.
                    if marks.next() != Some(&Piece::OpenLink(address)) {
                        self.text(&format!(" ({address})"), behind, out);
                    }
                }
            }
            Piece::Text(text) => self.text(text, behind, out),
            Piece::Code(text) => {
                self.after = After::Anything;
                if is_word(out.chars().next_back()) {
                    out.push_str(SPELT);
                }
                out.push('@');
                // A quotation mark that would end the text of a link.
                let quotes = self.link == Some(true) || text.contains("\":");
                for (number, c) in text.chars().enumerate() {
                    match c {
                        '@' | '&' | '<' | '!' | '=' => write!(out, "&#{};", u32::from(c)).unwrap_or_default(),
                        '|' if number == 0 => out.push_str("&#124;"),
                        '"' if quotes => out.push_str("&#34;"),
                        c => out.push(c),
                    }
                }
                out.push('@');
                self.after = After::Code;
            }
            Piece::Image { name, alt } => self.picture(name, alt, behind, out),
        }
    }

    /// Whether an address in running text stands in the last word.
    fn is_addressed(&mut self, out: &str) -> bool {
        let word = out.get(self.addressed..).filter(|_| self.addressed > 0);
        let addressed = word.is_some_and(|word| !word.contains(char::is_whitespace));
        // Nothing is looked at twice.
        self.addressed = if addressed { out.len() } else { 0 };
        addressed
    }

    fn begin(&mut self, mark: Mark, before: Option<&Piece<'_>>, out: &mut String) {
        let last = out.chars().next_back();
        let nested =
            matches!(before, Some(Piece::Open(_))) && self.open.last().is_some_and(|(_, written)| *written);
        let good = nested || last.is_none_or(|last| last == ' ' || last == '(');
        if !good {
            self.losses.add(Loss::Formatting);
        }
        self.open.push((mark, good));
        if good {
            self.after = After::Anything;
            out.push(sign(mark));
        }
    }

    /// Whether a link's end would be seen: Redmine reads an address up to a space.
    fn can_link(&self, address: &str, behind: &[Piece<'_>]) -> bool {
        let end =
            behind.iter().position(|piece| matches!(piece, Piece::CloseLink(_))).unwrap_or(behind.len());
        let last = address.chars().next_back().unwrap_or(' ');
        let closes = self.open.iter().any(|(mark, _)| sign(*mark) == last);
        let mut following = behind.iter().skip(end + 1).filter(|piece| !matches!(piece, Piece::Close(_)));
        let parted = match following.next() {
            None => true,
            Some(Piece::Text(text)) => {
                let rest = text.trim_start_matches(['.', ',', ')']);
                (rest.is_empty() && following.next().is_none()) || rest.starts_with(' ')
            }
            Some(_) => false,
        };
        let shown = matches!(behind.first(), Some(Piece::Text(_) | Piece::Code(_)));
        ends_link(last) && !closes && !address.starts_with("tel:") && parted && shown
    }

    fn picture(&mut self, name: &str, alt: &str, behind: &[Piece<'_>], out: &mut String) {
        let ending = name.rsplit_once('.').map(|(_, ending)| ending);
        let is_file = ending.is_some_and(|ending| {
            (1..=5).contains(&ending.len()) && ending.bytes().all(|byte| byte.is_ascii_alphanumeric())
        });
        if !is_file || out.chars().next_back().is_some_and(|last| last != ' ') {
            self.losses.add(Loss::Image);
            self.text(&plain::picture(name, alt), behind, out);
            return;
        }
        out.push('!');
        for byte in name.bytes() {
            if byte.is_ascii_alphanumeric() || b"._-".contains(&byte) {
                out.push(char::from(byte));
            } else {
                write!(out, "%{byte:02X}").unwrap_or_default();
            }
        }
        if alt.chars().all(|c| c.is_alphanumeric() || " .,-/".contains(c)) {
            if !alt.is_empty() {
                out.push('(');
                out.push_str(alt);
                out.push(')');
            }
        } else {
            self.losses.add(Loss::Image);
        }
        out.push('!');
        self.after = After::Picture;
    }

    fn text(&mut self, text: &str, behind: &[Piece<'_>], out: &mut String) {
        let first = out.is_empty();
        let body = if first { text.trim_start_matches(' ') } else { text };
        // Spaces at the start of a line would vanish, or make it code.
        out.extend(std::iter::repeat_n('\u{a0}', text.len() - body.len()));
        // A line that begins with a bold `# ` begins with `*# ` too.
        let only_signs = !first && out.chars().all(|c| SIGNS.contains(&c));
        let behind_signs = only_signs && body.starts_with(['#', '*', '|']);
        self.part(body, out);
        // Behind the sign of a phrase, a class or a style would be read, and its double is another sign.
        let last = out.chars().next_back().filter(|last| SIGNS.contains(last));
        let changes_sign = last.is_some_and(|last| body.starts_with(['{', '(', '[', last]));
        if changes_sign && self.after == After::Anything {
            out.push(JOINER);
        }
        if self.starts && (behind_signs || (first && looks_like_a_block(body))) {
            out.push(JOINER);
        }
        let mut addresses =
            if self.link == Some(true) { Vec::new() } else { address::find(body) }.into_iter().peekable();
        let mut skip_to = 0;
        for (at, c) in body.char_indices() {
            if at < skip_to {
                continue;
            }
            let found = addresses.next_if(|range| range.start == at).unwrap_or(0..0);
            // Behind a letter nothing begins an address.
            let inside = found.start == 0 && out.chars().next_back().is_some_and(char::is_alphanumeric);
            let found = if inside { 0..0 } else { found };
            let whole = body.get(found.clone()).unwrap_or_default();
            let found = address::alone(body, &found, ENDS_ADDRESS);
            if !found.is_empty() && found == whole {
                self.separate(c, out);
                out.push_str(found);
                self.addressed = out.len();
                skip_to = at + found.len();
                continue;
            }
            let rest = body.get(at + c.len_utf8()..).unwrap_or_default();
            self.character(c, rest, behind.is_empty(), out);
        }
    }

    /// Keeps the end of another piece from acting together with this text, where nothing is written between them.
    fn part(&self, body: &str, out: &mut String) {
        let mut written = out.chars().rev();
        let (last, before) = (written.next(), written.next());
        let acts = last.is_some_and(|last| !SIGNS.contains(&last) && self.acts(last, before, body, out));
        if acts {
            out.push(JOINER);
        }
    }

    /// What must stand between what was written last and this character.
    fn separate(&mut self, c: char, out: &mut String) {
        let parted = match std::mem::replace(&mut self.after, After::Anything) {
            After::Anything => true,
            After::Phrase => c == ' ' || c.is_ascii_punctuation(),
            After::Code => !is_word(Some(c)),
            After::Picture => c != ':',
        };
        if !parted {
            out.push_str(SPELT);
        }
    }

    fn character(&mut self, c: char, rest: &str, ends: bool, out: &mut String) {
        let before = out.chars().next_back();
        let next = rest.chars().next();
        let spelt = match c {
            '@' if !is_word(before) => "&#64;",
            '<' if next.map_or(!ends, |next| next.is_alphanumeric() || "/!".contains(next)) => "&lt;",
            '&' if entity::is_one(rest) || (next.is_none() && !ends) => "&amp;",
            '"' if self.link == Some(true) => "&quot;",
            _ => "",
        };
        if !spelt.is_empty() {
            self.separate('&', out);
            out.push_str(spelt);
            return;
        }
        let begins = SIGNS.contains(&c)
            && begins_behind(before)
            && next.map_or(!ends, |next| !next.is_whitespace())
            && (before.is_some_and(|before| SIGNS.contains(&before)) || rest.contains(c) || !ends);
        let pictured = c == '!' && begins_behind(before) && (rest.contains('!') || !ends);
        let abbreviated = c == '('
            && out.chars().rev().take(2).filter(|c| c.is_ascii_uppercase() || c.is_ascii_digit()).count()
                == 2;
        if begins || pictured || abbreviated {
            self.separate(JOINER, out);
            out.push(JOINER);
        } else {
            self.separate(c, out);
        }
        out.push(c);
        if self.acts(c, before, rest, out) {
            out.push(JOINER);
        }
    }

    /// Whether a character would act together with what follows it.
    fn acts(&self, c: char, before: Option<char>, rest: &str, out: &str) -> bool {
        let next = rest.chars().next();
        match c {
            '{' | '[' if next == Some(c) => true,
            '[' => {
                next.is_some_and(|next| next.is_ascii_digit())
                    && before.is_some_and(|c| c.is_alphanumeric() || c == ']' || c == '_')
            }
            '=' => next == Some('='),
            '#' => next.is_some_and(|next| next.is_ascii_digit()),
            '"' => next == Some(':'),
            'r' => {
                !before.is_some_and(char::is_alphanumeric) && next.is_some_and(|next| next.is_ascii_digit())
            }
            ':' => {
                let word = out.get(..out.len() - 1).unwrap_or_default();
                next.is_some_and(|next| !next.is_whitespace()) && WORDS.iter().any(|one| word.ends_with(one))
            }
            c => self.open.iter().any(|(mark, written)| *written && sign(*mark) == c),
        }
    }
}

fn sign(mark: Mark) -> char {
    match mark {
        Mark::Bold => '*',
        Mark::Italic => '_',
        Mark::Strike => '-',
        Mark::Link => '"',
    }
}

fn looks_like_a_block(body: &str) -> bool {
    body.starts_with(['#', '*', '>', '|', '{', '='])
        || is_rule(body)
        || prefix(&format!("{body} ")).is_some()
        || body.starts_with("table")
        || (body.contains('|') && body.starts_with(['<', '(', ')', '~', '^', '-', '[', '_', '\\', '/']))
}
