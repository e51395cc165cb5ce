//! Offers: what was answered, what silence means, and where a request goes that was not taken on.

use std::time::Duration;

use throughline_sdk::ticket::canonical_text;
use throughline_sdk::{ErrorKind, SystemName, Ticket, Timestamp, Visibility};

use super::planner::Planner;
use crate::agreement::{Agreement, Answer, Handshake, OnLapse, restored};
use crate::case::{
    AgreementName, Fact, Field, Fingerprint, Health, Heard, HeardComment, Item, Leg, Offer, OfferState, Role,
    Status,
};

/// An answer with its words, and what was heard with it.
#[derive(Debug)]
struct Said {
    answer: Option<Answer>,
    words: String,
    heard: Heard,
}

impl<'p> Planner<'p> {
    /// The party whose leg this is has to accept, or home what that party raised, if the agreement says so.
    pub(super) fn offer(
        &mut self,
        leg: &SystemName,
        agreement: &Agreement,
        to: Role,
        after: Option<SystemName>,
    ) {
        let asked = agreement.handshake.as_ref().is_some_and(|handshake| match to {
            Role::Counterpart => handshake.direction.leads_out(),
            Role::Home => handshake.direction.leads_in(),
        });
        if asked {
            self.say(Fact::Offering { leg: leg.clone(), to, after });
        }
    }

    /// Hears what a ticket that was read says to the offers that wait for an answer of its desk.
    pub(super) fn hear(&mut self, system: &SystemName, ticket: &Ticket) {
        let role = self.case.legs.get(system).map(|leg| leg.role);
        let asked: Vec<SystemName> = self
            .case
            .legs
            .iter()
            .filter(|(name, leg)| {
                let offer = leg.offer.as_ref().filter(|offer| Some(offer.to) == role);
                offer.is_some_and(may_answer) && (role == Some(Role::Home) || *name == system)
            })
            .map(|(name, _)| name.clone())
            .collect();
        for leg in asked {
            self.hear_of(&leg, system, ticket);
        }
    }

    fn hear_of(&mut self, leg: &SystemName, system: &SystemName, ticket: &Ticket) {
        let (Some((offer, handshake)), Some(standing)) = (self.offered(leg), self.case.legs.get(system))
        else {
            return;
        };
        let mut said = match offer.to {
            Role::Counterpart => {
                said(handshake.said_by_word(ticket), (system, standing), ticket, &offer, handshake)
            }
            Role::Home => {
                let status =
                    self.view.rules.systems.get(system).and_then(|it| it.status.read.get(&ticket.status));
                let answer = status.copied().and_then(home_says);
                let word = answer.map(|answer| (ticket.status.clone(), answer));
                let mut said = said(word, (system, standing), ticket, &offer, handshake);
                // A ticket of our own making begins with some status; only a later one is an answer.
                let made = standing.shadow.updated.is_none();
                said.answer = said.answer.filter(|_| !made);
                said
            }
        };
        if said.heard == offer.heard {
            return;
        }
        // What a counterpart says is kept in home's words.
        if offer.to == Role::Counterpart {
            said.words = restored(&said.words, self.agreement_of(leg), self.view.names);
        }
        let now = match said.answer {
            Some(Answer::Accepted) => OfferState::Accepted,
            Some(Answer::Rejected) => OfferState::Rejected,
            Some(Answer::InformationRequested) => OfferState::InformationRequested,
            Some(Answer::Pending) => OfferState::Offered,
            None => offer.state,
        };
        // Who said no may still say yes, and nothing else. What is said to an offer that was taken back answers none that
        // is made again later.
        let now = match offer.state {
            OfferState::Rejected if now != OfferState::Accepted => OfferState::Rejected,
            OfferState::Withdrawn => OfferState::Withdrawn,
            OfferState::Offered
            | OfferState::InformationRequested
            | OfferState::Accepted
            | OfferState::Rejected => now,
        };
        let unchanged = now == offer.state && now != OfferState::InformationRequested;
        let (words, respond_by, answers_after) = match now {
            _ if unchanged => (offer.words.clone(), offer.respond_by, offer.answers_after),
            OfferState::Offered => (String::new(), self.clock(handshake), None),
            OfferState::InformationRequested => (said.words, None, Some(self.last_said(leg, offer.to))),
            OfferState::Accepted | OfferState::Rejected | OfferState::Withdrawn => (said.words, None, None),
        };
        if now == OfferState::Accepted && offer.to == Role::Counterpart {
            self.accepted.insert(leg.clone(), offer.set_before.clone());
        }
        let leg = leg.clone();
        self.say(Fact::Handshake { leg, state: now, words, respond_by, heard: said.heard, answers_after });
    }

