//! What an agreement says of grants.

use std::time::Duration;

use super::fixture::{FULL, read_text};
use crate::agreement::{Askable, Grants};
use crate::case::{AgreementName, Field, Priority};

fn with(lines: &str) -> String {
    format!("{FULL}\n[agreements.fabrikam.grants]\n{lines}\n")
}

#[test]
fn nothing_can_be_granted_unless_the_agreement_names_it() {
    let grants = |text: &str| {
        let config = read_text(text).unwrap_or_else(|problems| panic!("{problems}"));
        config.rules.agreements[&AgreementName("fabrikam".into())].grants.clone()
    };
    assert_eq!(grants(FULL), Grants::default());
    assert!(grants(&with("")).may_ask.is_empty());
    let said = with(
        "may_ask = [\"field:Asset\", \"internal comments\", \"files\", \"environment\"]\n\
         approved_by = \"service manager\"\nat_once_from = \"urgent\"\nlongest = \"2d\"",
    );
    let expected = Grants {
        may_ask: [
            Askable::Field(Field::Custom("Asset".into())),
            Askable::InternalComments,
            Askable::Files,
            Askable::Environment,
        ]
        .into(),
        approved_by: Some("service manager".into()),
        at_once_from: Some(Priority::Urgent),
        longest: Duration::from_secs(2 * 86_400),
    };
    assert_eq!(grants(&said), expected);
}

#[test]
fn what_nobody_can_ask_for_or_approve_is_told_with_its_place() {
    let wrong =
        read_text(&with("may_ask = [\"internal coments\"]\napproved_by = \"x\"")).unwrap_err().to_string();
    assert!(wrong.contains("\"internal coments\" is nothing that can be asked for"), "{wrong}");
    assert!(wrong.contains("internal comments"), "the word that was meant: {wrong}");
    let idle = read_text(&with("may_ask = [\"files\"]")).unwrap_or_else(|problems| panic!("{problems}"));
    assert!(idle.warnings.to_string().contains("nobody can approve it"), "{}", idle.warnings);
}
