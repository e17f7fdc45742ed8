//! The report as one page for a browser: no other file, no script, light and dark.

mod chart;
mod element;
mod tables;

use std::fmt::Write as _;

use self::element::{badge, escaped, tile};
use crate::{
    Need, RunReport,
    text::{budget_words, cache_words, verdict_words},
    words::{count, duration, instant, many, money, short, spaced},
};

const STYLE: &str = include_str!("page/style.css");

/// The report as one HTML page that needs no other file and loads nothing.
pub fn page(report: &RunReport) -> String {
    let (_, word) = verdict_words(report);
    let title = format!("{}: {word}", escaped(&report.name));
    let mut text = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" \
         content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{title}</title>\n<style>{STYLE}</style></head>\n<body><main>\n"
    );
    head(&mut text, report);
    tiles(&mut text, report);
    hints(&mut text, report);
    tables::requirements(&mut text, report);
    evidence(&mut text, report);
    tables::notes(&mut text, report);
    spent(&mut text, report);
    chart::timeline(&mut text, report);
    tables::tasks(&mut text, report);
    tables::retries(&mut text, report);
    tables::advice(&mut text, report);
    foot(&mut text, report);
    text.push_str("</main></body></html>\n");
    text
}

fn head(text: &mut String, report: &RunReport) {
    let (mark, word) = verdict_words(report);
    let _ = writeln!(
        text,
        "<header><h1>{} {}</h1>",
        escaped(&report.name),
        badge(mark, word)
    );
    if !report.summary.is_empty() {
        let _ = writeln!(text, "<p class=\"lead\">{}</p>", escaped(&report.summary));
    }
    if !report.outcome.reason.is_empty() && !report.outcome.verified {
        let reason = escaped(&report.outcome.reason);
        let _ = writeln!(text, "<p class=\"box bad\">failed to {reason}</p>");
    }
    let _ = writeln!(
        text,
        "<blockquote>{}</blockquote>\n<dl class=\"facts\">",
        escaped(&report.requirement)
    );
    fact(
        text,
        "Run",
        &format!("<code>{}</code>", escaped(&report.run)),
    );
    fact(text, "Began", &escaped(&instant(&report.time.created_at)));
    if let Some(commit) = &report.outcome.commit {
        let (commit, branch) = (escaped(short(commit)), escaped(&report.outcome.branch));
        let value = format!("<code>{commit}</code> on <code>{branch}</code>");
        fact(text, "Commit", &value);
    }
    if let Some(delivery) = &report.delivery {
        let value = match &delivery.moved {
            Some(branch) => format!("<code>{}</code> holds the result", escaped(branch)),
            None => format!("yours was left alone: {}", escaped(&delivery.reason)),
        };
        fact(text, "Branch", &value);
    }
    text.push_str("</dl></header>\n");
}

/// A name and its value, which is HTML already.
fn fact(text: &mut String, name: &str, value: &str) {
    let _ = writeln!(text, "<dt>{name}</dt><dd>{value}</dd>");
}

fn tiles(text: &mut String, report: &RunReport) {
    let (totals, time) = (&report.totals, &report.time);
    text.push_str("<div class=\"tiles\">\n");
    if totals.requirements > 0 {
        let met = format!(
            "{} of {}",
            count(totals.requirements_met),
            count(totals.requirements)
        );
        let note = format!(
            "{} of {} criteria passed",
            count(totals.criteria_passed),
            count(totals.criteria)
        );
        tile(text, "Requirements met", &met, &note);
    }
    if let Some(verdict) = &report.verdict {
        let note = format!("{} in a fresh checkout", many(verdict.checks, "check"));
        tile(text, "Tests executed", &count(verdict.tests), &note);
    }
    if totals.tasks > 0 {
        let done = format!("{} of {}", count(totals.tasks_done), count(totals.tasks));
        let note = format!("{} in all", many(totals.attempts, "try"));
        tile(text, "Tasks done", &done, &note);
    }
    let asks = many(totals.asks, "ask");
    tile(text, "Cost", &money(totals.cost_micro_usd), &asks);
    let worked = time.worked_ms.max(report.timeline.wall_ms);
    let within = format!("within {}", duration(time.elapsed_ms.max(worked)));
    tile(text, "Time of work", &duration(worked), &within);
    let tokens = &report.tokens;
    let all = tokens.input.saturating_add(tokens.output);
    if all > 0 {
        let note = format!("{} in, {} out", count(tokens.input), count(tokens.output));
        tile(text, "Tokens", &count(all), &note);
    }
    text.push_str("</div>\n");
}

