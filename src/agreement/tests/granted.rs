//! Grants: what one shows, to whom, and what opens without anybody's approval.

use std::collections::BTreeSet;

use throughline_sdk::Visibility;

use super::{HOME, KINDS, ONE, OTHER, VISIBILITIES, at, between, case, name, rules, said, said_as};
use crate::agreement::{Askable, Direction, Grants, Internal, Kind, Rule, Rules, Sharing};
use crate::case::{
    Attachment, Case, Environment, Field, FieldValue, Grant, GrantId, GrantState, Granted, Origin, Priority,
};

fn asset() -> Field {
    Field::Custom("Asset".to_owned())
}

fn site() -> Field {
    Field::Custom("Site".to_owned())
}

/// A grant of the first counterpart that is open.
fn open(what: Granted) -> Grant {
    Grant {
        leg: name(ONE),
        what,
        purpose: "root cause".to_owned(),
        until: at(100),
        by: "Ada".to_owned(),
        party_asks: false,
        public_if_must: false,
        environment: None,
        state: GrantState::Open,
        opened: true,
        approval: None,
        ended: None,
    }
}

fn case_with(grant: Grant) -> Case {
    let mut case = case(&[HOME, ONE, OTHER]);
    case.grants.insert(GrantId(1), grant);
    case
}

/// Rules under which everything may be asked for, from `high` on without approval.
fn asking() -> Rules {
    let mut rules = rules();
    for counterpart in [ONE, OTHER] {
        let fields = [Field::Title, asset(), site()].map(Askable::Field);
        let others = [Askable::InternalComments, Askable::Files, Askable::Environment];
        between(&mut rules, counterpart).grants = Grants {
            may_ask: fields.into_iter().chain(others).collect(),
            at_once_from: Some(Priority::High),
            ..Grants::default()
        };
    }
    rules
}

#[test]
fn a_grant_shows_what_it_names_to_the_party_that_has_it_and_nothing_else() {
    let rules = asking();
    let (public, internal) = (Visibility::Public, Visibility::Internal);
    let one = said(HOME);
    for (what, shown) in [
        (Granted::Field(asset()), vec![]),
        (Granted::Environment, vec![]),
        (Granted::InternalComments, vec![(Kind::Comments, internal, "1"), (Kind::Comments, internal, "2")]),
        (Granted::Comment(one.clone()), vec![(Kind::Comments, internal, "1")]),
        (Granted::Files, vec![(Kind::Files, public, "1"), (Kind::Files, public, "2")]),
        (Granted::File(one), vec![(Kind::Files, public, "1"), (Kind::Files, internal, "1")]),
    ] {
        for public_if_must in [false, true] {
            let case = case_with(Grant { public_if_must, ..open(what.clone()) });
            let sharing = Sharing::of(&rules, &case, at(1));
            for (kind, visibility, id) in KINDS
                .into_iter()
                .flat_map(|kind| VISIBILITIES.map(|visibility| (kind, visibility)))
                .flat_map(|(kind, visibility)| ["1", "2"].map(|id| (kind, visibility, id)))
            {
                let shows = shown.contains(&(kind, visibility, id));
                let words = format!("{what} {kind:?} {visibility:?} {id}");
                let passage = sharing.passage(kind, visibility, &said_as(HOME, id), &name(ONE));
                assert_eq!((passage.passes, passage.rule == Rule::Granted), (shows, shows), "{words}");
                assert_eq!(sharing.takes(kind, visibility, &name(HOME), id), shows, "{words}");
                for (from, to) in [(HOME, OTHER), (OTHER, ONE), (ONE, OTHER), (ONE, HOME), ("nobody", ONE)] {
                    let carried = sharing.carries(kind, visibility, &said_as(from, id), &name(to));
                    assert!(!carried, "{words}: {from} to {to}");
                }
                for from in [ONE, OTHER] {
                    assert!(!sharing.takes(kind, visibility, &name(from), id), "{words}: {from}");
                }
                let in_public =
                    |from: &str, to: &str| sharing.is_public_if_must(kind, &said_as(from, id), &name(to));
                let unseen = shown.contains(&(kind, internal, id));
                assert_eq!(in_public(HOME, ONE), public_if_must && unseen, "{words}");
                assert!(!in_public(HOME, OTHER) && !in_public(OTHER, ONE) && !in_public(ONE, ONE), "{words}");
            }

            let granted = what == Granted::Field(asset());
            let own = BTreeSet::from([Field::Title]);
            let wider = if granted { [Field::Title, asset()].into() } else { own.clone() };
            assert_eq!(
                (sharing.fields(&name(HOME)), sharing.fields(&name(ONE))),
                (wider.clone(), wider),
                "{what}"
            );
            assert_eq!(sharing.fields(&name(OTHER)), own, "{what}");
            assert_eq!(sharing.is_source(&name(HOME), &asset()), granted, "{what}");
            let field = asset();
            let ruling = sharing.ruling(&name(ONE), &field);
            assert_eq!((ruling.passes, ruling.rule == Rule::Granted), (granted, granted), "{what}");
            assert!(!sharing.is_target(&name(OTHER), &asset()) && !sharing.is_source(&name(ONE), &asset()));
            for system in [HOME, ONE, OTHER] {
                let (from, to) =
                    (sharing.is_source(&name(system), &site()), sharing.is_target(&name(system), &site()));
                assert_eq!((from, to), (false, false), "{what}: {system}");
            }
        }
    }
}

