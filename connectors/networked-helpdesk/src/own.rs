//! The desk of the bridge's own: what both sides pushed, and the agreements, as they are read and recorded in process.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use throughline_sdk::http::{Call, join};
use throughline_sdk::{Ctx, Error, ErrorKind, RemoteId, Result, Timestamp};
use url::Url;

use crate::wire::Push;

/// What the engine bears on its way in process. It opens no door: this interface is served to nobody.
pub const TOKEN: &str = "in process only";

/// The host under which the desk is known inside. It leads nowhere.
pub const HOST: &str = "desk.invalid";

/// Where the desk stands for the engine. The plane lets plain `http` go to further hosts only where it goes here too, so
/// that the scheme is the partner's.
///
/// # Errors
///
/// When the address cannot be parsed, which is a defect.
pub(crate) fn address(partner: &Url) -> Result<Url> {
    Url::parse(&format!("{}://{HOST}/", partner.scheme())).map_err(|error| {
        Error::new(ErrorKind::Misconfigured, format!("the desk in process has no address: {error}"))
    })
}

/// What an agreement is about beside tickets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Terms {
    #[serde(default)]
    pub(crate) sync_tags: bool,
    #[serde(default)]
    pub(crate) sync_custom_fields: bool,
    /// Whether the receiver may comment publicly.
    #[serde(default)]
    pub(crate) allows_public_comments: bool,
}

/// An agreement, without its key.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Agreement {
    pub(crate) uuid: String,
    /// Whether we are its sender, who shares tickets by it.
    pub(crate) sent: bool,
    pub(crate) status: String,
    #[serde(default)]
    pub(crate) deactivated_by: Option<String>,
    /// Whether the partner took our invitation.
    #[serde(default)]
    pub(crate) told: bool,
    #[serde(flatten)]
    pub(crate) terms: Terms,
}

/// A ticket as it stands there.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Ticket {
    pub(crate) id: String,
    pub(crate) version: String,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    pub(crate) uuid: String,
    /// We began to share it, and do not know yet whether the partner has it.
    #[serde(default)]
    pub(crate) offered: bool,
    pub(crate) agreement: Agreement,
    #[serde(default)]
    pub(crate) subject: Option<String>,
    #[serde(default)]
    pub(crate) status: Option<String>,
    #[serde(default)]
    pub(crate) custom_status: Option<String>,
    #[serde(default)]
    pub(crate) requester: Option<Actor>,
    #[serde(default)]
    pub(crate) original_id: Option<String>,
    #[serde(default)]
    pub(crate) tags: Vec<String>,
    #[serde(default)]
    pub(crate) custom_fields: BTreeMap<String, Value>,
    #[serde(default)]
    pub(crate) comments: Vec<Comment>,
    /// The comment that says what the ticket is about.
    #[serde(default)]
    pub(crate) description: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Actor {
    #[serde(default)]
    pub(crate) name: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Comment {
    pub(crate) uuid: String,
    #[serde(default)]
    pub(crate) author: Option<Actor>,
    #[serde(default)]
    pub(crate) body: Option<String>,
    #[serde(default)]
    pub(crate) html_body: Option<String>,
    #[serde(default)]
    pub(crate) authored_at: Option<String>,
    #[serde(default)]
    pub(crate) public: Option<bool>,
    #[serde(default)]
    pub(crate) attachments: Vec<Attachment>,
    /// When it came, or was pushed.
    pub(crate) at: Timestamp,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Attachment {
    #[serde(default)]
    pub(crate) url: Option<String>,
    #[serde(default)]
    pub(crate) filename: Option<String>,
    #[serde(default)]
    pub(crate) display_filename: Option<String>,
    #[serde(default)]
    pub(crate) content_type: Option<String>,
    /// How many bytes there are, of files that we hold.
    #[serde(default)]
    pub(crate) size: Option<u64>,
}

/// One page of what changed there.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Page {
    pub(crate) ids: Vec<String>,
    pub(crate) next: String,
    pub(crate) more: bool,
}

/// The way there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Own<'a> {
    pub(crate) ctx: &'a Ctx,
    pub(crate) address: &'a Url,
}

