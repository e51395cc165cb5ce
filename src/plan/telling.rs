//! What a leg with an offer is sent: the ticket, answers, how the offer stands, and nothing else before it is accepted.

use std::collections::{BTreeMap, BTreeSet};

use throughline_sdk::{Capabilities, Operation, SystemName, Ticket, Visibility};

use super::decide::Decision;
use super::native::{answers, value_in, write};
use super::planner::{Planner, print_of};
use super::project::{Target, Write};
use crate::agreement::{Account, Answer, Handshake, OnLapse, notice_body};
use crate::case::{Fact, Field, Fingerprint, Grant, Item, Offer, OfferState, Reading, Role, Status};

/// How a counterpart is told how an offer stands.
#[derive(Debug)]
pub(super) enum Telling {
    /// It was, or there is no ticket to tell it on: that is noted.
    Done,
    /// By a word of its own.
    Word {
        field: Field,
        word: String,
        /// What the document will take the word for.
        meaning: Fingerprint,
    },
    /// By a notice.
    Notice { key: String, text: String },
}

impl<'p> Planner<'p> {
    /// How this counterpart has to be told how its offer stands; `None` where there is nothing to tell.
    pub(super) fn answer(&self, name: &SystemName, able: &Capabilities) -> Option<Telling> {
        let (offer, handshake) = self.offered(name)?;
        let leg = self.case.legs.get(name).filter(|_| offer.is_to_be_told())?;
        let key = format!("{}-{}", offer.state.word(), offer.round);
        if leg.ticket.is_none() || leg.notices.contains(&key) {
            return (leg.outstanding.is_empty()).then_some(Telling::Done);
        }
        let said = match offer.state {
            OfferState::Accepted => handshake.word_for(Answer::Accepted),
            OfferState::Rejected => handshake.word_for(Answer::Rejected),
            OfferState::InformationRequested => handshake.word_for(Answer::InformationRequested),
            OfferState::Offered | OfferState::Withdrawn => None,
        };
        let field = match (&handshake.field, offer.to) {
            (Some(field), Role::Home) => Field::Custom(field.clone()),
            (Some(_), Role::Counterpart) | (None, _) => Field::Status,
        };
        let words = self.view.rules.systems.get(name).map(|system| &system.status);
        let word = if offer.state == OfferState::Withdrawn { self.over_word(name, handshake) } else { said };
        let writable = if field == Field::Status { able.transition } else { able.update };
        if let Some(word) = word.filter(|_| writable) {
            let status = words.and_then(|words| words.read.get(word)).filter(|_| field == Field::Status);
            let meaning = status.map_or(word, |status| status.word());
            let meaning = Fingerprint::of(meaning);
            let shadow = leg.shadow.fields.get(&field);
            let is = shadow.and_then(|shadow| shadow.seen.as_ref()) == Some(&Fingerprint::of(word));
            let agreed = shadow.and_then(|shadow| shadow.agreed.as_ref()) == Some(&meaning);
            let unread = shadow.is_some_and(|shadow| shadow.written.is_some());
            if (is || agreed) && !unread && leg.outstanding.is_empty() {
                return Some(Telling::Done);
            }
            let refused = leg.parked.contains_key(&Item::Field(field.clone()));
            if !refused {
                return Some(Telling::Word { field, word: word.to_owned(), meaning });
            }
        }
        let text = match offer.state {
            OfferState::Accepted => handshake.words.accept.as_str(),
            OfferState::Rejected => handshake.words.reject.as_str(),
            OfferState::InformationRequested => handshake.words.need_info.as_str(),
            OfferState::Offered | OfferState::Withdrawn => "WITHDRAWN",
        };
        let text = if text.is_empty() { offer.state.word() } else { text };
        Some(Telling::Notice { key, text: text.to_owned() })
    }

