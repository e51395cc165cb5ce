//! A system's words beside the configuration's: which mean what, which are written, and which do not fit. Pure.

use std::collections::BTreeSet;

use serde::Serialize;
use throughline_sdk::{Choice, Description, SystemName};

use crate::agreement::{Agreement, Direction, Expression, Rules, Words};
use crate::case::{Field, Priority, Status};

/// One word, as the system has it and as the configuration takes it.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Word {
    /// Status, priority, type or field.
    pub(super) what: &'static str,
    /// The system's word.
    pub(super) word: String,
    /// Throughline's word for it, for a status or priority that has one.
    pub(super) means: Option<&'static str>,
    /// Whether the configuration has it written into the system.
    pub(super) written: bool,
    /// Whether the system has it.
    pub(super) there: bool,
    /// What does not fit.
    pub(super) problem: Option<String>,
}

/// Every word of `system` that it has or that the configuration counts on.
pub(super) fn compare(system: &SystemName, has: &Description, rules: &Rules) -> Vec<Word> {
    let mut words = Vec::new();
    let list =
        |choices: &[Choice]| -> Vec<String> { choices.iter().map(|choice| choice.word.clone()).collect() };
    if let Some(known) = rules.systems.get(system) {
        meanings("status", &list(&has.statuses), &known.status, Status::word, &mut words);
        meanings("priority", &list(&has.priorities), &known.priority, Priority::word, &mut words);
    }
    let (kinds, fields) = named(system, rules);
    let there = list(&has.kinds);
    for (word, written) in kinds {
        let there = there.contains(&word);
        let problem = (!there).then(|| format!("it has no type {word:?}, which the configuration names"));
        words.push(Word { what: "type", word, means: None, written, there, problem });
    }
    for word in announced(system, rules) {
        // Nobody agrees on capital letters, and the bridge does not ask for them.
        let there = there_is(&has.kinds, &word);
        let problem =
            (!there).then(|| format!("it announces nothing about {word:?}, which a reference names"));
        words.push(Word { what: "product", word, means: None, written: false, there, problem });
    }
    for (word, written) in fields {
        // Some systems tell of a field only once a ticket has it: that it is not there is shown, not counted.
        let there = has.fields.contains(&word);
        words.push(Word { what: "field", word, means: None, written, there, problem: None });
    }
    words
}

/// Words that the system has and nobody gave a meaning park every ticket that bears them; words that are written
/// and that the system does not have are refused by it.
fn meanings<T: Ord + Copy>(
    what: &'static str,
    has: &[String],
    words: &Words<T>,
    name: impl Fn(T) -> &'static str,
    out: &mut Vec<Word>,
) {
    // A system that tells no words of this sort has nothing to be compared with.
    if has.is_empty() {
        return;
    }
    let line = |word: &String, there: bool, problem: Option<String>| Word {
        what,
        word: word.clone(),
        means: words.read.get(word).map(|meaning| name(*meaning)),
        written: words.write.values().any(|written| written == word),
        there,
        problem,
    };
    for word in has {
        let known = words.read.contains_key(word);
        let problem = (!known).then(|| format!("its {what} {word:?} has no meaning in the configuration"));
        out.push(line(word, true, problem));
    }
    let written: BTreeSet<&String> = words.write.values().filter(|word| !has.contains(word)).collect();
    for word in written {
        let problem = format!("it has no {what} {word:?}, which the configuration would write");
        out.push(line(word, false, Some(problem)));
    }
}

/// What references call the products of `system`.
fn announced(system: &SystemName, rules: &Rules) -> BTreeSet<String> {
    let of_it = rules.references.values().filter(|rule| rule.system == *system);
    of_it.flat_map(|rule| rule.products.values().cloned()).collect()
}

fn there_is(choices: &[Choice], word: &str) -> bool {
    let word = word.trim().to_lowercase();
    choices.iter().any(|choice| choice.word.trim().to_lowercase() == word)
}

type Named = BTreeSet<(String, bool)>;

