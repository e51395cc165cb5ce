//! Minimum information: no ticket goes to a counterpart before it has what the agreement requires.

use throughline_sdk::{Operation, Visibility};

use super::world::{HOME, PARTNER, VENDOR, World, name};
use crate::agreement::{Expression, Policy, Requirement};
use crate::case::{AgreementVersion, Fact, Item};

fn requirement(name: &str, condition: &str, message: &str) -> Requirement {
    Requirement {
        name: name.to_owned(),
        condition: Expression::compile(condition).unwrap(),
        message: message.to_owned(),
    }
}

fn demanding() -> World {
    let mut world = World::new(&[PARTNER, VENDOR], Policy::Latest, HOME);
    let partner = world.rules.agreements.values_mut().find(|it| it.counterpart == name(PARTNER)).unwrap();
    partner.require = vec![
        requirement("contact", "ticket.fields.tags.contains('contact')", "whom to call"),
        requirement("impact", "ticket.priority >= 'high'", "a high impact"),
        requirement("place", "ticket.type == 'Incident' && system == 'partner'", "a type"),
    ];
    world
}

#[test]
fn a_ticket_that_lacks_something_is_kept_back_with_all_that_it_lacks_and_the_others_go() {
    let mut world = demanding();
    world.settle();
    assert!(!world.tickets.contains_key(&name(PARTNER)));
    assert!(world.tickets.contains_key(&name(VENDOR)), "what one party needs is not the other's concern");
    let parked = &world.case.legs[&name(PARTNER)].parked[&Item::Ticket];
    assert_eq!(
        parked.reason,
        "the agreement partner requires more before PARTNER gets a ticket: whom to call (contact); a high impact \
         (impact); it goes by itself once the home ticket has it"
    );
}

#[test]
fn it_goes_by_itself_once_it_is_complete_with_what_was_said_meanwhile() {
    let mut world = demanding();
    world.settle();
    world.says(HOME, "still waiting", Visibility::Public);
    world.person(HOME, |ticket, _| ticket.priority = Some("Top".to_owned()));
    world.settle();
    let lacking = &world.case.legs[&name(PARTNER)].parked[&Item::Ticket].reason;
    assert!(lacking.contains("whom to call") && !lacking.contains("impact"), "{lacking}");
    world.person(HOME, |ticket, _| _ = ticket.fields.insert("tags".to_owned(), "contact Ada".to_owned()));
    world.settle();
    let made = &world.tickets[&name(PARTNER)];
    assert_eq!(made.priority.as_deref(), Some("High"), "a top priority is shown as high");
    assert_eq!(made.comments.len(), 1);
    assert!(world.case.legs[&name(PARTNER)].parked.is_empty());
    let creates = world
        .writes
        .iter()
        .filter(|(leg, intent)| *leg == name(PARTNER) && matches!(intent.operation, Operation::Create(_)));
    assert_eq!(creates.count(), 1);
}

#[test]
fn what_is_kept_back_is_said_once() {
    let mut world = demanding();
    world.settle();
    let plan = world.observe(&[HOME, VENDOR]);
    assert_eq!(plan.facts, []);
}

#[test]
fn the_version_that_decides_is_recorded_and_again_when_another_one_decides() {
    let mut world = World::new(&[PARTNER], Policy::Latest, HOME);
    let version = |digits: &str| Some(AgreementVersion(digits.to_owned()));
    let set = |world: &mut World, digits: &str| {
        world.rules.agreements.values_mut().next().unwrap().version = version(digits);
    };
    set(&mut world, "one");
    world.settle();
    let recorded = |world: &World| world.case.legs[&name(PARTNER)].version.clone();
    assert_eq!(recorded(&world), version("one"));
    set(&mut world, "two");
    assert_eq!(world.observe(&[HOME, PARTNER]).facts, [], "nothing was decided under it yet");
    world.person(HOME, |ticket, _| "now broken".clone_into(&mut ticket.title));
    let plan = world.observe(&[HOME]);
    let amended = Fact::Amended { leg: name(PARTNER), version: AgreementVersion("two".to_owned()) };
    assert_eq!(plan.facts.iter().filter(|fact| **fact == amended).count(), 1);
    let at = |is: &dyn Fn(&Fact) -> bool| plan.facts.iter().position(is).unwrap();
    assert!(at(&|fact| *fact == amended) < at(&|fact| matches!(fact, Fact::Changed { .. })));
    world.person(HOME, |ticket, _| "broken again".clone_into(&mut ticket.title));
    assert!(!world.observe(&[HOME]).facts.contains(&amended), "it is recorded once");
    assert_eq!(recorded(&world), version("two"));
}
