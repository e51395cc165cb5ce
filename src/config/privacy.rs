//! Builds what is recognized as personal, and what each agreement does with it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::findings::{Findings, Mistake};
use super::section::{Section, Value};
use crate::agreement::{
    Action, Class, Direction, FieldRule, Leftover, Listed, OtherFiles, Pattern, Place, PlaceTerms,
    Recognizers, Redaction,
};
use crate::case::Field;

/// The largest list that is read.
const MAX_LIST_BYTES: u64 = 32 << 20;

/// What is recognized, and the patterns by name.
#[derive(Debug)]
pub(super) struct Recognized {
    /// `None` where something was wrong that has been reported.
    recognizers: Option<Arc<Recognizers>>,
    patterns: Vec<String>,
}

/// Reads the organization's own lists and patterns.
pub(super) fn recognized(section: Option<&Section>, findings: &mut Findings) -> Recognized {
    let [people, customers] = ["people", "customers"].map(|key| {
        let Some(section) = section else { return Vec::new() };
        list(section, key, findings)
    });
    let (mut patterns, mut names) = (Vec::new(), Vec::new());
    for (entry, section) in
        section.and_then(|it| it.section("patterns")).into_iter().flat_map(Section::sections)
    {
        names.push(entry.key.clone());
        let (Some(text), Some(at)) = (section.text("matches"), section.entry("matches")) else { continue };
        match Pattern::new(&entry.key, text) {
            Ok(_) if Class::BUILT_IN.iter().any(|class| class.word() == entry.key) => {
                let message = format!("{:?} is a class already", entry.key);
                findings.report(Mistake::new(entry.key_at, &section.path, message).expected("another name"));
            }
            Ok(pattern) => patterns.push(pattern),
            Err(fault) => {
                let mistake =
                    Mistake::new(at.at, section.path_of("matches"), fault).found(format!("{text:?}"));
                findings.report(mistake.expected("a regular expression as the Rust crate regex reads it"));
            }
        }
    }
    let recognizers = match Recognizers::new(&people, &customers, patterns) {
        Ok(recognizers) => Some(Arc::new(recognizers)),
        Err(fault) => {
            if let Some(section) = section {
                findings.report(Mistake::new(section.at, &section.path, fault));
            }
            None
        }
    };
    Recognized { recognizers, patterns: names }
}

fn list(section: &Section, key: &str, findings: &mut Findings) -> Vec<Listed> {
    let (Some(Value::Path(path)), Some(entry)) = (section.value(key), section.entry(key)) else {
        return Vec::new();
    };
    let mut listed = Vec::new();
    match lines(path) {
        Ok(text) => {
            for (number, line) in text.lines().enumerate() {
                match Listed::parse(line) {
                    Ok(found) => listed.extend(found),
                    Err(fault) => {
                        let message = format!("line {} of {}: {fault}", number + 1, path.display());
                        findings.report(Mistake::new(entry.at, section.path_of(key), message));
                    }
                }
            }
        }
        Err(fault) => {
            let message = format!("{} cannot be read: {fault}", path.display());
            let mistake = Mistake::new(entry.at, section.path_of(key), message);
            findings.report(mistake.expected("a text file in UTF-8 with one name a line"));
        }
    }
    listed
}

fn lines(path: &Path) -> Result<String, String> {
    let metadata = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("it is no regular file".to_owned());
    }
    if metadata.len() > MAX_LIST_BYTES {
        return Err("it is larger than 32 MiB".to_owned());
    }
    std::fs::read_to_string(path).map_err(|error| error.to_string())
}

