//! The system's keyring, through the system's own program for it: the key never stands in the
//! arguments of a process, which others can see.

use std::{
    path::PathBuf,
    process::{Command, ExitStatus},
    time::Duration,
};

use crate::{
    find_program,
    host::{HostError, HostLimits, run},
};

/// What entries are filed under.
const SERVICE: &str = "atelier";

/// A person may have to unlock the keyring first.
const LIMITS: HostLimits = HostLimits {
    wall: Duration::from_mins(2),
    output_bytes_max: 64 * 1024,
};

/// The status with which `security` says that there is no such entry.
const NOT_FOUND: i32 = 44;

/// The system's keyring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyring {
    program: Program,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Program {
    /// `secret-tool`, which speaks the Secret Service of Linux desktops.
    SecretTool(PathBuf),
    /// `security`, which speaks the keychain of macOS.
    Security(PathBuf),
}

/// Why the keyring could not be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// Its program could not be run.
    #[error(transparent)]
    Run(#[from] HostError),
    /// Its program failed.
    #[error("use the system's keyring: {said}")]
    Refused {
        /// What it said.
        said: String,
    },
    /// A name or a value cannot be passed on safely.
    #[error("use the system's keyring: names and values must be plain letters, digits and `-._/`")]
    NotPlain,
}

impl Keyring {
    /// The keyring whose program is on a search path such as the value of `PATH`.
    pub fn find(path: &str) -> Option<Self> {
        let secret_tool = || find_program("secret-tool", path).map(Program::SecretTool);
        let security = || find_program("security", path).map(Program::Security);
        let program = if cfg!(target_os = "macos") {
            security()
        } else {
            secret_tool()
        };
        program.map(|program| Self { program })
    }

    /// The value that is kept under a name; `None` where there is none.
    pub fn fetch(&self, name: &str) -> Result<Option<Vec<u8>>, KeyringError> {
        check(name)?;
        let mut command = match &self.program {
            Program::SecretTool(path) => {
                let mut command = Command::new(path);
                command.args(["lookup", "service", SERVICE, "account", name]);
                command
            }
            Program::Security(path) => {
                let mut command = Command::new(path);
                command.args(["find-generic-password", "-s", SERVICE, "-a", name, "-w"]);
                command
            }
        };
        let output = run(&mut command, &[], LIMITS)?;
        if output.status.success() && !output.stdout.is_empty() {
            return Ok(Some(output.stdout));
        }
        if self.says_missing(output.status, &output.stderr) {
            return Ok(None);
        }
        Err(refused(output.status, output.stderr))
    }

    /// Keeps a value under a name, in place of what was there.
    pub fn keep(&self, name: &str, value: &str) -> Result<(), KeyringError> {
        check(name)?;
        check(value)?;
        let (mut command, input) = match &self.program {
            Program::SecretTool(path) => {
                let mut command = Command::new(path);
                let label = "--label=atelier: opens the key store";
                command.args(["store", label, "service", SERVICE, "account", name]);
                (command, value.to_owned())
            }
            Program::Security(path) => {
                let mut command = Command::new(path);
                command.arg("-i");
                let line = format!("add-generic-password -U -s {SERVICE} -a {name} -w {value}\n");
                (command, line)
            }
        };
        let output = run(&mut command, input.as_bytes(), LIMITS)?;
        if output.status.success() {
            return Ok(());
        }
        Err(refused(output.status, output.stderr))
    }

    /// Whether a program that failed only found nothing: the one fails in silence then, the other
    /// with a status of its own.
    fn says_missing(&self, status: ExitStatus, stderr: &str) -> bool {
        match &self.program {
            Program::SecretTool(_) => {
                stderr.is_empty() && status.code().is_some_and(|code| code <= 1)
            }
            Program::Security(_) => status.code() == Some(NOT_FOUND),
        }
    }
}

fn refused(status: ExitStatus, stderr: String) -> KeyringError {
    let said = if stderr.is_empty() {
        status.to_string()
    } else {
        stderr
    };
    KeyringError::Refused { said }
}

/// One of the programs reads a line of words: nothing may end a word or the line.
fn check(text: &str) -> Result<(), KeyringError> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._/".contains(c);
    if text.is_empty() || text.starts_with('-') || !text.chars().all(is_plain) {
        return Err(KeyringError::NotPlain);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
