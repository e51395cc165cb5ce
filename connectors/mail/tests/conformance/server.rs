//! An IMAP and an SMTP server, as far as RFC 3501, RFC 4315 and RFC 5321 are needed.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream};

use crate::mailbox::{Folder, Mailbox, Stored};
use crate::subject::PASSWORD;

/// Speaks IMAP until the other side goes.
pub(crate) async fn imap(mailbox: Arc<Mailbox>, stream: DuplexStream) {
    let mut stream = BufReader::new(stream);
    let mut folder = String::new();
    let mut writable = false;
    let mut logged_in = false;
    if stream.write_all(b"* OK [CAPABILITY IMAP4rev1 UIDPLUS] ready\r\n").await.is_err() {
        return;
    }
    loop {
        let mut line = String::new();
        if !matches!(stream.read_line(&mut line).await, Ok(1..)) {
            return;
        }
        let line = line.trim_end();
        let (tag, command) = line.split_once(' ').unwrap_or((line, ""));
        let words = words(command);
        let first = words.first().map(|word| word.to_uppercase()).unwrap_or_default();
        let second = words.get(1).map(|word| word.to_uppercase()).unwrap_or_default();
        let answer: Vec<u8> = match (first.as_str(), second.as_str()) {
            ("LOGIN", _) if words.get(2).map(String::as_str) == Some(PASSWORD) => {
                logged_in = true;
                format!("{tag} OK [CAPABILITY IMAP4rev1 UIDPLUS] in\r\n").into()
            }
            ("LOGIN", _) => format!("{tag} NO [AUTHENTICATIONFAILED] no\r\n").into(),
            ("CAPABILITY", _) => format!("* CAPABILITY IMAP4rev1 UIDPLUS\r\n{tag} OK done\r\n").into(),
            ("LOGOUT", _) => format!("* BYE bye\r\n{tag} OK done\r\n").into(),
            _ if !logged_in => format!("{tag} BAD log in\r\n").into(),
            ("EXAMINE" | "SELECT", _) => {
                folder = words[1].clone();
                writable = first == "SELECT";
                with(&mailbox, &folder, |held| {
                    format!(
                        "* FLAGS (\\Seen \\Draft \\Deleted)\r\n* {} EXISTS\r\n* 0 RECENT\r\n* OK [UIDVALIDITY {}] v\r\n\
                         * OK [UIDNEXT {}] n\r\n{tag} OK [READ-WRITE] in\r\n",
                        held.mails.len(),
                        held.validity,
                        held.next
                    )
                })
                .unwrap_or_else(|| format!("{tag} NO [NONEXISTENT] no such folder\r\n"))
                .into()
            }
            ("APPEND", _) => {
                let size: usize = command.rsplit_once('{').unwrap().1.trim_end_matches('}').parse().unwrap();
                stream.write_all(b"+ go on\r\n").await.unwrap();
                let mut raw = vec![0; size + 2];
                if stream.read_exact(&mut raw).await.is_err() {
                    return;
                }
                raw.truncate(size);
                let (now, flags) = (mailbox.now(), flags(command));
                with(&mailbox, &words[1], |held| held.put(raw, flags, now));
                format!("{tag} OK [APPENDUID 7 1] kept\r\n").into()
            }
            ("UID", "SEARCH") => with(&mailbox, &folder, |held| {
                let last = held.mails.last().map_or(0, |mail| mail.uid);
                let found: Vec<String> = held
                    .mails
                    .iter()
                    .filter(|mail| meets(mail, &words[2..], last))
                    .map(|mail| mail.uid.to_string())
                    .collect();
                // What came meanwhile is told at any time.
                format!("* {} EXISTS\r\n* SEARCH {}\r\n{tag} OK done\r\n", held.mails.len(), found.join(" "))
            })
            .unwrap()
            .replace("SEARCH \r\n", "SEARCH\r\n")
            .into(),
            ("UID", "FETCH") => with(&mailbox, &folder, |held| fetch(held, &words[2], command))
                .map(|mut answer| {
                    answer.extend(format!("{tag} OK done\r\n").bytes());
                    answer
                })
                .unwrap(),
            ("UID", "STORE") if writable => {
                with(&mailbox, &folder, |held| {
                    let mail = held.mails.iter_mut().find(|mail| mail.uid.to_string() == words[2]);
                    if let Some(mail) = mail {
                        let changed = flags(command);
                        mail.flags.retain(|flag| !changed.contains(flag));
                        if words[3].starts_with('+') {
                            mail.flags.extend(changed);
                        }
                    }
                });
                format!("{tag} OK done\r\n").into()
            }
            ("UID", "EXPUNGE") if writable => {
                with(&mailbox, &folder, |held| {
                    held.mails.retain(|mail| {
                        mail.uid.to_string() != words[2] || !mail.flags.contains(&"\\Deleted".to_owned())
                    });
                });
                format!("{tag} OK done\r\n").into()
            }
            _ => format!("{tag} BAD what?\r\n").into(),
        };
        if stream.write_all(&answer).await.is_err() {
            return;
        }
    }
}

fn with<T>(mailbox: &Mailbox, folder: &str, work: impl FnOnce(&mut Folder) -> T) -> Option<T> {
    let mut state = mailbox.state.lock().unwrap();
    match folder {
        "INBOX" => Some(work(&mut state.inbox)),
        "Sent" => Some(work(&mut state.sent)),
        _ => None,
    }
}

