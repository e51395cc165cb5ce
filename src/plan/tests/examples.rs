//! The planner's rules, one by one, by example.

use throughline_sdk::{CommentId, Operation, Visibility};

use super::world::{HOME, Outcome, PARTNER, VENDOR, World, name};
use crate::agreement::{Direction, Expression, Policy};
use crate::case::{Fact, Field, Health, Item, Origin};

fn bodies(world: &World, system: &str) -> Vec<String> {
    world.tickets[&name(system)].comments.iter().map(|comment| comment.body.clone()).collect()
}

#[test]
fn a_home_ticket_opens_a_case_and_creates_the_counterparts_ticket() {
    let world = World::calm(&[PARTNER], Policy::Latest);
    let made = &world.tickets[&name(PARTNER)];
    assert_eq!((made.title.as_str(), made.priority.as_deref()), ("Printer burns", Some("Normal")));
    assert_eq!(made.references[0].label, "HOME #1");
    assert_eq!(made.references[0].url, None, "the home desk's address is nobody else's concern");
    let home = &world.tickets[&name(HOME)];
    assert_eq!(home.references[0].label, "PARTNER #77");
    let creates = world.writes.iter().filter(|(_, intent)| matches!(intent.operation, Operation::Create(_)));
    assert_eq!(creates.count(), 1);
}

#[test]
fn a_counterparts_ticket_opens_a_case_at_home_and_home_passes_it_on() {
    let mut world = World::new(&[PARTNER, VENDOR], Policy::Latest, PARTNER);
    world.says(PARTNER, "first", Visibility::Public);
    world.settle();
    assert_eq!(world.tickets.len(), 3);
    assert_eq!(bodies(&world, VENDOR), ["Ada (PARTNER):\n\nfirst"]);
    assert_eq!(bodies(&world, HOME), ["Ada (PARTNER):\n\nfirst"]);
}

#[test]
fn a_counterparts_comment_stays_away_from_another_that_it_was_not_introduced_to() {
    let mut world = World::new(&[PARTNER, VENDOR], Policy::Latest, HOME);
    for agreement in world.rules.agreements.values_mut() {
        agreement.introduces.clear();
    }
    world.settle();
    world.says(PARTNER, "for home only", Visibility::Public);
    world.settle();
    assert!(bodies(&world, VENDOR).is_empty());
    assert_eq!(bodies(&world, HOME).len(), 1);
}

#[test]
fn a_ticket_that_no_agreement_takes_opens_nothing() {
    let mut world = World::new(&[PARTNER], Policy::Latest, HOME);
    for agreement in world.rules.agreements.values_mut() {
        agreement.outbound = None;
    }
    assert_eq!(world.observe(&[HOME]), crate::plan::Plan::default());
    assert!(world.case.legs.is_empty());
}

#[test]
fn what_is_not_public_never_leaves() {
    for visibility in [Visibility::Internal, Visibility::Unknown] {
        let mut world = World::calm(&[PARTNER], Policy::Latest);
        world.says(HOME, "SECRET", visibility);
        world.attaches(HOME, 5, visibility);
        let facts = format!("{:?}", world.observe(&[HOME]).facts);
        assert!(facts.contains("Withheld") && !facts.contains("SECRET"), "{facts}");
        assert!(!facts.contains("Intended"), "{facts}");
        world.settle();
        assert!(bodies(&world, PARTNER).is_empty());
        assert!(world.tickets[&name(PARTNER)].files.is_empty());
    }
}

#[test]
fn a_comment_that_turns_public_is_sent_and_one_that_turns_internal_is_taken_back() {
    let mut world = World::calm(&[PARTNER], Policy::Latest);
    world.says(HOME, "text", Visibility::Internal);
    world.settle();
    world.person(HOME, |ticket, _| ticket.comments[0].visibility = Visibility::Public);
    world.settle();
    assert_eq!(bodies(&world, PARTNER), ["Ada (HOME):\n\ntext"]);
    world.person(HOME, |ticket, _| ticket.comments[0].visibility = Visibility::Internal);
    world.settle();
    assert!(bodies(&world, PARTNER).is_empty());
    world.person(HOME, |ticket, _| ticket.comments[0].visibility = Visibility::Public);
    world.settle();
    assert_eq!(bodies(&world, PARTNER).len(), 1, "and it comes back with the next change");
}

