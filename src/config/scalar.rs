//! Checks single values by their declared type, and says of each type what may stand there.

use secrecy::SecretString;
use throughline_sdk::SettingKind;
use toml::Spanned;
use toml::de::{DeArray, DeValue};

use super::declaration::Holds;
use super::findings::{Mistake, Place};
use super::secret::{self, Exposed};
use super::section::Value;
use super::shape::{Reader, join};
use super::value;
use crate::egress::Allowed;

/// What a value's text turned out to be, or the fault in it.
type Read = Result<Value, String>;

/// What may stand where this is declared.
pub(super) fn expected(holds: Holds) -> String {
    match holds {
        Holds::Setting(SettingKind::Text) => "a text in quotes".to_owned(),
        Holds::Setting(SettingKind::File) => "the path of a file, or a name, in quotes".to_owned(),
        Holds::Setting(SettingKind::Address) => {
            r#"an http or https address such as "https://desk.example.com/""#.to_owned()
        }
        Holds::Setting(SettingKind::Secret) => {
            r#"a reference to a secret: { env = "NAME" } or { file = "PATH" }"#.to_owned()
        }
        Holds::Setting(SettingKind::Count) => "a whole number, zero or more".to_owned(),
        Holds::Setting(SettingKind::Flag) => "true or false".to_owned(),
        Holds::Setting(SettingKind::Duration) => r#"a length of time such as "30s", "5m", "24h""#.to_owned(),
        Holds::Setting(SettingKind::Word(words)) => format!("one of {}", words.join(", ")),
        Holds::Setting(SettingKind::TextList) => r#"a list of texts such as ["one", "two"]"#.to_owned(),
        Holds::Setting(SettingKind::TextMap) => "a table of texts".to_owned(),
        Holds::Number { min, max } => format!("a whole number from {min} to {max}"),
        Holds::Span { min, max } => format!(
            "a length of time from \"{}\" to \"{}\"",
            value::duration_text(min),
            value::duration_text(max)
        ),
        Holds::Size => r#"a size such as "25MB" or "512KiB""#.to_owned(),
        Holds::Path => "a path in quotes".to_owned(),
        Holds::Socket => r#"an IP address and a port such as "127.0.0.1:8780""#.to_owned(),
        Holds::Networks => {
            r#"a list of IP networks and host names such as ["10.1.0.0/16", "desk.internal"]"#.to_owned()
        }
        Holds::Name => "the name of one that is declared".to_owned(),
        Holds::TextToWord(words) => format!("a table from the desk's words to one of {}", words.join(", ")),
        Holds::WordToText(words) => format!("a table from one of {} to the desk's words", words.join(", ")),
        Holds::Condition => {
            r#"a condition such as 'ticket.type == "Incident"', or "true" for every ticket"#.to_owned()
        }
        Holds::Otherwise => r#""park", "as_it_is" or { default = "…" }"#.to_owned(),
        Holds::Table(_) => "a table".to_owned(),
        Holds::Named(..) => "a table with one table for each name".to_owned(),
    }
}

