//! Two bridges federate a case over TMF621 with no connector between them but the standard's, and either may be killed.

use std::net::TcpListener;

use bytes::Bytes;
use throughline_testkit::ReservedAddress;

use super::bridge::{Running, until};
use super::desks::{Desks, SECRET, TOKEN};
use super::web;

const PARTNER_TOKEN: &str = "the-token-of-contoso-at-fabrikam";
const EVENT_TOKEN: &str = "the-token-of-events";
const TITLE: &str = "Printer on fire";

/// Contoso's bridge, whose helpdesk raises tickets, and Fabrikam's, whose service desk works on them.
pub(crate) struct Pair {
    pub(crate) desks: Desks,
    pub(crate) contoso: Running,
    pub(crate) fabrikam: Running,
    pub(crate) _reserved: [ReservedAddress; 2],
}

impl Pair {
    /// Two bridges that run. With `hub`, Fabrikam's tells Contoso's of changes; else they are found by polling alone.
    fn start(version: u8, text: &str, more: &str, hub: bool) -> Self {
        let desks = Desks::open(&["helpdesk", "servicedesk"]);
        let [ours, theirs] = reserved();
        let secrets = [
            ("desks.token", TOKEN),
            ("desks.secret", SECRET),
            ("partner.token", PARTNER_TOKEN),
            ("events.token", EVENT_TOKEN),
        ];
        let poll = if hub { "1d" } else { "1s" };
        let callback = match hub {
            true => format!(
                "callback = \"http://{ours}/webhooks/fabrikam\"\nwebhook_token = {{ file = \"events.token\" }}\n"
            ),
            false => String::new(),
        };
        let contoso = format!(
            "[bridge]\nhome = \"contoso\"\ndata = \"data\"\nlisten = \"{ours}\"\n{}\
             [systems.fabrikam]\nparty = \"fabrikam\"\npoll = \"{poll}\"\nsettle = \"1s\"\n\
             [systems.fabrikam.tmf621]\nurl = \"http://{theirs}/tmf-api/troubleTicket/v{version}\"\n\
             version = {version}\nauthor = \"Contoso\"\ntext = \"{text}\"\ntoken = {{ file = \"partner.token\" }}\n{more}{callback}\
             [agreements.fabrikam]\nparty = \"fabrikam\"\nhome = \"helpdesk\"\ncounterpart = \"fabrikam\"\n\
             comments = \"both\"\nfiles = \"both\"\nroute.outbound = \"true\"\n[agreements.fabrikam.fields]\n\
             title = {{ direction = \"outbound\" }}\ndescription = {{ direction = \"outbound\" }}\n\
             priority = {{ policy = \"owner_home\" }}\nstatus = {{ policy = \"most_advanced\" }}\n",
            home(&desks, "contoso", "helpdesk", "fabrikam")
        );
        let fabrikam = format!(
            "[bridge]\nhome = \"fabrikam\"\ndata = \"data\"\nlisten = \"{theirs}\"\nallow = [\"127.0.0.1\"]\n{}\
             [systems.contoso]\nparty = \"contoso\"\npoll = \"1s\"\nsettle = \"1s\"\n\
             [systems.contoso.tmf621-server]\ntoken = {{ file = \"partner.token\" }}\nauthor = \"Fabrikam\"\ntext = \"{text}\"\n\
             [agreements.contoso]\nparty = \"contoso\"\nhome = \"servicedesk\"\ncounterpart = \"contoso\"\n\
             comments = \"both\"\nfiles = \"both\"\nroute.inbound = \"true\"\n[agreements.contoso.fields]\n\
             title = {{ direction = \"inbound\" }}\ndescription = {{ direction = \"inbound\" }}\n\
             priority = {{ policy = \"owner_counterpart\" }}\nstatus = {{ policy = \"most_advanced\" }}\n",
            home(&desks, "fabrikam", "servicedesk", "contoso")
        );
        let mut pair = Self {
            desks,
            contoso: Running::configured(&contoso, &secrets),
            fabrikam: Running::configured(&fabrikam, &secrets),
            _reserved: [ours, theirs],
        };
        pair.fabrikam.start();
        pair.contoso.start();
        pair.fabrikam.polled();
        pair.contoso.polled();
        pair
    }

