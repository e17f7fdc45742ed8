//! A check from its first look to its last step: facts go to the scheduler, its orders are carried
//! out.

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    sync::Arc,
    time::Duration,
};

use atelier_cas::{EvictError, History, LookError, Outcome, RecordError};
use atelier_exec::{JobServer, machine_memory};
use atelier_model::{Digest, TestCounts, Timestamp};
use atelier_step::{
    Capacity, Ending, Explanation, Fact, Kept, OnFailure, Order, Outlook, ScheduleError, Scheduler,
    Span, Spared, StepIndex, Timeline, Verdict, explain,
};
use tokio::{
    task::{JoinError, JoinSet},
    time::{Instant, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use crate::{
    CheckReport, Project, StepReport, Workshop,
    examine::{ExamineError, Examined, Inspector},
    execute::{Executed, KeepError, Try, execute},
    retire::retire,
};

/// Steps that are examined together: enough to look at files at once, and few enough to keep what
/// they read in memory.
const STEPS_AT_ONCE: usize = 1_024;
/// Time between two looks at the machine's memory.
const LOOK: Duration = Duration::from_millis(500);

/// Why a check could not be carried out. Never a verdict on a step.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The steps cannot be scheduled.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// A step could not be examined.
    #[error(transparent)]
    Examine(#[from] ExamineError),
    /// A result could not be kept or brought back.
    #[error("keep the result of step `{step}`")]
    Keep {
        /// The step.
        step: String,
        /// Why.
        #[source]
        source: KeepError,
    },
    /// What steps made that are no more could not be removed.
    #[error("remove what steps made that are no more")]
    Retire {
        /// Why.
        #[source]
        source: KeepError,
    },
    /// The store could not be written.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// Files could not be looked at again.
    #[error(transparent)]
    Look(#[from] LookError),
    /// There could not be made room in the store.
    #[error(transparent)]
    Evict(#[from] EvictError),
    /// Processors could not be shared out.
    #[error("share out processors")]
    JobServer(#[source] io::Error),
    /// Work was given up before it was done.
    #[error("finish the check: work of it was given up")]
    Lost,
}

/// What of a project is to be done, and how.
#[derive(Debug, Clone)]
pub struct Choice {
    /// The steps.
    pub wanted: Vec<StepIndex>,
    /// Whether results of before are not used.
    pub force: bool,
    /// What a failure means for the other steps.
    pub on_failure: OnFailure,
    /// What the machine gives.
    pub capacity: Capacity,
    /// Whether the report is to have a trace.
    pub trace: bool,
}

/// Something that happens in a check.
#[derive(Debug)]
pub enum Progress<'a> {
    /// A step is executed.
    Began {
        /// The step.
        step: &'a str,
        /// Which try this is, from 1.
        attempt: u32,
        /// Why.
        why: &'a Explanation,
    },
    /// A step is over.
    Over(&'a StepReport),
}

impl Progress<'_> {
    /// Whether a step is over that nothing had to be done for.
    pub fn is_spared(&self) -> bool {
        match self {
            Self::Began { .. } => false,
            Self::Over(report) => {
                let words = [Verdict::CutOff, Verdict::UpToDate].map(Verdict::as_str);
                words.contains(&report.verdict.as_str())
            }
        }
    }
}

/// Executes what has to be executed of a project's steps, and says what became of each.
pub async fn check(
    shop: &Workshop,
    project: &Arc<Project>,
    choice: &Choice,
    tell: &(dyn Fn(Progress<'_>) + Send + Sync),
) -> Result<CheckReport, CheckError> {
    let begun = Instant::now();
    let (inspector, first) = look(shop, project, choice).await?;
    let mut outlooks = vec![Outlook::default(); project.steps.len()];
    let mut usual = BTreeMap::new();
    for (step, examined) in &first {
        let history = shop
            .workspace
            .cas()
            .history(project.graph.name(*step))
            .unwrap_or_default();
        usual.insert(*step, usual_ms(&history));
        outlooks[step.get()] = Outlook {
            duration_ms: usual_ms(&history),
            memory_bytes: (history.rss_bytes_max > 0).then_some(history.rss_bytes_max),
            failed_last: history.last == Some(Outcome::Failed),
            unchanged: !choice.force && examined.stands(),
        };
    }
    let mut scheduler = Scheduler::new(
        &project.graph,
        &project.steps,
        &outlooks,
        &choice.wanted,
        &choice.capacity,
        choice.on_failure,
    )?;
    let orders = scheduler.begin();
    let mut run = Run {
        shop,
        project,
        choice,
        tell,
        begun,
        inspector,
        scheduler,
        first,
        usual,
        made: BTreeMap::new(),
        moved: false,
        due: BTreeMap::new(),
        tries: JoinSet::new(),
        jobs: None,
        stops: BTreeMap::new(),
        reports: BTreeMap::new(),
        spans: Vec::new(),
    };
    run.drive(orders).await?;
    run.finish().await
}

/// Milliseconds a step usually takes: the middle of the last times.
fn usual_ms(history: &History) -> Option<u64> {
    let mut durations = history.durations_us.clone();
    durations.sort_unstable();
    let middle = durations.get(durations.len() / 2)?;
    Some(middle / 1_000)
}

pub(crate) type First = BTreeMap<StepIndex, Arc<Examined>>;

/// Examines every step as the folder stands, each after those it depends on.
async fn look(
    shop: &Workshop,
    project: &Arc<Project>,
    choice: &Choice,
) -> Result<(Arc<Inspector>, First), CheckError> {
    let (shop, project) = (shop.clone(), Arc::clone(project));
    let wanted = choice.wanted.clone();
    blocking(move || {
        retire(&shop, &project).map_err(|source| CheckError::Retire { source })?;
        survey(&shop, &project, &wanted)
    })
    .await
}

/// The same, where it may block.
pub(crate) fn survey(
    shop: &Workshop,
    project: &Arc<Project>,
    wanted: &[StepIndex],
) -> Result<(Arc<Inspector>, First), CheckError> {
    let inspector = Inspector::new(shop.clone(), Arc::clone(project), wanted)?;
    let mut first = First::new();
    for layer in layers(project, wanted) {
        for part in layer.chunks(STEPS_AT_ONCE) {
            let made = |step| {
                first
                    .get(&step)
                    .map(|one: &Arc<Examined>| made_of(project, step, one))
            };
            let mut examined = inspector.examine(part, &made)?;
            examined.iter_mut().for_each(Examined::slim);
            let examined = examined.into_iter().map(Arc::new);
            first.extend(part.iter().copied().zip(examined));
        }
    }
    Ok((Arc::new(inspector), first))
}

/// Steps of which none says that it depends on another of the same layer, layer by layer.
fn layers(project: &Project, wanted: &[StepIndex]) -> Vec<Vec<StepIndex>> {
    let graph = &project.graph;
    let mut depth = vec![0_usize; project.steps.len()];
    let mut layers: Vec<Vec<StepIndex>> = Vec::new();
    let mut is_wanted = vec![false; project.steps.len()];
    for step in wanted {
        is_wanted[step.get()] = true;
    }
    for step in graph.order().iter().filter(|step| is_wanted[step.get()]) {
        let said = &project.step(*step).depends_on;
        let needs = graph
            .needs(*step)
            .iter()
            .filter(|needed| said.contains(graph.name(**needed)));
        let own = needs
            .map(|needed| depth[needed.get()] + 1)
            .max()
            .unwrap_or(0);
        depth[step.get()] = own;
        layers.resize(layers.len().max(own + 1), Vec::new());
        layers[own].push(*step);
    }
    layers
}

/// What a step made, for the keys of those after it: what is not known to be all counts as what it
/// was made from.
fn made_of(project: &Project, step: StepIndex, examined: &Examined) -> Digest {
    let Some(record) = &examined.record else {
        return examined.before.unwrap_or(examined.key);
    };
    let one = project.step(step);
    if !one.outputs.is_empty() {
        record.outputs.digest()
    } else if one.marks.is_empty() {
        examined.key
    } else {
        marked(examined.key, record.when)
    }
}

/// What a step with marks made: each time it is something new, for only the marks of it are known.
fn marked(key: Digest, when: Timestamp) -> Digest {
    Digest::of_json(&(key, when))
}

/// Runs work that blocks where it may.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CheckError> + Send + 'static,
) -> Result<T, CheckError> {
    joined(tokio::task::spawn_blocking(work).await)?
}

/// What a task returned; its panic is ours.
fn joined<T>(done: Result<T, JoinError>) -> Result<T, CheckError> {
    done.map_err(|error| match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => CheckError::Lost,
    })
}

/// A try that has ended.
struct Tried {
    step: StepIndex,
    executed: Result<Executed, KeepError>,
}

/// A step that has to be executed, and what for.
struct Due {
    examined: Arc<Examined>,
    why: Explanation,
    start_ms: u64,
}

/// A check under way.
struct Run<'a> {
    shop: &'a Workshop,
    project: &'a Arc<Project>,
    choice: &'a Choice,
    tell: &'a (dyn Fn(Progress<'_>) + Send + Sync),
    begun: Instant,
    inspector: Arc<Inspector>,
    scheduler: Scheduler<'a>,
    first: First,
    usual: BTreeMap<StepIndex, Option<u64>>,
    /// What steps made in this check, for the keys of those after them.
    made: BTreeMap<StepIndex, Digest>,
    /// Whether the folder may not be as it was at the first look.
    moved: bool,
    due: BTreeMap<StepIndex, Due>,
    tries: JoinSet<Tried>,
    jobs: Option<Arc<JobServer>>,
    stops: BTreeMap<StepIndex, CancellationToken>,
    reports: BTreeMap<StepIndex, StepReport>,
    spans: Vec<Span>,
}

impl Run<'_> {
    /// Carries orders out until every step is over.
    async fn drive(&mut self, orders: Vec<Order>) -> Result<(), CheckError> {
        let mut orders: VecDeque<Order> = orders.into();
        let mut cancelled = false;
        let mut clock = interval(LOOK);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let mut batch = Vec::new();
            while let Some(order) = orders.pop_front() {
                match order {
                    Order::Examine(step) => batch.push(step),
                    Order::Execute { step, attempt } => {
                        let jobs = self.jobs()?;
                        self.begin(step, attempt, &jobs);
                    }
                    Order::Stop(step) => self.stop(step),
                    Order::Skip { step, verdict } => self.skipped(step, verdict),
                }
            }
            if !batch.is_empty() {
                for fact in self.examine(batch).await? {
                    orders.extend(self.scheduler.apply(fact)?);
                }
            } else if self.scheduler.is_over() {
                return Ok(());
            } else {
                let news = tokio::select! {
                    tried = self.tries.join_next() => self.tried(tried).await?,
                    _ = clock.tick() => self.remember()?,
                    () = self.shop.cancel.cancelled(), if !cancelled => {
                        cancelled = true;
                        self.scheduler.apply(Fact::Cancel)?
                    }
                };
                orders.extend(news);
            }
        }
    }

    /// Looks at the machine's memory. What is gone of it since the beginning counts as what the
    /// running steps use.
    fn remember(&mut self) -> Result<Vec<Order>, CheckError> {
        let (Some(now), Some(first)) = (machine_memory(), self.choice.capacity.memory_bytes) else {
            return Ok(Vec::new());
        };
        let fact = Fact::Memory {
            available_bytes: now.available_bytes,
            used_bytes: first.saturating_sub(now.available_bytes),
            stalled: now.stalled,
        };
        Ok(self.scheduler.apply(fact)?)
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn stop(&self, step: StepIndex) {
        if let Some(token) = self.stops.get(&step) {
            token.cancel();
        }
    }

    /// Examines steps that are due, and restores what can be restored.
    async fn examine(&mut self, batch: Vec<StepIndex>) -> Result<Vec<Fact>, CheckError> {
        let start_ms = self.now_ms();
        let force = self.choice.force;
        let known: Option<Vec<_>> = batch
            .iter()
            .filter(|_| !self.moved && !force)
            .map(|step| self.first.get(step).cloned())
            .collect();
        let known = known.filter(|known| known.len() == batch.len());
        let made = if known.is_some() {
            BTreeMap::new()
        } else {
            self.made_before(&batch)
        };
        let (inspector, project) = (Arc::clone(&self.inspector), Arc::clone(self.project));
        let steps = batch.clone();
        let seen = blocking(move || {
            let examined = if let Some(known) = known {
                known
            } else {
                let made = |step| made.get(&step).copied();
                let examined = inspector.examine(&steps, &made)?;
                examined.into_iter().map(Arc::new).collect()
            };
            let mut seen = Vec::with_capacity(steps.len());
            for (step, examined) in steps.into_iter().zip(examined) {
                seen.push(settle(&inspector, &project, step, examined, force)?);
            }
            Ok(seen)
        })
        .await?;
        let mut facts = Vec::with_capacity(seen.len());
        for (step, seen) in batch.into_iter().zip(seen) {
            facts.push(self.seen(step, seen, start_ms));
        }
        Ok(facts)
    }

    /// What those steps made that some others say they depend on.
    fn made_before(&self, batch: &[StepIndex]) -> BTreeMap<StepIndex, Digest> {
        let graph = &self.project.graph;
        let needs = batch.iter().flat_map(|step| graph.needs(*step));
        let made = |step: StepIndex| {
            let before = || Some(made_of(self.project, step, self.first.get(&step)?));
            Some((step, self.made.get(&step).copied().or_else(before)?))
        };
        needs.filter_map(|step| made(*step)).collect()
    }

    fn seen(&mut self, step: StepIndex, seen: Seen, start_ms: u64) -> Fact {
        match seen {
            Seen::Due { examined, why } => {
                self.due.insert(
                    step,
                    Due {
                        examined,
                        why,
                        start_ms,
                    },
                );
                Fact::Due { step }
            }
            Seen::Settled { examined, restored } => {
                self.moved |= restored;
                let made = made_of(self.project, step, &examined);
                let changed = self.is_news(step, made);
                self.made.insert(step, made);
                let made_at = examined.record.as_ref().map(|record| record.when);
                let why = made_at.map_or_else(String::new, |when| {
                    let spared = if restored {
                        Spared::Restored { made: when }
                    } else {
                        Spared::UpToDate { since: when }
                    };
                    spared.to_string()
                });
                let verdict = if restored {
                    Verdict::Restored
                } else {
                    Verdict::UpToDate
                };
                self.spared(step, verdict, why, &examined, start_ms);
                Fact::Settled {
                    step,
                    restored,
                    changed,
                }
            }
        }
    }

    /// Whether what a step made differs from what stood when the check began.
    fn is_news(&self, step: StepIndex, made: Digest) -> bool {
        let Some(first) = self.first.get(&step) else {
            return true;
        };
        let stood = if first.stands() {
            Some(made_of(self.project, step, first))
        } else {
            first.before
        };
        stood != Some(made)
    }

    /// Processors for steps, once there is something to execute.
    fn jobs(&mut self) -> Result<Arc<JobServer>, CheckError> {
        if let Some(jobs) = &self.jobs {
            if self.tries.is_empty() {
                jobs.refill();
            }
            return Ok(Arc::clone(jobs));
        }
        let cpu = self.choice.capacity.cpu;
        let jobs = JobServer::open(&self.shop.home, cpu).map_err(CheckError::JobServer)?;
        Ok(Arc::clone(self.jobs.insert(Arc::new(jobs))))
    }

    fn begin(&mut self, step: StepIndex, attempt: u32, jobs: &Arc<JobServer>) {
        let now_ms = self.now_ms();
        let Some(due) = self.due.get_mut(&step) else {
            return;
        };
        if attempt == 1 {
            due.start_ms = now_ms;
        }
        (self.tell)(Progress::Began {
            step: self.project.graph.name(step),
            attempt,
            why: &due.why,
        });
        self.moved = true;
        let token = self.shop.cancel.child_token();
        self.stops.insert(step, token.clone());
        let (shop, project) = (self.shop.clone(), Arc::clone(self.project));
        let (examined, why) = (Arc::clone(&due.examined), due.why.clone());
        let cpu = project
            .step(step)
            .cpu
            .clamp(1, self.choice.capacity.cpu.max(1));
        let jobs = Arc::clone(jobs);
        self.tries.spawn(async move {
            let one = Try {
                step: project.step(step),
                examined,
                why,
                attempt,
                cpu,
            };
            let executed = execute(&shop, &jobs, one, &token).await;
            Tried { step, executed }
        });
    }

    async fn tried(
        &mut self,
        tried: Option<Result<Tried, JoinError>>,
    ) -> Result<Vec<Order>, CheckError> {
        let Some(tried) = tried else {
            return Err(CheckError::Lost);
        };
        let Tried { step, executed } = joined(tried)?;
        self.inspector.moved();
        let executed = match executed {
            Ok(executed) => executed,
            Err(source) => {
                self.shop.cancel.cancel();
                while self.tries.join_next().await.is_some() {}
                let step = self.project.graph.name(step).to_owned();
                return Err(CheckError::Keep { step, source });
            }
        };
        let ending = if executed.stopped {
            Ending::Stopped
        } else if executed.failure.is_some() {
            Ending::Failed
        } else {
            let one = self.project.step(step);
            let made = match self.due.get(&step).map(|due| due.examined.key) {
                Some(key) if !one.marks.is_empty() => marked(key, executed.when),
                Some(key) if one.outputs.is_empty() => key,
                Some(_) | None => executed.outputs.digest(),
            };
            let changed = self.is_news(step, made);
            self.made.insert(step, made);
            Ending::Succeeded { changed }
        };
        let orders = self.scheduler.apply(Fact::Ended { step, ending })?;
        if let Some(verdict) = self.scheduler.verdict(step) {
            self.executed(step, verdict, executed);
        }
        Ok(orders)
    }

    fn skipped(&mut self, step: StepIndex, verdict: Verdict) {
        let now_ms = self.now_ms();
        if verdict != Verdict::CutOff {
            let why = if let Verdict::NotReached(cause) = verdict {
                format!("`{}` failed before it", self.project.graph.name(cause))
            } else {
                "the check ended before it".to_owned()
            };
            self.over(self.blank(step, verdict, why, now_ms), step, verdict);
            return;
        }
        let Some(examined) = self.first.get(&step).cloned() else {
            return;
        };
        let graph = &self.project.graph;
        let ran = |step: &&StepIndex| {
            let span = self.reports.get(*step);
            span.is_some_and(|report| report.verdict == Verdict::Succeeded.as_str())
        };
        let executed: Vec<String> = graph
            .needs(step)
            .iter()
            .filter(ran)
            .map(|step| graph.name(*step).to_owned())
            .collect();
        let since = examined
            .record
            .as_ref()
            .map_or_else(Default::default, |one| one.when);
        let spared = if executed.is_empty() {
            Spared::UpToDate { since }
        } else {
            Spared::CutOff { executed }
        };
        self.spared(step, verdict, spared.to_string(), &examined, now_ms);
    }

    /// A step whose result was used again.
    fn spared(
        &mut self,
        step: StepIndex,
        verdict: Verdict,
        why: String,
        examined: &Examined,
        start_ms: u64,
    ) {
        let mut report = self.blank(step, verdict, why, start_ms);
        if let Some(record) = &examined.record {
            report.log = record.log;
            report.exit = record.exit;
            report.tests = self.counted(step, record.log);
        }
        self.over(report, step, verdict);
    }

    /// The tests that a step counted when it was executed, as far as it printed them.
    fn counted(&self, step: StepIndex, log: Option<Digest>) -> Option<TestCounts> {
        let format = self.project.step(step).report.as_ref()?;
        let printed = self.shop.workspace.cas().read(&log?).ok()?;
        atelier_recipe::read_report(format, &String::from_utf8_lossy(&printed), &[])
    }

    fn executed(&mut self, step: StepIndex, verdict: Verdict, executed: Executed) {
        let Some(due) = self.due.remove(&step) else {
            return;
        };
        let report = StepReport {
            explanation: Some(due.why.clone()),
            failure: executed.failure,
            hint: executed.hint,
            missing: executed.missing,
            exit: executed.exit,
            tests: executed.tests,
            level: Some(self.shop.level(self.project.step(step))),
            log: executed.log,
            printed: executed.printed,
            ..self.blank(step, verdict, due.why.to_string(), due.start_ms)
        };
        self.over(report, step, verdict);
    }

    fn blank(&self, step: StepIndex, verdict: Verdict, why: String, start_ms: u64) -> StepReport {
        StepReport {
            step: self.project.graph.name(step).to_owned(),
            kind: self.project.step(step).kind,
            verdict: verdict.as_str().to_owned(),
            why,
            explanation: None,
            failure: None,
            hint: None,
            missing: false,
            exit: None,
            tests: None,
            level: None,
            log: None,
            printed: None,
            start_ms,
            took_ms: 0,
            saved_ms: 0,
        }
    }

    fn over(&mut self, mut report: StepReport, step: StepIndex, verdict: Verdict) {
        let span = Span {
            step,
            kind: report.kind,
            start_ms: report.start_ms,
            end_ms: self.now_ms(),
            verdict,
            usual_ms: self.usual.get(&step).copied().flatten(),
        };
        report.took_ms = span.took_ms();
        report.saved_ms = span.saved_ms();
        self.spans.push(span);
        (self.tell)(Progress::Over(&report));
        self.reports.insert(step, report);
    }

    /// Keeps what was learnt, and sums up.
    async fn finish(mut self) -> Result<CheckReport, CheckError> {
        let (inspector, shop, moved) = (Arc::clone(&self.inspector), self.shop.clone(), self.moved);
        blocking(move || {
            if moved {
                inspector.finish()?;
            }
            shop.workspace.settle()?;
            shop.workspace.cas().save()?;
            if moved {
                shop.workspace.cas().evict()?;
            }
            Ok(())
        })
        .await?;
        let timeline = Timeline::new(&self.project.graph, std::mem::take(&mut self.spans));
        let good = |step: &StepIndex| self.scheduler.verdict(*step).is_some_and(Verdict::is_good);
        let passed = self.choice.wanted.iter().all(good);
        let order = self.project.graph.order().iter();
        Ok(CheckReport {
            passed,
            cancelled: self.shop.cancel.is_cancelled(),
            took_ms: self.now_ms(),
            saved_ms: timeline.saved_ms(),
            critical_path: timeline.critical_path(),
            trace: if self.choice.trace {
                timeline.trace()
            } else {
                serde_json::Value::Null
            },
            steps: order.filter_map(|step| self.reports.remove(step)).collect(),
        })
    }
}

