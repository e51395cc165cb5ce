//! Who may enter: people with passwords and sessions, programs with tokens, and nobody else.

use super::bridge::{Running, TestBridge};
use super::desks::Desks;
use super::web::{Answer, send};

const PASSWORD: &str = "several words make a good one";

/// A browser: it keeps one cookie and says from where its forms come.
#[derive(Default)]
struct Browser {
    cookie: Option<String>,
}

impl Browser {
    fn get(&mut self, bridge: &Running, path: &str) -> Answer {
        self.send(bridge, "GET", path, &[], "")
    }

    /// Sends a form from one of our own pages.
    fn post(&mut self, bridge: &Running, path: &str, form: &str) -> Answer {
        let origin = format!("http://{}", bridge.address);
        self.send(bridge, "POST", path, &[("origin", &origin)], form)
    }

    fn send(
        &mut self,
        bridge: &Running,
        method: &str,
        path: &str,
        fields: &[(&str, &str)],
        form: &str,
    ) -> Answer {
        let cookie = self.cookie.clone().unwrap_or_default();
        let mut fields = fields.to_vec();
        fields.push(("content-type", "application/x-www-form-urlencoded"));
        if !cookie.is_empty() {
            fields.push(("cookie", &cookie));
        }
        let answer = send(&bridge.address, method, path, &fields, form.as_bytes()).unwrap();
        if let Some(set) = answer.exact("set-cookie") {
            self.cookie = Some(set.split(';').next().unwrap().to_owned()).filter(|pair| !pair.ends_with('='));
        }
        answer
    }

    fn log_in(&mut self, bridge: &Running, name: &str, password: &str) -> Answer {
        let password = password.replace(' ', "+");
        self.post(bridge, "/console/login", &format!("name={name}&password={password}&to=/console/accounts"))
    }

    /// What a form of this session has to hold.
    fn token(&mut self, bridge: &Running) -> String {
        let page = self.get(bridge, "/console/accounts");
        let (_, rest) = page.body.split_once("name=\"csrf\" value=\"").expect("a form holds it");
        rest.split('"').next().unwrap().to_owned()
    }
}

fn bearer(bridge: &Running, token: &str, path: &str) -> Answer {
    send(&bridge.address, "GET", path, &[("authorization", &format!("Bearer {token}"))], b"").unwrap()
}

/// A bridge on which `alex` is an admin, running.
fn with_admin() -> (Desks, Running) {
    let desks = Desks::open(&["helpdesk", "partner"]);
    let mut bridge = TestBridge::new().set_up(&desks, &["partner"]);
    let added = bridge.typed(&["account", "add", "Alex", "--role", "admin"], PASSWORD);
    assert_eq!(added.code, 0, "{added:?}");
    bridge.start();
    (desks, bridge)
}

#[test]
fn an_auditor_reads_who_came_in_and_who_was_refused_and_nothing_that_was_typed() {
    let (_desks, bridge) = with_admin();
    let mut browser = Browser::default();
    assert_ne!(browser.log_in(&bridge, "alex", "not the right words at all").status, 303);
    assert_ne!(browser.log_in(&bridge, "hunter2hunter2", PASSWORD).status, 303);
    assert_eq!(browser.log_in(&bridge, "alex", PASSWORD).status, 303);
    let lines = bridge.json(&["ledger", "entered"]);
    let told = |line: &serde_json::Value| format!("{} {} {}", line["what"], line["name"], line["way"]);
    let told: Vec<String> = lines.as_array().unwrap().iter().map(told).collect();
    let expected = [
        "\"logged_in\" \"Alex\" \"password\"",
        "\"refused\" null \"password\"",
        "\"refused\" \"Alex\" \"password\"",
        "\"added\" \"Alex\" null",
    ];
    assert_eq!(told, expected, "the latest first");
    let printed = bridge.command(&["ledger", "entered", "--limit", "3"]).out;
    assert_eq!(printed.lines().count(), 3, "{printed}");
    assert!(printed.contains("nobody known here  refused, by password"), "{printed}");
    let page = browser.get(&bridge, "/console/record").body;
    for said in ["logged in", "refused", "nobody known here", "by password", "<bdi>Alex</bdi>"] {
        assert!(page.contains(said), "{said}: {page}");
    }
    for typed in ["hunter2", "not the right words"] {
        assert!(!page.contains(typed) && !lines.to_string().contains(typed), "{typed}");
    }
}

