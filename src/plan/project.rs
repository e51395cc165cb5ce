//! Projecting: what each leg lacks of the document, as intents, or as parked where it cannot be sent.

use std::cell::RefCell;
use std::collections::BTreeMap;

use throughline_sdk::{Capabilities, ErrorKind, Intent, IntentId, NewTicket, Operation, SystemName};

use super::decide::Decision;
use super::native::{same, value_in, write};
use super::planner::Planner;
use super::{View, marker};
use crate::agreement::{Account, Redacted, Refused, Release, Sharing, Unnamed};
use crate::case::{Case, Fact, Field, Fingerprint, Item, Leg, Origin, Parked, Reading};

/// What a leg lacks.
#[derive(Debug, Default)]
struct Needs {
    /// Fields on which it agrees without a write.
    agreed: BTreeMap<Field, Fingerprint>,
    /// What cannot or must not be sent.
    refused: Vec<Fact>,
    /// What is to be sent, in order.
    writes: Vec<Write>,
    /// Something has to be read, stored, named or looked through first.
    waits: bool,
    /// What has to be read.
    unread: Vec<SystemName>,
    /// What has to be stored.
    unstored: Vec<Origin>,
    /// Values that need a pseudonym first.
    unnamed: Vec<Unnamed>,
    /// Files that have to be looked through first.
    unprepared: Vec<Origin>,
}

/// One intent to be.
#[derive(Debug)]
pub(super) struct Write {
    pub(super) item: Item,
    pub(super) value: Option<Fingerprint>,
    pub(super) operation: Operation,
    /// The version its marker is made from; `None` gives each such intent a marker of its own.
    pub(super) version: Option<u32>,
    /// What became of the personal data in it.
    pub(super) account: Account,
}

/// A leg to be projected onto, with all that decides what it is shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target<'t> {
    pub(super) name: &'t SystemName,
    pub(super) leg: &'t Leg,
    pub(super) case: &'t Case,
    pub(super) view: &'t View<'t>,
    pub(super) sharing: &'t Sharing<'t>,
    pub(super) able: &'t Capabilities,
}

impl Planner<'_> {
    /// Plans for one leg whatever it lacks.
    pub(super) fn project(&mut self, name: &SystemName) {
        let able = self.view.capabilities.get(name);
        let answer = able.and_then(|able| self.answer(name, able));
        let sharing = self.sharing();
        let (Some(leg), Some(able)) = (self.able(name, &sharing), able) else {
            return self.rest(name);
        };
        let busy = !leg.outstanding.is_empty();
        let mut needs = Needs::default();
        let target = Target { name, leg, case: self.case, view: self.view, sharing: &sharing, able };
        for (item, decision) in target.decisions() {
            needs.take(&target, item, decision);
        }
        if let Some(telling) = answer {
            needs.writes.splice(0..0, self.tell_offer(name, telling));
        }
        // While something is on its way, nothing more is written anyway: what is read then is read once.
        for leg in needs.unread.iter().filter(|_| !busy) {
            self.ask_for(leg);
        }
        for origin in &needs.unstored {
            if !self.plan.unstored.contains(origin) {
                self.plan.unstored.push(origin.clone());
            }
        }
        for unnamed in std::mem::take(&mut needs.unnamed) {
            if !self.plan.unnamed.contains(&unnamed) {
                self.plan.unnamed.push(unnamed);
            }
        }
        let unprepared = std::mem::take(&mut needs.unprepared);
        self.plan.unprepared.extend(unprepared.into_iter().map(|origin| (name.clone(), origin)));
        self.carry_out(name, needs, busy);
    }

    fn carry_out(&mut self, name: &SystemName, needs: Needs, busy: bool) {
        if !needs.agreed.is_empty() {
            let reading = Reading { agreed: needs.agreed, ..Reading::default() };
            self.say(Fact::Observed { leg: name.clone(), reading });
        }
        for fact in needs.refused {
            self.say(fact);
        }
        let mut later = needs.waits || (busy && !needs.writes.is_empty());
        if !busy {
            for write in needs.writes {
                later |= write.item == Item::Ticket;
                if !write.account.is_empty() {
                    let Account { redacted, left } = write.account.clone();
                    self.say(Fact::Redacted { leg: name.clone(), item: write.item.clone(), redacted, left });
                }
                self.intend(name, write);
            }
        }
        if later {
            self.postpone(name);
        } else if !busy {
            self.rest(name);
        }
    }

    fn intend(&mut self, name: &SystemName, write: Write) {
        let Some(leg) = self.case.legs.get(name) else { return };
        let number = self.case.intents.saturating_add(1);
        let version = write.version.unwrap_or(number);
        let expected = match write.operation {
            Operation::Update { .. } | Operation::Transition { .. } => leg.shadow.version.clone(),
            Operation::Create(_)
            | Operation::Comment { .. }
            | Operation::Edit { .. }
            | Operation::Retract { .. }
            | Operation::Attach { .. }
            | Operation::LinkBack { .. } => None,
        };
        let intent = Intent {
            id: IntentId::new(format!("{}-{number}", self.case.id)),
            ticket: leg.ticket.clone(),
            operation: write.operation,
            marker: marker(self.view.markers, self.case.id, name, &write.item, version),
            expected,
        };
        self.say(Fact::Intended { leg: name.clone(), item: write.item, value: write.value, intent });
    }

    fn postpone(&mut self, name: &SystemName) {
        if self.case.legs.get(name).is_some_and(|leg| !leg.dirty) {
            self.say(Fact::Postponed { leg: name.clone() });
        }
    }

    /// Everything is planned for this leg, or nothing can be.
    fn rest(&mut self, name: &SystemName) {
        if self.case.legs.get(name).is_some_and(|leg| leg.dirty) {
            self.say(Fact::Planned { leg: name.clone() });
        }
    }
}