#[test]
fn an_edit_is_carried_in_place_or_as_a_comment_of_its_own() {
    for (edit, expected) in [
        (true, vec!["Ada (HOME):\n\nnew"]),
        (false, vec!["Ada (HOME):\n\nold", "Ada (HOME) (edited):\n\nnew"]),
    ] {
        let mut world = World::calm(&[PARTNER], Policy::Latest);
        world.able.get_mut(&name(PARTNER)).unwrap().edit = edit;
        world.says(HOME, "old", Visibility::Public);
        world.settle();
        world.person(HOME, |ticket, _| "new".clone_into(&mut ticket.comments[0].body));
        world.settle();
        assert_eq!(bodies(&world, PARTNER), expected);
    }
}

#[test]
fn a_copy_that_somebody_deletes_or_edits_there_is_left_alone() {
    let mut world = World::calm(&[PARTNER], Policy::Latest);
    world.says(HOME, "one", Visibility::Public);
    world.says(HOME, "two", Visibility::Public);
    world.settle();
    let before = world.writes.len();
    world.person(PARTNER, |ticket, _| {
        ticket.comments.remove(0);
        "vandalized".clone_into(&mut ticket.comments[0].body);
    });
    world.settle();
    assert_eq!(world.writes.len(), before);
}

#[test]
fn a_quoted_marker_does_not_hide_a_comment() {
    let mut world = World::calm(&[PARTNER], Policy::Latest);
    world.says(HOME, "question", Visibility::Public);
    world.settle();
    let marker = world.tickets[&name(PARTNER)].comments[0].marker.clone();
    world.says(PARTNER, "> question\n\nanswer", Visibility::Public);
    world.tickets.get_mut(&name(PARTNER)).unwrap().comments[1].marker = marker;
    world.settle();
    assert_eq!(bodies(&world, HOME)[1], "Ada (PARTNER):\n\n> question\n\nanswer");
}

#[test]
fn an_unknown_status_is_parked_and_written_by_nobody() {
    let mut world = World::calm(&[PARTNER], Policy::Latest);
    let before = world.changes();
    world.person(PARTNER, |ticket, _| "Weird".clone_into(&mut ticket.status));
    world.settle();
    assert!(world.is_parked(PARTNER, &Item::Field(Field::Status)));
    world.person(HOME, |ticket, _| "Open".clone_into(&mut ticket.status));
    world.settle();
    assert_eq!(world.tickets[&name(PARTNER)].status, "Weird");
    assert_eq!(world.changes(), before);
    world.person(PARTNER, |ticket, _| "Done".clone_into(&mut ticket.status));
    world.settle();
    assert!(!world.is_parked(PARTNER, &Item::Field(Field::Status)));
    assert_eq!(world.tickets[&name(HOME)].status, "Done");
}

#[test]
fn an_unknown_word_counts_once_it_is_explained_and_tried_again() {
    let mut world = World::calm(&[PARTNER], Policy::OwnerHome);
    world.person(PARTNER, |ticket, _| "Weird".clone_into(&mut ticket.status));
    world.settle();
    let words = &mut world.rules.systems.get_mut(&name(PARTNER)).unwrap().status.read;
    words.insert("Weird".to_owned(), crate::case::Status::Closed);
    let item = Item::Field(Field::Status);
    let again = Fact::Unparked {
        leg: name(PARTNER),
        item: item.clone(),
        discarded: false,
        by: String::new(),
        reason: String::new(),
    };
    world.case.apply(&again, super::world::at(world.tick));
    assert_eq!(world.observe(&[]).unread, [], "nothing is written to it that would have to be compared");
    world.settle();
    assert!(!world.is_parked(PARTNER, &item));
    assert_eq!(world.tickets[&name(HOME)].status, "Closed");
}

