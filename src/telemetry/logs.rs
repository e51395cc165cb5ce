//! Where log lines go and in which form.

use std::io;

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// The form of a log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// For a person at a terminal.
    #[default]
    Human,
    /// One JSON object a line, for a collector.
    Json,
}

/// How the daemon logs.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The form of a line.
    pub form: Form,
    /// What is logged, in the words of `tracing`: `info`, or `warn,throughline=debug`.
    pub filter: String,
    /// Whether human lines are coloured. The caller heeds `NO_COLOR` and whether standard error is a terminal.
    pub colour: bool,
}

/// Sends the whole process's log lines to standard error: standard output belongs to commands.
///
/// # Errors
///
/// A sentence for the operator, if the filter cannot be read or logging was set up before.
pub fn init(options: &Options) -> Result<(), String> {
    let subscriber = subscriber(options, io::stderr)?;
    tracing::subscriber::set_global_default(subscriber)
        .map_err(|error| format!("logging cannot be set up: {error}"))
}

/// Whether a filter can be read.
///
/// # Errors
///
/// A sentence for the operator.
pub fn check_filter(filter: &str) -> Result<(), String> {
    parse(filter).map(drop)
}

fn parse(filter: &str) -> Result<EnvFilter, String> {
    EnvFilter::try_new(filter).map_err(|error| format!("the log filter {filter:?} cannot be read: {error}"))
}

fn subscriber<W>(options: &Options, writer: W) -> Result<Box<dyn Subscriber + Send + Sync>, String>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = parse(&options.filter)?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    Ok(match options.form {
        Form::Human => Box::new(builder.with_ansi(options.colour).finish()),
        Form::Json => Box::new(builder.json().flatten_event(true).with_ansi(false).finish()),
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(form: Form, filter: &str) -> String {
        let kept = Kept::default();
        let writer = kept.clone();
        let options = Options { form, filter: filter.into(), colour: false };
        let subscriber = subscriber(&options, move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(case.id = "TL-1042", "A case was opened.");
            tracing::debug!("A detail.");
        });
        String::from_utf8(kept.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn a_json_line_is_an_object_with_dotted_fields() {
        let line: serde_json::Value = serde_json::from_str(&logged(Form::Json, "info")).unwrap();
        assert_eq!(line["case.id"], "TL-1042");
        assert_eq!(line["message"], "A case was opened.");
    }

    #[test]
    fn a_human_line_bears_no_escape_codes_without_colour() {
        let lines = logged(Form::Human, "debug");
        assert!(lines.contains("A detail.") && !lines.contains('\u{1b}'), "{lines}");
    }

    #[test]
    fn a_filter_that_cannot_be_read_is_quoted() {
        let options = Options { filter: "info,=".into(), ..Options::default() };
        assert!(subscriber(&options, io::stderr).err().unwrap().contains("info,="));
    }
}
