//! The demo's script: what people do at their desks, and what must then be true at all three.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use chrono::TimeDelta;
use throughline_practice::desk::{Desk, Patch, Refusal, Ticket};

use super::stage::Stage;
use crate::api::grants::{Ask, Decided};
use crate::cli::Failure;

/// The longest the play waits for one thing.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it looks.
const GLANCE: Duration = Duration::from_millis(20);

/// On the list of people whom the counterparts know by pseudonyms only.
pub(super) const CUSTOMER: &str = "Erika Mustermann";
const INTERNAL: &str = "Internal: the customer's contract ends next month, do not mention it.";
/// Internal too, until the partner is granted sight of it.
const CAUSE: &str = "Internal: driver 7.2 was rolled out on Sunday, without a test.";
/// Who approves grants, by the agreement with the partner.
pub(super) const APPROVES: &str = "service manager";
/// How long the partner is shown it, in seconds: more where the machine was too busy to show it in time.
const TERMS: [i64; 3] = [3, 9, 27];
const FILE: &str = "spooler-log – Übersicht.txt";

/// What did not come true.
#[derive(Debug)]
pub(super) struct Stuck(String);

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the desks did not converge: {}", self.0)
    }
}

impl From<Failure> for Stuck {
    fn from(failure: Failure) -> Self {
        Self(match failure {
            Failure::Usage(why) | Failure::Failed(why) => format!("a grant was refused: {why}"),
            Failure::Configuration(problems) => problems.to_string(),
            Failure::Different => "a grant is not what was asked for".to_owned(),
        })
    }
}

impl From<Refusal> for Stuck {
    fn from(refusal: Refusal) -> Self {
        Self(format!("a desk refused what a person did: {refusal}"))
    }
}

/// Plays the script to its end, or to what did not come true.
pub(super) async fn play(stage: &Stage) -> Result<(), Stuck> {
    let desk = |name: &str| stage.desk(name).ok_or_else(|| Stuck(format!("there is no desk {name}")));
    let (helpdesk, partner, vendor) = (desk("helpdesk")?, desk("partner")?, desk("vendor")?);

    let request = Patch {
        title: Some("Invoices do not print since the update".to_owned()),
        description: Some(
            "Since this morning no invoice leaves the spooler.\nTwo branches are affected.".to_owned(),
        ),
        priority: Some("High".to_owned()),
        kind: Some("Incident".to_owned()),
        ..Patch::default()
    };
    let home = helpdesk.create("Ada Agent", request)?;
    stage.until("the partner has the ticket", || only(partner).is_some()).await?;
    let at_partner = number(partner)?;

    helpdesk.comment("Ada Agent", home, INTERNAL, true)?;
    helpdesk.comment("Ada Agent", home, "Which log do you need?", false)?;
    stage.until("the partner reads the question", || says(partner, "Which log do you need?")).await?;
    partner.comment("Paul Partner", at_partner, "The spooler's, please. We suspect the driver.", false)?;
    stage.until("the helpdesk reads the answer", || says(helpdesk, "We suspect the driver.")).await?;
    helpdesk.comment("Ada Agent", home, &format!("{CUSTOMER} saw it first."), false)?;
    stage.until("the partner reads of somebody", || pseudonym(partner).is_some()).await?;
    let somebody = pseudonym(partner).unwrap_or_default();
    partner.comment("Paul Partner", at_partner, &format!("Has {somebody} got an older driver?"), false)?;
    let asked = format!("Has {CUSTOMER} got an older driver?");
    stage.until("the helpdesk reads who is meant", || says(helpdesk, &asked)).await?;
    let log = Bytes::from_static("spooler: driver 7.2 refused job 4711 \u{2013} r\u{e9}essai\n".as_bytes());
    helpdesk.attach("Ada Agent", home, FILE, log.clone(), false)?;
    stage.until("the partner has the file", || has_file(partner, &log)).await?;
    partner.set_status("Paul Partner", at_partner, "In progress")?;
    stage.until("the helpdesk sees that it is worked on", || status(helpdesk) == "In progress").await?;

    let cause = helpdesk.comment("Ada Agent", home, CAUSE, true)?;
    grant(stage, partner, cause).await?;

    helpdesk.set_field("Ada Agent", home, "Escalate", "vendor")?;
    stage.until("the vendor has the ticket and the file", || has_file(vendor, &log)).await?;
    let at_vendor = number(vendor)?;
    vendor.comment("Vera Vendor", at_vendor, "Known defect. Version 7.3 mends it.", false)?;
    stage
        .until("everybody reads the vendor's word", || {
            says(helpdesk, "Version 7.3 mends it.") && says(partner, "Version 7.3 mends it.")
        })
        .await?;
    vendor.set_status("Vera Vendor", at_vendor, "Solved")?;
    stage
        .until("it is solved everywhere", || {
            [helpdesk, partner, vendor].into_iter().all(|desk| status(desk) == "Solved")
        })
        .await?;
    stage.until("the grant is over, and what it showed is taken back", || !says(partner, CAUSE)).await?;
    let agree = || converged(helpdesk, partner, vendor, &log);
    // What is still on its way gets its time; then the first thing that is not so is told.
    match stage.until("all three desks agree", || agree().is_ok()).await {
        Ok(()) => stage.until("nothing is on its way", || stage.is_quiet()).await,
        Err(_late) => agree(),
    }
}

