//! What a party sees, fact by fact: what was done on its ticket, and what its people said there.

use std::collections::BTreeMap;

use throughline_sdk::{
    Changes, CommentId, Digest, FileId, Intent, IntentId, Marker, NewTicket, Operation, Reference, RemoteId,
    Subject, Timestamp, Visibility,
};

use super::privacy::redaction;
use super::seen::seen;
use super::world::{HOME, PARTNER, VENDOR, World, at, name};
use crate::agreement::Policy;
use crate::case::{
    AgreementName, Fact, Field, Fingerprint, GrantId, Granted, Item, Origin, PartyName, Reading,
    ReadingComment, Role,
};
use crate::plan::{Post, Posted, Seen, SeenFile, Side};

pub(super) fn tell(world: &mut World, tick: i64, fact: Fact) {
    world.tick = tick;
    world.tell(fact);
}

/// Home opened the case; partner and vendor joined it later, and each has a ticket with this number.
pub(super) fn story() -> World {
    let mut world = World::new(&[PARTNER, VENDOR], Policy::Latest, HOME);
    tell(&mut world, 0, Fact::Opened);
    for (tick, desk, role) in
        [(1, HOME, Role::Home), (5, PARTNER, Role::Counterpart), (9, VENDOR, Role::Counterpart)]
    {
        let agreement = (role == Role::Counterpart).then(|| AgreementName(desk.to_owned()));
        let (leg, party) = (name(desk), PartyName(desk.to_owned()));
        tell(&mut world, tick, Fact::Joined { leg, party, role, agreement, version: None });
        let reading = Reading { ticket: Some(RemoteId::new("77")), ..Reading::default() };
        tell(&mut world, tick, Fact::Observed { leg: name(desk), reading });
    }
    world
}

/// The bridge wrote something.
pub(super) fn write(world: &mut World, desk: &str, operation: Operation, subject: Subject) {
    let tick = world.tick + 1;
    let id = IntentId::new(format!("TL-1-{tick}"));
    let intent = Intent {
        id: id.clone(),
        ticket: None,
        operation,
        marker: Marker::from_hash(&[0; 32]),
        expected: None,
    };
    tell(world, tick, Fact::Intended { leg: name(desk), item: Item::Ticket, value: None, intent });
    tell(
        world,
        tick,
        Fact::Effected { leg: name(desk), intent: id, subject, found: false, lost: Vec::new() },
    );
}

pub(super) fn comments(world: &mut World, desk: &str, id: &str, body: &str, visibility: Visibility) {
    let operation = Operation::Comment { body: body.to_owned(), visibility };
    write(world, desk, operation, Subject::Comment(CommentId::new(id)));
}

pub(super) fn origin(desk: &str, id: &str) -> Origin {
    Origin { system: name(desk), id: id.to_owned() }
}

/// Somebody of a desk wrote this, which is recorded in home's words.
pub(super) fn says(
    world: &mut World,
    desk: &str,
    id: &str,
    (written, recorded): (&str, &str),
    internal: bool,
) {
    let origin = origin(desk, id);
    let (version, print) = (1, Fingerprint::of(written));
    let comment = ReadingComment {
        id: CommentId::new(id),
        origin: origin.clone(),
        print,
        version,
        internal: false,
        lost: Vec::new(),
    };
    let tick = world.tick + 1;
    let reading = Reading { comments: vec![comment], ..Reading::default() };
    tell(world, tick, Fact::Observed { leg: name(desk), reading });
    let (author, body) = ("Paul".to_owned(), recorded.to_owned());
    tell(world, tick, Fact::Remarked { origin, author, written: at(3), body, version, internal });
}

pub(super) fn attaches(world: &mut World, desk: &str, id: &str, file: &str, internal: bool) {
    let tick = world.tick + 1;
    let (name, media_type) = (file.to_owned(), "text/plain".to_owned());
    let (author, written) = ("Paul".to_owned(), at(4));
    let origin = origin(desk, id);
    tell(world, tick, Fact::Attached { origin, name, media_type, size: 9, author, written, internal });
}

pub(super) fn asked(grant: GrantId, desk: &str, what: Granted, party_asks: bool) -> Fact {
    Fact::GrantAsked {
        grant,
        leg: name(desk),
        what,
        purpose: "root cause".to_owned(),
        until: at(900),
        by: "Ada".to_owned(),
        party_asks,
        public_if_must: false,
        environment: None,
    }
}

