//! The parent's side of a command: its output, its clock, its end.

use std::{
    fmt::Write as _,
    io::{self, PipeWriter},
    os::fd::OwnedFd,
    path::Path,
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufReader, Lines},
    net::unix::pipe::Receiver,
    time::{Instant, sleep_until, timeout, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{
    Cap, Exit, OutputSink, Report, SpawnError, Usage,
    crew::{Crew, Kind, Supervisor},
    family::descriptor_of,
    frame::{FRAME_BYTES_MAX, Fact, Order, STOP, frame},
    tape::{self, SharedTape},
};

/// Time for the supervisor to start a command.
const START: Duration = Duration::from_secs(30);
/// Time for the supervisor to end everything, beyond the grace that the command has.
const FORCE: Duration = Duration::from_secs(15);
/// Time for the rest of the output once nothing that could print is left.
const REST: Duration = Duration::from_secs(2);
/// Bytes of output taken at once.
const PIECE_BYTES: usize = 64 * 1024;
/// The signal that nothing can refuse.
const KILLED: i32 = 9;
/// Bytes of what a broken supervisor says.
const COMPLAINT_BYTES_MAX: usize = 2000;

/// How long a command is waited for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// Time altogether.
    pub(super) wall: Duration,
    /// Time without output.
    pub(super) idle: Option<Duration>,
    /// Time from the request to end to the end by force.
    pub(super) grace: Duration,
    /// Bytes of output altogether.
    pub(super) printed_bytes_max: Option<u64>,
}

/// A command that runs.
pub(super) struct Watch {
    program: String,
    supervisor: Supervisor,
    /// Where the supervisor may wait for another order, and for which.
    back: Option<(Crew, Kind)>,
    output: Receiver,
    started: Instant,
    /// A socket of the command's own network, where it is to be visited.
    visit: Option<OwnedFd>,
}

/// How a command ended.
#[derive(Debug, Clone)]
pub(super) struct Ended {
    pub(super) exit: Exit,
    duration_ms: u64,
    usage: Usage,
}

impl Ended {
    /// The report, with the output from the tape.
    pub(super) fn report(self, tape: &SharedTape) -> Report {
        let (mut output, truncated) = tape::text(tape);
        let traffic = self.usage.way_out.iter();
        for refusal in traffic.flat_map(|traffic| &traffic.refused) {
            // Writing to a text does not fail.
            let _ = write!(output, "\n[{refusal}; {}]\n", refusal.remedy());
        }
        Report {
            exit: self.exit,
            output,
            truncated,
            duration_ms: self.duration_ms,
            usage: self.usage,
        }
    }
}

impl Watch {
    /// Has a supervisor start the command; returns once the command runs.
    pub(super) async fn start(
        crew: &Crew,
        helper: &Path,
        order: &Order,
        input: &[u8],
    ) -> Result<Self, SpawnError> {
        let program = order.argv.first().ok_or(SpawnError::NoProgram)?;
        let Some(frame) = frame(order, input) else {
            return Err(SpawnError::TooLong {
                program: program.clone(),
                bytes_max: FRAME_BYTES_MAX,
            });
        };
        let kind = Kind::of(order);
        let failed = |source| SpawnError::Helper {
            helper: helper.to_owned(),
            source,
        };
        while let Some(waiting) = kind.as_ref().and_then(|kind| crew.take(kind)) {
            let (mut watch, output) = Self::of(waiting, program, None).map_err(failed)?;
            // One that is gone has begun nothing, and another takes its place.
            if let Some(fact) = watch.hand_over(&frame, output).await? {
                watch.back = kind.map(|kind| (crew.clone(), kind));
                return watch.begun(fact).await;
            }
        }
        let supervisor = Supervisor::start(helper).map_err(failed)?;
        let back = kind.map(|kind| (crew.clone(), kind));
        let (mut watch, output) = Self::of(supervisor, program, back).map_err(failed)?;
        match watch.hand_over(&frame, output).await? {
            Some(fact) => watch.begun(fact).await,
            None => Err(watch.lost("it said nothing").await),
        }
    }

    /// A command to be, and where its output is to go.
    fn of(
        supervisor: Supervisor,
        program: &str,
        back: Option<(Crew, Kind)>,
    ) -> io::Result<(Self, PipeWriter)> {
        let (output, theirs) = io::pipe()?;
        let watch = Self {
            program: program.to_owned(),
            supervisor,
            back,
            output: Receiver::from_owned_fd(output.into())?,
            started: Instant::now(),
            visit: None,
        };
        Ok((watch, theirs))
    }

    /// Hands over the order; the first word that is said about it, if there is any.
    async fn hand_over(
        &mut self,
        frame: &[u8],
        output: PipeWriter,
    ) -> Result<Option<Fact>, SpawnError> {
        // A supervisor that is gone already does not take the order; its silence tells.
        drop(timeout(START, self.supervisor.hand_over(frame, output)).await);
        match timeout(START, fact(&mut self.supervisor.facts)).await {
            Ok(fact) => Ok(fact),
            Err(_) => Err(SpawnError::HelperLost {
                program: self.program.clone(),
                message: "it did not take the order".to_owned(),
            }),
        }
    }

