//! Custody: who answers for the request, who is to resolve it, and who has the ball. Decided from the case alone, so that
//! a replay comes to the same.

use throughline_sdk::SystemName;

use super::planner::Planner;
use crate::case::{Fact, Field, Health, Leg, Level, OfferState, Origin, PartyName, Resolver, Role, Status};

/// Who has the ball, and why.
#[derive(Debug)]
struct Ball {
    party: PartyName,
    because: String,
}

/// What is known of the parties of a case.
#[derive(Debug)]
struct Parties {
    home: PartyName,
    owner: PartyName,
    resolver: Option<Resolver>,
}

impl Planner<'_> {
    /// Says who answers for the case, who is to resolve it and who has the ball, where that changed.
    pub(super) fn account(&mut self) {
        let Some(home) = self.home().map(|(_, leg)| leg.party.clone()) else { return };
        let rule = self.ruling_ticket();
        self.entrust(&home, rule.as_ref());
        let custody = &self.case.custody;
        let owner = custody.owner.clone().unwrap_or_else(|| home.clone());
        let parties = Parties { home, owner, resolver: custody.resolver.clone() };
        let Ball { party, because } = self.ball(&parties);
        let level = match &parties.resolver {
            Some(resolver) if resolver.party == party => resolver.level,
            Some(_) | None => self.view.rules.level(&party, party == parties.home),
        };
        let holder = self.case.custody.holder.as_ref();
        if holder.is_some_and(|holder| holder.party == party && holder.level == level) {
            return;
        }
        // Whoever holds it first has held it from the beginning on, and a clock that was set back takes nothing away.
        let since = holder.map_or(self.case.opened, |before| before.since.max(self.view.now));
        self.say(Fact::Holds { party, level, since, because });
    }

    /// The ticket by which rules are judged, if it was read: home's, or the one that opens the case.
    fn ruling_ticket(&self) -> Option<SystemName> {
        let (home, leg) = self.home()?;
        if self.view.observations.contains_key(home) {
            return Some(home.clone());
        }
        let opener = self.case.custody.opener.clone()?;
        let first = leg.shadow.updated.is_none() && self.view.observations.contains_key(&opener);
        first.then_some(opener)
    }

    fn entrust(&mut self, home: &PartyName, judged: Option<&SystemName>) {
        let rule = judged
            .and_then(|system| self.view.rules.responsible(system, self.view.observations.get(system)?));
        let custody = &self.case.custody;
        let owner = match (rule, judged.is_some() || custody.owner.is_none()) {
            (Some(rule), _) => {
                let owner = rule.owner.as_ref().unwrap_or(home);
                Some((owner.clone(), format!("by the rule {}", rule.name)))
            }
            (None, true) => Some((home.clone(), "the home organization answers for its requests".to_owned())),
            (None, false) => None,
        };
        let resolver = match rule {
            Some(rule) => {
                let usual = self.view.rules.level(&rule.party, rule.party == *home);
                let level = rule.level.unwrap_or(usual);
                Some((rule.party.clone(), level, format!("by the rule {}", rule.name)))
            }
            None if judged.is_some() && custody.resolver.is_some() => {
                let level: Level = self.view.rules.level(home, true);
                Some((home.clone(), level, "no rule names anybody any more".to_owned()))
            }
            None => None,
        };
        let new_owner = owner.filter(|(party, _)| custody.owner.as_ref() != Some(party));
        let new_resolver = resolver.filter(|(party, level, _)| {
            custody.resolver.as_ref().is_none_or(|it| it.party != *party || it.level != *level)
        });
        if let Some((party, because)) = new_owner {
            self.say(Fact::Owned { party, because });
        }
        if let Some((party, level, because)) = new_resolver {
            self.say(Fact::Entrusted { party, level, because });
        }
    }

    fn ball(&self, parties: &Parties) -> Ball {
        let at =
            |party: &PartyName, because: &str| Ball { party: party.clone(), because: because.to_owned() };
        let status = self.case.document.fields.get(&Field::Status);
        let word = status.and_then(|field| Status::from_word(&field.value));
        if let Some(word) =
            word.filter(|it| matches!(it, Status::Resolved | Status::Closed | Status::Cancelled))
        {
            return at(&parties.owner, &format!("the request is {}", word.word()));
        }
        let legs = self.counterparts(parties);
        // Whoever has to answer an offer, or a question about it, is waited for before anything else.
        for (_, leg) in &legs {
            let Some(offer) = leg.offer.as_ref().filter(|offer| offer.is_open() && !offer.lapsed) else {
                continue;
            };
            let (asked, asker) = match offer.to {
                Role::Counterpart => (&leg.party, &parties.home),
                Role::Home => (&parties.home, &leg.party),
            };
            return match offer.state {
                OfferState::InformationRequested => {
                    at(asker, "asked for information before the request is accepted")
                }
                OfferState::Offered | OfferState::Accepted | OfferState::Rejected | OfferState::Withdrawn => {
                    at(asked, "has to answer the offer")
                }
            };
        }
        let engaged = |leg: &Leg| leg.offer.as_ref().is_none_or(|offer| offer.state == OfferState::Accepted);
        let Some((lead, leg)) = legs.iter().find(|(_, leg)| engaged(leg)) else {
            return at(&parties.owner, "nobody else has taken the request on");
        };
        if let (Some(Status::Pending), Some(status)) = (word, status) {
            let by_home = self.case.legs.get(&status.from).is_none_or(|leg| leg.role == Role::Home);
            return match by_home {
                true => at(&leg.party, "home waits for it"),
                false => at(&parties.home, "the other side waits for it"),
            };
        }
        if self.agreement_of(lead).is_some_and(|agreement| agreement.reply_passes)
            && let Some(from) = self.last_speaker(lead)
        {
            return match from == **lead {
                true => at(&parties.home, "the other side spoke last"),
                false => at(&leg.party, "home spoke last"),
            };
        }
        match &parties.resolver {
            Some(resolver) if resolver.party == parties.home || resolver.party == parties.owner => {
                at(&resolver.party, "is to resolve the request")
            }
            Some(resolver) if legs.iter().any(|(_, leg)| leg.party == resolver.party && engaged(leg)) => {
                at(&resolver.party, "is to resolve the request")
            }
            Some(_) => at(&parties.owner, "who is to resolve the request does not take part yet"),
            None if self.case.custody.opener.as_ref() == Some(*lead) => {
                at(&parties.home, "the request came from elsewhere")
            }
            None => at(&leg.party, "the request was passed to it"),
        }
    }

    /// The counterparts that are well, that of the party that is to resolve first, then by name.
    fn counterparts(&self, parties: &Parties) -> Vec<(&SystemName, &Leg)> {
        let mut legs: Vec<_> = self
            .case
            .legs
            .iter()
            .filter(|(_, leg)| leg.role == Role::Counterpart && leg.health == Health::Well)
            .collect();
        let resolver = parties.resolver.as_ref().map(|resolver| &resolver.party);
        legs.sort_by_key(|(name, leg)| (resolver != Some(&leg.party), (*name).clone()));
        legs
    }

    pub(super) fn agreement_of(&self, leg: &SystemName) -> Option<&crate::agreement::Agreement> {
        self.view.rules.agreements.get(self.case.legs.get(leg)?.agreement.as_ref()?)
    }

    /// Who of home and this counterpart said something in public last.
    fn last_speaker(&self, counterpart: &SystemName) -> Option<SystemName> {
        let (home, _) = self.home()?;
        let remarks = self.case.document.remarks.iter().filter(|(_, remark)| !remark.withdrawn);
        let between = remarks.filter(|(origin, _)| origin.system == *home || origin.system == *counterpart);
        let last = between.max_by_key(|(origin, remark)| (remark.written, Origin::place(origin)))?;
        Some(last.0.system.clone())
    }
}
