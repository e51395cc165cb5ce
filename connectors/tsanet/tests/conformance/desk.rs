//! Collaboration requests between two members as TSANet's documentation describes them: what they are, and what the two
//! companies do with them. We are Contoso; the partner is Fabrikam.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use chrono::SubsecRound;
use serde_json::{Value, json};
use throughline_sdk::{Clock, Timestamp};

pub(crate) const TOKEN: &str = "eyJ0.an.entra-token";
pub(crate) const SECRET: &str = "a webhook's secret";
/// The number of the partner's form, which changes whenever they change the form.
pub(crate) const DOCUMENT: u64 = 31;
/// Where the domain of Contoso's engineers is registered.
pub(crate) const DOMAIN: &str = "@contoso.example";

/// How the desk departs from its best day.
#[derive(Clone, Debug)]
pub(crate) struct Mood {
    /// A note is a change of its request.
    pub(crate) notes_move: bool,
    /// How late the list shows a change.
    pub(crate) lag: Duration,
    /// What is deleted is still shown, with the time of its deletion.
    pub(crate) shows_deleted: bool,
    /// Requests are shown without their notes.
    pub(crate) apart: bool,
    /// Notes leave out whom they are for.
    pub(crate) silent: bool,
    /// Whatever a note is meant to be, it becomes one for the partner.
    pub(crate) closed_mouth: bool,
    /// Notes come back as they were written instead of as HTML.
    pub(crate) raw: bool,
    /// A new request is answered without its token.
    pub(crate) tokenless: bool,
    /// Answers to requests are taken and not carried out.
    pub(crate) ignores: bool,
    /// Answers do not tell the time.
    pub(crate) timeless: bool,
    /// There is no such partner.
    pub(crate) partnerless: bool,
}

/// TSANet Connect. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) clock: Arc<dyn Clock>,
    state: Arc<Mutex<State>>,
}

pub(crate) struct State {
    pub(crate) cases: Vec<Case>,
    pub(crate) mood: Mood,
    next: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) id: u64,
    pub(crate) token: String,
    /// Contoso submitted it.
    pub(crate) ours: bool,
    pub(crate) summary: String,
    pub(crate) description: String,
    pub(crate) priority: String,
    pub(crate) status: String,
    pub(crate) submitter_number: String,
    pub(crate) receiver_number: Option<String>,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) test: bool,
    pub(crate) deleted: Option<Timestamp>,
    pub(crate) notes: Vec<Note>,
    pub(crate) responses: Vec<Value>,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    /// What lists came to show, and when that was so.
    shown: Vec<(Timestamp, Value)>,
}

#[derive(Clone, Debug)]
pub(crate) struct Note {
    pub(crate) id: u64,
    pub(crate) company: String,
    pub(crate) summary: String,
    pub(crate) description: Option<String>,
    pub(crate) audience: String,
    pub(crate) created: Timestamp,
}

impl Desk {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let mood = Mood {
            notes_move: true,
            lag: Duration::from_secs(90),
            shows_deleted: false,
            apart: false,
            silent: false,
            closed_mouth: false,
            raw: false,
            tokenless: false,
            ignores: false,
            timeless: false,
            partnerless: false,
        };
        Self { clock, state: Arc::new(Mutex::new(State { cases: Vec::new(), mood, next: 1 })) }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn mood(&self, change: impl FnOnce(&mut Mood)) {
        change(&mut self.state().mood);
    }

    /// TSANet keeps nanoseconds.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now().trunc_subsecs(9)
    }

    /// Submits a request; answers its token.
    pub(crate) fn submit(&self, ours: bool, summary: &str, description: &str, number: &str) -> String {
        let now = self.now();
        let mut state = self.state();
        let id = state.take_number();
        let token = format!("9f{id:06x}-4c5d-4e6f-8a9b-0c1d2e3f4a5b");
        state.cases.push(Case {
            id,
            token: token.clone(),
            ours,
            summary: summary.to_owned(),
            description: description.to_owned(),
            priority: "MEDIUM".to_owned(),
            status: "OPEN".to_owned(),
            submitter_number: number.to_owned(),
            receiver_number: None,
            fields: Vec::new(),
            test: false,
            deleted: None,
            notes: Vec::new(),
            responses: Vec::new(),
            created: now,
            updated: now,
            shown: Vec::new(),
        });
        state.show(&token, now);
        token
    }

    /// Changes a request.
    pub(crate) fn change(&self, token: &str, change: impl FnOnce(&mut Case)) {
        let now = self.now();
        let mut state = self.state();
        let case = state.case(token).unwrap();
        change(case);
        case.updated = now;
        state.show(token, now);
    }

    pub(crate) fn note(
        &self,
        token: &str,
        company: &str,
        summary: &str,
        description: Option<&str>,
        audience: &str,
    ) -> u64 {
        let now = self.now();
        let mut state = self.state();
        let (id, moves) = (state.take_number() + 7000, state.mood.notes_move);
        let case = state.case(token).unwrap();
        case.notes.push(Note {
            id,
            company: company.to_owned(),
            summary: summary.to_owned(),
            description: description.map(str::to_owned),
            audience: audience.to_owned(),
            created: now,
        });
        if moves {
            case.updated = now;
        }
        state.show(token, now);
        id
    }

    /// Answers a request, and so brings it to a status.
    pub(crate) fn respond(&self, token: &str, kind: &str, status: &str, engineer: &Value, said: &str) {
        let now = self.now();
        let id = self.state().take_number() + 500;
        self.change(token, |case| {
            case.status = status.to_owned();
            case.responses.push(json!({
                "id": id,
                "type": kind,
                "caseNumber": engineer["caseNumber"],
                "engineerName": engineer["engineerName"],
                "engineerEmail": engineer["engineerEmail"],
                "nextSteps": said,
                "createdAt": now,
            }));
        });
    }
}

