//! The connector for Request Tracker 5.
