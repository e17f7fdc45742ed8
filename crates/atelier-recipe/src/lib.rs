//! A file tree becomes a project kind and its build steps; test reports become counts.
//!
//! A kind of project is one data file in `recipes/`: its marks, its commands, the look of its
//! tests. Start with [`Recipes::detect`], then [`Project::steps`]; [`read_report`] turns what a
//! test step printed into counts.
//!
//! ```
//! use atelier_model::{FileEntry, FileTree, TreePath};
//! use atelier_recipe::{Recipes, StepKind};
//!
//! let mut tree = FileTree::default();
//! tree.put(TreePath::parse("go.mod")?, FileEntry::text("module example.com/todo\n"));
//! tree.put(TreePath::parse("main_test.go")?, FileEntry::text("package main\n"));
//! let project = &Recipes::builtin().detect(&tree)[0];
//! let steps = project.steps(&tree);
//! let test = steps.iter().find(|step| step.kind == StepKind::Test);
//! assert_eq!(test.map(|step| step.argv.join(" ")).as_deref(), Some("go test -json ./..."));
//! # Ok::<(), atelier_model::PathError>(())
//! ```
//!
//! Invariants: nothing here opens a file, starts a process or asks what is installed; an unreadable
//! report is `None`, never a guess; a test step exists only where the tree has tests to run.

mod cheat;
mod ci;
mod detect;
mod escape;
mod folder;
mod forgery;
mod harness;
mod jsonc;
mod pattern;
mod recipe;
mod recipes;
mod report;
mod selection;
mod step;
mod wanted;

pub use atelier_model::{BuildStep, ReportFormat, StepKind, Tool};
pub use cheat::{Change, Finding, Visible, cheats};
pub use ci::{Authorship, Forge, pipeline};
pub use detect::Project;
pub use escape::{declared_tests, early_ends, holds_expectations, is_test_path, new_escapes};
pub use forgery::forgeries;
pub use harness::{decides_tests, new_rules, test_settings};
pub use recipe::RecipeError;
pub use recipes::Recipes;
pub use report::{passed_names, read_report, recognise_tests};
pub use selection::Selection;
pub use wanted::{WantedVersion, wanted_versions};
