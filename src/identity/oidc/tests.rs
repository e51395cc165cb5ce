//! Logins through a provider that may be hostile, or stand behind a hostile network.

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderMap, StatusCode};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use throughline_sdk::http::{Request, Response, Transport};
use throughline_sdk::{Clock, Entropy};
use url::Url;

use super::super::{Error, Role};
use super::rules::Rules;
use super::{Arrival, Known, Oidc, OidcSettings};
use crate::case::PartyName;
use crate::clock::{SystemClock, SystemEntropy};

const ISSUER: &str = "https://login.example";

/// A provider that says what a test wants it to say.
#[derive(Debug)]
struct Desk {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The keys it publishes, by name.
    keys: Vec<(String, EcdsaKeyPair)>,
    /// The ID token that it gives for the next code.
    token: Option<String>,
    userinfo: Value,
    issuer: String,
    /// What it was asked, in order.
    asked: Vec<(String, String)>,
}

fn key() -> EcdsaKeyPair {
    let random = SystemRandom::new();
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random).unwrap()
}

fn signed(kid: &str, key: &EcdsaKeyPair, claims: &Value) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", encode(&json!({ "alg": "ES256", "kid": kid })), encode(claims));
    let signature = key.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

impl Transport for Desk {
    fn send(&self, request: Request) -> BoxFuture<'_, throughline_sdk::Result<Response>> {
        let mut state = self.state.lock().unwrap();
        let body = String::from_utf8(request.body.to_vec()).unwrap();
        state.asked.push((request.url.path().to_owned(), body.clone()));
        let (status, value) = match request.url.path() {
            "/.well-known/openid-configuration" => (
                200,
                json!({ "issuer": state.issuer,
                "authorization_endpoint": "https://login.example/auth", "token_endpoint": "https://login.example/token",
                "jwks_uri": "https://login.example/keys", "userinfo_endpoint": "https://login.example/me" }),
            ),
            "/keys" => {
                let keys: Vec<Value> = state.keys.iter().map(|(kid, key)| {
                    let point = key.public_key().as_ref();
                    json!({ "kty": "EC", "crv": "P-256", "use": "sig", "kid": kid,
                        "x": URL_SAFE_NO_PAD.encode(&point[1..33]), "y": URL_SAFE_NO_PAD.encode(&point[33..]) })
                }).collect();
                (200, json!({ "keys": keys }))
            }
            // A code is good once.
            "/token" => match state.token.take() {
                Some(token) => {
                    (200, json!({ "access_token": "a", "token_type": "Bearer", "id_token": token }))
                }
                None => (400, json!({ "error": "invalid_grant" })),
            },
            "/me" => (200, state.userinfo.clone()),
            other => panic!("{other}"),
        };
        let response = Response {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: Bytes::from(value.to_string()),
        };
        Box::pin(std::future::ready(Ok(response)))
    }
}

pub(in crate::identity) fn settings() -> OidcSettings {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let guests = [("fabrikam", "f"), ("adatum", "d")];
    OidcSettings {
        issuer: ISSUER.parse().unwrap(),
        issuer_name: ISSUER.to_owned(),
        client_id: "us".to_owned(),
        client_secret: Some("secret".into()),
        scopes: words(&["profile"]),
        rules: Rules {
            claim: "groups".to_owned(),
            admin: words(&["admins"]),
            agent: words(&["helpdesk"]),
            auditor: words(&["audit"]),
            guests: guests.map(|(party, group)| (PartyName(party.to_owned()), words(&[group]))).into(),
        },
    }
}

/// A login between us, a browser and a provider.
struct Stage {
    desk: Arc<Desk>,
    oidc: Oidc,
}

