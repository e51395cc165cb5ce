//! What IMAP and SMTP say, as the house's errors.

use lettre::transport::smtp;
use throughline_sdk::{Error, ErrorKind};

/// An IMAP failure while doing `what`. Reading has no effect, and a folder of ours is nobody else's business.
/// <https://www.rfc-editor.org/rfc/rfc5530> names the codes inside of refusals.
pub(crate) fn imap(error: async_imap::error::Error, what: &str) -> Error {
    use async_imap::error::Error as Imap;
    match error {
        Imap::No(words) | Imap::Bad(words) => {
            let kind = code(&words).unwrap_or(ErrorKind::Rejected);
            Error::new(kind, format!("the mail server refused {what}: {}", brief(&words)))
        }
        Imap::Io(error) => unavailable(&format!("the connection failed at {what}: {error}")),
        Imap::ConnectionLost => unavailable(&format!("the mail server ended the connection at {what}")),
        // What could not be read may be a mail: it is not quoted.
        Imap::Parse(_) => Error::new(ErrorKind::Malformed, format!("the answer to {what} cannot be read")),
        Imap::Validate(_) => Error::new(
            ErrorKind::Misconfigured,
            format!("a control character cannot be sent to the mail server: {what}"),
        ),
        Imap::Append | _ => Error::new(ErrorKind::Rejected, format!("the mail server did not take {what}")),
    }
}

/// A refused login: wrong credentials unless the server says that it is something else.
pub(crate) fn login(error: async_imap::error::Error) -> Error {
    use async_imap::error::Error as Imap;
    let (Imap::No(words) | Imap::Bad(words)) = &error else { return imap(error, "the login") };
    let kind = match code(words) {
        Some(kind @ (ErrorKind::Unavailable | ErrorKind::RateLimited)) => kind,
        Some(_) | None => ErrorKind::Unauthenticated,
    };
    Error::new(kind, "the mail server refused user and password")
}

fn code(words: &str) -> Option<ErrorKind> {
    let upper = words.to_ascii_uppercase();
    let has = |code: &str| upper.contains(code);
    match () {
        () if has("UNAVAILABLE") || has("INUSE") || has("SERVERBUG") => Some(ErrorKind::Unavailable),
        () if has("LIMIT") => Some(ErrorKind::RateLimited),
        () if has("AUTHENTICATIONFAILED") || has("EXPIRED") => Some(ErrorKind::Unauthenticated),
        () if has("NOPERM") || has("AUTHORIZATIONFAILED") => Some(ErrorKind::Forbidden),
        () if has("NONEXISTENT") || has("TRYCREATE") => Some(ErrorKind::Misconfigured),
        () => None,
    }
}

/// An SMTP failure while doing `what`, before the end of the mail was sent: nothing was taken.
/// <https://www.rfc-editor.org/rfc/rfc5321#section-4.2.1>
pub(crate) fn smtp(error: &smtp::Error, what: &str) -> Error {
    let Some(status) = error.status().map(u16::from) else {
        return unavailable(&format!("the connection failed at {what}: {error}"));
    };
    let kind = match status {
        // <https://www.rfc-editor.org/rfc/rfc4954#section-6>
        530 | 534 | 535 | 538 => ErrorKind::Unauthenticated,
        400..=499 => ErrorKind::Unavailable,
        _ => ErrorKind::Rejected,
    };
    Error::new(kind, format!("the mail server refused {what}: {}", brief(&error.to_string())))
}

pub(crate) fn unavailable(message: &str) -> Error {
    Error::new(ErrorKind::Unavailable, message)
}

/// The first line of a server's words, of a bearable length.
fn brief(words: &str) -> String {
    words.lines().next().unwrap_or_default().chars().take(200).collect()
}
