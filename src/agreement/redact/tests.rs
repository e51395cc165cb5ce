//! What becomes of a value, of what stands in its place already, and what is told of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::DateTime;

use super::*;
use crate::agreement::Direction;
use crate::case::{AgreementName, Field};

const TITLE: Place = Place::Field(Field::Title);

fn acme() -> AgreementName {
    AgreementName("acme".to_owned())
}

/// What is said by class; patterns by name and text, which pass unless they are among the classes.
fn terms<const N: usize>(classes: [(Class, Action); N], patterns: &[(&str, &str)]) -> Redaction {
    let listed = |name: &str| Listed { name: name.to_owned(), others: Vec::new() };
    let people = [listed("Ada Lovelace"), listed("李雷")];
    let customers = [listed("Lovelace Holding")];
    let patterns = patterns.iter().map(|(name, text)| Pattern::new(name, text).unwrap()).collect();
    Redaction {
        classes: BTreeMap::from(classes),
        places: BTreeMap::new(),
        other_files: OtherFiles::Hold,
        leftover: Leftover::Tell,
        recognizers: Arc::new(Recognizers::new(&people, &customers, patterns).unwrap()),
    }
}

/// The same, with something said of all that stands in the title and of whoever wrote a comment.
fn whole(action: Action) -> Redaction {
    let all = PlaceTerms { whole: Some(action), classes: BTreeMap::new() };
    let mut terms = terms([(Class::Person, action)], &[]);
    terms.places = BTreeMap::from([(TITLE, all.clone()), (Place::Authors, all)]);
    terms
}

fn own(name: &str) -> Class {
    Class::Pattern(name.to_owned())
}

fn clean(
    text: &str,
    place: &Place,
    redaction: &Redaction,
    names: &Pseudonyms,
) -> Result<(String, Account), Refused> {
    Cleaner { agreement: &acme(), redaction, place, names }.clean(text)
}

/// Redacts, and gives a pseudonym to whatever has none.
fn named(text: &str, place: &Place, redaction: &Redaction, names: &mut Pseudonyms) -> String {
    loop {
        match clean(text, place, redaction, names) {
            Ok((text, _)) => return text,
            Err(Refused::Unnamed(unnamed)) => {
                for unnamed in unnamed {
                    names.insert(&unnamed.provisional(names.given()));
                }
            }
            Err(refused) => panic!("{refused}"),
        }
    }
}

fn counts<const N: usize>(of: [(&str, u32); N]) -> BTreeMap<String, u32> {
    BTreeMap::from(of.map(|(class, count)| (class.to_owned(), count)))
}

fn agreement(redaction: Redaction) -> Agreement {
    Agreement {
        comments: Direction::Both,
        files: Direction::Both,
        redaction: Some(redaction),
        ..Agreement::bare("helpdesk", "acme")
    }
}

#[test]
fn a_value_that_is_personal_as_a_whole_goes_as_a_whole() {
    let names = Pseudonyms::default();
    for (action, place, text, expected, redacted) in [
        (Action::Mask, TITLE, "Grace Hopper, 4711", "‹value›", counts([("value", 1)])),
        (Action::Mask, Place::Authors, "Grace Hopper", "‹person›", counts([("person", 1)])),
        (Action::Drop, TITLE, "Grace Hopper", "…", counts([("value", 1)])),
        // Nothing stands there that could be anybody's.
        (Action::Mask, TITLE, "", "", counts([])),
        (Action::Drop, Place::Authors, " \n", " \n", counts([])),
        // What was redacted before is no value any more; what only begins so is one.
        (Action::Mask, TITLE, "‹value›", "‹value›", counts([])),
        (Action::Mask, TITLE, "‹value› Ada", "‹value›", counts([("value", 1)])),
        (Action::Drop, TITLE, "…", "…", counts([])),
    ] {
        let (shown, account) = clean(text, &place, &whole(action), &names).unwrap();
        assert_eq!(shown, expected, "{text:?}");
        assert_eq!(account, Account { redacted, left: counts([]) }, "{text:?}");
    }
}

