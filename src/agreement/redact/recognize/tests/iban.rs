//! International bank account numbers.

use super::super::super::terms::Class;
use super::{check, check_one};

/// The numbers are examples of the IBAN registry, and such as the banks' own pages show.
#[test]
fn an_account_number_has_its_countrys_length_and_a_right_sum() {
    check(
        &Class::Iban,
        &[
            "«DE89370400440532013000» and «DE89 3704 0044 0532 0130 00»",
            "«GB33BUKB20201555555555», «NO93 8601 1117 947», «gb33-bukb-2020-1555-5555-55»",
            // Letters may stand anywhere in the account's part, many in a row.
            "«MT84MALT011000012345MTLCAST001S»",
            "«MT31 MALT 0110 0000 0000 0000 0000 123»",
            "«LC14BOSL123456789012345678901234»",
            // One digit too few, too many, or mistyped; a country that has none; two signs between.
            "DE8937040044053201300",
            "DE893704004405320130000",
            "DE89370400440532013001",
            "DE98370400440532013000",
            "US89370400440532013000",
            "DE89 3704 0044 0532  - 0130 00",
            "xDE89370400440532013000",
            // The check digits are digits, even where letters would give a right sum.
            "GB1RBUKB20201555555555",
            "GBC7BUKB20201555555555",
            "GBLYBUKB20201555555555",
        ],
    );
    check_one(
        &Class::Iban,
        "de89370400440532013000",
        &["DE89370400440532013000", "de89 3704 0044 0532 0130 00"],
    );
}
