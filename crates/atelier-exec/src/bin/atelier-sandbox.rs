//! The sandbox helper on its own: supervises one command, as `atelier` itself does.

use std::process::ExitCode;

fn main() -> ExitCode {
    atelier_exec::helper_main(std::env::args_os().skip(2))
}
