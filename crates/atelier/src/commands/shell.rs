//! `atelier shell`: the same commands, one after another, with history and completion.

mod complete;
mod history;

use std::io::{BufRead, IsTerminal};

use clap::{Args, Parser};
use reedline::{
    ColumnarMenu, DefaultPrompt, DefaultPromptSegment, Emacs, KeyCode, KeyModifiers, MenuBuilder,
    Reedline, ReedlineEvent, ReedlineMenu, Signal, ValidationResult, Validator,
    default_emacs_keybindings,
};

use crate::{
    app::Place,
    cli::{Cli, ColorWhen, Global},
    cli_error::CliError,
    ui::{Tone, Ui},
};

use super::names::Lists;
use complete::{Names, Words};
use history::Discreet;

/// Name of the menu that shows completions.
const MENU: &str = "completion";
/// Lines of a script.
const SCRIPT_LINES_MAX: usize = 10_000;

/// Words the shell understands beside every command of the command line.
const OWN: [(&str, &str); 7] = [
    ("new-task TEXT", "add a task"),
    ("list", "list the tasks"),
    ("execute-task ID", "execute a task and what it depends on"),
    ("docs", "list the documents"),
    (
        "open PATH",
        "print a document or another file of the result",
    ),
    ("help", "list what can be said here"),
    ("exit", "leave"),
];

/// Work interactively: new-task, list, execute-task, docs, open, exit, and every other command
///
/// A line goes on in the next one while a quote is open or where it ends with a backslash. Lines
/// can also be piped in; the first that fails ends the script and sets the exit code.
#[derive(Debug, Args)]
pub(crate) struct ShellArgs {}

pub(crate) async fn run(global: &Global, _: &ShellArgs, ui: &Ui) -> Result<u8, CliError> {
    if std::io::stdin().is_terminal() {
        interactive(global, ui).await
    } else {
        piped(global, ui).await
    }
}

/// Reads lines of a script; the first that fails sets the exit code and ends it.
async fn piped(global: &Global, ui: &Ui) -> Result<u8, CliError> {
    let lines = std::io::stdin().lock().lines().take(SCRIPT_LINES_MAX);
    let lines: Vec<String> = lines
        .collect::<Result<_, _>>()
        .map_err(CliError::Terminal)?;
    let mut text = String::new();
    for line in lines {
        text.push_str(&line);
        if is_open(&text) {
            text.push('\n');
            continue;
        }
        match one(global, &std::mem::take(&mut text), ui).await? {
            Next::Leave => return Ok(0),
            Next::Said(0) => {}
            Next::Said(code) => return Ok(code),
        }
    }
    // What is still open is refused with the reason.
    match one(global, &text, ui).await? {
        Next::Leave => Ok(0),
        Next::Said(code) => Ok(code),
    }
}

async fn interactive(global: &Global, ui: &Ui) -> Result<u8, CliError> {
    let place = Place::find(global)?;
    let names = Names::default();
    let mut editor = editor(names.clone());
    if place.state().exists()
        && let Some(history) = Discreet::open(place.state().join("history"))
    {
        editor = editor.with_history(Box::new(history));
    }
    let prompt = DefaultPrompt::new(
        DefaultPromptSegment::Basic("atelier".to_owned()),
        DefaultPromptSegment::Empty,
    );
    ui.status("`help` lists what can be said here, Tab completes, `exit` leaves");
    loop {
        // Names are a convenience: where they cannot be read there are none.
        names.set(Lists::read(global).await.unwrap_or_default());
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

fn editor(names: Names) -> Reedline {
    let mut keys = default_emacs_keybindings();
    let open_or_next = vec![
        ReedlineEvent::Menu(MENU.to_owned()),
        ReedlineEvent::MenuNext,
    ];
    let complete = ReedlineEvent::UntilFound(open_or_next);
    keys.add_binding(KeyModifiers::NONE, KeyCode::Tab, complete);
    let back = ReedlineEvent::MenuPrevious;
    keys.add_binding(KeyModifiers::SHIFT, KeyCode::BackTab, back);
    let menu = ColumnarMenu::default().with_name(MENU);
    Reedline::create()
        .with_completer(Box::new(Words { names }))
        .with_menu(ReedlineMenu::EngineCompleter(Box::new(menu)))
        .with_edit_mode(Box::new(Emacs::new(keys)))
        .with_validator(Box::new(WholeLine))
        .use_bracketed_paste(true)
        .with_quick_completions(true)
        .with_partial_completions(true)
}

/// Asks for another line while one is open.
struct WholeLine;

impl Validator for WholeLine {
    fn validate(&self, line: &str) -> ValidationResult {
        if is_open(line) {
            ValidationResult::Incomplete
        } else {
            ValidationResult::Complete
        }
    }
}

/// Whether a line goes on in the next one.
fn is_open(text: &str) -> bool {
    let comment = text.trim_start().starts_with('#');
    !comment && (text.ends_with('\\') || shell_words::split(text).is_err())
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
    own.json |= outer.json;
    own.quiet |= outer.quiet;
    if own.color == ColorWhen::Auto {
        own.color = outer.color;
    }
}

fn help(ui: &Ui) -> Next {
    use clap::CommandFactory as _;
    for (usage, about) in OWN {
        ui.out(&format!(
            "  {} {about}",
            ui.ink(Tone::Strong, &format!("{usage:<16}"))
        ));
    }
    let commands = Cli::command();
    for command in commands.get_subcommands().filter(|one| !one.is_hide_set()) {
        let about = command
            .get_about()
            .map(ToString::to_string)
            .unwrap_or_default();
        let name = ui.ink(Tone::Strong, &format!("{:<16}", command.get_name()));
        ui.out(&format!("  {name} {about}"));
    }
    ui.out("`COMMAND --help` tells more about each");
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

#[cfg(test)]
mod tests;
