//! Webhooks of a business rule: who sent them, and which record they hint at.
//!
//! ServiceNow signs no outbound call by itself. The rule makes a signature of the body under a shared secret, as the
//! README has it, and names the record, which is read afresh.

use secrecy::SecretString;
use throughline_sdk::http::json_fault;
use throughline_sdk::signature::verify_hub;
use throughline_sdk::{Error, ErrorKind, Hint, RawWebhook, RemoteId, Result};

use crate::api::SysId;
use crate::config::Config;
use crate::wire::Notice;

/// Authenticates a webhook and says which record it hints at; none for one of another table.
pub(crate) fn accept(webhook: &RawWebhook, config: &Config) -> Result<Vec<Hint>> {
    let secret: &SecretString = config.webhook_secret.as_ref().ok_or_else(|| {
        Error::new(ErrorKind::Unsupported, "webhooks need the setting webhook_secret, which is not set")
    })?;
    verify_hub(webhook, &config.webhook_header, secret)?;
    let notice: Notice = serde_json::from_slice(&webhook.body).map_err(|error| {
        let what = json_fault(&error);
        Error::new(ErrorKind::Malformed, format!("the webhook's body does not name a record: {what}"))
    })?;
    if notice.table.as_ref().is_some_and(|table| *table != config.table) {
        return Ok(Vec::new());
    }
    let id = SysId::parse(&notice.sys_id)
        .ok_or_else(|| Error::new(ErrorKind::Malformed, "the webhook's sys_id is none"))?;
    Ok(vec![Hint::new(RemoteId::new(id.as_str()))])
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue};
    use throughline_sdk::signature::sign_hub;

    use super::*;
    use crate::config::tests::config;

    const ID: &str = "5054b6f8c0a800060056addcf551ecf8";

    fn check(body: &str, secret: &str) -> Result<Vec<Hint>> {
        let signature = sign_hub(&SecretString::from(secret), body.as_bytes());
        let mut headers = HeaderMap::new();
        headers.insert("x-hub-signature-256", HeaderValue::from_str(&signature).unwrap());
        let (query, received) = (String::new(), chrono::DateTime::UNIX_EPOCH);
        let webhook = RawWebhook { headers, query, body: Bytes::copy_from_slice(body.as_bytes()), received };
        accept(&webhook, &config(&[]))
    }

    #[test]
    fn a_signed_notice_hints_at_its_record() {
        let named = format!(r#"{{"sys_id":"{ID}"}}"#);
        let tabled = format!(r#"{{"sys_id":"{ID}","table":"incident"}}"#);
        for body in [named, tabled] {
            assert_eq!(check(&body, "s3cret").unwrap(), [Hint::new(RemoteId::new(ID))]);
        }
        let other = format!(r#"{{"sys_id":"{ID}","table":"problem"}}"#);
        assert_eq!(check(&other, "s3cret").unwrap(), []);
    }

    #[test]
    fn a_stranger_is_refused_before_the_body_is_read() {
        assert_eq!(check("{", "secret").unwrap_err().kind(), ErrorKind::Unauthenticated);
        for body in ["{", "[]", r#"{"sys_id":"7"}"#, r#"{"sys_id":"5054b6f8c0a800060056addcf551ecf8^x"}"#] {
            assert_eq!(check(body, "s3cret").unwrap_err().kind(), ErrorKind::Malformed, "{body}");
        }
    }
}
