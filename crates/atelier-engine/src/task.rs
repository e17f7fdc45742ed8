//! One task: ask, edit, check, mend, commit.

mod base;
mod conflict;
mod conversation;
mod edited;
mod grading;
mod landing;
mod repeated;

use std::{collections::BTreeMap, sync::Arc};

use atelier_exec::Worktree;
use atelier_model::{
    Acceptance, Ask, Attempt, AttemptOutcome, Check, CheckOutcome, CheckResult, DevPlan, Digest,
    EditForm, EventKind, Evidence, FileTree, FormUse, Message, MicroUsd, Reply, Role, Run, Stage,
    StopReason, Task, TaskFact,
};
use atelier_store::TrunkPoint;
use futures_util::future::try_join;
use serde_json::json;
use tokio::sync::SemaphorePermit;

use self::edited::{Refusal, Wrote};
use crate::{
    Answer, BuildError, Ctx, Question,
    approve::ask_person,
    change, control, form, protect,
    replay::{self, Moment, judged},
    report, sealed, syntax,
    verify::Verification,
    work::Desk,
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
    let gateway = match &terms.model {
        Some(model) => Arc::new(ctx.gateway.with_model(Stage::Code, model)?),
        None => Arc::clone(&ctx.gateway),
    };
    let ctx = &Ctx {
        gateway,
        ..ctx.clone()
    };
    let mut work = Work::open(ctx, run, plan, task, slot, desk).await?;
    work.attempts().await
}

/// The work on one task.
struct Work<'a> {
    ctx: &'a Ctx,
    run: &'a Run,
    plan: &'a DevPlan,
    task: Task,
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
}

/// How an attempt ended.
enum Tried {
    Passed(Box<Proof>),
    Mend(Box<Attempt>, AttemptOutcome, String),
    NeedsPerson(Box<Attempt>, String),
}

impl<'a> Work<'a> {
    async fn open(
        ctx: &'a Ctx,
        run: &'a Run,
        plan: &'a DevPlan,
        task: Task,
        slot: usize,
        desk: &'a Desk,
    ) -> Result<Self, BuildError> {
        sealed::fix(ctx, &run.id, &task).await?;
        let all = ctx.store.attempt_list(&run.id, &task.id).await?;
        let of_round = |one: &Attempt| one.ordinal >= task.round_first;
        let earlier: Vec<Attempt> = all.into_iter().filter(of_round).collect();
        let base = match replay::base(ctx, run, &task, &earlier).await? {
            Some(recorded) => Some(recorded),
            None => base::of(ctx, run, &earlier).await?,
        };
        let point = match &base {
            Some(commit) => ctx.store.trunk_at(&run.id, commit).await?,
            None => None,
        };
        let before = desk.trunk.tree_at(ctx, base.as_deref())?;
        let tests = point.as_ref().map_or(0, |point| point.tests);
        let mut work = Self {
            ctx,
            run,
            plan,
            earlier,
            base,
            tests_before: change::tests_floor(ctx, &task, tests).await?,
            point,
            tree: FileTree::clone(&before),
            before,
            desk,
            place: ctx.place(&format!("slot-{slot}")),
            worktree: None,
            messages: Vec::new(),
            prompt_version: Digest::of(""),
            dropped: Vec::new(),
            form: EditForm::Whole,
            used: None,
            task,
        };
        work.begin_conversation().await?;
        Ok(work)
    }

    async fn attempts(&mut self) -> Result<TaskEnd, BuildError> {
        let first = self.task.round_first;
        let mut ordinal = self.take_over().await?;
        loop {
            let tried = self.attempt(ordinal).await?;
            let last = self.is_last(ordinal);
            match tried {
                Tried::Passed(proof) => return self.land(*proof).await,
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

    /// A check that passes before the work proves nothing about the work; that is worth knowing.
    async fn see_it_fail(&self) -> Result<(), BuildError> {
        let runs =
            |one: &&Acceptance| one.must_fail_before && !matches!(one.check, Check::Human { .. });
        let first: Vec<&Acceptance> = self.task.acceptance.iter().filter(runs).collect();
        if first.is_empty() || self.ctx.recording.is_some() {
            return Ok(());
        }
        let worktree = self.lay_out()?;
        let _turn = self.turn().await?;
        for acceptance in first {
            let name = format!("{}/{} before", number(&self.task), acceptance.id);
            let verification = self.verification(&worktree, &self.before, Vec::new());
            let result = verification
                .criterion(&name, acceptance, &BTreeMap::new())
                .await?;
            if result.outcome.passed() {
                let message = format!(
                    "{} {} passes before the work: it proves nothing about it",
                    number(&self.task),
                    acceptance.id
                );
                self.tell(EventKind::Warning { message }).await?;
            }
        }
        Ok(())
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
        let evidence = self.check(ordinal).await?;
        self.keep(ordinal)?;
        attempt.evidence = evidence.clone();
        if evidence.passed() {
            return Ok(Tried::Passed(Box::new(Proof {
                attempt,
                reply,
                prompt,
            })));
        }
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
            schema: None,
            template: "code".to_owned(),
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
        self.used = self.used_form(reply, Some(edited.wrote));
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

    fn lay_out(&self) -> Result<Worktree, BuildError> {
        Ok(self
            .ctx
            .git
            .worktree_open(&self.place, self.base.as_deref())?)
    }

    /// Waits until there is room for a verification, which needs processors.
    async fn turn(&self) -> Result<SemaphorePermit<'_>, BuildError> {
        tokio::select! {
            turn = self.desk.checks.acquire() => turn.map_err(|_| BuildError::Cancelled),
            () = self.ctx.cancel.cancelled() => Err(BuildError::Cancelled),
        }
    }

    async fn check(&self, ordinal: u32) -> Result<Evidence, BuildError> {
        let _turn = self.turn().await?;
        let named = self
            .task
            .acceptance
            .iter()
            .map(|one| (format!("{}/{}", number(&self.task), one.id), one))
            .collect();
        match &self.worktree {
            Some(worktree) => {
                let verification = self.verification(worktree, &self.tree, named);
                let evidence = judged(&verification, Moment::Alone { ordinal }).await?;
                self.graded(evidence).await
            }
            None => Ok(Evidence::default()),
        }
    }

    fn verification<'b>(
        &'b self,
        worktree: &'b Worktree,
        tree: &'b FileTree,
        acceptance: Vec<(String, &'b Acceptance)>,
    ) -> Verification<'b> {
        Verification {
            ctx: self.ctx,
            run: &self.run.id,
            task: Some(&self.task.id),
            folder: worktree.path(),
            tree,
            guarded: protect::guarded(tree, Some(&self.task)),
            acceptance,
            tests_before: self.tests_before,
            ask_person: true,
        }
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
