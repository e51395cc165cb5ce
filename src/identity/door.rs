//! The door: knows principals by what they bear, lets people in, and changes who may come in.
//!
//! Whatever changes is recorded in the ledger before it is done: nothing about who may enter happens unseen.

mod admit;
mod enter;
mod kept;

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use throughline_sdk::http::Transport;
use throughline_sdk::{Clock, Entropy, Timestamp};

use self::kept::Kept;
use super::oidc::{Oidc, OidcSettings};
use super::pace::{Left, Pace, Paced};
use super::password::Passwords;
use super::places::{Full, Place, Places, Streams};
use super::register::{Register, Sessions};
use super::sealed::Sealed;
use super::secret::{self, Hash};
use super::session::Lasts;
use super::site::Site;
use super::token::PREFIX;
use super::{Error, Principal};
use crate::case::{CaseId, Fact, Look, PartyName, Seen, Who};
use crate::ledger::{Journal, MasterKey, Medium, Offload};

/// Tries to log in to one account.
const BY_ACCOUNT: Pace = Pace { per_minute: 6, burst: 10 };
/// Tries to log in from one address, behind which there may be a whole office.
const BY_ADDRESS: Pace = Pace { per_minute: 20, burst: 30 };
/// When a session or token was used last is kept no finer: not every request is worth a write.
const SEEN_EVERY: Duration = Duration::from_secs(300);
const USED_EVERY: Duration = Duration::from_secs(3600);
/// Who looks at the same again within this time is not recorded again.
const LOOKED_EVERY: Duration = Duration::from_secs(300);

/// Knows principals by their credentials.
#[derive(Debug)]
pub struct Identity {
    /// The token of the data directory: whoever can read it owns the daemon.
    admin: SecretString,
    site: Site,
    places: Places,
    kept: Option<Kept>,
}

/// What a door is made of.
#[derive(Debug)]
pub struct Parts {
    /// The token of the data directory.
    pub admin: SecretString,
    /// The data directory.
    pub medium: Arc<dyn Medium>,
    /// What its files are sealed under.
    pub master: MasterKey,
    /// Where it is recorded who came and went.
    pub journal: Journal,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Whether blocking work goes to other threads.
    pub offload: Offload,
    /// How the organization's own login is reached; `None` where nobody logs in through it.
    pub way: Option<Arc<dyn Transport>>,
    /// How strict it is.
    pub settings: Settings,
}

/// How strict the door is.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where browsers reach the console.
    pub site: Site,
    /// A session ends after this time without being used.
    pub idle: Duration,
    /// A session ends after this time.
    pub session: Duration,
    /// How much each principal may ask.
    pub requests: Pace,
    /// How many streams of events may be open.
    pub streams: Streams,
    /// The organization's own login.
    pub oidc: Option<OidcSettings>,
    /// The parties there are, of which a guest can be; `None` where they are not known.
    pub parties: Option<Vec<PartyName>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            site: Site::default(),
            idle: Duration::from_secs(3600),
            session: Duration::from_secs(12 * 3600),
            requests: Pace { per_minute: 1200, burst: 300 },
            streams: Streams { each: 16, all: 256 },
            oidc: None,
            parties: None,
        }
    }
}

impl Identity {
    /// Knows the bearer of `admin` only.
    pub fn new(admin: SecretString) -> Self {
        let Settings { site, streams, .. } = Settings::default();
        Self { admin, site, places: Places::new(streams), kept: None }
    }

    /// The door of a data directory.
    ///
    /// # Errors
    ///
    /// When what is kept of accounts cannot be read.
    pub fn open(parts: Parts) -> Result<Self, Error> {
        let Parts { admin, medium, master, journal, clock, entropy, offload, way, settings } = parts;
        let file = |name| Sealed::new(Arc::clone(&medium), Arc::clone(&entropy), &master, name, offload);
        let (register_file, sessions_file) = (file("register")?, file("sessions")?);
        let register: Register = register_file.read()?.unwrap_or_default();
        register.check()?;
        // Sessions that cannot be read are over: logging in again is all it takes.
        let sessions = sessions_file.read::<Sessions>().unwrap_or_else(|error| {
            tracing::warn!(%error, "The sessions could not be read: everybody has to log in again.");
            None
        });
        let oidc = settings
            .oidc
            .zip(way)
            .map(|(settings, way)| Oidc::new(settings, way, Arc::clone(&clock), Arc::clone(&entropy)));
        let kept = Kept {
            oidc,
            passwords: Passwords::new(Arc::clone(&entropy), offload)?,
            lasts: Lasts { idle: settings.idle, whole: settings.session },
            parties: RwLock::new(settings.parties),
            register_file,
            sessions_file,
            register: RwLock::new(register),
            sessions: RwLock::new(sessions.map(Sessions::by_hash).unwrap_or_default()),
            writing: tokio::sync::Mutex::default(),
            by_account: Paced::new(BY_ACCOUNT, Arc::clone(&clock)),
            by_address: Paced::new(BY_ADDRESS, Arc::clone(&clock)),
            requests: Paced::new(settings.requests, Arc::clone(&clock)),
            looked: Mutex::default(),
            journal,
            clock,
            entropy,
        };
        Ok(Self { admin, site: settings.site, places: Places::new(settings.streams), kept: Some(kept) })
    }

