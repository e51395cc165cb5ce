//! Claiming in the lane of its case: another system's ticket takes the place of one that was kept by hand.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use throughline_sdk::{RemoteId, SystemName, Ticket, TicketRef, Visibility};

use super::lane::Lane;
use crate::agreement::Agreement;
use crate::case::{Case, Claim, Fact, Fingerprint, Health, Leg, Role};
use crate::daemon::Shared;
use crate::desk::Sort;
use crate::ledger;
use crate::plan::{Twins, twins};

/// What a person wants to take the place of what.
#[derive(Clone, Debug)]
pub struct Claiming {
    /// The system whose ticket was kept by hand.
    pub from: SystemName,
    /// The ticket that takes its place.
    pub to: TicketRef,
    /// What the person confirms: the [`Claimed::confirm`] of an answer before.
    pub confirmed: Option<String>,
}

/// What was found, for a person to confirm, or what was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Claimed {
    /// The case.
    pub case: String,
    /// The ticket that was kept by hand.
    pub from: String,
    /// The ticket that takes its place.
    pub to: String,
    /// Comments and files that stand on both.
    pub same: Vec<String>,
    /// What stands on the old ticket only: it is not written to the new one.
    pub missing: Vec<String>,
    /// What stands on the new ticket only, and is public: it is told to the others.
    pub new: Vec<String>,
    /// By this a person confirms exactly what is listed here.
    pub confirm: String,
    /// Whether it was done.
    pub done: bool,
}

impl Lane<'_> {
    /// Finds out what a claim would do, and does it if a person confirmed just that. An inner error is an answer for the
    /// person, and nothing happened.
    pub(super) async fn claim(
        &mut self,
        claiming: &Claiming,
    ) -> Result<Result<Claimed, String>, ledger::Error> {
        let shared = Arc::clone(self.shared);
        let agreement = match allowed(&self.case, &shared, claiming) {
            Ok(agreement) => agreement.name.clone(),
            Err(reason) => return Ok(Err(reason)),
        };
        let through = shared.journal.end();
        let Some((leg, old)) =
            self.case.legs.get(&claiming.from).and_then(|leg| Some((leg.clone(), leg.ticket.clone()?)))
        else {
            return Ok(Err(format!("the ticket at {} is not there yet", claiming.from)));
        };
        if let Err(reason) = unfinished(&shared, &claiming.from, &old).await {
            return Ok(Err(reason));
        }
        let by_hand = match self.read(&claiming.from, &old).await {
            Ok(read) => read,
            Err(reason) => return Ok(Err(reason)),
        };
        let other = match self.read(&claiming.to.system, &claiming.to.id).await {
            Ok(read) if read.id == claiming.to.id => read,
            Ok(read) => return Ok(Err(format!("{} is {} now; claim that", claiming.to, read.id))),
            Err(reason) => return Ok(Err(reason)),
        };
        let _alone = shared.claiming.lock().await;
        if let Some(other) = shared.case_of(&claiming.to)? {
            return Ok(Err(format!("{} belongs to {other} already", claiming.to)));
        }
        let is_unread = |leg: &Leg| {
            let mut public =
                by_hand.comments.iter().filter(|comment| comment.visibility == Visibility::Public);
            public.any(|comment| !leg.shadow.comments.contains_key(&comment.id))
        };
        if is_unread(&leg) {
            return Ok(Err(format!("what was recorded at {} is still being told; try again", claiming.from)));
        }
        let found = twins(&leg, &by_hand, &other);
        let mut claimed = shown(&self.case, claiming, &by_hand, &other, &found);
        if claiming.confirmed.as_ref() != Some(&claimed.confirm) {
            return Ok(match claiming.confirmed {
                None => Ok(claimed),
                Some(_) => {
                    Err("one of the tickets has changed since; look again at what is found".to_owned())
                }
            });
        }
        let claim = Claim {
            from: claiming.from.clone(),
            to: claiming.to.system.clone(),
            agreement,
            ticket: other.id.clone(),
            updated: other.updated,
            comments: found.comments,
            files: found.files,
        };
        let fact = Fact::Claimed(Box::new(claim));
        self.case.apply(&fact, shared.clock.now());
        let observations = BTreeMap::from([(claiming.to.system.clone(), other)]);
        // In one record with what follows from the new ticket, so that nobody ever sees one without the other.
        self.plan_and_record(vec![fact], observations, &[], through).await?;
        tracing::info!(case.id = %self.case.id, from = %claiming.from, to = %claiming.to, "A ticket was claimed.");
        claimed.done = true;
        Ok(Ok(claimed))
    }

    async fn read(&mut self, name: &SystemName, ticket: &RemoteId) -> Result<Ticket, String> {
        let shared = Arc::clone(self.shared);
        let system = shared.systems.get(name).ok_or_else(|| format!("no system is called {name}"))?;
        let inside = self.enter(name).ok_or_else(|| format!("{name} is busy; try again"))?;
        let read = shared.fetch(system, ticket, self.urgency()).await;
        drop(inside);
        read.map_err(|error| format!("{name}:{ticket} cannot be read: {error}"))
    }
}

