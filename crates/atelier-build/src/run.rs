//! A check under way: facts go to the scheduler, and its orders are carried out.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use atelier_exec::{JobServer, machine_memory};
use atelier_model::Digest;
use atelier_step::{
    Ending, Explanation, Fact, Order, Scheduler, Span, Spared, StepIndex, Timeline, Verdict,
};
use tokio::{
    task::{JoinError, JoinSet},
    time::{Instant, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Ahead, CheckError, CheckReport, Project, StepReport, Workshop,
    check::{Choice, Progress, blocking, joined},
    examine::{Examined, Inspector},
    execute::{Executed, KeepError, Try, execute},
    look::{First, Past, made_of, marked},
    plan::Plan,
    settle::{Seen, settle},
};

mod keep;
mod tell;

/// Time between two looks at the machine's memory.
const LOOK: Duration = Duration::from_millis(500);

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
pub(crate) struct Run<'a> {
    shop: &'a Workshop,
    /// The same, for tasks.
    own: Arc<Workshop>,
    project: &'a Arc<Project>,
    choice: &'a Choice,
    tell: &'a (dyn Fn(Progress<'_>) + Send + Sync),
    begun: Instant,
    /// What was executed before everything was looked at.
    ahead: Option<(StepIndex, Ahead)>,
    inspector: Arc<Inspector>,
    scheduler: Scheduler<'a>,
    first: First,
    /// Milliseconds each step usually takes, by its place.
    usual_ms: Vec<Option<u64>>,
    /// What steps made in this check, for the keys of those after them.
    made: BTreeMap<StepIndex, Digest>,
    /// Whether the folder may not be as it was at the first look.
    moved: bool,
    due: BTreeMap<StepIndex, Due>,
    tries: JoinSet<Tried>,
    /// Results on their way to other machines.
    leaving: JoinSet<()>,
    jobs: Option<Arc<JobServer>>,
    stops: BTreeMap<StepIndex, CancellationToken>,
    reports: BTreeMap<StepIndex, StepReport>,
    /// Steps that nothing had to be done for and that are only counted.
    unchanged: usize,
    tests: u64,
    spans: Vec<Span>,
}

impl<'a> Run<'a> {
    /// Prepares a check after its first look.
    pub(crate) fn new(
        shop: &'a Workshop,
        project: &'a Arc<Project>,
        choice: &'a Choice,
        tell: &'a (dyn Fn(Progress<'_>) + Send + Sync),
        (inspector, mut first): (Arc<Inspector>, First),
        ahead: Option<Ahead>,
        begun: Instant,
    ) -> Result<Self, CheckError> {
        let ahead = ahead.and_then(|ahead| taken_in(&mut first, project, ahead));
        let past = Past::of(shop, project, &first, choice.force);
        let plan = Plan::new(project, &past, &first, choice.capacity.cpu, choice.force);
        if plan.due > 0 && ahead.is_none() {
            tell(Progress::Planned(&plan));
        }
        let scheduler = Scheduler::new(
            &project.graph,
            &project.steps,
            &past.outlooks,
            &choice.wanted,
            &choice.capacity,
            choice.on_failure,
        )?;
        Ok(Self {
            shop,
            own: Arc::new(shop.clone()),
            project,
            choice,
            tell,
            begun,
            ahead,
            inspector,
            scheduler,
            first,
            usual_ms: past.usual_ms,
            made: BTreeMap::new(),
            moved: false,
            due: BTreeMap::new(),
            tries: JoinSet::new(),
            leaving: JoinSet::new(),
            jobs: None,
            stops: BTreeMap::new(),
            reports: BTreeMap::new(),
            unchanged: 0,
            tests: 0,
            spans: Vec::new(),
        })
    }
}

/// Takes a step for due that was executed already, unless it is made from something else by now.
fn taken_in(first: &mut First, project: &Project, ahead: Ahead) -> Option<(StepIndex, Ahead)> {
    let step = project.graph.find(&ahead.name)?;
    let examined = first.get_mut(&step)?;
    (examined.key == ahead.examined.key).then(|| {
        *examined = Arc::clone(&ahead.examined);
        (step, ahead)
    })
}

