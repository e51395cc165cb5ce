//! The bench's other processes, and what the kernel knows about them.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use throughline_sdk::Clock;

use super::protocol::{Order, Outcome, Up};
use super::wire::Connection;
use crate::cli::Failure;

/// The kernel counts processor time for user space in hundredths of a second, whatever its own tick is.
const TICKS_PER_SECOND: f64 = 100.0;
/// The longest a bridge may take to be ready: a store may have to be rebuilt.
const PATIENCE: Duration = Duration::from_secs(600);
const GLANCE: Duration = Duration::from_millis(2);

/// One more process of this program. It is killed when dropped.
#[derive(Debug)]
pub(super) struct Part {
    child: Child,
    input: Option<ChildStdin>,
    output: Option<BufReader<ChildStdout>>,
    /// Where it listens.
    pub(super) address: String,
}

impl Part {
    /// Starts a part of the bench that tells where it listens.
    pub(super) fn start(arguments: &[String], errors: &Path) -> Result<Self, Failure> {
        let mut part = Self::spawn(arguments, errors, Stdio::piped())?;
        let up: Up = part.read()?;
        part.address = up.address;
        Ok(part)
    }

    /// Starts `throughline serve` and waits until it takes webhooks; also returns how long that took.
    pub(super) async fn serve(
        config: &Path,
        address: &str,
        errors: &Path,
        clock: &dyn Clock,
    ) -> Result<(Self, Duration), Failure> {
        let begin = clock.monotonic();
        let arguments = ["serve", "--config", &config.display().to_string()].map(str::to_owned);
        let mut part = Self::spawn(&arguments, errors, Stdio::null())?;
        address.clone_into(&mut part.address);
        loop {
            if let Ok(mut connection) = Connection::open(address).await
                && let Ok((200, _)) = connection.send("GET /readyz", "", b"").await
            {
                return Ok((part, clock.monotonic() - begin));
            }
            if let Some(status) = part.child.try_wait().map_err(Failure::failed)? {
                let why =
                    format!("the bridge ended before it was ready ({status}); see {}", errors.display());
                return Err(Failure::Failed(why));
            }
            if clock.monotonic() - begin > PATIENCE {
                return Err(Failure::Failed(format!("the bridge is not ready; see {}", errors.display())));
            }
            clock.sleep(GLANCE).await;
        }
    }

    /// Has the load process carry out an order.
    pub(super) fn order(&mut self, order: &Order) -> Result<Outcome, Failure> {
        self.write(order)?;
        self.read()
    }

    /// Ends a bridge as a service manager does, and waits for it.
    pub(super) fn stop(mut self) -> Result<(), Failure> {
        // The standard library sends no signals; every shell does.
        let kill = format!("kill -TERM {}", self.child.id());
        Command::new("sh").args(["-c", &kill]).status().map_err(Failure::failed)?;
        let status = self.child.wait().map_err(Failure::failed)?;
        if status.success() {
            Ok(())
        } else {
            Err(Failure::Failed(format!("the bridge did not stop well: {status}")))
        }
    }

    /// Processor time so far.
    pub(super) fn processor(&self) -> Duration {
        let path = format!("/proc/{}/stat", self.child.id());
        let text = std::fs::read_to_string(path).unwrap_or_default();
        // The name before it may contain anything but the last parenthesis.
        let fields = text.rsplit(") ").next().unwrap_or_default();
        let ticks: u32 =
            fields.split(' ').skip(11).take(2).filter_map(|field| field.parse::<u32>().ok()).sum();
        Duration::from_secs_f64(f64::from(ticks) / TICKS_PER_SECOND)
    }

    /// Memory in MiB: `VmRSS` now, `VmHWM` at its highest.
    pub(super) fn memory(&self, field: &str) -> f64 {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u32>().ok());
        kib.map_or(f64::NAN, |kib| f64::from(kib) / 1024.0)
    }

    fn spawn(arguments: &[String], errors: &Path, output: Stdio) -> Result<Self, Failure> {
        let program = std::env::current_exe().map_err(Failure::failed)?;
        let log = std::fs::File::options().create(true).append(true).open(errors).map_err(Failure::failed)?;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(output).stderr(log);
        let mut child = command.spawn().map_err(Failure::failed)?;
        let (input, output) = (child.stdin.take(), child.stdout.take().map(BufReader::new));
        Ok(Self { child, input, output, address: String::new() })
    }

    fn write(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(value).map_err(Failure::failed)?;
        let input =
            self.input.as_mut().ok_or_else(|| Failure::failed("a part of the bench takes no orders"))?;
        writeln!(input, "{text}").map_err(Failure::failed)
    }

    fn read<T: DeserializeOwned>(&mut self) -> Result<T, Failure> {
        let output =
            self.output.as_mut().ok_or_else(|| Failure::failed("a part of the bench says nothing"))?;
        let mut line = String::new();
        output.read_line(&mut line).map_err(Failure::failed)?;
        serde_json::from_str(&line)
            .map_err(|error| Failure::Failed(format!("a part of the bench ended: {error}")))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
