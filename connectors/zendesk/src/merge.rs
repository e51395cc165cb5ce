//! Merges: a ticket that went into another one says so in words only, which are believed where the other says it too.
//!
//! Zendesk closes the source with the tag `closed_by_merge` and lets the agent write a comment into each of the two.
//! What it proposes for them names the other ticket as `#123`. No field of either does.
//! <https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/#merge-tickets-into-target-ticket>

use crate::map::{Parts, comment_text};
use crate::wire::{Comment, User};

/// The tag of a ticket that was closed by a merge.
const TAG: &str = "closed_by_merge";

/// Whether a ticket went into another.
pub(crate) fn is_source(parts: &Parts) -> bool {
    parts.ticket.status == "closed" && parts.ticket.tags.iter().any(|tag| tag == TAG)
}

/// The tickets that a source may have gone into, likeliest first: those its last comment of an agent names.
pub(crate) fn candidates(parts: &Parts) -> Vec<u64> {
    let last = parts.comments.iter().rev().find(|comment| is_agents(comment, &parts.users));
    let mut named = last.map(|comment| numbers(&comment_text(comment))).unwrap_or_default();
    named.retain(|number| *number != parts.ticket.id);
    named
}

/// Whether a ticket says that `source` went into it.
pub(crate) fn confirms(target: &Parts, source: u64) -> bool {
    let agents = target.comments.iter().filter(|comment| is_agents(comment, &target.users));
    agents.into_iter().any(|comment| numbers(&comment_text(comment)).contains(&source))
}

/// Requesters cannot merge, and whatever they write names nothing.
fn is_agents(comment: &Comment, users: &[User]) -> bool {
    let author = users.iter().find(|user| user.id.is_some() && user.id == comment.author_id);
    author.is_some_and(|user| matches!(user.role.as_deref(), Some("agent" | "admin")))
}

/// The numbers that stand behind a `#`, in their order, each once.
fn numbers(text: &str) -> Vec<u64> {
    let mut found = Vec::new();
    for behind in text.split('#').skip(1) {
        let digits: String = behind.chars().take_while(char::is_ascii_digit).collect();
        if let Ok(number) = digits.parse()
            && !found.contains(&number)
        {
            found.push(number);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_behind_a_hash() {
        for (text, expected) in [
            ("This request was closed and merged into request #34548 \"Printer\".", &[34548][..]),
            ("Requests #34528, #34530 were closed and merged into this request.", &[34528, 34530]),
            ("#7 #7 # #x #99999999999999999999 8", &[7]),
            ("", &[]),
        ] {
            assert_eq!(numbers(text), expected, "{text}");
        }
    }
}
