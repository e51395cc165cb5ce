//! Walks the conformance suite against a live desk, and tells what holds, what is missing, and why.

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use throughline_sdk::http::Transport;
use throughline_sdk::{
    Built, Capabilities, Changes, Clock, CreateClass, Description, Error, Linking, NewTicket, Operation,
    RemoteId, Subject as Made, Ticket, Visibility,
};
use throughline_testkit::Played;
use throughline_testkit::conformance::{self, Outcome, Subject};
use throughline_testkit::played::LEFT_OPEN;

use super::super::output::printable;
use super::super::{Failure, Output};

/// How long a desk's change feed may take to show a change, beyond what its manifest says.
const FEED_PATIENCE: Duration = Duration::from_secs(2);

/// A manifest and its desk.
pub(super) struct Trial<'a> {
    pub(super) built: Built,
    pub(super) base: Arc<dyn Transport>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) secrets: Vec<SecretString>,
    pub(super) output: &'a Output,
}

/// What became of one case, in the words of the command line.
struct Told {
    word: &'static str,
    name: &'static str,
    why: String,
}

impl Trial<'_> {
    /// Reads one ticket and shows what it is read as.
    pub(super) async fn read(&self, ticket: &str) -> Result<(), Failure> {
        let (played, _, _) = self.arrive().await?;
        let read = played.fetch(&RemoteId::new(ticket)).await;
        let read =
            read.map_err(|error| Failure::Failed(format!("ticket {ticket} cannot be read: {error}")))?;
        let feed = played.unable();
        if self.output.json {
            self.output.value(&json!({ "ticket": read, "unable": feed }));
        } else {
            self.show(&read);
            feed.iter().for_each(|why| self.output.line(&format!("\n{why}")));
        }
        if feed.is_empty() {
            Ok(())
        } else {
            Err(Failure::Failed("the desk's changes cannot be read".to_owned()))
        }
    }

    /// Walks every case that can be walked without a person at the desk.
    pub(super) async fn walk(&self) -> Result<(), Failure> {
        let (played, description, account) = self.arrive().await?;
        let can = self.built.connector.capabilities();
        let raised = self.raise(&played).await?;
        let (changes, refused) = self.fields(&played, &raised, &description, &can).await;
        let subject = self.subject(played.clone(), changes, next_status(&description, &raised));
        let mut told = Vec::new();
        let report = conformance::run_telling(&subject, &mut |name, outcome| {
            let one = judge(name, outcome, &played.unable());
            if !self.output.json {
                self.output.line(&line(&one));
            }
            told.push(one);
        })
        .await;
        drop(report);
        let missing = missing(&can, &refused);
        self.conclude(&account, &told, &missing)
    }

    /// Logs in, and takes the place in the change feed.
    async fn arrive(&self) -> Result<(Played, Description, String), Failure> {
        let like = NewTicket {
            title: String::new(),
            description: String::new(),
            status: None,
            priority: None,
            kind: None,
            fields: Default::default(),
        };
        let (built, base) = (self.built.clone(), Arc::clone(&self.base));
        let played = Played::new(built, base, Arc::clone(&self.clock), like).await;
        let identity =
            played.probe().await.map_err(|error| Failure::Failed(format!("cannot log in: {error}")))?;
        let described = played.describe().await;
        let described =
            described.map_err(|error| Failure::Failed(format!("cannot be described: {error}")))?;
        self.output.progress(&format!("logged in to {} as {}", identity.product, identity.account));
        Ok((played, described, identity.account))
    }

    /// A ticket raised by us. Where none can be raised there is nothing to walk.
    async fn raise(&self, played: &Played) -> Result<Ticket, Failure> {
        let new = NewTicket {
            title: "Throughline tries its connection".to_owned(),
            description: "This ticket and those after it may be deleted.".to_owned(),
            status: None,
            priority: None,
            kind: None,
            fields: Default::default(),
        };
        let failed = |what: &str, error: &Error| Failure::Failed(format!("{what}: {error}"));
        let made = played.apply(None, Operation::Create(new)).await;
        let id = match made.map_err(|error| failed("no ticket can be raised", &error))? {
            Made::Ticket(id) => id,
            Made::Comment(_) | Made::File(_) => {
                return Err(Failure::Failed("what was raised is no ticket".to_owned()));
            }
        };
        let read = played.fetch(&id).await;
        let read =
            read.map_err(|error| failed(&format!("ticket {id} was raised and cannot be read"), &error))?;
        self.output.progress(&format!("raised ticket {}; the suite raises more", read.key));
        Ok(read)
    }

    /// Which fields can be set, each tried by itself, and why the others cannot.
    async fn fields(
        &self,
        played: &Played,
        ticket: &Ticket,
        description: &Description,
        can: &Capabilities,
    ) -> (Changes, Vec<String>) {
        let (mut able, mut refused) = (Changes::default(), Vec::new());
        if !can.update {
            return (able, refused);
        }
        let other = |choices: &[throughline_sdk::Choice], now: &Option<String>| {
            let mut words = choices.iter().map(|choice| choice.word.clone());
            words.find(|word| now.as_ref() != Some(word))
        };
        let none = Changes::default;
        let tries = [
            ("title", Changes { title: Some("Throughline tries to change a title".to_owned()), ..none() }),
            ("description", Changes { description: Some("Changed by Throughline.".to_owned()), ..none() }),
            ("priority", Changes { priority: other(&description.priorities, &ticket.priority), ..none() }),
            ("type", Changes { kind: other(&description.kinds, &ticket.kind), ..none() }),
        ];
        for (field, changes) in tries.into_iter().filter(|(_, changes)| *changes != none()) {
            self.output.progress(&format!("trying to change the {field}"));
            match played.apply(Some(&ticket.id), Operation::Update { changes: changes.clone() }).await {
                Ok(_) => {
                    able = Changes {
                        title: able.title.or(changes.title),
                        description: able.description.or(changes.description),
                        priority: able.priority.or(changes.priority),
                        kind: able.kind.or(changes.kind),
                        fields: able.fields,
                    };
                }
                Err(error) => refused.push(format!("the {field} is not changed: {error}")),
            }
        }
        (able, refused)
    }

    fn subject(&self, played: Played, changes: Changes, next_status: String) -> Subject {
        let (built, base) = (self.built.clone(), Arc::clone(&self.base));
        let mut subject = Subject::new(built, base, Arc::clone(&self.clock), Box::new(played));
        // A real clock cannot be moved on.
        subject.transport.do_not_wait();
        subject.changes = changes;
        subject.next_status = next_status;
        subject.feed_patience = FEED_PATIENCE;
        subject.secrets.extend(self.secrets.iter().map(|secret| secret.expose_secret().to_owned()));
        subject
    }

    fn conclude(&self, account: &str, told: &[Told], missing: &[String]) -> Result<(), Failure> {
        let count = |word: &str| told.iter().filter(|one| one.word == word).count();
        let (passed, failed, open) = (count(PASSED), count(FAILED), count(OPEN));
        if self.output.json {
            let cases: Vec<Value> = told
                .iter()
                .map(|one| json!({ "case": one.name, "outcome": one.word, "why": one.why }))
                .collect();
            self.output.value(&json!({
                "account": account, "passed": passed, "failed": failed, "left_open": open,
                "cases": cases, "missing": missing,
            }));
        } else {
            if !missing.is_empty() {
                self.output.line("");
                self.output.line(&self.output.bold("What this manifest does not do:"));
                missing.iter().for_each(|one| self.output.line(&format!("  {}", printable(one))));
            }
            self.output.line("");
            self.output.line(&format!("{passed} passed, {failed} failed, {open} left open."));
        }
        match failed {
            0 => Ok(()),
            failed => Err(Failure::Failed(format!("{failed} of {} cases do not hold", told.len()))),
        }
    }

    fn show(&self, ticket: &Ticket) {
        let output = self.output;
        let row = |name: &str, value: &str| vec![name.to_owned(), value.to_owned()];
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "–".to_owned());
        let mut rows = vec![
            row("id", ticket.id.as_str()),
            row("key", &ticket.key),
            row("page", &text(&ticket.url)),
            row("title", &ticket.title),
            row("description", &ticket.description),
            row("status", &ticket.status),
            row("priority", &text(&ticket.priority)),
            row("type", &text(&ticket.kind)),
            row("requester", ticket.requester.as_ref().map_or("–", |person| &person.name)),
            row("raised", &ticket.created.to_rfc3339()),
            row("changed", &ticket.updated.to_rfc3339()),
            row("version", ticket.version.as_ref().map_or("–", |version| version.as_str())),
            row("our marker", ticket.marker.as_ref().map_or("–", |marker| marker.as_str())),
        ];
        rows.extend(ticket.fields.iter().map(|(name, value)| row(&format!("field {name}"), value)));
        rows.extend(
            ticket.references.iter().map(|link| row("link", &format!("{} {}", link.label, text(&link.url)))),
        );
        output.table(&["what", "is read as"], &rows);
        let who = |visibility: Visibility| match visibility {
            Visibility::Public => "public",
            Visibility::Internal => "internal",
            Visibility::Unknown => "UNKNOWN",
        };
        if !ticket.comments.is_empty() {
            output.line("");
            let rows = ticket.comments.iter().map(|one| {
                let visibility = who(one.visibility).to_owned();
                vec![
                    one.id.to_string(),
                    one.author.name.clone(),
                    visibility,
                    one.created.to_rfc3339(),
                    one.body.clone(),
                ]
            });
            output.table(&["comment", "author", "for", "written", "text"], &rows.collect::<Vec<_>>());
        }
        if !ticket.files.is_empty() {
            output.line("");
            let rows = ticket.files.iter().map(|one| {
                let visibility = who(one.visibility).to_owned();
                vec![
                    one.id.to_string(),
                    one.name.clone(),
                    visibility,
                    one.size.to_string(),
                    one.media_type.clone(),
                ]
            });
            output.table(&["file", "name", "for", "bytes", "media type"], &rows.collect::<Vec<_>>());
        }
    }
}

