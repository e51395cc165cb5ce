//! The files of the configuration: the main one, and those beside it.

use std::path::{Path, PathBuf};

use super::findings::Source;
use super::problem::{Problem, Severity};

/// The largest file of configuration that is read.
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

pub(super) fn read_file(path: &Path) -> Result<Source, Box<Problem>> {
    let refuse = |message: &str| Box::new(unreadable(path, message));
    let told = |error: std::io::Error| refuse(&format!("this file cannot be read: {error}"));
    let metadata = std::fs::metadata(path).map_err(told)?;
    if !metadata.is_file() {
        return Err(refuse("this is no regular file"));
    }
    if metadata.len() > MAX_FILE_BYTES {
        return Err(refuse("this file is larger than 4 MiB"));
    }
    let bytes = std::fs::read(path).map_err(told)?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Source { path: path.to_owned(), text }),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            Err(refuse(&format!("this file is no UTF-8 text: byte {at} does not belong there")))
        }
    }
}

/// The `*.toml` files in the folder of agreements, by name; none if there is no such folder.
pub(super) fn agreement_files(folder: &Path, problems: &mut Vec<Problem>) -> Vec<PathBuf> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            problems.push(unreadable(folder, &format!("this folder cannot be read: {error}")));
            return Vec::new();
        }
    };
    let mut files = Vec::new();
    for entry in entries {
        match entry {
            Ok(entry) => files.push(entry.path()),
            Err(error) => problems.push(unreadable(folder, &format!("this folder cannot be read: {error}"))),
        }
    }
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    files
}

fn unreadable(path: &Path, message: &str) -> Problem {
    Problem {
        severity: Severity::Error,
        message: message.to_owned(),
        key: String::new(),
        found: None,
        expected: None,
        nearest: None,
        file: path.to_owned(),
        spot: None,
    }
}
