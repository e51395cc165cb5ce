//! Where the agreements with one partner are kept: sealed, because each holds a key, and in memory, because each push
//! asks for them.

use std::sync::{Arc, PoisonError, RwLock};

use axum::http::StatusCode;
use secrecy::ExposeSecret;
use throughline_sdk::http::TokenStore;
use throughline_sdk::{Error, ErrorKind};

use super::agreement::{Agreement, Status};
use super::refusal::Refusal;

/// Invitations that may wait to be decided. Anybody can send one.
const MOST_PENDING: usize = 4;
/// Agreements that are kept, whatever their status.
const MOST: usize = 64;

/// The agreements with one partner, sealed in the data directory. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Book {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// Where they are kept; `None`: nowhere, for a look at a configuration.
    store: Option<Arc<dyn TokenStore>>,
    /// Oldest first.
    agreements: RwLock<Arc<[Agreement]>>,
    /// Held while they are written.
    writing: tokio::sync::Mutex<()>,
}

impl Book {
    /// Reads the agreements that are kept.
    ///
    /// # Errors
    ///
    /// When they cannot be read, or were damaged.
    pub async fn open(store: Arc<dyn TokenStore>) -> throughline_sdk::Result<Self> {
        let kept =
            match store.read().await.map_err(|error| error.with_context("kept", "sharing agreements"))? {
                None => Vec::new(),
                Some(kept) => serde_json::from_str(kept.expose_secret()).map_err(|error| {
                    let what = throughline_sdk::http::json_fault(&error);
                    Error::new(
                        ErrorKind::Misconfigured,
                        format!("the kept sharing agreements are damaged: {what}"),
                    )
                })?,
            };
        Ok(Self::of(Some(store), kept))
    }

    /// Without agreements, and nowhere to keep any.
    pub fn empty() -> Self {
        Self::of(None, Vec::new())
    }

    fn of(store: Option<Arc<dyn TokenStore>>, agreements: Vec<Agreement>) -> Self {
        let agreements = RwLock::new(agreements.into());
        Self { inner: Arc::new(Inner { store, agreements, writing: tokio::sync::Mutex::default() }) }
    }

    pub(super) fn all(&self) -> Arc<[Agreement]> {
        Arc::clone(&self.inner.agreements.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn get(&self, uuid: &str) -> Option<Agreement> {
        self.all().iter().find(|one| one.uuid == uuid).cloned()
    }

    /// The agreement whose uuid and key a request bears. Every key is compared: the time says nothing of which one it was.
    pub(super) fn opened_by(&self, token: &str) -> Option<Agreement> {
        let (uuid, key) = token.split_once(':')?;
        let mut opened: Vec<Agreement> =
            self.all().iter().filter(|one| one.opens_to(key) && one.uuid == uuid).cloned().collect();
        opened.pop()
    }

    /// Changes the agreements, durable on return.
    ///
    /// # Errors
    ///
    /// What `change` says; 500 when they cannot be kept, and they stay as they were.
    pub(super) async fn change<T>(
        &self,
        change: impl FnOnce(&mut Vec<Agreement>) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let _writing = self.inner.writing.lock().await;
        let mut agreements = self.all().to_vec();
        let before = agreements.clone();
        let made = change(&mut agreements)?;
        if agreements == before {
            return Ok(made);
        }
        let store = self.inner.store.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, "agreements are the daemon's to keep; start it")
        })?;
        let text = serde_json::to_string(&agreements).map_err(|error| {
            Error::new(ErrorKind::Malformed, format!("the agreements cannot be written: {error}"))
        })?;
        store.write(text.into()).await?;
        *self.inner.agreements.write().unwrap_or_else(PoisonError::into_inner) = agreements.into();
        Ok(made)
    }

    /// Adds the partner's invitation. The same again changes nothing.
    ///
    /// # Errors
    ///
    /// 422 where the uuid is another agreement's, 403 where too many wait already.
    pub(super) async fn invite(&self, invited: Agreement) -> Result<(), Refusal> {
        self.change(|agreements| {
            if let Some(there) = agreements.iter().find(|one| one.uuid == invited.uuid) {
                let same = !there.sent && there.opens_to(invited.key());
                return if same {
                    Ok(())
                } else {
                    Err(Refusal::unprocessable("this uuid is another agreement's"))
                };
            }
            let pending = agreements.iter().filter(|one| !one.sent && one.status == Status::Pending).count();
            if pending >= MOST_PENDING || agreements.len() >= MOST {
                let status = StatusCode::FORBIDDEN;
                return Err(Refusal::new(status, "too many invitations wait to be decided; come again"));
            }
            agreements.push(invited);
            Ok(())
        })
        .await
    }

    /// Changes one agreement.
    ///
    /// # Errors
    ///
    /// 404 where there is none, and what `change` says.
    pub(super) async fn amend(
        &self,
        uuid: &str,
        change: impl FnOnce(&Agreement) -> Result<Agreement, Refusal>,
    ) -> Result<(), Refusal> {
        self.change(|agreements| {
            let one = agreements.iter_mut().find(|one| one.uuid == uuid);
            let one = one.ok_or_else(|| Refusal::missing("agreement"))?;
            *one = change(one)?;
            Ok(())
        })
        .await
    }
}
