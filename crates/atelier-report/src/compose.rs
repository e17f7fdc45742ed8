//! The report out of the facts: what belongs together is brought together, and counted.

mod criteria;
mod events;
mod hints;
mod tasks;
mod timeline;
mod usage;

use atelier_model::{Resource, RunStatus, TaskState};
use serde::Serialize;

use self::{criteria::Proofs, events::Told};
use crate::{
    Absence, Budgeted, Facts, Need, Outcome, Remark, RunReport, Times, Totals, Workflow,
    words::{line, lines},
};

/// Tries that did not pass, warnings and remarks of a report, each.
const NOTES_MAX: usize = 2_000;
/// Documents of a report.
const DOCUMENTS_MAX: usize = 1_000;
/// The provider whose answers come from built-in templates.
const OFFLINE: &str = "offline";

impl RunReport {
    /// Makes the report of a run.
    pub fn of(facts: &Facts) -> Self {
        let proofs = Proofs::of(facts);
        let told = Told::of(facts);
        let criteria = criteria::criteria(facts, &proofs, &told);
        let requirements = criteria::requirements(facts, &criteria);
        let tasks = tasks::lines(facts, &proofs);
        let retries = tasks::retries(facts);
        let advice = &facts.advice;
        let mut report = Self {
            v: Self::FORMAT,
            kind: Self::KIND.to_owned(),
            made_at: facts.at.to_string(),
            run: facts.run.id.to_string(),
            name: line(&name(facts)),
            summary: line(facts.plan.as_ref().map_or("", |plan| &plan.design.summary)),
            requirement: lines(&facts.run.requirement),
            outcome: outcome(facts, &told),
            totals: Totals::default(),
            requirements,
            criteria,
            slowest: tasks::most(&tasks, |task| task.took_ms),
            dearest: tasks::most(&tasks, |task| task.cost_micro_usd),
            tasks,
            verdict: told.verdict,
            evidence: told.evidence,
            estimates: told.estimates,
            time: times(facts),
            tokens: usage::tokens(facts),
            budget: budget(facts),
            cache: usage::cache(facts),
            models: usage::models(facts),
            retries,
            timeline: timeline::timeline(facts),
            delivery: told.delivery,
            documents: facts.documents.iter().map(|path| line(path)).collect(),
            warnings: told.warnings,
            remarks: advice.findings.iter().map(remark).collect(),
            remarks_of: line(&advice.of),
            tools: advice.ran.iter().map(|tool| line(tool)).collect(),
            absences: advice.silent.iter().map(absence).collect(),
            workflows: advice.pipelines.iter().map(workflow).collect(),
            hints: Vec::new(),
        };
        let left_out = report.bound();
        report.totals = totals(facts, &report, left_out);
        report.hints = hints::hints(facts, &report);
        report
    }

    /// Keeps every list within its maximum, and counts what does not fit.
    fn bound(&mut self) -> u64 {
        cut(&mut self.retries, NOTES_MAX)
            + cut(&mut self.warnings, NOTES_MAX)
            + cut(&mut self.evidence.restored, NOTES_MAX)
            + cut(&mut self.remarks, NOTES_MAX)
            + cut(&mut self.documents, DOCUMENTS_MAX)
            + cut(&mut self.timeline.spans, timeline::SPANS_MAX)
    }
}

fn cut<T>(list: &mut Vec<T>, max: usize) -> u64 {
    let more = list.len().saturating_sub(max);
    list.truncate(max);
    more as u64
}

