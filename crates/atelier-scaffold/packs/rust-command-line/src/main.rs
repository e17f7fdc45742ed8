//! The entry point: arguments in, output and an exit code out.

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    let outcome = {{module}}::run(std::env::args_os().skip(1));
    let written = print(&mut io::stdout(), &outcome.output)
        .and_then(|()| print(&mut io::stderr(), &outcome.message));
    match written {
        Ok(()) => ExitCode::from(outcome.code),
        Err(_) => ExitCode::FAILURE,
    }
}

/// Writes a text. A reader that has gone away, such as `head`, is no error.
fn print(to: &mut dyn Write, text: &str) -> io::Result<()> {
    match to.write_all(text.as_bytes()).and_then(|()| to.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}
