//! Out: lanes run side by side, one case each; inside a lane one thing happens after another.
//!
//! A lane is *level-triggered*: whatever woke it, it reads what was hinted at, plans, records, sends what is due,
//! and goes on until nothing is left to do now. So a lost wake-up costs time and never correctness.

mod admission;
pub(crate) mod alarm;
mod attempt;
mod claim;
mod doubt;
mod drift;
pub(crate) mod erase;
mod files;
mod lane;
mod lanes;
mod nudge;
mod observe;
mod open;
mod preview;
mod privacy;
mod recheck;
mod refer;

pub use admission::Admission;
pub use alarm::Alarm;
pub use claim::{Claimed, Claiming};
pub use drift::{Difference, Drift, Look, Scope};
pub use erase::ErasureAsked;
pub use lanes::{Lanes, Submitted};
pub use nudge::{Hinted, Nudge};
pub(crate) use preview::{Preview, Unseen};
pub use refer::Announcement;
