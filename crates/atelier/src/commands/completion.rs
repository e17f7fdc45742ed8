//! `atelier completion`: completion scripts for shells, and the names they ask for.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::names::Lists;
use crate::{
    cli::{Cli, Global},
    ui::Ui,
};

/// Print a completion script for your shell
///
/// Bash: add `eval "$(atelier completion bash)"` to ~/.bashrc.
/// Zsh: add `eval "$(atelier completion zsh)"` to ~/.zshrc, after compinit.
/// Fish: `atelier completion fish > ~/.config/fish/completions/atelier.fish`.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct CompletionArgs {
    /// bash, zsh, fish, elvish or powershell
    pub(crate) shell: Shell,
}

/// Print the names that may follow some words; completion scripts ask this
#[derive(Debug, Args)]
pub(crate) struct NamesArgs {
    /// The words of the command line so far, the one at the cursor last
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) words: Vec<String>,
}

/// Adds tasks and runs of the project to what the script for bash knows.
const BASH_NAMES: &str = r#"
_atelier_with_names() {
    mapfile -t COMPREPLY < <(atelier names -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
    (( ${#COMPREPLY[@]} )) || _atelier "$@"
}
complete -F _atelier_with_names -o nosort -o bashdefault -o default atelier
"#;

/// The same for zsh.
const ZSH_NAMES: &str = r#"
_atelier_with_names() {
    local -a names
    names=("${(@f)$(atelier names -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ -n "$names[1]" ]]; then
        compadd -a names
    else
        _atelier "$@"
    fi
}
compdef _atelier_with_names atelier
"#;

/// The same for fish.
const FISH_NAMES: &str = r#"
complete -c atelier -f -a "(atelier names -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)"
"#;

/// Shells that complete names too.
const WITH_NAMES: [(Shell, &str); 3] = [
    (Shell::Bash, BASH_NAMES),
    (Shell::Zsh, ZSH_NAMES),
    (Shell::Fish, FISH_NAMES),
];

pub(crate) fn run(args: &CompletionArgs, ui: &Ui) -> u8 {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "atelier", &mut script);
    // The other shells complete commands and options alone.
    let more = WITH_NAMES.iter().find(|(shell, _)| *shell == args.shell);
    let more = more.map_or("", |(_, script)| script);
    ui.out(&format!(
        "{}\n{more}",
        String::from_utf8_lossy(&script).trim_end()
    ));
    0
}

/// Prints what fits the last word; nothing where there is no project.
pub(crate) async fn names(global: &Global, args: &NamesArgs, ui: &Ui) -> u8 {
    let words: Vec<&str> = args.words.iter().map(String::as_str).collect();
    if let Some((word, earlier)) = words.split_last()
        && let Ok(lists) = Lists::read(global).await
    {
        let names = lists.after(earlier).into_iter().map(|(name, _)| name);
        names
            .filter(|name| name.starts_with(word))
            .for_each(|name| ui.out(&name));
    }
    0
}
