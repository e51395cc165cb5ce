//! Recalling: what is under way and must not arrive any more, and what arrived and must not stand there any more.

use std::collections::BTreeSet;

use throughline_sdk::{ErrorKind, NewTicket, Operation, SystemName, Visibility};

use super::decide::Decision;
use super::planner::Planner;
use super::project::{Target, Write, nameless};
use super::want;
use crate::agreement::{Account, Kind, Sharing};
use crate::case::{Case, Fact, Field, Grant, Health, Item, Leg, Offer, Origin, Outstanding, Phase, Role};

impl Planner<'_> {
    /// Ends the intents of a leg that were not sent yet and are not to be sent any more: what they carry was withdrawn,
    /// has other readers by now, or is no longer shared.
    pub(super) fn recall(&mut self, name: &SystemName) {
        let sharing = self.sharing();
        let Some(leg) = self.case.legs.get(name) else { return };
        let unsent = leg.outstanding.iter().filter(|standing| is_unsent(standing));
        let ended: Vec<Fact> =
            unsent.filter_map(|standing| self.ended(name, leg, standing, &sharing)).collect();
        for fact in ended {
            self.say(fact);
        }
    }

    /// Ends the unsent links that say what has changed meanwhile, once it is noted which offers were told of: that is
    /// said beside a link too.
    pub(super) fn recall_links(&mut self) {
        // What is dropped may make another offer count as told of; each is noted once, so this ends.
        for _ in 0..=self.case.legs.len() {
            let before = self.plan.facts.len();
            for name in self.home_first() {
                self.note_told(&name);
            }
            for name in self.home_first() {
                for intent in self.outdated_links(&name) {
                    let reason = "what it tells of has changed since".to_owned();
                    self.say(Fact::Dropped { leg: name.clone(), intent, reason });
                }
            }
            if self.plan.facts.len() == before {
                return;
            }
        }
    }

    fn ended(
        &self,
        name: &SystemName,
        leg: &Leg,
        standing: &Outstanding,
        sharing: &Sharing<'_>,
    ) -> Option<Fact> {
        let objection = objection(self.case, sharing, name, leg, standing);
        let objection = objection.or_else(|| self.names_too_much(sharing, name, &standing.intent.operation));
        if let Some(reason) = objection {
            let intent = standing.intent.id.clone();
            return Some(Fact::Dropped { leg: name.clone(), intent, reason: reason.to_owned() });
        }
        let origin = standing.item.origin()?;
        let readable = self.case.legs.get(&origin.system).is_some_and(|leg| leg.health == Health::Well);
        if readable || !sharing.rechecks(&origin.system, name) {
            return None;
        }
        let reason = format!(
            "its ticket in {} cannot be read any more, so that nobody knows whether it is still shared",
            origin.system
        );
        Some(Fact::Parked {
            leg: name.clone(),
            item: standing.item.clone(),
            want: want(standing),
            kind: ErrorKind::Rejected,
            reason,
            intent: Some(standing.intent.id.clone()),
        })
    }
}

impl Planner<'_> {
    /// Whether a ticket to be made bears a title or type that is not shared any more. It is never without a title.
    fn names_too_much(
        &self,
        sharing: &Sharing<'_>,
        name: &SystemName,
        operation: &Operation,
    ) -> Option<&'static str> {
        let Operation::Create(new) = operation else { return None };
        let shared = |field: &Field| sharing.is_target(name, field);
        let titled = shared(&Field::Title) || new.title == nameless(self.case, self.view, name);
        let given = sharing.agreement(name).and_then(|agreement| agreement.counterpart_type.as_ref());
        let typed =
            sharing.is_home(name) || shared(&Field::Kind) || new.kind.is_none() || new.kind.as_ref() == given;
        (!(titled && typed)).then_some("its title or type is not shared any more")
    }
}

impl Item {
    /// Where the comment or file that it is was first written.
    pub(crate) fn origin(&self) -> Option<&Origin> {
        match self {
            Self::Remark(origin) | Self::Attachment(origin) => Some(origin),
            Self::Ticket
            | Self::Field(_)
            | Self::LinkBack(_)
            | Self::Offer
            | Self::Notice(_)
            | Self::Recall(_)
            | Self::Leak(_) => None,
        }
    }
}