    /// Where browsers reach the console.
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// From now on there are these parties, of which a guest can be: those of a configuration that is in force.
    pub fn know(&self, parties: Option<Vec<PartyName>>) {
        if let Some(kept) = &self.kept {
            *kept.parties.write().unwrap_or_else(PoisonError::into_inner) = parties;
        }
    }

    /// Whose bearer token this is.
    pub async fn bearer(&self, token: &str) -> Option<Principal> {
        if secret::same(self.admin.expose_secret(), token) {
            return Some(Principal::command_line());
        }
        let kept = self.kept.as_ref().filter(|_| token.starts_with(PREFIX))?;
        let now = kept.clock.now();
        let hash = Hash::of(token);
        let token = kept.register().token(&hash).filter(|token| !token.has_ended(now))?.clone();
        if token.used.is_none_or(|used| older(used, now, USED_EVERY)) {
            kept.note_use(&hash, now).await;
        }
        Some(token.principal())
    }

    /// Whose session this is.
    pub async fn by_session(&self, session: &str) -> Option<Principal> {
        let kept = self.kept.as_ref()?;
        let (hash, now) = (Hash::of(session), kept.clock.now());
        let known = kept.sessions().get(&hash).filter(|known| !known.has_ended(kept.lasts, now))?.clone();
        let account = kept.register().account(&known.account.0).filter(|account| !account.disabled)?.clone();
        if older(known.seen, now, SEEN_EVERY.min(kept.lasts.idle / 10)) {
            kept.note_sight(&hash, now).await;
        }
        Some(Principal {
            id: account.id,
            name: account.name,
            role: account.role,
            rights: None,
            csrf: Some(secret::csrf(session)),
        })
    }

    /// Counts a request, and says how many are left where they are counted; how long to wait if it is one too many.
    pub fn pace(&self, principal: &Principal) -> Result<Option<Left>, Duration> {
        match &self.kept {
            Some(kept) if principal.id.0 != Who::COMMAND_LINE => kept.requests.count(&principal.id).map(Some),
            Some(_) | None => Ok(None),
        }
    }

    /// A place for one more stream of events, as long as it is kept.
    ///
    /// # Errors
    ///
    /// [`Full`], where the principal has as many open as it may have, or there is no place for anybody.
    pub fn place(&self, principal: &Principal) -> Result<Place, Full> {
        self.places.take(&principal.id)
    }

    /// What an account or a token is called, as long as it is known.
    pub fn name_of(&self, who: &Who) -> Option<String> {
        if who.0 == Who::COMMAND_LINE {
            return Some(Principal::command_line().name);
        }
        let register = self.kept.as_ref()?.register();
        let account = register.accounts.iter().find(|account| account.id == *who);
        let token = || register.tokens.iter().find(|token| token.id == *who);
        account.map(|account| account.name.clone()).or_else(|| token().map(|token| token.name.clone()))
    }

    /// Records that somebody looks at something, once within a few minutes. Nothing is shown that is not recorded.
    ///
    /// # Errors
    ///
    /// When it cannot be recorded.
    pub async fn looks(
        &self,
        principal: &Principal,
        what: Seen,
        case: Option<CaseId>,
        party: Option<&PartyName>,
    ) -> Result<(), Error> {
        let Some(kept) = &self.kept else { return Ok(()) };
        let party = party.or(principal.party()).cloned();
        let look = (principal.id.clone(), what, case, party.clone());
        let now = kept.clock.monotonic();
        {
            let mut looked = kept.looked();
            looked.retain(|_, at| now.saturating_sub(*at) < LOOKED_EVERY);
            if looked.contains_key(&look) {
                return Ok(());
            }
        }
        let fact = Fact::Looked(Look { at: kept.clock.now(), who: principal.id.clone(), what, case, party });
        kept.commit(fact).await?;
        kept.looked().insert(look, now);
        Ok(())
    }

    fn kept(&self) -> Result<&Kept, Error> {
        self.kept.as_ref().ok_or(Error::None)
    }
}

/// Whether `then` is at least `span` before `now`.
fn older(then: Timestamp, now: Timestamp, span: Duration) -> bool {
    (now - then).to_std().is_ok_and(|age| age >= span)
}
