//! HTML: what mail programs and the editors of desks write, cleaned of whatever runs, hides or calls home.

mod element;
mod read;
mod write;

pub(crate) use read::Fragments;
pub use read::{read, read_with};
pub use write::{write, write_with};

#[cfg(test)]
mod tests;
