//! One canonical Markdown subset, and a reader and a writer for each dialect of formatted text.
//!
//! Desks keep text as HTML, Jira wiki markup, Textile, Atlassian documents, Markdown of a forge, or plain lines.
//! Between them stands one *canonical text*: `CommonMark` with `~~` for struck through, cut down to what most of them
//! can say, in one normal form. A dialect's `read` gives canonical text, its `write` takes it.
//!
//! # The subset
//!
//! | what | canonical | normal form |
//! |---|---|---|
//! | paragraph | lines parted from others by an empty line | one empty line between blocks |
//! | line break | a line end | spaces at a line's start are no-break spaces, none stand at its end |
//! | heading | `# one` to `###### six` | one line |
//! | list | `- item`, `1. item` | items hold blocks; neighbouring lists of one kind are one; at most sixteen deep |
//! | quote | `> text` | neighbouring quotes are one |
//! | code | a fence of backticks with a language; `` `code` `` | no other style inside or around it |
//! | bold, italic, struck through | `**a**`, `_a_`, `~~a~~` | in this order from outside in; never over a line end |
//! | link | `[text](https://…)` | http, https, mailto, ftp, tel; one that shows its own address is just the address |
//! | picture | `![what it shows](file.png)` | the name of a file of the ticket |
//! | rule | `***` | |
//! | table | a line for each row, `a | b` | with [`Loss::Table`] |
//!
//! HTML is text. Characters are escaped with a backslash where they would mean something, and only there: text that
//! was plain reads almost as it did.
//!
//! # The laws
//!
//! For every canonical text `t` and every dialect: `read(write(t)).text == t`, or `write` reports a [`Loss`]. For any
//! text at all, [`normal`] is idempotent. No writer lets a name, a number, a command or a macro act in the target.
//! Nothing panics, and what is longer than [`LONGEST`] bytes is cut off with [`Loss::Length`].
//!
//! ```
//! let read = throughline_markup::textile::read("*bold* and {{macro}}");
//! assert_eq!(read.text, "**bold** and");
//! assert_eq!(read.lost[0].to_string(), "an embedded macro or object was dropped");
//! assert_eq!(throughline_markup::html::write(&read.text).text, "<p><strong>bold</strong> and</p>");
//! ```

mod address;
pub mod adf;
mod builder;
mod entity;
pub mod github;
pub mod html;
pub mod jira;
mod lists;
mod loss;
mod markdown;
mod normal;
mod outline;
mod phrase;
pub mod plain;
mod spans;
pub mod textile;
mod tree;
mod words;

pub use loss::{Loss, Text};
pub use markdown::{parse, print};
pub use tree::{Block, Inline, Style};

/// How many bytes of a text are read.
pub const LONGEST: usize = 1 << 20;

/// The normal form of a canonical text. Idempotent, and the text itself where it is canonical already.
pub fn normal(text: &str) -> String {
    print(&parse(text))
}

/// Whether two canonical texts say the same words, whatever their formatting.
///
/// A desk that cannot show all of a text gives back what it kept: the words, the addresses of links, the names of files.
pub fn same_words(left: &str, right: &str) -> bool {
    let words = words::of(left);
    left == right || (!words.is_empty() && words == words::of(right))
}

/// The part of a text that is read, and whether that is not all of it.
fn bound(text: &str) -> (&str, bool) {
    if text.len() <= LONGEST {
        return (text, false);
    }
    let end = (0..=LONGEST).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    (text.get(..end).unwrap_or_default(), true)
}

#[cfg(test)]
mod laws;
