//! A thread that is confined for good, and starts commands that are confined with it; the rest of
//! its process stays free to end them.

use std::{
    io,
    process::Command,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
    time::Duration,
};

use rustix::process::Pid;

/// Tries to start a program that another process still has open for writing.
const BUSY_TRIES_MAX: usize = 20;
/// Pause between two of them.
const BUSY_PAUSE: Duration = Duration::from_millis(10);

/// Why a command was not started.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The thread could not be confined.
    NotConfined(String),
    /// The program could not be started.
    NotStarted(io::Error),
}

/// The thread. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Starter {
    orders: SyncSender<Command>,
    answers: Receiver<Result<Pid, Refusal>>,
}

impl Starter {
    /// A thread that confines itself once.
    pub(super) fn new(
        confine: impl FnOnce() -> Result<(), String> + Send + 'static,
    ) -> io::Result<Self> {
        let (orders, ordered) = sync_channel::<Command>(1);
        let (answer, answers) = sync_channel(1);
        thread::Builder::new().spawn(move || {
            let confined = confine();
            // Whoever hangs up wants no answer.
            for mut command in ordered {
                let started = match &confined {
                    Ok(()) => spawn(&mut command).map_err(Refusal::NotStarted),
                    Err(message) => Err(Refusal::NotConfined(message.clone())),
                };
                if answer.send(started).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { orders, answers })
    }

    /// Starts a command.
    pub(super) fn start(&self, command: Command) -> Result<Pid, Refusal> {
        let gone = || Refusal::NotConfined("the confined thread failed".to_owned());
        self.orders.send(command).map_err(|_| gone())?;
        self.answers.recv().map_err(|_| gone())?
    }
}

fn spawn(command: &mut Command) -> io::Result<Pid> {
    let mut tries = 1;
    loop {
        match command.spawn() {
            Ok(child) => {
                let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
                return pid.ok_or_else(|| io::Error::other("it has no process number"));
            }
            Err(error)
                if error.kind() == io::ErrorKind::ExecutableFileBusy && tries < BUSY_TRIES_MAX =>
            {
                tries += 1;
                thread::sleep(BUSY_PAUSE);
            }
            Err(error) => return Err(error),
        }
    }
}
