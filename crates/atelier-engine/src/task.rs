//! One task: ask, edit, check, mend, commit.

mod ahead;
mod background;
mod base;
mod checking;
mod conflict;
mod conversation;
mod edited;
mod grading;
mod landing;
mod repeated;
mod role;

use std::sync::Arc;

use atelier_docs::codex::Agent;
use atelier_exec::Worktree;
use atelier_model::{
    Ask, Attempt, AttemptOutcome, CheckOutcome, CheckResult, DevPlan, Digest, EditForm, EventKind,
    Evidence, FileTree, FormUse, Message, MicroUsd, Reply, Role, Run, Stage, StopReason, Task,
    TaskFact,
};
use atelier_store::TrunkPoint;
use futures_util::future::try_join;
use serde_json::json;

use self::{
    ahead::Ahead,
    edited::{Refusal, Wrote},
    landing::Landed,
};
use crate::{
    Answer, BuildError, Ctx, Question, agents, approve::ask_person, change, control, form, replay,
    report, sealed, syntax, train::Car, work::Desk,
};

/// How the work on a task ended.
#[derive(Debug)]
pub(crate) enum TaskEnd {
    /// The trunk holds it.
    Done,
    /// All attempts are used up.
    Failed {
        title: String,
        attempts: u32,
        reason: String,
    },
    /// A person must look.
    Blocked { reason: String },
    /// It did not fit together with what the trunk had become; it is ready again.
    Again,
    /// The same, and all attempts are used up: a person must decide between the two sides.
    Conflicting {
        title: String,
        attempts: u32,
        reason: String,
    },
}

/// Works on a task that was claimed until it is done, failed or blocked, in the worktree of a slot.
///
/// Every change of state goes through a store that knows the claim: whoever lost it changes nothing
/// more.
///
/// Tasks that follow each other in a slot share its worktree, so that a build finds what the one
/// before compiled.
pub(crate) async fn execute(
    ctx: &Ctx,
    run: &Run,
    plan: &DevPlan,
    task: Task,
    slot: usize,
    desk: &Desk,
) -> Result<TaskEnd, BuildError> {
    let terms = ctx.store.task_terms(&run.id, &task.id).await?;
    let task = Task {
        description: control::remarked(&task.description, &terms.remarks),
        ..task
    };
    sealed::fix(ctx, &run.id, &task).await?;
    let ground = Ground::of(ctx, run, &task, desk).await?;
    // In a replay the record says who answered.
    let own = ground.agent.model.as_ref();
    let own = own.filter(|_| ctx.recording.is_none());
    let gateway = match terms.model.as_ref().or(own) {
        Some(model) => Arc::new(ctx.gateway.with_model(Stage::Code, model)?),
        None => Arc::clone(&ctx.gateway),
    };
    let ctx = &Ctx {
        gateway,
        ..ctx.clone()
    };
    let of_run = (run, plan, desk);
    let mut work = Work::open(ctx, of_run, task, slot, ground).await?;
    work.attempts().await
}

/// What a task begins from.
struct Ground {
    /// The attempts of its round so far.
    earlier: Vec<Attempt>,
    base: Option<String>,
    files: Arc<FileTree>,
    agent: Agent,
}

impl Ground {
    async fn of(ctx: &Ctx, run: &Run, task: &Task, desk: &Desk) -> Result<Self, BuildError> {
        let all = ctx.store.attempt_list(&run.id, &task.id).await?;
        let of_round = |one: &Attempt| one.ordinal >= task.round_first;
        let earlier: Vec<Attempt> = all.into_iter().filter(of_round).collect();
        let base = match replay::base(ctx, run, task, &earlier).await? {
            Some(recorded) => Some(recorded),
            None => base::of(ctx, run, &earlier).await?,
        };
        let files = desk.trunk.tree_at(ctx, base.as_deref())?;
        let agent = agents::of_task(&files, task)?;
        Ok(Self {
            earlier,
            base,
            files,
            agent,
        })
    }
}

