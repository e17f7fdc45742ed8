//! The report as Markdown, for a merge request or a wiki.

use std::fmt::Write as _;

use crate::{
    Criterion, Need, RunReport, TaskLine,
    text::{figures, need_word, verdict_words},
    words::{count, duration, instant, many, money, short, spaced, workflow_words},
};

/// Rows of a table; the rest are counted.
const ROWS_MAX: usize = 200;
/// Criteria that are named beside their statement; the rest are counted.
const NAMES_MAX: usize = 20;

/// The report as Markdown.
pub fn markdown(report: &RunReport) -> String {
    let mut text = String::new();
    head(&mut text, report);
    requirements(&mut text, report);
    evidence(&mut text, report);
    cost(&mut text, report);
    tasks(&mut text, report);
    retries(&mut text, report);
    path(&mut text, report);
    notes(&mut text, report);
    advice(&mut text, report);
    hints(&mut text, report);
    text
}

fn head(text: &mut String, report: &RunReport) {
    let (_, word) = verdict_words(report);
    let _ = writeln!(text, "# {}: {word}\n", inline(&report.name));
    if !report.summary.is_empty() {
        let _ = writeln!(text, "{}\n", inline(&report.summary));
    }
    if !report.outcome.reason.is_empty() && !report.outcome.verified {
        let _ = writeln!(
            text,
            "**Why it is not finished:** it failed to {}\n",
            inline(&report.outcome.reason)
        );
    }
    for line in report.requirement.lines() {
        let _ = writeln!(text, "> {}", inline(line));
    }
    let _ = writeln!(
        text,
        "\n- Run {} of {}",
        code(&report.run),
        instant(&report.time.created_at)
    );
    if let Some(commit) = &report.outcome.commit {
        let branch = code(&report.outcome.branch);
        let _ = writeln!(text, "- Commit {} on {branch}", code(short(commit)));
    }
    if let Some(delivery) = &report.delivery {
        let _ = match &delivery.moved {
            Some(branch) => writeln!(text, "- {} holds the result", code(branch)),
            None => writeln!(
                text,
                "- Your branch was left alone: {}",
                inline(&delivery.reason)
            ),
        };
    }
}

fn requirements(text: &mut String, report: &RunReport) {
    let totals = &report.totals;
    if report.requirements.is_empty() && report.criteria.is_empty() {
        return;
    }
    let _ = writeln!(
        text,
        "\n## Requirements\n\n{} of {} met; {} of {} criteria passed.\n",
        count(totals.requirements_met),
        count(totals.requirements),
        count(totals.criteria_passed),
        count(totals.criteria)
    );
    table(text, &["State", "Id", "Statement", "Criteria"], 0);
    for one in report.requirements.iter().take(ROWS_MAX) {
        let names = one
            .criteria
            .iter()
            .filter_map(|at| report.criteria.get(*at));
        let names: Vec<&str> = names.take(NAMES_MAX).map(|one| one.name.as_str()).collect();
        let mut names = names.join(", ");
        let left = one.criteria.len().saturating_sub(NAMES_MAX);
        if left > 0 {
            let _ = write!(names, " and {} more", count(left as u64));
        }
        let state = match one.state {
            Need::Met => "met".to_owned(),
            Need::NotMet | Need::Unproven | Need::Open | Need::Partly => {
                format!("**{}**", need_word(one.state))
            }
        };
        row(
            text,
            &[state, inline(&one.id), inline(&one.text), inline(&names)],
        );
    }
    more(text, report.requirements.len(), "statement");
    text.push('\n');
    criteria(text, report);
}

fn criteria(text: &mut String, report: &RunReport) {
    let mut sorted: Vec<&Criterion> = report.criteria.iter().collect();
    sorted.sort_by_key(|one| one.outcome == "passed");
    table(
        text,
        &[
            "Criterion",
            "Result",
            "What",
            "How",
            "Proves",
            "Commit",
            "Evidence",
        ],
        0,
    );
    for one in sorted.iter().take(ROWS_MAX) {
        let reason = match one.reason.as_str() {
            "" => String::new(),
            reason => format!(": {}", inline(reason)),
        };
        let id = |id: &Option<String>| id.as_deref().map_or_else(String::new, |id| code(short(id)));
        row(
            text,
            &[
                inline(&one.name),
                format!("{}{reason}", spaced(&one.outcome)),
                inline(&one.text),
                inline(&one.how),
                inline(&one.requirements.join(", ")),
                id(&one.commit),
                id(&one.evidence),
            ],
        );
    }
    more(text, sorted.len(), "criterion");
}

