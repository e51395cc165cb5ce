//! The checksums of the kinds of number, over small letters and digits without anything between them.

use super::super::groups::{digits, luhn, remainder};

/// Digits, if these are exactly so many.
fn exactly(text: &str, count: usize) -> Option<Vec<u32>> {
    digits(text).filter(|digits| digits.len() == count)
}

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

fn is_day(day: u32, month: u32) -> bool {
    (1..=31).contains(&day)
        && (1..=12).contains(&month)
        && !(day == 31 && [4, 6, 9, 11].contains(&month))
        && !(day > 29 && month == 2)
}

pub(super) fn german_tax(text: &str) -> bool {
    let Some(digits) = exactly(text, 11).filter(|digits| digits.first() != Some(&0)) else { return false };
    let (Some(body), Some(check)) = (digits.get(..10), digits.last()) else { return false };
    let mut counts = [0_u32; 10];
    for count in body.iter().filter_map(|digit| usize::try_from(*digit).ok()) {
        if let Some(count) = counts.get_mut(count) {
            *count += 1;
        }
    }
    // One digit stands there twice or three times, and no other more than once.
    let repeated: Vec<u32> = counts.into_iter().filter(|count| *count > 1).collect();
    let product = body.iter().fold(10, |product, digit| {
        let sum = (digit + product) % 10;
        let sum = if sum == 0 { 10 } else { sum };
        sum * 2 % 11
    });
    matches!(repeated.as_slice(), [2 | 3]) && (11 - product) % 10 == *check
}

pub(super) fn french(text: &str) -> bool {
    // Corsica's departments have letters, which count as 19 and 18.
    let plain = match text.get(5..7) {
        Some("2a") => text.replacen("2a", "19", 1),
        Some("2b") => text.replacen("2b", "18", 1),
        _ => text.to_owned(),
    };
    let Some(digits) = exactly(&plain, 15) else { return false };
    let (Some(body), Some(first)) = (digits.get(..13), digits.first()) else { return false };
    let month = pair(&digits, 3);
    [1, 2, 3, 4, 7, 8].contains(first)
        && ((1..=12).contains(&month) || (20..=42).contains(&month) || month >= 50)
        && 97 - remainder(body, 97) == pair(&digits, 13)
}

pub(super) fn spanish(text: &str) -> bool {
    const LETTERS: &[u8; 23] = b"trwagmyfpdxbnjzsqvhlcke";
    let (Some(body), Some(letter)) = (text.get(..8), text.as_bytes().get(8).copied()) else { return false };
    let body = match body.bytes().next() {
        Some(b'x') => body.replacen('x', "0", 1),
        Some(b'y') => body.replacen('y', "1", 1),
        Some(b'z') => body.replacen('z', "2", 1),
        _ => body.to_owned(),
    };
    let Some(digits) = exactly(&body, 8).filter(|_| text.len() == 9) else { return false };
    usize::try_from(remainder(&digits, 23)).ok().and_then(|at| LETTERS.get(at)) == Some(&letter)
}

pub(super) fn italian(text: &str) -> bool {
    const ODD: [u32; 26] =
        [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
    if text.len() != 16 {
        return false;
    }
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
    let check = text.chars().nth(15).and_then(value);
    shape && month && sum.map(|sum| sum % 26) == check && check.is_some()
}

pub(super) fn dutch(text: &str) -> bool {
    exactly(text, 9).is_some_and(|digits| {
        let last = digits.last().copied().unwrap_or_default();
        let sum = weighed(&digits, &[9, 8, 7, 6, 5, 4, 3, 2]);
        sum > 0 && sum % 11 == last % 11
    })
}

pub(super) fn polish(text: &str) -> bool {
    exactly(text, 11).is_some_and(|digits| {
        let sum = weighed(&digits, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]);
        sum.is_multiple_of(10) && is_day(pair(&digits, 4), pair(&digits, 2) % 20)
    })
}

pub(super) fn swedish(text: &str) -> bool {
    let Some(digits) = digits(text) else { return false };
    let century = digits.len() == 12;
    if century && ![18, 19, 20].contains(&pair(&digits, 0)) {
        return false;
    }
    let ten = if century { digits.get(2..).unwrap_or_default() } else { &digits };
    // Sixty is added to the day of who is not registered there.
    ten.len() == 10 && luhn(ten) && is_day(pair(ten, 4) % 60, pair(ten, 2))
}

