//! Numbers of payment cards: who issues which, and how they are written.

use super::super::super::terms::Class;
use super::super::groups::luhn;
use super::{check, check_one, found};

/// The number with this beginning and so many digits whose last one is right.
fn number(beginning: &str, length: usize) -> String {
    let body = format!("{beginning:0<width$}", width = length - 1);
    let right = |number: &String| {
        let digits: Vec<u32> = number.chars().filter_map(|char| char.to_digit(10)).collect();
        luhn(&digits)
    };
    (0..10).map(|check| format!("{body}{check}")).find(right).unwrap()
}

/// ISO/IEC 7812-1 leaves beginning and length to the schemes: a number that none of them issues is no card, however
/// right its sum is.
#[test]
fn a_card_is_what_some_scheme_issues() {
    for (scheme, beginnings, lengths) in [
        ("Visa", &["4"][..], &[13, 16, 19][..]),
        ("Mastercard", &["51", "52", "53", "54", "55", "2221", "2300", "2720"], &[16]),
        ("American Express", &["34", "37"], &[15]),
        ("Discover", &["6011", "644", "649", "65"], &[16]),
        ("Diners Club", &["300", "305", "36", "38", "39"], &[14]),
        ("JCB", &["3528", "3550", "3589"], &[16]),
        ("UnionPay", &["62"], &[16, 17, 18, 19]),
        ("Maestro", &["5018", "5020", "5038", "6304", "6759", "6761", "6763"], &[16, 17, 18, 19]),
        ("nobody", &["0", "1", "2220", "2721", "306", "33", "35", "3527", "3590", "50", "56"], &[]),
        ("nobody", &["5019", "6010", "6012", "61", "63", "643", "6762", "7", "8", "9"], &[]),
    ] {
        for (beginning, length) in
            beginnings.iter().flat_map(|one| (12..=20).map(move |length| (one, length)))
        {
            let number = number(beginning, length);
            let known = !found(&Class::Card, &format!("card {number}.")).is_empty();
            assert_eq!(known, lengths.contains(&length), "{scheme}: {number}, {length} digits");
        }
    }
}

#[test]
fn a_card_is_written_together_or_in_the_groups_embossed_on_it() {
    check(
        &Class::Card,
        &[
            "«4123100772837839»",
            "«4123 1007 7283 7839»",
            "«4123-1007-7283-7839»",
            "«3782 822463 10005», «3056 930902 5904» and «4222 2222 2222 2»",
            "«6304 1000 0000 0000 009» and «630410 0000000000009»",
            // Not in groups of another length, and not with several signs.
            "41231007 72837839",
            "4123 1007 7283 783 9",
            "4123-1007 7283 7839",
            "4123 1007 7283-7839",
            "4123, 1007, 7283, 7839",
            "4123  /  1007 7283 7839",
            "4123.1007.7283.7839",
            // One digit was mistyped, or two were exchanged.
            "4123 1007 7283 7838",
            "4123 1007 7283 8739",
            // A part of a longer word.
            "é4123100772837839",
            "4123100772837839ß",
            "x4123100772837839",
        ],
    );
    check_one(
        &Class::Card,
        "4123100772837839",
        &["4123 1007 7283 7839", "4123-1007-7283-7839", "4123100772837839"],
    );
}

#[test]
fn the_sum_of_a_card_counts_every_second_digit_twice() {
    for (digits, right) in [
        // The example of ISO/IEC 7812-1, annex B, and its neighbours.
        ("49927398716", true),
        ("49927398717", false),
        ("49927398706", false),
        ("49927398776", false),
        ("0", true),
        ("18", true),
        ("59", true),
        ("91", true),
        ("19", false),
    ] {
        let digits: Vec<u32> = digits.chars().filter_map(|char| char.to_digit(10)).collect();
        assert_eq!(luhn(&digits), right, "{digits:?}");
    }
}
