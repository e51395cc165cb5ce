//! Sharing: which leg may be the source, and which the target, of a field, a comment or a file.

use std::collections::{BTreeMap, BTreeSet};

use throughline_sdk::{SystemName, Timestamp, Visibility};

use super::{Agreement, Direction, Internal, Policy, Rules};
use crate::case::{Case, Field, Grant, GrantId, Granted, Offer, OfferState, Origin, Role};

/// The agreements in force in one case. A leg whose agreement is gone has no share in anything.
#[derive(Debug)]
pub struct Sharing<'r> {
    rules: &'r Rules,
    home: Option<SystemName>,
    joined: BTreeMap<SystemName, &'r Agreement>,
    /// The offers that stand between a counterpart and the request.
    offers: BTreeMap<SystemName, Offer>,
    /// What is shown beyond the agreements at this moment.
    grants: BTreeMap<GrantId, Grant>,
}

/// What is said besides the fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Comments.
    Comments,
    /// Files.
    Files,
}

impl<'r> Sharing<'r> {
    /// The agreements between the legs of this case, and what is granted in it at this moment.
    pub fn of(rules: &'r Rules, case: &Case, now: Timestamp) -> Self {
        let home = case.legs.iter().find(|(_, leg)| leg.role == Role::Home).map(|(name, _)| name.clone());
        let joined: BTreeMap<SystemName, &'r Agreement> = case
            .legs
            .iter()
            .filter(|(_, leg)| leg.role == Role::Counterpart)
            .filter_map(|(name, leg)| {
                let agreement = rules.agreements.get(leg.agreement.as_ref()?)?;
                let between = home.as_ref().is_none_or(|home| *home == agreement.home);
                (between && agreement.counterpart == *name).then(|| (name.clone(), agreement))
            })
            .collect();
        let offers = case.legs.iter().filter_map(|(name, leg)| {
            let offer = leg.offer.as_ref().filter(|offer| !offer.is_settled())?;
            Some((name.clone(), offer.clone()))
        });
        // What the agreement does not name any more is not shown, whatever was approved before.
        let shown = |grant: &Grant| {
            let agreement = joined.get(&grant.leg);
            grant.is_live(now) && agreement.is_some_and(|agreement| agreement.grants.name(&grant.what))
        };
        let grants = case.grants.iter().filter(|(_, grant)| shown(grant));
        let grants = grants.map(|(id, grant)| (*id, grant.clone())).collect();
        Self { rules, home, offers: offers.collect(), grants, joined }
    }

