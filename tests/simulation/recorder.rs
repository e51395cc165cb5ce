//! Everything that each party is sent or shown, and everything that is logged and counted, to be searched for canaries.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use throughline::telemetry::metrics::Metrics;
use throughline_sdk::http::Request;
use throughline_testkit::Haystack;
use tracing_subscriber::fmt::MakeWriter;

/// What was recorded of one seed.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    told: Mutex<BTreeMap<String, Vec<String>>>,
    logged: Mutex<Vec<u8>>,
    counted: Mutex<Option<Arc<Metrics>>>,
}

impl Recorder {
    /// A request, with its address and header fields, on its way to its host.
    pub(crate) fn sent(&self, request: &Request) {
        let mut text = format!("{} {}\n", request.method, request.url);
        for (name, value) in &request.headers {
            text.push_str(&format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes())));
        }
        text.push_str(&String::from_utf8_lossy(&request.body));
        self.told().entry(request.url.host_str().unwrap_or_default().to_owned()).or_default().push(text);
    }

    /// An answer to a host.
    pub(crate) fn shown(&self, host: &str, body: &[u8]) {
        self.told().entry(host.to_owned()).or_default().push(String::from_utf8_lossy(body).into_owned());
    }

    /// From now on these are the bridge's metrics.
    pub(crate) fn count_with(&self, metrics: &Arc<Metrics>) {
        *self.counted.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(metrics));
    }

    /// What a host was told, each piece once as it was and once to be searched.
    pub(crate) fn told_to(&self, host: &str) -> Vec<(String, Haystack)> {
        let told = self.told();
        let pieces = told.get(host).map(Vec::as_slice).unwrap_or_default();
        pieces.iter().map(|piece| (piece.clone(), Haystack::of(piece))).collect()
    }

    /// The log and the metrics.
    pub(crate) fn told_to_operators(&self) -> Vec<(String, Haystack)> {
        let logged = String::from_utf8_lossy(&self.logged()).into_owned();
        let counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let counted = counted.as_ref().map(|metrics| metrics.text()).unwrap_or_default();
        let lines = logged.lines().map(str::to_owned).chain([counted]);
        lines.map(|line| (line.clone(), Haystack::of(&line))).collect()
    }

    fn told(&self) -> MutexGuard<'_, BTreeMap<String, Vec<String>>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn logged(&self) -> MutexGuard<'_, Vec<u8>> {
        self.logged.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes the log into a recorder.
#[derive(Clone, Debug)]
pub(crate) struct Logbook(pub(crate) Arc<Recorder>);

impl io::Write for Logbook {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.logged().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Logbook {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
