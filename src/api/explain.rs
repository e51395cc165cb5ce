//! What became of everything in a case for each party, and why: the verdict, with what the ledger recorded of it.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use throughline_sdk::{IntentId, Operation, SystemName, Timestamp};

use super::Api;
use super::access::May;
use super::answer::{Known, Tagged};
use super::ask::{Asked, Named};
use super::cases::{CaseName, named};
use super::problem::Problem;
use super::view::CaseLine;
use crate::agreement::Rules;
use crate::case::{AgreementVersion, Case, Fact, Field, Item, Origin, Role, Seen};
use crate::identity::Look;
use crate::ledger::Record;
use crate::plan::{Outcome, Verdict};

/// What became of everything in a case, for each party.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Explanation {
    /// The case and its legs.
    pub case: CaseLine,
    /// The parties that take part.
    pub parties: Vec<PartyLines>,
    /// The counterparts of home that take no part.
    pub absent: Vec<Absent>,
}

/// What became of everything for one party.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PartyLines {
    /// The party.
    pub party: String,
    /// Its name for readers.
    pub title: String,
    /// Its system.
    #[schemars(with = "String")]
    pub system: SystemName,
    /// The number people know its ticket by.
    pub key: Option<String>,
    /// The agreement under which it takes part; `None` for home.
    pub agreement: Option<String>,
    /// The version of that agreement under which it was last decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<AgreementVersion>,
    /// The version in force, by which the lines are judged, where that is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_force: Option<AgreementVersion>,
    /// Everything that did not come from it.
    pub items: Vec<ItemLine>,
}

/// What became of one field, comment or file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ItemLine {
    /// What: a field's name, or a comment or file by its place.
    pub item: String,
    /// A comment's author or a file's name, if it is public.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// The system it came from.
    #[schemars(with = "Option<String>")]
    pub source: Option<SystemName>,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// The agreement that decided.
    pub agreement: Option<String>,
    /// Its rule, in words.
    pub rule: String,
    /// What the ledger has of it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded: Option<Recorded>,
}

/// A record about an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Recorded {
    /// What it says: seen, intended, effected, parked or withheld.
    pub what: String,
    /// When it was recorded.
    pub at: Timestamp,
    /// Its number in the ledger.
    pub seq: u64,
}

/// A counterpart of home that takes no part in the case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Absent {
    /// The party.
    pub party: String,
    /// Its system.
    #[schemars(with = "String")]
    pub system: SystemName,
    /// The agreement with it.
    pub agreement: String,
}

/// Whose lines are wanted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Whose {
    /// A party or a system; all without it.
    to: Option<String>,
}

pub(super) async fn explain(
    State(api): State<Api>,
    may: May<Look>,
    Named(CaseName { case }): Named<CaseName>,
    Asked { asked: Whose { to }, .. }: Asked<Whose>,
    known: Known,
) -> Result<Tagged<Explanation>, Problem> {
    let case = named(&api, &case).await?;
    may.looks(&api, Seen::Explanation, Some(case.id)).await?;
    let shared = api.bridge.shared();
    let records = shared.journal.timeline(&case).await.map_err(|error| Problem::internal(&error))?;
    let verdicts = shared.verdict(&case);
    let mut explanation = Explanation::of(&case, &shared.rules, verdicts, &records);
    super::reference::mark(shared, &case, &mut explanation.case).await?;
    let narrowed = explanation.narrow(to.as_deref());
    let explanation = narrowed.map_err(|why| Problem::new(StatusCode::NOT_FOUND, why))?;
    known.answer(&case, &explanation)
}

impl Explanation {
    /// What the verdicts and the records say of a case.
    pub fn of(case: &Case, rules: &Rules, verdicts: Vec<Verdict>, records: &[Record]) -> Self {
        let history = History::of(records);
        let mut items: BTreeMap<SystemName, Vec<ItemLine>> = BTreeMap::new();
        for verdict in verdicts {
            items.entry(verdict.to.clone()).or_default().push(line(case, verdict, &history));
        }
        let parties = case.legs.iter().map(|(system, leg)| {
            let title = rules.systems.get(system).map(|system| system.party_title.clone());
            let in_force = leg.agreement.as_ref().and_then(|name| rules.agreements.get(name));
            let in_force = in_force.and_then(|agreement| agreement.version.clone());
            PartyLines {
                party: leg.party.to_string(),
                title: title.unwrap_or_else(|| leg.party.to_string()),
                system: system.clone(),
                key: leg.key.clone().or_else(|| leg.ticket.as_ref().map(ToString::to_string)),
                agreement: leg.agreement.as_ref().map(ToString::to_string),
                version: leg.version.clone(),
                in_force: in_force.filter(|in_force| leg.version.as_ref() != Some(in_force)),
                items: items.remove(system).unwrap_or_default(),
            }
        });
        let parties = parties.collect();
        let home = case.legs.iter().find(|(_, leg)| leg.role == Role::Home).map(|(name, _)| name);
        let absent = rules.agreements.values().filter(|agreement| {
            home == Some(&agreement.home) && !case.legs.contains_key(&agreement.counterpart)
        });
        let absent = absent.map(|agreement| Absent {
            party: agreement.party.to_string(),
            system: agreement.counterpart.clone(),
            agreement: agreement.name.to_string(),
        });
        Self { case: CaseLine::of(case), parties, absent: absent.collect() }
    }

