//! Grants: what may be asked, approved, refused and revoked, and what follows by itself from the moment and the case.

use std::collections::BTreeSet;

use throughline_sdk::{SystemName, Timestamp, Visibility};

use super::decide::Decision as Decided;
use super::planner::Planner;
use super::project::Target;
use crate::agreement::{Agreement, Kind, Rules, Sharing};
use crate::case::{
    Approval, Case, CaseId, Environment, Fact, Field, Grant, GrantId, GrantState, Granted, Item, Origin,
};

/// The longest purpose, reason or reference, in characters; and the longest name.
const LONGEST_TEXT: usize = 2_000;
const LONGEST_NAME: usize = 200;

/// What a person does about a grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrantAct {
    /// Asks for one.
    Ask(GrantAsk),
    /// Decides about one.
    Decide {
        /// Which.
        grant: GrantId,
        /// Who, as they say.
        by: String,
        /// What.
        decision: Decision,
    },
}

/// What is decided about a grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It may open.
    Approve {
        /// In which role that is said.
        role: String,
        /// The copy of an environment that is meant.
        environment: Option<Environment>,
    },
    /// It is not approved.
    Refuse {
        /// Why.
        reason: String,
    },
    /// It ends before its time.
    Revoke {
        /// Why.
        reason: String,
    },
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantAsk {
    /// The party that is to be shown it, or its system.
    pub party: String,
    /// What.
    pub what: Granted,
    /// What for.
    pub purpose: String,
    /// Until when.
    pub until: Timestamp,
    /// Who asks, as they say.
    pub by: String,
    /// The party asks itself; else home offers it.
    pub party_asks: bool,
    /// Where the party's desk has nothing internal, it may be shown in public there.
    pub public_if_must: bool,
    /// The copy of an environment that is meant.
    pub environment: Option<Environment>,
}

/// Why something is not done about a grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// There is no such party or grant.
    Unknown(String),
    /// The agreement does not provide for it.
    Forbidden(String),
    /// It does not fit how things stand.
    Conflict(String),
}

/// The fact that follows from what a person does about a grant of a case, at this moment.
///
/// # Errors
///
/// [`Unfit`], in words for the person.
pub fn act_on_grant(
    case: &Case,
    rules: &Rules,
    act: &GrantAct,
    now: Timestamp,
) -> Result<(GrantId, Fact), Unfit> {
    let sharing = Sharing::of(rules, case, now);
    match act {
        GrantAct::Ask(ask) => asked(case, &sharing, ask, now),
        GrantAct::Decide { grant, by, decision } => {
            let Some(standing) = case.grants.get(grant) else {
                return Err(Unfit::Unknown(format!("{} has no grant {grant}", case.id)));
            };
            check_stands(*grant, standing, decision, now)?;
            let by = said("who decides", by, LONGEST_NAME)?;
            decided(case.id, &sharing, (*grant, standing), by, decision).map(|fact| (*grant, fact))
        }
    }
}

fn decided(
    case: CaseId,
    sharing: &Sharing<'_>,
    (id, grant): (GrantId, &Grant),
    by: String,
    decision: &Decision,
) -> Result<Fact, Unfit> {
    let leg = grant.leg.clone();
    match decision {
        Decision::Approve { role, environment } => {
            let agreement = in_force(case, sharing, &leg)?;
            named(agreement, &grant.what)?;
            check_role(agreement, role)?;
            let environment = environment.clone().filter(|_| grant.what == Granted::Environment);
            if grant.what == Granted::Environment && environment.is_none() && grant.environment.is_none() {
                let why = "say which copy is meant: its label, and how one gets there";
                return Err(Unfit::Conflict(why.to_owned()));
            }
            if let Some(environment) = &environment {
                check_environment(environment)?;
            }
            let approval = Approval::Role { role: role.clone(), by };
            Ok(Fact::GrantApproved { grant: id, leg, approval, environment })
        }
        Decision::Refuse { reason } => {
            let reason = said("why", reason, LONGEST_TEXT)?;
            Ok(Fact::GrantRefused { grant: id, leg, by, reason })
        }
        Decision::Revoke { reason } => {
            let reason = said("why", reason, LONGEST_TEXT)?;
            Ok(Fact::GrantRevoked { grant: id, leg, by, reason })
        }
    }
}