#[test]
fn a_value_without_a_word_is_parked() {
    let mut world = World::calm(&[PARTNER], Policy::Latest);
    world.person(HOME, |ticket, _| "Rejected".clone_into(&mut ticket.status));
    world.settle();
    assert!(world.is_parked(PARTNER, &Item::Field(Field::Status)));
    world.person(HOME, |ticket, _| "Waiting".clone_into(&mut ticket.status));
    world.settle();
    assert_eq!(world.tickets[&name(PARTNER)].status, "Waiting", "another value is tried anew");
    assert!(!world.is_parked(PARTNER, &Item::Field(Field::Status)));
}

#[test]
fn a_change_against_the_direction_is_put_right() {
    let mut world = World::new(&[PARTNER], Policy::Latest, HOME);
    let agreement = world.rules.agreements.values_mut().next().unwrap();
    agreement.fields.get_mut(&Field::Title).unwrap().direction = Direction::Outbound;
    agreement.fields.get_mut(&Field::Status).unwrap().direction = Direction::Inbound;
    world.settle();
    world.person(PARTNER, |ticket, _| "mine".clone_into(&mut ticket.title));
    world.person(PARTNER, |ticket, _| "Done".clone_into(&mut ticket.status));
    world.settle();
    world.person(HOME, |ticket, _| "Open".clone_into(&mut ticket.status));
    world.settle();
    assert_eq!(world.tickets[&name(PARTNER)].title, "Printer burns");
    assert_eq!(world.tickets[&name(HOME)].status, "Done");
}

#[test]
fn a_field_outside_the_agreement_stands_in_no_fact() {
    let mut world = World::new(&[PARTNER], Policy::Latest, HOME);
    world.person(HOME, |ticket, _| {
        ticket.fields.insert("cost centre".to_owned(), "SECRET".to_owned());
    });
    for agreement in world.rules.agreements.values_mut() {
        agreement.fields.remove(&Field::Description);
    }
    let facts = format!("{:?}", world.observe(&[HOME]).facts);
    assert!(!facts.contains("SECRET") && !facts.contains("burns."), "{facts}");
}

#[test]
fn what_a_lossy_word_hides_is_not_played_back() {
    let mut world = World::calm(&[PARTNER], Policy::Latest);
    world.person(HOME, |ticket, _| ticket.priority = Some("Top".to_owned()));
    world.settle();
    assert_eq!(world.tickets[&name(PARTNER)].priority.as_deref(), Some("High"));
    assert_eq!(world.value(&Field::Priority), Some("urgent"));
    let before = world.writes.len();
    world.person(HOME, |ticket, _| "Fresh".clone_into(&mut ticket.status));
    world.settle();
    assert_eq!(world.tickets[&name(HOME)].status, "Fresh", "two words of one meaning");
    assert_eq!(world.writes.len(), before);
}

#[test]
fn a_title_that_the_desk_tidied_is_no_change() {
    let mut world = World::calm(&[PARTNER], Policy::OwnerCounterpart);
    let long = "Printer  on floor three burns   since this morning, and nobody dares to open it";
    world.person(HOME, |ticket, _| long.clone_into(&mut ticket.title));
    world.settle();
    assert_eq!(world.tickets[&name(HOME)].title, long);
}

#[test]
fn a_doubtful_field_is_decided_by_what_is_read() {
    for (outcome, writes) in [(Outcome::DoneAnswerLost, 1), (Outcome::LostOnTheWay, 1)] {
        let mut world = World::calm(&[PARTNER], Policy::Latest);
        let before = world.changes();
        world.person(HOME, |ticket, _| "Waiting".clone_into(&mut ticket.status));
        world.observe(&[HOME]);
        world.deliver(PARTNER, outcome);
        assert!(world.observe(&[HOME]).facts.is_empty(), "nothing is planned while in doubt");
        world.settle();
        assert_eq!(world.tickets[&name(PARTNER)].status, "Waiting");
        assert_eq!(world.changes(), before + writes, "{outcome:?}");
    }
}

#[test]
fn a_doubtful_comment_is_known_by_its_marker() {
    let mut world = World::calm(&[PARTNER], Policy::Latest);
    world.says(HOME, "once", Visibility::Public);
    world.observe(&[HOME]);
    world.deliver(PARTNER, Outcome::DoneAnswerLost);
    let plan = world.observe(&[PARTNER]);
    assert!(plan.facts.iter().any(|fact| matches!(fact, Fact::Effected { found: true, .. })));
    world.settle();
    assert_eq!(bodies(&world, PARTNER).len(), 1);
}