const PASSED: &str = "passed";
const FAILED: &str = "FAILED";
const OPEN: &str = "left open";
const NOT_DECLARED: &str = "not declared";

/// What is said of a case: one that failed because nobody could be played is left open.
fn judge(name: &'static str, outcome: &Outcome, unable: &[String]) -> Told {
    let open = LEFT_OPEN.iter().find(|(case, _)| *case == name).map(|(_, why)| (*why).to_owned());
    let told = |word, why: String| Told { word, name, why };
    match (outcome, open, unable) {
        (Outcome::Failed(_) | Outcome::NotDeclared | Outcome::Passed, Some(why), _) => told(OPEN, why),
        (Outcome::Passed, None, _) => told(PASSED, String::new()),
        (Outcome::Failed(_), None, [first, ..]) => told(OPEN, first.clone()),
        (Outcome::Failed(why), None, []) => told(FAILED, why.clone()),
        (Outcome::NotDeclared, None, _) => told(NOT_DECLARED, String::new()),
    }
}

fn line(one: &Told) -> String {
    let separator = if one.why.is_empty() { "" } else { ": " };
    printable(&format!("{:<14}{}{separator}{}", one.word, one.name, one.why)).into_owned()
}

/// A status that the ticket is not in, and an open one rather than a closed one.
fn next_status(description: &Description, ticket: &Ticket) -> String {
    let others = || description.statuses.iter().filter(|choice| choice.word != ticket.status);
    let next = others().find(|choice| !choice.closed).or_else(|| others().next());
    next.map(|choice| choice.word.clone()).unwrap_or_default()
}

