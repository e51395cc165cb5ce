//! What one party sees of a case: its own ticket, as it was read and written there, and nothing else.
//!
//! It is told from what was recorded about the party's own leg: its readings, the operations that took effect on it, and
//! what its people said. Nothing is projected anew, so that what is told here and what was sent are one thing; and
//! nothing of another leg is looked at but the moment when the ball was passed.

mod teller;

use std::collections::BTreeMap;

use throughline_sdk::{Digest, SystemName, Timestamp};

use self::teller::Teller;
use crate::agreement::{Pseudonyms, Rules};
use crate::case::{
    AgreementVersion, Case, Fact, Field, GrantId, GrantState, Health, OfferState, PartyName, Role,
};

/// What one party sees of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The party.
    pub party: PartyName,
    /// The home organization's name for readers: the one party that it deals with.
    pub home: String,
    /// The number of its ticket.
    pub key: Option<String>,
    /// Where its people open it.
    pub url: Option<String>,
    /// Its ticket is deleted there, or merged into another.
    pub gone: bool,
    /// The fields of its ticket in its own words. What is empty is not here.
    pub fields: BTreeMap<Field, String>,
    /// What stands on its ticket, in the order in which it came to be known: the desks' clocks may differ.
    pub posts: Vec<Post>,
    /// Comments and files of its people that stay with them.
    pub kept: usize,
    /// What its ticket is called at the other side, where it was told.
    pub links: Vec<String>,
    /// Since when it takes part.
    pub since: Timestamp,
    /// Who has the ball, and since when, as far as it is concerned.
    pub ball: Option<(Side, Timestamp)>,
    /// The version of the agreement under which it takes part.
    pub version: Option<AgreementVersion>,
    /// How an offer stands.
    pub offer: Option<SeenOffer>,
    /// What it asked for, or was shown, beyond the agreement.
    pub grants: BTreeMap<GrantId, SeenGrant>,
    /// What happened to its ticket, oldest first.
    pub events: Vec<SeenEvent>,
}

/// One side of the agreement, as the party sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The party itself.
    Own,
    /// Home, and whoever stands behind it.
    Home,
}

/// A comment or file on the party's ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// Its id there.
    pub id: String,
    /// When it was written there.
    pub at: Timestamp,
    /// Who wrote it there.
    pub by: Side,
    /// Which of the party's people, where it was one.
    pub author: Option<String>,
    /// Only the party's staff reads it.
    pub internal: bool,
    /// It says something else than it did at first.
    pub edited: bool,
    /// It does not stand there any more.
    pub gone: bool,
    /// What it is.
    pub what: Posted,
}

/// What stands on a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Posted {
    /// A comment; `None` where its words cannot be told as the party wrote them.
    Comment(Option<String>),
    /// A file.
    File(SeenFile),
}

/// A file on the party's ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenFile {
    /// Its name there.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// Size in bytes.
    pub size: u64,
    /// Its bytes as they stand there, where the bridge has them.
    pub digest: Option<Digest>,
}

/// An offer as the party sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenOffer {
    /// The side that has to accept.
    pub to: Side,
    /// How it stands.
    pub state: OfferState,
    /// Since when.
    pub since: Timestamp,
    /// Until when the party has to answer.
    pub respond_by: Option<Timestamp>,
}

/// A grant as the party sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenGrant {
    /// What is shown, in words that name nothing of home's.
    pub what: String,
    /// What for, where the party said so itself.
    pub purpose: Option<String>,
    /// Until when.
    pub until: Timestamp,
    /// How it stands.
    pub state: GrantState,
    /// Whether the party knows of it: it asked itself, or was shown something.
    told: bool,
}

/// Something that happened to the party's ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenEvent {
    /// When.
    pub at: Timestamp,
    /// Which side did it.
    pub by: Side,
    /// In words.
    pub text: String,
}

/// What is known besides the case and its records.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The agreements in force.
    pub rules: &'a Rules,
    /// The pseudonyms there are.
    pub names: &'a Pseudonyms,
}

impl Seen {
    /// What the party of this leg sees of the case; `None` where it has no ticket, and so sees nothing.
    pub fn of<'f>(
        case: &Case,
        leg: &SystemName,
        told: impl IntoIterator<Item = (Timestamp, &'f Fact)>,
        known: Known<'_>,
    ) -> Option<Self> {
        let standing = case.legs.get(leg).filter(|standing| standing.ticket.is_some())?;
        let told: Vec<(Timestamp, &Fact)> = told.into_iter().collect();
        let mut teller = Teller::new(names(leg, &told), known);
        for (at, fact) in told {
            teller.take(at, fact);
        }
        let party = standing.party.clone();
        let ball = teller.ball(&party);
        let offer = standing.offer.as_ref().map(|offer| SeenOffer {
            to: if offer.to == Role::Home { Side::Home } else { Side::Own },
            // What it was not told yet it does not see.
            state: if offer.is_to_be_told() { OfferState::Offered } else { offer.state },
            since: teller.offered.filter(|_| offer.is_to_be_told()).unwrap_or(offer.since),
            respond_by: offer.respond_by.filter(|_| offer.to == Role::Counterpart && offer.is_open()),
        });
        let home = case.legs.iter().find(|(_, leg)| leg.role == Role::Home).map(|(name, _)| name);
        let home = home.and_then(|home| known.rules.systems.get(home)).map(|home| home.party_title.clone());
        Some(Self {
            party,
            home: home.unwrap_or_else(|| "the other side".to_owned()),
            key: standing.key.clone().or_else(|| standing.ticket.as_ref().map(ToString::to_string)),
            url: standing.url.clone(),
            gone: standing.health != Health::Well,
            fields: teller.fields.into_iter().filter(|(_, value)| !value.is_empty()).collect(),
            posts: teller.posts,
            kept: teller.kept,
            links: teller.links,
            since: teller.since.unwrap_or(case.opened),
            ball,
            version: standing.version.clone(),
            offer,
            grants: teller.grants.into_iter().filter(|(_, grant)| grant.told).collect(),
            events: teller.events,
        })
    }

    /// One of its fields, as it stands there.
    pub fn field(&self, field: &Field) -> &str {
        self.fields.get(field).map(String::as_str).unwrap_or_default()
    }

    /// The file on its ticket whose bytes have this digest.
    pub fn file(&self, digest: &str) -> Option<&SeenFile> {
        self.posts.iter().find_map(|post| match &post.what {
            Posted::File(file) if !post.gone => {
                file.digest.as_ref().is_some_and(|known| known.as_str() == digest).then_some(file)
            }
            Posted::File(_) | Posted::Comment(_) => None,
        })
    }
}

/// What the leg was called, and from which fact on: a ticket that was claimed had another name before.
fn names(leg: &SystemName, told: &[(Timestamp, &Fact)]) -> Vec<(usize, SystemName)> {
    let mut names = vec![(0, leg.clone())];
    for (at, (_, fact)) in told.iter().enumerate().rev() {
        if let Fact::Claimed(claim) = fact
            && let Some((from, name)) = names.last_mut()
            && claim.to == *name
        {
            *from = at;
            names.push((0, claim.from.clone()));
        }
    }
    names.reverse();
    names
}
