//! What a model sees of the project when it is asked for a task, within the token budget.

mod background;
mod finished;
mod shorter;

use std::collections::BTreeSet;

use atelier_edit::policy::WHOLE_LINES_MAX;
use atelier_model::{DevPlan, EditForm, FileTree, PromptPart, Task, TreePath};
use atelier_prompt::{
    context::{self, Block, BlockUse, Compression, Packed},
    tokens,
};

pub(crate) use background::{Reminders, is_long, long_documents, requirement};
pub(crate) use finished::{Finished, are_many, titles};

/// Lines of a file that stands beside the work.
const HEAD_LINES: usize = 40;
/// Neighbours shown at most.
const NEIGHBOURS_MAX: usize = 24;
/// How much neighbours matter.
const NEIGHBOUR: i32 = 40;
/// Paths listed at most.
const LISTED_MAX: usize = 600;
/// Documents of a component, in its folder.
const OF_COMPONENT: [&str; 2] = ["ARCHITECTURE.md", "PROGRESS.md"];
/// Documents of the project.
const OF_PROJECT: [&str; 3] = ["docs/DESIGN.md", "ARCHITECTURE.md", "README.md"];
/// The form of what is shown as it is.
const WHOLE: &str = "whole";

/// What the context of a task is put together from.
#[derive(Clone, Copy)]
pub(crate) struct Material<'a> {
    /// The task.
    pub(crate) task: &'a Task,
    /// The plan it belongs to.
    pub(crate) plan: &'a DevPlan,
    /// The requirement, word for word.
    pub(crate) requirement: &'a str,
    /// The files of its base.
    pub(crate) tree: &'a FileTree,
    /// What stands for long texts.
    pub(crate) reminders: &'a Reminders,
    /// The tasks it depends on, as far as its base holds them.
    pub(crate) finished: &'a [Finished],
    /// Whether its base holds so many tasks that their titles no longer tell what was done.
    pub(crate) are_many: bool,
}

/// What a model is shown, and how much shorter that is than it could be.
pub(crate) struct Context {
    /// The text.
    pub(crate) packed: Packed,
    /// Bytes that the same blocks would have without compression.
    pub(crate) bytes_full: usize,
    /// What became of each piece, in the order of the text.
    pub(crate) parts: Vec<PromptPart>,
}

/// A block with what its forms are called.
struct Piece {
    block: Block,
    forms: Vec<String>,
    /// Tokens of the whole of which it is a form.
    tokens_full: usize,
}

impl Piece {
    /// A piece in forms that get shorter, each with what it is called; whether it must be there
    /// stands beside its priority.
    fn of(
        id: &str,
        forms: Vec<(&str, String)>,
        (priority, required): (i32, bool),
        tokens_full: usize,
    ) -> Self {
        let (forms, rungs) = forms
            .into_iter()
            .map(|(form, text)| (form.to_owned(), text))
            .unzip();
        let block = Block {
            id: id.to_owned(),
            rungs,
            priority,
            required,
        };
        Self {
            block,
            forms,
            tokens_full,
        }
    }
}

/// Files the task changes in full, then what it reads, its documents, its neighbours, and the list
/// of all paths; each as full as the budget allows. The interfaces of the tasks it builds on are
/// there whatever the budget.
pub(crate) fn pack(
    material: Material<'_>,
    (compression, tokens_max): (Compression, usize),
) -> Context {
    let (files, interfaces) = files(material);
    let mut pieces = vec![listing(material.tree)];
    pieces.extend(match compression {
        Compression::Off => files.iter().map(Shown::piece).collect(),
        Compression::Safe => shorter::pieces(&files),
    });
    let text = |path: &TreePath| material.tree.text(path).unwrap_or_default();
    for path in &interfaces {
        let own = pieces
            .iter_mut()
            .find(|piece| piece.block.id == path.as_str());
        match own {
            Some(piece) => keep_interface(piece, path, text(path)),
            None => pieces.extend(finished::interface_only(path, text(path))),
        }
    }
    pieces.extend(documents_of(material, &files));
    pieces.extend(components(material.plan));
    if material.are_many {
        pieces.extend(finished::reminder(material.finished));
    }
    if material.reminders.requirement.is_some() {
        let passages = background::passages(material.requirement, material.task, material.plan);
        pieces.extend((!passages.block.rungs.is_empty()).then_some(passages));
    }
    packed(pieces, &files, tokens_max)
}

