//! One step executed: in the sandbox, judged, what it made taken into the store, recorded.

use std::{borrow::Cow, io, path::PathBuf, sync::Arc};

use atelier_cas::{
    CollectError, LookError, Outcome, OutputPathError, Outputs, PutBlobError, Record, RecordError,
    RestoreError,
};
use atelier_exec::{Command, Confinement, Exit, JobServer, Report, Returns, SpawnError};
use atelier_model::{BuildStep, Digest, PatternForm, SandboxLevel, TestCounts, Timestamp, Tool};
use atelier_step::{Explanation, StepIndex};
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;

use crate::{
    Ended, Project, Workshop,
    examine::{Examined, Inspector, MadeFrom},
    judge,
};

/// Lines of a failed step's output that are told.
const LINES_MAX: usize = 40;
/// Microseconds of a millisecond.
const MICROS: u64 = 1_000;

/// Why the result of a step could not be kept or brought back.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// What it made could not be taken in.
    #[error(transparent)]
    Collect(#[from] CollectError),
    /// What it printed could not be kept.
    #[error(transparent)]
    Put(#[from] PutBlobError),
    /// Its record could not be written.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// What it made before could not be brought back.
    #[error(transparent)]
    Restore(#[from] RestoreError),
    /// What it made has a path that is none.
    #[error(transparent)]
    Path(#[from] OutputPathError),
    /// What it reads could not be looked at again.
    #[error(transparent)]
    Look(#[from] LookError),
    /// Processors could not be shared out.
    #[error("share out processors")]
    JobServer(#[source] io::Error),
    /// Work was given up before it was done.
    #[error("finish: the work was given up")]
    Lost,
}

/// What came of one try.
#[derive(Debug, Default)]
pub(crate) struct Executed {
    /// Why it failed.
    pub(crate) failure: Option<String>,
    pub(crate) hint: Option<String>,
    pub(crate) stopped: bool,
    /// Whether there was nothing to run: its program is missing.
    pub(crate) missing: bool,
    pub(crate) exit: Option<i32>,
    /// How its process ended, where there was one.
    pub(crate) ended: Option<Ended>,
    pub(crate) tests: Option<TestCounts>,
    pub(crate) log: Option<Digest>,
    /// The last lines it printed, where it failed.
    pub(crate) printed: Option<String>,
    pub(crate) outputs: Outputs,
    /// When it ended.
    pub(crate) when: Timestamp,
}

/// One try at a step.
pub(crate) struct Try {
    pub(crate) project: Arc<Project>,
    pub(crate) inspector: Arc<Inspector>,
    pub(crate) step: StepIndex,
    /// What it is made from.
    pub(crate) examined: Arc<Examined>,
    pub(crate) why: Explanation,
    /// Which try this is, from 1.
    pub(crate) attempt: u32,
    /// Processors that the step keeps busy, of those that are shared out.
    pub(crate) cpu: u32,
}

impl Try {
    fn step(&self) -> &BuildStep {
        self.project.step(self.step)
    }
}

/// Runs a step once, with processors of its own for as long as it runs.
pub(crate) async fn execute(
    shop: &Arc<Workshop>,
    jobs: &JobServer,
    one: Try,
    cancel: &CancellationToken,
) -> Result<Executed, KeepError> {
    let cpu = one.cpu;
    let _holding = jobs.hold();
    tokio::select! {
        taken = jobs.take(cpu) => taken.map_err(KeepError::JobServer)?,
        () = cancel.cancelled() => {
            return Ok(Executed { stopped: true, ..Executed::default() });
        }
    }
    let executed = execute_now(shop, jobs, one, cancel).await;
    jobs.give(cpu);
    executed
}

async fn execute_now(
    shop: &Arc<Workshop>,
    jobs: &JobServer,
    one: Try,
    cancel: &CancellationToken,
) -> Result<Executed, KeepError> {
    let (own, one) = (Arc::clone(shop), Arc::new(one));
    let step = one.step();
    if let Some(tool) = lacking(shop, &one) {
        return Ok(without(tool));
    }
    if !step.outputs.is_empty() {
        let (shop, one) = (Arc::clone(shop), Arc::clone(&one));
        unpanicked(tokio::task::spawn_blocking(move || clear(&shop, one.step())).await)??;
    }
    let command = command(shop, jobs, &one);
    let report = match shop.sandbox.run(&command, cancel, None).await {
        Ok(report) => report,
        Err(error) => return Ok(not_started(step, &error)),
    };
    let kept = tokio::task::spawn_blocking(move || keep(&own, &one, &report));
    unpanicked(kept.await)?
}

/// What a task returned; its panic is ours.
fn unpanicked<T>(done: Result<T, JoinError>) -> Result<T, KeepError> {
    done.map_err(|error| match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => KeepError::Lost,
    })
}

/// Removes what stands where a step writes: what it makes must not depend on what was made before.
fn clear(shop: &Workshop, step: &BuildStep) -> Result<(), KeepError> {
    for pattern in step.outputs_from_root() {
        // What is not there, or is nothing that a step makes, is told when the step has ended.
        if let Ok(standing) = shop.workspace.describe(&[pattern]) {
            shop.workspace
                .remove_stale(&standing, &Outputs::default())?;
        }
    }
    Ok(())
}

/// A program that the step says it needs and that is nowhere on its search path.
fn lacking<'a>(shop: &Workshop, one: &'a Try) -> Option<&'a Tool> {
    let step = one.step();
    let search = shop.env.get("PATH").map_or("", String::as_str);
    let search = step.env.get("PATH").map_or(search, String::as_str);
    let named = |tool: &&Tool| !tool.program.contains('/');
    step.tools
        .iter()
        .filter(named)
        .filter(|tool| !one.inspector.has_program(step, &tool.program))
        .find(|tool| atelier_exec::find_program(&tool.program, search).is_none())
}

fn without(tool: &Tool) -> Executed {
    Executed {
        missing: true,
        failure: Some(format!("failed to find the program `{}`", tool.program)),
        hint: Some(tool.hint.clone()).filter(|hint| !hint.is_empty()),
        ..Executed::default()
    }
}

fn not_started(step: &BuildStep, error: &SpawnError) -> Executed {
    let missing = if let SpawnError::ProgramMissing { program } = error {
        Some(program)
    } else {
        None
    };
    let tool = step
        .tools
        .iter()
        .find(|tool| Some(&tool.program) == missing);
    let hint = tool
        .map(|tool| tool.hint.clone())
        .filter(|hint| !hint.is_empty());
    Executed {
        missing: missing.is_some(),
        failure: Some(format!("failed to {error}")),
        hint: hint.or_else(|| error.hint()),
        ..Executed::default()
    }
}

fn command(shop: &Workshop, jobs: &JobServer, one: &Try) -> Command {
    let step = one.step();
    let root = shop.workspace.path();
    let limits = &shop.limits;
    let mut env = shop.env.clone();
    let passed = step.env_pass.iter();
    env.extend(passed.filter_map(|name| Some((name.clone(), shop.outside.get(name)?.clone()))));
    env.extend(step.env.clone());
    let search = env.get("PATH").map_or("", String::as_str);
    let program = step.argv.first().map_or("", String::as_str);
    // A program that is missing is to be missed by its own name.
    let is_there = one.inspector.has_program(step, program)
        || atelier_exec::find_program(program, search).is_some();
    let argv = if is_there {
        jobs.lend(step.argv.clone(), &mut env)
    } else {
        step.argv.clone()
    };
    let wall_max = limits.step_wall_ms_max;
    let idle_max = limits.step_idle_ms_max;
    Command {
        argv,
        cwd: step
            .cwd
            .as_ref()
            .map_or_else(|| root.to_owned(), |cwd| root.join(cwd.as_str())),
        env,
        writable: writable(shop),
        wall_ms: step.timeout_ms.unwrap_or(wall_max).min(wall_max),
        idle_ms: step.idle_timeout_ms.unwrap_or(idle_max).min(idle_max),
        output_bytes_max: limits.output_bytes_max,
        processes_max: limits.step_processes_max,
        kill_grace_ms: limits.kill_grace_ms_max,
        stdin: Vec::new(),
        confinement: confinement(shop, step),
    }
}

fn confinement(shop: &Workshop, step: &BuildStep) -> Confinement {
    let level = shop.level(step);
    let plain = match level {
        SandboxLevel::Strong => Confinement::strong(),
        SandboxLevel::Light => Confinement {
            host_network: shop.host_network(step),
            ..Confinement::light()
        },
        SandboxLevel::None => Confinement::none(),
    };
    let workspace = || atelier_exec::Workspace {
        // Said only where it counts: steps that are confined alike share a supervisor.
        returns: match level {
            SandboxLevel::Strong => returns(step),
            SandboxLevel::Light | SandboxLevel::None => Returns::Everything,
        },
        folder: shop.workspace.path().to_owned(),
    };
    Confinement {
        network: step.network,
        registries: shop.registries.clone(),
        workspace: (!shop.in_place).then(workspace),
        ..plain
    }
}

/// What a step writes to at once; else the project is its workspace, where it is or with a layer
/// above it.
fn writable(shop: &Workshop) -> Vec<PathBuf> {
    let folder = shop.in_place.then(|| shop.workspace.path().to_owned());
    folder.into_iter().chain([shop.home.clone()]).collect()
}

/// What of a step's changes counts: what it says that it makes, or else everything.
fn returns(step: &BuildStep) -> Returns {
    if step.outputs.is_empty() {
        return Returns::Everything;
    }
    let (mut whole, mut within) = (Vec::new(), Vec::new());
    for pattern in step.outputs_from_root() {
        match pattern.form {
            PatternForm::Path | PatternForm::Folder => whole.push(PathBuf::from(&pattern.text)),
            PatternForm::Glob => within.push(PathBuf::from(pattern.base())),
        }
    }
    Returns::Only { whole, within }
}

/// Adds the marks that stand; those that are not there belong to other ways to do the same.
fn marked(shop: &Workshop, step: &BuildStep, outputs: &mut Outputs) {
    for mark in step.marks_from_root() {
        if let Ok(found) = shop.workspace.collect(&[mark]) {
            for (path, output) in found.iter() {
                // A path that was collected is below the root.
                let _ = outputs.put(path, output.clone());
            }
        }
    }
}

/// Judges what a command did, and keeps what it made and printed.
fn keep(shop: &Workshop, one: &Try, report: &Report) -> Result<Executed, KeepError> {
    let step = one.step();
    let cas = shop.workspace.cas();
    let tests = counts(shop, step, report);
    let mut failure = judge::failure(step, report, tests.as_ref());
    let mut outputs = Outputs::default();
    if failure.is_none() {
        match shop.workspace.collect(&step.outputs_from_root()) {
            Ok(found) => outputs = found,
            Err(error) if error.is_full() => return Err(error.into()),
            Err(error) => failure = Some(uncollected(&error, report)),
        }
        marked(shop, step, &mut outputs);
    }
    let log = cas.put_bytes(report.output.as_bytes())?;
    let exit = match report.exit {
        Exit::Code(code) => Some(code),
        Exit::Signal(_) | Exit::WallTimeout | Exit::IdleTimeout | Exit::Cancelled => None,
    };
    let stopped = report.exit == Exit::Cancelled;
    let when = shop.clock.now();
    let printed = failure.is_some().then(|| last_lines(&report.output));
    let executed = Executed {
        failure,
        hint: None,
        missing: false,
        stopped,
        exit,
        ended: Some(ended(report)),
        tests,
        log: Some(log),
        printed,
        outputs,
        when,
    };
    // Nobody knows what a step has read of a file that changed meanwhile.
    if !stopped && (executed.failure.is_some() || one.examined.is_current(&shop.workspace)?) {
        record(shop, one, report, &executed)?;
    }
    Ok(executed)
}

/// Adds the record of an execution.
fn record(
    shop: &Workshop,
    one: &Try,
    report: &Report,
    executed: &Executed,
) -> Result<(), KeepError> {
    let (cas, step) = (shop.workspace.cas(), one.step());
    let last = cas.last_record(&step.name)?;
    let last = last.map(|last| last.outputs).unwrap_or_default();
    let failed = executed.failure.is_some();
    if !failed {
        // What it made before and makes no longer would be taken for its output still.
        shop.workspace.remove_stale(&last, &executed.outputs)?;
    }
    let record = Record {
        key: kept_under(step, one.examined.key),
        step: step.name.clone(),
        outcome: match executed.failure {
            Some(_) => Outcome::Failed,
            None if one.attempt > 1 => Outcome::Flaky,
            None => Outcome::Passed,
        },
        exit: executed.exit,
        when: executed.when,
        duration_us: report.duration_ms.saturating_mul(MICROS),
        rss_bytes_max: report.usage.memory_peak_bytes,
        log: executed.log,
        // A failure has no outputs; what stands of before is remembered, to be removed later.
        outputs: if failed {
            last
        } else {
            executed.outputs.clone()
        },
    };
    let made_from = MadeFrom {
        descriptor: Cow::Borrowed(&one.examined.descriptor),
        why: Cow::Borrowed(&one.why),
    };
    let made_from = serde_json::to_vec(&made_from).unwrap_or_default();
    Ok(cas.append(&record, &made_from)?)
}

/// A result that may not be used again is kept for explanation alone, where nobody looks for one.
fn kept_under(step: &BuildStep, key: Digest) -> Digest {
    if step.cacheable {
        key
    } else {
        Digest::of_json(&("not to be used again", key))
    }
}

fn ended(report: &Report) -> Ended {
    match report.exit {
        Exit::Code(code) => Ended::Code(code),
        Exit::Signal(signal) => Ended::Signal(signal),
        Exit::WallTimeout => Ended::TimedOut,
        Exit::IdleTimeout => Ended::Silent,
        Exit::Cancelled => Ended::Stopped,
    }
}

/// Why what a step made could not be taken in: perhaps the sandbox could not hand it out.
fn uncollected(error: &CollectError, report: &Report) -> String {
    match report.usage.returned.refused.first() {
        Some(refused) => format!("failed to {error}: {refused}"),
        None => format!("failed to {error}"),
    }
}

/// The end of what a step printed.
fn last_lines(output: &str) -> String {
    let lines: Vec<&str> = output.lines().collect();
    lines[lines.len().saturating_sub(LINES_MAX)..].join("\n")
}

/// The tests that a step counted, by what it printed and the files it wrote.
fn counts(shop: &Workshop, step: &BuildStep, report: &Report) -> Option<TestCounts> {
    let format = step.report.as_ref()?;
    let root = shop.workspace.path();
    let folder = step
        .cwd
        .as_ref()
        .map_or_else(|| root.to_owned(), |cwd| root.join(cwd.as_str()));
    let bytes_max = shop.limits.file_bytes_max;
    let files = atelier_exec::files_matching(&folder, &step.report_files, bytes_max);
    let mut counts = atelier_recipe::read_report(format, &report.output, &files)?;
    // Some runners name files from the root of the machine.
    let within = format!("{}/", folder.display());
    for failure in &mut counts.failures {
        if let Some(place) = &mut failure.place
            && let Some(inside) = place.strip_prefix(&within)
        {
            *place = inside.to_owned();
        }
    }
    Some(counts)
}
