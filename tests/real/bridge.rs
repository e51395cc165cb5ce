//! The daemon as a process of its own, and its command line beside it.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use throughline::clock::SystemClock;
use throughline_sdk::Clock;

use crate::desks::Desks;
use crate::setup::Setup;

/// A bridge with its configuration, running or not.
#[derive(Debug)]
pub(crate) struct Bridge {
    folder: PathBuf,
    process: Option<Child>,
}

impl Bridge {
    /// Writes the configuration as an admin would, into a folder that is kept for whoever looks into a failure.
    pub(crate) fn configured(name: &str, desks: &Desks, setup: &Setup) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("real-{name}"));
        if folder.exists() {
            fs::remove_dir_all(&folder).unwrap();
        }
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("throughline.toml"), setup.text(desks)).unwrap();
        let bridge = Self { folder, process: None };
        bridge.keep_secret("rt-token", desks.get("RT_TOKEN"));
        bridge.keep_secret("redmine-key", desks.get("REDMINE_KEY"));
        bridge.keep_secret("rt-webhook-token", desks.get("RT_WEBHOOK_TOKEN"));
        bridge.keep_secret("redmine-webhook-token", desks.get("REDMINE_WEBHOOK_TOKEN"));
        bridge
    }

    /// Puts a secret beside the configuration, for nobody else to read.
    pub(crate) fn keep_secret(&self, name: &str, secret: &str) {
        let file = self.folder.join(name);
        fs::write(&file, secret).unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// The folder of the configuration.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Starts the daemon and returns at once.
    pub(crate) fn launch(&mut self) {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.folder.join("log")).unwrap();
        let mut serve = command();
        serve.arg("serve").arg("--config").arg(self.config());
        serve.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.process = Some(serve.spawn().unwrap());
    }

    /// Starts the daemon and returns once it knows where each change feed begins: what people do from then on is a
    /// change.
    pub(crate) async fn start(&mut self) {
        self.launch();
        until("the daemon reads its change feeds", Duration::from_secs(60), async || {
            let exported = self.ask(&["ledger", "export"]);
            let begun: BTreeSet<String> = exported
                .stdout
                .split(|byte| *byte == b'\n')
                .filter_map(|line| serde_json::from_slice::<Value>(line).ok())
                .flat_map(|record| record["facts"].as_array().cloned().unwrap_or_default())
                .filter(|fact| fact["fact"] == "advanced")
                .map(|fact| fact["system"].to_string())
                .collect();
            (begun.len() == self.systems()).then_some(())
        })
        .await;
    }

    /// Starts the daemon again and returns once it is ready: until then a command beside it would open the data
    /// directory for itself.
    pub(crate) async fn start_again(&mut self) {
        let ready = |log: &Path| fs::read_to_string(log).unwrap().matches("The bridge is ready").count();
        let before = ready(&self.log());
        self.launch();
        until("the daemon is ready", Duration::from_secs(60), async || {
            (ready(&self.log()) > before).then_some(())
        })
        .await;
    }

    /// Ends the daemon without a word of warning.
    pub(crate) fn kill(&mut self) {
        let mut child = self.process.take().expect("the daemon runs");
        assert!(
            child.try_wait().unwrap().is_none(),
            "the daemon ended by itself; see {}",
            self.log().display()
        );
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Ends the daemon in good order.
    pub(crate) async fn stop(&mut self) {
        let mut child = self.process.take().expect("the daemon runs");
        let told = Command::new("kill").arg("-TERM").arg(child.id().to_string()).status().unwrap();
        assert!(told.success());
        let status =
            until("the daemon ends", Duration::from_secs(60), async || child.try_wait().unwrap()).await;
        assert!(status.success(), "the daemon ended with {status}; see {}", self.log().display());
    }

    /// Runs a command of the command line on this bridge.
    pub(crate) fn ask(&self, arguments: &[&str]) -> Output {
        command().args(arguments).arg("--config").arg(self.config()).output().unwrap()
    }

    /// What a command prints, which has to go well.
    pub(crate) fn told(&self, arguments: &[&str]) -> String {
        let output = self.ask(arguments);
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{arguments:?}: {out}{err}");
        out.into_owned()
    }

    /// What a command prints as JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let all: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
        serde_json::from_str(&self.told(&all)).unwrap()
    }

    fn config(&self) -> PathBuf {
        self.folder.join("throughline.toml")
    }

    fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    fn systems(&self) -> usize {
        let text = fs::read_to_string(self.config()).unwrap();
        text.lines().filter(|line| line.starts_with("[systems.") && line.matches('.').count() == 1).count()
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        if let Some(mut child) = self.process.take() {
            // Already over, or over now.
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// Lets time pass, where that is the very thing to be tested.
pub(crate) async fn pass(time: Duration) {
    SystemClock::new().sleep(time).await;
}

/// Waits until `look` finds something, and gives it.
pub(crate) async fn until<T>(what: &str, limit: Duration, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let clock = SystemClock::new();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(clock.monotonic() < limit, "within {limit:?} it did not come to pass that {what}");
        clock.sleep(Duration::from_millis(250)).await;
    }
}

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_throughline"));
    command.env("NO_COLOR", "1");
    command
}
