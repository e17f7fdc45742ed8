//! What a person sees: the answer on standard output, everything else on standard error.

use std::io::{self, IsTerminal, Write};

use crate::{
    cli::{ColorWhen, Global},
    cli_error::CliError,
    row::Row,
    screen::Screen,
};

/// How a piece of text is meant; colour only repeats what the words say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    Good,
    Bad,
    Warning,
    Faint,
    Strong,
}

/// How much is said beside the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Talk {
    /// Nothing but errors; the answer is events, one a line.
    Events,
    /// Nothing but warnings and errors.
    Little,
    /// Every step, one a line.
    Lines,
    /// Every step, and a region that shows what is under way.
    Live,
}

/// Where words go and how they look.
#[derive(Debug, Clone)]
pub(crate) struct Ui {
    talk: Talk,
    /// Whether standard error is coloured.
    color: bool,
    /// Whether standard output is coloured.
    color_out: bool,
    /// Whether a person reads standard output directly.
    seen_out: bool,
    screen: Screen,
}

/// What the environment says about a terminal.
#[derive(Debug, Clone, Copy, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "five facts that do not depend on each other"
)]
struct Terminal {
    seen: bool,
    dumb: bool,
    ci: bool,
    no_color: bool,
    force_color: bool,
}

impl Ui {
    /// Looks at flags, environment and terminal.
    pub(crate) fn new(global: &Global) -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let seen_out = io::stdout().is_terminal();
        let terminal = Terminal {
            seen: io::stderr().is_terminal(),
            dumb: std::env::var_os("TERM").is_some_and(|term| term == "dumb"),
            ci: set("CI"),
            no_color: set("NO_COLOR"),
            force_color: set("CLICOLOR_FORCE"),
        };
        Self {
            talk: talk(global, terminal),
            color: color(global.color, terminal),
            color_out: color(
                global.color,
                Terminal {
                    seen: seen_out,
                    ..terminal
                },
            ),
            seen_out,
            screen: Screen::default(),
        }
    }

    /// The same, with the flags of a command inside the shell.
    pub(crate) fn within(&self, global: &Global) -> Self {
        Self {
            screen: self.screen.clone(),
            ..Self::new(global)
        }
    }

    /// Whether standard output carries JSON lines and nothing else.
    pub(crate) fn is_json(&self) -> bool {
        self.talk == Talk::Events
    }

    /// Whether a region at the bottom may be redrawn.
    pub(crate) fn is_live(&self) -> bool {
        self.talk == Talk::Live
    }

    /// Whether side remarks are wanted.
    pub(crate) fn is_talking(&self) -> bool {
        matches!(self.talk, Talk::Lines | Talk::Live)
    }

    /// The terminal that carries side remarks.
    pub(crate) fn screen(&self) -> &Screen {
        &self.screen
    }

    /// A line of the answer.
    #[expect(
        clippy::unused_self,
        reason = "where the answer goes is this type's business"
    )]
    pub(crate) fn out(&self, line: &str) {
        // A reader that went away wants no more; that is no failure of the command.
        let _ = writeln!(io::stdout().lock(), "{line}");
    }

    /// A text of somebody else's: word for word, but with nothing that could steer a terminal
    /// where one would read it.
    pub(crate) fn out_text(&self, text: &str) {
        if self.seen_out {
            text.lines().for_each(|line| self.out(&visible(line)));
        } else {
            self.out(text.trim_end_matches('\n'));
        }
    }

    /// A side remark; silent with `--quiet` and `--json`.
    pub(crate) fn status(&self, line: &str) {
        if self.is_talking() {
            self.screen.say(line);
        }
    }

    /// A side remark in tones.
    pub(crate) fn row(&self, row: &Row) {
        self.status(&self.painted(row));
    }

    /// Something a person should know.
    pub(crate) fn warn(&self, line: &str) {
        if !self.is_json() {
            self.screen
                .say(&format!("{} {line}", self.paint(Tone::Warning, "warning:")));
        }
    }

    /// A failure with its remedy.
    pub(crate) fn error(&self, error: &CliError) {
        self.failure(&error.text(), error.hint().as_deref());
    }

    /// A failure in words, with its remedy.
    pub(crate) fn failure(&self, text: &str, hint: Option<&str>) {
        self.screen
            .say(&format!("{} {text}", self.paint(Tone::Bad, "error:")));
        if let Some(hint) = hint {
            self.screen
                .say(&format!("{} {hint}", self.paint(Tone::Strong, "hint:")));
        }
    }

    /// A text for standard error in its tone, where colour is wanted.
    pub(crate) fn paint(&self, tone: Tone, text: &str) -> String {
        colored(self.color, tone, text)
    }

    /// A text for standard output in its tone, where colour is wanted.
    pub(crate) fn ink(&self, tone: Tone, text: &str) -> String {
        colored(self.color_out, tone, text)
    }

    /// A line in its tones, where colour is wanted.
    pub(crate) fn painted(&self, row: &Row) -> String {
        row.paint(|tone, text| self.paint(tone, text))
    }
}

fn talk(global: &Global, terminal: Terminal) -> Talk {
    if global.json {
        Talk::Events
    } else if global.quiet {
        Talk::Little
    } else if terminal.seen && !terminal.ci && !terminal.dumb {
        Talk::Live
    } else {
        Talk::Lines
    }
}

/// `--color`, then `NO_COLOR`, `CLICOLOR_FORCE`, `TERM=dumb`, then whether anybody can see it.
fn color(when: ColorWhen, terminal: Terminal) -> bool {
    match when {
        ColorWhen::Always => true,
        ColorWhen::Never => false,
        ColorWhen::Auto if terminal.no_color => false,
        ColorWhen::Auto if terminal.force_color => true,
        ColorWhen::Auto => terminal.seen && !terminal.dumb && !terminal.ci,
    }
}

fn colored(wanted: bool, tone: Tone, text: &str) -> String {
    let code = match tone {
        Tone::Good => "32",
        Tone::Bad => "1;31",
        Tone::Warning => "33",
        Tone::Faint => "2",
        Tone::Strong => "1",
        Tone::Plain => return text.to_owned(),
    };
    if wanted {
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    } else {
        text.to_owned()
    }
}

/// A line with its tabs, and with `�` for whatever else could steer a terminal.
fn visible(line: &str) -> String {
    let mark = |c: char| {
        if c.is_control() && c != '\t' {
            char::REPLACEMENT_CHARACTER
        } else {
            c
        }
    };
    line.chars().map(mark).collect()
}

/// A foreign text without control characters: what models and files say must not move the cursor.
pub(crate) fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests;
