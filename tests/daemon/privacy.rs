//! Personal data across a real bridge: the partner sees pseudonyms, home reads names, also after a restart.

use super::bridge::{TestBridge, until};
use super::desks::Desks;

const PEOPLE: &str = "Ada Lovelace; Ada\n# on leave\nGrace Hopper\n";
const TERMS: &str = "\
[agreements.NAME.redact]
person = \"pseudonymize\"
email = \"pseudonymize\"
phone = \"mask\"
authors = \"pseudonymize\"
other_files = \"hold\"
";

/// What the partner's desk holds, all of it, as one text.
fn all(desks: &Desks) -> String {
    serde_json::to_string(&desks.desk("partner").snapshot().tickets).unwrap()
}

#[test]
fn the_partner_replies_with_a_pseudonym_and_home_reads_the_name() {
    let desks = Desks::open(&["helpdesk", "partner"]);
    let mut bridge = TestBridge::new().without_webhooks().agreement(TERMS).set_up(&desks, &["partner"]);
    let config = bridge.config();
    std::fs::write(config.with_file_name("people.txt"), PEOPLE).unwrap();
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("{text}\n[recognize]\npeople = \"people.txt\"\n")).unwrap();
    bridge.start();
    bridge.polled();

    let number = desks.raise("Ada Lovelace cannot log in");
    let log = b"login of ada.lovelace@example.org failed\ncall +49 30 901820\n".to_vec();
    desks.desk("helpdesk").attach("Grace Hopper", number, "Ada Lovelace.log", log.into(), false).unwrap();
    desks.desk("helpdesk").attach("Grace Hopper", number, "x.png", vec![0_u8, 255].into(), false).unwrap();
    desks.desk("helpdesk").comment("Grace Hopper", number, "ADA called from +49 30 901820.", false).unwrap();
    let partner = || desks.desk("partner").snapshot().tickets.first().cloned();
    until("the partner has all that may leave", || {
        partner().is_some_and(|ticket| ticket.comments.len() == 1 && ticket.files.len() == 1)
    });
    let ticket = partner().unwrap();
    let pseudonym = ticket.title.strip_suffix(" cannot log in").unwrap().to_owned();
    assert!(pseudonym.starts_with("PERSON-"), "{pseudonym}");
    assert!(ticket.comments[0].body.ends_with(&format!("{pseudonym} called from ‹phone›.")), "{ticket:?}");
    assert!(ticket.comments[0].body.starts_with("PERSON-"), "{ticket:?}");
    assert_eq!(ticket.files[0].name, format!("{pseudonym}.log"));
    let sent = String::from_utf8(ticket.files[0].bytes.to_vec()).unwrap();
    assert!(sent.starts_with("login of EMAIL-") && sent.ends_with("failed\ncall ‹phone›\n"), "{sent}");
    for secret in ["Ada Lovelace", "Grace", "Hopper", "901820", "example.org"] {
        assert!(!all(&desks).contains(secret), "{secret} reached the partner");
    }

    until("the picture waits for a person", || bridge.json(&["parked"]).as_array().unwrap().len() == 1);
    let parked = bridge.json(&["parked"])[0]["item"].as_str().unwrap().to_owned();
    assert_eq!(bridge.command(&["parked", "retry", "TL-1", "partner", &parked]).code, 0);
    until("it is sent", || partner().unwrap().files.len() == 2);

    bridge.kill();
    bridge.start();
    desks
        .desk("partner")
        .comment("Bob", ticket.number, &format!("Ask {} again.", pseudonym.to_lowercase()), false)
        .unwrap();
    until("home reads the name", || {
        desks.times_said("helpdesk", "Ada Lovelace cannot log in", "Ask Ada Lovelace again.") == 1
    });
    let report = format!("{pseudonym},locked\n").into_bytes();
    desks.desk("partner").attach("Bob", ticket.number, "report.csv", report.into(), false).unwrap();
    until("home has the partner's report in its own words", || {
        let home = desks.titled("helpdesk", "Ada Lovelace cannot log in").unwrap();
        home.files
            .iter()
            .any(|file| file.name == "report.csv" && file.bytes.as_ref() == b"Ada Lovelace,locked\n")
    });
    let told = bridge.command(&["trace", "TL-1"]).out;
    assert!(told.contains("ticket: redacted 1 person"), "{told}");
    let vault = std::fs::read(bridge.data().join("vault")).unwrap();
    assert!(!vault.windows(8).any(|window| window == b"Lovelace"), "sealed");
}
