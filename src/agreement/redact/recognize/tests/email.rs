//! E-mail addresses: where they begin and end in running text, and what looks like one and is none.

use super::super::super::terms::Class;
use super::{check, found};

#[test]
fn an_address_has_a_local_part_and_a_domain_of_two_labels() {
    check(
        &Class::Email,
        &[
            "«ada.lovelace+desk@northwind.example»",
            "<«o'connor_1@sub-domain.b2b.example»>, «ü@bäckerei.example»",
            "mailto:«ada@x.example».",
            "'«ada@x.example»' --«ada@x.example»-",
            "ask «ada@x.example»...or else",
            // Nobody before the sign.
            "write to @example.org",
            "-@example.org",
            // No domain behind it.
            "ada@localhost",
            "ada@",
            "ada@.example.org",
            "ada@-x.example.org",
            "ada@x-.example.org",
            "ada@x.-example.org",
            // A domain ends with letters, at least two of them.
            "ada@10.0.0.1",
            "ada@x.1a",
            "ada@x.e",
            "«ada@x.ee»",
        ],
    );
}

/// RFC 5321, 4.5.3.1, and RFC 1035, 2.3.4: what is longer is no address, and no part of it is.
#[test]
fn each_part_of_an_address_has_its_longest() {
    let a = |count: usize| "a".repeat(count);
    let known = |text: &str| !found(&Class::Email, text).is_empty();
    for (longest, longer) in [
        (format!("{}@x.example", a(64)), format!("{}@x.example", a(65))),
        (format!("ada@{}.example", a(63)), format!("ada@{}.example", a(64))),
        (format!("ada@x.{}", a(63)), format!("ada@x.{}", a(64))),
        // Domains of 253 and of 254 characters.
        (
            format!("ada@{0}.{0}.{0}.{1}.example", a(61), a(59)),
            format!("ada@{0}.{0}.{0}.{1}.example", a(61), a(60)),
        ),
    ] {
        assert!(known(&longest), "{longest}");
        assert!(!known(&longer), "{longer}");
    }
}