    /// Starts clocks and lets them run out, takes back what is not wanted any more, and passes on what was refused.
    pub(super) fn follow_offers(&mut self) {
        // A request may be passed on several times in one step; each counterpart is asked once, so this ends.
        for _ in 0..=self.view.rules.agreements.len() {
            let before = self.plan.facts.len();
            let legs: Vec<SystemName> = self.case.legs.keys().cloned().collect();
            for leg in &legs {
                self.take_back_offer(leg);
                self.offer_again(leg);
                self.miss(leg);
                self.wait_for_answer(leg);
                self.pass_on(leg);
            }
            if self.plan.facts.len() == before {
                return;
            }
        }
    }

    fn take_back_offer(&mut self, leg: &SystemName) {
        let Some((offer, _)) = self.offered(leg) else { return };
        let because = match offer.to {
            Role::Counterpart => self.not_offered_any_more(leg, &offer),
            Role::Home => self.is_over(leg).map(|status| format!("{leg} has it {}", status.word())),
        };
        let Some(words) = because else { return };
        let waits = self.case.legs.get(leg).and_then(|leg| leg.parked.get(&Item::Offer));
        if offer.is_open() {
            let (leg, heard) = (leg.clone(), offer.heard.clone());
            let state = OfferState::Withdrawn;
            self.say(Fact::Handshake { leg, state, words, respond_by: None, heard, answers_after: None });
        } else if waits.is_some_and(|parked| !parked.discarded) {
            self.say(Fact::Unparked {
                leg: leg.clone(),
                item: Item::Offer,
                discarded: true,
                by: String::new(),
                reason: String::new(),
            });
        }
    }

    /// A ticket that went away before it was accepted will not be.
    fn miss(&mut self, leg: &SystemName) {
        let (Some((offer, _)), Some(standing)) = (self.offered(leg), self.case.legs.get(leg)) else { return };
        let gone = standing.ticket.is_some() && standing.health != Health::Well;
        if offer.to == Role::Counterpart && offer.is_open() && gone {
            let (leg, state, heard) = (leg.clone(), OfferState::Rejected, offer.heard);
            let words = "its ticket is not there any more".to_owned();
            self.say(Fact::Handshake { leg, state, words, respond_by: None, heard, answers_after: None });
        }
    }

    /// What home took back and has open again is offered again.
    fn offer_again(&mut self, leg: &SystemName) {
        let Some((offer, handshake)) = self.offered(leg) else { return };
        let seen = self.home().is_some_and(|(home, _)| self.view.observations.contains_key(home));
        let taken_back =
            offer.to == Role::Counterpart && offer.state == OfferState::Withdrawn && !offer.passed_on;
        if !seen || !taken_back || self.not_offered_any_more(leg, &offer).is_some() {
            return;
        }
        // The word by which we took it back is no answer.
        let ours = self.over_word(leg, handshake).map(str::to_owned);
        let heard = Heard { word: ours.filter(|word| handshake.answer_of(word).is_some()), ..offer.heard };
        let (leg, state) = (leg.clone(), OfferState::Offered);
        let words = "home has it open again".to_owned();
        self.say(Fact::Handshake { leg, state, words, respond_by: None, heard, answers_after: None });
    }

