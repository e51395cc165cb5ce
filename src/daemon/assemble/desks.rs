//! The desks that stand in this process: those that partners reach, those that our own agents keep, and those of partners
//! that push.

use std::sync::Arc;

use secrecy::ExposeSecret;
use throughline_sdk::{Blobs, Clock, Entropy};

use super::AssemblyError;
use crate::api::sharing::{Book, Face as Pushing};
use crate::api::tmf621::Face;
use crate::config::Config;
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

/// The desks that partners reach at the bridge's own northbound face, one for each system of that kind.
///
/// # Errors
///
/// When a desk cannot be read, or two partners have the same token.
pub fn faces(
    config: &Config,
    medium: &Arc<dyn Medium>,
    offload: Offload,
    blobs: &Arc<dyn Blobs>,
    clock: &Arc<dyn Clock>,
) -> Result<Vec<Face>, AssemblyError> {
    let mut faces: Vec<Face> = Vec::new();
    for (name, system) in &config.systems {
        let fail = |error| AssemblyError::System { name: name.to_string(), error };
        let Some(settings) = registry::face(&system.kind, &system.settings) else { continue };
        let registry::FaceSettings { token, only, max_file_bytes } = settings.map_err(fail)?;
        if faces.iter().any(|face| face.token.expose_secret() == token.expose_secret()) {
            let message = "another system has the same token: a partner is known by its own";
            return Err(fail(throughline_sdk::Error::new(
                throughline_sdk::ErrorKind::Misconfigured,
                message,
            )));
        }
        let party = config.parties.get(&system.party).map(|party| party.title.clone()).unwrap_or_default();
        let most = system.max_file_bytes.unwrap_or(max_file_bytes).min(max_file_bytes);
        let desk = Desk::open(desk::Parts {
            name: name.clone(),
            settings: desk::Settings { party, only, max_file_bytes: most, reference: None },
            medium: Arc::clone(medium),
            offload,
            blobs: Arc::clone(blobs),
            clock: Arc::clone(clock),
        })?;
        faces.push(Face { token, desk });
    }
    Ok(faces)
}

/// The desks that our own agents keep for portals, one for each system of the kind `reference`. Nothing of ours serves
/// them: the token is what the engine bears on its way in process.
///
/// # Errors
///
/// When a desk cannot be read.
pub fn references(
    config: &Config,
    medium: &Arc<dyn Medium>,
    offload: Offload,
    blobs: &Arc<dyn Blobs>,
    clock: &Arc<dyn Clock>,
) -> Result<Vec<Face>, AssemblyError> {
    let mut references = Vec::new();
    for (name, system) in &config.systems {
        let Some(settings) = registry::reference(&system.kind, &system.settings) else { continue };
        let registry::ReferenceSettings { token, silent_after, max_file_bytes } = settings;
        let party = config.parties.get(&system.party).map(|party| party.title.clone()).unwrap_or_default();
        let most = system.max_file_bytes.unwrap_or(max_file_bytes).min(max_file_bytes);
        let terms = desk::reference::Terms { silent_after };
        let desk = Desk::open(desk::Parts {
            name: name.clone(),
            settings: desk::Settings {
                party,
                only: [false, false],
                max_file_bytes: most,
                reference: Some(terms),
            },
            medium: Arc::clone(medium),
            offload,
            blobs: Arc::clone(blobs),
            clock: Arc::clone(clock),
        })?;
        references.push(Face { token, desk });
    }
    Ok(references)
}

/// The desks of partners that push, one for each system of the kind `networked-helpdesk`. Without `kept`, no agreement
/// is known: they are in the hands of the daemon.
///
/// # Errors
///
/// When a desk or its agreements cannot be read.
pub async fn sharing(
    config: &Config,
    medium: &Arc<dyn Medium>,
    offload: Offload,
    blobs: &Arc<dyn Blobs>,
    clock: &Arc<dyn Clock>,
    (entropy, kept): (&Arc<dyn Entropy>, Option<&Logins>),
) -> Result<Vec<Pushing>, AssemblyError> {
    let mut faces = Vec::new();
    for (name, system) in &config.systems {
        let fail = |error| AssemblyError::System { name: name.to_string(), error };
        let Some(settings) = registry::sharing(&system.kind, &system.settings) else { continue };
        let mut settings = settings.map_err(fail)?;
        if settings.here.path().trim_end_matches('/').rsplit('/').next() != Some(name.as_str()) {
            let message =
                "the setting here has to end in /sharing/ and the name of this system, or nobody is there";
            return Err(fail(throughline_sdk::Error::new(
                throughline_sdk::ErrorKind::Misconfigured,
                message,
            )));
        }
        let most = system.max_file_bytes.unwrap_or(settings.max_file_bytes).min(settings.max_file_bytes);
        settings.max_file_bytes = most;
        let party = config.parties.get(&system.party).map(|party| party.title.clone()).unwrap_or_default();
        let desk = Desk::open(desk::Parts {
            name: name.clone(),
            settings: desk::Settings { party, only: [false, false], max_file_bytes: most, reference: None },
            medium: Arc::clone(medium),
            offload,
            blobs: Arc::clone(blobs),
            clock: Arc::clone(clock),
        })?;
        let book = match kept {
            Some(kept) => Book::open(kept.of(name).map_err(fail)?).await.map_err(fail)?,
            None => Book::empty(),
        };
        faces.push(Pushing::new(desk, book, settings, Arc::clone(entropy)));
    }
    Ok(faces)
}
