//! What Atelier finds itself: secrets in files, steps that take most of the time.

use atelier_cas::{Cas, CasLimits};
use atelier_guard::{Guard, Policy, preview};
use atelier_model::FileTree;
use atelier_recipe::is_test_path;

use super::finding::{Finding, Severity};
use crate::{app::Place, cli_error::CliError, commands::check, config::Sources, watch::seconds};

/// The name of the search for secrets.
pub(super) const SECRETS: &str = "secrets";
/// The name of the look at durations.
pub(super) const STEPS: &str = "steps";
/// Bytes of a file that is searched; longer ones are data.
const FILE_BYTES_MAX: usize = 2 << 20;
/// Milliseconds of a step that is worth a word.
const SLOW_MS: u64 = 30_000;
/// A step is slow if it takes more than one part of so many of all the time.
const SHARE: u64 = 4;

/// Secrets in the files of a tree; never the values themselves.
pub(super) fn secrets(tree: &FileTree) -> Vec<Finding> {
    let guard = Guard::builtin();
    let mut findings = Vec::new();
    for (path, file) in tree.iter() {
        let Some(text) = file.as_text().filter(|text| text.len() <= FILE_BYTES_MAX) else {
            continue;
        };
        // Most of those in tests are made up.
        let severity = if is_test_path(path) {
            Severity::Medium
        } else {
            Severity::High
        };
        for span in guard.scan(text, Policy::Secrets) {
            let line = text[..span.start].matches('\n').count() + 1;
            let shown = preview(span.kind, &text[span.range()]);
            findings.push(Finding {
                severity,
                tool: SECRETS,
                rule: guard.rule_name(&span).to_owned(),
                path: Some(path.to_string()),
                line: u64::try_from(line).ok(),
                message: format!("{} {shown}", span.kind.name()),
                remedy: "have it replaced where it is valid, then take it out: what was committed \
                         stays in the history"
                    .to_owned(),
            });
        }
    }
    findings
}

/// Steps whose executions took much of the time of all.
pub(super) fn slow_steps(place: &Place, sources: &Sources) -> Result<Vec<Finding>, CliError> {
    let Some(checks) = place.checks()?.filter(|checks| checks.is_dir()) else {
        return Ok(Vec::new());
    };
    let cas = Cas::open(&checks, CasLimits::default())?;
    let project = check::project(place, sources, None)?;
    let took = |name: &str| {
        let mut durations = cas.history(name)?.durations_us;
        durations.sort_unstable();
        Some(durations.get(durations.len() / 2)? / 1000)
    };
    let steps: Vec<_> = project
        .steps
        .iter()
        .filter_map(|step| Some((step, took(&step.name)?)))
        .collect();
    let all = steps
        .iter()
        .fold(0_u64, |sum, (_, ms)| sum.saturating_add(*ms));
    let slow = steps.iter().filter(|(_, ms)| is_slow(*ms, all));
    let finding = |(step, ms): &(&atelier_model::BuildStep, u64)| {
        let remedy = if step.inputs.is_empty() {
            format!(
                "name what it reads in `steps.\"{}\".inputs`, so that it is executed only when \
                 that has changed",
                step.name
            )
        } else {
            "split it into steps that are executed side by side".to_owned()
        };
        Finding {
            severity: Severity::Low,
            tool: STEPS,
            rule: "slow".to_owned(),
            path: step.cwd.as_ref().map(ToString::to_string),
            line: None,
            message: format!(
                "step `{}` takes {} of the {} of all steps",
                step.name,
                seconds(*ms),
                seconds(all)
            ),
            remedy,
        }
    };
    Ok(slow.map(finding).collect())
}

fn is_slow(ms: u64, all: u64) -> bool {
    ms >= SLOW_MS && ms > all / SHARE
}

#[cfg(test)]
mod tests;
