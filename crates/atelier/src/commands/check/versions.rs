//! Versions that a project wants of its programs, held against those that are installed.

use std::collections::BTreeMap;

use atelier_model::{BuildStep, FileTree, TreePath};
use atelier_recipe::{WantedVersion, wanted_versions};
use serde_json::{Value, json};

/// What the version files of a project want, by the folders that steps run in.
#[derive(Debug, Default)]
pub(crate) struct Versions {
    folders: BTreeMap<Option<TreePath>, Vec<WantedVersion>>,
}

/// A program that is another version than the wanted one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mismatch {
    wanted: WantedVersion,
    /// What the installed one prints of its version.
    found: String,
}

impl Versions {
    /// Looks through the version files of a tree for those that concern steps.
    pub(super) fn of_tree(tree: &FileTree, steps: &[BuildStep]) -> Self {
        let mut folders = BTreeMap::new();
        for step in steps {
            if !folders.contains_key(&step.cwd) {
                let wanted = wanted_versions(tree, step.cwd.as_ref());
                folders.insert(step.cwd.clone(), wanted);
            }
        }
        Self { folders }
    }

    /// What is wanted of the programs of a step.
    pub(crate) fn of<'a>(&'a self, step: &'a BuildStep) -> impl Iterator<Item = &'a WantedVersion> {
        let needs = |program: &String| {
            step.argv.first() == Some(program)
                || step.tools.iter().any(|tool| tool.program == *program)
        };
        let wanted = self.folders.get(&step.cwd).into_iter().flatten();
        wanted.filter(move |wanted| needs(&wanted.program))
    }

    /// The programs of some steps that are another version than the wanted one, on this search path.
    pub(super) fn mismatches<'a>(
        &self,
        steps: impl Iterator<Item = &'a BuildStep>,
        search: &str,
    ) -> Vec<Mismatch> {
        let mut printed: BTreeMap<String, Option<String>> = BTreeMap::new();
        let mut mismatches: Vec<Mismatch> = Vec::new();
        for step in steps {
            for wanted in self.of(step) {
                let found = printed
                    .entry(wanted.program.clone())
                    .or_insert_with(|| ask(wanted, search));
                let Some(found) = found.as_ref().filter(|found| wanted.contradicts(found)) else {
                    continue;
                };
                let mismatch = Mismatch {
                    wanted: wanted.clone(),
                    found: found.clone(),
                };
                if !mismatches.contains(&mismatch) {
                    mismatches.push(mismatch);
                }
            }
        }
        mismatches
    }
}

/// What a program prints of its version, if it is there.
fn ask(wanted: &WantedVersion, search: &str) -> Option<String> {
    let file = atelier_exec::find_program(&wanted.program, search)?;
    let args: Vec<&str> = wanted.args.iter().map(String::as_str).collect();
    atelier_exec::program_version(&file, &args)
}

impl Mismatch {
    /// What is wrong, and what helps.
    pub(super) fn says(&self) -> String {
        let WantedVersion {
            program,
            version,
            file,
            ..
        } = &self.wanted;
        format!(
            "`{file}` wants {program} {version}, and what is first on the search path is \"{}\": \
             put the wanted one there, for example with a version manager, or change `{file}`",
            self.found
        )
    }

    /// The same for programs.
    pub(super) fn form(&self) -> Value {
        json!({
            "v": 1,
            "type": "version_mismatch",
            "program": self.wanted.program,
            "wanted": self.wanted.version,
            "file": self.wanted.file.as_str(),
            "found": self.found,
            "says": self.says(),
        })
    }
}
