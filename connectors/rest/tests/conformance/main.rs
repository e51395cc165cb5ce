//! The connector passes the suite on the example's desk, with each style of pages and each way that desks have.

// `cfg(test)` tells clippy that helpers are test code as well.
#[cfg(test)]
mod desk;
#[cfg(test)]
mod mistakes;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod subject;

use desk::{Pages, Ways};
use subject::subject;
use throughline_testkit::conformance;

/// Runs the suite; what is not declared has to be just that.
async fn conforms(ways: Ways, replaced: &[(&str, &str)], not_declared: &[&str]) {
    let report = conformance::run(&subject(ways, replaced)).await;
    assert!(report.failed().is_empty(), "{ways:?}\n{report}");
    let skipped = report.cases.iter().filter(|(_, outcome)| *outcome == conformance::Outcome::NotDeclared);
    assert_eq!(skipped.map(|(name, _)| *name).collect::<Vec<_>>(), not_declared, "{ways:?}");
}

const C2: [&str; 3] = [
    "the same key again makes nothing new",
    "a complete webhook says what the desk says",
    "an old webhook is refused",
];

#[tokio::test]
async fn it_conforms_as_the_example_says() {
    conforms(Ways::default(), &[], &C2).await;
}

const FEED: &str = "request = \"GET tickets?changed_from={{ since }}&page={{ page }}&size={{ size }}\"\n\
                    # One of number, offset, limit, cursor, next_link, link_header; none: one page.\n\
                    pages.number = { size = 100 }";
const FIND: &str = "request = \"GET tickets?external_ref={{ marker }}&page={{ page }}&size={{ size }}\"\n\
                    pages.number = { size = 100 }";

async fn conforms_with(pages: Pages, query: &str, says: &str) {
    let feed = format!("request = \"GET tickets?changed_from={{{{ since }}}}&{query}\"\n{says}");
    let find = format!("request = \"GET tickets?external_ref={{{{ marker }}}}&{query}\"\n{says}");
    conforms(Ways { pages, ..Ways::default() }, &[(FEED, &feed), (FIND, &find)], &C2).await;
}

#[tokio::test]
async fn it_conforms_where_pages_are_counted_in_rows() {
    conforms_with(Pages::Offset, "offset={{ offset }}&size={{ size }}", "pages.offset = { size = 100 }")
        .await;
}

#[tokio::test]
async fn it_conforms_where_a_cursor_leads_on() {
    let query = "size=100{% if cursor %}&cursor={{ cursor }}{% endif %}";
    conforms_with(Pages::Cursor, query, "pages.cursor = { next = \"answer.next\" }").await;
}

#[tokio::test]
async fn it_conforms_where_an_answer_links_to_the_next() {
    conforms_with(Pages::NextLink, "size=100", "pages.next_link = { next = \"answer.next\" }").await;
}

#[tokio::test]
async fn it_conforms_where_a_header_field_links_to_the_next() {
    conforms_with(Pages::LinkHeader, "size=100", "pages.link_header = {}").await;
}

#[tokio::test]
async fn it_conforms_where_there_is_but_a_limit() {
    conforms_with(Pages::Limit, "size={{ size }}", "pages.limit = { size = 100, most = 1000 }").await;
}

const EVENTS: &str = "list = \"answer.events\"\nticket = \"row.ticket\"\nsequence = \"row.number\"";
const ROWS: &str = "list = \"answer.tickets\"\nticket = \"row.id\"\nchanged = \"row.updated_at\"";

#[tokio::test]
async fn it_conforms_with_a_journal_read_after_a_number() {
    let feed = "request = \"GET events?after={{ after }}&size={{ size }}\"\npages.number = { size = 100 }";
    conforms(Ways::default(), &[(FEED, feed), (ROWS, EVENTS)], &C2).await;
}

#[tokio::test]
async fn it_conforms_with_a_journal_whose_pages_are_counted() {
    let feed = "request = \"GET events?page={{ page }}&size={{ size }}\"\npages.number = { size = 100 }";
    conforms(Ways::default(), &[(FEED, feed), (ROWS, EVENTS)], &C2).await;
    let feed = "request = \"GET events?offset={{ offset }}&size={{ size }}\"\npages.offset = { size = 7 }";
    let ways = Ways { pages: Pages::Offset, ..Ways::default() };
    let find = "request = \"GET tickets?external_ref={{ marker }}&offset={{ offset }}\"\npages.offset = { size = 100 }";
    conforms(ways, &[(FEED, feed), (ROWS, EVENTS), (FIND, find)], &C2).await;
}

