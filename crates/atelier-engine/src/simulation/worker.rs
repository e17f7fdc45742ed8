//! One process of the simulation: it does with the schedule and the store what the work loop does,
//! and what a task comes to is drawn by lot.

use std::collections::BTreeMap;

use atelier_model::{
    AskId, AskRecord, AskSource, Attempt, AttemptOutcome, Digest, Evidence, MicroUsd, Reply, RunId,
    Stage, StopReason, TaskFact, TaskId, Timestamp, Usage, WorkerId,
};
use atelier_store::{
    AskBeginError, Choice, Claim, Lease, RunBudgets, Store, StoreError, TrunkMove, Worker,
};

use super::{
    draw::{ASK_MAX, Drawn, Fate, Lots},
    truth::{BASE, Truth},
};
use crate::schedule::Schedule;

/// Milliseconds between two signs of life.
const BEAT_MS: i64 = 5_000;
/// Looks after which what dead workers left is looked for.
const LOOKS_PER_RESCUE: u32 = 5;

/// How far the work on a task is.
#[derive(Debug, Clone)]
enum Phase {
    Asking(AskId),
    Checking,
    Waiting,
    Joining { trunk: String, merge: Lease },
}

#[derive(Debug)]
struct Job {
    fate: Fate,
    lease: Lease,
    attempt: Attempt,
    phase: Phase,
    until: i64,
}

/// What goes on in a step of a job.
enum Step {
    Goes,
    Ends,
}

/// Why a step of a job did not come to its end.
#[derive(Debug)]
enum Fault {
    /// The claim is somebody else's.
    Stale,
    /// The money is used up.
    Broke,
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        assert!(matches!(error, StoreError::Stale { .. }), "{error}");
        Self::Stale
    }
}

/// A process that works on the run.
pub(super) struct Process {
    name: String,
    store: Store,
    worker: Option<Worker>,
    lives: u32,
    asks: u32,
    schedule: Schedule,
    seen: u64,
    jobs: Vec<Job>,
    /// Claims of jobs that ended, to be given back with the next one.
    ended: Vec<Lease>,
    asleep_until: i64,
    /// It slept longer than its claims hold.
    pub(super) overslept: bool,
    pub(super) broke: bool,
    beaten: i64,
    looks: u32,
    run: RunId,
}

fn at(now: i64) -> Timestamp {
    Timestamp::from_millis(now)
}

impl Process {
    pub(super) async fn begin(
        name: &str,
        store: Store,
        run: &RunId,
        plan: &Drawn,
        now: i64,
    ) -> Self {
        let (schedule, seen) = read(&store, run, plan).await;
        let mut process = Self {
            name: name.to_owned(),
            store,
            worker: None,
            lives: 0,
            asks: 0,
            schedule,
            seen,
            jobs: Vec::new(),
            ended: Vec::new(),
            asleep_until: 0,
            overslept: false,
            broke: false,
            beaten: now,
            looks: 0,
            run: run.clone(),
        };
        process.live(plan, now).await;
        process
    }

    /// Begins a new life, which knows nothing of the one before.
    async fn live(&mut self, plan: &Drawn, now: i64) {
        self.lives += 1;
        let id = WorkerId::from_text(format!("{}-{}", self.name, self.lives));
        self.worker = Some(self.store.worker_begin(&id, at(now)).await.unwrap());
        (self.schedule, self.seen) = read(&self.store, &self.run, plan).await;
        self.beaten = now;
        self.broke = false;
    }

    /// Dies without a word: the operating system lets go of its file, and that is all.
    async fn die(&mut self, plan: &Drawn, now: i64) {
        self.worker = None;
        self.jobs.clear();
        self.ended.clear();
        self.live(plan, now).await;
        self.store.asks_recover(&self.run, at(now)).await.unwrap();
        self.store.tasks_recover(&self.run, at(now)).await.unwrap();
    }

