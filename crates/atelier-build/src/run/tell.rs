//! What is told of each step that is over.

use atelier_cas::Record;
use atelier_model::{Digest, TestCounts};
use atelier_step::{Span, Spared, StepIndex, Verdict};

use super::Run;
use crate::{StepReport, check::Progress, examine::Examined, execute::Executed};

impl Run<'_> {
    pub(super) fn skipped(&mut self, step: StepIndex, verdict: Verdict) {
        let now_ms = self.now_ms();
        if verdict != Verdict::CutOff {
            let why = if let Verdict::NotReached(cause) = verdict {
                format!("`{}` failed before it", self.project.graph.name(cause))
            } else {
                "the check ended before it".to_owned()
            };
            self.over(self.blank(step, verdict, why, now_ms), step, verdict);
            return;
        }
        let Some(examined) = self.first.get(&step).cloned() else {
            return;
        };
        if !self.choice.named {
            self.unnamed(step, verdict, &examined, now_ms);
            return;
        }
        let graph = &self.project.graph;
        let ran = |step: &&StepIndex| {
            let span = self.reports.get(*step);
            span.is_some_and(|report| report.verdict == Verdict::Succeeded.as_str())
        };
        let executed: Vec<String> = graph
            .needs(step)
            .iter()
            .filter(ran)
            .map(|step| graph.name(*step).to_owned())
            .collect();
        let since = examined
            .record
            .as_ref()
            .map_or_else(Default::default, |one| one.when);
        let spared = if executed.is_empty() {
            Spared::UpToDate { since }
        } else {
            Spared::CutOff { executed }
        };
        self.spared(step, verdict, spared.to_string(), &examined, now_ms);
    }

    /// A step that nothing had to be done for, one of so many that it is only counted.
    pub(super) fn unnamed(
        &mut self,
        step: StepIndex,
        verdict: Verdict,
        examined: &Examined,
        start_ms: u64,
    ) {
        let log = examined.record.as_ref().and_then(|record| record.log);
        self.count(self.counted(step, log).as_ref());
        self.unchanged += 1;
        self.spans.push(self.span(step, verdict, start_ms));
    }

    fn count(&mut self, tests: Option<&TestCounts>) {
        self.tests += tests.map_or(0, TestCounts::executed);
    }

    fn span(&self, step: StepIndex, verdict: Verdict, start_ms: u64) -> Span {
        Span {
            step,
            kind: self.project.step(step).kind,
            start_ms,
            end_ms: self.now_ms(),
            verdict,
            usual_ms: self.usual_ms.get(step.get()).copied().flatten(),
        }
    }

    /// A step whose result was used again.
    pub(super) fn spared(
        &mut self,
        step: StepIndex,
        verdict: Verdict,
        why: String,
        examined: &Examined,
        start_ms: u64,
    ) {
        let mut report = self.blank(step, verdict, why, start_ms);
        if let Some(record) = &examined.record {
            report.log = record.log;
            report.exit = record.exit;
            report.tests = self.counted(step, record.log);
        }
        self.over(report, step, verdict);
    }

    /// The tests that a step counted when it was executed, as far as it printed them.
    fn counted(&self, step: StepIndex, log: Option<Digest>) -> Option<TestCounts> {
        let format = self.project.step(step).report.as_ref()?;
        let printed = self.shop.workspace.cas().read(&log?).ok()?;
        atelier_recipe::read_report(format, &String::from_utf8_lossy(&printed), &[])
    }

    pub(super) fn executed(&mut self, step: StepIndex, verdict: Verdict, executed: Executed) {
        let Some(due) = self.due.remove(&step) else {
            return;
        };
        let report = StepReport {
            explanation: Some(due.why.clone()),
            failure: executed.failure,
            hint: executed.hint,
            missing: executed.missing,
            exit: executed.exit,
            ended: executed.ended,
            tests: executed.tests,
            level: Some(self.shop.level(self.project.step(step))),
            log: executed.log,
            printed: executed.printed,
            ..self.blank(step, verdict, due.why.to_string(), due.start_ms)
        };
        self.over(report, step, verdict);
    }

    fn blank(&self, step: StepIndex, verdict: Verdict, why: String, start_ms: u64) -> StepReport {
        StepReport {
            step: self.project.graph.name(step).to_owned(),
            kind: self.project.step(step).kind,
            verdict: verdict.as_str().to_owned(),
            why,
            explanation: None,
            failure: None,
            hint: None,
            missing: false,
            exit: None,
            ended: None,
            tests: None,
            level: None,
            log: None,
            printed: None,
            start_ms,
            took_ms: 0,
            saved_ms: 0,
        }
    }

    fn over(&mut self, mut report: StepReport, step: StepIndex, verdict: Verdict) {
        let span = self.span(step, verdict, report.start_ms);
        report.took_ms = span.took_ms();
        report.saved_ms = span.saved_ms();
        self.spans.push(span);
        self.count(report.tests.as_ref());
        (self.tell)(Progress::Over(&report));
        self.reports.insert(step, report);
    }

    /// What the next check says of a step that stands.
    pub(super) fn still(&self, step: StepIndex, record: &Record, saved_ms: u64) -> StepReport {
        let why = Spared::UpToDate { since: record.when }.to_string();
        StepReport {
            log: record.log,
            exit: record.exit,
            tests: self
                .reports
                .get(&step)
                .and_then(|report| report.tests.clone()),
            saved_ms,
            ..self.blank(step, Verdict::CutOff, why, 0)
        }
    }
}
