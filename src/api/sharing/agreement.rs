//! A sharing agreement: what it says, and who may do what to it. Pure.

use std::fmt;

use ring::hmac;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use throughline_sdk::Entropy;
use url::Url;

use super::refusal::Refusal;
use crate::registry::Sharing;

/// The lengths of a key: whoever guesses it is the partner.
const KEY: std::ops::RangeInclusive<usize> = 16..=128;
const LONGEST_NAME: usize = 200;

/// How an agreement stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    Pending,
    Accepted,
    Declined,
    Inactive,
}

/// One of its two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Side {
    Sender,
    Receiver,
}

/// An agreement to share tickets, one way: from its sender to its receiver. Both work on what is shared.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Agreement {
    pub(super) uuid: String,
    key: String,
    pub(super) name: String,
    /// Whether we are its sender.
    pub(super) sent: bool,
    pub(super) status: Status,
    /// It was accepted once: whoever deactivated it may take it up again.
    #[serde(default)]
    agreed: bool,
    #[serde(default)]
    deactivated_by: Option<Side>,
    /// The partner took our invitation.
    #[serde(default)]
    told: bool,
    #[serde(default)]
    sync_tags: bool,
    #[serde(default)]
    sync_custom_fields: bool,
    #[serde(default)]
    allows_public_comments: bool,
}

impl fmt::Debug for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (uuid, status) = (&self.uuid, self.status);
        f.debug_struct("Agreement").field("uuid", uuid).field("status", &status).finish_non_exhaustive()
    }
}

impl Agreement {
    /// The partner's invitation.
    ///
    /// # Errors
    ///
    /// 422 for one that is not between the partner and us, or is none.
    pub(super) fn invited(uuid: &str, body: &Map<String, Value>, sharing: &Sharing) -> Result<Self, Refusal> {
        named(uuid, body)?;
        between(body, &sharing.partner, &sharing.here)?;
        if text(body, "status") != Some("pending") {
            return Err(Refusal::unprocessable("a new agreement is pending"));
        }
        let key = text(body, "access_key").filter(|key| is_key(key));
        let key = key.ok_or_else(|| {
            Refusal::unprocessable("access_key has to be 16 to 128 letters, digits, dashes and underscores")
        })?;
        Ok(Self {
            uuid: uuid.to_owned(),
            key: key.to_owned(),
            name: name(body).unwrap_or_default(),
            sent: false,
            status: Status::Pending,
            agreed: false,
            deactivated_by: None,
            told: true,
            sync_tags: flag(body, "sync_tags").unwrap_or(false),
            sync_custom_fields: flag(body, "sync_custom_fields").unwrap_or(false),
            // Where an early implementation does not know of it, every comment is public.
            allows_public_comments: flag(body, "allows_public_comments").unwrap_or(true),
        })
    }

    /// An invitation of ours.
    pub(super) fn drawn_up(body: &Map<String, Value>, entropy: &dyn Entropy) -> Self {
        let [uuid, key] = [random(entropy), random(entropy)];
        Self {
            uuid,
            key,
            name: name(body).unwrap_or_default(),
            sent: true,
            status: Status::Pending,
            agreed: false,
            deactivated_by: None,
            told: false,
            sync_tags: flag(body, "sync_tags").unwrap_or(false),
            sync_custom_fields: flag(body, "sync_custom_fields").unwrap_or(false),
            allows_public_comments: flag(body, "allows_public_comments").unwrap_or(false),
        }
    }

    /// Whether a request bears its key. Compared through a keyed hash, in a time that tells nothing of it.
    pub(super) fn opens_to(&self, key: &str) -> bool {
        let hash = hmac::Key::new(hmac::HMAC_SHA256, b"networked help desk key");
        let expected = hmac::sign(&hash, self.key.as_bytes());
        hmac::verify(&hash, key.as_bytes(), expected.as_ref()).is_ok()
    }