/// The types and custom fields of `system` that agreements name, and whether they are written there.
fn named(system: &SystemName, rules: &Rules) -> (Named, Named) {
    let (mut kinds, mut fields) = (Named::new(), Named::new());
    let mut routed = |condition: Option<&Expression>, fields: &mut Named| {
        if let Some(named) = condition.map(Expression::asked) {
            kinds.extend(named.kinds.iter().map(|kind| (kind.clone(), false)));
            fields.extend(named.fields.iter().map(|field| (field.clone(), false)));
        }
    };
    let mut given = Named::new();
    for agreement in rules.agreements.values() {
        if agreement.home == *system {
            routed(agreement.outbound.as_ref(), &mut fields);
            given.extend(agreement.home_type.iter().map(|kind| (kind.clone(), true)));
            fields.extend(shared(agreement, Direction::Inbound));
        }
        if agreement.counterpart == *system {
            routed(agreement.inbound.as_ref(), &mut fields);
            given.extend(agreement.counterpart_type.iter().map(|kind| (kind.clone(), true)));
            fields.extend(shared(agreement, Direction::Outbound));
        }
    }
    kinds.extend(given);
    for rule in rules.references.values() {
        match &rule.field {
            Field::Kind if rule.home == *system => {
                kinds.extend(rule.products.keys().map(|word| (word.clone(), false)));
            }
            Field::Custom(name) if rule.home == *system => _ = fields.insert((name.clone(), false)),
            Field::Kind
            | Field::Custom(_)
            | Field::Title
            | Field::Description
            | Field::Status
            | Field::Priority => {}
        }
    }
    (once(&kinds), once(&fields))
}

/// The custom fields of an agreement, and whether they travel this way.
fn shared(agreement: &Agreement, way: Direction) -> impl Iterator<Item = (String, bool)> + '_ {
    agreement.fields.iter().filter_map(move |(field, rule)| match field {
        Field::Custom(name) if rule.direction != Direction::None => {
            Some((name.clone(), rule.direction == Direction::Both || rule.direction == way))
        }
        Field::Custom(_)
        | Field::Title
        | Field::Description
        | Field::Status
        | Field::Priority
        | Field::Kind => None,
    })
}

/// A word that is read and written is told once, as written.
fn once(words: &Named) -> Named {
    words
        .iter()
        .filter(|(word, written)| *written || !words.contains(&(word.clone(), true)))
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::daemon::assemble;

    const TEXT: &str = r#"
[bridge]
home = "contoso"
[parties.contoso]
[parties.fabrikam]
[systems.helpdesk]
party = "contoso"
status = { Frozen = "on_hold", Stuck = "pending" }
write.status = { pending = "Stuck" }
[systems.helpdesk.practice]
url = "http://127.0.0.1:1/"
token = { env = "HOME" }
[systems.partner]
party = "fabrikam"
[systems.partner.practice]
url = "http://127.0.0.1:2/"
token = { env = "HOME" }
[agreements.fabrikam]
party = "fabrikam"
home = "helpdesk"
counterpart = "partner"
home_type = "Fault"
route.outbound = 'ticket.type in ["Incident", "Fault"] && ticket.fields["Escalate"] == "yes"'
[agreements.fabrikam.fields]
"field:Component" = { direction = "inbound" }
"field:Hidden" = { direction = "none" }
"#;

    #[test]
    fn what_does_not_fit_is_told_word_by_word() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("throughline.toml");
        std::fs::write(&file, TEXT).unwrap();
        let loaded = config::load(&file, &config::ProcessEnvironment, &assemble::kind_settings());
        let rules = loaded.unwrap_or_else(|problems| panic!("{problems}")).rules;
        let word = |word: &str| Choice { word: word.to_owned(), closed: false };
        let has = Description {
            statuses: ["New", "In progress", "Frozen", "Parked"].map(word).to_vec(),
            // A desk that tells no priorities has none to compare.
            priorities: Vec::new(),
            kinds: vec![word("Incident")],
            fields: vec!["Component".to_owned()],
        };
        let told = |system: &str| -> String {
            let words = compare(&SystemName::new(system), &has, &rules);
            let lines = words.into_iter().map(|word| {
                let means = word.means.map(|means| format!(" = {means}")).unwrap_or_default();
                let written = if word.written { ", written" } else { "" };
                let there = if word.there { "there" } else { "not there" };
                let problem = word.problem.map(|problem| format!("; {problem}")).unwrap_or_default();
                format!("{} {}{means}{written}: {there}{problem}\n", word.what, word.word)
            });
            lines.collect()
        };
        insta::assert_snapshot!(format!("helpdesk\n{}\npartner\n{}", told("helpdesk"), told("partner")));
    }
}
