//! The verdict: what became of every field, comment and file of a case for each of its legs, and by which rule.
//!
//! It asks the functions that plan the writes, so that what is told and what is done are one thing.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use throughline_sdk::{ErrorKind, SystemName, Timestamp, Visibility};

use super::decide::Decision;
use super::project::{Creation, Target};
use super::{Plan, View, plan};
use crate::agreement::{Kind, Refused, Rule, Ruling, Sharing};
use crate::case::{AgreementName, Case, Fact, Field, Health, Item, Leg, Origin};

/// What became of one item for one leg.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The leg.
    pub to: SystemName,
    /// The item. What is not public is named by its id only.
    pub item: Item,
    /// The leg it came from, where that is known.
    pub from: Option<SystemName>,
    /// What became of it.
    pub outcome: Outcome,
    /// The agreement that decided; `None` where none is in force.
    pub agreement: Option<AgreementName>,
    /// Its rule, in words.
    pub rule: String,
}

/// What became of an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// It is there as it is.
    Passed,
    /// It is there in other words.
    Mapped {
        /// The request's value, in Throughline's words.
        from: String,
        /// What the leg is shown.
        to: String,
    },
    /// It is there without the personal data in it.
    Masked {
        /// What does not stand there as it was: counts by class.
        classes: BTreeMap<String, u32>,
        /// What the leg is shown, for a field.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
    },
    /// It is sent by the next plan.
    Due {
        /// What the leg is going to be shown, for a field.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
        /// What does not leave as it is: counts by class.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        classes: BTreeMap<String, u32>,
    },
    /// Something else has to happen first.
    Waiting {
        /// What.
        reason: String,
    },
    /// It is not public, or not any more.
    Withheld,
    /// It cannot be sent, and a person is needed.
    Parked {
        /// Why.
        reason: String,
        /// Since when; `None` where the next plan parks it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<Timestamp>,
    },
    /// No agreement lets it go there.
    NotShared,
}

/// Judges everything that is known of the case for every leg that it did not come from.
pub fn verdict(case: &Case, view: &View<'_>) -> Vec<Verdict> {
    let sharing = Sharing::of(view.rules, case, view.now);
    let mut verdicts = Vec::new();
    for (name, leg) in &case.legs {
        let able = view.capabilities.get(name);
        let target = able.map(|able| Target { name, leg, case, view, sharing: &sharing, able });
        let judge =
            Judge { case, view, sharing: &sharing, name, leg, target, rests: rests(name, leg, &sharing) };
        judge.all(&mut verdicts);
    }
    verdicts
}

/// What the planner would do, without doing it.
#[derive(Clone, Debug)]
pub struct Foresight {
    /// The case as it would be.
    pub case: Case,
    /// What would be recorded, and what would have to be read or stored before more can be told.
    pub plan: Plan,
    /// What would become of everything.
    pub verdicts: Vec<Verdict>,
}

/// Plans on a copy of the case, and judges everything as it stands when the planner begins to write.
pub fn foresee(case: &Case, view: &View<'_>) -> Foresight {
    let mut after = case.clone();
    let plan = plan(&mut after, view);
    let mut read = case.clone();
    for fact in plan.facts.iter().filter(|fact| !is_outcome(fact)) {
        read.apply(fact, view.now);
    }
    Foresight { case: after, verdicts: verdict(&read, view), plan }
}

/// Whether a fact says what became of something, rather than what was read.
fn is_outcome(fact: &Fact) -> bool {
    // A leg's own value without a meaning is parked when it is read, and an intent when it is recalled.
    let parks = matches!(fact, Fact::Parked { kind, intent: None, .. } if *kind != ErrorKind::Malformed);
    parks
        || matches!(
            fact,
            Fact::Intended { .. }
                | Fact::RemarkServed { .. }
                | Fact::Held { .. }
                | Fact::RetractionDue { .. }
                | Fact::Recalled { .. }
                | Fact::Waits { .. }
        )
}

/// Judges one leg.
struct Judge<'t> {
    case: &'t Case,
    view: &'t View<'t>,
    sharing: &'t Sharing<'t>,
    name: &'t SystemName,
    leg: &'t Leg,
    target: Option<Target<'t>>,
    /// Why nothing is planned for the leg at all.
    rests: Option<String>,
}

