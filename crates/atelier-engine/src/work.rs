//! The tasks of a run, as many at once as there is room for, until none is left that can be done.

use std::{collections::BTreeMap, sync::Arc};

use atelier_model::{Approval, DevPlan, Run, RunStatus, TaskId, TaskState};
use atelier_store::{Choice, Claim, Lease, Store, StoreError};
use tokio::{
    sync::{Mutex, Semaphore},
    task::{JoinError, JoinSet},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Answer, BuildError, Ctx,
    presence::LOOK,
    replay, report,
    schedule::Schedule,
    task::{self, TaskEnd},
    train::Train,
    trunk::Trunk,
};

/// Looks after which what dead workers left is looked for.
const LOOKS_PER_RESCUE: u32 = 5;

/// What the tasks of a run share in this process.
#[derive(Debug)]
pub(crate) struct Desk {
    /// Files of the trunk.
    pub(crate) trunk: Trunk,
    /// Verifications that may run at once: they need processors, asks do not.
    pub(crate) checks: Semaphore,
    /// What is on its way into the trunk in this process.
    pub(crate) train: Arc<Train>,
    /// Who waits for the trunk in this process, first come, first served.
    pub(crate) queue: Mutex<()>,
    /// The state, without the lease of any task.
    pub(crate) store: Store,
}

impl Desk {
    pub(crate) fn new(ctx: &Ctx) -> Arc<Self> {
        Arc::new(Self {
            trunk: Trunk::default(),
            checks: Semaphore::new(ctx.limits.checks_at_once_max.max(1)),
            train: Arc::default(),
            queue: Mutex::new(()),
            store: ctx.store.clone(),
        })
    }
}

/// How the work on a run's tasks ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WorkEnd {
    /// Every task is settled.
    Whole,
    /// What was asked for is settled, and more is left.
    Part,
    /// Nothing is left that this process can do now; whoever conducts the run knows more.
    Idle,
}

/// What this process does with a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role<'a> {
    /// It conducts the run, and does this task with what it depends on, or all.
    Conductor(Option<&'a TaskId>),
    /// It helps whoever conducts it.
    Helper,
}

/// Works on the tasks of a run.
pub(crate) async fn work(
    ctx: &Ctx,
    run: &Run,
    plan: &DevPlan,
    role: Role<'_>,
) -> Result<WorkEnd, BuildError> {
    let mut crew = Crew::gather(ctx, run, plan, role).await?;
    let end = crew.until_done().await;
    // Nobody is left behind, whatever went wrong: each holds worktrees and processes.
    crew.dismiss().await;
    end
}

/// What became of a task that was worked on.
struct Ended {
    task: TaskId,
    lease: Lease,
    /// What ends it.
    stop: CancellationToken,
    slot: usize,
    end: Result<TaskEnd, BuildError>,
}

/// The tasks under way in this process, and what is known of all others.
struct Crew<'a> {
    ctx: &'a Ctx,
    run: Arc<Run>,
    plan: Arc<DevPlan>,
    role: Role<'a>,
    desk: Arc<Desk>,
    schedule: Schedule,
    /// The newest event the schedule knows.
    seen: u64,
    busy: JoinSet<Ended>,
    free_slots: Vec<usize>,
    width: usize,
    /// Ends everything under way here.
    stop: CancellationToken,
    /// What ends each task under way, and the right to work on it.
    held: BTreeMap<TaskId, (CancellationToken, Lease)>,
    /// Rights to work that ended: they are given back with the next claim, or soon after where there is
    /// none. No more than tasks at once.
    to_give_back: Vec<Lease>,
    /// Tasks that wait for a person, with what for.
    waits: BTreeMap<TaskId, String>,
    /// How tasks failed here.
    failures: BTreeMap<TaskId, BuildError>,
    /// What keeps anything more from being started.
    broke: Option<BuildError>,
    looks: u32,
}

impl<'a> Crew<'a> {
    async fn gather(
        ctx: &'a Ctx,
        run: &Run,
        plan: &DevPlan,
        role: Role<'a>,
    ) -> Result<Self, BuildError> {
        let width = ctx.limits.tasks_at_once_max.max(1);
        let (schedule, seen) = read(ctx, run, role).await?;
        Ok(Self {
            ctx,
            run: Arc::new(run.clone()),
            plan: Arc::new(plan.clone()),
            role,
            desk: Desk::new(ctx),
            schedule,
            seen,
            busy: JoinSet::new(),
            free_slots: (1..=width).rev().collect(),
            width,
            stop: ctx.cancel.child_token(),
            held: BTreeMap::new(),
            to_give_back: Vec::new(),
            waits: BTreeMap::new(),
            failures: BTreeMap::new(),
            broke: None,
            looks: 0,
        })
    }

    async fn until_done(&mut self) -> Result<WorkEnd, BuildError> {
        loop {
            self.look().await?;
            self.start().await?;
            if self.busy.is_empty()
                && let Some(end) = self.end().await?
            {
                return Ok(end);
            }
            tokio::select! {
                Some(ended) = self.busy.join_next() => self.ended(ended),
                () = tokio::time::sleep(LOOK) => self.rescue().await?,
                () = self.ctx.cancel.cancelled(), if self.broke.is_none() => {
                    self.broke = Some(BuildError::Cancelled);
                }
            }
        }
    }

