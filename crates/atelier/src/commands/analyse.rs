//! `atelier analyse`: what is doubtful in this project, in one report with severity and remedy.

mod finding;
mod own;
mod read;
mod runner;
mod tools;

use atelier_engine::Exit;
use atelier_model::FileTree;
use atelier_report::{self as report, Advice};
use clap::Args;
use serde_json::json;

use self::{
    finding::{Finding, Severity},
    runner::{Outcome, Runner},
    tools::TOOLS,
};
use crate::{
    app::Place,
    cli::{Global, RunOptions},
    cli_error::CliError,
    config::{Config, Sources},
    ui::{Tone, Ui},
    watch::many,
};

/// Findings that are reported; more would be read by nobody.
const FINDINGS_MAX: usize = 10_000;
/// Findings that a person is shown; the rest are counted.
const FINDINGS_SHOWN: usize = 200;
/// Folders in which one tool is executed.
const FOLDERS_MAX: usize = 16;

/// Audit dependencies, look for secrets, run the linters that are installed, find slow steps
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 the report is made · 13 something is as severe as --fail-on says."
)]
pub(crate) struct AnalyseArgs {
    /// Exit with 13 if something is at least so severe: low, medium, high, critical
    #[arg(long, value_name = "SEVERITY")]
    pub(crate) fail_on: Option<Severity>,

    /// Only what these tools find, by their names; `secrets` and `steps` are Atelier's own
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
}

/// Everything that came out.
#[derive(Default)]
struct Analysis {
    findings: Vec<Finding>,
    /// The tools that were executed.
    ran: Vec<&'static str>,
    /// What each other tool would have found, and why it did not.
    absent: Vec<Absent>,
}

/// A tool that told nothing.
struct Absent {
    tool: &'static str,
    finds: &'static str,
    /// Whether it is not there at all.
    missing: bool,
    why: String,
    remedy: String,
}

pub(crate) async fn run(global: &Global, args: &AnalyseArgs, ui: &Ui) -> Result<u8, CliError> {
    check_names(&args.only)?;
    let place = Place::find(global)?;
    let sources = Sources::read(&place.root)?;
    let config = Config::load(&sources, global, &RunOptions::default())?;
    let tree = place.tree()?;
    let is_wanted = |name: &str| args.only.is_empty() || args.only.iter().any(|one| one == name);
    let mut analysis = Analysis::default();
    analysis.look(&place, &sources, &tree, &is_wanted)?;
    analysis
        .ask(&Runner::new(&place, &config)?, &tree, &is_wanted, ui)
        .await;
    analysis.sort();
    analysis.tell(ui);
    let worst = analysis.findings.iter().map(|one| one.severity).max();
    let failed = args.fail_on.is_some_and(|least| worst >= Some(least));
    Ok(if failed { Exit::Failed } else { Exit::Verified } as u8)
}

/// Everything that the tools say of the project as it stands, for a report.
pub(super) async fn advice(
    place: &Place,
    sources: &Sources,
    config: &Config,
    ui: &Ui,
) -> Result<Advice, CliError> {
    let tree = place.tree()?;
    let mut analysis = Analysis::default();
    analysis.look(place, sources, &tree, &|_| true)?;
    let runner = Runner::new(place, config)?;
    analysis.ask(&runner, &tree, &|_| true, ui).await;
    analysis.sort();
    Ok(Advice {
        of: "the project's folder".to_owned(),
        ..analysis.told()
    })
}

/// What is known of the project's steps without executing anything, for a report.
pub(super) fn slow_steps(place: &Place, sources: &Sources) -> Result<Advice, CliError> {
    let mut analysis = Analysis::default();
    analysis.look(place, sources, &FileTree::default(), &|name| {
        name == own::STEPS
    })?;
    Ok(Advice {
        ran: Vec::new(),
        ..analysis.told()
    })
}

fn check_names(only: &[String]) -> Result<(), CliError> {
    let known = || {
        TOOLS
            .iter()
            .map(|tool| tool.name)
            .chain([own::SECRETS, own::STEPS])
    };
    match only
        .iter()
        .find(|name| known().all(|one| one != name.as_str()))
    {
        None => Ok(()),
        Some(name) => Err(CliError::NotFound {
            what: "tool",
            name: name.clone(),
            known: known().map(str::to_owned).collect(),
        }),
    }
}

impl Analysis {
    /// What Atelier finds itself.
    fn look(
        &mut self,
        place: &Place,
        sources: &Sources,
        tree: &FileTree,
        is_wanted: &dyn Fn(&str) -> bool,
    ) -> Result<(), CliError> {
        if is_wanted(own::SECRETS) {
            self.ran.push(own::SECRETS);
            self.findings.extend(own::secrets(tree));
        }
        if is_wanted(own::STEPS) {
            self.ran.push(own::STEPS);
            self.findings.extend(own::slow_steps(place, sources)?);
        }
        Ok(())
    }

    /// What the tools of others find.
    async fn ask(
        &mut self,
        runner: &Runner,
        tree: &FileTree,
        is_wanted: &(dyn Fn(&str) -> bool + Sync),
        ui: &Ui,
    ) {
        for tool in TOOLS.iter().filter(|tool| is_wanted(tool.name)) {
            self.execute(tool, runner, tree, ui).await;
        }
    }

