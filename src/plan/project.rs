//! Projecting: what each leg lacks of the document, as intents, or as parked where it cannot be sent.

use std::cell::RefCell;
use std::collections::BTreeMap;

use throughline_sdk::{Capabilities, Class, ErrorKind, Intent, IntentId, NewTicket, Operation, SystemName};

use super::native::{same, value_in, write};
use super::planner::{Planner, print_of};
use super::{View, marker};
use crate::agreement::{Account, Redacted, Refused, Release, Sharing, Unnamed, label};
use crate::case::{Case, Fact, Field, Fingerprint, Item, Leg, Origin, Reading};

/// What a leg lacks.
#[derive(Debug, Default)]
pub(super) struct Needs {
    /// Fields on which it agrees without a write.
    agreed: BTreeMap<Field, Fingerprint>,
    /// What cannot or must not be sent.
    pub(super) refused: Vec<Fact>,
    /// What is to be sent, in order.
    pub(super) writes: Vec<Write>,
    /// Something has to be read, stored, named or looked through first.
    pub(super) waits: bool,
    /// What became of the personal data in what is to be sent.
    pub(super) accounts: BTreeMap<Item, Account>,
    /// Values that need a pseudonym first.
    pub(super) unnamed: Vec<Unnamed>,
    /// Files that have to be looked through first.
    pub(super) unprepared: Vec<Origin>,
}