/// No byte of it has left, for certain.
fn is_unsent(standing: &Outstanding) -> bool {
    standing.phase == Phase::Ready && !standing.doubted
}

/// Why an intent must not be carried out any more, if so.
pub(crate) fn objection(
    case: &Case,
    sharing: &Sharing<'_>,
    name: &SystemName,
    leg: &Leg,
    standing: &Outstanding,
) -> Option<&'static str> {
    let kind = match &standing.intent.operation {
        // Nothing is told by taking something back.
        Operation::Retract { .. } => return None,
        Operation::Comment { .. } | Operation::Edit { .. } => Kind::Comments,
        Operation::Attach { .. } => Kind::Files,
        operation @ (Operation::Create(_)
        | Operation::Update { .. }
        | Operation::Transition { .. }
        | Operation::LinkBack { .. }) => {
            let refused =
                leg.offer.as_ref().is_some_and(|offer| offer.to == Role::Counterpart && !offer.is_open());
            if matches!(operation, Operation::Create(_)) && refused && sharing.offer(name).is_some() {
                return Some("the offer was taken back");
            }
            // How an offer stands is told also where the field is not shared.
            let tells = leg.offer.as_ref().is_some_and(Offer::is_to_be_told);
            if tells && matches!(standing.item, Item::Field(_)) {
                return None;
            }
            let shared = sharing.takes_part(name)
                && carried_fields(operation, &standing.item)
                    .iter()
                    .all(|field| sharing.is_target(name, field))
                && other_ticket(&standing.item).is_none_or(|other| sharing.links(name, other));
            return (!shared).then_some("what it carries is not shared any more");
        }
    };
    if let Item::Notice(key) = &standing.item {
        let ended = Grant::of_notice(key).is_some_and(|grant| !sharing.is_granted(grant));
        return ended.then_some("the grant that it tells of has ended");
    }
    let origin = standing.item.origin()?;
    let (withdrawn, visibility) = match kind {
        Kind::Comments => {
            let remark = case.document.remarks.get(origin);
            (remark.is_none_or(|it| it.withdrawn), remark.map(crate::case::Remark::visibility))
        }
        Kind::Files => {
            let file = case.document.attachments.get(origin);
            (file.is_none_or(|it| it.withdrawn), file.map(crate::case::Attachment::visibility))
        }
    };
    let visibility = visibility.unwrap_or(Visibility::Unknown);
    let planned_for = match &standing.intent.operation {
        Operation::Comment { visibility, .. } | Operation::Attach { visibility, .. } => *visibility,
        Operation::Edit { comment, .. } => match leg.shadow.comments.get(comment) {
            Some(copy) if copy.internal => Visibility::Internal,
            Some(_) | None => Visibility::Public,
        },
        Operation::Create(_)
        | Operation::Update { .. }
        | Operation::Transition { .. }
        | Operation::Retract { .. }
        | Operation::LinkBack { .. } => Visibility::Unknown,
    };
    let in_public = planned_for == Visibility::Public && sharing.is_public_if_must(kind, origin, name);
    let takes_part = sharing.takes_part(name) && sharing.takes_part(&origin.system);
    if withdrawn {
        Some("it was withdrawn at its origin before it was sent")
    } else if visibility != planned_for && !in_public {
        Some("others may read it at its origin by now")
    } else if !takes_part || !sharing.carries(kind, visibility, origin, name) {
        Some("it is not shared any more")
    } else if visibility == Visibility::Internal && leg.leaks() {
        Some("something internal that was sent there before is public")
    } else {
        None
    }
}

/// The fields that an operation tells of.
fn carried_fields(operation: &Operation, item: &Item) -> BTreeSet<Field> {
    match (operation, item) {
        (Operation::Create(new), _) => fields_of(new),
        (_, Item::Field(field)) => BTreeSet::from([field.clone()]),
        (
            _,
            Item::Ticket
            | Item::Remark(_)
            | Item::Attachment(_)
            | Item::LinkBack(_)
            | Item::Offer
            | Item::Notice(_)
            | Item::Recall(_)
            | Item::Leak(_),
        ) => BTreeSet::new(),
    }
}

