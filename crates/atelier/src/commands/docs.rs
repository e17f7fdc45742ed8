//! `atelier docs`: what this project's documents claim, and whether it still holds.

use std::{collections::BTreeMap, path::PathBuf};

use atelier_docs::claims::{self, Checked, Drift, Project};
use atelier_engine::Exit;
use atelier_model::{FileEntry, FileTree, TreePath};
use clap::{Args, Subcommand};
use serde_json::json;

use crate::{
    app::Place,
    cli::Global,
    cli_error::CliError,
    ui::{Tone, Ui},
    watch::many,
};

/// Claims that a person is shown; the rest are counted.
const SHOWN_MAX: usize = 200;
/// Folders of documents that are material of tests, or others' work: they are checked where they are
/// named.
const MATERIAL: [&str; 7] = [
    "fixtures",
    "__fixtures__",
    "testdata",
    "snapshots",
    "vendor",
    "third_party",
    "node_modules",
];
/// Endings of documents.
const ENDINGS: [&str; 3] = ["md", "markdown", "mdx"];

/// Find what documents say of this project and no longer holds
#[derive(Debug, Subcommand)]
pub(crate) enum DocsCommand {
    /// Check paths, commands, symbols and citations; exits with 13 where one does not hold
    Check(DocsCheckArgs),
    /// List the documents, and how many claims each of them makes
    List(DocsListArgs),
}

#[derive(Debug, Args)]
pub(crate) struct DocsCheckArgs {
    /// Only these documents, or those in these folders
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,

    /// Repair citations of lines that merely moved
    #[arg(long)]
    pub(crate) fix: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DocsListArgs {
    /// Only these documents, or those in these folders
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
}

pub(crate) fn run(global: &Global, command: &DocsCommand, ui: &Ui) -> Result<u8, CliError> {
    let place = Place::find(global)?;
    let tree = place.tree()?;
    match command {
        DocsCommand::Check(args) => check(&place, &tree, args, ui),
        DocsCommand::List(args) => list(&place, &tree, args, ui),
    }
}

fn check(place: &Place, tree: &FileTree, args: &DocsCheckArgs, ui: &Ui) -> Result<u8, CliError> {
    let project = Project::of(tree);
    let mut found: Vec<(TreePath, Checked)> = Vec::new();
    let mut repaired = BTreeMap::new();
    for (path, text) in documents(place, tree, &args.paths)? {
        let mut checked = claims::check(path, text, &project);
        if let Some(text) = checked.repaired.take().filter(|_| args.fix) {
            repaired.insert(path.clone(), Some(FileEntry::text(text)));
        }
        found.push((path.clone(), checked));
    }
    if !repaired.is_empty() {
        atelier_exec::tree_write(&place.root, &repaired).map_err(CliError::Documents)?;
    }
    let told = Told {
        found: &found,
        fix: args.fix,
    };
    if ui.is_json() {
        told.as_json(ui);
    } else {
        told.to_person(ui);
    }
    Ok(if told.left() == 0 {
        Exit::Verified as u8
    } else {
        Exit::Failed as u8
    })
}

/// What came out of a check.
struct Told<'a> {
    found: &'a [(TreePath, Checked)],
    fix: bool,
}