/// The files that are shown, and those of which the interface must be.
fn files(material: Material<'_>) -> (Vec<Shown<'_>>, Vec<TreePath>) {
    let Material { task, tree, .. } = material;
    let mut seen = BTreeSet::new();
    let mut files: Vec<Shown<'_>> = Vec::new();
    let mut add = |paths: Vec<TreePath>, priority: i32, required: bool| {
        for path in paths {
            let text = tree.text(&path).filter(|_| seen.insert(path.clone()));
            files.extend(text.map(|text| Shown {
                path,
                text,
                priority,
                required,
            }));
        }
    };
    add(
        below(tree, task.outputs.iter().chain(&task.owns)),
        100,
        true,
    );
    let summarised = |path: &TreePath| material.reminders.documents.contains_key(path);
    let mut background = below(tree, &task.context.files);
    background.retain(|path| !summarised(path));
    add(background, 80, false);
    add(below(tree, &task.inputs), 70, false);
    add(defining(tree, &task.context.symbols), 60, false);
    let mut beside = neighbours(tree, task);
    beside.retain(|path| !summarised(path) && !background::is_lengthy(tree, path));
    add(beside, NEIGHBOUR, false);
    (files, finished::interfaces(tree, material.finished))
}

/// Makes sure that a file is there in some form, at the least as its interface.
fn keep_interface(piece: &mut Piece, path: &TreePath, text: &str) {
    if piece.block.required {
        return;
    }
    piece.block.required = true;
    let shortest = piece.block.rungs.last().map_or(0, String::len);
    let interface = finished::interface(path, text);
    if let Some((form, text)) = interface.filter(|(_, text)| text.len() < shortest) {
        piece.forms.push(form.to_owned());
        piece.block.rungs.push(text);
    }
}

fn documents_of(material: Material<'_>, files: &[Shown<'_>]) -> Vec<Piece> {
    let Material {
        task, plan, tree, ..
    } = material;
    let is_shown = |path: &TreePath| files.iter().any(|file| file.path == *path);
    let mut seen = BTreeSet::new();
    let summarised = material.reminders.documents.keys().cloned();
    let beside = neighbours(tree, task).into_iter();
    let lengthy = beside.filter(|path| background::is_lengthy(tree, path));
    let all = documents(task, tree)
        .into_iter()
        .chain(summarised)
        .chain(lengthy);
    let fresh = all.filter(|path| !is_shown(path) && seen.insert(path.clone()));
    let piece = |path: TreePath| {
        let text = tree.text(&path)?;
        let made = material.reminders.documents.get(&path);
        Some(background::document(task, plan, (&path, text), made))
    };
    fresh.filter_map(piece).collect()
}