/// What a manifest leaves out, and what that means.
fn missing(can: &Capabilities, refused: &[String]) -> Vec<String> {
    let doubtful = |class: CreateClass| class == CreateClass::C4;
    let mut missing: Vec<String> = [
        (!can.update, "[update]: no field is changed at this desk"),
        (!can.transition, "[transition]: no status is changed at this desk"),
        (!can.internal_comments, "internal comments: the values of [comments.visibility] list none"),
        (!can.edit, "[edit]: a comment that is edited elsewhere stays here as it was"),
        (!can.retract, "[retract]: a comment that is taken back elsewhere stays here"),
        (can.attach.is_none(), "[attach]: no file is written to this desk"),
        (can.link_back == Linking::None, "[link_back]: the counterpart's number is not shown at this desk"),
        (can.webhooks.is_none(), "[webhook] with webhook_secret: changes are found by polling alone"),
        (can.create.is_some_and(doubtful), "a class for [create]: after a lost answer a person has to look"),
        (
            can.comment.is_some_and(doubtful),
            "a class for [comment]: after a lost answer a person has to look",
        ),
        (can.attach.is_some_and(doubtful), "a class for [attach]: after a lost answer a person has to look"),
    ]
    .into_iter()
    .filter(|(is_missing, _)| *is_missing)
    .map(|(_, what)| what.to_owned())
    .collect();
    missing.extend(refused.iter().cloned());
    missing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_that_nobody_could_be_played_for_is_left_open() {
        let failed = Outcome::Failed("the status reads as New".to_owned());
        let unable = ["the status could not be set: the manifest has no [transition]".to_owned()];
        let told = judge("a change shows in version, time and status", &failed, &unable);
        assert_eq!((told.word, told.why.as_str()), (OPEN, unable[0].as_str()));
        assert_eq!(judge("a change shows in version, time and status", &failed, &[]).word, FAILED);
        assert_eq!(judge("an internal comment reads as internal", &Outcome::Passed, &[]).word, OPEN);
        assert_eq!(judge("probe names the account", &Outcome::Passed, &[]).word, PASSED);
    }
}
