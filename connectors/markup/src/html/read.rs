//! HTML as canonical text.

use html5gum::{DefaultEmitter, Token, Tokenizer};

use super::element::{self, Css, Kind, StartTag, attribute};
use crate::bound;
use crate::builder::{Builder, Container};
use crate::loss::{Loss, Text};
use crate::markdown::{image, print};
use crate::tree::Block;

/// Elements open at once. Others below them only contribute their text.
const DEEPEST: usize = 200;

/// HTML as canonical text. A picture that only an address tells becomes a link.
pub fn read(html: &str) -> Text {
    read_with(html, &|_| None)
}

/// As [`read`]; `images` says which of the ticket's files an address (also `cid:…`) shows.
pub fn read_with(html: &str, images: &dyn Fn(&str) -> Option<String>) -> Text {
    let mut builder = Builder::default();
    let (html, cut) = bound(html);
    if cut {
        builder.losses.add(Loss::Length);
    }
    let mut fragments = Fragments::new(images);
    fragments.whole = true;
    fragments.feed(html, &mut builder);
    fragments.finish(&mut builder);
    let (tree, losses) = builder.finish();
    losses.with(print(&tree))
}

/// Reads HTML piece by piece, so that it may be mixed with other text.
pub(crate) struct Fragments<'a> {
    images: &'a dyn Fn(&str) -> Option<String>,
    open: Vec<Open>,
    /// How many of the open elements are skipped.
    skipped: usize,
    /// Inline code in hand.
    code: Option<String>,
    /// The language and text of the preformatted block in hand.
    pre: Option<(String, String)>,
    /// Everything is HTML: whatever is in hand at the end of a piece goes on in the next.
    whole: bool,
}

#[derive(Debug)]
struct Open {
    name: String,
    kind: Kind,
    cells: usize,
}

impl<'a> Fragments<'a> {
    pub(crate) fn new(images: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { images, open: Vec::new(), skipped: 0, code: None, pre: None, whole: false }
    }

    /// Reads one piece.
    pub(crate) fn feed(&mut self, html: &str, builder: &mut Builder) {
        let mut emitter = DefaultEmitter::default();
        emitter.naively_switch_states(true);
        for token in Tokenizer::new_with_emitter(html, emitter) {
            let Ok(token) = token;
            match token {
                Token::StartTag(tag) => self.start(&tag, builder),
                Token::EndTag(tag) => self.end(&String::from_utf8_lossy(&tag.name), builder),
                Token::String(text) => self.text(&String::from_utf8_lossy(&text.value), builder),
                Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
            }
        }
        if !self.whole {
            // What follows is not HTML, so nothing of it can end these.
            while self.skipped > 0 || self.code.is_some() || self.pre.is_some() {
                self.pop(builder);
            }
        }
    }

    /// Ends whatever is still open.
    pub(crate) fn finish(mut self, builder: &mut Builder) {
        while !self.open.is_empty() {
            self.pop(builder);
        }
        builder.end_paragraph();
    }

    fn text(&mut self, text: &str, builder: &mut Builder) {
        if self.skipped > 0 {
            return;
        }
        if let Some((_, pre)) = &mut self.pre {
            pre.push_str(text);
            return;
        }
        let mut rest = text;
        while !rest.is_empty() {
            let word = rest.len() - rest.trim_start_matches(|c: char| !c.is_ascii_whitespace()).len();
            let (kept, behind) = rest.split_at_checked(word).unwrap_or((rest, ""));
            let space = behind.trim_start_matches(|c: char| c.is_ascii_whitespace());
            match &mut self.code {
                Some(code) => {
                    code.push_str(kept);
                    if space.len() < behind.len() && !code.ends_with(' ') {
                        code.push(' ');
                    }
                }
                None => {
                    builder.text(kept);
                    if space.len() < behind.len() && !builder.ends_in_space() {
                        builder.text(" ");
                    }
                }
            }
            rest = space;
        }
    }

