//! Files in: which are new, which are our own echo, and which must not leave their system.

use std::collections::{BTreeMap, BTreeSet};

use throughline_sdk::{File, Marker, SystemName, Ticket, Visibility};

use super::comments::leak;
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
        // Whoever gathers what is internal gathers what is public too.
        let any = sharing.gathers(Kind::Files, Visibility::Public, leg);
        let gathered = |file: &File| sharing.takes(Kind::Files, file.visibility, leg, file.id.as_str());
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
                    self.file_copy_again((leg, standing), file, seen, news);
                }
                (Some(seen), _) if gathered(file) => self.own_file_again(leg, file, seen, sharing, news),
                (Some(seen), _) if file.visibility != Visibility::Public && !seen.gone => {
                    news.reading.lost_files.push(file.id.clone());
                    news.after.push(Fact::AttachmentWithdrawn { origin: seen.origin.clone() });
                }
                (Some(_), _) => {}
                (None, Some((origin, internal))) => {
                    let copy = ReadingFile { internal: *internal, ..reading(file, origin.clone()) };
                    news.reading.files.push(copy);
                    if *internal {
                        news.reading.read_back_files.push(file.id.clone());
                    }
                    if *internal && file.visibility != Visibility::Internal {
                        leak(standing, leg, format!("file:{}", file.id), news);
                    }
                }
                (None, None) if gathered(file) => self.adopt_file(leg, file, sharing, news),
                (None, None) if any => withhold(leg, standing, file, news),
                (None, None) => {}
            }
        }
        for (id, seen) in known.iter().filter(|(id, seen)| !seen.gone && !present.contains(id)) {
            news.reading.lost_files.push(id.clone());
            if seen.origin.system == *leg {
                news.after.push(Fact::AttachmentWithdrawn { origin: seen.origin.clone() });
            }
        }
    }

    /// One of the leg's own files that is part of the request, and may be.
    fn own_file_again(
        &self,
        leg: &SystemName,
        file: &File,
        seen: &SeenFile,
        sharing: &Sharing<'_>,
        news: &mut News,
    ) {
        let attachment = self.case.document.attachments.get(&seen.origin);
        let same_readers = attachment.is_none_or(|known| known.visibility() == file.visibility);
        if seen.gone || !same_readers {
            self.adopt_file(leg, file, sharing, news);
        }
    }

    /// A copy of ours that was there before: whether it is still, and for the same readers.
    fn file_copy_again(
        &self,
        (leg, standing): (&SystemName, &Leg),
        file: &File,
        seen: &SeenFile,
        news: &mut News,
    ) {
        if seen.gone {
            let copy = reading(file, seen.origin.clone());
            news.reading.files.push(ReadingFile { internal: seen.internal, ..copy });
        }
        let attachment = self.case.document.attachments.get(&seen.origin);
        let public_by_now = attachment.is_some_and(|known| !known.withdrawn && !known.internal);
        if !seen.internal {
            return;
        }
        if seen.unproven || seen.gone {
            news.reading.read_back_files.push(file.id.clone());
        }
        if !public_by_now && file.visibility != Visibility::Internal {
            leak(standing, leg, format!("file:{}", file.id), news);
        }
    }

    /// A file becomes part of the request.
    fn adopt_file(&self, leg: &SystemName, file: &File, sharing: &Sharing<'_>, news: &mut News) {
        let origin = Origin { system: leg.clone(), id: file.id.to_string() };
        news.reading.files.push(reading(file, origin.clone()));
        news.after.push(Fact::Attached {
            origin,
            name: restored(&file.name, sharing.agreement(leg), self.view.names),
            media_type: file.media_type.clone(),
            size: file.size,
            author: file.author.name.clone(),
            written: file.created,
            internal: file.visibility != Visibility::Public,
        });
    }

    /// The markers of files of ours that are not known to be on this leg, and whether they were sent as internal.
    fn our_file_markers(&self, leg: &SystemName, standing: &Leg) -> BTreeMap<Marker, (Origin, bool)> {
        let copies = standing.shadow.files.values();
        let there: BTreeSet<_> = copies.map(|seen| (&seen.origin, seen.internal)).collect();
        let mut markers = BTreeMap::new();
        for origin in self.case.document.attachments.keys().filter(|origin| origin.system != *leg) {
            for internal in [false, true].into_iter().filter(|it| !there.contains(&(origin, *it))) {
                let item = Item::Attachment(origin.clone());
                let version = copy_version(internal);
                let marker = marker(self.view.markers, self.case.id, leg, &item, version);
                markers.insert(marker, (origin.clone(), internal));
            }
        }
        markers
    }
}

/// The version in the marker of a file's copy: one for the public, one for staff.
pub(super) fn copy_version(internal: bool) -> u32 {
    if internal { 2 } else { 1 }
}

/// A file that goes to nobody.
fn withhold(leg: &SystemName, standing: &Leg, file: &File, news: &mut News) {
    let rule = match file.visibility {
        Visibility::Public => "no agreement of the case shares files of this system",
        Visibility::Internal => "internal files stay in their system",
        Visibility::Unknown => "the system does not say who may read this file",
    };
    let what = format!("file:{}", file.id);
    if !standing.shadow.withheld.contains(&what) {
        news.after.push(Fact::Withheld { leg: leg.clone(), what, rule: rule.to_owned() });
    }
}

fn reading(file: &File, origin: Origin) -> ReadingFile {
    ReadingFile { id: file.id.clone(), origin, internal: false }
}
