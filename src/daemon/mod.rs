//! The running bridge: its systems, its lanes, its pollers, started, watched and stopped together.

mod bridge;
mod supervisor;
mod system;

pub use bridge::{Bridge, Parts, Shared};
pub use supervisor::Supervisor;
pub use system::{Answering, State, System};
