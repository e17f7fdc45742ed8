//! The build steps of a tree, executed by the build engine in the folder it stands in.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use atelier_build::{
    CheckReport, Choice, Ended, Progress, Project, ProjectError, StepReport, Workshop, check,
};
use atelier_exec::{Exit, Report, Usage, WriteTreeError, machine_memory};
use atelier_model::{
    BuildStep, CheckOutcome, CheckResult, EventKind, SandboxLevel, StepKind, TreePath,
};
use atelier_step::{Capacity, OnFailure};
use futures_util::future::join;
use serde_json::{Map, Value};
use tokio::sync::mpsc;

use super::Verification;
use crate::{
    BuildError,
    conclude::{Wanted, blank, of_reason},
    error::chain,
};

/// What every step holds while it runs: one changes the folder at a time, so that nobody stands
/// beside tests and changes what they read.
const FOLDER: &str = "verification";
/// Bytes of memory that steps leave to others.
const RESERVE_BYTES: u64 = 512 * 1024 * 1024;
/// What is told of a step beside its tries: its end.
const WORDS_BESIDE: usize = 2;

/// A step, where the result is one of a step, and what it concluded.
type Concluded = (Option<BuildStep>, CheckResult);

/// What is heard of a check while it goes on.
enum Heard {
    Began(String),
    Restored(Vec<String>),
    Over(Box<StepReport>),
}

