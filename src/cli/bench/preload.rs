//! Linked tickets in a fresh data directory: what the planner says of each from its opening on, recorded through the
//! journal, one record a case.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::StreamExt;
use futures::stream;
use throughline_sdk::{
    Capabilities, Clock, Entropy, RemoteId, Subject, SystemName, Ticket, TicketRef, Timestamp,
};

use super::world::{self, HOME, PARTNER};
use crate::agreement::{Pseudonyms, Rules};
use crate::case::{Case, CaseId, Fact, HintSource};
use crate::cli::Failure;
use crate::config::Config;
use crate::daemon::{DataDir, assemble, marker_key};
use crate::ledger::{Entry, Journal};
use crate::plan::{MarkerKey, View, plan};
use crate::telemetry::metrics::Metrics;

/// Entries on their way to the journal: two groups.
const AT_ONCE: usize = 1024;

/// Links `count` tickets in the data directory of `config`, numbered from 1.
pub(super) async fn fill(
    config: &Config,
    count: u64,
    base: &str,
    clock: &Arc<dyn Clock>,
    entropy: &Arc<dyn Entropy>,
) -> Result<(), Failure> {
    let data = DataDir::create(&config.data_dir).map_err(Failure::failed)?;
    let systems =
        assemble::systems(config, assemble::Own::default(), clock, entropy, &Arc::new(Metrics::new()), None)
            .map_err(Failure::failed)?;
    let capabilities = systems.into_iter().map(|system| (system.name, system.capabilities)).collect();
    let master = data.master_key(config.master_key.as_ref(), entropy.as_ref()).map_err(Failure::failed)?;
    let markers = marker_key(&master);
    let medium = assemble::medium(&data).map_err(Failure::failed)?;
    let journal = assemble::journal(&data, medium, master, entropy).await.map_err(Failure::failed)?;
    let office = Office { rules: &config.rules, capabilities, markers, base, now: clock.now() };
    stream::iter(1..=count)
        .map(|number| record(&office, &journal, number))
        .buffer_unordered(AT_ONCE)
        .fold(Ok(()), |all, one| std::future::ready(all.and(one)))
        .await?;
    journal.close().await.map_err(Failure::failed)
}

async fn record(office: &Office<'_>, journal: &Journal, number: u64) -> Result<(), Failure> {
    let (case, facts) = office.link(number)?;
    let entry = Entry { at: office.now, case: Some(case), facts };
    journal.commit(entry).await.map(drop).map_err(Failure::failed)
}

/// Plays bridge and desks for one case at a time.
struct Office<'a> {
    rules: &'a Rules,
    capabilities: BTreeMap<SystemName, Capabilities>,
    markers: MarkerKey,
    base: &'a str,
    now: Timestamp,
}

impl Office<'_> {
    /// A case that was opened, sent and read back, with everything that happened to it.
    fn link(&self, number: u64) -> Result<(Case, Vec<Fact>), Failure> {
        let mut case = Case::new(CaseId(number), self.now);
        let ticket = TicketRef::new(SystemName::new(HOME), RemoteId::new(number.to_string()));
        let mut facts = vec![Fact::Hinted { ticket: ticket.clone(), source: HintSource::Webhook }];
        facts.extend(self.plan(&mut case, &[HOME], number));
        // A creation and a link each way: three rounds, and one more to see that nothing is left.
        for _ in 0..8 {
            let due = case
                .legs
                .iter()
                .find_map(|(name, leg)| Some((name.clone(), leg.outstanding.front()?.clone())));
            let Some((leg, due)) = due else { break };
            let subject = Subject::Ticket(RemoteId::new(number.to_string()));
            let effect = Fact::Effected {
                leg: leg.clone(),
                intent: due.intent.id,
                subject,
                found: false,
                lost: Vec::new(),
            };
            case.apply(&effect, self.now);
            facts.push(effect);
            facts.extend(self.plan(&mut case, &[leg.as_str()], number));
        }
        if case.has_work() || case.legs.len() != 2 {
            return Err(Failure::Failed(format!("the plan for {} does not come to its end", case.id)));
        }
        facts.push(Fact::Answered { ticket, through: crate::ledger::Position(0) });
        Ok((case, facts))
    }

    fn plan(&self, case: &mut Case, read: &[&str], number: u64) -> Vec<Fact> {
        let observations: BTreeMap<SystemName, Ticket> = read
            .iter()
            .map(|desk| {
                (SystemName::new(*desk), world::read(desk, number, &format!("{}/{desk}/", self.base)))
            })
            .collect();
        let view = View {
            rules: self.rules,
            capabilities: &self.capabilities,
            observations: &observations,
            markers: &self.markers,
            settled: &BTreeSet::new(),
            names: &Pseudonyms::default(),
            now: self.now,
        };
        plan(case, &view).facts
    }
}

/// The configuration of a bench bridge: three systems, as in the demo.
pub(super) fn configuration(base: &str, listen: &str) -> String {
    let mut text = format!(
        "# Written by `throughline bench`.\n\n[bridge]\nhome = \"home\"\ndata = \".\"\nlisten = \"{listen}\"\n"
    );
    for (name, party) in [(HOME, "home"), (PARTNER, "fabrikam"), (world::VENDOR, "northwind")] {
        text.push_str(&format!(
            "\n[parties.{party}]\ntitle = \"{party}\"\n\n\
             [systems.{name}]\nparty = \"{party}\"\nlimits = {{ concurrency = 64 }}\n\n\
             [systems.{name}.practice]\nurl = \"{base}/{name}/\"\n\
             token = {{ file = \"practice.token\" }}\nwebhook_secret = {{ file = \"practice.webhook-secret\" }}\n"
        ));
    }
    for (name, party, route) in [(PARTNER, "fabrikam", "Incident"), (world::VENDOR, "northwind", "Request")] {
        text.push_str(&format!(
            "\n[agreements.{party}]\nparty = \"{party}\"\nhome = \"{HOME}\"\ncounterpart = \"{name}\"\n\
             comments = \"both\"\nfiles = \"both\"\n\n[agreements.{party}.route]\noutbound = 'ticket.type == \"{route}\"'\n\n\
             [agreements.{party}.fields.title]\ndirection = \"outbound\"\n\n\
             [agreements.{party}.fields.description]\ndirection = \"outbound\"\n\n\
             [agreements.{party}.fields.status]\ndirection = \"both\"\npolicy = \"most_advanced\"\n\n\
             [agreements.{party}.fields.priority]\ndirection = \"both\"\npolicy = \"owner_home\"\n"
        ));
    }
    text
}