fn packed(pieces: Vec<Piece>, files: &[Shown<'_>], tokens_max: usize) -> Context {
    let full = |block: &BlockUse| {
        let file = files.iter().find(|file| file.path.as_str() == block.id);
        let of_file = file.map(|file| file.label_and_text().len());
        let is_shown = block.rung.is_some();
        of_file.filter(|_| is_shown)
    };
    let own = |id: &str| files.iter().any(|file| file.path.as_str() == id);
    let others: usize = pieces
        .iter()
        .filter(|piece| !own(&piece.block.id))
        .filter_map(|piece| piece.block.rungs.first().map(String::len))
        .sum();
    let names: Vec<(String, Vec<String>, usize)> = pieces
        .iter()
        .map(|piece| {
            (
                piece.block.id.clone(),
                piece.forms.clone(),
                piece.tokens_full,
            )
        })
        .collect();
    let blocks = pieces.into_iter().map(|piece| piece.block).collect();
    let packed = context::pack(blocks, tokens_max);
    let of_files: usize = packed.manifest.iter().filter_map(full).sum();
    let part = |used: &BlockUse| {
        let (_, forms, tokens_full) = names.iter().find(|(id, ..)| *id == used.id)?;
        Some(part(used, forms, *tokens_full, tokens_max))
    };
    Context {
        parts: packed.manifest.iter().filter_map(part).collect(),
        packed,
        bytes_full: of_files + others,
    }
}

/// What is recorded of a piece.
fn part(used: &BlockUse, forms: &[String], tokens_full: usize, tokens_max: usize) -> PromptPart {
    let form = used.rung.and_then(|rung| forms.get(rung));
    let why = match (used.rung, form) {
        (None, _) => format!("there was no room for it within {tokens_max} tokens"),
        (Some(0), Some(form)) if form == WHOLE => String::new(),
        (Some(0), _) => "it is background".to_owned(),
        (Some(_), _) => format!("no longer form of it fits into {tokens_max} tokens"),
    };
    PromptPart {
        name: used.id.clone(),
        form: form.cloned().unwrap_or_else(|| "left out".to_owned()),
        tokens: used.tokens,
        tokens_full,
        why,
    }
}

/// Lines of each file that the task changes and that is there.
pub(crate) fn lines(task: &Task, tree: &FileTree) -> Vec<usize> {
    let changed = below(tree, task.outputs.iter().chain(&task.owns));
    let texts = changed.iter().filter_map(|path| tree.text(path));
    texts.map(|text| text.lines().count()).collect()
}

/// How edits to the files of the task are to be written, where those in parts have this form.
pub(crate) fn forms(task: &Task, tree: &FileTree, form: EditForm) -> String {
    let means = match form {
        EditForm::Whole => return "Write every file whole.".to_owned(),
        EditForm::SearchReplace | EditForm::DiffFenced => "SEARCH/REPLACE blocks",
        EditForm::ApplyPatch => "a patch",
    };
    let is_large = |path: &TreePath| {
        let text = tree.text(path).unwrap_or_default();
        text.lines().count() > WHOLE_LINES_MAX
    };
    let changed = below(tree, task.outputs.iter().chain(&task.owns));
    let large = changed.iter().filter(|path| is_large(path));
    let large: Vec<String> = large.map(|path| format!("`{path}`")).collect();
    format!(
        "Change {} with {means}; write every other file whole.",
        large.join(", ")
    )
}

fn listing(tree: &FileTree) -> Piece {
    let paths: Vec<&str> = tree.paths().map(TreePath::as_str).collect();
    let shown = paths
        .iter()
        .take(LISTED_MAX)
        .copied()
        .collect::<Vec<_>>()
        .join("\n");
    let more = paths.len().saturating_sub(LISTED_MAX);
    let full = match (paths.is_empty(), more) {
        (true, _) => "The project has no file yet.".to_owned(),
        (false, 0) => format!("Files of the project:\n{shown}"),
        (false, _) => format!("Files of the project:\n{shown}\n… and {more} more"),
    };
    let folders: BTreeSet<&str> = paths
        .iter()
        .map(|path| path.split('/').next().unwrap_or(path))
        .collect();
    let short = format!(
        "The project has {} files in: {}",
        paths.len(),
        folders.into_iter().take(40).collect::<Vec<_>>().join(", ")
    );
    let tokens_full = tokens::estimate(&full);
    let forms = vec![(WHOLE, full), ("folders", short)];
    Piece::of("files", forms, (90, false), tokens_full)
}

/// A file as a model may be shown it.
struct Shown<'t> {
    path: TreePath,
    text: &'t str,
    priority: i32,
    /// Whether it is to be changed, so that it must be there letter by letter.
    required: bool,
}

