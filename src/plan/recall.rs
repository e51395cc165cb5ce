//! Recalling: what is under way and must not arrive any more, and what arrived and must not stand there any more.

use std::collections::BTreeSet;

use throughline_sdk::{ErrorKind, IntentId, Operation, SystemName, Visibility};

use super::decide::Decision;
use super::planner::Planner;
use super::project::{Creation, Target, Write};
use super::want;
use crate::agreement::{Account, Kind, Sharing};
use crate::case::{Case, Fact, Fingerprint, Grant, Health, Item, Leg, Offer, Origin, Outstanding, Phase};

impl Planner<'_> {
    /// Ends the intents of a leg that were not sent yet and are not to be sent any more: what they carry was withdrawn,
    /// has other readers by now, is no longer shared, or reads otherwise by now.
    pub(super) fn recall(&mut self, name: &SystemName) {
        let sharing = self.sharing();
        let Some(leg) = self.case.legs.get(name) else { return };
        let mut ended = Vec::new();
        let mut reordered = false;
        for standing in leg.outstanding.iter().filter(|standing| is_unsent(standing)) {
            let is_comment = matches!(standing.intent.operation, Operation::Comment { .. });
            if let Some(fact) = self.ended(name, leg, standing, &sharing) {
                ended.push(fact);
            } else if self.is_superseded(&sharing, name, leg, standing) {
                reordered |= is_comment;
                ended.push(dropped(name, &standing.intent.id, "what it says has changed since"));
            } else if reordered && is_comment {
                // It is planned again behind what it was written after.
                let reason = "what was said before it has changed since";
                ended.push(dropped(name, &standing.intent.id, reason));
            }
        }
        for fact in ended {
            self.say(fact);
        }
    }

    /// Ends the unsent links that say what has changed meanwhile, once it is noted which offers were told of: that is
    /// said beside a link too.
    pub(super) fn recall_links(&mut self) {
        let legs = self.home_first();
        // Where nothing is on its way any more, another offer may count as told of. Each round ends a link.
        loop {
            for name in &legs {
                self.note_told(name);
            }
            let outdated = |name: &SystemName| {
                let links = self.outdated_links(name).into_iter();
                links.map(|intent| (name.clone(), intent)).collect::<Vec<_>>()
            };
            let outdated: Vec<_> = legs.iter().flat_map(outdated).collect();
            if outdated.is_empty() {
                return;
            }
            for (leg, intent) in outdated {
                self.say(dropped(&leg, &intent, "what it tells of has changed since"));
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
        if let Some(reason) = objection(self.case, sharing, name, leg, standing) {
            return Some(dropped(name, &standing.intent.id, reason));
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

    /// Whether an intent would say something else now: what was taken out of a text before it was sent never leaves.
    fn is_superseded(
        &self,
        sharing: &Sharing<'_>,
        name: &SystemName,
        leg: &Leg,
        standing: &Outstanding,
    ) -> bool {
        let document = &self.case.document;
        match (&standing.item, &standing.value) {
            (Item::Remark(origin), Some(value)) => {
                document.remarks.get(origin).is_some_and(|remark| remark.print != *value)
            }
            (Item::Field(field), Some(value)) if !tells(leg) => {
                document.fields.get(field).is_some_and(|field| Fingerprint::of(&field.value) != *value)
            }
            (Item::Ticket, None) => self.view.capabilities.get(name).is_some_and(|able| {
                let target = Target { name, leg, case: self.case, view: self.view, sharing, able };
                let Creation { ticket, unnamed, .. } = target.creation();
                !unnamed.is_empty() || standing.intent.operation != Operation::Create(ticket)
            }),
            _ => false,
        }
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

fn dropped(leg: &SystemName, intent: &IntentId, reason: &str) -> Fact {
    Fact::Dropped { leg: leg.clone(), intent: intent.clone(), reason: reason.to_owned() }
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
            // Before there is a ticket nobody accepts.
            let refused = leg.offer.as_ref().is_some_and(|offer| !offer.is_open());
            if matches!(operation, Operation::Create(_)) && refused {
                return Some("the offer was taken back");
            }
            // How an offer stands is told also where the field is not shared.
            if tells(leg) && matches!(standing.item, Item::Field(_)) {
                return None;
            }
            let shared = sharing.takes_part(name) && carries(sharing, name, &standing.item);
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

/// Whether it is still to be told there how an offer stands.
fn tells(leg: &Leg) -> bool {
    leg.offer.as_ref().is_some_and(Offer::is_to_be_told)
}

/// Whether a leg is still shown the field or the link that an item is. What a ticket to be made is shown is compared with
/// what it would be shown now.
fn carries(sharing: &Sharing<'_>, name: &SystemName, item: &Item) -> bool {
    match item {
        Item::Field(field) => sharing.is_target(name, field),
        Item::LinkBack(other) => sharing.links(name, other),
        Item::Ticket
        | Item::Remark(_)
        | Item::Attachment(_)
        | Item::Offer
        | Item::Notice(_)
        | Item::Recall(_)
        | Item::Leak(_) => true,
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
