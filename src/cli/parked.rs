//! `throughline parked`: what waits for a person.

use clap::{Args, Subcommand};
use serde_json::json;
use throughline_sdk::SystemName;

use super::access::Access;
use super::{Failure, Output, Which};
use crate::api::parked::Named as Asked;

/// List what waits for a person, have it tried again, or give it up.
#[derive(Debug, Args)]
#[command(
    after_help = "A field, comment or file is parked when a system refused it for good, or when nobody can tell \
                        whether it arrived. Mend the cause, then have it tried again, or give it up; the rest of the \
                        case goes on meanwhile.\n\nExamples:\n  \
                        throughline parked --config throughline.toml\n  \
                        throughline parked retry TL-1042 partner status --config throughline.toml\n  \
                        throughline parked discard TL-1042 partner field:Component --config throughline.toml"
)]
pub(super) struct Parked {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List what is parked, with the reasons.
    List,
    /// Try a parked item again.
    Retry {
        #[command(flatten)]
        item: Named,
    },
    /// Show what was to be sent, what stands there, and what may be sent instead.
    Show {
        #[command(flatten)]
        item: Named,
    },
    /// Have something else sent in its place, this once: the agreement is applied to it as to anything else.
    Edit {
        #[command(flatten)]
        item: Named,
        /// What is sent instead; for a status or priority, Throughline's word.
        #[arg(long, value_name = "TEXT")]
        text: String,
    },
    /// Give a parked item up: it is not tried again until its value changes.
    Discard {
        #[command(flatten)]
        item: Named,
        /// Why, for whoever reads the record.
        #[arg(long, value_name = "WORDS", default_value = "")]
        reason: String,
    },
}

#[derive(Debug, Args)]
struct Named {
    /// The case, such as TL-1042.
    case: String,
    /// The system it was for.
    system: String,
    /// The item, as `parked list` names it.
    item: String,
}

impl Parked {
    pub(super) async fn run(self, output: &Output) -> Result<(), Failure> {
        match self.command {
            None | Some(Command::List) => list(&self.which, output).await,
            Some(Command::Show { item }) => show(&self.which, &item, output).await,
            Some(Command::Retry { item }) => decide(&self.which, &item, Verb::Retry, output).await,
            Some(Command::Edit { item, text }) => decide(&self.which, &item, Verb::Edit(text), output).await,
            Some(Command::Discard { item, reason }) => {
                decide(&self.which, &item, Verb::Discard(reason), output).await
            }
        }
    }
}

/// What becomes of a parked item.
#[derive(Clone, Debug)]
enum Verb {
    Retry,
    Edit(String),
    Discard(String),
}

async fn list(which: &Which, output: &Output) -> Result<(), Failure> {
    let lines = Access::open(which).await?.parked().await?;
    if output.json {
        output.value(&lines);
        return Ok(());
    }
    if lines.is_empty() {
        output.line("Nothing is parked.");
        return Ok(());
    }
    let rows: Vec<Vec<String>> = lines
        .into_iter()
        .map(|line| {
            let since = line.since.format("%Y-%m-%dT%H:%M:%SZ").to_string();
            vec![line.case, line.system.to_string(), line.item, since, line.reason]
        })
        .collect();
    output.table(&["case", "system", "item", "since", "reason"], &rows);
    Ok(())
}

async fn show(which: &Which, Named { case, system, item }: &Named, output: &Output) -> Result<(), Failure> {
    let name = Asked { case: case.clone(), system: SystemName::new(system), item: item.clone() };
    let shown = Access::open(which).await?.daemon()?.parked_item(&name).await?;
    if output.json {
        output.value(&shown);
        return Ok(());
    }
    output.line(&format!("{} of {} on {}: {}", shown.item, shown.case, shown.system, shown.reason));
    for part in &shown.sent {
        output.line(&format!("  was to be sent, {}: {}", part.what, part.text));
    }
    if let Some(there) = &shown.there {
        output.line(&format!("  stands there: {}", there.text));
    }
    for edit in &shown.edits {
        let words: Vec<&str> = edit.choices.iter().map(|choice| choice.word.as_str()).collect();
        let words = if words.is_empty() { "any text".to_owned() } else { words.join(", ") };
        output.line(&format!("  {} may be sent as another: {words}", edit.item));
    }
    Ok(())
}

async fn decide(which: &Which, named: &Named, verb: Verb, output: &Output) -> Result<(), Failure> {
    let (word, done, more) = match verb {
        Verb::Retry => ("retry", "is tried again", None),
        Verb::Edit(text) => ("edit", "is tried again as you wrote it", Some(("text", text))),
        Verb::Discard(reason) => ("discard", "is given up", Some(("reason", reason))),
    };
    let Named { case, system, item } = named;
    let mut body = json!({ "case": case, "system": system, "item": item });
    if let (Some((key, text)), Some(body)) = (more, body.as_object_mut()) {
        body.insert(key.to_owned(), text.into());
    }
    Access::open(which).await?.daemon()?.decide(word, &body).await?;
    if output.json {
        output.value(&json!({ "case": case, "system": system, "item": item, "done": word }));
    } else {
        output.line(&format!("{item} of {case} on {system} {done}."));
    }
    Ok(())
}