/// What an examination of a due step has shown.
enum Seen {
    Settled {
        examined: Arc<Examined>,
        restored: bool,
    },
    Due {
        examined: Arc<Examined>,
        why: Explanation,
    },
}

/// Uses a step's result again where it stands or can be restored, and says else why not.
fn settle(
    inspector: &Inspector,
    project: &Project,
    step: StepIndex,
    examined: Arc<Examined>,
    force: bool,
) -> Result<Seen, CheckError> {
    let mut now = Examined::clone(&examined);
    now.findings.forced = force;
    let mut kept = Kept::Good;
    if !force && let Some(record) = &examined.record {
        if examined.stands() {
            let restored = false;
            return Ok(Seen::Settled { examined, restored });
        }
        // A mark without what it stands for would say what is not so.
        if project.step(step).marks.is_empty() {
            match inspector.restore(record) {
                Ok(()) => {
                    let restored = true;
                    return Ok(Seen::Settled { examined, restored });
                }
                Err(KeepError::Restore(error)) if error.is_miss() => kept = Kept::Evicted,
                Err(error) => {
                    return Err(CheckError::Keep {
                        step: project.graph.name(step).to_owned(),
                        source: error,
                    });
                }
            }
        }
    }
    let why = reason(inspector, project, step, &mut now, kept)?;
    let examined = Arc::new(now);
    Ok(Seen::Due { examined, why })
}

/// Why a step has to be executed; `kept` is what was found of its result when it was asked for.
pub(crate) fn reason(
    inspector: &Inspector,
    project: &Project,
    step: StepIndex,
    now: &mut Examined,
    kept: Kept,
) -> Result<Explanation, CheckError> {
    let previous = inspector.previous(step, now)?;
    if kept != Kept::Good {
        now.findings.kept = kept;
    }
    let producer = |path: &str| {
        let made_by = project.graph.producer(path)?;
        Some(project.graph.name(made_by).to_owned())
    };
    Ok(explain(
        previous.as_ref(),
        &now.descriptor,
        &now.findings,
        producer,
    ))
}
