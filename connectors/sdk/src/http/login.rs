//! A person's login in the hands of an application (RFC 6749 §6): its refresh token, which changes with each use.
//!
//! Somebody logs in once, in a browser, and what comes of it is a refresh token. A server may give another one with each
//! access token and take the one before back, some with the whole family if it is used again: so the newest one is
//! kept before anything else is done, and outlives the process.

use std::fmt::{self, Debug};
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::{BoxFuture, ready};
use ring::digest::{SHA256, digest};
use secrecy::{ExposeSecret, SecretString};

use crate::{Error, ErrorKind, Result};

/// How much of a hash tells one login from another.
const FINGERPRINT_BYTES: usize = 8;
/// What stands before a token that came of no configured one.
const LOGGED_IN: &str = "login ";

/// Where the refresh token of one system's login outlives the process: sealed, and durable before `write` returns.
pub trait TokenStore: Debug + Send + Sync + 'static {
    /// What was written last, if anything was.
    fn read(&self) -> BoxFuture<'_, Result<Option<SecretString>>>;

    /// Keeps this in place of what was kept before. Opaque text of a few kilobytes.
    fn write(&self, kept: SecretString) -> BoxFuture<'_, Result<()>>;
}

/// Keeps nothing: after a restart the login begins with the token that was configured.
#[derive(Clone, Copy, Debug)]
pub struct Forgetful;

impl TokenStore for Forgetful {
    fn read(&self) -> BoxFuture<'_, Result<Option<SecretString>>> {
        Box::pin(ready(Ok(None)))
    }

    fn write(&self, _kept: SecretString) -> BoxFuture<'_, Result<()>> {
        Box::pin(ready(Ok(())))
    }
}

/// A login, with the refresh token to use next.
pub(crate) struct Login {
    /// The token that the operator configured; `None`: a person logged in with a code.
    given: Option<SecretString>,
    store: Arc<dyn TokenStore>,
    newest: Mutex<Option<SecretString>>,
}

impl Login {
    pub(crate) fn new(given: Option<SecretString>, store: Arc<dyn TokenStore>) -> Self {
        Self { given, store, newest: Mutex::default() }
    }

    /// The refresh token to use next: the newest one of this login, wherever it is.
    pub(crate) async fn token(&self) -> Result<SecretString> {
        let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(newest) = newest {
            return Ok(newest);
        }
        let kept = self.store.read().await?;
        // What came of another login is of no use: somebody logged in again and configured what came of that.
        let ours = kept.as_ref().and_then(|kept| kept.expose_secret().strip_prefix(&self.prefix()));
        let newest = ours.map(|token| SecretString::from(token.to_owned())).or_else(|| self.given.clone());
        newest.ok_or_else(|| {
            let message = "nobody has logged in to this system yet; stop the bridge, run `throughline login` and start it again";
            Error::new(ErrorKind::Unauthenticated, message)
        })
    }

    /// Keeps the token that the server gave in place of the one before.
    ///
    /// # Errors
    ///
    /// What the store says. The token is used all the same from now on, and kept with the next one.
    pub(crate) async fn replace(&self, token: &str) -> Result<()> {
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = Some(token.into());
        self.store.write(format!("{}{token}", self.prefix()).into()).await
    }

    /// Which login a kept token came of, without telling the token.
    fn prefix(&self) -> String {
        let Some(given) = &self.given else { return LOGGED_IN.to_owned() };
        let hash = digest(&SHA256, given.expose_secret().as_bytes());
        let mut prefix: String =
            hash.as_ref().iter().take(FINGERPRINT_BYTES).map(|byte| format!("{byte:02x}")).collect();
        prefix.push(' ');
        prefix
    }
}

