//! The desks that stand in this process: those that partners reach, those that our own agents keep, and those of partners
//! that push.

use std::sync::Arc;

use secrecy::ExposeSecret;
use throughline_sdk::{Blobs, Clock, Entropy, Error, ErrorKind, SystemName};

use super::AssemblyError;
use crate::api::sharing::{Book, Face as Pushing};
use crate::api::tmf621::Face;
use crate::config::{self, Config};
use crate::daemon::Logins;
use crate::desk::{self, Desk};
use crate::ledger::{Medium, Offload};
use crate::registry;

/// The desks that stand in this process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Own<'a> {
    /// Those of TMF621, and those that our own agents keep.
    pub faces: &'a [Face],
    /// Those of partners that push.
    pub sharing: &'a [Pushing],
}

/// What the desks of this process are opened from.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The data directory.
    pub medium: &'a Arc<dyn Medium>,
    /// Where blocking work is done.
    pub offload: Offload,
    /// Files by digest.
    pub blobs: &'a Arc<dyn Blobs>,
    /// Time.
    pub clock: &'a Arc<dyn Clock>,
}

impl Ground<'_> {
    /// The desks that partners reach at the bridge's own northbound face, one for each system of that kind.
    ///
    /// # Errors
    ///
    /// When a desk cannot be read, or two partners have the same token.
    pub fn faces(self) -> Result<Vec<Face>, AssemblyError> {
        let mut faces: Vec<Face> = Vec::new();
        for (name, system) in &self.config.systems {
            let fail = |error| AssemblyError::System { name: name.to_string(), error };
            let Some(settings) = registry::face(&system.kind, &system.settings) else { continue };
            let registry::FaceSettings { token, only, max_file_bytes } = settings.map_err(fail)?;
            if faces.iter().any(|face| face.token.expose_secret() == token.expose_secret()) {
                let message = "another system has the same token: a partner is known by its own";
                return Err(fail(Error::new(ErrorKind::Misconfigured, message)));
            }
            let settings = desk::Settings { only, ..self.settings(system, max_file_bytes) };
            faces.push(Face { token, desk: self.open(name, settings)? });
        }
        Ok(faces)
    }

    /// The desks that our own agents keep for portals, one for each system of the kind `reference`. Nothing of ours
    /// serves them: the token is what the engine bears on its way in process.
    ///
    /// # Errors
    ///
    /// When a desk cannot be read.
    pub fn references(self) -> Result<Vec<Face>, AssemblyError> {
        let mut references = Vec::new();
        for (name, system) in &self.config.systems {
            let Some(settings) = registry::reference(&system.kind, &system.settings) else { continue };
            let registry::ReferenceSettings { token, silent_after, max_file_bytes } = settings;
            let reference = Some(desk::reference::Terms { silent_after });
            let settings = desk::Settings { reference, ..self.settings(system, max_file_bytes) };
            references.push(Face { token, desk: self.open(name, settings)? });
        }
        Ok(references)
    }

    /// The desks of partners that push, one for each system of the kind `networked-helpdesk`. Without `kept`, no
    /// agreement is known: they are in the hands of the daemon.
    ///
    /// # Errors
    ///
    /// When a desk or its agreements cannot be read.
    pub async fn sharing(
        self,
        entropy: &Arc<dyn Entropy>,
        kept: Option<&Logins>,
    ) -> Result<Vec<Pushing>, AssemblyError> {
        let mut faces = Vec::new();
        for (name, system) in &self.config.systems {
            let fail = |error| AssemblyError::System { name: name.to_string(), error };
            let Some(settings) = registry::sharing(&system.kind, &system.settings) else { continue };
            let mut settings = settings.map_err(fail)?;
            if settings.here.path().trim_end_matches('/').rsplit('/').next() != Some(name.as_str()) {
                let message = "the setting here has to end in /sharing/ and the name of this system, or nobody is there";
                return Err(fail(Error::new(ErrorKind::Misconfigured, message)));
            }
            let own = self.settings(system, settings.max_file_bytes);
            settings.max_file_bytes = own.max_file_bytes;
            let desk = self.open(name, own)?;
            let book = match kept {
                Some(kept) => Book::open(kept.of(name).map_err(fail)?).await.map_err(fail)?,
                None => Book::empty(),
            };
            faces.push(Pushing::new(desk, book, settings, Arc::clone(entropy)));
        }
        Ok(faces)
    }

    /// What a desk is like unless its kind says otherwise: it takes files as large as the kind can, or no larger than the
    /// system may.
    fn settings(self, system: &config::System, max_file_bytes: u64) -> desk::Settings {
        let party = self.config.parties.get(&system.party).map(|party| party.title.clone());
        desk::Settings {
            party: party.unwrap_or_default(),
            only: [false, false],
            max_file_bytes: system.max_file_bytes.unwrap_or(max_file_bytes).min(max_file_bytes),
            reference: None,
        }
    }

    fn open(self, name: &SystemName, settings: desk::Settings) -> Result<Desk, AssemblyError> {
        Ok(Desk::open(desk::Parts {
            name: name.clone(),
            settings,
            medium: Arc::clone(self.medium),
            offload: self.offload,
            blobs: Arc::clone(self.blobs),
            clock: Arc::clone(self.clock),
        })?)
    }
}
