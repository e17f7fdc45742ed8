//! `atelier edit`: the edits of a model's reply, applied to any folder.

mod arrival;
mod diff;
mod report;

use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
};

use atelier_edit::{
    Applied, Change, ChangeSet, PatternError, Protection, apply_protected, fold_path,
};
use atelier_exec::{HeldFolder, Settled, tree_glimpse, tree_near};
use atelier_model::{FileTree, Limits, TreePath};
use clap::{Args, Subcommand};

use self::{
    arrival::receive,
    report::{Done, Refusal},
};
use crate::{
    cli::{Global, RunOptions},
    cli_error::CliError,
    config::{Config, Sources, limits},
    ui::Ui,
};

/// Apply the edits of a model's reply to any folder
#[derive(Debug, Subcommand)]
pub(crate) enum EditCommand {
    /// Apply every edit of a reply, or none: whole files, SEARCH/REPLACE blocks, patches, diffs
    ///
    /// Works in any folder; it needs no project, no repository and no model. The reply may hold any
    /// mixture of forms, with prose around them. Exit code 0: applied, or applied before; 13: the
    /// reply is refused and nothing was changed; 15: a file was changed by somebody else meanwhile.
    Apply(ApplyArgs),
}

/// What to apply.
#[derive(Debug, Args)]
pub(crate) struct ApplyArgs {
    /// The file with the reply; standard input if left out or `-`
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,

    /// Show the difference it would make, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// Refuse edits of these files too, such as `tests/**`; may be given several times
    ///
    /// What continuous integration runs and the lock files of package managers are protected
    /// without being named.
    #[arg(long, value_name = "GLOB")]
    pub(crate) protect: Vec<String>,

    /// Allow edits of these files although they are protected; may be given several times
    #[arg(long, value_name = "GLOB")]
    pub(crate) own: Vec<String>,
}

pub(crate) fn run(global: &Global, command: &EditCommand, ui: &Ui) -> Result<u8, CliError> {
    match command {
        EditCommand::Apply(args) => apply(global, args, ui),
    }
}

fn apply(global: &Global, args: &ApplyArgs, ui: &Ui) -> Result<u8, CliError> {
    let protection = protection(args).map_err(CliError::Pattern)?;
    let folder = folder(global)?;
    let limits = limits_of(&folder, global, ui)?;
    let changes = match reply(args.file.as_deref(), &limits, ui)? {
        Ok(changes) => changes,
        Err(refusal) => return Ok(refusal.say(ui)),
    };
    let (held, settled) = if args.dry_run {
        (HeldFolder::look(&folder)?, None)
    } else {
        HeldFolder::take(&folder)?
    };
    let settled = settled.as_ref().map(told);
    if let Some(told) = &settled {
        ui.warn(told);
    }
    let (before, mut applied) = match edited(&folder, &changes, &limits, &protection)? {
        Ok(edited) => edited,
        Err(refusal) => return Ok(refusal.say(ui)),
    };
    if ui.is_json() {
        // Warnings are for people; a program finds it among the notes.
        applied.notes.extend(settled);
    }
    let done = Done::of(&before, applied, args.dry_run);
    if !args.dry_run {
        held.change(&before, &done.tree, &done.old_paths())?;
    }
    done.say(&before, ui);
    Ok(0)
}

fn protection(args: &ApplyArgs) -> Result<Protection, PatternError> {
    Protection::usual().protect(&args.protect)?.own(&args.own)
}

/// The folder of `-C`, or the current one.
fn folder(global: &Global) -> Result<PathBuf, CliError> {
    let named = global
        .directory
        .clone()
        .unwrap_or_else(|| PathBuf::from("."));
    let found = named.canonicalize().and_then(|folder| {
        if folder.is_dir() {
            Ok(folder)
        } else {
            Err(std::io::ErrorKind::NotADirectory.into())
        }
    });
    found.map_err(|source| CliError::Folder {
        path: named,
        source,
    })
}

/// The limits of the user. What a folder says of itself does not count: a reply may be about to
/// change it.
fn limits_of(folder: &Path, global: &Global, ui: &Ui) -> Result<Limits, CliError> {
    let mut sources = Sources::read(folder)?;
    sources.project = None;
    let config = Config::load(&sources, global, &RunOptions::default())?;
    config.warnings.iter().for_each(|warning| ui.warn(warning));
    Ok(limits(&config))
}

/// The edits of the reply. One that comes from another program is read while it is written.
fn reply(
    file: Option<&Path>,
    limits: &Limits,
    ui: &Ui,
) -> Result<Result<ChangeSet, Refusal>, CliError> {
    if let Some(path) = file.filter(|path| *path != Path::new("-")) {
        let read = std::fs::File::open(path).and_then(|file| receive(file, limits, |_| {}));
        return read.map_err(|source| CliError::Reply {
            path: path.to_owned(),
            source,
        });
    }
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        ui.status("reading the reply from the terminal; it ends with Ctrl-D");
    }
    let read = receive(stdin.lock(), limits, |path| arrival::say(ui, path));
    read.map_err(CliError::Terminal)
}

/// The tree before and after. Only what the edits name is read, unless a name is in question.
fn edited(
    folder: &Path,
    changes: &ChangeSet,
    limits: &Limits,
    protection: &Protection,
) -> Result<Result<(FileTree, Applied), Refusal>, CliError> {
    let paths = changes.paths();
    let mut before = tree_near(folder, &paths, &fold_path, limits)?;
    let missing = names_a_missing_file(changes, &before);
    let first = apply_protected(changes, &before, limits, protection);
    let applied = match first {
        Ok(applied) if !missing => Ok(applied),
        // With more of the folder known, the right name or place may be found and told.
        Ok(_) | Err(_) => {
            before = tree_glimpse(folder, before, limits);
            apply_protected(changes, &before, limits, protection)
        }
    };
    Ok(match applied {
        Ok(applied) => Ok((before, applied)),
        Err(error) => Err(Refusal::Apply {
            protected: changes
                .paths()
                .into_iter()
                .any(|path| protection.forbids(path).is_some()),
            error,
        }),
    })
}

/// Whether an edit needs a file that is not there.
fn names_a_missing_file(changes: &ChangeSet, before: &FileTree) -> bool {
    let needs = |change: &Change| match change {
        Change::Write { .. } | Change::Create { .. } => false,
        Change::Replace { .. }
        | Change::Delete { .. }
        | Change::Move { .. }
        | Change::Mode { .. } => true,
    };
    let mut edits = changes.edits.iter();
    edits.any(|edit| needs(&edit.change) && !before.contains(&edit.path))
}

fn told(settled: &Settled) -> String {
    let names = |paths: &[TreePath]| {
        let names: Vec<_> = paths.iter().map(TreePath::as_str).collect();
        names.join(", ")
    };
    match settled {
        Settled::Finished(paths) => format!(
            "an earlier change was cut off half way and is finished now: {}",
            names(paths)
        ),
        Settled::Undone(paths) => format!(
            "an earlier change was cut off half way and is undone now: {}",
            names(paths)
        ),
    }
}
