//! The one place where the desk changes: each write checked, applied, numbered and announced in one step.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use chrono::SubsecRound;
use throughline_sdk::Timestamp;

use super::faults::{Dice, Faults, normalise};
use super::model::{Action, Actor, Comment, File, Made, Patch, Reference, Refusal, Settings, Ticket, Write};
use super::webhook::{Delivery, Registration};

/// Everything behind the desk's lock. It is held for one write or one look-up, never across an await.
#[derive(Debug)]
pub(super) struct State {
    pub(super) tickets: BTreeMap<u64, Arc<Ticket>>,
    pub(super) merged: BTreeMap<u64, u64>,
    pub(super) history: Vec<Write>,
    pub(super) registrations: Vec<Registration>,
    pub(super) outbox: VecDeque<Delivery>,
    pub(super) faults: Faults,
    pub(super) dice: Dice,
    markers: BTreeMap<String, Vec<Marked>>,
    late: BTreeMap<(Timestamp, u64), (Action, Option<String>, Once)>,
    next_ticket: u64,
    next_id: u64,
}

/// Something that bears a marker, and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Marked {
    pub(super) ticket: u64,
    pub(super) what: What,
    at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Ticket,
    Comment(u64),
    File(u64),
}

/// Whether a write with a marker that is there already is done again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Once {
    /// The marker is an idempotency key: the first write's result is answered.
    Key,
    /// The marker is an external id: the ticket that bears it is changed instead of created.
    Upsert,
    /// It is only written down.
    No,
}

