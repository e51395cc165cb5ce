//! `$batch` with one change set: all of it, or nothing.

use super::State;
use super::web::{Asked, Reply, handle, problem};

pub(super) fn run(state: &mut State, asked: &Asked) -> Reply {
    let kind = asked.header("content-type").unwrap_or_default();
    let Some(boundary) = boundary(kind) else { return problem(400, "", "A batch needs a boundary.") };
    let text = std::str::from_utf8(&asked.body).unwrap();
    let [part] = parts(text, &boundary)[..] else { return problem(400, "", "One change set is expected.") };
    let (head, body) = part.split_once("\r\n\r\n").unwrap();
    let set = self::boundary(head).unwrap();
    let before = state.clone();
    let mut answers = String::new();
    for part in parts(body, &set) {
        let (envelope, request) = part.split_once("\r\n\r\n").unwrap();
        assert!(envelope.contains("Content-Type: application/http"));
        assert!(envelope.contains("Content-Transfer-Encoding: binary"));
        assert!(envelope.contains("Content-ID: "));
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        let mut lines = head.lines();
        let mut first = lines.next().unwrap().split(' ');
        let (method, path) = (first.next().unwrap().to_owned(), first.next().unwrap().to_owned());
        assert_eq!(first.next(), Some("HTTP/1.1"));
        assert_ne!(method, "GET", "a change set takes no GET");
        let mut headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        headers.extend(asked.headers.iter().filter(|(name, _)| name.starts_with("odata")).cloned());
        let inner =
            Asked { method, path, query: Vec::new(), headers, body: body.trim_end().to_owned().into_bytes() };
        let reply = handle(state, &inner);
        if reply.status >= 400 {
            let log = state.log.clone();
            *state = State { log, ..before };
            let error = String::from_utf8(reply.body).unwrap();
            let body = format!(
                "--batchresponse_1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n\
                 HTTP/1.1 {} Refused\r\nContent-Type: application/json\r\n\r\n{error}\r\n--batchresponse_1--\r\n",
                reply.status
            );
            return Reply { status: reply.status, headers: reply.headers, body: body.into_bytes() };
        }
        answers
            .push_str(&format!("--changesetresponse_1\r\n\r\nHTTP/1.1 {} No Content\r\n\r\n", reply.status));
    }
    let headers = vec![("content-type", "multipart/mixed; boundary=batchresponse_1".to_owned())];
    Reply { status: 200, headers, body: answers.into_bytes() }
}

fn boundary(head: &str) -> Option<String> {
    let (_, rest) = head.split_once("boundary=")?;
    Some(rest.lines().next()?.trim_matches('"').to_owned())
}

fn parts<'a>(text: &'a str, boundary: &str) -> Vec<&'a str> {
    let (inside, _) = text.split_once(&format!("--{boundary}--")).expect("the part has an end");
    inside.split(&format!("--{boundary}\r\n")).skip(1).collect()
}
