//! What an operator writes to connect a desk that speaks TMF621.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use throughline_sdk::http::Authentication;
use throughline_sdk::{Built, Error, ErrorKind, Result, Setting, SettingKind, Settings};
use url::Url;

use crate::Tmf621;

const NOTE_WRITES: &[&str] = &["json-patch", "whole", "append"];
const PATCHES: &[&str] = &["json", "merge-patch"];
const MARKERS: &[&str] = &["text", "id"];
const LINKS: &[&str] = &["none", "related-entity", "external-identifier"];
const TEXTS: &[&str] = &["plain", "markdown"];
const LISTS: &[&str] = &["filter", "list"];

/// The settings, for parser, schema and example.
pub const SETTINGS: &[Setting] = &[
    setting(
        "url",
        SettingKind::Address,
        true,
        "Where the interface is, up to and with its version.",
        "\"https://desk.example.org/tmf-api/troubleTicket/v5\"",
    ),
    setting(
        "version",
        SettingKind::Count,
        true,
        "Which of the standard's versions is spoken there: 4 (v4.0.0) or 5 (v5.0.1).",
        "5",
    ),
    setting(
        "token",
        SettingKind::Secret,
        false,
        "A fixed bearer token. One of token, user with password, or client_id with client_secret.",
        "{ env = \"TMF621_TOKEN\" }",
    ),
    setting(
        "user",
        SettingKind::Text,
        false,
        "The account for HTTP Basic authentication.",
        "\"throughline\"",
    ),
    setting("password", SettingKind::Secret, false, "The password of user.", "{ env = \"TMF621_PASSWORD\" }"),
    setting(
        "token_url",
        SettingKind::Address,
        false,
        "The token endpoint for OAuth 2.0 client credentials.",
        "\"https://login.example.org/oauth2/token\"",
    ),
    setting("client_id", SettingKind::Text, false, "The client's id at token_url.", "\"throughline\""),
    setting(
        "client_secret",
        SettingKind::Secret,
        false,
        "The client's secret at token_url.",
        "{ env = \"TMF621_CLIENT_SECRET\" }",
    ),
    setting(
        "scopes",
        SettingKind::TextList,
        false,
        "The scopes asked for at token_url. Without it: none.",
        "[\"tickets\"]",
    ),
    setting(
        "author",
        SettingKind::Text,
        false,
        "Who our notes are said to be by. Without it: Throughline. The text itself names its author.",
        "\"Contoso helpdesk\"",
    ),
    setting(
        "ticket_type",
        SettingKind::Text,
        false,
        "The ticketType of a new ticket where no agreement names one; the standard asks for one. Without it: Incident.",
        "\"Incident\"",
    ),
    setting(
        "ticket_types",
        SettingKind::TextList,
        false,
        "Further ticketTypes of that desk, for checks: the standard has no list of them.",
        "[\"Service request\"]",
    ),
    setting(
        "severity",
        SettingKind::Text,
        false,
        "The severity of a new ticket, which the standard asks for. Without it: Minor. It is the field severity as well.",
        "\"Minor\"",
    ),
    setting(
        "priorities",
        SettingKind::TextList,
        false,
        "The desk's priorities, lowest first: the standard has no list of them. Without it: Low, Medium, High, Critical.",
        "[\"Low\", \"Medium\", \"High\", \"Critical\"]",
    ),
    setting(
        "party",
        SettingKind::Text,
        false,
        "The id under which that desk knows our organization: a new ticket names it as a related party. Without it no party is named.",
        "\"9866\"",
    ),
    setting(
        "party_role",
        SettingKind::Text,
        false,
        "The role of party. Without it: customer.",
        "\"customer\"",
    ),
    setting(
        "text",
        SettingKind::Word(TEXTS),
        false,
        "What descriptions and notes are taken for there: plain, or markdown, for another Throughline and desks that \
         show it. The standard has no form for them. Without it: plain.",
        "\"markdown\"",
    ),
    setting(
        "page",
        SettingKind::Count,
        false,
        "How many rows of a list are asked for at once; no more than the desk gives if it does not tell \
         X-Total-Count. Without it: 100.",
        "100",
    ),
    setting(
        "note_writes",
        SettingKind::Word(NOTE_WRITES),
        false,
        "How a note or attachment is added: json-patch adds one; whole sends all there are and one more (RFC 7386); append sends one, for desks that add it. Wrong is worse than slow: whole doubles notes on a desk that appends, append removes them on one that does not. Without it: json-patch for version 5, whole for 4.",
        "\"json-patch\"",
    ),
    setting(
        "patch",
        SettingKind::Word(PATCHES),
        false,
        "The media type of a change: application/json or application/merge-patch+json. Without it: merge-patch for version 5, json for 4.",
        "\"merge-patch\"",
    ),
    setting(
        "marker",
        SettingKind::Word(MARKERS),
        false,
        "Where a note or file bears our marker: as a last line of its text, or as its id, for desks that keep an id they are given (Throughline's own face does). Without it: text.",
        "\"id\"",
    ),
    setting(
        "conditional",
        SettingKind::Flag,
        false,
        "Whether the desk has entity tags and heeds If-Match (Throughline's own face does). Without it a ticket is read before each change, and what happens in between is overwritten.",
        "true",
    ),
    setting(
        "fields",
        SettingKind::Flag,
        false,
        "Whether lists are asked for with fields=…. Without it: yes. Say false where a desk answers that with an error.",
        "true",
    ),
    setting(
        "changes",
        SettingKind::Word(LISTS),
        false,
        "How changes are found: by the filter lastUpdate.gt, or by listing everything, for desks that have no such filter. Without it: filter.",
        "\"filter\"",
    ),
    setting(
        "lag",
        SettingKind::Duration,
        false,
        "How far the clocks of that desk's machines may be apart, and its list behind its writes. Without it: 30 seconds.",
        "\"30s\"",
    ),
    setting(
        "later",
        SettingKind::Duration,
        false,
        "How long the desk may take for a write that it answers with 202. Without it: it answers when it is done. With \
         it, a write whose answer was lost is looked for that much longer before it is sent again.",
        "\"60s\"",
    ),
    setting(
        "internal_note_type",
        SettingKind::Text,
        false,
        "The @type of notes that only that desk's own people may read. The standard has none: without it every note is public, having been put on a shared ticket.",
        "\"InternalNote\"",
    ),
    setting(
        "link_back",
        SettingKind::Word(LINKS),
        false,
        "Where our ticket's number is shown: nowhere, as a related entity (whose name also tells how our ticket stands), or as an external identifier (version 5). Without it: external-identifier for version 5, none for 4.",
        "\"external-identifier\"",
    ),
    setting(
        "files",
        SettingKind::Flag,
        false,
        "Whether files are read and attached. Without it: yes.",
        "true",
    ),
    setting(
        "max_file_bytes",
        SettingKind::Count,
        false,
        "The largest file, in bytes; it travels as base 64 inside JSON. Without it: 5242880.",
        "5242880",
    ),
    setting(
        "webhook_token",
        SettingKind::Secret,
        false,
        "The token that the desk's events bear in the query parameter token of our address. Without it events are refused and changes are found by polling.",
        "{ env = \"TMF621_WEBHOOK_TOKEN\" }",
    ),
    setting(
        "callback",
        SettingKind::Text,
        false,
        "Our address as that desk reaches it. With it and webhook_token, events are asked for at the desk's hub.",
        "\"https://bridge.example.org/webhooks/partner\"",
    ),
];

