//! What the daemon tells its operators about itself: logs for one event, metrics for many.

pub mod logs;
pub mod metrics;
