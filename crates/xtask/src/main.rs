//! Developer commands: check, test, gen.

fn main() {}
