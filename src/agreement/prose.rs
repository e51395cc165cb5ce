//! An agreement as a document that both sides can read and attach to a contract, and what two versions differ in.

mod differ;
mod grants;
mod offers;
mod page;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::{Direction, FieldRule, Internal, Otherwise, Policy, RedactionTerms, SystemRules, Terms, Words};
use crate::case::{Field, Priority, Status};

pub use differ::{Difference, differences};

use page::Block;

/// How a document is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For mail, wikis and repositories.
    Markdown,
    /// One page that needs nothing else.
    Html,
    /// The terms themselves, of which the version is the fingerprint.
    Json,
}

/// Writes the terms out.
pub fn render(terms: &Terms, format: Format) -> String {
    match format {
        Format::Markdown => page::markdown(&document(terms)),
        Format::Html => page::html(&document(terms)),
        // Writing plain data into memory has no way to fail.
        Format::Json => serde_json::to_string_pretty(&terms.document()).unwrap_or_default(),
    }
}

/// What the two sides are called in sentences.
#[derive(Clone, Copy, Debug)]
struct Names<'n> {
    home: &'n str,
    counterpart: &'n str,
}

impl<'n> Names<'n> {
    fn titles(terms: &'n Terms) -> Self {
        Self { home: &terms.home.party_title, counterpart: &terms.counterpart.party_title }
    }

    /// Such as stay the same where the titles differ.
    fn roles() -> Self {
        Self { home: "home", counterpart: "the counterpart" }
    }
}

fn document(terms: &Terms) -> Vec<Block> {
    let names = Names::titles(terms);
    let Names { home, counterpart } = names;
    let agreement = &terms.agreement;
    let mut page = vec![
        Block::Title(format!("Agreement “{}” between {home} and {counterpart}", agreement.name)),
        Block::Text(format!("Version {}", terms.version().0)),
        Block::Text(format!(
            "This says what Throughline carries between the system “{}” of {home}, the home organization, and the \
             system “{}” of {counterpart}, the counterpart. What is not named here stays where it is. Statuses and \
             priorities are named by Throughline's own words; what they are in each system stands at the end.",
            agreement.home, agreement.counterpart
        )),
        Block::Heading("Which tickets go over".to_owned()),
    ];
    let ways = [(&agreement.outbound, home, counterpart), (&agreement.inbound, counterpart, home)];
    for (condition, from, to) in ways {
        match condition {
            None => page.push(Block::Text(format!("No ticket of {from} goes to {to} by itself."))),
            Some(condition) if condition.is_always() => {
                page.push(Block::Text(format!("Every ticket of {from} goes to {to}.")));
            }
            Some(condition) => {
                page.push(Block::Text(format!(
                    "A ticket of {from} goes to {to} if {}.",
                    condition.in_words()
                )));
                page.push(Block::Code(condition.normal()));
            }
        }
    }
    page.push(Block::Text(
        "A ticket that has no value for something that a condition asks for does not go.".to_owned(),
    ));
    if !agreement.require.is_empty() {
        page.push(Block::Heading(format!("What {counterpart} needs with every ticket")));
        page.push(Block::Text(format!(
            "A ticket that lacks any of this is kept back at {home}, where a person is told what is missing. It goes by \
             itself as soon as it is complete."
        )));
        let needs = agreement.require.iter().map(|requirement| {
            let condition = requirement.condition.in_words();
            format!("{} ({}): {condition}", requirement.message, requirement.name)
        });
        page.push(Block::List(needs.collect()));
    }
    page.push(Block::Heading("Fields".to_owned()));
    let shared = agreement.fields.iter().filter(|(_, rule)| rule.direction != Direction::None);
    let rows: Vec<Vec<String>> = shared
        .map(|(field, rule)| {
            vec![named(field), travels(rule.direction, names), conflict(rule, names), values(rule, names)]
        })
        .collect();
    if rows.is_empty() {
        page.push(Block::Text("No field is shared.".to_owned()));
    } else {
        let head = ["field", "travels", "when both sides changed it", "values"];
        page.push(Block::Table { head: head.map(str::to_owned).to_vec(), rows });
        page.push(Block::Text("Every other field is shown to nobody.".to_owned()));
    }
    page.push(Block::Heading("Comments and files".to_owned()));
    page.push(Block::List(said(terms, names)));
    if let Some(redaction) = &terms.redaction {
        page.push(Block::Heading("Personal data".to_owned()));
        page.push(Block::Text(format!(
            "What is recognized as personal on its way to {counterpart} is dealt with as follows. Free text is never \
             promised clean."
        )));
        page.push(Block::List(personal(redaction)));
    }
    let sentences = |said: Vec<(&str, String)>| said.into_iter().map(|(_, sentence)| sentence).collect();
    if let Some(handshake) = &agreement.handshake {
        page.push(Block::Heading("Who has to accept a request".to_owned()));
        page.push(Block::List(sentences(offers::offers(handshake, names))));
    }
    if !agreement.grants.are_none() {
        page.push(Block::Heading(format!("What more of a single case {counterpart} can be shown")));
        page.push(Block::List(sentences(grants::grants(&agreement.grants, names))));
    }
    page.push(Block::Heading("Words".to_owned()));
    page.push(words("status", &terms.home.status, &terms.counterpart.status, &Status::ALL, names));
    page.push(words("priority", &terms.home.priority, &terms.counterpart.priority, &Priority::ALL, names));
    let further = further(terms);
    if !further.is_empty() {
        page.push(Block::Heading("Further terms".to_owned()));
        page.push(Block::List(further.into_iter().map(|(key, value)| format!("{key}: {value}")).collect()));
    }
    page
}

