//! Logging in once, as a person, in a browser that may run anywhere (RFC 8628, device authorization grant).

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use oauth2::basic::{BasicClient, BasicErrorResponse};
use oauth2::{AsyncHttpClient, AuthType, ClientId, ClientSecret, DeviceAuthorizationUrl};
use oauth2::{DeviceCodeErrorResponse, DeviceCodeErrorResponseType, HttpRequest, HttpResponse};
use oauth2::{RequestTokenError, Scope, StandardDeviceAuthorizationResponse, TokenResponse, TokenUrl};
use secrecy::ExposeSecret;

use crate::http::client_credentials::{Grant, Needed, about, exchange, explain};
use crate::http::login::Login;
use crate::http::scrub::scrub_error;
use crate::http::{Authentication, Transport};
use crate::{Clock, Error, ErrorKind, Result, TookEffect};

/// The longest a single request may take.
const CALL: Duration = Duration::from_secs(30);
/// A server that names no pause at all is not asked more often than this.
const MIN_PAUSE: Duration = Duration::from_secs(1);

/// What a person is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// The page to open. What the server says, unchecked.
    pub address: String,
    /// The code to enter there. What the server says, unchecked.
    pub code: String,
    /// For how long the code is good.
    pub life: Duration,
}

/// Has a person log in and keeps what comes of it in the login's store. Waits until the person is done.
///
/// # Errors
///
/// [`ErrorKind::Unsupported`] where no person logs in, [`ErrorKind::Misconfigured`] where a configured refresh token
/// would go before the new one, [`ErrorKind::Unauthenticated`] when the person or the server refused or the code has
/// expired, and what the transport and the store say.
pub async fn log_in(
    way: &dyn Transport,
    login: &Authentication,
    clock: &dyn Clock,
    invite: impl FnOnce(&Invitation),
) -> Result<()> {
    let Authentication::Login {
        token_url,
        device_url: Some(device_url),
        client_id,
        client_secret,
        refresh_token,
        scopes,
        store: Some(store),
    } = login
    else {
        return Err(Error::new(ErrorKind::Unsupported, "nobody logs in to this system with a code"));
    };
    if refresh_token.is_some() {
        let message =
            "its refresh_token is configured and would be used instead of a new login; take it out first";
        return Err(Error::new(ErrorKind::Misconfigured, message));
    }
    let grant = |url: &url::Url| Grant {
        token_url: url.clone(),
        client_id: client_id.clone(),
        client_secret: client_secret.clone(),
        scopes: scopes.clone(),
        login: None,
    };
    let secret = client_secret.as_ref().map(ExposeSecret::expose_secret);
    let (asking, taking) = (grant(device_url), grant(token_url));
    let client = BasicClient::new(ClientId::new(client_id.clone()))
        // The client names itself in the body: that is how Entra documents both requests, and it asks for no secret
        // in the first one.
        .set_auth_type(AuthType::RequestBody)
        .set_device_authorization_url(DeviceAuthorizationUrl::from_url(device_url.clone()))
        .set_token_uri(TokenUrl::from_url(token_url.clone()));
    let asked = client.exchange_device_code().add_scopes(scopes.iter().cloned().map(Scope::new));
    let asking_way = Way { way, grant: &asking, clock };
    let asked: StandardDeviceAuthorizationResponse =
        asked.request_async(&asking_way).await.map_err(|error| explain(error, &asking))?;
    invite(&Invitation {
        address: asked.verification_uri().to_string(),
        code: asked.user_code().secret().clone(),
        life: asked.expires_in(),
    });
    let client = match secret {
        Some(secret) => client.set_client_secret(ClientSecret::new(secret.to_owned())),
        None => client,
    };
    let taking_way = Way { way, grant: &taking, clock };
    let answer = client
        .exchange_device_access_token(&asked)
        .set_time_fn(|| clock.now())
        .request_async(&taking_way, |pause: Duration| clock.sleep(pause.max(MIN_PAUSE)), None)
        .await
        .map_err(|error| scrub_error(refused(error, &taking), &secret.into_iter().collect::<Vec<_>>()))?;
    let token = answer.refresh_token().ok_or_else(|| {
        about(
            &taking,
            ErrorKind::Unauthenticated,
            "gave no refresh token, so that the login would end at once",
        )
    })?;
    let kept = Login::new(None, Arc::clone(store)).replace(token.secret()).await;
    kept.map_err(|error| {
        error.with_effect(TookEffect::No).with_context("login", "it could not be kept; log in again")
    })
}

