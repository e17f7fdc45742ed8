//! The program without its process: everything here is tested without starting one.

use std::ffi::OsString;

mod args;
pub mod commands;

pub use args::{Invocation, UsageError, parse};

/// The program's name.
pub const NAME: &str = env!("CARGO_PKG_NAME");

/// The program's version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// One line that says what the program is for.
pub const SUMMARY: &str = env!("CARGO_PKG_DESCRIPTION");

/// What one invocation leaves behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Text for standard output.
    pub output: String,
    /// Text for standard error.
    pub message: String,
    /// Exit code: 0 for success, 1 for a failure, 2 for a usage error.
    pub code: u8,
}

impl Outcome {
    /// A success with this text on standard output.
    #[must_use]
    pub fn success(output: String) -> Self {
        Self {
            output,
            message: String::new(),
            code: 0,
        }
    }
}

/// Parses the arguments and does what they ask for.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Outcome {
    match parse(arguments) {
        Ok(Invocation::Help) => Outcome::success(help()),
        Ok(Invocation::Version) => Outcome::success(format!("{NAME} {VERSION}\n")),
        Ok(Invocation::About { json }) => Outcome::success(commands::about(json)),
        Err(error) => Outcome {
            output: String::new(),
            message: format!("{NAME}: {error}\nTry `{NAME} --help`.\n"),
            code: 2,
        },
    }
}

/// The text of `--help`.
#[must_use]
pub fn help() -> String {
    format!(
        "{SUMMARY}

Usage: {NAME} [OPTIONS] <COMMAND>

Commands:
  about [--json]   Say what this program is

Options:
  -h, --help       Print this text
  -V, --version    Print the version
"
    )
}
