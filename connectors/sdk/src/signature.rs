//! Who really sent a webhook: the signature schemes that more than one kind of system uses.
//!
//! All are checked over the raw bytes and compared in constant time. An error never says which part was wrong.

use ::http::{HeaderMap, HeaderValue};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono::TimeDelta;
use ring::{digest, hmac};
use secrecy::{ExposeSecret, SecretString};

use crate::{Error, ErrorKind, RawWebhook, Result, Timestamp};

const ID: &str = "webhook-id";
const TIMESTAMP: &str = "webhook-timestamp";
const SIGNATURE: &str = "webhook-signature";
/// How far a sender's clock may be off, either way.
const TOLERANCE: TimeDelta = TimeDelta::minutes(5);

/// Verifies a [Standard Webhooks](https://www.standardwebhooks.com) signature and returns the delivery's id.
///
/// Several secrets are for rotation: one that matches is enough. Signatures of versions other than `v1` are
/// skipped.
///
/// # Errors
///
/// [`ErrorKind::Unauthenticated`] for a wrong, old or missing signature; [`ErrorKind::Misconfigured`] for a
/// secret that is no base 64.
pub fn verify_standard(webhook: &RawWebhook, secrets: &[SecretString]) -> Result<String> {
    let keys = secrets.iter().map(standard_key).collect::<Result<Vec<_>>>()?;
    let id = text(&webhook.headers, ID).filter(|id| !id.is_empty()).ok_or_else(refused)?;
    let stamp = text(&webhook.headers, TIMESTAMP).ok_or_else(refused)?;
    let signatures = text(&webhook.headers, SIGNATURE).ok_or_else(refused)?;
    let sent = stamp.parse().ok().and_then(|seconds| Timestamp::from_timestamp(seconds, 0));
    let age = webhook.received.signed_duration_since(sent.ok_or_else(refused)?);
    if age.abs() > TOLERANCE {
        return Err(refused());
    }
    let signed = standard_content(id, stamp, &webhook.body);
    let matches = signatures
        .split(' ')
        .filter_map(|signature| signature.strip_prefix("v1,"))
        .filter_map(|signature| BASE64_STANDARD.decode(signature).ok())
        .any(|tag| keys.iter().any(|key| hmac::verify(key, &signed, &tag).is_ok()));
    if matches { Ok(id.to_owned()) } else { Err(refused()) }
}

/// The three header fields of a Standard Webhooks delivery.
///
/// # Errors
///
/// [`ErrorKind::Misconfigured`] for a secret that is no base 64 or an id that no header field may carry.
pub fn sign_standard(secret: &SecretString, id: &str, sent: Timestamp, body: &[u8]) -> Result<HeaderMap> {
    let stamp = sent.timestamp().to_string();
    let tag = hmac::sign(&standard_key(secret)?, &standard_content(id, &stamp, body));
    let fields =
        [(ID, id.to_owned()), (TIMESTAMP, stamp), (SIGNATURE, format!("v1,{}", BASE64_STANDARD.encode(tag)))];
    fields
        .into_iter()
        .map(|(name, value)| {
            let value = HeaderValue::try_from(value).map_err(|error| {
                Error::new(ErrorKind::Misconfigured, format!("the field {name} cannot be sent: {error}"))
            })?;
            Ok((::http::HeaderName::from_static(name), value))
        })
        .collect()
}

/// Verifies `sha256=` and the HMAC of the body in hexadecimal, as GitHub and others send it in the field
/// `name` (often `X-Hub-Signature-256`), and returns the delivery's id: the SHA-256 of the body.
///
/// The id that such a sender puts into a field of its own is outside the signature: whoever replays a delivery
/// writes another one there. What was signed is the same again.
///
/// # Errors
///
/// [`ErrorKind::Unauthenticated`] for a wrong or missing signature; [`ErrorKind::Misconfigured`] for an empty
/// secret.
pub fn verify_hub(webhook: &RawWebhook, name: &str, secret: &SecretString) -> Result<String> {
    let given = text(&webhook.headers, name).and_then(|value| value.strip_prefix("sha256="));
    let tag = given.and_then(from_hex).ok_or_else(refused)?;
    if secret.expose_secret().is_empty() {
        return Err(empty());
    }
    hmac::verify(&key(secret.expose_secret().as_bytes()), &webhook.body, &tag)
        .map_err(|_unspecified| refused())?;
    Ok(to_hex(digest::digest(&digest::SHA256, &webhook.body).as_ref()))
}

