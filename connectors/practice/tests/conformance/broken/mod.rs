//! Connectors with one defect each: the suite has to notice every one of them, and nothing else.

mod connector;

use std::collections::BTreeSet;
use std::sync::Arc;

use throughline_testkit::conformance::{self, Outcome};

use crate::subject::practice;
use connector::Broken;
use connector::Defect::{self, *};
use connector::Kind::*;

/// A defect, the create class it is planted in, and the cases that have to fail.
struct Plant(Defect, &'static str, &'static [&'static str]);

const PLANTS: &[Plant] = &[
    Plant(AcceptsAnySender, "c2", &["a forged webhook is refused", "an old webhook is refused"]),
    Plant(AddsALink, "c2", &["a link is renewed in place", "a link is shown once, whatever is lost"]),
    Plant(AltersWebhooks, "c2", &["a complete webhook says what the desk says"]),
    Plant(AsksElsewhere, "c2", &["no request goes anywhere else"]),
    Plant(
        ChangesTheKey,
        "c0",
        &[
            "a created ticket is found by its marker",
            "a ticket is created once, whatever is lost",
            "a comment is written once, whatever is lost",
            "a file is attached once, whatever is lost",
            "the same key again makes nothing new",
        ],
    ),
    Plant(CommentsOnLinks, "c2", &["a link is no comment and no change by people"]),
    Plant(CutsText, "c2", &["a created ticket reads as it was written"]),
    Plant(DecidesForWhom, "c2", &["what nobody said for whom it is is not written"]),
    Plant(
        DeniesDoubt,
        "c2",
        &[
            "a lost reply is doubtful and nothing is resent",
            "a lost change is doubtful and nothing is resent",
            "a ticket is created once, whatever is lost",
            "a comment is written once, whatever is lost",
            "a file is attached once, whatever is lost",
            "a failed gateway leaves a write in doubt",
            "a truncated answer is malformed",
            "an answer too large is rejected",
            "each status of a write has its kind and effect",
        ],
    ),
    Plant(DescribesNothing, "c2", &["describe lists the words a new ticket bears"]),
    Plant(DropsTheVersion, "c2", &["a stale write is a conflict"]),
    Plant(
        FindsNothing,
        "c2",
        &[
            "a created ticket is found by its marker",
            "a comment or file is found by its marker",
            "a ticket is created once, whatever is lost",
            "a comment is written once, whatever is lost",
            "a file is attached once, whatever is lost",
        ],
    ),
    Plant(
        ForgetsItsCursor,
        "c2",
        &[
            "no change is lost in one tick of the clock",
            "no change is lost between two pages",
            "a cursor resumes where it stood",
        ],
    ),
    Plant(
        ForgetsTheTable,
        "c2",
        &[
            "a stale write is a conflict",
            "each status of a read has its kind",
            "each status of a write has its kind and effect",
        ],
    ),
    Plant(
        GetsLimitsWrong,
        "c2",
        &[
            "a file over the limit is rejected",
            "a refused transition is rejected",
            "an ignored write is rejected",
            "an answer too large is rejected",
            "each status of a read has its kind",
            "each status of a write has its kind and effect",
        ],
    ),
    Plant(HasNoName, "c2", &["probe names the account"]),
    Plant(HidesRefusals, "c2", &["a refused transition is rejected"]),
    Plant(
        HintsAtNothing,
        "c2",
        &["a signed webhook hints at its ticket", "a complete webhook says what the desk says"],
    ),
    Plant(IgnoresDeadline, "c2", &["the deadline is respected"]),
    Plant(IgnoresMerges, "c2", &["a merged ticket answers under the other id"]),
    Plant(IgnoresTheLimit, "c2", &["a file over the limit is rejected"]),
    Plant(LinksAnewAfterDoubt, "c2", &["a link is shown once, whatever is lost"]),
    Plant(LogsWhatItWrites, "c2", &["the log tells neither secrets nor texts"]),
    Plant(LosesBytes, "c2", &["a person's file is read byte for byte", "files arrive byte for byte"]),
    Plant(
        LosesOneOfTwoChanges,
        "c2",
        &["no change is lost in one tick of the clock", "no change is lost between two pages"],
    ),
    Plant(LosesRetryAfter, "c2", &["a rate limit is passed on and has no effect"]),
    Plant(LosesThePageBorder, "c2", &["no change is lost between two pages"]),
    Plant(
        MistakesStrangers,
        "c2",
        &[
            "a missing ticket is not found",
            "a deleted ticket is not found",
            "each status of a read has its kind",
            "each status of a write has its kind and effect",
            "wrong credentials are unauthenticated",
        ],
    ),
    Plant(
        OpensACursorOnce,
        "c2",
        &["no change is lost between two pages", "a cursor resumes where it stood"],
    ),
    Plant(
        Pretends(Update),
        "c2",
        &[
            "each field is updated",
            "an ignored write is rejected",
            "a stale write is a conflict",
            "a lost change is doubtful and nothing is resent",
        ],
    ),
    Plant(
        Pretends(Transition),
        "c2",
        &[
            "a ticket is brought to a status",
            "a refused transition is rejected",
            "a stale write is a conflict",
            "a lost change is doubtful and nothing is resent",
        ],
    ),
    Plant(Pretends(Edit), "c2", &["a comment is edited, or that is unsupported"]),
    Plant(Pretends(Retract), "c2", &["a comment is retracted, or that is unsupported"]),
    Plant(
        Pretends(LinkBack),
        "c2",
        &[
            "a link back is kept, or that is unsupported",
            "a link is renewed in place",
            "a link is shown once, whatever is lost",
        ],
    ),
    Plant(
        Pretends(Attach),
        "c2",
        &[
            "a comment or file is found by its marker",
            "what nobody said for whom it is is not written",
            "files arrive byte for byte",
            "a file is attached once, whatever is lost",
        ],
    ),
    Plant(QuotesStaff, "c2", &["no write carries what is private"]),
    Plant(
        ReadsInternalAsPublic,
        "c2",
        &["an internal comment reads as internal", "comments keep text and visibility"],
    ),
    Plant(ReadsUnknownAsPublic, "c2", &["unknown visibility never reads as public"]),
    Plant(
        ResendsBlindly,
        "c2",
        &[
            "a lost reply is doubtful and nothing is resent",
            "a lost change is doubtful and nothing is resent",
            "a ticket is created once, whatever is lost",
            "a comment is written once, whatever is lost",
            "a file is attached once, whatever is lost",
            "a failed gateway leaves a write in doubt",
            "an answer too large is rejected",
        ],
    ),
    Plant(ShowsItsToken, "c2", &["no secret is shown"]),
    Plant(
        StandsStill,
        "c2",
        &["a change shows in version, time and status", "a complete webhook says what the desk says"],
    ),
    Plant(TrustsSuccess, "c2", &["an ignored write is rejected"]),
    Plant(WritesForAll, "c2", &["comments keep text and visibility"]),
];

#[tokio::test]
async fn every_defect_is_noticed_and_nothing_else_is() {
    let mut wrong = Vec::new();
    for Plant(defect, class, expected) in PLANTS {
        let mut subject = practice(class);
        subject.connector = Arc::new(Broken::new(Arc::clone(&subject.connector), *defect));
        let report = conformance::run(&subject).await;
        if report.failed() != *expected {
            wrong.push(format!("{defect:?} with {class}: {:#?}\n{report}", report.failed()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn every_case_is_shown_to_fail() {
    let planted: BTreeSet<&str> =
        PLANTS.iter().flat_map(|Plant(_, _, expected)| *expected).copied().collect();
    let report = conformance::run(&practice("c2")).await;
    let cases: BTreeSet<&str> = report.cases.iter().map(|(name, _)| *name).collect();
    let unproven: Vec<_> = cases.difference(&planted).collect();
    assert!(unproven.is_empty(), "no connector is known that fails {unproven:#?}");
    // A case that is never declared proves nothing either.
    let silent =
        |(name, outcome): &(&'static str, Outcome)| (*outcome == Outcome::NotDeclared).then_some(*name);
    let declared_with_keys = conformance::run(&practice("c0")).await;
    let never: Vec<_> = report
        .cases
        .iter()
        .zip(&declared_with_keys.cases)
        .filter_map(|(one, other)| silent(one).and(silent(other)))
        .collect();
    assert!(never.is_empty(), "these were never run: {never:?}");
}