fn hints(text: &mut String, report: &RunReport) {
    if report.hints.is_empty() {
        return;
    }
    text.push_str("<section class=\"next\"><h2>Next</h2><ul>\n");
    for hint in &report.hints {
        let (why, command) = (escaped(&hint.text), escaped(&hint.command));
        let _ = writeln!(text, "<li>{why}: <code>{command}</code></li>");
    }
    text.push_str("</ul></section>\n");
}

fn evidence(text: &mut String, report: &RunReport) {
    let evidence = &report.evidence;
    if report.verdict.is_none() && evidence.sandbox.is_none() {
        return;
    }
    text.push_str("<section><h2>Evidence</h2><dl class=\"facts\">\n");
    if let Some(verdict) = &report.verdict {
        let (mark, word) = if verdict.passed {
            (crate::Mark::Good, "passed")
        } else {
            (crate::Mark::Bad, "failed")
        };
        let value = format!(
            "{} <code>{}</code> in a fresh checkout, {}{}",
            badge(mark, word),
            escaped(short(&verdict.commit)),
            escaped(&instant(&verdict.at)),
            if verdict.whole {
                ""
            } else {
                "; not all tasks were done"
            }
        );
        fact(text, "Verdict", &value);
        if !verdict.failed.is_empty() {
            let failed: Vec<String> = verdict
                .failed
                .iter()
                .take(20)
                .map(|one| escaped(one))
                .collect();
            fact(text, "Failed", &failed.join("<br>"));
        }
    }
    if !evidence.steps.is_empty() {
        fact(text, "Steps", &escaped(&evidence.steps.join("; ")));
    }
    if let Some(level) = &evidence.sandbox {
        let mut value = format!("level <code>{}</code>", escaped(level));
        for lack in &evidence.sandbox_lacks {
            let _ = write!(value, "<br><small>{}</small>", escaped(lack));
        }
        fact(text, "Sandbox", &value);
    }
    if evidence.acceptance_fixed > 0 {
        let mut value = "fixed before the code was asked for".to_owned();
        if evidence.acceptance_changed > 0 {
            let _ = write!(
                value,
                "; changed {} times after that",
                evidence.acceptance_changed
            );
        }
        if evidence.hidden_tests > 0 {
            let _ = write!(
                value,
                "; {} of hidden tests",
                many(evidence.hidden_tests, "file")
            );
        }
        fact(text, "Acceptance", &value);
    }
    if !report.documents.is_empty() {
        let paths: Vec<String> = report
            .documents
            .iter()
            .map(|path| format!("<code>{}</code>", escaped(path)))
            .collect();
        fact(text, "Documents", &paths.join(" "));
    }
    text.push_str("</dl></section>\n");
}

fn spent(text: &mut String, report: &RunReport) {
    text.push_str("<section><h2>Cost and time</h2>\n");
    tables::estimates(text, report);
    for one in &report.budget {
        let percent = one.percent.min(100);
        let tone = if one.percent >= 80 { "bad" } else { "ok" };
        let _ = writeln!(
            text,
            "<div class=\"meter\"><span>Budget: {}</span><i><b class=\"{tone}\" \
             style=\"width:{percent}%\"></b></i></div>",
            escaped(&budget_words(one))
        );
    }
    if let Some(cache) = cache_words(report) {
        let _ = writeln!(text, "<p>Cache: {}.</p>", escaped(&cache));
    }
    tables::models(text, report);
    text.push_str("</section>\n");
}

fn foot(text: &mut String, report: &RunReport) {
    let _ = write!(
        text,
        "<footer>Report of {}, made {}.",
        escaped(&report.run),
        escaped(&instant(&report.made_at))
    );
    if report.totals.left_out > 0 {
        let left = many(report.totals.left_out, "entry");
        let _ = write!(text, " {left} of long lists are left out.");
    }
    text.push_str("</footer>\n");
}

/// The class of a state's colour.
fn tone(need: Need) -> &'static str {
    match need {
        Need::Met => "ok",
        Need::NotMet | Need::Unproven => "bad",
        Need::Open | Need::Partly => "rest",
    }
}

/// The class of an outcome's colour.
fn outcome_tone(outcome: &str) -> &'static str {
    match outcome {
        "passed" | "done" => "ok",
        "open" | "left_out" | "pending" | "ready" | "running" | "verifying" | "merging"
        | "skipped" | "waived" | "interrupted" | "conflict" => "rest",
        _ => "bad",
    }
}

/// A coloured word for an outcome.
fn outcome_word(outcome: &str) -> String {
    let word = escaped(&spaced(outcome));
    format!("<span class=\"{}\">{word}</span>", outcome_tone(outcome))
}

#[cfg(test)]
mod tests;
