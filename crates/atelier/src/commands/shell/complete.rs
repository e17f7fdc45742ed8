//! What a line of the shell may go on with: commands, their options, tasks and documents.

use std::sync::{Arc, Mutex, PoisonError};

use clap::CommandFactory;
use reedline::{Completer, CompletionResult, Span, Suggestion};

use super::{super::names::Lists, OWN};
use crate::cli::Cli;

/// Names that change while the shell is open; clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Names(Arc<Mutex<Lists>>);

impl Names {
    /// Takes what is there now.
    pub(super) fn set(&self, lists: Lists) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = lists;
    }

    fn get(&self) -> Lists {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// Completes the word before the cursor.
pub(super) struct Words {
    pub(super) names: Names,
}

impl Completer for Words {
    fn complete(&mut self, line: &str, pos: usize) -> CompletionResult {
        let before = line.get(..pos).unwrap_or(line);
        let start = before.rfind(char::is_whitespace).map_or(0, |at| at + 1);
        let (earlier, word) = before.split_at(start);
        let earlier: Vec<&str> = earlier.split_whitespace().collect();
        let suggestions: Vec<Suggestion> = candidates(&earlier, &self.names.get())
            .into_iter()
            .filter(|(value, _)| value.starts_with(word))
            .map(|(value, about)| Suggestion {
                value,
                description: (!about.is_empty()).then_some(about),
                span: Span::new(start, pos),
                append_whitespace: true,
                ..Suggestion::default()
            })
            .collect();
        CompletionResult::fresh(suggestions)
    }
}

/// What may follow some words.
fn candidates(earlier: &[&str], lists: &Lists) -> Vec<(String, String)> {
    let names = lists.after(earlier);
    match earlier.split_first() {
        None => first_words(),
        Some(_) if earlier.last() == Some(&"--run") => names,
        Some((first, rest)) => with_options(first, rest, names),
    }
}

fn first_words() -> Vec<(String, String)> {
    let own = OWN.iter().map(|(usage, about)| {
        let word = usage.split(' ').next().unwrap_or(usage);
        (word.to_owned(), (*about).to_owned())
    });
    let known = Cli::command();
    let known = known
        .get_subcommands()
        .filter(|one| !one.is_hide_set())
        .map(described);
    own.chain(known).collect()
}

/// Names, and the sub-commands and options that the words so far allow.
fn with_options(first: &str, rest: &[&str], names: Vec<(String, String)>) -> Vec<(String, String)> {
    let mut root = Cli::command();
    root.build();
    let mut command = match first {
        "new-task" => root
            .find_subcommand("task")
            .and_then(|task| task.find_subcommand("add")),
        other => root.find_subcommand(other),
    };
    for word in rest {
        let inner = command.and_then(|command| command.find_subcommand(word));
        command = inner.or(command);
    }
    let Some(command) = command else { return names };
    let subcommands = command
        .get_subcommands()
        .filter(|one| one.get_name() != "help");
    let options = command
        .get_arguments()
        .filter(|one| !one.is_global_set() && one.get_long() != Some("help"));
    let options = options.filter_map(|one| {
        let about = one.get_help().map(ToString::to_string).unwrap_or_default();
        Some((format!("--{}", one.get_long()?), about))
    });
    names
        .into_iter()
        .chain(subcommands.map(described))
        .chain(options)
        .collect()
}

fn described(command: &clap::Command) -> (String, String) {
    let about = command
        .get_about()
        .map(ToString::to_string)
        .unwrap_or_default();
    (command.get_name().to_owned(), about)
}
