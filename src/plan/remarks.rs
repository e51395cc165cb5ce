//! Comments and files out: each original once per leg, in the order in which they were written.

use std::collections::{BTreeMap, BTreeSet};

use throughline_sdk::ticket::canonical_text;
use throughline_sdk::{CommentId, ErrorKind, Operation, SystemName, Visibility};

use super::files::copy_version;
use super::planner::{Planner, print_of};
use super::project::{Needs, Target, Write};
use crate::agreement::{Kind, Said, file_name, remark_body};
use crate::case::{Attachment, Fact, Fingerprint, Health, Item, Origin, Remark, SeenComment};

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
    pub(super) fn remarks(&self, needs: &mut Needs, unread: &mut Vec<SystemName>) {
        let mut copies: BTreeMap<&Origin, Copies<'_>> = BTreeMap::new();
        for (id, seen) in &self.leg.shadow.comments {
            copies.entry(&seen.origin).or_default().push((id, seen));
        }
        let mut remarks: Vec<_> =
            self.case.document.remarks.iter().filter(|(origin, _)| origin.system != *self.name).collect();
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
            if carried && !self.send(origin, remark, copies, if held { &mut behind } else { needs }) {
                held = true;
                needs.waits = true;
                unread.push(origin.system.clone());
            }
        }
    }

    /// Asks for the copy to be made or brought up to date. False where the text has to be read first.
    fn send(
        &self,
        origin: &Origin,
        remark: &Remark,
        copies: &[(&CommentId, &SeenComment)],
        needs: &mut Needs,
    ) -> bool {
        // A copy for other readers is none.
        let internal = remark.internal && !self.goes_public(Kind::Comments, origin);
        let same_readers = copies.iter().filter(|(_, seen)| seen.internal == internal);
        let newest = same_readers.max_by_key(|(_, seen)| (seen.version, !seen.gone));
        if newest.is_some_and(|(_, seen)| seen.version >= remark.version) {
            return true;
        }
        let item = Item::Remark(origin.clone());
        if internal && self.leg.leaks() {
            return true;
        }
        if internal && !self.able.internal_comments {
            self.refuse(needs, item, remark.print.clone(), format!("{} has no internal comments", self.name));
            return true;
        }
        let sent = self.leg.outstanding.iter().rev().find(|standing| standing.item == item);
        if sent.is_some_and(|sent| sent.value.as_ref() == Some(&remark.print)) {
            return true;
        }
        let Some(text) = self.text(origin, remark) else {
            let well = self
                .case
                .legs
                .get(&origin.system)
                .is_some_and(|leg| leg.health == Health::Well && leg.ticket.is_some());
            let observed = self.view.observations.contains_key(&origin.system);
            if well && !observed {
                return self.blocked(&item, &remark.print);
            }
            if !self.blocked(&item, &remark.print) {
                let reason =
                    format!("its text is kept nowhere but in {}, where it cannot be read", origin.system);
                needs.refused.push(self.park(item, remark.print.clone(), ErrorKind::Rejected, reason));
            }
            return true;
        };
        let live = newest.filter(|(_, seen)| !seen.gone && self.able.edit);
        let title = self.view.rules.systems.get(&origin.system).map(|system| system.party_title.as_str());
        let said = Said {
            author: &remark.author,
            party_title: title.unwrap_or_default(),
            text: &text,
            repeated: newest.is_some() && live.is_none(),
        };
        let body = remark_body(&said).into_intent();
        let operation = match live {
            Some((id, _)) => Operation::Edit { comment: (*id).clone(), body },
            None => Operation::Comment { body, visibility: audience(internal) },
        };
        let value = Some(remark.print.clone());
        self.want(needs, Write { item, value, operation, version: Some(remark.version) });
        true
    }

    /// The text, kept or as just read at its origin, provided that it is the current version.
    fn text(&self, origin: &Origin, remark: &Remark) -> Option<String> {
        if let Some(body) = &remark.body {
            return Some(body.clone());
        }
        let ticket = self.view.observations.get(&origin.system)?;
        let comment = ticket.comments.iter().find(|comment| comment.id.as_str() == origin.id)?;
        let text = canonical_text(&comment.body);
        let current = comment.visibility == remark.visibility() && Fingerprint::of(&text) == remark.print;
        current.then_some(text)
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
        let operation = Operation::Attach {
            name: file_name(&file.name).into_intent(),
            media_type: file.media_type.clone(),
            size,
            digest: digest.clone(),
            visibility: audience(internal),
        };
        let version = Some(copy_version(internal));
        self.want(needs, Write { item, value: None, operation, version });
    }

    fn refuse(&self, needs: &mut Needs, item: Item, want: Fingerprint, reason: String) {
        if !self.blocked(&item, &want) {
            needs.refused.push(self.park(item, want, ErrorKind::Unsupported, reason));
        }
    }
}

/// Who may read a copy.
fn audience(internal: bool) -> Visibility {
    if internal { Visibility::Internal } else { Visibility::Public }
}
