//! One error for all connectors: what happened, what now, and whether it took effect.

use std::fmt;
use std::time::Duration;

/// What a connector and the HTTP plane return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// No answer, or one that says "later": network faults, 408, 423, 425, 5xx.
    Unavailable,
    /// The system asks to slow down: 429 and the vendors' own codes.
    RateLimited,
    /// The credentials were refused: 401.
    Unauthenticated,
    /// The credentials are good and do not suffice: 403.
    Forbidden,
    /// Somebody else changed the ticket first: 409, 412, a stale version.
    Conflict,
    /// The ticket is not there, or not visible any more: 404, 410.
    NotFound,
    /// The ticket lives under another id now: merged, moved, re-keyed.
    Moved,
    /// The system understood and refused: 400, 422, a workflow rule.
    Rejected,
    /// The system cannot do this at all.
    Unsupported,
    /// The answer was not what the interface promises.
    Malformed,
    /// A setting is wrong.
    Misconfigured,
}

/// What the engine does about it. Derived from the kind in one place: [`ErrorKind::class`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Waits by schedule and tries again; survives restart.
    Transient,
    /// The system's lanes sleep as long as it asked; this was not an attempt.
    Wait,
    /// The system stops, nothing is lost, the admin is told at once.
    Authority,
    /// Observe and plan again, a bounded number of times.
    Reread,
    /// An event on the leg, by the agreement's rule.
    Changed,
    /// The field, comment or file is parked with the vendor's words.
    Park,
}

/// Whether a failed call changed anything in the remote system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TookEffect {
    /// Certainly not.
    No,
    /// It may have: the first byte of a write may have left.
    Unknown,
}

/// A failed call to a ticket system.
#[derive(Clone, Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    context: Vec<(&'static str, String)>,
    took_effect: TookEffect,
    retry_after: Option<Duration>,
}

impl ErrorKind {
    /// What the engine does about an error of this kind.
    pub fn class(self) -> Class {
        match self {
            Self::Unavailable => Class::Transient,
            Self::RateLimited => Class::Wait,
            Self::Unauthenticated | Self::Forbidden => Class::Authority,
            Self::Conflict => Class::Reread,
            Self::NotFound | Self::Moved => Class::Changed,
            Self::Rejected | Self::Unsupported | Self::Malformed | Self::Misconfigured => Class::Park,
        }
    }

    /// The common table from HTTP status to kind; `None` for 1xx to 3xx.
    ///
    /// A vendor's exceptions stand in its connector's `error.rs`.
    pub fn from_status(status: u16) -> Option<Self> {
        match status {
            0..=399 => None,
            401 => Some(Self::Unauthenticated),
            403 => Some(Self::Forbidden),
            404 | 410 => Some(Self::NotFound),
            405 | 501 => Some(Self::Unsupported),
            408 | 423 | 425 | 500..=599 => Some(Self::Unavailable),
            409 | 412 => Some(Self::Conflict),
            429 => Some(Self::RateLimited),
            _ => Some(Self::Rejected),
        }
    }
}

impl Error {
    /// An error that certainly changed nothing. After the first byte of a write has left, add
    /// [`with_unknown_effect`](Self::with_unknown_effect).
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            context: Vec::new(),
            took_effect: TookEffect::No,
            retry_after: None,
        }
    }

    /// The same error, of a write that may have been carried out.
    #[must_use]
    pub fn with_unknown_effect(mut self) -> Self {
        self.took_effect = TookEffect::Unknown;
        self
    }

    /// The same error with whether it took effect.
    #[must_use]
    pub fn with_effect(mut self, took_effect: TookEffect) -> Self {
        self.took_effect = took_effect;
        self
    }

    /// The same error with one more named circumstance. Never a secret, never a ticket's text.
    #[must_use]
    pub fn with_context(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.context.push((name, value.to_string()));
        self
    }

    /// The same error with how long the system asked to be left alone.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Option<Duration>) -> Self {
        self.retry_after = wait;
        self
    }

    /// The same error with its words, and those of its circumstances, put through `change`.
    pub(crate) fn map_words(mut self, change: impl Fn(&str) -> String) -> Self {
        self.message = change(&self.message);
        for (_, value) in &mut self.context {
            *value = change(value);
        }
        self
    }

    /// What happened.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What the engine does about it.
    pub fn class(&self) -> Class {
        self.kind.class()
    }

    /// Whether it took effect.
    pub fn took_effect(&self) -> TookEffect {
        self.took_effect
    }

    /// How long the system asked to be left alone, if it did.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// What happened, in words, without the context.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.message)?;
        for (index, (name, value)) in self.context.iter().enumerate() {
            write!(f, "{}{name}: {value}", if index == 0 { " (" } else { ", " })?;
        }
        if !self.context.is_empty() {
            f.write_str(")")?;
        }
        if self.took_effect == TookEffect::Unknown {
            f.write_str("; it may have taken effect")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_has_one_kind_and_each_kind_one_class() {
        use Class::{Authority, Changed, Park, Reread, Transient, Wait};
        for (statuses, kind, class) in [
            (&[408, 423, 425, 500, 502, 503, 504, 599][..], ErrorKind::Unavailable, Transient),
            (&[429], ErrorKind::RateLimited, Wait),
            (&[401], ErrorKind::Unauthenticated, Authority),
            (&[403], ErrorKind::Forbidden, Authority),
            (&[409, 412], ErrorKind::Conflict, Reread),
            (&[404, 410], ErrorKind::NotFound, Changed),
            (&[400, 413, 418, 422, 451], ErrorKind::Rejected, Park),
            (&[405, 501], ErrorKind::Unsupported, Park),
        ] {
            for status in statuses {
                assert_eq!(ErrorKind::from_status(*status), Some(kind), "{status}");
            }
            assert_eq!(kind.class(), class);
        }
        assert_eq!(ErrorKind::Moved.class(), Changed);
        assert_eq!([ErrorKind::Malformed.class(), ErrorKind::Misconfigured.class()], [Park, Park]);
        assert!([100, 200, 204, 304].into_iter().all(|status| ErrorKind::from_status(status).is_none()));
    }

    #[test]
    fn an_error_reads_alone_and_says_whether_it_happened() {
        let error =
            Error::new(ErrorKind::Unavailable, "no answer").with_context("ticket", 7).with_context("try", 2);
        assert_eq!(error.to_string(), "no answer (ticket: 7, try: 2)");
        assert_eq!(error.took_effect(), TookEffect::No);
        let doubtful = error.with_unknown_effect();
        assert_eq!(doubtful.to_string(), "no answer (ticket: 7, try: 2); it may have taken effect");
    }
}