impl<'a> Own<'a> {
    pub(crate) async fn agreements(&self) -> Result<Vec<Agreement>> {
        self.call(Method::GET, &["agreements"]).send_json().await
    }

    /// Draws up an invitation: the agreement as the partner is to be told of it.
    pub(crate) async fn draw_up(&self, name: &str, terms: Terms) -> Result<Value> {
        let mut body = json!(terms);
        if let Some(body) = body.as_object_mut() {
            body.insert("name".to_owned(), json!(name));
        }
        self.call(Method::POST, &["agreements"]).json(&body).send_json().await
    }

    /// The agreement as the partner is to be told of it.
    pub(crate) async fn drawn_up(&self, uuid: &str) -> Result<Value> {
        self.call(Method::GET, &["agreements", uuid]).send_json().await
    }

    /// Records what the partner took of a change of ours.
    pub(crate) async fn amend(&self, uuid: &str, change: &Value) -> Result<()> {
        self.call(Method::PATCH, &["agreements", uuid]).json(change).send().await.map(drop)
    }

    /// Forgets an agreement that the partner knows nothing of.
    pub(crate) async fn forget(&self, uuid: &str) -> Result<()> {
        self.call(Method::DELETE, &["agreements", uuid]).send().await.map(drop)
    }

    pub(crate) async fn ticket(&self, id: &RemoteId) -> Result<Ticket> {
        self.call(Method::GET, &["tickets", id.as_str()]).send_json().await
    }

    pub(crate) async fn with_uuid(&self, uuid: &str) -> Result<Option<Ticket>> {
        match self.call(Method::GET, &["uuids", uuid]).send_json().await {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            answer => answer.map(Some),
        }
    }

    /// Notes that a ticket is about to be shared, so that what the partner says of it meanwhile has a place.
    pub(crate) async fn offer(&self, agreement: &str, push: &Push) -> Result<Ticket> {
        let body = json!({ "agreement": agreement, "push": push });
        self.call(Method::POST, &["tickets"]).json(&body).send_json().await
    }

    /// Records what the partner took.
    pub(crate) async fn record(&self, id: &str, push: &Push) -> Result<Ticket> {
        self.call(Method::PATCH, &["tickets", id]).json(push).send_json().await
    }

    /// Takes back an offer that the partner did not take.
    pub(crate) async fn withdraw(&self, id: &str) -> Result<()> {
        self.call(Method::DELETE, &["tickets", id]).send().await.map(drop)
    }

    /// Lays a file out for the partner, and answers the address at which it is fetched.
    pub(crate) async fn lay_out(&self, id: &str, uuid: &str, bytes: Bytes) -> Result<String> {
        #[derive(Deserialize)]
        struct Laid {
            url: String,
        }
        let call = self.call(Method::PUT, &["tickets", id, "files", uuid]);
        let laid: Laid = call.body("application/octet-stream", bytes).send_json().await?;
        Ok(laid.url)
    }

    /// The bytes of a file of ours.
    pub(crate) async fn file(&self, id: &str, uuid: &str, limit_bytes: u64) -> Result<Bytes> {
        let call = self.call(Method::GET, &["tickets", id, "files", uuid]).max_answer_bytes(limit_bytes);
        call.send().await.map(|answer| answer.body)
    }

    /// One page of changes after a place; the place where the desk stands now, if `None`.
    pub(crate) async fn changes(&self, after: Option<&str>) -> Result<Page> {
        let call = self.call(Method::GET, &["changes"]);
        match after {
            Some(after) => call.query("after", after).send_json().await,
            None => call.send_json().await,
        }
    }

    fn call(&self, method: Method, path: &[&str]) -> Call<'a> {
        self.ctx.call(method, join(self.address, path))
    }
}
