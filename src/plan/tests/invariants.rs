//! The invariants: people type at random on two to four desks, the carrier loses answers and drops intents,
//! readings come late and twice; once all that ends, the case comes to rest and everything has arrived once.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::{prop_assert, prop_assert_eq, proptest};
use throughline_sdk::ticket::canonical_text;
use throughline_sdk::{Operation, Visibility};

use super::privacy::redaction;
use super::world::{HOME, Outcome, PARTNER, VENDOR, World, name};
use crate::agreement::{OtherFiles, Policy, Redaction, Refused, Release, Sharing};
use crate::case::{Field, Fingerprint, Item, Priority, Status};
use crate::plan::native::{answers, same, value_in};

pub(crate) const DESKS: [&str; 4] = [HOME, PARTNER, VENDOR, "isv"];

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Type { desk: usize, field: usize, choice: usize },
    Say { desk: usize, visibility: Visibility },
    Attach { desk: usize, visibility: Visibility },
    EditComment { desk: usize, at: usize },
    DeleteComment { desk: usize, at: usize },
    Show { desk: usize, at: usize, visibility: Visibility },
    Read { desks: u8, twice: bool },
    Deliver { desk: usize, outcome: Outcome },
}

fn visibility() -> impl Strategy<Value = Visibility> {
    prop_oneof![3 => Just(Visibility::Public), 1 => Just(Visibility::Internal), 1 => Just(Visibility::Unknown)]
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let outcome = prop_oneof![
        4 => Just(Outcome::Done),
        1 => Just(Outcome::DoneAnswerLost),
        1 => Just(Outcome::LostOnTheWay),
        1 => Just(Outcome::Dropped),
    ];
    let desk = 0..DESKS.len();
    prop_oneof![
        3 => (desk.clone(), 0..5usize, 0..6usize).prop_map(|(desk, field, choice)| Step::Type { desk, field, choice }),
        2 => (desk.clone(), visibility()).prop_map(|(desk, visibility)| Step::Say { desk, visibility }),
        1 => (desk.clone(), visibility()).prop_map(|(desk, visibility)| Step::Attach { desk, visibility }),
        1 => (desk.clone(), 0..4usize).prop_map(|(desk, at)| Step::EditComment { desk, at }),
        1 => (desk.clone(), 0..4usize).prop_map(|(desk, at)| Step::DeleteComment { desk, at }),
        1 => (desk.clone(), 0..4usize, visibility())
            .prop_map(|(desk, at, visibility)| Step::Show { desk, at, visibility }),
        4 => (any::<u8>(), any::<bool>()).prop_map(|(desks, twice)| Step::Read { desks, twice }),
        6 => (desk, outcome).prop_map(|(desk, outcome)| Step::Deliver { desk, outcome }),
    ]
}

pub(crate) fn policy() -> impl Strategy<Value = Policy> {
    prop_oneof![
        Just(Policy::OwnerHome),
        Just(Policy::OwnerCounterpart),
        Just(Policy::Latest),
        Just(Policy::MostAdvanced),
        Just(Policy::Union),
        Just(Policy::Manual),
    ]
}

pub(crate) fn take(world: &mut World, step: &Step, desks: usize) {
    let desk = |desk: usize| DESKS[desk % desks];
    match *step {
        Step::Type { desk: at, field, choice } => world.person(desk(at), |ticket, tick| match field {
            0 => ticket.title = ["one", "two Ada", "three  words", "x"][choice % 4].to_owned(),
            1 => {
                ticket.description =
                    ["a\nb", "ask ADA LOVELACE", "", "c\n\nd@e.example"][choice % 4].to_owned()
            }
            2 => ticket.status = ["New", "Open", "Waiting", "Done", "Weird", "Open"][choice].to_owned(),
            3 => ticket.priority = Some(["Low", "Normal", "High", "Top", "Odd", "Low"][choice].to_owned()),
            _ => {
                ticket.fields.insert("tags".to_owned(), format!("t{}, t{tick}", choice % 3));
            }
        }),
        Step::Say { desk: at, visibility } => {
            let text = if visibility == Visibility::Public { "said" } else { "SECRET" };
            world.says(desk(at), &format!("{text} {}", world.tick), visibility);
        }
        Step::Attach { desk: at, visibility } => world.attaches(desk(at), 10, visibility),
        Step::EditComment { desk: at, at: index } => world.person(desk(at), |ticket, tick| {
            let own = ticket.comments.iter_mut().filter(|it| it.visibility == Visibility::Public);
            if let Some(comment) = own.filter(|it| it.marker.is_none()).nth(index) {
                comment.body = format!("edited {tick}");
            }
        }),
        Step::DeleteComment { desk: at, at: index } => world.person(desk(at), |ticket, _| {
            if ticket.comments.get(index).is_some_and(|it| it.marker.is_none()) {
                ticket.comments.remove(index);
            }
        }),
        // What was secret stays secret here, so that its text may be looked for everywhere.
        Step::Show { desk: at, at: index, visibility } => world.person(desk(at), |ticket, _| {
            let own = ticket.comments.get_mut(index).filter(|it| it.marker.is_none());
            if let Some(comment) = own.filter(|it| !it.body.contains("SECRET")) {
                comment.visibility = visibility;
            }
        }),
        Step::Read { desks: mask, twice } => {
            let read: Vec<&str> =
                (0..desks).filter(|bit| mask >> bit & 1 == 1).map(|bit| DESKS[bit]).collect();
            // A case is opened from one reading.
            let opened = !world.case.legs.is_empty();
            if opened || read.contains(&HOME) {
                let read = if opened { read } else { vec![HOME] };
                let plan = world.observe(&read);
                // Bytes that were stored in between are news.
                let lacks = plan.unstored.is_empty() && plan.unnamed.is_empty() && plan.unprepared.is_empty();
                if twice && lacks {
                    let again = world.plan(&read, &BTreeSet::new());
                    assert!(again.facts.is_empty(), "the same reading twice: {again:#?}");
                }
            }
        }
        Step::Deliver { desk: at, outcome } => world.deliver(desk(at), outcome),
    }
}