/// What a ticket is called whose title is not shared. The case's number would tell counterparts how many others there
/// are, by way of home's title too.
pub(super) fn nameless(case: &Case, view: &View<'_>, name: &SystemName) -> String {
    let marker = marker(view.markers, case.id, name, &Item::Ticket, 1);
    let digits: String = marker.as_str().chars().skip_while(|char| *char != '-').skip(1).take(8).collect();
    format!("Request {}", digits.to_uppercase())
}

impl Needs {
    /// What a decision asks for.
    fn take(&mut self, target: &Target<'_>, item: Item, decision: Decision) {
        let leg = target.name.clone();
        match decision {
            Decision::Unshared
            | Decision::Disputed
            | Decision::Has
            | Decision::UnderWay
            | Decision::Leaks
            | Decision::Parked
            | Decision::NotAccepted { tell: false } => {}
            Decision::NotAccepted { tell: true } => self.refused.push(Fact::Waits { leg, item }),
            Decision::Outrun | Decision::Behind => self.waits = true,
            Decision::Unread(system) => {
                self.waits = true;
                self.unread.push(system);
            }
            Decision::Unstored => {
                self.waits = true;
                self.unstored.extend(item.origin().cloned());
            }
            Decision::Unprepared => {
                self.waits = true;
                self.unprepared.extend(item.origin().cloned());
            }
            Decision::Unnamed(unnamed) => {
                self.waits = true;
                self.unnamed.extend(unnamed);
            }
            Decision::Agrees(value) => {
                if let Item::Field(field) = item {
                    self.agreed.insert(field, value);
                }
            }
            Decision::Refused { want, kind, reason } => {
                self.refused.push(Fact::Parked { leg, item, want, kind, reason, intent: None });
            }
            Decision::Held { want, reason } => self.refused.push(Fact::Held { leg, item, want, reason }),
            Decision::Kept { what, rule } => {
                if !target.leg.shadow.withheld.contains(&what) {
                    self.refused.push(Fact::Withheld { leg, what, rule: rule.to_owned() });
                }
            }
            Decision::ByHand { what, reason, told } => {
                if !told {
                    self.refused.push(Fact::RetractionDue { leg, what, reason });
                }
            }
            Decision::Recalled { what } => self.refused.push(Fact::Recalled { leg, what }),
            Decision::Send(write) => self.writes.push(*write),
        }
    }
}

