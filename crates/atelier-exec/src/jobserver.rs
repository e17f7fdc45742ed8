//! Processors shared out over programs that start many others: make's jobserver, for all at once.
//!
//! A named pipe holds one byte for each processor that is free. Who wants to keep a further one busy
//! reads a byte and writes it back. A program that a command starts has the pipe as two open files,
//! which every make and cargo understands.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    process,
    sync::{Mutex, PoisonError},
};

use rustix::{
    fs::{CWD, FileType, Mode, OFlags, mknodat, open},
    io::Errno,
    process::{Pid, test_kill_process},
};
use tokio::net::unix::pipe::{OpenOptions, Receiver};

/// Name of the pipe; the number of its process follows.
const PIPE: &str = "jobserver.";
/// What stands for a processor.
const TOKEN: u8 = b'+';
/// Processors that are shared out at most: as many as a pipe surely holds.
const TOKENS_MAX: u32 = 4_096;
/// Opens the pipe where a program expects it, and becomes that program.
const OPEN: &str = "exec 3<>\"$0\" 4>&3; exec \"$@\"";

/// Programs that keep several processors busy and ask a jobserver for them.
const CLIENTS: [&str; 6] = ["make", "gmake", "cargo", "cmake", "ctest", "meson"];

/// Processors that are free.
#[derive(Debug)]
pub struct JobServer {
    path: PathBuf,
    taker: Receiver,
    /// The same pipe, for what never waits.
    pipe: File,
    tokens: u32,
    /// How many hold on to it.
    holders: Mutex<u32>,
}

/// Whoever may take processors.
#[derive(Debug)]
pub struct Holding<'a>(&'a JobServer);

impl JobServer {
    /// Makes a pipe in a folder that commands may write to, with a byte for each processor. Needs a
    /// runtime.
    pub fn open(folder: &Path, tokens: u32) -> io::Result<Self> {
        sweep(folder);
        let path = folder.join(format!("{PIPE}{}", process::id()));
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
        // Open for both, it never ends for want of a writer.
        let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let server = Self {
            taker: OpenOptions::new().read_write(true).open_receiver(&path)?,
            pipe: File::from(open(&path, flags, Mode::empty())?),
            path,
            tokens: tokens.clamp(1, TOKENS_MAX),
            holders: Mutex::default(),
        };
        server.give(server.tokens);
        Ok(server)
    }

    /// Has to be held while processors are taken and given. Whoever is first finds all of them, also
    /// those that killed programs did not give back.
    pub fn hold(&self) -> Holding<'_> {
        let mut holders = self.holders.lock().unwrap_or_else(PoisonError::into_inner);
        if *holders == 0 {
            self.refill();
        }
        *holders += 1;
        Holding(self)
    }

    /// Waits for processors.
    pub async fn take(&self, tokens: u32) -> io::Result<()> {
        for _ in 0..tokens.min(self.tokens) {
            loop {
                self.taker.readable().await?;
                match self.taker.try_read(&mut [0]) {
                    Ok(_) => break,
                    // Somebody else was faster.
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    /// Gives processors back.
    pub fn give(&self, tokens: u32) {
        let bytes = vec![TOKEN; tokens.min(self.tokens) as usize];
        // The pipe holds more than there are; what a program wrote beyond is taken out at a refill.
        let _ = (&self.pipe).write_all(&bytes);
    }

    /// Makes up for what killed programs did not give back. Only while nothing runs.
    fn refill(&self) {
        let mut bytes = vec![0; TOKENS_MAX as usize];
        while (&self.pipe).read(&mut bytes).is_ok_and(|read| read > 0) {}
        self.give(self.tokens);
    }

    /// A command as it has to be started to have the pipe open, with the variables that say so; the
    /// same command where its program asks for no processors.
    pub fn lend(&self, argv: Vec<String>, env: &mut BTreeMap<String, String>) -> Vec<String> {
        let program = argv.first().map_or("", String::as_str);
        let name = program.rsplit('/').next().unwrap_or(program);
        if !CLIENTS.contains(&name) || env.contains_key("MAKEFLAGS") {
            return argv;
        }
        let flags = format!(" -j{} --jobserver-auth=3,4", self.tokens);
        env.insert("MAKEFLAGS".to_owned(), flags.clone());
        env.insert("CARGO_MAKEFLAGS".to_owned(), flags);
        let pipe = self.path.to_string_lossy().into_owned();
        let before = ["sh", "-c", OPEN].map(str::to_owned);
        before.into_iter().chain([pipe]).chain(argv).collect()
    }
}

impl Drop for Holding<'_> {
    fn drop(&mut self) {
        let holders = self.0.holders.lock();
        *holders.unwrap_or_else(PoisonError::into_inner) -= 1;
    }
}

/// Removes the pipes of processes that were killed.
fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let of = name.to_str().and_then(|name| name.strip_prefix(PIPE));
        let process = of.and_then(|of| Pid::from_raw(of.parse().ok()?));
        if process.is_some_and(|process| test_kill_process(process) == Err(Errno::SRCH)) {
            // Whoever else sweeps may be faster.
            let _ = fs::remove_file(entry.path());
        }
    }
}

impl Drop for JobServer {
    fn drop(&mut self) {
        // Left behind, it is replaced by the next one.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests;
