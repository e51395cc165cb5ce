//! The door: knows principals by what they bear, lets people in, and changes who may come in.
//!
//! Whatever changes is recorded in the ledger before it is done: nothing about who may enter happens unseen.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use throughline_sdk::http::Transport;
use throughline_sdk::{Clock, Entropy, Timestamp};
use url::Url;

use super::account::{self, Account, Change, NewAccount};
use super::oidc::{Arrival, Departure, Known, Oidc, OidcSettings};
use super::pace::{Left, Pace, Paced};
use super::password::Passwords;
use super::places::{Full, Place, Places, Streams};
use super::register::{Register, Sessions, of_account};
use super::sealed::Sealed;
use super::secret::{self, Hash, Secret};
use super::session::{Lasts, Session};
use super::site::Site;
use super::token::{NewToken, PREFIX, Token};
use super::{Error, Principal};
use crate::case::{CaseId, Door, Fact, Look, PartyName, Seen, Way, Who};
use crate::ledger::{Entry, Journal, MasterKey, Medium, Offload};

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

#[derive(Debug)]
struct Kept {
    journal: Journal,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    passwords: Passwords,
    oidc: Option<Oidc>,
    lasts: Lasts,
    parties: RwLock<Option<Vec<PartyName>>>,
    register_file: Sealed,
    sessions_file: Sealed,
    register: RwLock<Register>,
    sessions: RwLock<BTreeMap<Hash, Session>>,
    /// Held while something changes, from what it is decided on to the file.
    writing: tokio::sync::Mutex<()>,
    by_account: Paced<Hash>,
    by_address: Paced<IpAddr>,
    requests: Paced<Who>,
    looked: Mutex<BTreeMap<OneLook, Duration>>,
}

