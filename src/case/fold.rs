//! The fold: what each fact makes of a case. Total: a fact that does not fit changes nothing.

mod effect;
mod grant;
mod handshake;
mod waiting;

use std::collections::{BTreeMap, BTreeSet};

use throughline_sdk::{ErrorKind, IntentId, SystemName, Timestamp};

pub(crate) use effect::WrittenValue;

use super::{
    Attachment, Case, Conflict, Edited, Fact, FieldValue, Fingerprint, Health, Holder, Item, Leg, Offer,
    Outstanding, Parked, Phase, Reference, Remark, Resolver, Shadow,
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
            Fact::Unparked { leg, item, discarded, .. } => self.unparked(leg, item, *discarded, at),
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
            Fact::GrantAsked { .. } => self.grant_asked(fact),
            Fact::GrantApproved { grant, approval, environment, .. } => {
                self.grant_approved(*grant, approval, environment.as_ref());
            }
            Fact::GrantOpened { grant, leg } => self.grant_opened(*grant, leg),
            Fact::GrantRefused { grant, by, reason, .. } => self.grant_refused(*grant, by, reason),
            Fact::GrantRevoked { grant, by, reason, .. } => self.grant_revoked(*grant, by, reason),
            Fact::GrantExpired { grant, .. } => self.grant_expired(*grant),
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
            Fact::Handshake { .. } => self.handshake(fact, at),
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
                let edited = Edited { want: want.clone(), text: text.clone(), by: by.clone() };
                self.edited(leg, item, edited);
            }
        }
    }

    fn offer_mut(&mut self, leg: &SystemName) -> Option<&mut Offer> {
        self.legs.get_mut(leg)?.offer.as_mut()
    }

    /// What was withheld is public now.
    fn released(&mut self, leg: &SystemName, what: &str) {
        if let Some(leg) = self.legs.get_mut(leg) {
            leg.shadow.withheld.remove(what);
        }
    }

    fn outstanding_mut(&mut self, leg: &SystemName, intent: &IntentId) -> Option<&mut Outstanding> {
        self.legs.get_mut(leg)?.outstanding.iter_mut().find(|standing| standing.intent.id == *intent)
    }

    fn take_outstanding(&mut self, leg: &SystemName, intent: &IntentId) -> Option<Outstanding> {
        let outstanding = &mut self.legs.get_mut(leg)?.outstanding;
        let at = outstanding.iter().position(|standing| standing.intent.id == *intent)?;
        outstanding.remove(at)
    }
}