/// Whoever lets a whole value pass has decided about it: it is no finding that something may be left in it.
#[test]
fn a_whole_value_that_passes_is_neither_changed_nor_counted() {
    for (place, text) in [(TITLE, "ask Grace Hopper"), (Place::Authors, "LOVELACE, Ada")] {
        let (shown, account) = clean(text, &place, &whole(Action::Pass), &Pseudonyms::default()).unwrap();
        assert_eq!((shown.as_str(), account.is_empty()), (text, true));
    }
}

#[test]
fn an_author_on_the_list_is_known_by_the_list_and_any_other_by_what_stands_there() {
    let (terms, mut names) = (whole(Action::Pseudonymize), Pseudonyms::default());
    for (place, text, expected, behind) in [
        (Place::Comments, "ask Ada Lovelace", "ask PERSON-2222", "Ada Lovelace"),
        (Place::Authors, "LOVELACE, Ada", "PERSON-2222", "Ada Lovelace"),
        (Place::Authors, "Ada Lovelace (at night)", "PERSON-2223", "Ada Lovelace (at night)"),
        (Place::Authors, "Grace Hopper", "PERSON-2224", "Grace Hopper"),
        (Place::Authors, "grace  HOPPER", "PERSON-2224", "Grace Hopper"),
        (Place::Authors, "PERSON-2224", "PERSON-2224", "Grace Hopper"),
        (TITLE, "Ada Lovelace", "VALUE-2225", "Ada Lovelace"),
    ] {
        let shown = named(text, &place, &terms, &mut names);
        assert_eq!(shown, expected, "{text}");
        assert_eq!(names.behind(&acme(), shown.trim_start_matches("ask ")), Some(behind), "{text}");
    }
}

/// One value, however it is spelled, is asked for once, by what it is known as.
#[test]
fn a_value_is_known_again_in_any_spelling() {
    let terms = terms([(Class::Email, Action::Pseudonymize)], &[]);
    let text = "Ada@Example.org, ada@example.org";
    let refused = clean(text, &TITLE, &terms, &Pseudonyms::default()).unwrap_err();
    let Refused::Unnamed(unnamed) = refused else { panic!("{refused}") };
    let keys: BTreeSet<_> = unnamed.iter().map(|it| it.key.clone()).collect();
    assert_eq!(keys, BTreeSet::from([known_as(" ADA@EXAMPLE.ORG\n")]));
    assert_ne!(known_as("ada@example.org"), known_as("bob@example.org"));
}

/// A pattern may fit what stands in the place of a value, where it did not fit the value.
#[test]
fn what_was_redacted_stays_as_it_is() {
    for action in [Action::Drop, Action::Mask, Action::Pseudonymize] {
        let patterns = [("ref", r"ref (\W|person)")];
        let terms = terms([(Class::Person, action), (own("ref"), Action::Mask)], &patterns);
        let mut names = Pseudonyms::default();
        let once = named("ref Ada Lovelace", &TITLE, &terms, &mut names);
        assert!(once.starts_with("ref "), "{once}");
        assert_eq!(named(&once, &TITLE, &terms, &mut names), once);
    }
}

#[test]
fn angle_marks_of_peoples_own_are_no_mask() {
    let terms = terms([(Class::Person, Action::Mask)], &[]);
    for (text, expected) in [
        ("‹Ada Lovelace›", "‹‹person››"),
        ("‹email of Ada Lovelace", "‹email of ‹person›"),
        ("‹ ‹person› Ada Lovelace›", "‹ ‹person› ‹person››"),
    ] {
        assert_eq!(named(text, &TITLE, &terms, &mut Pseudonyms::default()), expected);
    }
}

