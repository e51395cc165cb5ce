//! What one party sees of a case: its own ticket, as it was read and written there, and nothing else.
//!
//! It is told from what was recorded about the party's own leg: its readings, the operations that took effect on it, and
//! what its people said. Nothing is projected anew, so that what is told here and what was sent are one thing; and
//! nothing of another leg is looked at but the moment when the ball was passed.

use std::collections::BTreeMap;

use throughline_sdk::ticket::canonical_text;
use throughline_sdk::{
    Changes, CommentId, Digest, FileId, IntentId, NewTicket, Operation, Reference, Subject, SystemName,
    Timestamp, Visibility,
};

use crate::agreement::{Agreement, Place, Pseudonyms, Rules, retold};
use crate::case::{
    AgreementName, AgreementVersion, Case, Claim, Fact, Field, Fingerprint, GrantId, GrantState, Granted,
    Health, OfferState, Origin, PartyName, Reading, Role,
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

/// By whom and when something was written, and for whom.
#[derive(Clone, Copy, Debug)]
struct Said<'f> {
    author: &'f str,
    written: Timestamp,
    internal: bool,
}

/// Follows one leg through the records.
struct Teller<'a> {
    names: Vec<(usize, SystemName)>,
    count: usize,
    /// Under which it takes part at this place of the story: its pseudonyms are those that were known then.
    agreement: Option<AgreementName>,
    known: Known<'a>,
    since: Option<Timestamp>,
    fields: BTreeMap<Field, String>,
    posts: Vec<Post>,
    kept: usize,
    links: Vec<String>,
    offered: Option<Timestamp>,
    grants: BTreeMap<GrantId, SeenGrant>,
    events: Vec<SeenEvent>,
    intents: BTreeMap<IntentId, Operation>,
    /// What the comments there looked like when they were last read.
    prints: BTreeMap<String, Fingerprint>,
    /// Who had the ball.
    holders: Vec<(Timestamp, PartyName)>,
}

impl<'a> Teller<'a> {
    fn new(names: Vec<(usize, SystemName)>, known: Known<'a>) -> Self {
        Self {
            names,
            count: 0,
            agreement: None,
            known,
            since: None,
            fields: BTreeMap::new(),
            posts: Vec::new(),
            kept: 0,
            links: Vec::new(),
            offered: None,
            grants: BTreeMap::new(),
            events: Vec::new(),
            intents: BTreeMap::new(),
            prints: BTreeMap::new(),
            holders: Vec::new(),
        }
    }

    /// Whether this is what the leg is called at this place of the story.
    fn is_own(&self, system: &SystemName) -> bool {
        let name = self.names.iter().rev().find(|(from, _)| *from <= self.count).map(|(_, name)| name);
        name == Some(system)
    }

    fn take(&mut self, at: Timestamp, fact: &Fact) {
        self.tell(at, fact);
        self.count += 1;
    }

    fn tell(&mut self, at: Timestamp, fact: &Fact) {
        if let Fact::Holds { party, since, .. } = fact {
            self.holders.push((*since, party.clone()));
        }
        if let Fact::Claimed(claim) = fact
            && self.names.iter().any(|(_, name)| claim.to == *name)
        {
            self.claimed(claim);
        }
        if let Fact::Joined { leg, agreement, .. } = fact
            && self.is_own(leg)
        {
            self.since = self.since.or(Some(at));
            self.agreement.clone_from(agreement);
        }
        if let Fact::Offering { leg, .. } = fact
            && self.is_own(leg)
        {
            self.offered = Some(at);
        }
        self.hear(at, fact);
        self.follow_sent(at, fact);
        self.follow_grant(fact);
    }

    /// What was read on the party's own ticket.
    fn hear(&mut self, at: Timestamp, fact: &Fact) {
        if let Fact::Observed { leg, reading } = fact
            && self.is_own(leg)
        {
            self.observed(at, reading);
        }
        if let Fact::Withheld { leg, what, .. } = fact
            && self.is_own(leg)
        {
            self.kept += usize::from(what.starts_with("comment:") || what.starts_with("file:"));
        }
        if let Fact::Remarked { origin, author, written, body, internal, .. } = fact
            && self.is_own(&origin.system)
        {
            let what = Posted::Comment(self.own_words(origin, body));
            self.said(at, &origin.id, Said { author, written: *written, internal: *internal }, what);
        }
        if let Fact::Attached { origin, name, media_type, size, author, written, internal } = fact
            && self.is_own(&origin.system)
        {
            let (name, media_type) = (self.own_file_name(name), media_type.clone());
            let what = Posted::File(SeenFile { name, media_type, size: *size, digest: None });
            self.said(at, &origin.id, Said { author, written: *written, internal: *internal }, what);
        }
        if let Fact::Stored { origin, digest } = fact
            && self.is_own(&origin.system)
        {
            self.stored(&origin.id, digest);
        }
        if let Fact::RemarkWithdrawn { origin } = fact
            && self.is_own(&origin.system)
        {
            self.gone(Kind::Comment, &origin.id);
        }
        if let Fact::AttachmentWithdrawn { origin } = fact
            && self.is_own(&origin.system)
        {
            self.gone(Kind::File, &origin.id);
        }
    }

