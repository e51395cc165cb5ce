//! Says how much of a line may be shown that could not be parsed, and so may hold a secret anywhere.

use throughline_sdk::SettingKind;

use super::KindSettings;
use super::declaration::{Holds, Key, ROOT};

/// The keys by what stands behind them.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// A secret, or an address, which may hold a password though it must not.
    secret: Vec<&'static str>,
    /// A value that may be shown.
    plain: Vec<&'static str>,
}

impl Keys {
    /// The keys of the declaration and of all kinds.
    pub(super) fn new(kinds: &[KindSettings]) -> Self {
        let mut keys = Self::default();
        keys.add(ROOT.keys.iter().copied());
        for kind in kinds {
            keys.add(kind.settings.iter().map(Key::from_setting));
        }
        keys
    }

    fn add(&mut self, declared: impl Iterator<Item = Key>) {
        for key in declared {
            match key.holds {
                Holds::Setting(SettingKind::Secret | SettingKind::Address) => self.secret.push(key.key),
                Holds::Table(table) | Holds::Named(table, _) => self.add(table.keys.iter().copied()),
                Holds::Setting(_)
                | Holds::Number { .. }
                | Holds::Span { .. }
                | Holds::Size
                | Holds::Path
                | Holds::Socket
                | Holds::Networks
                | Holds::Name
                | Holds::TextToWord(_)
                | Holds::WordToText(_)
                | Holds::Condition
                | Holds::Otherwise => self.plain.push(key.key),
            }
        }
    }

    /// How many bytes of the line may be shown: a header, or a key, and its value if the key is known and none
    /// that holds a secret stands in the line. Never a comment.
    pub(super) fn shown(&self, line: &str) -> usize {
        let indent = line.len() - line.trim_start().len();
        let text = line.trim_start();
        if text.starts_with('[') {
            // A secret may itself begin with a bracket: only what begins like one of our tables is taken for one.
            let name = text.trim_start_matches('[').trim_start();
            let is_header = ROOT.keys.iter().any(|table| name.starts_with(table.key));
            let end = text.find([']', '=', '"', '\'', '#']).unwrap_or(text.len());
            return if is_header { indent + end } else { indent };
        }
        let end = text
            .find(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '-' || letter == '_'))
            .unwrap_or(text.len());
        let (word, rest) = text.split_at_checked(end).unwrap_or((text, ""));
        let holds_secret = self.secret.iter().any(|key| line.contains(key));
        if self.plain.contains(&word) && !holds_secret {
            line.find('#').unwrap_or(line.len())
        } else if rest.trim_start().starts_with('=') {
            indent + end
        } else {
            indent
        }
    }
}
