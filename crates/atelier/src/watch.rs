//! The event log as a person or a program reads it while a run goes on.

mod board;
mod frame;
mod line;

use std::time::Duration;

use atelier_engine::event_document;
use atelier_model::{Clock, Event, EventKind, Run, RunId, TaskId, Timestamp};
use atelier_store::Store;
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval},
};

use crate::{
    app::SystemClock,
    row::Row,
    ui::{Tone, Ui, plain},
};

use board::Board;
pub(crate) use frame::WHEEL;
use line::Reader;
pub(crate) use line::{clock, count, many, seconds};

/// Events read at once.
const PAGE: u32 = 200;
/// Time between two frames: ten a second.
const FRAME: Duration = Duration::from_millis(100);
/// Longest time between two looks where there are no frames.
const LOOK: Duration = Duration::from_secs(1);
/// Columns of a line in a log.
const LOG_COLUMNS: usize = 120;
/// Silence after which those who see no region are told what is under way.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// Prints every event after `after` until `done` is set, and then what is left. Returns whether
/// the last of them told the end of the run.
pub(crate) async fn follow(
    store: Store,
    ui: Ui,
    after: u64,
    mut run: watch::Receiver<Option<RunId>>,
    mut done: watch::Receiver<bool>,
) -> bool {
    let mut news = store.event_watch();
    let live = ui.is_live();
    let mut watcher = Watcher::new(store, ui, after);
    let mut tick = interval(if live { FRAME } else { LOOK });
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        let finished = *done.borrow_and_update();
        let wanted = run.borrow_and_update().clone();
        let newest = *news.borrow_and_update();
        watcher.look(wanted.as_ref(), newest).await;
        if finished {
            watcher.ui.screen().close();
            return watcher.ended;
        }
        tokio::select! {
            _ = tick.tick() => {}
            Ok(()) = done.changed() => {}
            // A region shows what is new with its next frame.
            Ok(()) = news.changed(), if !live => {}
        }
    }
}

/// Reads on where it stopped, and shows what it read.
struct Watcher {
    store: Store,
    ui: Ui,
    after: u64,
    board: Board,
    /// The run, once it is known to have begun.
    known: Option<RunId>,
    said: Instant,
    /// Whether the newest event said that the run ended.
    ended: bool,
}

impl Watcher {
    fn new(store: Store, ui: Ui, after: u64) -> Self {
        Self {
            store,
            ui,
            after,
            board: Board::default(),
            known: None,
            said: Instant::now(),
            ended: false,
        }
    }

    /// Shows the events up to the newest one, and what is under way.
    async fn look(&mut self, wanted: Option<&RunId>, newest: u64) {
        let Some(wanted) = wanted else { return };
        if self.known.is_none() {
            self.begin(wanted).await;
        }
        while self.after < newest
            && let Ok(page) = self.store.event_list(self.after, PAGE).await
        {
            let Some(last) = page.last() else { break };
            self.after = last.seq;
            for event in page
                .iter()
                .filter(|event| event.run.as_ref() == Some(wanted))
            {
                tracing::info!(
                    target: "atelier::event",
                    seq = event.seq,
                    run = event.run.as_ref().map(RunId::as_str),
                    task = event.task.as_ref().map(TaskId::as_str),
                    kind = event.kind.name(),
                );
                self.show(event);
            }
        }
        self.show_progress(SystemClock.now());
    }

    async fn begin(&mut self, wanted: &RunId) {
        self.known = Some(wanted.clone());
        let Ok(run) = self.store.run_fetch(wanted).await else {
            return;
        };
        if self.ui.is_talking() {
            self.remember(wanted).await;
            self.board.go_on(&run);
            let columns = self.columns();
            let head = head(&run, !self.board.tasks.is_empty()).fit(columns);
            self.ui.row(&head);
        }
        if self.ui.is_live() {
            self.ui.screen().open();
        }
    }

    /// Takes in what happened in earlier invocations of the run, and says nothing of it.
    async fn remember(&mut self, run: &RunId) {
        let mut seen = 0;
        while let Ok(page) = self.store.event_list_run(run, seen, PAGE).await {
            let Some(last) = page.last() else { return };
            seen = last.seq;
            for event in page.iter().filter(|event| event.seq <= self.after) {
                line::lines(
                    &mut self.board,
                    event,
                    Reader {
                        every: false,
                        columns: 0,
                    },
                );
            }
            if seen > self.after {
                return;
            }
        }
    }

    /// Columns there are; where nobody looks at a terminal, as many as a log bears.
    fn columns(&self) -> usize {
        if self.ui.is_live() {
            self.ui.screen().size().0
        } else {
            LOG_COLUMNS
        }
    }

    fn show(&mut self, event: &Event) {
        self.ended = matches!(event.kind, EventKind::RunFinished { .. });
        if self.ui.is_json() {
            self.ui.out(&json(event));
            return;
        }
        let columns = self.columns();
        let reader = Reader {
            every: !self.ui.is_live(),
            columns,
        };
        for row in line::lines(&mut self.board, event, reader) {
            self.ui.row(&row);
            self.said = Instant::now();
        }
    }

    fn show_progress(&mut self, now: Timestamp) {
        if self.ui.is_live() {
            let size = self.ui.screen().size();
            let frame = frame::frame(&self.board, now, size);
            let painted = frame.iter().map(|row| self.ui.painted(row));
            self.ui.screen().draw(painted.collect());
        } else if self.said.elapsed() >= HEARTBEAT {
            self.said = Instant::now();
            if let Some(text) = frame::under_way(&self.board, now) {
                self.ui.status(&format!("{:>10} {text}", "…"));
            }
        }
    }
}

/// What the run is, before anything happens.
fn head(run: &Run, goes_on: bool) -> Row {
    let mut parts = vec![format!("run {}", run.id)];
    if goes_on {
        parts.push("goes on".to_owned());
    }
    if let Some(budget) = run.budget.usd {
        parts.push(format!("budget {budget}"));
    }
    parts.push(plain(run.requirement.lines().next().unwrap_or_default()));
    let version = concat!("atelier ", env!("CARGO_PKG_VERSION"));
    Row::default().add(Tone::Faint, format!("  {version} · {}", parts.join(" · ")))
}

/// One event as one line of JSON: `{"v":1,"seq":…,"at":…,"run":…,"task":…,"type":…,…}`.
pub(crate) fn json(event: &Event) -> String {
    event_document(event).to_string()
}

#[cfg(test)]
pub(crate) mod tests;
