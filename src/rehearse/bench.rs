//! One ticket under one agreement: what each rule does with each thing in it, step by step.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use throughline_sdk::{SystemName, Ticket, Timestamp, Visibility};

use super::crossing::{Crossing, News};
use super::requirements::{Given, Required, required};
use crate::agreement::{Agreement, Expression, Pseudonyms, Routed, Rules, Sharing};
use crate::case::{Case, CaseId, Fact, Field, Origin, Role};
use crate::plan::value_in;

/// What the rules of an agreement do with a ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Bench {
    /// The version of the agreement.
    pub version: Option<String>,
    /// Whether it would take the ticket over by itself.
    pub routing: Routing,
    /// Each field, comment and file.
    pub rows: Vec<Row>,
    /// What the other side has to be given.
    pub required: Vec<Required>,
}

/// Whether a ticket would be taken over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "BenchRouting")]
pub struct Routing {
    /// The condition as it is written; none: no ticket goes this way by itself.
    pub condition: Option<String>,
    /// Whether it holds; none: it cannot be told.
    pub holds: Option<bool>,
    /// What that means, in words.
    pub words: String,
}

/// What becomes of one field, comment or file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "BenchRow")]
pub struct Row {
    /// What.
    pub what: String,
    /// What stands in the ticket, in its system's words.
    pub here: String,
    /// What that means in Throughline's words, for a field that is read.
    pub means: Option<String>,
    /// What the other side is shown; none: nothing.
    pub becomes: Option<String>,
    /// What stands in the other ticket now, where there is one.
    pub there: Option<String>,
    /// What happens to it.
    pub does: Does,
    /// The rule that decides, or why it cannot leave.
    pub rule: String,
}

/// What happens to a field, comment or file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "BenchDoes")]
pub enum Does {
    /// It goes over.
    Goes,
    /// It waits for a person.
    Parks,
    /// It stays.
    Stays,
}

/// A ticket and, where it has one, its counterpart.
#[derive(Clone, Copy, Debug)]
pub struct Sides<'s> {
    /// The system of the ticket.
    pub from: &'s SystemName,
    /// The ticket.
    pub ticket: &'s Ticket,
    /// The ticket on the other side.
    pub other: Option<&'s Ticket>,
}

/// What the rules of `agreement` do with a ticket on one of its sides; `None` for a ticket of another system.
pub fn bench(
    rules: &Rules,
    agreement: &Agreement,
    sides: Sides<'_>,
    names: &Pseudonyms,
    now: Timestamp,
) -> Option<Bench> {
    let home = agreement.home == *sides.from;
    let to = if home { &agreement.counterpart } else { &agreement.home };
    if !home && agreement.counterpart != *sides.from {
        return None;
    }
    let case = between(agreement, now);
    let mut names = names.clone();
    let fields = fields(rules, &case, sides, to, (&mut names, now));
    let required = if home { required(rules, agreement, &given(&fields)) } else { Vec::new() };
    let mut rows: Vec<Row> = fields.into_iter().map(|(_, row)| row).collect();
    rows.extend(remarks(rules, &case, sides, to, (&mut names, now)));
    let version = agreement.version.as_ref().map(|version| version.0.clone());
    Some(Bench { version, routing: routing(rules, agreement, sides), rows, required })
}

/// A case of the two sides of an agreement, as if it had just been opened.
fn between(agreement: &Agreement, now: Timestamp) -> Case {
    let mut case = Case::new(CaseId(0), now);
    let party = |name: &str| crate::case::PartyName(name.to_owned());
    let joined = [
        (&agreement.home, party("home"), Role::Home, None),
        (&agreement.counterpart, agreement.party.clone(), Role::Counterpart, Some(agreement.name.clone())),
    ];
    for (leg, party, role, agreement) in joined {
        case.apply(&Fact::Joined { leg: leg.clone(), party, role, agreement, version: None }, now);
    }
    case
}