/// The value that [`verify_hub`] accepts.
pub fn sign_hub(secret: &SecretString, body: &[u8]) -> String {
    let tag = hmac::sign(&key(secret.expose_secret().as_bytes()), body);
    format!("sha256={}", to_hex(tag.as_ref()))
}

/// Verifies `sha1=` and the HMAC of the body in hexadecimal, as Zammad and others still send it in the field `name`
/// (often `X-Hub-Signature`), and returns the delivery's id as [`verify_hub`] does.
///
/// SHA-1 is broken where collisions matter, which in an HMAC they do not; a sender that offers SHA-256 is asked for that.
///
/// # Errors
///
/// As [`verify_hub`].
pub fn verify_hub_sha1(webhook: &RawWebhook, name: &str, secret: &SecretString) -> Result<String> {
    let given = text(&webhook.headers, name).and_then(|value| value.strip_prefix("sha1="));
    let tag = given.and_then(from_hex).ok_or_else(refused)?;
    if secret.expose_secret().is_empty() {
        return Err(empty());
    }
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.expose_secret().as_bytes());
    hmac::verify(&key, &webhook.body, &tag).map_err(|_unspecified| refused())?;
    Ok(to_hex(digest::digest(&digest::SHA256, &webhook.body).as_ref()))
}

/// Where a signature and the time that it covers stand.
#[derive(Clone, Copy, Debug)]
pub struct Stamped<'a> {
    /// The field that holds the signature, in base 64.
    pub signature: &'a str,
    /// The field that holds the time, as RFC 3339 writes it or in seconds since 1970.
    pub timestamp: &'a str,
}

/// Verifies the HMAC in base 64 of a time, as it stands in its own field, and the body behind it, as Zendesk sends it.
///
/// A delivery that is older or younger than five minutes is refused, so that it cannot be replayed for long.
///
/// # Errors
///
/// [`ErrorKind::Unauthenticated`] for a wrong, old or missing signature; [`ErrorKind::Misconfigured`] for an empty
/// secret.
pub fn verify_stamped(webhook: &RawWebhook, fields: Stamped<'_>, secret: &SecretString) -> Result<()> {
    let given = text(&webhook.headers, fields.signature).ok_or_else(refused)?;
    let stamp = text(&webhook.headers, fields.timestamp).ok_or_else(refused)?;
    let tag = BASE64_STANDARD.decode(given).ok().ok_or_else(refused)?;
    if secret.expose_secret().is_empty() {
        return Err(empty());
    }
    let sent = match stamp.parse::<i64>() {
        Ok(seconds) => Timestamp::from_timestamp(seconds, 0),
        Err(_) => stamp.parse().ok(),
    };
    if webhook.received.signed_duration_since(sent.ok_or_else(refused)?).abs() > TOLERANCE {
        return Err(refused());
    }
    let signed = [stamp.as_bytes(), &webhook.body].concat();
    hmac::verify(&key(secret.expose_secret().as_bytes()), &signed, &tag).map_err(|_unspecified| refused())
}

/// The value that [`verify_stamped`] accepts for a time as it stands in its field.
pub fn sign_stamped(secret: &SecretString, stamp: &str, body: &[u8]) -> String {
    let tag = hmac::sign(&key(secret.expose_secret().as_bytes()), &[stamp.as_bytes(), body].concat());
    BASE64_STANDARD.encode(tag)
}

/// Verifies a fixed token in the header field `name`, such as `X-Gitlab-Token`.
///
/// # Errors
///
/// [`ErrorKind::Unauthenticated`] for a wrong or missing token.
pub fn verify_token_header(webhook: &RawWebhook, name: &str, secret: &SecretString) -> Result<()> {
    same(text(&webhook.headers, name).ok_or_else(refused)?, secret)
}

/// Verifies a fixed token in the query parameter `name`, for senders that can set nothing but an address.
///
/// # Errors
///
/// [`ErrorKind::Unauthenticated`] for a wrong or missing token, or one that stands there twice.
pub fn verify_token_query(webhook: &RawWebhook, name: &str, secret: &SecretString) -> Result<()> {
    let mut tokens =
        url::form_urlencoded::parse(webhook.query.as_bytes()).filter(|(parameter, _)| parameter == name);
    match (tokens.next(), tokens.next()) {
        (Some((_, token)), None) => same(&token, secret),
        (Some(_) | None, _) => Err(refused()),
    }
}

