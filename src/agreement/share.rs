//! Sharing: which leg may be the source, and which the target, of a field, a comment or a file.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

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

/// Whether something goes to a system, and which rule of which agreement says so.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ruling<'a> {
    /// Whether it goes there.
    pub passes: bool,
    /// The agreement that decides; `None` where none is in force.
    pub agreement: Option<&'a Agreement>,
    /// Its rule.
    pub rule: Rule<'a>,
}

/// A rule of an agreement, shown as it is written in a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule<'a> {
    /// The way a field travels.
    Field(&'a Field, Direction),
    /// A field that the agreement does not name.
    Unnamed(&'a Field),
    /// The way comments or files travel.
    Said(Kind, Direction),
    /// Only home's own staff may read it.
    Internal(Internal),
    /// It is shown in this case, for a purpose and until a moment.
    Granted,
    /// Nobody says who may read it.
    Unknown,
    /// The two counterparts were not introduced to each other.
    NotIntroduced,
    /// It came from that very system.
    Own,
    /// No agreement is in force between the two.
    NoAgreement,
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
        // A grant is a counterpart's: without its agreement there is none. What that does not name any more is not shown,
        // whatever was approved before.
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
        if let Some(ruling) = self.entry(system, field) {
            return ruling.passes && self.is_heard(system, field);
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
        self.ruling(system, field).passes
    }

    /// Whether the document's value of the field is written to this system, and by which rule.
    pub fn ruling<'a>(&self, system: &SystemName, field: &'a Field) -> Ruling<'a>
    where
        'r: 'a,
    {
        let unnamed = |agreement: Option<&'a Agreement>| Ruling {
            passes: false,
            agreement,
            rule: if agreement.is_some() { Rule::Unnamed(field) } else { Rule::NoAgreement },
        };
        let named = |agreement: &'a Agreement, leads: fn(Direction) -> bool| {
            let direction = agreement.fields.get(field)?.direction;
            let rule = Rule::Field(field, direction);
            Some(Ruling { passes: leads(direction), agreement: Some(agreement), rule })
        };
        if !self.is_home(system) {
            let Some(agreement) = self.agreement(system) else { return unnamed(None) };
            let ruling = named(agreement, Direction::leads_out).unwrap_or(unnamed(Some(agreement)));
            let granted = |grant: &Grant| grant.is_for(system) && grant.covers_field(field);
            let shown = !ruling.passes && self.grants.values().any(granted);
            return if shown { Ruling { passes: true, rule: Rule::Granted, ..ruling } } else { ruling };
        }
        // One agreement that leads home is enough; without one, the first that names the field tells why not.
        let mut first = None;
        for agreement in self.joined.values() {
            match named(agreement, Direction::leads_in) {
                Some(ruling) if ruling.passes => return ruling,
                Some(ruling) => first = first.or(Some(ruling)),
                None => {}
            }
        }
        first.unwrap_or_else(|| unnamed(self.joined.values().next().copied()))
    }

    /// By which rule of its own agreement a change of the field on a counterpart enters the document, or does not;
    /// `None` for home, where each target's agreement decides.
    pub fn entry<'a>(&self, counterpart: &SystemName, field: &'a Field) -> Option<Ruling<'a>>
    where
        'r: 'a,
    {
        if self.is_home(counterpart) {
            return None;
        }
        let Some(agreement) = self.agreement(counterpart) else {
            return Some(Ruling { passes: false, agreement: None, rule: Rule::NoAgreement });
        };
        let direction = agreement.fields.get(field).map(|rule| rule.direction);
        Some(Ruling {
            passes: direction.is_some_and(Direction::leads_in),
            agreement: Some(agreement),
            rule: direction.map_or(Rule::Unnamed(field), |direction| Rule::Field(field, direction)),
        })
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
        self.passage(kind, visibility, origin, to).passes
    }

    /// The same, with the rule that says so.
    pub fn passage(
        &self,
        kind: Kind,
        visibility: Visibility,
        origin: &Origin,
        to: &SystemName,
    ) -> Ruling<'r> {
        let agreed = self.agreed(kind, visibility, &origin.system, to);
        if !agreed.passes && self.is_shown(kind, visibility, origin, to) {
            return Ruling { passes: true, rule: Rule::Granted, ..agreed };
        }
        agreed
    }

    /// What the agreements say to it, without what is granted in this case.
    pub(crate) fn agreed(
        &self,
        kind: Kind,
        visibility: Visibility,
        from: &SystemName,
        to: &SystemName,
    ) -> Ruling<'r> {
        let ruled = |agreement: &'r Agreement, leads: fn(Direction) -> bool| {
            let direction = kind.direction(agreement);
            Ruling { passes: leads(direction), agreement: Some(agreement), rule: Rule::Said(kind, direction) }
        };
        let refused = |agreement, rule| Ruling { passes: false, agreement, rule };
        let unseen = |agreement: &'r Agreement| match visibility {
            Visibility::Public => None,
            Visibility::Internal => Some(Rule::Internal(agreement.internal)),
            Visibility::Unknown => Some(Rule::Unknown),
        };
        match (self.agreement(from), self.agreement(to)) {
            (Some(source), None) if self.is_home(to) => match unseen(source) {
                Some(Rule::Internal(_)) => refused(Some(source), Rule::Internal(Internal::None)),
                Some(rule) => refused(Some(source), rule),
                None => ruled(source, Direction::leads_in),
            },
            (None, Some(target)) if self.is_home(from) => match unseen(target) {
                Some(Rule::Internal(Internal::AsInternal)) => {
                    let ruling = ruled(target, Direction::leads_out);
                    Ruling {
                        rule: if ruling.passes { Rule::Internal(Internal::AsInternal) } else { ruling.rule },
                        ..ruling
                    }
                }
                Some(rule) => refused(Some(target), rule),
                None => ruled(target, Direction::leads_out),
            },
            (Some(source), Some(_)) if from == to => refused(Some(source), Rule::Own),
            (Some(source), Some(target)) => {
                let comes_in = ruled(source, Direction::leads_in);
                let goes_out = ruled(target, Direction::leads_out);
                match unseen(source) {
                    Some(Rule::Internal(_)) => refused(Some(source), Rule::Internal(Internal::None)),
                    Some(rule) => refused(Some(source), rule),
                    None if !comes_in.passes => comes_in,
                    None if goes_out.passes && !self.introduced(from, target) => {
                        refused(Some(target), Rule::NotIntroduced)
                    }
                    None => goes_out,
                }
            }
            (None, None) if from == to => refused(None, Rule::Own),
            (Some(_), None) | (None, Some(_) | None) => refused(None, Rule::NoAgreement),
        }
    }

    /// Whether the agreement leads a counterpart's value of the field home.
    pub fn leads_in(&self, counterpart: &SystemName, field: &Field) -> bool {
        self.entry(counterpart, field).is_some_and(|ruling| ruling.passes)
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

    fn directions(&self, field: &Field) -> impl Iterator<Item = Direction> {
        self.joined.values().filter_map(|agreement| agreement.fields.get(field)).map(|rule| rule.direction)
    }
}

impl Agreement {
    fn shares_internal(&self) -> bool {
        self.internal == Internal::AsInternal
    }
}

impl fmt::Display for Rule<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(field, direction) => write!(f, "the field {field} travels {direction}"),
            Self::Unnamed(field) => write!(f, "the agreement does not name the field {field}"),
            Self::Said(Kind::Comments, direction) => write!(f, "comments travel {direction}"),
            Self::Said(Kind::Files, direction) => write!(f, "files travel {direction}"),
            Self::Internal(Internal::None) => f.write_str("what is internal stays in its system"),
            Self::Internal(Internal::AsInternal) => f.write_str("what is internal crosses as internal"),
            Self::Granted => f.write_str("a grant in this case shows it, until its end"),
            Self::Unknown => f.write_str("the system does not say who may read it"),
            Self::NotIntroduced => f.write_str("the two counterparts are not introduced to each other"),
            Self::Own => f.write_str("it came from there"),
            Self::NoAgreement => f.write_str("no agreement is in force between the two"),
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Both => "both ways",
            Self::Outbound => "outbound only",
            Self::Inbound => "inbound only",
            Self::None => "not at all",
        })
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