/// Every shared field agrees under its projection, or stands in a dispute, or is parked.
fn converged(world: &World) -> Result<(), String> {
    let sharing = Sharing::of(&world.rules, &world.case, super::world::at(world.tick));
    for (system, ticket) in &world.tickets {
        let leg = &world.case.legs[system];
        for (field, document) in &world.case.document.fields {
            let item = Item::Field(field.clone());
            if world.case.document.conflicts.contains_key(field) || leg.parked.contains_key(&item) {
                continue;
            }
            let native = value_in(ticket, field);
            let release = Release { names: &world.names, approved: true };
            let shown =
                world.rules.project(system, sharing.agreement(system), field, &document.value, &release);
            let means = world
                .rules
                .lift(system, sharing.agreement(system), field, native, &world.names)
                .ok()
                .flatten();
            let says_it = means.as_deref() == Some(document.value.as_str());
            // What this very leg says by itself has no pseudonym as long as it need not be told.
            let shown = match shown {
                Ok(shown) => Some(shown.into_intent()),
                Err(Refused::Unnamed(_)) if document.from == *system || says_it => None,
                Err(refused) => return Err(refused.to_string()),
            };
            let shown = shown.as_deref();
            let fits = shown.is_some_and(|shown| same(field, shown, native) || answers(field, shown, native))
                || means.as_deref() == Some(&document.value);
            if !fits || leg.shadow.fields[field].agreed != Some(Fingerprint::of(&document.value)) {
                return Err(format!("{system} has {field} {native:?} for {document:?}: {leg:#?}"));
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 200, ..Default::default() })]

    #[test]
    fn everything_arrives_once_and_then_there_is_silence(
        desks in 2..5usize,
        policy in policy(),
        edits in any::<bool>(),
        private in any::<bool>(),
        steps in vec(step(), 0..60),
    ) {
        let mut world = World::new(&DESKS[1..desks], policy, HOME);
        for able in world.able.values_mut() {
            able.edit = edits;
            able.retract = edits;
        }
        if private {
            let redaction = Redaction { other_files: OtherFiles::Send, ..redaction() };
            world.rules.agreements.values_mut().for_each(|it| it.redaction = Some(redaction.clone()));
        }
        for step in &steps {
            take(&mut world, step, desks);
        }
        world.settle();

        prop_assert_eq!(converged(&world), Ok(()));
        let writes = world.writes.len();
        world.settle();
        prop_assert_eq!(world.writes.len(), writes, "silence");

        for (_, intent) in &world.writes {
            let text = format!("{intent:?}");
            prop_assert!(!text.contains("SECRET"), "{}", text);
        }
        for (system, intent) in world.writes.iter().filter(|(system, _)| private && system.as_str() != HOME) {
            let text = format!("{:?}", intent.operation).to_lowercase();
            prop_assert!(!text.contains("ada") && !text.contains("e.example"), "{} is told {}", system, text);
        }
        let facts = format!("{:?}", world.case);
        prop_assert!(!facts.contains("SECRET"), "withheld text stands nowhere");
        let creates = world.writes.iter().filter(|(_, intent)| matches!(intent.operation, Operation::Create(_)));
        prop_assert_eq!(creates.count(), desks - 1);

        for (system, ticket) in &world.tickets {
            let leg = &world.case.legs[system];
            for (origin, remark) in &world.case.document.remarks {
                if origin.system == *system {
                    continue;
                }
                let copies = leg.shadow.comments.values().filter(|seen| seen.origin == *origin && !seen.gone);
                let (copies, versions) = (copies.count(), usize::try_from(remark.version).unwrap());
                if edits {
                    prop_assert_eq!(copies, usize::from(!remark.withdrawn));
                } else {
                    prop_assert!(copies <= versions && (remark.withdrawn || copies > 0));
                }
            }
            for (origin, file) in world.case.document.attachments.iter().filter(|(it, _)| it.system != *system) {
                let copies = ticket.files.iter().filter(|it| {
                    leg.shadow.files.get(&it.id).is_some_and(|seen| seen.origin == *origin)
                });
                prop_assert_eq!(copies.count(), 1, "{:?}", file);
            }
            // No comment of ours is unknown, so none was made twice.
            for comment in ticket.comments.iter().filter(|comment| comment.marker.is_some()) {
                prop_assert!(leg.shadow.comments.contains_key(&comment.id));
            }
            let mut markers = BTreeMap::new();
            for marker in ticket.comments.iter().filter_map(|comment| comment.marker.as_ref()) {
                *markers.entry(marker).or_insert(0) += 1;
            }
            prop_assert!(markers.values().all(|count| *count == 1));
        }
    }

    #[test]
    fn comments_arrive_in_the_order_of_their_source(count in 1..12usize, reads in vec(any::<bool>(), 12)) {
        let mut world = World::calm(&[PARTNER], Policy::Latest);
        for (said, read) in (0..count).zip(reads) {
            world.says(HOME, &format!("{said:02}"), Visibility::Public);
            if read {
                world.observe(&[HOME]);
                world.deliver(PARTNER, Outcome::Done);
            }
        }
        world.settle();
        let bodies: Vec<_> =
            world.tickets[&name(PARTNER)].comments.iter().map(|it| it.body.clone()).collect();
        let expected: Vec<_> = (0..count).map(|said| format!("Ada (HOME):\n\n{said:02}")).collect();
        prop_assert_eq!(bodies, expected);
    }

    #[test]
    fn arbitrary_tickets_neither_panic_nor_loop(
        title in ".*", description in "(?s).*", status in ".*", priority in ".*",
        bodies in vec(("(?s).*", ".*", visibility()), 0..5),
    ) {
        let mut world = World::calm(&[PARTNER, VENDOR], Policy::Latest);
        for (body, author, visibility) in &bodies {
            world.says(PARTNER, body, *visibility);
            world.person(PARTNER, |ticket, _| {
                ticket.comments.last_mut().unwrap().author.name.clone_from(author);
            });
        }
        world.person(PARTNER, |ticket, _| {
            ticket.title.clone_from(&title);
            ticket.description.clone_from(&description);
            ticket.status.clone_from(&status);
            ticket.priority = Some(priority.clone());
        });
        world.settle();
        prop_assert_eq!(converged(&world), Ok(()));
    }

    #[test]
    fn text_and_projection_are_idempotent(text in "(?s).*") {
        let once = canonical_text(&text);
        prop_assert_eq!(canonical_text(&once), once.clone());
        let world = World::new(&[PARTNER], Policy::Latest, HOME);
        let partner = name(PARTNER);
        let release = Release { names: &world.names, approved: false };
        let shown = world.rules.project(&partner, None, &Field::Title, &text, &release).unwrap().into_intent();
        let again = world.rules.project(&partner, None, &Field::Title, &shown, &release).unwrap().into_intent();
        prop_assert_eq!(again, shown);
    }
}

/// Put-get: what is written and read is, written again, the same. Get-put: what is read and written is the same
/// word, or another of the same meaning.
#[test]
fn words_obey_the_laws_on_what_they_can_say() {
    let world = World::new(&[PARTNER], Policy::Latest, HOME);
    let release = Release { names: &world.names, approved: false };
    for system in [HOME, PARTNER].map(name) {
        let statuses = Status::ALL.map(|status| (Field::Status, status.word()));
        let priorities = Priority::ALL.map(|priority| (Field::Priority, priority.word()));
        for (field, word) in statuses.into_iter().chain(priorities) {
            let agreement = world.rules.agreements.values().find(|it| it.counterpart == system);
            let Ok(shown) = world.rules.project(&system, agreement, &field, word, &release) else { continue };
            let shown = shown.into_intent();
            let read = world.rules.lift(&system, agreement, &field, &shown, &world.names).unwrap().unwrap();
            let again =
                world.rules.project(&system, agreement, &field, &read, &release).unwrap().into_intent();
            assert_eq!(again, shown, "{system} {field} {word}");
        }
    }
}