    fn wait_for_answer(&mut self, leg: &SystemName) {
        let (Some((offer, handshake)), Some(standing)) = (self.offered(leg), self.case.legs.get(leg)) else {
            return;
        };
        let arrived = match offer.to {
            Role::Counterpart => standing.ticket.is_some(),
            Role::Home => self.home().is_some_and(|(_, home)| home.ticket.is_some()),
        };
        let answered = || self.answers(leg, standing, &offer);
        let state = match offer.state {
            OfferState::InformationRequested if answered() => OfferState::Offered,
            OfferState::Offered if arrived && !offer.lapsed && offer.respond_by.is_none() => {
                OfferState::Offered
            }
            OfferState::Offered if offer.respond_by.is_some_and(|due| due <= self.view.now) => {
                return self.lapse(leg);
            }
            OfferState::Offered
            | OfferState::InformationRequested
            | OfferState::Accepted
            | OfferState::Rejected
            | OfferState::Withdrawn => return,
        };
        let respond_by = self.clock(handshake);
        // Without a clock there is nothing to say of an offer that has arrived.
        if state != offer.state || respond_by.is_some() {
            let (leg, heard) = (leg.clone(), offer.heard.clone());
            self.say(Fact::Handshake {
                leg,
                state,
                words: String::new(),
                respond_by,
                heard,
                answers_after: None,
            });
        }
    }

    /// The clock has run out.
    fn lapse(&mut self, leg: &SystemName) {
        self.say(Fact::OfferLapsed { leg: leg.clone() });
        let Some((offer, handshake)) = self.offered(leg) else { return };
        let within = handshake.respond_within.map(spelled).unwrap_or_default();
        let reminds = offer.to == Role::Counterpart && handshake.on_lapse == OnLapse::Remind;
        if reminds && offer.lapses <= handshake.reminders {
            let (leg, state, heard) = (leg.clone(), offer.state, offer.heard.clone());
            let respond_by = self.clock(handshake);
            let words = offer.words.clone();
            self.say(Fact::Handshake { leg, state, words, respond_by, heard, answers_after: None });
            return;
        }
        let onward = offer.to == Role::Counterpart && handshake.on_lapse == OnLapse::RouteOn;
        if onward && self.next(handshake).is_some() {
            let (leg, heard) = (leg.clone(), offer.heard.clone());
            let words = format!("no answer within {within}");
            let state = OfferState::Withdrawn;
            self.say(Fact::Handshake {
                leg: leg.clone(),
                state,
                words,
                respond_by: None,
                heard,
                answers_after: None,
            });
            return self.ask_next(&leg);
        }
        let who = match offer.to {
            Role::Counterpart => self.title(leg),
            Role::Home => "home".to_owned(),
        };
        self.ask_a_person(leg, format!("{who} has not answered the offer within {within}"));
    }

    /// A request that was refused goes to the next, or back to a person.
    fn pass_on(&mut self, leg: &SystemName) {
        let Some((offer, handshake)) = self.offered(leg) else { return };
        if offer.to != Role::Counterpart || offer.state != OfferState::Rejected || offer.passed_on {
            return;
        }
        if self.not_offered_any_more(leg, &offer).is_some() {
            return;
        }
        let known = self.case.legs.get(leg).is_some_and(|leg| leg.parked.contains_key(&Item::Offer));
        if !known && self.next(handshake).is_some() {
            return self.ask_next(leg);
        }
        if !known {
            let why = if offer.words.is_empty() { String::new() } else { format!(": {}", offer.words) };
            self.ask_a_person(leg, format!("{} rejected the offer{why}", self.title(leg)));
        }
    }

    fn ask_next(&mut self, leg: &SystemName) {
        let Some((_, handshake)) = self.offered(leg) else { return };
        let Some(name) = self.next(handshake) else { return };
        let Some(agreement) = self.view.rules.agreements.get(&name) else { return };
        self.say(Fact::PassedOn { leg: leg.clone(), agreement: name });
        self.join(&agreement.counterpart, Role::Counterpart, Some(agreement));
        self.offer(&agreement.counterpart, agreement, Role::Counterpart, Some(leg.clone()));
    }

