//! One plain HTTP exchange, so that the tests see what really stands on the wire.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// What the daemon answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    /// The head as it came.
    pub(crate) raw: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// The value of a header field, as it came.
    pub(crate) fn exact(&self, name: &str) -> Option<&str> {
        self.raw.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value.trim_end())
        })
    }
}

/// Sends one request; `None` if nobody answers.
pub(crate) fn send(
    address: &str,
    method: &str,
    path: &str,
    fields: &[(&str, &str)],
    body: &[u8],
) -> Option<Answer> {
    let mut socket = TcpStream::connect(address).ok()?;
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    head.push_str(&format!("content-length: {}\r\n", body.len()));
    for (name, value) in fields {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    socket.write_all(head.as_bytes()).ok()?;
    // A body that is refused before its end breaks the pipe; the answer still stands there.
    drop(socket.write_all(body));
    let mut answer = Vec::new();
    drop(socket.read_to_end(&mut answer));
    let text = String::from_utf8(answer).unwrap();
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, head: head.to_lowercase(), raw: head.to_owned(), body: body.to_owned() })
}

/// Reads an address that has to answer.
pub(crate) fn get(address: &str, path: &str) -> Answer {
    send(address, "GET", path, &[], b"").unwrap_or_else(|| panic!("{address}{path} does not answer"))
}

/// Waits for a request with JSON in it, answers 204, and returns its head and body.
pub(crate) fn heard(listener: &std::net::TcpListener) -> (String, serde_json::Value) {
    loop {
        let (mut socket, _) = listener.accept().unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut text = Vec::new();
        let mut byte = [0];
        while !text.ends_with(b"\r\n\r\n") && socket.read(&mut byte).is_ok_and(|count| count == 1) {
            text.extend(byte);
        }
        let head = String::from_utf8(text).unwrap();
        let length =
            head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        // A connection that was broken off by a kill says nothing.
        let Some(length) = length else { continue };
        let mut body: Vec<u8> = vec![0; length];
        if socket.read_exact(&mut body).is_err() {
            continue;
        }
        socket.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").unwrap();
        return (head, serde_json::from_slice(&body).unwrap());
    }
}