/// A value that is stored as one word.
fn word(value: impl Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

fn name(facts: &Facts) -> String {
    match &facts.plan {
        Some(plan) => plan.design.name.clone(),
        None => facts.run.branch.clone(),
    }
}

fn outcome(facts: &Facts, told: &Told) -> Outcome {
    let run = &facts.run;
    let verdict = told.verdict.as_ref();
    let holds = verdict
        .is_some_and(|verdict| verdict.passed && Some(&verdict.commit) == run.trunk.as_ref());
    let coded: Vec<_> = facts
        .asks
        .iter()
        .map(|ask| ask.line.provider.as_str())
        .collect();
    Outcome {
        status: word(run.status),
        verified: run.status == RunStatus::Done && holds,
        exit_code: run.exit_code,
        reason: line(&run.reason),
        branch: line(&run.branch),
        commit: run.trunk.clone(),
        base: run.base_commit.clone(),
        offline: !coded.is_empty() && coded.iter().all(|provider| *provider == OFFLINE),
    }
}

fn totals(facts: &Facts, report: &RunReport, left_out: u64) -> Totals {
    let of_state = |wanted: fn(TaskState) -> bool| {
        let tasks = facts.tasks.iter().filter(|task| wanted(task.state));
        tasks.count() as u64
    };
    let met = report.requirements.iter();
    let passed = report.criteria.iter();
    let attempts = facts.attempts.iter();
    Totals {
        requirements: report.requirements.len() as u64,
        requirements_met: met.filter(|one| one.state == Need::Met).count() as u64,
        criteria: report.criteria.len() as u64,
        criteria_passed: passed.filter(|one| one.outcome == "passed").count() as u64,
        tasks: facts.tasks.len() as u64,
        tasks_done: of_state(|state| state == TaskState::Done),
        tasks_left_out: of_state(tasks::is_left_out),
        attempts: facts.attempts.len() as u64,
        attempts_passed: attempts
            .filter(|one| one.outcome == Some(atelier_model::AttemptOutcome::Passed))
            .count() as u64,
        asks: facts.asks.len() as u64,
        asks_failed: facts.asks.iter().filter(|ask| ask.line.failed).count() as u64,
        cost_micro_usd: usage::cost(facts.asks.iter()),
        files: facts.size.map(|size| size.files),
        lines_added: facts.size.map(|size| size.added),
        lines_deleted: facts.size.map(|size| size.deleted),
        left_out,
    }
}

fn times(facts: &Facts) -> Times {
    let run = &facts.run;
    let end = run.ended_at.unwrap_or(facts.at);
    let attempts = facts.attempts.iter();
    Times {
        created_at: run.created_at.to_string(),
        ended_at: run.ended_at.map(|at| at.to_string()),
        elapsed_ms: end.millis_since(run.created_at),
        worked_ms: facts.used.wall_ms,
        models_ms: facts
            .asks
            .iter()
            .filter(|ask| !usage::is_kept(ask))
            .fold(0, |sum, ask| sum.saturating_add(ask.line.latency_ms)),
        checks_ms: attempts
            .flat_map(|one| &one.evidence.checks)
            .fold(0, |sum: u64, check| sum.saturating_add(check.duration_ms)),
    }
}

fn budget(facts: &Facts) -> Vec<Budgeted> {
    let limits = Resource::ALL
        .into_iter()
        .filter_map(|resource| Some((resource, facts.run.budget.limit(resource)?)));
    limits
        .map(|(resource, limit)| {
            let used = facts.used.of(resource);
            let percent = u128::from(used) * 100 / u128::from(limit.max(1));
            Budgeted {
                resource: resource.name().to_owned(),
                limit,
                used,
                percent: u64::try_from(percent).unwrap_or(u64::MAX),
            }
        })
        .collect()
}

fn remark(finding: &crate::Finding) -> Remark {
    Remark {
        severity: line(&finding.severity),
        tool: line(&finding.tool),
        rule: line(&finding.rule),
        place: line(&finding.place),
        text: line(&finding.message),
        remedy: line(&finding.remedy),
    }
}

fn absence(silent: &crate::Silent) -> Absence {
    Absence {
        tool: line(&silent.tool),
        finds: line(&silent.finds),
        why: line(&silent.why),
        remedy: line(&silent.remedy),
    }
}

fn workflow(pipeline: &crate::Pipeline) -> Workflow {
    Workflow {
        path: line(&pipeline.path),
        state: line(&pipeline.state),
    }
}

#[cfg(test)]
mod tests;