    /// The agreement under which a counterpart takes part.
    pub fn agreement(&self, system: &SystemName) -> Option<&'r Agreement> {
        self.joined.get(system).copied()
    }

    /// Whether the system may take part at all: it is the home desk, or its agreement is in force.
    pub fn takes_part(&self, system: &SystemName) -> bool {
        self.rules.systems.contains_key(system) && (self.is_home(system) || self.joined.contains_key(system))
    }

    /// Whether the system is the case's home desk.
    pub fn is_home(&self, system: &SystemName) -> bool {
        self.home.as_ref() == Some(system)
    }

    /// The counterparts of the case, by name.
    pub fn counterparts(&self) -> impl Iterator<Item = (&SystemName, &'r Agreement)> {
        self.joined.iter().map(|(name, agreement)| (name, *agreement))
    }

    /// The fields of a system that any of its agreements names, or a grant.
    pub fn fields(&self, system: &SystemName) -> BTreeSet<Field> {
        let granted = self.grants.values().filter(|grant| self.is_home(system) || grant.is_for(system));
        let granted = granted.filter_map(|grant| match &grant.what {
            Granted::Field(field) => Some(field.clone()),
            Granted::InternalComments
            | Granted::Comment(_)
            | Granted::Files
            | Granted::File(_)
            | Granted::Environment => None,
        });
        self.concerning(system)
            .flat_map(|agreement| &agreement.fields)
            .filter(|(_, rule)| rule.direction != Direction::None)
            .map(|(field, _)| field.clone())
            .chain(granted)
            .collect()
    }

    /// Whether a grant is in force at this moment.
    pub fn is_granted(&self, grant: GrantId) -> bool {
        self.grants.contains_key(&grant)
    }

    /// Whether something that may be read by those at home is shown to a counterpart by a grant.
    fn is_shown(&self, kind: Kind, visibility: Visibility, origin: &Origin, to: &SystemName) -> bool {
        let shows = |grant: &Grant| grant.is_for(to) && grant.covers(kind, visibility, origin);
        self.is_home(&origin.system) && self.grants.values().any(shows)
    }

    /// Whether this comment or file of a system goes to anybody, by an agreement or by a grant.
    pub fn takes(&self, kind: Kind, visibility: Visibility, system: &SystemName, id: &str) -> bool {
        if self.gathers(kind, visibility, system) {
            return true;
        }
        let origin = Origin { system: system.clone(), id: id.to_owned() };
        let mut shown = self.grants.values().map(|grant| &grant.leg);
        shown.any(|to| self.is_shown(kind, visibility, &origin, to))
    }

    /// Whether something internal may be shown in public on a counterpart's desk that has nothing internal.
    pub fn is_public_if_must(&self, kind: Kind, origin: &Origin, to: &SystemName) -> bool {
        let says = |grant: &Grant| {
            grant.public_if_must && grant.is_for(to) && grant.covers(kind, Visibility::Internal, origin)
        };
        self.is_home(&origin.system) && self.grants.values().any(says)
    }

    /// Whether a change of the field on this system may enter the document.
    pub fn is_source(&self, system: &SystemName, field: &Field) -> bool {
        if !self.is_home(system) {
            return self.leads_in(system, field) && self.is_heard(system, field);
        }
        let mut joined = self.directions(field).peekable();
        if self.grants.values().any(|grant| grant.covers_field(field)) {
            true
        } else if joined.peek().is_some() {
            joined.any(Direction::leads_out)
        } else {
            // Nobody has joined whom it concerns: what a later counterpart may see is gathered already.
            self.concerning(system)
                .filter_map(|agreement| agreement.fields.get(field))
                .any(|rule| rule.direction.leads_out())
        }
    }

    /// Whether the document's value of the field is written to this system.
    pub fn is_target(&self, system: &SystemName, field: &Field) -> bool {
        if self.is_home(system) {
            self.directions(field).any(Direction::leads_in)
        } else {
            let granted = |grant: &Grant| grant.is_for(system) && grant.covers_field(field);
            self.direction(system, field).is_some_and(Direction::leads_out)
                || (self.joined.contains_key(system) && self.grants.values().any(granted))
        }
    }

    /// Who wins when a counterpart and the document disagree.
    pub fn policy(&self, counterpart: &SystemName, field: &Field) -> Option<Policy> {
        self.agreement(counterpart)?.fields.get(field).map(|rule| rule.policy)
    }

    /// Whether anything of this kind that is said on the system, and may be read by those there, goes to anybody.
    pub fn gathers(&self, kind: Kind, visibility: Visibility, system: &SystemName) -> bool {
        let home = self.is_home(system);
        self.concerning(system).any(|agreement| {
            let direction = kind.direction(agreement);
            match visibility {
                Visibility::Public if home => direction.leads_out(),
                Visibility::Public => direction.leads_in(),
                Visibility::Internal => home && direction.leads_out() && agreement.shares_internal(),
                Visibility::Unknown => false,
            }
        })
    }

    /// Whether what was said at `origin`, and may be read by those there, goes to `to`.
    ///
    /// What is internal goes from home to a counterpart only, by the rule of their agreement or by a grant. What one
    /// counterpart said goes to another only where the two were introduced.
    pub fn carries(&self, kind: Kind, visibility: Visibility, origin: &Origin, to: &SystemName) -> bool {
        let from = &origin.system;
        let leads_in = |agreement: &Agreement| kind.direction(agreement).leads_in();
        let leads_out = |agreement: &Agreement| kind.direction(agreement).leads_out();
        let public = visibility == Visibility::Public;
        let shown = |target: &Agreement| match visibility {
            Visibility::Public => true,
            Visibility::Internal => target.shares_internal(),
            Visibility::Unknown => false,
        };
        match (self.agreement(from), self.agreement(to)) {
            (Some(source), None) => public && self.is_home(to) && leads_in(source),
            (None, Some(target)) => {
                (self.is_home(from) && leads_out(target) && shown(target))
                    || self.is_shown(kind, visibility, origin, to)
            }
            (Some(source), Some(target)) => {
                public && from != to && leads_in(source) && leads_out(target) && self.introduced(from, target)
            }
            (None, None) => false,
        }
    }

    /// Whether the agreement leads a counterpart's value of the field home.
    pub fn leads_in(&self, counterpart: &SystemName, field: &Field) -> bool {
        self.direction(counterpart, field).is_some_and(Direction::leads_in)
    }

    /// The offer of this leg, if it is not accepted, or its acceptance was not told yet.
    pub fn offer(&self, counterpart: &SystemName) -> Option<&Offer> {
        self.offers.get(counterpart)
    }

    /// Whether something said at `origin`, at this moment of its desk, may go to a counterpart before the request is
    /// accepted: as an answer to its question, or as what home answers to its offer.
    pub fn passes_before(&self, counterpart: &SystemName, origin: &Origin, written: Timestamp) -> bool {
        let Some(offer) = self.offers.get(counterpart) else { return true };
        match offer.to {
            Role::Counterpart if offer.is_open() => {
                let answers = offer.answers_after.is_some_and(|after| written > after);
                self.shares_before(counterpart) || (answers && self.is_home(&origin.system))
            }
            Role::Counterpart => false,
            Role::Home => {
                let heard = offer.heard.comment.as_ref().is_some_and(|it| it.id.as_str() == origin.id);
                heard && self.is_home(&origin.system)
            }
        }
    }

    /// Whether something said at `origin` goes to a counterpart now, or will once it accepts.
    pub fn admits(&self, system: &SystemName, origin: &Origin, written: Timestamp) -> bool {
        let over = self
            .offers
            .get(system)
            .filter(|offer| matches!(offer.state, OfferState::Rejected | OfferState::Withdrawn));
        over.is_none() || self.passes_before(system, origin, written)
    }

    /// Whether the agreement has everything sent before the request is accepted.
    pub fn shares_before(&self, counterpart: &SystemName) -> bool {
        let handshake = self.agreement(counterpart).and_then(|agreement| agreement.handshake.as_ref());
        handshake.is_some_and(|handshake| handshake.share_before)
    }

    /// Whether what a counterpart sets is a matter of the request: before it accepts, its status is an answer to us,
    /// and what it did not take on it does not change.
    fn is_heard(&self, counterpart: &SystemName, field: &Field) -> bool {
        let Some(offer) = self.offers.get(counterpart).filter(|offer| offer.to == Role::Counterpart) else {
            return true;
        };
        offer.is_open() && self.shares_before(counterpart) && *field != Field::Status
    }

    /// Whether what goes from `from` to `to` is read once more at `from` before it is sent.
    pub fn rechecks(&self, from: &SystemName, to: &SystemName) -> bool {
        let agreements = [self.agreement(from), self.agreement(to)];
        agreements.into_iter().flatten().any(|agreement| agreement.recheck)
    }

    /// Whether the tickets of the two systems may name each other: home's and a counterpart's, never two counterparts'.
    pub fn links(&self, system: &SystemName, other: &SystemName) -> bool {
        if self.is_home(system) { self.agreement(other).is_some() } else { self.is_home(other) }
    }

    fn introduced(&self, from: &SystemName, to: &Agreement) -> bool {
        let party = self.rules.systems.get(from).map(|system| &system.party);
        party.is_some_and(|party| to.introduces.contains(party))
    }

    fn concerning(&self, system: &SystemName) -> impl Iterator<Item = &'r Agreement> {
        let home = self.is_home(system);
        let all = self.rules.agreements.values().filter(move |_| home);
        let own = self.agreement(system).into_iter();
        let system = system.clone();
        all.filter(move |agreement| agreement.home == system).chain(own)
    }

    fn direction(&self, counterpart: &SystemName, field: &Field) -> Option<Direction> {
        self.agreement(counterpart)?.fields.get(field).map(|rule| rule.direction)
    }

    fn directions(&self, field: &Field) -> impl Iterator<Item = Direction> {
        self.joined.values().filter_map(|agreement| agreement.fields.get(field)).map(|rule| rule.direction)
    }
}

impl Agreement {
    fn shares_internal(&self) -> bool {
        self.internal == Internal::AsInternal
    }
}

impl Kind {
    fn direction(self, agreement: &Agreement) -> Direction {
        match self {
            Self::Comments => agreement.comments,
            Self::Files => agreement.files,
        }
    }
}

impl Direction {
    /// Whether it leads from home to the counterpart.
    pub fn leads_out(self) -> bool {
        matches!(self, Self::Both | Self::Outbound)
    }

    /// Whether it leads from the counterpart to home.
    pub fn leads_in(self) -> bool {
        matches!(self, Self::Both | Self::Inbound)
    }
}
