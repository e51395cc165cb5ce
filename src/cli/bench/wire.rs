//! A connection to a web server on this machine that costs next to nothing, so that the load leaves the cores to
//! whoever is measured.

use std::io;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The longest answer that is read.
const MOST: usize = 1024 * 1024;

/// A kept connection, one request at a time.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    host: String,
    buffer: BytesMut,
}

impl Connection {
    /// Connects to `HOST:PORT`.
    pub(super) async fn open(host: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(host).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, host: host.to_owned(), buffer: BytesMut::with_capacity(4096) })
    }

    /// Sends a request and returns the answer's status and body. `headers` are whole lines.
    pub(super) async fn send(
        &mut self,
        line: &str,
        headers: &str,
        body: &[u8],
    ) -> io::Result<(u16, Vec<u8>)> {
        let head = format!(
            "{line} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{headers}\r\n",
            self.host,
            body.len()
        );
        let mut request = head.into_bytes();
        request.extend_from_slice(body);
        self.stream.write_all(&request).await?;
        loop {
            if let Some(answer) = self.parse()? {
                return Ok(answer);
            }
            if self.buffer.len() > MOST || self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(broken("the connection broke before the answer was whole"));
            }
        }
    }

    fn parse(&mut self) -> io::Result<Option<(u16, Vec<u8>)>> {
        let Some(end) = self.buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
            return Ok(None);
        };
        let head = String::from_utf8_lossy(self.buffer.get(..end).unwrap_or_default()).to_ascii_lowercase();
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let status = status.ok_or_else(|| broken("the answer has no status"))?;
        let length =
            lines.find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
        let whole = end + 4 + length.unwrap_or_default();
        if self.buffer.len() < whole {
            return Ok(None);
        }
        let answer = self.buffer.split_to(whole);
        Ok(Some((status, answer.get(end + 4..).unwrap_or_default().to_vec())))
    }
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
