//! The log: JSON lines in a file that does not grow without end.

use std::{
    fmt,
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use atelier_model::Timestamp;
use tracing_subscriber::fmt::{MakeWriter, format::Writer, time::FormatTime};

/// Bytes of the log, after which it is set aside as `NAME.1` in the place of the one before.
const BYTES_MAX: u64 = 16 << 20;

/// A log file. Clones write to the same one.
#[derive(Debug, Clone)]
pub(crate) struct LogFile(Arc<Mutex<Open>>);

#[derive(Debug)]
struct Open {
    path: PathBuf,
    file: File,
    bytes: u64,
    bytes_max: u64,
}

impl LogFile {
    /// Opens a file to write on at its end; it and its folder are made where they are missing.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Self::with_bound(path, BYTES_MAX)
    }

    /// The same with another bound.
    pub(crate) fn with_bound(path: &Path, bytes_max: u64) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let file = appending(path)?;
        let bytes = file.metadata()?.len();
        let path = path.to_owned();
        Ok(Self(Arc::new(Mutex::new(Open {
            path,
            file,
            bytes,
            bytes_max,
        }))))
    }

    fn held(&self) -> MutexGuard<'_, Open> {
        // A line that was cut by a panic is one line of nonsense.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// Sets a full log aside.
    fn turn_over(&mut self) -> io::Result<()> {
        // A device or a pipe is never full, and nothing can take its place.
        if !self.file.metadata()?.is_file() {
            self.bytes = 0;
            return Ok(());
        }
        let mut aside = self.path.clone().into_os_string();
        aside.push(".1");
        std::fs::rename(&self.path, aside)?;
        self.file = appending(&self.path)?;
        self.bytes = 0;
        Ok(())
    }
}

fn appending(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

/// One line at a time: the formatter hands over whole ones.
impl Write for &LogFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut open = self.held();
        let length = u64::try_from(line.len()).unwrap_or(u64::MAX);
        if open.bytes > 0 && open.bytes.saturating_add(length) > open.bytes_max {
            open.turn_over()?;
        }
        open.file.write_all(line)?;
        open.bytes = open.bytes.saturating_add(length);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogFile {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

/// Instants as everywhere else in this program: RFC 3339 in UTC.
pub(crate) struct Utc;

impl FormatTime for Utc {
    fn format_time(&self, into: &mut Writer<'_>) -> fmt::Result {
        write!(into, "{}", now())
    }
}

/// Now.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let millis = since.map_or(0, |since| since.as_millis());
    Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
}
