//! The person's terminal: whatever is said on standard error goes through here.
//!
//! So a region at its bottom and the lines above it never mix.

use std::{
    fmt,
    io::{self, Write},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

use crate::region::Region;

/// Hides the cursor, which would jump about otherwise.
const HIDE: &str = "\u{1b}[?25l";
/// Shows the cursor.
const SHOW: &str = "\u{1b}[?25h";
/// Columns and rows where a terminal does not tell.
const SIZE: (usize, usize) = (80, 24);

/// The one terminal; clones share it.
#[derive(Clone, Default)]
pub(crate) struct Screen(Arc<Mutex<State>>);

impl fmt::Debug for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Screen")
    }
}

struct State {
    output: Box<dyn Write + Send>,
    /// Whether keys are echoed by a terminal of ours, which can be told to keep silent.
    has_keys: bool,
    region: Region,
    frame: Vec<String>,
    size: (usize, usize),
    mode: Mode,
    /// Lines said while a question waits for its answer.
    held: Vec<String>,
    /// How the terminal was set before the region came.
    before: Option<Termios>,
}

impl Default for State {
    fn default() -> Self {
        Self::new(Box::new(io::stderr()), true)
    }
}

/// What may be written now.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Lines, one after another.
    #[default]
    Lines,
    /// Lines above a region.
    Live,
    /// Nothing: the person is answering.
    Held,
}

impl Screen {
    /// Says a line.
    pub(crate) fn say(&self, line: &str) {
        let mut state = self.state();
        match state.mode {
            Mode::Lines => state.write(&format!("{line}\n")),
            Mode::Live => {
                let frame = state.frame.clone();
                let above: Vec<String> = line.lines().map(str::to_owned).collect();
                let text = state.region.draw(&above, frame);
                state.write(&text);
            }
            Mode::Held => state.held.push(line.to_owned()),
        }
    }

    /// Opens the region; it is empty at first.
    pub(crate) fn open(&self) {
        let mut state = self.state();
        if state.mode == Mode::Lines {
            state.mode = Mode::Live;
            state.size = size();
            state.hide();
        }
    }

    /// Columns and rows, as the terminal has them now.
    pub(crate) fn size(&self) -> (usize, usize) {
        let now = size();
        let mut state = self.state();
        if state.size != now {
            state.size = now;
            state.region.resized();
        }
        now
    }

    /// Draws the region anew where it changed.
    pub(crate) fn draw(&self, frame: Vec<String>) {
        let mut state = self.state();
        if state.mode == Mode::Live {
            state.frame.clone_from(&frame);
            let text = state.region.draw(&[], frame);
            if !text.is_empty() {
                state.write(&text);
            }
        }
    }

    /// Takes the region away until [`Self::go_on`]. Returns whether there was one to take.
    pub(crate) fn hold(&self) -> bool {
        let mut state = self.state();
        let live = state.mode == Mode::Live;
        if live {
            state.show();
            state.mode = Mode::Held;
        }
        live
    }

    /// Brings back what [`Self::hold`] took away.
    pub(crate) fn go_on(&self) {
        let mut state = self.state();
        if state.mode == Mode::Held {
            state.mode = Mode::Live;
            state.hide();
            let (held, frame) = (std::mem::take(&mut state.held), state.frame.clone());
            let text = state.region.draw(&held, frame);
            state.write(&text);
        }
    }

    /// Takes the region away for good. Does nothing twice.
    pub(crate) fn close(&self) {
        self.state().close();
    }

    /// The same from a panic, which may come while the terminal is being written to.
    pub(crate) fn close_if_free(&self) {
        if let Ok(mut state) = self.0.try_lock() {
            state.close();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // What a panic left behind is at worst a line drawn twice.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn new(output: Box<dyn Write + Send>, has_keys: bool) -> Self {
        Self {
            output,
            has_keys,
            region: Region::default(),
            frame: Vec::new(),
            size: SIZE,
            mode: Mode::default(),
            held: Vec::new(),
            before: None,
        }
    }

    /// A terminal that is gone must not end a run.
    fn write(&mut self, text: &str) {
        let _ = self.output.write_all(text.as_bytes());
        let _ = self.output.flush();
    }

    fn close(&mut self) {
        if self.mode == Mode::Live {
            self.show();
        }
        for line in std::mem::take(&mut self.held) {
            self.write(&format!("{line}\n"));
        }
        self.frame.clear();
        self.mode = Mode::Lines;
    }

    /// Without echo, keys that are pressed meanwhile leave no mark in the region.
    fn hide(&mut self) {
        self.write(HIDE);
        self.before = self.has_keys.then(|| tcgetattr(io::stdin()).ok()).flatten();
        if let Some(before) = &self.before {
            let mut silent = before.clone();
            silent.local_modes.remove(LocalModes::ECHO);
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, &silent);
        }
    }

    fn show(&mut self) {
        let text = self.region.clear();
        self.write(&format!("{text}{SHOW}"));
        if let Some(before) = self.before.take() {
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, &before);
        }
    }
}

fn size() -> (usize, usize) {
    match tcgetwinsize(io::stderr()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => {
            (usize::from(size.ws_col), usize::from(size.ws_row))
        }
        Ok(_) | Err(_) => SIZE,
    }
}

#[cfg(test)]
mod tests;
