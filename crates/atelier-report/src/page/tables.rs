//! The tables of a page.

use std::fmt::Write as _;

use super::{
    element::{self, escaped, number, table, words},
    outcome_tone, outcome_word, tone,
};
use crate::{
    Criterion, Need, Requirement, RunReport, TaskLine,
    text::need_word,
    words::{count, duration, many, money, short, workflow_words},
};

/// Statements whose criteria are shown without being asked for: those that should be met and are not.
const OPEN_MAX: usize = 20;
/// Statements of a page; the rest are counted.
const STATEMENTS_MAX: usize = 500;

/// Tasks from which on the slowest and dearest are worth tables of their own.
const RANKED_FROM: usize = 8;

/// Statement, criteria, tasks, commits: those that are not met first, and unfolded.
pub(super) fn requirements(text: &mut String, report: &RunReport) {
    if report.requirements.is_empty() && report.criteria.is_empty() {
        return;
    }
    text.push_str("<section><h2>Requirements</h2>\n");
    let mut open = 0;
    for one in report.requirements.iter().take(STATEMENTS_MAX) {
        let is_open = !matches!(one.state, Need::Met | Need::Open) && open < OPEN_MAX;
        open += usize::from(is_open);
        statement(text, report, one, is_open);
    }
    let more = report.requirements.len().saturating_sub(STATEMENTS_MAX);
    if more > 0 {
        let more = many(more as u64, "statement");
        let _ = writeln!(text, "<p>{more} more in the JSON report.</p>");
    }
    let known: std::collections::BTreeSet<usize> = report
        .requirements
        .iter()
        .flat_map(|one| one.criteria.iter().copied())
        .collect();
    let others: Vec<&Criterion> = report
        .criteria
        .iter()
        .enumerate()
        .filter(|(place, _)| !known.contains(place))
        .map(|(_, one)| one)
        .collect();
    if !others.is_empty() {
        text.push_str("<h3>Criteria of no statement</h3>\n");
        criteria(text, &others);
    }
    text.push_str("</section>\n");
}

fn statement(text: &mut String, report: &RunReport, one: &Requirement, open: bool) {
    let criteria_of: Vec<&Criterion> = one
        .criteria
        .iter()
        .filter_map(|place| report.criteria.get(*place))
        .collect();
    let passed = criteria_of.iter().filter(|one| one.outcome == "passed");
    let _ = writeln!(
        text,
        "<details class=\"need\"{}><summary><span class=\"badge {}\">{}</span> \
         <b>{}</b> {} <small>{} of {} criteria</small></summary>",
        if open { " open" } else { "" },
        tone(one.state),
        need_word(one.state),
        escaped(&one.id),
        escaped(&one.text),
        count(passed.count() as u64),
        count(criteria_of.len() as u64)
    );
    if criteria_of.is_empty() {
        text.push_str("<p>No criterion stands for this statement.</p>\n");
    } else {
        criteria(text, &criteria_of);
    }
    text.push_str("</details>\n");
}

fn criteria(text: &mut String, criteria: &[&Criterion]) {
    let columns = [
        element::short("Criterion"),
        element::short("Result"),
        words("What it shows"),
        element::short("Commit"),
        element::short("Evidence"),
    ];
    let mut sorted = criteria.to_vec();
    sorted.sort_by_key(|one| one.outcome == "passed");
    let rows = sorted.iter().map(|one| {
        let mut result = outcome_word(&one.outcome);
        if let Some(tests) = one.tests {
            let _ = write!(result, ", {}", many(tests, "test"));
        }
        let how = escaped(&one.how);
        let mut shows = format!("{}<br><small>{how}</small>", escaped(&one.text));
        if !one.reason.is_empty() {
            let tone = outcome_tone(&one.outcome);
            let _ = write!(
                shows,
                "<br><span class=\"{tone}\">{}</span>",
                escaped(&one.reason)
            );
        }
        vec![
            escaped(&one.name),
            result,
            shows,
            commit(one.commit.as_deref()),
            commit(one.evidence.as_deref()),
        ]
    });
    table(text, &columns, rows, "criterion");
}

