//! Canonical text as Textile: its blocks.

use super::text;
use crate::loss::{Loss, Losses, Text};
use crate::markdown::parse;
use crate::normal::JOINER;
use crate::outline;
use crate::spans;
use crate::tree::{Block, Inline};

/// Canonical text as Textile in which no text is markup, a macro, a link of Redmine's or a mention.
///
/// An invisible character stands where a sign would act; `read` takes it out. Pictures are shown from the ticket's
/// files.
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
        Block::Paragraph(content) => lines(spans::lines(content), losses, out),
        Block::Heading { level, content } => {
            let mut line = format!("h{level}. ");
            text::line(content, false, losses, &mut line);
            out.push(line);
        }
        Block::List { start, items } => {
            for entry in outline::entries(*start, items, losses) {
                let Some((first, rest)) = entry.lines.split_first() else { continue };
                let mut line = format!("{} ", entry.signs);
                text::line(first, false, losses, &mut line);
                out.push(line);
                lines(rest.iter().map(Vec::as_slice), losses, out);
            }
        }
        Block::Quote(inner) => {
            let mut quoted = Vec::new();
            blocks(inner, true, losses, &mut quoted);
            out.extend(quoted.into_iter().map(|line| format!("> {line}").trim_end_matches(' ').to_owned()));
        }
        Block::Code { .. } if quoted => {
            // Each line of a quote has its sign, also in a block that is shown as it is.
            losses.add(Loss::Nesting);
            lines(outline::lines(block).iter().map(Vec::as_slice), losses, out);
        }
        Block::Code { language, text } => code(language, text, losses, out),
        Block::Rule => out.push("---".to_owned()),
    }
}

fn lines<'l>(lines: impl Iterator<Item = &'l [Inline]>, losses: &mut Losses, out: &mut Vec<String>) {
    for line in lines {
        let mut text = String::new();
        text::line(line, true, losses, &mut text);
        out.push(text);
    }
}

fn code(language: &str, text: &str, losses: &mut Losses, out: &mut Vec<String>) {
    let known = !language.is_empty() && language.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !known && !language.is_empty() {
        losses.add(Loss::Language);
    }
    let (start, end) = if known {
        (format!("<pre><code class=\"{language}\">"), "</code></pre>")
    } else {
        ("<pre>".to_owned(), "</pre>")
    };
    out.push(start);
    // Tags are looked for in it, and nothing is escaped in it.
    let mut text = text.to_owned();
    for name in ["pre", "code", "kbd", "notextile"] {
        text = text.replace(&format!("<{name}"), &format!("<{JOINER}{name}"));
        text = text.replace(&format!("</{name}"), &format!("<{JOINER}/{name}"));
    }
    out.push(text);
    out.push(end.to_owned());
}
