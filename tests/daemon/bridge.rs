//! A bridge of the tests: a folder with a configuration, and the process that serves it.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use throughline::clock::SystemClock;
use throughline_sdk::Clock;

use super::desks::{Desks, SECRET, TOKEN, signed};
use super::web::{self, Answer};

/// The longest anything may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a bridge of the tests is like where it matters.
#[derive(Clone, Debug)]
pub(crate) struct TestBridge {
    poll: &'static str,
    system: &'static str,
    listen: String,
    webhooks: bool,
    agreement: &'static str,
    environment: Vec<(String, String)>,
}

/// A bridge that was set up, and runs or not.
pub(crate) struct Running {
    folder: TempDir,
    pub(crate) address: String,
    child: Option<Child>,
    environment: Vec<(String, String)>,
}

impl TestBridge {
    /// Polls each second and takes webhooks.
    pub(crate) fn new() -> Self {
        Self {
            poll: "1s",
            system: "",
            listen: "127.0.0.1:0".to_owned(),
            webhooks: true,
            agreement: "",
            environment: Vec::new(),
        }
    }

    pub(crate) fn poll(mut self, poll: &'static str) -> Self {
        self.poll = poll;
        self
    }

    /// More lines for each system.
    pub(crate) fn system(mut self, lines: &'static str) -> Self {
        self.system = lines;
        self
    }

    /// More tables, in which `NAME` is the name of each agreement.
    pub(crate) fn agreement(mut self, tables: &'static str) -> Self {
        self.agreement = tables;
        self
    }

    /// Serves at this address.
    pub(crate) fn listen(mut self, address: &str) -> Self {
        address.clone_into(&mut self.listen);
        self
    }

    /// Changes are found by polling alone.
    pub(crate) fn without_webhooks(mut self) -> Self {
        self.webhooks = false;
        self
    }

    pub(crate) fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Writes the configuration of a bridge between `helpdesk` and all other desks.
    pub(crate) fn set_up(&self, desks: &Desks, counterparts: &[&str]) -> Running {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [("desks.token", TOKEN), ("desks.secret", SECRET)] {
            secret(&folder.path().join(name), text);
        }
        let mut text =
            format!("[bridge]\nhome = \"contoso\"\ndata = \"data\"\nlisten = \"{}\"\n", self.listen);
        for name in ["helpdesk"].iter().chain(counterparts) {
            let party = if *name == "helpdesk" { "contoso" } else { name };
            text.push_str(&format!(
                "\n[parties.{party}]\n[systems.{name}]\nparty = \"{party}\"\npoll = \"{}\"\nsettle = \"1s\"\n{}\n\
                 [systems.{name}.practice]\nurl = \"http://{}/\"\ntoken = {{ file = \"desks.token\" }}\n\
                 webhook_secret = {{ file = \"desks.secret\" }}\n",
                self.poll,
                self.system,
                desks.address(name)
            ));
        }
        for name in counterparts {
            text.push_str(&format!(
                "\n[agreements.{name}]\nparty = \"{name}\"\nhome = \"helpdesk\"\ncounterpart = \"{name}\"\n\
                 comments = \"both\"\nfiles = \"both\"\nroute.outbound = \"true\"\n\
                 [agreements.{name}.fields]\ntitle = {{ direction = \"outbound\" }}\n\
                 description = {{ direction = \"outbound\" }}\npriority = {{ policy = \"owner_home\" }}\n\
                 status = {{ policy = \"most_advanced\" }}\n"
            ));
            text.push_str(&self.agreement.replace("NAME", name));
        }
        fs::write(folder.path().join("throughline.toml"), text).unwrap();
        Running { folder, address: String::new(), child: None, environment: self.environment.clone() }
    }

    /// Sets up a bridge and starts it.
    pub(crate) fn start(&self, desks: &Desks, counterparts: &[&str]) -> Running {
        let mut running = self.set_up(desks, counterparts);
        running.start();
        if self.webhooks {
            desks.announce_to(&running.address);
        } else {
            running.polled();
        }
        running
    }
}

