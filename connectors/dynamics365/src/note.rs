//! The text of notes: for whom it is, and its form.
//!
//! A note has no column that says who may read it, and none can be added. What Power Pages has instead is a prefix of the
//! text: only notes that bear it are shown to a customer. So that is the rule here, and a note without it is internal.

use throughline_markup::plain;
use throughline_sdk::{Error, ErrorKind, Result, Visibility, overflow};

use crate::config::{Config, NoteFormat};
use crate::rich;

/// The most characters that the text of a note takes.
const MAX_UNITS: usize = 100_000;

/// A note's text in canonical form, without the prefix, and for whom it is.
pub(crate) fn read(text: &str, config: &Config) -> (String, Visibility) {
    match without_prefix(text, &config.public_prefix) {
        Some(rest) => (body(&rest), Visibility::Public),
        None => (body(text), Visibility::Internal),
    }
}

/// The text of a note that says this to these.
pub(crate) fn write(text: &str, visibility: Visibility, config: &Config) -> Result<String> {
    let as_plain = plain::write(text).text;
    let written = match config.note_format {
        // What would read as HTML has to be written as HTML.
        NoteFormat::Plain if !rich::is_rich(&as_plain) => as_plain,
        NoteFormat::Plain | NoteFormat::Rich => rich::write(text),
    };
    let written = match visibility {
        Visibility::Public => format!("{} {written}", config.public_prefix),
        Visibility::Internal if publishes(&written, &config.public_prefix) => {
            return Err(Error::new(
                ErrorKind::Rejected,
                format!(
                    "an internal note must not hold {:?}: the portal would show it to the customer",
                    config.public_prefix
                ),
            ));
        }
        Visibility::Internal => written,
        Visibility::Unknown => {
            return Err(Error::new(ErrorKind::Unsupported, "a note is public or internal, nothing else"));
        }
    };
    if overflow::units(&written) > MAX_UNITS {
        return Err(Error::new(
            ErrorKind::Rejected,
            format!("the note would have more than the {MAX_UNITS} characters that Dataverse takes"),
        ));
    }
    Ok(written)
}

fn body(text: &str) -> String {
    if rich::is_rich(text) { rich::read(text) } else { plain::read(text).text }
}

/// Whether a portal might show it: some look for the prefix anywhere, and in any case.
fn publishes(text: &str, prefix: &str) -> bool {
    text.to_lowercase().contains(&prefix.to_lowercase())
}

/// The text without the prefix it begins with, also inside the tags that an editor puts around it.
fn without_prefix(text: &str, prefix: &str) -> Option<String> {
    let mut rest = text.trim_start();
    loop {
        if let Some(after) = rest.strip_prefix(prefix) {
            let before = text.get(..text.len() - rest.len()).unwrap_or_default();
            let after =
                ["&nbsp;", "\u{a0}", " "].iter().find_map(|gap| after.strip_prefix(gap)).unwrap_or(after);
            return Some(format!("{before}{after}"));
        }
        if !rich::is_rich(text) {
            return None;
        }
        rest = rest.strip_prefix('<')?.split_once('>')?.1.trim_start();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use throughline_sdk::Settings;

    use super::*;

    fn config(format: &str) -> Config {
        let values = [
            ("url", "https://contoso.crm.dynamics.com"),
            ("customer", "accounts(2e451703-c686-e711-80e5-00155db19e6d)"),
            ("note_format", format),
        ];
        let values: BTreeMap<_, _> = values.map(|(key, value)| (key.to_owned(), value.into())).into();
        Config::read(&Settings { values, ..Settings::default() }).unwrap()
    }

    proptest! {
        #[test]
        fn what_is_written_reads_the_same(text in "([a-z]|ü|\n|  |&amp;|&|<|>|<p>|</p>|\u{1f680}|\\*){0,40}", rich: bool, public: bool) {
            let config = config(if rich { "rich" } else { "plain" });
            let text = plain::read(&text).text;
            let visibility = if public { Visibility::Public } else { Visibility::Internal };
            prop_assert_eq!(read(&write(&text, visibility, &config).unwrap(), &config), (text, visibility));
        }

        #[test]
        fn no_text_is_too_odd_to_be_read(text in "(<|>|<p>|</p>|<div|&|\\*WEB\\*|[a-z]|\n){0,30}") {
            drop(read(&text, &config("rich")));
        }
    }

    #[test]
    fn only_the_prefix_makes_a_note_public() {
        let config = config("rich");
        for (text, said, visibility) in [
            ("*WEB*Hello", "Hello", Visibility::Public),
            (" *WEB* Hello", "Hello", Visibility::Public),
            ("<div class=\"ck-content\"><p>*WEB*&nbsp;Hello</p></div>", "Hello", Visibility::Public),
            ("Hello *WEB*", "Hello \\*WEB\\*", Visibility::Internal),
            ("*web* Hello", "\\*web\\* Hello", Visibility::Internal),
            ("", "", Visibility::Internal),
        ] {
            let (read, for_whom) = read(text, &config);
            assert_eq!((read.trim_start(), for_whom), (said, visibility), "{text}");
        }
    }

    #[test]
    fn an_internal_note_never_holds_the_prefix() {
        for text in ["\\*WEB\\* hello", "see \\*web\\*", "`*Web*`"] {
            let error = write(text, Visibility::Internal, &config("rich")).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Rejected);
            assert!(write(text, Visibility::Public, &config("rich")).is_ok());
        }
    }
}
