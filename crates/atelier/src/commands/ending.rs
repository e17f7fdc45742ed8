//! The end of a run: what came out, what it cost, and what to do next.

mod tried;

use atelier_engine::{BuildError, Ctx, Exit, Report, chain};
use atelier_exec::Delivery;
use atelier_llm::PriceTable;
use atelier_model::{
    AskRecord, AskSource, CheckResult, EventKind, Handoff, MicroUsd, RunStatus, SandboxLevel,
    Stage, TaskId, TaskState,
};
use serde_json::json;

use self::tried::tried;
use super::drive::Outcome;
use crate::{
    config::Settings,
    row::{Row, cut, wrap},
    ui::{Tone, Ui, plain},
    watch::{clock, count, many},
};

/// Columns of the word that begins a line.
const WORD: usize = 10;
/// What stands between the word and its text.
const GAP: &str = "  ";
/// Lines shown of what a failing check printed.
const OUTPUT_LINES_MAX: usize = 8;
/// Columns shown of one such line.
const OUTPUT_COLUMNS_MAX: usize = 160;
/// Failed tests named.
const FAILURES_MAX: usize = 4;
/// Documents named.
const DOCUMENTS_MAX: usize = 6;
/// How to read all of it.
const REPORT: &str = "atelier report · atelier report -o report.html";
/// Commands that run the project.
const RUN_COMMANDS_MAX: usize = 3;
/// Words that begin what a person looks for in the output of a failing check.
const TELLING: [&str; 6] = [
    "error",
    "fail",
    "panicked",
    "traceback",
    "assert",
    "exception",
];

/// Tells how a run ended: one line of answer, everything else beside it.
pub(super) async fn tell(ctx: &Ctx, settings: &Settings, ui: &Ui, outcome: &Outcome) {
    let report = &outcome.report;
    if ui.is_json() {
        last_line(ui, outcome);
        return;
    }
    let end = Ending {
        ctx,
        settings,
        ui,
        outcome,
        report,
    };
    match &report.error {
        Some(error) => end.failed(error).await,
        None if report.run.status == RunStatus::Planned => end.planned(),
        None => end.succeeded().await,
    }
}

/// A program that reads events finds the end in the last one, also where nothing had to be done.
fn last_line(ui: &Ui, outcome: &Outcome) {
    if !outcome.end_told {
        let report = &outcome.report;
        let reason = report
            .error
            .as_ref()
            .map(|error| format!("failed to {}", chain(error)));
        let line = json!({
            "v": 1, "type": "run.finished", "run": report.run.id, "status": report.run.status,
            "exit_code": report.exit as u8, "reason": reason.unwrap_or_default(),
            "commit": report.run.trunk, "cost": report.cost.spent,
        });
        ui.out(&line.to_string());
    }
}

struct Ending<'a> {
    ctx: &'a Ctx,
    settings: &'a Settings,
    ui: &'a Ui,
    outcome: &'a Outcome,
    report: &'a Report,
}