#[test]
fn a_mask_that_reads_like_a_pseudonym_is_one_mask() {
    let classes = [(own("any"), Action::Pseudonymize), (own("any-case"), Action::Mask)];
    let terms = terms(classes, &[("any", "x[0-9]"), ("any-case", "y[0-9]")]);
    let mut names = Pseudonyms::default();
    let [agreement, pseudonym, key, value] = ["acme", "ANY-CASE", "x1", "x1"].map(str::to_owned);
    names.insert(&Named { agreement: AgreementName(agreement), pseudonym, key, value });
    assert_eq!(named("see y1, x1", &TITLE, &terms, &mut names), "see ‹any-case›, ANY-CASE");
    assert_eq!(named("see ‹any-case›, ANY-CASE", &TITLE, &terms, &mut names), "see ‹any-case›, ANY-CASE");
}

#[test]
fn of_values_that_overlap_all_goes_and_beside_each_other_each_goes() {
    for (action, text, expected) in [
        (Action::Mask, "for Ada Lovelace Holding only", "for ‹customer› only"),
        (Action::Drop, "for Ada Lovelace Holding only", "for … only"),
        (Action::Mask, "请李雷李雷来", "请‹person›‹person›来"),
    ] {
        let terms = terms([(Class::Person, action), (Class::Customer, action)], &[]);
        assert_eq!(named(text, &TITLE, &terms, &mut Pseudonyms::default()), expected);
    }
    let actions = [(Class::Person, Action::Pseudonymize), (Class::Customer, Action::Pseudonymize)];
    let (terms, mut names) = (terms(actions, &[]), Pseudonyms::default());
    // Pseudonyms that touch would be none.
    for (text, back) in [
        ("for Ada Lovelace Holding only", "for Ada Lovelace Holding only"),
        ("请李雷李雷来", "请李雷 李雷来"),
        ("请PERSON-2223李雷来", "请李雷 李雷来"),
        ("请‹person›李雷‹person›来", "请‹person›李雷‹person›来"),
    ] {
        let shown = named(text, &TITLE, &terms, &mut names);
        assert_eq!(names.restore(&acme(), &shown), back, "{shown}");
        assert_eq!(named(&shown, &TITLE, &terms, &mut names), shown);
    }
}

/// A pattern that fits only where a text begins fits its rest anew each time.
#[test]
fn a_text_of_which_no_end_is_found_is_refused() {
    let terms = terms([(own("first"), Action::Drop)], &[("first", "^ ?[a-z]+")]);
    for (words, rest, shown) in
        [(16, ".", Some("…".repeat(16) + ".")), (17, "", Some("…".repeat(17))), (17, ".", None)]
    {
        let text = ["a"; 20][..words].join(" ") + rest;
        match (clean(&text, &TITLE, &terms, &Pseudonyms::default()), shown) {
            (Ok((text, _)), Some(shown)) => assert_eq!(text, shown),
            (Err(Refused::Undecided(why)), None) => {
                assert_eq!(why, "what is left of this text is taken for personal data again and again");
            }
            (other, _) => panic!("{words} words: {other:?}"),
        }
    }
}

#[test]
fn what_may_be_left_is_counted_by_class() {
    let passing = terms([], &[("mention", "@team[a-z]*"), ("code", "[a-z][0-9]")]);
    for (text, left) in [
        ("nothing of anybody", counts([])),
        ("id 1234567", counts([("long_number", 1)])),
        ("ask @grace", counts([("handle", 1)])),
        ("ask Grace Hopper", counts([("possible_name", 1)])),
        // What was recognized is no shape besides.
        ("ask @teama", counts([("mention", 1)])),
        ("call +49 30 901820, ada@x.example", counts([("email", 1), ("phone", 1)])),
        ("id 1234567 or +49 30 901820", counts([("long_number", 1), ("phone", 1)])),
        // One word is one finding, however often the pattern fits in it.
        ("a1b2c3", counts([("code", 1)])),
    ] {
        let (shown, account) = clean(text, &TITLE, &passing, &Pseudonyms::default()).unwrap();
        assert_eq!(shown, text);
        assert_eq!(account.left, left, "{text}");
        assert_eq!(account.redacted, counts([]), "{text}");
        assert_eq!(account.is_empty(), left.is_empty(), "{text}");
    }
    let masked = terms([(Class::Person, Action::Mask)], &[]);
    let (_, account) = clean("Ada Lovelace", &TITLE, &masked, &Pseudonyms::default()).unwrap();
    assert!(!account.is_empty());
}

