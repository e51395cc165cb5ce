//! Which groups of letters and digits are taken for one number.

use super::super::groups::{Bounds, each_number, groups};

/// Every number that begins with the first group of a text, in its groups and what is between them.
fn numbers(text: &str) -> Vec<String> {
    let bounds = Bounds { signs: 8, groups: 3, between: &[' ', '-'] };
    let mut numbers = Vec::new();
    each_number(text, &groups(text), &bounds, |number| {
        assert_eq!(number.lengths.iter().sum::<usize>(), number.signs.len());
        assert_eq!(number.between.len() + 1, number.lengths.len());
        numbers.push(text.get(number.place.clone()).unwrap().to_owned());
    });
    numbers
}

#[test]
fn a_number_grows_group_by_group_to_its_bounds() {
    for (text, expected) in [
        ("", &[][..]),
        ("(12)", &["12"]),
        ("12 ab-56", &["12", "12 ab", "12 ab-56"]),
        // So many groups.
        ("1 2 3 4", &["1", "1 2", "1 2 3"]),
        // So many letters and digits.
        ("12345678", &["12345678"]),
        ("123456789", &[]),
        ("1234 5678", &["1234", "1234 5678"]),
        ("1234 56789", &["1234"]),
        ("12 3456789 1", &["12"]),
        // One sign between two groups, of those that may be there.
        ("12.34", &["12"]),
        ("12 34.56", &["12", "12 34"]),
        ("12--34", &["12"]),
        ("12 - 34", &["12"]),
        // Whole words.
        ("12é 34", &[]),
        ("12 34é", &["12"]),
        ("é12 34", &[]),
    ] {
        assert_eq!(numbers(text), expected, "{text}");
    }
}
