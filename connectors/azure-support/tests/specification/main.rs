//! Every request that the connector makes, validated by Prism against the published specification.
//!
//! The simulated desk answers; a copy of each request goes to Prism, which refuses what the document does not allow.
//! The paths of running operations are not part of it. `THROUGHLINE_PRISM` names a folder where npm has installed
//! `@stoplight/prism-cli` 5, `THROUGHLINE_SPECS` one that holds the bundled document with open enums.

// `cfg(test)` tells clippy that helpers are test code as well.
#[cfg(test)]
#[path = "../conformance/desk/mod.rs"]
mod desk;
#[cfg(test)]
mod requests;
#[cfg(test)]
#[path = "../conformance/subject.rs"]
mod subject;
#[cfg(test)]
mod witness;