#[test]
fn a_text_with_something_left_waits_for_a_person_only_where_the_agreement_says_so() {
    let mut terms = terms([(Class::Person, Action::Mask)], &[]);
    for (leftover, text, approved, waits) in [
        (Leftover::Tell, "Grace Hopper", false, false),
        (Leftover::Hold, "Grace Hopper", false, true),
        (Leftover::Hold, "Grace Hopper", true, false),
        (Leftover::Hold, "Ada Lovelace", false, false),
    ] {
        terms.leftover = leftover;
        let with = agreement(terms.clone());
        let names = Pseudonyms::default();
        let told = redacted_file(text, &with, &Release { names: &names, approved });
        match told {
            Ok(_) => assert!(!waits, "{text}"),
            Err(refused) => {
                assert!(waits, "{refused}");
                assert_eq!(refused, Refused::Left(counts([("possible_name", 1)])));
                assert_eq!(
                    refused.to_string(),
                    "personal data may be left in it (1 possible_name), and the agreement has that wait for a \
                     person; change the text, or retry it to send it as it is"
                );
            }
        }
        // What a counterpart itself wrote waits for nobody before that counterpart sees it again.
        let retold = retold(text, &TITLE, Some(&with.name), Some(&with), &names);
        assert_eq!(retold.as_deref(), Some(if text == "Ada Lovelace" { "‹person›" } else { text }));
    }
}

#[test]
fn the_account_of_a_comment_is_that_of_its_author_and_its_text() {
    let with = agreement(terms([(Class::Person, Action::Mask), (Class::Email, Action::Mask)], &[]));
    let names = Pseudonyms::default();
    let release = Release { names: &names, approved: false };
    for (author, text, redacted, left) in [
        ("Ada Lovelace", "hi", counts([("person", 1)]), counts([])),
        ("desk", "hi Ada Lovelace", counts([("person", 1)]), counts([])),
        ("Ada Lovelace", "Ada Lovelace, a@b.example", counts([("email", 1), ("person", 2)]), counts([])),
        (
            "Grace Hopper",
            "ask Grace Hopper, @grace",
            counts([]),
            counts([("handle", 1), ("possible_name", 2)]),
        ),
    ] {
        let said = Said { author, party_title: "Northwind", text, repeated: false };
        let body = remark_body(&said, Some(&with), &release).unwrap();
        assert_eq!(*body.account(), Account { redacted, left }, "{author}: {text}");
    }
    let written = DateTime::from_timestamp(0, 0).unwrap();
    let told = Standing {
        state: None,
        ball: None,
        last: Some(LastWord { written, text: Some("Ada Lovelace, @grace") }),
    };
    let told = standing(&told, Some(&with), &release).unwrap();
    assert_eq!(*told.account(), Account { redacted: counts([("person", 1)]), left: counts([("handle", 1)]) });
    assert_eq!(told.into_intent(), "1970-01-01 00:00 UTC: “‹person›, @grace”");
}

#[test]
fn a_last_word_of_nothing_that_can_be_read_is_told_by_its_time_alone() {
    let (names, written) = (Pseudonyms::default(), DateTime::from_timestamp(0, 0).unwrap());
    let release = Release { names: &names, approved: false };
    let timed = "last word 1970-01-01 00:00 UTC";
    for (text, line) in [
        (None, timed),
        (Some(""), timed),
        (Some(" \n"), timed),
        (Some("\u{7}"), timed),
        (Some("\u{9b}\u{85}\u{7f}"), timed),
        (Some("ring\u{7} the\u{1b}[31m bell"), "1970-01-01 00:00 UTC: “ring the[31m bell”"),
    ] {
        let told = Standing { state: None, ball: None, last: Some(LastWord { written, text }) };
        assert_eq!(standing(&told, None, &release).unwrap().into_intent(), line, "{text:?}");
    }
}