fn said(terms: &Terms, names: Names<'_>) -> Vec<String> {
    let agreement = &terms.agreement;
    let Names { home, counterpart } = names;
    let internal = match agreement.internal {
        Internal::None => "Internal comments and files never go over.",
        Internal::AsInternal => {
            "Internal comments and files go over where public ones do, and are internal there. They are never public \
             anywhere."
        }
    };
    let mut said = vec![
        format!("Public comments: {}.", travels(agreement.comments, names)),
        format!("Public files: {}.", travels(agreement.files, names)),
        internal.to_owned(),
    ];
    if agreement.introduces.is_empty() {
        said.push(format!("{counterpart} is told nothing of other parties of a request."));
    } else {
        let others: Vec<String> = agreement.introduces.iter().map(|party| format!("“{party}”")).collect();
        said.push(format!(
            "{counterpart} is also shown public comments and files of these other parties of a request, bearing their \
             names: {}. Of all others it is told nothing.",
            others.join(", ")
        ));
    }
    if agreement.reply_passes {
        said.push("A public comment passes the ball to the other side.".to_owned());
    }
    said.push(format!(
        "Where a desk can show it, each ticket bears the number of the other side's ticket, and with it, as far as these \
         are shared, its status and the beginning of what was said last in public; also whether it is the turn of \
         {counterpart} or of {home}."
    ));
    if agreement.guest_link {
        said.push(format!("Tickets of {counterpart} also bear a link to the case in the console of {home}."));
    }
    if agreement.recheck {
        said.push("Each comment and file is read once more at its origin just before it is sent.".to_owned());
    }
    let types = [(&agreement.counterpart_type, &terms.counterpart), (&agreement.home_type, &terms.home)];
    for (given, system) in types {
        if let Some(given) = given {
            said.push(format!("A ticket that is created at {} has the type “{given}”.", system.party_title));
        }
    }
    said
}

/// What becomes of personal data, by class and place.
fn personal(redaction: &RedactionTerms) -> Vec<String> {
    let mut said: Vec<String> =
        redaction.classes.iter().map(|(class, action)| format!("{class}: {}", becomes(action))).collect();
    for (place, classes) in &redaction.places {
        said.extend(classes.iter().map(|(class, action)| format!("{class} in {place}: {}", becomes(action))));
    }
    said.push(match redaction.other_files.as_str() {
        "send" => "files that are no text leave as they are".to_owned(),
        "hold" => "files that are no text wait for a person".to_owned(),
        _ => "files that are no text do not leave".to_owned(),
    });
    said.push(match redaction.leftover.as_str() {
        "hold" => "a text in which something may be left waits for a person".to_owned(),
        _ => "a text in which something may be left leaves, and the record counts it".to_owned(),
    });
    said
}

fn becomes(action: &str) -> &str {
    match action {
        "pass" => "leaves as it is",
        "pseudonymize" => "is replaced by a name that stands for it, and put back when that comes home",
        "mask" => "its class stands there instead",
        "drop" => "an ellipsis stands there instead",
        other => other,
    }
}

/// A field's name in a sentence.
fn named(field: &Field) -> String {
    match field {
        Field::Custom(name) => format!("the field “{name}”"),
        Field::Title | Field::Description | Field::Status | Field::Priority | Field::Kind => {
            format!("the {field}")
        }
    }
}

fn travels(direction: Direction, names: Names<'_>) -> String {
    let Names { home, counterpart } = names;
    match direction {
        Direction::Both => "both ways".to_owned(),
        Direction::Outbound => format!("from {home} to {counterpart} only"),
        Direction::Inbound => format!("from {counterpart} to {home} only"),
        Direction::None => "not at all".to_owned(),
    }
}

