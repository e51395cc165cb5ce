//! Atlassian Document Format: text as the JSON documents of Jira Cloud.
//!
//! See <https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/>.

mod read;
mod write;

pub use read::{read, read_with};
pub use write::write;

#[cfg(test)]
mod tests;
