//! A tree as Markdown.

use super::escape::{self, Place};
use crate::address;
use crate::normal::{self, Mark};
use crate::spans::{self, Piece};
use crate::tree::{Block, Inline};

/// For whom Markdown is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavor {
    /// The canonical text.
    Canonical,
    /// A forge that acts on names, numbers and commands in text, and joins lines unless told otherwise.
    Hosted,
}

impl Flavor {
    /// Whether an address in the text is put between `<` and `>`, so that nothing in it acts.
    pub(super) fn encloses(self, address: &str) -> bool {
        let acting: &[char] = match self {
            Self::Canonical => &['*', '_', '~', '[', '!'],
            Self::Hosted => &['*', '_', '~', '[', '!', '@', '#', '&', '$', '%', '^'],
        };
        // Entities are decoded between the brackets by some parsers and not by others.
        address.contains(acting) && !address.contains('&') || (self == Self::Hosted && !address.contains('&'))
    }
}

/// The canonical Markdown of a tree.
///
/// The tree is put into normal form first, so that trees that say the same print the same. Trees come from
/// [`parse`](crate::parse) or a dialect's reader and are at most sixteen containers deep.
pub fn print(tree: &[Block]) -> String {
    print_as(&normal::blocks(tree.to_vec()), Flavor::Canonical)
}

/// Markdown of a tree in normal form.
pub(crate) fn print_as(tree: &[Block], flavor: Flavor) -> String {
    let mut lines = Vec::new();
    blocks(tree, flavor, &mut lines);
    lines.join("\n")
}

fn blocks(blocks: &[Block], flavor: Flavor, out: &mut Vec<String>) {
    let mut before: Option<&Block> = None;
    for block in blocks {
        if before.is_some_and(|before| !adjoins(before, block)) {
            out.push(String::new());
        }
        self::block(block, flavor, out);
        before = Some(block);
    }
}

/// A nested list stands right below its paragraph, where that is unambiguous: only lists that start at 1 may.
fn adjoins(before: &Block, block: &Block) -> bool {
    matches!(before, Block::Paragraph(_)) && matches!(block, Block::List { start: None | Some(1), .. })
}

fn block(block: &Block, flavor: Flavor, out: &mut Vec<String>) {
    match block {
        Block::Paragraph(content) => {
            let mut lines = spans::lines(content).enumerate().peekable();
            while let Some((number, line)) = lines.next() {
                let mut text = self::line(line, number == 0, false, flavor);
                if flavor == Flavor::Hosted && lines.peek().is_some() {
                    text.push('\\');
                }
                out.push(text);
            }
        }
        Block::Heading { level, content } => {
            let hashes = "#".repeat(usize::from(*level));
            out.push(format!("{hashes} {}", line(content, true, true, flavor)));
        }
        Block::List { start, items } => {
            for (number, item) in items.iter().enumerate() {
                let marker = match start {
                    None => "- ".to_owned(),
                    Some(start) => {
                        let number = u32::try_from(number).unwrap_or(u32::MAX);
                        format!("{}. ", start.saturating_add(number).min(999_999_999))
                    }
                };
                contained(item, &marker, &" ".repeat(marker.len()), flavor, out);
            }
        }
        Block::Quote(inner) => contained(inner, "> ", "> ", flavor, out),
        Block::Code { language, text } => {
            let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
            let fence = "`".repeat(longest.saturating_add(1).max(3));
            out.push(format!("{fence}{language}"));
            out.extend(text.split('\n').map(|line| code_line(line, fence.len() > 3, flavor)));
            out.push(fence);
        }
        Block::Rule => out.push("***".to_owned()),
    }
}

fn contained(inner: &[Block], first: &str, further: &str, flavor: Flavor, out: &mut Vec<String>) {
    let mut lines = Vec::new();
    blocks(inner, flavor, &mut lines);
    for (number, line) in lines.into_iter().enumerate() {
        let prefix = if number == 0 { first } else { further };
        out.push(format!("{prefix}{line}").trim_end_matches(' ').to_owned());
    }
}

/// A forge looks for commands in lines of code too where the fence is not the one it knows.
fn code_line(line: &str, unusual: bool, flavor: Flavor) -> String {
    let command = line.strip_prefix('/').map(|rest| rest.split(' ').next().unwrap_or_default());
    let is_command = command.is_some_and(|word| {
        word.starts_with(|c: char| c.is_ascii_alphabetic())
            && word.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
    });
    if flavor == Flavor::Hosted && unusual && is_command {
        format!("{}{line}", normal::JOINER)
    } else {
        line.to_owned()
    }
}

