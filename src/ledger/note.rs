//! Checkpoints of the log in the formats of <https://c2sp.org/tlog-checkpoint> and <https://c2sp.org/signed-note>:
//! text that any tool for transparency logs reads, signed with Ed25519.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use ring::{digest, signature};

use super::merkle::{Hash, Head};
use super::{Error, MasterKey, checkpoint};

/// What an algorithm is called in a key: Ed25519.
const ED25519_BYTE: u8 = 1;
/// What a line of a signature begins with.
const DASH: &str = "\u{2014} ";
/// The longest note that is read.
pub const LONGEST: usize = 64 * 1024;

/// Signs in the name of a log.
pub struct Signer {
    name: String,
    pair: Ed25519KeyPair,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Signer {
    /// The signer of the log called `name`, with the key that belongs to the master key.
    ///
    /// # Errors
    ///
    /// When no log can be called so.
    pub fn new(name: &str, master: &MasterKey) -> Result<Self, Error> {
        check_name(name).map_err(Error::Unwritable)?;
        let seed = master.derived(b"throughline log key 1");
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_ref());
        let pair = pair.map_err(|rejected| Error::Unwritable(format!("no key can be made: {rejected}")))?;
        Ok(Self { name: name.to_owned(), pair })
    }

    /// What others check its signatures with.
    pub fn verifier(&self) -> Verifier {
        let key = <[u8; 32]>::try_from(self.pair.public_key().as_ref()).unwrap_or_default();
        Verifier { name: self.name.clone(), key }
    }

    /// A signed checkpoint.
    pub fn checkpoint(&self, head: &Head) -> String {
        let text = format!("{}\n{}\n{}\n", self.name, head.size, STANDARD.encode(head.root));
        let signed = [&self.verifier().id()[..], self.sign(text.as_bytes()).as_ref()].concat();
        format!("{text}\n{DASH}{} {}\n", self.name, STANDARD.encode(signed))
    }

    /// A bare signature.
    pub(crate) fn sign(&self, message: &[u8]) -> signature::Signature {
        self.pair.sign(message)
    }
}

/// What a log can be called: no spaces, which end a name in a note, and no plus, which ends it in a key.
///
/// # Errors
///
/// What is wrong with it.
pub fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() || name.len() > 255 {
        return Err("the name of a log has from 1 to 255 bytes".to_owned());
    }
    match name.chars().find(|letter| letter.is_whitespace() || letter.is_control() || *letter == '+') {
        Some(letter) => Err(format!("the name of a log may not hold {letter:?}")),
        None => Ok(()),
    }
}

/// The public key of a log, written as `NAME+ID+KEY`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    key: [u8; 32],
}

/// Why a note is not taken for what it says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(String);

impl Refused {
    /// In words.
    pub fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

impl Verifier {
    /// The name of its log.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn id(&self) -> [u8; 4] {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(self.name.as_bytes());
        context.update(&[b'\n', ED25519_BYTE]);
        context.update(&self.key);
        context.finish().as_ref().first_chunk().copied().unwrap_or_default()
    }

    /// The head that a signed checkpoint of this log tells.
    ///
    /// # Errors
    ///
    /// When it is no checkpoint, is another log's, or its signature is not good.
    pub fn checkpoint(&self, note: &str) -> Result<Head, Refused> {
        let text = self.open(note)?;
        let mut lines = text.split('\n');
        let (name, size, root) = (lines.next(), lines.next(), lines.next());
        if name != Some(&self.name) {
            return Err(Refused::new(format!("the note is no checkpoint of {}", self.name)));
        }
        let digits = size.filter(|size| size.bytes().all(|byte| byte.is_ascii_digit()));
        let size =
            digits.filter(|size| *size == "0" || !size.starts_with('0')).and_then(|size| size.parse().ok());
        let root = root.and_then(|root| Hash::try_from(STANDARD.decode(root).ok()?).ok());
        match (size, root) {
            (Some(size), Some(root)) => Ok(Head { size, root }),
            _ => Err(Refused::new("the note is no checkpoint: size or root is missing")),
        }
    }

