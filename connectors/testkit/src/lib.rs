//! The conformance suite that every connector passes, and desks that misbehave.

pub mod socket;

pub use socket::SocketTransport;
