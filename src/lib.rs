//! Throughline federates tickets between organizations.

pub mod agreement;
pub mod case;
pub mod config;
pub mod ledger;
pub mod plan;