/// The decisions about everything but fields, which are few and asked for one by one.
type Decisions = BTreeMap<Item, Vec<Decision>>;

impl Judge<'_> {
    fn all(&self, verdicts: &mut Vec<Verdict>) {
        let mut decisions = Decisions::new();
        let made = self.target.filter(|_| self.leg.ticket.is_some());
        for (item, decision) in self.target.map(|target| target.decisions()).unwrap_or_default() {
            decisions.entry(item).or_default().push(decision);
        }
        self.ticket(&decisions, verdicts);
        let new = self.target.filter(|_| made.is_none()).map(|target| target.creation());
        self.fields(new.as_ref(), &decisions, verdicts);
        self.said(&decisions, verdicts);
        self.withheld(verdicts);
        for (item, decided) in decisions.iter().filter(|(item, _)| matches!(item, Item::LinkBack(_))) {
            let outcome = self.outcome(item, decided);
            let agreement = self.own_agreement().or_else(|| {
                let Item::LinkBack(other) = item else { return None };
                self.sharing.agreement(other).map(|agreement| agreement.name.clone())
            });
            let summarizes = self.target.is_some_and(|target| target.able.link_back.summarizes());
            let rule = match summarizes {
                false => "the tickets of a case link to each other, by number",
                true => "the tickets of a case link to each other, with how the other one stands",
            };
            let rule = rule.to_owned();
            verdicts.push(Verdict {
                to: self.name.clone(),
                item: item.clone(),
                from: None,
                outcome,
                agreement,
                rule,
            });
        }
    }

    fn ticket(&self, decisions: &Decisions, verdicts: &mut Vec<Verdict>) {
        let outcome = match decisions.get(&Item::Ticket) {
            Some(decided) => self.outcome(&Item::Ticket, decided),
            None if self.leg.ticket.is_some() => Outcome::Passed,
            None => self.waits("the system is not configured any more"),
        };
        verdicts.push(Verdict {
            to: self.name.clone(),
            item: Item::Ticket,
            from: None,
            outcome,
            agreement: self.own_agreement(),
            rule: "the leg takes part in the case".to_owned(),
        });
    }

    fn fields(&self, new: Option<&Creation>, decisions: &Decisions, verdicts: &mut Vec<Verdict>) {
        let usual = [Field::Title, Field::Description, Field::Status, Field::Priority, Field::Kind];
        let mut fields: BTreeSet<Field> = usual.into_iter().collect();
        fields.extend(self.case.document.fields.keys().cloned());
        fields.extend(self.sharing.agreement(self.name).into_iter().flat_map(|it| it.fields.keys().cloned()));
        for field in fields {
            let item = Item::Field(field.clone());
            let document = self.case.document.fields.get(&field);
            let from = document.map(|document| document.from.clone());
            let ruling = self.sharing.ruling(self.name, &field);
            let decided = decisions.get(&item);
            let outcome = match (ruling.passes, new, decided, document) {
                (false, ..) => Outcome::NotShared,
                (true, _, _, None) => continue,
                (true, Some(new), ..) => match self.in_creation(new, &field, decisions) {
                    Some(outcome) => outcome,
                    None => continue,
                },
                (true, None, Some(decided), _) => self.outcome(&item, decided),
                (true, None, None, _) => self.waits("the system is not configured any more"),
            };
            let there = matches!(outcome, Outcome::Passed | Outcome::Mapped { .. } | Outcome::Masked { .. });
            let settled = there || outcome == Outcome::NotShared;
            if from.as_ref() == Some(self.name) && settled {
                continue;
            }
            let mut verdict = self.ruled(item, from, outcome, &ruling);
            if let Some((system, parked)) = self.meaningless(&field).filter(|_| settled && ruling.passes) {
                verdict.from = Some(system);
                verdict.outcome = parked;
            }
            verdicts.push(verdict);
        }
    }

    /// Another leg's new value that means nothing in Throughline's words, and therefore goes nowhere.
    fn meaningless(&self, field: &Field) -> Option<(SystemName, Outcome)> {
        self.case.legs.iter().filter(|(other, _)| *other != self.name).find_map(|(other, leg)| {
            let parked = leg.parked.get(&Item::Field(field.clone()))?;
            let stands = parked.is_untranslatable() && self.sharing.is_source(other, field);
            let outcome = Outcome::Parked { reason: parked.reason.clone(), since: Some(parked.since) };
            stands.then(|| (other.clone(), outcome))
        })
    }

    /// A field of a ticket that is not there yet: it leaves with the creation.
    fn in_creation(&self, new: &Creation, field: &Field, decisions: &Decisions) -> Option<Outcome> {
        let target = self.target?;
        if let Some(conflict) = self.case.document.conflicts.get(field) {
            return Some(disputed(conflict.since));
        }
        let (to, classes) = match target.shown(field, target.value(field)?) {
            Ok(shown) => {
                let classes = shown.account().redacted.clone();
                let shown = shown.into_intent();
                // Its type may be given by the agreement.
                let kind = new.ticket.kind.clone().filter(|_| *field == Field::Kind);
                (kind.unwrap_or(shown), classes)
            }
            Err(Refused::Unnamed(_)) => return Some(waiting(UNNAMED)),
            Err(refused) => return Some(Outcome::Parked { reason: refused.to_string(), since: None }),
        };
        if to.is_empty() {
            return None;
        }
        if *field == Field::Status && self.sharing.offer(self.name).is_some() {
            return Some(self.waits(self.offered()));
        }
        let outcome = self.outcome(&Item::Ticket, decisions.get(&Item::Ticket)?);
        let due = matches!(outcome, Outcome::Due { .. });
        Some(if due { Outcome::Due { to: Some(to), classes } } else { outcome })
    }

    fn said(&self, decisions: &Decisions, verdicts: &mut Vec<Verdict>) {
        let remarks = self.case.document.remarks.iter().map(|(origin, remark)| {
            let item = Item::Remark(origin.clone());
            (Kind::Comments, origin, item, remark.visibility(), remark.withdrawn)
        });
        let files = self.case.document.attachments.iter().map(|(origin, file)| {
            let item = Item::Attachment(origin.clone());
            (Kind::Files, origin, item, file.visibility(), file.withdrawn)
        });
        for (kind, origin, item, visibility, withdrawn) in remarks.chain(files) {
            if origin.system == *self.name {
                continue;
            }
            let ruling = self.sharing.passage(kind, visibility, origin, self.name);
            let from = Some(origin.system.clone());
            let mut verdict = self.ruled(item.clone(), from, Outcome::NotShared, &ruling);
            // What is public goes by the way of its kind; what is internal may have been public before.
            let travels = self.sharing.carries(kind, Visibility::Public, origin, self.name);
            if withdrawn && travels {
                verdict.rule = "withdrawn at its origin".to_owned();
                verdict.outcome = Outcome::Withheld;
            } else if !ruling.passes && travels {
                verdict.outcome = Outcome::Withheld;
            } else if ruling.passes {
                verdict.outcome = match decisions.get(&item).map_or(&[][..], Vec::as_slice) {
                    [] => self.waits("the ticket has to be created first"),
                    decided => self.outcome(&item, decided),
                };
            }
            if verdict.outcome == Outcome::Withheld {
                self.recalled(&item, origin, decisions, &mut verdict);
            }
            verdicts.push(verdict);
        }
    }

    /// What becomes of the copies of something that must not stand there any more.
    fn recalled(&self, item: &Item, origin: &Origin, decisions: &Decisions, verdict: &mut Verdict) {
        if let Some(decided) = decisions.get(item).filter(|decided| !decided.is_empty()) {
            let outrun = decided.iter().any(|decision| matches!(decision, Decision::Outrun));
            if outrun {
                verdict.outcome = self.outcome(item, decided);
            }
        }
        let shadow = &self.leg.shadow;
        let comments = shadow.comments.iter().filter(|(_, seen)| seen.origin == *origin && !seen.gone);
        let files = shadow.files.iter().filter(|(_, seen)| seen.origin == *origin && !seen.gone);
        let places =
            comments.map(|(id, _)| format!("comment:{id}")).chain(files.map(|(id, _)| format!("file:{id}")));
        for place in places {
            let recall = Item::Recall(place);
            for decision in decisions.get(&recall).map_or(&[][..], Vec::as_slice) {
                if let Decision::ByHand { reason, .. } = decision {
                    let since = self.leg.parked.get(&recall).map(|parked| parked.since);
                    verdict.outcome = Outcome::Parked { reason: reason.clone(), since };
                } else if matches!(decision, Decision::Send(_) | Decision::UnderWay) {
                    verdict.rule.push_str("; its copy is taken back");
                }
            }
        }
    }

    /// What other legs have and do not show to anybody: by id only.
    fn withheld(&self, verdicts: &mut Vec<Verdict>) {
        for (other, leg) in self.case.legs.iter().filter(|(other, _)| *other != self.name) {
            for what in &leg.shadow.withheld {
                let Some((kind, item)) = named(other, what) else { continue };
                // The copy of something that was withdrawn is told with its original.
                let copy = item.origin().is_some_and(|origin| self.is_copy(leg, origin));
                if copy {
                    continue;
                }
                let Some(origin) = item.origin() else { continue };
                let ruling = self.sharing.passage(kind, Visibility::Public, origin, self.name);
                let mut verdict = self.ruled(item, Some(other.clone()), Outcome::NotShared, &ruling);
                if ruling.passes {
                    verdict.outcome = Outcome::Withheld;
                    verdict.rule = format!("not known to be public in {other}");
                }
                verdicts.push(verdict);
            }
        }
    }

    /// Whether what is withheld on a leg is a copy, or the file of another leg that is kept from it.
    fn is_copy(&self, leg: &Leg, named: &Origin) -> bool {
        let copied = leg.shadow.comments.keys().any(|id| id.as_str() == named.id)
            || leg.shadow.files.keys().any(|id| id.as_str() == named.id);
        copied
            || Origin::try_from(named.id.clone())
                .is_ok_and(|origin| self.case.document.attachments.contains_key(&origin))
    }

    /// What the decisions about an item amount to: the most pressing one counts.
    fn outcome(&self, item: &Item, decided: &[Decision]) -> Outcome {
        let busy = !self.leg.outstanding.is_empty();
        let mut outcome = self.there(item);
        for decision in decided {
            outcome = match decision {
                Decision::Unshared
                | Decision::Has
                | Decision::Agrees(_)
                | Decision::ByHand { .. }
                | Decision::Recalled { .. } => continue,
                Decision::Kept { .. } => Outcome::Withheld,
                Decision::Disputed => {
                    let field = if let Item::Field(field) = item { Some(field) } else { None };
                    let conflict = field.and_then(|field| self.case.document.conflicts.get(field));
                    conflict.map_or_else(|| waiting("a person decides"), |conflict| disputed(conflict.since))
                }
                Decision::UnderWay => waiting("it is on its way"),
                Decision::Outrun => waiting("a copy is on its way, and is taken back once it is there"),
                Decision::Behind => waiting("an earlier comment has to go first"),
                Decision::Unread(system) => self.waits(&format!("{system} has to be read first")),
                Decision::Unstored => self.waits("its bytes have to be read first"),
                Decision::Unprepared => self.waits("its text has to be looked through first"),
                Decision::Unnamed(_) => self.waits(UNNAMED),
                Decision::Leaks => waiting("something internal that was sent there before is public"),
                Decision::NotAccepted { .. } => self.waits(self.offered()),
                Decision::Parked => self.parked(item),
                Decision::Refused { reason, .. } | Decision::Held { reason, .. } => match &self.rests {
                    Some(reason) => waiting(reason),
                    None => Outcome::Parked { reason: reason.clone(), since: None },
                },
                Decision::Send(_) if busy => self.waits("something else is on its way to the ticket"),
                Decision::Send(write) => match &self.rests {
                    Some(reason) => waiting(reason),
                    None => {
                        let to = self.shown(item).map(|(to, _)| to);
                        Outcome::Due { to, classes: write.account.redacted.clone() }
                    }
                },
            };
        }
        outcome
    }

    /// Why what waits for the offer does not go.
    fn offered(&self) -> &'static str {
        let offer = self.sharing.offer(self.name);
        match offer.is_none_or(|offer| offer.is_open() || offer.is_to_be_told()) {
            true => "the request has to be accepted first",
            false => "the request was not taken on",
        }
    }

    /// An item that the leg has: as it is, or in other words.
    fn there(&self, item: &Item) -> Outcome {
        let Item::Field(field) = item else { return Outcome::Passed };
        match (self.case.document.fields.get(field), self.shown(item)) {
            (Some(_), Some((to, classes))) if !classes.is_empty() => {
                Outcome::Masked { classes, to: Some(to) }
            }
            (Some(document), Some((to, _))) if document.value != to => {
                Outcome::Mapped { from: document.value.clone(), to }
            }
            _ => Outcome::Passed,
        }
    }

    /// What the leg is shown of a field, and what does not stand there as it was.
    fn shown(&self, item: &Item) -> Option<(String, BTreeMap<String, u32>)> {
        if let (Item::LinkBack(other), Some(target)) = (item, self.target) {
            return Some((target.link_text(other)?, BTreeMap::new()));
        }
        let (Item::Field(field), Some(target)) = (item, self.target) else { return None };
        let shown = target.shown(field, target.value(field)?).ok()?;
        let classes = shown.account().redacted.clone();
        Some((shown.into_intent(), classes))
    }

    fn parked(&self, item: &Item) -> Outcome {
        match self.leg.parked.get(item) {
            Some(parked) if parked.discarded => {
                let whom =
                    if matches!(item, Item::LinkBack(_)) { "given up" } else { "given up by a person" };
                let reason = format!("{whom}: {}", parked.reason);
                Outcome::Parked { reason, since: Some(parked.since) }
            }
            Some(parked) => Outcome::Parked { reason: parked.reason.clone(), since: Some(parked.since) },
            None => waiting("what was parked stands in its way"),
        }
    }

    fn waits(&self, reason: &str) -> Outcome {
        waiting(self.rests.as_deref().unwrap_or(reason))
    }

    fn ruled(&self, item: Item, from: Option<SystemName>, outcome: Outcome, ruling: &Ruling<'_>) -> Verdict {
        Verdict {
            to: self.name.clone(),
            item,
            from,
            outcome,
            agreement: ruling.agreement.map(|agreement| agreement.name.clone()),
            rule: self.words(&ruling.rule),
        }
    }

    fn words(&self, rule: &Rule<'_>) -> String {
        match (rule, &self.leg.agreement) {
            (Rule::NoAgreement, Some(name)) if !self.view.rules.agreements.contains_key(name) => {
                format!("the agreement {name} is not in force any more")
            }
            _ => rule.to_string(),
        }
    }

    fn own_agreement(&self) -> Option<AgreementName> {
        self.sharing.agreement(self.name).map(|agreement| agreement.name.clone())
    }
}

