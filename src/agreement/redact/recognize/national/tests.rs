//! What each kind of number is known by: the numbers were made up, most with another implementation of the checksums.

use super::super::super::folded::Folded;
use super::super::groups::groups;
use super::*;

/// Whether some number at the end of the text is one of this kind.
fn knows(name: &str, text: &str) -> bool {
    assert!(KINDS.iter().any(|kind| kind.name == name), "{name}");
    let folded = Folded::of(text);
    let (text, groups) = (folded.text(), groups(folded.text()));
    let mut known = false;
    for at in 0..groups.len() {
        each_number(text, &groups[at..], &BOUNDS, |number| {
            let whole = number.place.end == text.len();
            known |= whole && KINDS.iter().any(|kind| kind.name == name && kind.is(text, number));
        });
    }
    known
}

#[test]
fn each_kind_knows_its_own_numbers_and_none_that_break_its_rules() {
    for (name, own, others) in NUMBERS {
        for text in *own {
            assert!(knows(name, text), "{name}: {text}");
        }
        for text in *others {
            assert!(!knows(name, text), "{name}: {text}");
        }
    }
    for kind in KINDS {
        assert!(NUMBERS.iter().any(|(name, ..)| *name == kind.name), "{} has no numbers here", kind.name);
    }
}

/// Name of the kind, numbers of it, and numbers that only look like it.
const NUMBERS: &[(&str, &[&str], &[&str])] = &[
    (
        "DE tax id",
        // One digit twice, one three times; where the sum is ten at some place; with zero for its check digit.
        &["20561748335", "86 095 742 719", "84090153608", "86037354214", "91514860230"],
        &[
            "20561748336",
            "20561748353",
            // Begins with zero; no digit twice; two digits twice; one four times.
            "00748962314",
            "21764903585",
            "10763639249",
            "10363523934",
            "8609 5742 719",
            "86-095-742-719",
            "86 095 742 71x",
        ],
    ),
    (
        "FR NIR",
        &[
            "2 55 08 14 168 025 38",
            "2550814168025 38",
            "155081416802588",
            "355081416802585",
            "455081416802535",
            "755081416802579",
            "855081416802529",
            // Corsica.
            "189032A73862306",
            "1 89 03 2B 738 623 33",
            // Months that are known, and those of who does not know his.
            "255011416802523",
            "255121416802505",
            "255201416802536",
            "255421416802597",
            "255501416802531",
            "255991416802539",
        ],
        &[
            "255081416802539",
            "189032A73862333",
            "189032C73862306",
            "abcdefghijklmno",
            "055081416802541",
            "555081416802582",
            "655081416802532",
            "955081416802576",
            "255001416802507",
            "255131416802521",
            "255191416802520",
            "255431416802516",
            "255491416802515",
        ],
    ),
    (
        "ES DNI, NIE",
        &["12345678-z", "12345678Z", "x1234567l", "Y1234567X", "Z-1234567-R", "Z-1234567R"],
        &["12345678-a", "x1234567x", "Y1234567L", "Z1234567L", "W1234567L", "123456789", "x12345z7l"],
    ),
    (
        "IT codice fiscale",
        &[
            "RSSMRA85T10A562S",
            "RSS MRA 85T10 A562S",
            "RSSMRA85A10A562F",
            // Letters for digits, where two people would have the same number.
            "RSSMRAURTM0A562M",
            "RSSMRA85T10A56LR",
        ],
        &[
            "RSSMRA85T10A562X",
            // A month that there is not, digits for letters, and letters that stand for no digit, each with a right sum.
            "RSSMRA85F10A562R",
            "1SSMRA85T10A562K",
            "RSSMRA8AT10A562N",
            "RSSMRA85T101562T",
            "RSSMRA85710A562V",
        ],
    ),
    (
        "NL BSN",
        &["bsn 111222333", "BSN: 1112.22.333", "sofi 123456782"],
        &["bsn 111222334", "bsn 000000000", "bsn 100000060", "order 111222333", "bsn 111/222/333"],
    ),
    (
        "PL PESEL",
        // The months of each century; the last days of months.
        &["44051401359", "44251401355", "44651401357", "44851401353", "44022901350", "44053101356"],
        &["44051401358", "44131401350", "44001401354", "44053201353", "44050001352", "44023001356"],
    ),
    (
        "SE personnummer",
        &["811228-9874", "811228+9874", "19811228-9874", "198112289874", "188112289874", "208112289874"],
        &["811228-9875", "811292-9875", "811328-9873", "811200-9876", "810230-9872", "178112289874"],
    ),
    ("SE personnummer", &["811288-9871", "810229-9875"], &["218112289874", "8112289874", "811228 9874"]),
    (
        "SE personnummer, written together",
        &["personnummer 8112289874"],
        &["personnummer 8112289875", "8112289874"],
    ),
    (
        "GB NHS number",
        &["nhs 943 476 5919", "NHS no. 9434765080"],
        // The last one would need a check digit of ten.
        &["nhs 943 476 5918", "nhs 943 476 9519", "943 476 5919", "nhs 9434765030"],
    ),
    (
        "GB national insurance number",
        &["ab 12 34 56 c", "AB123456A", "ab 123456 d"],
        &[
            "ab 12 34 56 e",
            "ab 12 34 5x c",
            "1b123456c",
            "a1123456c",
            // Letters that are not used first, second, or together.
            "db123456c",
            "fb123456c",
            "ib123456c",
            "qb123456c",
            "ub123456c",
            "vb123456c",
            "ad123456c",
            "av123456c",
            "ao123456c",
            "bg123456c",
            "gb123456c",
            "kn123456c",
            "nk123456c",
            "nt123456c",
            "tn123456c",
            "zz123456c",
        ],
    ),
    ("GB national insurance number", &["oa123456c", "zx123456c", "gn123456c"], &[]),
    (
        "US SSN",
        &["219-09-9998", "001-01-0001", "899-99-9999", "665-01-0001", "667-01-0001"],
        &[
            "000-09-9998",
            "666-09-9998",
            "900-09-9998",
            "219-00-9998",
            "219-09-0000",
            "21a-09-9998",
            "219.09.9998",
            "219-09.9998",
            "219 09 9998",
            "21-909-9998",
        ],
    ),
    (
        "US SSN, written otherwise",
        &["ssn 219099998", "social security 219 09 9998"],
        &["ssn 666099998", "ssn 219.09.9998", "219099998"],
    ),
    (
        "CH AHV",
        &["756.9217.0769.85", "7569217076985", "756 9217 0769 85"],
        // Other articles of trade have the same sum.
        &["756.9217.0769.86", "756.9217.0796.85", "7559217076986", "4006381333931"],
    ),
    (
        "BE national number",
        // Born before and after the turn of the century; not registered there.
        &["85.07.30-033.28", "85 07 30 033 28", "850730-033-28", "17073003384", "85273003371", "85473003317"],
        &["85.07.30-033.29", "85070303328", "85133003370", "85073203365"],
    ),
    (
        "AT insurance number",
        &["1237 010180", "1253010180", "1237-010180"],
        &["1238 010180", "1247 010180", "1238 320180", "0103 010180"],
    ),
    (
        "DK CPR",
        &[
            "070761-4285",
            "010161-4285",
            "310161-4285",
            "310361-4285",
            "311261-4285",
            "300461-4285",
            "290261-4285",
        ],
        &[
            "000761-4285",
            "320161-4285",
            "070061-4285",
            "071361-4285",
            "310461-4285",
            "310661-4285",
            "310961-4285",
        ],
    ),
    ("DK CPR", &["300961-4285"], &["311161-4285", "300261-4285", "310261-4285", "0707614285"]),
    (
        "FI henkilötunnus",
        &["131052-308t", "131052+308T", "131052a308t", "131052Y308T"],
        &[
            "131052-308u",
            "321052-3082",
            "131352-3087",
            "131052g308t",
            "131052-a08t",
            "1310523084t",
            "13105z-308t",
            "13105230840",
        ],
    ),
    (
        "NO fødselsnummer",
        &["010190 00083", "01019000083", "41019000077", "01419000066"],
        // Only the first or only the second check digit is wrong; no day; no month.
        &["01019000008", "01019000080", "32019000035", "01139000001"],
    ),
    (
        "CZ, SK rodné číslo",
        &["736028/5163", "780908/5163", "735128/5161", "730128/5167", "732128/5169", "737128/5163"],
        &["736028/5164", "736082/5163", "781308/5170", "780932/5161", "780008/5161", "786308/5164"],
    ),
];

#[test]
fn a_weak_checksum_alone_says_nothing() {
    for text in ["order 111222333", "case 943 476 5919", "219099998", "8112289874"] {
        let mut found = Vec::new();
        find(text, &groups(text), &mut found);
        assert_eq!(found, [], "{text}");
    }
}
