//! A small ticket desk of our own, with its connector.
