//! Wiring of telemetry: what the command line and the environment ask for.

use std::{panic::PanicHookInfo, path::PathBuf, time::Duration};

use atelier_telemetry::{Telemetry, TelemetryError, Wanted, start as start_telemetry};
use url::Url;

use crate::{cli::Global, ui::Ui};

/// Variables that say where the log goes, and how much of what happens is in it.
pub(crate) const LOG: &str = "ATELIER_LOG";
pub(crate) const LOG_LEVEL: &str = "ATELIER_LOG_LEVEL";

/// Variables of OpenTelemetry.
const COLLECTOR: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const HEADERS: &str = "OTEL_EXPORTER_OTLP_HEADERS";
const SERVICE: &str = "OTEL_SERVICE_NAME";
const DISABLED: &str = "OTEL_SDK_DISABLED";

/// Longest wait at the end for a collector that does not take what is left.
const FINISH_MAX: Duration = Duration::from_secs(3);

/// Why telemetry did not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// A variable does not say what it should.
    #[error("use {variable}={value}: it must be {wanted}")]
    Variable {
        variable: &'static str,
        value: String,
        wanted: &'static str,
    },
    /// The file that `--log` names cannot be written.
    #[error(transparent)]
    Option(TelemetryError),
    /// It cannot be written or exported.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
}

/// Starts what is asked for; nothing is asked for by default.
pub(crate) fn start(global: &Global) -> Result<Telemetry, StartError> {
    let wanted = wanted(global.log.clone(), &variable)?;
    let telemetry = start_telemetry(&wanted).map_err(|error| match error {
        TelemetryError::Log { .. } if global.log.is_some() => StartError::Option(error),
        TelemetryError::Log { .. } | TelemetryError::Collector { .. } | TelemetryError::Twice => {
            error.into()
        }
    })?;
    tracing::info!(target: "atelier::program", version = env!("CARGO_PKG_VERSION"), "started");
    Ok(telemetry)
}

/// The value of an environment variable; an empty one counts as none.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn wanted(
    log: Option<PathBuf>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Wanted, StartError> {
    let level = match variable(LOG_LEVEL) {
        Some(value) => Some(value.parse().map_err(|_| StartError::Variable {
            variable: LOG_LEVEL,
            value,
            wanted: "error, warn, info, debug or trace",
        })?),
        None => None,
    };
    let is_disabled = variable(DISABLED).is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let collector = match variable(COLLECTOR).filter(|_| !is_disabled) {
        Some(value) => {
            let url = Url::parse(&value).ok();
            let url = url.filter(|url| matches!(url.scheme(), "http" | "https"));
            Some(url.ok_or(StartError::Variable {
                variable: COLLECTOR,
                value,
                wanted: "an address such as http://127.0.0.1:4318",
            })?)
        }
        None => None,
    };
    let headers = variable(HEADERS).unwrap_or_default();
    let pair = |text: &str| {
        let (name, value) = text.split_once('=')?;
        Some((name.trim().to_owned(), value.trim().to_owned()))
    };
    Ok(Wanted {
        log: log.or_else(|| variable(LOG).map(PathBuf::from)),
        level,
        collector,
        headers: headers.split(',').filter_map(pair).collect(),
        service: variable(SERVICE),
    })
}

/// Says how the program ends, and sends what is left.
pub(crate) fn end(telemetry: Telemetry, code: u8, error: Option<&str>, ui: &Ui) {
    if let Some(error) = error {
        tracing::error!(target: "atelier::program", code, error, "ended");
    } else {
        tracing::info!(target: "atelier::program", code, "ended");
    }
    let dropped = telemetry.finish(FINISH_MAX);
    if dropped > 0 {
        ui.warn(&format!(
            "{dropped} calls were not exported: {COLLECTOR} names a collector that did not take them"
        ));
    }
}

/// Says that a part of the program panicked, and where.
pub(crate) fn panicked(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string);
    tracing::error!(target: "atelier::program", place, "panicked");
}

#[cfg(test)]
mod tests;