const UNNAMED: &str = "values in it need a pseudonym first";

/// Why nothing is planned for a leg at all.
fn rests(name: &SystemName, leg: &Leg, sharing: &Sharing<'_>) -> Option<String> {
    match &leg.health {
        Health::Gone => Some(format!("the ticket in {name} is gone")),
        Health::Merged { into } => Some(format!("the ticket in {name} was merged into {into}")),
        Health::Well if !sharing.takes_part(name) => Some(format!("{name} takes no part by any agreement")),
        Health::Well => None,
    }
}

fn waiting(reason: &str) -> Outcome {
    Outcome::Waiting { reason: reason.to_owned() }
}

fn disputed(since: Timestamp) -> Outcome {
    let reason = "the legs disagree; make them agree in one of the desks".to_owned();
    Outcome::Parked { reason, since: Some(since) }
}

/// The comment or file of a leg that is named in its shadow as withheld.
fn named(system: &SystemName, what: &str) -> Option<(Kind, Item)> {
    let (sort, id) = what.split_once(':')?;
    let origin = Origin { system: system.clone(), id: id.to_owned() };
    match sort {
        "comment" => Some((Kind::Comments, Item::Remark(origin))),
        "file" => Some((Kind::Files, Item::Attachment(origin))),
        _ => None,
    }
}

impl Outcome {
    /// In one or two words, for a table.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Mapped { .. } => "mapped",
            Self::Masked { .. } => "masked",
            Self::Due { .. } => "due",
            Self::Waiting { .. } => "waiting",
            Self::Withheld => "withheld",
            Self::Parked { .. } => "parked",
            Self::NotShared => "not shared",
        }
    }
}