/// What kind of value stands there, in words.
pub(super) fn kind_of(found: &DeValue<'_>) -> &'static str {
    match found {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

impl Reader<'_> {
    /// Reads a value that is no table of values.
    pub(super) fn scalar(&mut self, found: &Spanned<DeValue<'_>>, path: &str, holds: Holds) -> Option<Value> {
        if matches!(holds, Holds::Setting(SettingKind::Secret)) {
            return self.secret(found, path).map(Value::Secret);
        }
        let read = match (holds, found.get_ref()) {
            (Holds::Setting(SettingKind::File), DeValue::String(text)) if text.contains(['/', '\\', '.']) => {
                Ok(Value::Path(self.folder.join(text.as_ref())))
            }
            (Holds::Setting(kind), DeValue::String(text)) => setting_text(kind, text),
            (Holds::Setting(SettingKind::Flag), DeValue::Boolean(flag)) => Ok(Value::Flag(*flag)),
            (Holds::Setting(SettingKind::Count), DeValue::Integer(_)) => {
                number(found.get_ref(), 0, i64::MAX.unsigned_abs())
            }
            (Holds::Number { min, max }, DeValue::Integer(_)) => number(found.get_ref(), min, max),
            (Holds::Setting(SettingKind::TextList), DeValue::Array(list)) => {
                return self.texts(list, path).map(Value::Texts);
            }
            (Holds::Networks, DeValue::Array(list)) => return self.networks(list, path).map(Value::Networks),
            (Holds::Span { min, max }, DeValue::String(text)) => {
                value::duration(text).and_then(|span| match span {
                    span if span < min => Err(format!("{text:?} is too short")),
                    span if span > max => Err(format!("{text:?} is too long")),
                    span => Ok(Value::Span(span)),
                })
            }
            (Holds::Size, DeValue::String(text)) => value::size(text).map(Value::Number),
            (Holds::Path, DeValue::String(text)) if text.is_empty() => Err("this path is empty".to_owned()),
            (Holds::Path, DeValue::String(text)) => Ok(Value::Path(self.folder.join(text.as_ref()))),
            (Holds::Socket, DeValue::String(text)) => text
                .parse()
                .ok()
                .map(Value::Socket)
                .ok_or_else(|| "this is no IP address with a port".to_owned()),
            (Holds::Otherwise, DeValue::String(text)) => match text.as_ref() {
                "park" | "as_it_is" => Ok(Value::Text(text.clone().into_owned())),
                _ => Err(format!("{text:?} is none of the words that may stand here")),
            },
            (Holds::Name | Holds::Condition, DeValue::String(text)) => {
                Ok(Value::Text(text.clone().into_owned()))
            }
            (_, other) => Err(format!("{} does not belong here", kind_of(other))),
        };
        read.map_err(|fault| self.wrong(found, path, holds, fault)).ok()
    }

    fn wrong(&mut self, found: &Spanned<DeValue<'_>>, path: &str, holds: Holds, fault: String) {
        let at = self.place(found);
        let mut mistake = Mistake::new(at, path, fault);
        let is_address = matches!(holds, Holds::Setting(SettingKind::Address));
        match found.get_ref() {
            // An address may hold a password.
            DeValue::String(_) if is_address => self.findings.hide(at),
            DeValue::String(text) => mistake = mistake.found(format!("{text:?}")),
            DeValue::Integer(number) => mistake = mistake.found(number.to_string()),
            DeValue::Boolean(flag) => mistake = mistake.found(flag.to_string()),
            DeValue::Float(_) | DeValue::Datetime(_) => {}
            DeValue::Array(_) | DeValue::Table(_) => self.hide(found),
        }
        mistake = match (holds, found.get_ref()) {
            (Holds::Setting(SettingKind::Word(words)), DeValue::String(text)) => {
                mistake.words(text, words.iter().copied())
            }
            _ => mistake.expected(expected(holds)),
        };
        self.findings.report(mistake);
    }

    fn texts(&mut self, list: &DeArray<'_>, path: &str) -> Option<Vec<String>> {
        let kind = Holds::Setting(SettingKind::Text);
        let read: Vec<_> = list.iter().map(|item| self.scalar(item, path, kind)).collect();
        read.into_iter().map(|item| item?.as_text().map(str::to_owned)).collect()
    }

    fn networks(&mut self, list: &DeArray<'_>, path: &str) -> Option<Vec<Allowed>> {
        let mut networks = Some(Vec::new());
        for item in list {
            let read = match item.get_ref().as_str() {
                Some(text) => text.parse(),
                None => Err(format!("{} does not belong here", kind_of(item.get_ref()))),
            };
            match (read, networks.as_mut()) {
                (Ok(network), Some(networks)) => networks.push(network),
                (Ok(_), None) => {}
                (Err(fault), _) => {
                    self.wrong(item, path, Holds::Networks, fault);
                    networks = None;
                }
            }
        }
        networks
    }

    /// Resolves a reference to a secret. Nothing of what may be a secret is repeated in a report.
    fn secret(&mut self, found: &Spanned<DeValue<'_>>, path: &str) -> Option<SecretString> {
        let expected = expected(Holds::Setting(SettingKind::Secret));
        let (source, text, at) = match self.reference(found, path) {
            Ok(reference) => reference,
            Err(mistake) => {
                self.hide(found);
                self.findings.report(mistake.expected(expected));
                return None;
            }
        };
        let resolved = match source {
            "env" => secret::from_environment(self.environment, text).map(|secret| (secret, Exposed::No)),
            _ => secret::from_file(&self.folder.join(text)),
        };
        match resolved {
            Ok((secret, exposed)) => {
                if let Exposed::Yes(mode) = exposed {
                    let message =
                        format!("others than its owner may read this secret (mode {mode:03o}); chmod 600 it");
                    self.findings.report(Mistake::new(at, path, message).warning());
                }
                Some(secret)
            }
            Err(fault) => {
                if source == "env" && !secret::is_variable(text) {
                    self.findings.hide(at);
                }
                self.findings.report(Mistake::new(at, path, fault).expected(expected));
                None
            }
        }
    }

    /// The one entry of a reference: its key, its text, and where the text stands.
    fn reference<'t>(
        &self,
        found: &'t Spanned<DeValue<'_>>,
        path: &str,
    ) -> Result<(&'t str, &'t str, Place), Box<Mistake>> {
        let at = self.place(found);
        let DeValue::Table(table) = found.get_ref() else {
            let message = if found.get_ref().is_str() {
                "a secret is never written here, only where to find it".to_owned()
            } else {
                format!("{} does not belong here", kind_of(found.get_ref()))
            };
            return Err(Box::new(Mistake::new(at, path, message)));
        };
        let mut entries = table.iter();
        let (Some((key, value)), None) = (entries.next(), entries.next()) else {
            return Err(Box::new(Mistake::new(at, path, "a secret is found in one place")));
        };
        let name: &str = key.get_ref();
        match (name, value.get_ref()) {
            ("env" | "file", DeValue::String(text)) => Ok((name, text.as_ref(), self.place(value))),
            ("env" | "file", other) => {
                let message = format!("{} does not belong here", kind_of(other));
                Err(Box::new(Mistake::new(self.place(value), join(path, name), message)))
            }
            (other, _) => {
                let message = format!("there is no key {other:?} here");
                let mistake = Mistake::new(self.place(key), join(path, other), message);
                Err(Box::new(mistake.words(other, ["env", "file"])))
            }
        }
    }

    /// Keeps every text and number in a value out of what is shown.
    pub(super) fn hide(&mut self, found: &Spanned<DeValue<'_>>) {
        match found.get_ref() {
            DeValue::String(_) | DeValue::Integer(_) | DeValue::Float(_) | DeValue::Datetime(_) => {
                let at = self.place(found);
                self.findings.hide(at);
            }
            DeValue::Boolean(_) => {}
            DeValue::Array(list) => list.iter().for_each(|item| self.hide(item)),
            DeValue::Table(table) => table.values().for_each(|value| self.hide(value)),
        }
    }
}

fn setting_text(kind: SettingKind, text: &str) -> Read {
    match kind {
        SettingKind::Text | SettingKind::File => Ok(Value::Text(text.to_owned())),
        SettingKind::Address => value::address(text).map(|()| Value::Text(text.to_owned())),
        SettingKind::Duration => value::duration(text).map(Value::Span),
        SettingKind::Word(words) if words.contains(&text) => Ok(Value::Text(text.to_owned())),
        SettingKind::Word(_) => Err(format!("{text:?} is no word that is known here")),
        SettingKind::Secret
        | SettingKind::Count
        | SettingKind::Flag
        | SettingKind::TextList
        | SettingKind::TextMap => Err("a text does not belong here".to_owned()),
    }
}

fn number(found: &DeValue<'_>, min: u64, max: u64) -> Read {
    let DeValue::Integer(integer) = found else { return Err("this is no whole number".to_owned()) };
    match u64::from_str_radix(integer.as_str(), integer.radix()) {
        Ok(number) if number < min => Err(format!("{number} is too small")),
        Ok(number) if number > max => Err(format!("{number} is too large")),
        Ok(number) => Ok(Value::Number(number)),
        Err(_) => Err("this number is out of bounds".to_owned()),
    }
}