/// Title and type are judged apart: what stands there may be ours.
fn fields_of(new: &NewTicket) -> BTreeSet<Field> {
    let mut fields: BTreeSet<Field> = new.fields.keys().map(|name| Field::Custom(name.clone())).collect();
    fields.extend((!new.description.is_empty()).then_some(Field::Description));
    fields.extend(new.status.is_some().then_some(Field::Status));
    fields.extend(new.priority.is_some().then_some(Field::Priority));
    fields
}

fn other_ticket(item: &Item) -> Option<&SystemName> {
    match item {
        Item::LinkBack(other) => Some(other),
        Item::Ticket
        | Item::Field(_)
        | Item::Remark(_)
        | Item::Attachment(_)
        | Item::Offer
        | Item::Notice(_)
        | Item::Recall(_)
        | Item::Leak(_) => None,
    }
}

impl Target<'_> {
    /// What becomes of the copies that must not stand there any more: taken back, or by a person; and which of those
    /// tasks are done.
    pub(super) fn copies(&self) -> Vec<(Item, Decision)> {
        let mut due = BTreeSet::new();
        let mut decisions = Vec::new();
        for (id, seen) in self.leg.shadow.comments.iter().filter(|(_, seen)| !seen.gone) {
            let remark = self.case.document.remarks.get(&seen.origin);
            let current = remark.map(|remark| (remark.withdrawn, remark.internal));
            let place = format!("comment:{id}");
            let Some(reason) = self.why_back(Kind::Comments, (&seen.origin, seen.internal), current, &place)
            else {
                continue;
            };
            let item = Item::Recall(place.clone());
            let decision = if self.able.retract {
                let operation = Operation::Retract { comment: id.clone() };
                let account = Account::default();
                self.want(Write { item: item.clone(), value: None, operation, version: Some(1), account })
            } else {
                self.task(&place, reason, "this system takes no comment back")
            };
            decisions.push((item, decision));
            due.insert(place);
        }
        for (id, seen) in self.leg.shadow.files.iter().filter(|(_, seen)| !seen.gone) {
            let file = self.case.document.attachments.get(&seen.origin);
            let current = file.map(|file| (file.withdrawn, file.internal));
            let place = format!("file:{id}");
            let Some(reason) = self.why_back(Kind::Files, (&seen.origin, seen.internal), current, &place)
            else {
                continue;
            };
            let decision = self.task(&place, reason, "files are not taken back");
            decisions.push((Item::Recall(place.clone()), decision));
            due.insert(place);
        }
        for item in self.leg.parked.keys() {
            if let Item::Recall(what) = item
                && !due.contains(what)
            {
                decisions.push((item.clone(), Decision::Recalled { what: what.clone() }));
            }
        }
        decisions
    }

    /// Why a copy has to be taken back, if it has to. `current`: whether its original is withdrawn, and internal.
    fn why_back(
        &self,
        kind: Kind,
        (origin, sent_internal): (&Origin, bool),
        current: Option<(bool, bool)>,
        place: &str,
    ) -> Option<&'static str> {
        if origin.system == *self.name {
            return None;
        }
        let alarm = self.leg.parked.get(&Item::Leak(place.to_owned()));
        match current {
            _ if alarm.is_some_and(|alarm| !alarm.discarded) => Some("it was sent as internal and is public"),
            _ if self.outlives_grant(kind, origin, current) => {
                Some("the grant under which it was shown has ended")
            }
            Some((true, _)) => Some("withdrawn at its origin"),
            Some((false, true)) if !sent_internal && !self.goes_public(kind, origin) => {
                Some("internal at its origin by now")
            }
            Some((false, _)) | None => None,
        }
    }

    /// Has a person take a copy back. What was told before there were such tasks stays told.
    fn task(&self, what: &str, why: &str, because: &str) -> Decision {
        let told = self.leg.shadow.withheld.contains(what)
            || self.leg.parked.contains_key(&Item::Recall(what.to_owned()));
        let reason = format!("{why}; {because}: take it back there by hand, or discard this");
        Decision::ByHand { what: what.to_owned(), reason, told }
    }
}