impl Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("store", &self.store).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use ::http::{HeaderValue, Method};

    use super::*;
    use crate::double::{CountingEntropy, Script, TestClock, answer, request};
    use crate::http::{Authentication, Limits, Reach, Response, Transport, plane};
    use crate::{Clock, TookEffect};

    /// A store in memory that fails on demand.
    #[derive(Debug, Default)]
    struct Kept {
        text: Mutex<Option<String>>,
        fails: bool,
    }

    impl TokenStore for Kept {
        fn read(&self) -> BoxFuture<'_, Result<Option<SecretString>>> {
            let text = self.text.lock().unwrap().clone();
            Box::pin(ready(Ok(text.map(SecretString::from))))
        }

        fn write(&self, kept: SecretString) -> BoxFuture<'_, Result<()>> {
            *self.text.lock().unwrap() = Some(kept.expose_secret().to_owned());
            let outcome =
                if self.fails { Err(Error::new(ErrorKind::Unavailable, "disk full")) } else { Ok(()) };
            Box::pin(ready(outcome))
        }
    }

    fn tokens(access: &str, refresh: Option<&str>) -> Result<Response> {
        let refresh = refresh.map(|token| format!(r#","refresh_token":"{token}""#)).unwrap_or_default();
        let body =
            format!(r#"{{"access_token":"{access}","token_type":"Bearer","expires_in":3600{refresh}}}"#);
        Ok(answer(200, &[("content-type", "application/json")], &body))
    }

    fn logged_in(
        script: &Arc<Script>,
        given: &str,
        client_secret: Option<&str>,
        store: Option<&Arc<Kept>>,
    ) -> Arc<dyn Transport> {
        let login = Authentication::Login {
            token_url: "https://login.example/token".parse().unwrap(),
            device_url: None,
            client_id: "us".into(),
            client_secret: client_secret.map(SecretString::from),
            refresh_token: (!given.is_empty()).then(|| given.into()),
            scopes: vec!["requests".into()],
            store: None,
        };
        let login = match store {
            Some(store) => login.keeping(Arc::<Kept>::clone(store)),
            None => login,
        };
        let base: Arc<dyn Transport> = Arc::<Script>::clone(script);
        let clock: Arc<dyn Clock> = Arc::new(TestClock::skipping());
        let address = "https://desk.example/".parse().unwrap();
        let limits = Limits { per_second: None, burst: 1, concurrency: 1 };
        let reach = Reach { address: &address, further: &[] };
        plane(base, reach, login, limits, clock, Arc::new(CountingEntropy::default()))
    }

    async fn ask(plane: &Arc<dyn Transport>) -> Result<Response> {
        plane.send(request(Method::POST, "https://desk.example/1")).await
    }

    fn bodies(script: &Script) -> Vec<String> {
        let seen = script.seen.lock().unwrap();
        let asked = seen.iter().filter(|request| request.url.host_str() == Some("login.example"));
        asked.map(|request| String::from_utf8(request.body.to_vec()).unwrap()).collect()
    }

    fn refused() -> Result<Response> {
        Ok(answer(401, &[], ""))
    }

    #[tokio::test]
    async fn each_token_is_used_once_and_the_newest_outlives_the_process() {
        let store = Arc::new(Kept::default());
        let script =
            Arc::new(Script::new([tokens("one", Some("second-refresh")), refused(), tokens("two", None)]));
        let plane = logged_in(&script, "first-refresh", Some("s3cret-of-ours"), Some(&store));
        ask(&plane).await.unwrap();
        let bodies = bodies(&script);
        assert!(bodies[0].contains("grant_type=refresh_token&refresh_token=first-refresh"), "{bodies:?}");
        assert!(bodies[1].contains("refresh_token=second-refresh") && bodies[1].contains("scope=requests"));
        assert_eq!(script.header(3, "authorization"), Some(HeaderValue::from_static("Bearer two")));
        // Another process with the same configuration goes on with what was kept.
        let script = Arc::new(Script::new([tokens("three", None)]));
        ask(&logged_in(&script, "first-refresh", Some("s3cret-of-ours"), Some(&store))).await.unwrap();
        assert!(self::bodies(&script)[0].contains("refresh_token=second-refresh"));
    }

    #[tokio::test]
    async fn a_new_login_takes_the_place_of_what_was_kept_of_the_old_one() {
        let store = Arc::new(Kept::default());
        let script = Arc::new(Script::new([tokens("one", Some("second-refresh"))]));
        ask(&logged_in(&script, "first-refresh", None, Some(&store))).await.unwrap();
        let script = Arc::new(Script::new([tokens("one", None)]));
        ask(&logged_in(&script, "another-login", None, Some(&store))).await.unwrap();
        assert!(bodies(&script)[0].contains("refresh_token=another-login"));
    }

    #[tokio::test]
    async fn who_logged_in_with_a_code_needs_no_configured_token() {
        let store = Arc::new(Kept::default());
        let script = Arc::new(Script::new([]));
        let error = ask(&logged_in(&script, "", None, Some(&store))).await.unwrap_err();
        assert_eq!((error.kind(), script.count()), (ErrorKind::Unauthenticated, 0));
        assert!(error.to_string().contains("throughline login"), "{error}");
        Login::new(None, Arc::<Kept>::clone(&store)).replace("first-refresh").await.unwrap();
        let script = Arc::new(Script::new([tokens("one", Some("second-refresh"))]));
        ask(&logged_in(&script, "", None, Some(&store))).await.unwrap();
        assert!(bodies(&script)[0].contains("refresh_token=first-refresh"));
        let script = Arc::new(Script::new([tokens("two", None)]));
        ask(&logged_in(&script, "", None, Some(&store))).await.unwrap();
        assert!(bodies(&script)[0].contains("refresh_token=second-refresh"));
    }

    #[tokio::test]
    async fn a_public_client_names_itself_in_the_body() {
        let script = Arc::new(Script::new([tokens("one", None)]));
        ask(&logged_in(&script, "first-refresh", None, None)).await.unwrap();
        assert!(bodies(&script)[0].contains("client_id=us"));
        assert_eq!(script.header(0, "authorization"), None);
    }

    #[tokio::test]
    async fn what_cannot_be_kept_is_told_and_the_login_is_not_lost() {
        let store = Arc::new(Kept { fails: true, ..Kept::default() });
        let script = Arc::new(Script::new([tokens("one", Some("second-refresh")), tokens("two", None)]));
        let plane = logged_in(&script, "first-refresh", None, Some(&store));
        let error = ask(&plane).await.unwrap_err();
        assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Unavailable, TookEffect::No));
        ask(&plane).await.unwrap();
        assert!(bodies(&script)[1].contains("refresh_token=second-refresh"));
    }

    #[tokio::test]
    async fn a_login_that_ended_is_for_a_person_and_no_token_is_quoted() {
        let body = r#"{"error":"invalid_grant","error_description":"first-refresh has expired"}"#;
        let script = Arc::new(Script::new([Ok(answer(400, &[("content-type", "application/json")], body))]));
        let error = ask(&logged_in(&script, "first-refresh", None, None)).await.unwrap_err();
        assert_eq!((error.kind(), error.took_effect()), (ErrorKind::Unauthenticated, TookEffect::No));
        let words = error.to_string();
        assert!(words.contains("invalid_grant") && words.contains("log in again"), "{words}");
        assert!(!words.contains("first-refresh"), "{words}");
    }

    #[test]
    fn nothing_of_a_login_is_printed() {
        let login = Login::new(Some("first-refresh".into()), Arc::new(Forgetful));
        assert!(!format!("{login:?}").contains("first-refresh"));
    }
}
