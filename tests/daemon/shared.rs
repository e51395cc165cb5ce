//! Two bridges federate a case over Networked Help Desk: each pushes to the other, and either may be killed.

use super::bridge::{Running, until};
use super::desks::{Desks, SECRET, TOKEN};
use super::federated::{Pair, home, outlive, reserved};
use super::web;

/// Contoso invites Fabrikam, which takes what Contoso confirms.
fn start() -> Pair {
    let desks = Desks::open(&["helpdesk", "servicedesk"]);
    let [ours, theirs] = reserved();
    let secrets = [("desks.token", TOKEN), ("desks.secret", SECRET)];
    let (at_ours, at_theirs) =
        (format!("http://{ours}/sharing/fabrikam"), format!("http://{theirs}/sharing/contoso"));
    let contoso = format!(
        "[bridge]\nhome = \"contoso\"\ndata = \"data\"\nlisten = \"{ours}\"\n{}\
         [systems.fabrikam]\nparty = \"fabrikam\"\npoll = \"1s\"\nsettle = \"1s\"\n\
         [systems.fabrikam.networked-helpdesk]\nurl = \"{at_theirs}\"\nhere = \"{at_ours}\"\n\
         name = \"Contoso\"\nauthor = \"Contoso\"\ninvite = true\n\
         [agreements.fabrikam]\nparty = \"fabrikam\"\nhome = \"helpdesk\"\ncounterpart = \"fabrikam\"\n\
         comments = \"both\"\nfiles = \"both\"\nroute.outbound = \"true\"\n[agreements.fabrikam.fields]\n\
         title = {{ direction = \"outbound\" }}\ndescription = {{ direction = \"outbound\" }}\n\
         status = {{ policy = \"most_advanced\", otherwise = \"park\" }}\n",
        home(&desks, "contoso", "helpdesk", "fabrikam")
    );
    let fabrikam = format!(
        "[bridge]\nhome = \"fabrikam\"\ndata = \"data\"\nlisten = \"{theirs}\"\n{}\
         [systems.contoso]\nparty = \"contoso\"\npoll = \"1s\"\nsettle = \"1s\"\n\
         [systems.contoso.networked-helpdesk]\nurl = \"{at_ours}\"\nhere = \"{at_theirs}\"\n\
         author = \"Fabrikam\"\ninvitations = \"accept\"\n\
         [agreements.contoso]\nparty = \"contoso\"\nhome = \"servicedesk\"\ncounterpart = \"contoso\"\n\
         comments = \"both\"\nfiles = \"both\"\nroute.inbound = \"true\"\n[agreements.contoso.fields]\n\
         title = {{ direction = \"inbound\" }}\ndescription = {{ direction = \"inbound\" }}\n\
         status = {{ policy = \"most_advanced\", otherwise = \"park\" }}\n",
        home(&desks, "fabrikam", "servicedesk", "contoso")
    );
    let mut pair = Pair {
        desks,
        contoso: Running::configured(&contoso, &secrets),
        fabrikam: Running::configured(&fabrikam, &secrets),
        _reserved: [ours, theirs],
    };
    pair.fabrikam.start();
    pair.contoso.start();
    until("Fabrikam has accepted Contoso's invitation", || {
        pair.contoso.log().contains("A partner changed a sharing agreement.")
    });
    pair
}

#[test]
fn two_bridges_push_a_case_to_each_other_and_outlive_the_kill_of_either() {
    let mut pair = start();
    outlive(&mut pair);
    // An agreement holds a key, and stands in the open nowhere.
    let sealed = std::fs::read(pair.contoso.data().join("logins/fabrikam")).unwrap();
    assert!(!String::from_utf8_lossy(&sealed).contains("uuid"), "the agreements are not sealed");
}

#[test]
fn a_stranger_shares_nothing() {
    let pair = start();
    let path = "/sharing/contoso/tickets/00000000000000000000000000000000000000cc";
    for token in [None, Some("x"), Some("a:b")] {
        let fields: Vec<_> = token.map(|token| ("x-ticket-sharing-token", token)).into_iter().collect();
        let answer =
            web::send(&pair.fabrikam.address, "POST", path, &fields, b"{\"subject\":\"x\"}").unwrap();
        assert_eq!(answer.status, 401, "{token:?}: {answer:?}");
    }
    assert!(pair.desks.desk("servicedesk").snapshot().tickets.is_empty());
}
