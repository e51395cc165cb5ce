//! Statuses: Zendesk's five categories, and the statuses of an account's own under them.

use throughline_sdk::{Choice, Error, ErrorKind, Result};

use crate::wire::{CustomStatus, Ticket};

/// Zendesk's words for a status, and what they mean to Throughline.
pub const STATUSES: &[(&str, &str)] = &[
    ("new", "new"),
    ("open", "open"),
    ("pending", "pending"),
    ("hold", "on_hold"),
    ("solved", "resolved"),
    ("closed", "closed"),
];

/// The status of a ticket as one word: its category, or the label of a status of the account's own.
///
/// The default status of a category goes by the category, so that the words are the same whether an account uses
/// statuses of its own or not, and whatever it calls the defaults.
pub(crate) fn word(ticket: &Ticket, known: &[CustomStatus]) -> String {
    // A closed ticket keeps a status of the category solved.
    let own = ticket.custom_status_id.filter(|_| ticket.status != "closed");
    let own = own.and_then(|id| known.iter().find(|status| status.id == id && !status.default));
    own.map_or_else(|| ticket.status.clone(), label)
}

/// All statuses that a ticket may have.
pub(crate) fn choices(known: &[CustomStatus]) -> Vec<Choice> {
    let categories = STATUSES.iter().map(|(word, _)| (*word).to_owned());
    let own = known.iter().filter(|status| status.active && !status.default).map(label);
    categories.chain(own).map(|word| Choice { closed: word == "closed", word }).collect()
}

/// What stands for a status in a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) category: String,
    pub(crate) own: Option<u64>,
}

/// What to write for a word.
///
/// # Errors
///
/// [`ErrorKind::Rejected`] for a word that the account does not have, before anything is sent.
pub(crate) fn target(word: &str, known: &[CustomStatus]) -> Result<Target> {
    if is_category(word) {
        return Ok(Target { category: word.to_owned(), own: None });
    }
    known
        .iter()
        .find(|status| status.active && !status.default && label(status) == word)
        .map(|status| Target { category: status.status_category.clone(), own: Some(status.id) })
        .ok_or_else(|| {
            Error::new(
                ErrorKind::Rejected,
                format!("Zendesk has no status {word:?}; see what describe lists"),
            )
        })
}

/// Whether a word is one of the categories, for which the statuses of an account's own need not be read.
pub(crate) fn is_category(word: &str) -> bool {
    STATUSES.iter().any(|(category, _)| *category == word)
}

/// A status of an account's own by its label; with its number where it is called like a category.
fn label(status: &CustomStatus) -> String {
    let label = status.agent_label.trim();
    if is_category(label) { format!("{label} ({})", status.id) } else { label.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Vec<CustomStatus> {
        let status = |id, category: &str, label: &str, active, default| CustomStatus {
            id,
            status_category: category.to_owned(),
            agent_label: label.to_owned(),
            active,
            default,
        };
        vec![
            status(1, "open", "In Arbeit", true, true),
            status(2, "open", "Reopened", true, false),
            status(3, "pending", "open", true, false),
            status(4, "hold", "Old", false, false),
        ]
    }

    fn ticket(category: &str, own: Option<u64>) -> Ticket {
        let json = serde_json::json!({
            "id": 1, "status": category, "custom_status_id": own,
            "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
        });
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn a_status_reads_as_the_word_it_is_set_by() {
        for (category, own, expected) in [
            ("open", None, "open"),
            ("open", Some(1), "open"),
            ("open", Some(2), "Reopened"),
            ("pending", Some(3), "open (3)"),
            ("open", Some(99), "open"),
            ("closed", Some(2), "closed"),
        ] {
            assert_eq!(word(&ticket(category, own), &known()), expected);
            assert_eq!(target(expected, &known()).unwrap().category, category);
        }
        assert_eq!(target("Reopened", &known()).unwrap().own, Some(2));
    }

    #[test]
    fn what_is_not_in_use_can_neither_be_chosen_nor_set() {
        let words: Vec<String> = choices(&known()).into_iter().map(|choice| choice.word).collect();
        assert_eq!(words, ["new", "open", "pending", "hold", "solved", "closed", "Reopened", "open (3)"]);
        for unknown in ["Old", "In Arbeit", "", "Open"] {
            assert_eq!(target(unknown, &known()).unwrap_err().kind(), ErrorKind::Rejected);
        }
    }
}
