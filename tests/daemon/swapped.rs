//! Isolation: two counterparts of one case, each with the other's ids, markers, header fields and signatures.

use std::time::Duration;

use serde_json::{Value, json};
use throughline_practice::desk::{Faults, Patch};

use super::bridge::{Running, TestBridge, until};
use super::desks::{Desks, SECRET, TOKEN, signed};
use super::web::{self, Answer};

const SECRETS: [(&str, &str); 2] = [
    ("partner", "whsec_cGFydG5lcnBhcnRuZXJwYXJ0bmVycGFydG5lcg=="),
    ("vendor", "whsec_dmVuZG9ydmVuZG9ydmVuZG9ydmVuZG9ydmVuZG9y"),
];
const TITLE: &str = "Printer on fire";
const FACE: &str = "/tmf-api/troubleTicket/v5";

fn secret_of(desk: &str) -> &'static str {
    SECRETS.iter().find(|(name, _)| *name == desk).unwrap().1
}

/// A helpdesk with two counterparts at desks of their own, and two at faces of the bridge.
fn bridge(desks: &Desks) -> Running {
    let mut text =
        "[bridge]\nhome = \"home\"\ndata = \"data\"\nlisten = \"127.0.0.1:0\"\nallow = [\"127.0.0.1\"]\n"
            .to_owned();
    text.push_str(&format!(
        "[parties.home]\n[systems.helpdesk]\nparty = \"home\"\npoll = \"1s\"\nsettle = \"1s\"\n\
         [systems.helpdesk.practice]\nurl = \"http://{}/\"\ntoken = {{ file = \"desks.token\" }}\n",
        desks.address("helpdesk")
    ));
    for (name, _) in SECRETS {
        text.push_str(&format!(
            "[parties.{name}]\n[systems.{name}]\nparty = \"{name}\"\npoll = \"1d\"\nsettle = \"1s\"\n\
             [systems.{name}.practice]\nurl = \"http://{}/\"\ntoken = {{ file = \"desks.token\" }}\n\
             webhook_secret = {{ file = \"{name}.secret\" }}\n",
            desks.address(name)
        ));
    }
    for name in ["contoso", "northwind"] {
        text.push_str(&format!(
            "[parties.{name}]\n[systems.{name}]\nparty = \"{name}\"\npoll = \"1s\"\nsettle = \"1s\"\n\
             [systems.{name}.tmf621-server]\ntoken = {{ file = \"{name}.token\" }}\nauthor = \"Home\"\n"
        ));
    }
    for name in ["partner", "vendor", "contoso", "northwind"] {
        text.push_str(&format!(
            "[agreements.{name}]\nparty = \"{name}\"\nhome = \"helpdesk\"\ncounterpart = \"{name}\"\n\
             comments = \"both\"\nfiles = \"both\"\nroute.outbound = \"true\"\nfields.title.direction = \"outbound\"\n"
        ));
    }
    let mut secrets: Vec<(&str, &str)> = vec![
        ("desks.token", TOKEN),
        ("contoso.token", "the-token-of-contoso"),
        ("northwind.token", "the-token-of-northwind"),
    ];
    secrets.extend([("partner.secret", SECRETS[0].1), ("vendor.secret", SECRETS[1].1)]);
    let mut running = Running::configured(&text, &secrets);
    running.start();
    running.polled();
    running
}

fn post(bridge: &Running, system: &str, secret: &str, body: &Value) -> Answer {
    let body = body.to_string();
    let signature = signed(secret, &body);
    let fields: Vec<_> = signature.iter().map(|(name, value)| (*name, value.as_str())).collect();
    web::send(&bridge.address, "POST", &format!("/webhooks/{system}"), &fields, body.as_bytes()).unwrap()
}

/// What a partner's people type at its desk is told to the bridge at once.
fn told(bridge: &Running, desks: &Desks, desk: &str) {
    let ticket = serde_json::to_value(desks.titled(desk, TITLE).unwrap()).unwrap();
    let body = json!({ "type": "ticket.changed", "ticket": ticket });
    assert_eq!(post(bridge, desk, secret_of(desk), &body).status, 202);
}

fn ask(bridge: &Running, party: &str, method: &str, path: &str, more: &[(&str, &str)], body: &str) -> Answer {
    let bearer = format!("Bearer the-token-of-{party}");
    let fields = [&[("authorization", bearer.as_str())], more].concat();
    web::send(&bridge.address, method, &format!("{FACE}{path}"), &fields, body.as_bytes()).unwrap()
}

fn calm(bridge: &Running) {
    until("nothing is on the way", || {
        let ready = bridge.ask("/readyz").json();
        ready["working"] == 0 && ready["hints"] == 0
    });
}

/// Everything that stands in every desk, and in the record of what was sent.
fn state(bridge: &Running, desks: &Desks) -> String {
    let desks =
        ["helpdesk", "partner", "vendor"].map(|desk| format!("{:?}", desks.desk(desk).snapshot().tickets));
    let faces =
        ["contoso", "northwind"].map(|party| ask(bridge, party, "GET", "/troubleTicket", &[], "").body);
    format!("{desks:?} {faces:?} {}", bridge.facts("intended").len())
}