/// What people still have to carry over: nobody could tell later whether it stands there.
async fn unfinished(shared: &Shared, from: &SystemName, ticket: &RemoteId) -> Result<(), String> {
    let desk = shared.northbound.references.iter().find(|desk| desk.name() == from);
    let desk = desk.ok_or_else(|| format!("{from} is no system of the kind reference"))?;
    let number = ticket.as_str().parse().ok();
    let number = number.ok_or_else(|| format!("{from} has no ticket {ticket}"))?;
    let record = desk.read(Sort::Ticket, number).await.map_err(|error| error.to_string())?;
    let record = record.ok_or_else(|| format!("{from} has no ticket {ticket}"))?;
    match record.errands().as_slice() {
        [] => Ok(()),
        errands => Err(format!(
            "{} of the ticket at {from} are not marked as carried over; see `throughline reference list`, and mark it \
             with `passed`",
            errands.len()
        )),
    }
}

/// The agreement by which the claim can be made, or why it cannot.
fn allowed<'s>(case: &Case, shared: &'s Shared, claiming: &Claiming) -> Result<&'s Agreement, String> {
    let (from, to) = (&claiming.from, &claiming.to.system);
    let leg = case.legs.get(from).ok_or_else(|| format!("{} has no ticket at {from}", case.id))?;
    if case.legs.contains_key(to) {
        return Err(format!("{} has a ticket at {to} already", case.id));
    }
    if shared.rules.claims.get(to) != Some(from) {
        return Err(format!(
            "no agreement with {to} says `claims = \"{from}\"`; a claim needs one, so that cases kept by hand are not \
             raised there once more"
        ));
    }
    let home = case.legs.iter().find(|(_, leg)| leg.role == Role::Home).map(|(name, _)| name);
    let agreement = shared.rules.agreements.values().find(|agreement| {
        agreement.counterpart == *to && Some(&agreement.home) == home && agreement.party == leg.party
    });
    let agreement = agreement.ok_or_else(|| {
        format!("no agreement of {} with {to} is for the home system of {}", leg.party, case.id)
    })?;
    if leg.health != Health::Well {
        return Err(format!("the ticket at {from} is not there any more"));
    }
    if !leg.outstanding.is_empty() || leg.dirty {
        return Err(format!("something is still on its way to {from}; try again"));
    }
    if leg.parked.values().any(|parked| !parked.discarded) {
        return Err(format!(
            "something for {from} waits for a person; see `throughline parked`, and retry or discard it first"
        ));
    }
    Ok(agreement)
}

fn shown(case: &Case, claiming: &Claiming, by_hand: &Ticket, other: &Ticket, found: &Twins) -> Claimed {
    let comment = |ticket: &Ticket, id: &dyn Fn(&throughline_sdk::Comment) -> bool| {
        let comment = ticket.comments.iter().find(|comment| id(comment));
        comment.map_or_else(String::new, |comment| {
            format!("{}: {}", comment.author.name, first_line(&comment.body))
        })
    };
    let (mut same, mut missing) = (Vec::new(), Vec::new());
    for (old, twin) in &found.comments {
        let text = comment(by_hand, &|comment| comment.id == *old);
        match twin {
            Some(twin) => same.push(format!("comment {old} is {}: {text}", twin.id)),
            None => missing.push(format!("comment {old}: {text}")),
        }
    }
    for (old, twin) in &found.files {
        let name = by_hand.files.iter().find(|file| file.id == *old).map_or("", |file| file.name.as_str());
        match twin {
            Some(twin) => same.push(format!("file {old} is {twin}: {name}")),
            None => missing.push(format!("file {old}: {name}")),
        }
    }
    let mut new: Vec<String> = found
        .new_comments
        .iter()
        .map(|id| format!("comment {id}: {}", comment(other, &|comment| comment.id == *id)))
        .collect();
    for file in other.files.iter().filter(|file| found.new_files.contains(&file.id)) {
        new.push(format!("file {}: {}", file.id, file.name));
    }
    let confirm = Fingerprint::of(&format!(
        "{} {} {} {:?} {} {found:?}",
        case.id, claiming.from, claiming.to, other.version, other.updated
    ));
    Claimed {
        case: case.id.to_string(),
        from: format!("{}:{}", claiming.from, by_hand.key),
        to: format!("{}:{}", claiming.to.system, other.key),
        same,
        missing,
        new,
        confirm: confirm.as_str().chars().take(8).collect(),
        done: false,
    }
}

fn first_line(text: &str) -> &str {
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default()
}
