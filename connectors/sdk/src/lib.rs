//! The canonical ticket, the connector contract and the HTTP plane every connector stands on.
//!
//! A connector crate depends on this crate and on nothing else of the project. What it implements is
//! [`Connector`]; what it is given at run time is a [`Ctx`]; what it speaks of are [`Ticket`], [`Intent`] and
//! [`Effect`].

pub mod capability;
pub mod clock;
pub mod connector;
#[cfg(test)]
mod double;
pub mod error;
pub mod http;
pub mod ids;
pub mod labels;
pub mod layer;
mod line;
pub mod marked;
pub mod operation;
pub mod overflow;
pub mod paged;
pub mod reference;
pub mod settings;
pub mod signature;
pub mod stream;
pub mod ticket;
pub mod webhook;
pub mod window;

pub use capability::{Capabilities, Completeness, ConditionalWrite, CreateClass, Feed, Linking};
pub use clock::{Clock, Entropy, Timestamp};
pub use connector::{
    Blobs, Built, ChangePage, Choice, Connector, Ctx, Description, DynConnector, Identity, Urgency,
};
pub use error::{Class, Error, ErrorKind, Result, TookEffect};
pub use ids::{
    CommentId, Cursor, Digest, FileId, IntentId, Marker, RemoteId, SystemName, TicketRef, Version,
};
pub use marked::MarkerLine;
pub use operation::{Changes, Effect, Found, Intent, NewFile, NewTicket, Operation, Subject};
pub use reference::Reference;
pub use settings::{Setting, SettingKind, Settings};
pub use stream::{Destination, Dial, NoDial, Protection, Stream};
pub use ticket::{Comment, File, Lost, Person, Ticket, Visibility};
pub use webhook::{Hint, RawWebhook};
pub use window::{Moments, Window};
