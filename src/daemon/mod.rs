//! The running bridge: its systems, its lanes, its pollers, started, watched and stopped together.

pub mod assemble;
mod bridge;
mod data;
mod logins;
mod supervisor;
mod system;
pub mod watcher;

pub use bridge::{Bridge, Parts, Shared};
pub(crate) use data::parse_key;
pub use data::{DataDir, DataError, Running, marker_key};
pub use logins::Logins;
pub use supervisor::Supervisor;
pub use system::{Answering, State, System};
