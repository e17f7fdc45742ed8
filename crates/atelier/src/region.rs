//! A few lines at the bottom of a terminal that change, below finished lines that scroll away.
//!
//! Knows nothing of a terminal but the characters that move its cursor. Finished lines are written
//! as any program writes them, so they stay in the scrollback; the alternate screen is never used.

/// Shows what follows at once: without it a terminal may show half a frame.
const BEGIN: &str = "\u{1b}[?2026h";
/// Ends [`BEGIN`].
const END: &str = "\u{1b}[?2026l";
/// Erases from the cursor to the end of the screen.
const ERASE_BELOW: &str = "\u{1b}[J";
/// Erases from the cursor to the end of the line.
const ERASE_RIGHT: &str = "\u{1b}[K";

/// What stands at the bottom. The cursor rests at the beginning of its last line.
#[derive(Debug, Default)]
pub(crate) struct Region {
    drawn: Vec<String>,
    stale: bool,
}

impl Region {
    /// Characters that write `above` for good and leave `frame` below it. Lines of the frame must
    /// fit the terminal's width; of those, only what changed is written.
    pub(crate) fn draw(&mut self, above: &[String], frame: Vec<String>) -> String {
        if above.is_empty() && frame == self.drawn && !self.stale {
            return String::new();
        }
        let mut text = BEGIN.to_owned();
        text.push_str(&self.to_first_line());
        if !above.is_empty() || self.stale {
            text.push_str(ERASE_BELOW);
            self.drawn.clear();
            self.stale = false;
        }
        for line in above {
            text.push_str(line);
            text.push_str("\r\n");
        }
        for (index, line) in frame.iter().enumerate() {
            if index > 0 {
                text.push_str("\r\n");
            }
            if self.drawn.get(index) != Some(line) {
                text.push_str(line);
                text.push_str(ERASE_RIGHT);
            }
        }
        text.push_str(&self.erase_rest(frame.len()));
        text.push('\r');
        text.push_str(END);
        self.drawn = frame;
        text
    }

    /// Characters that leave nothing of the region.
    pub(crate) fn clear(&mut self) -> String {
        if self.drawn.is_empty() {
            return String::new();
        }
        let text = format!("{}{ERASE_BELOW}", self.to_first_line());
        self.drawn.clear();
        self.stale = false;
        text
    }

    /// The terminal has another size: nothing of what was drawn can be relied on.
    ///
    /// A terminal that breaks lines anew may have made more rows of them. Going up by the number
    /// of lines never reaches a finished line then; going up further might.
    pub(crate) fn resized(&mut self) {
        self.stale = !self.drawn.is_empty();
    }

    fn to_first_line(&self) -> String {
        match self.drawn.len() {
            0 | 1 => "\r".to_owned(),
            lines => format!("\r\u{1b}[{}A", lines - 1),
        }
    }

    fn erase_rest(&self, lines: usize) -> String {
        if self.drawn.len() <= lines {
            String::new()
        } else if lines == 0 {
            ERASE_BELOW.to_owned()
        } else {
            format!("\r\n{ERASE_BELOW}\u{1b}[1A")
        }
    }
}

#[cfg(test)]
mod tests;
