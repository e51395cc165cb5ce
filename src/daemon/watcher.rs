//! Holds the logs of other organizations to what they said before: for the daemon by its configuration, and for the
//! command line.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::{Either, select};
use http::{HeaderMap, HeaderValue, Method, header};
use secrecy::{ExposeSecret, SecretString};
use throughline_sdk::http::{Request, Transport};
use throughline_sdk::{Clock, Urgency};
use url::Url;

use super::{Shared, Standing};
use crate::ledger::note::{LONGEST, Verifier};
use crate::ledger::watch::{Judgement, Told, judge};
use crate::ledger::{Head, Medium, fill, hex};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The log of another organization, as the configuration names it.
#[derive(Clone, Debug)]
pub struct Watched {
    /// What it is called here.
    pub name: String,
    /// Where its checkpoint stands.
    pub source: Url,
    /// Its public key.
    pub key: Verifier,
    /// The bearer token that its operator gave us.
    pub token: Option<SecretString>,
    /// How often it is asked.
    pub every: Duration,
}

/// Asks one log, and keeps its last checkpoint.
#[derive(Debug)]
pub struct Watcher {
    /// What is watched.
    pub watched: Watched,
    /// The guarded way there.
    pub way: Arc<dyn Transport>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Where the checkpoint is kept.
    pub kept: Kept,
}

/// A folder with the last checkpoint of a log, and what an alarm was raised about.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The files.
    pub medium: Arc<dyn Medium>,
    /// The folder among them; empty for all of them.
    pub folder: String,
}

/// What a log was found to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// How it stands to what it said before.
    pub judgement: Judgement,
    /// What it says now.
    pub head: Head,
    /// How many records it had before.
    pub before: u64,
    /// Where what it signed before and now is kept, if that cannot both be true.
    pub evidence: Option<String>,
}

impl Found {
    /// Whether an alarm is to be raised.
    pub fn is_alarm(&self) -> bool {
        matches!(self.judgement, Judgement::Forked | Judgement::RolledBack)
    }

    /// What it was found to be, in words.
    pub fn words(&self, log: &str) -> String {
        let (size, before) = (self.head.size, self.before);
        let evidence = self.evidence.as_deref().unwrap_or_default();
        match self.judgement {
            Judgement::First => {
                format!("the log {log} has {size} records, and its checkpoint is kept from now on")
            }
            Judgement::Same => format!("the log {log} has the same {size} records"),
            Judgement::Grown { by } => {
                format!("the log {log} has {size} records, {by} of them new, and changed none")
            }
            Judgement::Unproven => format!(
                "the log {log} has {size} records and does not prove that the first {before} are those it had; ask for what \
                 `throughline ledger checkpoint --since {before}` prints there"
            ),
            Judgement::Forked => format!(
                "the log {log} forked: it says something else about the {before} records that it had; what it signed before \
                 and now is kept in {evidence}, show both to its operator"
            ),
            Judgement::RolledBack => format!(
                "the log {log} was rolled back: it has {size} records and had {before}; what it signed before and now is kept \
                 in {evidence}, show both to its operator"
            ),
        }
    }
}

