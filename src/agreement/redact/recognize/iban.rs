//! International bank account numbers, written together or in groups of four.
//!
//! After ISO 13616: the country's length from the IBAN registry (SWIFT, release 97), remainder 1 by 97 (ISO 7064).

use super::super::terms::Class;
use super::Match;
use super::groups::{Bounds, Group, each_number};

/// How long the numbers of each country are.
const LENGTHS: &[(&str, usize)] = &[
    ("ad", 24),
    ("ae", 23),
    ("al", 28),
    ("at", 20),
    ("az", 28),
    ("ba", 20),
    ("be", 16),
    ("bg", 22),
    ("bh", 22),
    ("bi", 27),
    ("br", 29),
    ("by", 28),
    ("ch", 21),
    ("cr", 22),
    ("cy", 28),
    ("cz", 24),
    ("de", 22),
    ("dj", 27),
    ("dk", 18),
    ("do", 28),
    ("ee", 20),
    ("eg", 29),
    ("es", 24),
    ("fi", 18),
    ("fk", 18),
    ("fo", 18),
    ("fr", 27),
    ("gb", 22),
    ("ge", 22),
    ("gi", 23),
    ("gl", 18),
    ("gr", 27),
    ("gt", 28),
    ("hr", 21),
    ("hu", 28),
    ("ie", 22),
    ("il", 23),
    ("iq", 23),
    ("is", 26),
    ("it", 27),
    ("jo", 30),
    ("kw", 30),
    ("kz", 20),
    ("lb", 28),
    ("lc", 32),
    ("li", 21),
    ("lt", 20),
    ("lu", 20),
    ("lv", 21),
    ("ly", 25),
    ("mc", 27),
    ("md", 24),
    ("me", 22),
    ("mk", 19),
    ("mn", 20),
    ("mr", 27),
    ("mt", 31),
    ("mu", 30),
    ("ni", 28),
    ("nl", 18),
    ("no", 15),
    ("om", 23),
    ("pk", 24),
    ("pl", 28),
    ("ps", 29),
    ("pt", 25),
    ("qa", 29),
    ("ro", 24),
    ("rs", 22),
    ("ru", 33),
    ("sa", 24),
    ("sc", 31),
    ("sd", 18),
    ("se", 24),
    ("si", 19),
    ("sk", 24),
    ("sm", 27),
    ("so", 23),
    ("st", 25),
    ("sv", 28),
    ("tl", 23),
    ("tn", 24),
    ("tr", 26),
    ("ua", 29),
    ("va", 22),
    ("vg", 24),
    ("xk", 20),
    ("ye", 30),
];

pub(super) fn find(text: &str, groups: &[Group], found: &mut Vec<Match>) {
    for (at, group) in groups.iter().enumerate() {
        let Some(first) = text.get(group.place.clone()) else { continue };
        let Some(length) = first.get(..2).and_then(length_in) else { continue };
        if !first.get(2..4).is_some_and(|check| check.bytes().all(|byte| byte.is_ascii_digit())) {
            continue;
        }
        let bounds = Bounds { signs: length, groups: length, between: &[' ', '-'] };
        each_number(text, groups.get(at..).unwrap_or_default(), &bounds, |number| {
            if number.signs.len() == length && holds(&number.signs) {
                let (place, key) = (number.place.clone(), number.signs.clone());
                found.push(Match { place, class: Class::Iban, key, value: None });
            }
        });
    }
}

fn length_in(country: &str) -> Option<usize> {
    LENGTHS.iter().find(|(code, _)| *code == country).map(|(_, length)| *length)
}

fn holds(number: &str) -> bool {
    let (head, account) = number.split_at_checked(4).unwrap_or_default();
    let rest = account.chars().chain(head.chars()).try_fold(0, |rest, sign| {
        let value = sign.to_digit(36)?;
        Some(if value < 10 { (rest * 10 + value) % 97 } else { (rest * 100 + value) % 97 })
    });
    rest == Some(1)
}