/// What an agreement does with personal data; `None` where it says nothing of it.
pub(super) fn redaction(
    section: &Section,
    recognized: &Recognized,
    fields: &BTreeMap<Field, FieldRule>,
    findings: &mut Findings,
) -> Option<Redaction> {
    let section = section.section("redact")?;
    let mut places = BTreeMap::new();
    if let Some(action) = section.text("authors").and_then(Action::from_word) {
        places.insert(Place::Authors, PlaceTerms { whole: Some(action), classes: BTreeMap::new() });
    }
    let named = [("comments", Place::Comments), ("file_names", Place::FileNames), ("files", Place::Files)];
    for (key, place) in named {
        if let Some(section) = section.section(key) {
            places.insert(place, terms(section, recognized, findings));
        }
    }
    for (entry, section) in section.section("fields").into_iter().flat_map(Section::sections) {
        let Ok(field) = entry.key.parse::<Field>() else { continue };
        if matches!(field, Field::Status | Field::Priority | Field::Kind) {
            let message = format!("the {field} is a word of the desk, in which nothing is looked for");
            let mistake = Mistake::new(entry.key_at, &section.path, message);
            findings.report(mistake.expected("title, description or field:NAME"));
        }
        places.insert(Place::Field(field), terms(section, recognized, findings));
    }
    let redaction = Redaction {
        classes: classes(section, recognized, findings),
        places,
        other_files: match section.text("other_files") {
            Some("send") => OtherFiles::Send,
            Some("drop") => OtherFiles::Drop,
            // What is not said, or was wrong and has been reported, waits for a person.
            Some(_) | None => OtherFiles::Hold,
        },
        leftover: match section.text("leftover") {
            Some("hold") => Leftover::Hold,
            Some(_) | None => Leftover::Tell,
        },
        recognizers: Arc::clone(recognized.recognizers.as_ref()?),
    };
    warn_of_loss(section, &redaction, fields, findings);
    Some(redaction)
}

fn terms(section: &Section, recognized: &Recognized, findings: &mut Findings) -> PlaceTerms {
    let whole = section.text("whole").and_then(Action::from_word);
    PlaceTerms { whole, classes: classes(section, recognized, findings) }
}

fn classes(section: &Section, recognized: &Recognized, findings: &mut Findings) -> BTreeMap<Class, Action> {
    let mut classes = BTreeMap::new();
    for class in Class::BUILT_IN {
        if let Some(action) = section.text(class.word()).and_then(Action::from_word) {
            classes.insert(class, action);
        }
    }
    let Some(table) = section.section("patterns") else { return classes };
    for (entry, word) in table.texts() {
        if !recognized.patterns.contains(&entry.key) {
            let message = format!("no pattern is called {:?}", entry.key);
            let names = recognized.patterns.iter().map(String::as_str);
            let mistake =
                Mistake::new(entry.key_at, table.path_of(&entry.key), message).words(&entry.key, names);
            findings.report_if_complete(mistake);
        }
        if let Some(action) = Action::from_word(word) {
            classes.insert(Class::Pattern(entry.key.clone()), action);
        }
    }
    classes
}

/// A text in which something was masked or dropped and that the counterpart may write comes home without it.
fn warn_of_loss(
    section: &Section,
    redaction: &Redaction,
    fields: &BTreeMap<Field, FieldRule>,
    findings: &mut Findings,
) {
    let lossy = |action: &Action| matches!(action, Action::Mask | Action::Drop);
    for field in fields.iter().filter(|(_, rule)| rule.direction == Direction::Both).map(|(field, _)| field) {
        if matches!(field, Field::Status | Field::Priority | Field::Kind) {
            continue;
        }
        let own = redaction.places.get(&Place::Field(field.clone()));
        let of_class = |(class, action): (&Class, &Action)| {
            lossy(own.and_then(|terms| terms.classes.get(class)).unwrap_or(action))
        };
        let loses = match own.and_then(|terms| terms.whole) {
            Some(action) => lossy(&action),
            None => {
                redaction.classes.iter().any(of_class)
                    || own.is_some_and(|terms| terms.classes.values().any(lossy))
            }
        };
        if loses {
            let message = format!(
                "the {field} travels both ways: when the counterpart edits it, what was masked or dropped in it is gone \
                 at home, too"
            );
            let mistake = Mistake::new(section.at, &section.path, message).warning();
            findings.report_if_complete(mistake.expected("pseudonymize, or a field that is only outbound"));
        }
    }
}
