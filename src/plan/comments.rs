//! Comments in: which are new, which are our own echo, and which must not leave their system.

use std::collections::BTreeMap;

use throughline_sdk::ticket::canonical_text;
use throughline_sdk::{Comment, Marker, SystemName, Ticket, Visibility};

use super::fields::News;
use super::marker;
use super::planner::Planner;
use crate::agreement::{Kind, Sharing, restored};
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
        // Whoever gathers what is internal gathers what is public too.
        let any = sharing.gathers(Kind::Comments, Visibility::Public, leg);
        let gathered =
            |comment: &Comment| sharing.takes(Kind::Comments, comment.visibility, leg, comment.id.as_str());
        let known = &standing.shadow.comments;
        let strangers = ticket.comments.iter().filter(|comment| !known.contains_key(&comment.id));
        let echoes = if strangers.clone().any(|comment| comment.marker.is_some()) {
            self.our_markers(leg)
        } else {
            BTreeMap::new()
        };
        let mut present = self.link_comments(leg, ticket);
        for comment in &ticket.comments {
            if !present.insert(&comment.id) {
                continue;
            }
            let echo = comment.marker.as_ref().and_then(|marker| echoes.get(marker));
            match (known.get(&comment.id), echo) {
                (Some(seen), _) if seen.origin.system != *leg => copy_again(self, leg, comment, seen, news),
                (Some(seen), _) if gathered(comment) => self.own_again(leg, comment, seen, sharing, news),
                (Some(seen), _) if comment.visibility != Visibility::Public && !seen.gone => {
                    news.reading.lost_comments.push(comment.id.clone());
                    self.withdraw_remark(&seen.origin, news);
                }
                (Some(_), _) => {}
                (None, Some(echo)) if is_copy(standing, echo, comment) => {
                    let (origin, version) = echo.clone();
                    let internal = self.was_internal(&origin, version, comment.visibility)
                        && !self.goes_public(sharing, leg, &origin);
                    let copy = ReadingComment { internal, ..reading(comment, origin, version) };
                    news.reading.comments.push(copy);
                    if internal {
                        news.reading.read_back_comments.push(comment.id.clone());
                    }
                    if internal && comment.visibility != Visibility::Internal {
                        leak(standing, leg, format!("comment:{}", comment.id), news);
                    }
                }
                (None, _) if gathered(comment) => self.adopt(leg, comment, 1, sharing, news),
                (None, _) if any => withhold(leg, standing, comment, news),
                (None, _) => {}
            }
        }
        for (id, seen) in known.iter().filter(|(id, seen)| !seen.gone && !present.contains(id)) {
            news.reading.lost_comments.push(id.clone());
            if seen.origin.system == *leg {
                self.withdraw_remark(&seen.origin, news);
            }
        }
    }

    /// One of the leg's own comments that is part of the request, and may be.
    fn own_again(
        &self,
        leg: &SystemName,
        comment: &Comment,
        seen: &SeenComment,
        sharing: &Sharing<'_>,
        news: &mut News,
    ) {
        let remark = self.case.document.remarks.get(&seen.origin);
        let same_readers = remark.is_none_or(|remark| remark.visibility() == comment.visibility);
        // What is back, or was shown by a grant that has ended, is part of the request once more.
        let withdrawn = remark.is_some_and(|remark| remark.withdrawn);
        if !withdrawn && same_readers && seen.seen == print(comment) {
            return;
        }
        let version = remark.map_or(0, |remark| remark.version).saturating_add(1);
        self.adopt(leg, comment, version, sharing, news);
    }

    /// A comment becomes part of the request, in this version.
    fn adopt(
        &self,
        leg: &SystemName,
        comment: &Comment,
        version: u32,
        sharing: &Sharing<'_>,
        news: &mut News,
    ) {
        let origin = Origin { system: leg.clone(), id: comment.id.to_string() };
        news.reading.comments.push(reading(comment, origin, version));
        news.after.push(self.remarked(leg, comment, version, sharing));
    }

    /// What a comment says, in home's words: with the values in place of the pseudonyms that its writer knows.
    fn remarked(&self, leg: &SystemName, comment: &Comment, version: u32, sharing: &Sharing<'_>) -> Fact {
        let body = restored(&comment.body, sharing.agreement(leg), self.view.names);
        Fact::Remarked {
            origin: Origin { system: leg.clone(), id: comment.id.to_string() },
            author: comment.author.name.clone(),
            written: comment.created,
            body: canonical_text(&body),
            version,
            internal: comment.visibility != Visibility::Public,
        }
    }

    /// Whether a copy in this version was sent as internal, as far as the document still knows.
    fn was_internal(&self, origin: &Origin, version: u32, there: Visibility) -> bool {
        let remark = self.case.document.remarks.get(origin);
        remark.is_some_and(|remark| {
            remark.internal && (version == remark.version || there == Visibility::Internal)
        })
    }

    /// Whether something internal is shown in public on this leg, which has nothing internal, because a grant says so.
    fn goes_public(&self, sharing: &Sharing<'_>, leg: &SystemName, origin: &Origin) -> bool {
        let able = self.view.capabilities.get(leg);
        able.is_some_and(|able| !able.internal_comments)
            && sharing.is_public_if_must(Kind::Comments, origin, leg)
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

/// A copy of ours that was there before: what it looks like now is noted, and whether it is for the same readers.
fn copy_again(
    planner: &Planner<'_>,
    leg: &SystemName,
    comment: &Comment,
    seen: &SeenComment,
    news: &mut News,
) {
    let remark = planner.case.document.remarks.get(&seen.origin);
    // Where nothing can be deleted, what was taken back stands there as an empty comment.
    let emptied = comment.body.is_empty();
    let taken_back = seen.gone && (emptied || remark.is_none_or(|remark| remark.withdrawn));
    let differs = seen.gone || seen.seen != print(comment);
    if differs && !taken_back {
        let copy = reading(comment, seen.origin.clone(), seen.version);
        news.reading.comments.push(ReadingComment { internal: seen.internal, ..copy });
    }
    let public_by_now = remark.is_some_and(|remark| !remark.withdrawn && !remark.internal);
    if !seen.internal || emptied || taken_back {
        return;
    }
    let Some(standing) = planner.case.legs.get(leg) else { return };
    if seen.unproven || differs {
        news.reading.read_back_comments.push(comment.id.clone());
    }
    if !public_by_now && comment.visibility != Visibility::Internal {
        leak(standing, leg, format!("comment:{}", comment.id), news);
    }
}

/// Sounds the alarm, once.
pub(super) fn leak(standing: &Leg, leg: &SystemName, what: String, news: &mut News) {
    if !standing.parked.contains_key(&Item::Leak(what.clone())) {
        news.after.push(Fact::Leaked { leg: leg.clone(), what });
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

/// A comment that goes to nobody.
fn withhold(leg: &SystemName, standing: &Leg, comment: &Comment, news: &mut News) {
    let rule = match comment.visibility {
        Visibility::Public => "no agreement of the case shares comments of this system",
        Visibility::Internal => "internal comments stay in their system",
        Visibility::Unknown => "the system does not say who may read this comment",
    };
    let what = format!("comment:{}", comment.id);
    if !standing.shadow.withheld.contains(&what) {
        news.after.push(Fact::Withheld { leg: leg.clone(), what, rule: rule.to_owned() });
    }
}

fn reading(comment: &Comment, origin: Origin, version: u32) -> ReadingComment {
    ReadingComment {
        id: comment.id.clone(),
        origin,
        print: print(comment),
        version,
        internal: false,
        lost: Vec::new(),
    }
}

fn print(comment: &Comment) -> Fingerprint {
    Fingerprint::of(&canonical_text(&comment.body))
}
