//! A bridge's cases for reading: through its daemon where one runs, else from its data directory.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ring::hmac;
use secrecy::SecretString;
use throughline_sdk::{Clock, Entropy};

use super::client::Client;
use super::{Failure, Which};
use crate::api::explain::Explanation;
use crate::api::find::{Found, Wanted};
use crate::api::view::{self, GrantLine, ParkedLine, Trace};
use crate::case::{Case, CaseId, Fact, Look, PartyName, Seen, Who};
use crate::clock::{SystemClock, SystemEntropy};
use crate::config::{self, Config};
use crate::daemon::{DataDir, assemble};
use crate::evidence::evidence;
use crate::ledger::note::Signer;
use crate::ledger::{Entry, FileMedium, Journal, Medium, Offload, Record};
use crate::plan::{MarkerKey, View, verdict};
use crate::store::{Agreed, Index};
use crate::vault::Vault;

/// How long a daemon that starts or stops just now is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
const GLANCE: Duration = Duration::from_millis(100);

/// A bridge that can be read.
#[derive(Debug)]
pub(super) enum Access {
    /// Through its daemon.
    Daemon(Client),
    /// From its data directory, which no daemon owns just now.
    Directory(Journal),
}

/// Loads a configuration for a command.
pub(super) fn load(path: &Path) -> Result<Config, Failure> {
    config::load(path, &config::ProcessEnvironment, &assemble::kind_settings())
        .map_err(Failure::Configuration)
}

/// Loads a configuration with the agreements of one other file in the place of those in force.
pub(super) fn load_draft(path: &Path, draft: &Path) -> Result<Config, Failure> {
    config::load_draft(path, draft, &config::ProcessEnvironment, &assemble::kind_settings())
        .map_err(Failure::Configuration)
}

impl Which {
    /// The data directory that is meant, which has to hold a ledger.
    pub(super) fn data(&self) -> Result<DataDir, Failure> {
        let directory = self.directory()?;
        let data = DataDir::existing(&directory).map_err(Failure::failed)?;
        if data.holds_ledger() {
            return Ok(data);
        }
        let message = format!("{} holds no ledger: no bridge has run there", directory.display());
        Err(Failure::Failed(message))
    }

    fn directory(&self) -> Result<PathBuf, Failure> {
        match (&self.data, &self.config) {
            (Some(data), _) => Ok(data.clone()),
            (None, Some(config)) => Ok(load(config)?.data_dir),
            (None, None) => Err(Failure::Usage("say which bridge: --data DIR or --config FILE".to_owned())),
        }
    }

    /// Who signs in the name of the ledger of a data directory.
    pub(super) fn signer(&self, data: &DataDir) -> Result<Signer, Failure> {
        let (configured, name) = match &self.config {
            Some(path) => {
                let config = load(path)?;
                (config.master_key, Some(config.ledger_name))
            }
            None => (None, data.ledger_name()),
        };
        let name = name.ok_or_else(|| {
            let why =
                "no daemon has kept there what the ledger is called; name the configuration by --config FILE";
            Failure::Usage(why.to_owned())
        })?;
        let master = data.master_key(configured.as_ref(), &SystemEntropy::new()).map_err(Failure::failed)?;
        Signer::new(&name, &master).map_err(Failure::failed)
    }

    /// The master key, where the configuration names one.
    pub(super) fn master_key(&self) -> Result<Option<SecretString>, Failure> {
        match &self.config {
            Some(config) => Ok(load(config)?.master_key),
            None => Ok(None),
        }
    }
}

