//! Files that a desk keeps elsewhere: reads on through redirects, each of which passes every layer again.

use ::http::Method;
use ::http::header::ACCEPT;
use bytes::Bytes;
use url::Url;

use super::Response;
use crate::{Ctx, Error, ErrorKind, Result};

/// How often an address may lead to another.
const MAX_HOPS: usize = 4;

/// Where reading on ended.
#[derive(Debug)]
pub struct Onward {
    /// The address that was asked last.
    pub url: Url,
    /// Its answer, whatever its status, and never a redirect that names an address.
    pub response: Response,
}

impl Ctx {
    /// Reads what `url` leads to, at most `limit_bytes` of it. The plane lets requests go to the system itself and to
    /// the further hosts of its [`Built`](crate::Built), without credentials.
    ///
    /// # Errors
    ///
    /// What [`Transport::send`](super::Transport::send) returns; [`ErrorKind::Malformed`] for addresses that lead on
    /// and on, or to a host that is none of the system's.
    pub async fn read_onward(&self, mut url: Url, limit_bytes: u64) -> Result<Onward> {
        for _ in 0..=MAX_HOPS {
            let call = self.get(url.clone()).header(ACCEPT, "*/*").max_answer_bytes(limit_bytes);
            let response = call.send_any().await?;
            match response.location(&url) {
                Some(target) => url = target,
                None => return Ok(Onward { url, response }),
            }
        }
        Err(Error::new(ErrorKind::Malformed, format!("an address leads on more than {MAX_HOPS} times")))
    }
}

impl Onward {
    /// The bytes, from a host that knows nothing of our credentials: what it refuses is never their fault.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] for what is gone there, [`ErrorKind::Unavailable`] for every other refusal: a signed
    /// address that ran out is good again when the desk gives it anew.
    pub fn stored(self) -> Result<Bytes> {
        let kind = match self.response.status.as_u16() {
            200 => return Ok(self.response.body),
            404 | 410 => ErrorKind::NotFound,
            _ => ErrorKind::Unavailable,
        };
        let words = format!("the host that keeps the file answered {}", self.response.status);
        let host = self.url.host_str().unwrap_or_default();
        Err(self.response.error(kind, &Method::GET, words).with_context("host", host))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use futures::future::BoxFuture;

    use super::*;
    use crate::double::{Script, TestClock, answer};
    use crate::{Blobs, Digest, Urgency};

    #[derive(Debug)]
    struct NoBlobs;

    impl Blobs for NoBlobs {
        fn read<'a>(&'a self, _: &'a Digest) -> BoxFuture<'a, Result<Bytes>> {
            Box::pin(async { Err(Error::new(ErrorKind::NotFound, "nothing is stored")) })
        }

        fn write(&self, _: Bytes) -> BoxFuture<'_, Result<Digest>> {
            Box::pin(async { Err(Error::new(ErrorKind::NotFound, "nothing is stored")) })
        }
    }

    async fn read(answers: Vec<Response>) -> (Result<Onward>, Vec<String>) {
        let script = Arc::new(Script::new(answers.into_iter().map(Ok)));
        let ctx = Ctx {
            dial: Arc::new(crate::NoDial),
            http: Arc::<Script>::clone(&script),
            clock: Arc::new(TestClock::manual()),
            blobs: Arc::new(NoBlobs),
            deadline: Duration::from_secs(20),
            urgency: Urgency(0),
            trace: [1; 16],
        };
        let end = ctx.read_onward("https://desk.example/files/1".parse().unwrap(), 100).await;
        (end, script.urls())
    }

    #[tokio::test]
    async fn a_file_is_read_from_where_its_address_leads() {
        let hops = vec![
            answer(302, &[("location", "/files/1/there")], ""),
            answer(303, &[("location", "https://cdn.example/a?signature=s")], ""),
            answer(200, &[], "bytes"),
        ];
        let (end, asked) = read(hops).await;
        assert_eq!(end.unwrap().stored().unwrap(), "bytes");
        assert_eq!(asked[1..], ["https://desk.example/files/1/there", "https://cdn.example/a?signature=s"]);
    }

    #[tokio::test]
    async fn a_circle_ends() {
        let (end, asked) = read((0..9).map(|_| answer(302, &[("location", "/again")], "")).collect()).await;
        assert_eq!(end.unwrap_err().kind(), ErrorKind::Malformed);
        assert_eq!(asked.len(), MAX_HOPS + 1);
    }

    #[tokio::test]
    async fn a_strangers_refusal_is_not_about_our_credentials() {
        for (status, kind) in [
            (401, ErrorKind::Unavailable),
            (403, ErrorKind::Unavailable),
            (404, ErrorKind::NotFound),
            (429, ErrorKind::Unavailable),
            (503, ErrorKind::Unavailable),
        ] {
            let error = read(vec![answer(status, &[], "")]).await.0.unwrap().stored().unwrap_err();
            assert_eq!(error.kind(), kind, "{status}");
        }
    }
}
