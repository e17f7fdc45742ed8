//! What tools of others print, as findings. `None` is no report at all.

use std::path::Path;

use atelier_model::TreePath;
use serde_json::{Deserializer, Value};

use super::finding::{Finding, Severity};

/// Places in an output where a report is looked for.
const BEGINNINGS_MAX: usize = 200;
/// Values of an output of many.
const VALUES_MAX: usize = 200_000;

/// What a tool printed, and where.
pub(super) struct Output<'a> {
    /// The folder it was executed in.
    pub(super) folder: Option<&'a TreePath>,
    pub(super) root: &'a Path,
    pub(super) text: &'a str,
}

impl Output<'_> {
    /// The report in it: what else a tool says may stand before and behind it.
    fn report(&self) -> Option<Value> {
        let begins = |line: &&str| line.starts_with(['{', '[']);
        let mut at = 0;
        let mut beginnings = Vec::new();
        for line in self.text.split_inclusive('\n') {
            if begins(&line) {
                beginnings.push(at);
            }
            at += line.len();
        }
        let mut found = beginnings
            .into_iter()
            .take(BEGINNINGS_MAX)
            .filter_map(|at| {
                let mut values = Deserializer::from_str(&self.text[at..]).into_iter::<Value>();
                values.next()?.ok()
            });
        found.find(|value| value.is_object() || value.is_array())
    }

    /// The values of an output of many, each on a line of its own or over several.
    fn values(&self) -> Vec<Value> {
        let begin = self.text.find('{').unwrap_or(self.text.len());
        let values = Deserializer::from_str(&self.text[begin..]).into_iter();
        values.map_while(Result::ok).take(VALUES_MAX).collect()
    }

    /// A path of the tool's as one from the root of the tree.
    fn path(&self, named: &str) -> String {
        let named = named.trim_start_matches("./");
        if let Ok(below) = Path::new(named).strip_prefix(self.root) {
            return below.display().to_string();
        }
        match self.folder {
            Some(folder) if !named.starts_with('/') => format!("{folder}/{named}"),
            Some(_) | None => named.to_owned(),
        }
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn number(value: &Value, pointer: &str) -> Option<u64> {
    value.pointer(pointer)?.as_u64()
}

fn items<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value
        .pointer(pointer)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// A finding of a linter.
fn lint(
    tool: &'static str,
    severity: Severity,
    rule: &str,
    place: (String, Option<u64>),
    message: &str,
) -> Finding {
    Finding {
        severity,
        tool,
        rule: rule.to_owned(),
        path: Some(place.0),
        line: place.1,
        message: message.to_owned(),
        remedy: String::new(),
    }
}

pub(super) fn npm_audit(output: &Output<'_>) -> Option<Vec<Finding>> {
    let report = output.report()?;
    let packages = report.get("vulnerabilities")?.as_object()?;
    let mut findings = Vec::new();
    for (name, package) in packages {
        let remedy = match package.get("fixAvailable") {
            Some(Value::Object(_)) => format!(
                "`npm audit fix --force` takes {} {}",
                text(package, "/fixAvailable/name"),
                text(package, "/fixAvailable/version")
            ),
            Some(Value::Bool(true)) => "`npm audit fix` takes a version without it".to_owned(),
            _ => "no version without it is known: do without the package, or look at whether the \
                  fault is reached"
                .to_owned(),
        };
        // What is only reached through another package is told there.
        for fault in items(package, "/via").iter().filter(|via| via.is_object()) {
            findings.push(Finding {
                severity: Severity::of(text(fault, "/severity")),
                tool: "npm-audit",
                rule: text(fault, "/url")
                    .rsplit('/')
                    .next()
                    .unwrap_or_default()
                    .to_owned(),
                path: Some(output.path("package-lock.json")),
                line: None,
                message: format!(
                    "{name} {}: {}",
                    text(fault, "/range"),
                    text(fault, "/title")
                ),
                remedy: remedy.clone(),
            });
        }
    }
    Some(findings)
}

pub(super) fn pip_audit(output: &Output<'_>) -> Option<Vec<Finding>> {
    let report = output.report()?;
    report.get("dependencies")?.as_array()?;
    let mut findings = Vec::new();
    for package in items(&report, "/dependencies") {
        let name = format!("{} {}", text(package, "/name"), text(package, "/version"));
        for fault in items(package, "/vulns") {
            let fixed: Vec<&str> = items(fault, "/fix_versions")
                .iter()
                .filter_map(Value::as_str)
                .collect();
            findings.push(Finding {
                severity: Severity::High,
                tool: "pip-audit",
                rule: text(fault, "/id").to_owned(),
                path: Some(output.path("requirements.txt")),
                line: None,
                message: format!("{name}: {}", text(fault, "/description")),
                remedy: upgrade(&fixed),
            });
        }
    }
    Some(findings)
}

fn upgrade(fixed: &[&str]) -> String {
    if fixed.is_empty() {
        "no version without it is known".to_owned()
    } else {
        format!("take version {}", fixed.join(" or "))
    }
}

pub(super) fn cargo_audit(output: &Output<'_>) -> Option<Vec<Finding>> {
    let report = output.report()?;
    report.pointer("/vulnerabilities/list")?.as_array()?;
    let finding = |one: &Value, severity, otherwise: &str| {
        let fixed: Vec<&str> = items(one, "/versions/patched")
            .iter()
            .filter_map(Value::as_str)
            .collect();
        Finding {
            severity,
            tool: "cargo-audit",
            rule: text(one, "/advisory/id").to_owned(),
            path: Some(output.path("Cargo.lock")),
            line: None,
            message: format!(
                "{} {}: {}",
                text(one, "/package/name"),
                text(one, "/package/version"),
                text(one, "/advisory/title")
            ),
            remedy: if fixed.is_empty() {
                otherwise.to_owned()
            } else {
                upgrade(&fixed)
            },
        }
    };
    let none = "no version without it is known";
    let faults = items(&report, "/vulnerabilities/list").iter();
    let mut findings: Vec<Finding> = faults
        .map(|one| finding(one, Severity::High, none))
        .collect();
    let warnings = report.get("warnings").and_then(Value::as_object);
    for one in warnings
        .into_iter()
        .flat_map(|kinds| kinds.values())
        .flat_map(|kind| items(kind, ""))
    {
        findings.push(finding(
            one,
            Severity::Low,
            "look for a crate that is kept up",
        ));
    }
    Some(findings)
}

pub(super) fn govulncheck(output: &Output<'_>) -> Option<Vec<Finding>> {
    let values = output.values();
    values.iter().find(|value| value.get("config").is_some())?;
    let mut findings: Vec<Finding> = Vec::new();
    for fault in values.iter().filter_map(|value| value.get("finding")) {
        let (rule, module) = (text(fault, "/osv"), text(fault, "/trace/0/module"));
        let function = text(fault, "/trace/0/function");
        // It tells of the module, then of the package, then of the function that is reached.
        let severity = if function.is_empty() {
            Severity::Medium
        } else {
            Severity::High
        };
        let known = findings
            .iter_mut()
            .find(|one| one.rule == rule && one.message.starts_with(module));
        match known {
            Some(known) => known.severity = known.severity.max(severity),
            None => findings.push(Finding {
                severity,
                tool: "govulncheck",
                rule: rule.to_owned(),
                path: Some(output.path("go.mod")),
                line: None,
                message: format!(
                    "{module} {} has a known fault",
                    text(fault, "/trace/0/version")
                ),
                remedy: match text(fault, "/fixed_version") {
                    "" => upgrade(&[]),
                    fixed => upgrade(&[fixed]),
                },
            }),
        }
    }
    Some(findings)
}

pub(super) fn ruff(output: &Output<'_>) -> Option<Vec<Finding>> {
    let report = output.report()?;
    let findings = report.as_array()?.iter().map(|one| {
        let rule = text(one, "/code");
        // Names that are not there, syntax and security; the rest is taste.
        let severity = if rule.is_empty()
            || ["E9", "F8", "S"]
                .iter()
                .any(|begin| rule.starts_with(begin))
        {
            Severity::Medium
        } else {
            Severity::Low
        };
        let place = (
            output.path(text(one, "/filename")),
            number(one, "/location/row"),
        );
        let mut finding = lint("ruff", severity, rule, place, text(one, "/message"));
        text(one, "/fix/message").clone_into(&mut finding.remedy);
        finding
    });
    Some(findings.collect())
}

pub(super) fn eslint(output: &Output<'_>) -> Option<Vec<Finding>> {
    let report = output.report()?;
    let mut findings = Vec::new();
    for file in report.as_array()? {
        for one in items(file, "/messages") {
            let severity = if number(one, "/severity") == Some(2) {
                Severity::Medium
            } else {
                Severity::Low
            };
            let place = (output.path(text(file, "/filePath")), number(one, "/line"));
            findings.push(lint(
                "eslint",
                severity,
                text(one, "/ruleId"),
                place,
                text(one, "/message"),
            ));
        }
    }
    Some(findings)
}

pub(super) fn clippy(output: &Output<'_>) -> Option<Vec<Finding>> {
    let values = output
        .text
        .lines()
        .filter(|line| line.starts_with('{'))
        .take(VALUES_MAX);
    let values: Vec<Value> = values
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    // Without it cargo ended before it compiled anything.
    values
        .iter()
        .find(|value| text(value, "/reason") == "build-finished")?;
    let mut findings = Vec::new();
    for one in values.iter().filter_map(|value| value.get("message")) {
        let mut spans = items(one, "/spans").iter();
        let Some(span) = spans.find(|span| span.get("is_primary") == Some(&Value::Bool(true)))
        else {
            continue;
        };
        let place = (
            output.path(text(span, "/file_name")),
            number(span, "/line_start"),
        );
        let severity = Severity::of(text(one, "/level"));
        let mut finding = lint(
            "clippy",
            severity,
            text(one, "/code/code"),
            place,
            text(one, "/message"),
        );
        let mut notes = items(one, "/children").iter();
        let is_help = |note: &&Value| {
            text(note, "/level") == "help"
                && !text(note, "/message").starts_with("for further information")
        };
        if let Some(help) = notes.find(is_help) {
            text(help, "/message").clone_into(&mut finding.remedy);
        }
        findings.push(finding);
    }
    Some(findings)
}

pub(super) fn hadolint(output: &Output<'_>) -> Option<Vec<Finding>> {
    let report = output.report()?;
    let findings = report.as_array()?.iter().map(|one| {
        let place = (output.path(text(one, "/file")), number(one, "/line"));
        let severity = Severity::of(text(one, "/level"));
        lint(
            "hadolint",
            severity,
            text(one, "/code"),
            place,
            text(one, "/message"),
        )
    });
    Some(findings.collect())
}

pub(super) fn shellcheck(output: &Output<'_>) -> Option<Vec<Finding>> {
    let report = output.report()?;
    let findings = report.get("comments")?.as_array()?.iter().map(|one| {
        let place = (output.path(text(one, "/file")), number(one, "/line"));
        let severity = Severity::of(text(one, "/level"));
        let code = number(one, "/code").unwrap_or_default();
        lint(
            "shellcheck",
            severity,
            &format!("SC{code}"),
            place,
            text(one, "/message"),
        )
    });
    Some(findings.collect())
}

pub(super) fn zizmor(output: &Output<'_>) -> Option<Vec<Finding>> {
    let report = output.report()?;
    let findings = report.as_array()?.iter().map(|one| {
        let mut locations = items(one, "/locations").iter();
        let place = locations
            .clone()
            .find(|place| text(place, "/symbolic/kind") == "Primary")
            .or_else(|| locations.next())
            .unwrap_or(&Value::Null);
        let file = place.pointer("/symbolic/key/Local").unwrap_or(&Value::Null);
        let file = [text(file, "/verbatim_path"), text(file, "/given_path")].concat();
        let row = number(place, "/concrete/location/start_point/row").map(|row| row + 1);
        let severity = Severity::of(text(one, "/determinations/severity"));
        let message = format!(
            "{}: {}",
            text(one, "/desc"),
            text(place, "/symbolic/annotation")
        );
        let mut finding = lint(
            "zizmor",
            severity,
            text(one, "/ident"),
            (output.path(&file), row),
            &message,
        );
        finding.remedy = format!("see {}", text(one, "/url"));
        finding
    });
    Some(findings.collect())
}

#[cfg(test)]
mod tests;