    pub(crate) fn says(&self, desk: &str, words: &str) {
        let number = self.desks.titled(desk, TITLE).unwrap().number;
        self.desks.desk(desk).comment("Ada Agent", number, words, false).unwrap();
    }

    pub(crate) fn hears(&self, desk: &str, words: &str) {
        until(&format!("{desk} reads {words:?}"), || self.desks.times_said(desk, TITLE, words) > 0);
    }

    pub(crate) fn agree_on(&self, status: &str) {
        until(&format!("both say {status}"), || {
            ["helpdesk", "servicedesk"]
                .into_iter()
                .all(|desk| self.desks.titled(desk, TITLE).unwrap().status == status)
        });
    }

    /// Waits until nothing is on its way, and ensures that each desk holds one ticket and what was said once.
    pub(crate) fn ends_with(&self, words: &[String]) {
        for bridge in [&self.contoso, &self.fabrikam] {
            until("nothing is on the way", || {
                let cases = bridge.json(&["cases"]);
                let legs = cases[0]["legs"].as_array().unwrap();
                legs.iter().all(|leg| leg["outstanding"] == 0 && leg["parked"] == 0)
            });
            assert_eq!(bridge.json(&["cases"]).as_array().unwrap().len(), 1);
            assert_eq!(bridge.command(&["ledger", "verify"]).code, 0);
        }
        for desk in ["helpdesk", "servicedesk"] {
            assert_eq!(self.desks.desk(desk).snapshot().tickets.len(), 1, "{desk}");
            for words in words {
                assert_eq!(self.desks.times_said(desk, TITLE, words), 1, "{desk}: {words}");
            }
        }
    }
}

/// The party and home desk of a bridge, and the name of the other party.
pub(crate) fn home(desks: &Desks, party: &str, desk: &str, other: &str) -> String {
    format!(
        "\n[parties.{party}]\n[parties.{other}]\n[systems.{desk}]\nparty = \"{party}\"\npoll = \"1s\"\nsettle = \"1s\"\n\
         [systems.{desk}.practice]\nurl = \"http://{}/\"\ntoken = {{ file = \"desks.token\" }}\n\
         webhook_secret = {{ file = \"desks.secret\" }}\n",
        desks.address(desk)
    )
}

/// Addresses that each bridge can come back to after it was killed.
pub(crate) fn reserved() -> [ReservedAddress; 2] {
    [ReservedAddress::new().unwrap(), ReservedAddress::new().unwrap()]
}

#[test]
fn two_bridges_federate_a_case_and_outlive_the_kill_of_either() {
    for (version, text, more) in
        [(4, "plain", "marker = \"id\"\n"), (5, "markdown", "marker = \"id\"\nconditional = true\n")]
    {
        outlive(&mut Pair::start(version, text, more, false));
    }
}

/// A case is worked on by both, and what was said while either bridge was dead arrives once.
pub(crate) fn outlive(pair: &mut Pair) {
    let number = pair.desks.raise(TITLE);
    until("Fabrikam has the ticket", || pair.desks.titled("servicedesk", TITLE).is_some());
    let mut words = Vec::new();
    for round in 0..3 {
        let said = [
            format!("Contoso before kill {round}."),
            format!("Fabrikam before kill {round}."),
            format!("Contoso while Fabrikam is dead {round}."),
            format!("Fabrikam while Contoso is dead {round}."),
        ];
        let [ours, theirs, to_the_dead, from_the_living] = &said;
        pair.says("helpdesk", ours);
        pair.says("servicedesk", theirs);
        pair.fabrikam.kill();
        pair.says("helpdesk", to_the_dead);
        pair.fabrikam.start();
        pair.contoso.kill();
        pair.says("servicedesk", from_the_living);
        pair.contoso.start();
        for (desk, words) in [
            ("servicedesk", ours),
            ("helpdesk", theirs),
            ("servicedesk", to_the_dead),
            ("helpdesk", from_the_living),
        ] {
            pair.hears(desk, words);
        }
        words.extend(said);
    }
    pair.desks
        .desk("helpdesk")
        .attach("Ada", number, "log.txt", Bytes::from_static(b"smoke"), false)
        .unwrap();
    let there = pair.desks.titled("servicedesk", TITLE).unwrap().number;
    pair.desks
        .desk("servicedesk")
        .attach("Bo", there, "fix.bin", Bytes::from_static(b"\0water"), false)
        .unwrap();
    for (desk, name) in [("servicedesk", "log.txt"), ("helpdesk", "fix.bin")] {
        until("the file has arrived", || {
            pair.desks.titled(desk, TITLE).unwrap().files.iter().any(|file| file.name == name)
        });
    }
    pair.desks.desk("servicedesk").set_status("Bo", there, "In progress").unwrap();
    pair.agree_on("In progress");
    pair.desks.desk("servicedesk").set_status("Bo", there, "Closed").unwrap();
    pair.agree_on("Closed");
    pair.ends_with(&words);
    for desk in ["helpdesk", "servicedesk"] {
        assert_eq!(pair.desks.titled(desk, TITLE).unwrap().files.len(), 2, "{desk}");
    }
}