impl Ending<'_> {
    fn planned(&self) {
        self.ui.out(&format!("planned {}", self.report.run.id));
        self.line("see it", "atelier show plan");
        self.line("execute it", "atelier run");
    }

    async fn succeeded(&self) {
        self.ui.out(&self.answer().await);
        self.figures().await;
        self.left_out().await;
        self.delivery();
        if self.report.run.status == RunStatus::Done && !self.report.unchanged {
            self.what_next().await;
        }
        if self.report.offline && !self.report.unchanged {
            self.line(
                "note",
                "this is a scaffold from built-in templates, not a model's work; the features it \
                 could not write are recorded as proposals. Connect a model: atelier doctor",
            );
        }
    }

    /// What a person left out, and why: what was built is built without it.
    async fn left_out(&self) {
        let reasons = self.ctx.store.task_reasons(&self.report.run.id).await;
        let reasons = reasons.unwrap_or_default();
        for task in &self.report.tasks {
            let word = match task.state {
                TaskState::Skipped => "skipped",
                TaskState::Waived => "waived",
                TaskState::Pending
                | TaskState::Ready
                | TaskState::Running
                | TaskState::Verifying
                | TaskState::Merging
                | TaskState::Done
                | TaskState::Blocked
                | TaskState::Failed
                | TaskState::Cancelled => continue,
            };
            let reason = reasons.get(&task.id).map_or("", String::as_str);
            let text = format!("{} {}: {reason}", task.id, task.title);
            self.line(word, &plain(&text));
        }
    }

    /// The one line on standard output.
    async fn answer(&self) -> String {
        let (run, report) = (&self.report.run, self.report);
        let commit = short(run.trunk.as_deref().unwrap_or_default());
        let (done, all) = self.done();
        if report.unchanged {
            return format!("unchanged: commit {commit} stands verified");
        }
        if run.status != RunStatus::Done {
            return format!("{done}/{all} tasks done");
        }
        let plan = self.ctx.store.plan_fetch(&run.id).await.ok().flatten();
        let name = plan.map_or_else(String::new, |plan| format!("{} ", plain(&plan.design.name)));
        let mark = self.ui.ink(Tone::Good, "✓");
        format!(
            "{mark} {name}built and verified: commit {commit} on {} · {done}/{all} tasks · {}",
            run.branch,
            many(usize::try_from(report.tests).unwrap_or(usize::MAX), "test")
        )
    }

    fn done(&self) -> (usize, usize) {
        let done = |state: TaskState| state == TaskState::Done;
        let tasks = &self.report.tasks;
        (
            tasks.iter().filter(|task| done(task.state)).count(),
            tasks.len(),
        )
    }

    async fn failed(&self, error: &BuildError) {
        let ui = self.ui;
        ui.failure(&format!("failed to {}", chain(error)), Some(&error.hint()));
        if let BuildError::TaskFailed { task, .. } = error {
            self.failing_check(task).await;
        }
        if matches!(error.exit(), Exit::Provider | Exit::Configuration) {
            self.tried().await;
        }
        self.figures().await;
        self.left_out().await;
        let (done, all) = self.done();
        let run = &self.report.run;
        if done > 0 {
            self.line("kept", &format!("{done} of {all} tasks, on {}", run.branch));
        }
        if all > 0 {
            self.line("report", REPORT);
        }
        if let BuildError::TaskFailed { task, .. } = error {
            self.line("look", &format!("atelier show {task}"));
            self.line("try again", &format!("atelier task retry {task}"));
        } else if run.status != RunStatus::Done {
            self.line("resume", &format!("atelier resume {}", run.id));
        }
    }

    /// Who was asked without an answer.
    async fn tried(&self) {
        let asks = self.ctx.store.ask_list(&self.report.run.id).await;
        for (index, line) in tried(&asks.unwrap_or_default()).iter().enumerate() {
            self.line(if index == 0 { "tried" } else { "" }, line);
        }
    }

    /// What the newest try at a task failed on: the command and the telling part of its output.
    async fn failing_check(&self, task: &TaskId) {
        let run = &self.report.run.id;
        let attempts = self
            .ctx
            .store
            .attempt_list(run, task)
            .await
            .unwrap_or_default();
        let Some(last) = attempts.last() else { return };
        let Some(check) = last
            .evidence
            .checks
            .iter()
            .find(|one| !one.outcome.passed())
        else {
            // What was wrong stands in a list; the rest is meant for the model.
            let items = last.feedback.lines().filter(|line| line.starts_with("- "));
            items
                .take(OUTPUT_LINES_MAX)
                .for_each(|line| self.quote(line));
            return;
        };
        self.line(
            "check",
            &format!("{}: {}", plain(&check.name), plain(&check.command)),
        );
        if !self.failed_tests(check) {
            let output = self
                .ctx
                .store
                .blob_fetch(&check.output)
                .await
                .ok()
                .flatten();
            let output = output.unwrap_or_default();
            for line in telling(&String::from_utf8_lossy(&output)) {
                self.quote(line);
            }
        }
    }

    fn failed_tests(&self, check: &CheckResult) -> bool {
        let Some(tests) = check
            .tests
            .as_ref()
            .filter(|tests| !tests.failures.is_empty())
        else {
            return false;
        };
        for failure in tests.failures.iter().take(FAILURES_MAX) {
            let place = failure.place.as_ref().map(|place| format!(" at {place}"));
            self.quote(&format!("{}{}", failure.name, place.unwrap_or_default()));
            for line in failure
                .message
                .lines()
                .take(OUTPUT_LINES_MAX / FAILURES_MAX)
            {
                self.quote(&format!("  {line}"));
            }
        }
        true
    }

    fn quote(&self, line: &str) {
        let text = cut(&plain(line), OUTPUT_COLUMNS_MAX);
        self.ui
            .row(&Row::plain(format!("{:>WORD$}", "|")).add(Tone::Faint, format!(" {text}")));
    }

    async fn figures(&self) {
        if self.report.unchanged {
            return;
        }
        let asks = self
            .ctx
            .store
            .ask_list(&self.report.run.id)
            .await
            .unwrap_or_default();
        self.line("cost", &self.cost(&asks));
        self.line("tokens", &self.tokens(&asks));
        self.estimate().await;
        if let Some(text) = self.changed() {
            self.line("changed", &text);
        }
        for file in &self.report.restored {
            self.ui.warn(&format!("restored {}", plain(file)));
        }
        if let Some(level) = self.report.sandbox
            && level < SandboxLevel::Strong
        {
            let text = format!("{}; see atelier doctor sandbox", level.as_str());
            self.line("sandbox", &text);
        }
    }

    fn cost(&self, asks: &[AskRecord]) -> String {
        let run = &self.report.run;
        let budget = run
            .budget
            .usd
            .map(|usd| format!(" of {usd}"))
            .unwrap_or_default();
        let saved = match saved(asks, &self.settings.prices) {
            MicroUsd::ZERO => String::new(),
            saved => format!(" · the cache saved {saved}"),
        };
        let time = clock(self.outcome.took_ms);
        format!("{}{budget}{saved} · {time}", self.report.cost.spent)
    }

    fn tokens(&self, asks: &[AskRecord]) -> String {
        let (mut input, mut output) = (0, 0);
        for stage in self.report.cost.stages.values() {
            input += stage.usage.input;
            output += stage.usage.output;
        }
        let failed = asks.iter().filter(|ask| ask.error.is_some()).count();
        let failed = match failed {
            0 => String::new(),
            some => format!(", {some} without an answer"),
        };
        let cost = &self.report.cost;
        format!(
            "{} in · {} out · {}, {} from the cache{failed}",
            count(input),
            count(output),
            many(usize::try_from(cost.asks).unwrap_or(usize::MAX), "ask"),
            cost.cached
        )
    }

    /// What was told before, with the plan if it was known, beside what it came to so far: over all
    /// invocations, as the estimate was.
    async fn estimate(&self) {
        let (store, run) = (&self.ctx.store, &self.report.run.id);
        let told = store.event_list_kind(run, "run.estimated").await;
        let newest = told.unwrap_or_default().pop();
        let Some(EventKind::RunEstimated { cost, wall_ms, .. }) = newest.map(|event| event.kind)
        else {
            return;
        };
        let worked = store.run_used(run).await.map_or(0, |used| used.wall_ms);
        let text = format!(
            "{} and {}; it took {} and {}",
            cost.map_or("unknown".to_owned(), |cost| cost.to_string()),
            clock(wall_ms),
            self.report.cost.spent,
            clock(worked.max(self.outcome.took_ms))
        );
        self.line("estimate", &text);
    }

    fn changed(&self) -> Option<String> {
        let run = &self.report.run;
        let trunk = run.trunk.as_deref()?;
        let size = self
            .ctx
            .git
            .change_size(run.base_commit.as_deref(), trunk)
            .ok()?;
        let files = many(usize::try_from(size.files).unwrap_or(usize::MAX), "file");
        let mended: Vec<&str> = self
            .report
            .tasks
            .iter()
            .filter(|task| task.state == TaskState::Done && task.attempts > 1)
            .map(|task| task.id.as_str())
            .collect();
        let mended = match mended.as_slice() {
            [] => String::new(),
            some => format!(" · mended {}", some.join(" ")),
        };
        Some(format!("{files} +{} -{}{mended}", size.added, size.deleted))
    }

    fn delivery(&self) {
        match &self.report.delivery {
            Some(Delivery::FastForwarded { branch }) => {
                self.line("branch", &format!("{branch} now holds the result"));
            }
            Some(Delivery::Left { reason, command }) => {
                self.line("branch", &format!("yours was left alone: {reason}"));
                self.line("take it", command);
            }
            None => {}
        }
    }

    async fn what_next(&self) {
        let run = &self.report.run;
        let documents = self.ctx.store.document_list().await.unwrap_or_default();
        let mine = documents.iter().filter(|document| document.run == run.id);
        let paths: Vec<String> = mine
            .take(DOCUMENTS_MAX)
            .map(|one| plain(&one.path))
            .collect();
        if !paths.is_empty() {
            self.line("documents", &paths.join("  "));
        }
        let bytes = self
            .ctx
            .store
            .artifact_fetch(&run.id, Stage::Handoff, "handoff")
            .await;
        let bytes = bytes.ok().flatten().unwrap_or_default();
        let handoff: Option<Handoff> = serde_json::from_slice(&bytes).ok();
        let commands = handoff
            .map(|handoff| handoff.how_to_run)
            .unwrap_or_default();
        for (index, command) in commands.iter().take(RUN_COMMANDS_MAX).enumerate() {
            self.line(if index == 0 { "run it" } else { "" }, &plain(command));
        }
        self.line("look", "atelier diff · atelier show plan · atelier log");
        self.line("report", REPORT);
        self.line("go on", "atelier build \"what should change\"");
    }

    /// A word and what there is to say about it; a terminal gets lines that fit it.
    fn line(&self, word: &str, text: &str) {
        let columns = if self.ui.is_live() {
            self.ui.screen().size().0.saturating_sub(WORD + GAP.len())
        } else {
            usize::MAX
        };
        for (index, line) in wrap(text, columns).iter().enumerate() {
            let word = if index == 0 { word } else { "" };
            let row = Row::default().add(Tone::Strong, format!("{word:>WORD$}"));
            self.ui
                .row(&row.add(Tone::Plain, format!("{GAP}{}", line.trim_end())));
        }
    }
}

/// What the answers out of the cache cost when they were first given.
fn saved(asks: &[AskRecord], prices: &PriceTable) -> MicroUsd {
    let cached = asks
        .iter()
        .filter(|ask| ask.source.is_some_and(AskSource::is_kept));
    cached
        .filter_map(|ask| {
            Some(
                prices
                    .price(&ask.provider, &ask.model, ask.at)?
                    .cost(&ask.usage),
            )
        })
        .sum()
}

/// The part of an output that a person would look for: from the first line that names a failure,
/// else the last lines.
fn telling(output: &str) -> Vec<&str> {
    let lines: Vec<&str> = output
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let tells = |line: &&str| {
        let line = line.to_lowercase();
        TELLING.iter().any(|word| line.contains(word))
    };
    let last = lines.len().saturating_sub(OUTPUT_LINES_MAX);
    let from = lines.iter().position(tells).unwrap_or(last);
    lines
        .into_iter()
        .skip(from)
        .take(OUTPUT_LINES_MAX)
        .collect()
}

/// The first characters of a commit's id.
pub(crate) fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}

#[cfg(test)]
mod tests;
