//! Trying an agreement on what happened: the ledger's own history, judged by the rules in force and by a draft. Pure.
//!
//! What is compared is what each value, comment and file of the time would have been to each leg under either rules;
//! conflicts, doubts and delays are taken as they were. What is required of a ticket is asked in the moment in which it is
//! to be given over. What the rules in force never read, no history holds: that is
//! told as not to be told.

mod bench;
mod crossing;
mod past;
mod replay;
mod report;
mod requirements;
mod routing;
mod run;
#[cfg(test)]
mod tests;

pub use bench::{Bench, Does, Routing, Row, Sides, bench};
pub use replay::{Rehearsal, Trial};
pub use report::{Change, Example, Group, Head, Report, Tally};
pub use requirements::Required;
pub use run::rehearse;