impl Run<'_> {
    /// Brings every step to its end, and sums up.
    pub(crate) async fn conclude(mut self) -> Result<CheckReport, CheckError> {
        self.drive().await?;
        self.finish().await
    }

    /// Carries orders out until every step is over.
    async fn drive(&mut self) -> Result<(), CheckError> {
        let mut orders: VecDeque<Order> = self.scheduler.begin().into();
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
        let sharing = self.shop.sharing.as_ref().filter(|_| !force);
        let made = if known.is_some() {
            BTreeMap::new()
        } else {
            self.made_before(&batch)
        };
        let (inspector, project) = (Arc::clone(&self.inspector), Arc::clone(self.project));
        let steps = batch.clone();
        let mut examined: Vec<Arc<Examined>> = if let Some(known) = known {
            known
        } else {
            let (inspector, steps) = (Arc::clone(&inspector), steps.clone());
            blocking(move || {
                let made = |step| made.get(&step).copied();
                let examined = inspector.examine(&steps, &made)?;
                Ok(examined.into_iter().map(Arc::new).collect())
            })
            .await?
        };
        if let Some(sharing) = sharing {
            let cas = self.shop.workspace.cas();
            sharing
                .bring_all(cas, &project, &steps, &mut examined)
                .await?;
        }
        let seen = blocking(move || {
            inspector.compare_shared(&mut examined)?;
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
        let seen = match &self.ahead {
            Some((executed, ahead)) if *executed == step => Seen::Due {
                examined: Arc::clone(&ahead.examined),
                why: ahead.why.clone(),
            },
            Some(_) | None => seen,
        };
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
                if !restored && !examined.shared && !self.choice.named {
                    self.unnamed(step, Verdict::UpToDate, &examined, start_ms);
                    return Fact::Settled {
                        step,
                        restored,
                        changed,
                    };
                }
                let made_at = examined.record.as_ref().map(|record| record.when);
                let why = made_at.map_or_else(String::new, |when| {
                    let spared = if examined.shared {
                        Spared::Shared { made: when }
                    } else if restored {
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
        if let Some(jobs) = self.shop.jobs.as_ref().or(self.jobs.as_ref()) {
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
        if let Some((_, ahead)) = self.ahead.take_if(|(executed, _)| *executed == step) {
            due.start_ms = now_ms.saturating_sub(ahead.took_ms);
            self.moved = true;
            let executed = Ok(ahead.executed);
            self.tries.spawn(async move { Tried { step, executed } });
            return;
        }
        (self.tell)(Progress::Began {
            step: self.project.graph.name(step),
            attempt,
            why: &due.why,
        });
        self.moved = true;
        let token = self.shop.cancel.child_token();
        self.stops.insert(step, token.clone());
        let cpu = self.project.step(step).cpu;
        let one = Try {
            project: Arc::clone(self.project),
            inspector: Arc::clone(&self.inspector),
            step,
            examined: Arc::clone(&due.examined),
            why: due.why.clone(),
            attempt,
            cpu: cpu.clamp(1, self.choice.capacity.cpu.max(1)),
        };
        let (shop, jobs) = (Arc::clone(&self.own), Arc::clone(jobs));
        self.tries.spawn(async move {
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
            self.leave(step);
            Ending::Succeeded { changed }
        };
        let orders = self.scheduler.apply(Fact::Ended { step, ending })?;
        if let Some(verdict) = self.scheduler.verdict(step) {
            self.executed(step, verdict, executed);
        }
        Ok(orders)
    }

    /// Leaves the result of a step for other machines, while others are executed.
    fn leave(&mut self, step: StepIndex) {
        let Some(sharing) = &self.shop.sharing else {
            return;
        };
        let one = self.project.step(step);
        let key = self.due.get(&step).map(|due| due.examined.key);
        if let Some(key) = key.filter(|_| one.cacheable && one.marks.is_empty()) {
            let (sharing, cas) = (Arc::clone(sharing), Arc::clone(self.shop.workspace.cas()));
            self.leaving
                .spawn(async move { sharing.leave(&cas, key).await });
        }
    }

    /// Keeps what was learnt, and sums up.
    async fn finish(mut self) -> Result<CheckReport, CheckError> {
        while self.leaving.join_next().await.is_some() {}
        let good = |step: &StepIndex| self.scheduler.verdict(*step).is_some_and(Verdict::is_good);
        let passed = self.choice.wanted.iter().all(good);
        self.keep(passed).await?;
        let timeline = Timeline::new(&self.project.graph, std::mem::take(&mut self.spans));
        let order = self.project.graph.order().iter();
        Ok(CheckReport {
            unchanged: self.unchanged,
            examined: self.choice.wanted.len(),
            tests: self.tests,
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