const fn setting(
    key: &'static str,
    kind: SettingKind,
    required: bool,
    doc: &'static str,
    example: &'static str,
) -> Setting {
    Setting { key, kind, required, doc, example }
}

/// Which of the standard's versions is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edition {
    V4,
    V5,
}

/// How one more note or attachment is added to those that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoteWrites {
    JsonPatch,
    Whole,
    Append,
}

/// Where a note or attachment bears the marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MarkerPlace {
    Text,
    Id,
}

/// Where the counterpart's number is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinkBack {
    Nowhere,
    RelatedEntity,
    ExternalIdentifier,
}

/// Our organization as the desk knows it.
#[derive(Clone, Debug)]
pub(crate) struct Party {
    pub(crate) id: String,
    pub(crate) role: String,
}

/// Where events are asked to be sent, and the token they bear.
#[derive(Clone, Debug)]
pub(crate) struct Callback {
    pub(crate) url: Url,
    pub(crate) token: SecretString,
}

/// The checked settings.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) kind: &'static str,
    pub(crate) url: Url,
    pub(crate) edition: Edition,
    pub(crate) author: String,
    pub(crate) ticket_type: String,
    pub(crate) ticket_types: Vec<String>,
    pub(crate) severity: String,
    pub(crate) priorities: Vec<String>,
    pub(crate) party: Option<Party>,
    pub(crate) note_writes: NoteWrites,
    pub(crate) merge_patch: bool,
    pub(crate) marker: MarkerPlace,
    pub(crate) conditional: bool,
    pub(crate) markdown: bool,
    pub(crate) page: usize,
    pub(crate) narrow: bool,
    pub(crate) filters: bool,
    pub(crate) lag: Duration,
    pub(crate) later: Option<Duration>,
    pub(crate) internal_note_type: Option<String>,
    pub(crate) link_back: LinkBack,
    pub(crate) files: bool,
    pub(crate) max_file_bytes: u64,
    pub(crate) webhook_token: Option<SecretString>,
    pub(crate) callback: Option<Callback>,
}

/// What is taken where a setting does not say otherwise.
pub(crate) const MAX_FILE_BYTES: u64 = 5 * 1024 * 1024;
pub(crate) const PAGE: usize = 100;
const LAG: Duration = Duration::from_secs(30);

/// Builds the connector and says how its requests are authenticated.
///
/// # Errors
///
/// [`ErrorKind::Misconfigured`] naming the setting that is missing or wrong.
pub fn build(settings: &Settings) -> Result<Built> {
    let config = Config::read(settings)?;
    let authentication = authentication(settings)?;
    let address = config.url.clone();
    Ok(Built { connector: Arc::new(Tmf621::new(config)), authentication, address, further: Vec::new() })
}

