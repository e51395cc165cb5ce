//! Requests as a manifest writes them, and answers as its expressions see them.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use serde_json::Value as Json;
use throughline_sdk::http::{Request, Response, after, json_fault};
use throughline_sdk::{Ctx, Error, ErrorKind, Result, TookEffect};
use url::Url;

use crate::config::{header_name, misconfigured};
use crate::desk::Desk;
use crate::expression::{Expression, Scope, Template, Unevaluated, Value, plain_text};
use crate::session::Token;

/// How much of a desk's own words goes into an error.
const MAX_WORDS: usize = 500;
/// The largest file that is read as part of a JSON answer has to fit in, in base 64.
pub(crate) const MAX_ANSWER_BYTES: u64 = 16 * 1024 * 1024;

/// The first line of a request: `"GET tickets/{{ id }}"`.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) method: Method,
    pub(crate) path: Template,
}

/// What a request is for. A search may be a `POST`, and changes nothing all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Reading,
    Writing,
}

/// A body to send.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    Empty,
    Json(Json),
    Bytes { media_type: String, bytes: Bytes },
}

/// A request, ready to be sent more than once: again with a new session.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Body,
    pub(crate) purpose: Purpose,
    pub(crate) max_answer_bytes: u64,
}

/// An answer that is no refusal.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The names of an answer, and those of every expression.
    pub(crate) scope: Scope,
    pub(crate) response: Response,
    method: Method,
    purpose: Purpose,
}

/// What every request needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Api<'a> {
    pub(crate) ctx: &'a Ctx,
    pub(crate) desk: &'a Desk,
}

impl<'a> Api<'a> {
    /// Reads with a request of the manifest.
    pub(crate) async fn read(&self, line: &Line, body: Option<&Expression>, scope: &Scope) -> Result<Answer> {
        let outgoing = self.outgoing(line, body, scope, Purpose::Reading)?;
        self.exchange(outgoing).await
    }

    /// Writes with a request of the manifest.
    pub(crate) async fn write(
        &self,
        line: &Line,
        headers: &BTreeMap<String, Expression>,
        body: Option<&Expression>,
        scope: &Scope,
    ) -> Result<Answer> {
        let mut outgoing = self.outgoing(line, body, scope, Purpose::Writing)?;
        outgoing.headers = self.headers(headers, scope)?;
        self.exchange(outgoing).await
    }

    /// A request with everything but header fields.
    pub(crate) fn outgoing(
        &self,
        line: &Line,
        body: Option<&Expression>,
        scope: &Scope,
        purpose: Purpose,
    ) -> Result<Outgoing> {
        let body = match body {
            Some(body) => {
                body.json(scope).map_err(|failed| self.failed(&failed))?.map_or(Body::Empty, Body::Json)
            }
            None => Body::Empty,
        };
        Ok(Outgoing {
            method: line.method.clone(),
            url: self.url(line, scope)?,
            headers: Vec::new(),
            body,
            purpose,
            max_answer_bytes: MAX_ANSWER_BYTES,
        })
    }

    /// The address of a request.
    pub(crate) fn url(&self, line: &Line, scope: &Scope) -> Result<Url> {
        let path = line.path.text(scope).map_err(|failed| self.failed(&failed))?;
        let base = self.desk.manifest.base.trim_matches('/');
        let slash = if base.is_empty() { "" } else { "/" };
        self.desk.config.below(&format!("./{base}{slash}{}", path.trim_start_matches('/')))
    }

    /// The header fields that are there.
    pub(crate) fn headers(
        &self,
        headers: &BTreeMap<String, Expression>,
        scope: &Scope,
    ) -> Result<Vec<(HeaderName, HeaderValue)>> {
        let mut fields = Vec::new();
        for (name, value) in headers {
            let Some(text) = value.text(scope).map_err(|failed| self.failed(&failed))? else { continue };
            let value = HeaderValue::from_str(&text).map_err(|error| {
                let message = format!("a value for the header field {name} cannot be sent in one: {error}");
                Error::new(ErrorKind::Rejected, message)
            })?;
            fields.push((header_name(name)?, value));
        }
        Ok(fields)
    }

