//! Comments and files out: each original once per leg, in the order in which they were written.

use std::collections::{BTreeMap, BTreeSet};

use throughline_sdk::ticket::canonical_text;
use throughline_sdk::{CommentId, Digest, ErrorKind, Operation, Visibility};

use super::decide::Decision;
use super::files::copy_version;
use super::planner::Planner;
use super::project::{Target, Write};
use crate::agreement::{
    Kind, Leftover, OtherFiles, Redaction, Refused, Said, file_name, remark_body, restored,
};
use crate::case::{Attachment, Fact, FileCopy, Fingerprint, Health, Item, Origin, Remark, SeenComment};

/// The longest text that is looked through.
const LONGEST_TEXT_BYTES: u64 = 8 << 20;

/// Whether a file is to be looked through: by its media type, or by its name where the desk knows no type, and by its
/// size. Its bytes decide whether it can be.
fn may_be_text(file: &Attachment) -> bool {
    const SUBTYPES: &[&str] =
        &["json", "xml", "yaml", "x-yaml", "csv", "toml", "sql", "javascript", "x-ndjson", "ndjson"];
    const ENDINGS: &[&str] = &[
        "txt", "log", "csv", "tsv", "json", "ndjson", "xml", "yaml", "yml", "toml", "ini", "cfg", "conf",
        "md", "html", "htm", "sql", "eml", "ics", "vcf",
    ];
    let essence = file.media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let subtype = essence.split_once('/').map_or("", |(_, subtype)| subtype);
    let written = match essence.as_str() {
        "" | "application/octet-stream" | "binary/octet-stream" => {
            let ending = file.name.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
            ENDINGS.contains(&ending.as_str())
        }
        "message/rfc822" => true,
        _ => {
            essence.starts_with("text/")
                || SUBTYPES.contains(&subtype)
                || ["+json", "+xml", "+yaml"].iter().any(|suffix| subtype.ends_with(suffix))
        }
    };
    written && file.size <= LONGEST_TEXT_BYTES
}

/// What a prepared copy stands for: the file's bytes and the terms under which they were looked through.
pub fn preparation(digest: &Digest, redaction: &Redaction) -> Fingerprint {
    Fingerprint::of(&format!("{digest} {:?}", redaction.print()))
}

/// What is approved of a file: its bytes.
pub fn wanted_file(digest: &Digest) -> Fingerprint {
    Fingerprint::of(digest.as_str())
}

impl Planner<'_> {
    /// Lets go of the texts of comments that every leg has to which they are shown.
    pub(super) fn let_go(&mut self) {
        let sharing = self.sharing();
        let lacks = |origin: &Origin, remark: &Remark| {
            self.case.legs.iter().any(|(name, leg)| {
                leg.health == Health::Well
                    && sharing.admits(name, origin, remark.written)
                    && sharing.carries(Kind::Comments, remark.visibility(), origin, name)
                    && !leg.shadow.has_remark(origin, remark.version)
            })
        };
        let kept = self.case.document.remarks.iter().filter(|(_, remark)| remark.body.is_some());
        let served: Vec<Origin> = kept
            .filter(|(origin, remark)| !lacks(origin, remark))
            .map(|(origin, _)| origin.clone())
            .collect();
        for origin in served {
            self.say(Fact::RemarkServed { origin });
        }
    }
}

type Copies<'t> = Vec<(&'t CommentId, &'t SeenComment)>;