fn line(parts: &[Inline], first_line: bool, heading: bool, flavor: Flavor) -> String {
    let pieces = spans::pieces(parts);
    let mut out = String::new();
    let mut bracketed = false;
    for (at, piece) in pieces.iter().enumerate() {
        match *piece {
            Piece::Open(mark) | Piece::Close(mark) => out.push_str(delimiter(mark)),
            Piece::OpenLink(_) => {
                bracketed = true;
                out.push('[');
            }
            Piece::CloseLink(address) => {
                bracketed = false;
                out.push_str("](");
                destination(address, &mut out);
                out.push(')');
            }
            Piece::Text(text) => {
                let (before, behind) =
                    (pieces.get(..at).unwrap_or_default(), pieces.get(at + 1..).unwrap_or_default());
                let place = Place {
                    starts_line: out.is_empty(),
                    first_text: before
                        .iter()
                        .all(|piece| matches!(piece, Piece::Open(_) | Piece::OpenLink(_))),
                    first_line,
                    heading,
                    ends_line: behind.is_empty(),
                    bracketed,
                    before_bracket: matches!(behind.first(), Some(Piece::OpenLink(_) | Piece::Image { .. })),
                    guard_first: guarded(before.iter().rev(), true),
                    guard_last: guarded(behind.iter(), false),
                    flavor,
                };
                escape::text(text, place, &mut out);
            }
            Piece::Code(text) => code(text, &mut out),
            Piece::Image { name, alt } => {
                out.push_str("![");
                let place = Place {
                    starts_line: false,
                    first_text: at == 0,
                    first_line: false,
                    heading: false,
                    ends_line: false,
                    bracketed: true,
                    before_bracket: false,
                    guard_first: false,
                    guard_last: false,
                    flavor,
                };
                escape::text(alt, place, &mut out);
                out.push_str("](");
                destination(name, &mut out);
                out.push(')');
            }
        }
    }
    out
}

fn delimiter(mark: Mark) -> &'static str {
    match mark {
        Mark::Bold => "**",
        Mark::Italic => "_",
        Mark::Strike => "~~",
        Mark::Link => "",
    }
}

/// Whether delimiters stand between a text and what comes next to it that only work beside punctuation.
///
/// `next` goes away from the text. See "left-flanking" and "right-flanking" in the `CommonMark` specification.
fn guarded<'a>(next: impl Iterator<Item = &'a Piece<'a>>, backwards: bool) -> bool {
    let mut marks = Vec::new();
    let mut next = next.peekable();
    while let Some(piece) = next.next() {
        match (piece, backwards) {
            (Piece::Close(mark), true) | (Piece::Open(mark), false) => marks.push(*mark),
            // Delimiters of other spans lie between: the text stands inside one, not beside one.
            (Piece::Open(_), true) | (Piece::Close(_), false) => return false,
            (Piece::Text(text), _) => {
                let inner = if backwards { text.chars().next_back() } else { text.chars().next() };
                // One letter with further delimiters behind it is guarded itself, and so punctuation.
                let guarded = text.chars().nth(1).is_none()
                    && match next.peek() {
                        Some(Piece::Open(_)) => !backwards,
                        Some(Piece::Close(_)) => backwards,
                        _ => false,
                    };
                let beside_letter =
                    inner.is_some_and(char::is_alphanumeric) && !guarded && !ends_in_address(text, backwards);
                return match marks.as_slice() {
                    [] => false,
                    [mark] => *mark == Mark::Italic || !beside_letter,
                    _ => true,
                };
            }
            (Piece::OpenLink(_) | Piece::CloseLink(_) | Piece::Code(_) | Piece::Image { .. }, _) => {
                return !marks.is_empty();
            }
        }
    }
    false
}

/// Whether a text begins, or ends, with an address, which may be printed between `<` and `>`.
fn ends_in_address(text: &str, at_end: bool) -> bool {
    let found = address::find(text);
    if at_end {
        found.last().is_some_and(|last| last.end == text.len())
    } else {
        found.first().is_some_and(|first| first.start == 0)
    }
}

/// Code of one line, between as many backticks as it does not contain.
fn code(text: &str, out: &mut String) {
    let runs: Vec<usize> = text.split(|c| c != '`').map(str::len).filter(|run| *run > 0).collect();
    let fence = (1..).find(|length| !runs.contains(length)).unwrap_or(1);
    let fence = "`".repeat(fence);
    let space = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    out.push_str(&format!("{fence}{space}{text}{space}{fence}"));
}

fn destination(address: &str, out: &mut String) {
    let simple = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#@$&+,;=%".contains(c);
    let enclosed = address.is_empty() || !address.chars().all(simple);
    out.push_str(if enclosed { "<" } else { "" });
    for (at, c) in address.char_indices() {
        let rest = address.get(at + c.len_utf8()..).unwrap_or_default();
        if "<>\\".contains(c) || (c == '&' && escape::is_entity(rest)) {
            out.push('\\');
        }
        out.push(c);
    }
    out.push_str(if enclosed { ">" } else { "" });
}