/// Words and quoted texts.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted, mut any) = (Vec::new(), String::new(), false, false);
    for c in command.chars() {
        match c {
            '"' => {
                quoted = !quoted;
                any = true;
            }
            ' ' if !quoted => {
                if any {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            _ => {
                word.push(c);
                any = true;
            }
        }
    }
    if any {
        words.push(word);
    }
    words
}

fn flags(command: &str) -> Vec<String> {
    let Some((_, rest)) = command.split_once('(') else { return Vec::new() };
    rest.split(')').next().unwrap().split(' ').map(str::to_owned).collect()
}

/// Whether a mail meets every criterion.
fn meets(mail: &Stored, mut criteria: &[String], last: u32) -> bool {
    let mut all = true;
    while !criteria.is_empty() {
        let (met, rest) = criterion(mail, criteria, last);
        all &= met;
        criteria = rest;
    }
    all
}

fn criterion<'a>(mail: &Stored, criteria: &'a [String], last: u32) -> (bool, &'a [String]) {
    match criteria[0].to_uppercase().as_str() {
        "ALL" => (true, &criteria[1..]),
        "UNDELETED" => (!mail.flags.iter().any(|flag| flag == "\\Deleted"), &criteria[1..]),
        "NOT" => {
            let (met, rest) = criterion(mail, &criteria[1..], last);
            (!met, rest)
        }
        "OR" => {
            let (one, rest) = criterion(mail, &criteria[1..], last);
            let (other, rest) = criterion(mail, rest, last);
            (one || other, rest)
        }
        "UID" => {
            let from: u32 = criteria[1].trim_end_matches(":*").parse().unwrap();
            // A range that ends with a star holds the last mail, whatever it begins with.
            (mail.uid >= from.min(last), &criteria[2..])
        }
        "HEADER" => (field(mail, &criteria[1]).contains(&criteria[2].to_lowercase()), &criteria[3..]),
        "SUBJECT" => (field(mail, "Subject").contains(&criteria[1].to_lowercase()), &criteria[2..]),
        other => panic!("the criterion {other} is not known"),
    }
}

/// A header field, decoded and in lower case.
fn field(mail: &Stored, name: &str) -> String {
    let parsed = mail_parser::MessageParser::default().parse(&mail.raw).unwrap();
    let text = match name {
        "Subject" => parsed.subject().map(str::to_owned),
        _ => parsed.header_raw(name).map(str::to_owned),
    };
    text.unwrap_or_default().to_lowercase()
}

fn fetch(held: &Folder, uids: &str, command: &str) -> Vec<u8> {
    let wanted: Vec<u32> = uids.split(',').map(|uid| uid.parse().unwrap()).collect();
    let mut answer = Vec::new();
    for (number, mail) in held.mails.iter().enumerate().filter(|(_, mail)| wanted.contains(&mail.uid)) {
        answer.extend(format!("* {} FETCH (UID {}", number + 1, mail.uid).bytes());
        if command.contains("BODY.PEEK[HEADER]") {
            let end =
                mail.raw.windows(4).position(|four| four == b"\r\n\r\n").map_or(mail.raw.len(), |at| at + 4);
            let date = mail.date.format("%d-%b-%Y %H:%M:%S +0000");
            answer.extend(
                format!(
                    " FLAGS ({}) INTERNALDATE \"{date}\" RFC822.SIZE {} BODY[HEADER] {{{end}}}\r\n",
                    mail.flags.join(" "),
                    mail.raw.len()
                )
                .bytes(),
            );
            answer.extend(&mail.raw[..end]);
        } else {
            let most: usize =
                command.split_once("<0.").unwrap().1.split('>').next().unwrap().parse().unwrap();
            let part = &mail.raw[..mail.raw.len().min(most)];
            answer.extend(format!(" BODY[]<0> {{{}}}\r\n", part.len()).bytes());
            answer.extend(part);
        }
        answer.extend(b")\r\n");
    }
    answer
}

/// Speaks SMTP until the other side goes.
pub(crate) async fn smtp(mailbox: Arc<Mailbox>, stream: DuplexStream) {
    let mut stream = BufReader::new(stream);
    let login = STANDARD.encode(format!("\0tickets@example.org\0{PASSWORD}"));
    let (mut answer, mut logged_in) = ("220 ready\r\n".to_owned(), false);
    loop {
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
        let mut line = String::new();
        if !matches!(stream.read_line(&mut line).await, Ok(1..)) {
            return;
        }
        let line = line.trim_end();
        let verb = line.split(' ').next().unwrap_or_default().to_uppercase();
        answer = match verb.as_str() {
            "EHLO" => "250-smtp.example.org\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN\r\n".to_owned(),
            "AUTH" if line == format!("AUTH PLAIN {login}") => {
                logged_in = true;
                "235 in\r\n".to_owned()
            }
            "AUTH" => "535 no\r\n".to_owned(),
            "QUIT" => "221 bye\r\n".to_owned(),
            _ if !logged_in => "530 log in\r\n".to_owned(),
            "MAIL" if line.starts_with("MAIL FROM:<tickets@example.org>") => "250 ok\r\n".to_owned(),
            "RCPT" if line.starts_with("RCPT TO:<support@partner.example>") => "250 ok\r\n".to_owned(),
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await.unwrap();
                let mut raw = Vec::new();
                loop {
                    let mut line = Vec::new();
                    if !matches!(stream.read_until(b'\n', &mut line).await, Ok(1..)) {
                        return;
                    }
                    match line.as_slice() {
                        b".\r\n" => break,
                        [b'.', rest @ ..] => raw.extend(rest),
                        line => raw.extend(line),
                    }
                }
                let mut state = mailbox.state.lock().unwrap();
                match state.refusal.take() {
                    Some(refusal) => refusal,
                    None => {
                        state.partner.push(raw);
                        "250 taken\r\n".to_owned()
                    }
                }
            }
            _ => "502 what?\r\n".to_owned(),
        };
    }
}
