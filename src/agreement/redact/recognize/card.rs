//! Numbers of payment cards, written together or in the groups that are embossed on them.
//!
//! After ISO/IEC 7812-1: the Luhn sum, and the issuers' ranges and lengths as the schemes publish them (Visa, Mastercard,
//! American Express, Discover, Diners Club, JCB, `UnionPay`, Maestro).

use super::super::terms::Class;
use super::Match;
use super::groups::{Bounds, Group, Number, digits, each_number, luhn};

/// How a number is split: each list is one way.
const GROUPS: &[&[usize]] =
    &[&[4, 4, 4, 4], &[4, 4, 4, 4, 3], &[4, 6, 5], &[4, 6, 4], &[6, 13], &[4, 4, 4, 1]];

const BOUNDS: Bounds = Bounds { signs: 19, groups: 5, between: &[' ', '-'] };

pub(super) fn find(text: &str, groups: &[Group], found: &mut Vec<Match>) {
    for at in 0..groups.len() {
        each_number(text, groups.get(at..).unwrap_or_default(), &BOUNDS, |number| {
            if is_card(number) {
                let (place, key) = (number.place.clone(), number.signs.clone());
                found.push(Match { place, class: Class::Card, key, value: None });
            }
        });
    }
}

fn is_card(number: &Number) -> bool {
    let split = number.lengths.len() == 1 || GROUPS.contains(&number.lengths.as_slice());
    let even = number.between.windows(2).all(|pair| matches!(pair, [left, right] if left == right));
    split && even && is_issued(&number.signs) && digits(&number.signs).is_some_and(|digits| luhn(&digits))
}

/// Whether some scheme issues numbers of this beginning and length.
fn is_issued(number: &str) -> bool {
    let head =
        |length: usize| number.get(..length).and_then(|head| head.parse::<u32>().ok()).unwrap_or_default();
    match number.len() {
        13 => head(1) == 4,
        14 => matches!(head(3), 300..=305) || matches!(head(2), 36 | 38 | 39),
        15 => matches!(head(2), 34 | 37),
        16 => {
            matches!(head(1), 4)
                || matches!(head(2), 51..=55 | 62 | 65)
                || matches!(head(4), 2221..=2720 | 3528..=3589 | 6011 | 5018 | 5020 | 5038 | 6304 | 6759 | 6761 | 6763)
                || matches!(head(3), 644..=649)
        }
        17..=19 => {
            head(2) == 62
                || matches!(head(4), 5018 | 5020 | 5038 | 6304 | 6759 | 6761 | 6763)
                || (number.len() == 19 && head(1) == 4)
        }
        _ => false,
    }
}