    /// What was written there: an intent counts once it took effect.
    fn follow_sent(&mut self, at: Timestamp, fact: &Fact) {
        if let Fact::Intended { leg, intent, .. } = fact
            && self.is_own(leg)
        {
            self.intents.insert(intent.id.clone(), intent.operation.clone());
        }
        if let Fact::Effected { intent, subject, .. } = fact
            && let Some(operation) = self.intents.remove(intent)
        {
            self.effected(at, operation, subject);
        }
    }

    fn follow_grant(&mut self, fact: &Fact) {
        if let Fact::GrantAsked { grant, leg, what, purpose, until, party_asks, .. } = fact
            && self.is_own(leg)
        {
            let seen = SeenGrant {
                what: granted(what),
                purpose: party_asks.then(|| purpose.clone()),
                until: *until,
                state: GrantState::Asked,
                told: *party_asks,
            };
            self.grants.insert(*grant, seen);
        }
        let next = if let Fact::GrantApproved { grant, .. } = fact {
            Some((grant, GrantState::Approved))
        } else if let Fact::GrantRefused { grant, .. } = fact {
            Some((grant, GrantState::Refused))
        } else if let Fact::GrantOpened { grant, .. } = fact {
            Some((grant, GrantState::Open))
        } else if let Fact::GrantRevoked { grant, .. } = fact {
            Some((grant, GrantState::Revoked))
        } else if let Fact::GrantExpired { grant, .. } = fact {
            Some((grant, GrantState::Expired))
        } else {
            None
        };
        // Only its own are known here.
        if let Some((grant, state)) = next
            && let Some(grant) = self.grants.get_mut(grant)
        {
            grant.state = state;
            grant.told |= state == GrantState::Open;
        }
    }

    fn observed(&mut self, at: Timestamp, reading: &Reading) {
        for (field, value) in &reading.fields {
            let before = self.fields.insert(field.clone(), value.clone());
            if before.as_ref() != Some(value) && !(before.is_none() && value.is_empty()) {
                self.event(at, Side::Own, set(field, value));
            }
        }
        for comment in &reading.comments {
            self.prints.insert(comment.id.to_string(), comment.print.clone());
        }
        for id in &reading.lost_comments {
            self.gone(Kind::Comment, id.as_str());
        }
        for id in &reading.lost_files {
            self.gone(Kind::File, id.as_str());
        }
    }

    /// Something that the party's own people wrote.
    fn said(&mut self, at: Timestamp, id: &str, said: Said<'_>, what: Posted) {
        let Said { author, written, internal } = said;
        let (kind, words) = match &what {
            Posted::Comment(_) => (Kind::Comment, format!("{author} commented")),
            Posted::File(file) => (Kind::File, format!("{author} attached {}", file.name)),
        };
        if let Some(post) = self.posts.iter_mut().rev().find(|post| post.is(kind, id)) {
            post.edited |= kind == Kind::Comment && post.what != what;
            post.gone = false;
            post.internal = internal;
            post.what = what;
            return;
        }
        self.posts.push(Post {
            id: id.to_owned(),
            at: written,
            by: Side::Own,
            author: Some(author.to_owned()),
            internal,
            edited: false,
            gone: false,
            what,
        });
        self.event(at, Side::Own, words);
    }

    /// What the party's people wrote, in their very words: the records have it in home's, with the values in place of the
    /// pseudonyms that the party knows.
    fn own_words(&self, origin: &Origin, body: &str) -> Option<String> {
        let print = Fingerprint::of(&canonical_text(body));
        if self.prints.get(&origin.id) == Some(&print) {
            return Some(body.to_owned());
        }
        retold(body, &Place::Comments, self.agreement.as_ref(), self.terms(), self.known.names)
    }

    fn own_file_name(&self, name: &str) -> String {
        let told = retold(name, &Place::FileNames, self.agreement.as_ref(), self.terms(), self.known.names);
        told.filter(|told| !told.is_empty()).unwrap_or_else(|| "file".to_owned())
    }

