//! Whole operations in turn: whose turn it is, and when its time begins.

use futures::FutureExt;
use futures::future::join_all;

use super::*;
use crate::TookEffect;

struct Narrow {
    desk: Arc<Desk>,
    clock: Arc<TestClock>,
    turnstile: Turnstile,
}

impl Narrow {
    fn new(at_once: usize, takes: Duration) -> Self {
        let desk = Arc::new(Desk { takes, ..Desk::default() });
        let clock = Arc::new(TestClock::manual());
        let connector: Arc<dyn DynConnector> = Arc::<Desk>::clone(&desk);
        let time: Arc<dyn Clock> = Arc::<TestClock>::clone(&clock);
        Self { desk, clock, turnstile: Turnstile::new(connector, at_once, time) }
    }

    /// A comment that stands in line from now on.
    fn comment(&self, name: &'static str, urgency: u8) -> BoxFuture<'_, Result<Effect>> {
        let ctx = ctx(Arc::<TestClock>::clone(&self.clock), Urgency(urgency));
        let operation = Operation::Comment { body: "Hello".into(), visibility: Visibility::Public };
        let mut call: BoxFuture<'_, _> =
            Box::pin(async move { self.turnstile.apply(&ctx, &intent(name, operation)).await });
        assert!((&mut call).now_or_never().is_none(), "it takes time");
        call
    }

    /// Lets time pass, second by second, until all are over.
    fn all<'a>(&self, calls: impl IntoIterator<Item = BoxFuture<'a, Result<Effect>>>) -> Vec<Result<Effect>> {
        let mut all = Box::pin(join_all(calls));
        for _ in 0..1000 {
            match (&mut all).now_or_never() {
                Some(done) => return done,
                None => self.clock.advance(Duration::from_secs(1)),
            }
        }
        panic!("they do not end: {:?}", self.seen());
    }

    fn seen(&self) -> Vec<Applied> {
        self.desk.calls.lock().unwrap().clone()
    }

    fn order(&self) -> Vec<String> {
        self.seen().into_iter().map(|applied| applied.intent).collect()
    }
}

#[tokio::test]
async fn time_begins_when_the_turn_has_come() {
    // Three of them take longer than the time of one.
    let narrow = Narrow::new(1, Duration::from_secs(12));
    let calls = ["first", "second", "third"].map(|name| narrow.comment(name, 0));
    assert_eq!(narrow.order(), ["first"], "one at a time");
    for done in narrow.all(calls) {
        done.unwrap();
    }
    let seen = narrow.seen();
    assert_eq!(seen.iter().map(|applied| applied.began.as_secs()).collect::<Vec<_>>(), [0, 12, 24]);
    assert!(seen.iter().all(|applied| applied.deadline - applied.began == TIMEOUT), "{seen:?}");
}

#[tokio::test]
async fn the_more_urgent_goes_first_and_then_who_came_first() {
    let narrow = Narrow::new(1, Duration::from_secs(1));
    let first = narrow.comment("first", 0);
    let all = [("low", 0), ("urgent", 3), ("high", 2), ("urgent-later", 3)]
        .map(|(name, urgency)| narrow.comment(name, urgency));
    narrow.all(std::iter::once(first).chain(all));
    // The fourth turn is the least urgent one's.
    assert_eq!(narrow.order(), ["first", "urgent", "urgent-later", "low", "high"]);
}

#[tokio::test]
async fn whose_turn_does_not_come_is_put_off_without_effect() {
    let narrow = Narrow::new(1, Duration::from_secs(3600));
    let mut stuck = narrow.comment("stuck", 0);
    let mut behind = narrow.comment("behind", 3);
    narrow.clock.advance(TIMEOUT - Duration::from_secs(1));
    assert!((&mut behind).now_or_never().is_none());
    narrow.clock.advance(Duration::from_secs(1));
    let error = behind.now_or_never().expect("the wait is over").unwrap_err();
    assert_eq!((error.kind(), error.took_effect()), (ErrorKind::RateLimited, TookEffect::No));
    assert_eq!(error.class(), crate::Class::Wait, "this was not an attempt");
    assert!((&mut stuck).now_or_never().is_none(), "what is under way is not ended");
    assert_eq!(narrow.order(), ["stuck"]);
}

#[tokio::test]
async fn who_goes_away_gives_back_the_place_and_the_turn() {
    let narrow = Narrow::new(1, Duration::from_secs(1));
    let (first, second) = (narrow.comment("first", 0), narrow.comment("second", 0));
    let mut third = narrow.comment("third", 0);
    drop(second);
    drop(first);
    assert!((&mut third).now_or_never().is_none());
    assert_eq!(narrow.order(), ["first", "third"]);
}

#[tokio::test]
async fn as_many_as_allowed_are_under_way_side_by_side() {
    let narrow = Narrow::new(3, Duration::from_secs(1));
    let calls: Vec<_> = ["1", "2", "3", "4"].map(|name| narrow.comment(name, 0)).into_iter().collect();
    assert_eq!(narrow.order(), ["1", "2", "3"]);
    narrow.clock.advance(Duration::from_secs(1));
    let mut all = Box::pin(join_all(calls));
    assert!(futures::poll!(&mut all).is_pending());
    assert_eq!(narrow.order(), ["1", "2", "3", "4"]);
}
