//! The document tree that all dialects are read into and written from.

/// One block of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// Lines of text, parted by [`Inline::Break`].
    Paragraph(Vec<Inline>),
    /// A heading of one line.
    Heading {
        /// From 1, the largest, to 6.
        level: u8,
        /// What it says.
        content: Vec<Inline>,
    },
    /// A list; each item holds blocks, and so lists inside lists.
    List {
        /// The first number of a numbered list; `None` for bullets.
        start: Option<u32>,
        /// The items.
        items: Vec<Vec<Self>>,
    },
    /// What somebody else said.
    Quote(Vec<Self>),
    /// Text to be shown as it is, in a fixed-width face.
    Code {
        /// The language, or nothing.
        language: String,
        /// Its lines.
        text: String,
    },
    /// A line across.
    Rule,
}

/// A part of a line. Flat: what surrounds a part is said with the part, in its style and its link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inline {
    /// Text of one style.
    Text {
        /// The text, never with a line end.
        text: String,
        /// How it is shown.
        style: Style,
        /// Where it leads.
        link: Option<String>,
    },
    /// Text in a fixed-width face, without any other style.
    Code {
        /// The text.
        text: String,
        /// Where it leads.
        link: Option<String>,
    },
    /// A picture that is a file of the ticket.
    Image {
        /// The file's name.
        name: String,
        /// What it shows.
        alt: String,
    },
    /// The line ends here.
    Break,
}

/// How text is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Style {
    /// Bold.
    pub bold: bool,
    /// Italic.
    pub italic: bool,
    /// Struck through.
    pub strike: bool,
}

impl Style {
    /// Without any style.
    pub const PLAIN: Self = Self { bold: false, italic: false, strike: false };
}

impl Inline {
    /// Text without style or link.
    pub fn plain(text: impl Into<String>) -> Self {
        Self::Text { text: text.into(), style: Style::PLAIN, link: None }
    }
}
