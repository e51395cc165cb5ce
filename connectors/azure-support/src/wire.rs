//! The JSON of Microsoft.Support, as far as it is read or written here, and nothing else.
//!
//! Words of closed lists are texts: the lists are extensible, and their upper and lower case differs between the
//! documentation and the service.

use serde::{Deserialize, Serialize};
use throughline_sdk::Timestamp;

/// A resource of the Azure Resource Manager.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Resource<P> {
    #[serde(default)]
    pub(crate) id: Option<String>,
    pub(crate) name: String,
    pub(crate) properties: P,
}

/// One page of a list.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Page<T> {
    pub(crate) value: Vec<T>,
    #[serde(default, rename = "nextLink")]
    pub(crate) next_link: Option<String>,
}

pub(crate) type Ticket = Resource<TicketProperties>;
pub(crate) type Communication = Resource<CommunicationProperties>;
pub(crate) type Transcript = Resource<TranscriptProperties>;
pub(crate) type FileEntry = Resource<FileProperties>;
pub(crate) type Problem = Resource<ProblemProperties>;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct TicketProperties {
    pub(crate) support_ticket_id: Option<String>,
    pub(crate) title: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) severity: Option<String>,
    pub(crate) problem_classification_id: Option<String>,
    pub(crate) problem_classification_display_name: Option<String>,
    pub(crate) service_id: Option<String>,
    pub(crate) service_display_name: Option<String>,
    pub(crate) created_date: Option<Timestamp>,
    pub(crate) modified_date: Option<Timestamp>,
    pub(crate) problem_start_time: Option<Timestamp>,
    pub(crate) contact_details: Option<ContactRead>,
    pub(crate) support_engineer: Option<Engineer>,
    pub(crate) support_plan_display_name: Option<String>,
    pub(crate) service_level_agreement: Option<Agreement>,
    pub(crate) technical_ticket_details: Option<Technical>,
    pub(crate) is_temporary_ticket: Option<String>,
    pub(crate) chat_conversation_status: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ContactRead {
    pub(crate) first_name: Option<String>,
    pub(crate) last_name: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Engineer {
    pub(crate) email_address: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Agreement {
    pub(crate) expiration_time: Option<Timestamp>,
}

/// About which resource of the subscription a technical ticket is.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Technical {
    pub(crate) resource_id: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct CommunicationProperties {
    pub(crate) sender: Option<String>,
    pub(crate) subject: Option<String>,
    pub(crate) body: Option<String>,
    pub(crate) created_date: Option<Timestamp>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct TranscriptProperties {
    pub(crate) messages: Option<Vec<Message>>,
    pub(crate) start_time: Option<Timestamp>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Message {
    pub(crate) sender: Option<String>,
    pub(crate) body: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) created_date: Option<Timestamp>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct FileProperties {
    pub(crate) chunk_size: u64,
    pub(crate) file_size: u64,
    pub(crate) number_of_chunks: u64,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ProblemProperties {
    pub(crate) secondary_consent_enabled: Option<Vec<ConsentAsked>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ConsentAsked {
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
}

/// Body of a write: everything stands under `properties`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Body<P> {
    pub(crate) properties: P,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewTicket<'a> {
    pub(crate) title: &'a str,
    pub(crate) description: &'a str,
    pub(crate) severity: &'a str,
    pub(crate) service_id: String,
    pub(crate) problem_classification_id: String,
    pub(crate) contact_details: ContactWrite<'a>,
    pub(crate) advanced_diagnostic_consent: &'static str,
    #[serde(rename = "require24X7Response")]
    pub(crate) require_24x7_response: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) problem_start_time: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) support_plan_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) technical_ticket_details: Option<Technical>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) secondary_consent: Vec<Consent>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ContactWrite<'a> {
    pub(crate) first_name: &'a str,
    pub(crate) last_name: &'a str,
    pub(crate) preferred_contact_method: &'a str,
    pub(crate) primary_email_address: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub(crate) additional_email_addresses: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) phone_number: Option<&'a str>,
    pub(crate) preferred_time_zone: &'a str,
    pub(crate) country: &'a str,
    pub(crate) preferred_support_language: &'a str,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Consent {
    pub(crate) user_consent: &'static str,
    #[serde(rename = "type")]
    pub(crate) kind: String,
}

/// What may be changed of a ticket; this body has no `properties` around it.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct TicketUpdate<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) severity: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<&'a str>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct NewCommunication<'a> {
    pub(crate) subject: &'a str,
    pub(crate) body: &'a str,
    pub(crate) sender: &'a str,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Chunk {
    pub(crate) content: String,
    pub(crate) chunk_index: u64,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct NameToCheck<'a> {
    pub(crate) name: &'a str,
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NameChecked {
    pub(crate) name_available: bool,
    /// `AlreadyExists`, or `Invalid` for a name that nothing can have.
    #[serde(default)]
    pub(crate) reason: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Issue<'a> {
    pub(crate) issue_summary: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) resource_id: Option<&'a str>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ServicesClassified {
    #[serde(default)]
    pub(crate) service_classification_results: Vec<ServiceClassified>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ServiceClassified {
    pub(crate) service_id: Option<String>,
    pub(crate) child_service: Option<Box<ServiceClassified>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProblemsClassified {
    #[serde(default)]
    pub(crate) problem_classification_results: Vec<ProblemClassified>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ProblemClassified {
    pub(crate) problem_classification_id: Option<String>,
}

/// How a running operation stands.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct OperationStatus {
    pub(crate) status: String,
    #[serde(default)]
    pub(crate) error: Option<Fault>,
}

/// The body of a refusal. The Resource Manager writes `error`, Microsoft.Support behind it also `Error`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Refusal {
    #[serde(alias = "Error")]
    pub(crate) error: Fault,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Fault {
    #[serde(alias = "Code")]
    pub(crate) code: Option<String>,
    #[serde(alias = "Message")]
    pub(crate) message: Option<String>,
}