impl Shown<'_> {
    fn label_and_text(&self) -> String {
        context::data(self.path.as_str(), self.text)
    }

    /// The whole file, and where it only stands beside the work, its beginning.
    fn piece(&self) -> Piece {
        let mut forms = vec![(WHOLE, self.label_and_text())];
        forms.extend(self.head().filter(|_| !self.required));
        self.piece_of(forms)
    }

    /// The first lines of a longer file.
    fn head(&self) -> Option<(&'static str, String)> {
        let head: Vec<&str> = self.text.lines().take(HEAD_LINES).collect();
        let label = format!("{} (first {HEAD_LINES} lines)", self.path);
        let is_longer = head.len() == HEAD_LINES;
        is_longer.then(|| ("first lines", context::data(&label, &head.join("\n"))))
    }

    fn piece_of(&self, forms: Vec<(&str, String)>) -> Piece {
        let weight = (self.priority, self.required);
        Piece::of(
            self.path.as_str(),
            forms,
            weight,
            tokens::estimate(self.text),
        )
    }
}

/// The documents that matter for a task: those it names, those of the components it writes or
/// reads in, and the project's own.
fn documents(task: &Task, tree: &FileTree) -> Vec<TreePath> {
    let named = task
        .context
        .documents
        .iter()
        .map(|path| path.trim_start_matches("./").to_owned());
    let touched = task.outputs.iter().chain(&task.owns).chain(&task.inputs);
    let folders: BTreeSet<TreePath> = touched
        .filter_map(|path| path.parse::<TreePath>().ok())
        .flat_map(|path| std::iter::successors(path.parent(), TreePath::parent))
        .collect();
    let of_components = folders.iter().flat_map(|folder| {
        OF_COMPONENT
            .iter()
            .map(move |name| format!("{folder}/{name}"))
    });
    let of_project = OF_PROJECT.iter().map(|&path| path.to_owned());
    named
        .chain(of_components)
        .chain(of_project)
        .filter_map(|path| path.parse().ok())
        .filter(|path| tree.contains(path))
        .collect()
}

/// The parts of the design: what was decided is there whatever the budget.
fn components(plan: &DevPlan) -> Option<Piece> {
    let lines: Vec<String> = plan
        .design
        .components
        .iter()
        .map(|part| format!("- {} (`{}`): {}", part.name, part.path, part.purpose))
        .collect();
    let text = format!("Components:\n{}", lines.join("\n"));
    let tokens_full = tokens::estimate(&text);
    let piece = Piece::of("components", vec![(WHOLE, text)], (55, true), tokens_full);
    (!lines.is_empty()).then_some(piece)
}

/// The files at or below the named paths.
fn below<'a>(tree: &FileTree, named: impl IntoIterator<Item = &'a String>) -> Vec<TreePath> {
    let named: Vec<&str> = named
        .into_iter()
        .map(|path| path.trim_start_matches("./"))
        .filter(|p| !p.is_empty())
        .collect();
    tree.paths()
        .filter(|path| named.iter().any(|own| path.is_within(own)))
        .cloned()
        .collect()
}

/// The files whose text holds one of the symbols.
fn defining(tree: &FileTree, symbols: &[String]) -> Vec<TreePath> {
    let holds = |text: &str| {
        symbols
            .iter()
            .any(|symbol| !symbol.is_empty() && text.contains(symbol.as_str()))
    };
    tree.iter()
        .filter(|(_, file)| file.as_text().is_some_and(holds))
        .map(|(path, _)| path.clone())
        .take(NEIGHBOURS_MAX)
        .collect()
}

/// The files in the folders the task writes in, and the manifests at the root.
fn neighbours(tree: &FileTree, task: &Task) -> Vec<TreePath> {
    let folders: BTreeSet<Option<TreePath>> = task
        .outputs
        .iter()
        .chain(&task.owns)
        .filter_map(|path| path.parse::<TreePath>().ok())
        .map(|path| path.parent())
        .collect();
    let written = |path: &TreePath| folders.contains(&path.parent());
    let manifest = |path: &TreePath| path.parent().is_none() && path.extension() != Some("lock");
    tree.paths()
        .filter(|path| written(path) || manifest(path))
        .take(NEIGHBOURS_MAX)
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests;