pub(super) fn british_health(text: &str) -> bool {
    exactly(text, 10).is_some_and(|digits| {
        let check = (11 - weighed(&digits, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 11;
        check != 10 && digits.last() == Some(&check)
    })
}

pub(super) fn british_insurance(text: &str) -> bool {
    let bytes = text.as_bytes();
    let [first, second, middle @ .., last] = bytes else { return false };
    bytes.len() == 9
        && middle.iter().all(u8::is_ascii_digit)
        && (b'a'..=b'd').contains(last)
        && first.is_ascii_lowercase()
        && second.is_ascii_lowercase()
        && !b"dfiquv".contains(first)
        && !b"dfiquvo".contains(second)
        && !["bg", "gb", "kn", "nk", "nt", "tn", "zz"].iter().any(|unused| text.starts_with(unused))
}

pub(super) fn american(text: &str) -> bool {
    exactly(text, 9).is_some_and(|digits| {
        let (area, group) = (digits.get(..3).map_or(0, value), pair(&digits, 3));
        let serial = digits.get(5..).map_or(0, value);
        (1..=899).contains(&area) && area != 666 && group > 0 && serial > 0
    })
}

pub(super) fn swiss(text: &str) -> bool {
    exactly(text, 13).is_some_and(|digits| {
        text.starts_with("756")
            && weighed(&digits, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]).is_multiple_of(10)
    })
}

pub(super) fn belgian(text: &str) -> bool {
    exactly(text, 11).is_some_and(|digits| {
        let body = digits.get(..9).unwrap_or_default();
        let later: Vec<u32> = [2].iter().chain(body).copied().collect();
        let check = pair(&digits, 9);
        let checked = [body, &later].iter().any(|body| 97 - remainder(body, 97) == check);
        // Twenty or forty is added to the month of who is not registered there.
        checked && is_day(pair(&digits, 4), pair(&digits, 2) % 20)
    })
}

pub(super) fn austrian(text: &str) -> bool {
    exactly(text, 10).is_some_and(|digits| {
        let sum = weighed(&digits, &[3, 7, 9, 0, 5, 8, 4, 2, 1, 6]);
        digits.first() != Some(&0)
            && digits.get(3) == Some(&(sum % 11))
            && is_day(pair(&digits, 4), pair(&digits, 6))
    })
}

pub(super) fn danish(text: &str) -> bool {
    exactly(text, 10).is_some_and(|digits| is_day(pair(&digits, 0), pair(&digits, 2)))
}

pub(super) fn finnish(text: &str) -> bool {
    const SIGNS: &[u8; 31] = b"0123456789abcdefhjklmnprstuvwxy";
    // Written with a hyphen or a plus, the sign of the century is between the groups.
    let Some((date, rest)) = text.split_at_checked(6) else { return false };
    let rest = match (text.len(), rest.bytes().next()) {
        (10, _) => rest,
        (11, Some(b'a'..=b'f' | b'u'..=b'y')) => rest.get(1..).unwrap_or_default(),
        _ => return false,
    };
    let (Some(date), Some((number, check))) = (exactly(date, 6), rest.split_at_checked(3)) else {
        return false;
    };
    let Some(number) = exactly(number, 3) else { return false };
    let all = [date.as_slice(), &number].concat();
    let sign = usize::try_from(value(&all) % 31).ok().and_then(|at| SIGNS.get(at));
    is_day(pair(&date, 0), pair(&date, 2)) && sign.copied() == check.bytes().next()
}

pub(super) fn norwegian(text: &str) -> bool {
    exactly(text, 11).is_some_and(|digits| {
        let first = weighed(&digits, &[3, 7, 6, 1, 8, 9, 4, 5, 2, 1]);
        let second = weighed(&digits, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]);
        // Forty is added to the day of who is not registered there.
        first.is_multiple_of(11)
            && second.is_multiple_of(11)
            && is_day(pair(&digits, 0) % 40, pair(&digits, 2) % 40)
    })
}

pub(super) fn czech(text: &str) -> bool {
    exactly(text, 10).is_some_and(|digits| {
        // Fifty is added to a woman's month, twenty where a day's numbers ran out.
        remainder(&digits, 11) == 0 && is_day(pair(&digits, 4), pair(&digits, 2) % 50 % 20)
    })
}
