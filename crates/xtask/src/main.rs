//! Developer commands: `cargo xtask check`, `tools`, `test`, `gen`, and the gateway and its archives
//! beside others' programs.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "developer commands talk to the developer"
)]

mod foreign;
mod generate;
mod process;
mod test;
mod tidy;
mod tools;

use std::{
    env,
    path::{Path, PathBuf},
    process::ExitCode,
};

const USAGE: &str = "\
usage: cargo xtask <command>

  check          formatting, lints, the house's own rules, reference pages
  tools          install the tools that tests need
  test           every test, after installing the tools they need
  gen [--check]  write the reference pages anew, or fail if they are stale
  sdks           the vendors' libraries before the gateway (also part of `test`)
  clients [NAME] coding programs before the gateway: codex, claude-code, aider, opencode
  differential   the gateway beside another translator, exchange by exchange
  cars           archives through the libraries of IPFS's makers (also part of `test`)
  cache          results of steps through a cache server of others (also part of `test`)
  pipelines      pipelines of every recipe before linters (also part of `test`)
  recipes [NAME] projects of every kind that can be installed here, built and counted
";

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let root = root();
    let result = match words.as_slice() {
        ["check"] => check(&root),
        ["tools"] => tools::prepare(&root),
        ["test"] => test::run(&root),
        ["gen"] => generate::run(&root, generate::Mode::Write),
        ["gen", "--check"] => generate::run(&root, generate::Mode::Compare),
        ["sdks"] => foreign::sdks(&root),
        ["clients", names @ ..] => foreign::clients(&root, names),
        ["differential"] => foreign::differential(&root),
        ["cars"] => foreign::cars(&root),
        ["cache"] => foreign::cache(&root),
        ["pipelines"] => foreign::pipelines(&root),
        ["recipes", names @ ..] => foreign::recipes(&root, names),
        [] | ["help" | "--help" | "-h"] => {
            print!("{USAGE}");
            Ok(())
        }
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("xtask: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// The workspace's root, whatever folder the command was started in.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

fn check(root: &Path) -> Result<(), process::Problem> {
    let lints = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ];
    process::cargo(root, &["fmt", "--all", "--check"])?;
    process::cargo(root, &lints)?;
    let broken = tidy::broken_rules(root);
    for rule in &broken {
        eprintln!("{rule}");
    }
    match broken.len() {
        0 => generate::run(root, generate::Mode::Compare),
        count => Err(process::Problem::Untidy(count)),
    }
}
