//! The fold: what each fact makes of a case. Total: a fact that does not fit changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use throughline_sdk::{ErrorKind, Operation, Subject, SystemName, Timestamp, Visibility};

use super::{
    Attachment, Case, Conflict, Edited, Ended, Fact, Field, FieldValue, Fingerprint, Grant, GrantId,
    GrantState, Granted, Health, Holder, Item, Leg, Offer, OfferState, Origin, Outstanding, Parked, Phase,
    Reference, Remark, Resolver, SeenComment, SeenFile, Shadow, Written,
};

impl Case {
    /// Folds one fact, recorded at `at`, into the case.
    pub fn apply(&mut self, fact: &Fact, at: Timestamp) {
        if fact.is_news() {
            self.changed = at;
        }
        match fact {
            Fact::Opened => self.opened = at,
            Fact::Joined { leg, party, role, agreement, version } => {
                self.legs.entry(leg.clone()).or_insert_with(|| Leg {
                    ticket: None,
                    key: None,
                    url: None,
                    party: party.clone(),
                    role: *role,
                    agreement: agreement.clone(),
                    version: version.clone(),
                    shadow: Shadow::default(),
                    health: Health::Well,
                    outstanding: std::collections::VecDeque::new(),
                    dirty: false,
                    linked: BTreeSet::new(),
                    shown: BTreeMap::new(),
                    parked: BTreeMap::new(),
                    offer: None,
                    notices: BTreeSet::new(),
                    prepared: BTreeMap::new(),
                    approved: BTreeMap::new(),
                    edited: BTreeMap::new(),
                });
                self.custody.opener.get_or_insert_with(|| leg.clone());
            }
            Fact::Observed { leg, reading } => {
                if let Some(leg) = self.legs.get_mut(leg) {
                    leg.read(reading);
                }
            }
            Fact::Changed { field, value, leg, changed, .. } => {
                let value = FieldValue { value: value.clone(), from: leg.clone(), at: *changed };
                self.document.fields.insert(field.clone(), value);
                self.document.conflicts.remove(field);
            }
            Fact::Disputed { field, wanted } => {
                let conflict = self.document.conflicts.entry(field.clone());
                let conflict = conflict.or_insert_with(|| Conflict { wanted: BTreeMap::new(), since: at });
                conflict.wanted.clone_from(wanted);
            }
            Fact::Settled { field } => {
                self.document.conflicts.remove(field);
            }
            Fact::Remarked { origin, author, written, body, version, internal } => {
                let remark = Remark {
                    author: author.clone(),
                    written: *written,
                    print: Fingerprint::of(body),
                    body: Some(body.clone()),
                    beginning: None,
                    version: *version,
                    internal: *internal,
                    withdrawn: false,
                };
                self.document.remarks.insert(origin.clone(), remark);
                self.released(&origin.system, &format!("comment:{}", origin.id));
            }
            Fact::RemarkWithdrawn { origin } => {
                if let Some(remark) = self.document.remarks.get_mut(origin) {
                    remark.withdrawn = true;
                    remark.body = None;
                    remark.beginning = None;
                }
            }
            Fact::RemarkServed { origin } => {
                self.document.serve(origin);
            }
            Fact::Attached { origin, name, media_type, size, author, written, internal } => {
                let attachment = Attachment {
                    name: name.clone(),
                    media_type: media_type.clone(),
                    size: *size,
                    digest: None,
                    author: author.clone(),
                    written: *written,
                    internal: *internal,
                    withdrawn: false,
                };
                self.document.attachments.insert(origin.clone(), attachment);
                self.released(&origin.system, &format!("file:{}", origin.id));
            }
            Fact::Stored { origin, digest } => {
                if let Some(attachment) = self.document.attachments.get_mut(origin) {
                    attachment.digest = Some(digest.clone());
                }
            }
            Fact::AttachmentWithdrawn { origin } => {
                if let Some(attachment) = self.document.attachments.get_mut(origin) {
                    attachment.withdrawn = true;
                }
            }
            Fact::Withheld { leg, what, .. } => {
                if let Some(leg) = self.legs.get_mut(leg) {
                    leg.shadow.withheld.insert(what.clone());
                }
            }
            Fact::Intended { leg, item, value, intent } => {
                self.intents = self.intents.saturating_add(1);
                if let Some(leg) = self.legs.get_mut(leg) {
                    leg.parked.remove(item);
                    leg.outstanding.push_back(Outstanding {
                        intent: intent.clone(),
                        item: item.clone(),
                        value: value.clone(),
                        phase: Phase::Ready,
                        attempts: 0,
                        not_before: None,
                        overtaken: false,
                        doubted: false,
                        since: Some(at),
                    });
                }
            }
            Fact::Attempted { leg, intent, doubtful, counted, not_before, .. } => {
                if let Some(standing) = self.outstanding_mut(leg, intent) {
                    standing.attempts += u32::from(*counted);
                    standing.not_before = Some(*not_before);
                    if *doubtful {
                        standing.phase = Phase::Doubtful { since: at };
                        standing.doubted = true;
                    }
                }
            }
            Fact::Absolved { leg, intent } => {
                if let Some(standing) = self.outstanding_mut(leg, intent) {
                    standing.phase = Phase::Ready;
                    standing.not_before = None;
                }
            }
            Fact::Effected { leg, intent, subject, .. } => self.effect(leg, intent, subject),
            Fact::Dropped { leg, intent, .. } => {
                self.take_outstanding(leg, intent);
                if let Some(leg) = self.legs.get_mut(leg) {
                    leg.dirty = true;
                }
            }
            Fact::Parked { leg, item, want, kind, reason, intent } => {
                if let Some(intent) = intent {
                    self.take_outstanding(leg, intent);
                }
                if let Some(leg) = self.legs.get_mut(leg) {
                    let parked = Parked {
                        want: want.clone(),
                        kind: *kind,
                        reason: reason.clone(),
                        since: at,
                        intent: intent.clone(),
                        discarded: false,
                        held: false,
                    };
                    leg.parked.insert(item.clone(), parked);
                }
            }
            Fact::Unparked { leg, item, discarded, .. } => {
                if let Some(leg) = self.legs.get_mut(leg) {
                    if *discarded {
                        if let Some(parked) = leg.parked.get_mut(item) {
                            parked.discarded = true;
                        }
                    } else {
                        let parked = leg.parked.remove(item);
                        leg.dirty = true;
                        if let (Item::Offer, Some(offer)) = (item, &mut leg.offer) {
                            // A person has it offered once more.
                            *offer = Offer {
                                heard: offer.heard.clone(),
                                waiting: std::mem::take(&mut offer.waiting),
                                round: offer.round.saturating_add(1),
                                told: offer.told,
                                again: offer.again.saturating_add(1),
                                ..Offer::new(offer.to, at, offer.after.clone())
                            };
                        }
                        if let Some(held) = parked.as_ref().filter(|parked| parked.held) {
                            leg.approved.insert(item.clone(), held.want.clone());
                        }
                        if let (Some(parked), Item::Field(field)) = (parked, item)
                            && parked.is_untranslatable()
                            && let Some(seen) = leg.shadow.fields.get_mut(field)
                        {
                            // Its word may mean something by now, so the next reading counts as a change.
                            seen.seen = None;
                        }
                    }
                }
            }
            Fact::Postponed { leg } => {
                if let Some(leg) = self.legs.get_mut(leg) {
                    leg.dirty = true;
                }
            }
            Fact::Planned { leg } => {
                if let Some(leg) = self.legs.get_mut(leg) {
                    leg.dirty = false;
                }
            }
            Fact::Ailed { leg, health, .. } => {
                if let Some(leg) = self.legs.get_mut(leg) {
                    leg.health = health.clone();
                }
            }
            Fact::Rekeyed { leg, to, .. } => {
                if let Some(leg) = self.legs.get_mut(leg) {
                    leg.ticket = Some(to.clone());
                }
            }
            Fact::Claimed(claim) => self.claim(claim),
            Fact::Concerned { products } => self.references.concern(products),
            Fact::Consulted { found } => self.references.consult(found),
            Fact::Unreferred { reference, .. } => self.references.unrefer(reference),
            Fact::Referred { reference, key, title, url, status, over, updated } => {
                self.references.refer(Reference {
                    ticket: reference.clone(),
                    key: key.clone(),
                    title: title.clone(),
                    url: url.clone(),
                    status: status.clone(),
                    over: *over,
                    updated: *updated,
                    posts: BTreeSet::new(),
                });
            }
            Fact::ReferencePost { reference, id, body, .. } => self.references.post(reference, id, body),
            Fact::Leaked { leg, what } => self.leaked(leg, what, at),
            Fact::RetractionDue { leg, what, reason } => {
                self.wait_for_a_person(leg, Item::Recall(what.clone()), reason, at);
            }
            Fact::Recalled { leg, what } => {
                if let Some(leg) = self.legs.get_mut(leg) {
                    leg.parked.remove(&Item::Recall(what.clone()));
                }
            }
            Fact::GrantAsked {
                grant,
                leg,
                what,
                purpose,
                until,
                by,
                party_asks,
                public_if_must,
                environment,
            } => {
                self.grants.entry(*grant).or_insert_with(|| Grant {
                    leg: leg.clone(),
                    what: what.clone(),
                    purpose: purpose.clone(),
                    until: *until,
                    by: by.clone(),
                    party_asks: *party_asks,
                    public_if_must: *public_if_must,
                    environment: environment.clone(),
                    state: GrantState::Asked,
                    opened: false,
                    approval: None,
                    ended: None,
                });
            }
            Fact::GrantApproved { grant, approval, environment, .. } => {
                if let Some(grant) = self.grant_mut(*grant, |state| state == GrantState::Asked) {
                    grant.state = GrantState::Approved;
                    grant.approval = Some(approval.clone());
                    if environment.is_some() {
                        grant.environment.clone_from(environment);
                    }
                }
            }
            Fact::GrantOpened { grant, leg } => {
                if let Some(grant) = self.grant_mut(*grant, |state| state == GrantState::Approved) {
                    grant.state = GrantState::Open;
                    grant.opened = true;
                    if let Granted::Field(field) = &grant.what {
                        let field = field.to_string();
                        self.released(leg, &field);
                    }
                }
            }
            Fact::GrantRefused { grant, by, reason, .. } => {
                if let Some(grant) = self.grant_mut(*grant, |state| state == GrantState::Asked) {
                    grant.state = GrantState::Refused;
                    grant.ended = Some(Ended { by: by.clone(), reason: reason.clone() });
                }
            }
            Fact::GrantRevoked { grant, by, reason, .. } => {
                if let Some(grant) = self.grant_mut(*grant, |state| !state.is_over()) {
                    grant.state = GrantState::Revoked;
                    grant.ended = Some(Ended { by: by.clone(), reason: reason.clone() });
                }
            }
            Fact::GrantExpired { grant, .. } => {
                if let Some(grant) = self.grant_mut(*grant, |state| !state.is_over()) {
                    grant.state = GrantState::Expired;
                }
            }
            Fact::Hinted { .. }
            | Fact::Announced { .. }
            | Fact::Answered { .. }
            | Fact::Ignored { .. }
            | Fact::Advanced { .. }
            | Fact::Started { .. }
            | Fact::Stopped
            | Fact::Reconfigured { .. }
            | Fact::Paused { .. }
            | Fact::Resumed { .. }
            | Fact::Redacted { .. } => {}
            Fact::Prepared { leg, origin, prepared, .. } => {
                if let Some(leg) = self.legs.get_mut(leg) {
                    leg.prepared.insert(origin.clone(), prepared.clone());
                }
            }
            Fact::Held { leg, item, want, reason } => {
                if let Some(leg) = self.legs.get_mut(leg) {
                    let held = Parked {
                        want: want.clone(),
                        kind: ErrorKind::Rejected,
                        reason: reason.clone(),
                        since: at,
                        intent: None,
                        discarded: false,
                        held: true,
                    };
                    leg.parked.insert(item.clone(), held);
                }
            }

            Fact::Offering { leg, to, after } => {
                if let Some(leg) = self.legs.get_mut(leg) {
                    leg.offer = Some(Offer::new(*to, at, after.clone()));
                }
            }
            Fact::Handshake { leg, state, words, respond_by, heard, answers_after } => {
                if let Some(leg) = self.legs.get_mut(leg)
                    && let Some(offer) = &mut leg.offer
                {
                    let before = offer.clone();
                    let turned = before.state != *state;
                    let again = before.state == OfferState::Withdrawn && *state == OfferState::Offered;
                    *offer = Offer {
                        state: *state,
                        since: if turned { at } else { before.since },
                        words: words.clone(),
                        respond_by: *respond_by,
                        lapsed: before.lapsed && !turned && respond_by.is_none(),
                        again: before.again.saturating_add(u32::from(again)),
                        heard: heard.clone(),
                        answers_after: *answers_after,
                        round: before.round.saturating_add(u32::from(turned)),
                        ..before
                    };
                    if *state == OfferState::Accepted {
                        offer.waiting.clear();
                        offer.set_before.clear();
                    }
                    if turned || respond_by.is_some() {
                        leg.parked.remove(&Item::Offer);
                    }
                }
            }
            Fact::OfferLapsed { leg } => {
                if let Some(offer) = self.offer_mut(leg) {
                    offer.respond_by = None;
                    offer.lapsed = true;
                    offer.lapses = offer.lapses.saturating_add(1);
                }
            }
            Fact::PassedOn { leg, .. } => {
                if let Some(offer) = self.offer_mut(leg) {
                    offer.passed_on = true;
                }
            }
            Fact::Waits { leg, item } => {
                if let Some(offer) = self.offer_mut(leg) {
                    offer.waiting.insert(item.clone());
                }
            }
            Fact::SetBefore { leg, field } => {
                if let Some(offer) = self.offer_mut(leg) {
                    offer.set_before.insert(field.clone());
                }
            }
            Fact::Told { leg } => {
                if let Some(offer) = self.offer_mut(leg) {
                    offer.told = offer.round;
                }
            }
            Fact::Owned { party, .. } => self.custody.owner = Some(party.clone()),
            Fact::Entrusted { party, level, .. } => {
                self.custody.resolver = Some(Resolver { party: party.clone(), level: *level });
            }
            Fact::Holds { party, level, since, because } => self.custody.hand_to(Holder {
                party: party.clone(),
                level: *level,
                since: *since,
                because: because.clone(),
            }),
            Fact::Amended { leg, version } => {
                if let Some(leg) = self.legs.get_mut(leg) {
                    leg.version = Some(version.clone());
                }
            }
            Fact::Agreed { .. }
            | Fact::Erasing { .. }
            | Fact::Erased { .. }
            | Fact::Forgotten { .. }
            | Fact::Door(_)
            | Fact::Looked(_) => {}
            Fact::Edited { leg, item, want, text, by } => {
                if let Some(leg) = self.legs.get_mut(leg) {
                    leg.parked.remove(item);
                    if matches!(item, Item::Field(_)) {
                        // A ticket that is still to be made carries its fields.
                        leg.parked.remove(&Item::Ticket);
                    }
                    let edited = Edited { want: want.clone(), text: text.clone(), by: by.clone() };
                    leg.edited.insert(item.clone(), edited);
                    // What was let through was another text.
                    leg.approved.remove(item);
                    leg.dirty = true;
                }
            }
        }
    }

