//! Acceptance checks: commands, files, patterns, requests, and questions to a person.

use atelier_exec::{Command, Exit, Report};
use atelier_model::{
    Acceptance, Check, CheckOutcome, CheckResult, FileTree, PathError, TestCounts, TreePath,
};
use atelier_recipe::Selection;

use super::{Known, Level, Verification};
use crate::{
    Answer, BuildError, Question,
    approve::ask_person,
    conclude::{
        Wanted, blank, conclude, judge_again, mismatch, not_started, of_reason, only_tests,
        tests_wanted,
    },
};

/// Where a service listens that is alone in its network.
const SERVICE_PORT: u16 = 8080;

impl Verification<'_> {
    /// Runs one criterion alone, for instance to see that it fails before the work.
    pub(crate) async fn criterion(
        &self,
        name: &str,
        acceptance: &Acceptance,
        known: &Known,
    ) -> Result<CheckResult, BuildError> {
        let command = acceptance.how();
        let wall_ms = acceptance
            .timeout_seconds
            .map_or(self.ctx.limits.step_wall_ms_max, |s| s.saturating_mul(1000));
        let wall_ms = wall_ms.min(self.ctx.limits.step_wall_ms_max);
        self.began(name, &command).await?;
        let mut result = match &acceptance.check {
            Check::Command { argv, cwd } => match known.get(&(argv.clone(), cwd.clone())) {
                Some(known) if only_tests(acceptance) => {
                    judge_again(known, tests_wanted(argv, acceptance))
                }
                _ => {
                    self.command(argv, cwd.as_deref(), acceptance, wall_ms)
                        .await?
                }
            },
            Check::File { path, contains } => self.file(path, contains.as_deref()),
            Check::Regex { path, pattern } => self.pattern(path, pattern),
            Check::Http {
                start,
                method,
                path,
                body,
            } => {
                self.http(start, (method, path, body.as_deref()), acceptance, wall_ms)
                    .await?
            }
            Check::Human { question } => self.person(question).await?,
        };
        name.clone_into(&mut result.name);
        result.command = command;
        let level = match &acceptance.check {
            Check::Command { .. } | Check::Http { .. } => Some(self.level().await?.sandbox),
            Check::File { .. } | Check::Regex { .. } | Check::Human { .. } => None,
        };
        self.ended(&result, level).await?;
        Ok(result)
    }

    async fn command(
        &self,
        argv: &[String],
        cwd: Option<&str>,
        acceptance: &Acceptance,
        wall_ms: u64,
    ) -> Result<CheckResult, BuildError> {
        let cwd = match below(cwd) {
            Ok(cwd) => cwd,
            Err(error) => {
                return Ok(CheckResult {
                    outcome: CheckOutcome::NotStarted,
                    reason: error.to_string(),
                    ..blank()
                });
            }
        };
        let cwd = cwd.as_ref().map(TreePath::as_str);
        let command = self.prepare(argv, cwd, wall_ms).await?;
        let sandbox = &self.ctx.sandbox;
        let report = match sandbox.run(&command, &self.ctx.cancel, None).await {
            Err(error) => return Ok(not_started(&error, [])),
            Ok(report) => report,
        };
        let format = atelier_recipe::recognise_tests(argv);
        let tests =
            format.and_then(|format| atelier_recipe::read_report(&format, &report.output, &[]));
        let wanted = Wanted {
            exit: acceptance.expect.exit.unwrap_or(0),
            output: acceptance.expect.output.as_deref(),
            tests: tests_wanted(argv, acceptance),
        };
        self.judge(&report, tests, &wanted).await
    }

    async fn level(&self) -> Result<&Level, BuildError> {
        self.ctx.checks.level(self.ctx).await
    }

    async fn prepare(
        &self,
        argv: &[String],
        cwd: Option<&str>,
        wall_ms: u64,
    ) -> Result<Command, BuildError> {
        let limits = &self.ctx.limits;
        Ok(Command {
            argv: argv.to_vec(),
            cwd: cwd.map_or_else(|| self.folder.to_owned(), |cwd| self.folder.join(cwd)),
            env: atelier_exec::environment(&self.ctx.home),
            writable: vec![self.folder.to_owned(), self.ctx.home.clone()],
            wall_ms,
            idle_ms: limits.step_idle_ms_max,
            output_bytes_max: limits.output_bytes_max,
            processes_max: limits.step_processes_max,
            kill_grace_ms: limits.kill_grace_ms_max,
            stdin: Vec::new(),
            confinement: self.level().await?.confinement(),
        })
    }

    /// Concludes from a report, and keeps its output.
    pub(super) async fn judge(
        &self,
        report: &Report,
        tests: Option<TestCounts>,
        wanted: &Wanted<'_>,
    ) -> Result<CheckResult, BuildError> {
        if report.exit == Exit::Cancelled {
            return Err(BuildError::Cancelled);
        }
        let output = self.keep(&report.output).await?;
        let (outcome, reason) = conclude(report, tests.as_ref(), wanted);
        let exit = match report.exit {
            Exit::Code(code) => Some(code),
            Exit::Signal(_) | Exit::WallTimeout | Exit::IdleTimeout | Exit::Cancelled => None,
        };
        Ok(CheckResult {
            outcome,
            reason,
            exit,
            tests,
            output,
            duration_ms: report.duration_ms,
            ..blank()
        })
    }

    fn file(&self, path: &str, contains: Option<&str>) -> CheckResult {
        let found = path.parse().ok().and_then(|path| self.tree.get(&path));
        let reason = match (found, contains) {
            (None, _) => format!("`{path}` does not exist"),
            (Some(file), Some(text)) if !file.as_text().is_some_and(|all| all.contains(text)) => {
                format!("`{path}` does not contain `{text}`")
            }
            (Some(_), _) => String::new(),
        };
        of_reason(reason)
    }

    fn pattern(&self, path: &str, pattern: &str) -> CheckResult {
        let text = path.parse().ok().and_then(|path| self.tree.text(&path));
        let expression = regex::RegexBuilder::new(pattern).multi_line(true).build();
        let reason = match (text, expression) {
            (None, _) => format!("`{path}` does not exist or is not text"),
            (_, Err(_)) => format!("the expression `{pattern}` does not compile"),
            (Some(text), Ok(expression)) if !expression.is_match(text) => {
                format!("`{path}` does not match `{pattern}`")
            }
            (Some(_), Ok(_)) => String::new(),
        };
        of_reason(reason)
    }

    async fn http(
        &self,
        start: &[String],
        (method, path, body): (&str, &str, Option<&str>),
        acceptance: &Acceptance,
        wall_ms: u64,
    ) -> Result<CheckResult, BuildError> {
        let port = if self.level().await?.own_network {
            SERVICE_PORT
        } else {
            atelier_exec::free_port().map_err(BuildError::Port)?
        };
        let mut command = self.prepare(start, None, wall_ms).await?;
        command.env.insert("PORT".to_owned(), port.to_string());
        let service = match self.ctx.sandbox.serve(&command, &self.ctx.cancel).await {
            Err(error) => return Ok(not_started(&error, [])),
            Ok(service) => service,
        };
        let answer = service.request(port, method, path, body, wall_ms).await;
        let report = service.stop().await?;
        if self.ctx.cancel.is_cancelled() {
            return Err(BuildError::Cancelled);
        }
        let wanted = acceptance.expect.status.unwrap_or(200);
        let pattern = acceptance.expect.output.as_deref();
        let (seen, reason) = match answer {
            Err(error) => (String::new(), format!("no answer: {error}")),
            Ok(answer) if answer.status != wanted => (
                answer.body,
                format!("the status is {}, not {wanted}", answer.status),
            ),
            Ok(answer) => {
                let reason = mismatch(&answer.body, pattern).unwrap_or_default();
                (answer.body, reason)
            }
        };
        let text = format!("response:\n{seen}\n\nserver:\n{}", report.output);
        let output = self.keep(&text).await?;
        Ok(CheckResult {
            output,
            duration_ms: report.duration_ms,
            ..of_reason(reason)
        })
    }

    async fn person(&self, question: &str) -> Result<CheckResult, BuildError> {
        if !self.ask_person {
            return Ok(of_reason(String::new()));
        }
        let id = self.task.map(ToString::to_string).unwrap_or_default();
        let question = Question::Look {
            id,
            question: question.to_owned(),
            folder: self.folder.display().to_string(),
        };
        let said = ask_person(self.ctx, self.run, &question).await?;
        Ok(match said.answer {
            Answer::Yes => of_reason(String::new()),
            Answer::No if said.reason.is_empty() => {
                of_reason("a person looked and said no".to_owned())
            }
            Answer::No => of_reason(format!("a person looked and said no: {}", said.reason)),
            Answer::Nobody => CheckResult {
                outcome: CheckOutcome::NeedsPerson,
                reason: "a person must look".to_owned(),
                ..blank()
            },
        })
    }
}

/// The tests that a criterion asks for, where it asks for nothing else; `None` where that is not
/// certain.
pub(crate) fn selection(acceptance: &Acceptance, tree: &FileTree) -> Option<Selection> {
    let Check::Command { argv, cwd } = &acceptance.check else {
        return None;
    };
    let folder = below(cwd.as_deref()).ok()?;
    let selection = || Selection::of(argv, folder.as_ref(), tree);
    only_tests(acceptance).then(selection).flatten()
}

/// The folder a criterion names, which a model wrote: at or below the project's root, or nowhere.
pub(super) fn below(cwd: Option<&str>) -> Result<Option<TreePath>, PathError> {
    match cwd.map(TreePath::parse) {
        None | Some(Err(PathError::Empty)) => Ok(None),
        Some(Ok(path)) => Ok(Some(path)),
        Some(Err(error)) => Err(error),
    }
}