fn check_role(agreement: &Agreement, role: &str) -> Result<(), Unfit> {
    let name = &agreement.name;
    match &agreement.grants.approved_by {
        Some(approver) if approver == role => Ok(()),
        Some(approver) => Err(Unfit::Forbidden(format!(
            "under the agreement {name} the role {approver:?} approves grants, not {role:?}"
        ))),
        None => Err(Unfit::Forbidden(format!("the agreement {name} names no role that approves grants"))),
    }
}

/// Whether a grant is where this can be decided about it.
fn check_stands(id: GrantId, grant: &Grant, decision: &Decision, now: Timestamp) -> Result<(), Unfit> {
    let (verb, fits) = match decision {
        Decision::Approve { .. } => ("approved", grant.state == GrantState::Asked),
        Decision::Refuse { .. } => ("refused", grant.state == GrantState::Asked),
        Decision::Revoke { .. } => {
            ("revoked", matches!(grant.state, GrantState::Approved | GrantState::Open))
        }
    };
    let in_time = grant.state.is_over() || now < grant.until;
    if fits && in_time {
        return Ok(());
    }
    Err(Unfit::Conflict(if !in_time {
        format!("the time of grant {id} is over: it cannot be {verb} any more")
    } else if grant.state == GrantState::Asked {
        format!("grant {id} is not approved yet: refuse it instead")
    } else {
        format!("grant {id} is {} by now: it cannot be {verb}", grant.state.word())
    }))
}

fn asked(
    case: &Case,
    sharing: &Sharing<'_>,
    ask: &GrantAsk,
    now: Timestamp,
) -> Result<(GrantId, Fact), Unfit> {
    let leg = leg_of(case, sharing, &ask.party)?;
    let agreement = in_force(case.id, sharing, &leg)?;
    named(agreement, &ask.what)?;
    if let Granted::Field(field) = &ask.what
        && sharing.is_target(&leg, field)
    {
        let why = format!("{field} is shared with {leg} already, by the agreement or by another grant");
        return Err(Unfit::Conflict(why));
    }
    if let Granted::Comment(origin) | Granted::File(origin) = &ask.what
        && !sharing.is_home(&origin.system)
    {
        let why = format!("{origin} is not home's: only what stands on home's ticket can be granted");
        return Err(Unfit::Conflict(why));
    }
    if ask.until <= now {
        return Err(Unfit::Conflict("a grant ends in the future; say until when".to_owned()));
    }
    if (ask.until - now).to_std().is_ok_and(|span| span > agreement.grants.longest) {
        let hours = agreement.grants.longest.as_secs() / 3_600;
        let why = format!("under the agreement {} a grant lasts {hours} h at most", agreement.name);
        return Err(Unfit::Forbidden(why));
    }
    if let Some(environment) = &ask.environment {
        if ask.what != Granted::Environment {
            let why = "a label and a reference belong to an environment only";
            return Err(Unfit::Conflict(why.to_owned()));
        }
        check_environment(environment)?;
    }
    let number = u32::try_from(case.grants.len()).unwrap_or(u32::MAX).saturating_add(1);
    let grant = GrantId(number);
    let fact = Fact::GrantAsked {
        grant,
        leg,
        what: ask.what.clone(),
        purpose: said("what for", &ask.purpose, LONGEST_TEXT)?,
        until: ask.until,
        by: said("who asks", &ask.by, LONGEST_NAME)?,
        party_asks: ask.party_asks,
        public_if_must: ask.public_if_must,
        environment: ask.environment.clone(),
    };
    Ok((grant, fact))
}