impl Config {
    fn read(settings: &Settings) -> Result<Self> {
        let edition = match settings.count("version") {
            Some(4) => Edition::V4,
            Some(5) => Edition::V5,
            Some(_) => return Err(misconfigured("the setting version has to be 4 or 5")),
            None => return Err(misconfigured("the setting version is missing")),
        };
        let newer = edition == Edition::V5;
        let note_writes = match settings.text("note_writes") {
            Some("json-patch") if !newer => {
                return Err(misconfigured(
                    "the setting note_writes cannot be json-patch for version 4, which has none",
                ));
            }
            Some("json-patch") => NoteWrites::JsonPatch,
            Some("whole") => NoteWrites::Whole,
            Some("append") => NoteWrites::Append,
            Some(_) | None if newer => NoteWrites::JsonPatch,
            Some(_) | None => NoteWrites::Whole,
        };
        let link_back = match settings.text("link_back") {
            Some("related-entity") => LinkBack::RelatedEntity,
            Some("external-identifier") if newer => LinkBack::ExternalIdentifier,
            Some("external-identifier") => {
                let why =
                    "the setting link_back cannot be external-identifier for version 4, which has one only";
                return Err(misconfigured(why));
            }
            None if newer => LinkBack::ExternalIdentifier,
            Some(_) | None => LinkBack::Nowhere,
        };
        let internal_note_type = settings.trimmed("internal_note_type");
        if internal_note_type.is_some() && note_writes == NoteWrites::Whole {
            let why = "the setting internal_note_type needs note_writes json-patch or append: whole would carry what \
                       the desk's own people say to one another";
            return Err(misconfigured(why));
        }
        let priorities = settings.texts("priorities");
        let webhook_token = settings.secret("webhook_token");
        let callback = match (settings.trimmed("callback"), &webhook_token) {
            (None, _) => None,
            (Some(_), None) => {
                return Err(misconfigured(
                    "the setting callback needs webhook_token, or its events would be refused",
                ));
            }
            (Some(address), Some(token)) => {
                let url = Url::parse(&address).map_err(|error| {
                    misconfigured(&format!("the setting callback is no address: {error}"))
                })?;
                Some(Callback { url, token: token.clone() })
            }
        };
        let flag = |key: &str| settings.values.get(key).and_then(serde_json::Value::as_bool);
        Ok(Self {
            kind: "tmf621",
            url: settings.base("url")?,
            edition,
            author: settings.trimmed("author").unwrap_or_else(|| "Throughline".to_owned()),
            ticket_type: settings.trimmed("ticket_type").unwrap_or_else(|| "Incident".to_owned()),
            ticket_types: settings.texts("ticket_types"),
            severity: settings.trimmed("severity").unwrap_or_else(|| "Minor".to_owned()),
            priorities: if priorities.is_empty() { usual_priorities() } else { priorities },
            party: settings.trimmed("party").map(|id| Party {
                id,
                role: settings.trimmed("party_role").unwrap_or_else(|| "customer".to_owned()),
            }),
            note_writes,
            merge_patch: settings.text("patch").map_or(newer, |word| word == "merge-patch"),
            marker: if settings.text("marker") == Some("id") { MarkerPlace::Id } else { MarkerPlace::Text },
            conditional: settings.flag("conditional"),
            markdown: settings.text("text") == Some("markdown"),
            page: settings.count("page").and_then(|page| usize::try_from(page).ok()).unwrap_or(PAGE).max(2),
            narrow: flag("fields").unwrap_or(true),
            filters: settings.text("changes") != Some("list"),
            lag: settings.count("lag").map_or(LAG, Duration::from_secs),
            later: settings.count("later").map(Duration::from_secs),
            internal_note_type,
            link_back,
            files: flag("files").unwrap_or(true),
            max_file_bytes: settings.count("max_file_bytes").unwrap_or(MAX_FILE_BYTES),
            webhook_token,
            callback,
        })
    }
}

fn authentication(settings: &Settings) -> Result<Authentication> {
    let (token, user, client) =
        (settings.secret("token"), settings.trimmed("user"), settings.trimmed("client_id"));
    match (token, user, client) {
        (Some(token), None, None) => Ok(Authentication::Bearer(token)),
        (None, Some(user), None) => {
            Ok(Authentication::Basic { user, password: settings.required_secret("password")? })
        }
        (None, None, Some(client_id)) => Ok(Authentication::ClientCredentials {
            token_url: settings.address("token_url")?,
            client_id,
            client_secret: settings.required_secret("client_secret")?,
            scopes: settings.texts("scopes"),
        }),
        (None, None, None) => Ok(Authentication::None),
        (Some(_) | None, _, _) => Err(misconfigured(
            "the setting token excludes user and client_id, and those each other: keep one",
        )),
    }
}

pub(crate) fn usual_priorities() -> Vec<String> {
    crate::PRIORITIES.iter().map(|(word, _)| (*word).to_owned()).collect()
}

pub(crate) fn misconfigured(message: &str) -> Error {
    Error::new(ErrorKind::Misconfigured, message)
}