/// Why a log could not be held to anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble(String);

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Kept {
    /// Judges what a log says, and keeps what is to be kept.
    ///
    /// # Errors
    ///
    /// When it is not signed by the log's key, or nothing can be read or written here.
    pub fn judge(&self, text: &str, key: &Verifier) -> Result<Found, Trouble> {
        let kept = self.checkpoint()?;
        let before = self.size(key)?;
        let told = Told::read(text).map_err(|why| Trouble(why.to_string()))?;
        let (judgement, head) = judge(kept.as_deref(), &told, key).map_err(|why| Trouble(why.to_string()))?;
        let mut found = Found { judgement, head, before: before.unwrap_or_default(), evidence: None };
        match judgement {
            Judgement::First | Judgement::Grown { .. } => self.write("checkpoint", &told.checkpoint)?,
            // Both checkpoints, beside the last good one, which stays.
            Judgement::Forked | Judgement::RolledBack => {
                let root: String = hex(&head.root).chars().take(16).collect();
                self.write(&format!("alarm-{root}-before"), &kept.unwrap_or_default())?;
                self.write(&format!("alarm-{root}-now"), text)?;
                found.evidence = Some(self.path(&format!("alarm-{root}-*")));
            }
            Judgement::Same | Judgement::Unproven => {}
        }
        Ok(found)
    }

    /// How many records the log had, if a checkpoint of it is kept.
    ///
    /// # Errors
    ///
    /// When what is kept is not signed by the log's key.
    pub fn size(&self, key: &Verifier) -> Result<Option<u64>, Trouble> {
        let Some(kept) = self.checkpoint()? else { return Ok(None) };
        let told = |why| {
            Trouble(format!(
                "what is kept in {} is not what {} signed: {why}",
                self.path("checkpoint"),
                key.name()
            ))
        };
        key.checkpoint(&kept).map(|head| Some(head.size)).map_err(told)
    }

    /// Whether something is kept that an alarm was raised about.
    fn has_alarm(&self) -> Result<bool, Trouble> {
        let told = |error: io::Error| Trouble(format!("{} cannot be read: {error}", self.path("")));
        Ok(self.medium.list(&self.folder).map_err(told)?.iter().any(|name| name.starts_with("alarm-")))
    }

    fn checkpoint(&self) -> Result<Option<String>, Trouble> {
        let path = self.path("checkpoint");
        let told = |error: io::Error| Trouble(format!("{path} cannot be read: {error}"));
        let Some(length) = self.medium.len(&path).map_err(told)? else { return Ok(None) };
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(LONGEST).min(LONGEST)];
        let filled = fill(&*self.medium, &path, 0, &mut bytes).map_err(told)?;
        bytes.truncate(filled);
        String::from_utf8(bytes).map(Some).map_err(|_binary| Trouble(format!("{path} is no text")))
    }

    fn write(&self, name: &str, text: &str) -> Result<(), Trouble> {
        let (path, writing) = (self.path(name), self.path(".writing"));
        let written = || -> io::Result<()> {
            // A crash may have left a longer one.
            if self.medium.len(&writing)?.is_some() {
                self.medium.remove(&writing)?;
            }
            self.medium.write_at(&writing, 0, text.as_bytes())?;
            self.medium.sync(&writing)?;
            self.medium.rename(&writing, &path)?;
            let mut folder = self.folder.as_str();
            loop {
                self.medium.sync_dir(folder)?;
                match folder.rsplit_once('/') {
                    Some((above, _)) => folder = above,
                    None if folder.is_empty() => return Ok(()),
                    None => folder = "",
                }
            }
        };
        written().map_err(|error| Trouble(format!("{path} cannot be written: {error}")))
    }

    fn path(&self, name: &str) -> String {
        if self.folder.is_empty() { name.to_owned() } else { format!("{}/{name}", self.folder) }
    }
}

impl Watcher {
    /// Asks the log once.
    ///
    /// # Errors
    ///
    /// When it cannot be asked, or what it says cannot be believed.
    pub async fn look(&self) -> Result<Found, Trouble> {
        let Watched { source, key, token, .. } = &self.watched;
        let mut url = source.clone();
        if let Some(since) = self.kept.size(key)? {
            url.query_pairs_mut().append_pair("since", &since.to_string());
        }
        let mut headers = HeaderMap::new();
        if let Some(token) = token {
            let bearer = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret().trim()));
            let bearer =
                bearer.map_err(|_unprintable| Trouble("the token cannot stand in a header".to_owned()))?;
            headers.insert(header::AUTHORIZATION, bearer);
        }
        let request = Request {
            method: Method::GET,
            url,
            headers,
            body: Bytes::new(),
            deadline: self.clock.monotonic() + PATIENCE,
            urgency: Urgency::default(),
            trace: [0; 16],
            max_answer_bytes: u64::try_from(LONGEST).unwrap_or(u64::MAX),
        };
        let answer = self.way.send(request).await.map_err(|error| Trouble(error.to_string()))?;
        if !answer.status.is_success() {
            return Err(Trouble(format!("{source} answered {}", answer.status)));
        }
        let text = std::str::from_utf8(&answer.body)
            .map_err(|_binary| Trouble(format!("{source} answered no text")))?;
        self.kept.judge(text, key)
    }
}

impl Watcher {
    /// How the log stands before it is asked.
    fn standing(&self) -> Standing {
        let (size, trouble) = match self.kept.size(&self.watched.key) {
            Ok(size) => (size, None),
            Err(trouble) => (None, Some(trouble.to_string())),
        };
        let (name, log) = (self.watched.name.clone(), self.watched.key.name().to_owned());
        Standing { name, log, size, asked: None, trouble, alarm: self.alarm(None) }
    }