fn conflict(rule: &FieldRule, names: Names<'_>) -> String {
    let Names { home, counterpart } = names;
    match (rule.direction, rule.policy) {
        (Direction::Outbound, _) => format!("a change by {counterpart} is put right again"),
        (Direction::Inbound, _) => format!("a change by {home} is put right again"),
        (_, Policy::OwnerHome) => format!("{home} wins"),
        (_, Policy::OwnerCounterpart) => format!("{counterpart} wins"),
        (_, Policy::Latest) => format!("the later change wins; at the same moment, {home}"),
        (_, Policy::MostAdvanced) => "the one that is further on wins".to_owned(),
        (_, Policy::Union) => "the words of both are kept".to_owned(),
        (_, Policy::Manual) => "a person decides; nothing is written until then".to_owned(),
    }
}

fn values(rule: &FieldRule, names: Names<'_>) -> String {
    let Names { home, counterpart } = names;
    let mut said = Vec::new();
    if rule.direction.leads_out() {
        said.extend(
            rule.outbound.iter().map(|(from, to)| format!("{counterpart} is shown “{to}” for “{from}”")),
        );
    }
    if rule.direction.leads_in() {
        said.extend(rule.inbound.iter().map(|(from, to)| format!("“{from}” becomes “{to}” at {home}")));
    }
    match &rule.otherwise {
        None => {}
        Some(otherwise) => said.push(rest(otherwise)),
    }
    if said.is_empty() { "as they are".to_owned() } else { said.join("; ") }
}

fn rest(otherwise: &Otherwise) -> String {
    match otherwise {
        Otherwise::Park => "any other value is kept back for a person".to_owned(),
        Otherwise::AsItIs => "any other value as it is".to_owned(),
        Otherwise::Default(value) => format!("“{value}” for any other value"),
    }
}

fn words<T: Ord + Copy + Word>(
    what: &str,
    home: &Words<T>,
    counterpart: &Words<T>,
    all: &[T],
    names: Names<'_>,
) -> Block {
    let read = |words: &Words<T>, meaning: T| {
        let read =
            words.read.iter().filter(|(_, means)| **means == meaning).map(|(word, _)| format!("“{word}”"));
        read.collect::<Vec<_>>().join(", ")
    };
    let written = |words: &Words<T>, meaning: T| {
        words.write.get(&meaning).map(|word| format!("“{word}”")).unwrap_or_default()
    };
    let rows = all
        .iter()
        .map(|meaning| {
            vec![
                meaning.said().to_owned(),
                read(home, *meaning),
                written(home, *meaning),
                read(counterpart, *meaning),
                written(counterpart, *meaning),
            ]
        })
        .collect();
    let Names { home, counterpart } = names;
    let head = vec![
        what.to_owned(),
        format!("{home} says"),
        format!("written at {home}"),
        format!("{counterpart} says"),
        format!("written at {counterpart}"),
    ];
    Block::Table { head, rows }
}

/// A status or priority by its word.
trait Word {
    fn said(self) -> &'static str;
}

impl Word for Status {
    fn said(self) -> &'static str {
        self.word()
    }
}

impl Word for Priority {
    fn said(self) -> &'static str {
        self.word()
    }
}

/// The members of an agreement that the sentences above speak of.
const SPOKEN_OF: [&str; 19] = [
    "name",
    "party",
    "home",
    "counterpart",
    "outbound",
    "inbound",
    "fields",
    "comments",
    "files",
    "introduces",
    "internal",
    "recheck",
    "guest_link",
    "counterpart_type",
    "home_type",
    "require",
    "handshake",
    "grants",
    "reply_passes",
];
const SPOKEN_OF_FIELDS: [&str; 5] = ["direction", "policy", "outbound", "inbound", "otherwise"];

/// Terms that no sentence speaks of yet: nothing that decides is left out of a document or a comparison.
fn further(terms: &Terms) -> Vec<(String, String)> {
    let document = terms.document();
    let Some(agreement) = document.get("agreement").and_then(Json::as_object) else { return Vec::new() };
    let spoken: BTreeSet<&str> = SPOKEN_OF.into();
    let mut further: Vec<(String, String)> = agreement
        .iter()
        .filter(|(key, _)| !spoken.contains(key.as_str()))
        .map(|(key, value)| (key.clone(), value.to_string()))
        .collect();
    for (field, rule) in agreement.get("fields").and_then(Json::as_object).into_iter().flatten() {
        for (key, value) in rule.as_object().into_iter().flatten() {
            if !SPOKEN_OF_FIELDS.contains(&key.as_str()) {
                further.push((format!("{field}, {key}"), value.to_string()));
            }
        }
    }
    further
}

/// Both systems with what they are called in comparisons.
fn sides(terms: &Terms) -> [(&'static str, &SystemRules); 2] {
    [("the home system", &terms.home), ("the counterpart's system", &terms.counterpart)]
}
