//! The normal form of a tree: of all trees that say the same, the one that every dialect can give back.

use crate::address;
use crate::tree::{Block, Inline, Style};

/// Blocks nest at most this deep. Whatever nests deeper stands beside what it stood in.
pub(crate) const DEEPEST: usize = 16;

/// The largest number `CommonMark` allows for an item.
const LARGEST_NUMBER: u32 = 999_999_999;

/// The normal form of blocks: nothing empty, one spelling for each thing, neighbours of one kind merged.
pub(crate) fn blocks(blocks: Vec<Block>) -> Vec<Block> {
    let mut out: Vec<Block> = Vec::with_capacity(blocks.len());
    for block in blocks {
        match block {
            Block::Paragraph(content) => paragraphs(content, &mut out),
            Block::Heading { level, content } => {
                let joined = lines(content).into_iter().reduce(|mut joined, line| {
                    joined.push(Inline::plain(" "));
                    joined.extend(line);
                    joined
                });
                let content = trimmed(line(joined.unwrap_or_default()));
                if !content.is_empty() {
                    out.push(Block::Heading { level: level.clamp(1, 6), content });
                }
            }
            Block::List { start, items } => {
                let items = items.into_iter().map(self::blocks).filter(|item| !item.is_empty());
                let start = start.map(|start| start.min(LARGEST_NUMBER));
                append(&mut out, Block::List { start, items: items.collect() });
            }
            Block::Quote(inner) => append(&mut out, Block::Quote(self::blocks(inner))),
            Block::Code { language, text } => {
                let text = code_lines(&text);
                if !text.is_empty() {
                    out.push(Block::Code { language: self::language(&language), text });
                }
            }
            Block::Rule => out.push(Block::Rule),
        }
    }
    out
}

/// Adds a block in normal form; lists and quotes that follow one of their own kind continue it.
fn append(out: &mut Vec<Block>, block: Block) {
    match (out.last_mut(), block) {
        (Some(Block::List { start: before, items: there }), Block::List { start, items })
            if before.is_some() == start.is_some() =>
        {
            there.extend(items);
        }
        (Some(Block::Quote(before)), Block::Quote(inner)) => {
            for block in inner {
                append(before, block);
            }
        }
        (_, Block::List { items, .. }) if items.is_empty() => {}
        (_, Block::Quote(inner)) if inner.is_empty() => {}
        (_, block) => out.push(block),
    }
}

/// An empty line inside a paragraph ends it.
fn paragraphs(content: Vec<Inline>, out: &mut Vec<Block>) {
    let mut paragraph: Vec<Inline> = Vec::new();
    for line in lines(content) {
        if line.is_empty() {
            if !paragraph.is_empty() {
                out.push(Block::Paragraph(std::mem::take(&mut paragraph)));
            }
            continue;
        }
        if !paragraph.is_empty() {
            paragraph.push(Inline::Break);
        }
        paragraph.extend(line);
    }
    if !paragraph.is_empty() {
        out.push(Block::Paragraph(paragraph));
    }
}

/// A heading's content as a bold line, for where no heading can stand.
pub(crate) fn bold(content: &[Inline]) -> Vec<Inline> {
    let bold = |part: &Inline| match part.clone() {
        Inline::Text { text, style, link } => {
            Inline::Text { text, style: Style { bold: true, ..style }, link }
        }
        part @ (Inline::Code { .. } | Inline::Image { .. } | Inline::Break) => part,
    };
    line(content.iter().map(bold).collect())
}

/// The lines of a text that means nothing, without the empty ones.
pub(crate) fn text_lines(text: &str) -> Vec<Vec<Inline>> {
    lines(vec![Inline::plain(text)]).into_iter().filter(|line| !line.is_empty()).collect()
}

/// The lines of a paragraph, each in normal form and without a line end in it.
fn lines(content: Vec<Inline>) -> Vec<Vec<Inline>> {
    let mut lines = vec![Vec::new()];
    let mut push = |part: Inline, ends: bool| {
        if let Some(last) = lines.last_mut() {
            last.push(part);
        }
        if ends {
            lines.push(Vec::new());
        }
    };
    for part in content {
        match part {
            Inline::Break => push(Inline::plain(""), true),
            Inline::Text { text, style, link } => {
                let text = text.replace("\r\n", "\n");
                let mut pieces = text.split(is_line_end).peekable();
                while let Some(piece) = pieces.next() {
                    let text = cleaned(piece);
                    push(Inline::Text { text, style, link: link.clone() }, pieces.peek().is_some());
                }
            }
            Inline::Code { text, link } => {
                let text = cleaned(&text.replace(is_line_end, " ")).trim().to_owned();
                push(Inline::Code { text, link }, false);
            }
            Inline::Image { name, alt } => push(image(&name, &alt), false),
        }
    }
    lines.into_iter().map(line).collect()
}

