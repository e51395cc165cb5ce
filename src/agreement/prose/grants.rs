//! What an agreement says of grants, in sentences.

use super::offers::spelled;
use super::{Names, named};
use crate::agreement::{Askable, Grants};

/// Each sentence with what it is about.
pub(super) fn grants(grants: &Grants, names: Names<'_>) -> Vec<(&'static str, String)> {
    let Names { home, counterpart } = names;
    let what: Vec<String> = grants
        .may_ask
        .iter()
        .map(|what| match what {
            Askable::Field(field) => named(field),
            Askable::InternalComments => format!("comments that only the staff of {home} may read"),
            Askable::Files => format!("files of {home}"),
            Askable::Environment => "an anonymized copy of an environment, by reference".to_owned(),
        })
        .collect();
    let by_hand = match &grants.approved_by {
        Some(role) => format!("A person of {home} in the role “{role}” approves a grant."),
        None => format!("No person of {home} can approve a grant."),
    };
    let at_once = match grants.at_once_from {
        Some(from) => format!(
            "Nobody has to where {home} has set the priority {} or a higher one, unless the file or the copy has to be \
             looked at first.",
            from.word()
        ),
        None => "Every one has to be approved by a person.".to_owned(),
    };
    vec![
        (
            "what can be granted",
            format!(
                "{counterpart} can be shown more of a single case, for a stated purpose and until a stated time: {}.",
                what.join("; ")
            ),
        ),
        ("who approves a grant", by_hand),
        ("grants without approval", at_once),
        (
            "how long a grant lasts",
            format!(
                "A grant lasts at most {} and ends by itself. Comments that it showed are taken back where the desk can.",
                spelled(grants.longest)
            ),
        ),
    ]
}