    /// Waits until the command runs.
    async fn begun(mut self, first: Fact) -> Result<Self, SpawnError> {
        let fact = if first == Fact::Taken {
            let Ok(fact) = timeout(START, fact(&mut self.supervisor.facts)).await else {
                return Err(self.lost("it did not start the command").await);
            };
            fact
        } else {
            Some(first)
        };
        let program = self.program.clone();
        match fact {
            Some(Fact::Started { visit }) => {
                self.started = Instant::now();
                self.hold(visit)
            }
            Some(Fact::ProgramMissing) => Err(SpawnError::ProgramMissing { program }),
            Some(Fact::NotStarted { message }) => Err(SpawnError::NotStarted { program, message }),
            Some(Fact::NotConfined { message }) => {
                Err(SpawnError::NotConfined { program, message })
            }
            Some(
                Fact::Taken
                | Fact::Code { .. }
                | Fact::Signal { .. }
                | Fact::Used { .. }
                | Fact::Returned(_)
                | Fact::Went(_)
                | Fact::Shown { .. }
                | Fact::Stays
                | Fact::First { .. }
                | Fact::Ready { .. },
            ) => Err(self.lost("it spoke out of turn").await),
            None => Err(self.lost("it said nothing").await),
        }
    }

    /// Takes the socket through which the command is visited.
    fn hold(mut self, visit: Option<i32>) -> Result<Self, SpawnError> {
        let Some(visit) = visit else {
            return Ok(self);
        };
        let supervisor = self.supervisor.child.id().unwrap_or_default();
        match descriptor_of(supervisor, visit) {
            Ok(socket) => {
                self.visit = Some(socket);
                Ok(self)
            }
            Err(error) => Err(SpawnError::NotConfined {
                program: self.program,
                message: format!("reach the network of its own: {error}"),
            }),
        }
    }

    /// The socket through which the command is visited, for its one holder.
    pub(super) fn visit(&mut self) -> Option<OwnedFd> {
        self.visit.take()
    }

    /// Waits for the command's end, or ends it: the first of clock, silence and token is the
    /// reason that is reported.
    pub(super) async fn end(
        mut self,
        patience: Patience,
        cancel: &CancellationToken,
        tape: &SharedTape,
        sink: Option<OutputSink<'_>>,
    ) -> Result<Ended, SpawnError> {
        let mut piece = vec![0; PIECE_BYTES];
        let mut waiting = Waiting::new(self.started, patience);
        let mut usage = Usage::default();
        let mut stays = false;
        let exit = loop {
            match self.next(&mut piece, &waiting, cancel).await {
                Next::Output(0) => waiting.output_open = false,
                Next::Output(count) => {
                    waiting.heard = Instant::now();
                    if waiting.printed(count, &mut usage) {
                        hear(tape, sink, &piece[..count]);
                    } else if waiting.reason.is_none() {
                        self.ask(Exit::Signal(KILLED), &mut waiting).await;
                    }
                }
                Next::Told(None) => return Err(self.lost("it said nothing").await),
                Next::Told(Some(fact)) => match note(fact, &mut usage, &mut stays) {
                    Ok(None) => {}
                    Ok(Some(exit)) => break exit,
                    Err(what) => return Err(self.lost(&what).await),
                },
                Next::Due => match waiting.reason {
                    None => self.ask(waiting.due().1, &mut waiting).await,
                    Some(_) => return Err(self.lost("it did not end the command").await),
                },
                Next::Cancelled => self.ask(Exit::Cancelled, &mut waiting).await,
            }
        };
        let duration = self.started.elapsed();
        if waiting.output_open {
            self.rest(&mut piece, tape, sink, &mut waiting, &mut usage)
                .await;
        }
        self.leave(stays && waiting.reason.is_none()).await;
        let exit = waiting.reason.unwrap_or(exit);
        match exit {
            Exit::WallTimeout => usage.hit.push(Cap::Wall),
            Exit::IdleTimeout => usage.hit.push(Cap::Idle),
            Exit::Code(_) | Exit::Signal(_) | Exit::Cancelled => {}
        }
        Ok(Ended {
            exit,
            duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
            usage,
        })
    }

    /// Lets the supervisor wait for another order, or end.
    async fn leave(mut self, stays: bool) {
        if let Some((crew, kind)) = self.back.take().filter(|_| stays) {
            crew.keep(kind, self.supervisor);
            return;
        }
        drop(self.supervisor.leash);
        // It has said its last word; nothing hangs on how it exits.
        drop(timeout(REST, self.supervisor.child.wait()).await);
    }

    async fn next(
        &mut self,
        piece: &mut [u8],
        waiting: &Waiting,
        cancel: &CancellationToken,
    ) -> Next {
        tokio::select! {
            fact = fact(&mut self.supervisor.facts) => Next::Told(fact),
            read = self.output.read(piece), if waiting.output_open => {
                Next::Output(read.unwrap_or(0))
            }
            () = cancel.cancelled(), if waiting.reason.is_none() => Next::Cancelled,
            () = sleep_until(waiting.due().0) => Next::Due,
        }
    }

