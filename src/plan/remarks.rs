//! Comments and files out: each original once per leg, in the order in which they were written.

use std::collections::{BTreeMap, BTreeSet};

use throughline_sdk::ticket::canonical_text;
use throughline_sdk::{CommentId, Digest, ErrorKind, Operation, SystemName, Visibility};

use super::files::copy_version;
use super::planner::{Planner, print_of};
use super::project::{Needs, Target, Write};
use crate::agreement::{
    Kind, Leftover, OtherFiles, Redaction, Refused, Said, file_name, remark_body, restored,
};
use crate::case::{Attachment, Fact, FileCopy, Fingerprint, Health, Item, Origin, Remark, SeenComment};

/// The longest text that is looked through.
const LONGEST_TEXT_BYTES: u64 = 16 << 20;

/// Whether a file is to be looked through: by its media type and its size. Its bytes decide whether it can be.
pub fn may_be_text(media_type: &str, size: u64) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let subtype = essence.split_once('/').map_or("", |(_, subtype)| subtype);
    let words = ["json", "xml", "yaml", "x-yaml", "csv", "toml", "sql", "javascript", "x-ndjson", "ndjson"];
    let written = essence.starts_with("text/")
        || essence == "message/rfc822"
        || words.contains(&subtype)
        || ["+json", "+xml", "+yaml"].iter().any(|suffix| subtype.ends_with(suffix));
    written && size <= LONGEST_TEXT_BYTES
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

/// How far a comment came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    /// All that can be asked for now was asked for.
    Asked,
    /// Its text has to be read first. Nothing behind it is sent: comments keep their order.
    Unread,
    /// Something in it needs a pseudonym first. Nothing behind it is sent.
    Unnamed,
}

type Copies<'t> = Vec<(&'t CommentId, &'t SeenComment)>;

