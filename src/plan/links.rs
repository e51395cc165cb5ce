//! Links: how the counterpart of a ticket is shown there, and kept current: its number, its status, who has the ball and
//! what it said last.
//!
//! A pure function of the case: the same case is shown in the same way, however often it is planned.

use std::collections::BTreeSet;

use throughline_sdk::{
    CommentId, IntentId, Linking, Marker, Operation, Reference, SystemName, Ticket, Visibility,
};

use super::decide::Decision;
use super::marker;
use super::planner::Planner;
use super::project::{Target, Write};
use crate::agreement::{Account, Kind, LastWord, Redacted, Refused, Release, Standing, label, standing};
use crate::case::{
    Field, Fingerprint, Health, Item, Leg, OfferState, Origin, PartyName, Phase, Remark, Role, Status,
};

/// What there is to be shown of a ticket's counterpart. Who may not see a thing has none of it here.
#[derive(Debug)]
struct Shown<'t> {
    label: String,
    url: Option<String>,
    /// How its ticket or its offer stands, where that is no status.
    state: Option<&'static str>,
    /// The request's status, in Throughline's words.
    status: Option<&'t str>,
    ball: Option<String>,
    last: Option<(&'t Origin, &'t Remark)>,
    /// A status is on its way to it: what it comes to is waited for.
    moves: bool,
}

impl Shown<'_> {
    /// Stands for all of it, so that a link is renewed when any of it has changed and at no other time.
    fn print(&self, able: Linking) -> Fingerprint {
        let last = self.last.map(|(origin, remark)| format!("{origin} {}", remark.version));
        let summary =
            [self.state.map(str::to_owned), self.status.map(str::to_owned), self.ball.clone(), last];
        let summary = if able.summarizes() { summary } else { [const { None }; 4] };
        let head = [Some(self.label.clone()), self.url.clone()];
        let parts = head.into_iter().chain(summary).map(Option::unwrap_or_default);
        Fingerprint::of(&parts.collect::<Vec<_>>().join("\n"))
    }
}

