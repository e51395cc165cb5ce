//! Random secrets, and what is kept of them.
//!
//! A session and a token are 256 random bits. Of such a secret a plain SHA-256 may be kept: there is nothing to guess, so
//! that a slow or salted hash would only slow down every request. Passwords are another matter: see `password.rs`.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::{digest, hmac};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use throughline_sdk::Entropy;

/// The hash of a secret: what is kept of it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Hash(String);

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hash(…)")
    }
}

impl Hash {
    /// The hash of a presented secret. Whether it is known is looked up by the hash: how long that takes says nothing
    /// about a secret.
    pub(super) fn of(secret: &str) -> Self {
        Self(URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, secret.as_bytes())))
    }

    /// The first characters, by which an admin tells one session from another.
    pub(super) fn handle(&self) -> String {
        self.0.chars().take(10).collect()
    }
}

/// A secret that is shown once.
#[derive(Debug)]
pub struct Secret(SecretString);

impl Secret {
    /// 256 random bits after `prefix`.
    pub(super) fn new(prefix: &str, entropy: &dyn Entropy) -> Self {
        Self(SecretString::from(format!("{prefix}{}", random::<32>(entropy))))
    }

    /// The secret itself, for the one who is given it.
    pub fn show(&self) -> &str {
        self.0.expose_secret()
    }

    pub(super) fn hash(&self) -> Hash {
        Hash::of(self.show())
    }
}

/// A new id that says nothing.
pub(super) fn id(prefix: &str, entropy: &dyn Entropy) -> String {
    let mut bytes = [0; 8];
    entropy.fill(&mut bytes);
    format!("{prefix}{}", print(&bytes))
}

/// Bytes as hexadecimal digits.
pub(super) fn print(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `N` random bytes as text.
pub(super) fn random<const N: usize>(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What every form of a session sends along: whoever has it has seen a page of that session. It follows from the
/// session's secret, so that nothing of it is kept.
pub(crate) fn csrf(session: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, session.as_bytes());
    URL_SAFE_NO_PAD.encode(hmac::sign(&key, b"throughline csrf 1"))
}

/// Whether two texts are the same, told in a time that says nothing about where they differ.
pub(crate) fn same(one: &str, other: &str) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"compare");
    let expected = hmac::sign(&key, one.as_bytes());
    hmac::verify(&key, other.as_bytes(), expected.as_ref()).is_ok()
}
