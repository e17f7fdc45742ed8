//! What is under way, in a few lines; a pure function of the board and the time.
//!
//! Stages and asks come first, then the bar and the tasks, the verdict, and what it all has cost.

use atelier_model::{Stage, TaskState, Timestamp};

use super::{
    board::{Board, OpenAsk, OpenCheck, OpenStage, TaskView},
    line::{clock, count, many, seconds},
};
use crate::{
    row::{Row, column},
    ui::Tone,
};

/// Most lines of a frame.
pub(crate) const ROWS_MAX: usize = 12;
/// A frame takes no more than one of so many parts of the terminal's height.
const HEIGHT_PARTS: usize = 3;
/// Columns of the bar between its brackets.
const BAR: usize = 28;
/// Columns of a task's line beside its title.
const BESIDE: usize = 66;
/// Fewest and most columns of a task's title.
const TITLE: (usize, usize) = (16, 44);
/// Waiting tasks that are shown.
const WAITING_MAX: usize = 3;
/// Tasks that must have ended before the rest is guessed from them.
const SEEN_MIN: usize = 2;
/// Milliseconds each picture of the wheel stays.
const WHEEL_MS: i64 = 100;
/// Pictures of the wheel that turns while something is under way.
pub(crate) const WHEEL: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/// The lines that fit a terminal of so many columns and rows; the last one says what it has cost
/// so far.
pub(crate) fn frame(board: &Board, now: Timestamp, (columns, rows): (usize, usize)) -> Vec<Row> {
    let rows = (rows / HEIGHT_PARTS).clamp(1, ROWS_MAX);
    // The last column stays free: a cursor there would wait to wrap.
    let columns = columns.saturating_sub(1);
    let mut frame = Vec::new();
    stages(board, now, &mut frame);
    if board.building_since.is_some() {
        frame.push(bar(board));
        tasks(board, now, columns, &mut frame);
    }
    if let Some(check) = &board.verdict {
        frame.push(verdict(check, now));
    }
    frame.truncate(rows - 1);
    frame.push(footer(board, now, columns));
    frame.iter().map(|row| row.fit(columns)).collect()
}

/// What is under way, in one line, for those who see no region; `None` where nothing is.
pub(crate) fn under_way(board: &Board, now: Timestamp) -> Option<String> {
    if let Some(check) = &board.verdict {
        return Some(verdict(check, now).text().trim().to_owned());
    }
    if let Some(task) = board.tasks.iter().find(|task| task.is_open()) {
        let began = task.began.unwrap_or(now);
        let doing = doing(board, task, now).text();
        return Some(format!(
            "{} {doing}, {}",
            task.id,
            seconds(now.millis_since(began))
        ));
    }
    let stage = board.stages.first()?;
    Some(format!(
        "{} {}",
        stage.stage,
        seconds(now.millis_since(stage.began))
    ))
}

fn wheel(now: Timestamp) -> &'static str {
    let turn = now.millis().div_euclid(WHEEL_MS).rem_euclid(10);
    WHEEL[usize::try_from(turn).unwrap_or(0) % WHEEL.len()]
}

fn stages(board: &Board, now: Timestamp, frame: &mut Vec<Row>) {
    for open in &board.stages {
        frame.push(stage(open, now));
    }
    for ask in board.asks.values().filter(|ask| ask.task.is_none()) {
        frame.push(Row::plain("             ").add(Tone::Faint, asking(ask, now)));
    }
}

fn stage(open: &OpenStage, now: Timestamp) -> Row {
    let doing = match open.stage {
        Stage::Design => "designing",
        Stage::Plan => "dividing the work into phases",
        Stage::Detail => "dividing the phase into steps",
        Stage::Handoff => "writing the handoff",
        Stage::Change => "changing the plan",
        Stage::Summary => "summarising",
        Stage::Code => "writing",
        Stage::Docs => "describing what was built",
    };
    let name = match open.phase {
        Some(phase) => format!("{} {phase}", open.stage),
        None => open.stage.to_string(),
    };
    let took = seconds(now.millis_since(open.began));
    Row::plain(format!("  {} ", wheel(now)))
        .add(Tone::Strong, format!("{name:<10}"))
        .add(Tone::Plain, format!(" {took:>7}  {doing}"))
}

fn asking(ask: &OpenAsk, now: Timestamp) -> String {
    let model = &ask.model;
    match &ask.retry {
        Some((reason, again)) if *again > now => {
            let wait = seconds(again.millis_since(now));
            format!("{model}: {reason}; again in {wait}")
        }
        Some(_) | None => format!("asking {model}, {}", seconds(now.millis_since(ask.began))),
    }
}

fn bar(board: &Board) -> Row {
    let (done, all) = (board.done(), board.tasks.len());
    let full = (done * BAR).checked_div(all).unwrap_or(0);
    let tip = if full < BAR { ">" } else { "" };
    let bar = format!("{:<BAR$}", format!("{}{tip}", "=".repeat(full)));
    let row = Row::default()
        .add(Tone::Strong, format!("{:>10}", "Building"))
        .add(Tone::Plain, format!(" [{bar}] {done}/{all} tasks"));
    match board.tests {
        0 => row,
        tests => row.add(Tone::Plain, format!(" · {tests} tests pass")),
    }
}