/// One intent to be.
#[derive(Debug)]
pub(super) struct Write {
    pub(super) item: Item,
    pub(super) value: Option<Fingerprint>,
    pub(super) operation: Operation,
    /// The version its marker is made from; `None` gives each such intent a marker of its own.
    pub(super) version: Option<u32>,
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
        let answer = able.and_then(|able| self.telling(name, able));
        let sharing = self.sharing();
        let (Some(leg), Some(able)) = (self.able(name, &sharing), able) else {
            return self.rest(name);
        };
        let busy = !leg.outstanding.is_empty();
        let mut needs = Needs::default();
        let (mut unread, mut unstored) = (Vec::new(), Vec::new());
        {
            let target = Target { name, leg, case: self.case, view: self.view, sharing: &sharing, able };
            if leg.ticket.is_none() {
                target.creation(&mut needs);
            } else {
                target.fields(&mut needs, &mut unread);
                target.remarks(&mut needs, &mut unread);
                target.attachments(&mut needs, &mut unstored);
                target.copies(&mut needs);
                target.links(&mut needs);
            }
            target.notices(&mut needs);
            target.environments(&mut needs);
        }
        self.hold_back(name, &sharing, answer, &mut needs);
        // While something is on its way, nothing more is written anyway: what is read then is read once.
        for leg in unread.iter().filter(|_| !busy) {
            self.ask_for(leg);
        }
        for origin in unstored {
            if !self.plan.unstored.contains(&origin) {
                self.plan.unstored.push(origin);
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

    fn carry_out(&mut self, name: &SystemName, mut needs: Needs, busy: bool) {
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
                if let Some(account) = needs.accounts.remove(&write.item).filter(|it| !it.is_empty()) {
                    let Account { redacted, left } = account;
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

impl Target<'_> {
    fn creation(&self, needs: &mut Needs) {
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
            status: shown(&Field::Status),
            priority: shown(&Field::Priority),
            kind: kind.or_else(|| shown(&Field::Kind)),
            fields: custom.filter(|(_, value)| !value.is_empty()).collect(),
        };
        let unnamed = unnamed.into_inner();
        if !unnamed.is_empty() {
            needs.waits = true;
            needs.unnamed.extend(unnamed);
            return;
        }
        needs.accounts.insert(Item::Ticket, account.into_inner());
        let operation = Operation::Create(ticket);
        let standing = self.leg.outstanding.iter().any(|standing| standing.item == Item::Ticket);
        // Its text may change while it is under way; there must be one ticket only.
        if !standing {
            self.want(needs, Write { item: Item::Ticket, value: None, operation, version: Some(1) });
        }
    }

    fn fields(&self, needs: &mut Needs, unread: &mut Vec<SystemName>) {
        for field in self.case.document.fields.keys() {
            let Some(value) = self.value(field) else { continue };
            let want = Fingerprint::of(value);
            let shadow = self.leg.shadow.fields.get(field);
            if shadow.is_some_and(|shadow| shadow.written.is_some()) {
                // It took effect and was not read back: what it left decides.
                needs.waits = true;
                unread.push(self.name.clone());
                continue;
            }
            if shadow.and_then(|shadow| shadow.agreed.as_ref()) == Some(&want) {
                continue;
            }
            let item = Item::Field(field.clone());
            if self.blocked(&item, &want) {
                continue;
            }
            let able = match field {
                Field::Status => self.able.transition,
                Field::Title | Field::Description | Field::Priority | Field::Kind | Field::Custom(_) => {
                    self.able.update
                }
            };
            let shown = match self.shown(field, value) {
                Ok(shown) => shown,
                Err(refused) => {
                    self.refuse(item, want, refused, needs);
                    continue;
                }
            };
            needs.accounts.insert(item.clone(), shown.account().clone());
            let shown = shown.into_intent();
            let Some(seen) = shadow.and_then(|shadow| shadow.seen.as_ref()) else {
                needs.waits = true;
                unread.push(self.name.clone());
                continue;
            };
            let native = self.view.observations.get(self.name).map(|ticket| value_in(ticket, field));
            let there =
                *seen == Fingerprint::of(&shown) || native.is_some_and(|native| same(field, native, &shown));
            // With a write under way, what was seen is not what will be.
            if there && self.leg.outstanding.iter().all(|standing| standing.item != item) {
                needs.agreed.insert(field.clone(), want);
                continue;
            }
            if !able {
                let reason = format!("{} cannot change the {field} of a ticket", self.name);
                needs.refused.push(self.park(item, want, ErrorKind::Unsupported, reason));
                continue;
            }
            let last = self.leg.outstanding.iter().rev().find(|standing| standing.item == item);
            if last.is_none_or(|last| last.value.as_ref() != Some(&want)) {
                let operation = write(field, shown);
                needs.writes.push(Write { item, value: Some(want), operation, version: None });
            }
        }
    }

    fn links(&self, needs: &mut Needs) {
        if !self.able.link_back {
            return;
        }
        let home = self.sharing.is_home(self.name);
        for (other, leg) in &self.case.legs {
            let related = self.sharing.links(self.name, other);
            let well = leg.health == crate::case::Health::Well && leg.ticket.is_some();
            let (Some(key), Some(system)) = (&leg.key, self.view.rules.systems.get(other)) else { continue };
            if other == self.name || !related || !well || self.leg.linked.contains(other) {
                continue;
            }
            let operation = Operation::LinkBack {
                label: label(&system.party_title, key).into_intent(),
                // Where the home desk stands is nobody else's concern.
                url: leg.url.clone().filter(|_| home),
            };
            let item = Item::LinkBack(other.clone());
            self.want(needs, Write { item, value: None, operation, version: Some(1) });
        }
    }

    /// The document's value, if this leg is shown anything for it.
    fn value(&self, field: &Field) -> Option<&str> {
        let document = self.case.document.fields.get(field)?;
        let disputed = self.case.document.conflicts.contains_key(field);
        (!disputed && self.sharing.is_target(self.name, field)).then_some(document.value.as_str())
    }

    /// What this leg is shown for a value.
    fn shown(&self, field: &Field, value: &str) -> Result<Redacted<String>, Refused> {
        let agreement = self.sharing.agreement(self.name);
        let release = self.release(&Item::Field(field.clone()), &Fingerprint::of(value));
        self.view.rules.project(self.name, agreement, field, value, &release)
    }

    /// What decides about an item besides its agreement.
    pub(super) fn release(&self, item: &Item, want: &Fingerprint) -> Release<'_> {
        Release { names: self.view.names, approved: self.leg.approved.get(item) == Some(want) }
    }

    /// What follows where an item may not leave: it waits for pseudonyms, or for a person.
    pub(super) fn refuse(&self, item: Item, want: Fingerprint, refused: Refused, needs: &mut Needs) {
        let reason = refused.to_string();
        let fact = match refused {
            Refused::Unnamed(unnamed) => {
                needs.waits = true;
                needs.unnamed.extend(unnamed);
                return;
            }
            Refused::Left(_) => Fact::Held { leg: self.name.clone(), item, want, reason },
            Refused::Untranslatable(_) => self.park(item, want, ErrorKind::Misconfigured, reason),
            Refused::Undecided(_) => self.park(item, want, ErrorKind::Rejected, reason),
        };
        needs.refused.push(fact);
    }

    /// Adds a write unless the same is under way or parked.
    pub(super) fn want(&self, needs: &mut Needs, write: Write) {
        let under_way = self.leg.outstanding.iter();
        let mut under_way = under_way.filter(|standing| standing.item == write.item);
        let same = under_way.any(|standing| standing.intent.operation == write.operation);
        if !same && !self.blocked(&write.item, &print_of(&write.operation)) {
            needs.writes.push(write);
        }
    }

    /// Whether something parked stands in the way of wanting this.
    pub(super) fn blocked(&self, item: &Item, want: &Fingerprint) -> bool {
        self.leg.parked.get(item).is_some_and(|parked| {
            // Whatever was parked in doubt may be there: another text must not make a second one of it.
            let doubtful = parked.kind.class() != Class::Park;
            parked.want == *want || (!parked.discarded && (doubtful || parked.is_untranslatable()))
        })
    }

    pub(super) fn park(&self, item: Item, want: Fingerprint, kind: ErrorKind, reason: String) -> Fact {
        Fact::Parked { leg: self.name.clone(), item, want, kind, reason, intent: None }
    }
}
