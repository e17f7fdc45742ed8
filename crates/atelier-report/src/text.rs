//! The report for a terminal: a screen or two, what needs a person first.

use std::fmt::Write as _;

use crate::{
    Need, RunReport, Totals,
    words::{count, duration, instant, many, money, short, spaced, times},
};

/// Rows of a list that a terminal is shown; the rest are counted.
const ROWS_MAX: usize = 12;
/// Columns of a line's first word.
const WORD: usize = 12;

/// What a part of a line means, for whoever gives it a colour. Meaning never rests on that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// It is as it should be.
    Good,
    /// It is not.
    Bad,
    /// A heading.
    Strong,
    /// It is there for those who look closely.
    Faint,
}

/// The report as text, whose marked parts went through `paint`.
pub fn text(report: &RunReport, paint: &dyn Fn(Mark, &str) -> String) -> String {
    let mut page = Page {
        report,
        paint,
        text: String::new(),
    };
    page.head();
    page.requirements();
    page.figures();
    page.tasks();
    page.retries();
    page.notes();
    page.hints();
    page.text
}

struct Page<'a> {
    report: &'a RunReport,
    paint: &'a dyn Fn(Mark, &str) -> String,
    text: String,
}

impl Page<'_> {
    fn line(&mut self, text: &str) {
        self.text.push_str(text.trim_end());
        self.text.push('\n');
    }

    fn section(&mut self, title: &str) {
        let title = (self.paint)(Mark::Strong, title);
        self.line("");
        self.line(&title);
    }

    /// A word and what there is to say about it.
    fn row(&mut self, word: &str, text: &str) {
        self.line(&format!("  {word:<WORD$}{text}"));
    }

    fn more(&mut self, all: usize, what: &str) {
        let more = all.saturating_sub(ROWS_MAX);
        if more > 0 {
            let text = format!("  and {}; --json has them all", many(more as u64, what));
            let text = (self.paint)(Mark::Faint, &text);
            self.line(&text);
        }
    }

    fn head(&mut self) {
        let report = self.report;
        let (mark, word) = verdict_words(report);
        let word = (self.paint)(mark, word);
        self.line(&format!(
            "{}  {word}",
            (self.paint)(Mark::Strong, &report.name)
        ));
        if !report.outcome.reason.is_empty() && !report.outcome.verified {
            self.row("failed to", &report.outcome.reason);
        }
        self.row(
            "run",
            &format!("{}, {}", report.run, instant(&report.time.created_at)),
        );
        if let Some(commit) = &report.outcome.commit {
            let text = format!("{} on {}", short(commit), report.outcome.branch);
            self.row("commit", &text);
        }
        if let Some(verdict) = &report.verdict {
            let text = format!(
                "{} and {} in a fresh checkout of {}",
                many(verdict.checks, "check"),
                many(verdict.tests, "test"),
                short(&verdict.commit)
            );
            self.row("verdict", &text);
            for failed in verdict.failed.iter().take(ROWS_MAX) {
                self.row("", &format!("failed {failed}"));
            }
        }
    }

    fn requirements(&mut self) {
        let report = self.report;
        if report.requirements.is_empty() {
            return;
        }
        let totals = &report.totals;
        self.section(&format!(
            "Requirements: {} of {} met, {} of {} criteria passed",
            count(totals.requirements_met),
            count(totals.requirements),
            count(totals.criteria_passed),
            count(totals.criteria)
        ));
        for one in report.requirements.iter().take(ROWS_MAX) {
            let mark = (self.paint)(tone(one.state), &format!("{:<10}", need_word(one.state)));
            self.line(&format!("  {mark}  {:<5} {}", one.id, one.text));
            if one.state == Need::Met {
                continue;
            }
            let criteria = one.criteria.iter();
            let open = criteria.filter_map(|place| report.criteria.get(*place));
            let telling = open.filter(|one| one.outcome != "passed" && one.outcome != "open");
            for criterion in telling.take(ROWS_MAX) {
                let reason = match criterion.reason.as_str() {
                    "" => String::new(),
                    reason => format!(": {reason}"),
                };
                self.line(&format!(
                    "              {} {}{reason}",
                    criterion.name,
                    spaced(&criterion.outcome)
                ));
            }
        }
        self.more(report.requirements.len(), "requirement");
    }

    fn figures(&mut self) {
        let report = self.report;
        self.section("Cost and time");
        for (word, text) in figures(report) {
            self.row(word, &text);
        }
    }

    fn tasks(&mut self) {
        let report = self.report;
        if report.slowest.is_empty() {
            return;
        }
        self.section("Slowest and dearest tasks");
        for id in &report.slowest[..report.slowest.len().min(5)] {
            self.task(id);
        }
        let dear = report
            .dearest
            .iter()
            .filter(|id| !report.slowest.iter().take(5).any(|slow| slow == *id));
        for id in dear.take(5).cloned().collect::<Vec<_>>() {
            self.task(&id);
        }
        let path = &report.timeline.critical_path;
        if path.len() > 1 {
            let ids: Vec<&str> = path.iter().map(|link| link.task.as_str()).collect();
            let shown = ids[ids.len().saturating_sub(ROWS_MAX)..].join(" → ");
            self.row("longest way", &shown);
        }
    }

    fn task(&mut self, id: &str) {
        let Some(task) = self.report.task(id) else {
            return;
        };
        let tries = match task.attempts {
            0 | 1 => String::new(),
            more => format!(", {more} tries"),
        };
        let text = format!(
            "  {:<6} {:>12} {:>10}  {}{tries}",
            task.id,
            duration(task.took_ms),
            money(task.cost_micro_usd),
            task.title
        );
        self.line(&text);
    }

    fn retries(&mut self) {
        let report = self.report;
        if report.retries.is_empty() {
            return;
        }
        self.section("Tries that did not pass");
        for one in report.retries.iter().take(ROWS_MAX) {
            self.line(&format!(
                "  {:<6} try {}  {}: {}",
                one.task,
                one.attempt,
                spaced(&one.outcome),
                one.reason
            ));
        }
        self.more(report.retries.len(), "try");
    }

    fn notes(&mut self) {
        let report = self.report;
        let restored = &report.evidence.restored;
        let all = restored.len() + report.warnings.len();
        if all > 0 {
            self.section("To look at");
            let put_back = restored.iter().map(|one| format!("put back {}", one.text));
            let warned = report.warnings.iter().map(|one| one.text.clone());
            for text in put_back.chain(warned).take(ROWS_MAX) {
                self.line(&format!("  {text}"));
            }
            self.more(all, "warning");
        }
        if !report.remarks.is_empty() {
            self.section("Advice");
            for one in report.remarks.iter().take(ROWS_MAX) {
                self.line(&format!(
                    "  {:<8} {}  {}  {}",
                    one.severity, one.place, one.text, one.tool
                ));
                if !one.remedy.is_empty() {
                    let remedy = (self.paint)(Mark::Faint, &one.remedy);
                    self.line(&format!("           {remedy}"));
                }
            }
            self.more(report.remarks.len(), "remark");
        }
        for one in &report.absences {
            self.line(&format!(
                "  {} told nothing of {}: {}; {}",
                one.tool, one.finds, one.why, one.remedy
            ));
        }
    }

    fn hints(&mut self) {
        if self.report.hints.is_empty() {
            return;
        }
        self.section("Next");
        let report = self.report;
        for hint in &report.hints {
            self.line(&format!("  {}: {}", hint.text, hint.command));
        }
    }
}

