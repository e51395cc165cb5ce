//! Telephone numbers: how long, how written and where a number is one to call.

use super::super::super::terms::Class;
use super::{check, check_one};

#[test]
fn an_international_number_has_an_assigned_code_and_eight_to_fifteen_digits() {
    check(
        &Class::Phone,
        &[
            "«+44 20 7946 0958», «0049 89 636 48018», «+49 (0)30 1234567», «(+49) 30 901820»",
            "«+49301234» and +4930123",
            "«+493012345678901» and +4930123456789012",
            "«0049301234» and 004930123",
            "+999 123 45678",
            "+210 1234567",
            "00999 1234567",
            // Another number stands behind it.
            "«+49 30 9018201234» 4711",
        ],
    );
    let spellings =
        ["+49 30 901820", "+49 (0)30 901820", "(+49) 30-901820", "0049 30 901820", "tel:+4930901820"];
    check_one(&Class::Phone, "+4930901820", &spellings);
    check_one(&Class::Phone, "01712345678", &["0171 2345678", "0171/2345678", "01712345678"]);
}

#[test]
fn a_north_american_number_needs_signs_between_its_groups() {
    check(
        &Class::Phone,
        &[
            "«(415) 555-0132», «415-555-0132», «415.555.0132», «1-415-555-0132», «(415) 555 0132»",
            "415 555 0132",
            "115-555-0132",
            "415-155-0132",
            "2-415-555-0132",
            "4155-555-0132",
            "415-5555-0132",
            "415-555-01321",
            "415-555-013",
        ],
    );
}

#[test]
fn behind_a_word_that_says_so_six_to_thirteen_digits_are_a_number_but_no_date() {
    check(
        &Class::Phone,
        &[
            "Tel. «123456», call «555 0199», Handy: «1234567890123»",
            "Tel. 12345",
            "Tel. 12345678901234",
            "Room 123456",
            "Tel. 01.02.2024",
            "Tel. 31/12/1999",
            "Tel. 2024-03-01",
            "Tel. 1999-12-31",
            // No year, no signs of a date, or other groups.
            "Tel. «01.42.6853»",
            "Tel. «01 02 2024»",
            "Tel. «4711-08-15»",
            "Tel. «2024 7946»",
            "Tel. «030.123.2024»",
        ],
    );
}

#[test]
fn a_national_number_has_a_trunk_zero_and_an_area_or_a_mobile_network() {
    check(
        &Class::Phone,
        &[
            "«0171 2345678», «030 / 901820», «(030) 901820», «020 7946 0123», «01 42 68 53 00»",
            // Nine to thirteen digits.
            "«030 123456» and 030 12345",
            "«030 1234 567890»",
            "030 1234 5678901",
            "030 12345678901",
            // An area of two to six digits, and groups of two to eight behind it.
            "«033123 45678»",
            "0331234 56789",
            "0 12 34 56 78 90",
            "030 1 2345678",
            "«030 12345678»",
            "030 123456789",
            // In one piece, only mobile numbers of some networks.
            "«01512345678», «01601234567», «017112345678»",
            "0171234567",
            "0171234567890",
            "01801234567",
            "«0612345678», «0712345678», «07123456789»",
            "061234567",
            "061234567890",
            "0812345678",
            "2712345678",
        ],
    );
}

#[test]
fn a_number_with_a_zero_that_is_written_like_a_date_or_like_a_persons_is_none_to_call() {
    check(
        &Class::Phone,
        &[
            "01.02.2024 10 Uhr",
            "«01.42.6853.00», «01 02 2024 10», «0171/234.2024»",
            // As the United States write: three, two and four, with hyphens.
            "044-57-4232",
            "«044 57 4232», «030-12-34-56», «0171-23-4567», «030-123-4567»",
            "«044-57-42321»",
            // As where a day of birth comes first.
            "010190 1234",
            "010190 00083",
            "«010190 123», «010190 123456», «010190 1234 56», «01019 1234»",
            "«011390 1234», «010090 1234»",
        ],
    );
}

#[test]
fn a_part_of_something_longer_is_no_number() {
    check(
        &Class::Phone,
        &[
            "x0171 2345678",
            "0171 2345678x",
            "1,0171 2345678",
            "3:0171 2345678",
            "0171 2345678,5",
            "0171 2345678:5",
            "0171 2345678.html",
            "file_0171 2345678",
            "a#0171 2345678",
            "/tickets/0171 2345678",
            "0171 2345678/comments",
            "0171 2345678-a",
            "B-0171 2345678",
        ],
    );
}

/// A table's commas, a label and the end of a sentence touch a number without being a part of it.
#[test]
fn what_parts_words_parts_a_number_from_them() {
    check(
        &Class::Phone,
        &[
            "Ada,«0171 2345678»,Berlin",
            "contact:«0171 2345678»:home",
            "4711,«+49 30 901820»,Berlin",
            "Tel.«030 901820», Fax-«030 901821», Mobil/«0171 2345678», tel:«+49 30 901820»",
            "(«0171 2345678»), «0171 2345678». «0171 2345679»: «0171 2345670»-",
        ],
    );
}

/// Without spaces the second one is found when what stands behind the first one's token is looked at.
#[test]
fn of_two_numbers_with_a_slash_between_them_the_first_ends_there() {
    check(
        &Class::Phone,
        &[
            "«030 123456»/0171 2345678",
            "«030 123456» / «0171 2345678»",
            "«+49 30 901820»/0171 2345678",
            "«0171 2345678»/0171 2345679",
            "/«0171 2345678»",
            // What is before the slash is no number by itself.
            "«030/0901820»",
            "«030 / 0901820»",
        ],
    );
}

/// Of what is noted of a call, the moment is no part of the number.
#[test]
fn a_number_is_found_behind_a_date_or_a_time() {
    check(
        &Class::Phone,
        &[
            "12.03.2024 «0171 2345678»",
            "2024-03-12 «0171 23456789» 0",
            "12/03/1999 10:15 «0171 2345678»",
            "10:15:30 «030 901820», 10:15 «(030) 901820»",
            "12.03.2024 «030 901820» 12.03.2024 «030 901821»",
            // Other numbers before it hide it: groups of cards and accounts look like that.
            "4711 0171 2345678",
            "12.03.4711 0171 2345678",
            "DE43 1114 0469 3703 2892",
            // A number behind a moment is held like any other.
            "12.03.2024 10 Uhr, 12.03.2024 030 1234",
            "3:0171 2345678",
        ],
    );
}
