//! The laws of redaction, over any text and over texts with planted values.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use throughline_sdk::Clock as _;

use super::folded::{Folded, fold};
use super::*;
use crate::case::{AgreementName, Field};
use crate::clock::SystemClock;

fn acme() -> AgreementName {
    AgreementName("acme".to_owned())
}

fn redaction(actions: [Action; 10]) -> Redaction {
    let listed = |name: &str, others: &[&str]| Listed {
        name: name.to_owned(),
        others: others.iter().map(|other| (*other).to_owned()).collect(),
    };
    let people = [listed("Ada Lovelace", &["Ada"]), listed("Jürgen Müller", &[]), listed("李雷", &[])];
    let customers = [listed("Northwind Traders", &["phone"]), listed("Ada Lovelace Ltd", &[])];
    let patterns =
        vec![Pattern::new("asset", "AT-[0-9]{4}").unwrap(), Pattern::new("any-x", "x[a-c ]*x").unwrap()];
    let own = ["asset", "any-x"].map(|name| Class::Pattern(name.to_owned()));
    Redaction {
        classes: Class::BUILT_IN.into_iter().chain(own).zip(actions).collect(),
        places: BTreeMap::new(),
        other_files: OtherFiles::Hold,
        leftover: Leftover::Tell,
        recognizers: Arc::new(Recognizers::new(&people, &customers, patterns).unwrap()),
    }
}

/// Redacts, and gives every value that has none a pseudonym that counts up.
fn redact(text: &str, redaction: &Redaction, names: &mut Pseudonyms) -> String {
    let place = Place::Field(Field::Description);
    loop {
        let agreement = acme();
        let cleaner = Cleaner { agreement: &agreement, redaction, place: &place, names };
        match cleaner.clean(text) {
            Ok((text, _)) => return text,
            Err(Refused::Unnamed(unnamed)) => {
                for Unnamed { agreement, label, key, value } in unnamed {
                    let pseudonym = format!("{label}-{}", 22222 + names.count(&agreement));
                    names.insert(&Named { agreement, pseudonym, key, value });
                }
            }
            Err(refused) => panic!("{refused}"),
        }
    }
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![Just(Action::Pass), Just(Action::Pseudonymize), Just(Action::Mask), Just(Action::Drop)]
}

/// Values in the spelling in which they are kept, one or more of each class.
const VALUES: &[&str] = &[
    "ada.lovelace@northwind.example",
    "+49 30 901820",
    "DE89 3704 0044 0532 0130 00",
    "4111 1111 1111 1111",
    "192.168.14.23",
    "2001:db8::8a2e:370:7334",
    "86 095 742 719",
    "12345678Z",
    "Ada Lovelace",
    "Jürgen Müller",
    "李雷",
    "Northwind Traders",
    "AT-1234",
];

