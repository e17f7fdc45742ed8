//! Arguments become one invocation, or a usage error that names the argument.

use std::ffi::OsString;
use std::fmt;

/// What the arguments ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invocation {
    /// Explain the usage.
    Help,
    /// Print the version.
    Version,
    /// Say what this program is.
    About {
        /// As JSON instead of text.
        json: bool,
    },
}

/// Why the arguments could not be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UsageError {
    /// No command was given.
    NoCommand,
    /// The command does not exist.
    UnknownCommand(String),
    /// The option does not exist, or not for this command.
    UnknownOption(String),
    /// The command takes no such argument.
    Unexpected(String),
    /// An argument is not valid Unicode.
    NotUnicode(OsString),
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCommand => f.write_str("a command is missing"),
            Self::UnknownCommand(name) => write!(f, "there is no command `{name}`"),
            Self::UnknownOption(name) => write!(f, "there is no option `{name}` here"),
            Self::Unexpected(argument) => write!(f, "unexpected argument `{argument}`"),
            Self::NotUnicode(argument) => write!(f, "{argument:?} is not valid Unicode"),
        }
    }
}

impl std::error::Error for UsageError {}

/// Understands the arguments that follow the program's name.
///
/// # Errors
///
/// The first argument that cannot be understood.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Invocation, UsageError> {
    let mut texts = arguments
        .into_iter()
        .map(|argument| argument.into_string().map_err(UsageError::NotUnicode));
    let first = texts.next().ok_or(UsageError::NoCommand)??;
    match first.as_str() {
        "-h" | "--help" => Ok(Invocation::Help),
        "-V" | "--version" => Ok(Invocation::Version),
        "about" => about(texts),
        _ if is_option(&first) => Err(UsageError::UnknownOption(first)),
        _ => Err(UsageError::UnknownCommand(first)),
    }
}

fn about(
    texts: impl Iterator<Item = Result<String, UsageError>>,
) -> Result<Invocation, UsageError> {
    let mut json = false;
    for text in texts {
        let text = text?;
        match text.as_str() {
            "--json" => json = true,
            "-h" | "--help" => return Ok(Invocation::Help),
            _ if is_option(&text) => return Err(UsageError::UnknownOption(text)),
            _ => return Err(UsageError::Unexpected(text)),
        }
    }
    Ok(Invocation::About { json })
}

/// A single `-` is an argument by custom: it stands for standard input.
fn is_option(text: &str) -> bool {
    text.len() > 1 && text.starts_with('-')
}
