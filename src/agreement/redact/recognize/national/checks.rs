//! The checksums of the kinds of number, over small letters and digits without anything between them. How long a number
//! of each kind is, the table says: no other length comes here.

use super::super::groups::{digits, luhn, remainder};

/// The sum of digits by their weights.
fn weighed(digits: &[u32], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum()
}

fn value(digits: &[u32]) -> u32 {
    digits.iter().fold(0, |value, digit| value * 10 + digit)
}

/// Two digits from a place on.
fn pair(digits: &[u32], at: usize) -> u32 {
    digits.get(at..at + 2).map_or(0, value)
}

/// The sign that stands for a remainder.
fn sign(signs: &str, at: u32) -> Option<&str> {
    let at = usize::try_from(at).ok()?;
    signs.get(at..=at)
}

fn is_day(day: u32, month: u32) -> bool {
    (1..=31).contains(&day)
        && (1..=12).contains(&month)
        && !(day == 31 && [4, 6, 9, 11].contains(&month))
        && !(day > 29 && month == 2)
}

pub(super) fn german_tax(text: &str) -> bool {
    digits(text).is_some_and(|digits| {
        let (body, check) = digits.split_at_checked(10).unwrap_or_default();
        let counts = (0..10).map(|digit| body.iter().filter(|other| **other == digit).count());
        // One digit stands there twice or three times, and no other more than once.
        let repeated: Vec<usize> = counts.filter(|count| *count > 1).collect();
        let product = body.iter().fold(10, |product, digit| {
            let sum = (digit + product) % 10;
            let sum = if sum == 0 { 10 } else { sum };
            sum * 2 % 11
        });
        digits.first() != Some(&0) && matches!(repeated.as_slice(), [2 | 3]) && check == [(11 - product) % 10]
    })
}

pub(super) fn french(text: &str) -> bool {
    // Corsica's departments have letters, which count as 19 and 18.
    let plain = match text.get(5..7) {
        Some("2a") => text.replacen("2a", "19", 1),
        Some("2b") => text.replacen("2b", "18", 1),
        _ => text.to_owned(),
    };
    digits(&plain).is_some_and(|digits| {
        let (body, key) = digits.split_at_checked(13).unwrap_or_default();
        let month = pair(&digits, 3);
        digits.first().is_some_and(|first| [1, 2, 3, 4, 7, 8].contains(first))
            && ((1..=12).contains(&month) || (20..=42).contains(&month) || month >= 50)
            && 97 - remainder(body, 97) == value(key)
    })
}

pub(super) fn spanish(text: &str) -> bool {
    const LETTERS: &str = "trwagmyfpdxbnjzsqvhlcke";
    let (body, letter) = text.split_at_checked(8).unwrap_or_default();
    // A foreigner's number begins with a letter, which counts as a digit.
    let body = match body.chars().next() {
        Some('x') => body.replacen('x', "0", 1),
        Some('y') => body.replacen('y', "1", 1),
        Some('z') => body.replacen('z', "2", 1),
        _ => body.to_owned(),
    };
    digits(&body).is_some_and(|digits| sign(LETTERS, remainder(&digits, 23)) == Some(letter))
}

pub(super) fn italian(text: &str) -> bool {
    const ODD: [u32; 26] =
        [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
    // Where two people would have the same number, letters stand for digits.
    let shape = text.bytes().enumerate().all(|(at, byte)| match at {
        0..=5 | 8 | 11 | 15 => byte.is_ascii_lowercase(),
        _ => byte.is_ascii_digit() || b"lmnpqrstuv".contains(&byte),
    });
    let month = text.as_bytes().get(8).copied().is_some_and(|byte| b"abcdehlmprst".contains(&byte));
    let value =
        |sign: char| sign.to_digit(10).or_else(|| sign.to_digit(36).map(|letter| letter.saturating_sub(10)));
    let sum: Option<u32> = text
        .chars()
        .take(15)
        .enumerate()
        .map(|(at, sign)| {
            let value = value(sign)?;
            if at % 2 == 1 { Some(value) } else { ODD.get(usize::try_from(value).ok()?).copied() }
        })
        .sum();
    shape && month && sum.map(|sum| sum % 26) == text.chars().nth(15).and_then(value)
}

pub(super) fn dutch(text: &str) -> bool {
    digits(text).is_some_and(|digits| {
        let sum = weighed(&digits, &[9, 8, 7, 6, 5, 4, 3, 2]);
        sum > 0 && digits.last() == Some(&(sum % 11))
    })
}

pub(super) fn polish(text: &str) -> bool {
    digits(text).is_some_and(|digits| {
        let sum = weighed(&digits, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]);
        // The century is added to the month, in steps of twenty.
        sum.is_multiple_of(10) && is_day(pair(&digits, 4), pair(&digits, 2) % 20)
    })
}