/// The daemon that owns a data directory just now, if one does.
pub(super) async fn owner(data: &DataDir) -> Result<Option<Client>, Failure> {
    let clock = SystemClock::new();
    let end = clock.monotonic() + PATIENCE;
    loop {
        // The lock first: while it is held by a daemon the announced address is that daemon's, and our token
        // goes to nobody else who may listen there by now.
        match data.is_owned() {
            Ok(false) => return Ok(None),
            Ok(true) => {}
            Err(error) => return Err(Failure::failed(error)),
        }
        if let Some(client) = Client::of(data)?
            && client.answers().await
        {
            return Ok(Some(client));
        }
        if clock.monotonic() > end {
            let path = data.root().display();
            let message = format!("a daemon owns {path} and does not answer; does it start or hang?");
            return Err(Failure::Failed(message));
        }
        clock.sleep(GLANCE).await;
    }
}

impl Access {
    /// Opens the bridge that is meant.
    pub(super) async fn open(which: &Which) -> Result<Self, Failure> {
        let data = which.data()?;
        match owner(&data).await? {
            Some(client) => Ok(Self::Daemon(client)),
            None => Self::directory(which, &data).await,
        }
    }

    async fn directory(which: &Which, data: &DataDir) -> Result<Self, Failure> {
        // Opening the store writes files: made by another user, they would keep the daemon out.
        data.check_owner().map_err(Failure::failed)?;
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::new());
        let medium = assemble::medium(data).map_err(Failure::failed)?;
        let master =
            data.master_key(which.master_key()?.as_ref(), entropy.as_ref()).map_err(Failure::failed)?;
        let journal = assemble::journal(data, medium, master, &entropy).await.map_err(Failure::failed)?;
        Ok(Self::Directory(journal))
    }

    /// One page of cases.
    pub(super) async fn cases(&self, wanted: &Wanted) -> Result<Found, Failure> {
        match self {
            Self::Daemon(client) => client.cases(wanted).await,
            Self::Directory(journal) => {
                let (wanted, now) = (wanted.clone(), SystemClock::new().now());
                let found = journal.read(move |index| Ok(Found::of(index, &wanted, now))).await;
                found.map_err(Failure::failed)?.map_err(Failure::failed)
            }
        }
    }

    pub(super) async fn trace(&self, name: &str) -> Result<Trace, Failure> {
        match self {
            Self::Daemon(client) => client.trace(name).await,
            Self::Directory(journal) => {
                let (case, records) = story(journal, name).await?;
                Ok(Trace::of(&case, &records))
            }
        }
    }

    /// What became of everything in a case for each party, or for `to`.
    pub(super) async fn explain(
        &self,
        which: &Which,
        name: &str,
        to: Option<&str>,
    ) -> Result<Explanation, Failure> {
        let journal = match self {
            Self::Daemon(client) => return client.explain(name, to).await,
            Self::Directory(journal) => journal,
        };
        let Some(path) = &which.config else {
            let message = "no daemon runs there, so the agreements have to be read from the configuration: name it by \
                           --config FILE";
            return Err(Failure::Usage(message.to_owned()));
        };
        let config = load(path)?;
        let capabilities = assemble::capabilities(&config).map_err(Failure::failed)?;
        let (case, records) = story(journal, name).await?;
        let data = which.data()?;
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::new());
        let master =
            data.master_key(config.master_key.as_ref(), entropy.as_ref()).map_err(Failure::failed)?;
        let medium: Arc<dyn Medium> = Arc::new(FileMedium::for_reading(data.root()));
        let vault = Vault::open(medium, entropy, &master, Offload::Threads).map_err(Failure::failed)?;
        let view = View {
            rules: &config.rules,
            capabilities: &capabilities,
            observations: &BTreeMap::new(),
            // Nothing is planned, so that no marker is made.
            markers: &MarkerKey(hmac::Key::new(hmac::HMAC_SHA256, &[])),
            settled: &BTreeSet::new(),
            names: &vault.names(),
            now: SystemClock::new().now(),
        };
        let explanation = Explanation::of(&case, &config.rules, verdict(&case, &view), &records);
        explanation.narrow(to).map_err(Failure::Failed)
    }

    pub(super) async fn parked(&self) -> Result<Vec<ParkedLine>, Failure> {
        match self {
            Self::Daemon(client) => client.parked().await,
            Self::Directory(journal) => {
                journal.read(|index| view::parked(index, None, usize::MAX)).await.map_err(Failure::failed)
            }
        }
    }

    /// All grants of a case.
    pub(super) async fn grants(&self, name: &str) -> Result<Vec<GrantLine>, Failure> {
        match self {
            Self::Daemon(client) => client.grants(name).await,
            Self::Directory(journal) => {
                let wanted = name.to_owned();
                let case = journal.read(move |index| view::find(index, &wanted)).await;
                let case = case
                    .map_err(Failure::failed)?
                    .ok_or_else(|| Failure::Failed(format!("no case has the id or ticket {name}")))?;
                Ok(GrantLine::all(&case))
            }
        }
    }

    /// Every version of an agreement that was ever in force.
    pub(super) async fn agreed(&self) -> Result<Vec<Agreed>, Failure> {
        match self {
            Self::Daemon(client) => client.agreed().await,
            Self::Directory(journal) => journal.read(Index::agreed).await.map_err(Failure::failed),
        }
    }

    /// The evidence about a case, all of it or for one party.
    pub(super) async fn evidence(
        &self,
        which: &Which,
        name: &str,
        whose: Option<&str>,
    ) -> Result<Bytes, Failure> {
        let journal = match self {
            Self::Daemon(client) => return client.evidence(name, whose).await,
            Self::Directory(journal) => journal,
        };
        let signer = which.signer(&which.data()?)?;
        let case = found(journal, name).await?;
        let whose = whose.map(|whose| PartyName(whose.to_owned()));
        let now = SystemClock::new().now();
        let archive =
            evidence(journal, &signer, &case, whose.as_ref(), now).await.map_err(Failure::failed)?;
        // As the daemon does: nothing is given out that is not recorded.
        look(journal, Seen::Evidence, Some(case.id), whose).await?;
        Ok(Bytes::from(archive))
    }

    /// Records that the ledger, or one case's part of it, is going to be read from the data directory itself.
    pub(super) async fn exports(&self, case: Option<CaseId>) -> Result<(), Failure> {
        match self {
            Self::Daemon(client) => client.exports(case).await,
            Self::Directory(journal) => look(journal, Seen::Export, case, None).await,
        }
    }

    /// Ends the work in good order.
    pub(super) async fn close(self) -> Result<(), Failure> {
        match self {
            Self::Daemon(_) => Ok(()),
            Self::Directory(journal) => journal.close().await.map_err(Failure::failed),
        }
    }

    /// The running daemon, for what only it can do.
    pub(super) fn daemon(&self) -> Result<&Client, Failure> {
        match self {
            Self::Daemon(client) => Ok(client),
            Self::Directory(_) => Err(Failure::Failed(
                "this needs the running daemon; start it with `throughline serve`".to_owned(),
            )),
        }
    }
}

/// Records that whoever can read the data directory looks at something.
async fn look(
    journal: &Journal,
    what: Seen,
    case: Option<CaseId>,
    party: Option<PartyName>,
) -> Result<(), Failure> {
    let at = SystemClock::new().now();
    let look = Look { at, who: Who::command_line(), what, case, party };
    let entry = Entry { at, case: None, facts: vec![Fact::Looked(look)] };
    journal.commit(entry).await.map(drop).map_err(Failure::failed)
}

/// The case with this id or ticket.
async fn found(journal: &Journal, name: &str) -> Result<Case, Failure> {
    let wanted = name.to_owned();
    let case = journal.read(move |index| view::find(index, &wanted)).await.map_err(Failure::failed)?;
    case.ok_or_else(|| Failure::Failed(format!("no case has the id or ticket {name}")))
}

/// The case with this id or ticket, and its records.
async fn story(journal: &Journal, name: &str) -> Result<(Case, Vec<Record>), Failure> {
    let case = found(journal, name).await?;
    let records = journal.timeline(&case).await.map_err(Failure::failed)?;
    Ok((case, records))
}
