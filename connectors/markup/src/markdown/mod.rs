//! Canonical Markdown: the reader and the printer that all dialects meet in.

mod escape;
mod print;
mod read;
mod shallow;

pub use print::print;
pub(crate) use print::{Flavor, print_as};
pub use read::parse;
pub(crate) use read::{image, read_hosted};

#[cfg(test)]
mod tests;
