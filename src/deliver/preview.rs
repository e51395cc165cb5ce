//! What a lane would do with a ticket, read now and planned on a copy: nothing is recorded, written or acknowledged.

use std::collections::{BTreeMap, BTreeSet};

use throughline_sdk::{Class, Error, RemoteId, SystemName, Ticket, TicketRef, Urgency};

use crate::agreement::Routed;
use crate::api::view;
use crate::case::{AgreementName, Case, CaseId, Fact, Health};
use crate::daemon::Shared;
use crate::ledger;
use crate::plan::{Foresight, Verdict, foresee, verdict};

/// What would be done with a ticket.
#[derive(Debug)]
pub(crate) struct Preview {
    /// The ticket's case, if it has one.
    pub(crate) known: Option<CaseId>,
    /// What the planner would do.
    pub(crate) foresight: Foresight,
    /// What would be recorded: what was noted of the legs, then the plan's facts.
    pub(crate) facts: Vec<Fact>,
    /// The agreements that route a ticket of no case.
    pub(crate) routes: Vec<AgreementName>,
    /// The agreements of its system that do not, with the reasons.
    pub(crate) refusals: Vec<(AgreementName, String)>,
    /// What was read.
    pub(crate) read: Vec<TicketRef>,
    /// What could not be read, with the reasons.
    pub(crate) unread: BTreeMap<SystemName, String>,
    /// The tickets as they were read.
    pub(crate) tickets: BTreeMap<SystemName, Ticket>,
}

/// Why nothing can be told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unseen {
    /// The name is none of a case or ticket.
    #[error("{0:?} names neither a case (TL-1042) nor a ticket (SYSTEM:KEY, as in helpdesk:4711)")]
    Unnamed(String),
    /// There is no such case or system.
    #[error("there is no case and no configured system for {0}")]
    Unknown(String),
    /// The ticket is not there.
    #[error(
        "{0} is not there, or not shown to us: {1}; if people know it by another number than its id, name it by the id \
         that stands in its address"
    )]
    Missing(TicketRef, Error),
    /// The ticket could not be read.
    #[error("{0} cannot be read now: {1}")]
    Unread(TicketRef, Error),
    /// A person paused its system.
    #[error("{0} cannot be read now: {1}")]
    Paused(TicketRef, Error),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
}

/// What is being looked at.
struct Sight {
    case: Case,
    facts: Vec<Fact>,
    observations: BTreeMap<SystemName, Ticket>,
    read: Vec<TicketRef>,
    unread: BTreeMap<SystemName, String>,
    urgency: Urgency,
}

/// A ticket and what stands on the other side.
#[derive(Debug)]
pub(crate) struct BothSides {
    /// Its system.
    pub(crate) from: SystemName,
    /// The ticket.
    pub(crate) ticket: Ticket,
    /// The ticket on the other side, where the case has one that can be read.
    pub(crate) other: Option<Ticket>,
    /// Its case.
    pub(crate) case: Option<CaseId>,
}

impl Shared {
    /// Reads the ticket of this name, and its counterpart in `other` where it has one.
    pub(crate) async fn both_sides(&self, name: &str, other: &SystemName) -> Result<BothSides, Unseen> {
        let (system, key) = name.split_once(':').ok_or_else(|| Unseen::Unnamed(name.to_owned()))?;
        let from = SystemName::new(system);
        let case = self.journal.look_up(|index| view::find(index, name))?;
        let leg_of = |system: &SystemName| case.as_ref()?.legs.get(system)?.ticket.clone();
        let id = leg_of(&from).unwrap_or_else(|| RemoteId::new(key));
        let ticket = self.look_at(&TicketRef::new(from.clone(), id), Urgency::default()).await?;
        let there = match leg_of(other) {
            Some(id) => self.look_at(&TicketRef::new(other.clone(), id), Urgency::default()).await.ok(),
            None => None,
        };
        Ok(BothSides { from, ticket, other: there, case: case.map(|case| case.id) })
    }

    /// What became of everything in a case, from what is recorded.
    pub(crate) fn verdict(&self, case: &Case) -> Vec<Verdict> {
        let (observations, settled) = (BTreeMap::new(), BTreeSet::new());
        verdict(case, &self.view(&observations, &settled, &self.vault.names(), self.clock.now()))
    }

    /// Reads the ticket or case of this name and whatever the plan asks for, and plans on a copy.
    pub(crate) async fn preview(&self, name: &str) -> Result<Preview, Unseen> {
        let case = self.journal.look_up(|index| view::find(index, name))?;
        if let Some(case) = case {
            let asked = name.split_once(':').map(|(system, _)| SystemName::new(system));
            return self.preview_case(case, asked.as_ref(), Urgency::default()).await;
        }
        let (system, key) = name.split_once(':').ok_or_else(|| match name.parse::<CaseId>() {
            Ok(_) => Unseen::Unknown(name.to_owned()),
            Err(_) => Unseen::Unnamed(name.to_owned()),
        })?;
        let ticket = TicketRef::new(SystemName::new(system), RemoteId::new(key));
        let read = self.look_at(&ticket, Urgency::default()).await?;
        if let Some(known) = self.case_of_read(&ticket, &read)?
            && let Some(case) = self.journal.look_up(|index| index.case(known))?
        {
            return self.preview_case(case, Some(&ticket.system), Urgency::default()).await;
        }
        // It has no number yet, and is given none here.
        let case = Case::new(CaseId(0), self.clock.now());
        let routes: Vec<AgreementName> = self
            .rules
            .routes(&ticket.system, &read)
            .into_iter()
            .map(|agreement| agreement.name.clone())
            .collect();
        let refusals = self.rules.agreements.values().filter_map(|agreement| {
            let reason = match self.rules.routed(agreement, &ticket.system, &read)? {
                Routed::Goes => return None,
                Routed::Stays => {
                    let home = agreement.home == ticket.system;
                    let condition = if home { &agreement.outbound } else { &agreement.inbound };
                    condition.as_ref().map_or_else(
                        || "it routes no ticket of that system by itself".to_owned(),
                        |condition| format!("it routes a ticket if {}", condition.in_words()),
                    )
                }
                Routed::Unclear(why) => why,
            };
            Some((agreement.name.clone(), reason))
        });
        let refusals = refusals.collect();
        let sight = Sight {
            case,
            facts: Vec::new(),
            observations: BTreeMap::from([(ticket.system.clone(), read)]),
            read: vec![ticket],
            unread: BTreeMap::new(),
            urgency: Urgency::default(),
        };
        let preview = self.look_on(sight).await?;
        Ok(Preview { known: None, routes, refusals, ..preview })
    }

