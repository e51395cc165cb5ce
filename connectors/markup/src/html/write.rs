//! Canonical text as HTML: a dozen elements, everything else escaped.

use crate::address;
use crate::loss::{Loss, Losses, Text};
use crate::markdown::parse;
use crate::normal::Mark;
use crate::plain;
use crate::spans::{self, Piece};
use crate::tree::{Block, Inline};

/// Canonical text as HTML. Pictures are told by their file's name.
pub fn write(text: &str) -> Text {
    write_with(text, &|_| None)
}

/// As [`write`]; `images` gives the address that shows a file of the ticket.
pub fn write_with(text: &str, images: &dyn Fn(&str) -> Option<String>) -> Text {
    let mut writer =
        Writer { images, losses: Losses::default(), out: String::with_capacity(text.len()), in_link: false };
    writer.blocks(&parse(text));
    let text = writer.out.trim_end().to_owned();
    writer.losses.with(text)
}

struct Writer<'a> {
    images: &'a dyn Fn(&str) -> Option<String>,
    losses: Losses,
    out: String,
    in_link: bool,
}

impl Writer<'_> {
    fn blocks(&mut self, blocks: &[Block]) {
        for block in blocks {
            self.block(block);
            self.out.push('\n');
        }
    }

    fn block(&mut self, block: &Block) {
        match block {
            Block::Paragraph(content) => self.wrap("p", |this| this.lines(content)),
            Block::Heading { level, content } => self.wrap(&format!("h{level}"), |this| this.lines(content)),
            Block::List { start: None, items } => self.wrap("ul", |this| this.items(items)),
            Block::List { start: Some(start), items } => {
                self.out.push_str(&match start {
                    1 => "<ol>".to_owned(),
                    start => format!("<ol start=\"{start}\">"),
                });
                self.items(items);
                self.out.push_str("</ol>");
            }
            Block::Quote(inner) => self.wrap("blockquote", |this| {
                this.out.push('\n');
                this.blocks(inner);
            }),
            Block::Code { language, text } => {
                self.out.push_str("<pre><code");
                if !language.is_empty() {
                    self.out.push_str(" class=\"language-");
                    self.escape(language);
                    self.out.push('"');
                }
                self.out.push('>');
                self.escape(text);
                self.out.push_str("</code></pre>");
            }
            Block::Rule => self.out.push_str("<hr />"),
        }
    }

    fn wrap(&mut self, name: &str, inner: impl FnOnce(&mut Self)) {
        self.out.push_str(&format!("<{name}>"));
        inner(self);
        self.out.push_str(&format!("</{name}>"));
    }

    fn items(&mut self, items: &[Vec<Block>]) {
        self.out.push('\n');
        for item in items {
            self.out.push_str("<li>");
            match item.split_first() {
                // One paragraph, and lists below it: so editors write it.
                Some((Block::Paragraph(content), rest))
                    if rest.iter().all(|block| matches!(block, Block::List { .. })) =>
                {
                    self.lines(content);
                    for block in rest {
                        self.out.push('\n');
                        self.block(block);
                    }
                }
                _ => self.blocks(item),
            }
            self.out.push_str("</li>\n");
        }
    }

    fn lines(&mut self, content: &[Inline]) {
        for (number, line) in spans::lines(content).enumerate() {
            if number > 0 {
                self.out.push_str("<br />\n");
            }
            let mut spaced = true;
            for piece in spans::pieces(line) {
                self.piece(piece, &mut spaced);
            }
        }
    }

    /// `spaced` says that a space here would not show: the line begins, or a space stands before.
    fn piece(&mut self, piece: Piece<'_>, spaced: &mut bool) {
        match piece {
            Piece::Open(mark) => self.out.push_str(&format!("<{}>", element(mark))),
            Piece::Close(mark) => self.out.push_str(&format!("</{}>", element(mark))),
            Piece::OpenLink(address) => {
                self.in_link = true;
                self.open_link(address);
            }
            Piece::CloseLink(_) => {
                self.in_link = false;
                self.out.push_str("</a>");
            }
            Piece::Text(text) => self.addressed(text, spaced),
            Piece::Code(text) => self.wrap("code", |this| {
                *spaced = true;
                this.spaces(text, spaced);
            }),
            Piece::Image { name, alt } => {
                if let Some(source) = (self.images)(name) {
                    self.out.push_str("<img src=\"");
                    self.escape(&source);
                    self.out.push_str("\" alt=\"");
                    self.escape(alt);
                    self.out.push_str("\" />");
                } else {
                    self.losses.add(Loss::Image);
                    self.escape(&plain::picture(name, alt));
                }
                *spaced = false;
            }
        }
    }

    fn open_link(&mut self, address: &str) {
        self.out.push_str("<a href=\"");
        self.escape(address);
        self.out.push_str("\">");
    }

    /// Text, with the addresses in it as links: HTML does not make them by itself.
    fn addressed(&mut self, text: &str, spaced: &mut bool) {
        let mut done = 0;
        for range in if self.in_link { Vec::new() } else { address::find(text) } {
            let found = text.get(range.clone()).unwrap_or_default();
            self.spaces(text.get(done..range.start).unwrap_or_default(), spaced);
            if let Some(address) = address::normal(found) {
                self.open_link(&address);
                self.spaces(found, spaced);
                self.out.push_str("</a>");
            }
            done = range.end;
        }
        self.spaces(text.get(done..).unwrap_or_default(), spaced);
    }

    /// Text whose spaces all show, though browsers collapse them.
    fn spaces(&mut self, text: &str, spaced: &mut bool) {
        let mut rest = text.chars().peekable();
        while let Some(c) = rest.next() {
            if c == ' ' {
                let last = rest.peek() != Some(&' ');
                self.out.push_str(if last && !*spaced { " " } else { "&nbsp;" });
                // A no-break space before it lets a space show.
                *spaced = last && !*spaced;
            } else {
                self.character(c);
                *spaced = false;
            }
        }
    }

    fn escape(&mut self, text: &str) {
        text.chars().for_each(|c| self.character(c));
    }

    fn character(&mut self, c: char) {
        match c {
            '&' => self.out.push_str("&amp;"),
            '<' => self.out.push_str("&lt;"),
            '>' => self.out.push_str("&gt;"),
            '"' => self.out.push_str("&quot;"),
            '\'' => self.out.push_str("&#39;"),
            c => self.out.push(c),
        }
    }
}

fn element(mark: Mark) -> &'static str {
    match mark {
        Mark::Bold => "strong",
        Mark::Italic => "em",
        Mark::Strike => "del",
        Mark::Link => "a",
    }
}
