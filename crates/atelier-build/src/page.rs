//! A check as one page for a browser: what became of each step, when, and what held it up.

use std::fmt::Write as _;

use crate::{CheckReport, StepReport, junit::escaped};

/// Steps that the page shows; the rest are counted.
const STEPS_MAX: usize = 2_000;

const STYLE: &str = "\
:root{color-scheme:light dark;--ok:#1a7f37;--bad:#cf222e;--rest:#6e7781;--kept:#0969da;--line:#8884}\
body{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem}\
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.25rem .6rem;\
border-bottom:1px solid var(--line);vertical-align:top}td.n{text-align:right;\
font-variant-numeric:tabular-nums}td.t{width:40%}.lane{position:relative;height:1.1rem}\
.bar{position:absolute;top:.15rem;height:.8rem;min-width:2px;border-radius:2px;background:var(--rest)}\
.ok{color:var(--ok)}.bad{color:var(--bad)}.kept{color:var(--kept)}.rest{color:var(--rest)}\
.bar.ok{background:var(--ok)}.bar.bad{background:var(--bad)}.bar.kept{background:var(--kept)}\
pre{white-space:pre-wrap;overflow-wrap:anywhere;margin:.3rem 0}";

impl CheckReport {
    /// The check as one HTML page that needs no other file and loads nothing.
    pub fn page(&self, project: &str) -> String {
        let title = format!("{} · {}", escaped(project), self.word());
        let mut text = format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\">\
             <meta http-equiv=\"Content-Security-Policy\" \
             content=\"default-src 'none'; style-src 'unsafe-inline'\">\
             <title>{title}</title><style>{STYLE}</style></head><body>\n<h1>{title}</h1>\n"
        );
        let _ = writeln!(
            text,
            "<p>{} steps in {}; {} saved.</p>",
            self.steps.len(),
            spell(self.took_ms),
            spell(self.saved_ms)
        );
        self.table(&mut text);
        self.chain(&mut text);
        text.push_str("</body></html>\n");
        text
    }

    fn word(&self) -> &'static str {
        match (self.cancelled, self.passed) {
            (true, _) => "cancelled",
            (false, true) => "passed",
            (false, false) => "failed",
        }
    }

    fn table(&self, text: &mut String) {
        text.push_str(
            "<table><thead><tr><th>Step<th>Result<th>Tests<th>Time<th>When</thead><tbody>\n",
        );
        let mut steps: Vec<&StepReport> = self.steps.iter().collect();
        // What needs a person stands first; the rest in the order in which it happened.
        steps.sort_by_key(|step| (tone(step) != "bad", step.start_ms));
        for step in steps.iter().take(STEPS_MAX) {
            self.row(text, step);
        }
        text.push_str("</tbody></table>\n");
        let left = steps.len().saturating_sub(STEPS_MAX);
        if left > 0 {
            let _ = writeln!(text, "<p>{left} more steps are in the JSON report.</p>");
        }
    }

    fn row(&self, text: &mut String, step: &StepReport) {
        let tone = tone(step);
        let tests = step.tests.as_ref().map_or_else(String::new, |tests| {
            format!(
                "{} passed, {} failed, {} skipped",
                tests.passed, tests.failed, tests.skipped
            )
        });
        let whole = self.took_ms.max(1);
        let percent = |ms: u64| ms.min(whole).saturating_mul(10_000) / whole;
        let (left, width) = (percent(step.start_ms), percent(step.took_ms));
        let _ = writeln!(
            text,
            "<tr><td>{}<td><span class=\"{tone}\">{}</span><br><small>{}</small>{}\
             <td>{tests}<td class=\"n\">{}<td class=\"t\"><div class=\"lane\">\
             <div class=\"bar {tone}\" style=\"left:{};width:{}\"></div></div>",
            escaped(&step.step),
            escaped(&step.verdict.replace('_', " ")),
            escaped(&step.why),
            failures(step),
            spell(step.took_ms),
            hundredths(left),
            hundredths(width),
        );
    }

    fn chain(&self, text: &mut String) {
        if self.critical_path.is_empty() {
            return;
        }
        text.push_str(
            "<h2>What decided how long it took</h2>\n\
             <table><thead><tr><th>Step<th>Took<th>Waited<th>Could save</thead><tbody>\n",
        );
        for link in &self.critical_path {
            let potential = link.potential_ms.map_or_else(String::new, spell);
            let _ = writeln!(
                text,
                "<tr><td>{}<td class=\"n\">{}<td class=\"n\">{}<td class=\"n\">{potential}",
                escaped(&link.step),
                spell(link.took_ms),
                spell(link.waited_ms),
            );
        }
        text.push_str("</tbody></table>\n");
    }
}

/// What a person has to know of a step that failed.
fn failures(step: &StepReport) -> String {
    let mut text = String::new();
    if let Some(failure) = &step.failure {
        let _ = write!(text, "<pre>{}</pre>", lines(failure));
    }
    for failure in step.tests.iter().flat_map(|tests| &tests.failures) {
        let place = failure.place.as_deref().unwrap_or_default();
        let _ = write!(
            text,
            "<details><summary class=\"bad\">{} <small>{}</small></summary><pre>{}</pre></details>",
            escaped(&failure.name),
            escaped(place),
            lines(&failure.message)
        );
    }
    if let Some(hint) = &step.hint {
        let _ = write!(text, "<p>{}</p>", escaped(hint));
    }
    text
}

/// Escaped, with its lines as lines.
fn lines(text: &str) -> String {
    text.lines().map(escaped).collect::<Vec<_>>().join("\n")
}

fn tone(step: &StepReport) -> &'static str {
    match step.verdict.as_str() {
        "succeeded" => "ok",
        "up_to_date" | "cut_off" | "restored" => "kept",
        "failed" | "flaky" => "bad",
        _ => "rest",
    }
}

/// `12.34%` for 1234.
fn hundredths(value: u64) -> String {
    format!("{}.{:02}%", value / 100, value % 100)
}

/// `430 ms`, `12.3 s`, `4 min 5 s`.
fn spell(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        _ => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1_000),
    }
}

#[cfg(test)]
mod tests;
