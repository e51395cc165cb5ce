//! What of a record its counterpart was shown or said itself, in words of its own desk: the part that may be given to
//! it with a proof.
//!
//! A fact as it is recorded names the case, other systems, and fingerprints of values that its counterpart was never
//! shown. So a record commits to these parts beside its facts. They are made anew when they are to be proven: what
//! [`parts`] makes of a fact may not change unless the ledger's records get another version.

use std::collections::BTreeMap;

use serde::Serialize;
use throughline_sdk::{
    CommentId, Digest, FileId, IntentId, Operation, RemoteId, Subject, SystemName, Timestamp, Version,
};

use super::{Fact, Field, Fingerprint, Granted, OfferState, Reading, Role};

/// What may be given to whoever the leg belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The leg.
    pub leg: SystemName,
    /// Only if this intent took effect: what was never sent was never shown.
    pub after: Option<IntentId>,
    /// The words, as JSON.
    pub json: Vec<u8>,
}

#[derive(Serialize)]
#[serde(tag = "part", rename_all = "snake_case")]
enum Words<'f> {
    /// Sent to its desk, where it took effect.
    Sent {
        #[serde(skip_serializing_if = "Option::is_none")]
        ticket: Option<&'f RemoteId>,
        operation: &'f Operation,
    },
    /// What its desk made of the last thing that was sent.
    Answered { made: &'f Subject },
    /// Read from its desk, in its own words.
    Read(Box<ReadWords<'f>>),
    /// Written at its desk by its people. The text stands here if it counts as it was read.
    Wrote {
        comment: &'f str,
        author: &'f str,
        written: Timestamp,
        #[serde(skip_serializing_if = "Option::is_none")]
        body: Option<&'f str>,
    },
    /// Attached at its desk by its people.
    Attached { file: &'f str, media_type: &'f str, size: u64, author: &'f str, written: Timestamp },
    /// The bytes of a file that was attached there.
    Bytes { file: &'f str, sha256: &'f Digest },
    /// Taken back at its desk.
    Withdrew {
        #[serde(skip_serializing_if = "Option::is_none")]
        comment: Option<&'f str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        file: Option<&'f str>,
    },
    /// The request was offered: who has to accept it.
    Offered { to: Role },
    /// How the offer stands.
    Offer {
        state: OfferState,
        #[serde(skip_serializing_if = "Option::is_none")]
        respond_by: Option<Timestamp>,
    },
    /// It asked to be shown more.
    Asked {
        #[serde(skip_serializing_if = "Option::is_none")]
        what: Option<String>,
        until: Timestamp,
    },
    /// What it was shown beyond what is shared: `opened`, `revoked` or `expired`.
    Grant { is: &'static str },
}

#[derive(Serialize)]
struct ReadWords<'f> {
    #[serde(skip_serializing_if = "Option::is_none")]
    ticket: Option<&'f RemoteId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'f str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'f str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'f Version>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated: Option<Timestamp>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    fields: &'f BTreeMap<Field, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    comments: BTreeMap<&'f CommentId, &'f Fingerprint>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    lost_comments: &'f [CommentId],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<&'f FileId>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    lost_files: &'f [FileId],
}

/// The parts of a record with these facts, in a fixed order.
///
/// # Errors
///
/// When one cannot be written as JSON.
pub fn parts(facts: &[Fact]) -> Result<Vec<Part>, serde_json::Error> {
    let mut parts = Vec::new();
    for fact in facts {
        if let Some((leg, after, words)) = words(fact, facts) {
            let json = serde_json::to_vec(&words)?;
            parts.push(Part { leg: leg.clone(), after: after.cloned(), json });
        }
    }
    Ok(parts)
}

type Found<'f> = (&'f SystemName, Option<&'f IntentId>, Words<'f>);

fn words<'f>(fact: &'f Fact, all: &'f [Fact]) -> Option<Found<'f>> {
    // A fact that is not named here is given to nobody.
    let (leg, after, words) = match fact {
        Fact::Intended { leg, intent, .. } => {
            let words = Words::Sent { ticket: intent.ticket.as_ref(), operation: &intent.operation };
            (leg, Some(&intent.id), words)
        }
        Fact::Effected { leg, subject, .. } => (leg, None, Words::Answered { made: subject }),
        Fact::Observed { leg, reading } => (leg, None, Words::Read(Box::new(read(reading)))),
        Fact::Remarked { origin, author, written, body, .. } => {
            let as_read = was_read(&origin.system, &origin.id, all) == Some(&Fingerprint::of(body));
            let body = as_read.then_some(body.as_str());
            (&origin.system, None, Words::Wrote { comment: &origin.id, author, written: *written, body })
        }
        // Its name may hold what stood behind a pseudonym, and how it was read is not recorded.
        Fact::Attached { origin, media_type, size, author, written, .. } => {
            let (file, size, written) = (origin.id.as_str(), *size, *written);
            (&origin.system, None, Words::Attached { file, media_type, size, author, written })
        }
        Fact::Stored { origin, digest } => {
            (&origin.system, None, Words::Bytes { file: &origin.id, sha256: digest })
        }
        Fact::RemarkWithdrawn { origin } => {
            (&origin.system, None, Words::Withdrew { comment: Some(&origin.id), file: None })
        }
        Fact::AttachmentWithdrawn { origin } => {
            (&origin.system, None, Words::Withdrew { comment: None, file: Some(&origin.id) })
        }
        Fact::Offering { leg, to, .. } => (leg, None, Words::Offered { to: *to }),
        // Why an offer was withdrawn, or what was asked in home's words, is not said here: what its desk was told
        // stands in what was sent.
        Fact::Handshake { leg, state, respond_by, .. } => {
            (leg, None, Words::Offer { state: *state, respond_by: *respond_by })
        }
        // What for, and who asked, is entered by home in its own words.
        Fact::GrantAsked { leg, what, until, party_asks: true, .. } => {
            (leg, None, Words::Asked { what: nameless(what), until: *until })
        }
        Fact::GrantOpened { leg, .. } => (leg, None, Words::Grant { is: "opened" }),
        Fact::GrantRevoked { leg, .. } => (leg, None, Words::Grant { is: "revoked" }),
        Fact::GrantExpired { leg, .. } => (leg, None, Words::Grant { is: "expired" }),
        // Given to nobody: they name the case, home, other systems or values in home's words.
        Fact::Hinted { .. }
        | Fact::Answered { .. }
        | Fact::Ignored { .. }
        | Fact::Advanced { .. }
        | Fact::Opened
        | Fact::Joined { .. }
        | Fact::Changed { .. }
        | Fact::Disputed { .. }
        | Fact::Settled { .. }
        | Fact::RemarkServed { .. }
        | Fact::Withheld { .. }
        | Fact::Attempted { .. }
        | Fact::Absolved { .. }
        | Fact::Dropped { .. }
        | Fact::Parked { .. }
        | Fact::Unparked { .. }
        | Fact::Edited { .. }
        | Fact::Reconfigured { .. }
        | Fact::Paused { .. }
        | Fact::Resumed { .. }
        | Fact::Postponed { .. }
        | Fact::Planned { .. }
        | Fact::Ailed { .. }
        | Fact::Rekeyed { .. }
        | Fact::Claimed(_)
        | Fact::Announced { .. }
        | Fact::Concerned { .. }
        | Fact::Consulted { .. }
        | Fact::Referred { .. }
        | Fact::ReferencePost { .. }
        | Fact::Unreferred { .. }
        | Fact::Started { .. }
        | Fact::Stopped
        | Fact::Amended { .. }
        | Fact::Agreed { .. }
        | Fact::Door(_)
        | Fact::Looked(_)
        | Fact::Erasing { .. }
        | Fact::Erased { .. }
        | Fact::Forgotten { .. }
        | Fact::OfferLapsed { .. }
        | Fact::PassedOn { .. }
        | Fact::Waits { .. }
        | Fact::SetBefore { .. }
        | Fact::Told { .. }
        | Fact::Owned { .. }
        | Fact::Entrusted { .. }
        | Fact::Holds { .. }
        | Fact::Leaked { .. }
        | Fact::RetractionDue { .. }
        | Fact::Recalled { .. }
        | Fact::Redacted { .. }
        | Fact::Prepared { .. }
        | Fact::Held { .. }
        | Fact::GrantAsked { .. }
        | Fact::GrantApproved { .. }
        | Fact::GrantRefused { .. } => return None,
    };
    Some((leg, after, words))
}

fn read(reading: &Reading) -> ReadWords<'_> {
    ReadWords {
        ticket: reading.ticket.as_ref(),
        key: reading.key.as_deref(),
        url: reading.url.as_deref(),
        version: reading.version.as_ref(),
        updated: reading.updated,
        fields: &reading.fields,
        comments: reading.comments.iter().map(|comment| (&comment.id, &comment.print)).collect(),
        lost_comments: &reading.lost_comments,
        files: reading.files.iter().map(|file| &file.id).collect(),
        lost_files: &reading.lost_files,
    }
}

