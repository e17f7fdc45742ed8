//! The asks that ended a run without an answer: who was asked, for what, when, and at what cost.

use atelier_model::{AskRecord, MicroUsd};

use crate::ui::plain;

/// Asks that are told.
const TRIED_MAX: usize = 8;

/// One line each: the newest question that nobody answered, and everyone who was asked it.
pub(super) fn tried(asks: &[AskRecord]) -> Vec<String> {
    let failed = |ask: &&AskRecord| ask.error.is_some();
    let Some(last) = asks.iter().rev().find(failed) else {
        return Vec::new();
    };
    let mut same: Vec<&AskRecord> = asks
        .iter()
        .rev()
        .filter(|ask| ask.key == last.key && ask.run == last.run)
        .take_while(failed)
        .take(TRIED_MAX)
        .collect();
    same.reverse();
    same.into_iter().map(line).collect()
}

fn line(ask: &AskRecord) -> String {
    let at = ask.at.to_string();
    let time = at.get(11..19).unwrap_or(&at);
    let what = match &ask.task {
        Some(task) => format!("task {task}"),
        None => format!("the {} stage", ask.stage),
    };
    let cost = match ask.cost {
        MicroUsd::ZERO => String::new(),
        cost => format!(", {cost}"),
    };
    let error = ask.error.as_deref().unwrap_or_default();
    let who = format!("{}/{}", ask.provider, ask.model);
    plain(&format!(
        "{who} at {time} for {what}{cost}: failed to {error}"
    ))
}
