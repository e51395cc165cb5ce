//! Numbers by which countries know people. One row for each kind: how it is written, what its checksum is, and whether
//! a word before it has to say what it is, because its checksum alone lets one number in ten through.

mod checks;
#[cfg(test)]
mod tests;

use super::super::terms::Class;
use super::Match;
use super::groups::{Bounds, Group, Number, announced, each_number};

/// A kind of number.
struct Kind {
    /// Country and name, for whoever reads the table.
    #[cfg_attr(not(test), expect(dead_code, reason = "named in tests and for readers of the table"))]
    name: &'static str,
    /// How it is split into groups: each list is one way.
    groups: &'static [&'static [usize]],
    /// What stands between the groups.
    between: &'static [char],
    /// Whether small letters and digits without anything between them are one.
    holds: fn(&str) -> bool,
    /// Words of which one has to stand before it; none where the form says enough.
    words: &'static [&'static str],
}

const KINDS: &[Kind] = &[
    // Abgabenordnung, § 139b; ISO 7064, MOD 11,10.
    Kind {
        name: "DE tax id",
        groups: &[&[11], &[2, 3, 3, 3]],
        between: &[' '],
        holds: checks::german_tax,
        words: &[],
    },
    // INSEE: the key is 97 less the remainder by 97.
    Kind {
        name: "FR NIR",
        groups: &[&[15], &[13, 2], &[1, 2, 2, 2, 3, 3, 2]],
        between: &[' '],
        holds: checks::french,
        words: &[],
    },
    // Real Decreto 1553/2005: the letter by the remainder by 23.
    Kind {
        name: "ES DNI, NIE",
        groups: &[&[9], &[8, 1], &[1, 7, 1], &[1, 8]],
        between: &['-', ' '],
        holds: checks::spanish,
        words: &[],
    },
    // Decreto ministeriale 23 dicembre 1976.
    Kind {
        name: "IT codice fiscale",
        groups: &[&[16], &[3, 3, 5, 5], &[6, 5, 5]],
        between: &[' '],
        holds: checks::italian,
        words: &[],
    },
    // Wet algemene bepalingen burgerservicenummer: the proof by eleven.
    Kind {
        name: "NL BSN",
        groups: &[&[9], &[4, 2, 3], &[3, 3, 3], &[4, 5]],
        between: &[' ', '.', '-'],
        holds: checks::dutch,
        words: &["bsn", "burgerservicenummer", "sofinummer", "sofi", "persoonsnummer"],
    },
    // Ustawa o ewidencji ludności: date of birth, weights 1 3 7 9.
    Kind { name: "PL PESEL", groups: &[&[11]], between: &[], holds: checks::polish, words: &[] },
    // Skatteverket, SKV 704: date of birth, Luhn.
    Kind {
        name: "SE personnummer",
        groups: &[&[6, 4], &[8, 4], &[12]],
        between: &['-', '+'],
        holds: checks::swedish,
        words: &[],
    },
    Kind {
        name: "SE personnummer, written together",
        groups: &[&[10]],
        between: &[],
        holds: checks::swedish,
        words: &["personnummer", "personnr", "pnr", "samordningsnummer"],
    },
    // NHS Data Dictionary, NHS NUMBER: modulus 11.
    Kind {
        name: "GB NHS number",
        groups: &[&[10], &[3, 3, 4]],
        between: &[' ', '-'],
        holds: checks::british_health,
        words: &["nhs"],
    },
    // HMRC, NIM39110: prefixes that are not used.
    Kind {
        name: "GB national insurance number",
        groups: &[&[9], &[2, 2, 2, 2, 1], &[2, 6, 1]],
        between: &[' ', '-'],
        holds: checks::british_insurance,
        words: &[],
    },
    // Social Security Administration: areas, groups and serials that are not assigned.
    Kind { name: "US SSN", groups: &[&[3, 2, 4]], between: &['-'], holds: checks::american, words: &[] },
    Kind {
        name: "US SSN, written otherwise",
        groups: &[&[9], &[3, 2, 4]],
        between: &[' '],
        holds: checks::american,
        words: &["ssn", "social"],
    },
    // Verordnung über die Alters- und Hinterlassenenversicherung: EAN-13 beginning with 756.
    Kind {
        name: "CH AHV",
        groups: &[&[13], &[3, 4, 4, 2]],
        between: &['.', ' '],
        holds: checks::swiss,
        words: &[],
    },
    // Koninklijk besluit 3 april 1984: date of birth, remainder by 97.
    Kind {
        name: "BE national number",
        groups: &[&[11], &[6, 3, 2], &[2, 2, 2, 3, 2]],
        between: &['.', '-', ' '],
        holds: checks::belgian,
        words: &[],
    },
    // ASVG § 31: weights 3 7 9 5 8 4 2 1 6, date of birth.
    Kind {
        name: "AT insurance number",
        groups: &[&[10], &[4, 6]],
        between: &[' ', '-'],
        holds: checks::austrian,
        words: &[],
    },
    // Digital- og population register: date of birth and four digits.
    Kind { name: "DK CPR", groups: &[&[6, 4]], between: &['-'], holds: checks::danish, words: &[] },
    // Asetus väestötietojärjestelmästä: the sign by the remainder by 31.
    Kind {
        name: "FI henkilötunnus",
        groups: &[&[6, 4], &[11]],
        between: &['-', '+'],
        holds: checks::finnish,
        words: &[],
    },
    // Folkeregisterforskriften: date of birth, two check digits.
    Kind {
        name: "NO fødselsnummer",
        groups: &[&[11], &[6, 5]],
        between: &[' '],
        holds: checks::norwegian,
        words: &[],
    },
    // Zákon 133/2000: date of birth, divisible by eleven.
    Kind {
        name: "CZ, SK rodné číslo",
        groups: &[&[6, 4]],
        between: &['/'],
        holds: checks::czech,
        words: &[],
    },
];

/// The longest of them, and all that stands between their groups.
const BOUNDS: Bounds = Bounds { signs: 16, groups: 7, between: &[' ', '.', '-', '/', '+'] };

pub(super) fn find(text: &str, groups: &[Group], found: &mut Vec<Match>) {
    for at in 0..groups.len() {
        each_number(text, groups.get(at..).unwrap_or_default(), &BOUNDS, |number| {
            if KINDS.iter().any(|kind| kind.is(text, number)) {
                let (place, key) = (number.place.clone(), number.signs.clone());
                found.push(Match { place, class: Class::NationalId, key, value: None });
            }
        });
    }
}

impl Kind {
    fn is(&self, text: &str, number: &Number) -> bool {
        self.groups.contains(&number.lengths.as_slice())
            && number.between.iter().all(|sign| self.between.contains(sign))
            && (self.words.is_empty() || announced(text, number.place.start, self.words))
            && (self.holds)(&number.signs)
    }
}
