//! `atelier completion`: completion scripts for shells.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::{cli::Cli, ui::Ui};

/// Print a completion script for your shell
#[derive(Debug, Args)]
pub(crate) struct CompletionArgs {
    /// bash, zsh, fish, elvish or powershell
    pub(crate) shell: Shell,
}

pub(crate) fn run(args: &CompletionArgs, ui: &Ui) -> u8 {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "atelier", &mut script);
    ui.out(String::from_utf8_lossy(&script).trim_end());
    0
}