#[test]
fn what_belongs_to_one_counterpart_is_worth_nothing_in_the_hands_of_another() {
    let desks = Desks::open(&["helpdesk", "partner", "vendor"]);
    let bridge = bridge(&desks);
    // Numbers that differ, so that one counterpart's are not the other's.
    for title in ["Older", "Old"] {
        desks
            .desk("vendor")
            .create("Vera", Patch { title: Some(title.to_owned()), ..Patch::default() })
            .unwrap();
    }
    desks.raise(TITLE);
    until("every desk has the ticket", || {
        ["partner", "vendor"].iter().all(|desk| desks.titled(desk, TITLE).is_some())
            && ["contoso", "northwind"]
                .iter()
                .all(|party| ask(&bridge, party, "GET", "/troubleTicket", &[], "").body.contains(TITLE))
    });
    calm(&bridge);
    let before = state(&bridge, &desks);
    let vendors = desks.titled("vendor", TITLE).unwrap();
    let webhooks = || bridge.facts("hinted").iter().filter(|fact| fact["source"] == "webhook").count();

    // A signature of one at the address of another.
    let mut stolen = serde_json::to_value(&vendors).unwrap();
    stolen["title"] = json!("Hijacked");
    stolen["version"] = json!(4711);
    let body = json!({ "type": "ticket.changed", "ticket": stolen });
    for (system, secret) in
        [("vendor", "partner"), ("partner", "vendor"), ("contoso", "vendor"), ("nobody", "vendor")]
    {
        let refused = post(&bridge, system, secret_of(secret), &body);
        assert_eq!(refused.status, 401, "{system}: {refused:?}");
        assert!(!refused.body.contains(system), "{refused:?}");
    }
    assert_eq!(webhooks(), 0, "nothing that was refused is remembered");

    // The other's ticket at its own address is a ticket of its own that nobody routes.
    assert_eq!(post(&bridge, "partner", secret_of("partner"), &body).status, 202);
    calm(&bridge);
    assert_eq!(state(&bridge, &desks), before);

    faces(&bridge, &desks, &before);

    // The marker of the vendor's ticket, quoted at the partner's desk: in a comment, and as a ticket of its own.
    let marker = vendors.marker.clone().unwrap();
    let quoting = Patch {
        title: Some(format!("About {marker}")),
        description: Some(marker.clone()),
        ..Patch::default()
    };
    let number = desks.desk("partner").create("Paul", quoting).unwrap();
    let quoted = serde_json::to_value(desks.desk("partner").snapshot().ticket(number).unwrap()).unwrap();
    let mut marked = quoted.clone();
    marked["marker"] = json!(marker);
    for ticket in [quoted, marked] {
        let body = json!({ "type": "ticket.changed", "ticket": ticket });
        assert_eq!(post(&bridge, "partner", secret_of("partner"), &body).status, 202);
    }
    calm(&bridge);
    let ours = desks.titled("partner", TITLE).unwrap().number;
    desks.desk("partner").comment("Paul", ours, &format!("See {marker}, please."), false).unwrap();
    told(&bridge, &desks, "partner");
    until("home reads it", || desks.times_said("helpdesk", TITLE, "See …, please.") == 1);
    calm(&bridge);
    assert_eq!(format!("{:?}", desks.titled("vendor", TITLE).unwrap()), format!("{vendors:?}"));
    let legs = bridge.json(&["cases"]);
    assert_eq!(legs.as_array().unwrap().len(), 1, "{legs}");
    assert!(bridge.facts("rekeyed").is_empty(), "nobody's ticket was taken for another");
}

/// A ticket that bears the marker of one that is just being made for another counterpart is a ticket of its own.
#[test]
fn the_marker_of_a_ticket_that_is_being_made_elsewhere_makes_nothing_here() {
    let desks = Desks::open(&["helpdesk", "partner", "vendor"]);
    let mut bridge = TestBridge::new().poll("1d").without_webhooks().set_up(&desks, &["partner", "vendor"]);
    let text = std::fs::read_to_string(bridge.config()).unwrap();
    let inbound = text.replacen("route.outbound = {}", "route = { outbound = {}, inbound = {} }", 1);
    std::fs::write(bridge.config(), inbound).unwrap();
    bridge.start();
    let busy = Faults { rate_limit: 100, retry_after: Duration::from_secs(1), ..Faults::default() };
    desks.desk("vendor").set_faults(busy);
    desks.raise(TITLE);
    let announce = |desk: &str, ticket: &Value| {
        let body = json!({ "type": "ticket.changed", "ticket": ticket }).to_string();
        assert_eq!(bridge.webhook(desk, SECRET, &body).status, 202);
    };
    announce("helpdesk", &serde_json::to_value(desks.titled("helpdesk", TITLE).unwrap()).unwrap());
    until("the partner has the ticket", || desks.titled("partner", TITLE).is_some());
    until("the vendor's waits", || bridge.facts("attempted").iter().any(|fact| fact["leg"] == "vendor"));
    let intended = bridge.facts("intended");
    let made = intended.iter().find(|fact| fact["leg"] == "vendor" && fact["item"] == "ticket").unwrap();
    let patch = Patch { title: Some("Of my own".to_owned()), ..Patch::default() };
    let number = desks.desk("partner").create("Paul", patch).unwrap();
    let mut forged = serde_json::to_value(desks.desk("partner").snapshot().ticket(number).unwrap()).unwrap();
    forged["marker"] = made["intent"]["marker"].clone();
    announce("partner", &forged);
    until("it has a case of its own", || bridge.json(&["cases"]).as_array().unwrap().len() == 2);
    desks.desk("vendor").set_faults(Faults::default());
    calm(&bridge);
    let made = desks.desk("vendor").snapshot().tickets;
    assert_eq!(made.iter().filter(|ticket| ticket.title == TITLE).count(), 1);
    assert!(bridge.facts("rekeyed").is_empty());
}

