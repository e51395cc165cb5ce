//! Comments and files out: each original once per leg, in the order in which they were written.

use std::collections::BTreeMap;

use throughline_sdk::ticket::canonical_text;
use throughline_sdk::{CommentId, ErrorKind, Operation, Visibility};

use super::decide::Decision;
use super::planner::{Planner, print_of};
use super::project::{Target, Write};
use crate::agreement::{Kind, Said, file_name, remark_body};
use crate::case::{Attachment, Fact, Fingerprint, Health, Item, Origin, Remark, SeenComment};

/// The marker version of taking a comment back: never the version of a text.
const RETRACTION: u32 = u32::MAX;

impl Planner<'_> {
    /// Lets go of the texts of comments that every leg has to which they are shown.
    pub(super) fn let_go(&mut self) {
        let sharing = self.sharing();
        let lacks = |origin: &Origin, remark: &Remark| {
            self.case.legs.iter().any(|(name, leg)| {
                leg.health == Health::Well
                    && sharing.carries(Kind::Comments, &origin.system, name)
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
        let mut remarks: Vec<_> = self
            .case
            .document
            .remarks
            .iter()
            .filter(|(origin, _)| self.sharing.carries(Kind::Comments, &origin.system, self.name))
            .collect();
        remarks.sort_by_key(|(origin, remark)| (remark.written, origin.place()));
        let mut decisions = Vec::new();
        let mut held = false;
        for (origin, remark) in remarks {
            let copies = copies.get(origin).map_or(&[][..], Vec::as_slice);
            let item = Item::Remark(origin.clone());
            if remark.withdrawn {
                decisions.extend(self.take_back(&item, copies).map(|decision| (item.clone(), decision)));
                continue;
            }
            // Behind one whose text has to be read first nothing is sent, but what else has to be read is known.
            let mut decision = self.send(origin, remark, copies);
            if held && matches!(decision, Decision::Send(_) | Decision::Refused { .. }) {
                decision = Decision::Behind;
            }
            held |= matches!(decision, Decision::Unread(_));
            decisions.push((item, decision));
        }
        decisions
    }

    /// What becomes of a comment: made, brought up to date, or left until its text was read.
    fn send(&self, origin: &Origin, remark: &Remark, copies: &[(&CommentId, &SeenComment)]) -> Decision {
        let newest = copies.iter().max_by_key(|(_, seen)| (seen.version, !seen.gone));
        if newest.is_some_and(|(_, seen)| seen.version >= remark.version) {
            return Decision::Has;
        }
        let item = Item::Remark(origin.clone());
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
            if well && !observed && !self.blocked(&item, &remark.print) {
                return Decision::Unread(origin.system.clone());
            }
            let reason =
                format!("its text is kept nowhere but in {}, where it cannot be read", origin.system);
            return self.refuse(&item, remark.print.clone(), ErrorKind::Rejected, reason);
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
            None => Operation::Comment { body, visibility: Visibility::Public },
        };
        let value = Some(remark.print.clone());
        self.want(Write { item, value, operation, version: Some(remark.version) })
    }

    /// What becomes of the copies of a comment that was withdrawn.
    fn take_back(
        &self,
        item: &Item,
        copies: &[(&CommentId, &SeenComment)],
    ) -> impl Iterator<Item = Decision> {
        let outrun = self.leg.outstanding.iter().any(|sent| sent.item == *item && sent.value.is_some());
        let live = copies.iter().filter(|(_, seen)| !seen.gone);
        let copies = live.map(|(id, _)| {
            if !self.able.retract {
                let rule = "withdrawn at its origin; this system takes no comment back";
                return Decision::Stays { what: format!("comment:{id}"), rule };
            }
            let operation = Operation::Retract { comment: (*id).clone() };
            self.want(Write { item: item.clone(), value: None, operation, version: Some(RETRACTION) })
        });
        outrun.then_some(Decision::Outrun).into_iter().chain(copies)
    }

    /// The text, kept or as just read at its origin, provided that it is the current version.
    fn text(&self, origin: &Origin, remark: &Remark) -> Option<String> {
        if let Some(body) = &remark.body {
            return Some(body.clone());
        }
        let ticket = self.view.observations.get(&origin.system)?;
        let comment = ticket.comments.iter().find(|comment| comment.id.as_str() == origin.id)?;
        let text = canonical_text(&comment.body);
        let current = comment.visibility == Visibility::Public && Fingerprint::of(&text) == remark.print;
        current.then_some(text)
    }

    /// What becomes of each file, in the order in which they were attached.
    pub(super) fn attachments(&self) -> Vec<(Item, Decision)> {
        let copies: BTreeMap<&Origin, _> =
            self.leg.shadow.files.iter().map(|(id, seen)| (&seen.origin, (id, seen))).collect();
        let mut files: Vec<_> = self
            .case
            .document
            .attachments
            .iter()
            .filter(|(origin, _)| self.sharing.carries(Kind::Files, &origin.system, self.name))
            .collect();
        files.sort_by_key(|(origin, file)| (file.written, origin.place()));
        let decisions = files.into_iter().map(|(origin, file)| {
            let item = Item::Attachment(origin.clone());
            let decision = match copies.get(origin) {
                Some((id, seen)) if file.withdrawn && !seen.gone => {
                    let rule = "withdrawn at its origin; files are not taken back";
                    Decision::Stays { what: format!("file:{id}"), rule }
                }
                Some(_) => Decision::Has,
                None if file.withdrawn => Decision::Unshared,
                None => self.attach(&item, file),
            };
            (item, decision)
        });
        decisions.collect()
    }

    fn attach(&self, item: &Item, file: &Attachment) -> Decision {
        let size = file.size;
        let refusal = if self.able.attach.is_none() {
            Some(format!("{} takes no files", self.name))
        } else if size > self.able.max_file_bytes {
            Some(format!(
                "the file has {size} bytes and {} takes at most {}",
                self.name, self.able.max_file_bytes
            ))
        } else {
            None
        };
        // Whatever a file was parked for, neither its size nor its bytes are looked at again.
        let parked = self.leg.parked.contains_key(item);
        if let Some(reason) = refusal {
            let want = print_of(&Operation::LinkBack { label: format!("{item} {size}"), url: None });
            let kind = ErrorKind::Unsupported;
            return if parked { Decision::Parked } else { Decision::Refused { want, kind, reason } };
        }
        let Some(digest) = &file.digest else {
            return if parked { Decision::Parked } else { Decision::Unstored };
        };
        let operation = Operation::Attach {
            name: file_name(&file.name).into_intent(),
            media_type: file.media_type.clone(),
            size,
            digest: digest.clone(),
            visibility: Visibility::Public,
        };
        self.want(Write { item: item.clone(), value: None, operation, version: Some(1) })
    }
}
