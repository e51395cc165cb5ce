//! Telephone numbers: international ones, those of the North American plan, and national ones with a trunk zero, with a
//! mobile network's beginning, or behind a word such as "Tel.".
//!
//! After ITU-T E.164 (at most fifteen digits, the assigned country codes), E.123 (how they are written) and the North
//! American Numbering Plan. A national number without trunk zero, spaces or a word before it is not claimed: it looks
//! like any other number.

use std::ops::Range;

use regex::Regex;

use super::super::folded::is_whole;
use super::super::terms::Class;
use super::Match;
use super::groups::announced;

/// Words behind which a number is one to call.
const WORDS: &[&str] = &[
    "tel",
    "telefon",
    "telephone",
    "phone",
    "phones",
    "mobile",
    "mobil",
    "mobiltelefon",
    "handy",
    "handynummer",
    "fon",
    "fax",
    "telefax",
    "call",
    "dial",
    "rufnummer",
    "telefonnummer",
    "tél",
    "téléphone",
    "portable",
    "teléfono",
    "telefono",
    "móvil",
    "movil",
    "cellulare",
    "cell",
    "cellphone",
    "gsm",
    "mob",
    "telefoon",
    "telefoonnummer",
    "tlf",
    "puhelin",
    "komórka",
    "telefonu",
    "whatsapp",
    "durchwahl",
    "anrufen",
    "hotline",
];
/// The assigned country codes, by their beginnings (ITU-T E.164, list of 2016 with its amendments).
const CODES: &[&str] = &[
    "1", "20", "211", "212", "213", "216", "218", "22", "23", "24", "25", "26", "27", "290", "291", "297",
    "298", "299", "30", "31", "32", "33", "34", "350", "351", "352", "353", "354", "355", "356", "357",
    "358", "359", "36", "370", "371", "372", "373", "374", "375", "376", "377", "378", "379", "380", "381",
    "382", "383", "385", "386", "387", "389", "39", "40", "41", "420", "421", "423", "43", "44", "45", "46",
    "47", "48", "49", "50", "51", "52", "53", "54", "55", "56", "57", "58", "59", "60", "61", "62", "63",
    "64", "65", "66", "67", "68", "69", "7", "800", "81", "82", "84", "850", "852", "853", "855", "856",
    "86", "870", "878", "880", "881", "882", "883", "886", "888", "90", "91", "92", "93", "94", "95", "960",
    "961", "962", "963", "964", "965", "966", "967", "968", "970", "971", "972", "973", "974", "975", "976",
    "977", "979", "98", "992", "993", "994", "995", "996", "998",
];

/// Digits with the signs that stand between them in numbers to call.
pub(super) fn pattern() -> Result<Regex, String> {
    let between = r"(?:[ ]?[(][0-9]{1,5}[)][ ]?|[ ]?[/-][ ]?|[ .])?";
    let pattern = format!("(?:[+][ ]?)?(?:[(][+]?[0-9]{{1,5}}[)][ -]?)?[0-9](?:{between}[0-9]){{5,18}}");
    Regex::new(&pattern).map_err(|error| error.to_string())
}

pub(super) fn find(pattern: &Regex, text: &str, found: &mut Vec<Match>) {
    let mut at = 0;
    while let Some(candidate) = pattern.find_at(text, at) {
        let shown = first_number(text, candidate.range());
        // Before the number a date or a time may have been taken in: `12.03.2024 10:15 0171 2345678`.
        let done = || moment(text, candidate.range()).unwrap_or(candidate.end());
        at = shown.as_ref().map_or_else(done, |shown| shown.place.end);
        found.extend(shown);
    }
}

/// The part of a candidate that is a number: one behind which another plainly begins, else the longest. That other one
/// may have been taken in.
fn first_number(text: &str, candidate: Range<usize>) -> Option<Match> {
    let written = text.get(candidate.clone())?;
    let digits = written.char_indices().rev().filter(|(_, char)| char.is_ascii_digit());
    let places = digits.map(|(last, _)| candidate.start..candidate.start + last + 1);
    let parted = places.clone().filter(|place| another_follows(text, place.end));
    parted.chain(places).filter(|place| is_whole(text, place) && !continues(text, place)).find_map(|place| {
        let key = number(text, place.start, text.get(place.clone())?)?;
        Some(Match { place, class: Class::Phone, key, value: None })
    })
}

/// Where the date, or the last two digits of a time, ends with which a candidate begins.
fn moment(text: &str, candidate: Range<usize>) -> Option<usize> {
    let date = text.get(candidate.start..candidate.start + "2024-03-12".len());
    if date.is_some_and(|date| is_date(&groups(date), date)) {
        return Some(candidate.start + "2024-03-12".len());
    }
    text.get(..candidate.start)?.ends_with(':').then_some(candidate.start + "15".len())
}