    fn terms(&self) -> Option<&'a Agreement> {
        self.known.rules.agreements.get(self.agreement.as_ref()?)
    }

    fn effected(&mut self, at: Timestamp, operation: Operation, subject: &Subject) {
        match (operation, subject) {
            (Operation::Create(new), _) => {
                let NewTicket { title, description, status, priority, kind, fields } = new;
                let usual = [
                    (Field::Title, Some(title)),
                    (Field::Description, Some(description)),
                    (Field::Status, status),
                    (Field::Priority, priority),
                    (Field::Kind, kind),
                ];
                self.fields.extend(usual.into_iter().filter_map(|(field, value)| Some((field, value?))));
                self.fields.extend(fields.into_iter().map(|(name, value)| (Field::Custom(name), value)));
                self.event(at, Side::Home, "the ticket was created".to_owned());
            }
            (Operation::Update { changes }, _) => {
                let Changes { title, description, priority, kind, fields } = changes;
                let usual = [
                    (Field::Title, title),
                    (Field::Description, description),
                    (Field::Priority, priority),
                    (Field::Kind, kind),
                ];
                let usual = usual.into_iter().filter_map(|(field, value)| Some((field, value?)));
                let custom = fields.into_iter().map(|(name, value)| (Field::Custom(name), value));
                for (field, value) in usual.chain(custom) {
                    self.event(at, Side::Home, set(&field, &value));
                    self.fields.insert(field, value);
                }
            }
            (Operation::Transition { status }, _) => {
                self.event(at, Side::Home, set(&Field::Status, &status));
                self.fields.insert(Field::Status, status);
            }
            (Operation::Comment { body, visibility }, Subject::Comment(id)) => {
                let internal = visibility == Visibility::Internal;
                self.put(at, id.as_str(), internal, Posted::Comment(Some(body)));
                self.event(at, Side::Home, "a comment".to_owned());
            }
            (Operation::Edit { comment, body }, _) => {
                if let Some(post) = self.post(Kind::Comment, comment.as_str()) {
                    post.edited = true;
                    post.what = Posted::Comment(Some(body));
                }
                self.event(at, Side::Home, "a comment was edited".to_owned());
            }
            (Operation::Retract { comment }, _) => {
                self.gone(Kind::Comment, comment.as_str());
                self.event(at, Side::Home, "a comment was taken back".to_owned());
            }
            (Operation::Attach { name, media_type, size, digest, visibility }, Subject::File(id)) => {
                self.event(at, Side::Home, format!("a file: {name}"));
                let file = SeenFile { name, media_type, size, digest: Some(digest) };
                self.put(at, id.as_str(), visibility == Visibility::Internal, Posted::File(file));
            }
            (Operation::LinkBack(Reference { label, .. }), _) => {
                if !self.links.contains(&label) {
                    self.links.push(label);
                }
            }
            (Operation::Comment { .. } | Operation::Attach { .. }, _) => {}
        }
    }

    /// Something that the bridge wrote there.
    fn put(&mut self, at: Timestamp, id: &str, internal: bool, what: Posted) {
        self.posts.push(Post {
            id: id.to_owned(),
            at,
            by: Side::Home,
            author: None,
            internal,
            edited: false,
            gone: false,
            what,
        });
    }

    fn post(&mut self, kind: Kind, id: &str) -> Option<&mut Post> {
        self.posts.iter_mut().rev().find(|post| post.is(kind, id))
    }

    fn stored(&mut self, id: &str, digest: &Digest) {
        if let Some(post) = self.post(Kind::File, id)
            && let Posted::File(file) = &mut post.what
        {
            file.digest = Some(digest.clone());
        }
    }

    /// What is gone is not shown to anybody who reads here either.
    fn gone(&mut self, kind: Kind, id: &str) {
        if let Some(post) = self.post(kind, id) {
            post.gone = true;
        }
    }

    /// The new ticket's comments and files have other names than the old one's.
    fn claimed(&mut self, claim: &Claim) {
        for post in &mut self.posts {
            post.id = match post.what {
                Posted::Comment(_) => claim.comment(&CommentId::new(&post.id)).to_string(),
                Posted::File(_) => claim.file(&FileId::new(&post.id)).to_string(),
            };
        }
        self.agreement = Some(claim.agreement.clone());
    }

    /// Whoever has it besides the party is home to it, since the party gave it away.
    fn ball(&self, party: &PartyName) -> Option<(Side, Timestamp)> {
        let (_, last) = self.holders.last()?;
        let own = last == party;
        let since = self
            .holders
            .iter()
            .rev()
            .take_while(|(_, holder)| (holder == party) == own)
            .last()
            .map(|(at, _)| *at)?;
        // What was before it took part is none of its business.
        let since = self.since.map_or(since, |joined| since.max(joined));
        Some((if own { Side::Own } else { Side::Home }, since))
    }

    fn event(&mut self, at: Timestamp, by: Side, text: String) {
        self.events.push(SeenEvent { at, by, text });
    }
}

/// What a post is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Comment,
    File,
}

impl Post {
    fn is(&self, kind: Kind, id: &str) -> bool {
        let own = match self.what {
            Posted::Comment(_) => Kind::Comment,
            Posted::File(_) => Kind::File,
        };
        own == kind && self.id == id
    }
}

fn set(field: &Field, value: &str) -> String {
    match field {
        Field::Description => "the description changed".to_owned(),
        Field::Title | Field::Status | Field::Priority | Field::Kind => format!("{field}: {value}"),
        Field::Custom(name) => format!("{name}: {value}"),
    }
}

/// What a grant shows, without the names that home's system has for it.
fn granted(what: &Granted) -> String {
    match what {
        Granted::Field(Field::Custom(name)) => name.clone(),
        Granted::Field(field) => format!("the {field}"),
        Granted::InternalComments => "internal comments".to_owned(),
        Granted::Comment(_) => "an internal comment".to_owned(),
        Granted::Files => "files".to_owned(),
        Granted::File(_) => "a file".to_owned(),
        Granted::Environment => "a copy of an environment".to_owned(),
    }
}
