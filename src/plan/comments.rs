//! Comments in: which are new, which are our own echo, and which must not leave their system.

use std::collections::{BTreeMap, BTreeSet};

use throughline_sdk::ticket::canonical_text;
use throughline_sdk::{Comment, Marker, SystemName, Ticket, Visibility};

use super::fields::News;
use super::marker;
use super::planner::Planner;
use crate::agreement::{Kind, Sharing};
use crate::case::{Fact, Fingerprint, Item, Leg, Origin, ReadingComment, SeenComment};

impl Planner<'_> {
    pub(super) fn read_comments(
        &self,
        leg: &SystemName,
        ticket: &Ticket,
        sharing: &Sharing<'_>,
        news: &mut News,
    ) {
        let Some(standing) = self.case.legs.get(leg) else { return };
        let gathered = sharing.gathers(Kind::Comments, leg);
        let known = &standing.shadow.comments;
        let strangers = ticket.comments.iter().filter(|comment| !known.contains_key(&comment.id));
        let echoes = if strangers.clone().any(|comment| comment.marker.is_some()) {
            self.our_markers(leg)
        } else {
            BTreeMap::new()
        };
        let mut present = BTreeSet::new();
        for comment in &ticket.comments {
            if !present.insert(&comment.id) {
                continue;
            }
            let echo = comment.marker.as_ref().and_then(|marker| echoes.get(marker));
            match (known.get(&comment.id), echo) {
                (Some(seen), _) if seen.origin.system != *leg => copy_again(self, comment, seen, news),
                (Some(seen), _) if gathered => self.own_again(leg, comment, seen, news),
                (Some(_), _) => {}
                (None, Some(echo)) if is_copy(standing, echo, comment) => {
                    let (origin, version) = echo.clone();
                    news.reading.comments.push(reading(comment, origin, version));
                }
                (None, _) if gathered => stranger(leg, standing, comment, news),
                (None, _) => {}
            }
        }
        for (id, seen) in known.iter().filter(|(id, seen)| !seen.gone && !present.contains(id)) {
            news.reading.lost_comments.push(id.clone());
            if seen.origin.system == *leg && gathered {
                self.withdraw_remark(&seen.origin, news);
            }
        }
    }

    /// One of the leg's own comments that is part of the request.
    fn own_again(&self, leg: &SystemName, comment: &Comment, seen: &SeenComment, news: &mut News) {
        if comment.visibility != Visibility::Public {
            if !seen.gone {
                news.reading.lost_comments.push(comment.id.clone());
                self.withdraw_remark(&seen.origin, news);
            }
            return;
        }
        if !seen.gone && seen.seen == print(comment) {
            return;
        }
        let version = self.case.document.remarks.get(&seen.origin).map_or(0, |remark| remark.version);
        let version = version.saturating_add(1);
        news.reading.comments.push(reading(comment, seen.origin.clone(), version));
        news.after.push(remarked(leg, comment, version));
    }

    fn withdraw_remark(&self, origin: &Origin, news: &mut News) {
        if self.case.document.remarks.get(origin).is_some_and(|remark| !remark.withdrawn) {
            news.after.push(Fact::RemarkWithdrawn { origin: origin.clone() });
        }
    }

    /// Every marker that a comment of ours on this leg may bear.
    fn our_markers(&self, leg: &SystemName) -> BTreeMap<Marker, (Origin, u32)> {
        let mut markers = BTreeMap::new();
        let parked = self.case.legs.get(leg).into_iter().flat_map(|leg| leg.parked.keys());
        // A notice whose answer was lost, and that a person was asked about.
        for item in parked {
            if let Item::Notice(key) = item {
                let marker = marker(self.view.markers, self.case.id, leg, item, 1);
                markers.insert(marker, (Origin::notice(key), 1));
            }
        }
        for (origin, remark) in &self.case.document.remarks {
            if origin.system == *leg {
                continue;
            }
            let item = Item::Remark(origin.clone());
            for version in 1..=remark.version {
                let marker = marker(self.view.markers, self.case.id, leg, &item, version);
                markers.insert(marker, (origin.clone(), version));
            }
        }
        markers
    }
}

/// A copy of ours that was there before: only what it looks like now is noted.
fn copy_again(planner: &Planner<'_>, comment: &Comment, seen: &SeenComment, news: &mut News) {
    let remark = planner.case.document.remarks.get(&seen.origin);
    let taken_back = seen.gone && remark.is_none_or(|remark| remark.withdrawn);
    let differs = seen.gone || seen.seen != print(comment);
    if differs && !taken_back {
        news.reading.comments.push(reading(comment, seen.origin.clone(), seen.version));
    }
}

/// Whether a comment bearing our marker is our copy, rather than somebody quoting a copy that stands already.
fn is_copy(standing: &Leg, (origin, version): &(Origin, u32), comment: &Comment) -> bool {
    let mut copies = standing
        .shadow
        .comments
        .values()
        .filter(|seen| seen.origin == *origin && seen.version >= *version)
        .peekable();
    copies.peek().is_none() || copies.any(|copy| copy.seen == print(comment))
}

/// A comment that was never part of the request: it becomes one if its system says that it is public.
fn stranger(leg: &SystemName, standing: &Leg, comment: &Comment, news: &mut News) {
    let rule = match comment.visibility {
        Visibility::Public => {
            let origin = Origin { system: leg.clone(), id: comment.id.to_string() };
            news.reading.comments.push(reading(comment, origin, 1));
            news.after.push(remarked(leg, comment, 1));
            return;
        }
        Visibility::Internal => "internal comments stay in their system",
        Visibility::Unknown => "the system does not say who may read this comment",
    };
    let what = format!("comment:{}", comment.id);
    if !standing.shadow.withheld.contains(&what) {
        news.after.push(Fact::Withheld { leg: leg.clone(), what, rule: rule.to_owned() });
    }
}

fn remarked(leg: &SystemName, comment: &Comment, version: u32) -> Fact {
    Fact::Remarked {
        origin: Origin { system: leg.clone(), id: comment.id.to_string() },
        author: comment.author.name.clone(),
        written: comment.created,
        body: canonical_text(&comment.body),
        version,
    }
}

fn reading(comment: &Comment, origin: Origin, version: u32) -> ReadingComment {
    ReadingComment { id: comment.id.clone(), origin, print: print(comment), version, lost: Vec::new() }
}

fn print(comment: &Comment) -> Fingerprint {
    Fingerprint::of(&canonical_text(&comment.body))
}
