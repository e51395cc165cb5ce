//! Files in: which are new, which are our own echo, and which must not leave their system.

use std::collections::{BTreeMap, BTreeSet};

use throughline_sdk::{File, Marker, SystemName, Ticket, Visibility};

use super::fields::News;
use super::marker;
use super::planner::Planner;
use crate::agreement::{Kind, Sharing, restored};
use crate::case::{Fact, Item, Leg, Origin, ReadingFile, SeenFile};

impl Planner<'_> {
    pub(super) fn read_files(
        &self,
        leg: &SystemName,
        ticket: &Ticket,
        sharing: &Sharing<'_>,
        news: &mut News,
    ) {
        let Some(standing) = self.case.legs.get(leg) else { return };
        let gathered = sharing.gathers(Kind::Files, leg);
        let known = &standing.shadow.files;
        let mut strangers = ticket.files.iter().filter(|file| !known.contains_key(&file.id));
        let echoes = if strangers.any(|file| file.marker.is_some()) {
            self.our_file_markers(leg, standing)
        } else {
            BTreeMap::new()
        };
        let mut present = BTreeSet::new();
        for file in &ticket.files {
            if !present.insert(&file.id) {
                continue;
            }
            let echo = file.marker.as_ref().and_then(|marker| echoes.get(marker));
            match (known.get(&file.id), echo) {
                (Some(seen), _) if seen.origin.system != *leg => {
                    if seen.gone {
                        news.reading.files.push(reading(file, seen.origin.clone()));
                    }
                }
                (Some(seen), _) if gathered => self.own_file_again(leg, file, seen, sharing, news),
                (Some(_), _) => {}
                (None, Some(origin)) => news.reading.files.push(reading(file, origin.clone())),
                (None, None) if gathered => self.strange_file(leg, standing, file, sharing, news),
                (None, None) => {}
            }
        }
        for (id, seen) in known.iter().filter(|(id, seen)| !seen.gone && !present.contains(id)) {
            news.reading.lost_files.push(id.clone());
            if seen.origin.system == *leg && gathered {
                self.withdraw_file(&seen.origin, news);
            }
        }
    }

    fn own_file_again(
        &self,
        leg: &SystemName,
        file: &File,
        seen: &SeenFile,
        sharing: &Sharing<'_>,
        news: &mut News,
    ) {
        match (file.visibility, seen.gone) {
            (Visibility::Public, false) | (Visibility::Internal | Visibility::Unknown, true) => {}
            (Visibility::Public, true) => {
                news.reading.files.push(reading(file, seen.origin.clone()));
                news.after.push(self.attached(leg, file, sharing));
            }
            (Visibility::Internal | Visibility::Unknown, false) => {
                news.reading.lost_files.push(file.id.clone());
                self.withdraw_file(&seen.origin, news);
            }
        }
    }

    /// A file that was never part of the request: it becomes one if its system says that it is public.
    fn strange_file(
        &self,
        leg: &SystemName,
        standing: &Leg,
        file: &File,
        sharing: &Sharing<'_>,
        news: &mut News,
    ) {
        let rule = match file.visibility {
            Visibility::Public => {
                let origin = Origin { system: leg.clone(), id: file.id.to_string() };
                news.reading.files.push(reading(file, origin));
                news.after.push(self.attached(leg, file, sharing));
                return;
            }
            Visibility::Internal => "internal files stay in their system",
            Visibility::Unknown => "the system does not say who may read this file",
        };
        let what = format!("file:{}", file.id);
        if !standing.shadow.withheld.contains(&what) {
            news.after.push(Fact::Withheld { leg: leg.clone(), what, rule: rule.to_owned() });
        }
    }

    fn attached(&self, leg: &SystemName, file: &File, sharing: &Sharing<'_>) -> Fact {
        Fact::Attached {
            origin: Origin { system: leg.clone(), id: file.id.to_string() },
            name: restored(&file.name, sharing.agreement(leg), self.view.names),
            media_type: file.media_type.clone(),
            size: file.size,
            author: file.author.name.clone(),
            written: file.created,
        }
    }

    fn withdraw_file(&self, origin: &Origin, news: &mut News) {
        if self.case.document.attachments.get(origin).is_some_and(|attachment| !attachment.withdrawn) {
            news.after.push(Fact::AttachmentWithdrawn { origin: origin.clone() });
        }
    }

    /// The markers of files of ours that are not known to be on this leg.
    fn our_file_markers(&self, leg: &SystemName, standing: &Leg) -> BTreeMap<Marker, Origin> {
        let there: BTreeSet<&Origin> = standing.shadow.files.values().map(|seen| &seen.origin).collect();
        let missing = self.case.document.attachments.keys();
        missing
            .filter(|origin| origin.system != *leg && !there.contains(origin))
            .map(|origin| {
                let item = Item::Attachment(origin.clone());
                (marker(self.view.markers, self.case.id, leg, &item, 1), origin.clone())
            })
            .collect()
    }
}

fn reading(file: &File, origin: Origin) -> ReadingFile {
    ReadingFile { id: file.id.clone(), origin }
}