/// Why nothing came of a login.
fn refused(error: RequestTokenError<Error, DeviceCodeErrorResponse>, grant: &Grant) -> Error {
    let no = |what: &str| Error::new(ErrorKind::Unauthenticated, what);
    match error {
        RequestTokenError::Request(error) => error,
        RequestTokenError::ServerResponse(refusal) => match refusal.error() {
            DeviceCodeErrorResponseType::AccessDenied => no("the person declined"),
            // What Entra says instead of RFC 8628's own word.
            DeviceCodeErrorResponseType::Basic(other) if other.as_ref() == "authorization_declined" => {
                no("the person declined")
            }
            DeviceCodeErrorResponseType::ExpiredToken
            | DeviceCodeErrorResponseType::AuthorizationPending
            | DeviceCodeErrorResponseType::SlowDown => {
                no("nobody logged in while the code was good; run the command again")
            }
            DeviceCodeErrorResponseType::Basic(other) => {
                let words = refusal.error_description().cloned();
                let plain = BasicErrorResponse::new(other.clone(), words, None);
                explain(RequestTokenError::ServerResponse(plain), grant)
            }
        },
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            about(grant, ErrorKind::Unauthenticated, "gave an answer that is no token; check its address")
        }
    }
}

/// Sends what `oauth2` prepared, each request with a time of its own.
struct Way<'a> {
    way: &'a dyn Transport,
    grant: &'a Grant,
    clock: &'a dyn Clock,
}

