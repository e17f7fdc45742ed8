//! Trusted programs of this machine that answer many requests before they end.

use std::{
    fs::File,
    io::{self, ErrorKind, Write},
    os::unix::fs::FileExt as _,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags},
    fs::{MemfdFlags, OFlags, fcntl_getfl, fcntl_setfl, memfd_create},
};

use super::{HostError, HostLimits, STDERR_BYTES_MAX, Stop, read_some, wait};

/// A program that reads requests and writes answers, in order, until its input is closed.
///
/// It ends with this process, however that ends: nobody else holds the other end of its input.
#[derive(Debug)]
pub(crate) struct Coprocess {
    program: String,
    limits: HostLimits,
    child: Child,
    stdin: ChildStdin,
    stdout: ChildStdout,
    /// Its standard error, a file in memory: it never waits for somebody to read.
    stderr: File,
    /// What it wrote and nobody took yet begins at `taken`.
    incoming: Vec<u8>,
    taken: usize,
    started: Instant,
    /// When the request under way must be answered.
    deadline: Instant,
}

impl Coprocess {
    /// Starts a prepared command. The limits hold for each request.
    pub(crate) fn start(command: &mut Command, limits: HostLimits) -> Result<Self, HostError> {
        let program = command.get_program().to_string_lossy().into_owned();
        let started = Instant::now();
        let (child, stdin, stdout, stderr) = match spawn(command) {
            Ok(spawned) => spawned,
            Err(source) => return Err(HostError::Start { program, source }),
        };
        Ok(Self {
            program,
            limits,
            child,
            stdin,
            stdout,
            stderr,
            incoming: Vec::new(),
            taken: 0,
            started,
            deadline: started,
        })
    }

    /// Sends a request, which begins the time that there is to answer it.
    pub(crate) fn send(&mut self, request: &[u8]) -> Result<(), HostError> {
        self.deadline = Instant::now() + self.limits.wall;
        let mut left = request;
        while !left.is_empty() {
            let (writable, readable) = self.either_ready()?;
            if readable {
                self.receive()?;
            }
            if writable {
                left = match self.stdin.write(left) {
                    Ok(count) => left.get(count..).unwrap_or_default(),
                    Err(error) if is_momentary(&error) => left,
                    Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                        return Err(self.ended());
                    }
                    Err(error) => return Err(self.failed(Stop::Io(error))),
                };
            }
        }
        Ok(())
    }

    /// The next line of the answer, without its end.
    pub(crate) fn line(&mut self) -> Result<Vec<u8>, HostError> {
        let mut searched = 0;
        loop {
            let waiting = self.waiting();
            if let Some(at) = waiting[searched..].iter().position(|byte| *byte == b'\n') {
                let line = waiting[..searched + at].to_vec();
                self.taken += line.len() + 1;
                return Ok(line);
            }
            searched = waiting.len();
            self.await_more()?;
        }
    }

    /// The next bytes of the answer, as many as are named.
    pub(crate) fn bytes(&mut self, count: usize) -> Result<Vec<u8>, HostError> {
        if count > self.limits.output_bytes_max {
            return Err(self.failed(Stop::TooMuchOutput));
        }
        loop {
            if let Some(bytes) = self.waiting().get(..count) {
                let bytes = bytes.to_vec();
                self.taken += count;
                return Ok(bytes);
            }
            self.await_more()?;
        }
    }

    /// Lets go of what was taken; says whether that is everything it wrote, so that it may be sent
    /// another request.
    pub(crate) fn settle(&mut self) -> bool {
        let is_quiet = self.waiting().is_empty();
        self.incoming = Vec::new();
        self.taken = 0;
        let said = self.stderr.metadata().map_or(u64::MAX, |file| file.len());
        is_quiet && said <= STDERR_BYTES_MAX as u64
    }

    /// How long ago it was started.
    pub(crate) fn age(&self) -> Duration {
        self.started.elapsed()
    }

    #[cfg(test)]
    pub(crate) fn pid(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_child(&self.child)
    }

    fn waiting(&self) -> &[u8] {
        self.incoming.get(self.taken..).unwrap_or_default()
    }

    /// Waits until a piece of a request can be written, or a piece of an answer can be read.
    fn either_ready(&self) -> Result<(bool, bool), HostError> {
        let mut fds = [
            PollFd::new(&self.stdin, PollFlags::OUT),
            PollFd::new(&self.stdout, PollFlags::IN),
        ];
        wait(&mut fds, self.deadline).map_err(|stop| self.failed(stop))?;
        let [writable, readable] = fds.each_ref().map(|fd| !fd.revents().is_empty());
        Ok((writable, readable))
    }

    fn await_more(&mut self) -> Result<(), HostError> {
        let mut fds = [PollFd::new(&self.stdout, PollFlags::IN)];
        wait(&mut fds, self.deadline).map_err(|stop| self.failed(stop))?;
        self.receive()
    }

    /// Takes in one piece of what it wrote.
    fn receive(&mut self) -> Result<(), HostError> {
        if self.taken == self.incoming.len() {
            self.incoming.clear();
            self.taken = 0;
        }
        match read_some(Some(&mut self.stdout), &mut self.incoming) {
            Ok(true) if self.incoming.len() > self.limits.output_bytes_max => {
                Err(self.failed(Stop::TooMuchOutput))
            }
            Ok(true) => Ok(()),
            Ok(false) => Err(self.ended()),
            Err(error) => Err(self.failed(Stop::Io(error))),
        }
    }

    fn failed(&self, stop: Stop) -> HostError {
        stop.of(self.program.clone(), self.limits)
    }

    fn ended(&self) -> HostError {
        let mut said = vec![0; STDERR_BYTES_MAX];
        // What it said is shown to people; without it the error stands for itself.
        let count = self.stderr.read_at(&mut said, 0).unwrap_or(0);
        said.truncate(count);
        let message = match String::from_utf8_lossy(&said).trim() {
            "" => "it ended too early".to_owned(),
            said => said.to_owned(),
        };
        HostError::Ended {
            program: self.program.clone(),
            message,
        }
    }
}

impl Drop for Coprocess {
    fn drop(&mut self) {
        // Between two requests it has nothing to finish, and within one it is not to go on. It may
        // have ended by itself; then there is nothing left to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(command: &mut Command) -> io::Result<(Child, ChildStdin, ChildStdout, File)> {
    let stderr = File::from(memfd_create("stderr", MemfdFlags::CLOEXEC)?);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(stderr.try_clone()?)
        .spawn()?;
    let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(ErrorKind::BrokenPipe.into());
    };
    // A request may be larger than the pipe while answers wait to be read.
    fcntl_setfl(&stdin, fcntl_getfl(&stdin)? | OFlags::NONBLOCK)?;
    Ok((child, stdin, stdout, stderr))
}

fn is_momentary(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

#[cfg(test)]
mod tests;
