//! Names of people and customers: those of the organization's own lists, in any letter case and spacing, between
//! the borders of words.
//!
//! A person of two names or more is also known with the last of them first: `Lovelace, Ada`. Other spellings stand in
//! the list behind the name. Names that are not on a list are nobody's to recognize here.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::super::folded::{LINE, fold, is_whole};
use super::super::terms::Class;
use super::Match;

/// One entry of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The name, in the spelling in which it comes back.
    pub name: String,
    /// Other spellings.
    pub others: Vec<String>,
}

impl Listed {
    /// One line of a list: a name, and other spellings behind semicolons. `None` for an empty line or a comment.
    ///
    /// # Errors
    ///
    /// When a name on the line has fewer than two letters or digits, so that it would be found everywhere.
    pub fn parse(line: &str) -> Result<Option<Self>, String> {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return Ok(None);
        }
        let mut names = line.split(';').map(str::trim).filter(|name| !name.is_empty());
        let short = |name: &str| fold(name).chars().filter(|char| char.is_alphanumeric()).count() < 2;
        if let Some(short) = names.clone().find(|name| short(name)) {
            return Err(format!("{short:?} has fewer than two letters or digits"));
        }
        let Some(name) = names.next() else { return Ok(None) };
        Ok(Some(Self { name: name.to_owned(), others: names.map(str::to_owned).collect() }))
    }
}

/// One list, ready to be looked for.
#[derive(Debug)]
pub(super) struct Names {
    finder: Option<AhoCorasick>,
    /// For each spelling that is looked for, whose it is.
    owners: Vec<usize>,
    /// Key and name of each entry.
    entries: Vec<(String, String)>,
}

impl Names {
    pub(super) fn of_people(list: &[Listed]) -> Result<Self, String> {
        Self::new(list, |name| match name.rsplit_once(' ') {
            Some((first, last)) if !name.contains(',') => {
                vec![format!("{last}, {first}"), format!("{last} {first}")]
            }
            _ => Vec::new(),
        })
    }

    pub(super) fn of_customers(list: &[Listed]) -> Result<Self, String> {
        Self::new(list, |_| Vec::new())
    }

    fn new(list: &[Listed], forms: impl Fn(&str) -> Vec<String>) -> Result<Self, String> {
        let (mut spellings, mut owners, mut entries) = (Vec::new(), Vec::new(), Vec::new());
        for listed in list {
            let owner = entries.len();
            let key = fold(&listed.name);
            let mut own = forms(&key);
            own.push(key.clone());
            own.extend(listed.others.iter().map(|other| fold(other)));
            owners.extend(own.iter().map(|_| owner));
            spellings.extend(own);
            entries.push((key, listed.name.clone()));
        }
        let finder = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(&spellings);
        let finder = finder.map_err(|error| error.to_string())?;
        Ok(Self { finder: (!spellings.is_empty()).then_some(finder), owners, entries })
    }

    pub(super) fn find(&self, text: &str, class: &Class, found: &mut Vec<Match>) {
        let Some(finder) = &self.finder else { return };
        // A name may be broken over two lines.
        let text = text.replace(LINE, " ");
        // Overlapping: a name that fails at its border must not hide one that begins inside of it.
        for place in finder.find_overlapping_iter(&text) {
            let range = place.range();
            let owner =
                self.owners.get(place.pattern().as_usize()).and_then(|owner| self.entries.get(*owner));
            if let (Some((key, name)), true) = (owner, is_whole(&text, &range)) {
                let (key, value) = (key.clone(), Some(name.clone()));
                found.push(Match { place: range, class: class.clone(), key, value });
            }
        }
    }
}
