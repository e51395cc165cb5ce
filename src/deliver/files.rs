//! A file's bytes, on their way from the desk it was attached in to the content-addressed folder.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use throughline_sdk::{Class, Error, ErrorKind, FileId};

use super::lane::Lane;
use crate::case::{Fact, Fingerprint, Item, Origin};
use crate::ledger;

impl Lane<'_> {
    /// Reads a file and stores it, then plans again. False if it has to wait.
    pub(super) async fn store_file(&mut self, origin: &Origin) -> Result<bool, ledger::Error> {
        let inside = self.enter(&origin.system);
        if inside.is_none() && self.shared.systems.contains_key(&origin.system) {
            return Ok(false);
        }
        let read = self.download(origin).await;
        drop(inside);
        // Until its case holds it, an erasure must not take it for a file that nobody holds.
        let shared = self.shared;
        let keeping = shared.filing.read().await;
        let stored = match read {
            Ok(bytes) => self.shared.blobs.write(bytes).await,
            Err(error) => Err(error),
        };
        let fact = match stored {
            Ok(digest) => vec![Fact::Stored { origin: origin.clone(), digest }],
            Err(error)
                if error.kind() != ErrorKind::Malformed
                    && matches!(error.class(), Class::Park | Class::Changed) =>
            {
                self.park_file(origin, &error)
            }
            Err(error) => {
                tracing::info!(case.id = %self.case.id, file = %origin, %error, "A file could not be read yet.");
                self.wait(error.retry_after());
                return Ok(false);
            }
        };
        let now = self.shared.clock.now();
        for fact in &fact {
            self.case.apply(fact, now);
        }
        self.plan_and_record(fact, BTreeMap::new(), &[], self.shared.journal.end()).await?;
        drop(keeping);
        Ok(true)
    }

    async fn download(&self, origin: &Origin) -> Result<Bytes, Error> {
        let shared = Arc::clone(self.shared);
        let gone = || Error::new(ErrorKind::NotFound, "the file's ticket is not part of the case any more");
        let system = shared.systems.get(&origin.system).ok_or_else(gone)?;
        let leg = self.case.legs.get(&origin.system).ok_or_else(gone)?;
        let ticket = leg.ticket.as_ref().ok_or_else(gone)?;
        let ctx = system.ctx(&shared.clock, &shared.entropy, &shared.blobs, self.urgency());
        let file = FileId::new(origin.id.clone());
        let bytes =
            shared.reach(system)?.download(&ctx, ticket, &file, system.capabilities.max_file_bytes).await?;
        let stated = self.case.document.attachments.get(origin).map_or(0, |attachment| attachment.size);
        // An answer without a stated length looks whole wherever it breaks off.
        if u64::try_from(bytes.len()).is_ok_and(|length| length < stated) {
            let message = format!("{} of {stated} bytes came", bytes.len());
            return Err(Error::new(ErrorKind::Unavailable, message));
        }
        Ok(bytes)
    }

    /// A file that cannot be read is parked on every leg that it should have gone to.
    fn park_file(&self, origin: &Origin, error: &Error) -> Vec<Fact> {
        self.case
            .legs
            .keys()
            .filter(|name| **name != origin.system)
            .map(|name| Fact::Parked {
                leg: name.clone(),
                item: Item::Attachment(origin.clone()),
                want: Fingerprint::of(&origin.to_string()),
                kind: error.kind(),
                reason: format!("the file could not be read: {error}"),
                intent: None,
            })
            .collect()
    }
}