impl Stage {
    fn new() -> Self {
        let state = State {
            keys: vec![("first".to_owned(), key())],
            token: None,
            userinfo: json!({ "sub": "ada" }),
            issuer: ISSUER.to_owned(),
            asked: Vec::new(),
        };
        let desk = Arc::new(Desk { state: Mutex::new(state) });
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::new());
        let way: Arc<dyn Transport> = Arc::<Desk>::clone(&desk);
        Self { oidc: Oidc::new(settings(), way, clock, entropy), desk }
    }

    fn callback() -> Url {
        "https://tickets.example/console/login/callback".parse().unwrap()
    }

    /// Sends a browser away: what it comes back with, and the nonce.
    async fn away(&self) -> (Arrival, String) {
        let departure = self.oidc.depart(&Self::callback(), "/console/x").await.unwrap();
        let asked = |name: &str| {
            let mut pairs = departure.address.query_pairs();
            pairs.find(|(found, _)| found == name).map(|(_, value)| value.into_owned()).unwrap()
        };
        assert_eq!(asked("code_challenge_method"), "S256");
        assert_eq!(asked("scope"), "openid profile");
        let (state, code) = (Some(asked("state")), Some("code".to_owned()));
        let browser = Some(departure.browser);
        (Arrival { browser, state, code, issuer: None, error: None }, asked("nonce"))
    }

    fn claims(nonce: &str) -> Value {
        let now = SystemClock::new().now().timestamp();
        json!({ "iss": ISSUER, "aud": "us", "sub": "ada", "nonce": nonce, "iat": now, "exp": now + 300,
            "groups": ["helpdesk", "x"], "preferred_username": "ada@contoso.example" })
    }

    fn gives(&self, claims: &Value) {
        let mut state = self.desk.state.lock().unwrap();
        let token = signed("first", &state.keys[0].1, claims);
        state.token = Some(token);
    }

    async fn arrive(&self, arrival: &Arrival) -> Result<Known, Error> {
        self.oidc.arrive(&Self::callback(), arrival).await
    }

    /// What comes of a login whose token has one claim changed; `null` takes it out.
    async fn with(&self, change: &[(&str, Value)]) -> Result<Known, Error> {
        let (arrival, nonce) = self.away().await;
        let mut claims = Self::claims(&nonce);
        for (name, value) in change {
            claims.as_object_mut().unwrap().remove(*name);
            if !value.is_null() {
                claims[*name] = value.clone();
            }
        }
        self.gives(&claims);
        self.arrive(&arrival).await
    }
}

#[tokio::test]
async fn whoever_the_provider_knows_enters_with_the_role_of_their_groups() {
    let stage = Stage::new();
    let known = stage.with(&[]).await.unwrap();
    assert_eq!(
        (known.role, known.name.as_str(), known.to.as_str()),
        (Role::Agent, "ada@contoso.example", "/console/x")
    );
    let guest = |party: &str| Role::Guest(PartyName(party.to_owned()));
    for (groups, role) in [
        (json!(["helpdesk", "admins", "audit"]), Role::Admin),
        (json!("audit"), Role::Auditor),
        (json!(["f"]), guest("fabrikam")),
        (json!(["f", "helpdesk"]), Role::Agent),
    ] {
        assert_eq!(stage.with(&[("groups", groups)]).await.unwrap().role, role);
    }
    // The verifier of the challenge goes along with the code.
    let asked = stage.desk.state.lock().unwrap().asked.clone();
    let exchanged = &asked.iter().find(|(path, _)| path == "/token").unwrap().1;
    assert!(
        exchanged.contains("code_verifier=") && exchanged.contains("grant_type=authorization_code"),
        "{exchanged}"
    );
}

#[tokio::test]
async fn whoever_has_no_role_or_two_parties_does_not_enter() {
    let stage = Stage::new();
    for groups in [json!([]), json!(["helpdesk2"]), json!({ "helpdesk": true }), json!(7)] {
        let refused = stage.with(&[("groups", groups.clone())]).await.unwrap_err();
        assert!(matches!(refused, Error::NoRole(_)), "{groups}: {refused}");
    }
    let both = stage.with(&[("groups", json!(["f", "d"]))]).await.unwrap_err();
    assert!(matches!(both, Error::Provider(_)), "{both}");
}

#[tokio::test]
async fn groups_that_are_not_in_the_token_are_asked_for_and_only_of_the_same_person() {
    let stage = Stage::new();
    stage.desk.state.lock().unwrap().userinfo = json!({ "sub": "ada", "groups": ["admins"] });
    assert_eq!(stage.with(&[("groups", Value::Null)]).await.unwrap().role, Role::Admin);
    stage.desk.state.lock().unwrap().userinfo = json!({ "sub": "eve", "groups": ["admins"] });
    let refused = stage.with(&[("groups", Value::Null)]).await.unwrap_err();
    assert!(refused.to_string().contains("somebody else"), "{refused}");
}

