//! The narrow waist to the file system, so that a simulation can lose what was not synced.

mod file;
mod memory;

use std::fmt::Debug;
use std::io;

pub use file::FileMedium;
pub use memory::MemoryMedium;

/// Files under one data directory, named by relative paths with `/`. Every call blocks.
pub trait Medium: Debug + Send + Sync + 'static {
    /// Reads up to `buffer.len()` bytes from `offset` on; 0 at the end. A missing file is `NotFound`.
    fn read_at(&self, name: &str, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes all `bytes` at `offset`, making the file and its folders if they are not there.
    fn write_at(&self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Returns when the file's bytes and length would survive a power cut.
    fn sync(&self, name: &str) -> io::Result<()>;

    /// Returns when the names in `folder` would survive a power cut; the empty name is the data directory.
    fn sync_dir(&self, folder: &str) -> io::Result<()>;

    /// The file's length, `None` if it is not there.
    fn len(&self, name: &str) -> io::Result<Option<u64>>;

    /// Shortens the file.
    fn truncate(&self, name: &str, len: u64) -> io::Result<()>;

    /// The names of the files in `folder`, sorted, without the folder; none if the folder is not there.
    fn list(&self, folder: &str) -> io::Result<Vec<String>>;

    /// Gives a file another name, replacing what has it.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;
}

/// Fills `bytes` with what stands in a file from `from` on. How many there were: fewer, where it ends before.
///
/// # Errors
///
/// When the file cannot be read.
pub(crate) fn fill(medium: &dyn Medium, name: &str, from: u64, bytes: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        let at = from.saturating_add(u64::try_from(filled).unwrap_or(u64::MAX));
        match medium.read_at(name, at, rest)? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(filled)
}

/// The folder a name is in.
pub(super) fn folder_of(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(folder, _)| folder)
}