impl Target<'_> {
    /// What becomes of each comment, in the order in which they were written.
    pub(super) fn remarks(&self) -> Vec<(Item, Decision)> {
        let mut copies: BTreeMap<&Origin, Copies<'_>> = BTreeMap::new();
        for (id, seen) in &self.leg.shadow.comments {
            copies.entry(&seen.origin).or_default().push((id, seen));
        }
        let mut remarks: Vec<_> = self.case.document.remarks.iter().collect();
        remarks.sort_by_key(|(origin, remark)| (remark.written, origin.place()));
        let mut decisions = Vec::new();
        let mut held = false;
        for (origin, remark) in remarks {
            let copies = copies.get(origin).map_or(&[][..], Vec::as_slice);
            let item = Item::Remark(origin.clone());
            let carried = self.sharing.carries(Kind::Comments, remark.visibility(), origin, self.name);
            if remark.withdrawn || (remark.internal && !carried) {
                // A copy that is still under way has to be taken back once it is there.
                if self.leg.outstanding.iter().any(|sent| sent.item == item) {
                    decisions.push((item, Decision::Outrun));
                }
                continue;
            }
            if !carried {
                continue;
            }
            if !self.sharing.admits(self.name, origin, remark.written) {
                decisions.push((item, not_taken_on(!copies.is_empty())));
                continue;
            }
            // Behind one that has to wait nothing is sent, but what else has to be read or named is known.
            let mut decision = self.send(origin, remark, copies);
            let leaves =
                matches!(decision, Decision::Send(_) | Decision::Refused { .. } | Decision::Held { .. });
            if held && leaves {
                decision = Decision::Behind;
            }
            held |= matches!(decision, Decision::Unread(_) | Decision::Unnamed(_));
            decisions.push((item, decision));
        }
        decisions
    }

    /// What becomes of a comment: made, brought up to date, or left until something else was done.
    fn send(&self, origin: &Origin, remark: &Remark, copies: &[(&CommentId, &SeenComment)]) -> Decision {
        // A copy for other readers is none.
        let internal = remark.internal && !self.goes_public(Kind::Comments, origin);
        let same_readers = copies.iter().filter(|(_, seen)| seen.internal == internal);
        let newest = same_readers.max_by_key(|(_, seen)| (seen.version, !seen.gone));
        if newest.is_some_and(|(_, seen)| seen.version >= remark.version) {
            return Decision::Has;
        }
        let item = Item::Remark(origin.clone());
        if internal && self.leg.leaks() {
            return Decision::Leaks;
        }
        if internal && !self.able.internal_comments {
            let reason = format!("{} has no internal comments", self.name);
            return self.cannot(&item, remark.print.clone(), reason);
        }
        let sent = self.leg.outstanding.iter().rev().find(|standing| standing.item == item);
        if sent.is_some_and(|sent| sent.value.as_ref() == Some(&remark.print)) {
            return Decision::UnderWay;
        }
        let Some(text) = self.text(origin, remark) else {
            let well = self
                .case
                .legs
                .get(&origin.system)
                .is_some_and(|leg| leg.health == Health::Well && leg.ticket.is_some());
            let observed = self.view.observations.contains_key(&origin.system);
            let want = remark.print.clone();
            if self.blocked(&item, &want) {
                return Decision::Parked;
            }
            if well && !observed {
                return Decision::Unread(origin.system.clone());
            }
            let reason =
                format!("its text is kept nowhere but in {}, where it cannot be read", origin.system);
            return Decision::Refused { want, kind: ErrorKind::Rejected, reason };
        };
        let live = newest.filter(|(_, seen)| !seen.gone && self.able.edit);
        let title = self.view.rules.systems.get(&origin.system).map(|system| system.party_title.as_str());
        let said = Said {
            author: &remark.author,
            party_title: title.unwrap_or_default(),
            text: self.leg.instead(&item, &remark.print).unwrap_or(&text),
            repeated: newest.is_some() && live.is_none(),
        };
        let release = self.release(&item, &remark.print);
        let body = match remark_body(&said, self.sharing.agreement(self.name), &release) {
            Ok(body) => body,
            Err(refused) => return self.refuse(&item, remark.print.clone(), refused),
        };
        let account = body.account().clone();
        let body = body.into_intent();
        let operation = match live {
            Some((id, _)) => Operation::Edit { comment: (*id).clone(), body },
            None => Operation::Comment { body, visibility: audience(internal) },
        };
        let value = Some(remark.print.clone());
        self.want(Write { item, value, operation, version: Some(remark.version), account })
    }

    /// The text, kept or as just read at its origin, provided that it is the current version.
    fn text(&self, origin: &Origin, remark: &Remark) -> Option<String> {
        if let Some(body) = &remark.body {
            return Some(body.clone());
        }
        let ticket = self.view.observations.get(&origin.system)?;
        let comment = ticket.comments.iter().find(|comment| comment.id.as_str() == origin.id)?;
        let text = canonical_text(&comment.body);
        // What was last seen of it is what the current version was made from.
        let seen = self.case.legs.get(&origin.system)?.shadow.comments.get(&comment.id)?;
        let current = comment.visibility == remark.visibility() && Fingerprint::of(&text) == seen.seen;
        let agreement = self.sharing.agreement(&origin.system);
        current.then(|| canonical_text(&restored(&comment.body, agreement, self.view.names)))
    }

    /// What becomes of each file, in the order in which they were attached.
    pub(super) fn attachments(&self) -> Vec<(Item, Decision)> {
        // A copy for other readers is none.
        let copies: BTreeSet<(&Origin, bool)> =
            self.leg.shadow.files.values().map(|seen| (&seen.origin, seen.internal)).collect();
        let mut files: Vec<_> = self
            .case
            .document
            .attachments
            .iter()
            .filter(|(origin, file)| self.sharing.carries(Kind::Files, file.visibility(), origin, self.name))
            .collect();
        files.sort_by_key(|(origin, file)| (file.written, origin.place()));
        let decisions = files.into_iter().map(|(origin, file)| {
            let internal = file.internal && !self.goes_public(Kind::Files, origin);
            let decision = if file.withdrawn {
                Decision::Unshared
            } else if copies.contains(&(origin, internal)) {
                Decision::Has
            } else if internal && self.leg.leaks() {
                Decision::Leaks
            } else if !self.sharing.admits(self.name, origin, file.written) {
                not_taken_on(false)
            } else {
                self.attach(origin, file)
            };
            (Item::Attachment(origin.clone()), decision)
        });
        decisions.collect()
    }

    fn attach(&self, origin: &Origin, file: &Attachment) -> Decision {
        let item = Item::Attachment(origin.clone());
        let internal = file.internal && !self.goes_public(Kind::Files, origin);
        let size = file.size;
        let refusal = if self.able.attach.is_none() {
            Some(format!("{} takes no files", self.name))
        } else if internal && !self.able.internal_comments {
            Some(format!("{} has nothing that only its staff may read", self.name))
        } else if size > self.able.max_file_bytes {
            Some(format!(
                "the file has {size} bytes and {} takes at most {}",
                self.name, self.able.max_file_bytes
            ))
        } else {
            None
        };
        // Whatever a file was parked for, neither its size nor its bytes are looked at again.
        let parked = self.leg.parked.contains_key(&item);
        if let Some(reason) = refusal {
            let want = Fingerprint::of(&format!("{item} {size}"));
            let kind = ErrorKind::Unsupported;
            return if parked { Decision::Parked } else { Decision::Refused { want, kind, reason } };
        }
        let Some(digest) = &file.digest else {
            return if parked { Decision::Parked } else { Decision::Unstored };
        };
        let ready = match self.ready(origin, file, digest) {
            Ok(ready) => ready,
            Err(decision) => return *decision,
        };
        let want = wanted_file(digest);
        let agreement = self.sharing.agreement(self.name);
        let name = match file_name(&file.name, agreement, &self.release(&item, &want)) {
            Ok(name) => name,
            Err(refused) => return self.refuse(&item, want, refused),
        };
        let account = name.account().clone();
        let operation = Operation::Attach {
            name: name.into_intent(),
            media_type: file.media_type.clone(),
            size: ready.size,
            digest: ready.digest,
            visibility: audience(internal),
        };
        let version = Some(copy_version(internal));
        self.want(Write { item, value: None, operation, version, account })
    }

    /// The bytes of a file as this leg may have them, or what becomes of it where it may not, or not yet.
    fn ready(&self, origin: &Origin, file: &Attachment, digest: &Digest) -> Result<FileCopy, Box<Decision>> {
        let as_it_is = FileCopy { digest: digest.clone(), size: file.size };
        let redaction = self.sharing.agreement(self.name).and_then(|agreement| agreement.redaction.as_ref());
        let Some(redaction) = redaction else { return Ok(as_it_is) };
        let (item, want) = (Item::Attachment(origin.clone()), wanted_file(digest));
        let approved = self.release(&item, &want).approved;
        let blocked = self.blocked(&item, &want);
        let prepared = self.leg.prepared.get(origin).filter(|it| it.terms == preparation(digest, redaction));
        if may_be_text(file) {
            let Some(prepared) = prepared else {
                return Err(Box::new(if blocked { Decision::Parked } else { Decision::Unprepared }));
            };
            if let Some(copy) = &prepared.copy {
                let left = &prepared.left;
                if redaction.leftover != Leftover::Hold || approved || left.is_empty() {
                    return Ok(copy.clone());
                }
                return Err(Box::new(self.refuse(&item, want, Refused::Left(left.clone()))));
            }
        }
        Err(Box::new(match redaction.other_files {
            OtherFiles::Send => return Ok(as_it_is),
            OtherFiles::Hold if approved => return Ok(as_it_is),
            OtherFiles::Hold if blocked => Decision::Parked,
            OtherFiles::Hold => {
                let reason = "the agreement has files that cannot be looked into wait for a person; \
                              retry it to send it as it is";
                Decision::Held { want, reason: reason.to_owned() }
            }
            OtherFiles::Drop => {
                let rule = "the agreement keeps back files that cannot be looked into";
                Decision::Kept { what: format!("file:{origin}"), rule }
            }
        }))
    }
}

/// What becomes of what is said about a request that its counterpart did not take on.
fn not_taken_on(there: bool) -> Decision {
    if there { Decision::Has } else { Decision::NotAccepted { tell: false } }
}

/// Who may read a copy.
fn audience(internal: bool) -> Visibility {
    if internal { Visibility::Internal } else { Visibility::Public }
}