    /// Sends a request, and once more with a new session where the desk does not know the old one.
    pub(crate) fn exchange(&self, outgoing: Outgoing) -> BoxFuture<'a, Result<Answer>> {
        let api = *self;
        Box::pin(async move {
            let Some(session) = &api.desk.session else { return api.once(&outgoing, None).await };
            let token = session.token(api).await?;
            match api.once(&outgoing, Some(&token)).await {
                // A request that was refused for its credentials was not carried out.
                Err(error) if error.kind() == ErrorKind::Unauthenticated => {
                    tracing::info!(
                        server.address = outgoing.url.host_str().unwrap_or_default(),
                        "The desk refused a session before its end; a new one is begun."
                    );
                    session.refused(api, &token).await?;
                    let token = session.token(api).await?;
                    api.once(&outgoing, Some(&token)).await
                }
                other => other,
            }
        })
    }

    /// Sends a request with these credentials.
    pub(crate) async fn once(&self, outgoing: &Outgoing, token: Option<&Token>) -> Result<Answer> {
        let mut headers = outgoing.headers.clone();
        headers.extend(token.map(|token| (token.name.clone(), token.value.clone())));
        let sent = self.send(outgoing, headers).await;
        let harmless = |error: Error| match outgoing.purpose {
            Purpose::Reading => error.with_effect(TookEffect::No),
            Purpose::Writing => error,
        };
        let response = sent.map_err(harmless)?;
        self.answer(response, outgoing).map_err(harmless).map_err(|error| self.without_secrets(error, token))
    }

    /// Sends a request with these header fields, once.
    pub(crate) async fn send(
        &self,
        outgoing: &Outgoing,
        more: Vec<(HeaderName, HeaderValue)>,
    ) -> Result<Response> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let body = match &outgoing.body {
            Body::Empty => Bytes::new(),
            Body::Json(json) => {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                Bytes::from(json.to_string())
            }
            Body::Bytes { media_type, bytes } => {
                let media_type = HeaderValue::from_str(media_type)
                    .unwrap_or_else(|_| HeaderValue::from_static("application/octet-stream"));
                headers.insert(CONTENT_TYPE, media_type);
                bytes.clone()
            }
        };
        headers.extend(more);
        let request = Request {
            method: outgoing.method.clone(),
            url: outgoing.url.clone(),
            headers,
            body,
            deadline: self.ctx.deadline,
            urgency: self.ctx.urgency,
            trace: self.ctx.trace,
            max_answer_bytes: outgoing.max_answer_bytes,
        };
        self.ctx.http.send(request).await
    }

    /// What an expression of the manifest could not do, as an error of the call.
    pub(crate) fn failed(&self, failed: &Unevaluated) -> Error {
        self.desk.source.failed(failed)
    }

    fn answer(&self, response: Response, outgoing: &Outgoing) -> Result<Answer> {
        let method = &outgoing.method;
        if response.status.is_redirection() {
            return Err(misconfigured(
                "the desk redirects; set url, or the manifest's path, to where it leads",
            )
            .with_effect(after(method, Some(response.status))));
        }
        let parsed = parse(&response);
        let seen = parsed.as_ref().map_or(Value::UNDEFINED, Value::clone);
        let headers =
            response.headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let scope = self
            .desk
            .scope()
            .with("answer", seen)
            .with("code", response.status.as_u16())
            .with("headers", Value::from_pairs(headers));
        if let Some((kind, effect)) = self.ruled(&scope, outgoing)? {
            return Err(self.refused(&scope, &response, kind, method).with_effect(effect));
        }
        if let Some(kind) = ErrorKind::from_status(response.status.as_u16()) {
            return Err(self.refused(&scope, &response, kind, method));
        }
        if let (Err(fault), true) = (&parsed, is_json(&response)) {
            let message = format!("the desk's answer is no JSON: {fault}");
            return Err(response.error(ErrorKind::Malformed, method, message));
        }
        Ok(Answer { scope, response, method: method.clone(), purpose: outgoing.purpose })
    }

    /// The first rule of `[errors]` that holds.
    fn ruled(&self, scope: &Scope, outgoing: &Outgoing) -> Result<Option<(ErrorKind, TookEffect)>> {
        for rule in &self.desk.manifest.errors.rules {
            if !rule
                .when
                .holds(scope)
                .map_err(|failed| self.failed(&failed).with_effect(after(&outgoing.method, None)))?
            {
                continue;
            }
            let doubtful = rule
                .may_have_happened
                .unwrap_or(matches!(rule.kind, ErrorKind::Unavailable | ErrorKind::Malformed));
            let effect = if doubtful { TookEffect::Unknown } else { TookEffect::No };
            return Ok(Some((rule.kind, effect)));
        }
        Ok(None)
    }

    fn refused(&self, scope: &Scope, response: &Response, kind: ErrorKind, method: &Method) -> Error {
        // Words that cannot be read must not hide the refusal itself.
        let words = self.desk.manifest.errors.message.as_ref().and_then(|message| message.value(scope).ok());
        let words = words.as_ref().and_then(words_of).filter(|words| !words.is_empty());
        let message = match words {
            Some(words) => {
                let words: String = words.chars().take(MAX_WORDS).collect();
                format!("the desk refused with {}: {words}", response.status.as_u16())
            }
            None if response.status.is_success() => "the desk refused without saying why".to_owned(),
            None => format!("the desk answered {}", response.status),
        };
        response.error(kind, method, message)
    }

    /// The same error without what nobody may read.
    fn without_secrets(&self, error: Error, token: Option<&Token>) -> Error {
        let config = &self.desk.config;
        let mut words = error.message().to_owned();
        let secrets = [&config.secret, &config.client_secret, &config.webhook_secret].into_iter().flatten();
        for secret in secrets.chain(token.map(|token| &token.secret)) {
            // Shorter than this nothing is a secret, and taking it out would tear words apart.
            if secret.expose_secret().len() >= 6 {
                words = words.replace(secret.expose_secret(), "[secret]");
            }
        }
        if words == error.message() {
            return error;
        }
        Error::new(error.kind(), words).with_effect(error.took_effect()).with_retry_after(error.retry_after())
    }
}