/// Words with values among them.
fn planted() -> impl Strategy<Value = Vec<String>> {
    let word = prop_oneof![
        6 => "[a-zäß]{1,8}",
        2 => "[0-9]{1,6}",
        1 => Just("…".to_owned()),
        1 => Just("‹email›".to_owned()),
        1 => Just("x-ab".to_owned()),
        1 => "\\PC{1,6}",
        6 => proptest::sample::select(VALUES).prop_map(str::to_owned),
    ];
    proptest::collection::vec(word, 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn redaction_is_idempotent(words in planted(), gap in "[ \n,;]{1,2}", actions in proptest::array::uniform10(action())) {
        let (redaction, mut names) = (redaction(actions), Pseudonyms::default());
        let once = redact(&words.join(&gap), &redaction, &mut names);
        prop_assert_eq!(redact(&once, &redaction, &mut names), once);
    }

    #[test]
    fn any_text_at_all_is_redacted_to_its_end(text in "(?s).{0,200}", actions in proptest::array::uniform10(action())) {
        let (redaction, mut names) = (redaction(actions), Pseudonyms::default());
        let once = redact(&text, &redaction, &mut names);
        prop_assert_eq!(redact(&once, &redaction, &mut names), once);
    }

    /// What became a pseudonym comes back as it was kept: the text itself, in the spelling of values and gaps.
    #[test]
    fn what_was_given_a_pseudonym_comes_back(words in planted()) {
        let (redaction, mut names) = (redaction([Action::Pseudonymize; 10]), Pseudonyms::default());
        let text = words.join(" ");
        let shown = redact(&text, &redaction, &mut names);
        let back = names.restore(&acme(), &shown);
        // “Ada” alone is another spelling of the name, and comes back as the name.
        prop_assert_eq!(fold(&back.replace("Ada Lovelace", "Ada")), fold(&text.replace("Ada Lovelace", "Ada")));
        prop_assert_eq!(names.restore(&acme(), &shown.to_lowercase()).matches("Lovelace").count(), back.matches("Lovelace").count());
    }

    /// A planted value is gone in every letter case and spacing that its recognizer claims.
    #[test]
    fn nothing_of_a_planted_value_is_left(
        value in proptest::sample::select(VALUES),
        upper in any::<bool>(),
        space in proptest::sample::select(&[" ", "\u{a0}", "  ", "\u{2009}"][..]),
        // Behind a word such as "ver" four numbers are a version.
        before in "[a-u ]{0,12}",
        after in "[a-z ]{0,12}",
        action in prop_oneof![Just(Action::Pseudonymize), Just(Action::Mask), Just(Action::Drop)],
    ) {
        let (redaction, mut names) = (redaction([action; 10]), Pseudonyms::default());
        let spelled = if upper { value.to_uppercase() } else { value.to_owned() };
        let text = format!("{before} ({}) {after}", spelled.replace(' ', space));
        let shown = redact(&text, &redaction, &mut names);
        let bare = |text: &str| Folded::of(text).text().replace(|char: char| !char.is_alphanumeric(), "");
        prop_assert!(!bare(&shown).contains(&bare(value)), "{} in {}", value, shown);
    }
}

#[test]
fn one_person_has_one_pseudonym_in_every_spelling() {
    let (redaction, mut names) = (redaction([Action::Pseudonymize; 10]), Pseudonyms::default());
    let shown = redact("Ada Lovelace, LOVELACE, ADA\nada  lovelace; Ada", &redaction, &mut names);
    assert_eq!(shown, "PERSON-22222, PERSON-22222\nPERSON-22222; PERSON-22222");
    assert_eq!(names.count(&acme()), 1);
}

#[test]
fn where_values_overlap_all_of_them_goes_as_the_strictest_says() {
    let mut terms = redaction([Action::Pseudonymize; 10]);
    terms.classes.insert(Class::Customer, Action::Drop);
    assert_eq!(redact("for Ada Lovelace Ltd only", &terms, &mut Pseudonyms::default()), "for … only");
    terms.classes.insert(Class::Customer, Action::Mask);
    assert_eq!(
        redact("for Ada Lovelace Ltd only", &terms, &mut Pseudonyms::default()),
        "for ‹customer› only"
    );
}

/// In pasted JSON, HTML and web addresses, and in files of them.
#[test]
fn a_value_is_found_however_it_is_spelled() {
    let (redaction, mut names) = (redaction([Action::Pseudonymize; 10]), Pseudonyms::default());
    let text = r#"{"a":"Hi,\nAda Lovelace","b":"J\u00fcrgen M\u00fcller"} <p>J&uuml;rgen M&#252;ller</p> ?to=a.b%40x.example&x=1"#;
    let shown = redact(text, &redaction, &mut names);
    let expected = r#"{"a":"Hi,\nPERSON-B","b":"PERSON-A"} <p>PERSON-A</p> ?to=EMAIL-22222&x=1"#;
    let as_counted = shown.replace("PERSON-22224", "PERSON-A").replace("PERSON-22223", "PERSON-B");
    assert_eq!(as_counted, expected);
    assert_eq!(names.behind(&acme(), "EMAIL-22222"), Some("a.b@x.example"));
}

#[test]
fn half_a_word_does_not_tell_the_rest() {
    let terms = redaction([Action::Mask; 10]);
    assert_eq!(redact("see AT-12345-b", &terms, &mut Pseudonyms::default()), "see ‹asset›-b");
}

/// Sixteen times the text takes about sixteen times as long, however it is made.
#[test]
fn the_time_grows_with_the_text_only() {
    let terms = redaction([Action::Mask; 10]);
    let clock = SystemClock::new();
    let units = [
        "0",
        "0 ",
        "1-",
        "@",
        "a@",
        "a@a.",
        "-",
        "PERSON-",
        ":",
        "1.",
        "Ada ",
        "Ada",
        "x",
        "x ",
        "a",
        " ",
        "‹",
        "…",
        "é",
        "+49 ",
        "DE89 ",
        "ada.lovelace@northwind.example ",
    ];
    for unit in units {
        let took = |bytes: usize| {
            let text = unit.repeat(bytes / unit.len());
            let run = || {
                let begun = clock.monotonic();
                assert!(!redact(&text, &terms, &mut Pseudonyms::default()).is_empty());
                clock.monotonic() - begun
            };
            run().min(run())
        };
        let (short, long) = (took(1 << 10), took(16 << 10));
        // Sixteen times linear, 256 times square; the rest is what a busy machine adds.
        assert!(
            long < short * 64 + std::time::Duration::from_millis(500),
            "{unit:?}: {short:?}, then {long:?}"
        );
    }
}