    /// The next moment at which something happens here.
    pub(super) fn next(&self, now: i64) -> i64 {
        if self.asleep_until > now {
            return self.asleep_until;
        }
        let jobs = self.jobs.iter().map(|job| job.until);
        jobs.chain([self.beaten + BEAT_MS])
            .min()
            .unwrap_or(now)
            .max(now + 200)
    }

    /// Whether nothing goes on here, and nothing can be begun.
    pub(super) fn is_idle(&self, now: i64) -> bool {
        let nothing = self.schedule.offered().is_empty() && self.schedule.under_way() == 0;
        let nothing = nothing && !self.schedule.has_openable();
        self.asleep_until <= now && self.jobs.is_empty() && (self.broke || nothing)
    }

    /// Goes on after more money was given.
    pub(super) fn is_given_more(&mut self) {
        self.broke = false;
    }

    /// Does what is to be done at this moment.
    pub(super) async fn act(&mut self, plan: &Drawn, lots: &mut Lots, truth: &mut Truth, now: i64) {
        if self.asleep_until > now {
            return;
        }
        if plan.trouble != u64::MAX && lots.one_in(plan.trouble) {
            if lots.one_in(2) {
                return self.die(plan, now).await;
            }
            let sleep = i64::try_from(lots.below(70)).unwrap_or(0) * 1_000;
            self.overslept |= sleep >= atelier_store::LEASE_MS - BEAT_MS;
            self.asleep_until = now + sleep;
            return;
        }
        if now - self.beaten >= BEAT_MS
            && let Some(worker) = &self.worker
        {
            self.store.worker_beat(worker.id(), at(now)).await.unwrap();
            self.beaten = now;
        }
        self.look(plan, now).await;
        self.work(plan, lots, truth, now).await;
        self.look(plan, now).await;
        self.start(plan, truth, now).await;
        self.rescue(now).await;
        if self.broke && self.jobs.is_empty() {
            self.store.asks_recover(&self.run, at(now)).await.unwrap();
            self.store.tasks_recover(&self.run, at(now)).await.unwrap();
        }
    }

    async fn look(&mut self, plan: &Drawn, now: i64) {
        let moves = self.store.task_moves(&self.run, self.seen).await.unwrap();
        if moves.others {
            (self.schedule, self.seen) = read(&self.store, &self.run, plan).await;
        } else {
            self.schedule.learn(&moves);
            self.seen = moves.seen;
        }
        if self.schedule.has_openable()
            && self.store.tasks_open(&self.run, at(now)).await.unwrap() > 0
        {
            let moves = self.store.task_moves(&self.run, self.seen).await.unwrap();
            self.schedule.learn(&moves);
            self.seen = moves.seen;
        }
    }

    async fn start(&mut self, plan: &Drawn, truth: &mut Truth, now: i64) {
        while !self.broke && self.jobs.len() < plan.width {
            let Some(claim) = self.claim(now).await else {
                break;
            };
            let Claim { task, lease, .. } = claim;
            let (all, _) = self.store.task_outlines(&self.run).await.unwrap();
            truth.claimed(&task.id, &lease, &all);
            let fate = plan
                .fates
                .iter()
                .find(|fate| fate.task.id == task.id)
                .unwrap();
            let attempt = self.next_attempt(&task.id, now).await;
            let mut job = Job {
                fate: fate.clone(),
                lease,
                attempt,
                phase: Phase::Waiting,
                until: now,
            };
            match self.ask(&mut job, now).await {
                Ok(()) => self.jobs.push(job),
                Err(Fault::Broke) => self.broke = true,
                Err(Fault::Stale) => panic!("what was just claimed is somebody else's"),
            }
        }
        self.store.leases_give_back(&self.ended).await.unwrap();
        self.ended.clear();
    }