impl Verification<'_> {
    /// Executes the steps that install, build and test, each after those it needs, as far as they
    /// come; the results in the order of the steps.
    pub(super) async fn steps(&self) -> Result<Vec<Concluded>, BuildError> {
        let project = match self.project() {
            Ok(project) => Arc::new(project),
            Err(error @ ProjectError::Own { .. }) => return Err(BuildError::Steps(error)),
            Err(error) => return Ok(vec![(None, self.unusable(&error).await?)]),
        };
        let wanted = project.choose(&[]).map_err(BuildError::Steps)?;
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let shop = self.ctx.checks.workshop(self.ctx, self.folder).await?;
        let choice = Choice {
            wanted,
            force: false,
            on_failure: OnFailure::KeepGoing,
            capacity: self.capacity(),
            trace: false,
            named: true,
            asked: None,
        };
        let (report, mut concluded) = self.checked(&shop, &project, &choice).await?;
        let mut results = Vec::with_capacity(report.steps.len());
        for one in &report.steps {
            let Some(result) = concluded.remove(&one.step) else {
                continue;
            };
            let step = project.steps.iter().find(|step| step.name == one.step);
            results.push((step.cloned(), result));
        }
        let all_well = results.iter().all(|(_, result)| result.outcome.passed());
        let missed = report.steps.iter().find(|one| one.verdict == NOT_REACHED);
        if let Some(missed) = missed.filter(|_| all_well) {
            results.push((None, of_step(missed, of_reason(missed.why.clone()))));
        }
        Ok(results)
    }

    /// The steps of the tree, made fit for a folder that comes and goes.
    fn project(&self) -> Result<Project, ProjectError> {
        let own = self.own_steps();
        let mut project = Project::of_tree(self.tree, &self.ctx.recipes, &own)?;
        let kept: Vec<String> = self.tree.paths().map(ToString::to_string).collect();
        project.check_sources(&kept)?;
        // Of another folder's list nothing is gone from this one.
        project.list = self.folder.display().to_string();
        for step in &mut project.steps {
            step.tokens.insert(FOLDER.to_owned(), 1);
            step.cacheable &= self.may_stand(step);
        }
        Ok(project)
    }

    /// What a person says of steps, as far as it fits this tree: of a step that its recipes do not
    /// have yet, what differs from it says nothing.
    fn own_steps(&self) -> BTreeMap<String, Map<String, Value>> {
        let said = &self.ctx.checks.settings.steps;
        if said.is_empty() {
            return BTreeMap::new();
        }
        let projects = self.ctx.recipes.detect(self.tree);
        let steps = projects.iter().flat_map(|project| project.steps(self.tree));
        let known: BTreeSet<String> = steps.map(|step| step.name).collect();
        let fits = |(name, said): &(&String, &Map<String, Value>)| {
            known.contains(*name) || said.contains_key("argv") || said.contains_key("shell")
        };
        let fitting = said.iter().filter(fits);
        fitting
            .map(|(name, said)| (name.clone(), said.clone()))
            .collect()
    }

    /// Whether a result of before may stand for an execution: only where this folder can show that
    /// it does, by what the step makes, or by marks that no edit has put there. The last word on a
    /// commit takes no test's word, and no mark's.
    fn may_stand(&self, step: &BuildStep) -> bool {
        let is_last_word = self.task.is_none();
        let marked = || {
            let marks = step.marks_from_root();
            let forged = |text: &str| TreePath::parse(text).is_ok_and(|at| self.tree.contains(&at));
            !marks.is_empty() && !marks.iter().any(|mark| forged(&mark.text))
        };
        if is_last_word {
            step.kind != StepKind::Test && !step.outputs.is_empty()
        } else {
            !step.outputs.is_empty() || marked()
        }
    }

    fn capacity(&self) -> Capacity {
        Capacity {
            cpu: self.ctx.checks.settings.cpu,
            memory_bytes: machine_memory().map(|memory| memory.available_bytes),
            reserve_bytes: RESERVE_BYTES,
            tokens: BTreeMap::new(),
        }
    }

    /// Lets the build engine do it, and concludes of each step as soon as it is over.
    async fn checked(
        &self,
        shop: &Workshop,
        project: &Arc<Project>,
        choice: &Choice,
    ) -> Result<(CheckReport, BTreeMap<String, CheckResult>), BuildError> {
        let tries = project.steps.iter().map(|step| step.retries as usize + 1);
        let words = tries.map(|tries| 2 * tries + WORDS_BESIDE).sum::<usize>();
        let (tell, mut told) = mpsc::channel(words.max(1));
        let unrestored: &Mutex<Option<WriteTreeError>> = &Mutex::default();
        let hear = move |progress: Progress<'_>| {
            // There is room for every word, and whoever listens no more has an error to tell.
            let say = |heard| drop(tell.try_send(heard));
            match progress {
                Progress::Planned(_) => {}
                Progress::Began { step, .. } => {
                    match self.before(project, step) {
                        Ok(files) if files.is_empty() => {}
                        Ok(files) => say(Heard::Restored(files)),
                        Err(error) => {
                            *unrestored.lock().unwrap_or_else(PoisonError::into_inner) =
                                Some(error);
                            shop.cancel.cancel();
                        }
                    }
                    say(Heard::Began(step.to_owned()));
                }
                Progress::Over(report) => say(Heard::Over(Box::new(report.clone()))),
            }
        };
        let checking = async {
            // It hangs up at the end, and so ends the listening.
            let hear = hear;
            check(shop, project, choice, &hear).await
        };
        let (report, concluded) = join(checking, self.listen(shop, project, &mut told)).await;
        if self.ctx.cancel.is_cancelled() {
            return Err(BuildError::Cancelled);
        }
        let mut unrestored = unrestored.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = unrestored.take() {
            return Err(error.into());
        }
        Ok((report?, concluded?))
    }

    /// What has to be done before a step: tests see the files that decide about them as they are in
    /// the tree.
    fn before(&self, project: &Project, step: &str) -> Result<Vec<String>, WriteTreeError> {
        let step = project.steps.iter().find(|one| one.name == step);
        if step.is_some_and(|step| step.kind == StepKind::Test) {
            self.put_back()
        } else {
            Ok(Vec::new())
        }
    }

    /// Tells what is heard as events, until nothing more comes.
    async fn listen(
        &self,
        shop: &Workshop,
        project: &Project,
        told: &mut mpsc::Receiver<Heard>,
    ) -> Result<BTreeMap<String, CheckResult>, BuildError> {
        let mut concluded = BTreeMap::new();
        let mut begun = BTreeSet::new();
        while let Some(heard) = told.recv().await {
            match heard {
                Heard::Restored(files) => self.tell(EventKind::TestsRestored { files }).await?,
                Heard::Began(name) => {
                    let line = line(project, &name);
                    if begun.insert(name.clone()) {
                        self.began(&name, &line).await?;
                    }
                }
                Heard::Over(report) if is_nothing(&report) => {}
                Heard::Over(report) => {
                    let line = line(project, &report.step);
                    if !begun.contains(&report.step) {
                        self.began(&report.step, &line).await?;
                    }
                    let mut result = self.conclude_step(shop, project, &report).await?;
                    result.name.clone_from(&report.step);
                    result.command = line;
                    let level: Option<SandboxLevel> = report.level;
                    self.ended(&result, level).await?;
                    concluded.insert(report.step.clone(), result);
                }
            }
        }
        Ok(concluded)
    }

    /// What a step that is over proves.
    async fn conclude_step(
        &self,
        shop: &Workshop,
        project: &Project,
        report: &StepReport,
    ) -> Result<CheckResult, BuildError> {
        let executed = matches!(report.verdict.as_str(), "succeeded" | "flaky" | "failed");
        let exit = match (executed, report.ended) {
            (true, None) => return Ok(without(report)),
            (false, _) => Exit::Code(report.exit.unwrap_or(0)),
            (true, Some(ended)) => exit(ended),
        };
        let printed = report.log.map(|log| shop.workspace.cas().read(&log));
        let printed = match printed {
            Some(Err(error)) if executed => return Err(BuildError::Printed(error)),
            // What was printed long ago may have made room for other things.
            printed => printed.and_then(Result::ok).unwrap_or_default(),
        };
        let ran = Report {
            exit,
            output: String::from_utf8_lossy(&printed).into_owned(),
            truncated: false,
            duration_ms: report.took_ms,
            usage: Usage::default(),
        };
        let is_test = report.kind == StepKind::Test;
        let counts = project
            .steps
            .iter()
            .any(|step| step.name == report.step && step.report.is_some());
        let tests = report.tests.clone().filter(|_| is_test);
        let nothing_ran = is_test && counts && exit.is_success();
        let nothing_ran = nothing_ran && tests.as_ref().is_none_or(|all| all.executed() == 0);
        let wanted = Wanted {
            exit: 0,
            output: None,
            tests: (is_test && self.tests_expected()).then_some(1),
        };
        let result = self.judge(&ran, tests, &wanted).await?;
        // That no test ran is no failure where none is expected; anything else is one.
        Ok(match &report.failure {
            Some(failure) if result.outcome.passed() && !nothing_ran => CheckResult {
                outcome: CheckOutcome::Failed,
                reason: failure.clone(),
                ..result
            },
            _ => result,
        })
    }

    /// Tests are asked for once there are tests, or once a criterion counts them.
    fn tests_expected(&self) -> bool {
        self.tests_before > 0
            || self.tree.paths().any(atelier_recipe::is_test_path)
            || self
                .acceptance
                .iter()
                .chain(&self.others)
                .any(|(_, one)| one.expect.tests_min.is_some())
    }

    /// The steps of the tree cannot be executed as they stand: the tree is at fault.
    async fn unusable(&self, error: &ProjectError) -> Result<CheckResult, BuildError> {
        let result = CheckResult {
            name: "steps".to_owned(),
            command: "put the build steps in order".to_owned(),
            ..of_reason(chain(error))
        };
        self.began(&result.name, &result.command).await?;
        self.ended(&result, None).await?;
        Ok(result)
    }
}

