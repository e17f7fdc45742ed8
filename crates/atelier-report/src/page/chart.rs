//! The timeline of a page: when what was worked on, and what decided how long it took.

use std::{collections::BTreeSet, fmt::Write as _};

use super::{
    element::{escaped, number, short, table, words},
    outcome_tone,
};
use crate::{
    RunReport, Span,
    words::{duration, many, spaced, times},
};

/// Tasks that get a line of their own.
const LINES_MAX: usize = 60;
/// Tasks for which every one gets a line without being unfolded.
const LINES_SHOWN: usize = 24;

pub(super) fn timeline(text: &mut String, report: &RunReport) {
    let line = &report.timeline;
    if line.spans.is_empty() {
        return;
    }
    text.push_str("<section><h2>Timeline</h2>\n");
    let _ = write!(
        text,
        "<p>{} of work in {}",
        duration(line.busy_ms),
        duration(line.wall_ms)
    );
    if line.width > 1
        && let Some(average) = times(line.busy_ms, line.wall_ms)
    {
        let _ = write!(
            text,
            ": {average} tasks at once on average, {} at most",
            line.width
        );
    }
    if line.pauses.count > 0 {
        let _ = write!(
            text,
            "; {} of {} taken out",
            many(line.pauses.count, "pause"),
            duration(line.pauses.ms)
        );
    }
    text.push_str(".</p>\n");
    if line
        .spans
        .iter()
        .any(|span| outcome_tone(&span.outcome) != "ok")
    {
        text.push_str(
            "<p><small><span class=\"ok\">passed</span> · <span class=\"bad\">did not pass</span> · \
             <span class=\"rest\">interrupted, in conflict or under way</span></small></p>\n",
        );
    }
    if line.width > 1 {
        load(text, report);
    }
    lines(text, report);
    path(text, report);
    text.push_str("</section>\n");
}

/// How many tries were under way, over the time.
fn load(text: &mut String, report: &RunReport) {
    let parts = &report.timeline.load;
    let most = parts.iter().map(|part| part.hundredths).max().unwrap_or(0);
    if most == 0 || parts.len() < 8 {
        return;
    }
    let _ = write!(
        text,
        "<svg class=\"load\" viewBox=\"0 0 {} 40\" preserveAspectRatio=\"none\" role=\"img\" \
         aria-label=\"Tasks under way over the time, {} at most\">",
        parts.len() * 4,
        report.timeline.width
    );
    for (place, part) in parts.iter().enumerate() {
        let high = part.hundredths * 40 / most;
        let _ = write!(
            text,
            "<rect x=\"{}\" y=\"{}\" width=\"3\" height=\"{high}\"/>",
            place * 4,
            40 - high
        );
    }
    text.push_str("</svg>\n");
}

/// A line for each task, in the order in which they began.
fn lines(text: &mut String, report: &RunReport) {
    let mut seen = BTreeSet::new();
    let began = report.timeline.spans.iter().map(|span| span.task.as_str());
    let ids: Vec<&str> = began.filter(|id| seen.insert(*id)).collect();
    let (shown, rest) = ids.split_at(ids.len().min(LINES_SHOWN));
    lanes(text, report, shown);
    if !rest.is_empty() {
        let more = many(rest.len() as u64, "task");
        let _ = writeln!(text, "<details><summary>{more} more</summary>");
        let rest = &rest[..rest.len().min(LINES_MAX)];
        lanes(text, report, rest);
        if ids.len() > LINES_SHOWN + LINES_MAX {
            let left = many((ids.len() - LINES_SHOWN - LINES_MAX) as u64, "task");
            let _ = writeln!(text, "<p>{left} more in the JSON report.</p>");
        }
        text.push_str("</details>\n");
    }
}

fn lanes(text: &mut String, report: &RunReport, ids: &[&str]) {
    let line = &report.timeline;
    let path: BTreeSet<&str> = line
        .critical_path
        .iter()
        .map(|link| link.task.as_str())
        .collect();
    text.push_str("<div class=\"lanes\">\n");
    for id in ids {
        let title = report.task(id).map_or("", |task| &task.title);
        let class = if path.contains(id) {
            " class=\"key\""
        } else {
            ""
        };
        let _ = write!(
            text,
            "<div{class}><span>{} <small>{}</small></span><i>",
            escaped(id),
            escaped(title)
        );
        for span in line.spans.iter().filter(|span| span.task == *id) {
            bar(text, span, line.wall_ms);
        }
        text.push_str("</i></div>\n");
    }
    text.push_str("</div>\n");
}

fn bar(text: &mut String, span: &Span, wall_ms: u64) {
    let whole = wall_ms.max(1);
    let hundredths = |ms: u64| ms.min(whole).saturating_mul(10_000) / whole;
    let (left, right) = (hundredths(span.start_ms), hundredths(span.end_ms));
    let _ = write!(
        text,
        "<b class=\"{}\" style=\"left:{};width:{}\" title=\"try {}, {}, {}\"></b>",
        outcome_tone(&span.outcome),
        percent(left),
        percent(right - left),
        span.attempt,
        spaced(&span.outcome),
        duration(span.end_ms - span.start_ms)
    );
}

/// `12.34%` for 1234.
fn percent(hundredths: u64) -> String {
    format!("{}.{:02}%", hundredths / 100, hundredths % 100)
}

/// The chain of tasks that decided how long it took.
fn path(text: &mut String, report: &RunReport) {
    let path = &report.timeline.critical_path;
    if path.len() < 2 {
        return;
    }
    text.push_str("<h3>What decided how long it took</h3>\n");
    let columns = [
        short("Task"),
        words("What"),
        number("Took"),
        number("Waited before"),
    ];
    let rows = path.iter().map(|link| {
        let title = report.task(&link.task).map_or("", |task| &task.title);
        vec![
            escaped(&link.task),
            escaped(title),
            duration(link.took_ms),
            duration(link.waited_ms),
        ]
    });
    table(text, &columns, rows, "task");
}