    /// The same in the words of a report.
    fn told(self) -> Advice {
        let findings = self.findings.into_iter().map(|one| report::Finding {
            severity: one.severity.as_str().to_owned(),
            tool: one.tool.to_owned(),
            place: one.place(),
            rule: one.rule,
            message: one.message,
            remedy: one.remedy,
        });
        let silent = self.absent.into_iter().map(|one| report::Silent {
            tool: one.tool.to_owned(),
            finds: one.finds.to_owned(),
            why: one.why,
            remedy: one.remedy,
        });
        Advice {
            findings: findings.collect(),
            ran: self.ran.iter().map(|tool| (*tool).to_owned()).collect(),
            silent: silent.collect(),
            ..Advice::default()
        }
    }

    /// Executes a tool wherever the tree has something for it.
    async fn execute(
        &mut self,
        tool: &'static tools::Tool,
        runner: &Runner,
        tree: &FileTree,
        ui: &Ui,
    ) {
        for folder in tool.folders(tree).into_iter().take(FOLDERS_MAX) {
            ui.status(&format!("{} …", tool.name));
            let outcome = runner.run(tool, folder.as_ref(), tree).await;
            let (missing, why, remedy) = match outcome {
                Outcome::Told(findings) => {
                    self.findings.extend(findings);
                    if !self.ran.contains(&tool.name) {
                        self.ran.push(tool.name);
                    }
                    continue;
                }
                Outcome::Missing => (true, "it is not installed".to_owned(), tool.get.to_owned()),
                Outcome::Failed { why, remedy } => (false, why, remedy),
            };
            if self.absent.iter().all(|one| one.tool != tool.name) {
                let (name, finds) = (tool.name, tool.finds);
                self.absent.push(Absent {
                    tool: name,
                    finds,
                    missing,
                    why,
                    remedy,
                });
            }
        }
    }

    /// The most severe first; among equals as they stand in the tree.
    fn sort(&mut self) {
        self.findings.sort_by(|a, b| {
            (b.severity, &a.path, a.line, a.tool, &a.rule, &a.message)
                .cmp(&(a.severity, &b.path, b.line, b.tool, &b.rule, &b.message))
        });
        self.findings.dedup();
        self.findings.truncate(FINDINGS_MAX);
    }

    fn tell(&self, ui: &Ui) {
        if ui.is_json() {
            return self.tell_json(ui);
        }
        for one in self.findings.iter().take(FINDINGS_SHOWN) {
            let tone = match one.severity {
                Severity::Critical | Severity::High => Tone::Bad,
                Severity::Medium => Tone::Warning,
                Severity::Low => Tone::Faint,
            };
            let severity = ui.ink(tone, &format!("{:<8}", one.severity.as_str()));
            let rule = ui.ink(Tone::Faint, &format!("{} {}", one.tool, one.rule));
            ui.out(&format!(
                "{severity} {}  {}  {rule}",
                one.place(),
                one.message
            ));
            if !one.remedy.is_empty() {
                ui.out(&ui.ink(Tone::Faint, &format!("         {}", one.remedy)));
            }
        }
        let more = self.findings.len().saturating_sub(FINDINGS_SHOWN);
        if more > 0 {
            ui.out(&format!(
                "and {}; --json has them all",
                many(more, "finding")
            ));
        }
        for one in &self.absent {
            let Absent {
                tool,
                finds,
                why,
                remedy,
                ..
            } = one;
            ui.warn(&format!("{tool} told nothing of {finds}: {why}; {remedy}"));
        }
        ui.out(&self.sum());
    }

    fn tell_json(&self, ui: &Ui) {
        for one in &self.findings {
            let mut line = json!({"v": 1, "type": "finding"});
            if let (Some(line), Ok(serde_json::Value::Object(more))) =
                (line.as_object_mut(), serde_json::to_value(one))
            {
                line.extend(more);
            }
            ui.out(&line.to_string());
        }
        for one in &self.absent {
            let kind = if one.missing {
                "tool_missing"
            } else {
                "tool_failed"
            };
            let line = json!({
                "v": 1, "type": kind, "tool": one.tool, "finds": one.finds, "why": one.why,
                "remedy": one.remedy,
            });
            ui.out(&line.to_string());
        }
        let counts = Severity::ALL.map(|severity| (severity.as_str(), self.count(severity)));
        let counts: serde_json::Map<_, _> = counts
            .into_iter()
            .map(|(name, count)| (name.to_owned(), count.into()))
            .collect();
        let line = json!({"v": 1, "type": "analysis", "findings": counts, "ran": self.ran});
        ui.out(&line.to_string());
    }

    fn count(&self, severity: Severity) -> usize {
        self.findings
            .iter()
            .filter(|one| one.severity == severity)
            .count()
    }

    fn sum(&self) -> String {
        let counts = Severity::ALL.map(|severity| (self.count(severity), severity.as_str()));
        let told = counts.iter().rev().filter(|(count, _)| *count > 0);
        let told: Vec<String> = told
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
        let told = if told.is_empty() {
            "nothing found".to_owned()
        } else {
            told.join(", ")
        };
        format!("{}: {told}", many(self.ran.len(), "tool"))
    }
}
