//! One line for each event worth a person's attention, for good.

use atelier_model::{
    AttemptOutcome, Event, EventKind as K, RouteChoice, RunStatus, Stage, Strategy, TaskState,
};

use super::board::{Bill, Board};
use crate::{
    row::{Row, column},
    ui::{Tone, plain},
};

/// Columns of the word that begins a line.
const WORD: usize = 10;
/// Columns of a line beside what it is about.
const BESIDE: usize = 60;
/// Fewest and most columns of what a line is about.
const ABOUT: (usize, usize) = (24, 60);
/// Columns of a stage's name.
const STAGE: usize = 10;

/// Who reads the lines.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader {
    /// Also the lines that a region would show instead.
    pub(crate) every: bool,
    /// Columns of the terminal.
    pub(crate) columns: usize,
}

/// Takes an event in and returns the lines it is worth to a reader.
#[expect(
    clippy::too_many_lines,
    reason = "one arm for each kind of event, in one place"
)]
pub(crate) fn lines(board: &mut Board, event: &Event, reader: Reader) -> Vec<Row> {
    board.began.get_or_insert(event.at);
    match &event.kind {
        K::RunCreated { budget, .. } => board.budget = *budget,
        K::StageStarted { stage, phase } => board.stage_started(event, *stage, *phase),
        K::StageFinished {
            stage,
            phase,
            summary,
            ..
        } => {
            let (took, bill) = board.stage_finished(event, *stage, *phase);
            return vec![planned(*stage, *phase, took, bill, summary)];
        }
        K::PlanChanged { summary, tasks, .. } => {
            board.plan_changed(tasks);
            return vec![line(Tone::Strong, "Changed", &plain(summary))];
        }
        K::PlanLinted { problems } => return warnings("Plan", problems),
        K::AskStarted {
            ask,
            provider,
            model,
            choice,
            ..
        } => {
            board.ask_started(event, ask, model);
            if let Some(choice) = choice.as_ref().filter(|choice| is_told(choice, reader)) {
                let text = format!("{provider}/{model}: {choice}");
                return vec![line(Tone::Faint, "Route", &plain(&text))];
            }
        }
        K::AskRetried {
            ask,
            reason,
            wait_ms,
            ..
        } => {
            board.ask_retried(event, ask, reason, *wait_ms);
            return vec![warning(
                "Retry",
                &format!("in {}: {reason}", seconds(*wait_ms)),
            )];
        }
        K::AskFinished {
            ask,
            source,
            usage,
            cost,
            ..
        } => {
            board.ask_ended(event, ask, *cost, Some((*source, *usage)));
        }
        K::AskFailed {
            ask, error, cost, ..
        } => {
            board.ask_ended(event, ask, *cost, None);
            return vec![warning("Unanswered", &format!("failed to {error}"))];
        }
        K::BudgetRefused {
            needed,
            spent,
            budget,
            ..
        } => {
            let text = format!("the next call could cost {needed}; {spent} of {budget} are gone");
            return vec![warning("Budget", &text)];
        }
        K::BudgetExhausted {
            scope,
            resource,
            needed,
            spent,
            budget,
        } => {
            let [needed, spent, budget] =
                [needed, spent, budget].map(|amount| resource.in_words(*amount));
            let text =
                format!("of the {scope}: {spent} of {budget} are gone, {needed} more needed");
            return vec![warning("Budget", &text)];
        }
        K::BudgetMarked {
            scope,
            subject,
            resource,
            percent,
            spent,
            budget,
        } => {
            let [spent, budget] = [spent, budget].map(|amount| resource.in_words(*amount));
            let of = plain(format!("{scope} {subject}").trim_end());
            let text = format!("{percent} % of that of the {of} are used: {spent} of {budget}");
            return vec![warning("Budget", &text)];
        }
        K::BudgetSet { task: None, budget } => {
            board.budget = budget.usd;
        }
        K::ControlAsked { command, reason } => {
            let text = if reason.is_empty() {
                command.clone()
            } else {
                format!("{command}: {reason}")
            };
            return vec![line(Tone::Strong, "Asked", &plain(&text))];
        }
        K::TaskEdited { fields, .. } => {
            let text = format!("{} of the task", fields.join(", "));
            return vec![line(Tone::Strong, "Edited", &plain(&text))];
        }
        K::AcceptanceFixed { reason, .. } if !reason.is_empty() => {
            return vec![line(Tone::Strong, "Acceptance", &plain(reason))];
        }
        K::TaskAdded { title, depends_on } => board.add_task(event, title, depends_on),
        K::TaskState { from, to, reason } => {
            return moved(board, event, (*from, *to), reason, reader);
        }
        K::AttemptStarted { ordinal } => {
            if let Some(task) = board.task_mut(event) {
                task.attempts = *ordinal;
                task.tests.clear();
            }
        }
        K::AttemptFinished {
            outcome, reason, ..
        } => return ended(board, event, *outcome, reason),
        K::EditsApplied {
            written, deleted, ..
        } => {
            if let Some(task) = board.task_mut(event) {
                task.files = written.len() + deleted.len();
            }
        }
        K::TestsRestored { files } => return warnings("Restored", files),
        K::SandboxChosen { lacks, .. } => return warnings("Sandbox", lacks),
        K::CheckStarted { name, command } => board.check_started(event, name, command),
        K::CheckFinished { name, tests, .. } => board.check_finished(event, name, tests.as_ref()),
        K::ApprovalAsked { subject } if reader.every => {
            return vec![line(Tone::Strong, "Asking", &plain(subject))];
        }
        K::RunStatus {
            to: RunStatus::Verifying,
            ..
        } if reader.every => {
            return vec![line(
                Tone::Faint,
                "Verifying",
                "the final commit in a fresh checkout",
            )];
        }
        K::RunVerified {
            commit,
            passed,
            checks,
            tests,
        } => {
            return vec![verified(commit, *passed, *checks, *tests)];
        }
        K::Warning { message } => return vec![warning("Warning", message)],
        K::SyntaxBroken { faults } => {
            let broken = faults.iter().map(|fault| warning("Broken", fault));
            return broken.collect();
        }
        K::RunStatus { .. }
        | K::AcceptanceFixed { .. }
        | K::ContextPacked { .. }
        | K::EditsRefused { .. }
        | K::TaskCommitted { .. }
        | K::DocumentWritten { .. }
        | K::ApprovalAsked { .. }
        | K::ApprovalGiven { .. }
        | K::BudgetSet { task: Some(_), .. }
        | K::RunDelivered { .. }
        | K::RunEstimated { .. }
        | K::RunFinished { .. } => {}
    }
    Vec::new()
}