impl State {
    pub(crate) fn take_number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    pub(crate) fn case(&mut self, token: &str) -> Option<&mut Case> {
        self.cases.iter_mut().find(|case| case.token == token)
    }

    /// A request as it is read.
    pub(crate) fn json(&self, case: &Case) -> Value {
        let (us, them) = ("Contoso", "Fabrikam");
        let (submitter, receiver) = if case.ours { (us, them) } else { (them, us) };
        let contact = if case.ours {
            json!({"name": "Support Contoso", "email": "support@contoso.example", "phone": null})
        } else {
            json!({"name": "Ada Lovelace", "email": "ada@fabrikam.example", "phone": "+1 555 0123"})
        };
        let fields = case.fields.iter().enumerate().map(|(at, (name, value))| {
            json!({"id": at, "section": "PROBLEM_SECTION", "fieldName": name, "value": value, "displayOrder": at,
                   "type": "STRING"})
        });
        let mut json = json!({
            "id": case.id,
            "submitCompanyName": submitter,
            "submitCompanyId": 1,
            "submitterCaseNumber": case.submitter_number,
            "receiveCompanyName": receiver,
            "receiveCompanyId": 2,
            "receiverCaseNumber": case.receiver_number,
            "summary": case.summary,
            "description": case.description,
            "direction": if case.ours { "OUTBOUND" } else { "INBOUND" },
            "priority": case.priority,
            "status": case.status,
            "token": case.token,
            "createdAt": case.created,
            "updatedAt": case.updated,
            "deletedAt": case.deleted,
            "responded": case.status != "OPEN",
            "respondBy": case.created + Duration::from_secs(3600),
            "priorityNote": "",
            "escalationInstructions": "<p>Call <b>1</b></p>",
            "testCase": case.test,
            "customFields": fields.collect::<Vec<_>>(),
            "submitterContactDetails": contact,
            "caseResponses": case.responses,
        });
        if !self.mood.apart {
            json["caseNotes"] = case.notes.iter().map(|note| self.note(case, note)).collect();
        }
        json
    }

    /// A note as it is read.
    pub(crate) fn note(&self, case: &Case, note: &Note) -> Value {
        let shown = |text: &str| if self.mood.raw { text.to_owned() } else { html(text) };
        let mut json = json!({
            "id": note.id,
            "caseId": case.id,
            "companyName": note.company,
            "creatorUsername": "sync",
            "creatorEmail": "sync@tsanet.example",
            "creatorName": "Synchronisation",
            "summary": shown(&note.summary),
            "description": note.description.as_deref().map(shown),
            "priority": "MEDIUM",
            "status": "ENTERED",
            "token": format!("note-{}", note.id),
            "createdAt": note.created,
            "updatedAt": note.created,
        });
        if !self.mood.silent {
            json["type"] = note.audience.as_str().into();
        }
        json
    }

    /// What a list shows of each request by now.
    pub(crate) fn listed(&self, now: Timestamp) -> Vec<Value> {
        let late = self.mood.lag;
        self.cases
            .iter()
            .filter_map(|case| case.shown.iter().rev().find(|(since, _)| *since + late <= now))
            .map(|(_, json)| json.clone())
            .collect()
    }

    fn show(&mut self, token: &str, now: Timestamp) {
        let case = self.case(token).unwrap().clone();
        let json = self.json(&case);
        self.case(token).unwrap().shown.push((now, json));
    }
}

fn html(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    let paragraphs = escaped.split("\n\n").map(|one| format!("<p>{}</p>", one.replace('\n', "<br/>")));
    paragraphs.collect()
}