/// A ticket as it would be created.
#[derive(Debug)]
pub(super) struct Creation {
    pub(super) ticket: NewTicket,
    pub(super) account: Account,
    /// Values in it that need a pseudonym first.
    pub(super) unnamed: Vec<Unnamed>,
}

impl Target<'_> {
    /// What becomes of everything on this leg, in the order in which it is sent.
    pub(super) fn decisions(&self) -> Vec<(Item, Decision)> {
        let decisions =
            if self.leg.ticket.is_none() { vec![(Item::Ticket, self.created())] } else { self.kept() };
        let held = |(item, decision)| {
            let decision = self.until_accepted(&item, decision);
            (item, decision)
        };
        decisions.into_iter().map(held).collect()
    }

    /// What becomes of everything on a ticket that is there.
    fn kept(&self) -> Vec<(Item, Decision)> {
        let fields = self.case.document.fields.keys();
        let mut decisions: Vec<_> =
            fields.map(|field| (Item::Field(field.clone()), self.field(field))).collect();
        decisions.extend(self.remarks());
        decisions.extend(self.attachments());
        decisions.extend(self.copies());
        decisions.extend(self.links());
        decisions.extend(self.notices());
        decisions.extend(self.environments());
        decisions
    }

    fn created(&self) -> Decision {
        if let Some(agreement) = self.sharing.agreement(self.name)
            && let Some(reason) = self.lack(agreement)
        {
            // A creation that is under way is not called back.
            if !self.leg.outstanding.is_empty() {
                return Decision::UnderWay;
            }
            let want = Fingerprint::of(&reason);
            if self.blocked(&Item::Ticket, &want) {
                return Decision::Parked;
            }
            return Decision::Refused { want, kind: ErrorKind::Rejected, reason };
        }
        let Creation { ticket, account, unnamed } = self.creation();
        if !unnamed.is_empty() {
            return Decision::Unnamed(unnamed);
        }
        // Its text may change while it is under way; there must be one ticket only.
        if self.leg.outstanding.iter().any(|standing| standing.item == Item::Ticket) {
            return Decision::UnderWay;
        }
        let operation = Operation::Create(ticket);
        self.want(Write { item: Item::Ticket, value: None, operation, version: Some(1), account })
    }

    /// The ticket as it would be created.
    pub(super) fn creation(&self) -> Creation {
        let own = self.sharing.agreement(self.name);
        let kind = match own {
            Some(agreement) => agreement.counterpart_type.clone(),
            None => self.sharing.counterparts().find_map(|(_, agreement)| agreement.home_type.clone()),
        };
        let (unnamed, account) = (RefCell::default(), RefCell::default());
        let shown = |field: &Field| {
            let value = self.value(field)?;
            match self.shown(field, value) {
                Ok(shown) => {
                    let told: &mut Account = &mut account.borrow_mut();
                    told.add(shown.account());
                    Some(shown.into_intent())
                }
                Err(Refused::Unnamed(names)) => {
                    let all: &mut Vec<Unnamed> = &mut unnamed.borrow_mut();
                    all.extend(names);
                    None
                }
                // It is left out, and parked once the ticket is there.
                Err(Refused::Untranslatable(_) | Refused::Left(_) | Refused::Undecided(_)) => None,
            }
        };
        let custom = self.case.document.fields.keys().filter_map(|field| match field {
            Field::Custom(name) => Some((name.clone(), shown(field)?)),
            Field::Title | Field::Description | Field::Status | Field::Priority | Field::Kind => None,
        });
        let ticket = NewTicket {
            // A desk takes no ticket without a title, and an unshared one must not leak.
            title: shown(&Field::Title)
                .filter(|title| !title.is_empty())
                .unwrap_or_else(|| nameless(self.case, self.view, self.name)),
            description: shown(&Field::Description).unwrap_or_default(),
            // Before it is accepted, its status says how far those have come who accepted it.
            status: self.sharing.offer(self.name).is_none().then(|| shown(&Field::Status)).flatten(),
            priority: shown(&Field::Priority),
            kind: kind.or_else(|| shown(&Field::Kind)),
            fields: custom.filter(|(_, value)| !value.is_empty()).collect(),
        };
        Creation { ticket, account: account.into_inner(), unnamed: unnamed.into_inner() }
    }

    /// What becomes of one field of a ticket that is there.
    pub(super) fn field(&self, field: &Field) -> Decision {
        let Some(value) = self.value(field) else {
            let disputed = self.case.document.conflicts.contains_key(field);
            let target = disputed && self.sharing.is_target(self.name, field);
            return if target { Decision::Disputed } else { Decision::Unshared };
        };
        let want = Fingerprint::of(value);
        let shadow = self.leg.shadow.fields.get(field);
        if shadow.is_some_and(|shadow| shadow.written.is_some()) {
            // It took effect and was not read back: what it left decides.
            return Decision::Unread(self.name.clone());
        }
        let item = Item::Field(field.clone());
        if shadow.and_then(|shadow| shadow.agreed.as_ref()) == Some(&want) {
            // What could not be shown meanwhile is not wanted any more.
            let unshown = |parked: &Parked| parked.intent.is_none() && !parked.is_untranslatable();
            let stale = self.leg.parked.get(&item).is_some_and(unshown);
            return if stale { Decision::Agrees(want) } else { Decision::Has };
        }
        if self.blocked(&item, &want) {
            return Decision::Parked;
        }
        let able = match field {
            Field::Status => self.able.transition,
            Field::Title | Field::Description | Field::Priority | Field::Kind | Field::Custom(_) => {
                self.able.update
            }
        };
        let shown = match self.shown(field, value) {
            Ok(shown) => shown,
            Err(refused) => return self.refuse(&item, want, refused),
        };
        let account = shown.account().clone();
        let shown = shown.into_intent();
        let Some(seen) = shadow.and_then(|shadow| shadow.seen.as_ref()) else {
            return Decision::Unread(self.name.clone());
        };
        let native = self.view.observations.get(self.name).map(|ticket| value_in(ticket, field));
        let there =
            *seen == Fingerprint::of(&shown) || native.is_some_and(|native| same(field, native, &shown));
        // With a write under way, what was seen is not what will be.
        if there && self.leg.outstanding.iter().all(|standing| standing.item != item) {
            return Decision::Agrees(want);
        }
        if !able {
            return self.cannot(&item, want, format!("{} cannot change the {field} of a ticket", self.name));
        }
        let last = self.leg.outstanding.iter().rev().find(|standing| standing.item == item);
        if last.is_some_and(|last| last.value.as_ref() == Some(&want)) {
            return Decision::UnderWay;
        }
        let operation = write(field, shown);
        Decision::Send(Box::new(Write { item, value: Some(want), operation, version: None, account }))
    }

    /// The document's value, if this leg is shown anything for it.
    pub(super) fn value(&self, field: &Field) -> Option<&str> {
        let document = self.case.document.fields.get(field)?;
        let disputed = self.case.document.conflicts.contains_key(field);
        (!disputed && self.sharing.is_target(self.name, field)).then_some(document.value.as_str())
    }

    /// What this leg is shown for a value.
    pub(super) fn shown(&self, field: &Field, value: &str) -> Result<Redacted<String>, Refused> {
        let agreement = self.sharing.agreement(self.name);
        let (item, want) = (Item::Field(field.clone()), Fingerprint::of(value));
        let release = self.release(&item, &want);
        let value = self.leg.instead(&item, &want).unwrap_or(value);
        self.view.rules.project(self.name, agreement, field, value, &release)
    }

    /// What decides about an item besides its agreement.
    pub(super) fn release(&self, item: &Item, want: &Fingerprint) -> Release<'_> {
        Release { names: self.view.names, approved: self.leg.approved.get(item) == Some(want) }
    }
}