/// What is the same look: who, at what, of which case, as whom.
type OneLook = (Who, Seen, Option<CaseId>, Option<PartyName>);

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

    /// Whether anybody enters by a password of this bridge.
    pub fn has_local_accounts(&self) -> bool {
        self.kept.as_ref().is_some_and(|kept| kept.register().accounts.iter().any(Account::is_local))
    }

    /// All accounts, by name.
    pub fn accounts(&self) -> Vec<Account> {
        let Some(kept) = &self.kept else { return Vec::new() };
        let mut accounts = kept.register().accounts.clone();
        accounts.sort_by_key(|account| account.name.to_lowercase());
        accounts
    }

    /// All tokens, by name.
    pub fn tokens(&self) -> Vec<Token> {
        let Some(kept) = &self.kept else { return Vec::new() };
        let mut tokens = kept.register().tokens.clone();
        tokens.sort_by(|one, other| one.name.cmp(&other.name));
        tokens
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

    /// All sessions that last, the latest used first.
    pub fn sessions(&self) -> Vec<Session> {
        let Some(kept) = &self.kept else { return Vec::new() };
        let now = kept.clock.now();
        let sessions = kept.sessions();
        let mut sessions: Vec<Session> =
            sessions.values().filter(|session| !session.has_ended(kept.lasts, now)).cloned().collect();
        sessions.sort_by_key(|session| std::cmp::Reverse(session.seen));
        sessions
    }

    /// Lets a person in by name and password. The answer and its time are the same for a name that nobody has.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`], or [`Error::Slowed`] after too many tries for the account or from the address.
    pub async fn log_in(&self, name: &str, password: &SecretString, from: IpAddr) -> Result<Secret, Error> {
        let kept = self.kept()?;
        kept.by_address.count(&network(from)).map_err(Error::Slowed)?;
        kept.by_account.count(&Hash::of(&name.trim().to_lowercase())).map_err(Error::Slowed)?;
        let named = kept.register().account(name).cloned();
        let enters = named.as_ref().filter(|account| !account.disabled);
        let hash = enters.and_then(|account| account.password.as_deref());
        if kept.passwords.verify(password, hash).await?
            && let Some(account) = enters
        {
            return kept.let_in(&account.id, Way::Password).await;
        }
        kept.record(Door::Refused { who: named.map(|account| account.id), way: Way::Password }).await?;
        Err(Error::Refused)
    }

    /// Whether people log in through the organization's own login.
    pub fn has_provider(&self) -> bool {
        self.kept.as_ref().is_some_and(|kept| kept.oidc.is_some())
    }

    /// Sends a browser to the organization's own login, from where it comes back to `callback`.
    ///
    /// # Errors
    ///
    /// When that cannot be asked, or too many go there from the address.
    pub async fn depart(&self, callback: &Url, to: &str, from: IpAddr) -> Result<Departure, Error> {
        let kept = self.kept()?;
        kept.by_address.count(&network(from)).map_err(Error::Slowed)?;
        kept.oidc.as_ref().ok_or(Error::None)?.depart(callback, to).await
    }

    /// Lets in whoever comes back from there, and says where they wanted to go.
    ///
    /// # Errors
    ///
    /// When it is not told who they are, they have no role, or may not enter; [`Error::Slowed`] after too many such tries
    /// from the address.
    pub async fn arrive(
        &self,
        callback: &Url,
        arrival: &Arrival,
        from: IpAddr,
    ) -> Result<(Secret, String), Error> {
        let kept = self.kept()?;
        match kept.oidc.as_ref().ok_or(Error::None)?.arrive(callback, arrival).await {
            Ok(known) => {
                let account = kept.known(&known).await?;
                Ok((kept.let_in(&account, Way::Oidc).await?, known.to))
            }
            Err(error) => {
                // Nobody has to have set out to come back: what is recorded of them must not grow without an end.
                kept.by_address.count(&network(from)).map_err(Error::Slowed)?;
                kept.record(Door::Refused { who: None, way: Way::Oidc }).await?;
                Err(error)
            }
        }
    }

    /// Ends a session.
    ///
    /// # Errors
    ///
    /// When it cannot be recorded or written.
    pub async fn log_out(&self, session: &str) -> Result<(), Error> {
        let kept = self.kept()?;
        let _writing = kept.writing.lock().await;
        let hash = Hash::of(session);
        let Some(known) = kept.sessions().get(&hash).cloned() else { return Ok(()) };
        kept.record(Door::LoggedOut { who: known.account, by: None }).await?;
        kept.end(&[hash]).await
    }

    /// Ends somebody's session, by its handle.
    ///
    /// # Errors
    ///
    /// When there is none, or it cannot be recorded or written.
    pub async fn end_session(&self, by: &Who, handle: &str) -> Result<(), Error> {
        let kept = self.kept()?;
        let _writing = kept.writing.lock().await;
        let known = kept.sessions().values().find(|session| session.handle() == handle).cloned();
        let known = known.ok_or_else(|| Error::Unknown { what: "session", name: handle.to_owned() })?;
        kept.record(Door::LoggedOut { who: known.account, by: Some(by.clone()) }).await?;
        kept.end(&[known.hash]).await
    }

    /// Makes a local account.
    ///
    /// # Errors
    ///
    /// When name, role or password are unfit, the name is taken, or it cannot be recorded or written.
    pub async fn add(&self, by: &Who, new: NewAccount) -> Result<Account, Error> {
        let kept = self.kept()?;
        let name = account::name(&new.name)?;
        kept.check_party(new.role.party())?;
        if account::same_name(&name, new.password.expose_secret()) {
            return Err(Error::Unfit("the name is no password".to_owned()));
        }
        let hash = kept.passwords.hash(&new.password).await?;
        let _writing = kept.writing.lock().await;
        let mut register = kept.register().clone();
        if register.account(&name).is_some() {
            return Err(Error::Taken { name });
        }
        let account = Account {
            id: Who(secret::id("acc-", kept.entropy.as_ref())),
            name,
            role: new.role,
            disabled: false,
            made: kept.clock.now(),
            entered: None,
            password: Some(hash),
            subject: None,
        };
        register.accounts.push(account.clone());
        let (who, by) = (account.id.clone(), by.clone());
        let (role, party) = (account.role.word().to_owned(), account.role.party().cloned());
        kept.record(Door::Added { who, by, role, party }).await?;
        kept.keep(register).await?;
        Ok(account)
    }

    /// Changes an account, named by its name or id.
    ///
    /// # Errors
    ///
    /// When there is none, the change is unfit, or it cannot be recorded or written.
    pub async fn change(&self, by: &Who, name: &str, change: Change) -> Result<Account, Error> {
        let kept = self.kept()?;
        let hash = match &change {
            Change::Password(password) => Some(kept.passwords.hash(password).await?),
            Change::Role(role) => kept.check_party(role.party()).map(|()| None)?,
            Change::Disable | Change::Enable | Change::Remove => None,
        };
        let _writing = kept.writing.lock().await;
        let mut register = kept.register().clone();
        let account = register.account_mut(name)?;
        let (who, by) = (account.id.clone(), by.clone());
        let ends = !matches!(change, Change::Enable);
        let said = match change {
            Change::Password(_) if account.subject.is_some() => {
                let why = "this account enters through the organization's own login and has no password here";
                return Err(Error::Unfit(why.to_owned()));
            }
            Change::Password(_) => {
                account.password = hash;
                Door::PasswordChanged { who: who.clone(), by }
            }
            Change::Role(role) => {
                account.role = role.clone();
                let (role, party) = (role.word().to_owned(), role.party().cloned());
                Door::RoleChanged { who: who.clone(), by, role, party }
            }
            Change::Disable => {
                account.disabled = true;
                Door::Disabled { who: who.clone(), by }
            }
            Change::Enable => {
                account.disabled = false;
                Door::Enabled { who: who.clone(), by }
            }
            Change::Remove => Door::Removed { who: who.clone(), by },
        };
        let account = account.clone();
        if let Door::Removed { .. } = said {
            register.accounts.retain(|kept| kept.id != who);
        }
        kept.record(said).await?;
        kept.keep(register).await?;
        if ends {
            let ended = of_account(&kept.sessions(), &who);
            kept.end(&ended).await?;
        }
        Ok(account)
    }

    /// Gives out a token. Its secret is never told again.
    ///
    /// # Errors
    ///
    /// When it is unfit, the name is taken, or it cannot be recorded or written.
    pub async fn issue(&self, by: &Who, new: NewToken) -> Result<(Token, Secret), Error> {
        let kept = self.kept()?;
        let name = account::name(&new.name)?;
        kept.check_party(new.role.party())?;
        if let Some(right) = new.rights.iter().flatten().find(|right| !right.is_of(&new.role)) {
            return Err(Error::Unfit(format!("the role {} has no right to {right}", new.role)));
        }
        let now = kept.clock.now();
        if new.until.is_some_and(|until| until <= now) {
            return Err(Error::Unfit("the token would have ended already".to_owned()));
        }
        let _writing = kept.writing.lock().await;
        let mut register = kept.register().clone();
        if register.tokens.iter().any(|token| token.name == name) {
            return Err(Error::Taken { name });
        }
        let secret = Secret::new(PREFIX, kept.entropy.as_ref());
        let token = Token {
            id: Who(secret::id("tok-", kept.entropy.as_ref())),
            name,
            role: new.role,
            rights: new.rights,
            made: now,
            until: new.until,
            used: None,
            hash: secret.hash(),
        };
        register.tokens.push(token.clone());
        let (who, by, until) = (token.id.clone(), by.clone(), token.until);
        let (role, party) = (token.role.word().to_owned(), token.role.party().cloned());
        kept.record(Door::Issued { who, by, role, party, until }).await?;
        kept.keep(register).await?;
        Ok((token, secret))
    }

    /// Takes a token back, named by its name or id.
    ///
    /// # Errors
    ///
    /// When there is none, or it cannot be recorded or written.
    pub async fn revoke(&self, by: &Who, name: &str) -> Result<Token, Error> {
        let kept = self.kept()?;
        let _writing = kept.writing.lock().await;
        let mut register = kept.register().clone();
        let token = register.token_called(name)?.clone();
        register.tokens.retain(|kept| kept.id != token.id);
        kept.record(Door::Revoked { who: token.id.clone(), by: by.clone() }).await?;
        kept.keep(register).await?;
        Ok(token)
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

impl Kept {
    fn register(&self) -> RwLockReadGuard<'_, Register> {
        self.register.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn sessions(&self) -> RwLockReadGuard<'_, BTreeMap<Hash, Session>> {
        self.sessions.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn looked(&self) -> MutexGuard<'_, BTreeMap<OneLook, Duration>> {
        self.looked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check_party(&self, party: Option<&PartyName>) -> Result<(), Error> {
        let known = self.parties.read().unwrap_or_else(PoisonError::into_inner);
        match (party, known.as_ref()) {
            (Some(party), Some(known)) if !known.contains(party) => {
                let known: Vec<&str> = known.iter().map(|party| party.0.as_str()).collect();
                let why = format!("there is no party {party}; the configuration has {}", known.join(", "));
                Err(Error::Unfit(why))
            }
            _ => Ok(()),
        }
    }

    async fn record(&self, said: Door) -> Result<(), Error> {
        self.commit(Fact::Door(said)).await
    }

    async fn commit(&self, fact: Fact) -> Result<(), Error> {
        let entry = Entry { at: self.clock.now(), case: None, facts: vec![fact] };
        Ok(self.journal.commit(entry).await.map(drop)?)
    }

    /// The account of somebody whom the organization's own login knows, with the role that it has today.
    async fn known(&self, known: &Known) -> Result<Who, Error> {
        let _writing = self.writing.lock().await;
        let mut register = self.register().clone();
        let (role, party) = (known.role.word().to_owned(), known.role.party().cloned());
        let Some(account) = register.of_subject(&known.subject).cloned() else {
            let id = Who(secret::id("acc-", self.entropy.as_ref()));
            let name = free_name(&register, known);
            self.record(Door::Added { who: id.clone(), by: id.clone(), role, party }).await?;
            register.accounts.push(Account {
                id: id.clone(),
                name,
                role: known.role.clone(),
                disabled: false,
                made: self.clock.now(),
                entered: None,
                password: None,
                subject: Some(known.subject.clone()),
            });
            self.keep(register).await?;
            return Ok(id);
        };
        let who = account.id;
        if account.disabled {
            self.record(Door::Refused { who: Some(who), way: Way::Oidc }).await?;
            return Err(Error::Refused);
        }
        if account.role != known.role {
            let by = who.clone();
            self.record(Door::RoleChanged { who: who.clone(), by, role, party }).await?;
            register.account_mut(&who.0)?.role = known.role.clone();
            self.keep(register).await?;
            let ended = of_account(&self.sessions(), &who);
            self.end(&ended).await?;
        }
        Ok(who)
    }

    /// Opens a session for an account that may still enter.
    async fn let_in(&self, account: &Who, way: Way) -> Result<Secret, Error> {
        let _writing = self.writing.lock().await;
        let mut register = self.register().clone();
        let now = self.clock.now();
        // It may have been changed while its password was looked at.
        let known = register.account_mut(&account.0).ok().filter(|account| !account.disabled);
        let Some(known) = known else { return Err(Error::Refused) };
        known.entered = Some(now);
        self.record(Door::LoggedIn { who: account.clone(), way }).await?;
        let secret = Secret::new("", self.entropy.as_ref());
        let session = Session { hash: secret.hash(), account: account.clone(), way, began: now, seen: now };
        let mut sessions = self.sessions().clone();
        sessions.retain(|_, session| !session.has_ended(self.lasts, now));
        sessions.insert(session.hash.clone(), session);
        self.keep(register).await?;
        self.keep_sessions(sessions).await?;
        Ok(secret)
    }

    /// What is known counts only once it is durable.
    async fn keep(&self, register: Register) -> Result<(), Error> {
        self.register_file.write(&register).await?;
        *self.register.write().unwrap_or_else(PoisonError::into_inner) = register;
        Ok(())
    }

    async fn keep_sessions(&self, sessions: BTreeMap<Hash, Session>) -> Result<(), Error> {
        self.sessions_file.write(&Sessions::of(&sessions)).await?;
        *self.sessions.write().unwrap_or_else(PoisonError::into_inner) = sessions;
        Ok(())
    }

    /// Ended in this process whatever the disk says; on the disk as far as it takes it.
    async fn end(&self, ended: &[Hash]) -> Result<(), Error> {
        if ended.is_empty() {
            return Ok(());
        }
        let mut sessions = self.sessions().clone();
        sessions.retain(|hash, _| !ended.contains(hash));
        self.sessions.write().unwrap_or_else(PoisonError::into_inner).clone_from(&sessions);
        self.keep_sessions(sessions).await
    }

    async fn note_sight(&self, hash: &Hash, now: Timestamp) {
        let _writing = self.writing.lock().await;
        let mut sessions = self.sessions().clone();
        let Some(session) = sessions.get_mut(hash) else { return };
        session.seen = now;
        if let Err(error) = self.keep_sessions(sessions).await {
            tracing::warn!(%error, "When a session was used last could not be written; it may end too early.");
        }
    }

    async fn note_use(&self, hash: &Hash, now: Timestamp) {
        let _writing = self.writing.lock().await;
        let mut register = self.register().clone();
        let Some(token) = register.tokens.iter_mut().find(|token| token.hash == *hash) else { return };
        token.used = Some(now);
        if let Err(error) = self.keep(register).await {
            tracing::warn!(%error, "When a token was used last could not be written.");
        }
    }
}

/// What somebody is called here: as their login calls them, unless another one is already called so.
fn free_name(register: &Register, known: &Known) -> String {
    let called = account::name(&known.name).unwrap_or_else(|_unfit| "unnamed".to_owned());
    let numbered = (2_u32..).map(|number| format!("{called} ({number})"));
    let mut names = std::iter::once(called.clone()).chain(numbered);
    names.find(|name| register.account(name).is_none()).unwrap_or(called)
}

/// Whether `then` is at least `span` before `now`.
fn older(then: Timestamp, now: Timestamp, span: Duration) -> bool {
    (now - then).to_std().is_ok_and(|age| age >= span)
}

/// Who has one IPv6 address has 2^64 of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            IpAddr::V6(std::net::Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        ip @ IpAddr::V4(_) => ip,
    }
}