#[tokio::test]
async fn a_token_that_is_not_for_this_login_lets_nobody_in() {
    let stage = Stage::new();
    let now = SystemClock::new().now().timestamp();
    for change in [
        vec![("nonce", json!("another"))],
        vec![("nonce", Value::Null)],
        vec![("iss", json!("https://login.example/"))],
        vec![("iss", json!("https://evil.example"))],
        vec![("aud", json!("them"))],
        vec![("aud", json!(["them"]))],
        vec![("aud", json!([]))],
        vec![("aud", json!(["us", "them"]))],
        vec![("aud", json!(["us", "them"])), ("azp", json!("them"))],
        vec![("azp", json!("them"))],
        vec![("exp", json!(now - 61))],
        vec![("exp", json!("later"))],
        vec![("exp", Value::Null)],
        vec![("iat", json!(now + 120))],
        vec![("iat", Value::Null)],
        vec![("nbf", json!(now + 120))],
        vec![("sub", json!(""))],
        vec![("sub", json!(7))],
        vec![("sub", Value::Null)],
    ] {
        let refused = stage.with(&change).await.expect_err(&format!("{change:?}"));
        assert!(matches!(refused, Error::Provider(_)), "{change:?}: {refused}");
    }
    stage.with(&[("aud", json!(["us", "them"])), ("azp", json!("us"))]).await.unwrap();
    stage.with(&[("exp", json!(now - 30))]).await.expect("clocks differ a little");
}

#[tokio::test]
async fn what_was_not_signed_by_the_provider_is_nothing() {
    let stage = Stage::new();
    let other = key();
    let (arrival, nonce) = stage.away().await;
    let claims = Stage::claims(&nonce);
    let body = URL_SAFE_NO_PAD.encode(claims.to_string());
    let none = format!("{}.{body}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#));
    for token in [signed("first", &other, &claims), signed("unknown", &other, &claims), none] {
        let (next, _) = stage.away().await;
        stage.desk.state.lock().unwrap().token = Some(token);
        let refused = stage.arrive(&next).await.unwrap_err();
        assert!(refused.to_string().contains("not signed by the provider"), "{refused}");
    }
    stage.gives(&claims);
    stage.arrive(&arrival).await.expect("the very claims, signed");
}

#[tokio::test]
async fn a_login_ends_once_and_in_the_browser_that_began_it() {
    let stage = Stage::new();
    let refused = async |arrival: &Arrival| {
        let refused = stage.arrive(arrival).await.unwrap_err().to_string();
        assert!(refused.contains("another browser"), "{refused}");
    };
    let (arrival, nonce) = stage.away().await;
    stage.gives(&Stage::claims(&nonce));
    refused(&Arrival { state: Some("guessed".to_owned()), ..arrival.clone() }).await;
    refused(&Arrival { state: None, ..arrival.clone() }).await;
    stage.arrive(&arrival).await.unwrap();
    // Played again, with a code that would still be good.
    stage.gives(&Stage::claims(&nonce));
    refused(&arrival).await;

    let (mine, nonce) = stage.away().await;
    let (theirs, _) = stage.away().await;
    stage.gives(&Stage::claims(&nonce));
    refused(&Arrival { browser: theirs.browser, ..mine.clone() }).await;
    refused(&mine).await;

    let (elsewhere, nonce) = stage.away().await;
    stage.gives(&Stage::claims(&nonce));
    let mixed = Arrival { issuer: Some("https://evil.example".to_owned()), ..elsewhere };
    assert!(stage.arrive(&mixed).await.unwrap_err().to_string().contains("another provider"));
    let (declined, _) = stage.away().await;
    let declined = Arrival { code: None, error: Some("access_denied".to_owned()), ..declined };
    assert!(stage.arrive(&declined).await.unwrap_err().to_string().contains("broken off"));
    let (used, _) = stage.away().await;
    stage.desk.state.lock().unwrap().token = None;
    assert!(stage.arrive(&used).await.unwrap_err().to_string().contains("invalid_grant"));
}

#[tokio::test]
async fn a_provider_that_calls_itself_otherwise_is_not_asked_further() {
    let stage = Stage::new();
    stage.desk.state.lock().unwrap().issuer = "https://evil.example".to_owned();
    let refused = stage.oidc.depart(&Stage::callback(), "/").await.unwrap_err();
    assert!(refused.to_string().contains("console.oidc.issuer"), "{refused}");
    assert_eq!(stage.desk.state.lock().unwrap().asked.len(), 1);
}