    /// How the log stands after it was asked.
    fn stands(&self, before: Standing, looked: Result<&Found, &Trouble>) -> Standing {
        let words = |found: &Found| found.words(self.watched.key.name());
        let is_unproven = |found: &Found| found.judgement == Judgement::Unproven;
        match looked {
            Ok(found) if found.is_alarm() => {
                Standing { asked: Some(self.clock.now()), trouble: None, alarm: Some(words(found)), ..before }
            }
            Ok(found) => Standing {
                size: if is_unproven(found) { before.size } else { Some(found.head.size) },
                asked: Some(self.clock.now()),
                trouble: is_unproven(found).then(|| words(found)),
                alarm: self.alarm(before.alarm.clone()),
                ..before
            },
            Err(trouble) => Standing {
                trouble: Some(trouble.to_string()),
                alarm: self.alarm(before.alarm.clone()),
                ..before
            },
        }
    }

    /// What it raised an alarm about, until a person has moved that away: a log that once contradicted itself is not whole
    /// again because it does not do so the next time, or because we were restarted. `said` is what was found then.
    fn alarm(&self, said: Option<String>) -> Option<String> {
        match self.kept.has_alarm() {
            Ok(false) => None,
            Ok(true) => said.or_else(|| {
                let (log, path) = (self.watched.key.name(), self.kept.path("alarm-*"));
                Some(format!(
                    "the log {log} forked or was rolled back before; what it signed is kept in {path}, show it to its \
                     operator, and move it away once that is settled"
                ))
            }),
            Err(trouble) => said.or_else(|| Some(trouble.to_string())),
        }
    }
}

/// Asks each of them for as long as the daemon runs.
pub(crate) fn start(shared: &Arc<Shared>, watchers: Vec<Watcher>) {
    for watcher in watchers {
        shared.watching.set(watcher.standing());
        shared.supervisor.spawn(watch(Arc::clone(shared), watcher));
    }
}

async fn watch(shared: Arc<Shared>, watcher: Watcher) {
    let name = &watcher.watched.name;
    let mut standing = watcher.standing();
    loop {
        let looked = watcher.look().await;
        match &looked {
            Ok(found) if found.is_alarm() => {
                let why = found.words(watcher.watched.key.name());
                tracing::error!(watched.name = %name, %why, "The log of another organization is not what it was.");
            }
            Ok(found) => {
                let what = found.words(watcher.watched.key.name());
                tracing::info!(watched.name = %name, %what, "The log of another organization was asked.");
            }
            Err(trouble) => {
                tracing::warn!(watched.name = %name, %trouble, "The log of another organization could not be asked. It is asked again.");
            }
        }
        standing = watcher.stands(standing, looked.as_ref());
        shared.watching.set(standing.clone());
        let stopping = Box::pin(shared.supervisor.stopping());
        if let Either::Left(_) = select(stopping, shared.clock.sleep(watcher.watched.every)).await {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::note::Signer;
    use crate::ledger::{MasterKey, MemoryMedium};

    #[test]
    fn the_last_good_checkpoint_is_kept_and_both_where_they_contradict() {
        let medium = Arc::new(MemoryMedium::new());
        let kept = Kept { medium: Arc::<MemoryMedium>::clone(&medium), folder: "watched/contoso".to_owned() };
        let signer = Signer::new("contoso/throughline", &MasterKey::new([9; 32])).unwrap();
        let key = signer.verifier();
        let told = |size: u64, byte: u8| signer.checkpoint(&Head { size, root: [byte; 32] });
        assert_eq!(kept.judge(&told(5, 1), &key).unwrap().judgement, Judgement::First);
        assert_eq!(kept.judge(&told(5, 1), &key).unwrap().judgement, Judgement::Same);
        // Whatever is renamed is durable.
        medium.crash(&mut |_| 0);
        let forked = kept.judge(&told(5, 2), &key).unwrap();
        assert_eq!((forked.judgement, forked.before, forked.is_alarm()), (Judgement::Forked, 5, true));
        let rolled = kept.judge(&told(4, 3), &key).unwrap();
        assert_eq!(rolled.judgement, Judgement::RolledBack);
        assert_eq!(kept.size(&key).unwrap(), Some(5));
        let names = medium.list("watched/contoso").unwrap();
        let expected = [
            "alarm-0202020202020202-before",
            "alarm-0202020202020202-now",
            "alarm-0303030303030303-before",
            "alarm-0303030303030303-now",
            "checkpoint",
        ];
        assert_eq!(names, expected);
        let other = Signer::new("contoso/throughline", &MasterKey::new([8; 32])).unwrap();
        kept.judge(&other.checkpoint(&Head { size: 9, root: [1; 32] }), &key).unwrap_err();
        kept.judge(&told(6, 1), &other.verifier()).unwrap_err();
    }
}