/// Whether a choice of a route is news: it was not left to the order, or somebody failed.
fn is_told(choice: &RouteChoice, reader: Reader) -> bool {
    choice.is_standby() || reader.every && choice.strategy != Strategy::Static
}

impl Reader {
    /// Columns of what a line is about.
    fn about(self) -> usize {
        let (least, most) = ABOUT;
        self.columns.saturating_sub(BESIDE).clamp(least, most)
    }
}

fn line(tone: Tone, word: &str, text: &str) -> Row {
    Row::default()
        .add(tone, format!("{word:>WORD$}"))
        .add(Tone::Plain, format!(" {text}"))
}

fn warning(word: &str, text: &str) -> Row {
    line(Tone::Warning, word, &plain(text))
}

fn warnings(word: &str, texts: &[String]) -> Vec<Row> {
    texts.iter().map(|text| warning(word, text)).collect()
}

fn planned(stage: Stage, phase: Option<u32>, took: u64, bill: Option<Bill>, summary: &str) -> Row {
    let name = match phase {
        Some(phase) => format!("{stage} {phase}"),
        None => stage.to_string(),
    };
    let text = format!("{name:<STAGE$} {} ", figures(took, bill));
    let word = match stage {
        Stage::Design | Stage::Plan | Stage::Detail | Stage::Handoff | Stage::Change => "Planned",
        Stage::Summary => "Summarised",
        Stage::Code => "Written",
        Stage::Docs => "Described",
    };
    line(Tone::Good, word, &text).add(Tone::Plain, format!(" {}", plain(summary)))
}

/// `  8.3s  2.1k tok   $0.006`, in columns.
fn figures(took: u64, bill: Option<Bill>) -> String {
    let (tokens, paid) = match bill {
        None => (String::new(), String::new()),
        Some(bill) if bill.asked > 0 && bill.asked == bill.cached => {
            (format!("{} tok", count(bill.tokens)), "cached".to_owned())
        }
        Some(bill) => (format!("{} tok", count(bill.tokens)), bill.cost.to_string()),
    };
    format!("{:>7} {tokens:>9} {paid:>9}", seconds(took))
}

