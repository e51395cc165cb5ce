//! Lists as wiki dialects write them: one entry a line, its depth and kind said by a run of signs.

use crate::loss::{Loss, Losses};
use crate::normal;
use crate::spans;
use crate::tree::{Block, Inline};

/// One entry of an outline.
#[derive(Debug)]
pub(crate) struct Entry {
    /// `*` for each list of bullets and `#` for each numbered list around it.
    pub(crate) signs: String,
    /// Its lines; the first stands behind the signs.
    pub(crate) lines: Vec<Vec<Inline>>,
}

/// The entries of a list. What cannot stand in an entry stands as lines of text.
pub(crate) fn entries(start: Option<u32>, items: &[Vec<Block>], losses: &mut Losses) -> Vec<Entry> {
    let mut out = Vec::new();
    list("", start, items, losses, &mut out);
    out
}

fn list(signs: &str, start: Option<u32>, items: &[Vec<Block>], losses: &mut Losses, out: &mut Vec<Entry>) {
    if start.is_some_and(|start| start != 1) {
        losses.add(Loss::Numbering);
    }
    let signs = format!("{signs}{}", if start.is_some() { '#' } else { '*' });
    for item in items {
        let mut entry = Entry { signs: signs.clone(), lines: Vec::new() };
        for (number, block) in item.iter().enumerate() {
            if let Block::List { start, items } = block {
                if entry.lines.is_empty() {
                    // An entry of nothing but a list cannot be told from the entry above it.
                    losses.add(if number == 0 { Loss::Nesting } else { Loss::Formatting });
                } else {
                    out.push(std::mem::replace(
                        &mut entry,
                        Entry { signs: signs.clone(), lines: Vec::new() },
                    ));
                }
                list(&signs, *start, items, losses, out);
                continue;
            }
            if number > 0 || !matches!(block, Block::Paragraph(_)) {
                losses.add(Loss::Nesting);
            }
            entry.lines.extend(lines(block));
        }
        if !entry.lines.is_empty() {
            out.push(entry);
        }
    }
}

/// Each block in turn, with an empty line between one and the next.
pub(crate) fn apart(
    blocks: &[Block],
    out: &mut Vec<String>,
    mut write: impl FnMut(&Block, &mut Vec<String>),
) {
    for (number, block) in blocks.iter().enumerate() {
        if number > 0 {
            out.push(String::new());
        }
        write(block, out);
    }
}

/// A block as lines of text.
pub(crate) fn lines(block: &Block) -> Vec<Vec<Inline>> {
    match block {
        Block::Paragraph(content) => spans::lines(content).map(<[Inline]>::to_vec).collect(),
        Block::Heading { content, .. } => vec![normal::bold(content)],
        Block::List { items, .. } => {
            let mark = |mut line: Vec<Inline>| {
                line.insert(0, Inline::plain("\u{2022} "));
                line
            };
            items.iter().flatten().flat_map(lines).map(mark).collect()
        }
        Block::Quote(inner) => inner.iter().flat_map(lines).collect(),
        Block::Code { text, .. } => normal::text_lines(text),
        Block::Rule => vec![vec![Inline::plain("---")]],
    }
}
