//! What a person sees: the answer on standard output, everything else on standard error.

use std::io::{self, IsTerminal, Write};

use crate::{
    cli::{ColorWhen, Global},
    cli_error::CliError,
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

/// Where words go and how they look.
#[derive(Debug, Clone)]
pub(crate) struct Ui {
    pub(crate) json: bool,
    pub(crate) quiet: bool,
    color: bool,
    terminal: bool,
}

impl Ui {
    /// Looks at flags, environment and terminal: `--color`, then `NO_COLOR`, `CLICOLOR_FORCE`,
    /// `TERM=dumb`, then whether standard error is a terminal.
    pub(crate) fn new(global: &Global) -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let terminal = io::stderr().is_terminal() && !set("CI");
        let color = match global.color {
            ColorWhen::Always => true,
            ColorWhen::Never => false,
            ColorWhen::Auto if set("NO_COLOR") => false,
            ColorWhen::Auto if set("CLICOLOR_FORCE") => true,
            ColorWhen::Auto => {
                terminal && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
            }
        };
        Self { json: global.json, quiet: global.quiet, color, terminal }
    }

    /// Whether a region at the bottom may be redrawn.
    pub(crate) fn is_live(&self) -> bool {
        self.terminal && !self.json && !self.quiet
    }

    /// A line of the answer.
    pub(crate) fn out(&self, line: &str) {
        // A reader that went away wants no more; that is no failure of the command.
        let _ = writeln!(io::stdout().lock(), "{line}");
    }

    /// A side remark; silent with `--quiet` and `--json`.
    pub(crate) fn status(&self, line: &str) {
        if !self.quiet && !self.json {
            self.say(line);
        }
    }

    /// Something a person should know.
    pub(crate) fn warn(&self, line: &str) {
        if !self.json {
            self.say(&format!("{} {line}", self.paint(Tone::Warning, "warning:")));
        }
    }

    /// A failure with its remedy.
    pub(crate) fn error(&self, error: &CliError) {
        self.failure(&error.text(), error.hint().as_deref());
    }

    /// A failure in words, with its remedy.
    pub(crate) fn failure(&self, text: &str, hint: Option<&str>) {
        self.say(&format!("{} {text}", self.paint(Tone::Bad, "error:")));
        if let Some(hint) = hint {
            self.say(&format!("{} {hint}", self.paint(Tone::Strong, "hint:")));
        }
    }

    /// A text in its tone, where colour is wanted.
    pub(crate) fn paint(&self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Good => "32",
            Tone::Bad => "1;31",
            Tone::Warning => "33",
            Tone::Faint => "2",
            Tone::Strong => "1",
            Tone::Plain => return text.to_owned(),
        };
        if self.color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn say(&self, line: &str) {
        let _ = writeln!(io::stderr().lock(), "{line}");
    }
}

/// A foreign text without control characters: what models and files say must not move the cursor.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
