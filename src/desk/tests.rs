//! The desk on a disk that fails.