    /// The next agreement whose counterpart was not asked yet: a leg is never taken out of a case.
    fn next(&self, handshake: &Handshake) -> Option<AgreementName> {
        let (home, _) = self.home()?;
        let mut names = handshake.route_on.iter();
        let next = names.find(|name| {
            self.view.rules.agreements.get(name).is_some_and(|agreement| {
                agreement.home == *home
                    && agreement.counterpart != *home
                    && self.view.rules.systems.contains_key(&agreement.counterpart)
                    && !self.case.legs.contains_key(&agreement.counterpart)
            })
        });
        next.cloned()
    }

    fn ask_a_person(&mut self, leg: &SystemName, reason: String) {
        self.say(Fact::Parked {
            leg: leg.clone(),
            item: Item::Offer,
            want: Fingerprint::of(&reason),
            kind: ErrorKind::Rejected,
            reason,
            intent: None,
        });
    }

    /// Why home does not offer the request any more.
    fn not_offered_any_more(&self, leg: &SystemName, offer: &Offer) -> Option<String> {
        let (home, standing) = self.home()?;
        if standing.health == Health::Gone {
            return Some("home's ticket is gone".to_owned());
        }
        if let Some(status) = self.is_over(home) {
            return Some(format!("home's ticket is {}", status.word()));
        }
        let ticket = self.view.observations.get(home)?;
        let agreement = self.view.rules.agreements.get(self.case.legs.get(leg)?.agreement.as_ref()?)?;
        let by_route = offer.after.is_none() && agreement.outbound.is_some();
        (by_route && !self.view.rules.offers(agreement, home, ticket))
            .then(|| "home's ticket is not routed there any more".to_owned())
    }

    /// The status of a leg whose people are done with it, as just read or as it was last read.
    fn is_over(&self, system: &SystemName) -> Option<Status> {
        let words = &self.view.rules.systems.get(system)?.status.read;
        let status = match self.view.observations.get(system) {
            Some(ticket) => words.get(&ticket.status),
            None => {
                let seen = self.case.legs.get(system)?.shadow.fields.get(&Field::Status)?.seen.as_ref()?;
                words.iter().find(|(word, _)| Fingerprint::of(word) == *seen).map(|(_, status)| status)
            }
        };
        status.copied().filter(|status| matches!(status, Status::Closed | Status::Cancelled))
    }

    /// Whether what was asked is answered: home's words stand on the counterpart's ticket, or the counterpart has said
    /// something since.
    fn answers(&self, name: &SystemName, leg: &Leg, offer: &Offer) -> bool {
        let Some(after) = offer.answers_after else { return false };
        let document = &self.case.document;
        match offer.to {
            Role::Counterpart => {
                let Some((home, _)) = self.home() else { return false };
                let copies = leg.shadow.comments.values().map(|seen| &seen.origin);
                let said = copies.filter_map(|origin| Some((origin, document.remarks.get(origin)?.written)));
                let files = leg.shadow.files.values().map(|seen| &seen.origin);
                let given =
                    files.filter_map(|origin| Some((origin, document.attachments.get(origin)?.written)));
                leg.outstanding.is_empty()
                    && said.chain(given).any(|(origin, written)| origin.system == *home && written > after)
            }
            Role::Home => document
                .remarks
                .iter()
                .any(|(origin, remark)| origin.system == *name && remark.written > after),
        }
    }

    /// The moment of its own desk at which the side that is asked has last said something.
    fn last_said(&self, leg: &SystemName, to: Role) -> Timestamp {
        let asked = match to {
            Role::Counterpart => self.home().map(|(home, _)| home.clone()),
            Role::Home => Some(leg.clone()),
        };
        let document = &self.case.document;
        let remarks = document.remarks.iter().map(|(origin, remark)| (origin, remark.written));
        let files = document.attachments.iter().map(|(origin, file)| (origin, file.written));
        let theirs = remarks.chain(files).filter(|(origin, _)| Some(&origin.system) == asked.as_ref());
        theirs.map(|(_, written)| written).max().unwrap_or(Timestamp::UNIX_EPOCH)
    }

