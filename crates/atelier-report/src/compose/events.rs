//! What a run's events say, brought together.

use std::collections::BTreeMap;

use atelier_model::{Event, EventKind, TaskState};

use super::criteria::Judged;
use crate::{
    Delivery, Estimated, Evidence, Facts, Note, Verdict,
    words::{line, many, money},
};

/// Build steps that a report names.
const STEPS_MAX: usize = 200;

/// What was told.
#[derive(Default)]
pub(super) struct Told {
    pub(super) verdict: Option<Verdict>,
    pub(super) evidence: Evidence,
    pub(super) estimates: Vec<Estimated>,
    pub(super) delivery: Option<Delivery>,
    pub(super) warnings: Vec<Note>,
    /// Criteria by their name, as the newest verdict found them.
    pub(super) judged: BTreeMap<String, Judged>,
    /// Checks of the newest verdict that did not pass.
    failed: Vec<String>,
}

impl Told {
    pub(super) fn of(facts: &Facts) -> Self {
        let mut told = Self::default();
        for event in &facts.events {
            told.take(facts, event);
        }
        if let Some(verdict) = &mut told.verdict {
            verdict.failed = told.failed;
            told.failed = Vec::new();
        }
        told
    }

    fn take(&mut self, facts: &Facts, event: &Event) {
        if let EventKind::RunVerified {
            commit,
            passed,
            checks,
            tests,
        } = &event.kind
        {
            let left = facts.tasks.iter();
            self.verdict = Some(Verdict {
                at: event.at.to_string(),
                commit: commit.clone(),
                passed: *passed,
                whole: left.clone().all(|task| task.state == TaskState::Done),
                checks: *checks,
                tests: *tests,
                failed: Vec::new(),
            });
        } else if let EventKind::RunDelivered {
            fast_forwarded,
            reason,
            ..
        } = &event.kind
        {
            self.delivery = Some(Delivery {
                moved: fast_forwarded.as_deref().map(line),
                reason: line(reason),
            });
        } else if !self.checked(event) && !self.settled(event) {
            self.warned(event);
        }
    }

    /// The ends of checks, and what was fixed and put back for them.
    fn checked(&mut self, event: &Event) -> bool {
        if let EventKind::CheckFinished {
            name,
            outcome,
            reason,
            tests,
            ..
        } = &event.kind
        {
            if !outcome.passed() {
                self.failed.push(line(&format!("{name}: {reason}")));
            }
            let judged = Judged::concluded(*outcome, (reason, "verdict"), tests.as_ref());
            if is_criterion(name) {
                self.judged.insert(name.clone(), judged);
            } else if self.evidence.steps.len() < STEPS_MAX {
                let mark = if outcome.passed() { "passed" } else { "failed" };
                let ran = tests.as_ref().map(|tests| many(tests.executed(), "test"));
                let ran = ran.map_or_else(String::new, |ran| format!(", {ran}"));
                self.evidence
                    .steps
                    .push(line(&format!("{name} {mark}{ran}")));
            }
            return true;
        }
        if let EventKind::TestsRestored { files } = &event.kind {
            self.evidence
                .restored
                .extend(files.iter().map(|file| note(event, file)));
            return true;
        }
        false
    }

    /// What was settled before the work.
    fn settled(&mut self, event: &Event) -> bool {
        if let EventKind::SandboxChosen { level, lacks } = &event.kind {
            self.evidence.sandbox = Some(level.as_str().to_owned());
            self.evidence.sandbox_lacks = lacks.iter().map(|text| line(text)).collect();
        } else if let EventKind::AcceptanceFixed { files, before, .. } = &event.kind {
            if before.is_some() {
                self.evidence.acceptance_changed += 1;
            } else {
                self.evidence.acceptance_fixed += 1;
            }
            self.evidence.hidden_tests = self.evidence.hidden_tests.saturating_add(*files);
        } else if let EventKind::RunEstimated {
            planned,
            cost,
            asks,
            input_tokens,
            output_tokens,
            wall_ms,
        } = &event.kind
        {
            self.estimates.push(Estimated {
                at: event.at.to_string(),
                planned: *planned,
                cost_micro_usd: cost.map(|cost| cost.0),
                asks: *asks,
                tokens: input_tokens.saturating_add(*output_tokens),
                wall_ms: *wall_ms,
            });
        } else {
            return false;
        }
        true
    }

    fn warned(&mut self, event: &Event) {
        let text = if let EventKind::Warning { message } = &event.kind {
            message.clone()
        } else if let EventKind::BudgetRefused {
            stage,
            scope,
            needed,
            budget,
            ..
        } = &event.kind
        {
            format!(
                "the budget of the {scope}, {budget}, refused a {} ask that could have cost {}",
                stage.name(),
                money(needed.0)
            )
        } else if let EventKind::BudgetExhausted {
            scope,
            resource,
            budget,
            ..
        } = &event.kind
        {
            format!(
                "the budget of the {scope} is used up: {}",
                resource.in_words(*budget)
            )
        } else {
            return;
        };
        self.warnings.push(note(event, &text));
    }
}

fn note(event: &Event, text: &str) -> Note {
    Note {
        task: event.task.as_ref().map(ToString::to_string),
        text: line(text),
    }
}

/// Whether a check is a criterion, named `2.3/A1`, and no build step, which is named `test` or in a
/// sub-folder `apps/web:test`.
fn is_criterion(name: &str) -> bool {
    name.contains('/') && !name.contains(':')
}