    fn start(&mut self, tag: &StartTag, builder: &mut Builder) {
        let name = String::from_utf8_lossy(&tag.name).into_owned();
        let css = attribute(tag, "style").map_or_else(Css::default, |style| element::css(&style));
        if self.skipped == 0 && self.void(&name, tag, css, builder) {
            return;
        }
        let Some(kind) = element::kind(&name) else { return };
        if self.open.len() >= DEEPEST || (tag.self_closing && kind == Kind::Skipped) {
            return;
        }
        let hidden = css.hidden || attribute(tag, "hidden").is_some();
        if hidden || kind == Kind::Skipped || self.skipped > 0 {
            if element::shows_something(&name) && self.skipped == 0 && !hidden {
                builder.losses.add(Loss::Macro);
            }
            self.skipped += 1;
            self.open.push(Open { name, kind: Kind::Skipped, cells: 0 });
            return;
        }
        if let Some((_, pre)) = &mut self.pre {
            if kind.is_block() && !pre.ends_with('\n') {
                pre.push('\n');
            }
            if let Some((language, _)) = self.pre.as_mut().filter(|(language, _)| language.is_empty()) {
                *language = self::language(tag);
            }
            return;
        }
        self.imply(kind, &name, builder);
        losses(&name, tag, css, builder);
        self.enter(&name, kind, tag, css, builder);
    }

    /// Elements that hold nothing.
    fn void(&mut self, name: &str, tag: &StartTag, css: Css, builder: &mut Builder) -> bool {
        match name {
            "br" => match (&mut self.pre, &mut self.code) {
                (Some((_, pre)), _) => pre.push('\n'),
                (None, Some(code)) => code.push(' '),
                (None, None) => builder.line_break(),
            },
            "wbr" => {}
            "hr" => {
                self.imply(Kind::Section, name, builder);
                builder.push(Block::Rule);
            }
            "img" => self.picture(tag, css, builder),
            "input" => {
                if attribute(tag, "type").is_some_and(|kind| kind.eq_ignore_ascii_case("checkbox")) {
                    builder.losses.add(Loss::Task);
                    builder.text(if attribute(tag, "checked").is_some() { "[x]" } else { "[ ]" });
                }
            }
            "embed" => builder.losses.add(Loss::Macro),
            _ => return false,
        }
        true
    }

    fn picture(&mut self, tag: &StartTag, css: Css, builder: &mut Builder) {
        let tiny = |side: &str| attribute(tag, side).is_some_and(|size| matches!(size.trim(), "0" | "1"));
        if css.hidden
            || css.tiny
            || tiny("width")
            || tiny("height")
            || self.pre.is_some()
            || self.code.is_some()
        {
            // A picture nobody sees only tells its sender that it was opened.
            return;
        }
        let alt = attribute(tag, "alt").unwrap_or_default();
        let class = attribute(tag, "class").unwrap_or_default();
        if class.contains("emoji") || class.contains("emoticon") {
            builder.text(&alt);
            return;
        }
        let source = attribute(tag, "src").unwrap_or_default();
        image(&source, &alt, (self.images)(&source).as_deref(), builder);
    }

    /// Ends the elements whose end may be left out before `kind` begins.
    fn imply(&mut self, kind: Kind, name: &str, builder: &mut Builder) {
        let ended: &[Kind] = match kind {
            Kind::Item => &[Kind::Item],
            Kind::Cell => &[Kind::Cell],
            Kind::Row => &[Kind::Row],
            Kind::Link => &[Kind::Link],
            Kind::Paragraph | Kind::Heading => &[Kind::Paragraph, Kind::Heading],
            Kind::Section | Kind::Quote | Kind::List | Kind::Pre | Kind::Table => &[Kind::Paragraph],
            Kind::Span { .. } | Kind::Code | Kind::Cite | Kind::Skipped => &[],
        };
        if ended.is_empty() {
            return;
        }
        let barrier = |open: &Open| match kind {
            Kind::Item => matches!(open.kind, Kind::List | Kind::Cell | Kind::Quote),
            Kind::Cell => matches!(open.kind, Kind::Row | Kind::Table),
            Kind::Row => open.kind == Kind::Table,
            Kind::Span { .. }
            | Kind::Link
            | Kind::Code
            | Kind::Cite
            | Kind::Paragraph
            | Kind::Heading
            | Kind::Section
            | Kind::Quote
            | Kind::List
            | Kind::Pre
            | Kind::Table
            | Kind::Skipped => open.kind.holds_blocks(),
        };
        let at = self
            .open
            .iter()
            .rev()
            .take_while(|open| !barrier(open))
            .position(|open| ended.contains(&open.kind));
        if let Some(above) = at {
            for _ in 0..=above {
                self.pop(builder);
            }
        }
        if kind.is_block() && name != "tr" && !matches!(kind, Kind::Row | Kind::Cell) {
            builder.end_paragraph();
        }
    }

