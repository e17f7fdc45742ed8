//! What is under way in a check, in a few lines at the bottom of a terminal.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use atelier_build::{Choice, Progress, Project};
use atelier_cas::Cas;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::{
    row::{Row, column},
    ui::{Tone, Ui, plain},
    watch::{WHEEL, clock, many, seconds},
};

/// Time until there is a region: a check that is over sooner needs none.
const BEGIN: Duration = Duration::from_millis(250);
/// Time between two frames.
const FRAME: Duration = Duration::from_millis(100);
/// Time between two looks where there are no frames.
const LOOK: Duration = Duration::from_secs(1);
/// Silence after which those who see no region are told what is under way.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// Most lines of a frame.
const ROWS_MAX: usize = 12;
/// A frame takes no more than one of so many parts of the terminal's height.
const HEIGHT_PARTS: usize = 3;
/// Columns of the bar between its brackets.
const BAR: usize = 28;
/// Columns of a step's name.
const NAME: usize = 40;

/// A check that goes on.
pub(super) struct Live {
    board: Mutex<Board>,
    began: Instant,
}

/// What is known of it.
#[derive(Debug, Default, Clone)]
struct Board {
    steps: usize,
    /// Whether it is told of every step that it is over; else only of those that were executed.
    named: bool,
    over: usize,
    failed: usize,
    /// Steps that are executed, by their names.
    running: BTreeMap<String, Running>,
    /// Milliseconds that the steps usually take which are not over and have not begun; of those that
    /// were never executed nothing is known.
    usual: BTreeMap<String, Option<u64>>,
    processors: u32,
    /// When something was said last, in milliseconds from the beginning.
    said_ms: u64,
}

#[derive(Debug, Clone, Copy)]
struct Running {
    began_ms: u64,
    attempt: u32,
    usual_ms: Option<u64>,
}

impl Live {
    /// Before anything is executed of some steps.
    pub(super) fn new(cas: &Cas, project: &Project, choice: &Choice) -> Self {
        let usual = choice.wanted.iter().map(|step| {
            let name = project.graph.name(*step);
            let usual = cas.history(name).and_then(|history| history.usual_ms());
            (name.to_owned(), usual)
        });
        Self {
            board: Mutex::new(Board {
                steps: choice.wanted.len(),
                named: choice.named,
                usual: usual.collect(),
                processors: choice.capacity.cpu,
                ..Board::default()
            }),
            began: Instant::now(),
        }
    }

    /// Takes in what happened.
    pub(super) fn hear(&self, progress: &Progress<'_>) {
        let now_ms = self.now_ms();
        let mut board = self.board.lock().unwrap_or_else(PoisonError::into_inner);
        board.said_ms = now_ms;
        match progress {
            Progress::Planned(_) => {}
            Progress::Began { step, attempt, .. } => {
                let usual_ms = board.usual.remove(*step).flatten();
                let running = Running {
                    began_ms: now_ms,
                    attempt: *attempt,
                    usual_ms,
                };
                board.running.insert((*step).to_owned(), running);
            }
            Progress::Over(report) => {
                board.usual.remove(&report.step);
                board.running.remove(&report.step);
                board.over += 1;
                board.failed += usize::from(report.failure.is_some());
            }
        }
    }

    /// Does some work, and shows it meanwhile.
    pub(super) async fn beside<T>(&self, ui: &Ui, work: impl Future<Output = T>) -> T {
        let done = tokio::select! {
            done = work => done,
            never = self.show(ui) => match never {},
        };
        ui.screen().close();
        done
    }

