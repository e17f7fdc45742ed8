//! The sandbox's helper as a program of its own: what `atelier` does in its place, started sooner.
//!
//! Where this file is missing beside `atelier`, that starts itself.

use std::{ffi::OsStr, process::ExitCode};

/// Exit code of a call that makes no sense.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    if args.next().as_deref() == Some(OsStr::new(atelier_exec::HELPER_COMMAND)) {
        return atelier_exec::helper_main(args);
    }
    ExitCode::from(USAGE)
}