/// The first characters of a commit or digest.
fn commit(id: Option<&str>) -> String {
    id.map_or_else(String::new, |id| {
        format!("<code>{}</code>", escaped(short(id)))
    })
}

/// What was expected beside what it came to.
pub(super) fn estimates(text: &mut String, report: &RunReport) {
    let columns = [
        words(""),
        number("Cost"),
        number("Time"),
        number("Asks"),
        number("Tokens"),
    ];
    let mut rows: Vec<Vec<String>> = report
        .estimates
        .iter()
        .map(|one| {
            let name = if one.planned {
                "Expected with the plan"
            } else {
                "Guessed before the plan"
            };
            vec![
                name.to_owned(),
                one.cost_micro_usd
                    .map_or_else(|| "no price".to_owned(), money),
                duration(one.wall_ms),
                count(one.asks),
                count(one.tokens),
            ]
        })
        .collect();
    let tokens = report.tokens.input.saturating_add(report.tokens.output);
    rows.push(vec![
        "<b>It took</b>".to_owned(),
        money(report.totals.cost_micro_usd),
        duration(report.time.worked_ms.max(report.timeline.wall_ms)),
        count(report.totals.asks),
        count(tokens),
    ]);
    table(text, &columns, rows.into_iter(), "estimate");
}

pub(super) fn models(text: &mut String, report: &RunReport) {
    if report.models.is_empty() {
        return;
    }
    let columns = [
        element::short("Stage"),
        words("Model"),
        number("Asks"),
        number("Kept"),
        number("Failed"),
        number("Tokens in"),
        number("Tokens out"),
        number("Cost"),
    ];
    let rows = report.models.iter().map(|one| {
        vec![
            escaped(&one.stage),
            format!(
                "{} <small>{}</small>",
                escaped(&one.model),
                escaped(&one.provider)
            ),
            count(one.asks),
            count(one.kept),
            count(one.failed),
            count(one.input),
            count(one.output),
            money(one.cost_micro_usd),
        ]
    });
    text.push_str("<h3>Models</h3>\n");
    table(text, &columns, rows, "model");
}

/// Tasks: those that are not done first, with the slowest and dearest before all of them.
pub(super) fn tasks(text: &mut String, report: &RunReport) {
    if report.tasks.is_empty() {
        return;
    }
    text.push_str("<section><h2>Tasks</h2>\n");
    if report.tasks.len() > RANKED_FROM {
        for (title, ids) in [("Slowest", &report.slowest), ("Dearest", &report.dearest)] {
            let some: Vec<&TaskLine> = ids
                .iter()
                .take(5)
                .filter_map(|id| report.task(id))
                .collect();
            if !some.is_empty() {
                let _ = writeln!(text, "<h3>{title}</h3>");
                rows(text, &some);
            }
        }
        text.push_str("<h3>All</h3>\n");
    }
    let mut sorted: Vec<&TaskLine> = report.tasks.iter().collect();
    sorted.sort_by_key(|task| task.state == "done");
    rows(text, &sorted);
    text.push_str("</section>\n");
}

fn rows(text: &mut String, tasks: &[&TaskLine]) {
    let columns = [
        element::short("Task"),
        words("What"),
        element::short("State"),
        element::short("Commit"),
        number("Tries"),
        number("Tests"),
        number("Tokens"),
        number("Time"),
        number("Cost"),
    ];
    let row = |task: &&TaskLine| {
        let mut what = escaped(&task.title);
        if let Some(agent) = &task.agent {
            let _ = write!(what, " <small>by {}</small>", escaped(agent));
        }
        if !task.reason.is_empty() {
            let _ = write!(what, "<br><small>{}</small>", escaped(&task.reason));
        }
        let mut cells = vec![
            escaped(&task.id),
            what,
            outcome_word(&task.state),
            commit(task.commit.as_deref()),
        ];
        if task.attempts > 0 {
            cells.extend([
                task.attempts.to_string(),
                count(task.tests),
                count(task.tokens),
                duration(task.took_ms),
                money(task.cost_micro_usd),
            ]);
        }
        // Nothing is told of what nobody was at.
        cells.resize(columns.len(), String::new());
        cells
    };
    table(text, &columns, tasks.iter().map(row), "task");
}

