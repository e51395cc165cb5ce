//! Every request that the connector makes, validated by Prism against the published specification.
//!
//! The simulated desk answers; a copy of each request goes to Prism, which refuses what the document does not allow.
//! The paths of running operations are not part of it. Start `prism mock --errors` on the bundled document with open
//! enums, and name its address in `THROUGHLINE_PRISM_AZURE_SUPPORT`.

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