/// The partner asks to see one internal comment, is granted it for a few seconds, and reads it.
async fn grant(stage: &Stage, partner: &Desk, comment: u64) -> Result<(), Stuck> {
    let home = stage.client()?;
    for seconds in TERMS {
        let until = stage.clock.now() + TimeDelta::seconds(seconds);
        let ask = Ask {
            party: "fabrikam".to_owned(),
            what: format!("comment:helpdesk#{comment}"),
            purpose: "root cause".to_owned(),
            until,
            by: "Paul Partner".to_owned(),
            party_asks: true,
            public_if_must: false,
            environment: None,
        };
        let asked = home.ask_grant("TL-1", &ask).await?;
        let by = "Grace Manager".to_owned();
        let approved = Decided { by, role: Some(APPROVES.to_owned()), reason: None, environment: None };
        if let Err(refused) = home.decide_grant("TL-1", &asked.grant, "approve", &approved).await {
            if stage.clock.now() > until {
                continue;
            }
            return Err(refused.into());
        }
        let what = "the partner reads what it was granted, or its time is over";
        stage.until(what, || says(partner, CAUSE) || stage.clock.now() > until).await?;
        if says(partner, CAUSE) {
            return Ok(());
        }
    }
    Err(Stuck("the partner was not shown what it was granted before its time was over".to_owned()))
}

impl Stage {
    fn is_quiet(&self) -> bool {
        self.bridge.shared().lanes_busy() == 0
    }

    async fn until(&self, what: &str, holds: impl Fn() -> bool) -> Result<(), Stuck> {
        let end = self.clock.monotonic() + PATIENCE;
        while !holds() {
            if self.clock.monotonic() > end {
                return Err(Stuck(format!("after {} s it is not so that {what}", PATIENCE.as_secs())));
            }
            self.clock.sleep(GLANCE).await;
        }
        Ok(())
    }
}

/// What must hold in the end, as the desks themselves have it.
fn converged(helpdesk: &Desk, partner: &Desk, vendor: &Desk, log: &Bytes) -> Result<(), Stuck> {
    let must = |holds: bool, what: &str| if holds { Ok(()) } else { Err(Stuck(what.to_owned())) };
    let tickets = [ticket(helpdesk)?, ticket(partner)?, ticket(vendor)?];
    must(tickets.iter().all(|ticket| ticket.priority == "High"), "the priorities differ")?;
    let [home, counterparts @ ..] = &tickets;
    must(counterparts.iter().all(|ticket| ticket.title == home.title), "the titles differ")?;
    let shown = |desk: &Desk| format!("{:?}", desk.history()).contains(CAUSE);
    must(!shown(vendor), "the vendor was shown what the partner was granted")?;
    for ticket in counterparts {
        must(
            ticket.comments.iter().all(|comment| !comment.body.contains("contract")),
            "an internal note crossed",
        )?;
        must(
            ticket.comments.iter().all(|comment| !comment.body.contains(CUSTOMER)),
            "a customer's name crossed",
        )?;
    }
    for words in ["Which log do you need?", "We suspect the driver.", "Version 7.3 mends it."] {
        for ticket in &tickets {
            let times = ticket.comments.iter().filter(|comment| comment.body.contains(words)).count();
            must(times == 1, &format!("{words:?} stands {times} times in ticket {}", ticket.number))?;
        }
    }
    for ticket in &tickets {
        let files: Vec<_> =
            ticket.files.iter().filter(|file| file.name == FILE && file.bytes == *log).collect();
        must(files.len() == 1, "the file does not stand once at each desk")?;
    }
    Ok(())
}

fn only(desk: &Desk) -> Option<Ticket> {
    match desk.snapshot().tickets.as_slice() {
        [ticket] => Some(ticket.as_ref().clone()),
        _ => None,
    }
}

fn ticket(desk: &Desk) -> Result<Ticket, Stuck> {
    only(desk).ok_or_else(|| Stuck(format!("the {} has not exactly one ticket", desk.settings().name)))
}

fn number(desk: &Desk) -> Result<u64, Stuck> {
    ticket(desk).map(|ticket| ticket.number)
}

fn says(desk: &Desk, words: &str) -> bool {
    only(desk).is_some_and(|ticket| ticket.comments.iter().any(|comment| comment.body.contains(words)))
}

/// What the desk calls the customer whose name it was not told.
fn pseudonym(desk: &Desk) -> Option<String> {
    let ticket = only(desk)?;
    let words = ticket.comments.iter().find_map(|comment| comment.body.strip_suffix(" saw it first."))?;
    words.split_whitespace().next_back().filter(|word| word.starts_with("PERSON-")).map(str::to_owned)
}

fn status(desk: &Desk) -> String {
    only(desk).map(|ticket| ticket.status).unwrap_or_default()
}

fn has_file(desk: &Desk, bytes: &Bytes) -> bool {
    only(desk).is_some_and(|ticket| ticket.files.iter().any(|file| file.bytes == *bytes))
}