    /// Claims the best of what may begin, and learns of it what the store would tell.
    async fn claim(&mut self, now: i64) -> Option<Claim> {
        let offered = self.schedule.offered();
        if offered.is_empty() {
            return None;
        }
        let choice = Choice {
            candidates: &offered,
            seen: self.seen,
            ended: &self.ended,
        };
        let claim = self.store.task_claim(&self.run, choice, at(now)).await;
        self.ended.clear();
        let claim = claim.unwrap()?;
        let moves = claim.moves();
        let told = self.store.task_moves(&self.run, self.seen).await.unwrap();
        assert_eq!(moves, told, "a claim says what moved");
        self.schedule.learn(&moves);
        self.seen = moves.seen;
        Some(claim)
    }

    /// The attempt that comes next, on the base it began on where it was interrupted or failed.
    async fn next_attempt(&self, task: &TaskId, now: i64) -> Attempt {
        let earlier = self.store.attempt_list(&self.run, task).await.unwrap();
        let trunk = self.trunk().await;
        let (ordinal, base) = match earlier.last() {
            None => (1, trunk),
            Some(last) => match last.outcome.unwrap() {
                AttemptOutcome::Conflict => (last.ordinal + 1, trunk),
                AttemptOutcome::Interrupted => (last.ordinal, last.base.clone()),
                AttemptOutcome::Passed
                | AttemptOutcome::EditsRefused
                | AttemptOutcome::ChecksFailed => (last.ordinal + 1, last.base.clone()),
            },
        };
        Attempt {
            run: self.run.clone(),
            task: task.clone(),
            ordinal,
            base,
            edits: None,
            reply: None,
            outcome: None,
            feedback: String::new(),
            evidence: Evidence::default(),
            cost: MicroUsd::ZERO,
            started_at: at(now),
            ended_at: None,
        }
    }

    async fn trunk(&self) -> String {
        let run = self.store.run_fetch(&self.run).await.unwrap();
        run.trunk.unwrap_or_else(|| BASE.to_owned())
    }

    /// Begins an attempt by asking the model, if the money is there.
    async fn ask(&mut self, job: &mut Job, now: i64) -> Result<(), Fault> {
        let store = self.store.under(job.lease.clone());
        store.attempt_start(&job.attempt, at(now)).await?;
        self.asks += 1;
        let id = AskId::from_text(format!("{}-{}-{}", self.name, self.lives, self.asks));
        let record = record(&self.run, &job.attempt.task, &id, now);
        match store
            .ask_begin(&record, b"prompt", RunBudgets::default())
            .await
        {
            Ok(()) => {}
            Err(AskBeginError::OverBudget { .. } | AskBeginError::OverLimit { .. }) => {
                return Err(Fault::Broke);
            }
            Err(AskBeginError::Store(error)) => return Err(error.into()),
            Err(AskBeginError::Resting) => panic!("nobody asked for a rest"),
        }
        job.phase = Phase::Asking(id);
        job.until = now + job.fate.ask_ms;
        Ok(())
    }

    /// Takes every job that is due a step further.
    async fn work(&mut self, plan: &Drawn, lots: &mut Lots, truth: &mut Truth, now: i64) {
        for mut job in std::mem::take(&mut self.jobs) {
            if job.until > now {
                self.jobs.push(job);
                continue;
            }
            let task = job.attempt.task.clone();
            let merge = match &job.phase {
                Phase::Joining { merge, .. } => Some(merge.clone()),
                Phase::Asking(_) | Phase::Checking | Phase::Waiting => None,
            };
            match self.step(&mut job, plan, lots, truth, now).await {
                Ok(Step::Goes) => self.jobs.push(job),
                Ok(Step::Ends) => self.ended.push(job.lease),
                Err(Fault::Broke) => self.broke = true,
                Err(Fault::Stale) => {
                    assert!(self.overslept, "{} lost {task}", self.name);
                    truth.stale += 1;
                }
            }
            // However it ended, the right to move the trunk was for this one step.
            if let Some(merge) = merge {
                self.store.lease_give_back(&merge).await.unwrap();
            }
        }
    }

