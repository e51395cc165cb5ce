//! Throughline federates tickets between organizations.
//!
//! The modules stand in the order a change travels: in by [`intake`], recorded in the [`ledger`], filtered by the
//! [`agreement`], decided by the [`plan`], out by [`deliver`]. [`case`] is what all of them speak of; the rest
//! carries them.

pub mod case;

pub mod agreement;
pub mod deliver;
pub mod intake;
pub mod ledger;
pub mod plan;

pub mod api;
pub mod cli;
pub mod clock;
pub mod config;
pub mod console;
pub mod daemon;
pub mod desk;
pub mod egress;
pub mod evidence;
pub mod find;
pub mod identity;
pub mod registry;
pub mod rehearse;
pub mod store;
pub mod telemetry;
pub mod vault;
