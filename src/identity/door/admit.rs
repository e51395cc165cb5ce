//! Who may come in: accounts and tokens are made, changed and taken back.

use std::sync::PoisonError;

use secrecy::ExposeSecret;

use super::{Identity, Kept};
use crate::case::{Door, PartyName, Who};
use crate::identity::Error;
use crate::identity::account::{self, Account, Change, NewAccount};
use crate::identity::register::of_account;
use crate::identity::secret::{self, Secret};
use crate::identity::token::{NewToken, PREFIX, Token};

impl Identity {
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
}

impl Kept {
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
}