/// Equal, found out in a time that depends on neither content nor length of the secret.
fn same(given: &str, secret: &SecretString) -> Result<()> {
    let key = key(secret.expose_secret().as_bytes());
    let tag = hmac::sign(&key, secret.expose_secret().as_bytes());
    if secret.expose_secret().is_empty() {
        return Err(empty());
    }
    hmac::verify(&key, given.as_bytes(), tag.as_ref()).map_err(|_unspecified| refused())
}

fn standard_key(secret: &SecretString) -> Result<hmac::Key> {
    let text = secret.expose_secret();
    let bytes = BASE64_STANDARD.decode(text.strip_prefix("whsec_").unwrap_or(text)).ok();
    // The decoder's own error is left out: it quotes a byte of the secret.
    let bytes = bytes.filter(|bytes| !bytes.is_empty()).ok_or_else(|| {
        Error::new(ErrorKind::Misconfigured, "the webhook secret of this system is not whsec_ and base 64")
    })?;
    Ok(key(&bytes))
}

fn standard_content(id: &str, stamp: &str, body: &[u8]) -> Vec<u8> {
    [id.as_bytes(), b".", stamp.as_bytes(), b".", body].concat()
}

fn key(bytes: &[u8]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, bytes)
}

/// A field's value if it stands there once: with two, each hop may read another one.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() {
        return None;
    }
    value.to_str().ok()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut bytes = Vec::with_capacity(text.len() / 2);
    for pair in text.as_bytes().chunks(2) {
        let [high, low] = pair else { return None };
        bytes.push(digit(*high)? << 4 | digit(*low)?);
    }
    Some(bytes)
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Under an empty secret everybody can sign.
fn empty() -> Error {
    Error::new(ErrorKind::Misconfigured, "the webhook secret of this system is empty")
}

