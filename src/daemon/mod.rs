//! The running bridge: its systems, its lanes, its pollers, started, watched and stopped together.

pub mod assemble;
#[cfg(test)]
pub(crate) mod bare;
mod bridge;
mod budget;
mod data;
mod logins;
mod pauses;
pub mod reload;
mod supervisor;
mod system;
pub mod watcher;
mod watching;

pub(crate) use bridge::Course;
pub use bridge::{Bridge, Parts, Shared};
pub use budget::{Budget, Left, Told};
pub(crate) use data::parse_key;
pub use data::{DataDir, DataError, Running, marker_key};
pub use logins::Logins;
pub use pauses::Pauses;
pub use supervisor::Supervisor;
pub use system::{Answering, Credentials, State, System, Traffic};
pub use watching::{Standing, Watching};