    async fn step(
        &mut self,
        job: &mut Job,
        plan: &Drawn,
        lots: &mut Lots,
        truth: &mut Truth,
        now: i64,
    ) -> Result<Step, Fault> {
        let store = self.store.under(job.lease.clone());
        match job.phase.clone() {
            Phase::Asking(id) => {
                let reply = reply(&id, MicroUsd(lots.below(ASK_MAX.0 + 1)));
                store
                    .ask_finish(&id, &reply, RunBudgets::default(), at(now))
                    .await?;
                self.advance(job, TaskFact::Edited, truth, now).await?;
                job.phase = Phase::Checking;
                job.until = now + job.fate.check_ms;
                Ok(Step::Goes)
            }
            Phase::Checking => self.checked(job, plan, truth, now).await,
            Phase::Waiting => self.wait(job, truth, now).await,
            Phase::Joining { trunk, merge } => {
                let end = self.merge(job, (&trunk, plan), truth, now).await?;
                if matches!(end, Step::Goes) {
                    // Somebody moved the trunk, who had taken the right to from a sleeper.
                    assert!(self.overslept, "the trunk moved under {}", merge.name);
                }
                Ok(end)
            }
        }
    }

    async fn advance(
        &self,
        job: &Job,
        fact: TaskFact,
        truth: &Truth,
        now: i64,
    ) -> Result<(), Fault> {
        let store = self.store.under(job.lease.clone());
        store
            .task_advance(&self.run, &job.attempt.task, fact, "", at(now))
            .await?;
        truth.changed(&job.attempt.task, &job.lease);
        Ok(())
    }

    async fn checked(
        &mut self,
        job: &mut Job,
        plan: &Drawn,
        truth: &Truth,
        now: i64,
    ) -> Result<Step, Fault> {
        if job.fate.needs_person {
            let end = (
                AttemptOutcome::Interrupted,
                TaskFact::PersonNeeded,
                "a person must look",
            );
            self.finish(job, end, truth, now).await?;
            return Ok(Step::Ends);
        }
        if job.attempt.ordinal > job.fate.fails {
            self.advance(job, TaskFact::Verified, truth, now).await?;
            job.phase = Phase::Waiting;
            return Ok(Step::Goes);
        }
        let last = job.attempt.ordinal >= plan.attempts_max;
        let fact = if last {
            TaskFact::AttemptsUsedUp
        } else {
            TaskFact::AttemptFailed
        };
        let end = (AttemptOutcome::ChecksFailed, fact, "the check fails");
        self.finish(job, end, truth, now).await?;
        if last {
            return Ok(Step::Ends);
        }
        job.attempt.ordinal += 1;
        job.attempt.outcome = None;
        job.attempt.ended_at = None;
        self.ask(job, now).await?;
        Ok(Step::Goes)
    }

    async fn finish(
        &self,
        job: &mut Job,
        (outcome, fact, reason): (AttemptOutcome, TaskFact, &str),
        truth: &Truth,
        now: i64,
    ) -> Result<(), Fault> {
        job.attempt.outcome = Some(outcome);
        job.attempt.ended_at = Some(at(now));
        let store = self.store.under(job.lease.clone());
        store
            .attempt_finish(&job.attempt, fact, reason, at(now))
            .await?;
        truth.changed(&job.attempt.task, &job.lease);
        Ok(())
    }

    /// Waits for the right to move the trunk, and begins to verify what would come of it.
    async fn wait(&mut self, job: &mut Job, truth: &Truth, now: i64) -> Result<Step, Fault> {
        let joins = |held: &Job| matches!(held.phase, Phase::Joining { .. });
        job.until = now + 200;
        if self.jobs.iter().any(joins) {
            return Ok(Step::Goes);
        }
        let store = self.store.under(job.lease.clone());
        let Some(merge) = store.lease_take(&Lease::merge(&self.run), at(now)).await? else {
            return Ok(Step::Goes);
        };
        truth.changed(&job.attempt.task, &job.lease);
        let trunk = self.trunk().await;
        let fast = trunk == job.attempt.base;
        job.until = if fast { now } else { now + job.fate.check_ms };
        job.phase = Phase::Joining { trunk, merge };
        Ok(Step::Goes)
    }