impl Target<'_> {
    /// What becomes of the link to each other ticket that this one may know of.
    pub(super) fn links(&self) -> Vec<(Item, Decision)> {
        let others = self.case.legs.iter().filter(|(other, _)| *other != self.name);
        others
            .filter_map(|(other, leg)| Some((Item::LinkBack(other.clone()), self.link(other, leg)?)))
            .collect()
    }

    fn link(&self, other: &SystemName, leg: &Leg) -> Option<Decision> {
        let shown = self.counterpart(other, leg)?;
        let value = shown.print(self.able.link_back);
        let linked = self.leg.linked.contains(other);
        let current = self.leg.shown.get(other);
        // A desk that shows no more than a link has it for good. So has, of what is over, a ticket of the time before
        // there were summaries.
        let over = matches!(self.status(), Some(Status::Closed | Status::Cancelled));
        let settled = !self.able.link_back.summarizes() || shown.moves || (over && current.is_none());
        if current == Some(&value) || (linked && settled) {
            return Some(Decision::Has);
        }
        let item = Item::LinkBack(other.clone());
        let reference = match self.reference(&shown) {
            Ok(reference) => reference,
            Err(refused) => return Some(self.refuse(&item, value, refused)),
        };
        let (reference, account) = reference;
        let operation = Operation::LinkBack(reference);
        Some(self.want(Write { item, value: Some(value), operation, version: Some(1), account }))
    }

    /// The link to another ticket of the case as it would be written now, for readers.
    pub(super) fn link_text(&self, other: &SystemName) -> Option<String> {
        let shown = self.counterpart(other, self.case.legs.get(other)?)?;
        let (reference, _) = self.reference(&shown).ok()?;
        Some(reference.line(usize::MAX))
    }

    /// Whether a link that was planned says what is to be said now, or as much of it as is certain.
    pub(super) fn is_current(&self, other: &SystemName, value: &Fingerprint) -> bool {
        let shown = self.case.legs.get(other).and_then(|leg| self.counterpart(other, leg));
        shown.is_none_or(|shown| shown.moves || shown.print(self.able.link_back) == *value)
    }

    fn reference(&self, shown: &Shown<'_>) -> Result<(Reference, Account), Refused> {
        let link = Reference::new(shown.label.clone(), shown.url.clone());
        if !self.able.link_back.summarizes() {
            return Ok((link, Account::default()));
        }
        let status = shown.status.and_then(|status| self.shown(&Field::Status, status).ok());
        let status = status.map(Redacted::into_intent);
        let told =
            |last| Standing { state: shown.state.or(status.as_deref()), ball: shown.ball.as_deref(), last };
        let agreement = self.sharing.agreement(self.name);
        let last = shown.last.map(|(origin, remark)| {
            // What a person let through stands there as it is.
            let release = self.release(&Item::Remark(origin.clone()), &remark.print);
            (LastWord { written: remark.written, text: remark.words() }, release)
        });
        let summary = match last {
            None => {
                let release = Release { names: self.view.names, approved: false };
                standing(&told(None), agreement, &release)?
            }
            Some((last, release)) => match standing(&told(Some(last)), agreement, &release) {
                Err(refused @ Refused::Unnamed(_)) => return Err(refused),
                // It is not for a person to look at twice: that something was said is told without the words.
                Err(_) => standing(&told(Some(LastWord { text: None, ..last })), agreement, &release)?,
                Ok(summary) => summary,
            },
        };
        let account = summary.account().clone();
        Ok((Reference { summary: Some(summary.into_intent()).filter(|it| !it.is_empty()), ..link }, account))
    }

    /// What this ticket may show of another one; `None` where it may not know of it, or there is nothing to show yet.
    fn counterpart<'t>(&'t self, other: &'t SystemName, leg: &'t Leg) -> Option<Shown<'t>> {
        if self.able.link_back == Linking::None || !self.sharing.links(self.name, other) {
            return None;
        }
        let home = self.sharing.is_home(self.name);
        let lost = match leg.health {
            Health::Well => None,
            Health::Gone => Some("its ticket is gone"),
            Health::Merged { .. } => Some("its ticket was merged into another one"),
        };
        // What became of a ticket at home is nobody else's concern.
        let there = leg.ticket.is_some() && (lost.is_none() || (home && self.leg.linked.contains(other)));
        let (key, system) = (leg.key.as_ref().filter(|_| there)?, self.view.rules.systems.get(other)?);
        let (status, moves) = match lost {
            None => self.status_of(other, leg),
            Some(_) => (None, false),
        };
        Some(Shown {
            label: label(&system.party_title, key).into_intent(),
            url: self.address(home, leg),
            state: lost
                .or_else(|| leg.offer.as_ref().filter(|_| home).and_then(|offer| awaited(offer.state))),
            status,
            ball: self.ball(home),
            last: self.last_word(other),
            moves,
        })
    }

    /// The request's status as far as the other ticket has it and this one may be shown it, and whether the other one is
    /// on its way to it. Asked of the very decision that the planner acts on, so that it does not matter which of the two
    /// is planned for first.
    fn status_of<'t>(&'t self, other: &'t SystemName, leg: &'t Leg) -> (Option<&'t str>, bool) {
        let (Some(status), Some(able)) = (self.value(&Field::Status), self.view.capabilities.get(other))
        else {
            return (None, false);
        };
        if self.sharing.offer(other).is_some() {
            return (None, false);
        }
        match (Target { name: other, leg, able, ..*self }).field(&Field::Status) {
            Decision::Has | Decision::Agrees(_) => (Some(status), false),
            Decision::Send(_) | Decision::UnderWay | Decision::Unread(_) | Decision::Unnamed(_) => {
                (None, true)
            }
            // It is given no status, and says its own.
            Decision::Unshared => {
                let agreed = leg.shadow.fields.get(&Field::Status).and_then(|seen| seen.agreed.as_ref());
                (Some(status).filter(|status| agreed == Some(&Fingerprint::of(status))), false)
            }
            Decision::Disputed
            | Decision::Outrun
            | Decision::Behind
            | Decision::Unstored
            | Decision::Unprepared
            | Decision::Leaks
            | Decision::NotAccepted { .. }
            | Decision::Parked
            | Decision::Refused { .. }
            | Decision::Held { .. }
            | Decision::Kept { .. }
            | Decision::ByHand { .. }
            | Decision::Recalled { .. } => (None, false),
        }
    }

    /// Where a person opens the case, if these may; else, at home, the counterpart's ticket. Where the home desk stands
    /// is nobody else's concern.
    fn address(&self, home: bool, leg: &Leg) -> Option<String> {
        let guests = self.sharing.agreement(self.name).is_some_and(|agreement| agreement.guest_link);
        let console = self.view.rules.console.as_ref().filter(|_| home || guests);
        let case = console.map(|console| format!("{console}/cases/{}", self.case.id));
        case.or_else(|| leg.url.clone().filter(|_| home))
    }

    /// Who has the ball. A counterpart is told of itself and of home, never of another party.
    fn ball(&self, home: bool) -> Option<String> {
        let holder = &self.case.custody.holder.as_ref()?.party;
        let other = if *holder == self.leg.party {
            return Some("your turn".to_owned());
        } else if home {
            holder
        } else {
            &self.case.legs.values().find(|leg| leg.role == Role::Home)?.party
        };
        Some(format!("with {}", self.title(other)))
    }

    fn title<'t>(&'t self, party: &'t PartyName) -> &'t str {
        let system = self.view.rules.systems.values().find(|system| system.party == *party);
        system.map_or(party.0.as_str(), |system| &system.party_title)
    }

    /// What the other one said last in public that stands on this ticket. What is shown by a grant, and so not for good,
    /// is not told again.
    fn last_word<'t>(&'t self, other: &SystemName) -> Option<(&'t Origin, &'t Remark)> {
        if !self.sharing.agreed(Kind::Comments, Visibility::Public, other, self.name).passes {
            return None;
        }
        let copies = self.leg.shadow.comments.values();
        let remarks = copies.filter(|seen| seen.origin.system == *other && !seen.gone).filter_map(|seen| {
            let (origin, remark) = self.case.document.remarks.get_key_value(&seen.origin)?;
            (seen.version >= remark.version && !remark.internal && !remark.withdrawn)
                .then_some((origin, remark))
        });
        remarks.max_by_key(|(origin, remark)| (remark.written, origin.place()))
    }

    fn status(&self) -> Option<Status> {
        Status::from_word(&self.case.document.fields.get(&Field::Status)?.value)
    }
}