pub(super) fn retries(text: &mut String, report: &RunReport) {
    if report.retries.is_empty() {
        return;
    }
    text.push_str("<section><h2>Tries that did not pass</h2>\n");
    let columns = [
        element::short("Task"),
        number("Try"),
        element::short("End"),
        words("Why"),
        number("Time"),
    ];
    let rows = report.retries.iter().map(|one| {
        vec![
            escaped(&one.task),
            one.attempt.to_string(),
            outcome_word(&one.outcome),
            escaped(&one.reason),
            duration(one.took_ms),
        ]
    });
    table(text, &columns, rows, "try");
    text.push_str("</section>\n");
}

/// What a person should look at.
pub(super) fn notes(text: &mut String, report: &RunReport) {
    let restored = report.evidence.restored.iter();
    let put_back = restored.map(|one| ("put back", one));
    let warned = report.warnings.iter().map(|one| ("warning", one));
    let all: Vec<_> = put_back.chain(warned).collect();
    if all.is_empty() {
        return;
    }
    text.push_str("<section><h2>To look at</h2>\n");
    let columns = [
        element::short("Kind"),
        element::short("Task"),
        words("What"),
    ];
    let rows = all.iter().map(|(kind, one)| {
        vec![
            (*kind).to_owned(),
            escaped(one.task.as_deref().unwrap_or_default()),
            escaped(&one.text),
        ]
    });
    table(text, &columns, rows, "warning");
    text.push_str("</section>\n");
}

/// What tools say of the project, and the workflow that a forge executes.
pub(super) fn advice(text: &mut String, report: &RunReport) {
    let nothing = report.remarks.is_empty() && report.tools.is_empty();
    if nothing && report.absences.is_empty() && report.workflows.is_empty() {
        return;
    }
    text.push_str("<section><h2>Advice</h2>\n");
    if !report.tools.is_empty() {
        let tools = escaped(&report.tools.join(", "));
        let found = many(report.remarks.len() as u64, "remark");
        let of = escaped(&report.remarks_of);
        let _ = writeln!(text, "<p>{tools} looked at {of}: {found}.</p>");
    }
    if !report.remarks.is_empty() {
        let columns = [
            element::short("Severity"),
            words("Where"),
            words("What"),
            words("Told by"),
        ];
        let rows = report.remarks.iter().map(|one| {
            let mut said = escaped(&one.text);
            if !one.remedy.is_empty() {
                let _ = write!(said, "<br><small>{}</small>", escaped(&one.remedy));
            }
            let tone = match one.severity.as_str() {
                "critical" | "high" => "bad",
                _ => "rest",
            };
            vec![
                format!("<span class=\"{tone}\">{}</span>", escaped(&one.severity)),
                format!("<code>{}</code>", escaped(&one.place)),
                said,
                format!(
                    "{} <small>{}</small>",
                    escaped(&one.tool),
                    escaped(&one.rule)
                ),
            ]
        });
        table(text, &columns, rows, "remark");
    }
    if !report.absences.is_empty() {
        text.push_str("<details><summary>Tools that told nothing</summary><ul>\n");
        for one in &report.absences {
            let _ = writeln!(
                text,
                "<li>{} told nothing of {}: {}; {}</li>",
                escaped(&one.tool),
                escaped(&one.finds),
                escaped(&one.why),
                escaped(&one.remedy)
            );
        }
        text.push_str("</ul></details>\n");
    }
    for one in &report.workflows {
        let (path, state) = (escaped(&one.path), workflow_words(&one.state));
        let _ = writeln!(text, "<p>Workflow <code>{path}</code>: {state}.</p>");
    }
    text.push_str("</section>\n");
}