/// The counterpart's leg that is meant by its party's name or its system's.
fn leg_of(case: &Case, sharing: &Sharing<'_>, name: &str) -> Result<SystemName, Unfit> {
    let mut legs = case
        .legs
        .iter()
        .filter(|(system, leg)| !sharing.is_home(system) && (system.as_str() == name || leg.party.0 == name));
    match (legs.next(), legs.next()) {
        (Some((system, _)), None) => Ok(system.clone()),
        (Some((one, _)), Some((other, _))) => Err(Unfit::Conflict(format!(
            "{name} has several tickets in {}: say which system, {one} or {other}",
            case.id
        ))),
        (None, _) => Err(Unfit::Unknown(format!("no counterpart {name} takes part in {}", case.id))),
    }
}

fn in_force<'r>(case: CaseId, sharing: &Sharing<'r>, leg: &SystemName) -> Result<&'r Agreement, Unfit> {
    let why = || Unfit::Conflict(format!("no agreement with {leg} is in force in {case}"));
    sharing.agreement(leg).ok_or_else(why)
}

fn named(agreement: &Agreement, what: &Granted) -> Result<(), Unfit> {
    if agreement.grants.name(what) {
        return Ok(());
    }
    let all: Vec<String> = agreement.grants.may_ask.iter().map(ToString::to_string).collect();
    let all = if all.is_empty() { "nothing".to_owned() } else { all.join(", ") };
    Err(Unfit::Forbidden(format!(
        "{what} cannot be asked for under the agreement {}: its may_ask names {all}",
        agreement.name
    )))
}

fn check_environment(environment: &Environment) -> Result<(), Unfit> {
    said("what the copy is called", &environment.label, LONGEST_NAME)?;
    said("how one gets to the copy", &environment.reference, LONGEST_TEXT).map(drop)
}

/// A text that has to be there, and is not too long.
fn said(what: &str, text: &str, longest: usize) -> Result<String, Unfit> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Unfit::Conflict(format!("say {what}")));
    }
    if text.chars().count() > longest {
        return Err(Unfit::Conflict(format!("{what} takes at most {longest} characters")));
    }
    Ok(text.to_owned())
}

impl Planner<'_> {
    /// Ends the grants whose time is over, approves what policy approves, and opens what was approved as soon as home's
    /// ticket is read. True if one was opened: what it shows is in that reading.
    pub(super) fn follow_grants(&mut self) -> bool {
        let standing = self.case.grants.iter().filter(|(_, grant)| !grant.state.is_over());
        let standing: Vec<(GrantId, Grant)> = standing.map(|(id, grant)| (*id, grant.clone())).collect();
        let mut opened = false;
        for (id, grant) in standing {
            opened |= self.follow_grant(id, grant);
        }
        self.forget_what_ended();
        opened
    }

    fn follow_grant(&mut self, grant: GrantId, mut standing: Grant) -> bool {
        let leg = standing.leg.clone();
        if standing.until <= self.view.now {
            self.say(Fact::GrantExpired { grant, leg });
            return false;
        }
        let sharing = self.sharing();
        let agreement = sharing.agreement(&leg).filter(|agreement| agreement.grants.name(&standing.what));
        let Some(agreement) = agreement else { return false };
        if standing.state == GrantState::Asked
            && let Some(from) = agreement.grants.approve(&standing, self.case)
        {
            let approval = Approval::Policy { from };
            self.say(Fact::GrantApproved { grant, leg: leg.clone(), approval, environment: None });
            standing.state = GrantState::Approved;
        }
        if standing.state != GrantState::Approved {
            return false;
        }
        let home = self.case.legs.keys().find(|name| sharing.is_home(name)).cloned();
        let Some(home) =
            home.filter(|home| self.able(home, &sharing).is_some_and(|leg| leg.ticket.is_some()))
        else {
            return false;
        };
        if !self.view.observations.contains_key(&home) {
            self.ask_for(&home);
            return false;
        }
        self.say(Fact::GrantOpened { grant, leg });
        true
    }

    /// Keeps the texts of internal comments no longer than some counterpart is shown them, and says which values stay
    /// where they were shown: no desk forgets one.
    fn forget_what_ended(&mut self) {
        let ended = |grant: &&Grant| grant.opened && grant.state.is_over();
        if !self.case.grants.values().any(|grant| ended(&grant)) {
            return;
        }
        let sharing = self.sharing();
        let was_shown = |origin: &Origin| {
            let mut grants = self.case.grants.values().filter(ended);
            grants.any(|grant| grant.covers(Kind::Comments, Visibility::Internal, origin))
        };
        let is_shown = |origin: &Origin| {
            let mut legs = self.case.legs.keys();
            legs.any(|leg| sharing.carries(Kind::Comments, Visibility::Internal, origin, leg))
        };
        let remarks =
            self.case.document.remarks.iter().filter(|(_, remark)| remark.internal && !remark.withdrawn);
        let forgotten: Vec<Fact> = remarks
            .filter(|(origin, _)| was_shown(origin) && !is_shown(origin))
            .map(|(origin, _)| Fact::RemarkWithdrawn { origin: origin.clone() })
            .collect();
        let mut stay: BTreeSet<(SystemName, Field)> = BTreeSet::new();
        for grant in self.case.grants.values().filter(ended) {
            let (Granted::Field(field), Some(leg)) = (&grant.what, self.case.legs.get(&grant.leg)) else {
                continue;
            };
            let shadow = leg.shadow.fields.get(field);
            let was_written = shadow.is_some_and(|seen| seen.agreed.is_some() || seen.written.is_some());
            let told = leg.shadow.withheld.contains(&field.to_string());
            if was_written && !told && !sharing.is_target(&grant.leg, field) {
                stay.insert((grant.leg.clone(), field.clone()));
            }
        }
        for fact in forgotten {
            self.say(fact);
        }
        for (leg, field) in stay {
            let rule = "the grant that showed it has ended: what was written stays there, as no desk forgets a value, \
                        and what becomes of it here is not shown any more";
            self.say(Fact::Withheld { leg, what: field.to_string(), rule: rule.to_owned() });
        }
    }
}