#[test]
fn a_text_is_let_go_once_everybody_has_it_and_read_again_for_who_joins_later() {
    let mut world = World::new(&[PARTNER, VENDOR], Policy::Latest, HOME);
    let vendor = world.rules.agreements.values_mut().find(|it| it.counterpart == name(VENDOR)).unwrap();
    vendor.outbound = Some(Expression::compile("ticket.title.lower().contains('vendor')").unwrap());
    world.says(HOME, "early", Visibility::Public);
    world.settle();
    let id = world.tickets[&name(HOME)].comments[0].id.to_string();
    let origin = Origin { system: name(HOME), id };
    assert_eq!(world.case.document.remarks[&origin].body, None);
    world.person(HOME, |ticket, _| "now with Vendor".clone_into(&mut ticket.title));
    world.settle();
    assert_eq!(bodies(&world, VENDOR), ["Ada (HOME):\n\nearly"]);
}

#[test]
fn a_file_too_large_is_parked_and_the_others_pass() {
    let mut world = World::calm(&[PARTNER], Policy::Latest);
    world.attaches(HOME, 1001, Visibility::Public);
    world.attaches(HOME, 1000, Visibility::Public);
    world.settle();
    assert_eq!(world.tickets[&name(PARTNER)].files.len(), 1);
    assert_eq!(world.case.legs[&name(PARTNER)].parked.len(), 1);
}

#[test]
fn a_comment_whose_origin_is_forged_as_an_id_stays_with_its_system() {
    let mut world = World::calm(&[PARTNER], Policy::Latest);
    world.says(PARTNER, "x", Visibility::Public);
    world.tickets.get_mut(&name(PARTNER)).unwrap().comments[0].id = CommentId::new("helpdesk#1\n..");
    world.settle();
    assert_eq!(bodies(&world, HOME).len(), 1);
}

#[test]
fn what_stood_otherwise_at_the_first_reading_is_put_right_and_told() {
    let mut world = World::new(&[PARTNER], Policy::Latest, HOME);
    world.observe(&[HOME]);
    world.deliver(PARTNER, Outcome::Done);
    world.person(PARTNER, |ticket, _| "In between".clone_into(&mut ticket.title));
    let facts = world.observe(&[PARTNER]).facts;
    let told = facts.iter().any(|fact| {
        matches!(fact, Fact::Changed { field: Field::Title, value, overruled, .. }
            if value == "Printer burns" && overruled[&name(PARTNER)] == "In between")
    });
    assert!(told, "{facts:#?}");
    world.settle();
    assert_eq!(world.tickets[&name(PARTNER)].title, "Printer burns");
}

#[test]
fn a_late_leg_asks_at_once_for_every_leg_whose_texts_are_kept_nowhere_else() {
    let mut world = World::new(&[PARTNER, VENDOR], Policy::Latest, HOME);
    let late = world.rules.agreements.iter().find(|(_, agreement)| agreement.counterpart == name(VENDOR));
    let (late, agreement) = late.map(|(name, agreement)| (name.clone(), agreement.clone())).unwrap();
    world.rules.agreements.remove(&late);
    world.settle();
    for system in [PARTNER, HOME, PARTNER, HOME] {
        world.says(system, &format!("from {system}"), Visibility::Public);
        world.settle();
    }
    world.rules.agreements.insert(late, agreement);
    world.observe(&[HOME]);
    world.deliver(VENDOR, Outcome::Done);
    let unread = world.observe(&[VENDOR]).unread;
    assert!(unread.contains(&name(HOME)) && unread.contains(&name(PARTNER)), "{unread:?}");
    // The links between the tickets are under way first.
    while !world.case.legs[&name(VENDOR)].outstanding.is_empty() {
        world.deliver(VENDOR, Outcome::Done);
    }
    let plan = world.observe(&[HOME, PARTNER, VENDOR]);
    let comments =
        plan.facts.iter().filter(|fact| matches!(fact, Fact::Intended { item: Item::Remark(_), .. }));
    assert_eq!(comments.count(), 4, "one reading of each is enough: {:#?}", plan.facts);
}