impl State {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            tickets: BTreeMap::new(),
            merged: BTreeMap::new(),
            history: Vec::new(),
            registrations: Vec::new(),
            outbox: VecDeque::new(),
            faults: Faults::default(),
            dice: Dice::new(settings.seed),
            markers: BTreeMap::new(),
            late: BTreeMap::new(),
            next_ticket: 1,
            next_id: 1,
        }
    }

    /// Applies the late commits that are due and answers whether there were any.
    pub(super) fn catch_up(&mut self, settings: &Settings, now: Timestamp) -> bool {
        let before = self.late.len();
        while let Some(entry) = self.late.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let ((at, _), (action, marker, once)) = entry.remove_entry();
            // Nobody waits for the answer any more, so a refusal has nobody to go to.
            drop(self.write_once(settings, at, action, marker, once));
        }
        self.late.len() < before
    }

    /// Keeps a write of the interface back until `due`.
    pub(super) fn postpone(&mut self, due: Timestamp, action: Action, marker: Option<String>, once: Once) {
        self.next_id += 1;
        self.late.insert((due, self.next_id), (action, marker, once));
    }

    /// A write of the interface.
    pub(super) fn write_once(
        &mut self,
        settings: &Settings,
        now: Timestamp,
        action: Action,
        marker: Option<String>,
        once: Once,
    ) -> Result<Made, Refusal> {
        let first = marker.as_ref().and_then(|marker| self.markers.get(marker)?.first());
        if once == Once::Key
            && let Some(first) = first
        {
            let id = match first.what {
                What::Ticket => None,
                What::Comment(id) | What::File(id) => Some(id),
            };
            return Ok(Made { ticket: self.ticket(first.ticket)?, id });
        }
        let action = match (once, first, action) {
            (Once::Upsert, Some(first), Action::Create(patch)) => {
                Action::Patch { ticket: first.ticket, patch, expected: None }
            }
            (Once::Upsert | Once::Key | Once::No, _, action) => action,
        };
        let action = if self.faults.normalise_text { normalised(action) } else { action };
        self.write(settings, now, Actor::Api, action, marker)
    }

    pub(super) fn write(
        &mut self,
        settings: &Settings,
        now: Timestamp,
        who: Actor,
        action: Action,
        marker: Option<String>,
    ) -> Result<Made, Refusal> {
        let stamp = if self.faults.coarse_clock { now.trunc_subsecs(0) } else { now };
        let made = self.change(settings, stamp, &who, &action, marker.as_ref())?;
        let number = made.ticket.number;
        if let Some(marker) = &marker {
            let what = match (&action, made.id) {
                (Action::Attach { .. }, Some(id)) => What::File(id),
                (_, Some(id)) => What::Comment(id),
                (_, None) => What::Ticket,
            };
            if matches!(action, Action::Create(_) | Action::Comment { .. } | Action::Attach { .. }) {
                self.markers.entry(marker.clone()).or_default().push(Marked {
                    ticket: number,
                    what,
                    at: now,
                });
            }
        }
        self.announce(&action, &made.ticket);
        let sequence = u64::try_from(self.history.len()).unwrap_or(u64::MAX) + 1;
        self.history.push(Write { sequence, at: now, who, marker, ticket: number, action });
        Ok(made)
    }

    /// The ticket under this number, or the one it was merged into.
    pub(super) fn ticket(&self, number: u64) -> Result<Arc<Ticket>, Refusal> {
        let number = self.merged.get(&number).copied().unwrap_or(number);
        self.tickets.get(&number).cloned().ok_or_else(|| Refusal::Missing(format!("ticket {number}")))
    }

    /// What bears a marker, as far as the search has got.
    pub(super) fn find(&self, marker: &str, now: Timestamp) -> Vec<Marked> {
        let lag = self.faults.find_lag;
        let all = self.markers.get(marker).map(Vec::as_slice).unwrap_or_default();
        all.iter().filter(|marked| marked.at + lag <= now).cloned().collect()
    }

    /// Up to `limit` writes after a sequence number, as sequence and ticket, as far as the list has got.
    pub(super) fn changes(&self, after: u64, limit: usize, now: Timestamp) -> Vec<(u64, u64)> {
        let lag = self.faults.feed_lag;
        let rows = self.history.iter().skip(usize::try_from(after).unwrap_or(usize::MAX));
        rows.take_while(|write| write.at + lag <= now).take(limit).map(|w| (w.sequence, w.ticket)).collect()
    }

    /// The sequence number of the last write that the list of changes shows.
    pub(super) fn last_sequence(&self, now: Timestamp) -> u64 {
        let lag = self.faults.feed_lag;
        self.history.iter().rev().find(|write| write.at + lag <= now).map_or(0, |write| write.sequence)
    }

    fn change(
        &mut self,
        settings: &Settings,
        now: Timestamp,
        who: &Actor,
        action: &Action,
        marker: Option<&String>,
    ) -> Result<Made, Refusal> {
        let number = match action {
            Action::Create(patch) => return self.raise(settings, now, who, patch, marker),
            Action::Delete { ticket } => {
                let gone = self.ticket(*ticket)?;
                self.tickets.remove(&gone.number);
                return Ok(Made { ticket: gone, id: None });
            }
            Action::Merge { ticket, into } => {
                let (from, target) = (self.ticket(*ticket)?, self.ticket(*into)?);
                if from.number == target.number {
                    return Err(Refusal::Invalid(format!("ticket {into} cannot be merged into itself")));
                }
                self.tickets.remove(&from.number);
                for earlier in self.merged.values_mut().filter(|earlier| **earlier == from.number) {
                    *earlier = target.number;
                }
                self.merged.insert(from.number, target.number);
                target.number
            }
            Action::Patch { ticket, .. }
            | Action::Comment { ticket, .. }
            | Action::Edit { ticket, .. }
            | Action::Show { ticket, .. }
            | Action::Retract { ticket, .. }
            | Action::Attach { ticket, .. }
            | Action::Link { ticket, .. } => self.merged.get(ticket).copied().unwrap_or(*ticket),
        };
        let missing = || Refusal::Missing(format!("ticket {number}"));
        let stored = self.tickets.get_mut(&number).ok_or_else(missing)?;
        if let Action::Patch { patch, expected, .. } = action {
            check(settings, patch)?;
            if let Some(expected) = expected
                && *expected != stored.version
            {
                return Err(Refusal::Stale { ticket: number, version: stored.version });
            }
            if let Some(status) = &patch.status {
                let step = (stored.status.clone(), status.clone());
                if self.faults.refused_transitions.contains(&step) {
                    let (from, to) = step;
                    return Err(Refusal::Invalid(format!("a ticket does not go from {from} to {to} here")));
                }
            }
        }
        if let Action::Edit { comment, .. } | Action::Show { comment, .. } | Action::Retract { comment, .. } =
            action
            && !stored.comments.iter().any(|other| other.id == *comment)
        {
            return Err(Refusal::Missing(format!("comment {comment} of ticket {number}")));
        }
        let author = who.name().to_owned();
        let id = self.next_id;
        let ticket = Arc::make_mut(stored);
        let mut made = None;
        match action {
            Action::Patch { patch, .. } => set(ticket, patch),
            Action::Comment { body, internal, .. } => {
                let (body, marker) = (body.clone(), marker.cloned());
                ticket.comments.push(Comment { id, author, body, internal: *internal, created: now, marker });
                made = Some(id);
            }
            Action::Edit { comment, body, .. } => {
                if let Some(found) = ticket.comments.iter_mut().find(|other| other.id == *comment) {
                    found.body.clone_from(body);
                }
            }
            Action::Show { comment, internal, .. } => {
                if let Some(found) = ticket.comments.iter_mut().find(|other| other.id == *comment) {
                    found.internal = *internal;
                }
            }
            Action::Retract { comment, .. } => ticket.comments.retain(|other| other.id != *comment),
            Action::Attach { name, media_type, bytes, internal, .. } => {
                ticket.files.push(File {
                    id,
                    name: name.clone(),
                    media_type: media_type.clone(),
                    size: bytes.len(),
                    internal: *internal,
                    author,
                    created: now,
                    marker: marker.cloned(),
                    bytes: bytes.clone(),
                });
                made = Some(id);
            }
            Action::Link { reference, .. } => {
                let same = |it: &Reference| match &reference.name {
                    Some(name) => it.name.as_ref() == Some(name),
                    None => it == reference,
                };
                match ticket.references.iter_mut().find(|it| same(it)) {
                    Some(standing) => standing.clone_from(reference),
                    None => ticket.references.push(reference.clone()),
                }
            }
            Action::Create(_) | Action::Delete { .. } | Action::Merge { .. } => {}
        }
        self.next_id += 1;
        ticket.version += 1;
        ticket.updated = now;
        Ok(Made { ticket: Arc::clone(stored), id: made })
    }

    fn raise(
        &mut self,
        settings: &Settings,
        now: Timestamp,
        who: &Actor,
        patch: &Patch,
        marker: Option<&String>,
    ) -> Result<Made, Refusal> {
        check(settings, patch)?;
        if patch.title.as_deref().is_none_or(|title| title.trim().is_empty()) {
            return Err(Refusal::Invalid("a ticket needs a title".to_owned()));
        }
        let number = self.next_ticket;
        self.next_ticket += 1;
        let first = |words: &[String]| words.first().cloned().unwrap_or_default();
        let mut ticket = Ticket {
            number,
            version: 1,
            title: String::new(),
            description: String::new(),
            status: settings.statuses.first().map(|(word, _)| word.clone()).unwrap_or_default(),
            priority: settings.priorities.get(1).cloned().unwrap_or_else(|| first(&settings.priorities)),
            kind: first(&settings.types),
            fields: BTreeMap::new(),
            requester: who.name().to_owned(),
            comments: Vec::new(),
            files: Vec::new(),
            references: Vec::new(),
            marker: marker.cloned(),
            created: now,
            updated: now,
        };
        set(&mut ticket, patch);
        let ticket = Arc::new(ticket);
        self.tickets.insert(number, Arc::clone(&ticket));
        Ok(Made { ticket, id: None })
    }

    fn announce(&mut self, action: &Action, ticket: &Arc<Ticket>) {
        let internal =
            matches!(action, Action::Comment { internal: true, .. } | Action::Attach { internal: true, .. });
        for registration in &self.registrations {
            if (internal && !registration.internal_comments) || self.dice.hit(self.faults.lose_webhook) {
                continue;
            }
            self.next_id += 1;
            let delivery = Delivery::new(self.next_id, registration, Arc::clone(ticket));
            if self.dice.hit(self.faults.double_webhook) {
                self.outbox.push_back(delivery.clone());
            }
            let last = if self.dice.hit(self.faults.reorder_webhook) { self.outbox.pop_back() } else { None };
            self.outbox.push_back(delivery);
            self.outbox.extend(last);
        }
    }
}

