//! The desk used by python-gitlab, a client of GitLab that nobody here wrote: what it cannot work with is no GitLab.
//!
//! `THROUGHLINE_PYTHON_GITLAB` names a Python that has the package `python-gitlab`.

use std::process::Command;
use std::time::Duration;

use crate::desk::{PROJECT, TOKEN};
use crate::subject::Stage;

#[tokio::test]
#[ignore = "needs a Python with python-gitlab"]
async fn a_client_that_nobody_here_wrote_works_with_the_desk() {
    let python = python();
    let stage = Stage::new();
    // Nobody moves the clock on between two of its steps.
    stage.desk.mood(|mood| mood.lag = Duration::ZERO);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let serve = axum::serve(listener, stage.desk.router());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance/client.py");
    let mut command = Command::new(python);
    command.args([script, &address, TOKEN, PROJECT]);
    let client = tokio::task::spawn_blocking(move || command.output().unwrap());
    tokio::select! {
        ended = async { serve.await } => panic!("the desk ended: {ended:?}"),
        client = client => {
            let client = client.unwrap();
            let said = String::from_utf8_lossy(&client.stdout);
            assert!(said.ends_with("all went well\n"), "{said}{}", String::from_utf8_lossy(&client.stderr));
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the caller says by environment which Python to use")]
fn python() -> String {
    std::env::var("THROUGHLINE_PYTHON_GITLAB")
        .expect("THROUGHLINE_PYTHON_GITLAB names a Python with python-gitlab")
}