fn evidence(text: &mut String, report: &RunReport) {
    let mut lines = Vec::new();
    if let Some(verdict) = &report.verdict {
        let word = if verdict.passed {
            "passed"
        } else {
            "**failed**"
        };
        lines.push(format!(
            "The check of {} in a fresh checkout {word}: {}, {}",
            code(short(&verdict.commit)),
            many(verdict.checks, "check"),
            many(verdict.tests, "test")
        ));
        let failed = verdict.failed.iter().take(ROWS_MAX);
        lines.extend(failed.map(|failed| format!("Failed {}", inline(failed))));
    }
    let evidence = &report.evidence;
    if !evidence.steps.is_empty() {
        lines.push(format!("Steps: {}", inline(&evidence.steps.join("; "))));
    }
    if let Some(level) = &evidence.sandbox {
        lines.push(format!(
            "Commands were confined at the level {}",
            code(level)
        ));
    }
    if evidence.hidden_tests > 0 {
        lines.push(format!(
            "{} of hidden tests, fixed before the code was asked for",
            many(evidence.hidden_tests, "file")
        ));
    }
    let restored = evidence.restored.iter().take(ROWS_MAX);
    lines.extend(restored.map(|one| format!("Put back: {}", inline(&one.text))));
    list(text, "Evidence", &lines);
}

fn cost(text: &mut String, report: &RunReport) {
    let lines: Vec<String> = figures(report)
        .into_iter()
        .map(|(word, line)| format!("{word}: {}", inline(&line)))
        .collect();
    list(text, "Cost and time", &lines);
    if report.models.is_empty() {
        return;
    }
    text.push('\n');
    let headers = [
        "Stage",
        "Model",
        "Asks",
        "Kept",
        "Failed",
        "Tokens in",
        "Tokens out",
        "Cost",
    ];
    table(text, &headers, 6);
    for one in report.models.iter().take(ROWS_MAX) {
        row(
            text,
            &[
                inline(&one.stage),
                inline(&one.model),
                count(one.asks),
                count(one.kept),
                count(one.failed),
                count(one.input),
                count(one.output),
                money(one.cost_micro_usd),
            ],
        );
    }
    more(text, report.models.len(), "model");
}

fn tasks(text: &mut String, report: &RunReport) {
    if report.tasks.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n## Tasks\n");
    table(
        text,
        &[
            "Task", "What", "State", "Commit", "Tries", "Tests", "Time", "Cost",
        ],
        4,
    );
    let undone = |task: &&&TaskLine| task.state != "done";
    let (mut sorted, done): (Vec<&TaskLine>, Vec<&TaskLine>) =
        report.tasks.iter().partition(|task| undone(&task));
    sorted.extend(done);
    for task in sorted.iter().take(ROWS_MAX) {
        let reason = match task.reason.as_str() {
            "" => String::new(),
            reason => format!(": {}", inline(reason)),
        };
        let begun = Some(task).filter(|task| task.attempts > 0);
        row(
            text,
            &[
                inline(&task.id),
                inline(&task.title),
                format!("{}{reason}", task.state),
                task.commit
                    .as_deref()
                    .map(|one| code(short(one)))
                    .unwrap_or_default(),
                // Nothing is told of what nobody was at.
                begun.map_or_else(String::new, |task| task.attempts.to_string()),
                begun.map_or_else(String::new, |task| count(task.tests)),
                begun.map_or_else(String::new, |task| duration(task.took_ms)),
                begun.map_or_else(String::new, |task| money(task.cost_micro_usd)),
            ],
        );
    }
    more(text, sorted.len(), "task");
}

