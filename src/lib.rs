//! Throughline federates tickets between organizations.

pub mod agreement;
pub mod case;
pub mod clock;
pub mod egress;
pub mod ledger;
pub mod plan;
pub mod telemetry;
