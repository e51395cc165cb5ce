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
        if line.starts_with('#') {
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
    finder: AhoCorasick,
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
        Ok(Self { finder: finder.map_err(|error| error.to_string())?, owners, entries })
    }

    pub(super) fn find(&self, text: &str, class: &Class, found: &mut Vec<Match>) {
        // A name may be broken over two lines.
        let text = text.replace(LINE, " ");
        // Overlapping: a name that fails at its border must not hide one that begins inside of it.
        for place in self.finder.find_overlapping_iter(&text) {
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

#[cfg(test)]
mod tests {
    use super::super::super::folded::Folded;
    use super::*;

    #[test]
    fn a_line_of_a_list_is_a_name_and_its_other_spellings() {
        for (line, expected) in [
            (" Ada Lovelace ", &["Ada Lovelace"][..]),
            ("Ada Lovelace; Ada;;Countess of Lovelace ;", &["Ada Lovelace", "Ada", "Countess of Lovelace"]),
            ("Li", &["Li"]),
            ("李雷", &["李雷"]),
            ("3M", &["3M"]),
            ("", &[]),
            ("  ", &[]),
            (" ; ;", &[]),
            ("# Ada; A", &[]),
        ] {
            let listed = Listed::parse(line).unwrap();
            let names: Vec<String> =
                listed.into_iter().flat_map(|it| std::iter::once(it.name).chain(it.others)).collect();
            assert_eq!(names, expected, "{line:?}");
        }
        for (line, short) in [("A", "A"), ("Ada Lovelace; B.", "B."), ("a#", "a#"), ("&;Ada", "&")] {
            let fault = Listed::parse(line).unwrap_err();
            assert_eq!(fault, format!("{short:?} has fewer than two letters or digits"), "{line:?}");
        }
    }

    #[test]
    fn people_are_known_with_their_last_name_first_unless_they_are_listed_so() {
        let listed = |name: &str| Listed { name: name.to_owned(), others: Vec::new() };
        let people = Names::of_people(&[listed("Ada King Lovelace"), listed("Hopper, Grace")]).unwrap();
        let none = Names::of_people(&[]).unwrap();
        for (text, expected) in [
            ("ask Ada King\nLovelace.", &["Ada King Lovelace"][..]),
            ("ask Lovelace, Ada King", &["Ada King Lovelace"]),
            ("ask LOVELACE Ada King", &["Ada King Lovelace"]),
            ("ask Hopper, Grace, please", &["Hopper, Grace"]),
            ("ask Grace Hopper, please", &[]),
            ("ask McLovelace, Ada King", &[]),
        ] {
            let mut found = Vec::new();
            people.find(Folded::of(text).text(), &Class::Person, &mut found);
            let names: Vec<String> = found.into_iter().filter_map(|it| it.value).collect();
            assert_eq!(names, expected, "{text:?}");
            let mut found = Vec::new();
            none.find(Folded::of(text).text(), &Class::Person, &mut found);
            assert_eq!(found, [], "{text:?}");
        }
    }
}