#[tokio::test]
async fn it_conforms_where_rows_do_not_tell_their_time() {
    conforms(Ways::default(), &[("changed = \"row.updated_at\"\n", "")], &C2).await;
}

#[tokio::test]
async fn it_conforms_in_each_dialect() {
    for dialect in ["markdown", "github", "html", "jira"] {
        let says = format!("dialect = \"{dialect}\"");
        conforms(Ways::default(), &[("dialect = \"plain\"", &says)], &C2).await;
    }
}

/// Everything at once that makes a desk awkward.
#[tokio::test]
async fn it_conforms_on_an_awkward_desk() {
    let ways = Ways { session: Some(61), says_yes: true, seconds: true, embedded: true, ..Ways::default() };
    let replaced = [
        (
            "[authentication.bearer]",
            "[authentication.login]\nrequest = \"POST sessions\"\nbody = \"{ 'login': user, 'password': secret }\"\n\
             token = \"answer.token\"\nheader = \"X-Session\"\nlifetime = \"8h\"",
        ),
        ("format = \"rfc3339\"", "format = \"seconds\""),
        (
            "    { when = \"code == 400 and answer.error.code == 'outdated'\", kind = \"conflict\" },",
            "    { when = \"answer.error.code == 'outdated'\", kind = \"conflict\" },\n    \
             { when = \"answer.error.code == 'who_are_you'\", kind = \"unauthenticated\" },\n    \
             { when = \"answer.error\", kind = \"rejected\" },",
        ),
        (
            "request = \"GET tickets/{{ id }}/notes?offset={{ offset }}&limit={{ size }}\"\npages.offset = { size = 50 }\nlist = \"answer.notes\"",
            "list = \"ticket.notes\"",
        ),
        (
            "[transition]\nrequest = \"PATCH tickets/{{ id }}\"\nheaders = { If-Match = \"expected\" }\nbody = \"{ 'state': status }\"",
            "[transition]\nrequest = \"POST tickets/{{ id }}/transitions\"\nbody = \"{ 'transition': transition }\"\n\
             [transition.choices]\nrequest = \"GET tickets/{{ id }}/transitions\"\nlist = \"answer.transitions\"\n\
             id = \"row.id\"\nto = \"row.to\"",
        ),
        (
            "form = { remark = \"marker\" }\npart = \"file\"",
            "body = \"{ 'name': file.name, 'type': file.media_type, 'remark': marked, 'content': file.base64 }\"",
        ),
        (
            "request = \"GET files/{{ file.id }}/content\"",
            "request = \"GET files/{{ file.id }}\"\ncontent = \"answer.content\"",
        ),
    ];
    conforms(ways, &replaced, &C2).await;
}

#[tokio::test]
async fn it_conforms_where_the_desk_knows_a_key_again() {
    let replaced = [
        (
            "[create]\nclass = \"c2\"\nrequest = \"POST tickets\"",
            "[create]\nclass = \"c0\"\nrequest = \"POST tickets\"\nheaders = { Idempotency-Key = \"marker\" }",
        ),
        (
            "[comment]\nclass = \"c2\"",
            "[comment]\nheaders = { Idempotency-Key = \"marker\" }\nclass = \"c0\"",
        ),
    ];
    conforms(
        Ways::default(),
        &replaced,
        &["a complete webhook says what the desk says", "an old webhook is refused"],
    )
    .await;
}

#[tokio::test]
async fn it_conforms_where_the_desk_creates_by_an_id_of_ours() {
    let replaced = [(
        "[create]\nclass = \"c2\"\nrequest = \"POST tickets\"",
        "[create]\nclass = \"c1\"\nrequest = \"PUT by-ref/{{ marker }}\"",
    )];
    conforms(
        Ways::default(),
        &replaced,
        &["a complete webhook says what the desk says", "an old webhook is refused"],
    )
    .await;
}

#[tokio::test]
async fn it_can_be_tried_where_nobody_can_be_sent() {
    let subject = subject::played(Ways::default()).await;
    let mut told = Vec::new();
    let report = conformance::run_telling(&subject, &mut |name, _| told.push(name)).await;
    assert!(report.failed().is_empty(), "{report}");
    assert_eq!(told, report.cases.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    let open = throughline_testkit::played::LEFT_OPEN;
    let skipped = report.cases.iter().filter(|(_, outcome)| *outcome == conformance::Outcome::NotDeclared);
    for (name, _) in skipped.filter(|(name, _)| !C2.contains(name)) {
        assert!(open.iter().any(|(open, _)| open == name), "{name} is left open and nobody says why");
    }
    assert!(open.iter().all(|(open, _)| told.contains(open)), "a case has another name");
}