impl Target<'_> {
    /// Tells of the environments that are granted to this leg.
    pub(super) fn environments(&self) -> Vec<(Item, Decided)> {
        let mut told = Vec::new();
        for (id, grant) in self.case.grants.iter().filter(|(_, grant)| grant.leg == *self.name) {
            let (Some(environment), true) = (&grant.environment, self.sharing.is_granted(*id)) else {
                continue;
            };
            let visibility = match grant.public_if_must && !self.able.internal_comments {
                true => Visibility::Public,
                false => Visibility::Internal,
            };
            let text = format!(
                "{}: {}\n\nFor: {}\n\nUntil: {}",
                environment.label,
                environment.reference,
                grant.purpose,
                grant.until.format("%Y-%m-%dT%H:%M:%SZ")
            );
            told.extend(self.notice(Grant::notice_key(*id), &text, visibility));
        }
        told
    }

    /// Whether something internal is shown in public here, because the desk has nothing internal and a grant says so.
    pub(super) fn goes_public(&self, kind: Kind, origin: &Origin) -> bool {
        !self.able.internal_comments && self.sharing.is_public_if_must(kind, origin, self.name)
    }

    /// Whether a copy stands here by a grant that has ended, and by nothing else. `current`: whether its original is
    /// withdrawn, and internal.
    pub(super) fn outlives_grant(&self, kind: Kind, origin: &Origin, current: Option<(bool, bool)>) -> bool {
        if let Some(grant) = Grant::of_notice(&origin.id)
            && *origin == Origin::notice(&origin.id)
        {
            return !self.sharing.is_granted(grant);
        }
        let Some((_, internal)) = current else { return false };
        let visibility = if internal { Visibility::Internal } else { Visibility::Public };
        let covers = |grant: &Grant| {
            let either = [Visibility::Internal, Visibility::Public];
            grant.is_for(self.name) && either.into_iter().any(|it| grant.covers(kind, it, origin))
        };
        let was_shown = self.case.grants.values().any(|grant| grant.opened && covers(grant));
        let granted =
            self.case.grants.iter().any(|(id, grant)| self.sharing.is_granted(*id) && covers(grant));
        was_shown && !granted && !self.sharing.carries(kind, visibility, origin, self.name)
    }
}