#[test]
fn the_first_admin_is_made_before_the_first_start_and_a_session_outlives_a_restart() {
    let (_desks, mut bridge) = with_admin();
    let mut browser = Browser::default();
    let away = browser.get(&bridge, "/console/accounts");
    assert_eq!((away.status, away.exact("location")), (303, Some("/console/login?to=%2Fconsole%2Faccounts")));
    let wrong = browser.log_in(&bridge, "alex", "not the right words at all");
    let nobody = browser.log_in(&bridge, "nobody", PASSWORD);
    assert_eq!((wrong.status, nobody.status), (401, 401));
    assert_eq!(wrong.body, nobody.body, "it is not told which names there are");
    let entered = browser.log_in(&bridge, "alex", PASSWORD);
    assert_eq!((entered.status, entered.exact("location")), (303, Some("/console/accounts")));
    let set = entered.exact("set-cookie").unwrap();
    assert!(set.ends_with("; Path=/; HttpOnly; SameSite=Lax"), "{set}");
    assert_eq!(browser.get(&bridge, "/console/accounts").status, 200);

    bridge.signal("TERM");
    bridge.ended();
    bridge.start();
    let page = browser.get(&bridge, "/console/accounts");
    assert_eq!(page.status, 200);
    assert!(page.body.contains("Alex"), "{}", page.body);

    let token = browser.token(&bridge);
    let before = browser.cookie.clone();
    let out = browser.post(&bridge, "/console/logout", &format!("csrf={token}"));
    assert_eq!((out.status, browser.cookie.as_ref()), (303, None));
    browser.cookie = before;
    assert_eq!(browser.get(&bridge, "/console/accounts").status, 303, "the session has ended here, too");
}

#[test]
fn what_a_page_of_ours_did_not_send_changes_nothing() {
    let (_desks, bridge) = with_admin();
    let mut browser = Browser::default();
    let foreign = [("origin", "https://evil.example")];
    let form = format!("name=alex&password={}", PASSWORD.replace(' ', "+"));
    assert_eq!(browser.send(&bridge, "POST", "/console/login", &foreign, &form).status, 403);
    browser.log_in(&bridge, "alex", PASSWORD);
    let token = browser.token(&bridge);
    let form = |token: &str| format!("csrf={token}&name=kim&role=agent&password=a+few+words+for+kim");
    let own = format!("http://{}", bridge.address);
    for (fields, token) in [
        ([("origin", "https://evil.example")].as_slice(), token.as_str()),
        (&[], &token),
        (&[("origin", "null")], &token),
        (&[("origin", &own), ("sec-fetch-site", "cross-site")], &token),
        (&[("origin", &own)], "another"),
        (&[("origin", &own)], ""),
    ] {
        let refused = browser.send(&bridge, "POST", "/console/accounts", fields, &form(token));
        assert_eq!(refused.status, 403, "{fields:?} {token}: {}", refused.body);
        // The interface takes the cookie, too, and is as strict.
        let refused = browser.send(&bridge, "POST", "/api/v1/tokens", fields, &form(token));
        assert_eq!(refused.status, 403, "{fields:?}: {}", refused.body);
    }
    assert_eq!(bridge.json(&["account", "list"]).as_array().unwrap().len(), 1);
    assert_eq!(browser.post(&bridge, "/console/accounts", &form(&token)).status, 303);
    assert_eq!(bridge.json(&["account", "list"]).as_array().unwrap().len(), 2);
}