impl Target<'_> {
    pub(super) fn remarks(&self, needs: &mut Needs, unread: &mut Vec<SystemName>) {
        let mut copies: BTreeMap<&Origin, Copies<'_>> = BTreeMap::new();
        for (id, seen) in &self.leg.shadow.comments {
            copies.entry(&seen.origin).or_default().push((id, seen));
        }
        let mut remarks: Vec<_> = self
            .case
            .document
            .remarks
            .iter()
            .filter(|(origin, _)| origin.system != *self.name)
            .filter(|(origin, remark)| {
                let carried = self.sharing.carries(Kind::Comments, remark.visibility(), origin, self.name);
                let taken_back = remark.withdrawn || (remark.internal && !carried);
                taken_back || self.sharing.admits(self.name, origin, remark.written)
            })
            .collect();
        remarks.sort_by_key(|(origin, remark)| (remark.written, origin.place()));
        let mut held = false;
        for (origin, remark) in remarks {
            let copies = copies.get(origin).map_or(&[][..], Vec::as_slice);
            let carried = self.sharing.carries(Kind::Comments, remark.visibility(), origin, self.name)
                && self.sharing.admits(self.name, origin, remark.written);
            if remark.withdrawn || (remark.internal && !carried) {
                // A copy that is still under way has to be taken back once it is there.
                let item = Item::Remark(origin.clone());
                needs.waits |=
                    self.leg.outstanding.iter().any(|sent| sent.item == item && sent.value.is_some());
                continue;
            }
            // Behind one whose text has to be read first nothing is sent, but what else has to be read is known.
            let mut behind = Needs::default();
            if carried {
                match self.send(origin, remark, copies, if held { &mut behind } else { needs }) {
                    Sent::Asked => {}
                    Sent::Unread => {
                        held = true;
                        needs.waits = true;
                        unread.push(origin.system.clone());
                    }
                    Sent::Unnamed => held = true,
                }
            }
            needs.unnamed.extend(behind.unnamed);
        }
    }

    /// Asks for the copy to be made or brought up to date.
    fn send(
        &self,
        origin: &Origin,
        remark: &Remark,
        copies: &[(&CommentId, &SeenComment)],
        needs: &mut Needs,
    ) -> Sent {
        // A copy for other readers is none.
        let internal = remark.internal && !self.goes_public(Kind::Comments, origin);
        let same_readers = copies.iter().filter(|(_, seen)| seen.internal == internal);
        let newest = same_readers.max_by_key(|(_, seen)| (seen.version, !seen.gone));
        if newest.is_some_and(|(_, seen)| seen.version >= remark.version) {
            return Sent::Asked;
        }
        let item = Item::Remark(origin.clone());
        if internal && self.leg.leaks() {
            return Sent::Asked;
        }
        if internal && !self.able.internal_comments {
            self.cannot(needs, item, remark.print.clone(), format!("{} has no internal comments", self.name));
            return Sent::Asked;
        }
        let sent = self.leg.outstanding.iter().rev().find(|standing| standing.item == item);
        if sent.is_some_and(|sent| sent.value.as_ref() == Some(&remark.print)) {
            return Sent::Asked;
        }
        let Some(text) = self.text(origin, remark) else {
            let well = self
                .case
                .legs
                .get(&origin.system)
                .is_some_and(|leg| leg.health == Health::Well && leg.ticket.is_some());
            let observed = self.view.observations.contains_key(&origin.system);
            if well && !observed {
                return if self.blocked(&item, &remark.print) { Sent::Asked } else { Sent::Unread };
            }
            if !self.blocked(&item, &remark.print) {
                let reason =
                    format!("its text is kept nowhere but in {}, where it cannot be read", origin.system);
                needs.refused.push(self.park(item, remark.print.clone(), ErrorKind::Rejected, reason));
            }
            return Sent::Asked;
        };
        let live = newest.filter(|(_, seen)| !seen.gone && self.able.edit);
        let title = self.view.rules.systems.get(&origin.system).map(|system| system.party_title.as_str());
        let said = Said {
            author: &remark.author,
            party_title: title.unwrap_or_default(),
            text: &text,
            repeated: newest.is_some() && live.is_none(),
        };
        let release = self.release(&item, &remark.print);
        let body = match remark_body(&said, self.sharing.agreement(self.name), &release) {
            Ok(body) => body,
            Err(refused) => {
                if self.blocked(&item, &remark.print) {
                    return Sent::Asked;
                }
                let sent = if matches!(refused, Refused::Unnamed(_)) { Sent::Unnamed } else { Sent::Asked };
                self.refuse(item, remark.print.clone(), refused, needs);
                return sent;
            }
        };
        needs.accounts.insert(item.clone(), body.account().clone());
        let body = body.into_intent();
        let operation = match live {
            Some((id, _)) => Operation::Edit { comment: (*id).clone(), body },
            None => Operation::Comment { body, visibility: audience(internal) },
        };
        let value = Some(remark.print.clone());
        self.want(needs, Write { item, value, operation, version: Some(remark.version) });
        Sent::Asked
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

    pub(super) fn attachments(&self, needs: &mut Needs, unstored: &mut Vec<Origin>) {
        // A copy for other readers is none.
        let copies: BTreeSet<(&Origin, bool)> =
            self.leg.shadow.files.values().map(|seen| (&seen.origin, seen.internal)).collect();
        let mut files: Vec<_> = self
            .case
            .document
            .attachments
            .iter()
            .filter(|(origin, file)| self.sharing.carries(Kind::Files, file.visibility(), origin, self.name))
            .filter(|(origin, file)| self.sharing.admits(self.name, origin, file.written))
            .collect();
        files.sort_by_key(|(origin, file)| (file.written, origin.place()));
        for (origin, file) in files {
            let internal = file.internal && !self.goes_public(Kind::Files, origin);
            let held_back = internal && self.leg.leaks();
            if !file.withdrawn && !held_back && !copies.contains(&(origin, internal)) {
                self.attach(origin, file, needs, unstored);
            }
        }
    }

    fn attach(&self, origin: &Origin, file: &Attachment, needs: &mut Needs, unstored: &mut Vec<Origin>) {
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
        let without_bytes = print_of(&Operation::LinkBack { label: format!("{item} {size}"), url: None });
        if let Some(reason) = refusal {
            if !self.leg.parked.contains_key(&item) {
                needs.refused.push(self.park(item, without_bytes, ErrorKind::Unsupported, reason));
            }
            return;
        }
        let Some(digest) = &file.digest else {
            if !self.leg.parked.contains_key(&item) {
                needs.waits = true;
                unstored.push(origin.clone());
            }
            return;
        };
        let Some(ready) = self.ready(origin, file, digest, needs) else { return };
        let want = wanted_file(digest);
        let agreement = self.sharing.agreement(self.name);
        let name = match file_name(&file.name, agreement, &self.release(&item, &want)) {
            Ok(name) => name,
            Err(refused) => {
                if !self.blocked(&item, &want) {
                    self.refuse(item, want, refused, needs);
                }
                return;
            }
        };
        needs.accounts.insert(item.clone(), name.account().clone());
        let operation = Operation::Attach {
            name: name.into_intent(),
            media_type: file.media_type.clone(),
            size: ready.size,
            digest: ready.digest,
            visibility: audience(internal),
        };
        let version = Some(copy_version(internal));
        self.want(needs, Write { item, value: None, operation, version });
    }

    fn cannot(&self, needs: &mut Needs, item: Item, want: Fingerprint, reason: String) {
        if !self.blocked(&item, &want) {
            needs.refused.push(self.park(item, want, ErrorKind::Unsupported, reason));
        }
    }

    /// The bytes of a file as this leg may have them; `None` where it may not, or not yet.
    fn ready(
        &self,
        origin: &Origin,
        file: &Attachment,
        digest: &Digest,
        needs: &mut Needs,
    ) -> Option<FileCopy> {
        let as_it_is = FileCopy { digest: digest.clone(), size: file.size };
        let redaction = self.sharing.agreement(self.name).and_then(|agreement| agreement.redaction.as_ref());
        let Some(redaction) = redaction else { return Some(as_it_is) };
        let (item, want) = (Item::Attachment(origin.clone()), wanted_file(digest));
        let approved = self.release(&item, &want).approved;
        let prepared = self.leg.prepared.get(origin).filter(|it| it.terms == preparation(digest, redaction));
        if may_be_text(&file.media_type, file.size) {
            let Some(prepared) = prepared else {
                if !self.blocked(&item, &want) {
                    needs.waits = true;
                    needs.unprepared.push(origin.clone());
                }
                return None;
            };
            if let Some(copy) = &prepared.copy {
                let left = &prepared.left;
                if redaction.leftover != Leftover::Hold || approved || left.is_empty() {
                    return Some(copy.clone());
                }
                if !self.blocked(&item, &want) {
                    self.refuse(item, want, Refused::Left(left.clone()), needs);
                }
                return None;
            }
        }
        match redaction.other_files {
            OtherFiles::Send => Some(as_it_is),
            OtherFiles::Hold if approved => Some(as_it_is),
            OtherFiles::Hold => {
                if !self.blocked(&item, &want) {
                    let reason = "the agreement has files that cannot be looked into wait for a person; \
                                  retry it to send it as it is"
                        .to_owned();
                    needs.refused.push(Fact::Held { leg: self.name.clone(), item, want, reason });
                }
                None
            }
            OtherFiles::Drop => {
                let rule = "the agreement keeps back files that cannot be looked into";
                self.withhold(needs, format!("file:{origin}"), rule);
                None
            }
        }
    }

    fn withhold(&self, needs: &mut Needs, what: String, rule: &str) {
        if !self.leg.shadow.withheld.contains(&what) {
            needs.refused.push(Fact::Withheld { leg: self.name.clone(), what, rule: rule.to_owned() });
        }
    }
}

/// Who may read a copy.
fn audience(internal: bool) -> Visibility {
    if internal { Visibility::Internal } else { Visibility::Public }
}
