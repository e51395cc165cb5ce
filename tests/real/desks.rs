//! Where the real desks are, and whether there are any.

use std::collections::HashMap;
use std::path::Path;

/// What the scripts wrote about the two desks.
#[derive(Clone, Debug)]
pub(crate) struct Desks {
    values: HashMap<String, String>,
}

impl Desks {
    /// The desks to test with; `None`, and a word about it, where there are none.
    #[expect(clippy::disallowed_methods, reason = "the caller says by environment where its desks are")]
    pub(crate) fn standing() -> Option<Self> {
        let Ok(folder) = std::env::var("THROUGHLINE_DESKS") else {
            eprintln!(
                "skipped: THROUGHLINE_DESKS names no desks; tests/desks/ has the scripts that start them"
            );
            return None;
        };
        let mut values = HashMap::new();
        for desk in ["request-tracker", "redmine"] {
            let file = Path::new(&folder).join(desk).join("desk.env");
            let text = std::fs::read_to_string(&file)
                .unwrap_or_else(|error| panic!("no {desk} was started there: {}: {error}", file.display()));
            let pairs = text.lines().filter_map(|line| line.split_once('='));
            values.extend(pairs.map(|(key, value)| (key.to_owned(), value.trim_matches('\'').to_owned())));
        }
        Some(Self { values })
    }

    /// One value of the two files.
    pub(crate) fn get(&self, key: &str) -> &str {
        self.values.get(key).unwrap_or_else(|| panic!("desk.env has no {key}"))
    }
}
