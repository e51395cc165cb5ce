//! Every request that the connector makes, validated by Prism against the published specification.
//!
//! The simulated desk answers; a copy of each request goes to Prism, which refuses what the document does not allow.
//! Start `prism mock --errors` on Graph's document for `/admin/serviceAnnouncement`, and name its address in
//! `THROUGHLINE_PRISM_MICROSOFT_HEALTH`.

// `cfg(test)` tells clippy that helpers are test code as well.
#[cfg(test)]
#[path = "../conformance/desk.rs"]
mod desk;
#[cfg(test)]
mod requests;
#[cfg(test)]
#[path = "../conformance/subject.rs"]
mod subject;
#[cfg(test)]
mod witness;
