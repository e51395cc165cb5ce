//! Jira's wiki markup, as Jira Data Center keeps text.
//!
//! See <https://jira.atlassian.com/secure/WikiRendererHelpAction.jspa?section=all>.

mod read;
mod write;

pub use read::read;
pub use write::write;

#[cfg(test)]
mod tests;

/// Characters at which an address in running text ends for us; some renderers read on.
const ENDS_ADDRESS: &[char] = &['{', '}', '|', '[', ']', '!', '*', '^', '\\'];