fn reads(world: &mut World, reading: Reading) {
    let tick = world.tick + 1;
    tell(world, tick, Fact::Observed { leg: name(PARTNER), reading });
}

pub(super) fn partners(world: &World) -> Seen {
    seen(world, PARTNER).unwrap()
}

fn events(seen: &Seen) -> Vec<(Timestamp, Side, &str)> {
    seen.events.iter().map(|event| (event.at, event.by, event.text.as_str())).collect()
}

fn words(seen: &Seen) -> Vec<&str> {
    seen.events.iter().map(|event| event.text.as_str()).collect()
}

fn fields(values: &[(&str, &str)]) -> BTreeMap<Field, String> {
    values.iter().map(|(field, value)| (field.parse().unwrap(), (*value).to_owned())).collect()
}

fn post(id: &str, tick: i64, by: Side, what: Posted) -> Post {
    let author = (by == Side::Own).then(|| "Paul".to_owned());
    Post { id: id.to_owned(), at: at(tick), by, author, internal: false, edited: false, gone: false, what }
}

fn comment(text: &str) -> Posted {
    Posted::Comment(Some(text.to_owned()))
}

fn file(name: &str, digest: Option<&str>) -> Posted {
    let (name, media_type) = (name.to_owned(), "text/plain".to_owned());
    Posted::File(SeenFile { name, media_type, size: 9, digest: digest.map(Digest::new) })
}

#[test]
fn what_was_written_on_its_ticket_stands_there_and_is_told_in_its_order() {
    let mut world = story();
    world.tick = 29;
    let ticket = || Subject::Ticket(RemoteId::new("77"));
    let custom = |value: &str| BTreeMap::from([("Asset".to_owned(), value.to_owned())]);
    let new = NewTicket {
        title: "Printer".to_owned(),
        description: "It burns.".to_owned(),
        status: Some("New".to_owned()),
        priority: None,
        kind: Some("Incident".to_owned()),
        fields: custom("A-1"),
    };
    write(&mut world, PARTNER, Operation::Create(new), ticket());
    let created = [
        ("title", "Printer"),
        ("description", "It burns."),
        ("status", "New"),
        ("type", "Incident"),
        ("field:Asset", "A-1"),
    ];
    assert_eq!(partners(&world).fields, fields(&created));

    let changes = Changes {
        title: Some("Printers".to_owned()),
        description: Some("They burn.".to_owned()),
        priority: Some("High".to_owned()),
        kind: None,
        fields: custom("A-2"),
    };
    write(&mut world, PARTNER, Operation::Update { changes }, ticket());
    write(&mut world, PARTNER, Operation::Transition { status: "Open".to_owned() }, ticket());
    comments(&mut world, PARTNER, "c1", "first", Visibility::Public);
    comments(&mut world, PARTNER, "c2", "for staff", Visibility::Internal);
    // Another party's ticket has comments of the same numbers.
    comments(&mut world, VENDOR, "c1", "SECRET", Visibility::Public);
    let (edited, body) = (CommentId::new("c1"), "better".to_owned());
    write(&mut world, PARTNER, Operation::Edit { comment: edited.clone(), body }, Subject::Comment(edited));
    let attach = |name: &str, visibility| Operation::Attach {
        name: name.to_owned(),
        media_type: "text/plain".to_owned(),
        size: 9,
        digest: Digest::new("aa"),
        visibility,
    };
    let id = |id: &str| Subject::File(FileId::new(id));
    write(&mut world, PARTNER, attach("a.txt", Visibility::Public), id("c1"));
    write(&mut world, PARTNER, attach("b.txt", Visibility::Internal), id("c2"));
    let taken = CommentId::new("c2");
    write(&mut world, PARTNER, Operation::Retract { comment: taken.clone() }, Subject::Comment(taken));
    for _ in 0..2 {
        write(&mut world, PARTNER, Operation::LinkBack(Reference::new("HOME #1", None)), ticket());
    }
    write(&mut world, PARTNER, Operation::LinkBack(Reference::new("TL-1", None)), ticket());

    let seen = partners(&world);
    let home = |tick, text| (at(tick), Side::Home, text);
    let expected = [
        home(30, "the ticket was created"),
        home(31, "title: Printers"),
        home(31, "the description changed"),
        home(31, "priority: High"),
        home(31, "Asset: A-2"),
        home(32, "status: Open"),
        home(33, "a comment"),
        home(34, "a comment"),
        home(36, "a comment was edited"),
        home(37, "a file: a.txt"),
        home(38, "a file: b.txt"),
        home(39, "a comment was taken back"),
    ];
    assert_eq!(events(&seen), expected);
    let values = [
        ("title", "Printers"),
        ("description", "They burn."),
        ("status", "Open"),
        ("priority", "High"),
        ("type", "Incident"),
        ("field:Asset", "A-2"),
    ];
    assert_eq!(seen.fields, fields(&values));
    let posts = [
        Post { edited: true, ..post("c1", 33, Side::Home, comment("better")) },
        Post { internal: true, gone: true, ..post("c2", 34, Side::Home, comment("for staff")) },
        post("c1", 37, Side::Home, file("a.txt", Some("aa"))),
        Post { internal: true, ..post("c2", 38, Side::Home, file("b.txt", Some("aa"))) },
    ];
    assert_eq!(seen.posts, posts);
    assert_eq!(seen.links, ["HOME #1", "TL-1"], "each name once");
}

