//! A ticket's fields in its own system's words, and when two such values are the same.

use throughline_markup::{normal, same_words};
use throughline_sdk::ticket::canonical_text;
use throughline_sdk::{Changes, Operation, Ticket};

use crate::case::Field;

/// A text cut shorter than this is taken for somebody's own words, not for what a desk left of ours.
const SHORTEST_CUT_CHARS: usize = 40;

/// The field as the ticket has it; empty where it has none.
pub(crate) fn value_in<'t>(ticket: &'t Ticket, field: &Field) -> &'t str {
    match field {
        Field::Title => &ticket.title,
        Field::Description => &ticket.description,
        Field::Status => &ticket.status,
        Field::Priority => ticket.priority.as_deref().unwrap_or_default(),
        Field::Kind => ticket.kind.as_deref().unwrap_or_default(),
        Field::Custom(name) => ticket.fields.get(name).map(String::as_str).unwrap_or_default(),
    }
}

/// The operation that writes one field.
pub(super) fn write(field: &Field, value: String) -> Operation {
    let mut changes = Changes::default();
    match field {
        Field::Status => return Operation::Transition { status: value },
        Field::Title => changes.title = Some(value),
        Field::Description => changes.description = Some(value),
        Field::Priority => changes.priority = Some(value),
        Field::Kind => changes.kind = Some(value),
        Field::Custom(name) => {
            changes.fields.insert(name.clone(), value);
        }
    }
    Operation::Update { changes }
}

/// Whether two native values of a field are the same value.
pub(super) fn same(field: &Field, left: &str, right: &str) -> bool {
    match field {
        Field::Status | Field::Priority | Field::Kind => left == right,
        Field::Title | Field::Custom(_) => left == right || canonical_text(left) == canonical_text(right),
        // Formatted text has one normal form, and not every desk keeps to it.
        Field::Description => left == right || normal(left) == normal(right),
    }
}

/// Whether `observed` is what a desk made of `sent`: desks collapse white space, cut long texts, and keep only the
/// words of formatting that they cannot show.
pub(super) fn answers(field: &Field, sent: &str, observed: &str) -> bool {
    match field {
        Field::Status | Field::Priority | Field::Kind => sent == observed,
        Field::Title | Field::Custom(_) => is_left_of(sent, observed),
        Field::Description => is_left_of(sent, observed) || same_words(sent, observed),
    }
}

fn is_left_of(sent: &str, observed: &str) -> bool {
    let (sent, observed) = (collapsed(sent), collapsed(observed));
    let kept = observed.trim_end_matches('…').trim_end_matches("...").trim_end();
    sent == observed || (kept.chars().count() >= SHORTEST_CUT_CHARS && sent.starts_with(kept))
}

fn collapsed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
