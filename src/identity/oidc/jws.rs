//! Signatures of tokens (RFC 7515, RFC 7518, RFC 8037), checked with ring against published keys (RFC 7517).
//!
//! Only asymmetric algorithms: whoever could check a token signed with a shared secret could also make one, and a token
//! without a signature is none.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey};
use serde::Deserialize;

/// The longest token that is looked at.
const MAX_BYTES: usize = 64 * 1024;

/// The keys of a provider. What kind we do not know is passed over.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Keys {
    keys: Vec<Key>,
}

/// One key, as far as it is asked for.
#[derive(Clone, Debug, Default, Deserialize)]
struct Key {
    kty: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default, rename = "use")]
    purpose: Option<String>,
    #[serde(default)]
    alg: Option<String>,
    #[serde(default)]
    crv: Option<String>,
    #[serde(default)]
    n: Option<String>,
    #[serde(default)]
    e: Option<String>,
    #[serde(default)]
    x: Option<String>,
    #[serde(default)]
    y: Option<String>,
}

/// The head of a token.
#[derive(Debug, Deserialize)]
struct Head {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
    /// What must be understood: nothing of that is.
    #[serde(default)]
    crit: Option<serde_json::Value>,
}

/// Why a token is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unsigned {
    /// It is not one.
    Malformed,
    /// It is not signed in a way that proves anything.
    Algorithm,
    /// None of the keys is the one that it names: they may have been changed.
    UnknownKey,
    /// The signature is not good.
    Signature,
}

/// The algorithms that are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Algorithm {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    EdDsa,
}

impl Algorithm {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "RS256" => Self::Rs256,
            "RS384" => Self::Rs384,
            "RS512" => Self::Rs512,
            "PS256" => Self::Ps256,
            "PS384" => Self::Ps384,
            "PS512" => Self::Ps512,
            "ES256" => Self::Es256,
            "ES384" => Self::Es384,
            "EdDSA" => Self::EdDsa,
            _ => return None,
        })
    }

    fn fits(self, key: &Key) -> bool {
        let curve = key.crv.as_deref();
        match self {
            Self::Rs256 | Self::Rs384 | Self::Rs512 | Self::Ps256 | Self::Ps384 | Self::Ps512 => {
                key.kty == "RSA"
            }
            Self::Es256 => key.kty == "EC" && curve == Some("P-256"),
            Self::Es384 => key.kty == "EC" && curve == Some("P-384"),
            Self::EdDsa => key.kty == "OKP" && curve == Some("Ed25519"),
        }
    }
}

impl Keys {
    /// The claims of a token that one of these keys signed.
    pub(super) fn verify(&self, token: &str) -> Result<Vec<u8>, Unsigned> {
        let mut parts = token.split('.');
        let (Some(head), Some(claims), Some(signed), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Unsigned::Malformed);
        };
        if token.len() > MAX_BYTES {
            return Err(Unsigned::Malformed);
        }
        let parsed: Head =
            serde_json::from_slice(&decoded(head)?).map_err(|_not_json| Unsigned::Malformed)?;
        let algorithm =
            Algorithm::of(&parsed.alg).filter(|_| parsed.crit.is_none()).ok_or(Unsigned::Algorithm)?;
        let key = self.key(&parsed, algorithm).ok_or(Unsigned::UnknownKey)?;
        let message = token.get(..head.len() + 1 + claims.len()).ok_or(Unsigned::Malformed)?;
        check(algorithm, key, message.as_bytes(), &decoded(signed)?)?;
        decoded(claims)
    }

    /// The one key that a token means. One that names none is taken only if no other could be meant.
    fn key(&self, head: &Head, algorithm: Algorithm) -> Option<&Key> {
        let mut fitting = self.keys.iter().filter(|key| {
            algorithm.fits(key)
                && key.purpose.as_deref().is_none_or(|purpose| purpose == "sig")
                && key.alg.as_deref().is_none_or(|alg| alg == head.alg)
                && head.kid.as_ref().is_none_or(|kid| key.kid.as_ref() == Some(kid))
        });
        let key = fitting.next()?;
        fitting.next().is_none().then_some(key)
    }
}

