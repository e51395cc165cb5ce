//! Throughline federates tickets between organizations.

pub mod agreement;
pub mod case;
pub mod ledger;
pub mod plan;
pub mod store;
