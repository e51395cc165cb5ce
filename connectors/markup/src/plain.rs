//! Plain text: lines, and nothing in them means anything.

use crate::bound;
use crate::loss::{Loss, Losses, Text};
use crate::markdown::{parse, print};
use crate::outline;
use crate::spans;
use crate::tree::{Block, Inline, Style};

/// Plain text as canonical text that shows literally what was written.
pub fn read(plain: &str) -> Text {
    let (plain, cut) = bound(plain);
    let mut losses = Losses::default();
    if cut {
        losses.add(Loss::Length);
    }
    losses.with(print(&[Block::Paragraph(vec![Inline::plain(plain)])]))
}

/// Canonical text as plain text. Whatever is formatted in it is a loss.
pub fn write(text: &str) -> Text {
    let mut losses = Losses::default();
    let mut lines = Vec::new();
    blocks(&parse(text), &mut losses, &mut lines);
    losses.with(lines.join("\n"))
}

fn blocks(blocks: &[Block], losses: &mut Losses, out: &mut Vec<String>) {
    outline::apart(blocks, out, |block, out| self::block(block, losses, out));
}

fn block(block: &Block, losses: &mut Losses, out: &mut Vec<String>) {
    if !matches!(block, Block::Paragraph(_)) {
        losses.add(Loss::Formatting);
    }
    match block {
        Block::Paragraph(content) => out.extend(spans::lines(content).map(|line| self::line(line, losses))),
        Block::Heading { content, .. } => out.push(line(content, losses)),
        Block::List { start, items } => {
            for (number, item) in items.iter().enumerate() {
                let number = u32::try_from(number).unwrap_or(u32::MAX);
                let marker =
                    start.map_or("- ".to_owned(), |start| format!("{}. ", start.saturating_add(number)));
                contained(item, &marker, &" ".repeat(marker.len()), losses, out);
            }
        }
        Block::Quote(inner) => contained(inner, "> ", "> ", losses, out),
        Block::Code { text, .. } => out.extend(text.split('\n').map(str::to_owned)),
        Block::Rule => out.push("-".repeat(20)),
    }
}

fn contained(inner: &[Block], first: &str, further: &str, losses: &mut Losses, out: &mut Vec<String>) {
    let mut lines = Vec::new();
    blocks(inner, losses, &mut lines);
    for (number, line) in lines.into_iter().enumerate() {
        let prefix = if number == 0 { first } else { further };
        out.push(format!("{prefix}{line}").trim_end().to_owned());
    }
}

/// A line without its formatting: the address of a link stands behind the link's text.
fn line(parts: &[Inline], losses: &mut Losses) -> String {
    let mut out = String::new();
    let mut parts = parts.iter().peekable();
    while let Some(part) = parts.next() {
        match part {
            Inline::Text { text, .. } | Inline::Code { text, .. } => out.push_str(text),
            Inline::Image { name, alt } => {
                losses.add(Loss::Image);
                out.push_str(&picture(name, alt));
            }
            Inline::Break => {}
        }
        if part.style() != Style::PLAIN || matches!(part, Inline::Code { .. }) {
            losses.add(Loss::Formatting);
        }
        if let Some(link) = part.link()
            && parts.peek().and_then(|next| next.link()) != Some(link)
        {
            losses.add(Loss::Address);
            out.push_str(&format!(" <{link}>"));
        }
    }
    out
}

/// What stands for a picture where none can be shown.
pub(crate) fn picture(name: &str, alt: &str) -> String {
    if alt.is_empty() { format!("[{name}]") } else { format!("[{alt}: {name}]") }
}