    fn clock(&self, handshake: &Handshake) -> Option<Timestamp> {
        let within = chrono::TimeDelta::from_std(handshake.respond_within?).ok()?;
        self.view.now.checked_add_signed(within)
    }

    /// A leg's offer, with the rules for it.
    pub(super) fn offered(&self, leg: &SystemName) -> Option<(Offer, &'p Handshake)> {
        let standing = self.case.legs.get(leg)?;
        let agreement = self.view.rules.agreements.get(standing.agreement.as_ref()?)?;
        Some((standing.offer.clone()?, agreement.handshake.as_ref()?))
    }

    pub(super) fn home(&self) -> Option<(&SystemName, &Leg)> {
        self.case.legs.iter().find(|(_, leg)| leg.role == Role::Home)
    }

    fn title(&self, leg: &SystemName) -> String {
        let system = self.view.rules.systems.get(leg);
        system.map_or_else(|| leg.to_string(), |system| system.party_title.clone())
    }
}

/// Whether an answer is heard: also a late yes, as long as nobody else was asked.
fn may_answer(offer: &Offer) -> bool {
    offer.state != OfferState::Accepted && !offer.passed_on
}

/// What a desk's word and its comments say that was not heard before. Of both, a decision counts before a question.
fn said(
    word: Option<(String, Answer)>,
    (desk, standing): (&SystemName, &Leg),
    ticket: &Ticket,
    offer: &Offer,
    handshake: &Handshake,
) -> Said {
    let before = &offer.heard;
    let by_word = match &word {
        Some((word, answer)) if before.word.as_ref() != Some(word) => Some(*answer),
        None if before.word.is_some() => Some(Answer::Pending),
        Some(_) | None => None,
    };
    let theirs = ticket.comments.iter().filter(|comment| {
        let seen = standing.shadow.comments.get(&comment.id);
        let ours = seen.is_some_and(|seen| seen.origin.system != *desk);
        comment.visibility == Visibility::Public && comment.marker.is_none() && !ours
    });
    let last = theirs
        .filter_map(|comment| {
            let text = canonical_text(&comment.body);
            let (answer, words) = handshake.said_in(&text)?;
            let heard = HeardComment {
                id: comment.id.clone(),
                written: comment.created,
                print: Fingerprint::of(&text),
            };
            Some((heard, answer, words))
        })
        .max_by_key(|(heard, ..)| heard.written);
    let by_comment = last.filter(|(heard, ..)| match &before.comment {
        Some(known) if known.id == heard.id => known.print != heard.print,
        Some(known) => heard.written >= known.written,
        None => true,
    });
    let heard = Heard {
        word: word.map(|(word, _)| word),
        comment: by_comment.as_ref().map(|(heard, ..)| heard.clone()).or_else(|| before.comment.clone()),
    };
    let decides = |answer: Option<Answer>| matches!(answer, Some(Answer::Accepted | Answer::Rejected));
    let (in_comment, words) = match by_comment {
        Some((_, answer, words)) => (Some(answer), words),
        None => (None, String::new()),
    };
    let answer = if decides(by_word) { by_word } else { in_comment.or(by_word) };
    let words = if words.is_empty() { handshake.reason_in(ticket).unwrap_or_default() } else { words };
    Said { answer, words, heard }
}

/// What home's status says to an offer.
fn home_says(status: Status) -> Option<Answer> {
    match status {
        Status::New => None,
        Status::Pending => Some(Answer::InformationRequested),
        Status::Open | Status::OnHold | Status::Resolved | Status::Closed => Some(Answer::Accepted),
        Status::Cancelled => Some(Answer::Rejected),
    }
}

fn spelled(span: Duration) -> String {
    let seconds = span.as_secs();
    for (unit, size) in [("d", 86_400), ("h", 3_600), ("m", 60)] {
        if seconds >= size && seconds.is_multiple_of(size) {
            return format!("{} {unit}", seconds / size).replace(' ', "");
        }
    }
    format!("{seconds}s")
}
