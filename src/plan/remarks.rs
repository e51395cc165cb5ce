//! Comments out: each original once per leg, in the order in which they were written.

use std::collections::BTreeMap;

use throughline_sdk::ticket::canonical_text;
use throughline_sdk::{CommentId, ErrorKind, Operation, Visibility};

use super::decide::Decision;
use super::planner::Planner;
use super::project::{Target, Write};
use crate::agreement::{Kind, Said, remark_body, restored};
use crate::case::{Fact, Fingerprint, Health, Item, Origin, Remark, SeenComment};

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
}

/// What becomes of what is said about a request that its counterpart did not take on.
pub(super) fn not_taken_on(there: bool) -> Decision {
    if there { Decision::Has } else { Decision::NotAccepted { tell: false } }
}

/// Who may read a copy.
pub(super) fn audience(internal: bool) -> Visibility {
    if internal { Visibility::Internal } else { Visibility::Public }
}