    /// Asks the supervisor to end the command.
    async fn ask(&mut self, reason: Exit, waiting: &mut Waiting) {
        waiting.reason = Some(reason);
        waiting.asked = Instant::now();
        // A supervisor that is gone is noticed by its silence.
        drop(timeout(REST, self.supervisor.leash.write_all(&[STOP])).await);
    }

    /// Reads what is still on its way.
    async fn rest(
        &mut self,
        piece: &mut [u8],
        tape: &SharedTape,
        sink: Option<OutputSink<'_>>,
        waiting: &mut Waiting,
        usage: &mut Usage,
    ) {
        let end = Instant::now() + REST;
        while let Ok(Ok(count)) = timeout_at(end, self.output.read(piece)).await
            && count > 0
            && waiting.printed(count, usage)
        {
            hear(tape, sink, &piece[..count]);
        }
    }

    /// The error for a supervisor that did not do its work. It is killed: closing its leash has
    /// then ended, or cannot end, what is below it.
    async fn lost(self, what: &str) -> SpawnError {
        let Supervisor {
            mut child,
            leash,
            facts,
        } = self.supervisor;
        drop(leash);
        let mut said = vec![0; COMPLAINT_BYTES_MAX];
        let end = Instant::now() + REST;
        let mut facts = facts.into_inner();
        let count = match timeout_at(end, facts.read(&mut said)).await {
            Ok(Ok(count)) => count,
            Ok(Err(_)) | Err(_) => 0,
        };
        drop(timeout_at(end, child.wait()).await);
        // It may have ended in time.
        let _ = child.start_kill();
        let said = String::from_utf8_lossy(&said[..count]);
        SpawnError::HelperLost {
            program: self.program,
            message: format!("{what} {}", said.trim()).trim_end().to_owned(),
        }
    }
}

/// Takes note of a word about a command that runs; how it ended, once that is said. A word that
/// cannot be true says what is wrong.
fn note(fact: Fact, usage: &mut Usage, stays: &mut bool) -> Result<Option<Exit>, String> {
    match fact {
        Fact::Used {
            cpu_ms,
            memory_peak_bytes,
            hit,
        } => {
            usage.cpu_ms = cpu_ms;
            usage.memory_peak_bytes = memory_peak_bytes;
            usage.hit.extend(hit);
        }
        Fact::Returned(returned) => usage.returned = returned,
        Fact::Went(traffic) => usage.way_out = Some(traffic),
        Fact::Shown { why } => usage.state_shown = Some(why),
        Fact::Stays => *stays = true,
        Fact::Code { code } => return Ok(Some(Exit::Code(code))),
        Fact::Signal { signal } => return Ok(Some(Exit::Signal(signal))),
        Fact::NotConfined { message } | Fact::NotStarted { message } => return Err(message),
        Fact::Taken
        | Fact::Started { .. }
        | Fact::ProgramMissing
        | Fact::First { .. }
        | Fact::Ready { .. } => return Err("it spoke out of turn".to_owned()),
    }
    Ok(None)
}

/// What happens next to a command that runs.
enum Next {
    Output(usize),
    Told(Option<Fact>),
    Due,
    Cancelled,
}

/// How long it is still waited, and for what.
struct Waiting {
    patience: Patience,
    started: Instant,
    heard: Instant,
    output_open: bool,
    /// Why the command is ended, once it is.
    reason: Option<Exit>,
    asked: Instant,
}

impl Waiting {
    fn new(started: Instant, patience: Patience) -> Self {
        Self {
            patience,
            started,
            heard: started,
            output_open: true,
            reason: None,
            asked: started,
        }
    }

    /// Counts output; whether it is still within what may be printed.
    fn printed(&mut self, count: usize, usage: &mut Usage) -> bool {
        usage.printed_bytes = usage.printed_bytes.saturating_add(count as u64);
        let within = self
            .patience
            .printed_bytes_max
            .is_none_or(|most| usage.printed_bytes <= most);
        if !within && !usage.hit.contains(&Cap::Output) {
            usage.hit.push(Cap::Output);
        }
        within
    }

    /// When patience ends, and what is to be reported then.
    fn due(&self) -> (Instant, Exit) {
        let patience = &self.patience;
        if let Some(reason) = self.reason {
            return (self.asked + patience.grace + FORCE, reason);
        }
        let wall = self.started + patience.wall;
        match patience.idle.map(|idle| self.heard + idle) {
            Some(idle) if idle < wall => (idle, Exit::IdleTimeout),
            _ => (wall, Exit::WallTimeout),
        }
    }
}

/// The supervisor's next word; `None` when it is gone or cannot be understood.
async fn fact(facts: &mut Lines<BufReader<Receiver>>) -> Option<Fact> {
    let line = facts.next_line().await.ok().flatten()?;
    serde_json::from_str(&line).ok()
}

fn hear(tape: &SharedTape, sink: Option<OutputSink<'_>>, bytes: &[u8]) {
    tape::record(tape, bytes);
    if let Some(sink) = sink {
        sink(bytes);
    }
}
