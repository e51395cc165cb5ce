//! Terms: an agreement's version follows everything that decides what goes over, and a ledger reads back what it keeps.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use super::{HOME, ONE, OTHER, between, name, party, rules};
use crate::agreement::{
    Action, Agreement, Class, Direction, Expression, Internal, Leftover, OtherFiles, Place, PlaceTerms,
    Recognizers, Redaction, Requirement, Rules, Terms,
};
use crate::case::{AgreementName, Field, Status};

/// A change of an agreement, and what it is called.
type Change = (&'static str, fn(&mut Agreement));

fn with_one() -> AgreementName {
    AgreementName(format!("with {ONE}"))
}

fn redaction() -> Redaction {
    Redaction {
        classes: BTreeMap::new(),
        places: BTreeMap::new(),
        other_files: OtherFiles::Send,
        leftover: Leftover::Tell,
        recognizers: Arc::new(Recognizers::new(&[], &[], Vec::new()).unwrap()),
    }
}

#[test]
fn each_change_of_an_agreement_makes_another_version_which_reads_back_as_it_was() {
    let changes: [Change; 13] = [
        ("nothing", |_| {}),
        ("comments", |it| it.comments = Direction::Outbound),
        ("files", |it| it.files = Direction::Inbound),
        ("internal", |it| it.internal = Internal::AsInternal),
        ("recheck", |it| it.recheck = false),
        ("introduces", |it| _ = it.introduces.insert(party(OTHER))),
        ("outbound", |it| it.outbound = None),
        ("fields", |it| it.fields.clear()),
        ("type", |it| it.counterpart_type = Some("Task".to_owned())),
        ("reply", |it| it.reply_passes = true),
        ("link", |it| it.guest_link = true),
        ("require", |it| {
            let (name, message) = ("impact".to_owned(), "the impact".to_owned());
            it.require.push(Requirement { name, condition: Expression::always(), message });
        }),
        ("redaction", |it| it.redaction = Some(redaction())),
    ];
    let mut versions = BTreeMap::new();
    for (what, change) in changes {
        let mut rules = rules();
        change(between(&mut rules, ONE));
        let terms = rules.terms(&with_one()).unwrap();
        let read = Terms::read(&terms.document()).unwrap();
        assert_eq!(read.document(), terms.document(), "{what}");
        let kept = Agreement { redaction: None, ..terms.agreement.clone() };
        assert_eq!(Agreement { version: None, ..read.agreement.clone() }, kept, "{what}");
        assert_eq!(
            (read.agreement.version.as_ref(), read.version()),
            (Some(&terms.version()), terms.version())
        );
        assert_eq!(versions.insert(terms.version(), what), None, "{what}");

        let all = Rules::new(rules.systems.clone(), rules.agreements.clone());
        assert_eq!(all.agreements[&with_one()].version, Some(terms.version()), "{what}");
    }
    let mut worded = rules();
    worded.systems.get_mut(&name(HOME)).unwrap().status.read.insert("Neu".to_owned(), Status::New);
    let version = worded.terms(&with_one()).unwrap().version();
    assert!(!versions.contains_key(&version), "the words of both systems are terms too");
}

#[test]
fn all_rules_know_the_version_of_each_agreement_whose_systems_are_known() {
    let plain = rules();
    let all = Rules::new(plain.systems.clone(), plain.agreements.clone());
    assert_eq!((&all.systems, all.agreements.len()), (&plain.systems, 2));
    let version = |rules: &Rules, counterpart: &str| {
        rules.agreements[&AgreementName(format!("with {counterpart}"))].version.clone()
    };
    assert!(version(&all, ONE).is_some() && version(&all, OTHER).is_some());
    assert_ne!(version(&all, ONE), version(&all, OTHER));
    assert_eq!(all.terms(&AgreementName("nobody".to_owned())), None);

    let mut lacking = plain.systems.clone();
    lacking.remove(&name(ONE));
    let all = Rules::new(lacking, plain.agreements);
    assert_eq!((version(&all, ONE), version(&all, OTHER).is_some()), (None, true));
    assert_eq!(all.terms(&with_one()), None, "without a system's words nobody can say what goes over");
}

#[test]
fn terms_say_in_words_what_becomes_of_personal_data_and_where() {
    let mut rules = rules();
    let everywhere =
        [(Class::Email, Action::Pseudonymize), (Class::Iban, Action::Mask), (Class::Ip, Action::Pass)];
    let whole = |action: Action| PlaceTerms { whole: Some(action), classes: BTreeMap::new() };
    let cards = PlaceTerms { whole: None, classes: BTreeMap::from([(Class::Card, Action::Drop)]) };
    let mut redaction = Redaction {
        classes: everywhere.into(),
        places: BTreeMap::from([
            (Place::Field(Field::Title), whole(Action::Pass)),
            (Place::Field(Field::Custom("Site".to_owned())), whole(Action::Drop)),
            (Place::Comments, cards),
            (Place::Authors, whole(Action::Mask)),
            (Place::FileNames, whole(Action::Pseudonymize)),
            (Place::Files, whole(Action::Drop)),
        ]),
        ..redaction()
    };
    let mut told = |redaction: &Redaction| {
        between(&mut rules, ONE).redaction = Some(redaction.clone());
        rules.terms(&with_one()).unwrap().document()["redaction"].clone()
    };
    let mut expected = json!({
        "classes": { "email": "pseudonymize", "iban": "mask", "ip": "pass" },
        "places": {
            "title": { "everything": "pass" },
            "field:Site": { "everything": "drop" },
            "comments": { "card": "drop" },
            "authors": { "everything": "mask" },
            "file names": { "everything": "pseudonymize" },
            "files": { "everything": "drop" },
        },
        "other_files": "send",
        "leftover": "tell",
    });
    assert_eq!(told(&redaction), expected);
    redaction.leftover = Leftover::Hold;
    expected["leftover"] = json!("hold");
    for (other_files, word) in [(OtherFiles::Hold, "hold"), (OtherFiles::Drop, "drop")] {
        redaction.other_files = other_files;
        expected["other_files"] = json!(word);
        assert_eq!(told(&redaction), expected);
    }
}
