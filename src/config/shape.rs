//! Walks a parsed file along the declaration: unknown and missing keys, and every value of the right type.

use std::path::Path;

use throughline_sdk::SettingKind;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::KindSettings;
use super::declaration::{Holds, Key, Names, Need, Table};
use super::findings::{Findings, Mistake, Place};
use super::scalar;
use super::secret::Environment;
use super::section::{Entry, Section, Value};
use super::value;
use crate::case::Field;

/// What a file is read with.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    /// The number of the file among the sources.
    pub file: usize,
    /// The folder that paths are relative to.
    pub folder: &'a Path,
    /// Where secrets come from.
    pub environment: &'a dyn Environment,
    /// The kinds of systems.
    pub kinds: &'a [KindSettings],
    /// Where mistakes go.
    pub findings: &'a mut Findings,
}

impl Reader<'_> {
    /// Reads a table by its declaration.
    pub(super) fn table(&mut self, found: &DeTable<'_>, at: Place, path: &str, declared: &Table) -> Section {
        let kinds = if declared.takes_kind { self.kinds } else { &[] };
        let section = self.keys(found, at, path, declared.keys, kinds);
        let is_unknown = |(key, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
            value.get_ref().is_table() && section.entry(std::borrow::Cow::as_ref(key.get_ref())).is_none()
        };
        // An unknown table was meant to name the kind: that has been told.
        if declared.takes_kind && !found.iter().any(is_unknown) {
            self.one_kind(&section);
        }
        section
    }

    fn keys(
        &mut self,
        found: &DeTable<'_>,
        at: Place,
        path: &str,
        declared: &[Key],
        kinds: &[KindSettings],
    ) -> Section {
        let mut entries = Vec::new();
        for (name, value) in in_order(found) {
            let key_at = self.place(name);
            let key: &str = name.get_ref();
            let path = join(path, key);
            let known = declared.iter().find(|candidate| candidate.key == key);
            let kind = kinds.iter().find(|candidate| candidate.kind == key);
            let read = match (known, kind) {
                (Some(known), _) => self.value(value, key_at, &path, known.holds),
                (None, Some(kind)) => self.kind(value, key_at, &path, kind),
                (None, None) => {
                    let words = declared.iter().map(|key| key.key).chain(kinds.iter().map(|kind| kind.kind));
                    let message = match (kinds, value.get_ref()) {
                        ([_, ..], DeValue::Table(_)) => format!("no kind of system is called {key:?}"),
                        _ => format!("there is no key {key:?} here"),
                    };
                    let mistake = Mistake::new(key_at, path, message).words(key, words);
                    self.findings.report(mistake);
                    // It may be a secret under a key with a slip of the pen.
                    self.hide(value);
                    continue;
                }
            };
            entries.push(Entry { key: key.to_owned(), key_at, at: self.place(value), value: read });
        }
        let mut section = Section { at, path: path.to_owned(), entries };
        for key in declared {
            if section.entry(key.key).is_none() {
                self.absent(&mut section, key);
            }
        }
        section
    }

    /// Lets the default stand in for a key, or reports that it is missing.
    fn absent(&mut self, section: &mut Section, key: &Key) {
        match (key.need, key.holds) {
            (Need::Required, holds) => {
                let message = format!("the key {:?} is missing", key.key);
                let expected = scalar::expected(holds);
                let mistake = Mistake::new(section.at, section.path_of(key.key), message).expected(expected);
                self.findings.report_if_complete(mistake);
            }
            (Need::Default(text), holds) => {
                let Ok(value) = DeValue::parse(text) else { return };
                let value = self.value(&value, section.at, &section.path_of(key.key), holds);
                section.entries.push(Entry {
                    key: key.key.to_owned(),
                    key_at: section.at,
                    at: section.at,
                    value,
                });
            }
            // An optional table that is not there is an empty one if it has defaults.
            (Need::Optional, Holds::Table(table)) if has_defaults(table) => {
                let inner = self.table(&DeTable::new(), section.at, &section.path_of(key.key), table);
                section.entries.push(Entry {
                    key: key.key.to_owned(),
                    key_at: section.at,
                    at: section.at,
                    value: Some(Value::Section(inner)),
                });
            }
            (Need::Optional, _) => {}
        }
    }

    fn one_kind(&mut self, section: &Section) {
        let named: Vec<&Entry> = section
            .entries
            .iter()
            .filter(|entry| self.kinds.iter().any(|kind| kind.kind == entry.key))
            .collect();
        match named.as_slice() {
            [_] => {}
            [] => {
                let message = "this system has no table that names its kind";
                let words = self.kinds.iter().map(|kind| kind.kind);
                let mistake = Mistake::new(section.at, &section.path, message).words("", words);
                self.findings.report_if_complete(mistake);
            }
            [first, others @ ..] => {
                for other in others {
                    let message = format!("this system is already of the kind {:?}", first.key);
                    let mistake = Mistake::new(other.key_at, section.path_of(&other.key), message)
                        .expected("one kind for each system");
                    self.findings.report(mistake);
                }
            }
        }
    }

    fn kind(
        &mut self,
        found: &Spanned<DeValue<'_>>,
        key_at: Place,
        path: &str,
        kind: &KindSettings,
    ) -> Option<Value> {
        let declared: Vec<Key> = kind.settings.iter().map(Key::from_setting).collect();
        let table = self.expect_table(found, key_at, path)?;
        Some(Value::Section(self.keys(table, key_at, path, &declared, &[])))
    }

    fn value(
        &mut self,
        found: &Spanned<DeValue<'_>>,
        key_at: Place,
        path: &str,
        holds: Holds,
    ) -> Option<Value> {
        match holds {
            Holds::Table(declared) => {
                let table = self.expect_table(found, key_at, path)?;
                Some(Value::Section(self.table(table, key_at, path, declared)))
            }
            Holds::Named(declared, names) => {
                let table = self.expect_table(found, key_at, path)?;
                Some(Value::Section(self.named(table, key_at, path, declared, names)))
            }
            Holds::TextToWord(words) => {
                self.map(found, key_at, path, Holds::Setting(SettingKind::Word(words)))
            }
            Holds::WordToText(words) => {
                let table = self.expect_table(found, key_at, path)?;
                let declared: Vec<Key> = words.iter().map(|word| word_key(word)).collect();
                Some(Value::Section(self.keys(table, key_at, path, &declared, &[])))
            }
            Holds::Otherwise if found.get_ref().is_table() => {
                let table = self.expect_table(found, key_at, path)?;
                Some(Value::Section(self.keys(table, key_at, path, &[DEFAULT], &[])))
            }
            Holds::Setting(SettingKind::TextMap) => {
                self.map(found, key_at, path, Holds::Setting(SettingKind::Text))
            }
            Holds::Setting(_)
            | Holds::Number { .. }
            | Holds::Span { .. }
            | Holds::Size
            | Holds::Path
            | Holds::Socket
            | Holds::Networks
            | Holds::Name
            | Holds::Condition
            | Holds::Otherwise => self.scalar(found, path, holds),
        }
    }

    fn named(
        &mut self,
        found: &DeTable<'_>,
        at: Place,
        path: &str,
        declared: &Table,
        names: Names,
    ) -> Section {
        let mut entries = Vec::new();
        for (name, value) in in_order(found) {
            let key_at = self.place(name);
            let key: &str = name.get_ref();
            let path = join(path, key);
            let (fault, expected) = match names {
                Names::Given => (value::name(key).err(), value::NAME_WORDS),
                Names::Fields => {
                    let fault =
                        key.parse::<Field>().err().map(|_| format!("{key:?} is no field of a ticket"));
                    (fault, "title, description, status, priority, type or field:NAME")
                }
            };
            if let Some(fault) = fault {
                let mut mistake = Mistake::new(key_at, &path, fault);
                if names == Names::Fields {
                    mistake = mistake
                        .words(key, ["title", "description", "status", "priority", "type", "field:NAME"]);
                }
                self.findings.report(mistake.expected(expected));
            }
            let read = self
                .expect_table(value, key_at, &path)
                .map(|table| Value::Section(self.table(table, key_at, &path, declared)));
            entries.push(Entry { key: key.to_owned(), key_at, at: self.place(value), value: read });
        }
        Section { at, path: path.to_owned(), entries }
    }

    fn map(&mut self, found: &Spanned<DeValue<'_>>, at: Place, path: &str, holds: Holds) -> Option<Value> {
        let table = self.expect_table(found, at, path)?;
        let mut entries = Vec::new();
        for (name, value) in in_order(table) {
            let key: &str = name.get_ref();
            let read = self.scalar(value, &join(path, key), holds);
            entries.push(Entry {
                key: key.to_owned(),
                key_at: self.place(name),
                at: self.place(value),
                value: read,
            });
        }
        Some(Value::Section(Section { at, path: path.to_owned(), entries }))
    }

    fn expect_table<'t, 'i>(
        &mut self,
        found: &'t Spanned<DeValue<'i>>,
        key_at: Place,
        path: &str,
    ) -> Option<&'t DeTable<'i>> {
        let table = found.get_ref().as_table();
        if table.is_none() {
            let mistake = Mistake::new(key_at, path, "a table belongs here")
                .found(scalar::kind_of(found.get_ref()))
                .expected(format!("a table: [{path}]"));
            self.findings.report(mistake);
        }
        table
    }

    pub(super) fn place<T>(&self, spanned: &Spanned<T>) -> Place {
        let span = spanned.span();
        Place { file: self.file, start: span.start, end: span.end }
    }
}

/// A key's path with one more part, in quotes where TOML asks for them.
pub(super) fn join(path: &str, key: &str) -> String {
    let bare =
        !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    let key = if bare { key.to_owned() } else { format!("{key:?}") };
    if path.is_empty() { key } else { format!("{path}.{key}") }
}

/// A table's keys as they stand in the file: the parser sorts them by name.
fn in_order<'t, 'i>(
    table: &'t DeTable<'i>,
) -> Vec<(&'t Spanned<std::borrow::Cow<'i, str>>, &'t Spanned<DeValue<'i>>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

/// A table that cannot be without something is not there unless it is written.
fn has_defaults(table: &Table) -> bool {
    let mut keys = table.keys.iter();
    let required = keys.clone().any(|key| key.need == Need::Required);
    keys.any(|key| matches!(key.need, Need::Default(_))) && !required
}

/// The one key of a table that says what stands for every value that is not named.
const DEFAULT: Key = Key {
    key: "default",
    holds: Holds::Setting(SettingKind::Text),
    need: Need::Required,
    doc: "",
    example: "",
};

fn word_key(word: &'static str) -> Key {
    Key { key: word, holds: Holds::Setting(SettingKind::Text), need: Need::Optional, doc: "", example: "" }
}
