//! Command lines that run some of a project's tests: the files these stand in, and whether a step
//! that runs the tests of the project runs them too.
//!
//! Only what is certain is said. A command line with an option, a runner or a name that is not known
//! here is no selection.

mod compiled;
mod python;

use atelier_model::{BuildStep, FileTree, ReportFormat, StepKind, TreePath};

use crate::report::recognise_tests;

/// Some of the tests of a project, as a command line names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    line: Line,
    /// Where it runs, from the root of the tree.
    folder: Option<TreePath>,
    /// The files whose tests it names; none where it names tests only.
    files: Vec<TreePath>,
    /// Whether it names a file that is not there.
    is_missing: bool,
}

/// Programs whose selections are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Runner {
    Unittest,
    Pytest,
    Cargo,
    Go,
}

/// A runner's command line.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    runner: Runner,
    /// The words up to the runner's own.
    program: Vec<String>,
    arguments: Vec<String>,
}

/// What a command line names.
enum Named {
    File(TreePath),
    Missing,
    /// Tests by their names alone.
    Tests,
}

impl Selection {
    /// What a command line selects in a tree; `None` where that is not certain.
    pub fn of(argv: &[String], folder: Option<&TreePath>, tree: &FileTree) -> Option<Self> {
        let line = Line::of(argv)?;
        let place = Place { tree, folder };
        let named = match line.runner {
            Runner::Unittest => python::of_unittest(&line.arguments, place),
            Runner::Pytest => python::of_pytest(&line.arguments, place),
            Runner::Cargo => compiled::of_cargo(&line.arguments, place),
            Runner::Go => compiled::of_go(&line.arguments, place),
        }?;
        let is_missing = named.iter().any(|one| matches!(one, Named::Missing));
        let file = |one| match one {
            Named::File(path) => Some(path),
            Named::Missing | Named::Tests => None,
        };
        Some(Self {
            line,
            folder: folder.cloned(),
            files: named.into_iter().filter_map(file).collect(),
            is_missing,
        })
    }

    /// Whether it cannot but fail, because it names a file that is not there.
    pub fn is_missing(&self) -> bool {
        self.is_missing
    }

    /// Whether a step executes every test that is selected here.
    pub fn is_within(&self, step: &BuildStep, tree: &FileTree) -> bool {
        let is_whole = step.kind == StepKind::Test && !step.shell && step.cwd == self.folder;
        let Some(whole) = Line::of(&step.argv).filter(|_| is_whole && !self.is_missing) else {
            return false;
        };
        let place = Place {
            tree,
            folder: self.folder.as_ref(),
        };
        let holds = match whole.runner {
            Runner::Unittest => python::discovers,
            Runner::Pytest => python::collects,
            Runner::Cargo => compiled::tests_all,
            Runner::Go => compiled::tests_packages,
        };
        whole.is_of(&self.line) && holds(&whole.arguments, &self.line.arguments, &self.files, place)
    }
}

/// Each runner, how it reports, and the last word of it before its arguments.
const RUNNERS: [(Runner, ReportFormat, &str); 4] = [
    (Runner::Unittest, ReportFormat::Unittest, "unittest"),
    (Runner::Pytest, ReportFormat::Pytest, "pytest"),
    (Runner::Cargo, ReportFormat::Cargo, "test"),
    (Runner::Go, ReportFormat::Go, "test"),
];

impl Line {
    fn of(argv: &[String]) -> Option<Self> {
        let format = recognise_tests(argv)?;
        let (runner, _, last) = RUNNERS.iter().find(|(_, reports, _)| *reports == format)?;
        let at = argv.iter().position(|word| word == last)?;
        let (program, arguments) = argv.split_at(at + 1);
        Some(Self {
            runner: *runner,
            program: program.to_vec(),
            arguments: arguments.to_vec(),
        })
    }

    /// Whether both start the same runner.
    fn is_of(&self, other: &Self) -> bool {
        let mut words = self.program.iter().zip(&other.program);
        let same = |(one, other): (&String, &String)| {
            one == other || (is_interpreter(one) && is_interpreter(other))
        };
        let as_long = self.program.len() == other.program.len();
        self.runner == other.runner && as_long && words.all(same)
    }
}

/// Python as it is found on the search path.
fn is_interpreter(word: &str) -> bool {
    matches!(word, "python" | "python3")
}

/// A folder of a tree.
#[derive(Clone, Copy)]
struct Place<'a> {
    tree: &'a FileTree,
    folder: Option<&'a TreePath>,
}

impl Place<'_> {
    /// A path from the root of the tree, for one from the folder.
    fn path(self, text: &str) -> Option<TreePath> {
        let path = TreePath::parse(text).ok()?;
        Some(match self.folder {
            Some(folder) => path.below(folder),
            None => path,
        })
    }

    /// What a path of a file names; `None` where it is no path below the folder.
    fn file(self, text: &str) -> Option<Named> {
        let path = self.path(text.strip_prefix("./").unwrap_or(text))?;
        Some(if self.tree.contains(&path) {
            Named::File(path)
        } else {
            Named::Missing
        })
    }

    /// A path from the folder, for one from the root of the tree.
    fn below(self, path: &TreePath) -> Option<&str> {
        match self.folder {
            None => Some(path.as_str()),
            Some(folder) => path
                .as_str()
                .strip_prefix(folder.as_str())?
                .strip_prefix('/'),
        }
    }
}

#[cfg(test)]
mod tests;