fn refused() -> Error {
    Error::new(
        ErrorKind::Unauthenticated,
        "the webhook does not bear a valid signature; compare the secret on both sides, and their clocks",
    )
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const GOOD: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    const SENT: i64 = 1_614_265_330;

    fn webhook(fields: &[(&'static str, &str)], query: &str, body: &str, late: i64) -> RawWebhook {
        RawWebhook {
            headers: fields
                .iter()
                .map(|(name, value)| (::http::HeaderName::from_static(name), value.parse().unwrap()))
                .collect(),
            query: query.into(),
            body: Bytes::copy_from_slice(body.as_bytes()),
            received: Timestamp::from_timestamp(SENT + late, 0).unwrap(),
        }
    }

    fn standard(signature: &str, late: i64, secrets: &[&str]) -> Result<String> {
        let fields =
            [(ID, "msg_p5jXN8AQM9LWM0D4loKWxJek"), (TIMESTAMP, "1614265330"), (SIGNATURE, signature)];
        let secrets: Vec<SecretString> = secrets.iter().map(|secret| (*secret).into()).collect();
        verify_standard(&webhook(&fields, "", r#"{"test": 2432232314}"#, late), &secrets)
    }

    #[test]
    fn standard_webhooks_accept_rotation_and_skip_what_they_do_not_know() {
        for (signature, late, secrets) in [
            (GOOD, 0, &[SECRET][..]),
            (GOOD, 300, &[SECRET]),
            (GOOD, -300, &[SECRET]),
            (GOOD, 0, &["whsec_AAAA", SECRET]),
            (&format!("v2,xx v1a,AAAA v1,AAAA {GOOD}"), 0, &[SECRET]),
        ] {
            assert_eq!(standard(signature, late, secrets).unwrap(), "msg_p5jXN8AQM9LWM0D4loKWxJek");
        }
    }

    #[test]
    fn standard_webhooks_refuse_the_wrong_the_old_and_the_early() {
        for (signature, late, secrets) in [
            (GOOD, 301, &[SECRET][..]),
            (GOOD, -301, &[SECRET]),
            (GOOD, 0, &["whsec_AAAA"]),
            (GOOD, 0, &[]),
            ("", 0, &[SECRET]),
            (&GOOD.replace("v1,", "v2,"), 0, &[SECRET]),
            (&GOOD.replace("g0h", "h0h"), 0, &[SECRET]),
        ] {
            assert_eq!(standard(signature, late, secrets).unwrap_err().kind(), ErrorKind::Unauthenticated);
        }
    }

    #[test]
    fn what_we_sign_is_the_published_vector() {
        let sent = Timestamp::from_timestamp(SENT, 0).unwrap();
        let fields =
            sign_standard(&SECRET.into(), "msg_p5jXN8AQM9LWM0D4loKWxJek", sent, br#"{"test": 2432232314}"#);
        assert_eq!(fields.unwrap()[SIGNATURE], GOOD);
    }

    #[test]
    fn hub_signatures_cover_the_body() {
        // The example of GitHub's documentation.
        let good = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let secret: SecretString = "It's a Secret to Everybody".into();
        assert_eq!(sign_hub(&secret, b"Hello, World!"), good);
        let check = |value: &str, body: &str| {
            verify_hub(
                &webhook(&[("x-hub-signature-256", value)], "", body, 0),
                "X-Hub-Signature-256",
                &secret,
            )
        };
        let id = check(good, "Hello, World!").unwrap();
        assert_eq!(id, "dffd6021bb2bd5b0af676290809ec3a53191dd81c7f70a4b28688a362182986f");
        for (value, body) in
            [(good, "Hello, World"), ("sha256=75710", "Hello, World!"), ("sha256=", ""), ("sha1=aa", "")]
        {
            assert_eq!(check(value, body).unwrap_err().kind(), ErrorKind::Unauthenticated);
        }
    }

    #[test]
    fn hub_signatures_of_the_older_kind_cover_the_body() {
        // RFC 2202, test case 2.
        let good = "sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79";
        let secret: SecretString = "Jefe".into();
        let check = |value: &str, body: &str| {
            verify_hub_sha1(&webhook(&[("x-hub-signature", value)], "", body, 0), "X-Hub-Signature", &secret)
        };
        check(good, "what do ya want for nothing?").unwrap();
        for (value, body) in [
            (good, "what do ya want for nothing"),
            ("sha1=", "what do ya want for nothing?"),
            (&good.replace("sha1=", "sha256="), "what do ya want for nothing?"),
        ] {
            assert_eq!(check(value, body).unwrap_err().kind(), ErrorKind::Unauthenticated);
        }
    }

    #[test]
    fn a_stamped_signature_covers_time_and_body() {
        // Zendesk's own secret for webhooks that are tried out before they are created, used as the text it is.
        let secret: SecretString = "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ==".into();
        let (name, time) = ("x-desk-signature", "x-desk-signature-timestamp");
        let check = |signature: &str, stamp: &str, body: &str, late: i64| {
            let fields = [(name, signature), (time, stamp)];
            verify_stamped(
                &webhook(&fields, "", body, late),
                Stamped { signature: name, timestamp: time },
                &secret,
            )
        };
        for stamp in ["2021-02-25T15:02:10Z", "2021-02-25T16:02:10+01:00", "1614265330"] {
            let good = sign_stamped(&secret, stamp, b"{}");
            for late in [0, 300, -300] {
                check(&good, stamp, "{}", late).unwrap();
            }
            for (signature, stamp, body, late) in [
                (good.as_str(), stamp, "{}", 301),
                (&good, stamp, "{}", -301),
                (&good, stamp, "{ }", 0),
                (&good, "2021-02-25T15:02:11Z", "{}", 0),
                (&good, "yesterday", "{}", 0),
                ("", stamp, "{}", 0),
            ] {
                let error = check(signature, stamp, body, late).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{stamp} {late}");
            }
        }
        assert_eq!(
            sign_stamped(&secret, "2021-07-25T10:00:00Z", br#"{"say": "hello"}"#),
            "gf3v0LzLRHPUnIdhbvwRDVEvzSb07/QN0GYjSNlkBT0="
        );
    }

    #[test]
    fn a_replay_bears_the_same_id_whatever_its_sender_calls_it() {
        let secret: SecretString = "s".into();
        let sent = |id: &str, body: &str| {
            let signature = sign_hub(&secret, body.as_bytes());
            let fields = [("x-github-delivery", id), ("x-hub-signature-256", signature.as_str())];
            verify_hub(&webhook(&fields, "", body, 0), "X-Hub-Signature-256", &secret).unwrap()
        };
        assert_eq!(sent("1", "closed"), sent("2", "closed"));
        assert_ne!(sent("1", "closed"), sent("1", "opened"));
    }

    #[test]
    fn under_an_empty_secret_nothing_is_genuine() {
        let signature = sign_hub(&"".into(), b"x");
        let webhook = webhook(&[("x-hub-signature-256", signature.as_str())], "", "x", 0);
        let error = verify_hub(&webhook, "X-Hub-Signature-256", &"".into()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
    }

    /// A field value of any bytes that HTTP lets through, or one that is almost right.
    fn value() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            prop::collection::vec(any::<u8>(), 0..80),
            "(v[0-9]a?,[A-Za-z0-9+/=]{0,48} ?){0,4}".prop_map(String::into_bytes),
            "sha256=[0-9a-fA-F]{0,70}".prop_map(String::into_bytes),
            "-?[0-9]{0,25}".prop_map(String::into_bytes),
        ]
    }

    proptest! {
        #[test]
        fn no_header_makes_a_stranger_genuine(
            fields in prop::collection::vec((0usize..5, value()), 0..7),
            query in "[ -~]{0,40}",
            body in prop::collection::vec(any::<u8>(), 0..40),
            received in any::<i32>(),
        ) {
            const NAMES: [&str; 5] = [ID, TIMESTAMP, SIGNATURE, "x-hub-signature-256", "x-token"];
            let mut headers = HeaderMap::new();
            for (name, value) in fields {
                if let Ok(value) = HeaderValue::from_bytes(&value) {
                    headers.append(NAMES[name], value);
                }
            }
            let received = Timestamp::from_timestamp(received.into(), 0).unwrap();
            let webhook = RawWebhook { headers, query, body: body.into(), received };
            let secret: SecretString = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into();
            for outcome in [
                verify_standard(&webhook, std::slice::from_ref(&secret)).map(drop),
                verify_hub(&webhook, "X-Hub-Signature-256", &secret).map(drop),
                verify_token_header(&webhook, "X-Token", &secret),
                verify_token_query(&webhook, "token", &secret),
            ] {
                prop_assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Unauthenticated);
            }
        }

        #[test]
        fn what_is_signed_is_genuine_and_no_byte_of_it_can_change(
            body in prop::collection::vec(any::<u8>(), 1..60),
            at in any::<prop::sample::Index>(),
            flip in 1u8..,
        ) {
            let secret: SecretString = SECRET.into();
            let sent = Timestamp::from_timestamp(SENT, 0).unwrap();
            let mut headers = sign_standard(&secret, "msg_1", sent, &body).unwrap();
            headers.insert("x-hub-signature-256", sign_hub(&secret, &body).parse().unwrap());
            let mut webhook = RawWebhook { headers, query: String::new(), body: body.clone().into(), received: sent };
            let both = |webhook: &RawWebhook| {
                let standard = verify_standard(webhook, std::slice::from_ref(&secret)).is_ok();
                (standard, verify_hub(webhook, "X-Hub-Signature-256", &secret).is_ok())
            };
            prop_assert_eq!(both(&webhook), (true, true));
            let mut altered = body;
            let at = at.index(altered.len());
            altered[at] ^= flip;
            webhook.body = altered.into();
            prop_assert_eq!(both(&webhook), (false, false));
            webhook.headers.insert(ID, HeaderValue::from_static("msg_2"));
            prop_assert_eq!(both(&webhook), (false, false));
        }
    }

    #[test]
    fn tokens_are_compared_whole_and_count_once() {
        let secret: SecretString = "a b+c".into();
        verify_token_header(&webhook(&[("x-token", "a b+c")], "", "", 0), "X-Token", &secret).unwrap();
        verify_token_query(&webhook(&[], "x=1&key=a%20b%2Bc", "", 0), "key", &secret).unwrap();
        for query in ["", "key=", "key=a+b", "key=a%20b%2Bc&key=a%20b%2Bc"] {
            verify_token_query(&webhook(&[], query, "", 0), "key", &secret).unwrap_err();
        }
        let twice = webhook(&[("x-token", "a b+c"), ("x-token", "a b+c")], "", "", 0);
        verify_token_header(&twice, "X-Token", &secret).unwrap_err();
        verify_token_header(&twice, "X-Token", &"".into()).unwrap_err();
    }
}
