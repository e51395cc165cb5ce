//! What every page has: head, navigation, who is logged in; and the headers that keep a browser to our own things.

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;
use maud::{DOCTYPE, Markup, html};

use crate::identity::{Administer, Audit, Look, Principal};

/// Which entry of the navigation a page stands under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Cases: list, search, case page.
    Cases,
    /// What waits for a person.
    Parked,
    /// Systems and their health.
    Connections,
    /// Agreements and the workbench.
    Agreements,
    /// The record: checkpoints, evidence, who looked.
    Record,
    /// Accounts and tokens.
    Accounts,
    /// No entry: log in, errors.
    Nowhere,
}

/// One page around its content.
#[derive(Debug)]
pub(crate) struct Layout<'a> {
    title: &'a str,
    place: Place,
    principal: Option<&'a Principal>,
}

/// Place, word, address, and who sees it.
type Entry = (Place, &'static str, &'static str, fn(&Principal) -> bool);

const ENTRIES: [Entry; 6] = [
    (Place::Cases, "Cases", "/console/", |_| true),
    (Place::Parked, "Parked", "/console/parked", |who| who.may::<Look>()),
    (Place::Connections, "Connections", "/console/connections", |who| who.may::<Look>()),
    (Place::Agreements, "Agreements", "/console/agreements", |who| who.may::<Look>()),
    (Place::Record, "Record", "/console/record", |who| who.may::<Audit>()),
    (Place::Accounts, "Accounts", "/console/accounts", |who| who.may::<Administer>()),
];

impl<'a> Layout<'a> {
    /// A page called `title`, shown to `principal`.
    pub(crate) fn new(title: &'a str, place: Place, principal: Option<&'a Principal>) -> Self {
        Self { title, place, principal }
    }

    /// The whole page around `main`.
    pub(crate) fn page(&self, main: &Markup) -> Markup {
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (self.title) " · Throughline" }
                    @if let Some(token) = self.principal.and_then(|principal| principal.csrf.as_ref()) {
                        meta name="csrf-token" content=(token);
                    }
                    link rel="stylesheet" href="/console/assets/console.css";
                    script src="/console/assets/console.js" defer {}
                }
                body {
                    a.skip href="#main" { "Skip to content" }
                    header.top {
                        a.brand href="/console/" { "Throughline" }
                        @if let Some(principal) = self.principal {
                            nav aria-label="Main" {
                                @for (place, word, address, sees) in ENTRIES {
                                    @if sees(principal) {
                                        a href=(address) aria-current=[(place == self.place).then_some("page")] { (word) }
                                    }
                                }
                            }
                            div.who {
                                (principal.name) " · " (principal.role)
                                form.inline method="post" action="/console/logout" {
                                    (form_token(principal))
                                    button type="submit" { "Log out" }
                                }
                            }
                        }
                    }
                    main #main tabindex="-1" { (main) }
                }
            }
        }
    }
}

/// What every form that changes something holds: without it, it is refused.
pub(crate) fn form_token(principal: &Principal) -> Markup {
    html! { @if let Some(token) = &principal.csrf { input type="hidden" name="csrf" value=(token); } }
}

/// What a browser may do with our pages: nothing from elsewhere, no script or style in them, in no frame.
const HEADERS: [(HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // With `no-referrer` a browser would not say of a form that it comes from a page of ours.
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Adds the headers that keep a browser to our own things; pages are kept by nobody.
pub(super) async fn defend(mut response: Response) -> Response {
    std::future::ready(()).await;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
