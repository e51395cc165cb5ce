//! Real desks, connected by manifest alone; run with `--ignored` and `THROUGHLINE_DESKS` naming a folder with
//! `django-helpdesk/desk.env` and `znuny/desk.env`, as `tests/desks/` starts them.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test file of its own: the helpers below its tests count as tests too"
)]

mod django;
mod real;
mod znuny;
