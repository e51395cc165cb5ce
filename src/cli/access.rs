//! A bridge's cases for reading: through its daemon where one runs, else from its data directory.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use throughline_sdk::http::{Request, Transport};
use throughline_sdk::{Clock, Entropy, Urgency};
use url::Url;

use super::{Failure, Which};
use crate::api::view::{self, CaseLine, ParkedLine, Trace};
use crate::case::CaseId;
use crate::clock::{SystemClock, SystemEntropy};
use crate::config::{self, Config};
use crate::daemon::{DataDir, assemble};
use crate::ledger::Journal;

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
        .map_err(|problems| Failure::Usage(problems.render(false)))
}

/// A client of a running daemon's interface.
#[derive(Debug)]
pub(super) struct Client {
    http: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    address: Url,
    token: SecretString,
}

impl Which {
    /// The data directory that is meant.
    pub(super) fn directory(&self) -> Result<PathBuf, Failure> {
        match (&self.data, &self.config) {
            (Some(data), _) => Ok(data.clone()),
            (None, Some(config)) => Ok(load(config)?.data_dir),
            (None, None) => Err(Failure::Usage("say which bridge: --data DIR or --config FILE".to_owned())),
        }
    }

    /// The master key, where the configuration names one.
    pub(super) fn master_key(&self) -> Result<Option<SecretString>, Failure> {
        match &self.config {
            Some(config) => Ok(load(config)?.master_key),
            None => Ok(None),
        }
    }
}

impl Access {
    /// Opens the bridge that is meant.
    pub(super) async fn open(which: &Which) -> Result<Self, Failure> {
        let directory = which.directory()?;
        let data = DataDir::existing(&directory).map_err(Failure::failed)?;
        if let Some(client) = Client::of(&data)?
            && client.get::<serde_json::Value>("healthz").await.is_ok()
        {
            return Ok(Self::Daemon(client));
        }
        let medium = assemble::medium(&data).map_err(|error| {
            Failure::Failed(format!("{error}; if a daemon owns it, that daemon does not answer"))
        })?;
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::new());
        let master =
            data.master_key(which.master_key()?.as_ref(), entropy.as_ref()).map_err(Failure::failed)?;
        let journal = assemble::journal(&data, medium, master, &entropy).await.map_err(Failure::failed)?;
        Ok(Self::Directory(journal))
    }

    pub(super) async fn cases(&self, after: Option<&str>, limit: usize) -> Result<Vec<CaseLine>, Failure> {
        match self {
            Self::Daemon(client) => {
                let after = after.map(|after| format!("&after={after}")).unwrap_or_default();
                client.get(&format!("api/v1/cases?limit={limit}{after}")).await
            }
            Self::Directory(journal) => {
                let after = after.map_or(Ok(CaseId(0)), str::parse).map_err(Failure::Usage)?;
                let cases =
                    journal.read(move |index| index.cases(after, limit)).await.map_err(Failure::failed)?;
                Ok(cases.iter().map(CaseLine::of).collect())
            }
        }
    }

    pub(super) async fn trace(&self, name: &str) -> Result<Trace, Failure> {
        match self {
            Self::Daemon(client) => client.get(&format!("api/v1/trace/{name}")).await,
            Self::Directory(journal) => {
                let wanted = name.to_owned();
                let case = journal
                    .read(move |index| view::find(index, &wanted))
                    .await
                    .map_err(Failure::failed)?
                    .ok_or_else(|| Failure::Failed(format!("no case has the id or ticket {name}")))?;
                let records = journal.timeline(&case).await.map_err(Failure::failed)?;
                Ok(Trace::of(&case, &records))
            }
        }
    }

    pub(super) async fn parked(&self) -> Result<Vec<ParkedLine>, Failure> {
        match self {
            Self::Daemon(client) => client.get("api/v1/parked").await,
            Self::Directory(journal) => journal
                .read(|index| view::parked(index, CaseId(0), usize::MAX))
                .await
                .map_err(Failure::failed),
        }
    }

    /// Has a parked item tried again or given up. Only a running daemon can.
    pub(super) async fn decide(
        &self,
        verb: &str,
        case: &str,
        system: &str,
        item: &str,
    ) -> Result<(), Failure> {
        let Self::Daemon(client) = self else {
            return Err(Failure::Failed(
                "this needs the running daemon; start it with `throughline serve`".to_owned(),
            ));
        };
        let body = serde_json::json!({ "case": case, "system": system, "item": item });
        client
            .send::<serde_json::Value>(Method::POST, &format!("api/v1/parked/{verb}"), Some(&body))
            .await
            .map(drop)
    }
}

impl Client {
    fn of(data: &DataDir) -> Result<Option<Self>, Failure> {
        let (Some(running), Some(token)) = (data.announced(), data.known_admin_token()) else {
            return Ok(None);
        };
        let address = Url::parse(&format!("http://{}/", running.address)).map_err(Failure::failed)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let http = assemble::loopback_egress(&clock).map_err(Failure::failed)?;
        Ok(Some(Self { http, clock, address, token }))
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.send(Method::GET, path, None).await
    }

    async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&serde_json::Value>,
    ) -> Result<T, Failure> {
        let mut headers = HeaderMap::new();
        let token = HeaderValue::from_str(&format!("Bearer {}", self.token.expose_secret()));
        headers.insert(header::AUTHORIZATION, token.map_err(Failure::failed)?);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let request = Request {
            method,
            url: self.address.join(path).map_err(Failure::failed)?,
            headers,
            body: body.map(|body| Bytes::from(body.to_string())).unwrap_or_default(),
            deadline: self.clock.monotonic() + Duration::from_secs(30),
            urgency: Urgency::default(),
            trace: [0; 16],
            max_answer_bytes: 256 * 1024 * 1024,
        };
        let response = self.http.send(request).await.map_err(Failure::failed)?;
        if !response.status.is_success() {
            let problem: serde_json::Value = serde_json::from_slice(&response.body).unwrap_or_default();
            let detail = problem.get("detail").and_then(serde_json::Value::as_str);
            return Err(Failure::Failed(detail.map_or_else(|| response.status.to_string(), str::to_owned)));
        }
        serde_json::from_slice(&response.body).map_err(Failure::failed)
    }
}