    /// Ends what is still under way, and waits for it.
    async fn dismiss(&mut self) {
        self.stop.cancel();
        while let Some(ended) = self.busy.join_next().await {
            // What it did is in the store; its task is taken back with all that this process held.
            drop(ended);
        }
    }

    /// Learns what moved since the last look.
    async fn look(&mut self) -> Result<(), BuildError> {
        let moves = self.ctx.store.task_moves(&self.run.id, self.seen).await?;
        if moves.others || !moves.moved.is_empty() {
            self.let_go().await?;
        }
        if moves.others {
            (self.schedule, self.seen) = read(self.ctx, &self.run, self.role).await?;
        } else {
            self.schedule.learn(&moves);
            self.seen = moves.seen;
        }
        if self.schedule.has_openable()
            && self
                .ctx
                .store
                .tasks_open(&self.run.id, self.ctx.now())
                .await?
                > 0
        {
            let moves = self.ctx.store.task_moves(&self.run.id, self.seen).await?;
            self.schedule.learn(&moves);
            self.seen = if moves.others { self.seen } else { moves.seen };
        }
        Ok(())
    }

    /// Ends the work on tasks that a person took away: skipped, cancelled or changed.
    async fn let_go(&self) -> Result<(), BuildError> {
        let Some((_, any)) = self.held.values().next() else {
            return Ok(());
        };
        // All of them are this process's.
        let kept = self.ctx.store.leases_held(&any.worker).await?;
        let lost = self
            .held
            .values()
            .filter(|(_, lease)| !kept.contains(lease));
        lost.for_each(|(stop, _)| stop.cancel());
        Ok(())
    }

    /// Starts what may start, one after another: each start changes what else may.
    async fn start(&mut self) -> Result<(), BuildError> {
        while self.broke.is_none() && self.busy.len() < self.width {
            let offered = replay::next(self.ctx, &self.run, self.schedule.offered()).await?;
            let Some(first) = offered.first() else { break };
            if let Err(error) = self.permit(first).await {
                self.broke = Some(error);
                break;
            }
            match self.claim(&offered).await? {
                Some(claim) => {
                    let moves = claim.moves();
                    self.schedule.learn(&moves);
                    self.seen = moves.seen;
                    self.begin(claim);
                }
                // Somebody else moved first. What is offered now may be something else.
                None if self.is_news().await? => self.look().await?,
                None => break,
            }
        }
        self.give_back().await
    }

    async fn claim(&mut self, offered: &[TaskId]) -> Result<Option<Claim>, BuildError> {
        let choice = Choice {
            candidates: offered,
            seen: self.seen,
            ended: &self.to_give_back,
        };
        let (run, now) = (&self.run.id, self.ctx.now());
        let claim = self.ctx.store.task_claim(run, choice, now).await?;
        self.to_give_back.clear();
        Ok(claim)
    }

    /// Gives back at once what no claim took along.
    async fn give_back(&mut self) -> Result<(), BuildError> {
        self.ctx.store.leases_give_back(&self.to_give_back).await?;
        self.to_give_back.clear();
        Ok(())
    }

    async fn is_news(&self) -> Result<bool, BuildError> {
        let moves = self.ctx.store.task_moves(&self.run.id, self.seen).await?;
        Ok(moves.others || !moves.moved.is_empty())
    }

    fn begin(&mut self, claim: Claim) {
        let Claim { task, lease, .. } = claim;
        let slot = self.free_slots.pop().unwrap_or(self.width);
        let stop = self.stop.child_token();
        let ctx = Ctx {
            store: self.ctx.store.under(lease.clone()),
            cancel: stop.clone(),
            ..self.ctx.clone()
        };
        self.held
            .insert(task.id.clone(), (stop.clone(), lease.clone()));
        let (run, plan) = (Arc::clone(&self.run), Arc::clone(&self.plan));
        let desk = Arc::clone(&self.desk);
        self.busy.spawn(async move {
            let id = task.id.clone();
            let doing = task::execute(&ctx, &run, &plan, task, slot, &desk);
            let end = Box::pin(doing).await;
            Ended {
                task: id,
                lease,
                stop,
                slot,
                end,
            }
        });
    }

    /// Takes note of how the work on a task ended.
    fn ended(&mut self, ended: Result<Ended, JoinError>) {
        let ended = match ended {
            Ok(ended) => ended,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => return,
        };
        self.free_slots.push(ended.slot);
        // Its task may have begun anew meanwhile; that stays.
        let is_this = |(_, lease): &(CancellationToken, Lease)| *lease == ended.lease;
        if self.held.get(&ended.task).is_some_and(is_this) {
            self.held.remove(&ended.task);
        }
        let is_taken = ended.stop.is_cancelled();
        match ended.end {
            // A person took it away: what it came to counts for nothing.
            Err(_) if is_taken && !self.stop.is_cancelled() => {}
            Ok(end) => {
                self.to_give_back.push(ended.lease);
                self.note(&ended.task, end);
            }
            // Another worker has it now: what this one did of it counts for nothing.
            Err(BuildError::Store(StoreError::Stale { .. })) => {}
            Err(error) => {
                // What others are at is paid for, and may still be finished.
                let first = self.broke.take();
                self.broke = Some(first.unwrap_or(error));
            }
        }
    }

