//! One line for each event worth a person's attention.

use std::collections::BTreeMap;

use atelier_model::{
    AskSource, AttemptOutcome, Event, EventKind, MicroUsd, TaskId, TaskState, Timestamp,
};

use crate::ui::{Tone, Ui, plain};

/// Columns of the word that begins a line.
const WORD: usize = 9;

/// Turns events into lines, remembering what a line needs from earlier events.
pub(crate) struct Lines {
    ui: Ui,
    tasks: BTreeMap<TaskId, Progress>,
    done: usize,
    stage_cost: MicroUsd,
    stage_began: Option<Timestamp>,
    stage_cached: bool,
}

/// What is known of a task.
#[derive(Default)]
struct Progress {
    title: String,
    began: Option<Timestamp>,
    attempts: u32,
    cost: MicroUsd,
    cached: bool,
    tests: u64,
    files: usize,
}

impl Lines {
    pub(crate) fn new(ui: Ui) -> Self {
        Self {
            ui,
            tasks: BTreeMap::new(),
            done: 0,
            stage_cost: MicroUsd::ZERO,
            stage_began: None,
            stage_cached: false,
        }
    }

    /// Time passed; a live region would redraw here.
    pub(crate) fn tick(&mut self) {}

    /// Nothing more will come.
    pub(crate) fn end(&mut self) {}

    /// Prints the line of an event, if it has one.
    pub(crate) fn show(&mut self, event: &Event) {
        match &event.kind {
            EventKind::StageStarted { .. } => {
                self.stage_began = Some(event.at);
                self.stage_cost = MicroUsd::ZERO;
                self.stage_cached = false;
            }
            EventKind::StageFinished { stage, phase, summary, .. } => {
                let name = match phase {
                    Some(phase) => format!("{stage} {phase}"),
                    None => stage.to_string(),
                };
                let took = self.stage_began.map_or(0, |began| event.at.millis_since(began));
                let price = price(self.stage_cost, self.stage_cached);
                self.line(Tone::Good, "Planned", &format!("{name:<10} {} {price}  {}", seconds(took), plain(summary)));
            }
            EventKind::PlanLinted { problems } if !problems.is_empty() => {
                for problem in problems {
                    self.line(Tone::Warning, "Plan", &plain(problem));
                }
            }
            EventKind::AskRetried { reason, wait_ms, .. } => {
                self.line(Tone::Warning, "Retry", &format!("in {}: {}", seconds(*wait_ms), plain(reason)));
            }
            EventKind::AskFinished { cost, source, .. } => self.paid(event, *cost, *source),
            EventKind::AskFailed { error, .. } => self.line(Tone::Warning, "Ask", &plain(error)),
            EventKind::TaskAdded { title, .. } => {
                if let Some(task) = &event.task {
                    self.tasks.entry(task.clone()).or_default().title = plain(title);
                }
            }
            EventKind::Warning { message } => self.line(Tone::Warning, "Warning", &plain(message)),
            EventKind::TestsRestored { files } => {
                for file in files {
                    self.line(Tone::Warning, "Restored", &plain(file));
                }
            }
            EventKind::ApprovalAsked { subject } => {
                self.line(Tone::Strong, "Asking", &plain(subject));
            }
            EventKind::RunVerified { commit, passed, checks, tests } => {
                let short = commit.get(..12).unwrap_or(commit);
                let text = format!("{short} in a fresh checkout: {checks} checks, {tests} tests");
                let (tone, word) = if *passed { (Tone::Good, "Verified") } else { (Tone::Bad, "Refused") };
                self.line(tone, word, &text);
            }
            _ => self.task_event(event),
        }
    }

    fn task_event(&mut self, event: &Event) {
        let Some(id) = &event.task else { return };
        let progress = self.tasks.entry(id.clone()).or_default();
        match &event.kind {
            EventKind::TaskState { to: TaskState::Running, .. } if progress.began.is_none() => {
                progress.began = Some(event.at);
                let text = format!("{id} {}", progress.title);
                self.line(Tone::Faint, "Started", &text);
            }
            EventKind::TaskState { to, reason, .. } => self.moved(event, id, *to, reason),
            EventKind::EditsApplied { written, deleted, .. } => {
                progress.files = written.len() + deleted.len();
            }
            EventKind::CheckFinished { tests: Some(tests), .. } => {
                progress.tests = progress.tests.max(tests.executed());
            }
            EventKind::AttemptStarted { ordinal } => progress.attempts = *ordinal,
            EventKind::AttemptFinished { outcome, reason, .. }
                if *outcome != AttemptOutcome::Passed =>
            {
                let text = format!("{id} {}", plain(reason));
                self.line(Tone::Warning, "Mending", &text);
            }
            _ => {}
        }
    }

    fn moved(&mut self, event: &Event, id: &TaskId, to: TaskState, reason: &str) {
        let Some(progress) = self.tasks.get(id) else { return };
        let took = progress.began.map_or(0, |began| event.at.millis_since(began));
        let (tone, word) = match to {
            TaskState::Done if progress.attempts > 1 => (Tone::Good, "Mended"),
            TaskState::Done => (Tone::Good, "Passed"),
            TaskState::Failed => (Tone::Bad, "Failed"),
            TaskState::Blocked => (Tone::Warning, "Blocked"),
            TaskState::Cancelled => (Tone::Warning, "Cancelled"),
            TaskState::Pending
            | TaskState::Ready
            | TaskState::Running
            | TaskState::Verifying
            | TaskState::Merging => return,
        };
        let mut text = format!("{id} {}  {}", progress.title, seconds(took));
        if to == TaskState::Done {
            let price = price(progress.cost, progress.cached);
            text = format!("{text} {price}  {} files  {} tests", progress.files, progress.tests);
            self.done += 1;
            text = format!("[{}/{}] {text}", self.done, self.tasks.len());
        } else if !reason.is_empty() {
            text = format!("{text}: {}", plain(reason));
        }
        self.line(tone, word, &text);
    }

    fn paid(&mut self, event: &Event, cost: MicroUsd, source: AskSource) {
        let cached = source == AskSource::Cache;
        match &event.task {
            Some(task) => {
                let progress = self.tasks.entry(task.clone()).or_default();
                progress.cost = progress.cost + cost;
                progress.cached = cached;
            }
            None => {
                self.stage_cost = self.stage_cost + cost;
                self.stage_cached = cached;
            }
        }
    }

    fn line(&self, tone: Tone, word: &str, text: &str) {
        let word = self.ui.paint(tone, &format!("{word:>WORD$}"));
        self.ui.status(&format!("{word} {text}"));
    }
}

fn price(cost: MicroUsd, cached: bool) -> String {
    if cached && cost == MicroUsd::ZERO { "cached".to_owned() } else { cost.to_string() }
}

/// A duration as people read it: `0.4s`, `12.3s`, `2:04`.
pub(crate) fn seconds(millis: u64) -> String {
    if millis < 60_000 {
        return format!("{}.{}s", millis / 1000, millis % 1000 / 100);
    }
    format!("{}:{:02}", millis / 60_000, millis / 1000 % 60)
}
