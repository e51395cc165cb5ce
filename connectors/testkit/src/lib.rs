//! The conformance suite that every connector passes, and desks that misbehave.
//!
//! A connector's test needs what its `build` made, a way to its desk, and somebody who works at that desk as a
//! person would. The suite puts the daemon's own plane between the two, picks its cases by the capabilities that the
//! connector declares, and never by its name:
//!
//! ```no_run
//! use std::sync::Arc;
//! use throughline_practice::desk::{Desk, Settings};
//! use throughline_testkit::conformance::{self, Hand, Subject};
//! use throughline_testkit::{ManualClock, RouterTransport};
//!
//! async fn conforms(settings: &throughline_sdk::Settings, person: fn(&Desk) -> Box<dyn Hand>) {
//!     let clock = Arc::new(ManualClock::auto_advance());
//!     let desk = Desk::new(Settings::new("helpdesk", "Helpdesk", "token", clock.clone()));
//!     let built = throughline_practice::build(settings).expect("the settings are whole");
//!     let base = Arc::new(RouterTransport(desk.router()));
//!     let subject = Subject {
//!         next_status: "In progress".to_owned(),
//!         ..Subject::new(built, base, clock, person(&desk))
//!     };
//!     conformance::run(&subject).await.assert();
//! }
//! ```
//!
//! Over TCP the base is a [`SocketTransport`]; `connectors/practice/tests` and `tests/real` have whole examples.

pub mod blobs;
pub mod canary;
pub mod changing;
pub mod clock;
pub mod conformance;
pub mod dial;
pub mod meanwhile;
pub mod played;
pub mod prism;
pub mod reserved;
pub mod socket;
pub mod transport;

pub use blobs::MemoryBlobs;
pub use canary::{Canary, Haystack};
pub use changing::ChangingList;
pub use clock::{ManualClock, SeededEntropy};
pub use dial::{Commit, FaultyDial};
pub use meanwhile::Meanwhile;
pub use played::Played;
pub use prism::Prism;
pub use reserved::ReservedAddress;
pub use socket::SocketTransport;
pub use transport::{Fault, Faulty, RouterTransport};
