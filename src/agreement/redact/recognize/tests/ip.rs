//! IP addresses.

use super::super::super::terms::Class;
use super::{check, check_one};

#[test]
fn an_address_of_version_4_is_found_with_its_port_and_its_label() {
    check(
        &Class::Ip,
        &[
            "«192.168.14.23»",
            "«192.168.14.23»:8080 and «10.0.0.1»: down.",
            "...«10.0.0.1»... (.«10.0.0.2».)",
            "ip:«10.0.0.1» source:«10.0.0.1»:443 «10.0.0.1»:«10.0.0.2»",
            "face:b:«10.0.0.1»:80:",
            // What is nobody's.
            "0.0.0.0",
            "127.0.0.1:80",
            "127.8.8.8",
            "255.255.255.0",
            "0.0.0.0:80",
            // Part of something longer, out of range, or a version.
            "x192.168.1.1",
            "192.168.1.1x",
            "192.168.1.1.1",
            "192.168.1.256",
            "192.168.1",
            "version 10.4.2.118, release:10.4.2.118",
            "12:30:45",
        ],
    );
}

#[test]
fn an_address_of_version_6_is_found_in_its_spellings() {
    check(
        &Class::Ip,
        &[
            "«2001:db8:85a3::8a2e:370:7334»",
            "«2001:db8::1»: down; «2001:db8::». [«2001:db8::2»]:80 ...«2001:db8::3»...",
            "«2001:db8::»",
            "«ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255» «::ffff:10.0.0.1»",
            "ip:«2001:db8::1», src:«fe80::1», «face:0:0:0:0:0:0:1», face:«0:0:0:0:0:0:0:2»",
            // What is nobody's, in each spelling.
            "::1 0:0:0:0:0:0:0:1",
            ":: 0::0 0:0:0:0:0:0:0:0",
            // The names of programmers, hardware and times.
            "dead::beef",
            "00:1a:2b:3c:4d:5e",
            "08:15:30",
            "a:b:",
            // Part of something longer.
            "x2001:db8",
            "2001:db8::1g",
            "g2001:db8:0:0:0:0:0:1",
            "2001:db8:0:0:0:0:0:1:2:3",
        ],
    );
    check_one(&Class::Ip, "2001:db8::1", &["2001:DB8::1", "2001:0db8:0:0:0:0:0:1", "ip:2001:db8::1"]);
}