    /// Shows what is under way until somebody stops waiting for it.
    async fn show(&self, ui: &Ui) -> Infallible {
        let live = ui.is_live();
        let pause = if live { FRAME } else { LOOK };
        let mut tick = interval_at(Instant::now() + BEGIN, pause);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tick.tick().await;
            let now_ms = self.now_ms();
            let mut board = self.board.lock().unwrap_or_else(PoisonError::into_inner);
            if live {
                ui.screen().open();
                let frame = frame(&board, now_ms, ui.screen().size());
                drop(board);
                ui.screen()
                    .draw(frame.iter().map(|row| ui.painted(row)).collect());
            } else if now_ms.saturating_sub(board.said_ms) >= heartbeat_ms() {
                board.said_ms = now_ms;
                if let Some(text) = under_way(&board, now_ms) {
                    ui.status(&text);
                }
            }
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

fn heartbeat_ms() -> u64 {
    u64::try_from(HEARTBEAT.as_millis()).unwrap_or(u64::MAX)
}

/// The lines that fit a terminal of so many columns and rows: each step that is executed, the
/// oldest first, and how far it all is.
fn frame(board: &Board, now_ms: u64, (columns, rows): (usize, usize)) -> Vec<Row> {
    let rows = (rows / HEIGHT_PARTS).clamp(1, ROWS_MAX);
    // The last column stays free: a cursor there would wait to wrap.
    let columns = columns.saturating_sub(1);
    let mut running: Vec<_> = board.running.iter().collect();
    running.sort_by_key(|(_, one)| one.began_ms);
    let shown = if running.len() < rows {
        running.len()
    } else {
        rows.saturating_sub(2)
    };
    let mut frame: Vec<Row> = running
        .iter()
        .take(shown)
        .map(|(name, one)| step(name, **one, now_ms))
        .collect();
    if running.len() > shown && rows > 1 {
        let more = format!("    and {} more", running.len() - shown);
        frame.push(Row::default().add(Tone::Faint, more));
    }
    frame.push(sum(board, now_ms));
    frame.iter().map(|row| row.fit(columns)).collect()
}

fn step(name: &str, one: Running, now_ms: u64) -> Row {
    let took = now_ms.saturating_sub(one.began_ms);
    let mut row = Row::plain(format!("  {} ", wheel(now_ms)))
        .add(Tone::Strong, column(&plain(name), NAME))
        .add(Tone::Plain, format!("{:>8}", seconds(took)));
    if let Some(usual) = one.usual_ms {
        row = row.add(Tone::Faint, format!("  usually {}", seconds(usual)));
    }
    if one.attempt > 1 {
        row = row.add(Tone::Warning, format!("  try {}", one.attempt));
    }
    row
}

fn wheel(now_ms: u64) -> &'static str {
    let turn = usize::try_from(now_ms / 100).unwrap_or_default();
    WHEEL[turn % WHEEL.len()]
}

fn sum(board: &Board, now_ms: u64) -> Row {
    let done = if board.named {
        let full = (board.over * BAR).checked_div(board.steps).unwrap_or(0);
        let tip = if full < BAR { ">" } else { "" };
        let bar = format!("{:<BAR$}", format!("{}{tip}", "=".repeat(full.min(BAR))));
        format!(" [{bar}] {}/{}", board.over, many(board.steps, "step"))
    } else {
        format!(" {}: {} executed", many(board.steps, "step"), board.over)
    };
    let mut row = Row::default()
        .add(Tone::Strong, "  Checking")
        .add(Tone::Plain, done);
    if board.failed > 0 {
        row = row.add(Tone::Bad, format!(" · {} failed", board.failed));
    }
    row = row.add(Tone::Plain, format!(" · {}", clock(now_ms)));
    match left_ms(board, now_ms) {
        Some(left) if left >= 1_000 => {
            row.add(Tone::Faint, format!(" · about {} left", clock(left)))
        }
        Some(_) | None => row,
    }
}

/// Milliseconds until the end, as far as all that is left was executed before: at least as long as
/// the longest of it, and all of it together on so many processors.
fn left_ms(board: &Board, now_ms: u64) -> Option<u64> {
    if !board.named {
        return None;
    }
    let mut all = 0_u64;
    let mut longest = 0;
    for one in board.running.values() {
        let took = now_ms.saturating_sub(one.began_ms);
        let left = one.usual_ms?.saturating_sub(took);
        all = all.saturating_add(left);
        longest = longest.max(left);
    }
    for usual in board.usual.values() {
        let usual = (*usual)?;
        all = all.saturating_add(usual);
        longest = longest.max(usual);
    }
    Some(longest.max(all / u64::from(board.processors.max(1))))
}

/// What is under way, in one line, for those who see no region; `None` where nothing is.
fn under_way(board: &Board, now_ms: u64) -> Option<String> {
    let (name, one) = board.running.iter().min_by_key(|(_, one)| one.began_ms)?;
    let took = seconds(now_ms.saturating_sub(one.began_ms));
    let others = match board.running.len() - 1 {
        0 => String::new(),
        others => format!(" and {} more", many(others, "step")),
    };
    Some(format!(
        "… {} for {took}{others}; {} over",
        plain(name),
        many(board.over, "step")
    ))
}

#[cfg(test)]
mod tests;
