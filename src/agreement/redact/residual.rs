//! What personal data may be left in a text that was let through: counted by class, never repeated.

use std::collections::BTreeMap;

use super::folded::Folded;
use super::terms::{Action, Place, Redaction};

/// Counts what may be left in a part of a text.
pub(super) fn count(redaction: &Redaction, place: &Place, text: &str, left: &mut BTreeMap<String, u32>) {
    let folded = Folded::of(text);
    let passed = |class: &_| redaction.action(place, class) == Action::Pass;
    for found in redaction.recognizers.find(&folded, passed) {
        *left.entry(found.class.word().to_owned()).or_default() += 1;
    }
}