    fn note(&mut self, task: &TaskId, end: TaskEnd) {
        match end {
            TaskEnd::Done | TaskEnd::Again => {}
            TaskEnd::Blocked { reason } => {
                self.waits.insert(task.clone(), reason);
            }
            TaskEnd::Failed {
                title,
                attempts,
                reason,
            } => {
                let task = task.clone();
                let failure = BuildError::TaskFailed {
                    task: task.clone(),
                    title,
                    attempts,
                    reason,
                };
                self.failures.insert(task, failure);
            }
            TaskEnd::Conflicting {
                title,
                attempts,
                reason,
            } => {
                let task = task.clone();
                let failure = BuildError::Conflict {
                    task: task.clone(),
                    title,
                    attempts,
                    reason,
                };
                self.failures.insert(task, failure);
            }
        }
    }

    /// Makes ready again what dead workers were at.
    async fn rescue(&mut self) -> Result<(), BuildError> {
        self.looks = (self.looks + 1) % LOOKS_PER_RESCUE;
        if self.looks == 0 && self.schedule.under_way() > self.busy.len() {
            let (run, now) = (&self.run.id, self.ctx.now());
            self.ctx.store.asks_rescue(run, now).await?;
            self.ctx.store.tasks_rescue(run, now).await?;
        }
        Ok(())
    }

    /// Whether the work is over where nothing of it is under way here.
    async fn end(&mut self) -> Result<Option<WorkEnd>, BuildError> {
        if let Some(error) = self.broke.take() {
            return Err(error);
        }
        if self.role == Role::Helper {
            let status = self.ctx.store.run_fetch(&self.run.id).await?.status;
            let idle = status != RunStatus::Running || self.schedule.offered().is_empty();
            return Ok(idle.then_some(WorkEnd::Idle));
        }
        if self.schedule.is_complete() {
            let whole = self.schedule.is_whole();
            return Ok(Some(if whole { WorkEnd::Whole } else { WorkEnd::Part }));
        }
        // Others are at something that may open more.
        if self.schedule.under_way() > 0
            || self.schedule.has_openable()
            || !self.schedule.offered().is_empty()
        {
            return Ok(None);
        }
        Err(self.stuck().await?)
    }

    /// Why nothing can be started although not everything is done: what failed, before what waits.
    async fn stuck(&mut self) -> Result<BuildError, BuildError> {
        if let Some((_, failure)) = self.failures.pop_first() {
            return Ok(failure);
        }
        if let Some(id) = self.schedule.in_state(TaskState::Failed).first() {
            return report::failed_before(self.ctx, &self.run.id, id).await;
        }
        if !self.waits.is_empty() {
            let waits: Vec<String> = self
                .waits
                .iter()
                .map(|(task, reason)| format!("{task}: {reason}"))
                .collect();
            return Ok(BuildError::NeedsPerson(waits.join("; ")));
        }
        let mut open = Vec::new();
        for state in [TaskState::Blocked, TaskState::Cancelled, TaskState::Skipped] {
            for id in self.schedule.in_state(state) {
                let task = self.ctx.store.task_fetch(&self.run.id, &id).await?;
                open.push(format!("{id} ({})", task.title));
            }
        }
        let open = open.join(", ");
        Ok(BuildError::NeedsPerson(format!("these tasks wait: {open}")))
    }

    /// Whether a task may begin; a person is asked where the policy wants it.
    async fn permit(&mut self, id: &TaskId) -> Result<(), BuildError> {
        if self.ctx.cancel.is_cancelled() {
            return Err(BuildError::Cancelled);
        }
        if self.run.approval != Approval::Task {
            return Ok(());
        }
        // A person takes their time, and nobody is to wait for what ended here.
        self.give_back().await?;
        let next = self.ctx.store.task_fetch(&self.run.id, id).await?;
        match task::approved(self.ctx, &self.run, &next).await? {
            Answer::Yes => Ok(()),
            Answer::No => Err(BuildError::Declined(format!("task {id}"))),
            Answer::Nobody => Err(BuildError::AwaitsAnswer {
                what: format!("task {id}"),
                subject: id.to_string(),
            }),
        }
    }
}

/// The schedule as the store has it, and the newest event it knows.
async fn read(ctx: &Ctx, run: &Run, role: Role<'_>) -> Result<(Schedule, u64), BuildError> {
    let only = match role {
        Role::Conductor(only) => only,
        Role::Helper => None,
    };
    let (tasks, seen) = ctx.store.task_outlines(&run.id).await?;
    let durations = ctx.store.task_durations(&run.id).await?;
    let schedule = Schedule::new(&tasks, &durations, only, ctx.limits.attempts_max)?;
    Ok((schedule, seen))
}
