//! What a desk tells by itself.

use serde::Deserialize;

use crate::expression::Expression;

/// `[webhook]`: what the desk posts to `/webhooks/SYSTEM`. The setting `webhook_secret` is what it signs or shows.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Webhook {
    /// How the sender is known; see `signature`.
    pub(crate) signature: Signature,
    /// The id of the ticket it is about, or a list of them. Names: `body` (the JSON), `settings`. Absent where it is
    /// about none.
    pub(crate) ticket: Expression,
}

/// `signature`: how the sender of a webhook is known, one of these.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub(crate) enum Signature {
    /// `signature.standard = {}`: Standard Webhooks, the secret being `whsec_…`.
    Standard {},
    /// `signature.hub`: `sha256=` and the HMAC of the body in hexadecimal.
    Hub {
        /// The header field, such as `"X-Hub-Signature-256"`.
        header: String,
    },
    /// `signature.header`: the secret itself, in a header field.
    Header {
        /// The header field.
        name: String,
    },
    /// `signature.query`: the secret itself, in the address, for desks that can set nothing else.
    Query {
        /// The parameter.
        name: String,
    },
}