impl Running {
    /// A bridge with this configuration, and these secrets in files beside it.
    pub(crate) fn configured(text: &str, secrets: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in secrets {
            secret(&folder.path().join(name), text);
        }
        fs::write(folder.path().join("throughline.toml"), text).unwrap();
        Self { folder, address: String::new(), child: None, environment: Vec::new() }
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.folder.path().join("throughline.toml")
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Starts the process and waits until it takes webhooks.
    pub(crate) fn start(&mut self) {
        let log = fs::File::options().create(true).append(true).open(self.folder.path().join("log")).unwrap();
        let mut command = throughline();
        command.args(["serve", "--log", "throughline=debug,warn", "--config"]).arg(self.config());
        command.envs(self.environment.iter().cloned()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let child = command.spawn().unwrap();
        let pid = child.id();
        self.child = Some(child);
        until("the daemon is ready", || {
            let child = self.child.as_mut().unwrap();
            assert!(child.try_wait().unwrap().is_none(), "the daemon ended: {}", self.log());
            let announced = fs::read_to_string(self.data().join("daemon.json")).unwrap_or_default();
            let announced: serde_json::Value = serde_json::from_str(&announced).unwrap_or_default();
            if announced["pid"] != pid {
                return false;
            }
            announced["address"].as_str().unwrap().clone_into(&mut self.address);
            web::send(&self.address, "GET", "/readyz", &[], b"").is_some_and(|answer| answer.status == 200)
        });
    }

    /// Waits until every system was asked once: a change feed tells of what comes after that.
    pub(crate) fn polled(&self) {
        until("every system was asked", || {
            let systems = self.ask("/api/v1/systems").json();
            systems["systems"].as_array().unwrap().iter().all(|system| !system["well"].is_null())
        });
    }

    /// What the daemon logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Sends the process a signal.
    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
    }

    /// Waits for the process to end.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        let mut child = self.child.take().unwrap();
        let mut status = None;
        until("the daemon has ended", || {
            status = child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }

    /// Ends the process without a word, as a power cut would.
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Asks the daemon's interface with its admin token.
    pub(crate) fn ask(&self, path: &str) -> Answer {
        let token = fs::read_to_string(self.data().join("admin.token")).unwrap();
        let bearer = format!("Bearer {token}");
        web::send(&self.address, "GET", path, &[("authorization", &bearer)], b"").unwrap()
    }

    /// Posts a webhook signed with `secret`.
    pub(crate) fn webhook(&self, system: &str, secret: &str, body: &str) -> Answer {
        let signature = signed(secret, body);
        let fields: Vec<_> = signature.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let path = format!("/webhooks/{system}");
        web::send(&self.address, "POST", &path, &fields, body.as_bytes()).unwrap()
    }

    /// Runs a command on this bridge.
    pub(crate) fn command(&self, arguments: &[&str]) -> Said {
        run(throughline().args(arguments).arg("--config").arg(self.config()))
    }

    /// Runs a command on this bridge, with a line on its standard input.
    pub(crate) fn typed(&self, arguments: &[&str], line: &str) -> Said {
        let mut command = throughline();
        command.args(arguments).arg("--config").arg(self.config());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // Whoever does not ask for it does not read it.
        drop(writeln!(child.stdin.take().unwrap(), "{line}"));
        said(child.wait_with_output().unwrap())
    }

    /// Runs a command that has to succeed, and reads its JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let said = self.command(&[&["--json"], arguments].concat());
        assert_eq!(said.code, 0, "{arguments:?}: {said:?}");
        serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {said:?}"))
    }

    /// The facts of the ledger that are of this sort, unsealed.
    pub(crate) fn facts(&self, sort: &str) -> Vec<serde_json::Value> {
        let exported = self.command(&["ledger", "export"]);
        assert_eq!(exported.code, 0, "{exported:?}");
        let records =
            exported.out.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        records
            .flat_map(|record| record["facts"].as_array().cloned().unwrap_or_default())
            .filter(|fact| fact.get("fact").or(fact.get("is")).is_some_and(|is| is == sort))
            .collect()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.kill());
            drop(child.wait());
        }
        if std::thread::panicking() {
            eprint(&self.log());
        }
    }
}

/// What a command said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// The binary, without what the environment of the tests would bring along.
pub(crate) fn throughline() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_throughline"));
    command.env_remove("NO_COLOR").env_remove("RUST_LOG").env_remove("NOTIFY_SOCKET");
    command
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> Said {
    said(command.stdin(Stdio::null()).output().unwrap())
}

fn said(output: Output) -> Said {
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Writes a file that only its owner may read.
pub(crate) fn secret(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// Looks until it is so; panics when patience ends.
#[expect(
    clippy::disallowed_methods,
    reason = "a test waits for another process; there is no clock to inject"
)]
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let clock = SystemClock::new();
    let end = clock.monotonic() + PATIENCE;
    while !holds() {
        assert!(clock.monotonic() < end, "after {} s it is not so that {what}", PATIENCE.as_secs());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[expect(clippy::print_stderr, reason = "a test that failed shows what the daemon logged")]
fn eprint(text: &str) {
    eprintln!("{text}");
}
