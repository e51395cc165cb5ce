//! What a plan lacks before personal data may leave: pseudonyms, and redacted copies of files.

use std::collections::BTreeMap;
use std::sync::Arc;

use throughline_sdk::{Class, Error, ErrorKind, SystemName};

use super::lane::Lane;
use crate::agreement::{Refused, Sharing, Unnamed};
use crate::case::{Fact, FileCopy, Fingerprint, Item, Origin, Prepared};
use crate::ledger;
use crate::plan::{self, Passage};

/// What came of looking through a file.
#[derive(Debug)]
enum Looked {
    /// What is to be recorded.
    Fact(Box<Fact>),
    /// Values in it need a pseudonym first.
    Unnamed(Vec<Unnamed>),
}

impl Lane<'_> {
    /// Gives values their pseudonyms, then plans again. False if it has to wait.
    pub(super) async fn give_names(&mut self, unnamed: Vec<Unnamed>) -> Result<bool, ledger::Error> {
        if let Err(error) = self.shared.vault.mint(unnamed).await {
            tracing::error!(case.id = %self.case.id, %error,
                "Nothing with a new pseudonym is sent until the vault can be written.");
            self.wait(None);
            return Ok(false);
        }
        self.plan_and_record(Vec::new(), BTreeMap::new(), &[], self.shared.journal.end()).await?;
        Ok(true)
    }

    /// Looks a file through for one leg, then plans again. False if it has to wait.
    pub(super) async fn prepare_file(
        &mut self,
        leg: &SystemName,
        origin: &Origin,
    ) -> Result<bool, ledger::Error> {
        // Until its case holds the copy, an erasure must not take it for a file that nobody holds.
        let shared = self.shared;
        let keeping = shared.filing.read().await;
        let fact = match self.look_through(leg, origin).await {
            Ok(Looked::Fact(fact)) => *fact,
            Ok(Looked::Unnamed(unnamed)) => return self.give_names(unnamed).await,
            Err(error) if matches!(error.class(), Class::Park | Class::Changed) => Fact::Parked {
                leg: leg.clone(),
                item: Item::Attachment(origin.clone()),
                want: self.wanted(origin),
                kind: ErrorKind::Rejected,
                reason: format!("the file could not be looked through: {error}"),
                intent: None,
            },
            Err(error) => {
                tracing::info!(case.id = %self.case.id, file = %origin, %error,
                    "A file could not be looked through yet.");
                self.wait(error.retry_after());
                return Ok(false);
            }
        };
        self.case.apply(&fact, self.shared.clock.now());
        self.plan_and_record(vec![fact], BTreeMap::new(), &[], self.shared.journal.end()).await?;
        drop(keeping);
        Ok(true)
    }

    async fn look_through(&self, leg: &SystemName, origin: &Origin) -> Result<Looked, Error> {
        let shared = Arc::clone(self.shared);
        let digest = self.case.document.attachments.get(origin).and_then(|file| file.digest.clone());
        let digest = digest
            .ok_or_else(|| Error::new(ErrorKind::NotFound, "the file is not part of the case any more"))?;
        let bytes = shared.blobs.read(&digest).await?;
        let (terms, looked) = {
            let names = shared.vault.names();
            let sharing = Sharing::of(&shared.rules, &self.case, shared.clock.now());
            let passage = Passage::of(&sharing, &names, origin, leg);
            let text = std::str::from_utf8(&bytes).ok();
            (passage.terms(&digest), text.map(|text| passage.prepare(text, &names)))
        };
        let prepared = |prepared, redacted| {
            let (leg, origin) = (leg.clone(), origin.clone());
            Looked::Fact(Box::new(Fact::Prepared { leg, origin, prepared, redacted }))
        };
        let Some(looked) = looked else {
            let opaque = Prepared { terms, copy: None, left: BTreeMap::new() };
            return Ok(prepared(opaque, BTreeMap::new()));
        };
        let (copy, account) = match looked {
            Ok(looked) => looked,
            Err(Refused::Unnamed(unnamed)) => return Ok(Looked::Unnamed(unnamed)),
            Err(refused) => return Err(Error::new(ErrorKind::Rejected, refused.to_string())),
        };
        let size = u64::try_from(copy.len()).unwrap_or(u64::MAX);
        let digest = shared.blobs.write(copy.into()).await?;
        let copy = Some(FileCopy { digest, size });
        Ok(prepared(Prepared { terms, copy, left: account.left }, account.redacted))
    }

    /// What the planner would want of this file.
    fn wanted(&self, origin: &Origin) -> Fingerprint {
        let digest = self.case.document.attachments.get(origin).and_then(|file| file.digest.as_ref());
        digest.map_or_else(|| Fingerprint::of(&origin.to_string()), plan::wanted_file)
    }
}
