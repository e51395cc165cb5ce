//! Follows one leg through the records, and notes what the party sees of it: what it did itself, and what was done there.

use std::collections::BTreeMap;

use throughline_sdk::ticket::canonical_text;
use throughline_sdk::{
    Changes, CommentId, Digest, FileId, IntentId, NewTicket, Operation, Reference, Subject, SystemName,
    Timestamp, Visibility,
};

use super::{Known, Post, Posted, SeenEvent, SeenFile, SeenGrant, Side};
use crate::agreement::{Agreement, Place, retold};
use crate::case::{
    AgreementName, Claim, Fact, Field, Fingerprint, GrantId, GrantState, Granted, Origin, PartyName, Reading,
};

/// Follows one leg through the records.
pub(super) struct Teller<'a> {
    names: Vec<(usize, SystemName)>,
    count: usize,
    /// Under which it takes part at this place of the story: its pseudonyms are those that were known then.
    agreement: Option<AgreementName>,
    known: Known<'a>,
    pub(super) since: Option<Timestamp>,
    pub(super) fields: BTreeMap<Field, String>,
    pub(super) posts: Vec<Post>,
    pub(super) kept: usize,
    pub(super) links: Vec<String>,
    pub(super) offered: Option<Timestamp>,
    pub(super) grants: BTreeMap<GrantId, SeenGrant>,
    pub(super) events: Vec<SeenEvent>,
    intents: BTreeMap<IntentId, Operation>,
    /// What the comments there looked like when they were last read.
    prints: BTreeMap<String, Fingerprint>,
    /// Who had the ball.
    holders: Vec<(Timestamp, PartyName)>,
}

/// By whom and when something was written, and for whom.
#[derive(Clone, Copy, Debug)]
struct Said<'f> {
    author: &'f str,
    written: Timestamp,
    internal: bool,
}

/// What a post is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Comment,
    File,
}

impl<'a> Teller<'a> {
    pub(super) fn new(names: Vec<(usize, SystemName)>, known: Known<'a>) -> Self {
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

    pub(super) fn take(&mut self, at: Timestamp, fact: &Fact) {
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
    pub(super) fn ball(&self, party: &PartyName) -> Option<(Side, Timestamp)> {
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