#[test]
fn the_hub_tells_the_other_bridge_sooner_than_it_would_ask() {
    let pair = Pair::start(5, "plain", "marker = \"id\"\n", true);
    pair.desks.raise(TITLE);
    until("Fabrikam has the ticket", || pair.desks.titled("servicedesk", TITLE).is_some());
    pair.says("servicedesk", "Told by the hub.");
    pair.hears("helpdesk", "Told by the hub.");
    pair.ends_with(&["Told by the hub.".to_owned()]);
}

#[test]
fn a_partner_without_its_token_is_told_nothing() {
    let pair = Pair::start(5, "plain", "", false);
    let path = "/tmf-api/troubleTicket/v5/troubleTicket";
    for bearer in [None, Some("Bearer x"), Some("Basic x"), Some("Bearer the-token-of-the-desks")] {
        let fields: Vec<_> = bearer.map(|bearer| ("authorization", bearer)).into_iter().collect();
        let answer = web::send(&pair.fabrikam.address, "GET", path, &fields, b"").unwrap();
        assert_eq!(answer.status, 401, "{bearer:?}: {answer:?}");
        assert_eq!(answer.json()["@type"], "Error");
    }
    // Contoso's bridge has no partner that it serves.
    let ours = format!("Bearer {PARTNER_TOKEN}");
    let answer = web::send(&pair.contoso.address, "GET", path, &[("authorization", &ours)], b"").unwrap();
    assert_eq!(answer.status, 401);
}

#[test]
fn a_subscriber_hears_of_what_was_answered_before_a_kill_and_a_dead_one_delays_nobody() {
    let mut pair = Pair::start(5, "plain", "", false);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let living = format!("http://{}/hook?token=x", listener.local_addr().unwrap());
    let bearer = format!("Bearer {PARTNER_TOKEN}");
    let fields = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let post = |pair: &Pair, path: &str, body: serde_json::Value| {
        let path = format!("/tmf-api/troubleTicket/v5/{path}");
        let body = body.to_string();
        web::send(&pair.fabrikam.address, "POST", &path, &fields, body.as_bytes()).unwrap()
    };
    for callback in ["http://127.0.0.1:1/dead", living.as_str()] {
        let made = post(&pair, "hub", serde_json::json!({ "@type": "Hub", "callback": callback }));
        assert_eq!(made.status, 201, "{made:?}");
    }
    // Where no agreement of the bridge lets events go.
    let inward =
        post(&pair, "hub", serde_json::json!({ "@type": "Hub", "callback": "http://169.254.169.254/" }));
    assert_eq!(inward.status, 409, "{inward:?}");
    let ticket = serde_json::json!({
        "@type": "TroubleTicket", "name": "Told", "description": "d", "severity": "Minor", "ticketType": "Incident",
    });
    assert_eq!(post(&pair, "troubleTicket", ticket).status, 201);
    pair.fabrikam.kill();
    pair.fabrikam.start();
    let (head, event) = web::heard(&listener);
    assert!(head.starts_with("POST /hook/listener/troubleTicketCreateEvent?token=x "), "{head}");
    assert_eq!(
        (&event["eventType"], &event["event"]["troubleTicket"]["name"]),
        (&serde_json::json!("TroubleTicketCreateEvent"), &serde_json::json!("Told"),)
    );
}
