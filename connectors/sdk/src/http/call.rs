//! A small request builder on [`Ctx`], so that every connector sends deadline, urgency and trace and none forgets one.

use ::http::header::{ACCEPT, CONTENT_TYPE};
use ::http::{HeaderMap, HeaderName, HeaderValue, Method};
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::{Request, Response};
use crate::{Ctx, Error, ErrorKind, Result};

/// The largest answer taken where a call does not say otherwise: 16 MiB.
const MAX_ANSWER_BYTES: u64 = 16 * 1024 * 1024;

impl Ctx {
    /// Begins a request to `url`. Nothing is sent before [`Call::send`].
    pub fn call(&self, method: Method, url: Url) -> Call<'_> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let request = Request {
            method,
            url,
            headers,
            body: Bytes::new(),
            deadline: self.deadline,
            urgency: self.urgency,
            trace: self.trace,
            max_answer_bytes: MAX_ANSWER_BYTES,
        };
        Call { ctx: self, request, problem: None }
    }

    /// Begins a `GET`.
    pub fn get(&self, url: Url) -> Call<'_> {
        self.call(Method::GET, url)
    }

    /// Begins a `POST`.
    pub fn post(&self, url: Url) -> Call<'_> {
        self.call(Method::POST, url)
    }
}

/// A request being put together. A mistake on the way is kept and returned by [`send`](Self::send).
#[derive(Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct Call<'a> {
    ctx: &'a Ctx,
    request: Request,
    problem: Option<Error>,
}

impl Call<'_> {
    /// Adds a header field, in place of an earlier one with this name.
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        match HeaderValue::from_str(value) {
            Ok(value) => {
                self.request.headers.insert(name, value);
            }
            Err(_) => {
                let message = format!("a value for the header field {name} cannot be sent in one");
                self.problem = Some(Error::new(ErrorKind::Rejected, message));
            }
        }
        self
    }

    /// Sets the body, as JSON.
    pub fn json<T: Serialize + ?Sized>(mut self, body: &T) -> Self {
        match serde_json::to_vec(body) {
            Ok(body) => self.body("application/json", Bytes::from(body)),
            Err(error) => {
                let message = format!("the request cannot be written as JSON: {error}");
                self.problem = Some(Error::new(ErrorKind::Malformed, message));
                self
            }
        }
    }

    /// Sets the body, bytes as they are.
    pub fn body(mut self, media_type: &str, body: Bytes) -> Self {
        self.request.body = body;
        self.header(CONTENT_TYPE, media_type)
    }

    /// Adds a pair to the query part, escaped.
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.request.url.query_pairs_mut().append_pair(name, value);
        self
    }

    /// Takes no answer larger than this.
    pub fn max_answer_bytes(mut self, bytes: u64) -> Self {
        self.request.max_answer_bytes = bytes;
        self
    }

    /// Sends the request once and returns the answer if its status says success.
    ///
    /// # Errors
    ///
    /// What [`Transport::send`](super::Transport::send) returns; else by status, see [`Response::success`].
    pub async fn send(self) -> Result<Response> {
        let method = self.request.method.clone();
        self.send_any().await?.success(&method)
    }

    /// Sends the request once and returns the answer whatever its status, for connectors that read the body of a
    /// refusal.
    ///
    /// # Errors
    ///
    /// What [`Transport::send`](super::Transport::send) returns.
    pub async fn send_any(self) -> Result<Response> {
        match self.problem {
            Some(problem) => Err(problem),
            None => self.ctx.http.send(self.request).await,
        }
    }

    /// Sends the request once and reads the answer as JSON.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), and [`ErrorKind::Malformed`] for a body of another shape: of a write, it may have
    /// taken effect.
    pub async fn send_json<T: DeserializeOwned>(self) -> Result<T> {
        let method = self.request.method.clone();
        self.send_any().await?.success(&method)?.json(&method)
    }
}

/// `base` with `segments` added to its path, each escaped, whatever it contains.
pub fn join(base: &Url, segments: &[&str]) -> Url {
    let mut url = base.clone();
    url.set_query(None);
    url.set_fragment(None);
    // An http address always has a path to extend.
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joining_escapes_each_segment_and_keeps_the_base_path() {
        let base = Url::parse("https://desk.example/support/?x=1").unwrap();
        assert_eq!(
            join(&base, &["tickets", "a/b ü"]).as_str(),
            "https://desk.example/support/tickets/a%2Fb%20%C3%BC"
        );
    }
}