/// The same at the faces: numbers, entity tags, subscriptions, files and tokens.
fn faces(bridge: &Running, desks: &Desks, before: &str) {
    let create = |party: &str, title: &str| {
        let body = json!({
            "@type": "TroubleTicket", "name": title, "description": "x", "severity": "Minor", "ticketType": "Incident",
            "attachment": [{ "@type": "Attachment", "attachmentType": "log", "mimeType": "text/plain", "name": "a.txt",
                "content": "c21va2U=" }],
        });
        let made = ask(
            bridge,
            party,
            "POST",
            "/troubleTicket",
            &[("content-type", "application/json")],
            &body.to_string(),
        );
        assert_eq!(made.status, 201, "{made:?}");
        made.json()
    };
    // Contoso's first ticket is the case's; its second and third have numbers that Northwind has none under.
    let (_, mine) = (create("contoso", "second"), create("contoso", "third"));
    let id = mine["id"].as_str().unwrap();
    let path = format!("/troubleTicket/{id}");
    let nowhere = ask(bridge, "northwind", "GET", "/troubleTicket/4711", &[], "");
    let merge = [("content-type", "application/merge-patch+json")];
    let change = json!({ "@type": "TroubleTicket", "name": "Hijacked" }).to_string();
    for (method, fields, body) in
        [("GET", &[][..], ""), ("PATCH", &merge, change.as_str()), ("DELETE", &[], "")]
    {
        let refused = ask(bridge, "northwind", method, &path, fields, body);
        assert_eq!((refused.status, &refused.body), (404, &nowhere.body), "as if it were not there");
    }
    let tag = ask(bridge, "contoso", "GET", &path, &[], "");
    let tag = tag.head.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap().trim().to_owned();
    let conditional = [merge[0], ("if-match", tag.as_str())];
    assert_eq!(ask(bridge, "northwind", "PATCH", &path, &conditional, &change).status, 404);
    let own = "/troubleTicket/1";
    assert_eq!(
        ask(bridge, "northwind", "PATCH", own, &conditional, &change).status,
        412,
        "another's tag is stale"
    );
    let url = mine["attachment"][0]["url"].as_str().unwrap();
    let file = url.split_once(FACE).unwrap().1;
    assert_eq!(ask(bridge, "contoso", "GET", file, &[], "").body, "smoke");
    for path in [file.to_owned(), file.replace(&format!("/{id}/"), "/1/")] {
        assert_eq!(ask(bridge, "northwind", "GET", &path, &[], "").status, 404, "{path}");
    }

    let hub = json!({ "@type": "Hub", "callback": format!("http://{}/hook", bridge.address) }).to_string();
    let json_body = [("content-type", "application/json")];
    let subscribed = ask(bridge, "contoso", "POST", "/hub", &json_body, &hub);
    assert_eq!(subscribed.status, 201, "{subscribed:?}");
    let hub = format!("/hub/{}", subscribed.json()["id"].as_str().unwrap());
    for method in ["GET", "DELETE"] {
        assert_eq!(ask(bridge, "northwind", method, &hub, &[], "").status, 404);
    }
    assert_eq!(ask(bridge, "contoso", "GET", &hub, &[], "").status, 200, "it stands");
    assert_eq!(ask(bridge, "contoso", "DELETE", &hub, &[], "").status, 204);

    // A token of a face opens that face and no other door.
    let bearer = [("authorization", "Bearer the-token-of-contoso")];
    for path in ["/api/v1/cases", "/api/v1/parked", "/api/v1/trace/vendor:3", "/api/v1/reference"] {
        let refused = web::send(&bridge.address, "GET", path, &bearer, b"").unwrap();
        assert_eq!(refused.status, 401, "{path}");
    }
    let shown = ask(bridge, "contoso", "GET", "/troubleTicket", &[], "").body.to_lowercase();
    for other in ["northwind", "vendor", "partner", "tl-1\""] {
        assert!(!shown.contains(other), "{other}: {shown}");
    }

    for number in ["2", "3"] {
        assert_eq!(
            ask(bridge, "contoso", "DELETE", &format!("/troubleTicket/{number}"), &[], "").status,
            204
        );
    }
    calm(bridge);
    assert_eq!(state(bridge, desks), before);
}