    fn offer_mut(&mut self, leg: &SystemName) -> Option<&mut Offer> {
        self.legs.get_mut(leg)?.offer.as_mut()
    }

    fn leaked(&mut self, name: &SystemName, what: &str, at: Timestamp) {
        let reason = format!(
            "it was sent as internal, and {name} does not keep it so: nothing internal goes there until somebody has \
             found out why, and discarded this"
        );
        self.wait_for_a_person(name, Item::Leak(what.to_owned()), &reason, at);
    }

    fn wait_for_a_person(&mut self, leg: &SystemName, item: Item, reason: &str, since: Timestamp) {
        let Some(leg) = self.legs.get_mut(leg) else { return };
        let parked = Parked {
            want: Fingerprint::of(&item.to_string()),
            kind: ErrorKind::Unsupported,
            reason: reason.to_owned(),
            since,
            intent: None,
            discarded: false,
            held: false,
        };
        leg.parked.insert(item, parked);
    }

    fn grant_mut(&mut self, id: GrantId, fits: fn(GrantState) -> bool) -> Option<&mut Grant> {
        self.grants.get_mut(&id).filter(|grant| fits(grant.state))
    }

    /// What was withheld is public now.
    fn released(&mut self, leg: &SystemName, what: &str) {
        if let Some(leg) = self.legs.get_mut(leg) {
            leg.shadow.withheld.remove(what);
        }
    }