#[test]
fn a_comments_text_is_kept_only_while_a_leg_that_is_shown_it_lacks_it() {
    let mut world = World::new(&[PARTNER, VENDOR], Policy::Latest, HOME);
    for agreement in world.rules.agreements.values_mut() {
        agreement.introduces.clear();
    }
    world.settle();
    world.says(PARTNER, "for home only", Visibility::Public);
    world.observe(&[PARTNER]);
    assert!(world.case.document.remarks.values().all(|remark| remark.body.is_some()));
    world.settle();
    assert!(world.case.document.remarks.values().all(|remark| remark.body.is_none()));
}

/// Neither a leg that is gone nor one that did not take the request on is ever shown it.
#[test]
fn a_comments_text_is_not_kept_for_a_leg_that_will_not_be_shown_it() {
    let mut gone = World::calm(&[PARTNER], Policy::Latest);
    gone.tell(Fact::Ailed { leg: name(PARTNER), health: Health::Gone, reason: "404".to_owned() });
    let handshake = super::handshake::handshake();
    let mut refused = super::handshake::world(&[PARTNER], HOME, &handshake);
    refused.settle();
    refused.says(PARTNER, "REJECT: no", Visibility::Public);
    refused.settle();
    for (what, mut world) in [("gone", gone), ("refused", refused)] {
        world.says(HOME, "later", Visibility::Public);
        world.observe(&[HOME]);
        let remarks = &world.case.document.remarks;
        assert!(remarks.values().all(|remark| remark.body.is_none()), "{what}: {remarks:#?}");
    }
}

#[test]
fn an_echo_that_lost_its_formatting_overwrites_nothing() {
    for (text, kept) in [
        (
            "**Fire** in [room 4](https://a.test/4)\n- ~~one~~\n- two",
            "Fire in room 4 \\<https://a.test/4>\n\\- one\n\\- two",
        ),
        ("a * b and c_d", "a * b and c\\_d"),
    ] {
        let mut world = World::calm(&[PARTNER], Policy::Latest);
        world.person(HOME, |ticket, _| text.clone_into(&mut ticket.description));
        world.observe(&[HOME]);
        world.deliver(PARTNER, Outcome::Done);
        // What a desk for plain text, or one with an order of its own, gives back.
        let there = world.tickets.get_mut(&name(PARTNER)).unwrap();
        assert_eq!(there.description, text);
        kept.clone_into(&mut there.description);
        let writes = world.writes.len();
        world.settle();
        assert_eq!(world.value(&Field::Description), Some(text));
        assert_eq!(world.tickets[&name(HOME)].description, text);
        assert_eq!(world.writes.len(), writes, "and nothing is written again");
        // What its people write is theirs all the same.
        world.person(PARTNER, |ticket, _| "Put out.".clone_into(&mut ticket.description));
        world.settle();
        assert_eq!(world.tickets[&name(HOME)].description, "Put out.");
    }
}

#[test]
fn what_reading_lost_is_said_once_for_each_text() {
    let mut world = World::calm(&[PARTNER], Policy::Latest);
    world.says(HOME, "a | b", Visibility::Public);
    world.person(HOME, |ticket, _| {
        let id = ticket.comments[0].id.clone();
        let lost = |comment, what: &str| throughline_sdk::Lost { comment, what: what.to_owned() };
        ticket.lost =
            vec![lost(None, "colour was dropped"), lost(Some(id), "a table was kept as lines of text")];
    });
    let said = |facts: &[Fact]| -> Vec<String> {
        let mut said = Vec::new();
        for fact in facts {
            if let Fact::Observed { reading, .. } = fact {
                said.extend(reading.lost.iter().cloned());
                said.extend(reading.comments.iter().flat_map(|comment| comment.lost.iter().cloned()));
            }
        }
        said
    };
    assert_eq!(
        said(&world.observe(&[HOME]).facts),
        ["a table was kept as lines of text"],
        "the description is as before"
    );
    world.settle();
    world.person(HOME, |_, _| {});
    assert!(said(&world.observe(&[HOME]).facts).is_empty());
    world.person(HOME, |ticket, _| "new".clone_into(&mut ticket.description));
    assert_eq!(said(&world.observe(&[HOME]).facts), ["colour was dropped"]);
}