fn tone(need: Need) -> Mark {
    match need {
        Need::Met => Mark::Good,
        Need::NotMet | Need::Unproven => Mark::Bad,
        Need::Open | Need::Partly => Mark::Strong,
    }
}

/// The state of a statement as people read it.
pub(crate) fn need_word(need: Need) -> &'static str {
    match need {
        Need::NotMet => "not met",
        Need::Unproven => "unproven",
        Need::Open => "open",
        Need::Partly => "in part",
        Need::Met => "met",
    }
}

/// What became of the run, in a word or two.
pub(crate) fn verdict_words(report: &RunReport) -> (Mark, &'static str) {
    let outcome = &report.outcome;
    match outcome.status.as_str() {
        "done" if outcome.verified => (Mark::Good, "built and verified"),
        "done" => (Mark::Bad, "built, not verified"),
        "planned" => (Mark::Strong, "planned"),
        "cancelled" => (Mark::Bad, "cancelled"),
        "stopped" => (Mark::Bad, "not finished"),
        _ => (Mark::Strong, "under way"),
    }
}

/// Cost, time, estimate, budget, tokens and cache, each as a word and a line.
pub(crate) fn figures(report: &RunReport) -> Vec<(&'static str, String)> {
    let totals = &report.totals;
    let mut rows = vec![
        ("cost", money(totals.cost_micro_usd)),
        ("time", time_words(report)),
    ];
    for one in &report.estimates {
        let told = if one.planned { "expected" } else { "guessed" };
        let cost = one
            .cost_micro_usd
            .map_or_else(|| "no price".to_owned(), money);
        let text = format!(
            "{cost}, {} and {} tokens {}",
            duration(one.wall_ms),
            count(one.tokens),
            if one.planned {
                "with the plan at hand"
            } else {
                "before there was a plan"
            }
        );
        rows.push((told, text));
    }
    for one in &report.budget {
        rows.push(("budget", budget_words(one)));
    }
    let tokens = &report.tokens;
    if tokens.input.saturating_add(tokens.output) > 0 {
        let text = format!("{} in, {} out", count(tokens.input), count(tokens.output));
        rows.push(("tokens", text));
    }
    rows.push(("asks", asks_words(report)));
    if let Some(text) = cache_words(report) {
        rows.push(("cache", text));
    }
    if totals.tasks > 0 {
        rows.push(("tasks", tasks_words(totals)));
    }
    if let (Some(files), Some(added), Some(deleted)) =
        (totals.files, totals.lines_added, totals.lines_deleted)
    {
        let text = format!(
            "{}, {} lines added, {} deleted",
            many(files, "file"),
            count(added),
            count(deleted)
        );
        rows.push(("changed", text));
    }
    rows
}

