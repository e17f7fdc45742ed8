//! Build steps and acceptance checks over one tree: evidence, never opinion.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use atelier_exec::{Command, Confinement, Exit, Report, SpawnError};
use atelier_model::{
    Acceptance, Check, CheckOutcome, CheckResult, Digest, EventKind, Evidence, FileEntry, FileTree,
    PathError, RunId, TaskId, TestCounts, TreePath,
};
use atelier_recipe::{BuildStep, ReportFormat, StepKind};

use crate::{
    Answer, BuildError, Ctx, Question,
    approve::ask_person,
    conclude::{
        Wanted, blank, conclude, judge_again, mismatch, not_started, of_reason, only_tests,
        tests_wanted,
    },
};

/// One verification: a tree that stands in a folder, and what it must show.
pub(crate) struct Verification<'a> {
    pub(crate) ctx: &'a Ctx,
    pub(crate) run: &'a RunId,
    pub(crate) task: Option<&'a TaskId>,
    /// Folder the tree stands in.
    pub(crate) folder: &'a Path,
    /// The tree as it must be; what stands on disk beside it is not looked at.
    pub(crate) tree: &'a FileTree,
    /// Files of the tree that must stand on disk as they are in the tree when checks run.
    pub(crate) guarded: Vec<&'a TreePath>,
    /// Name and criterion of each acceptance check.
    pub(crate) acceptance: Vec<(String, &'a Acceptance)>,
    /// Tests that ran before: fewer means that tests were lost.
    pub(crate) tests_before: u64,
    /// Whether questions to a person are asked; otherwise they count as answered.
    pub(crate) ask_person: bool,
}

/// What one command concluded, kept so that the same command is not run twice over one tree.
type Known = BTreeMap<(Vec<String>, Option<String>), CheckResult>;