fn check(algorithm: Algorithm, key: &Key, message: &[u8], signed: &[u8]) -> Result<(), Unsigned> {
    let part = |part: &Option<String>| decoded(part.as_deref().ok_or(Unsigned::UnknownKey)?);
    let rsa = |parameters: &signature::RsaParameters| {
        let (n, e) = (part(&key.n)?, part(&key.e)?);
        let known = RsaPublicKeyComponents { n: without_zeros(&n), e: without_zeros(&e) };
        known.verify(parameters, message, signed).map_err(|ring::error::Unspecified| Unsigned::Signature)
    };
    let curve = |by: &'static dyn signature::VerificationAlgorithm, bytes: Vec<u8>| {
        let known = UnparsedPublicKey::new(by, bytes);
        known.verify(message, signed).map_err(|ring::error::Unspecified| Unsigned::Signature)
    };
    let point = || Ok([vec![4], part(&key.x)?, part(&key.y)?].concat());
    match algorithm {
        Algorithm::Rs256 => rsa(&signature::RSA_PKCS1_2048_8192_SHA256),
        Algorithm::Rs384 => rsa(&signature::RSA_PKCS1_2048_8192_SHA384),
        Algorithm::Rs512 => rsa(&signature::RSA_PKCS1_2048_8192_SHA512),
        Algorithm::Ps256 => rsa(&signature::RSA_PSS_2048_8192_SHA256),
        Algorithm::Ps384 => rsa(&signature::RSA_PSS_2048_8192_SHA384),
        Algorithm::Ps512 => rsa(&signature::RSA_PSS_2048_8192_SHA512),
        Algorithm::Es256 => curve(&signature::ECDSA_P256_SHA256_FIXED, point()?),
        Algorithm::Es384 => curve(&signature::ECDSA_P384_SHA384_FIXED, point()?),
        Algorithm::EdDsa => curve(&signature::ED25519, part(&key.x)?),
    }
}

/// ring takes a number without leading zeros; some providers publish one.
fn without_zeros(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.get(zeros..).unwrap_or_default()
}

fn decoded(text: &str) -> Result<Vec<u8>, Unsigned> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_not_base64| Unsigned::Malformed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// RFC 7515, appendix A.3: ES256.
    const ES256: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    const ES256_KEY: &str = r#"{"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;
    /// RFC 7515, appendix A.2: RS256.
    const RS256: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
    const RS256_KEY: &str = r#"{"keys":[{"kty":"RSA","kid":"a","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}]}"#;
    /// RFC 8037, appendix A.4: Ed25519.
    const ED25519: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    const ED25519_KEY: &str =
        r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

    fn keys(text: &str) -> Keys {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn the_examples_of_the_standards_are_good_with_their_own_key_only() {
        let examples = [(ES256, ES256_KEY), (RS256, RS256_KEY), (ED25519, ED25519_KEY)];
        for (token, own) in examples {
            for (_, key) in examples {
                let expected = if key == own { None } else { Some(Unsigned::UnknownKey) };
                assert_eq!(keys(key).verify(token).err(), expected, "{token}");
            }
        }
        assert_eq!(keys(ED25519_KEY).verify(ED25519).unwrap(), b"Example of Ed25519 signing");
    }

    #[test]
    fn what_is_signed_with_nothing_or_with_a_public_key_as_secret_is_refused() {
        let claims = RS256.split('.').nth(1).unwrap();
        for head in [
            r#"{"alg":"none"}"#,
            r#"{"alg":"NONE"}"#,
            r#"{"alg":"HS256"}"#,
            r#"{"alg":"RS256","crit":["exp"]}"#,
        ] {
            for signed in ["", "c2lnbmVk"] {
                let token = format!("{}.{claims}.{signed}", URL_SAFE_NO_PAD.encode(head));
                assert_eq!(keys(RS256_KEY).verify(&token), Err(Unsigned::Algorithm), "{head}");
            }
        }
    }

    #[test]
    fn a_key_is_taken_only_if_it_is_the_one_that_is_meant() {
        let token = |head: &str| {
            let (_, rest) = RS256.split_once('.').unwrap();
            format!("{}.{rest}", URL_SAFE_NO_PAD.encode(head))
        };
        let verify = |head: &str, key: &str| keys(key).verify(&token(head)).unwrap_err();
        assert_eq!(verify(r#"{"alg":"RS256","kid":"b"}"#, RS256_KEY), Unsigned::UnknownKey);
        assert_eq!(verify(r#"{"alg":"RS256","kid":"a"}"#, RS256_KEY), Unsigned::Signature, "another head");
        let encrypting = RS256_KEY.replace(r#""kid""#, r#""use":"enc","kid""#);
        assert_eq!(verify(r#"{"alg":"RS256","kid":"a"}"#, &encrypting), Unsigned::UnknownKey);
        let (_, key) = RS256_KEY.split_once('[').unwrap();
        let twice = format!(r#"{{"keys":[{},{key}"#, key.trim_end_matches("]}"));
        assert_eq!(verify(r#"{"alg":"RS256"}"#, &twice), Unsigned::UnknownKey, "either could be meant");
    }

    proptest! {
        #[test]
        fn no_other_text_is_signed(at in 0..RS256.len(), byte in 0x21_u8..0x7f) {
            let mut token = RS256.as_bytes().to_vec();
            prop_assume!(token[at] != byte);
            token[at] = byte;
            let token = String::from_utf8(token).unwrap();
            prop_assert!(keys(RS256_KEY).verify(&token).is_err(), "{token}");
        }

        #[test]
        fn nothing_makes_it_panic(token in ".{0,80}", key in ".{0,80}") {
            drop(keys(ES256_KEY).verify(&token));
            drop(serde_json::from_str::<Keys>(&key).map(|keys| keys.verify(ES256)));
        }
    }
}