#[test]
fn what_its_people_wrote_is_theirs_as_they_last_wrote_it() {
    let mut world = story();
    world.tick = 29;
    let own = |id, what| post(id, 3, Side::Own, what);
    let first = |world: &World| partners(world).posts[0].clone();
    says(&mut world, PARTNER, "1", ("hello", "hello"), false);
    assert_eq!(first(&world), own("1", comment("hello")));
    says(&mut world, PARTNER, "1", ("hello", "hello"), true);
    let internal = Post { internal: true, ..own("1", comment("hello")) };
    assert_eq!(first(&world), internal, "other readers are no other words");
    says(&mut world, PARTNER, "1", ("good day", "good day"), true);
    let edited = Post { edited: true, what: comment("good day"), ..internal };
    assert_eq!(first(&world), edited);

    attaches(&mut world, PARTNER, "1", "log.txt", false);
    attaches(&mut world, PARTNER, "2", "", false);
    let stores = |world: &mut World| {
        let tick = world.tick + 1;
        tell(world, tick, Fact::Stored { origin: origin(PARTNER, "1"), digest: Digest::new("bb") });
    };
    stores(&mut world);
    attaches(&mut world, PARTNER, "1", "log.txt", true);
    stores(&mut world);
    let files = |log: Post| {
        let log = Post { at: at(4), ..log };
        [log, Post { at: at(4), ..own("2", file("file", None)) }]
    };
    let log = Post { internal: true, ..own("1", file("log.txt", Some("bb"))) };
    assert_eq!(partners(&world).posts[1..], files(log), "a file that is said again is not edited");
    let own = |tick, text| (at(tick), Side::Own, text);
    let expected =
        [own(30, "Paul commented"), own(33, "Paul attached log.txt"), own(34, "Paul attached file")];
    assert_eq!(events(&partners(&world)), expected, "each is told once");

    // A comment and a file of the same number are two things.
    let withdrawn = |fact: Fact, world: &mut World| {
        let tick = world.tick + 1;
        tell(world, tick, fact);
        partners(world).posts.iter().map(|post| post.gone).collect::<Vec<_>>()
    };
    let attachment = Fact::AttachmentWithdrawn { origin: origin(PARTNER, "1") };
    assert_eq!(withdrawn(attachment, &mut world), [false, true, false]);
    let remark = Fact::RemarkWithdrawn { origin: origin(PARTNER, "1") };
    assert_eq!(withdrawn(remark, &mut world), [true, true, false]);
    says(&mut world, PARTNER, "1", ("good day", "good day"), true);
    assert_eq!(first(&world), edited, "it is back");
    let (lost_comments, lost_files) = (vec![CommentId::new("1")], vec![FileId::new("2")]);
    let lost = |lost_comments, lost_files| Fact::Observed {
        leg: name(PARTNER),
        reading: Reading { lost_comments, lost_files, ..Reading::default() },
    };
    assert_eq!(withdrawn(lost(Vec::new(), lost_files), &mut world), [false, true, true]);
    assert_eq!(withdrawn(lost(lost_comments, Vec::new()), &mut world), [true, true, true]);
}

