//! Files out: each original once per leg, in the order in which they were attached, and as its readers may have it.

use std::collections::BTreeSet;

use throughline_sdk::{Digest, ErrorKind, Operation, SystemName};

use super::decide::Decision;
use super::files::copy_version;
use super::project::{Target, Write};
use super::remarks::{audience, not_taken_on};
use crate::agreement::{
    Account, Agreement, Kind, Leftover, OtherFiles, Pseudonyms, Redaction, Refused, Release, Sharing,
    file_name, redacted_file, restored,
};
use crate::case::{Attachment, FileCopy, Fingerprint, Item, Origin};

/// What becomes of a file's text on its way to a leg: it is put back into home's words, then redacted for its readers.
#[derive(Clone, Copy, Debug)]
pub struct Passage<'t> {
    /// The agreement of whoever wrote it, where there are pseudonyms that its text may have.
    from: Option<&'t Agreement>,
    /// The agreement of whoever is to read it, where that has something redacted.
    to: Option<&'t Agreement>,
}

impl<'t> Passage<'t> {
    /// The passage of a file to a leg.
    pub fn of(sharing: &Sharing<'t>, names: &Pseudonyms, origin: &Origin, to: &SystemName) -> Self {
        let from = sharing.agreement(&origin.system).filter(|from| names.count(&from.name) > 0);
        Self { from, to: sharing.agreement(to).filter(|to| to.redaction.is_some()) }
    }

    /// What a prepared copy stands for: the file's bytes and the terms under which they were looked through.
    pub fn terms(&self, digest: &Digest) -> Fingerprint {
        let redaction = self.redaction().map(Redaction::print);
        Fingerprint::of(&match (self.from, redaction) {
            (None, Some(print)) => format!("{digest} {print:?}"),
            (from, print) => format!("{digest} {print:?} {:?}", from.map(|from| &from.name)),
        })
    }

    /// The text as the leg's readers may have it, and what became of the personal data in it.
    ///
    /// # Errors
    ///
    /// Where it may not leave: see [`Refused`].
    pub fn prepare(&self, text: &str, names: &Pseudonyms) -> Result<(String, Account), Refused> {
        let text = restored(text, self.from, names);
        let Some(to) = self.to else { return Ok((text, Account::default())) };
        // What may be left in it decides when it is planned for: a person may let it through.
        let redacted = redacted_file(&text, to, &Release { names, approved: true })?;
        let account = redacted.account().clone();
        Ok((redacted.into_intent(), account))
    }

    /// Whether the text goes as it is.
    fn is_open(&self) -> bool {
        self.from.is_none() && self.to.is_none()
    }

    fn redaction(&self) -> Option<&'t Redaction> {
        self.to.and_then(|to| to.redaction.as_ref())
    }
}

/// What is approved of a file: its bytes.
pub fn wanted_file(digest: &Digest) -> Fingerprint {
    Fingerprint::of(digest.as_str())
}

impl Target<'_> {
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
        let passage = Passage::of(self.sharing, self.view.names, origin, self.name);
        if passage.is_open() {
            return Ok(as_it_is);
        }
        let (item, want) = (Item::Attachment(origin.clone()), wanted_file(digest));
        let approved = self.release(&item, &want).approved;
        let blocked = self.blocked(&item, &want);
        let holds = passage.redaction().is_some_and(|redaction| redaction.leftover == Leftover::Hold);
        if may_be_text(file) {
            let terms = passage.terms(digest);
            let Some(prepared) = self.leg.prepared.get(origin).filter(|it| it.terms == terms) else {
                return Err(Box::new(if blocked { Decision::Parked } else { Decision::Unprepared }));
            };
            if let Some(copy) = &prepared.copy {
                let left = &prepared.left;
                if !holds || approved || left.is_empty() {
                    return Ok(copy.clone());
                }
                return Err(Box::new(self.refuse(&item, want, Refused::Left(left.clone()))));
            }
        }
        let Some(redaction) = passage.redaction() else { return Ok(as_it_is) };
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