/// Whether a slash and a trunk zero stand there, with which another number begins: `030 901820/0171 2345678`.
fn another_follows(text: &str, at: usize) -> bool {
    let slash = text.get(at..).and_then(|rest| rest.trim_start().strip_prefix('/'));
    slash.is_some_and(|next| next.trim_start().starts_with('0'))
}

/// Whether the number is a part of a longer one, of an amount, or of the name of something.
fn continues(text: &str, place: &Range<usize>) -> bool {
    let glued = |sign: Option<char>, next: Option<char>| match sign {
        // Between words they part them, as in a table: `Ada,0171 2345678,Berlin`, `contact:0171 2345678`.
        Some(',' | ':') => next.is_some_and(|next| next.is_ascii_digit()),
        Some('.' | '_' | '#' | '-' | '/') => next.is_some_and(char::is_alphanumeric),
        _ => false,
    };
    let (before, rest) = text.split_at_checked(place.start).unwrap_or_default();
    // "Tel.030 901820": the word that says what it is.
    let word = before.rsplit(|char: char| !char.is_alphanumeric()).nth(1);
    let begins = rest.starts_with('+') || word.is_some_and(|word| WORDS.contains(&word));
    let mut before = before.chars().rev();
    let mut after = text.get(place.end..).unwrap_or_default().chars();
    let ends = another_follows(text, place.end);
    (!begins && glued(before.next(), before.next())) || (!ends && glued(after.next(), after.next()))
}

/// The digits of a number to call, with a plus where it is international.
fn number(text: &str, at: usize, written: &str) -> Option<String> {
    // A trunk zero in brackets is not dialled from abroad.
    let bare = written.replace("(0)", "");
    let digits: String = bare.chars().filter(char::is_ascii_digit).collect();
    let groups = groups(&bare);
    let called = announced(text, at, WORDS);
    if written.contains('+') || digits.starts_with("00") {
        let digits = if written.contains('+') { digits.as_str() } else { digits.strip_prefix("00")? };
        let assigned = CODES.iter().any(|code| digits.starts_with(code));
        return ((8..=15).contains(&digits.len()) && assigned).then(|| format!("+{digits}"));
    }
    let national = (called && (6..=13).contains(&digits.len()) && !is_date(&groups, &bare))
        || is_north_american(&groups, written)
        || has_trunk_zero(&digits, &groups, &bare);
    national.then_some(digits)
}

/// Three digits, three and four, the first two groups beginning with 2 to 9, with signs between them.
fn is_north_american(groups: &[&str], written: &str) -> bool {
    let groups = match groups {
        ["1", rest @ ..] => rest,
        all => all,
    };
    let [area, exchange, line] = groups else { return false };
    let begins = |group: &str| group.len() == 3 && group.starts_with(|char| ('2'..='9').contains(&char));
    // 555 to 5559999 with spaces only would be any three numbers.
    let signs = written.contains(['(', '-', '.']);
    begins(area) && begins(exchange) && line.len() == 4 && signs
}

fn has_trunk_zero(digits: &str, groups: &[&str], written: &str) -> bool {
    let Some(first) = groups.first().filter(|first| first.starts_with('0')) else { return false };
    if !(9..=13).contains(&digits.len()) || is_date(groups, written) || is_national_id(groups, written) {
        return false;
    }
    if groups.len() == 1 {
        let mobile = ["015", "016", "017"].iter().any(|head| digits.starts_with(head))
            && (11..=12).contains(&digits.len());
        let short =
            ["06", "07"].iter().any(|head| digits.starts_with(head)) && (10..=11).contains(&digits.len());
        return mobile || short;
    }
    // All groups of two, or one area code: not lists of small numbers.
    (2..=6).contains(&first.len()) && groups.iter().skip(1).all(|group| (2..=8).contains(&group.len()))
}

/// Whether it is written as numbers are by which some countries know people: 3-2-4, or a day of birth and more.
fn is_national_id(groups: &[&str], written: &str) -> bool {
    let month = groups.first().and_then(|first| first.get(2..4)).and_then(|month| month.parse().ok());
    match lengths(groups).as_slice() {
        [3, 2, 4] => written.contains('-'),
        // What would be the day is one: a trunk zero and another digit.
        [6, 4 | 5] => month.is_some_and(|month: u32| (1..=12).contains(&month)),
        _ => false,
    }
}

fn is_date(groups: &[&str], written: &str) -> bool {
    let lengths = lengths(groups);
    let year =
        |group: Option<&&str>| group.is_some_and(|group| group.starts_with("19") || group.starts_with("20"));
    (lengths.starts_with(&[2, 2, 4]) && year(groups.get(2)) && written.contains(['.', '/', '-']))
        || (lengths.starts_with(&[4, 2, 2]) && year(groups.first()))
}

fn groups(written: &str) -> Vec<&str> {
    written.split(|char: char| !char.is_ascii_digit()).filter(|it| !it.is_empty()).collect()
}

fn lengths(groups: &[&str]) -> Vec<usize> {
    groups.iter().map(|group| group.len()).collect()
}