    fn enter(&mut self, name: &str, kind: Kind, tag: &StartTag, css: Css, builder: &mut Builder) {
        let kind = if let Kind::Span { bold, italic, strike } = kind {
            let (bold, italic, strike) = (bold || css.bold, italic || css.italic, strike || css.strike);
            Kind::Span { bold, italic, strike }
        } else if kind == Kind::Link && attribute(tag, "href").is_none() {
            Kind::PLAIN
        } else {
            kind
        };
        match kind {
            Kind::Span { .. } => set(builder, kind, true),
            Kind::Link => builder.link(&attribute(tag, "href").unwrap_or_default()),
            Kind::Code if self.code.is_some() => return,
            Kind::Code => self.code = Some(String::new()),
            Kind::Cite => builder.text("\u{201c}"),
            Kind::Heading => {
                let level = name.strip_prefix('h').and_then(|level| level.parse().ok());
                builder.heading(level.unwrap_or(1));
            }
            Kind::Quote => builder.open(Container::Quote),
            Kind::List => {
                let start = attribute(tag, "start").and_then(|start| start.trim().parse().ok());
                builder.open(Container::List((name == "ol").then(|| start.unwrap_or(1))));
            }
            Kind::Item => builder.open(Container::Item),
            Kind::Pre => self.pre = Some((language(tag), String::new())),
            Kind::Row => builder.line_break(),
            Kind::Cell => {
                if let Some(row) = self.open.iter_mut().rev().find(|open| open.kind == Kind::Row) {
                    row.cells += 1;
                    if row.cells > 1 {
                        builder.losses.add(Loss::Table);
                        builder.text(" | ");
                    }
                }
            }
            Kind::Table | Kind::Paragraph | Kind::Section | Kind::Skipped => {}
        }
        self.open.push(Open { name: name.to_owned(), kind, cells: 0 });
    }

    fn end(&mut self, name: &str, builder: &mut Builder) {
        if name == "br" {
            builder.line_break();
            return;
        }
        let Some(kind) = element::kind(name) else { return };
        if name == "p" && !self.open.iter().any(|open| open.name == "p") {
            builder.end_paragraph();
            return;
        }
        let tabular = matches!(kind, Kind::Table | Kind::Row);
        let barrier = |open: &Open| {
            if tabular {
                open.kind == Kind::Table && name != open.name
            } else if kind.holds_blocks() || kind == Kind::Skipped {
                matches!(open.kind, Kind::Cell | Kind::Table) && name != open.name
            } else {
                open.kind.holds_blocks()
            }
        };
        let above =
            self.open.iter().rev().take_while(|open| !barrier(open)).position(|open| open.name == name);
        if let Some(above) = above {
            for _ in 0..=above {
                self.pop(builder);
            }
        }
    }

    /// Ends the element that was opened last.
    fn pop(&mut self, builder: &mut Builder) {
        let Some(open) = self.open.pop() else {
            (self.skipped, self.code, self.pre) = (0, None, None);
            return;
        };
        match open.kind {
            kind @ Kind::Span { .. } => set(builder, kind, false),
            Kind::Link => builder.end_link(),
            Kind::Code => {
                if let Some(code) = self.code.take() {
                    builder.code(&code);
                }
            }
            Kind::Cite => builder.text("\u{201d}"),
            Kind::Paragraph | Kind::Heading | Kind::Section | Kind::Table => builder.end_paragraph(),
            Kind::Quote | Kind::List | Kind::Item => builder.close(),
            Kind::Pre => {
                if let Some((language, text)) = self.pre.take() {
                    builder.push(Block::Code { language, text });
                }
            }
            Kind::Skipped => self.skipped = self.skipped.saturating_sub(1),
            Kind::Row | Kind::Cell => {}
        }
    }
}

fn set(builder: &mut Builder, kind: Kind, on: bool) {
    let Kind::Span { bold, italic, strike } = kind else { return };
    if bold {
        builder.bold(on);
    }
    if italic {
        builder.italic(on);
    }
    if strike {
        builder.strike(on);
    }
}

/// Notes what an element shows that canonical text cannot.
fn losses(name: &str, tag: &StartTag, css: Css, builder: &mut Builder) {
    if css.color || name == "mark" || (name == "font" && attribute(tag, "color").is_some()) {
        builder.losses.add(Loss::Color);
    }
    let face = matches!(name, "u" | "ins" | "sup" | "sub" | "small" | "big");
    if face || css.underline || (name == "font" && attribute(tag, "size").is_some()) {
        builder.losses.add(Loss::Face);
    }
}

/// The language in a class such as `language-rust`.
fn language(tag: &StartTag) -> String {
    let class = attribute(tag, "class").unwrap_or_default();
    let mut words = class.split_ascii_whitespace();
    let named = words.find_map(|word| word.strip_prefix("language-").or_else(|| word.strip_prefix("lang-")));
    named.unwrap_or_default().to_owned()
}