fn tasks(board: &Board, now: Timestamp, columns: usize, frame: &mut Vec<Row>) {
    let (least, most) = TITLE;
    let title = columns.saturating_sub(BESIDE).clamp(least, most);
    for task in board.tasks.iter().filter(|task| task.is_open()) {
        let took = seconds(task.began.map_or(0, |began| now.millis_since(began)));
        let head = format!("     {} {} ", wheel(now), about(task, title));
        let row = doing(board, task, now);
        frame.push(
            Row::plain(head)
                .add(Tone::Faint, format!("{took:>7}  "))
                .join(row),
        );
    }
    for task in board
        .tasks
        .iter()
        .filter(|task| task.state == TaskState::Blocked)
    {
        let row = Row::plain("     ").add(Tone::Warning, format!("! {}", about(task, title)));
        frame.push(row.add(Tone::Plain, "  needs you"));
    }
    let waits = |task: &&TaskView| matches!(task.state, TaskState::Pending | TaskState::Ready);
    for task in board.tasks.iter().filter(waits).take(WAITING_MAX) {
        frame.push(Row::default().add(Tone::Faint, waiting(board, task, title)));
    }
}

fn about(task: &TaskView, title: usize) -> String {
    format!("{:<5} {}", task.id.as_str(), column(&task.title, title))
}

fn waiting(board: &Board, task: &TaskView, title: usize) -> String {
    let open = |id: &&atelier_model::TaskId| {
        board
            .task(id)
            .is_some_and(|task| task.state != TaskState::Done)
    };
    let needs: Vec<&str> = task
        .depends_on
        .iter()
        .filter(open)
        .map(atelier_model::TaskId::as_str)
        .collect();
    let why = if needs.is_empty() {
        "is next".to_owned()
    } else {
        format!("waits for {}", needs.join(", "))
    };
    format!("     ◦ {}          {why}", about(task, title))
}

/// What is done for a task right now.
fn doing(board: &Board, task: &TaskView, now: Timestamp) -> Row {
    let row = match task.attempts {
        0 | 1 => Row::default(),
        attempt => Row::default().add(Tone::Warning, format!("attempt {attempt}: ")),
    };
    let ask = board
        .asks
        .values()
        .find(|ask| ask.task.as_ref() == Some(&task.id));
    if let Some(ask) = ask {
        return row.add(Tone::Plain, asking(ask, now));
    }
    match (&task.check, task.state) {
        (Some(check), _) => row.add(Tone::Plain, checking(check, now)),
        (None, TaskState::Merging) => row.add(Tone::Plain, "committing"),
        (None, TaskState::Verifying) => row.add(Tone::Plain, "verifying"),
        (None, _) => row.add(Tone::Plain, "preparing"),
    }
}

fn checking(check: &OpenCheck, now: Timestamp) -> String {
    let what = if check.command.is_empty() {
        &check.name
    } else {
        &check.command
    };
    format!("{what}, {}", seconds(now.millis_since(check.began)))
}

fn verdict(check: &OpenCheck, now: Timestamp) -> Row {
    Row::default()
        .add(Tone::Strong, format!("{:>10}", "Verifying"))
        .add(
            Tone::Plain,
            format!(
                " {} in a fresh checkout: {}",
                wheel(now),
                checking(check, now)
            ),
        )
}

fn footer(board: &Board, now: Timestamp, columns: usize) -> Row {
    let took = board.began.map_or(0, |began| now.millis_since(began));
    let mut parts = vec![match board.budget {
        Some(budget) => format!("{} of {budget}", board.spent),
        None => board.spent.to_string(),
    }];
    let forecast = forecast(board, now);
    let tokens = board.tokens;
    let share = (tokens.cached * 100).checked_div(tokens.all).unwrap_or(0);
    parts.push(match share {
        0 => format!("{} tokens", count(tokens.all)),
        share => format!("{} tokens ({share}% cached)", count(tokens.all)),
    });
    parts.push(match &forecast {
        Some(forecast) => format!("{}, ~{} left", clock(took), clock(forecast.left_ms)),
        None => clock(took),
    });
    parts.push("Ctrl-C stops".to_owned());
    if let Some(forecast) = forecast.filter(|_| board.spent.0 > 0) {
        parts.push(format!("forecast {}", forecast.cost));
    }
    if board.asks.len() > 1 {
        parts.push(many(board.asks.len(), "ask"));
    }
    let ruled = |parts: &[String]| {
        Row::default().add(Tone::Faint, format!("  ── {} ──", parts.join(" · ")))
    };
    // The last parts matter least.
    while parts.len() > 1 && ruled(&parts).width() > columns {
        parts.pop();
    }
    ruled(&parts)
}

/// What the rest will probably come to, from the tasks that this invocation finished.
struct Forecast {
    left_ms: u64,
    cost: atelier_model::MicroUsd,
}

fn forecast(board: &Board, now: Timestamp) -> Option<Forecast> {
    let since = board.building_since?;
    let left = board.tasks.len() - board.done();
    if board.finished_now < SEEN_MIN || left == 0 {
        return None;
    }
    let (seen, left) = (
        u64::try_from(board.finished_now).ok()?,
        u64::try_from(left).ok()?,
    );
    let paid: u64 = board.tasks.iter().map(|task| task.bill.cost.0).sum();
    Some(Forecast {
        left_ms: now.millis_since(since).saturating_mul(left) / seen,
        cost: board.spent + atelier_model::MicroUsd(paid.saturating_mul(left) / seen),
    })
}

#[cfg(test)]
mod tests;
