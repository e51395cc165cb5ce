//! One request in two desks: everything that is shared crosses, once, and nothing else does.

use std::time::Duration;

use crate::bridge::{Bridge, until};
use crate::desks::Desks;
use crate::redmine::Bob;
use crate::request_tracker::Alice;
use crate::setup::Setup;

const SOON: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_crosses() {
    let Some(desks) = Desks::standing() else { return };
    let setup = Setup::new();
    let (alice, bob) = (Alice::new(&desks), Bob::new(&desks));
    let mut bridge = Bridge::configured("crossing", &desks, &setup);
    eprintln!("{}", bridge.told(&["check", "--online"]));
    bridge.start().await;
    let ticket = alice.raise(&setup.title("VPN down at site B 🔥"), "No tunnel\nsince 08:00").await;
    let issue = until("the ticket appears in Redmine", SOON, async || bob.titled(&setup.tag).await.pop()).await;
    alice.reply(&ticket, "Anybody there?").await;
    bob.reply(&issue, "Bob is here.").await;
    until("the replies cross", SOON, async || {
        let (ours, theirs) = (alice.see(&ticket).await, bob.see(&issue).await);
        (ours.mentions("Bob is here.") == 1 && theirs.mentions("Anybody there?") == 1).then_some(())
    })
    .await;
    eprintln!("{:#?}\n{:#?}", alice.see(&ticket).await, bob.see(&issue).await);
    eprintln!("{}", bridge.told(&["trace", &format!("helpdesk:{ticket}")]));
    eprintln!("{}", bridge.told(&["ledger", "verify"]));
    bridge.stop().await;
}