fn moved(
    board: &mut Board,
    event: &Event,
    (from, to): (TaskState, TaskState),
    reason: &str,
    reader: Reader,
) -> Vec<Row> {
    let took = board.task_moved(event, to);
    let (done, all) = (board.done(), board.tasks.len());
    let Some(task) = board.task_mut(event) else {
        return Vec::new();
    };
    let about = format!("{} {}", task.id, task.title);
    let because = |about: &str| match reason {
        "" => about.to_owned(),
        reason => format!("{about}: {}", plain(reason)),
    };
    let row = match to {
        TaskState::Running if reader.every && from == TaskState::Ready => {
            line(Tone::Faint, "Started", &about)
        }
        TaskState::Done => {
            let word = if task.attempts > 1 {
                "Mended"
            } else {
                "Passed"
            };
            let about = if reader.every {
                format!("[{done}/{all}] {about}")
            } else {
                about
            };
            let text = format!(
                "{} {}",
                column(&about, reader.about()),
                figures(took, Some(task.bill))
            );
            let proof = format!(
                "  {}  {}",
                many(task.files, "file"),
                tests(task.tests_executed())
            );
            line(Tone::Good, word, &text).add(Tone::Faint, proof)
        }
        TaskState::Failed => line(Tone::Bad, "Failed", &because(&about)),
        TaskState::Blocked => line(Tone::Warning, "Blocked", &because(&about)),
        TaskState::Cancelled => line(Tone::Warning, "Cancelled", &because(&about)),
        TaskState::Skipped => line(Tone::Warning, "Skipped", &because(&about)),
        TaskState::Waived => line(Tone::Warning, "Waived", &because(&about)),
        TaskState::Pending
        | TaskState::Ready
        | TaskState::Running
        | TaskState::Verifying
        | TaskState::Merging => return Vec::new(),
    };
    vec![row]
}

fn ended(board: &mut Board, event: &Event, outcome: AttemptOutcome, reason: &str) -> Vec<Row> {
    let Some(task) = board.task_mut(event) else {
        return Vec::new();
    };
    task.check = None;
    match outcome {
        AttemptOutcome::Passed | AttemptOutcome::Interrupted => Vec::new(),
        AttemptOutcome::EditsRefused | AttemptOutcome::ChecksFailed => {
            let text = format!("{} attempt {}: {}", task.id, task.attempts, plain(reason));
            vec![line(Tone::Warning, "Mending", &text)]
        }
        AttemptOutcome::Conflict => {
            let text = format!("{} attempt {}: {}", task.id, task.attempts, plain(reason));
            vec![line(Tone::Warning, "Conflict", &text)]
        }
    }
}

fn verified(commit: &str, passed: bool, checks: u64, executed: u64) -> Row {
    let short = commit.get(..12).unwrap_or(commit);
    let checks = many(usize::try_from(checks).unwrap_or(usize::MAX), "check");
    let text = format!("{short} in a fresh checkout: {checks}, {}", tests(executed));
    if passed {
        line(Tone::Good, "Verified", &text)
    } else {
        line(Tone::Bad, "Refused", &text)
    }
}

fn tests(count: u64) -> String {
    many(usize::try_from(count).unwrap_or(usize::MAX), "test")
}

/// A count with its noun: `1 file`, `3 files`.
pub(crate) fn many(count: usize, noun: &str) -> String {
    if count == 1 {
        format!("1 {noun}")
    } else {
        format!("{count} {noun}s")
    }
}

/// A count of tokens as people read it: `812`, `9.4k`, `1.2M`.
pub(crate) fn count(tokens: u64) -> String {
    match tokens {
        0..1_000 => tokens.to_string(),
        1_000..1_000_000 => format!("{}.{}k", tokens / 1_000, tokens % 1_000 / 100),
        1_000_000.. => format!("{}.{}M", tokens / 1_000_000, tokens % 1_000_000 / 100_000),
    }
}

/// A duration as people read it: `0.4s`, `12.3s`, `2:04`, `1:02:03`.
pub(crate) fn seconds(millis: u64) -> String {
    match millis {
        0..60_000 => format!("{}.{}s", millis / 1000, millis % 1000 / 100),
        _ => clock(millis),
    }
}

/// A duration as a clock shows it: `0:06`, `12:30`, `1:02:03`.
pub(crate) fn clock(millis: u64) -> String {
    let (hours, minutes, seconds) = (millis / 3_600_000, millis / 60_000 % 60, millis / 1000 % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}
