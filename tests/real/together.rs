//! Several stories at once on one stage: they have nothing to do with each other but the bridge that carries them.

use std::fmt;
use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use futures::future::{LocalBoxFuture, join_all};
use throughline::clock::SystemClock;
use throughline_sdk::Clock;

/// One story with its name.
pub(crate) struct Story<'a> {
    name: &'static str,
    told: LocalBoxFuture<'a, ()>,
}

impl<'a> Story<'a> {
    /// A story under its name.
    pub(crate) fn new(name: &'static str, told: impl Future<Output = ()> + 'a) -> Self {
        Self { name, told: told.boxed_local() }
    }
}

impl fmt::Debug for Story<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// A story under the name of the function that tells it.
macro_rules! story {
    ($told:ident($stage:expr)) => {
        $crate::together::Story::new(stringify!($told), $told($stage))
    };
}

pub(crate) use story;

/// Tells all of them at once, each to its end, and says how long each took. Ends the test if one went wrong.
pub(crate) async fn together(stories: Vec<Story<'_>>) {
    let clock = SystemClock::new();
    let told = join_all(stories.into_iter().map(async |Story { name, told }| {
        // A story that ends in a panic has said why by itself, and the others go on.
        let well = AssertUnwindSafe(told).catch_unwind().await.is_ok();
        eprintln!("{} {name} ({:?})", if well { "ok    " } else { "FAILED" }, clock.monotonic());
        (!well).then_some(name)
    }))
    .await;
    let failed: Vec<_> = told.into_iter().flatten().collect();
    assert!(failed.is_empty(), "went wrong: {}", failed.join("; "));
}