fn time_words(report: &RunReport) -> String {
    let (time, line) = (&report.time, &report.timeline);
    let mut text = duration(time.worked_ms.max(line.wall_ms));
    if time.elapsed_ms > time.worked_ms.saturating_mul(2) && time.elapsed_ms > 60_000 {
        let _ = write!(text, " of work within {}", duration(time.elapsed_ms));
    }
    if line.width > 1
        && let Some(times) = times(line.busy_ms, line.wall_ms)
    {
        let _ = write!(
            text,
            "; {times} tasks at once on average, {} at most",
            line.width
        );
    }
    text
}

pub(crate) fn budget_words(one: &crate::Budgeted) -> String {
    let words = |amount| match one.resource.as_str() {
        "usd" => money(amount),
        "wall" => duration(amount),
        other => format!("{} {other}", count(amount)),
    };
    format!(
        "{} of {} used, {} %",
        words(one.used),
        words(one.limit),
        one.percent
    )
}

fn tasks_words(totals: &Totals) -> String {
    let mut text = format!(
        "{} of {} done",
        count(totals.tasks_done),
        count(totals.tasks)
    );
    if totals.tasks_left_out > 0 {
        let _ = write!(text, ", {} left out", count(totals.tasks_left_out));
    }
    match totals.attempts.saturating_sub(totals.attempts_passed) {
        0 => {}
        tries => {
            let _ = write!(text, ", {} that did not pass", many(tries, "try"));
        }
    }
    text
}

fn asks_words(report: &RunReport) -> String {
    let cache = &report.cache;
    let kept = cache.exact + cache.semantic;
    let mut text = many(report.totals.asks, "ask");
    if kept > 0 {
        let _ = write!(
            text,
            ", {} of them answered without a provider",
            count(kept)
        );
    }
    if report.totals.asks_failed > 0 {
        let _ = write!(
            text,
            ", {} without an answer",
            count(report.totals.asks_failed)
        );
    }
    text
}

/// What was answered without a provider, by tier, and what that saved.
pub(crate) fn cache_words(report: &RunReport) -> Option<String> {
    let cache = &report.cache;
    let mut parts = Vec::new();
    if cache.exact > 0 {
        parts.push(format!(
            "{} of the same words saved {}",
            many(cache.exact, "answer"),
            money(cache.exact_saved_micro_usd)
        ));
    }
    if cache.semantic > 0 {
        parts.push(format!(
            "{} of the same meaning saved {}",
            many(cache.semantic, "answer"),
            money(cache.semantic_saved_micro_usd)
        ));
    }
    if cache.provider_tokens > 0 {
        parts.push(format!(
            "the provider had {} tokens",
            count(cache.provider_tokens)
        ));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

#[cfg(test)]
mod tests;