impl Answer {
    /// The whole answer as the language sees it.
    pub(crate) fn value(&self) -> Value {
        self.scope.get("answer")
    }

    /// An error about this answer: of a write, it may have been carried out.
    pub(crate) fn malformed(&self, why: impl Into<String>) -> Error {
        let error = self.response.error(ErrorKind::Malformed, &self.method, why);
        match self.purpose {
            Purpose::Reading => error.with_effect(TookEffect::No),
            Purpose::Writing => error,
        }
    }

    /// The same of what an expression could not make of it.
    pub(crate) fn unreadable(&self, api: Api<'_>, failed: &Unevaluated) -> Error {
        self.malformed(api.failed(failed).message().to_owned())
    }

    /// The text that an expression finds in it; `None` where there is none.
    pub(crate) fn text(&self, api: Api<'_>, expression: &Expression) -> Result<Option<String>> {
        expression.text(&self.scope).map_err(|failed| self.unreadable(api, &failed))
    }

    /// The text that has to be in it.
    pub(crate) fn required(&self, api: Api<'_>, expression: &Expression) -> Result<String> {
        self.text(api, expression)?.ok_or_else(|| {
            self.unreadable(api, &expression.because("the answer does not hold it".to_owned()))
        })
    }

    /// The list that has to be in it.
    pub(crate) fn list(&self, api: Api<'_>, expression: &Expression) -> Result<Vec<Value>> {
        expression.list(&self.scope).map_err(|failed| self.unreadable(api, &failed))
    }
}

/// The body as the language sees it; nothing where there is no body.
fn parse(response: &Response) -> Result<Value, String> {
    if response.body.is_empty() || response.status == StatusCode::NO_CONTENT {
        return Ok(Value::UNDEFINED);
    }
    serde_json::from_slice::<Value>(&response.body).map_err(|error| json_fault(&error))
}

fn is_json(response: &Response) -> bool {
    let named = response.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    named.is_some_and(|named| named.to_ascii_lowercase().contains("json"))
}

/// What a desk says, on one line.
fn words_of(value: &Value) -> Option<String> {
    let text = match plain_text(value) {
        Some(text) => text,
        None if value.is_undefined() || value.is_none() => return None,
        None => serde_json::to_string(value).ok()?,
    };
    Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

impl<'de> Deserialize<'de> for Line {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let whole = Template::deserialize(deserializer)?;
        let (method, rest) = whole.source().split_once(' ').unwrap_or((whole.source(), ""));
        let known = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
        let method = known.into_iter().find(|known| known.as_str() == method).ok_or_else(|| {
            D::Error::custom(
                "a request begins with GET, POST, PUT, PATCH or DELETE, then a path below the setting url",
            )
        })?;
        let path = whole.after(whole.source().len() - rest.len());
        Ok(Self { method, path })
    }
}