const NOT_REACHED: &str = "not_reached";

/// Whether nothing became of a step.
fn is_nothing(report: &StepReport) -> bool {
    matches!(report.verdict.as_str(), NOT_REACHED | "cancelled")
}

fn line(project: &Project, step: &str) -> String {
    let step = project.steps.iter().find(|one| one.name == step);
    step.map_or_else(String::new, BuildStep::command_line)
}

fn of_step(report: &StepReport, result: CheckResult) -> CheckResult {
    CheckResult {
        name: report.step.clone(),
        ..result
    }
}

/// A step that no process was started for.
fn without(report: &StepReport) -> CheckResult {
    let failure = report.failure.as_deref().unwrap_or_default();
    let failure = failure.strip_prefix("failed to ").unwrap_or(failure);
    let reason = match &report.hint {
        Some(hint) => format!("{failure} ({hint})"),
        None => failure.to_owned(),
    };
    CheckResult {
        outcome: CheckOutcome::NotStarted,
        reason,
        ..blank()
    }
}

fn exit(ended: Ended) -> Exit {
    match ended {
        Ended::Code(code) => Exit::Code(code),
        Ended::Signal(signal) => Exit::Signal(signal),
        Ended::TimedOut => Exit::WallTimeout,
        Ended::Silent => Exit::IdleTimeout,
        Ended::Stopped => Exit::Cancelled,
    }
}