pub(super) fn swedish(text: &str) -> bool {
    digits(text).is_some_and(|digits| {
        let (century, ten) = digits.split_at_checked(digits.len().saturating_sub(10)).unwrap_or_default();
        // Sixty is added to the day of who is not registered there.
        (century.is_empty() || [18, 19, 20].contains(&value(century)))
            && luhn(ten)
            && is_day(pair(ten, 4) % 60, pair(ten, 2))
    })
}

pub(super) fn british_health(text: &str) -> bool {
    digits(text).is_some_and(|digits| {
        // No number is given where this is ten: no digit is.
        let check = (11 - weighed(&digits, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 11;
        digits.last() == Some(&check)
    })
}

pub(super) fn british_insurance(text: &str) -> bool {
    let (prefix, rest) = text.split_at_checked(2).unwrap_or_default();
    rest.strip_suffix(['a', 'b', 'c', 'd']).is_some_and(|number| digits(number).is_some())
        && prefix.bytes().all(|letter| letter.is_ascii_lowercase() && !b"dfiquv".contains(&letter))
        && !prefix.ends_with('o')
        && !["bg", "gb", "kn", "nk", "nt", "tn", "zz"].contains(&prefix)
}

pub(super) fn american(text: &str) -> bool {
    digits(text).is_some_and(|digits| {
        let (area, group) = (digits.get(..3).map_or(0, value), pair(&digits, 3));
        let serial = digits.get(5..).map_or(0, value);
        (1..=899).contains(&area) && area != 666 && group > 0 && serial > 0
    })
}

pub(super) fn swiss(text: &str) -> bool {
    digits(text).is_some_and(|digits| {
        text.starts_with("756")
            && weighed(&digits, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]).is_multiple_of(10)
    })
}

pub(super) fn belgian(text: &str) -> bool {
    digits(text).is_some_and(|digits| {
        let (body, check) = digits.split_at_checked(9).unwrap_or_default();
        // Who was born from 2000 on has a two before the number.
        let later = [[2].as_slice(), body].concat();
        let checked = [body, &later].iter().any(|body| 97 - remainder(body, 97) == value(check));
        // Twenty or forty is added to the month of who is not registered there.
        checked && is_day(pair(&digits, 4), pair(&digits, 2) % 20)
    })
}

pub(super) fn austrian(text: &str) -> bool {
    digits(text).is_some_and(|digits| {
        let sum = weighed(&digits, &[3, 7, 9, 0, 5, 8, 4, 2, 1, 6]);
        digits.first() != Some(&0)
            && digits.get(3) == Some(&(sum % 11))
            && is_day(pair(&digits, 4), pair(&digits, 6))
    })
}

pub(super) fn danish(text: &str) -> bool {
    digits(text).is_some_and(|digits| is_day(pair(&digits, 0), pair(&digits, 2)))
}

pub(super) fn finnish(text: &str) -> bool {
    const SIGNS: &str = "0123456789abcdefhjklmnprstuvwxy";
    let (date, rest) = text.split_at_checked(6).unwrap_or_default();
    // Written with a hyphen or a plus, the sign of the century is between the groups.
    let century = ['a', 'b', 'c', 'd', 'e', 'f', 'u', 'v', 'w', 'x', 'y'];
    let (number, check) = rest.strip_prefix(century).unwrap_or(rest).split_at_checked(3).unwrap_or_default();
    digits(&format!("{date}{number}")).is_some_and(|digits| {
        is_day(pair(&digits, 0), pair(&digits, 2)) && sign(SIGNS, value(&digits) % 31) == Some(check)
    })
}

pub(super) fn norwegian(text: &str) -> bool {
    digits(text).is_some_and(|digits| {
        let first = weighed(&digits, &[3, 7, 6, 1, 8, 9, 4, 5, 2, 1]);
        let second = weighed(&digits, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]);
        // Forty is added to the day of who is not registered there.
        first.is_multiple_of(11)
            && second.is_multiple_of(11)
            && is_day(pair(&digits, 0) % 40, pair(&digits, 2) % 40)
    })
}

pub(super) fn czech(text: &str) -> bool {
    digits(text).is_some_and(|digits| {
        // Fifty is added to a woman's month, twenty where a day's numbers ran out.
        remainder(&digits, 11) == 0 && is_day(pair(&digits, 4), pair(&digits, 2) % 50 % 20)
    })
}
