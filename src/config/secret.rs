//! Resolves references to secrets; the only place that reads the environment.

use std::fmt::Debug;
use std::io::Read as _;
use std::path::Path;

use secrecy::SecretString;

/// Where environment variables come from.
pub trait Environment: Debug {
    /// The value of a variable, if it is set and is text.
    fn var(&self, name: &str) -> Option<String>;
}

/// The environment of this process.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    #[expect(clippy::disallowed_methods, reason = "this is the one reader of the environment")]
    fn var(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
}

/// The largest file a secret is read from.
const MAX_BYTES: u64 = 64 * 1024;

/// The secret in an environment variable.
pub(super) fn from_environment(environment: &dyn Environment, name: &str) -> Result<SecretString, String> {
    if !is_variable(name) {
        // What is no name of a variable may be the secret itself: it is not repeated.
        return Err("this is no name of an environment variable".to_owned());
    }
    match environment.var(name) {
        None => Err(format!("the environment variable {name} is not set")),
        Some(value) if value.is_empty() => Err(format!("the environment variable {name} is empty")),
        Some(value) => Ok(SecretString::from(value)),
    }
}

/// Whether a text can be the name of an environment variable.
pub(super) fn is_variable(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.bytes().next().is_some_and(|byte| !byte.is_ascii_digit()) && text.bytes().all(plain)
}

/// The secret in a file, without line ends at its end, and whether others than its owner may read it.
pub(super) fn from_file(path: &Path) -> Result<(SecretString, Exposed), String> {
    let told = |error: std::io::Error| format!("the file {} cannot be read: {error}", path.display());
    // A pipe or a device would make us wait for ever.
    if !std::fs::metadata(path).map_err(told)?.is_file() {
        return Err(format!("{} is no regular file", path.display()));
    }
    let file = std::fs::File::open(path).map_err(told)?;
    let exposed = exposed(&file.metadata().map_err(told)?);
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(told)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > MAX_BYTES) {
        return Err(format!("the file {} is larger than 64 KiB", path.display()));
    }
    let text = String::from_utf8(bytes)
        .ok()
        .ok_or_else(|| format!("the file {} holds no UTF-8 text", path.display()))?;
    match text.trim_end_matches(['\n', '\r']) {
        "" => Err(format!("the file {} is empty", path.display())),
        secret => Ok((SecretString::from(secret), exposed)),
    }
}

/// Whether others than its owner may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exposed {
    /// They may, with these permissions.
    Yes(u32),
    /// They may not.
    No,
}

#[cfg(unix)]
fn exposed(metadata: &std::fs::Metadata) -> Exposed {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o044 == 0 { Exposed::No } else { Exposed::Yes(mode) }
}

#[cfg(not(unix))]
fn exposed(_: &std::fs::Metadata) -> Exposed {
    Exposed::No
}
