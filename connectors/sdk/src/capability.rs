//! What a connector declares about its kind of system; the conformance suite proves each of them.

use std::time::Duration;

/// The capabilities of one kind of system. They drive planner, checks, tests and the README's table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// How a doubtful `Create` is settled; `None`: no ticket can be raised through it.
    pub create: Option<CreateClass>,
    /// How a doubtful `Comment` is settled; `None`: nothing can be said there.
    pub comment: Option<CreateClass>,
    /// How a doubtful `Attach` is settled; `None`: no files at all.
    pub attach: Option<CreateClass>,
    /// A time after which a write whose answer was lost can no longer take effect.
    pub settle: Duration,
    /// `Update` of title, description, priority, type and custom fields.
    pub update: bool,
    /// `Transition`.
    pub transition: bool,
    /// Comments may be internal.
    pub internal_comments: bool,
    /// `Edit`.
    pub edit: bool,
    /// `Retract`.
    pub retract: bool,
    /// `LinkBack`: how the desk shows its agents the counterpart.
    pub link_back: Linking,
    /// What `Intent::expected` is worth.
    pub conditional_write: ConditionalWrite,
    /// The change feed.
    pub feed: Feed,
    /// What a webhook of this kind carries; `None`: the kind has no webhooks.
    pub webhooks: Option<Completeness>,
    /// The largest file the kind takes, in bytes.
    pub max_file_bytes: u64,
}

impl Capabilities {
    /// Whether its tickets are only read: nobody can answer there, so that none can be a side of a case.
    pub fn only_tells(&self) -> bool {
        self.create.is_none() && self.comment.is_none()
    }
}

/// What a desk offers against doubling, and so what happens after a doubtful write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CreateClass {
    /// Idempotency key, or a name we choose: the same key again, within the key's life.
    C0,
    /// Upsert on an external id: upsert, read back.
    C1,
    /// A marker that a consistent read finds: look for the marker, then retry.
    C2,
    /// A marker that a lagging search finds: wait longer than settle and `lag`, look, retry, look again.
    C3 {
        /// How far the search may lag behind.
        lag: Duration,
    },
    /// No marker: never again by itself. What stands on the ticket word for word is taken for it, else a person decides.
    C4,
}

/// How a desk shows its agents the counterpart: see [`Operation::LinkBack`](crate::Operation::LinkBack).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Linking {
    /// Not at all.
    None,
    /// By number and address. It is written once, and a summary is refused.
    Link,
    /// By a link, a field or an external reference that holds a summary too and is replaced in place.
    Field,
    /// By one comment for the desk's own staff, which is edited in place and is not read as a comment.
    Comment,
}

impl Linking {
    /// Whether a summary of the counterpart can be kept current there.
    pub fn summarizes(self) -> bool {
        match self {
            Self::Field | Self::Comment => true,
            Self::None | Self::Link => false,
        }
    }
}

/// What a conditional write guards against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConditionalWrite {
    /// Nothing: the version is ignored. Read, compare, write, read back.
    None,
    /// A stale version is refused, but two at once may both pass.
    Racy,
    /// A stale version is always refused.
    Atomic,
}

/// The change feed's promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Feed {
    /// The smallest step of the feed's clock; zero for a feed by sequence number.
    pub granularity: Duration,
    /// How far the feed may lag behind a write.
    pub lag: Duration,
}

/// What a webhook carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Completeness {
    /// Only that something may have changed.
    Hint,
    /// The whole ticket with its version, signed.
    Complete,
}