fn check(settings: &Settings, patch: &Patch) -> Result<(), Refusal> {
    let unknown =
        |what: &str, word: &str| Err(Refusal::Invalid(format!("{word:?} is no {what} of this desk")));
    match patch {
        Patch { status: Some(word), .. } if !settings.statuses.iter().any(|(known, _)| known == word) => {
            unknown("status", word)
        }
        Patch { priority: Some(word), .. } if !settings.priorities.contains(word) => {
            unknown("priority", word)
        }
        Patch { kind: Some(word), .. } if !settings.types.contains(word) => unknown("type", word),
        Patch { .. } => Ok(()),
    }
}

fn set(ticket: &mut Ticket, patch: &Patch) {
    let put = |field: &mut String, value: &Option<String>| {
        if let Some(value) = value {
            field.clone_from(value);
        }
    };
    put(&mut ticket.title, &patch.title);
    put(&mut ticket.description, &patch.description);
    put(&mut ticket.status, &patch.status);
    put(&mut ticket.priority, &patch.priority);
    put(&mut ticket.kind, &patch.kind);
    for (name, value) in &patch.fields {
        if value.is_empty() {
            ticket.fields.remove(name);
        } else {
            ticket.fields.insert(name.clone(), value.clone());
        }
    }
}

fn normalised(action: Action) -> Action {
    let patch = |mut patch: Patch| {
        patch.title = patch.title.as_deref().map(normalise);
        patch.description = patch.description.as_deref().map(normalise);
        patch
    };
    match action {
        Action::Create(inner) => Action::Create(patch(inner)),
        Action::Patch { ticket, patch: inner, expected } => {
            Action::Patch { ticket, patch: patch(inner), expected }
        }
        Action::Comment { ticket, body, internal } => {
            Action::Comment { ticket, body: normalise(&body), internal }
        }
        Action::Edit { ticket, comment, body } => Action::Edit { ticket, comment, body: normalise(&body) },
        other @ (Action::Show { .. }
        | Action::Retract { .. }
        | Action::Attach { .. }
        | Action::Link { .. }
        | Action::Delete { .. }
        | Action::Merge { .. }) => other,
    }
}