    /// What requests under it bear.
    pub(super) fn token(&self) -> SecretString {
        format!("{}:{}", self.uuid, self.key).into()
    }

    /// The key, to sign addresses with, and to take out of what the partner quotes.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    fn partner(&self) -> Side {
        if self.sent { Side::Receiver } else { Side::Sender }
    }

    /// The agreement after a change of the partner's.
    ///
    /// # Errors
    ///
    /// 422 for what is not the partner's to change.
    pub(super) fn amended(&self, body: &Map<String, Value>, sharing: &Sharing) -> Result<Self, Refusal> {
        named(&self.uuid, body)?;
        let (sender, receiver) = match self.sent {
            true => (&sharing.here, &sharing.partner),
            false => (&sharing.partner, &sharing.here),
        };
        if body.get("sender_url").is_some_and(|url| !url.is_null())
            || body.get("receiver_url").is_some_and(|url| !url.is_null())
        {
            between_any(body, sender, receiver)?;
        }
        let mut after = self.clone();
        if let Some(name) = name(body) {
            after.name = name;
        }
        for (name, term) in [
            ("sync_tags", &mut after.sync_tags),
            ("sync_custom_fields", &mut after.sync_custom_fields),
            ("allows_public_comments", &mut after.allows_public_comments),
        ] {
            *term = flag(body, name).unwrap_or(*term);
        }
        if let Some(key) = text(body, "access_key") {
            if !is_key(key) {
                return Err(Refusal::unprocessable("this is no access_key"));
            }
            key.clone_into(&mut after.key);
        }
        if after != *self && self.partner() == Side::Receiver {
            return Err(Refusal::unprocessable(
                "only the sender of an agreement changes its name, terms and key",
            ));
        }
        if let Some(wanted) = text(body, "status") {
            let wanted: Status = serde_json::from_value(json!(wanted)).map_err(|_no_status| {
                Refusal::unprocessable("an agreement is pending, accepted, declined or inactive")
            })?;
            after.step(wanted, self.partner())?;
        }
        Ok(after)
    }

    /// One step of its life, taken by the partner.
    fn step(&mut self, wanted: Status, by: Side) -> Result<(), Refusal> {
        use Status::{Accepted, Declined, Inactive, Pending};
        let own = self.deactivated_by == Some(by);
        let allowed = match (self.status, wanted) {
            (is, wanted) if is == wanted => true,
            // Only who was invited decides.
            (Pending, Accepted | Declined) => by == Side::Receiver,
            (Pending | Accepted, Inactive) => true,
            (Inactive, Accepted) => own && self.agreed,
            (Inactive, Pending) => own && !self.agreed && by == Side::Sender,
            (Declined, Pending) => by == Side::Sender,
            (Pending | Accepted | Declined | Inactive, _) => false,
        };
        if !allowed {
            let message = format!("this agreement does not become {} by its {}", word(wanted), word(by));
            return Err(Refusal::unprocessable(message));
        }
        if self.status != wanted {
            self.deactivated_by = (wanted == Inactive).then_some(by);
            self.agreed |= wanted == Accepted;
            self.status = wanted;
        }
        Ok(())
    }

    /// What the engine recorded of a change that the partner took.
    ///
    /// # Errors
    ///
    /// 422 for a word that no agreement has.
    pub(super) fn recorded(&self, body: &Map<String, Value>) -> Result<Self, Refusal> {
        let mut after = self.clone();
        after.told |= flag(body, "told").unwrap_or(false);
        if let Some(status) = body.get("status").filter(|status| !status.is_null()) {
            after.status = serde_json::from_value(status.clone())
                .map_err(|_no_status| Refusal::unprocessable("this is no status of an agreement"))?;
            after.agreed |= after.status == Status::Accepted;
        }
        if let Some(by) = body.get("deactivated_by") {
            after.deactivated_by = serde_json::from_value(by.clone())
                .map_err(|_no_side| Refusal::unprocessable("this is no side of an agreement"))?;
        }
        Ok(after)
    }

    /// The agreement as it stands, without its key.
    pub(super) fn standing(&self) -> Value {
        json!({
            "uuid": self.uuid, "name": self.name, "sent": self.sent, "status": self.status,
            "deactivated_by": self.deactivated_by, "told": self.told, "sync_tags": self.sync_tags,
            "sync_custom_fields": self.sync_custom_fields, "allows_public_comments": self.allows_public_comments,
        })
    }

    /// The agreement as the protocol writes it. Only in an invitation its key is told.
    pub(super) fn told(&self, sharing: &Sharing, with_key: bool) -> Value {
        let (sender, receiver) = match self.sent {
            true => (&sharing.here, &sharing.partner),
            false => (&sharing.partner, &sharing.here),
        };
        let mut told = json!({
            "uuid": self.uuid, "name": self.name, "status": self.status, "deactivated_by": self.deactivated_by,
            "sender_url": sender, "receiver_url": receiver, "sync_tags": self.sync_tags,
            "sync_custom_fields": self.sync_custom_fields, "allows_public_comments": self.allows_public_comments,
        });
        if let (true, Some(told)) = (with_key, told.as_object_mut()) {
            told.insert("access_key".to_owned(), json!(self.key));
        }
        told
    }
}

