//! What a dialect could not say of a text, in the reader's words.

use std::collections::BTreeSet;
use std::fmt;

/// A text that crossed from one dialect into another, and what was lost on the way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    /// The text.
    pub text: String,
    /// What could not be expressed; each kind of loss once.
    pub lost: Vec<Loss>,
}

/// One kind of loss. Its `Display` is a clause that a reader of the timeline understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Loss {
    /// A table's cells stand in lines of text.
    Table,
    /// Colour of text or background.
    Color,
    /// Underlining, raised or lowered text, sizes and faces.
    Face,
    /// A macro, a widget, an embedded page.
    Macro,
    /// Somebody's name that was a mention is text.
    Mention,
    /// A picture that is told by its name or its address.
    Image,
    /// A link that led to a place inside its own system, or ran a script.
    Link,
    /// A link whose address stands beside its text.
    Address,
    /// Bold, italic, headings, lists: the target knows plain text only.
    Formatting,
    /// A block inside another that the target cannot nest.
    Nesting,
    /// A list's first number.
    Numbering,
    /// A code block's language.
    Language,
    /// A check box's state stands as text.
    Task,
    /// The text was longer than what is read.
    Length,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Table => "a table was kept as lines of text",
            Self::Color => "colour was dropped",
            Self::Face => "underlining, raised text or a typeface was dropped",
            Self::Macro => "an embedded macro or object was dropped",
            Self::Mention => "a mention was kept as a name",
            Self::Image => "an image is told by its name or address",
            Self::Link => "a link that leads nowhere outside its system was dropped",
            Self::Address => "a link's address was put beside its text",
            Self::Formatting => "formatting was dropped",
            Self::Nesting => "nested formatting was flattened",
            Self::Numbering => "a list's first number was dropped",
            Self::Language => "a code block's language was dropped",
            Self::Task => "a check box was kept as text",
            Self::Length => "the text was cut off",
        })
    }
}

/// Losses as they come up.
#[derive(Clone, Debug, Default)]
pub(crate) struct Losses(BTreeSet<Loss>);

impl Losses {
    pub(crate) fn add(&mut self, loss: Loss) {
        self.0.insert(loss);
    }

    pub(crate) fn into_vec(self) -> Vec<Loss> {
        self.0.into_iter().collect()
    }

    pub(crate) fn with(self, text: String) -> Text {
        Text { text, lost: self.into_vec() }
    }
}
