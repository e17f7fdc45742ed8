//! Watches over a run while it is worked on: pauses, cancellations and budgets of time, wherever they
//! come from, are obeyed within a second.

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use atelier_model::{Budget, RunId, RunStatus, Stage, TaskId, Timestamp};
use atelier_store::{Rest, RunPulse, Scope};
use tokio_util::sync::CancellationToken;

use crate::{BuildError, Ctx};

/// Time between two looks at what a person asks for.
const LOOK: Duration = Duration::from_millis(200);
/// Looks after which the time of the run is put on record.
const LOOKS_PER_TICK: u32 = 25;

/// Why a run is to stop before its goal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Halt {
    /// A person wants it to rest.
    Paused,
    /// A person ended it for good.
    Cancelled,
    /// Time is used up.
    TimeSpent {
        scope: Scope,
        subject: String,
        spent: u64,
        budget: u64,
    },
}

impl Halt {
    fn error(self) -> BuildError {
        match self {
            Self::Paused => BuildError::Paused,
            Self::Cancelled => BuildError::RunCancelled,
            Self::TimeSpent {
                scope,
                subject,
                spent,
                budget,
            } => BuildError::TimeSpent {
                scope,
                subject,
                spent,
                budget,
            },
        }
    }
}

/// One process's watch over one run.
#[derive(Debug)]
pub(crate) struct Overseer {
    run: RunId,
    stop: CancellationToken,
    halt: Arc<Mutex<Option<Halt>>>,
}

impl Overseer {
    /// Begins to watch. Returns the context whose work it can stop.
    pub(crate) fn new(ctx: &Ctx, run: &RunId) -> (Self, Ctx) {
        let stop = ctx.cancel.child_token();
        let watched = Ctx {
            cancel: stop.clone(),
            ..ctx.clone()
        };
        let watch = Self {
            run: run.clone(),
            stop,
            halt: Arc::default(),
        };
        (watch, watched)
    }

    /// Does the work while it is watched. An error that follows from a stop is told as its cause.
    pub(crate) async fn watch<T>(
        &self,
        ctx: &Ctx,
        work: impl Future<Output = Result<T, BuildError>>,
    ) -> Result<T, BuildError> {
        // What waits already goes before any work.
        self.look(ctx).await?;
        self.tick(ctx).await?;
        let ended = if self.stop.is_cancelled() {
            Err(BuildError::Cancelled)
        } else {
            let mut work = std::pin::pin!(work);
            tokio::select! {
                ended = &mut work => ended,
                broke = self.keep_looking(ctx) => match broke {
                    Ok(never) => match never {},
                    Err(error) => {
                        self.stop.cancel();
                        // The work ends in order: processes are killed, what is finished is kept.
                        let _ = work.await;
                        Err(error)
                    }
                },
            }
        };
        self.tick(ctx).await?;
        if ended.is_err() {
            // What refused an ask may be younger than the last look.
            self.look(ctx).await?;
        }
        match (ended, self.taken()) {
            (Err(_), Some(halt)) => Err(halt.error()),
            (ended, _) => ended,
        }
    }

    async fn keep_looking(&self, ctx: &Ctx) -> Result<std::convert::Infallible, BuildError> {
        let mut looks: u32 = 0;
        loop {
            tokio::time::sleep(LOOK).await;
            self.look(ctx).await?;
            looks = (looks + 1) % LOOKS_PER_TICK;
            if looks == 0 {
                self.tick(ctx).await?;
            }
        }
    }

    async fn tick(&self, ctx: &Ctx) -> Result<(), BuildError> {
        ctx.store.run_tick(&self.run, ctx.now()).await?;
        Ok(())
    }

    async fn look(&self, ctx: &Ctx) -> Result<(), BuildError> {
        if self.taken().is_some() {
            return self.rest(ctx).await;
        }
        let pulse = ctx.store.run_pulse(&self.run).await?;
        let halt = match asked(&pulse) {
            Some(halt) => Some(halt),
            None => self.time_spent(ctx, &pulse).await?,
        };
        let Some(halt) = halt else { return Ok(()) };
        if let Halt::TimeSpent {
            scope,
            subject,
            spent,
            budget,
        } = &halt
        {
            let task = (*scope == Scope::Task).then(|| TaskId::from_text(subject.as_str()));
            let gone = (*scope, *spent, *budget);
            ctx.store
                .budget_exhausted(&self.run, task.as_ref(), gone, ctx.now())
                .await?;
        }
        *self.halt.lock().unwrap_or_else(PoisonError::into_inner) = Some(halt);
        self.rest(ctx).await
    }

    /// Stops what is under way; a pause lets the answers come in that are paid for.
    async fn rest(&self, ctx: &Ctx) -> Result<(), BuildError> {
        if self.stop.is_cancelled() {
            return Ok(());
        }
        let pulse = ctx.store.run_pulse(&self.run).await?;
        let waits = self.taken() == Some(Halt::Paused)
            && pulse.rest == Some(Rest::Pause)
            && pulse.open_asks > 0;
        if !waits {
            self.stop.cancel();
        }
        Ok(())
    }

    fn taken(&self) -> Option<Halt> {
        let halt = self.halt.lock().unwrap_or_else(PoisonError::into_inner);
        halt.clone()
    }

    /// Which budget of time is used up, if any is.
    async fn time_spent(&self, ctx: &Ctx, pulse: &RunPulse) -> Result<Option<Halt>, BuildError> {
        let now = ctx.now();
        if let Some(budget) = pulse.budget.wall_ms {
            let spent = worked(pulse, now);
            if spent >= budget {
                return Ok(Some(spent_of(Scope::Run, "", spent, budget)));
            }
        }
        for stage in Stage::ALL {
            let Some(budget) = ctx.gateway.stage_budget(stage).wall_ms else {
                continue;
            };
            let spent = ctx.store.stage_used(&self.run, stage, now).await?.wall_ms;
            if spent >= budget {
                return Ok(Some(spent_of(Scope::Stage, stage.name(), spent, budget)));
            }
        }
        let configured = Budget {
            wall_ms: ctx.gateway.task_budget().wall_ms,
            ..Budget::default()
        };
        let timed = ctx.store.tasks_timed(&self.run, configured, now).await?;
        let late = timed.into_iter().find(|(_, spent, budget)| spent >= budget);
        Ok(late.map(|(task, spent, budget)| spent_of(Scope::Task, task.as_str(), spent, budget)))
    }
}

fn asked(pulse: &RunPulse) -> Option<Halt> {
    if pulse.status == RunStatus::Cancelled {
        return Some(Halt::Cancelled);
    }
    pulse.rest.map(|_| Halt::Paused)
}

/// How long a run was worked on, up to now.
fn worked(pulse: &RunPulse, now: Timestamp) -> u64 {
    let since = pulse.worked_at.map_or(0, |at| now.millis_since(at));
    pulse.worked_ms.saturating_add(since)
}

fn spent_of(scope: Scope, subject: &str, spent: u64, budget: u64) -> Halt {
    Halt::TimeSpent {
        scope,
        subject: subject.to_owned(),
        spent,
        budget,
    }
}
