//! A task as a form in TOML, which a person changes in an editor or a program writes.

use std::{
    io::{self, Read},
    path::Path,
};

use atelier_model::{Acceptance, Budget, BudgetChange, Resource, Task};
use atelier_store::TaskEdit;
use serde::{Deserialize, Serialize};

use crate::cli_error::CliError;

/// Bytes of a form.
const FORM_BYTES_MAX: u64 = 1024 * 1024;

/// What stands above the form.
const HEAD: &str = "\
# Change what you want, save, and close the editor; an unchanged form changes nothing.
# A criterion that you take away or change needs a `reason`, which is kept on record.
# Budgets: usd = \"0.50\", tokens = 100000, calls = 20, wall_ms = 600000.

";

/// A task as far as a person may change it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {
    title: String,
    priority: i32,
    description: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    budget: Budget,
    #[serde(default)]
    acceptance: Vec<Acceptance>,
}

impl Form {
    pub(super) fn of(task: &Task, budget: Budget) -> Self {
        Self {
            title: task.title.clone(),
            priority: task.priority,
            description: task.description.clone(),
            reason: String::new(),
            budget,
            acceptance: task.acceptance.clone(),
        }
    }

    /// The form as it is shown.
    pub(super) fn text(&self) -> Result<String, CliError> {
        let text = toml::to_string_pretty(self);
        let text = text.map_err(|error| CliError::Usage(format!("write the form: {error}")))?;
        Ok(format!("{HEAD}{text}"))
    }

    fn parse(text: &str) -> Result<Self, CliError> {
        toml::from_str(text).map_err(|error| CliError::Usage(format!("read the form: {error}")))
    }

    /// What differs from the form that was shown, and why.
    pub(super) fn edit(self, shown: &Self) -> Result<(TaskEdit, String), CliError> {
        let lost = Resource::ALL.into_iter().find(|resource| {
            shown.budget.limit(*resource).is_some() && self.budget.limit(*resource).is_none()
        });
        if let Some(resource) = lost {
            return Err(CliError::Usage(format!(
                "take the limit of {resource} away: write a higher one instead"
            )));
        }
        let budget = if self.budget == shown.budget {
            BudgetChange::default()
        } else {
            self.budget.into()
        };
        let edit = TaskEdit {
            title: (self.title != shown.title).then_some(self.title),
            description: (self.description != shown.description).then_some(self.description),
            acceptance: (self.acceptance != shown.acceptance).then_some(self.acceptance),
            priority: (self.priority != shown.priority).then_some(self.priority),
            budget,
        };
        Ok((edit, self.reason))
    }
}

/// The form in a file, or on standard input.
pub(super) fn read(path: &Path) -> Result<Form, CliError> {
    let failed = |source| CliError::PlanFile {
        path: path.to_owned(),
        source,
    };
    let mut text = String::new();
    if path == Path::new("-") {
        let input = io::stdin().lock();
        input
            .take(FORM_BYTES_MAX)
            .read_to_string(&mut text)
            .map_err(CliError::Terminal)?;
    } else {
        let file = std::fs::File::open(path).map_err(failed)?;
        file.take(FORM_BYTES_MAX)
            .read_to_string(&mut text)
            .map_err(failed)?;
    }
    Form::parse(&text)
}

/// The form as a person leaves it in their editor.
pub(super) fn in_editor(shown: &Form) -> Result<Form, CliError> {
    let editor = editor()?;
    let mut file = tempfile::Builder::new()
        .prefix("atelier-task-")
        .suffix(".toml")
        .tempfile()
        .map_err(CliError::Terminal)?;
    io::Write::write_all(&mut file, shown.text()?.as_bytes()).map_err(CliError::Terminal)?;
    run_editor(&editor, file.path())?;
    read(file.path())
}

fn editor() -> Result<Vec<String>, CliError> {
    let named = ["VISUAL", "EDITOR"]
        .iter()
        .find_map(|name| std::env::var(name).ok())
        .filter(|named| !named.trim().is_empty());
    let named = named.ok_or_else(|| {
        CliError::Usage(
            "open an editor: neither VISUAL nor EDITOR is set; use flags, or --form and --from"
                .to_owned(),
        )
    })?;
    super::words(&named)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the person's own editor at their own terminal is no work of a run"
)]
fn run_editor(editor: &[String], file: &Path) -> Result<(), CliError> {
    let Some((program, arguments)) = editor.split_first() else {
        return Err(CliError::Usage(
            "open an editor: its name is empty".to_owned(),
        ));
    };
    let ended = std::process::Command::new(program)
        .args(arguments)
        .arg(file)
        .status()
        .map_err(|source| CliError::File {
            path: program.into(),
            source,
        })?;
    if ended.success() {
        Ok(())
    } else {
        Err(CliError::Usage(format!(
            "take the form from `{program}`: it ended with a failure, and nothing is changed"
        )))
    }
}