    /// The word by which a desk's ticket is over. Its word for a refusal is its own people's to say.
    pub(super) fn over_word(&self, name: &SystemName, handshake: &Handshake) -> Option<&'p str> {
        let words = &self.view.rules.systems.get(name)?.status.write;
        let refuses = |word: &String| {
            let said = handshake.answers.iter().find(|(known, _)| known == word);
            said.is_some_and(|(_, answer)| *answer == Answer::Rejected)
        };
        let words = [Status::Cancelled, Status::Closed].map(|status| words.get(&status));
        words.into_iter().flatten().find(|word| !refuses(word)).map(String::as_str)
    }

    /// Notes that a counterpart has been told, where that is so.
    pub(super) fn note_told(&mut self, name: &SystemName) {
        let able = self.view.capabilities.get(name);
        let answer = able.and_then(|able| self.answer(name, able));
        if matches!(answer, Some(Telling::Done)) {
            self.say(Fact::Told { leg: name.clone() });
        }
    }

    /// The write that tells a leg how the offer stands, if it has to be told.
    pub(super) fn tell_offer(&self, name: &SystemName, telling: Telling) -> Option<Write> {
        match telling {
            Telling::Done => None,
            Telling::Word { field, word, meaning } => self.tell(name, &field, word, meaning),
            Telling::Notice { key, text } => self.notice(name, key, &text, Visibility::Public),
        }
    }

    fn tell(&self, name: &SystemName, field: &Field, word: String, meaning: Fingerprint) -> Option<Write> {
        let leg = self.case.legs.get(name)?;
        let item = Item::Field(field.clone());
        let sent = leg.outstanding.iter().rev().find(|standing| standing.item == item);
        let unread = leg.shadow.fields.get(field).is_some_and(|shadow| shadow.written.is_some());
        if unread || sent.is_some_and(|sent| sent.value.as_ref() == Some(&meaning)) {
            return None;
        }
        let account = Account::default();
        Some(Write { item, value: Some(meaning), operation: write(field, word), version: None, account })
    }

    fn notice(&self, name: &SystemName, key: String, text: &str, visibility: Visibility) -> Option<Write> {
        let leg = self.case.legs.get(name)?;
        let item = Item::Notice(key);
        let operation = Operation::Comment { body: notice_body(text).into_intent(), visibility };
        let known = leg.outstanding.iter().any(|standing| standing.item == item)
            || leg.parked.get(&item).is_some_and(|parked| parked.want == print_of(&operation));
        let account = Account::default();
        (!known).then_some(Write { item, value: None, operation, version: Some(1), account })
    }

    /// Whether a value that was read before counts as a change now: it was set by a counterpart before it accepted.
    pub(super) fn counts_from_now(&self, leg: &SystemName, field: &Field) -> bool {
        self.accepted.get(leg).is_some_and(|set_before| set_before.contains(field))
    }

    /// What was written to tell how an offer stands is read back, also where the field is not shared.
    pub(super) fn read_back_told(
        &self,
        leg: &SystemName,
        ticket: &Ticket,
        shared: &BTreeSet<Field>,
        reading: &mut Reading,
    ) {
        let Some(standing) = self.case.legs.get(leg) else { return };
        let told: BTreeMap<_, _> = standing
            .shadow
            .fields
            .iter()
            .filter(|(field, _)| !shared.contains(field))
            .filter_map(|(field, seen)| Some((field, seen.written.as_ref()?)))
            .collect();
        for (field, written) in told {
            let native = value_in(ticket, field);
            reading.fields.insert(field.clone(), native.to_owned());
            if answers(field, &written.sent, native) {
                reading.agreed.insert(field.clone(), written.value.clone());
            }
        }
    }
}

