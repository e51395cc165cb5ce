//! Who comes and goes: by a password of this bridge or through the organization's own login, until the session ends.

use std::net::IpAddr;

use secrecy::SecretString;
use url::Url;

use super::{Identity, Kept};
use crate::case::{Door, Way, Who};
use crate::identity::Error;
use crate::identity::account::{self, Account};
use crate::identity::oidc::{Arrival, Departure, Known};
use crate::identity::register::{Register, of_account};
use crate::identity::secret::{self, Hash, Secret};
use crate::identity::session::Session;

impl Identity {
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
}

impl Kept {
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
}

/// What somebody is called here: as their login calls them, unless another one is already called so.
fn free_name(register: &Register, known: &Known) -> String {
    let called = account::name(&known.name).unwrap_or_else(|_unfit| "unnamed".to_owned());
    let numbered = (2_u32..).map(|number| format!("{called} ({number})"));
    let mut names = std::iter::once(called.clone()).chain(numbered);
    names.find(|name| register.account(name).is_none()).unwrap_or(called)
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
