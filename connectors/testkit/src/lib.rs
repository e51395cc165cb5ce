//! The conformance suite that every connector passes, and desks that misbehave.

pub mod blobs;
pub mod clock;
pub mod conformance;
pub mod socket;
pub mod transport;

pub use blobs::MemoryBlobs;
pub use clock::{ManualClock, SeededEntropy};
pub use socket::SocketTransport;
pub use transport::{Fault, Faulty, RouterTransport};