/// The work on one task.
struct Work<'a> {
    ctx: &'a Ctx,
    run: &'a Run,
    plan: &'a DevPlan,
    task: Task,
    /// Who does it.
    agent: Agent,
    /// Whether what it finds wanting goes back to whoever did it.
    sends_back: bool,
    /// The attempts of this round so far, which came before this work.
    earlier: Vec<Attempt>,
    /// The commit of the trunk on which the work stands; what is asked depends on nothing newer.
    base: Option<String>,
    /// The base in the history of the trunk.
    point: Option<TrunkPoint>,
    before: Arc<FileTree>,
    /// The files as the edits so far have made them.
    tree: FileTree,
    /// What this process's tasks share.
    desk: &'a Desk,
    /// Name of the worktree.
    place: String,
    worktree: Option<Worktree>,
    /// Its place among what is on its way into the trunk.
    car: Option<Car>,
    /// The newest work, where it was verified together with all that comes before it.
    ahead: Option<Ahead>,
    messages: Vec<Message>,
    prompt_version: Digest,
    tests_before: u64,
    /// What of the newest reply was left out, and why; which files it broke.
    dropped: Vec<String>,
    /// The form in which edits are asked for.
    form: EditForm,
    /// What came of the edits of the newest reply.
    used: Option<FormUse>,
}

/// An attempt that passed its checks.
struct Proof {
    attempt: Attempt,
    reply: Reply,
    prompt: Digest,
    /// The commit of the work alone, which no branch holds.
    own: String,
}

/// How an attempt ended.
enum Tried {
    /// Its work passed, and with that the task ended.
    Ended(TaskEnd),
    Mend(Box<Attempt>, AttemptOutcome, String),
    NeedsPerson(Box<Attempt>, String),
}