#[test]
fn a_token_opens_what_its_role_may_until_it_is_taken_back() {
    let (_desks, mut bridge) = with_admin();
    let made = |arguments: &[&str]| bridge.json(&[&["token", "create"], arguments].concat());
    let agent = made(&["wallboard", "--role", "agent", "--expires", "90d"]);
    let narrow = made(&["reader", "--role", "agent", "--right", "look"]);
    let guest = made(&["portal", "--role", "guest", "--party", "partner"]);
    let secret = |issued: &serde_json::Value| issued["secret"].as_str().unwrap().to_owned();
    let (agent, narrow, guest) = (secret(&agent), secret(&narrow), secret(&guest));
    assert!(agent.starts_with("tlk_") && agent.len() == 47, "{agent}");
    assert_eq!(bearer(&bridge, &agent, "/api/v1/cases").status, 200);
    assert_eq!(bearer(&bridge, &agent, "/api/v1/accounts").status, 403);
    assert_eq!(bearer(&bridge, &narrow, "/api/v1/cases").status, 200);
    assert_eq!(bearer(&bridge, &narrow, "/api/v1/me").status, 403, "it was narrowed to another right");
    assert_eq!(bearer(&bridge, &guest, "/api/v1/cases").status, 403);
    let me = bearer(&bridge, &guest, "/api/v1/me").json();
    assert_eq!((&me["role"], &me["party"]), (&"guest".into(), &"partner".into()));
    let unknown = bridge.command(&["token", "create", "x", "--role", "guest", "--party", "nobody"]);
    assert!(unknown.code == 1 && unknown.err.contains("there is no party nobody"), "{unknown:?}");

    bridge.signal("TERM");
    bridge.ended();
    assert_eq!(bridge.command(&["token", "revoke", "reader"]).code, 0, "while no daemon runs");
    bridge.start();
    assert_eq!(bearer(&bridge, &agent, "/api/v1/cases").status, 200);
    assert_eq!(bearer(&bridge, &narrow, "/api/v1/cases").status, 401);
    assert_eq!(bearer(&bridge, "tlk_guessed", "/api/v1/cases").status, 401);
    for folder in ["identity", "ledger"] {
        for file in std::fs::read_dir(bridge.data().join(folder)).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            for clear in ["Alex", &agent, agent.split_at(4).1, "wallboard", PASSWORD] {
                assert!(
                    !bytes.windows(clear.len()).any(|window| window == clear.as_bytes()),
                    "{folder}: {clear}"
                );
            }
        }
    }
}

#[test]
fn whoever_is_disabled_or_gets_another_role_is_out_at_once() {
    let (_desks, bridge) = with_admin();
    let add = |name: &str, role: &[&str]| {
        let arguments = [&["account", "add", name, "--role"], role].concat();
        assert_eq!(bridge.typed(&arguments, PASSWORD).code, 0);
        let mut browser = Browser::default();
        assert_eq!(browser.log_in(&bridge, name, PASSWORD).status, 303);
        browser
    };
    let (mut kim, mut sam) = (add("kim", &["admin"]), add("sam", &["admin"]));
    for browser in [&mut kim, &mut sam] {
        assert_eq!(browser.get(&bridge, "/console/accounts").status, 200);
    }
    assert_eq!(bridge.command(&["account", "disable", "kim"]).code, 0);
    assert_eq!(bridge.command(&["account", "role", "sam", "--role", "auditor"]).code, 0);
    for browser in [&mut kim, &mut sam] {
        assert_eq!(browser.get(&bridge, "/console/accounts").status, 303);
    }
    assert_eq!(kim.log_in(&bridge, "kim", PASSWORD).status, 401);
    sam.log_in(&bridge, "sam", PASSWORD);
    assert_eq!(sam.get(&bridge, "/console/accounts").status, 403, "an auditor administers nothing");
    assert_eq!(bridge.command(&["account", "remove", "kim"]).code, 0);

    let doors = bridge.facts("door");
    let said: Vec<&str> = doors.iter().filter_map(|fact| fact["door"].as_str()).collect();
    for expected in ["added", "logged_in", "disabled", "role_changed", "refused", "removed"] {
        assert!(said.contains(&expected), "{expected}: {said:?}");
    }
    let text = serde_json::to_string(&doors).unwrap();
    assert!(!text.contains("kim") && !text.contains("Alex") && text.contains("acc-"), "{text}");
}

#[test]
fn tries_are_slowed_by_account() {
    let (_desks, bridge) = with_admin();
    let mut browser = Browser::default();
    // A slow machine earns itself a try more.
    let slowed = (0..40).map(|_| browser.log_in(&bridge, "alex", "guess after guess after"));
    let tries: Vec<Answer> = slowed.take_while(|answer| answer.status == 401).collect();
    assert!((10..40).contains(&tries.len()), "{}", tries.len());
    let slowed = browser.log_in(&bridge, "+ALEX", PASSWORD);
    assert_eq!(slowed.status, 429, "the right password is slowed, too");
    assert!(slowed.exact("retry-after").is_some());
}
