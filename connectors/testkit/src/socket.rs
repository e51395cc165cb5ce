//! Plain HTTP/1.1 to a desk on loopback, so that a connector can be run against it without the daemon's egress.

use std::fmt;

use futures::future::{BoxFuture, Either, select};
use http::{HeaderValue, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use secrecy::ExposeSecret;
use throughline_sdk::http::{Authentication, Request, Response, Transport, after, too_large};
use throughline_sdk::{Error, ErrorKind, Result};
use tokio::net::TcpStream;

/// Sends each request over a connection of its own: nothing is pooled, repeated or redirected.
///
/// It knows `http` only, and no authentication that needs a request of its own.
pub struct SocketTransport {
    authentication: Authentication,
}

impl SocketTransport {
    /// A transport that authenticates each request like this.
    pub fn new(authentication: Authentication) -> Self {
        Self { authentication }
    }

    async fn exchange(&self, request: Request) -> Result<Response> {
        let address = request
            .url
            .socket_addrs(|| None)
            .map_err(|error| misconfigured(format!("no socket for {}: {error}", request.url.authority())))?;
        let socket = TcpStream::connect(address.as_slice()).await.map_err(|error| {
            Error::new(
                ErrorKind::Unavailable,
                format!("cannot connect to {}: {error}", request.url.authority()),
            )
        })?;
        let effect = after(&request.method, None);
        let lost = |error: &dyn fmt::Display| {
            Error::new(ErrorKind::Unavailable, format!("no whole answer: {error}")).with_effect(effect)
        };
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(socket)).await.map_err(|error| lost(&error))?;
        let (method, most) = (request.method.clone(), request.max_answer_bytes);
        let limit = usize::try_from(most).unwrap_or(usize::MAX);
        let outgoing = self.outgoing(request)?;
        let answer = Box::pin(async move {
            let (head, body) =
                sender.send_request(outgoing).await.map_err(|error| lost(&error))?.into_parts();
            let body = Limited::new(body, limit).collect().await.map_err(|error| {
                match error.is::<LengthLimitError>() {
                    true => too_large(&method, head.status, most),
                    false => lost(&error),
                }
            })?;
            Ok(Response { status: head.status, headers: head.headers, body: body.to_bytes() })
        });
        match select(answer, connection).await {
            Either::Left((answer, _)) => answer,
            // The last bytes of an answer may be in hand when the connection ends.
            Either::Right((_, answer)) => answer.await,
        }
    }

    fn outgoing(&self, request: Request) -> Result<http::Request<Full<bytes::Bytes>>> {
        let target = match request.url.query() {
            Some(query) => format!("{}?{query}", request.url.path()),
            None => request.url.path().to_owned(),
        };
        let mut outgoing = http::Request::new(Full::new(request.body));
        *outgoing.method_mut() = request.method;
        *outgoing.uri_mut() = target.parse().map_err(|error| misconfigured(format!("{target}: {error}")))?;
        *outgoing.headers_mut() = request.headers;
        let host = HeaderValue::from_str(request.url.authority())
            .map_err(|error| misconfigured(error.to_string()))?;
        outgoing.headers_mut().insert(header::HOST, host);
        let (name, value) = match &self.authentication {
            Authentication::None => return Ok(outgoing),
            Authentication::Header { name, value } => (name.clone(), value.expose_secret().to_owned()),
            Authentication::Bearer(token) => {
                (header::AUTHORIZATION, format!("Bearer {}", token.expose_secret()))
            }
            Authentication::Basic { .. }
            | Authentication::Hmac { .. }
            | Authentication::Login { .. }
            | Authentication::ClientCredentials { .. } => {
                return Err(misconfigured(
                    "this transport knows header and bearer authentication only".to_owned(),
                ));
            }
        };
        let value = HeaderValue::from_str(&value)
            .map_err(|error| misconfigured(format!("the credential is no header value: {error}")))?;
        outgoing.headers_mut().insert(name, value);
        Ok(outgoing)
    }
}

impl fmt::Debug for SocketTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketTransport").finish_non_exhaustive()
    }
}

impl Transport for SocketTransport {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response>> {
        Box::pin(self.exchange(request))
    }
}

fn misconfigured(message: String) -> Error {
    Error::new(ErrorKind::Misconfigured, message)
}
