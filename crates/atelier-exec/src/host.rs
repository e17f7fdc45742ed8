//! Trusted programs of this machine, run to their end or kept to answer: the one place that starts git.

mod coprocess;

pub(crate) use coprocess::Coprocess;

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom, Write},
    os::fd::AsFd,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{MemfdFlags, memfd_create},
    io::Errno,
    process::{Pid, PidfdFlags, pidfd_open},
};

/// Bytes read from a pipe at once.
const PIECE_BYTES: usize = 64 * 1024;

/// How far one program may go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HostLimits {
    /// Time until it is killed.
    pub(crate) wall: Duration,
    /// Bytes of its standard output.
    pub(crate) output_bytes_max: usize,
}

/// What a program that ended left behind.
#[derive(Debug)]
pub(crate) struct HostOutput {
    /// How it ended.
    pub(crate) status: ExitStatus,
    /// Its standard output.
    pub(crate) stdout: Vec<u8>,
    /// Its standard error, as far as it is kept.
    pub(crate) stderr: String,
}

/// Why a program of this machine could not be run to its end.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// It could not be started.
    #[error("start `{program}`")]
    Start {
        /// The program.
        program: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It could not be talked to.
    #[error("exchange data with `{program}`")]
    Exchange {
        /// The program.
        program: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It took too long and was killed.
    #[error("run `{program}` within {seconds} s")]
    TimedOut {
        /// The program.
        program: String,
        /// The limit.
        seconds: u64,
    },
    /// It printed too much and was killed.
    #[error("run `{program}`: it printed more than {bytes_max} bytes")]
    TooMuchOutput {
        /// The program.
        program: String,
        /// The limit.
        bytes_max: usize,
    },
    /// It ended before it had answered.
    #[error("get an answer of `{program}`: {message}")]
    Ended {
        /// The program.
        program: String,
        /// What it said last.
        message: String,
    },
}

/// Bytes of standard error that are kept.
const STDERR_BYTES_MAX: usize = 64 * 1024;

/// Runs a prepared command with `input` on its standard input.
pub(crate) fn run(
    command: &mut Command,
    input: &[u8],
    limits: HostLimits,
) -> Result<HostOutput, HostError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let start = |source| HostError::Start {
        program: program.clone(),
        source,
    };
    let mut child = command
        .stdin(input_file(input).map_err(start)?)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(start)?;
    let collected = collect(&mut child, limits);
    if collected.is_err() {
        // It may have ended by itself meanwhile; then there is nothing left to kill.
        let _ = child.kill();
    }
    let status = child.wait();
    let (stdout, stderr) = collected.map_err(|stop| stop.of(program.clone(), limits))?;
    Ok(HostOutput {
        status: status.map_err(|source| HostError::Exchange { program, source })?,
        stdout,
        stderr: String::from_utf8_lossy(&stderr).trim().to_owned(),
    })
}

/// Standard input as a file in memory: nobody has to feed a pipe while the output is read.
pub(crate) fn input_file(input: &[u8]) -> std::io::Result<Stdio> {
    if input.is_empty() {
        return Ok(Stdio::null());
    }
    let mut file = File::from(memfd_create("input", MemfdFlags::CLOEXEC)?);
    file.write_all(input)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(Stdio::from(file))
}

enum Stop {
    Io(std::io::Error),
    TimedOut,
    TooMuchOutput,
}

impl Stop {
    fn of(self, program: String, limits: HostLimits) -> HostError {
        match self {
            Self::Io(source) => HostError::Exchange { program, source },
            Self::TimedOut => HostError::TimedOut {
                program,
                seconds: limits.wall.as_secs(),
            },
            Self::TooMuchOutput => HostError::TooMuchOutput {
                program,
                bytes_max: limits.output_bytes_max,
            },
        }
    }
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Errno> for Stop {
    fn from(error: Errno) -> Self {
        Self::Io(error.into())
    }
}

fn collect(child: &mut Child, limits: HostLimits) -> Result<(Vec<u8>, Vec<u8>), Stop> {
    let deadline = Instant::now() + limits.wall;
    let mut stdout = child.stdout.take();
    let mut stderr = child.stderr.take();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    while stdout.is_some() || stderr.is_some() {
        let (out_ready, err_ready) = {
            let mut fds = Vec::with_capacity(2);
            fds.extend(stdout.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
            fds.extend(stderr.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
            wait(&mut fds, deadline)?;
            let mut ready = fds.iter().map(|fd| !fd.revents().is_empty());
            let out_ready = stdout.is_some() && ready.next() == Some(true);
            (out_ready, stderr.is_some() && ready.next() == Some(true))
        };
        if out_ready && !read_some(stdout.as_mut(), &mut out)? {
            stdout = None;
        }
        if err_ready && !read_some(stderr.as_mut(), &mut err)? {
            stderr = None;
        }
        if out.len() > limits.output_bytes_max {
            return Err(Stop::TooMuchOutput);
        }
        err.truncate(STDERR_BYTES_MAX);
    }
    await_end(child, deadline)?;
    Ok((out, err))
}

/// Waits until something can be read or the deadline has passed.
fn wait(fds: &mut [PollFd<'_>], deadline: Instant) -> Result<(), Stop> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Stop::TimedOut);
        }
        let timeout = Timespec::try_from(left).ok();
        match poll(fds, timeout.as_ref()) {
            Ok(0) | Err(Errno::INTR) => {}
            Ok(_) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Reads one piece; `false` at the end of the stream.
fn read_some(pipe: Option<&mut impl Read>, into: &mut Vec<u8>) -> std::io::Result<bool> {
    let Some(pipe) = pipe else {
        return Ok(false);
    };
    let mut piece = vec![0; PIECE_BYTES];
    match pipe.read(&mut piece) {
        Ok(count) => {
            into.extend_from_slice(&piece[..count]);
            Ok(count > 0)
        }
        Err(error) if error.kind() == std::io::ErrorKind::Interrupted => Ok(true),
        Err(error) => Err(error),
    }
}

/// A program may close its output and go on; it gets no more time for that.
fn await_end(child: &mut Child, deadline: Instant) -> Result<(), Stop> {
    if child.try_wait()?.is_some() {
        return Ok(());
    }
    let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else {
        return Ok(());
    };
    let process = pidfd_open(pid, PidfdFlags::empty())?;
    wait(
        &mut [PollFd::from_borrowed_fd(process.as_fd(), PollFlags::IN)],
        deadline,
    )
}

#[cfg(test)]
mod tests;
