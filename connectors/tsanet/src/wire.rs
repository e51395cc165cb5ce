//! TSANet Connect's JSON. What is written and what is read are two models with different names for the same things.
//!
//! <https://developer.tsanet.org/docs/tsanet-2026-001-canonical-case-model.html>

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use throughline_sdk::Timestamp;

/// A collaboration request as it is read. What is not there is not guessed.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Case {
    pub(crate) id: u64,
    pub(crate) token: Option<String>,
    pub(crate) submit_company_name: Option<String>,
    pub(crate) submitter_case_number: Option<String>,
    pub(crate) receive_company_name: Option<String>,
    pub(crate) receiver_case_number: Option<String>,
    pub(crate) summary: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) direction: Option<String>,
    pub(crate) priority: Option<String>,
    pub(crate) status: String,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Option<Timestamp>,
    pub(crate) deleted_at: Option<Timestamp>,
    pub(crate) respond_by: Option<Timestamp>,
    pub(crate) escalation_instructions: Option<String>,
    pub(crate) custom_fields: Option<Vec<CustomField>>,
    pub(crate) submitter_contact_details: Option<Contact>,
    pub(crate) case_notes: Option<Vec<Note>>,
    pub(crate) case_responses: Option<Vec<CaseResponse>>,
}

impl Case {
    /// The latest moment that anything in it bears.
    pub(crate) fn touched(&self) -> Timestamp {
        let notes = self.case_notes.iter().flatten().map(Note::touched);
        let responses = self.case_responses.iter().flatten().filter_map(|response| response.created_at);
        notes.chain(responses).chain(self.updated_at).fold(self.created_at, Timestamp::max)
    }
}

/// A field of the receiver's form, as the submitter filled it in.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CustomField {
    pub(crate) field_name: Option<String>,
    pub(crate) value: Option<String>,
}

/// Somebody to ask.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Contact {
    pub(crate) name: Option<String>,
    pub(crate) email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) phone: Option<String>,
}

/// A note, in HTML.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Note {
    pub(crate) id: u64,
    pub(crate) company_name: Option<String>,
    pub(crate) creator_username: Option<String>,
    pub(crate) creator_name: Option<String>,
    pub(crate) summary: Option<String>,
    pub(crate) description: Option<String>,
    #[serde(rename = "type")]
    pub(crate) audience: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Option<Timestamp>,
}

impl Note {
    fn touched(&self) -> Timestamp {
        self.updated_at.unwrap_or(self.created_at).max(self.created_at)
    }
}

/// What the receiver answered to a request, or the submitter to a question.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CaseResponse {
    pub(crate) id: u64,
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    pub(crate) engineer_name: Option<String>,
    pub(crate) engineer_email: Option<String>,
    pub(crate) next_steps: Option<String>,
    pub(crate) created_at: Option<Timestamp>,
}

/// Who we are.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Me {
    pub(crate) company: Option<Company>,
    pub(crate) user: Option<User>,
}

/// A member.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Company {
    pub(crate) name: Option<String>,
}

/// An account.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct User {
    pub(crate) username: Option<String>,
}

/// What the receiver of a new request wants to know.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Form {
    pub(crate) document_id: u64,
    #[serde(default)]
    pub(crate) custom_fields: Vec<FormField>,
}

/// One field of a form. It goes back as it came, filled in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct FormField(pub(crate) Map<String, Value>);

/// A new request.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewCase {
    pub(crate) document_id: u64,
    pub(crate) internal_case_number: String,
    pub(crate) problem_summary: String,
    pub(crate) problem_description: String,
    pub(crate) priority: String,
    pub(crate) submitter_contact_details: Contact,
    pub(crate) custom_fields: Vec<FormField>,
    /// Required, and nothing that we would say there.
    pub(crate) internal_notes: [(); 0],
    pub(crate) test_submission: bool,
}

/// A new note.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NewNote {
    pub(crate) summary: String,
    pub(crate) description: String,
    #[serde(rename = "type")]
    pub(crate) audience: &'static str,
}

/// Who answers for us.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Engineer {
    pub(crate) engineer_name: String,
    pub(crate) engineer_email: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) engineer_phone: Option<String>,
}

/// An answer to a request, as the endpoint it goes to wants it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    #[serde(flatten)]
    pub(crate) engineer: Option<Engineer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) case_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_steps: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) requested_information: Option<String>,
}

/// The submitter's own number of a case.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OwnNumber {
    pub(crate) internal_case_number: String,
    pub(crate) submitter_contact_details: Contact,
}

/// A refusal: RFC 7807, or the older kind with a message alone.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Refusal {
    pub(crate) title: Option<String>,
    pub(crate) detail: Option<String>,
    pub(crate) message: Option<String>,
}

/// What a webhook tells: the older flat one, or the data of a `CloudEvent`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Event {
    pub(crate) request_token: Option<String>,
    pub(crate) data: Option<EventData>,
}

/// See [`Event`].
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EventData {
    pub(crate) request_token: Option<String>,
}