    /// The text of a note that this log signed.
    fn open<'n>(&self, note: &'n str) -> Result<&'n str, Refused> {
        if note.len() > LONGEST {
            return Err(Refused::new(format!("the note is longer than {LONGEST} bytes")));
        }
        let (text, signatures) = note
            .rfind("\n\n")
            .and_then(|at| Some((note.get(..=at)?, note.get(at + 2..)?)))
            .ok_or_else(|| Refused::new("this is no signed note: no empty line stands before a signature"))?;
        let signatures =
            signatures.strip_suffix('\n').ok_or_else(|| Refused::new("the note's end is missing"))?;
        let mut is_signed = false;
        for line in signatures.split('\n') {
            let signature = line.strip_prefix(DASH).and_then(|line| line.split_once(' '));
            let (name, signature) =
                signature.ok_or_else(|| Refused::new("a line after the empty one is no signature"))?;
            if name != self.name {
                continue;
            }
            let bytes = STANDARD.decode(signature);
            let bytes = bytes.map_err(|error| Refused::new(format!("a signature is no base64: {error}")))?;
            let Some((id, signature)) = bytes.split_first_chunk::<4>() else { continue };
            if *id != self.id() {
                continue;
            }
            self.verify(text.as_bytes(), signature)?;
            is_signed = true;
        }
        let unsigned = || Refused::new(format!("the key {self} signed none of it"));
        is_signed.then_some(text).ok_or_else(unsigned)
    }

    /// Checks a bare signature.
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Refused> {
        let key = UnparsedPublicKey::new(&ED25519, self.key);
        let refused = |_unspecified| Refused::new(format!("it is not what {} signed", self.name));
        key.verify(message, signature).map_err(refused)
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[ED25519_BYTE][..], &self.key].concat();
        write!(f, "{}+{}+{}", self.name, checkpoint::hex(&self.id()), STANDARD.encode(key))
    }
}

impl FromStr for Verifier {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused =
            || format!("{text:?} is no key of a log; one is written NAME+8 HEXADECIMAL DIGITS+BASE64");
        let mut parts = text.trim().splitn(3, '+');
        let (name, id, key) = (parts.next(), parts.next(), parts.next());
        let (name, id, key) =
            name.zip(id).zip(key).map(|((name, id), key)| (name, id, key)).ok_or_else(refused)?;
        check_name(name)?;
        let key = STANDARD.decode(key).map_err(|_malformed| refused())?;
        let key = match key.split_first() {
            Some((&ED25519_BYTE, key)) => <[u8; 32]>::try_from(key).map_err(|_malformed| refused())?,
            _ => return Err(format!("{text:?} is no Ed25519 key, and no other is understood")),
        };
        let made = Self { name: name.to_owned(), key };
        if checkpoint::hex(&made.id()) == id {
            return Ok(made);
        }
        Err(format!("{text:?} is no key of a log: name and key do not belong together; was a letter lost?"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer() -> Signer {
        Signer::new("contoso.example/throughline", &MasterKey::new([9; 32])).unwrap()
    }

    #[test]
    fn the_formats_are_those_of_the_standard() {
        // The example of the specification.
        let key = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
        let verifier: Verifier = key.parse().unwrap();
        assert_eq!(verifier.to_string(), key);
        let note = "This is an example message.\n\n\u{2014} example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
        assert_eq!(verifier.open(note).unwrap(), "This is an example message.\n");
    }

    #[test]
    fn a_checkpoint_is_read_back_and_any_changed_byte_is_noticed() {
        let head = Head { size: 17, root: [7; 32] };
        let note = signer().checkpoint(&head);
        insta::assert_snapshot!(note);
        let verifier: Verifier = signer().verifier().to_string().parse().unwrap();
        assert_eq!(verifier.checkpoint(&note).unwrap(), head);
        for at in 0..note.len() {
            for flip in [1, 2, 32, 128] {
                let mut bytes = note.clone().into_bytes();
                bytes[at] ^= flip;
                let Ok(changed) = String::from_utf8(bytes) else { continue };
                verifier.checkpoint(&changed).unwrap_err();
            }
        }
        for cut in 0..note.len() {
            if let Some(note) = note.get(..cut) {
                verifier.checkpoint(note).unwrap_err();
            }
        }
    }

    #[test]
    fn another_log_is_not_believed() {
        let head = Head { size: 1, root: [7; 32] };
        let other = Signer::new("contoso.example/throughline", &MasterKey::new([8; 32])).unwrap();
        signer().verifier().checkpoint(&other.checkpoint(&head)).unwrap_err();
        let named = Signer::new("fabrikam.example", &MasterKey::new([9; 32])).unwrap();
        signer().verifier().checkpoint(&named.checkpoint(&head)).unwrap_err();
    }

    #[test]
    fn a_witness_may_sign_beside() {
        let head = Head { size: 1, root: [7; 32] };
        let note = signer().checkpoint(&head);
        let witness = format!("{note}{DASH}witness.example AAAAAAAA\n");
        assert_eq!(signer().verifier().checkpoint(&witness).unwrap(), head);
    }

    #[test]
    fn what_is_no_key_or_name_is_told() {
        for name in ["", "two words", "a+b", "a\nb"] {
            check_name(name).unwrap_err();
        }
        let key = signer().verifier().to_string();
        for wrong in
            ["", "a", "a+b", "a+b+c", &key.replace("contoso", "fabrikam"), key.split_at(key.len() - 1).0]
        {
            wrong.parse::<Verifier>().unwrap_err();
        }
    }
}