impl<'c> AsyncHttpClient<'c> for Way<'_> {
    type Error = Error;
    type Future = BoxFuture<'c, Result<HttpResponse>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        let needed = Needed { deadline: self.clock.monotonic() + CALL, trace: [0; 16] };
        Box::pin(exchange(self.way, self.grant, request, needed))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use futures::future::ready;
    use secrecy::SecretString;

    use super::*;
    use crate::double::{Script, TestClock, answer};
    use crate::http::{Response, TokenStore};

    const ASKED: &str = r#"{"device_code":"device-1","user_code":"ABCD-EFGH","interval":5,"expires_in":900,
        "verification_uri":"https://login.example/device"}"#;

    #[derive(Debug, Default)]
    struct Kept(Mutex<Option<String>>);

    impl TokenStore for Kept {
        fn read(&self) -> BoxFuture<'_, Result<Option<SecretString>>> {
            Box::pin(ready(Ok(self.0.lock().unwrap().clone().map(SecretString::from))))
        }

        fn write(&self, kept: SecretString) -> BoxFuture<'_, Result<()>> {
            *self.0.lock().unwrap() = Some(kept.expose_secret().to_owned());
            Box::pin(ready(Ok(())))
        }
    }

    fn json(status: u16, body: &str) -> Result<Response> {
        Ok(answer(status, &[("content-type", "application/json")], body))
    }

    fn no(code: &str) -> Result<Response> {
        json(400, &format!(r#"{{"error":"{code}","error_description":"s3cret-of-ours"}}"#))
    }

    fn login(store: &Arc<Kept>, configured: Option<&str>) -> Authentication {
        let login = Authentication::Login {
            token_url: "https://login.example/token".parse().unwrap(),
            device_url: Some("https://login.example/devicecode".parse().unwrap()),
            client_id: "us".into(),
            client_secret: Some("s3cret-of-ours".into()),
            refresh_token: configured.map(SecretString::from),
            scopes: vec!["requests".into(), "offline_access".into()],
            store: None,
        };
        login.keeping(Arc::<Kept>::clone(store))
    }

    async fn run(answers: Vec<Result<Response>>) -> (Result<Option<String>>, Vec<String>, Duration) {
        let (script, clock) = (Script::new(answers), TestClock::skipping());
        let store = Arc::new(Kept::default());
        let mut invited = None;
        let outcome =
            log_in(&script, &login(&store, None), &clock, |told| invited = Some(told.clone())).await;
        if outcome.is_ok() {
            let invited = invited.unwrap();
            assert_eq!(
                (invited.address.as_str(), invited.code.as_str()),
                ("https://login.example/device", "ABCD-EFGH")
            );
        }
        let bodies = script.seen.lock().unwrap();
        let bodies = bodies.iter().map(|sent| String::from_utf8(sent.body.to_vec()).unwrap()).collect();
        let kept = store.0.lock().unwrap().clone();
        (outcome.map(|()| kept), bodies, clock.monotonic())
    }

    #[tokio::test]
    async fn a_person_is_waited_for_at_the_pace_that_the_server_asks_for() {
        let done = r#"{"access_token":"a","token_type":"Bearer","expires_in":3600,"refresh_token":"first"}"#;
        let answers = vec![
            json(200, ASKED),
            no("authorization_pending"),
            no("slow_down"),
            json(503, ""),
            json(200, done),
        ];
        let (kept, bodies, took) = run(answers).await;
        assert_eq!(kept.unwrap().as_deref(), Some("login first"));
        assert_eq!(took, Duration::from_secs(5 + 10 + 10), "slow_down adds five seconds for good");
        assert!(bodies[0].contains("client_id=us") && bodies[0].contains("scope=requests+offline_access"));
        assert!(!bodies[0].contains("s3cret"), "{bodies:?}");
        assert!(
            bodies[4].contains("device_code=device-1") && bodies[4].contains("client_secret=s3cret-of-ours")
        );
    }

    #[tokio::test]
    async fn what_went_wrong_is_said_and_nothing_kept() {
        let bare = r#"{"access_token":"a","token_type":"Bearer"}"#;
        for (answers, words) in [
            (vec![no("unauthorized_client")], "unauthorized_client"),
            (vec![json(200, "<html>")], "check its address"),
            (vec![json(200, ASKED), no("access_denied")], "declined"),
            (vec![json(200, ASKED), no("authorization_declined")], "declined"),
            (vec![json(200, ASKED), no("expired_token")], "run the command again"),
            (vec![json(200, ASKED), no("invalid_client")], "invalid_client"),
            (vec![json(200, ASKED), json(200, bare)], "no refresh token"),
        ] {
            let error = run(answers).await.0.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
            assert!(error.to_string().contains(words), "{error}");
        }
        let mut endless = vec![json(200, ASKED)];
        endless.extend((0..200).map(|_| no("authorization_pending")));
        let (outcome, _, took) = run(endless).await;
        assert!(outcome.unwrap_err().to_string().contains("run the command again"));
        assert!(took >= Duration::from_secs(900) && took < Duration::from_secs(920));
    }

    #[tokio::test]
    async fn a_configured_token_and_a_system_without_persons_are_told_before_anything_is_sent() {
        let (script, clock, store) = (Script::new([]), TestClock::skipping(), Arc::new(Kept::default()));
        let configured = login(&store, Some("configured"));
        for (way, kind) in
            [(configured, ErrorKind::Misconfigured), (Authentication::None, ErrorKind::Unsupported)]
        {
            let error = log_in(&script, &way, &clock, |_| {}).await.unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
        }
        assert_eq!(script.count(), 0);
    }
}