    pub(super) async fn preview_case(
        &self,
        case: Case,
        asked: Option<&SystemName>,
        urgency: Urgency,
    ) -> Result<Preview, Unseen> {
        let known = case.id;
        let wanted: Vec<(SystemName, RemoteId)> = case
            .legs
            .iter()
            .filter(|(name, _)| asked.is_none_or(|asked| asked == *name))
            .filter_map(|(name, leg)| Some((name.clone(), leg.ticket.clone()?)))
            .collect();
        let mut sight = Sight {
            case,
            facts: Vec::new(),
            observations: BTreeMap::new(),
            read: Vec::new(),
            unread: BTreeMap::new(),
            urgency,
        };
        for (system, id) in wanted {
            self.look_for(&mut sight, &system, &id).await?;
        }
        let preview = self.look_on(sight).await?;
        Ok(Preview { known: Some(known), ..preview })
    }

    /// Plans, reads what the plan asks for, and plans anew, until it asks for nothing more that can be read.
    async fn look_on(&self, mut sight: Sight) -> Result<Preview, Unseen> {
        let settled = BTreeSet::new();
        // Pseudonyms that would be given are given here only.
        let mut names = self.vault.names().clone();
        let mut given = None;
        loop {
            let foresight =
                foresee(&sight.case, &self.view(&sight.observations, &settled, &names, self.clock.now()));
            let count = names.given();
            if !foresight.plan.unnamed.is_empty() && given != Some(count) {
                given = Some(count);
                for (unnamed, number) in foresight.plan.unnamed.iter().zip(count + 1..) {
                    names.insert(&unnamed.provisional(number));
                }
                continue;
            }
            let next = foresight.plan.unread.iter().find_map(|system| {
                let tried = sight.observations.contains_key(system) || sight.unread.contains_key(system);
                let id = sight.case.legs.get(system)?.ticket.clone()?;
                (!tried).then(|| (system.clone(), id))
            });
            if let Some((system, id)) = next {
                self.look_for(&mut sight, &system, &id).await?;
                continue;
            }
            let mut facts = sight.facts;
            facts.extend(foresight.plan.facts.iter().cloned());
            return Ok(Preview {
                known: None,
                foresight,
                facts,
                routes: Vec::new(),
                refusals: Vec::new(),
                read: sight.read,
                unread: sight.unread,
                tickets: sight.observations,
            });
        }
    }

    /// Reads a leg's ticket, and notes on the copy what a lane would note of the leg.
    async fn look_for(&self, sight: &mut Sight, system: &SystemName, id: &RemoteId) -> Result<(), Unseen> {
        let ticket = TicketRef::new(system.clone(), id.clone());
        let read = match self.look_at(&ticket, sight.urgency).await {
            Ok(read) => read,
            Err(unseen @ (Unseen::Missing(..) | Unseen::Unread(..) | Unseen::Paused(..))) => {
                if let Unseen::Missing(_, error) = &unseen {
                    let reason = error.to_string();
                    sight.note(Fact::Ailed { leg: system.clone(), health: Health::Gone, reason }, self);
                }
                sight.unread.insert(system.clone(), unseen.to_string());
                return Ok(());
            }
            Err(other) => return Err(other),
        };
        for fact in self.identity(&sight.case, system, &read)? {
            sight.note(fact, self);
        }
        sight.read.push(ticket);
        sight.observations.insert(system.clone(), read);
        Ok(())
    }

    async fn look_at(&self, ticket: &TicketRef, urgency: Urgency) -> Result<Ticket, Unseen> {
        let system = self.systems.get(&ticket.system).ok_or_else(|| Unseen::Unknown(ticket.to_string()))?;
        let ctx = system.ctx(&self.clock, &self.entropy, &self.blobs, urgency);
        let read = match self.reach(system) {
            Ok(connector) => connector.fetch(&ctx, &ticket.id).await,
            Err(paused) => return Err(Unseen::Paused(ticket.clone(), paused)),
        };
        read.map_err(|error| {
            if error.class() == Class::Changed {
                Unseen::Missing(ticket.clone(), error)
            } else {
                Unseen::Unread(ticket.clone(), error)
            }
        })
    }
}

impl Sight {
    fn note(&mut self, fact: Fact, shared: &Shared) {
        if let Fact::Ailed { leg, health, .. } = &fact
            && self.case.legs.get(leg).is_some_and(|leg| leg.health == *health)
        {
            return;
        }
        self.case.apply(&fact, shared.clock.now());
        self.facts.push(fact);
    }
}
