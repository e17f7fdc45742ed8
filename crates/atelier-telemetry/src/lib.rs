//! Where telemetry goes: a file of JSON lines, and a collector that speaks OpenTelemetry.
//!
//! Start with [`start`]; from then on whatever is said through `tracing` is written and exported,
//! until [`Telemetry::finish`]. Where neither is asked for, nothing is installed and saying costs
//! nothing.
//!
//! Invariants: nobody who says something waits for a disk or a network; what cannot be written or
//! sent is dropped and counted; no text of a question or an answer is ever said.

mod file;
mod otlp;

#[cfg(test)]
mod tests;

use std::{io, path::PathBuf, time::Duration};

use tracing::{Level, level_filters::LevelFilter};
use tracing_subscriber::{Layer as _, Registry, layer::SubscriberExt as _};
use url::Url;

use self::{file::LogFile, otlp::Exporter};

/// Target of what is said of a call that has ended; its fields are those of [`otlp`]'s table.
pub const CALL: &str = "atelier::call";

/// What is wanted.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The file for JSON lines.
    pub log: Option<PathBuf>,
    /// How much is written there; everything from `info` on if left out.
    pub level: Option<Level>,
    /// The collector's base address: `/v1/traces` and `/v1/metrics` are below it.
    pub collector: Option<Url>,
    /// Headers for the collector.
    pub headers: Vec<(String, String)>,
    /// How this program calls itself there; `atelier` if left out.
    pub service: Option<String>,
}

/// Why telemetry did not start.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The log cannot be opened.
    #[error("open the log {}", path.display())]
    Log {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The exporter cannot start.
    #[error("export telemetry to {url}")]
    Collector {
        /// Its address.
        url: Url,
        /// The cause, in words.
        #[source]
        source: io::Error,
    },
    /// Somebody else listens already.
    #[error("start telemetry: it was started before")]
    Twice,
}

/// Telemetry under way.
#[derive(Debug)]
pub struct Telemetry {
    exporter: Option<Exporter>,
}

/// Writes and exports from now on whatever is said.
pub fn start(wanted: &Wanted) -> Result<Telemetry, TelemetryError> {
    if wanted.log.is_none() && wanted.collector.is_none() {
        return Ok(Telemetry { exporter: None });
    }
    let log = match &wanted.log {
        Some(path) => Some(LogFile::open(path).map_err(|source| TelemetryError::Log {
            path: path.clone(),
            source,
        })?),
        None => None,
    };
    let exporter = match &wanted.collector {
        Some(url) => {
            Some(
                Exporter::start(url, wanted).map_err(|source| TelemetryError::Collector {
                    url: url.clone(),
                    source,
                })?,
            )
        }
        None => None,
    };
    let level = LevelFilter::from_level(wanted.level.unwrap_or(Level::INFO));
    let lines = log.map(|log| {
        tracing_subscriber::fmt::layer()
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .with_timer(file::Utc)
            .with_writer(log)
            .with_filter(level)
    });
    let spans = exporter.as_ref().map(Exporter::layer);
    let all = Registry::default().with(lines).with(spans);
    tracing::subscriber::set_global_default(all).map_err(|_| TelemetryError::Twice)?;
    Ok(Telemetry { exporter })
}

impl Telemetry {
    /// Sends what is left, as long as this does not take longer than it may. Returns how much was
    /// dropped since the start because the collector did not take it.
    pub fn finish(self, longest: Duration) -> u64 {
        self.exporter.map_or(0, |exporter| exporter.finish(longest))
    }
}
