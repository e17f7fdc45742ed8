//! The command line: arguments, configuration, wiring, printing, exit codes.

fn main() {}