/// One line in normal form.
fn line(parts: Vec<Inline>) -> Vec<Inline> {
    let mut parts: Vec<Inline> =
        parts.into_iter().map(with_good_link).filter(|part| !is_empty(part)).collect();
    for mark in Mark::OUTSIDE_IN {
        parts = merged(trim_marks(merged(parts), mark));
        if mark == Mark::Link {
            parts = merged(collapse(parts));
        }
    }
    trim_end(&mut parts);
    parts
}

/// A link that reads as its own address is an address in the text.
fn collapse(parts: Vec<Inline>) -> Vec<Inline> {
    let shown = |part: &Inline| match part {
        Inline::Text { text, link: Some(link), .. } => address::is_shown_as(text, link),
        Inline::Text { link: None, .. } | Inline::Code { .. } | Inline::Image { .. } | Inline::Break => false,
    };
    let mut out: Vec<Inline> = Vec::with_capacity(parts.len());
    let mut parts = parts.into_iter().peekable();
    while let Some(part) = parts.next() {
        let mut span = vec![part];
        while let (Some(last), Some(next)) = (span.last(), parts.peek())
            && last.spans(next, Mark::Link)
        {
            span.extend(parts.next());
        }
        // In several styles it may stand there once for each.
        let all = span.iter().all(shown);
        out.extend(span.into_iter().map(|part| if all { part.without(Mark::Link) } else { part }));
    }
    out
}

/// What surrounds parts of a line, the outermost first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    Link,
    Bold,
    Italic,
    Strike,
}

impl Mark {
    pub(crate) const OUTSIDE_IN: [Self; 4] = [Self::Link, Self::Bold, Self::Italic, Self::Strike];
}

impl Inline {
    pub(crate) fn link(&self) -> Option<&str> {
        match self {
            Self::Text { link, .. } | Self::Code { link, .. } => link.as_deref(),
            Self::Image { .. } | Self::Break => None,
        }
    }

    pub(crate) fn style(&self) -> Style {
        match self {
            Self::Text { style, .. } => *style,
            Self::Code { .. } | Self::Image { .. } | Self::Break => Style::PLAIN,
        }
    }

    pub(crate) fn has(&self, mark: Mark) -> bool {
        match mark {
            Mark::Link => self.link().is_some(),
            Mark::Bold => self.style().bold,
            Mark::Italic => self.style().italic,
            Mark::Strike => self.style().strike,
        }
    }

    fn without(mut self, mark: Mark) -> Self {
        if let Self::Text { style, link, .. } = &mut self {
            match mark {
                Mark::Link => *link = None,
                Mark::Bold => style.bold = false,
                Mark::Italic => style.italic = false,
                Mark::Strike => style.strike = false,
            }
        }
        self
    }

    /// Whether two parts stand in one span of this mark: they have it, and whatever surrounds it is the same.
    fn spans(&self, next: &Self, mark: Mark) -> bool {
        let same = |outer: Mark| match outer {
            Mark::Link => self.link() == next.link(),
            Mark::Bold | Mark::Italic | Mark::Strike => self.has(outer) == next.has(outer),
        };
        self.has(mark)
            && next.has(mark)
            && Mark::OUTSIDE_IN.into_iter().take_while(|outer| *outer != mark).all(same)
            && (mark != Mark::Link || same(mark))
    }
}

/// Neighbours that differ in nothing are one.
fn merged(parts: Vec<Inline>) -> Vec<Inline> {
    let mut out: Vec<Inline> = Vec::with_capacity(parts.len());
    for part in parts {
        match (out.last_mut(), part) {
            (
                Some(Inline::Text { text: before, style: old_style, link: old_link }),
                Inline::Text { text, style, link },
            ) if *old_style == style && *old_link == link => before.push_str(&text),
            (Some(Inline::Code { text: before, link: old_link }), Inline::Code { text, link })
                if *old_link == link =>
            {
                before.push_str(&text);
            }
            (_, part) => out.push(part),
        }
    }
    out
}

/// Takes a mark from white space at the ends of its spans: no dialect can say it there, and no reader sees it.
fn trim_marks(parts: Vec<Inline>, mark: Mark) -> Vec<Inline> {
    let mut out: Vec<Inline> = Vec::with_capacity(parts.len());
    let mut parts = parts.into_iter().peekable();
    while let Some(part) = parts.next() {
        if !part.has(mark) {
            out.push(part);
            continue;
        }
        let mut span = vec![part];
        while let (Some(last), Some(next)) = (span.last(), parts.peek())
            && last.spans(next, mark)
        {
            span.extend(parts.next());
        }
        trim_span(span, mark, &mut out);
    }
    out
}

