//! The feed by time loses nothing, whatever the desk does between two pages.
