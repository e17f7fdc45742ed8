//! Reads the event stream of a running program, and can end it with force at any line.

#[cfg(test)]
mod tests;

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek},
    process::{Child, ChildStdout, Command, Stdio},
};

use serde_json::Value;

/// Bytes of one line of events.
const LINE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Why a program could not be watched.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// It could not be started, read from or waited for.
    #[error("watch the program")]
    Io(#[from] io::Error),
    /// A line of its output is no JSON.
    #[error("read the event line `{line}`")]
    NotJson {
        /// The line, or its beginning.
        line: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

/// What a watched program left behind.
#[derive(Debug, Clone, PartialEq)]
pub struct Watched {
    /// The events it wrote, in order.
    pub events: Vec<Value>,
    /// Its exit code; `None` where it was ended by force.
    pub exit: Option<i32>,
    /// What it wrote to standard error.
    pub stderr: String,
}

impl Watched {
    /// The kinds of the events, such as `task.state`.
    pub fn kinds(&self) -> Vec<&str> {
        let kind = |event| Value::get(event, "kind").unwrap_or(event)["type"].as_str();
        self.events.iter().filter_map(kind).collect()
    }
}

/// A running program that writes one event a line.
#[derive(Debug)]
pub struct EventWatch {
    child: Child,
    lines: BufReader<ChildStdout>,
    stderr: File,
    events: Vec<Value>,
}

impl EventWatch {
    /// Starts the program. Its arguments must include what makes it write events.
    pub fn start(mut command: Command) -> Result<Self, WatchError> {
        let stderr = tempfile::tempfile()?;
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr.try_clone()?)
            .spawn()?;
        let stdout = child.stdout.take();
        let stdout = stdout.ok_or_else(|| io::Error::other("the program has no output"))?;
        Ok(Self {
            child,
            lines: BufReader::new(stdout),
            stderr,
            events: Vec::new(),
        })
    }

    /// The program's process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the next event; `None` when the program has closed its output.
    pub fn next_event(&mut self) -> Result<Option<&Value>, WatchError> {
        let mut line = String::new();
        let mut limited = (&mut self.lines).take(LINE_BYTES_MAX);
        if limited.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let event = serde_json::from_str(&line).map_err(|source| WatchError::NotJson {
            line: line.chars().take(200).collect(),
            source,
        })?;
        self.events.push(event);
        Ok(self.events.last())
    }

    /// Reads to the end and waits for the program.
    pub fn finish(mut self) -> Result<Watched, WatchError> {
        while self.next_event()?.is_some() {}
        let exit = self.child.wait()?.code();
        self.watched(exit)
    }

    /// Ends the program with `SIGKILL`, now. Lines it wrote before are not read any more.
    pub fn kill(mut self) -> Result<Watched, WatchError> {
        self.child.kill()?;
        let exit = self.child.wait()?.code();
        self.watched(exit)
    }

    /// Runs a program and kills it right after its event number `nth`, counted from 1. A program
    /// that writes fewer events runs to its end.
    pub fn kill_after(command: Command, nth: usize) -> Result<Watched, WatchError> {
        let mut watch = Self::start(command)?;
        while watch.events.len() < nth {
            if watch.next_event()?.is_none() {
                return watch.finish();
            }
        }
        watch.kill()
    }

    fn watched(mut self, exit: Option<i32>) -> Result<Watched, WatchError> {
        let mut stderr = String::new();
        self.stderr.rewind()?;
        let mut bytes = Vec::new();
        self.stderr.read_to_end(&mut bytes)?;
        stderr.push_str(&String::from_utf8_lossy(&bytes));
        Ok(Watched {
            events: self.events,
            exit,
            stderr,
        })
    }
}