/// How an offer stands that is not accepted.
fn awaited(state: OfferState) -> Option<&'static str> {
    match state {
        OfferState::Accepted => None,
        OfferState::Offered => Some("not accepted yet"),
        OfferState::InformationRequested => Some("asked something before it accepts"),
        OfferState::Rejected => Some("not taken on"),
        OfferState::Withdrawn => Some("offer taken back"),
    }
}

impl Planner<'_> {
    /// The unsent links of a leg that say what has changed meanwhile: a newer one takes the place of each.
    pub(super) fn outdated_links(&self, name: &SystemName) -> Vec<IntentId> {
        let (Some(leg), Some(able)) = (self.case.legs.get(name), self.view.capabilities.get(name)) else {
            return Vec::new();
        };
        let sharing = self.sharing();
        let target = Target { name, leg, case: self.case, view: self.view, sharing: &sharing, able };
        let unsent = leg.outstanding.iter().filter(|sent| sent.phase == Phase::Ready && !sent.doubted);
        let outdated = unsent.filter(|sent| match (&sent.item, &sent.value) {
            (Item::LinkBack(other), Some(value)) => !target.is_current(other, value),
            _ => false,
        });
        outdated.map(|sent| sent.intent.id.clone()).collect()
    }

    /// The comments on a ticket that are nothing but a link of ours.
    pub(super) fn link_comments<'t>(&self, name: &SystemName, ticket: &'t Ticket) -> BTreeSet<&'t CommentId> {
        let marked =
            ticket.comments.iter().filter_map(|comment| Some((comment.marker.as_ref()?, &comment.id)));
        let mut marked = marked.peekable();
        if marked.peek().is_none() {
            return BTreeSet::new();
        }
        let others = self.case.legs.keys().filter(|other| *other != name);
        let links = others.map(|other| {
            let item = Item::LinkBack(other.clone());
            marker(self.view.markers, self.case.id, name, &item, 1)
        });
        let links: BTreeSet<Marker> = links.collect();
        marked.filter(|(marker, _)| links.contains(marker)).map(|(_, id)| id).collect()
    }
}