fn routing(rules: &Rules, agreement: &Agreement, sides: Sides<'_>) -> Routing {
    let home = agreement.home == *sides.from;
    let condition = if home { &agreement.outbound } else { &agreement.inbound };
    let words = condition.as_ref().map(Expression::in_words);
    let (holds, words) = match (rules.routed(agreement, sides.from, sides.ticket), words) {
        (Some(Routed::Goes), _) => (Some(true), "the ticket goes over by itself".to_owned()),
        (Some(Routed::Unclear(why)), _) => (None, format!("the ticket stays: {why}")),
        (Some(Routed::Stays) | None, Some(words)) => {
            (Some(false), format!("the ticket stays: it would go if {words}"))
        }
        (Some(Routed::Stays) | None, None) => {
            (Some(false), format!("no ticket of {} goes over by itself", sides.from))
        }
    };
    Routing { condition: condition.as_ref().map(|condition| condition.text().to_owned()), holds, words }
}

fn fields(
    rules: &Rules,
    case: &Case,
    sides: Sides<'_>,
    to: &SystemName,
    (names, now): (&mut Pseudonyms, Timestamp),
) -> Vec<(Field, Row)> {
    let Sides { from, ticket, other } = sides;
    let sharing = Sharing::of(rules, case, now);
    let mut fields = sharing.fields(from);
    fields.extend(sharing.fields(to));
    fields.extend([Field::Title, Field::Description, Field::Status, Field::Priority]);
    fields.extend(ticket.fields.keys().map(|name| Field::Custom(name.clone())));
    let mut rows = Vec::new();
    for field in fields {
        let (field, here) = (&field, value_in(ticket, &field));
        let lifted = rules.lift(from, sharing.agreement(from), field, here, names);
        let news = News::Field(from, field, here);
        let crossing = news.crossings(rules, case, now, names).remove(to);
        let row = Row {
            what: field.to_string(),
            here: here.to_owned(),
            means: lifted.ok().flatten().filter(|_| sharing.is_source(from, field)),
            becomes: None,
            there: other.map(|other| value_in(other, field).to_owned()),
            does: Does::Stays,
            rule: if here.is_empty() { "there is nothing in it".to_owned() } else { String::new() },
        };
        rows.push((field.clone(), row.decided(crossing)));
    }
    rows
}

fn remarks(
    rules: &Rules,
    case: &Case,
    sides: Sides<'_>,
    to: &SystemName,
    (names, now): (&mut Pseudonyms, Timestamp),
) -> Vec<Row> {
    let Sides { from, ticket, .. } = sides;
    let mut rows = Vec::new();
    for comment in &ticket.comments {
        let origin = Origin { system: from.clone(), id: comment.id.to_string() };
        let news = News::Remark(&origin, comment.visibility, &comment.author.name, &comment.body);
        let what = format!("comment {}{}", comment.id, told(comment.visibility));
        rows.push(said(what, &comment.body).decided(news.crossings(rules, case, now, names).remove(to)));
    }
    for file in &ticket.files {
        let origin = Origin { system: from.clone(), id: file.id.to_string() };
        let news = News::File(&origin, file.visibility, &file.name);
        let what = format!("file {}{}", file.id, told(file.visibility));
        rows.push(said(what, &file.name).decided(news.crossings(rules, case, now, names).remove(to)));
    }
    rows
}

fn told(visibility: Visibility) -> &'static str {
    match visibility {
        Visibility::Public => "",
        Visibility::Internal => ", internal",
        Visibility::Unknown => ", nobody knows for whom",
    }
}

fn said(what: String, here: &str) -> Row {
    Row {
        what,
        here: here.to_owned(),
        means: None,
        becomes: None,
        there: None,
        does: Does::Stays,
        rule: String::new(),
    }
}

impl Row {
    fn decided(mut self, crossing: Option<Crossing>) -> Self {
        match crossing {
            Some(Crossing::Leaves { shown, rule }) => {
                (self.does, self.becomes, self.rule) = (Does::Goes, Some(shown), rule);
            }
            Some(Crossing::Parks { rule }) => (self.does, self.rule) = (Does::Parks, rule),
            Some(Crossing::Stays { rule }) => self.rule = rule,
            None => {}
        }
        self
    }
}

/// What the other side is given, by field.
fn given(fields: &[(Field, Row)]) -> BTreeMap<Field, Given> {
    let given = fields.iter().filter_map(|(field, row)| {
        Some((field.clone(), Given { shown: row.becomes.clone()?, means: row.means.clone() }))
    });
    given.collect()
}