impl Told<'_> {
    fn drift(&self) -> impl Iterator<Item = (&TreePath, &Drift)> {
        let each = |(path, checked)| {
            let checked: &Checked = checked;
            checked.drift.iter().map(move |one| (path, one))
        };
        self.found
            .iter()
            .map(|(path, one)| (path, one))
            .flat_map(each)
    }

    fn is_repaired(&self, drift: &Drift) -> bool {
        self.fix && drift.repair.is_some()
    }

    /// How many claims still do not hold.
    fn left(&self) -> usize {
        let left = self.drift().filter(|(_, one)| !self.is_repaired(one));
        left.count()
    }

    fn to_person(&self, ui: &Ui) {
        for (path, one) in self.drift().take(SHOWN_MAX) {
            let (tone, word) = match one.repair {
                _ if self.is_repaired(one) => (Tone::Good, "repaired"),
                Some(_) => (Tone::Warning, "moved"),
                None => (Tone::Bad, one.kind.word()),
            };
            let word = ui.ink(tone, &format!("{word:<8}"));
            ui.out(&format!(
                "{word} {path}:{}  `{}` {}",
                one.line, one.claim, one.problem
            ));
        }
        let more = self.drift().count().saturating_sub(SHOWN_MAX);
        if more > 0 {
            ui.out(&format!("and {more} more; --json has them all"));
        }
        let claims: usize = self.found.iter().map(|(_, one)| one.claims).sum();
        let sum = format!(
            "{} in {}: {}",
            many(claims, "claim"),
            many(self.found.len(), "document"),
            match self.left() {
                0 => "all hold".to_owned(),
                1 => "1 does not hold".to_owned(),
                left => format!("{left} do not hold"),
            }
        );
        ui.out(&sum);
        let moved = self.drift().filter(|(_, one)| one.repair.is_some()).count();
        if moved > 0 && !self.fix {
            ui.status("hint: `atelier docs check --fix` repairs the citations that merely moved");
        }
    }

    fn as_json(&self, ui: &Ui) {
        for (path, one) in self.drift() {
            let line = json!({
                "v": 1, "type": "drift", "path": path, "line": one.line, "kind": one.kind.word(),
                "claim": one.claim, "problem": one.problem, "repair": one.repair,
                "repaired": self.is_repaired(one),
            });
            ui.out(&line.to_string());
        }
        let claims: usize = self.found.iter().map(|(_, one)| one.claims).sum();
        let line = json!({
            "v": 1, "type": "documents", "documents": self.found.len(), "claims": claims,
            "drift": self.drift().count(), "left": self.left(),
        });
        ui.out(&line.to_string());
    }
}

fn list(place: &Place, tree: &FileTree, args: &DocsListArgs, ui: &Ui) -> Result<u8, CliError> {
    let project = Project::of(tree);
    for (path, text) in documents(place, tree, &args.paths)? {
        let checked = claims::check(path, text, &project);
        let managed = atelier_docs::managed::has_markers(text);
        if ui.is_json() {
            let line = json!({
                "v": 1, "type": "document", "path": path, "claims": checked.claims,
                "drift": checked.drift.len(), "generated": managed,
            });
            ui.out(&line.to_string());
            continue;
        }
        let kept = if managed { "kept by Atelier" } else { "" };
        let kept = ui.ink(Tone::Faint, kept);
        let claims = many(checked.claims, "claim");
        ui.out(format!("{path}  {claims}  {kept}").trim_end());
    }
    Ok(Exit::Verified as u8)
}

/// The documents of the project that are meant.
fn documents<'a>(
    place: &Place,
    tree: &'a FileTree,
    paths: &[PathBuf],
) -> Result<Vec<(&'a TreePath, &'a str)>, CliError> {
    let all = tree
        .iter()
        .filter(|(path, _)| path.extension().is_some_and(|end| ENDINGS.contains(&end)))
        .filter_map(|(path, file)| Some((path, file.as_text()?)));
    let all: Vec<_> = all.collect();
    if paths.is_empty() {
        let material = |path: &TreePath| {
            path.as_str()
                .split('/')
                .any(|part| MATERIAL.contains(&part))
        };
        return Ok(all
            .into_iter()
            .filter(|(path, _)| !material(path))
            .collect());
    }
    let mut meant = Vec::new();
    for path in paths {
        let inside = place.folder.join(path);
        let inside = inside.strip_prefix(&place.root).unwrap_or(path);
        let name = inside.to_string_lossy();
        let name = name.trim_start_matches("./").trim_end_matches('/');
        let before = meant.len();
        let within = |one: &TreePath| name.is_empty() || name == "." || one.is_within(name);
        meant.extend(all.iter().filter(|(one, _)| within(one)).copied());
        if meant.len() == before {
            return Err(CliError::NotFound {
                what: "document",
                name: path.display().to_string(),
                known: all.iter().map(|(one, _)| one.to_string()).collect(),
            });
        }
    }
    meant.sort_by_key(|(path, _)| *path);
    meant.dedup();
    Ok(meant)
}
