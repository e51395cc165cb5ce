//! What each element of HTML is to a reader of text.

use html5gum::StartTag as Tag;

/// A start tag whose place in the text nobody asks for.
pub(super) type StartTag = Tag<()>;

/// What an element does to the text in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Span {
        bold: bool,
        italic: bool,
        strike: bool,
    },
    Link,
    Code,
    Cite,
    Paragraph,
    Heading,
    Section,
    Quote,
    List,
    Item,
    Pre,
    Table,
    Row,
    Cell,
    /// Neither it nor anything in it is text.
    Skipped,
}

impl Kind {
    pub(super) const PLAIN: Self = Self::Span { bold: false, italic: false, strike: false };

    /// Whether the end of an inline element or paragraph must not reach beyond it.
    pub(super) fn holds_blocks(self) -> bool {
        match self {
            Self::Section | Self::Quote | Self::List | Self::Item | Self::Table | Self::Row | Self::Cell => {
                true
            }
            Self::Span { .. }
            | Self::Link
            | Self::Code
            | Self::Cite
            | Self::Paragraph
            | Self::Heading
            | Self::Pre
            | Self::Skipped => false,
        }
    }

    /// Whether it stands on lines of its own.
    pub(super) fn is_block(self) -> bool {
        self.holds_blocks() || matches!(self, Self::Paragraph | Self::Heading | Self::Pre)
    }
}

/// What an element is by its name; `None` for one that is nothing to the text.
pub(super) fn kind(name: &str) -> Option<Kind> {
    Some(match name {
        "b" | "strong" => Kind::Span { bold: true, italic: false, strike: false },
        "i" | "em" | "var" | "dfn" | "cite" => Kind::Span { bold: false, italic: true, strike: false },
        "s" | "strike" | "del" => Kind::Span { bold: false, italic: false, strike: true },
        "span" | "font" | "u" | "ins" | "sup" | "sub" | "small" | "big" | "mark" | "abbr" | "label" => {
            Kind::PLAIN
        }
        "a" => Kind::Link,
        "code" | "tt" | "kbd" | "samp" => Kind::Code,
        "q" => Kind::Cite,
        "p" | "dt" | "dd" | "summary" | "legend" | "figcaption" | "caption" => Kind::Paragraph,
        "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => Kind::Heading,
        "div" | "section" | "article" | "header" | "footer" | "main" | "aside" | "nav" | "center"
        | "address" | "details" | "figure" | "fieldset" | "form" | "dl" | "body" | "html" => Kind::Section,
        "blockquote" => Kind::Quote,
        "ul" | "ol" | "menu" | "dir" => Kind::List,
        "li" => Kind::Item,
        "pre" | "listing" | "xmp" | "plaintext" => Kind::Pre,
        "table" => Kind::Table,
        "tr" => Kind::Row,
        "td" | "th" => Kind::Cell,
        "script" | "style" | "head" | "title" | "template" | "noscript" | "iframe" | "object" | "svg"
        | "math" | "select" | "textarea" | "button" | "audio" | "video" | "canvas" | "applet" | "noembed"
        | "noframes" | "map" => Kind::Skipped,
        _ => return None,
    })
}

/// Whether dropping the element takes something from its reader.
pub(super) fn shows_something(name: &str) -> bool {
    matches!(name, "iframe" | "object" | "embed" | "svg" | "math" | "audio" | "video" | "canvas" | "applet")
}

/// An attribute's value.
pub(super) fn attribute(tag: &StartTag, name: &str) -> Option<String> {
    let value = tag.attributes.get(name.as_bytes())?;
    Some(String::from_utf8_lossy(&value.value.0).into_owned())
}

/// What an element's own style says.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Css {
    pub(super) bold: bool,
    pub(super) italic: bool,
    pub(super) strike: bool,
    pub(super) color: bool,
    pub(super) underline: bool,
    pub(super) hidden: bool,
    pub(super) tiny: bool,
}

/// Reads the few properties that text can keep, or whose loss its reader is told.
pub(super) fn css(style: &str) -> Css {
    let mut css = Css::default();
    for declaration in style.split(';') {
        let Some((property, value)) = declaration.split_once(':') else { continue };
        let value = value.trim().to_ascii_lowercase();
        let value = value.trim_end_matches("!important").trim();
        match property.trim().to_ascii_lowercase().as_str() {
            "font-weight" => {
                css.bold = value == "bold" || value.parse::<u32>().is_ok_and(|weight| weight >= 600)
            }
            "font-style" => css.italic = value == "italic" || value == "oblique",
            "text-decoration" | "text-decoration-line" => {
                css.strike = value.contains("line-through");
                css.underline = value.contains("underline");
            }
            "color" | "background" | "background-color" => {
                css.color = !["inherit", "black", "#000", "#000000", "windowtext", "transparent", "none"]
                    .contains(&value);
            }
            "display" => css.hidden = value == "none",
            "visibility" => css.hidden = value == "hidden",
            "width" | "height" | "max-height" => css.tiny = matches!(value, "0" | "0px" | "1px"),
            _ => {}
        }
    }
    css
}
