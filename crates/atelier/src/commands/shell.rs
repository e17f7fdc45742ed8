//! `atelier shell`: the same commands, one after another, with history and completion.

use std::{
    io::{BufRead, IsTerminal},
    path::PathBuf,
};

use clap::{Args, Parser};
use reedline::{
    DefaultCompleter, DefaultPrompt, DefaultPromptSegment, FileBackedHistory, Reedline, Signal,
};

use crate::{
    app::Place,
    cli::{Cli, Global},
    cli_error::CliError,
    ui::Ui,
};

/// Lines of history that are kept.
const HISTORY_LINES_MAX: usize = 1_000;

/// Words the shell understands beside every command of the command line.
const OWN: [(&str, &str); 6] = [
    ("new-task TEXT", "add a task"),
    ("list", "list the tasks"),
    ("execute-task ID", "execute a task and what it depends on"),
    ("docs", "list the documents"),
    (
        "open PATH",
        "print a document or another file of the result",
    ),
    ("exit", "leave"),
];

/// Work interactively: new-task, list, execute-task, docs, open, exit, and every other command
#[derive(Debug, Args)]
pub(crate) struct ShellArgs {}

pub(crate) async fn run(global: &Global, _: &ShellArgs, ui: &Ui) -> Result<u8, CliError> {
    let place = Place::find(global)?;
    if std::io::stdin().is_terminal() {
        interactive(global, &place, ui).await
    } else {
        piped(global, ui).await
    }
}

/// Reads lines of a script; the first that fails sets the exit code and ends it.
async fn piped(global: &Global, ui: &Ui) -> Result<u8, CliError> {
    let lines: Vec<String> = std::io::stdin()
        .lock()
        .lines()
        .collect::<Result<_, _>>()
        .map_err(CliError::Terminal)?;
    for line in lines {
        match one(global, &line, ui).await? {
            Next::Leave => break,
            Next::Said(0) => {}
            Next::Said(code) => return Ok(code),
        }
    }
    Ok(0)
}

async fn interactive(global: &Global, place: &Place, ui: &Ui) -> Result<u8, CliError> {
    let mut editor = Reedline::create().with_completer(Box::new(completer()));
    if let Some(history) = history(place) {
        editor = editor.with_history(Box::new(history));
    }
    let prompt = DefaultPrompt::new(
        DefaultPromptSegment::Basic("atelier".to_owned()),
        DefaultPromptSegment::Empty,
    );
    ui.status("`help` lists the commands; `exit` leaves");
    loop {
        let signal = editor.read_line(&prompt).map_err(CliError::Terminal)?;
        if matches!(signal, Signal::CtrlD) {
            return Ok(0);
        }
        let Signal::Success(line) = signal else {
            continue;
        };
        match one(global, &line, ui).await {
            Ok(Next::Leave) => return Ok(0),
            Ok(Next::Said(_)) => {}
            // A command that fails does not end the session.
            Err(error) => ui.error(&error),
        }
    }
}

fn completer() -> DefaultCompleter {
    use clap::CommandFactory;
    let commands = Cli::command();
    let known = commands.get_subcommands().filter(|one| !one.is_hide_set());
    let mut words: Vec<String> = known.map(|one| one.get_name().to_owned()).collect();
    words.extend(
        OWN.iter()
            .filter_map(|(usage, _)| usage.split(' ').next())
            .map(str::to_owned),
    );
    let mut completer = DefaultCompleter::with_inclusions(&['-']);
    completer.insert(words);
    completer
}

fn history(place: &Place) -> Option<FileBackedHistory> {
    let file: PathBuf = place.state().join("history");
    place.state().exists().then_some(())?;
    FileBackedHistory::with_file(HISTORY_LINES_MAX, file).ok()
}

/// What follows a line.
enum Next {
    Leave,
    Said(u8),
}

async fn one(global: &Global, line: &str, ui: &Ui) -> Result<Next, CliError> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(Next::Said(0));
    }
    let words = shell_words::split(line)
        .map_err(|_| CliError::Usage(format!("read `{line}`: its quotes do not close")))?;
    let rest = words.get(1..).unwrap_or_default();
    let args: Vec<String> = match words.first().map(String::as_str).unwrap_or_default() {
        "exit" | "quit" => return Ok(Next::Leave),
        "help" | "?" if rest.is_empty() => return Ok(help(ui)),
        "docs" => return documents(global, ui).await,
        "open" => return open(global, rest, ui).await,
        "new-task" => [&["task".to_owned(), "add".to_owned()], rest].concat(),
        "list" => [&["task".to_owned(), "list".to_owned()], rest].concat(),
        "execute-task" => [&["task".to_owned(), "execute".to_owned()], rest].concat(),
        _ => words.clone(),
    };
    let parsed = Cli::try_parse_from(std::iter::once("atelier".to_owned()).chain(args));
    let mut cli = match parsed {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return Ok(Next::Said(if error.use_stderr() { 2 } else { 0 }));
        }
    };
    inherit(&mut cli.global, global);
    let ui = ui.within(&cli.global);
    Ok(Next::Said(Box::pin(super::run(&cli, &ui)).await?))
}

/// Options of the shell itself hold for its commands.
fn inherit(own: &mut Global, outer: &Global) {
    own.directory = own.directory.take().or_else(|| outer.directory.clone());
    own.provider = own.provider.take().or_else(|| outer.provider.clone());
    own.model = own.model.take().or_else(|| outer.model.clone());
    own.base_url = own.base_url.take().or_else(|| outer.base_url.clone());
    own.set = [outer.set.as_slice(), own.set.as_slice()].concat();
}

fn help(ui: &Ui) -> Next {
    for (usage, about) in OWN {
        ui.out(&format!("  {usage:<18} {about}"));
    }
    ui.out("  and every command of `atelier --help`, such as build, status, show, diff");
    Next::Said(0)
}

async fn documents(global: &Global, ui: &Ui) -> Result<Next, CliError> {
    let store = Place::find(global)?.store().await?;
    for document in store.document_list().await? {
        ui.out(&format!("  {:<32} {}", document.path, document.kind));
    }
    Ok(Next::Said(0))
}

/// Prints a file of the newest verified commit.
async fn open(global: &Global, rest: &[String], ui: &Ui) -> Result<Next, CliError> {
    let place = Place::find(global)?;
    let Some(path) = rest.first() else {
        return Err(CliError::Usage(
            "open: name a file, such as docs/DESIGN.md".to_owned(),
        ));
    };
    let store = place.store().await?;
    let run = super::select::run(&store, None).await?;
    let missing = || CliError::NotFound {
        what: "a file",
        name: path.clone(),
        known: Vec::new(),
    };
    let (Some(git), Some(trunk)) = (&place.git, &run.trunk) else {
        return Err(missing());
    };
    let tree = git.tree_of(trunk, &atelier_model::Limits::default())?;
    let parsed = path.parse().map_err(|_| missing())?;
    let text = tree.text(&parsed).ok_or_else(missing)?;
    ui.out_text(text);
    Ok(Next::Said(0))
}
