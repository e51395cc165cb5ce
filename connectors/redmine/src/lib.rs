//! The connector for Redmine.
