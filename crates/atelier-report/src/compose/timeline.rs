//! When what was worked on, and which chain of tasks decided how long it took.

use std::collections::{BTreeMap, BTreeSet};

use atelier_model::{Task, TaskId};

use super::word;
use crate::{Facts, Link, Load, Pauses, Span, Timeline};

/// Tries on a timeline.
pub(super) const SPANS_MAX: usize = 20_000;
/// Tasks of a critical path.
const LINKS_MAX: usize = 500;
/// Milliseconds in which nobody worked that count as a pause.
const PAUSE_MS: u64 = 30_000;
/// Parts of the time for which is told how much went on.
const PARTS: u64 = 96;

/// Puts the tries of a run on a line without the pauses between them.
pub(super) fn timeline(facts: &Facts) -> Timeline {
    let (spans, pauses) = spans(facts);
    let wall_ms = spans.iter().map(|span| span.end_ms).max().unwrap_or(0);
    Timeline {
        wall_ms,
        busy_ms: spans.iter().map(|span| span.end_ms - span.start_ms).sum(),
        width: width(&spans),
        load: load(&spans, wall_ms),
        critical_path: critical_path(&facts.tasks, &spans),
        spans,
        pauses,
    }
}

/// The tries in the order in which they began, each moved forward by the pauses before it.
fn spans(facts: &Facts) -> (Vec<Span>, Pauses) {
    let mut attempts: Vec<_> = facts.attempts.iter().collect();
    attempts.sort_by_key(|one| one.started_at);
    let Some(first) = attempts.first().map(|one| one.started_at) else {
        return (Vec::new(), Pauses::default());
    };
    let mut pauses = Pauses::default();
    let mut until = 0;
    let mut spans = Vec::with_capacity(attempts.len());
    for attempt in attempts {
        let start = attempt.started_at.millis_since(first);
        let end = attempt.ended_at.unwrap_or(facts.at).millis_since(first);
        let idle = start.saturating_sub(until);
        if idle >= PAUSE_MS {
            pauses.count += 1;
            pauses.ms += idle;
        }
        until = until.max(end);
        let start_ms = start.saturating_sub(pauses.ms);
        spans.push(Span {
            task: attempt.task.to_string(),
            attempt: attempt.ordinal,
            start_ms,
            end_ms: end.saturating_sub(pauses.ms).max(start_ms),
            outcome: attempt.outcome.map_or_else(|| "running".to_owned(), word),
        });
    }
    (spans, pauses)
}

/// The most tries that were under way at once.
fn width(spans: &[Span]) -> u64 {
    // At one instant ends come before beginnings: what follows at once is not beside.
    let ends = spans.iter().map(|span| (span.end_ms, 0_u8));
    let begins = spans.iter().map(|span| (span.start_ms, 1));
    let mut turns: Vec<(u64, u8)> = ends.chain(begins).collect();
    turns.sort_unstable();
    let (mut now, mut most) = (0_u64, 0);
    for (_, turn) in turns {
        now = if turn == 1 {
            now + 1
        } else {
            now.saturating_sub(1)
        };
        most = most.max(now);
    }
    most
}

/// How much went on in equal parts of the time.
fn load(spans: &[Span], wall_ms: u64) -> Vec<Load> {
    let step = wall_ms.div_ceil(PARTS).max(1);
    let parts = wall_ms.div_ceil(step);
    let mut busy: Vec<u64> = (0..parts).map(|_| 0).collect();
    for span in spans {
        for part in span.start_ms / step..=span.end_ms / step {
            let (from, to) = (part * step, (part + 1) * step);
            let within = span.end_ms.min(to).saturating_sub(span.start_ms.max(from));
            let place = usize::try_from(part).unwrap_or(usize::MAX);
            if let Some(sum) = busy.get_mut(place) {
                *sum += within;
            }
        }
    }
    let starts = (0..parts).map(|part| part * step);
    starts
        .zip(busy)
        .map(|(start_ms, busy)| Load {
            start_ms,
            hundredths: busy * 100 / step,
        })
        .collect()
}

/// From the task that ended last back along what each had to wait for longest.
fn critical_path(tasks: &[Task], spans: &[Span]) -> Vec<Link> {
    let mut times: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for span in spans {
        let time = times
            .entry(span.task.as_str())
            .or_insert((span.start_ms, span.end_ms));
        *time = (time.0.min(span.start_ms), time.1.max(span.end_ms));
    }
    let by_id: BTreeMap<&TaskId, &Task> = tasks.iter().map(|task| (&task.id, task)).collect();
    let end = |task: &Task| times.get(task.id.as_str()).map(|time| time.1);
    let mut links = Vec::new();
    let mut seen: BTreeSet<&TaskId> = BTreeSet::new();
    let mut next = tasks
        .iter()
        .filter(|task| end(task).is_some())
        .max_by_key(|task| end(task));
    while let Some(task) = next.take() {
        let Some((began, ended)) = times.get(task.id.as_str()) else {
            break;
        };
        if links.len() == LINKS_MAX || !seen.insert(&task.id) {
            break;
        }
        let needed = task.depends_on.iter().filter_map(|id| by_id.get(id));
        next = needed
            .copied()
            .filter(|task| end(task).is_some())
            .max_by_key(|task| end(task));
        let free = next.and_then(end).unwrap_or(0);
        links.push(Link {
            task: task.id.to_string(),
            took_ms: ended - began,
            waited_ms: began.saturating_sub(free),
        });
    }
    links.reverse();
    links
}

#[cfg(test)]
mod tests;
