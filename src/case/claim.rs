//! Claiming: another system's ticket takes the place of one that was kept by hand, with all that is known of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use throughline_sdk::{CommentId, FileId, RemoteId, SystemName, Timestamp};

use super::{AgreementName, Case, Fingerprint, Item, Leg, Origin, SeenComment, SeenFile, Shadow};

/// What takes the place of what. A comment or file of the old ticket has a twin on the new one, or is not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The system that is left.
    pub from: SystemName,
    /// The system whose ticket takes over.
    pub to: SystemName,
    /// The agreement under which it does.
    pub agreement: AgreementName,
    /// That ticket.
    pub ticket: RemoteId,
    /// When it last changed, as it was read.
    pub updated: Timestamp,
    /// The old ticket's comments.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub comments: BTreeMap<CommentId, Option<Twin>>,
    /// The old ticket's files.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<FileId, Option<FileId>>,
}

/// The same comment on the new ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Twin {
    /// Its id there.
    pub id: CommentId,
    /// Its text there.
    pub print: Fingerprint,
}

impl Case {
    /// Renames the leg and every origin on it, so that the case is as if it had always been the new ticket's.
    pub(super) fn claim(&mut self, claim: &Claim) {
        let Some(old) = self.legs.remove(&claim.from) else { return };
        if let Some(ticket) = &old.ticket {
            self.former.insert(claim.from.clone(), ticket.clone());
        }
        self.legs.insert(claim.to.clone(), claim.leg(old));
        for leg in self.legs.values_mut() {
            claim.rename(leg);
        }
        let document = &mut self.document;
        document.remarks = std::mem::take(&mut document.remarks)
            .into_iter()
            .map(|(origin, remark)| (claim.comment_origin(&origin), remark))
            .collect();
        document.attachments = std::mem::take(&mut document.attachments)
            .into_iter()
            .map(|(origin, file)| (claim.file_origin(&origin), file))
            .collect();
        for field in document.fields.values_mut().filter(|field| field.from == claim.from) {
            field.from = claim.to.clone();
        }
        for grant in self.grants.values_mut().filter(|grant| grant.leg == claim.from) {
            grant.leg = claim.to.clone();
        }
        for conflict in document.conflicts.values_mut() {
            if let Some(wanted) = conflict.wanted.remove(&claim.from) {
                conflict.wanted.insert(claim.to.clone(), wanted);
            }
        }
    }
}

impl Claim {
    /// The old leg as one of the new ticket. It agrees with the document as far as the old one did; what the new ticket
    /// says itself is seen when it is read. Links were made to the old one only.
    fn leg(&self, old: Leg) -> Leg {
        let comments = old.shadow.comments.into_iter().map(|(id, seen)| {
            let twin = self.comments.get(&id).and_then(Option::as_ref);
            let seen = SeenComment {
                origin: seen.origin,
                seen: twin.map_or(seen.seen, |twin| twin.print.clone()),
                version: seen.version,
                internal: seen.internal,
                unproven: false,
                // What is not there counts as deleted by its people: it is not written there again.
                gone: seen.gone || twin.is_none(),
            };
            (self.comment(&id), seen)
        });
        let files = old.shadow.files.into_iter().map(|(id, seen)| {
            let is_there = self.files.get(&id).is_some_and(Option::is_some);
            let seen = SeenFile {
                origin: seen.origin,
                internal: seen.internal,
                unproven: false,
                gone: seen.gone || !is_there,
            };
            (self.file(&id), seen)
        });
        let mut fields = old.shadow.fields;
        for field in fields.values_mut() {
            field.seen = None;
            field.written = None;
        }
        let shadow = Shadow {
            version: None,
            updated: Some(self.updated),
            fields,
            comments: comments.collect(),
            files: files.collect(),
            withheld: std::collections::BTreeSet::new(),
        };
        // What had to be taken back there had so by a person, who gave it up: here it would name something else.
        let is_elsewhere = |item: &Item| matches!(item, Item::Recall(_) | Item::Leak(_));
        let parked = old.parked.into_iter().filter(|(item, _)| !is_elsewhere(item));
        Leg {
            parked: parked.collect(),
            ticket: Some(self.ticket.clone()),
            key: None,
            url: None,
            agreement: Some(self.agreement.clone()),
            shadow,
            linked: std::collections::BTreeSet::new(),
            ..old
        }
    }

    fn rename(&self, leg: &mut Leg) {
        for seen in leg.shadow.comments.values_mut() {
            seen.origin = self.comment_origin(&seen.origin);
        }
        for seen in leg.shadow.files.values_mut() {
            seen.origin = self.file_origin(&seen.origin);
        }
        leg.linked.remove(&self.from);
        for standing in &mut leg.outstanding {
            standing.item = self.item(&standing.item);
        }
        leg.parked = std::mem::take(&mut leg.parked)
            .into_iter()
            .map(|(item, parked)| (self.item(&item), parked))
            .collect();
        leg.prepared = std::mem::take(&mut leg.prepared)
            .into_iter()
            .map(|(origin, prepared)| (self.file_origin(&origin), prepared))
            .collect();
        if let Some(offer) = &mut leg.offer {
            offer.waiting = offer.waiting.iter().map(|item| self.item(item)).collect();
            if offer.after.as_ref() == Some(&self.from) {
                offer.after = Some(self.to.clone());
            }
        }
        leg.edited = std::mem::take(&mut leg.edited)
            .into_iter()
            .map(|(item, edited)| (self.item(&item), edited))
            .collect();
        leg.approved = std::mem::take(&mut leg.approved)
            .into_iter()
            .map(|(item, print)| (self.item(&item), print))
            .collect();
    }

    fn item(&self, item: &Item) -> Item {
        match item {
            Item::Remark(origin) => Item::Remark(self.comment_origin(origin)),
            Item::Attachment(origin) => Item::Attachment(self.file_origin(origin)),
            Item::LinkBack(system) if *system == self.from => Item::LinkBack(self.to.clone()),
            Item::Ticket
            | Item::Field(_)
            | Item::LinkBack(_)
            | Item::Offer
            | Item::Notice(_)
            | Item::Recall(_)
            | Item::Leak(_) => item.clone(),
        }
    }

    /// A comment's place, as it is called once the ticket was claimed.
    pub(crate) fn comment_origin(&self, origin: &Origin) -> Origin {
        self.origin(origin, |id| self.comment(&CommentId::new(id)).to_string())
    }

    /// A file's place, as it is called once the ticket was claimed.
    pub(crate) fn file_origin(&self, origin: &Origin) -> Origin {
        self.origin(origin, |id| self.file(&FileId::new(id)).to_string())
    }

    fn origin(&self, origin: &Origin, id: impl Fn(&str) -> String) -> Origin {
        if origin.system != self.from {
            return origin.clone();
        }
        Origin { system: self.to.clone(), id: id(&origin.id) }
    }

    pub(crate) fn comment(&self, old: &CommentId) -> CommentId {
        let twin = self.comments.get(old).and_then(Option::as_ref);
        twin.map_or_else(|| CommentId::new(self.kept(old.as_str())), |twin| twin.id.clone())
    }

    pub(crate) fn file(&self, old: &FileId) -> FileId {
        let twin = self.files.get(old).and_then(Option::as_ref);
        twin.map_or_else(|| FileId::new(self.kept(old.as_str())), FileId::clone)
    }

    /// The id of something that is not on the new ticket: no desk has one like it.
    fn kept(&self, old: &str) -> String {
        format!("{} {old}", self.from)
    }
}
