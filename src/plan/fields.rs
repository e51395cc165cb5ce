//! Reading a leg: what differs from its shadow, which of that answers our own writes, and what is lifted.

use throughline_sdk::{ErrorKind, SystemName, Ticket};

use super::merge::{Claim, Verdict, verdict};
use super::native::{answers, same, value_in};
use super::planner::Planner;
use crate::agreement::{Release, Sharing};
use crate::case::{Fact, Field, FieldValue, Fingerprint, Item, Reading, Role, Status, WrittenValue};

/// How a leg's reading is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum First {
    /// The ticket that opens the case: all of it is news.
    Opening,
    /// The ticket is of our own making and was never read: the document is master.
    Made,
    /// It was read before.
    No,
}

/// What follows from a reading besides the reading itself.
#[derive(Debug, Default)]
pub(super) struct News {
    pub(super) reading: Reading,
    /// Facts that have to stand before the reading.
    pub(super) before: Vec<Fact>,
    /// Facts that follow from the reading.
    pub(super) after: Vec<Fact>,
}

impl Planner<'_> {
    /// Takes in the observation of a leg, if there is one.
    pub(super) fn observe(&mut self, leg: &SystemName) {
        let view = self.view;
        let Some(ticket) = view.observations.get(leg) else { return };
        if self.able(leg, &self.sharing()).is_none() {
            return;
        }
        self.recognize(leg, ticket);
        self.settle(leg, ticket);
        let Some(standing) = self.case.legs.get(leg) else { return };
        if standing.ticket.is_none() {
            return;
        }
        let first = if standing.shadow.updated.is_none() { First::Made } else { First::No };
        let home = standing.role == Role::Home;
        self.hear(leg, ticket);
        self.read(leg, ticket, first);
        if home {
            self.widen(leg, ticket);
        }
    }

    /// Reads a ticket against its shadow and lifts what its people changed.
    pub(super) fn read(&mut self, leg: &SystemName, ticket: &Ticket, first: First) {
        let sharing = self.sharing();
        let mut news = News::default();
        self.read_head(leg, ticket, &mut news.reading);
        let shared = sharing.fields(leg);
        for field in &shared {
            self.read_field(leg, ticket, field, first, &sharing, &mut news);
        }
        self.read_back_told(leg, ticket, &shared, &mut news.reading);
        self.read_comments(leg, ticket, &sharing, &mut news);
        note_lost(ticket, &mut news.reading);
        self.read_files(leg, ticket, &sharing, &mut news);
        for fact in news.before {
            self.say(fact);
        }
        if news.reading != Reading::default() {
            self.say(Fact::Observed { leg: leg.clone(), reading: news.reading });
        }
        for fact in news.after {
            self.say(fact);
        }
    }

    fn read_head(&self, leg: &SystemName, ticket: &Ticket, reading: &mut Reading) {
        let Some(standing) = self.case.legs.get(leg) else { return };
        if standing.ticket.is_none() {
            reading.ticket = Some(ticket.id.clone());
        }
        if standing.key.as_ref() != Some(&ticket.key) {
            reading.key = Some(ticket.key.clone());
        }
        if ticket.url.is_some() && standing.url != ticket.url {
            reading.url.clone_from(&ticket.url);
        }
        if ticket.version.is_some() && standing.shadow.version != ticket.version {
            reading.version.clone_from(&ticket.version);
        }
        if standing.shadow.updated != Some(ticket.updated) {
            reading.updated = Some(ticket.updated);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one field of one reading, with all that surrounds it")]
    fn read_field(
        &self,
        leg: &SystemName,
        ticket: &Ticket,
        field: &Field,
        first: First,
        sharing: &Sharing<'_>,
        news: &mut News,
    ) {
        let Some(standing) = self.case.legs.get(leg) else { return };
        let native = value_in(ticket, field);
        let shadow = standing.shadow.fields.get(field);
        let changed = shadow.and_then(|shadow| shadow.seen.as_ref()) != Some(&Fingerprint::of(native))
            || self.counts_from_now(leg, field);
        let agreed = shadow.and_then(|shadow| shadow.agreed.clone());
        let written = shadow.and_then(|shadow| shadow.written.as_ref());
        let document = self.case.document.fields.get(field);
        let current = document.map(|document| Fingerprint::of(&document.value));

        // What we never gave the ticket was set by its own people, before we first read it.
        let unsaid = document.is_none() || (*field == Field::Status && standing.offer.is_some());
        let theirs = unsaid && !native.is_empty();
        if first == First::Made && !theirs {
            news.reading.fields.insert(field.clone(), native.to_owned());
            let shown = self.shown(leg, field, sharing);
            match (shown, current) {
                (Some(shown), Some(current)) if answers(field, &shown, native) => {
                    news.reading.agreed.insert(field.clone(), current);
                }
                _ => self.replace(leg, field, native, sharing, news),
            }
            return;
        }

        let sent = written.map(|written| (written.sent.as_str(), &written.value));
        let standing_intents =
            standing.outstanding.iter().rev().filter(|standing| !self.came_later(leg, standing)).filter_map(
                |standing| Some((standing.intent.operation.value(field)?, standing.value.as_ref()?)),
            );
        let echo = sent.into_iter().chain(standing_intents).find(|(sent, _)| answers(field, sent, native));
        if let Some((_, value)) = echo
            && (changed || written.is_some())
        {
            if changed {
                news.reading.fields.insert(field.clone(), native.to_owned());
            }
            news.reading.agreed.insert(field.clone(), value.clone());
            return;
        }
        // A write that took effect and cannot be read back was undone by somebody: that is a change too.
        if !changed && written.is_none() {
            return;
        }
        news.reading.fields.insert(field.clone(), native.to_owned());

        let shown = self.shown(leg, field, sharing);
        let agreement = sharing.agreement(leg);
        let value = match self.view.rules.lift(leg, agreement, field, native, self.view.names) {
            Ok(value) => value,
            Err(untranslatable) => {
                // It neither agrees nor wants anything else: whatever it agreed to before still stands.
                if let Some(agreed) = agreed {
                    news.reading.agreed.insert(field.clone(), agreed);
                }
                news.after.push(Fact::Parked {
                    leg: leg.clone(),
                    item: Item::Field(field.clone()),
                    want: Fingerprint::of(native),
                    kind: ErrorKind::Malformed,
                    reason: untranslatable.to_string(),
                    intent: None,
                });
                return;
            }
        };
        let item = Item::Field(field.clone());
        if standing.parked.get(&item).is_some_and(crate::case::Parked::is_untranslatable) {
            news.before.push(Fact::Unparked {
                leg: leg.clone(),
                item,
                discarded: false,
                by: String::new(),
                reason: String::new(),
            });
        }
        if let (Some(shown), Some(current)) = (&shown, &current)
            && same(field, shown, native)
        {
            news.reading.agreed.insert(field.clone(), current.clone());
            if let Some(document) = document {
                self.dispute(leg, field, &document.value, news);
            }
            return;
        }
        // A status that a ticket of our own making begins with says that nobody has begun.
        let begins =
            *field == Field::Status && first == First::Made && value.as_deref() == Some(Status::New.word());
        let Some(value) = value.filter(|_| !begins || standing.offer.is_none()) else { return };
        if !sharing.is_source(leg, field) {
            let offer = standing.offer.as_ref().filter(|offer| offer.is_open());
            if offer.is_some_and(|offer| !offer.set_before.contains(field)) && sharing.leads_in(leg, field) {
                news.after.push(Fact::SetBefore { leg: leg.clone(), field: field.clone() });
            }
            return;
        }
        let claim = Claim { leg, home: sharing.is_home(leg), value: &value, at: ticket.updated };
        self.lift(&claim, field, agreed.as_ref(), sharing, news);
    }

    /// Between our create and the first reading somebody, or the desk itself, was faster: the document stays master,
    /// and the record tells what it replaces.
    fn replace(&self, leg: &SystemName, field: &Field, native: &str, sharing: &Sharing<'_>, news: &mut News) {
        let Some(document) = self.case.document.fields.get(field) else { return };
        let disputed = self.case.document.conflicts.contains_key(field);
        if native.is_empty() || disputed || !sharing.is_source(leg, field) {
            return;
        }
        let agreement = sharing.agreement(leg);
        let lifted = self.view.rules.lift(leg, agreement, field, native, self.view.names).ok().flatten();
        let value = lifted.unwrap_or_else(|| native.to_owned());
        if value != document.value {
            news.after.push(kept(field, document));
            overrule(news, (leg.clone(), value));
        }
    }

    fn lift(
        &self,
        claim: &Claim<'_>,
        field: &Field,
        agreed: Option<&Fingerprint>,
        sharing: &Sharing<'_>,
        news: &mut News,
    ) {
        if self.dispute(claim.leg, field, claim.value, news) {
            return;
        }
        let Some(document) = self.case.document.fields.get(field) else {
            // A field that was never filled is no news while it is empty.
            if !claim.value.is_empty() {
                accept(claim, field, claim.value, news);
            }
            return;
        };
        let current = Fingerprint::of(&document.value);
        if document.value == claim.value {
            news.reading.agreed.insert(field.clone(), current);
            return;
        }
        let moved = agreed != Some(&current) && document.from != *claim.leg;
        let counterpart = if claim.home { &document.from } else { claim.leg };
        let policy = sharing.policy(counterpart, field).filter(|_| moved);
        let Some(policy) = policy else {
            return accept(claim, field, claim.value, news);
        };
        match verdict(policy, field, claim, document, sharing.is_home(&document.from)) {
            Verdict::Claim => {
                let loser = (document.from.clone(), document.value.clone());
                accept(claim, field, claim.value, news);
                overrule(news, loser);
            }
            Verdict::Document => {
                news.after.push(kept(field, document));
                overrule(news, (claim.leg.clone(), claim.value.to_owned()));
            }
            Verdict::Union(all) if all == document.value => {}
            Verdict::Union(all) => accept(claim, field, &all, news),
            Verdict::Ask => {
                let wanted = [
                    (document.from.clone(), document.value.clone()),
                    (claim.leg.clone(), claim.value.to_owned()),
                ];
                news.after.push(Fact::Disputed { field: field.clone(), wanted: wanted.into() });
            }
        }
    }

    /// Notes what a leg wants now in a standing dispute, and ends the dispute once all want the same.
    /// Whether there was one.
    fn dispute(&self, leg: &SystemName, field: &Field, value: &str, news: &mut News) -> bool {
        let Some(conflict) = self.case.document.conflicts.get(field) else { return false };
        let document = self.case.document.fields.get(field);
        let mut wanted = conflict.wanted.clone();
        wanted.insert(leg.clone(), value.to_owned());
        if wanted.values().any(|other| other != value) {
            if wanted != conflict.wanted {
                news.after.push(Fact::Disputed { field: field.clone(), wanted });
            }
            return true;
        }
        news.reading.agreed.insert(field.clone(), Fingerprint::of(value));
        news.after.push(match document {
            Some(document) if document.value == value => Fact::Settled { field: field.clone() },
            Some(_) | None => Fact::Changed {
                field: field.clone(),
                value: value.to_owned(),
                leg: leg.clone(),
                changed: self.view.observations.get(leg).map_or(self.view.now, |ticket| ticket.updated),
                overruled: std::collections::BTreeMap::new(),
            },
        });
        true
    }

    /// The document's value as this leg is shown it.
    fn shown(&self, leg: &SystemName, field: &Field, sharing: &Sharing<'_>) -> Option<String> {
        let document = self.case.document.fields.get(field)?;
        let agreement = sharing.agreement(leg);
        // Only compared, so that whoever had to let it through has done so.
        let release = Release { names: self.view.names, approved: true };
        let (item, want) = (Item::Field(field.clone()), Fingerprint::of(&document.value));
        let instead = self.case.legs.get(leg).and_then(|leg| leg.instead(&item, &want));
        let value = instead.unwrap_or(&document.value);
        let shown = self.view.rules.project(leg, agreement, field, value, &release).ok()?;
        Some(shown.into_intent())
    }
}

/// What reading lost is said with the text that lost it, and so once for each text that is new or changed.
fn note_lost(ticket: &Ticket, reading: &mut Reading) {
    for lost in &ticket.lost {
        let place = match &lost.comment {
            None if reading.fields.contains_key(&Field::Description) => Some(&mut reading.lost),
            None => None,
            Some(id) => {
                reading.comments.iter_mut().find(|comment| comment.id == *id).map(|comment| &mut comment.lost)
            }
        };
        if let Some(place) = place.filter(|place| !place.contains(&lost.what)) {
            place.push(lost.what.clone());
        }
    }
}

/// Makes `value` the document's; the leg agrees to it if it is what the leg wanted.
fn accept(claim: &Claim<'_>, field: &Field, value: &str, news: &mut News) {
    if value == claim.value {
        news.reading.agreed.insert(field.clone(), Fingerprint::of(value));
    }
    news.after.push(Fact::Changed {
        field: field.clone(),
        value: value.to_owned(),
        leg: claim.leg.clone(),
        changed: claim.at,
        overruled: std::collections::BTreeMap::new(),
    });
}

/// The document's value once more, to stand beside those it overruled.
fn kept(field: &Field, document: &FieldValue) -> Fact {
    Fact::Changed {
        field: field.clone(),
        value: document.value.clone(),
        leg: document.from.clone(),
        changed: document.at,
        overruled: std::collections::BTreeMap::new(),
    }
}

fn overrule(news: &mut News, (leg, value): (SystemName, String)) {
    if let Some(Fact::Changed { overruled, .. }) = news.after.last_mut() {
        overruled.insert(leg, value);
    }
}