impl Target<'_> {
    /// What waits for the offer does not go yet, and what cannot be sent matters once it is to be sent.
    pub(super) fn until_accepted(&self, item: &Item, decision: Decision) -> Decision {
        let Some(offer) = self.sharing.offer(self.name) else { return decision };
        if let Decision::Send(write) = &decision
            && !self.passes(offer, write)
        {
            let waits = offer.is_open() || offer.is_to_be_told();
            let told = *item == Item::Field(Field::Status) || offer.waiting.contains(item);
            return Decision::NotAccepted { tell: waits && !told };
        }
        let later = matches!(item, Item::Field(_)) || (*item == Item::Ticket && !offer.is_open());
        let refused = matches!(decision, Decision::Refused { .. });
        if later && refused { Decision::NotAccepted { tell: false } } else { decision }
    }

    /// Whether something is sent to a leg whose offer is not accepted.
    fn passes(&self, offer: &Offer, write: &Write) -> bool {
        let document = &self.case.document;
        // Nothing is told by taking something back.
        if matches!(write.operation, Operation::Retract { .. }) {
            return true;
        }
        match &write.item {
            Item::Ticket => offer.is_open(),
            // What is granted is no answer to an offer.
            Item::Notice(key) => Grant::of_notice(key).is_none() || self.sharing.shares_before(self.name),
            Item::Recall(_) | Item::Leak(_) => true,
            Item::Remark(origin) => {
                let written = document.remarks.get(origin).map(|remark| remark.written);
                written.is_some_and(|written| self.sharing.passes_before(self.name, origin, written))
            }
            Item::Attachment(origin) => {
                let written = document.attachments.get(origin).map(|file| file.written);
                written.is_some_and(|written| self.sharing.passes_before(self.name, origin, written))
            }
            Item::Field(field) => {
                let open = offer.to == Role::Counterpart && offer.is_open();
                open && *field != Field::Status && self.sharing.shares_before(self.name)
            }
            Item::LinkBack(_) | Item::Offer => {
                offer.to == Role::Counterpart && offer.is_open() && self.sharing.shares_before(self.name)
            }
        }
    }

    /// Notices of ours about offers: a reminder to who has to answer, and to home what a person has to decide.
    pub(super) fn notices(&self) -> Vec<(Item, Decision)> {
        let mut notices = Vec::new();
        if self.sharing.is_home(self.name) {
            for (other, agreement) in self.sharing.counterparts() {
                let visibility = agreement.handshake.as_ref().and_then(|handshake| handshake.tell_home);
                let (Some(visibility), Some(leg)) = (visibility, self.case.legs.get(other)) else { continue };
                let Some(parked) = leg.parked.get(&Item::Offer).filter(|parked| !parked.discarded) else {
                    continue;
                };
                let round = leg.offer.as_ref().map(|offer| format!("{}-{}", offer.round, offer.lapses));
                let round = round.unwrap_or_default();
                notices.extend(self.notice(format!("offer-{other}-{round}"), &parked.reason, visibility));
            }
            return notices;
        }
        let handshake = self.sharing.agreement(self.name).and_then(|agreement| agreement.handshake.as_ref());
        let (Some(offer), Some(handshake)) = (&self.leg.offer, handshake) else { return notices };
        if offer.to != Role::Counterpart || offer.state != OfferState::Offered || offer.lapsed {
            return notices;
        }
        let reminds = handshake.on_lapse == OnLapse::Remind && offer.lapses > 0;
        let notice = match (reminds, offer.again) {
            (true, again) => Some((format!("reminder-{again}-{}", offer.lapses), "REMINDER")),
            (false, 0) => None,
            (false, again) => Some((format!("again-{again}"), "OFFERED AGAIN")),
        };
        if let Some((key, head)) = notice {
            let words = &handshake.words;
            let text = format!(
                "{head}: this request waits for an answer. Please begin a comment with {}, {}: reason or {}: question.",
                words.accept, words.reject, words.need_info
            );
            notices.extend(self.notice(key, &text, Visibility::Public));
        }
        notices
    }

    pub(super) fn notice(&self, key: String, text: &str, visibility: Visibility) -> Option<(Item, Decision)> {
        if self.leg.notices.contains(&key) {
            return None;
        }
        let item = Item::Notice(key);
        let operation = Operation::Comment { body: notice_body(text).into_intent(), visibility };
        let decision = if visibility == Visibility::Internal && !self.able.internal_comments {
            let reason = format!("{} takes no comments for its own staff alone", self.name);
            self.cannot(&item, print_of(&operation), reason)
        } else {
            let account = Account::default();
            self.want(Write { item: item.clone(), value: None, operation, version: Some(1), account })
        };
        Some((item, decision))
    }
}
