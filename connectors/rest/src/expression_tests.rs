//! What expressions read and build, and what bounds them.
