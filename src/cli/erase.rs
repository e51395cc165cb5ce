//! `throughline erase`: makes a case unreadable for good, or forgets a person.

use clap::Args;
use serde_json::json;
use throughline_sdk::Timestamp;

use super::access::Access;
use super::client::Client;
use super::{Failure, Output, Which};
use crate::store::Forgetting;

/// Erase a case, or forget a person, for good.
///
/// The key of the case is destroyed, and its files and its tickets at our own desks are deleted. The ledger still verifies,
/// and keeps that it was erased, by whom and why. What stands in other systems stays there. A person who is forgotten is
/// behind none of their pseudonyms any more; what cases say of them goes with the cases.
#[derive(Debug, Args)]
#[command(
    after_help = "Needs a running daemon. Without --yes it only tells what would be erased. Backups of the data directory \
                        hold what they held: their keyring and files have to be renewed too.\n\n\
                        Examples:\n  \
                        throughline erase TL-1042 --because \"request of 2 May\" --config throughline.toml\n  \
                        throughline erase TL-1042 --because \"request of 2 May\" --yes --config throughline.toml\n  \
                        throughline erase --person \"Ada Lovelace\" --because \"left us\" --yes --config throughline.toml\n  \
                        throughline erase --list --config throughline.toml --json\n  \
                        throughline erase --forgotten --config throughline.toml"
)]
pub(super) struct Erase {
    /// The case (TL-1042), or any of its tickets (helpdesk:4711).
    #[arg(value_name = "TL-ID | SYSTEM:KEY", required_unless_present_any = ["person", "list", "forgotten"])]
    name: Option<String>,
    /// Forget this person instead, by the name as the list of people has it or by one of their pseudonyms.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["name", "list", "forgotten"])]
    person: Option<String>,
    /// List what was erased, by whom and why.
    #[arg(long, conflicts_with_all = ["name", "forgotten"])]
    list: bool,
    /// List when people were forgotten, by whom and why; never who it was.
    #[arg(long, conflicts_with = "name")]
    forgotten: bool,
    /// Why. Recorded for good: it should not repeat what is to be erased.
    #[arg(long, value_name = "WHY", required_unless_present_any = ["list", "forgotten"])]
    because: Option<String>,
    /// Do it.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    which: Which,
}

impl Erase {
    pub(super) async fn run(self, output: &Output) -> Result<(), Failure> {
        let client = match Access::open(&self.which).await? {
            Access::Daemon(client) => client,
            Access::Directory(_) => {
                let message =
                    "no daemon runs there: start it, since only it can erase what it may be working on";
                return Err(Failure::Failed(message.to_owned()));
            }
        };
        let because = self.because.as_deref().unwrap_or_default();
        match (self.name, self.person) {
            (Some(name), _) => case(&client, &name, because, self.yes, output).await,
            (None, Some(person)) => forget(&client, &person, because, self.yes, output).await,
            (None, None) if self.forgotten => forgotten(&client, output).await,
            (None, None) => list(&client, output).await,
        }
    }
}

async fn case(client: &Client, name: &str, because: &str, yes: bool, output: &Output) -> Result<(), Failure> {
    let case = client.trace(name).await?.case;
    if !yes {
        if output.json {
            output.value(&json!({ "case": case.case, "would_erase": true, "erased": false }));
            return Ok(());
        }
        output.line(&format!("{} “{}” ({}) would be erased, for good.", case.case, case.title, case.status));
        for leg in &case.legs {
            let key = leg.key.as_deref().unwrap_or("no ticket yet");
            output.line(&format!(
                "  {} {key} is not followed any more, and no case is opened for it again",
                leg.system
            ));
        }
        output.line("Nothing was done. Say --yes to do it.");
        return Ok(());
    }
    let erasure = client.erase(&case.case, because).await?;
    if output.json {
        output.value(&erasure);
    } else {
        let files = erasure.files.unwrap_or_default();
        output.line(&format!("{} is erased, and {files} files with it.", erasure.case));
    }
    Ok(())
}

async fn forget(
    client: &Client,
    person: &str,
    because: &str,
    yes: bool,
    output: &Output,
) -> Result<(), Failure> {
    if !yes {
        output.line("Nothing was done. Say --yes to forget that person for good.");
        return Ok(());
    }
    let forgotten = client.forget(person, because).await?;
    if output.json {
        output.value(&forgotten);
    } else {
        output.line(&format!("{} pseudonyms stand for nobody any more.", forgotten.pseudonyms));
    }
    Ok(())
}

async fn list(client: &Client, output: &Output) -> Result<(), Failure> {
    let erasures = client.erasures().await?;
    if output.json {
        output.value(&erasures);
        return Ok(());
    }
    if erasures.is_empty() {
        output.line("Nothing was erased.");
        return Ok(());
    }
    let rows: Vec<Vec<String>> = erasures
        .into_iter()
        .map(|erasure| {
            let at = moment(erasure.at);
            let files = erasure.files.map_or_else(|| "under way".to_owned(), |files| files.to_string());
            vec![erasure.case.to_string(), at, files, erasure.by, erasure.because]
        })
        .collect();
    output.table(&["case", "at", "files", "by", "because"], &rows);
    Ok(())
}

async fn forgotten(client: &Client, output: &Output) -> Result<(), Failure> {
    let forgotten = client.forgotten().await?;
    if output.json {
        output.value(&forgotten);
        return Ok(());
    }
    if forgotten.is_empty() {
        output.line("Nobody was forgotten.");
        return Ok(());
    }
    let row = |one: Forgetting| vec![moment(one.at), one.pseudonyms.to_string(), one.by, one.because];
    let rows: Vec<Vec<String>> = forgotten.into_iter().map(row).collect();
    output.table(&["at", "pseudonyms", "by", "because"], &rows);
    Ok(())
}

fn moment(at: Timestamp) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}