#[test]
fn a_file_is_handed_out_by_its_digest_while_it_stands_there() {
    let mut world = story();
    says(&mut world, PARTNER, "1", ("aa", "aa"), false);
    for (id, digest) in [("1", Some("aa")), ("2", Some("bb")), ("3", None)] {
        attaches(&mut world, PARTNER, id, &format!("{id}.txt"), false);
        let tick = world.tick + 1;
        if let Some(digest) = digest {
            tell(&mut world, tick, Fact::Stored { origin: origin(PARTNER, id), digest: Digest::new(digest) });
        }
    }
    let named = |world: &World, digest| partners(world).file(digest).map(|file| file.name.clone());
    for (digest, expected) in [("aa", Some("1.txt")), ("bb", Some("2.txt")), ("cc", None), ("", None)] {
        assert_eq!(named(&world, digest).as_deref(), expected, "{digest}");
    }
    let tick = world.tick + 1;
    tell(&mut world, tick, Fact::AttachmentWithdrawn { origin: origin(PARTNER, "1") });
    assert_eq!((named(&world, "aa"), named(&world, "bb").is_some()), (None, true));
}

#[test]
fn what_another_desk_has_under_the_same_numbers_changes_nothing() {
    let mut world = story();
    says(&mut world, PARTNER, "1", ("hello", "hello"), false);
    attaches(&mut world, PARTNER, "1", "log.txt", false);
    tell(&mut world, 40, Fact::Offering { leg: name(PARTNER), to: Role::Counterpart, after: None });
    tell(&mut world, 41, asked(GrantId(1), PARTNER, Granted::Files, true));
    let before = partners(&world);
    assert_eq!((before.since, before.kept), (at(5), 0), "home came earlier");
    for fact in [
        Fact::Stored { origin: origin(VENDOR, "1"), digest: Digest::new("bb") },
        Fact::RemarkWithdrawn { origin: origin(VENDOR, "1") },
        Fact::AttachmentWithdrawn { origin: origin(VENDOR, "1") },
        Fact::Withheld { leg: name(VENDOR), what: "file:1".to_owned(), rule: String::new() },
        Fact::Offering { leg: name(VENDOR), to: Role::Home, after: None },
        asked(GrantId(2), VENDOR, Granted::Files, true),
        Fact::GrantOpened { grant: GrantId(2), leg: name(VENDOR) },
    ] {
        tell(&mut world, 50, fact.clone());
        assert_eq!(partners(&world), before, "{fact:?}");
    }
    let hidden = [("comment:2", 1), ("file:2", 2), ("field:Asset", 2)];
    for (what, kept) in hidden {
        let (what, rule) = (what.to_owned(), String::new());
        tell(&mut world, 51, Fact::Withheld { leg: name(PARTNER), what, rule });
        assert_eq!(partners(&world).kept, kept, "comments and files are counted");
    }
}

#[test]
fn a_field_that_its_people_changed_is_told_and_one_that_is_as_it_was_is_not() {
    let mut world = story();
    let steps: [(&[(&str, &str)], &[&str]); 5] = [
        (&[("title", "A"), ("description", "")], &["title: A"]),
        (&[("title", "A")], &[]),
        (&[("status", "Open"), ("description", "It burns.")], &["the description changed", "status: Open"]),
        (&[("field:Asset", "A-1")], &["Asset: A-1"]),
        (&[("title", "")], &["title: "]),
    ];
    let mut told = Vec::new();
    for (values, expected) in steps {
        reads(&mut world, Reading { fields: fields(values), ..Reading::default() });
        told.extend_from_slice(expected);
        assert_eq!(words(&partners(&world)), told, "after {values:?}");
    }
    let left = [("description", "It burns."), ("status", "Open"), ("field:Asset", "A-1")];
    assert_eq!(partners(&world).fields, fields(&left), "what is empty is not there");
}

/// The record has home's words: a name that the party was never given a pseudonym for is not told to it.
#[test]
fn words_that_cannot_be_told_as_they_were_written_are_not_told() {
    for private in [true, false] {
        let mut world = story();
        if private {
            world.rules.agreements.values_mut().for_each(|agreement| agreement.redaction = Some(redaction()));
        }
        says(&mut world, PARTNER, "1", ("Has PERSON-7F3K left?", "Has Ada Lovelace left?"), false);
        let expected = (!private).then(|| "Has Ada Lovelace left?".to_owned());
        assert_eq!(partners(&world).posts[0].what, Posted::Comment(expected));
    }
}