/// So that one round of giving them is enough.
#[test]
fn the_names_that_a_comment_needs_are_asked_for_at_once() {
    let with =
        agreement(terms([(Class::Person, Action::Pseudonymize), (Class::Email, Action::Pseudonymize)], &[]));
    let names = Pseudonyms::default();
    let said =
        Said { author: "Ada Lovelace", party_title: "Northwind", text: "a@b.example", repeated: false };
    let refused = remark_body(&said, Some(&with), &Release { names: &names, approved: false }).unwrap_err();
    let Refused::Unnamed(unnamed) = refused else { panic!("{refused}") };
    let values: BTreeSet<&str> = unnamed.iter().map(|it| it.value.as_str()).collect();
    assert_eq!(values, BTreeSet::from(["Ada Lovelace", "a@b.example"]));
}

/// What was prepared under other terms is prepared again.
#[test]
fn terms_are_the_same_only_where_all_of_them_are() {
    let base = || terms([(Class::Person, Action::Mask)], &[("asset", "at-[0-9]")]);
    let mut others =
        [base(), base(), base(), base(), terms([(Class::Person, Action::Mask)], &[("asset", "at-[0-8]")])];
    others[0].classes.insert(Class::Person, Action::Drop);
    others[1].places.insert(TITLE, PlaceTerms { whole: Some(Action::Pass), classes: BTreeMap::new() });
    others[2].other_files = OtherFiles::Send;
    others[3].leftover = Leftover::Hold;
    assert_eq!(base(), base());
    for other in others {
        assert_ne!(base(), other);
    }
}

#[test]
fn each_word_of_the_configuration_is_one_action() {
    let actions = [Action::Pass, Action::Drop, Action::Mask, Action::Pseudonymize];
    let read: Vec<_> = Action::WORDS.iter().filter_map(|word| Action::from_word(word)).collect();
    assert_eq!(read, actions);
    assert_eq!(Action::from_word("Mask"), None);
}

#[test]
fn the_label_of_a_class_is_made_of_capital_letters_and_digits() {
    for (class, expected) in [
        (Class::NationalId, "ID"),
        (Class::Customer, "CUSTOMER"),
        (Class::Whole, "VALUE"),
        (own("any-x_2"), "ANYX2"),
    ] {
        assert_eq!(class.label(), expected);
    }
}

#[test]
fn a_quoted_marker_leaves_no_trace_and_other_words_stay() {
    let marker = Marker::from_hash(&[7; 32]);
    let digits = marker.as_str().trim_start_matches(PREFIX);
    for (text, expected) in [
        (format!("see {marker} and html-form"), "see … and html-form".to_owned()),
        (format!("tl-{marker}{digits}"), format!("tl-…{digits}")),
        (format!("{marker}{marker}, ä{marker}"), "……, ä…".to_owned()),
        (format!("{marker}x"), "…x".to_owned()),
        ("tl-ä".to_owned(), "tl-ä".to_owned()),
        ("tl-ääääääääääääääääääää".to_owned(), "tl-ääääääääääääääääääää".to_owned()),
    ] {
        let clean = without_markers(&text);
        assert_eq!(clean, expected);
        assert_eq!(Marker::find_in(&clean), None, "{text}");
    }
}

#[test]
fn a_files_name_has_no_path() {
    let release = Release { names: &Pseudonyms::default(), approved: false };
    for (name, expected) in [("..\\../etc/pass\nwd", "passwd"), ("a/", "file")] {
        assert_eq!(file_name(name, None, &release).unwrap().into_intent(), expected);
    }
}
