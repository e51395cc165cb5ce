//! What can be said of a case, a system or the daemon in the ledger. Everything else is folded from these.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use throughline_sdk::{
    CommentId, Cursor, Digest, ErrorKind, Intent, IntentId, RemoteId, Subject, SystemName, TicketRef,
    Timestamp,
};

use crate::agreement::Products;
use crate::ledger::Position;

use super::{
    AgreementName, AgreementVersion, Approval, CaseId, Claim, Environment, Field, Fingerprint, GrantId,
    Granted, Health, Heard, Item, Level, OfferState, Origin, PartyName, Prepared, Reading, Role,
};

/// One statement of a ledger record. New variants may be added; a variant's meaning never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub enum Fact {
    /// Something may have changed on this ticket. Stands until an `answered` that reaches it.
    Hinted {
        /// The ticket.
        ticket: TicketRef,
        /// How we came to know.
        source: HintSource,
    },
    /// Ends the hints for a ticket that were recorded up to a place in the ledger: it was read after that.
    Answered {
        /// The ticket.
        ticket: TicketRef,
        /// The end of the ledger before it was read.
        through: Position,
    },
    /// The ticket of a hint was read and no agreement routes it, or it is not there.
    Ignored {
        /// The ticket.
        ticket: TicketRef,
        /// Why.
        reason: String,
    },
    /// A system's change feed was read up to here, and every hint of the page stands in the same record.
    Advanced {
        /// The system.
        system: SystemName,
        /// Where the next page begins.
        cursor: Cursor,
    },
    /// The case was opened.
    Opened,
    /// A system takes part in the case.
    Joined {
        /// The system.
        leg: SystemName,
        /// Whose it is.
        party: PartyName,
        /// Home or counterpart.
        role: Role,
        /// The agreement that brought it in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        agreement: Option<AgreementName>,
        /// The version of that agreement.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<AgreementVersion>,
    },
    /// A leg's ticket was read.
    Observed {
        /// The leg.
        leg: SystemName,
        /// What of it differs from the shadow.
        reading: Reading,
    },
    /// A field of the canonical document has a new value.
    Changed {
        /// The field.
        field: Field,
        /// Its value in Throughline's words.
        value: String,
        /// The leg it came from.
        leg: SystemName,
        /// The remote time of the ticket it was read from.
        changed: Timestamp,
        /// What other legs wanted and did not get, by the conflict policy.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        overruled: BTreeMap<SystemName, String>,
    },
    /// Legs disagree on a field whose policy is `manual`.
    Disputed {
        /// The field.
        field: Field,
        /// What each leg wants.
        wanted: BTreeMap<SystemName, String>,
    },
    /// A dispute is over: a person decided, or the legs agree by themselves.
    Settled {
        /// The field.
        field: Field,
    },
    /// A shared comment, or a new version of one, is part of the request.
    Remarked {
        /// Where it was written.
        origin: Origin,
        /// Who wrote it.
        author: String,
        /// When.
        written: Timestamp,
        /// The text.
        body: String,
        /// 1, or one more than the version before.
        version: u32,
        /// Only the staff of its origin may read it, and a rule lets it cross.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        internal: bool,
    },
    /// A comment was deleted at its origin, or is not public any more.
    RemarkWithdrawn {
        /// The comment.
        origin: Origin,
    },
    /// Every leg that is shown a comment has it in its current version: its text is kept no longer.
    RemarkServed {
        /// The comment.
        origin: Origin,
    },
    /// A shared file is part of the request.
    Attached {
        /// Where it was attached.
        origin: Origin,
        /// The file name.
        name: String,
        /// The media type.
        media_type: String,
        /// Size in bytes.
        size: u64,
        /// Who attached it.
        author: String,
        /// When.
        written: Timestamp,
        /// Only the staff of its origin may read it, and a rule lets it cross.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        internal: bool,
    },
    /// A file's bytes were read and stand in the content-addressed folder.
    Stored {
        /// The file.
        origin: Origin,
        /// The digest of its bytes.
        digest: Digest,
    },
    /// A file was deleted at its origin, or is not public any more.
    AttachmentWithdrawn {
        /// The file.
        origin: Origin,
    },
    /// Something was seen and goes to nobody. Names it, never its content.
    Withheld {
        /// The leg on which it was seen.
        leg: SystemName,
        /// The comment's or file's id there, or the field's name.
        what: String,
        /// The rule, in words.
        rule: String,
    },
    /// An operation is going to be sent. Recorded before the first attempt.
    Intended {
        /// The leg it is for.
        leg: SystemName,
        /// What of the document it carries.
        item: Item,
        /// For a field: the fingerprint of its value in Throughline's words, which the leg agrees to by taking it.
        /// For a comment: the fingerprint of the text it carries.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        value: Option<Fingerprint>,
        /// The intent.
        intent: Intent,
    },
    /// An attempt had no success and the intent stands.
    Attempted {
        /// The leg.
        leg: SystemName,
        /// The intent.
        intent: IntentId,
        /// What kind of failure.
        kind: ErrorKind,
        /// In words.
        reason: String,
        /// Whether it may have taken effect.
        doubtful: bool,
        /// Whether it counts as an attempt: waiting as the system asked does not.
        counted: bool,
        /// When the next attempt is due.
        not_before: Timestamp,
    },
    /// A doubt about an intent is over: no attempt so far took effect. It may be sent again.
    Absolved {
        /// The leg.
        leg: SystemName,
        /// The intent.
        intent: IntentId,
    },
    /// An intent took effect. Ends it.
    Effected {
        /// The leg.
        leg: SystemName,
        /// The intent.
        intent: IntentId,
        /// What was made or changed.
        subject: Subject,
        /// Found afterwards by its marker, rather than told in the answer.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        found: bool,
        /// What of its text the system could not be told, in words.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        lost: Vec<String>,
    },
    /// An intent ends without effect of its own: the ticket is read and the plan made again.
    Dropped {
        /// The leg.
        leg: SystemName,
        /// The intent.
        intent: IntentId,
        /// Why.
        reason: String,
    },
    /// A field, comment or file failed for good. Ends its intent, if it has one.
    Parked {
        /// The leg it was for.
        leg: SystemName,
        /// What failed.
        item: Item,
        /// The fingerprint of what should have been written.
        want: Fingerprint,
        /// What kind of failure.
        kind: ErrorKind,
        /// The system's words.
        reason: String,
        /// The intent, if one was recorded.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        intent: Option<IntentId>,
    },
    /// A person had something parked tried again, or gave it up.
    Unparked {
        /// The leg.
        leg: SystemName,
        /// What.
        item: Item,
        /// Given up for good: it is not tried again until its value changes.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        discarded: bool,
        /// Who it was; empty where the planner did, or an earlier version did not ask.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        by: String,
        /// Why it was given up, in that person's words.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
    },
    /// The plan for a leg has to be made again when its outstanding intents are done.
    Postponed {
        /// The leg.
        leg: SystemName,
    },
    /// A leg was planned for with nothing outstanding.
    Planned {
        /// The leg.
        leg: SystemName,
    },
    /// A leg's health changed.
    Ailed {
        /// The leg.
        leg: SystemName,
        /// Its health now.
        health: Health,
        /// Why, in words.
        reason: String,
    },
    /// A leg's ticket lives under another id now.
    Rekeyed {
        /// The leg.
        leg: SystemName,
        /// The id before.
        from: RemoteId,
        /// The id now.
        to: RemoteId,
    },
    /// Another system's ticket takes the place of one that was kept by hand. What is known of the old one is known of
    /// the new one from here on.
    Claimed(Box<Claim>),
    /// A ticket that is only referred to stands announced about these products; none: it is over, or not there.
    Announced {
        /// The ticket.
        ticket: TicketRef,
        /// The products, as they are compared.
        products: BTreeSet<String>,
    },
    /// The case is about these products of other systems; none: nobody works on it any more.
    Concerned {
        /// The products, as they are compared.
        products: Products,
    },
    /// It was looked up what stands announced about the case's products.
    Consulted {
        /// What was found, to be read.
        found: Vec<TicketRef>,
    },
    /// The case refers to an announcement, as it was read.
    Referred {
        /// The announcement.
        reference: TicketRef,
        /// The number people use.
        key: String,
        /// Its title.
        title: String,
        /// Where a person opens it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        url: Option<String>,
        /// Its status, in the system's own words.
        status: String,
        /// Nobody works on it any more.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        over: bool,
        /// When it last changed there.
        updated: Timestamp,
    },
    /// An announcement that the case refers to says more.
    ReferencePost {
        /// The announcement.
        reference: TicketRef,
        /// The post's id there.
        id: CommentId,
        /// Who wrote it.
        author: String,
        /// When.
        written: Timestamp,
        /// The text.
        body: String,
    },
    /// An announcement that was to be read has nothing to tell the case.
    Unreferred {
        /// The announcement.
        reference: TicketRef,
        /// Why.
        reason: String,
    },
    /// A case is to be erased. Its key is destroyed after that, whatever happens in between.
    Erasing {
        /// The case.
        case: CaseId,
        /// When that was decided.
        at: Timestamp,
        /// The tickets it had: no case is opened for them again.
        tickets: Vec<TicketRef>,
        /// Who wants it.
        by: String,
        /// Why.
        because: String,
    },
    /// A case was erased: its key is destroyed.
    Erased {
        /// The case.
        case: CaseId,
        /// How many files were deleted with it.
        files: u32,
    },
    /// A person was forgotten: nobody can tell any more whom their pseudonyms stood for. Does not say who it was.
    Forgotten {
        /// How many pseudonyms there were.
        pseudonyms: u32,
        /// Who wanted it.
        by: String,
        /// Why.
        because: String,
    },
    /// The daemon started.
    Started {
        /// Its version.
        version: String,
    },
    /// The daemon stopped in good order.
    Stopped,

    /// From here on it is decided for a leg under another version of its agreement.
    Amended {
        /// The leg.
        leg: SystemName,
        /// The version in force.
        version: AgreementVersion,
    },
    /// A version of an agreement came into force for the first time. Recorded once for each version.
    Agreed {
        /// The agreement.
        agreement: AgreementName,
        /// The version.
        version: AgreementVersion,
        /// Its terms in full, of which the version is the fingerprint.
        document: Json,
    },
    /// What was sent as internal was read back and is not known to be internal. Names it, never its content.
    Leaked {
        /// The leg on which it stands.
        leg: SystemName,
        /// `comment:ID` or `file:ID` there.
        what: String,
    },
    /// A copy has to be taken back, and the system takes nothing back: a person has to.
    RetractionDue {
        /// The leg on which it stands.
        leg: SystemName,
        /// `comment:ID` or `file:ID` there.
        what: String,
        /// Why, in words.
        reason: String,
    },
    /// A copy that had to be taken back is not there any more, or may stay.
    Recalled {
        /// The leg.
        leg: SystemName,
        /// `comment:ID` or `file:ID` there.
        what: String,
    },
    /// Personal data was found in what an intent carries. Counts by class, nothing of the values.
    Redacted {
        /// The leg it is for.
        leg: SystemName,
        /// What it is in.
        item: Item,
        /// What does not leave as it was.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        redacted: BTreeMap<String, u32>,
        /// What may be left.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        left: BTreeMap<String, u32>,
    },
    /// A file was looked through for one leg, and a redacted copy of it stored if it is text.
    Prepared {
        /// The leg it is for.
        leg: SystemName,
        /// The file.
        origin: Origin,
        /// What came of it.
        prepared: Prepared,
        /// What does not leave as it was: counts by class.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        redacted: BTreeMap<String, u32>,
    },
    /// A field, comment or file waits for a person to let it through: what is personal in it could not be taken out.
    Held {
        /// The leg it is for.
        leg: SystemName,
        /// What waits.
        item: Item,
        /// The fingerprint of what would be written.
        want: Fingerprint,
        /// Why.
        reason: String,
    },
    /// A request has to be accepted by a party; until then that party is sent no more than it needs to decide.
    Offering {
        /// The counterpart's leg.
        leg: SystemName,
        /// The side that has to accept.
        to: Role,
        /// The counterpart that did not take it, whereupon it is offered here.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<SystemName>,
    },
    /// An offer stands in this way from now on.
    Handshake {
        /// The counterpart's leg.
        leg: SystemName,
        /// How it stands.
        state: OfferState,
        /// The question, the reason, or why it was withdrawn.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        words: String,
        /// Until when an answer is due, if a clock runs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        respond_by: Option<Timestamp>,
        /// What was heard last.
        #[serde(default)]
        heard: Heard,
        /// After which moment of its own desk the other side answers what was asked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        answers_after: Option<Timestamp>,
    },
    /// The response clock of an offer ran out.
    OfferLapsed {
        /// The counterpart's leg.
        leg: SystemName,
    },
    /// An offer that was not taken on goes to another counterpart.
    PassedOn {
        /// The counterpart's leg.
        leg: SystemName,
        /// The agreement with the next one.
        agreement: AgreementName,
    },
    /// Something is not sent before the offer is accepted.
    Waits {
        /// The counterpart's leg.
        leg: SystemName,
        /// What.
        item: Item,
    },
    /// A counterpart changed a field before it accepted: that counts once it does.
    SetBefore {
        /// The counterpart's leg.
        leg: SystemName,
        /// The field.
        field: Field,
    },
    /// The counterpart was told by us how its offer, or ours, stands.
    Told {
        /// The counterpart's leg.
        leg: SystemName,
    },
    /// A party is accountable for the request.
    Owned {
        /// The party.
        party: PartyName,
        /// Why, in words.
        because: String,
    },
    /// A party is to resolve the request.
    Entrusted {
        /// The party.
        party: PartyName,
        /// Where in it.
        level: Level,
        /// Why, in words.
        because: String,
    },
    /// A party has the ball.
    Holds {
        /// The party.
        party: PartyName,
        /// Where in it.
        level: Level,
        /// Since when.
        since: Timestamp,
        /// Why, in words.
        because: String,
    },

    /// A counterpart asks to be shown more of the case than is shared, or home offers it.
    GrantAsked {
        /// Its number in the case.
        grant: GrantId,
        /// The counterpart's leg.
        leg: SystemName,
        /// What is to be shown.
        what: Granted,
        /// What for, in words.
        purpose: String,
        /// Until when.
        until: Timestamp,
        /// Who asked, as they said.
        by: String,
        /// The counterpart asks itself.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        party_asks: bool,
        /// Where the desk has nothing that only its staff may read, it may be shown in public there.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        public_if_must: bool,
        /// The copy of an environment that is meant.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        environment: Option<Environment>,
    },
    /// A grant was approved: it opens as soon as what it names can be read.
    GrantApproved {
        /// The grant.
        grant: GrantId,
        /// The counterpart's leg.
        leg: SystemName,
        /// By what.
        approval: Approval,
        /// The copy of an environment that is meant, where the asking did not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        environment: Option<Environment>,
    },
    /// A grant was not approved.
    GrantRefused {
        /// The grant.
        grant: GrantId,
        /// The counterpart's leg.
        leg: SystemName,
        /// Who refused, as they said.
        by: String,
        /// Why.
        reason: String,
    },
    /// What a grant names is shown from now on.
    GrantOpened {
        /// The grant.
        grant: GrantId,
        /// The counterpart's leg.
        leg: SystemName,
    },
    /// A grant was ended before its time.
    GrantRevoked {
        /// The grant.
        grant: GrantId,
        /// The counterpart's leg.
        leg: SystemName,
        /// Who revoked it, as they said.
        by: String,
        /// Why.
        reason: String,
    },
    /// The time of a grant is over, or it was not decided in time.
    GrantExpired {
        /// The grant.
        grant: GrantId,
        /// The counterpart's leg.
        leg: SystemName,
    },

    /// Something about who may enter.
    Door(super::Door),
    /// Somebody looked at something.
    Looked(super::Look),

    /// Another configuration is in force, without a restart.
    Reconfigured {
        /// Who had it loaded.
        by: String,
        /// When.
        at: Timestamp,
        /// What differs from the one before, one setting each, without the value of a secret.
        differed: Vec<String>,
    },
    /// Nothing is sent to a system or read from it until a person lets it go on. Its webhooks are still taken.
    Paused {
        /// The system.
        system: SystemName,
        /// Who paused it.
        by: String,
        /// Why.
        reason: String,
        /// When.
        since: Timestamp,
    },
    /// A paused system goes on.
    Resumed {
        /// The system.
        system: SystemName,
        /// Who let it go on.
        by: String,
    },
    /// A person has something else sent in the place of what was parked, for this value of the item only.
    Edited {
        /// The leg.
        leg: SystemName,
        /// What.
        item: Item,
        /// The fingerprint of the document's value that it stands in for.
        want: Fingerprint,
        /// What is sent instead, in Throughline's words, before the agreement is applied.
        text: String,
        /// Who it was.
        by: String,
    },
}

/// How we came to know that something may have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HintSource {
    /// A verified webhook.
    Webhook,
    /// A row of the change feed.
    Poll,
    /// A person.
    Operator,
    /// The rolling reconciliation.
    Reconciliation,
}