fn trim_span(span: Vec<Inline>, mark: Mark, out: &mut Vec<Inline>) {
    let is_blank = |part: &Inline| matches!(part, Inline::Text { text, .. } if text.trim().is_empty());
    let Some(last) = span.iter().rposition(|part| !is_blank(part)) else {
        out.extend(span.into_iter().map(|part| part.without(mark)));
        return;
    };
    let mut leading = true;
    for (at, part) in span.into_iter().enumerate() {
        if (leading && is_blank(&part)) || at > last {
            out.push(part.without(mark));
            continue;
        }
        let Inline::Text { text, style, link } = part else {
            leading = false;
            out.push(part);
            continue;
        };
        let piece = |text: &str| Inline::Text { text: text.to_owned(), style, link: link.clone() };
        let start = if leading { text.len() - text.trim_start().len() } else { 0 };
        let end = if at == last { text.trim_end().len() } else { text.len() };
        leading = false;
        let pieces = [
            piece(text.get(..start).unwrap_or_default()).without(mark),
            piece(text.get(start..end).unwrap_or_default()),
            piece(text.get(end..).unwrap_or_default()).without(mark),
        ];
        out.extend(pieces.into_iter().filter(|part| !is_empty(part)));
    }
}

fn trim_end(parts: &mut Vec<Inline>) {
    while let Some(Inline::Text { text, .. }) = parts.last_mut() {
        text.truncate(text.trim_end().len());
        if !text.is_empty() {
            break;
        }
        parts.pop();
    }
}

fn trimmed(mut parts: Vec<Inline>) -> Vec<Inline> {
    if let Some(Inline::Text { text, .. }) = parts.first_mut() {
        *text = text.trim_start().to_owned();
    }
    parts.retain(|part| !is_empty(part));
    parts
}

fn is_empty(part: &Inline) -> bool {
    match part {
        Inline::Text { text, .. } | Inline::Code { text, .. } => text.is_empty(),
        Inline::Image { name, .. } => name.is_empty(),
        Inline::Break => true,
    }
}

fn with_good_link(part: Inline) -> Inline {
    let good = |link: Option<String>| link.and_then(|link| address::normal(&link));
    match part {
        Inline::Text { text, style, link } => Inline::Text { text, style, link: good(link) },
        Inline::Code { text, link } => Inline::Code { text, link: good(link) },
        part @ (Inline::Image { .. } | Inline::Break) => part,
    }
}

/// A picture by a name without a path; one without a name is its description.
fn image(name: &str, alt: &str) -> Inline {
    let alt = cleaned(&alt.replace(is_line_end, " ")).split_whitespace().collect::<Vec<_>>().join(" ");
    let name = cleaned(name).replace(is_line_end, " ");
    let name: String = address::file_name(&name.replace(['?', '#', '<', '>', '|'], "_"));
    if name.is_empty() {
        return Inline::plain(alt);
    }
    let alt = if alt == name { String::new() } else { alt };
    Inline::Image { name, alt }
}

pub(crate) fn is_line_end(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Text without what nobody sees: control characters, and the joiner that our own writers put in.
///
/// A no-break space is a space: dialects that collapse spaces write runs of them with it.
fn cleaned(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => out.push_str("    "),
            '\u{a0}' => out.push(' '),
            JOINER | '\u{feff}' => {}
            c if c.is_control() && !is_line_end(c) => {}
            c => out.push(c),
        }
    }
    out
}

/// What writers put inside a word that would act in the target system: seen by nobody, and never read back.
pub(crate) const JOINER: char = '\u{2060}';

/// Lines without white space at their ends and without empty ones at the start and end.
fn code_lines(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let mut lines: Vec<String> = text
        .split(is_line_end)
        .map(|line| {
            let kept: String = line
                .chars()
                .filter(|c| *c == '\t' || !(c.is_control() || [JOINER, '\u{feff}'].contains(c)))
                .map(|c| if c == '\u{a0}' { ' ' } else { c })
                .collect();
            kept.trim_end().to_owned()
        })
        .collect();
    let start = lines.iter().position(|line| !line.is_empty()).unwrap_or(lines.len());
    let end = lines.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1);
    lines.truncate(end);
    lines.split_off(start.min(end)).join("\n")
}

/// A language is one short word; whatever else stands in its place is nothing readers miss.
pub(crate) fn language(text: &str) -> String {
    let word = text.split(|c: char| c.is_whitespace() || c == ',' || c == '{').next().unwrap_or_default();
    let good = |c: char| c.is_ascii_alphanumeric() || "+#._-".contains(c);
    if word.len() <= 32 && word.chars().all(good) { word.to_ascii_lowercase() } else { String::new() }
}
