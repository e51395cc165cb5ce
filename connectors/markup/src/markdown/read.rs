//! Markdown as a tree: canonical text, and what people write on forges.

use pulldown_cmark::{CodeBlockKind, CowStr, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd};

use super::shallow::shallow;
use crate::address;
use crate::bound;
use crate::builder::{Builder, Container};
use crate::html::Fragments;
use crate::loss::{Loss, Losses};
use crate::tree::Block;

/// The tree of a canonical text, in normal form. Any text is one.
///
/// A line end is a line break, and HTML is text.
pub fn parse(text: &str) -> Vec<Block> {
    let (text, cut) = bound(text);
    let mut reader = Reader::new(None);
    if cut {
        reader.builder.losses.add(Loss::Length);
    }
    reader.read(text, Options::ENABLE_STRIKETHROUGH);
    reader.builder.finish().0
}

/// Finds the file of the ticket that an address shows.
pub(crate) type Hosted<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The tree of what people wrote on a forge, with HTML in it read as such.
pub(crate) fn read_hosted(text: &str, images: Hosted<'_>) -> (Vec<Block>, Losses) {
    let (text, cut) = bound(text);
    let mut reader = Reader::new(Some(images));
    if cut {
        reader.builder.losses.add(Loss::Length);
    }
    let options = Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES;
    reader.read(text, options);
    if let Some(html) = reader.html.take() {
        html.finish(&mut reader.builder);
    }
    reader.builder.finish()
}

struct Reader<'a> {
    builder: Builder,
    /// Reads HTML; without it HTML is text.
    html: Option<Fragments<'a>>,
    images: Option<Hosted<'a>>,
    /// The language and text of the code block in hand.
    code: Option<(String, String)>,
    /// The address and description of the picture in hand.
    image: Option<(String, String)>,
    cells: usize,
}

impl<'a> Reader<'a> {
    fn new(images: Option<Hosted<'a>>) -> Self {
        let html = images.map(Fragments::new);
        Self { builder: Builder::default(), html, images, code: None, image: None, cells: 0 }
    }

    fn read(&mut self, text: &str, options: Options) {
        for event in Parser::new_ext(&shallow(text), options) {
            match event {
                Event::Start(tag) => self.start(tag),
                Event::End(tag) => self.end(tag),
                Event::Text(text) => self.text(&text),
                Event::Code(text) => match &mut self.image {
                    Some((_, alt)) => alt.push_str(&text),
                    None => self.builder.code(&text),
                },
                Event::Html(html) | Event::InlineHtml(html) => self.markup(&html),
                Event::SoftBreak | Event::HardBreak => match &mut self.image {
                    Some((_, alt)) => alt.push(' '),
                    None => self.builder.line_break(),
                },
                Event::Rule => self.builder.push(Block::Rule),
                Event::FootnoteReference(label) => self.builder.text(&format!("[^{label}]")),
                Event::InlineMath(text) | Event::DisplayMath(text) => self.text(&text),
                Event::TaskListMarker(done) => self.builder.text(if done { "[x] " } else { "[ ] " }),
            }
        }
    }

    fn text(&mut self, text: &str) {
        match (&mut self.code, &mut self.image) {
            (Some((_, code)), _) => code.push_str(text),
            (None, Some((_, alt))) => alt.push_str(text),
            (None, None) => self.builder.text(text),
        }
    }

    fn markup(&mut self, html: &CowStr<'_>) {
        match (&mut self.image, &mut self.html) {
            (Some(_), Some(_)) => {}
            (None, Some(fragments)) => fragments.feed(html, &mut self.builder),
            (_, None) => self.text(html),
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        let builder = &mut self.builder;
        match tag {
            Tag::Heading { level, .. } => builder.heading(number(level)),
            Tag::BlockQuote(_) => builder.open(Container::Quote),
            Tag::CodeBlock(kind) => {
                let language = match kind {
                    CodeBlockKind::Fenced(info) => info.to_string(),
                    CodeBlockKind::Indented => String::new(),
                };
                self.code = Some((language, String::new()));
            }
            Tag::List(start) => {
                builder.open(Container::List(start.map(|start| u32::try_from(start).unwrap_or(u32::MAX))));
            }
            Tag::Item => builder.open(Container::Item),
            Tag::Emphasis => builder.italic(true),
            Tag::Strong => builder.bold(true),
            Tag::Strikethrough => builder.strike(true),
            Tag::Link { link_type: LinkType::Email, dest_url, .. } => {
                builder.link(&format!("mailto:{dest_url}"))
            }
            Tag::Link { dest_url, .. } => builder.link(&dest_url),
            Tag::Image { dest_url, .. } => self.image = Some((dest_url.to_string(), String::new())),
            Tag::FootnoteDefinition(label) => {
                builder.end_paragraph();
                builder.text(&format!("[^{label}]: "));
            }
            Tag::Table(_) => {
                builder.end_paragraph();
                builder.losses.add(Loss::Table);
            }
            Tag::TableCell => {
                if self.cells > 0 {
                    builder.text(" | ");
                }
                self.cells += 1;
            }
            Tag::TableHead | Tag::TableRow => self.cells = 0,
            // In line before: the paragraph of a footnote follows its number.
            Tag::Paragraph
            | Tag::HtmlBlock
            | Tag::DefinitionList
            | Tag::DefinitionListTitle
            | Tag::DefinitionListDefinition
            | Tag::Superscript
            | Tag::Subscript
            | Tag::MetadataBlock(_) => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        let builder = &mut self.builder;
        match tag {
            TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::Table | TagEnd::FootnoteDefinition => {
                builder.end_paragraph();
            }
            TagEnd::HtmlBlock => {
                if self.html.is_none() {
                    builder.end_paragraph();
                }
            }
            TagEnd::BlockQuote(_) | TagEnd::List(_) | TagEnd::Item => builder.close(),
            TagEnd::CodeBlock => {
                if let Some((language, text)) = self.code.take() {
                    builder.push(Block::Code { language, text });
                }
            }
            TagEnd::Emphasis => builder.italic(false),
            TagEnd::Strong => builder.bold(false),
            TagEnd::Strikethrough => builder.strike(false),
            TagEnd::Link => builder.end_link(),
            TagEnd::Image => self.end_image(),
            TagEnd::TableHead | TagEnd::TableRow => builder.line_break(),
            TagEnd::TableCell
            | TagEnd::DefinitionList
            | TagEnd::DefinitionListTitle
            | TagEnd::DefinitionListDefinition
            | TagEnd::Superscript
            | TagEnd::Subscript
            | TagEnd::MetadataBlock(_) => {}
        }
    }

    fn end_image(&mut self) {
        let Some((source, alt)) = self.image.take() else { return };
        let file = self.images.and_then(|images| images(&source));
        image(&source, &alt, file.as_deref(), &mut self.builder);
    }
}

/// A picture by its file's name, or else a link to where it stands.
pub(crate) fn image(source: &str, alt: &str, file: Option<&str>, builder: &mut Builder) {
    match file {
        Some(file) => builder.image(file, alt),
        None if !address::has_scheme(source) => builder.image(source, alt),
        None => {
            builder.losses.add(Loss::Image);
            let named = address::file_name(source);
            let shown = [alt.trim(), &named, source].into_iter().find(|text| !text.is_empty());
            if address::normal(source).is_some() {
                builder.link(source);
                builder.text(shown.unwrap_or_default());
                builder.end_link();
            } else {
                builder.text(alt.trim());
            }
        }
    }
}

fn number(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}
