//! Passwords of local accounts: Argon2id, off the async threads, and as slow for a name that nobody has.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use icu_normalizer::ComposingNormalizerBorrowed;
use secrecy::{ExposeSecret, SecretString};
use throughline_sdk::Entropy;
use tokio::sync::Semaphore;

use super::Error;
use crate::ledger::Offload;

/// The fewest characters: NIST SP 800-63B-4 §3.1.1.2, for a password that is the only factor.
const MIN_CHARS: usize = 15;
/// The most: a bound on work, far above any passphrase.
const MAX_BYTES: usize = 1024;
/// Fewer different characters than that is one key held down.
const MIN_DIFFERENT: usize = 5;
/// Hashed at once: each takes 19 MiB and a processor.
const AT_ONCE: usize = 2;

/// Hashes and checks passwords.
#[derive(Clone, Debug)]
pub(super) struct Passwords {
    entropy: Arc<dyn Entropy>,
    offload: Offload,
    free: Arc<Semaphore>,
    /// The hash of what nobody knows: checked where there is no account, so that the answer takes as long.
    nobodys: Arc<String>,
}

impl Passwords {
    pub(super) fn new(entropy: Arc<dyn Entropy>, offload: Offload) -> Result<Self, Error> {
        let nobodys = hash(&super::secret::random::<32>(entropy.as_ref()), entropy.as_ref())?;
        let free = Arc::new(Semaphore::new(AT_ONCE));
        Ok(Self { entropy, offload, free, nobodys: Arc::new(nobodys) })
    }

    /// The hash of a new password that is fit to be one.
    pub(super) async fn hash(&self, password: &SecretString) -> Result<String, Error> {
        let password = normal(password)?;
        check(&password)?;
        let entropy = Arc::clone(&self.entropy);
        self.run(move || hash(&password, entropy.as_ref())).await?
    }

    /// Whether this is the password of `known`. Takes as long if nothing is known.
    pub(super) async fn verify(&self, password: &SecretString, known: Option<&str>) -> Result<bool, Error> {
        let is_known = known.is_some();
        let known = known.unwrap_or(&self.nobodys).to_owned();
        // What is no password of anybody is not told apart by time either.
        let password = normal(password).unwrap_or_default();
        let right = self.run(move || verify(&password, &known)).await??;
        Ok(right && is_known)
    }

    async fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let _place = self.free.acquire().await.map_err(Error::broken)?;
        match self.offload {
            Offload::Inline => Ok(job()),
            Offload::Threads => tokio::task::spawn_blocking(job).await.map_err(Error::broken),
        }
    }
}

/// One written in another way is the same password: NFKC, as NIST SP 800-63B-4 §3.1.1.2 advises.
fn normal(password: &SecretString) -> Result<String, Error> {
    let text = password.expose_secret();
    if text.len() > MAX_BYTES {
        return Err(Error::Unfit(format!("a password has at most {MAX_BYTES} bytes")));
    }
    Ok(ComposingNormalizerBorrowed::new_nfkc().normalize(text).into_owned())
}

/// A rule about length, and none about what a password is composed of.
fn check(password: &str) -> Result<(), Error> {
    if password.chars().count() < MIN_CHARS {
        let why = format!("a password has at least {MIN_CHARS} characters; several words make a good one");
        return Err(Error::Unfit(why));
    }
    let different: std::collections::BTreeSet<char> = password.chars().collect();
    if different.len() < MIN_DIFFERENT {
        return Err(Error::Unfit(
            "this password is a few characters over and over: anybody guesses it".to_owned(),
        ));
    }
    Ok(())
}

/// Argon2id with 19 MiB, two passes and one lane: the first choice of OWASP's password storage cheat sheet.
fn argon2() -> Result<Argon2<'static>, Error> {
    let params = Params::new(19 * 1024, 2, 1, Some(32)).map_err(Error::broken)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(password: &str, entropy: &dyn Entropy) -> Result<String, Error> {
    let mut salt = [0; 16];
    entropy.fill(&mut salt);
    let hash: PasswordHash =
        argon2()?.hash_password_with_salt(password.as_bytes(), &salt).map_err(Error::broken)?;
    Ok(hash.to_string())
}

/// With the parameters that stand in the hash.
fn verify(password: &str, known: &str) -> Result<bool, Error> {
    let known = PasswordHash::new(known).map_err(Error::broken)?;
    match argon2()?.verify_password(password.as_bytes(), &known) {
        Ok(()) => Ok(true),
        Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
        Err(error) => Err(Error::broken(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemEntropy;

    fn passwords() -> Passwords {
        Passwords::new(Arc::new(SystemEntropy::new()), Offload::Inline).unwrap()
    }

    #[tokio::test]
    async fn the_right_password_is_right_in_every_spelling_and_no_other_is() {
        let passwords = passwords();
        let kept = passwords.hash(&"fünf Wörter für das Tor".into()).await.unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        let apart = "fu\u{308}nf Wo\u{308}rter fu\u{308}r das Tor";
        for (tried, right) in
            [("fünf Wörter für das Tor", true), (apart, true), ("fünf Wörter für das Tür", false)]
        {
            assert_eq!(passwords.verify(&tried.into(), Some(&kept)).await.unwrap(), right, "{tried}");
            assert!(!passwords.verify(&tried.into(), None).await.unwrap());
        }
        assert_ne!(kept, passwords.hash(&"fünf Wörter für das Tor".into()).await.unwrap(), "salted");
    }

    #[tokio::test]
    async fn length_counts_and_composition_does_not() {
        let passwords = passwords();
        for unfit in ["", "kurz", "fourteen chars", "aaaaaaaaaaaaaaaaaaaaaa", &"long and longer ".repeat(65)]
        {
            let refused = passwords.hash(&unfit.into()).await.unwrap_err();
            assert!(matches!(refused, Error::Unfit(_)), "{unfit}: {refused}");
        }
        passwords.hash(&"only small letters".into()).await.unwrap();
        passwords.hash(&"четыре слова подряд тут".into()).await.unwrap();
    }
}