/// Whether a text can be a uuid. Implementations take 40 hexadecimal digits; the gem's own tests are shorter.
pub(super) fn is_uuid(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(is_plain)
}

fn is_key(text: &str) -> bool {
    KEY.contains(&text.len()) && text.bytes().all(is_plain)
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// Ensures that a body is about the thing that its address names.
pub(super) fn named(uuid: &str, body: &Map<String, Value>) -> Result<(), Refusal> {
    if !is_uuid(uuid) {
        return Err(Refusal::unprocessable("a uuid has 1 to 64 letters, digits, dashes and underscores"));
    }
    match body.get("uuid") {
        Some(Value::String(inside)) if inside != uuid => {
            Err(Refusal::unprocessable("the uuid in the body is another one than that in the address"))
        }
        Some(Value::String(_) | Value::Null) | None => Ok(()),
        Some(_) => Err(Refusal::unprocessable("uuid has to be a text")),
    }
}

fn between(body: &Map<String, Value>, sender: &Url, receiver: &Url) -> Result<(), Refusal> {
    for name in ["sender_url", "receiver_url"] {
        if text(body, name).is_none() {
            return Err(Refusal::unprocessable(format!("{name} is missing")));
        }
    }
    between_any(body, sender, receiver)
}

/// Addresses are configured: an agreement between others is none of ours.
fn between_any(body: &Map<String, Value>, sender: &Url, receiver: &Url) -> Result<(), Refusal> {
    let bare = |url: &str| url.trim_end_matches('/').to_owned();
    for (name, expected) in [("sender_url", sender), ("receiver_url", receiver)] {
        let given = text(body, name).and_then(|url| Url::parse(url).ok());
        let fits = given.is_some_and(|given| bare(given.as_str()) == bare(expected.as_str()));
        if !fits && body.get(name).is_some_and(|url| !url.is_null()) {
            let message =
                format!("{name} is not the address that is agreed upon with this bridge's operator");
            return Err(Refusal::unprocessable(message));
        }
    }
    Ok(())
}

fn text<'b>(body: &'b Map<String, Value>, name: &str) -> Option<&'b str> {
    body.get(name).and_then(Value::as_str)
}

fn flag(body: &Map<String, Value>, name: &str) -> Option<bool> {
    body.get(name).and_then(Value::as_bool)
}

fn name(body: &Map<String, Value>) -> Option<String> {
    text(body, "name")
        .map(|name| name.chars().filter(|letter| !letter.is_control()).take(LONGEST_NAME).collect())
}

fn word(value: impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Forty hexadecimal digits, the only ones that every implementation takes.
fn random(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; 20];
    entropy.fill(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
