//! What a model sees of the project when it is asked for a task, within the token budget.

mod shorter;

use std::collections::BTreeSet;

use atelier_edit::policy::WHOLE_LINES_MAX;
use atelier_model::{DevPlan, EditForm, FileTree, Task, TreePath};
use atelier_prompt::context::{self, Block, BlockUse, Compression, Packed};

/// Lines of a file that stands beside the work.
const HEAD_LINES: usize = 40;
/// Tokens of a document's summary.
const SUMMARY_TOKENS_MAX: usize = 400;
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

/// What a model is shown, and how much shorter that is than it could be.
pub(crate) struct Context {
    /// The text.
    pub(crate) packed: Packed,
    /// Bytes that the same blocks would have without compression.
    pub(crate) bytes_full: usize,
}

/// Files the task changes in full, then what it reads, its documents, its neighbours, and the list
/// of all paths; each as full as the budget allows.
pub(crate) fn pack(
    task: &Task,
    plan: &DevPlan,
    tree: &FileTree,
    (compression, tokens_max): (Compression, usize),
) -> Context {
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
    add(below(tree, &task.context.files), 80, false);
    add(below(tree, &task.inputs), 70, false);
    add(defining(tree, &task.context.symbols), 60, false);
    add(neighbours(tree, task), NEIGHBOUR, false);
    let mut blocks = vec![listing(tree)];
    blocks.extend(match compression {
        Compression::Off => files.iter().map(Shown::block).collect(),
        Compression::Safe => shorter::blocks(&files),
    });
    for path in documents(task, tree) {
        if seen.insert(path.clone()) {
            blocks.extend(document_block(tree, &path));
        }
    }
    blocks.extend(components(plan));
    let full = |block: &BlockUse| {
        let file = files.iter().find(|file| file.path.as_str() == block.id);
        let of_file = file.map(|file| file.label_and_text().len());
        let is_shown = block.rung.is_some();
        of_file.filter(|_| is_shown)
    };
    let own = |id: &str| files.iter().any(|file| file.path.as_str() == id);
    let others: usize = blocks
        .iter()
        .filter(|block| !own(&block.id))
        .filter_map(|block| block.rungs.first().map(String::len))
        .sum();
    let packed = context::pack(blocks, tokens_max);
    let of_files: usize = packed.manifest.iter().filter_map(full).sum();
    Context {
        packed,
        bytes_full: of_files + others,
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

fn listing(tree: &FileTree) -> Block {
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
    Block {
        id: "files".to_owned(),
        rungs: vec![full, short],
        priority: 90,
        required: false,
    }
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
    fn block(&self) -> Block {
        let mut rungs = vec![self.label_and_text()];
        rungs.extend(self.head().filter(|_| !self.required));
        self.block_of(rungs)
    }

    /// The first lines of a longer file.
    fn head(&self) -> Option<String> {
        let head: Vec<&str> = self.text.lines().take(HEAD_LINES).collect();
        let label = format!("{} (first {HEAD_LINES} lines)", self.path);
        (head.len() == HEAD_LINES).then(|| context::data(&label, &head.join("\n")))
    }

    fn block_of(&self, rungs: Vec<String>) -> Block {
        Block {
            id: self.path.to_string(),
            rungs,
            priority: self.priority,
            required: self.required,
        }
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

fn document_block(tree: &FileTree, path: &TreePath) -> Option<Block> {
    let text = tree.text(path)?;
    let summary = atelier_docs::summary(text, SUMMARY_TOKENS_MAX);
    let label = format!("{path} (summary)");
    Some(Block {
        id: path.to_string(),
        rungs: vec![context::data(&label, &summary)],
        priority: 50,
        required: false,
    })
}

fn components(plan: &DevPlan) -> Option<Block> {
    let lines: Vec<String> = plan
        .design
        .components
        .iter()
        .map(|part| format!("- {} (`{}`): {}", part.name, part.path, part.purpose))
        .collect();
    let text = format!("Components:\n{}", lines.join("\n"));
    let rungs = vec![text];
    let block = Block {
        id: "components".to_owned(),
        rungs,
        priority: 55,
        required: false,
    };
    (!lines.is_empty()).then_some(block)
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