fn retries(text: &mut String, report: &RunReport) {
    let lines: Vec<String> = report
        .retries
        .iter()
        .take(ROWS_MAX)
        .map(|one| {
            format!(
                "{}, try {}, {}: {}",
                inline(&one.task),
                one.attempt,
                spaced(&one.outcome),
                inline(&one.reason)
            )
        })
        .collect();
    list(text, "Tries that did not pass", &lines);
    more(text, report.retries.len(), "try");
}

fn path(text: &mut String, report: &RunReport) {
    let path = &report.timeline.critical_path;
    if path.len() < 2 {
        return;
    }
    let _ = writeln!(text, "\n## What decided how long it took\n");
    table(text, &["Task", "What", "Took", "Waited"], 2);
    for link in path.iter().take(ROWS_MAX) {
        let title = report.task(&link.task).map_or("", |task| &task.title);
        row(
            text,
            &[
                inline(&link.task),
                inline(title),
                duration(link.took_ms),
                duration(link.waited_ms),
            ],
        );
    }
    more(text, path.len(), "task");
}

fn notes(text: &mut String, report: &RunReport) {
    let lines: Vec<String> = report
        .warnings
        .iter()
        .take(ROWS_MAX)
        .map(|one| inline(&one.text))
        .collect();
    list(text, "To look at", &lines);
    more(text, report.warnings.len(), "warning");
}

fn advice(text: &mut String, report: &RunReport) {
    let mut lines: Vec<String> = report
        .remarks
        .iter()
        .take(ROWS_MAX)
        .map(|one| {
            let remedy = match one.remedy.as_str() {
                "" => String::new(),
                remedy => format!(" ({})", inline(remedy)),
            };
            let (place, said) = (inline(&one.place), inline(&one.text));
            format!(
                "{}: {place}: {said}{remedy}, {}",
                one.severity,
                inline(&one.tool)
            )
        })
        .collect();
    lines.extend(report.absences.iter().map(|one| {
        format!(
            "{} told nothing of {}: {}; {}",
            inline(&one.tool),
            inline(&one.finds),
            inline(&one.why),
            inline(&one.remedy)
        )
    }));
    let flows = report.workflows.iter();
    lines.extend(flows.map(|one| {
        format!(
            "Workflow {}: {}",
            code(&one.path),
            workflow_words(&one.state)
        )
    }));
    list(text, "Advice", &lines);
    more(text, report.remarks.len(), "remark");
}

fn hints(text: &mut String, report: &RunReport) {
    let lines: Vec<String> = report
        .hints
        .iter()
        .map(|hint| format!("{}: {}", inline(&hint.text), code(&hint.command)))
        .collect();
    list(text, "Next", &lines);
}

fn list(text: &mut String, title: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n## {title}\n");
    for line in lines {
        let _ = writeln!(text, "- {line}");
    }
}

/// The head of a table whose last `numbers` columns stand to the right.
fn table(text: &mut String, headers: &[&str], numbers: usize) {
    let _ = writeln!(text, "| {} |", headers.join(" | "));
    let words = headers.len().saturating_sub(numbers);
    let line = |at: usize| if at < words { "---" } else { "---:" };
    let lines: Vec<&str> = (0..headers.len()).map(line).collect();
    let _ = writeln!(text, "| {} |", lines.join(" | "));
}

fn row(text: &mut String, cells: &[String]) {
    let _ = writeln!(text, "| {} |", cells.join(" | "));
}

fn more(text: &mut String, all: usize, what: &str) {
    let left = all.saturating_sub(ROWS_MAX);
    if left > 0 {
        let _ = writeln!(
            text,
            "\n{} more in the JSON report.",
            many(left as u64, what)
        );
    }
}

/// A text of others where Markdown would read signs as its own.
fn inline(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' => {
                safe.push('\\');
                safe.push(c);
            }
            c => safe.push(c),
        }
    }
    safe
}

/// A name or a command as code; backticks have no place in it.
fn code(text: &str) -> String {
    format!("`{}`", text.replace(['`', '|'], "'"))
}

#[cfg(test)]
mod tests;