    fn outstanding_mut(
        &mut self,
        leg: &SystemName,
        intent: &throughline_sdk::IntentId,
    ) -> Option<&mut Outstanding> {
        self.legs.get_mut(leg)?.outstanding.iter_mut().find(|standing| standing.intent.id == *intent)
    }

    fn take_outstanding(
        &mut self,
        leg: &SystemName,
        intent: &throughline_sdk::IntentId,
    ) -> Option<Outstanding> {
        let outstanding = &mut self.legs.get_mut(leg)?.outstanding;
        let at = outstanding.iter().position(|standing| standing.intent.id == *intent)?;
        outstanding.remove(at)
    }

    fn effect(&mut self, name: &SystemName, intent: &throughline_sdk::IntentId, subject: &Subject) {
        let Some(ended) = self.take_outstanding(name, intent) else { return };
        let Some(leg) = self.legs.get_mut(name) else { return };
        match (subject, &ended.item) {
            (Subject::Ticket(id), Item::Ticket) => leg.ticket = Some(id.clone()),
            (Subject::Comment(id), Item::Remark(origin)) => {
                // The text may have been edited since the intent was recorded: then this is an older version.
                let version = self.document.remarks.get(origin).map_or(1, |remark| {
                    let current = ended.value.as_ref().is_none_or(|value| *value == remark.print);
                    if current { remark.version } else { remark.version.saturating_sub(1) }
                });
                let body = match &ended.intent.operation {
                    Operation::Comment { body, .. } | Operation::Edit { body, .. } => Some(body.as_str()),
                    Operation::Retract { .. }
                    | Operation::Create(_)
                    | Operation::Update { .. }
                    | Operation::Transition { .. }
                    | Operation::Attach { .. }
                    | Operation::LinkBack { .. } => None,
                };
                let internal = match &ended.intent.operation {
                    Operation::Comment { visibility, .. } => *visibility != Visibility::Public,
                    Operation::Edit { .. }
                    | Operation::Retract { .. }
                    | Operation::Create(_)
                    | Operation::Update { .. }
                    | Operation::Transition { .. }
                    | Operation::Attach { .. }
                    | Operation::LinkBack { .. } => {
                        leg.shadow.comments.get(id).is_some_and(|seen| seen.internal)
                    }
                };
                let seen = SeenComment {
                    origin: origin.clone(),
                    internal,
                    unproven: internal && body.is_some(),
                    seen: Fingerprint::of(body.unwrap_or_default()),
                    // Taking a copy back carries no version: a newer one may be waiting to be sent.
                    version: body.map_or_else(
                        || leg.shadow.comments.get(id).map_or(0, |seen| seen.version),
                        |_| version,
                    ),
                    gone: body.is_none(),
                };
                leg.shadow.comments.insert(id.clone(), seen);
            }
            (Subject::Comment(id), Item::Notice(key)) => {
                let Operation::Comment { body, visibility } = &ended.intent.operation else { return };
                let internal = *visibility != Visibility::Public;
                let seen = SeenComment {
                    origin: Origin::notice(key),
                    seen: Fingerprint::of(body),
                    version: 1,
                    internal,
                    unproven: internal,
                    gone: false,
                };
                leg.shadow.comments.insert(id.clone(), seen);
                leg.notices.insert(key.clone());
            }
            (_, Item::Field(field)) => {
                if let (Some(sent), Some(value)) = (ended.intent.operation.value(field), ended.value) {
                    let seen = leg.shadow.fields.entry(field.clone()).or_default();
                    seen.written = Some(Written { sent: sent.to_owned(), value });
                    // It has to be read back, also after a crash.
                    leg.dirty = true;
                }
            }
            (_, Item::LinkBack(system)) => {
                leg.linked.insert(system.clone());
                if let Some(shown) = ended.value {
                    leg.shown.insert(system.clone(), shown);
                }
            }
            (Subject::File(id), Item::Attachment(origin)) => {
                let internal = match &ended.intent.operation {
                    Operation::Attach { visibility, .. } => *visibility != Visibility::Public,
                    Operation::Comment { .. }
                    | Operation::Edit { .. }
                    | Operation::Retract { .. }
                    | Operation::Create(_)
                    | Operation::Update { .. }
                    | Operation::Transition { .. }
                    | Operation::LinkBack { .. } => false,
                };
                let seen = SeenFile { origin: origin.clone(), internal, unproven: internal, gone: false };
                leg.shadow.files.insert(id.clone(), seen);
            }
            (Subject::Comment(id), Item::Recall(_)) => {
                if let Some(seen) = leg.shadow.comments.get_mut(id) {
                    seen.seen = Fingerprint::of("");
                    seen.gone = true;
                }
            }
            _ => {}
        }
    }
}

/// What an operation writes into a field, in the system's own words.
pub(crate) trait WrittenValue {
    /// The value written into `field`, if any.
    fn value(&self, field: &Field) -> Option<&str>;
}

impl WrittenValue for Operation {
    fn value(&self, field: &Field) -> Option<&str> {
        match (self, field) {
            (Self::Transition { status }, Field::Status) => Some(status),
            (Self::Update { changes }, Field::Title) => changes.title.as_deref(),
            (Self::Update { changes }, Field::Description) => changes.description.as_deref(),
            (Self::Update { changes }, Field::Priority) => changes.priority.as_deref(),
            (Self::Update { changes }, Field::Kind) => changes.kind.as_deref(),
            (Self::Update { changes }, Field::Custom(name)) => changes.fields.get(name).map(String::as_str),
            _ => None,
        }
    }
}