/// The fingerprint of a comment as it was read in the same step. Where a text names pseudonyms, what counts is the text
/// with what stands behind them, and that is not what its writer said.
fn was_read<'f>(leg: &SystemName, id: &str, all: &'f [Fact]) -> Option<&'f Fingerprint> {
    all.iter().find_map(|fact| {
        let Fact::Observed { leg: of, reading } = fact else { return None };
        let of_it = reading.comments.iter().filter(|_| of == leg);
        of_it.filter(|comment| comment.id.as_str() == id).map(|comment| &comment.print).next()
    })
}

/// What was asked for, unless that names something of home's.
fn nameless(what: &Granted) -> Option<String> {
    match what {
        Granted::Field(_) | Granted::InternalComments | Granted::Files | Granted::Environment => {
            Some(what.clone().into())
        }
        Granted::Comment(_) | Granted::File(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Records are proven by these bytes for ever: another text needs another version of the ledger's records.
    #[test]
    fn the_words_of_parts_never_change() {
        let facts = [
            r#"{"fact":"intended","leg":"acme","item":"comment:helpdesk#1","value":"aa","intent":{"id":"TL-1-1","ticket":"7","operation":{"do":"comment","body":"hello","visibility":"public"},"marker":"tl-x","expected":"v1"}}"#,
            r#"{"fact":"effected","leg":"acme","intent":"TL-1-1","subject":{"comment":"9"},"lost":["a table"]}"#,
            r#"{"fact":"observed","leg":"acme","reading":{"ticket":"7","key":"A-7","url":"https://acme.example/7","version":"2","updated":"2026-01-01T00:00:00Z","fields":{"status":"open"},"agreed":{"status":"bb"},"lost":["x"],"comments":[{"id":"9","origin":"helpdesk#1","print":"cc","version":1},{"id":"10","origin":"acme#10","print":"2cf24dba5fb0a30e26e83b2a","version":1}],"lost_comments":["3"],"files":[{"id":"f1","origin":"acme#f1"}],"lost_files":["f0"]}}"#,
            r#"{"fact":"remarked","origin":"acme#10","author":"Bo","written":"2026-01-01T00:00:00Z","body":"hello","version":1}"#,
            r#"{"fact":"remarked","origin":"acme#9","author":"Bo","written":"2026-01-01T00:00:00Z","body":"with a name","version":1}"#,
            r#"{"fact":"attached","origin":"acme#f1","name":"alice.txt","media_type":"text/plain","size":3,"author":"Bo","written":"2026-01-01T00:00:00Z"}"#,
            r#"{"fact":"stored","origin":"acme#f1","digest":"ab"}"#,
            r#"{"fact":"remark_withdrawn","origin":"acme#10"}"#,
            r#"{"fact":"attachment_withdrawn","origin":"acme#f1"}"#,
            r#"{"fact":"offering","leg":"acme","to":"counterpart","after":"globex"}"#,
            r#"{"fact":"handshake","leg":"acme","state":"accepted","words":"secret","respond_by":"2026-01-01T00:00:00Z"}"#,
            r#"{"fact":"grant_asked","grant":1,"leg":"acme","what":"internal comments","purpose":"secret","until":"2026-01-01T00:00:00Z","by":"alice","party_asks":true}"#,
            r#"{"fact":"grant_opened","grant":1,"leg":"acme"}"#,
        ];
        let facts: Vec<Fact> = facts
            .iter()
            .map(|fact| serde_json::from_str(fact).unwrap_or_else(|error| panic!("{error}: {fact}")))
            .collect();
        let parts = parts(&facts).unwrap();
        let lines: Vec<String> = parts
            .iter()
            .map(|part| format!("{} {}", part.leg, String::from_utf8_lossy(&part.json)))
            .collect();
        insta::assert_snapshot!(lines.join("\n"));
    }
}
