//! Pseudonyms there and back, in whatever form desks leave them.

use super::*;

fn acme() -> AgreementName {
    AgreementName("acme".to_owned())
}

fn known() -> Pseudonyms {
    let mut known = Pseudonyms::default();
    for (agreement, pseudonym, value) in [
        ("acme", "PERSON-7F3K", "Ada Lovelace"),
        ("acme", "EMAIL-2B2C4", "ada@example.org"),
        ("other", "PERSON-9XYZ", "Bob"),
    ] {
        let agreement = AgreementName(agreement.to_owned());
        let (pseudonym, value) = (pseudonym.to_owned(), value.to_owned());
        known.insert(&Named { agreement, pseudonym, key: value.to_lowercase(), value });
    }
    known
}

#[test]
fn a_pseudonym_is_put_back_however_a_desk_wrote_it() {
    for (text, expected) in [
        ("PERSON-7F3K cannot log in", "Ada Lovelace cannot log in"),
        ("**person-7f3k**, (Person-7F3K)", "**Ada Lovelace**, (Ada Lovelace)"),
        ("PERSON\\-7F3K PERSON\u{2011}7F3K", "Ada Lovelace Ada Lovelace"),
        ("mail PERSON-\n7F3K's, email-2b2c4", "mail Ada Lovelace's, ada@example.org"),
        ("请PERSON-7F3K来", "请Ada Lovelace来"),
        (r#"{"a":"\nPERSON\u002d7F3K"}"#, r#"{"a":"\nAda Lovelace"}"#),
        (r#"{"a":"PERSON\u002d7F3K","b":"EMAIL-2B2C4"}"#, r#"{"a":"Ada Lovelace","b":"ada@example.org"}"#),
    ] {
        assert_eq!(known().restore(&acme(), text), expected);
    }
}

#[test]
fn what_was_put_back_is_concealed_again() {
    for text in ["PERSON-7F3K, and EMAIL-2B2C4", "PERSON-7F3KPERSON-7F3K", "nobody", ""] {
        assert_eq!(known().conceal(&acme(), &known().restore(&acme(), text)), text);
    }
    let none = AgreementName("none".to_owned());
    assert_eq!(known().conceal(&none, "Ada Lovelace"), "Ada Lovelace");
}

#[test]
fn what_only_looks_like_one_or_is_another_agreements_stays() {
    for text in [
        "PERSON-9XYZ",
        "PERSON-2222",
        "XPERSON-7F3K",
        "PERSON-7F3KX",
        "PERSON-7F3",
        "éPERSON-7F3K",
        "PERSON-7F3Ké",
        "- -a a- --",
        "",
    ] {
        assert_eq!(known().restore(&acme(), text), text);
        assert_eq!(known().restore(&AgreementName("none".to_owned()), text), text);
    }
}

#[test]
fn a_pseudonym_comes_back_however_long_its_label_is() {
    let class = Class::Pattern("a-".repeat(31) + "ab");
    let long = Class::Pattern("a".repeat(64));
    for class in [Class::NationalId, class, long] {
        let unnamed = class.unnamed(&acme(), "x".to_owned(), "X".to_owned());
        let (mut names, named) = (Pseudonyms::default(), unnamed.provisional(7));
        names.insert(&named);
        assert_eq!(names.restore(&acme(), &format!("see {}.", named.pseudonym)), "see X.", "{class}");
    }
}

#[test]
fn each_name_for_a_trial_is_another() {
    for (number, expected) in [
        (0, "PERSON-2222"),
        (1, "PERSON-2223"),
        (29, "PERSON-222Z"),
        (30, "PERSON-2232"),
        (809_999, "PERSON-ZZZZ"),
        (810_000, "PERSON-32222"),
    ] {
        let unnamed = Class::Person.unnamed(&acme(), "bob".to_owned(), "Bob".to_owned());
        let named = unnamed.provisional(number);
        assert_eq!(named.pseudonym, expected);
        assert_eq!((named.agreement, named.key, named.value), (acme(), "bob".to_owned(), "Bob".to_owned()));
    }
}

#[test]
fn what_is_forgotten_stands_for_nobody_and_all_others_stay() {
    let mut names = known();
    let (pseudonym, value) = ("PERSON-7F3K".to_owned(), "Ada Lovelace".to_owned());
    let key = value.to_lowercase();
    assert_eq!((names.given(), names.count(&acme())), (3, 2));
    assert_eq!(names.of(&acme(), "PERSON", &key), Some("PERSON-7F3K"));
    names.remove(&Named { agreement: acme(), pseudonym, key: key.clone(), value });
    assert_eq!((names.given(), names.count(&acme())), (2, 1));
    assert_eq!(names.of(&acme(), "PERSON", &key), None);
    assert_eq!(names.of(&acme(), "EMAIL", "ada@example.org"), Some("EMAIL-2B2C4"));
    assert_eq!(names.restore(&acme(), "PERSON-7F3K, EMAIL-2B2C4"), "PERSON-7F3K, ada@example.org");
    assert_eq!(names.conceal(&acme(), "Ada Lovelace"), "Ada Lovelace");
}

#[test]
fn of_values_within_each_other_the_longest_is_concealed() {
    let mut names = Pseudonyms::default();
    let whole = "Ada King Noel Byron Milbanke Lovelace";
    let ends: Vec<usize> = whole.match_indices(' ').map(|(at, _)| at).chain([whole.len()]).collect();
    let mut insert = |pseudonym: &str, value: &str| {
        let (pseudonym, value) = (pseudonym.to_owned(), value.to_owned());
        names.insert(&Named { agreement: acme(), pseudonym, key: value.to_lowercase(), value });
    };
    for (number, end) in ends.iter().enumerate() {
        insert(&format!("PERSON-222{}", number + 2), &whole[..*end]);
    }
    // One value of several classes is the first of them.
    ["VALUE-2222", "CUSTOMER-2222", "OWNER-2222"].iter().for_each(|it| insert(it, whole));
    // What was erased and stands for nothing is nowhere.
    insert("PERSON-3333", "");
    for (text, expected) in [
        (whole, "CUSTOMER-2222"),
        ("for Ada King Noel, Ada", "for PERSON-2224, PERSON-2222"),
        ("nobody", "nobody"),
    ] {
        assert_eq!(names.conceal(&acme(), text), expected);
    }
}

/// A label may be made of what could be a code.
#[test]
fn of_pseudonyms_within_each_other_the_first_is_put_back() {
    let mut names = known();
    for (pseudonym, value) in [("PERSON-CASE", "Bob"), ("CASE-2222", "4711")] {
        let (pseudonym, value) = (pseudonym.to_owned(), value.to_owned());
        names.insert(&Named { agreement: acme(), pseudonym, key: value.to_lowercase(), value });
    }
    for text in ["PERSON-CASE-2222, CASE-2222", r"PERSON\u002dCASE-2222, CASE-2222"] {
        assert_eq!(names.restore(&acme(), text), "Bob-2222, 4711");
    }
}