impl<'a> Work<'a> {
    async fn open(
        ctx: &'a Ctx,
        (run, plan, desk): (&'a Run, &'a DevPlan, &'a Desk),
        task: Task,
        slot: usize,
        ground: Ground,
    ) -> Result<Self, BuildError> {
        let Ground {
            earlier,
            base,
            files: before,
            agent,
        } = ground;
        let point = match &base {
            Some(commit) => ctx.store.trunk_at(&run.id, commit).await?,
            None => None,
        };
        let tests = point.as_ref().map_or(0, |point| point.tests);
        let mut work = Self {
            ctx,
            run,
            plan,
            agent,
            sends_back: false,
            earlier,
            base,
            tests_before: change::tests_floor(ctx, &task, tests).await?,
            point,
            tree: FileTree::clone(&before),
            before,
            desk,
            place: ctx.place(&format!("slot-{slot}")),
            worktree: None,
            car: None,
            ahead: None,
            messages: Vec::new(),
            prompt_version: Digest::of(""),
            dropped: Vec::new(),
            form: EditForm::Whole,
            used: None,
            task,
        };
        work.sends_back = work.may_send_back().await?;
        work.begin_conversation().await?;
        work.take_role()?;
        Ok(work)
    }

    async fn attempts(&mut self) -> Result<TaskEnd, BuildError> {
        let first = self.task.round_first;
        let mut ordinal = self.take_over().await?;
        loop {
            let tried = self.attempt(ordinal).await?;
            let last = self.is_last(ordinal);
            match tried {
                Tried::Ended(end) => return Ok(end),
                Tried::NeedsPerson(attempt, reason) => {
                    // Not a failure: once the person has looked, the same reply is checked again.
                    self.end(
                        *attempt,
                        AttemptOutcome::Interrupted,
                        TaskFact::PersonNeeded,
                        &reason,
                    )
                    .await?;
                    return Ok(TaskEnd::Blocked { reason });
                }
                Tried::Mend(attempt, outcome, mut reason) => {
                    let repeated = self.repeated(&attempt, outcome).await?;
                    let last = last || repeated.is_some();
                    if let Some(said) = repeated {
                        reason = format!("it repeats itself: {said}; {reason}");
                    }
                    let fact = if last {
                        TaskFact::AttemptsUsedUp
                    } else {
                        TaskFact::AttemptFailed
                    };
                    self.end(*attempt, outcome, fact, &reason).await?;
                    if last {
                        return Ok(TaskEnd::Failed {
                            title: self.task.title.clone(),
                            attempts: ordinal + 1 - first,
                            reason,
                        });
                    }
                }
            }
            ordinal += 1;
        }
    }

    /// Whether no attempt is left after this one.
    fn is_last(&self, ordinal: u32) -> bool {
        let attempts_max = self.ctx.limits.attempts_max.max(1);
        ordinal >= self.task.round_first.saturating_add(attempts_max) - 1
    }

    /// Makes the worktree ready for the edits, which are still being written: the time a model
    /// takes is time to lay out files and to see checks fail.
    async fn prepare(&self, ordinal: u32) -> Result<Worktree, BuildError> {
        if ordinal == self.task.round_first {
            self.see_it_fail().await?;
        }
        // Laid anew, so that nothing an earlier check or attempt left behind is checked.
        self.lay_out()
    }

    /// An attempt of which nothing is known but that it begins.
    fn begun(&self, ordinal: u32) -> Attempt {
        Attempt {
            run: self.run.id.clone(),
            task: self.task.id.clone(),
            ordinal,
            base: self.base.clone().unwrap_or_default(),
            reply: None,
            edits: None,
            outcome: None,
            feedback: String::new(),
            evidence: Evidence::default(),
            cost: MicroUsd::ZERO,
            started_at: self.ctx.now(),
            ended_at: None,
        }
    }

    async fn attempt(&mut self, ordinal: u32) -> Result<Tried, BuildError> {
        let mut attempt = self.begun(ordinal);
        self.ctx
            .store
            .attempt_start(&attempt, self.ctx.now())
            .await?;
        let prompt = Digest::of_json(&self.messages);
        let (reply, worktree) = try_join(self.ask(ordinal), self.prepare(ordinal)).await?;
        self.worktree = Some(worktree);
        attempt.reply = Some(reply.digest);
        attempt.cost = reply.cost;
        let used = ordinal + 1 - self.task.round_first;
        let left = self.ctx.limits.attempts_max.saturating_sub(used);
        self.messages.push(Message {
            role: Role::Assistant,
            text: reply.text.clone(),
        });
        let problems = self.take(&reply).await?;
        attempt.edits = self.used.take();
        if !problems.is_empty() {
            let reason = problems.first().cloned().unwrap_or_default();
            let tell = EventKind::EditsRefused {
                problems: problems.clone(),
            };
            self.tell(tell).await?;
            attempt.feedback = self.feedback(&problems, &[], left).await?;
            return Ok(Tried::Mend(
                Box::new(attempt),
                AttemptOutcome::EditsRefused,
                reason,
            ));
        }
        let own = self.keep(ordinal)?;
        attempt.evidence = self.check(ordinal, &own).await?;
        if attempt.evidence.passed() {
            let said = reply.text.clone();
            let proof = Proof {
                attempt,
                reply,
                prompt,
                own,
            };
            attempt = match self.land(proof).await? {
                Landed::Ended(end) => {
                    if matches!(end, TaskEnd::Done) {
                        self.send_back(&said).await?;
                    }
                    return Ok(Tried::Ended(end));
                }
                Landed::Unproven(attempt) => *attempt,
            };
        }
        self.unproven(attempt, left).await
    }

    /// What follows an attempt whose checks did not pass.
    async fn unproven(&mut self, mut attempt: Attempt, left: u32) -> Result<Tried, BuildError> {
        // Whoever is behind it must not wait for what does not come.
        self.car = None;
        let evidence = attempt.evidence.clone();
        let failed: Vec<&CheckResult> = evidence
            .checks
            .iter()
            .filter(|check| !check.outcome.passed())
            .collect();
        let line = |check: &&CheckResult| format!("{}: {}", check.name, check.reason);
        let reason = failed.first().map(line).unwrap_or_default();
        if failed.iter().all(|check| needs_person(check)) {
            return Ok(Tried::NeedsPerson(Box::new(attempt), reason));
        }
        let dropped = std::mem::take(&mut self.dropped);
        attempt.feedback = self.feedback(&dropped, &failed, left).await?;
        Ok(Tried::Mend(
            Box::new(attempt),
            AttemptOutcome::ChecksFailed,
            reason,
        ))
    }

    async fn ask(&self, ordinal: u32) -> Result<Reply, BuildError> {
        let step = atelier_plan::task_step(&self.task);
        let paths: Vec<_> = self.before.paths().collect();
        let ask = Ask {
            stage: Stage::Code,
            run: self.run.id.clone(),
            task: Some(self.task.id.clone()),
            messages: self.messages.clone(),
            schema: self.schema(),
            template: self.template().to_owned(),
            template_version: self.prompt_version,
            attempt: ordinal,
            facts: json!({
                "requirement": self.run.requirement, "design": self.plan.design, "step": step,
                "files": paths, "attempt": ordinal,
            }),
        };
        let asked = self
            .ctx
            .gateway
            .ask(&ask, self.run.budget.usd, &self.ctx.cancel)
            .await;
        asked.map_err(|source| BuildError::Ask {
            task: self.task.id.clone(),
            source,
        })
    }

    /// Applies a reply's edits in memory and, if all of them fit, on disk. Returns the problems.
    async fn take(&mut self, reply: &Reply) -> Result<Vec<String>, BuildError> {
        if reply.stop == StopReason::Length {
            let said = "the answer was cut off at the token limit: answer with fewer or smaller \
                        edits";
            return Ok(vec![said.to_owned()]);
        }
        if reply.stop == StopReason::Filtered {
            let said = "the provider withheld the rest of the answer: say it in other words";
            return Ok(vec![said.to_owned()]);
        }
        let edited = match self.edited(&reply.text) {
            Ok(edited) => edited,
            Err(Refusal {
                problems,
                tried,
                wrote,
            }) => {
                self.used = self.used_form(reply, wrote);
                self.tell_restored(&tried).await?;
                return Ok(problems.into_iter().chain(tried).collect());
            }
        };
        self.tell_restored(&edited.restored).await?;
        self.tell_doubtful(&edited.doubtful).await?;
        self.used = self.used_form(reply, edited.wrote);
        self.dropped = edited.restored;
        self.tree = edited.tree;
        let changes = self.before.changes_to(&self.tree);
        let faults = syntax::broken(&self.before, &self.tree);
        self.dropped
            .extend(faults.iter().map(syntax::Broken::to_model));
        if let Some(worktree) = &self.worktree {
            worktree.tree_write(&changes)?;
        }
        self.ctx
            .store
            .task_advance(
                &self.run.id,
                &self.task.id,
                TaskFact::Edited,
                "",
                self.ctx.now(),
            )
            .await?;
        self.tell(EventKind::EditsApplied {
            written: edited.written.iter().map(ToString::to_string).collect(),
            deleted: edited.deleted.iter().map(ToString::to_string).collect(),
            notes: edited.notes,
        })
        .await?;
        if !faults.is_empty() {
            let faults = faults.iter().map(ToString::to_string).collect();
            self.tell(EventKind::SyntaxBroken { faults }).await?;
        }
        Ok(Vec::new())
    }

    fn used_form(&self, reply: &Reply, wrote: Option<Wrote>) -> Option<FormUse> {
        let Wrote { found, outcome } = wrote?;
        form::used(self.ctx, &reply.model, self.form, found, outcome)
    }

    async fn tell_restored(&self, files: &[String]) -> Result<(), BuildError> {
        if files.is_empty() {
            return Ok(());
        }
        self.tell(EventKind::TestsRestored {
            files: files.to_vec(),
        })
        .await
    }

    /// What might be a cheat and might not is for a person to judge.
    async fn tell_doubtful(&self, places: &[String]) -> Result<(), BuildError> {
        for place in places {
            let message = format!("{}: look at {place}", number(&self.task));
            self.tell(EventKind::Warning { message }).await?;
        }
        Ok(())
    }

    async fn end(
        &self,
        mut attempt: Attempt,
        outcome: AttemptOutcome,
        fact: TaskFact,
        reason: &str,
    ) -> Result<(), BuildError> {
        attempt.outcome = Some(outcome);
        attempt.ended_at = Some(self.ctx.now());
        self.ctx
            .store
            .attempt_finish(&attempt, fact, reason, self.ctx.now())
            .await?;
        Ok(())
    }

    async fn tell(&self, kind: EventKind) -> Result<(), BuildError> {
        let (run, task) = (Some(&self.run.id), Some(&self.task.id));
        self.ctx
            .store
            .event_append(run, task, kind, self.ctx.now())
            .await?;
        Ok(())
    }
}

/// Whether only a person can help: the check is a question, or the toolchain is not installed. A
/// criterion whose program is missing is different: the model may have named or built it wrongly.
fn needs_person(check: &CheckResult) -> bool {
    match check.outcome {
        CheckOutcome::NeedsPerson => true,
        CheckOutcome::NotStarted => !report::is_criterion(&check.name),
        CheckOutcome::Passed
        | CheckOutcome::Failed
        | CheckOutcome::TimedOut
        | CheckOutcome::NoTests => false,
    }
}

/// The number of the task's step, or its id.
fn number(task: &Task) -> &str {
    task.step.as_deref().unwrap_or(task.id.as_str())
}

/// Asks for approval of a task where the policy wants it. `false` means that it stays ready.
pub(crate) async fn approved(ctx: &Ctx, run: &Run, task: &Task) -> Result<Answer, BuildError> {
    let question = Question::Task {
        id: task.id.to_string(),
        title: task.title.clone(),
    };
    Ok(ask_person(ctx, &run.id, &question).await?.answer)
}