#[test]
fn what_is_shared_anyway_is_not_told_as_granted_until_an_end() {
    let mut rules = asking();
    let agreement = between(&mut rules, ONE);
    (agreement.comments, agreement.files) = (Direction::Outbound, Direction::Outbound);
    agreement.internal = Internal::AsInternal;
    let rule = |what: Granted, kind: Kind, visibility: Visibility| {
        let case = case_with(open(what));
        let ruling = Sharing::of(&rules, &case, at(1)).passage(kind, visibility, &said(HOME), &name(ONE));
        assert!(ruling.passes);
        ruling.rule
    };
    assert_eq!(
        rule(Granted::InternalComments, Kind::Comments, Visibility::Internal),
        Rule::Internal(Internal::AsInternal)
    );
    assert_eq!(
        rule(Granted::Files, Kind::Files, Visibility::Public),
        Rule::Said(Kind::Files, Direction::Outbound)
    );
    let case = case_with(open(Granted::Field(Field::Title)));
    let sharing = Sharing::of(&rules, &case, at(1));
    let ruling = sharing.ruling(&name(ONE), &Field::Title);
    assert_eq!((ruling.passes, ruling.rule), (true, Rule::Field(&Field::Title, Direction::Both)));
}

fn with_priority(value: &str, from: &str) -> Case {
    let mut case = case(&[HOME, ONE]);
    let value = FieldValue { value: value.to_owned(), from: name(from), at: at(0) };
    case.document.fields.insert(Field::Priority, value);
    case
}

#[test]
fn from_homes_own_priority_on_nobody_has_to_approve() {
    let grants = asking().agreements.into_values().next().unwrap().grants;
    let grant = open(Granted::InternalComments);
    for (value, from, approved) in [
        ("normal", HOME, false),
        ("high", HOME, true),
        ("urgent", HOME, true),
        ("odd", HOME, false),
        ("urgent", ONE, false),
        ("urgent", "nobody", false),
    ] {
        let by = grants.approve(&grant, &with_priority(value, from));
        assert_eq!(by, approved.then_some(Priority::High), "{value} by {from}");
    }
    assert_eq!(
        grants.approve(&grant, &case(&[HOME, ONE])),
        None,
        "a request without a priority is not urgent"
    );
    let never = Grants { at_once_from: None, ..grants };
    assert_eq!(never.approve(&grant, &with_priority("urgent", HOME)), None);
}

#[test]
fn what_somebody_has_to_look_at_first_is_not_opened_by_urgency() {
    let grants = asking().agreements.into_values().next().unwrap().grants;
    let mut case = with_priority("urgent", HOME);
    let file = |internal: bool, withdrawn: bool| Attachment {
        name: "log.txt".to_owned(),
        media_type: "text/plain".to_owned(),
        size: 1,
        digest: None,
        author: "Ada".to_owned(),
        written: at(0),
        internal,
        withdrawn,
    };
    for (id, internal, withdrawn) in
        [("public", false, false), ("internal", true, false), ("gone", false, true), ("both", true, true)]
    {
        case.document.attachments.insert(said_as(HOME, id), file(internal, withdrawn));
    }
    for id in ["public", "internal", "gone", "both", "unknown"] {
        let by = grants.approve(&open(Granted::File(said_as(HOME, id))), &case);
        assert_eq!(by.is_some(), id == "public", "the file {id}");
    }
    let copy = Environment { label: "erp-copy".to_owned(), reference: "ask Kim".to_owned() };
    for environment in [None, Some(copy)] {
        let named = environment.is_some();
        let grant = Grant { environment, ..open(Granted::Environment) };
        assert_eq!(grants.approve(&grant, &case).is_some(), named, "which copy has to be said");
    }
    let one: Origin = said(HOME);
    for what in [Granted::Field(asset()), Granted::InternalComments, Granted::Comment(one), Granted::Files] {
        assert!(grants.approve(&open(what.clone()), &case).is_some(), "{what}");
    }
}

#[test]
fn what_may_be_asked_for_reads_as_it_is_written() {
    for (words, askable) in [
        ("internal comments", Askable::InternalComments),
        ("files", Askable::Files),
        ("environment", Askable::Environment),
        ("title", Askable::Field(Field::Title)),
        ("field:Asset", Askable::Field(asset())),
    ] {
        assert_eq!((words.parse(), askable.to_string().as_str()), (Ok(askable), words));
    }
    for words in ["", "internal", "Files", "file", "comment:helpdesk#1", "Asset"] {
        let told = words.parse::<Askable>().unwrap_err();
        assert_eq!(told, format!("{words:?} is nothing that can be asked for"));
    }
}