    async fn merge(
        &self,
        job: &mut Job,
        (trunk, plan): (&str, &Drawn),
        truth: &mut Truth,
        now: i64,
    ) -> Result<Step, Fault> {
        let base = job.attempt.base.clone();
        let met = |files: &[u64]| {
            files
                .iter()
                .any(|file| truth.is_changed(*file, &base, trunk))
        };
        if met(&job.fate.writes) || met(&job.fate.reads) {
            let last = job.attempt.ordinal >= plan.attempts_max;
            let fact = if last {
                TaskFact::PersonNeeded
            } else {
                TaskFact::MergeRefused
            };
            let end = (AttemptOutcome::Conflict, fact, "it does not fit the trunk");
            self.finish(job, end, truth, now).await?;
            truth.conflicts += 1;
            return Ok(Step::Ends);
        }
        let commit = truth.commit(&job.attempt.task, trunk, &job.fate.writes);
        let passed = Attempt {
            outcome: Some(AttemptOutcome::Passed),
            ended_at: Some(at(now)),
            ..job.attempt.clone()
        };
        let to = TrunkMove {
            expected: Some(trunk),
            commit: &commit,
            subject: "work",
            tests: 1,
        };
        let store = self.store.under(job.lease.clone());
        match store.task_merge(&passed, &to, at(now)).await {
            Ok(()) => {}
            Err(StoreError::TrunkMoved { .. }) => {
                job.phase = Phase::Waiting;
                return Ok(Step::Goes);
            }
            Err(error) => return Err(error.into()),
        }
        truth.changed(&job.attempt.task, &job.lease);
        Ok(Step::Ends)
    }

    async fn rescue(&mut self, now: i64) {
        self.looks = (self.looks + 1) % LOOKS_PER_RESCUE;
        if self.looks == 0 && self.schedule.under_way() > self.jobs.len() {
            self.store.asks_rescue(&self.run, at(now)).await.unwrap();
            self.store.tasks_rescue(&self.run, at(now)).await.unwrap();
        }
    }
}

async fn read(store: &Store, run: &RunId, plan: &Drawn) -> (Schedule, u64) {
    let (tasks, seen) = store.task_outlines(run).await.unwrap();
    let schedule = Schedule::new(&tasks, &BTreeMap::new(), None, plan.attempts_max).unwrap();
    (schedule, seen)
}

fn record(run: &RunId, task: &TaskId, id: &AskId, now: i64) -> AskRecord {
    AskRecord {
        id: id.clone(),
        run: run.clone(),
        task: Some(task.clone()),
        stage: Stage::Code,
        attempt: 1,
        key: Digest::of(id.as_str()),
        provider: "stand-in".to_owned(),
        model: "small".to_owned(),
        choice: None,
        template: "code".to_owned(),
        template_version: Digest::of("template"),
        prompt: Digest::of("prompt"),
        reply: None,
        source: None,
        usage: Usage::default(),
        reserved: ASK_MAX,
        reserved_tokens: 0,
        cost: MicroUsd::ZERO,
        latency_ms: 0,
        error: None,
        at: at(now),
    }
}

fn reply(id: &AskId, cost: MicroUsd) -> Reply {
    let text = format!("reply to {id}");
    Reply {
        key: Digest::of(id.as_str()),
        digest: Digest::of(&text),
        text,
        stop: StopReason::End,
        provider: "stand-in".to_owned(),
        model: "small".to_owned(),
        usage: Usage::default(),
        cost,
        latency_ms: 0,
        source: AskSource::Provider,
    }
}
