//! Builds a tree from what a reader meets, one thing after the other, however badly they nest.

use crate::loss::{Loss, Losses};
use crate::normal::{self, DEEPEST};
use crate::tree::{Block, Inline, Style};

/// A tree being built. Whatever is opened in wrong order or never closed still makes a tree.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    done: Vec<Block>,
    open: Vec<Frame>,
    /// Containers opened below the deepest that are kept.
    beyond: usize,
    line: Vec<Inline>,
    heading: Option<u8>,
    bold: usize,
    italic: usize,
    strike: usize,
    links: Vec<Option<String>>,
    pub(crate) losses: Losses,
}

#[derive(Debug)]
enum Frame {
    Quote(Vec<Block>),
    List { start: Option<u32>, items: Vec<Vec<Block>> },
    Item(Vec<Block>),
}

/// A container of blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Container {
    Quote,
    List(Option<u32>),
    Item,
}

impl Builder {
    /// Opens a container; what stood in line before it is a paragraph of its own.
    pub(crate) fn open(&mut self, container: Container) {
        self.end_paragraph();
        if self.open.len() >= DEEPEST || self.beyond > 0 {
            self.beyond += 1;
            self.losses.add(Loss::Nesting);
            return;
        }
        self.open.push(match container {
            Container::Quote => Frame::Quote(Vec::new()),
            Container::List(start) => Frame::List { start, items: Vec::new() },
            Container::Item => Frame::Item(Vec::new()),
        });
    }

    /// Closes what was opened last.
    pub(crate) fn close(&mut self) {
        self.end_paragraph();
        if self.beyond > 0 {
            self.beyond -= 1;
            return;
        }
        match self.open.pop() {
            Some(Frame::Quote(blocks)) => self.push(Block::Quote(blocks)),
            Some(Frame::List { start, items }) => self.push(Block::List { start, items }),
            Some(Frame::Item(blocks)) => match self.open.last_mut() {
                Some(Frame::List { items, .. }) => items.push(blocks),
                Some(Frame::Quote(_) | Frame::Item(_)) | None => {
                    self.push(Block::List { start: None, items: vec![blocks] });
                }
            },
            None => {}
        }
    }

    /// A finished block.
    pub(crate) fn push(&mut self, block: Block) {
        self.end_paragraph();
        match self.open.last_mut() {
            Some(Frame::Quote(blocks) | Frame::Item(blocks)) => blocks.push(block),
            Some(Frame::List { items, .. }) => match items.last_mut() {
                // Editors put a nested list beside the item it belongs to.
                Some(item) if matches!(block, Block::List { .. }) => item.push(block),
                _ => items.push(vec![block]),
            },
            None => self.done.push(block),
        }
    }

    /// Begins a heading, which [`end_paragraph`](Self::end_paragraph) ends.
    pub(crate) fn heading(&mut self, level: u8) {
        self.end_paragraph();
        self.heading = Some(level);
    }

    /// Ends the paragraph or heading in line.
    pub(crate) fn end_paragraph(&mut self) {
        let content = std::mem::take(&mut self.line);
        let heading = self.heading.take();
        if content.is_empty() {
            return;
        }
        self.push(match heading {
            Some(level) => Block::Heading { level, content },
            None => Block::Paragraph(content),
        });
    }

    pub(crate) fn text(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        let style = Style { bold: self.bold > 0, italic: self.italic > 0, strike: self.strike > 0 };
        let link = self.links.last().cloned().flatten();
        // A link's address is cloned with each part: parts that differ in nothing are one from the start.
        if let Some(Inline::Text { text: before, style: old_style, link: old_link }) = self.line.last_mut()
            && *old_style == style
            && *old_link == link
        {
            before.push_str(text);
            return;
        }
        self.line.push(Inline::Text { text: text.to_owned(), style, link });
    }

    pub(crate) fn code(&mut self, text: &str) {
        let link = self.links.last().cloned().flatten();
        self.line.push(Inline::Code { text: text.to_owned(), link });
    }

    pub(crate) fn image(&mut self, name: &str, alt: &str) {
        self.line.push(Inline::Image { name: name.to_owned(), alt: alt.to_owned() });
    }

    pub(crate) fn line_break(&mut self) {
        self.line.push(Inline::Break);
    }

    pub(crate) fn bold(&mut self, on: bool) {
        count(&mut self.bold, on);
    }

    pub(crate) fn italic(&mut self, on: bool) {
        count(&mut self.italic, on);
    }

    pub(crate) fn strike(&mut self, on: bool) {
        count(&mut self.strike, on);
    }

    /// Begins a link. One that must not be followed leaves its text.
    pub(crate) fn link(&mut self, address: &str) {
        let good = crate::address::normal(address);
        if good.is_none() {
            self.losses.add(Loss::Link);
        }
        self.links.push(good);
    }

    pub(crate) fn end_link(&mut self) {
        self.links.pop();
    }

    /// Whether the line in hand is empty or ends in white space, so that more of it would not show.
    pub(crate) fn ends_in_space(&self) -> bool {
        match self.line.last() {
            Some(Inline::Text { text, .. }) => text.ends_with([' ', '\n']),
            Some(Inline::Break) | None => true,
            Some(Inline::Code { .. } | Inline::Image { .. }) => false,
        }
    }

    /// Everything, in normal form.
    pub(crate) fn finish(mut self) -> (Vec<Block>, Losses) {
        self.beyond = 0;
        self.end_paragraph();
        while !self.open.is_empty() {
            self.close();
        }
        (normal::blocks(self.done), self.losses)
    }
}

fn count(depth: &mut usize, on: bool) {
    *depth = if on { *depth + 1 } else { depth.saturating_sub(1) };
}
