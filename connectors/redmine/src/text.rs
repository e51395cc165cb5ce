//! Text in the dialect that Redmine's administrator chose, and in canonical form.

use throughline_markup::{Loss, Text, github, normal, plain, textile};

/// The dialect of descriptions and notes: Administration, Settings, General, Text formatting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Textile, as Redmine up to 5 comes.
    Textile,
    /// `CommonMark`, as Redmine 6 comes, or Markdown.
    Markdown,
    /// None.
    Plain,
}

impl Dialect {
    /// The dialect that the setting `text` names.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "textile" => Some(Self::Textile),
            "markdown" => Some(Self::Markdown),
            "plain" => Some(Self::Plain),
            _ => None,
        }
    }

    /// Redmine's text in canonical form.
    pub(crate) fn read(self, text: &str) -> Text {
        match self {
            Self::Textile => textile::read(text),
            Self::Markdown => github::read(text),
            Self::Plain => plain::read(text),
        }
    }

    /// Canonical text as Redmine keeps it. Pictures are shown from the files, by name.
    pub(crate) fn write(self, text: &str) -> Text {
        match self {
            Self::Textile => textile::write(text),
            Self::Markdown => github::write_with(text, &|name| Some(name.to_owned())),
            Self::Plain => plain::write(text),
        }
    }

    /// What a text reads as once it was written.
    pub(crate) fn through(self, text: &str) -> String {
        let written = self.write(text);
        if written.lost.is_empty() { normal(text) } else { self.read(&written.text).text }
    }

    /// What of a text cannot be written.
    pub(crate) fn lost(self, text: &str) -> Vec<Loss> {
        self.write(text).lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_dialect_gives_back_what_it_was_given() {
        for dialect in [Dialect::Textile, Dialect::Markdown, Dialect::Plain] {
            for text in [
                "one\ntwo",
                "**a** [b](https://c.test) #1 @d",
                "- a\n- b",
                "![](shot%201.png)",
                "{{include(x)}}",
            ] {
                let written = dialect.write(text);
                assert_eq!(
                    dialect.read(&written.text).text,
                    dialect.through(text),
                    "{dialect:?} {}",
                    written.text
                );
            }
        }
        assert!(Dialect::Textile.lost("**a** b").is_empty() && !Dialect::Plain.lost("**a** b").is_empty());
    }
}