    /// Only the lines of this party or system.
    ///
    /// # Errors
    ///
    /// When nobody of that name takes part, with those who do.
    pub fn narrow(mut self, to: Option<&str>) -> Result<Self, String> {
        let Some(to) = to else { return Ok(self) };
        let names: Vec<String> = self.parties.iter().map(|party| party.party.clone()).collect();
        self.parties.retain(|party| party.party == to || party.system.as_str() == to);
        self.absent.retain(|absent| absent.party == to || absent.system.as_str() == to);
        if self.parties.is_empty() && self.absent.is_empty() {
            let case = &self.case.case;
            return Err(format!(
                "no party or system {to:?} takes part in {case}; those do: {}",
                names.join(", ")
            ));
        }
        Ok(self)
    }
}

fn line(case: &Case, verdict: Verdict, history: &History) -> ItemLine {
    let Verdict { to, item, from, mut outcome, agreement, mut rule } = verdict;
    let place_there = (to, item.clone());
    let mut recorded = history.items.get(&place_there).cloned();
    // The text of a comment is kept no longer than it is needed: what was taken out of it stands in the ledger.
    if outcome == Outcome::Passed
        && let Some(classes) = history.redacted.get(&place_there)
    {
        outcome = Outcome::Masked { classes: classes.clone(), to: None };
    }
    if outcome == Outcome::Withheld
        && let Some(from) = &from
        && let Some((said, at)) = history.withheld.get(&(from.clone(), place(&item)))
    {
        rule.clone_from(said);
        recorded = Some(at.clone());
    }
    let about = match &item {
        Item::Remark(origin) => case.document.remarks.get(origin).map(|remark| remark.author.clone()),
        Item::Attachment(origin) => case.document.attachments.get(origin).map(|file| file.name.clone()),
        Item::Ticket
        | Item::Field(_)
        | Item::LinkBack(_)
        | Item::Offer
        | Item::Notice(_)
        | Item::Recall(_)
        | Item::Leak(_) => None,
    };
    ItemLine {
        item: item.to_string(),
        about,
        source: from,
        outcome,
        agreement: agreement.map(|name| name.to_string()),
        rule,
        recorded,
    }
}

/// How the ledger names a comment or file that is withheld.
fn place(item: &Item) -> String {
    match item {
        Item::Remark(Origin { id, .. }) => format!("comment:{id}"),
        Item::Attachment(Origin { id, .. }) => format!("file:{id}"),
        Item::Ticket
        | Item::Field(_)
        | Item::LinkBack(_)
        | Item::Offer
        | Item::Notice(_)
        | Item::Recall(_)
        | Item::Leak(_) => item.to_string(),
    }
}

/// What the records of a case say last of each item on each leg.
#[derive(Default)]
struct History {
    items: BTreeMap<(SystemName, Item), Recorded>,
    withheld: BTreeMap<(SystemName, String), (String, Recorded)>,
    /// What did not leave as it was: counts by class.
    redacted: BTreeMap<(SystemName, Item), BTreeMap<String, u32>>,
    /// What stands behind an intent: a creation carries fields too.
    intents: BTreeMap<IntentId, Vec<Item>>,
}

impl History {
    fn of(records: &[Record]) -> Self {
        let mut history = Self::default();
        for record in records {
            for fact in &record.facts {
                history.take(record, fact);
            }
        }
        history
    }

    fn take(&mut self, record: &Record, fact: &Fact) {
        let recorded = |what: &str| Recorded { what: what.to_owned(), at: record.at, seq: record.seq };
        if let Fact::Intended { leg, item, intent, .. } = fact {
            let items = carried(item, &intent.operation);
            for item in &items {
                self.items.insert((leg.clone(), item.clone()), recorded("intended"));
            }
            self.intents.insert(intent.id.clone(), items);
        }
        if let Fact::Effected { leg, intent, .. } = fact {
            for item in self.intents.remove(intent).unwrap_or_default() {
                self.items.insert((leg.clone(), item), recorded("effected"));
            }
        }
        if let Fact::Redacted { leg, item, redacted, .. } = fact
            && !redacted.is_empty()
            && item.origin().is_some()
        {
            self.redacted.insert((leg.clone(), item.clone()), redacted.clone());
        }
        if let Fact::Prepared { leg, origin, redacted, .. } = fact
            && !redacted.is_empty()
        {
            self.redacted.insert((leg.clone(), Item::Attachment(origin.clone())), redacted.clone());
        }
        if let Fact::Parked { leg, item, .. } | Fact::Held { leg, item, .. } = fact {
            self.items.insert((leg.clone(), item.clone()), recorded("parked"));
        }
        if let Fact::Observed { leg, reading } = fact {
            for field in reading.agreed.keys() {
                let place = (leg.clone(), Item::Field(field.clone()));
                self.items.entry(place).or_insert_with(|| recorded("seen"));
            }
        }
        if let Fact::Withheld { leg, what, rule } = fact {
            self.withheld.insert((leg.clone(), what.clone()), (rule.clone(), recorded("withheld")));
        }
    }
}

/// What of the request an operation carries.
fn carried(item: &Item, operation: &Operation) -> Vec<Item> {
    let mut items = vec![item.clone()];
    if let Operation::Create(new) = operation {
        let usual = [
            (Field::Title, true),
            (Field::Description, !new.description.is_empty()),
            (Field::Status, new.status.is_some()),
            (Field::Priority, new.priority.is_some()),
            (Field::Kind, new.kind.is_some()),
        ];
        items.extend(usual.into_iter().filter(|(_, there)| *there).map(|(field, _)| Item::Field(field)));
        items.extend(new.fields.keys().map(|name| Item::Field(Field::Custom(name.clone()))));
    }
    items
}
