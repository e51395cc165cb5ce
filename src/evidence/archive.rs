//! The archive: files in a tar, signed as a whole.

use std::io::{Cursor, Read as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest;
use tar::{Archive, Builder, EntryType, Header};

use super::Error;
use crate::ledger::note::{Refused, Signer, Verifier};

/// The first entry.
const SIGNATURE: &str = "signature";
/// Where its content stands, behind its header.
const AT: usize = 512;
/// Characters of a signature in base64.
const LENGTH: usize = 88;
/// What is signed says what it is, so that no signature over anything else passes for it.
const PURPOSE: &[u8] = b"throughline evidence 1\n";

/// One file of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) content: Vec<u8>,
}

impl File {
    pub(super) fn text(name: &str, content: String) -> Self {
        Self { name: name.to_owned(), content: content.into_bytes() }
    }
}

/// Packs files and signs every byte of the result.
pub(super) fn pack(files: &[File], signer: &Signer) -> Result<Vec<u8>, Error> {
    let unwritable = |error: std::io::Error| Error::Unwritable(error.to_string());
    let blank = format!("{}\n", "0".repeat(LENGTH));
    let mut builder = Builder::new(Vec::new());
    let signature = File::text(SIGNATURE, blank);
    for file in std::iter::once(&signature).chain(files) {
        let mut header = Header::new_ustar();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(0o644);
        header.set_size(u64::try_from(file.content.len()).unwrap_or(u64::MAX));
        builder.append_data(&mut header, &file.name, file.content.as_slice()).map_err(unwritable)?;
    }
    let mut bytes = builder.into_inner().map_err(unwritable)?;
    let signature = STANDARD.encode(signer.sign(&message(&bytes)));
    match bytes.get_mut(AT..AT + LENGTH) {
        Some(place) if place.len() == signature.len() => place.copy_from_slice(signature.as_bytes()),
        _ => return Err(Error::Unwritable("the signature has no place".to_owned())),
    }
    Ok(bytes)
}

/// The files of an archive that is what `verifier` signed, every byte of it.
pub(super) fn unpack(bytes: &[u8], verifier: &Verifier) -> Result<Vec<File>, Refused> {
    let signature = bytes
        .get(AT..AT + LENGTH)
        .ok_or_else(|| Refused::new("it is too short for an archive of evidence"))?;
    let signature = STANDARD.decode(signature);
    let signature =
        signature.map_err(|_malformed| Refused::new("there is no signature where one has to stand"))?;
    let mut blank = bytes.to_vec();
    if let Some(place) = blank.get_mut(AT..AT + LENGTH) {
        place.fill(b'0');
    }
    verifier.verify(&message(&blank), &signature)?;
    let unreadable = |error: std::io::Error| Refused::new(format!("it is no archive: {error}"));
    let mut files = Vec::new();
    for entry in Archive::new(Cursor::new(bytes)).entries().map_err(unreadable)?.skip(1) {
        let mut entry = entry.map_err(unreadable)?;
        let name = entry.path().map_err(unreadable)?.to_string_lossy().into_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).map_err(unreadable)?;
        files.push(File { name, content });
    }
    Ok(files)
}

fn message(blank: &[u8]) -> Vec<u8> {
    [PURPOSE, digest::digest(&digest::SHA256, blank).as_ref()].concat()
}