impl Verification<'_> {
    /// Runs everything until the first build step that fails; then all acceptance checks.
    pub(crate) async fn run(&self) -> Result<Evidence, BuildError> {
        let mut evidence = Evidence::default();
        let mut known = Known::new();
        let mut ran = 0_u64;
        for project in self.ctx.recipes.detect(self.tree) {
            for step in project.steps(self.tree) {
                if !matches!(
                    step.kind,
                    StepKind::Install | StepKind::Build | StepKind::Test
                ) {
                    continue;
                }
                if step.kind == StepKind::Test {
                    self.guard().await?;
                }
                let result = self.step(&step).await?;
                let executed = result.tests.as_ref().map_or(0, TestCounts::executed);
                ran = u64::saturating_add(ran, executed);
                let cwd = step.cwd.as_ref().map(ToString::to_string);
                known.insert((step.argv.clone(), cwd), result.clone());
                let passed = result.outcome.passed();
                evidence.checks.push(result);
                // What follows a broken build says nothing new and costs time.
                if !passed {
                    return Ok(evidence);
                }
            }
        }
        for (name, acceptance) in &self.acceptance {
            self.guard().await?;
            let result = self.criterion(name, acceptance, &known).await?;
            evidence.checks.push(result);
        }
        if ran < self.tests_before {
            evidence.checks.push(self.tests_lost(ran).await?);
        }
        Ok(evidence)
    }

    /// Puts guarded files back where a build step or an earlier check changed them on disk, and
    /// takes away what came there to decide which tests run.
    async fn guard(&self) -> Result<(), BuildError> {
        let bytes_max = self.ctx.limits.file_bytes_max;
        let on_disk = |path: &TreePath| atelier_exec::file_read(self.folder, path, bytes_max);
        let guarded = self.guarded.iter().map(|path| (*path).clone());
        let changed: BTreeMap<TreePath, Option<FileEntry>> = guarded
            .filter(|path| on_disk(path).as_ref() != self.tree.get(path))
            .chain(self.strays())
            .map(|path| {
                let file = self.tree.get(&path).cloned();
                (path, file)
            })
            .collect();
        if changed.is_empty() {
            return Ok(());
        }
        atelier_exec::tree_write(self.folder, &changed)?;
        let files = changed
            .iter()
            .map(|(path, file)| match file {
                Some(_) => format!("{path}: changed by a build step"),
                None => format!("{path}: made by a build step, and it decides which tests run"),
            })
            .collect();
        self.tell(EventKind::TestsRestored { files }).await
    }

    /// Files on disk that decide which tests run although the tree does not have them.
    fn strays(&self) -> Vec<TreePath> {
        let folders = folders(self.tree);
        let beside = atelier_exec::files_beside(self.folder, folders.iter().map(Option::as_ref));
        let stray =
            |path: &TreePath| atelier_recipe::decides_tests(path) && !self.tree.contains(path);
        beside.into_iter().filter(stray).collect()
    }

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
        self.ended(&result).await?;
        Ok(result)
    }

    async fn step(&self, step: &BuildStep) -> Result<CheckResult, BuildError> {
        let line = step.argv.join(" ");
        self.began(&step.name, &line).await?;
        let wall_max = self.ctx.limits.step_wall_ms_max;
        let wall_ms = step.timeout_ms.unwrap_or(wall_max).min(wall_max);
        let cwd = step.cwd.as_ref().map(TreePath::as_str);
        let report = self.process(&step.argv, cwd, &step.env, wall_ms).await;
        let mut result = match report {
            Err(error) => not_started(&error, step.tools.iter().map(|tool| tool.hint.as_str())),
            Ok(report) => {
                let tests = match (&step.report, step.kind) {
                    (Some(format), StepKind::Test) => {
                        self.counts(*format, &report, cwd, &step.report_files)
                    }
                    _ => None,
                };
                let asked = step.kind == StepKind::Test && self.tests_expected();
                self.judge(
                    &report,
                    tests,
                    &Wanted {
                        exit: 0,
                        output: None,
                        tests: asked.then_some(1),
                    },
                )
                .await?
            }
        };
        result.name.clone_from(&step.name);
        result.command = line;
        self.ended(&result).await?;
        Ok(result)
    }

    /// Tests are asked for once there are tests, or once a criterion counts them.
    fn tests_expected(&self) -> bool {
        self.tests_before > 0
            || self.tree.paths().any(atelier_recipe::is_test_path)
            || self
                .acceptance
                .iter()
                .any(|(_, one)| one.expect.tests_min.is_some())
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
        let report = match self.process(argv, cwd, &BTreeMap::new(), wall_ms).await {
            Err(error) => return Ok(not_started(&error, [])),
            Ok(report) => report,
        };
        let format = atelier_recipe::recognise_tests(argv);
        let tests = format.and_then(|format| self.counts(format, &report, cwd, &[]));
        let wanted = Wanted {
            exit: acceptance.expect.exit.unwrap_or(0),
            output: acceptance.expect.output.as_deref(),
            tests: tests_wanted(argv, acceptance),
        };
        self.judge(&report, tests, &wanted).await
    }

    fn counts(
        &self,
        format: ReportFormat,
        report: &Report,
        cwd: Option<&str>,
        files: &[String],
    ) -> Option<TestCounts> {
        let folder = cwd.map_or_else(|| self.folder.to_owned(), |cwd| self.folder.join(cwd));
        let found = atelier_exec::files_matching(&folder, files, self.ctx.limits.file_bytes_max);
        atelier_recipe::read_report(&format, &report.output, &found)
    }

    async fn process(
        &self,
        argv: &[String],
        cwd: Option<&str>,
        env: &BTreeMap<String, String>,
        wall_ms: u64,
    ) -> Result<Report, SpawnError> {
        let command = self.prepare(argv, cwd, env, wall_ms);
        self.ctx.sandbox.run(&command, &self.ctx.cancel, None).await
    }

    fn prepare(
        &self,
        argv: &[String],
        cwd: Option<&str>,
        env: &BTreeMap<String, String>,
        wall_ms: u64,
    ) -> Command {
        let limits = &self.ctx.limits;
        let mut all = atelier_exec::environment(&self.ctx.home);
        all.extend(
            env.iter()
                .map(|(name, value)| (name.clone(), value.clone())),
        );
        Command {
            argv: argv.to_vec(),
            cwd: cwd.map_or_else(|| self.folder.to_owned(), |cwd| self.folder.join(cwd)),
            env: all,
            writable: vec![self.folder.to_owned(), self.ctx.home.clone()],
            wall_ms,
            idle_ms: limits.step_idle_ms_max,
            output_bytes_max: limits.output_bytes_max,
            processes_max: limits.step_processes_max,
            kill_grace_ms: limits.kill_grace_ms_max,
            stdin: Vec::new(),
            confinement: Confinement::light(),
        }
    }

    /// Concludes from a report, and keeps its output.
    async fn judge(
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
        let port = atelier_exec::free_port().map_err(BuildError::Port)?;
        let env = BTreeMap::from([("PORT".to_owned(), port.to_string())]);
        let command = self.prepare(start, None, &env, wall_ms);
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
        let answer = ask_person(self.ctx, self.run, self.task, &question).await?;
        Ok(match answer {
            Answer::Yes => of_reason(String::new()),
            Answer::No => of_reason("a person looked and said no".to_owned()),
            Answer::Nobody => CheckResult {
                outcome: CheckOutcome::NeedsPerson,
                reason: "a person must look".to_owned(),
                ..blank()
            },
        })
    }

    async fn tests_lost(&self, ran: u64) -> Result<CheckResult, BuildError> {
        let before = self.tests_before;
        let result = CheckResult {
            name: "tests kept".to_owned(),
            command: "count the tests".to_owned(),
            ..of_reason(format!(
                "{before} tests ran before and {ran} run now: put them back"
            ))
        };
        self.began(&result.name, &result.command).await?;
        self.ended(&result).await?;
        Ok(result)
    }

    /// Output is kept without the folder's name, which differs from run to run.
    async fn keep(&self, output: &str) -> Result<Digest, BuildError> {
        let folder = self.folder.display().to_string();
        let text = output.replace(&folder, ".");
        Ok(self.ctx.store.blob_put(text.as_bytes()).await?)
    }

    async fn began(&self, name: &str, command: &str) -> Result<(), BuildError> {
        let kind = EventKind::CheckStarted {
            name: name.to_owned(),
            command: command.to_owned(),
        };
        self.tell(kind).await
    }

    async fn ended(&self, result: &CheckResult) -> Result<(), BuildError> {
        self.tell(EventKind::CheckFinished {
            name: result.name.clone(),
            outcome: result.outcome,
            reason: result.reason.clone(),
            tests: result.tests.clone(),
            duration_ms: result.duration_ms,
        })
        .await
    }

    async fn tell(&self, kind: EventKind) -> Result<(), BuildError> {
        self.ctx
            .store
            .event_append(Some(self.run), self.task, kind, self.ctx.now())
            .await?;
        Ok(())
    }
}

/// Every folder of a tree, `None` for its root, and the hidden ones beside its files in which tools
/// look for settings.
fn folders(tree: &FileTree) -> BTreeSet<Option<TreePath>> {
    let mut folders = BTreeSet::from([None]);
    for path in tree.paths() {
        let mut at = path.parent();
        while let Some(folder) = at {
            at = folder.parent();
            folders.insert(Some(folder));
        }
    }
    let hidden = [".cargo", ".config", ".mvn"].map(|name| TreePath::parse(name).ok());
    let beside = |folder: &Option<TreePath>| {
        let folder = folder.clone();
        hidden.clone().into_iter().flatten().map(move |name| {
            Some(
                folder
                    .as_ref()
                    .map_or_else(|| name.clone(), |at| name.below(at)),
            )
        })
    };
    let more: Vec<_> = folders.iter().flat_map(beside).collect();
    folders.extend(more);
    folders
}

/// The folder a criterion names, which a model wrote: at or below the project's root, or nowhere.
fn below(cwd: Option<&str>) -> Result<Option<TreePath>, PathError> {
    match cwd.map(TreePath::parse) {
        None | Some(Err(PathError::Empty)) => Ok(None),
        Some(Ok(path)) => Ok(Some(path)),
        Some(Err(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests;
