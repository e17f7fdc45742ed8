//! One task: ask, edit, check, mend, commit.

mod conversation;
mod edited;
mod landing;

use std::{collections::BTreeMap, sync::Arc};

use atelier_exec::Worktree;
use atelier_model::{
    Acceptance, Ask, Attempt, AttemptOutcome, Check, CheckOutcome, CheckResult, DevPlan, Digest,
    EditForm, EventKind, Evidence, FileTree, FormUse, Message, MicroUsd, Reply, Role, Run, Stage,
    StopReason, Task, TaskFact, TaskId,
};
use futures_util::future::try_join;
use serde_json::json;

use self::edited::{Refusal, Wrote};
use crate::{
    Answer, BuildError, Ctx, Question, approve::ask_person, form, protect, report, syntax,
    trunk::Trunk, verify::Verification,
};

/// How the work on a task ended.
#[derive(Debug)]
pub(crate) enum TaskEnd {
    /// The trunk holds it.
    Done,
    /// All attempts are used up.
    Failed { attempts: u32, reason: String },
    /// A person must look.
    Blocked { reason: String },
    /// The trunk moved meanwhile; it is ready again.
    Again,
}

/// Works on a ready task until it is done, failed or blocked, in the worktree of a slot.
///
/// Tasks that follow each other in a slot share its worktree, so that a build finds what the one
/// before compiled.
pub(crate) async fn execute(
    ctx: &Ctx,
    run: &Run,
    plan: &DevPlan,
    id: &TaskId,
    slot: usize,
    trunk: &Trunk,
) -> Result<TaskEnd, BuildError> {
    let task = ctx.store.task_fetch(&run.id, id).await?;
    ctx.store
        .task_advance(&run.id, id, TaskFact::Claimed, "", ctx.now())
        .await?;
    let mut work = Work::open(ctx, run, plan, task, slot, trunk).await?;
    work.attempts().await
}

/// The work on one task.
struct Work<'a> {
    ctx: &'a Ctx,
    run: &'a Run,
    plan: &'a DevPlan,
    task: Task,
    /// All tasks of the run, as they stood when the work began.
    tasks: Vec<Task>,
    base: Option<String>,
    before: Arc<FileTree>,
    /// The files as the edits so far have made them.
    tree: FileTree,
    /// The files of the trunk, for the task that comes next.
    trunk: &'a Trunk,
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
        trunk: &'a Trunk,
    ) -> Result<Self, BuildError> {
        let tasks = ctx.store.task_list(&run.id).await?;
        let base = ctx
            .store
            .run_fetch(&run.id)
            .await?
            .trunk
            .or_else(|| run.base_commit.clone());
        let before = trunk.tree_at(ctx, base.as_deref())?;
        let tests_before = report::tests_so_far(ctx, run, &tasks).await?;
        let mut work = Self {
            ctx,
            run,
            plan,
            tasks,
            base,
            tree: FileTree::clone(&before),
            before,
            trunk,
            place: format!("slot-{slot}"),
            worktree: None,
            messages: Vec::new(),
            prompt_version: Digest::of(""),
            tests_before,
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
        let mut ordinal = self.replay().await?;
        let max = first.saturating_add(self.ctx.limits.attempts_max.max(1)) - 1;
        loop {
            let tried = self.attempt(ordinal).await?;
            let last = ordinal >= max;
            match tried {
                Tried::Passed(proof) => return self.finish(*proof).await,
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
                Tried::Mend(attempt, outcome, reason) => {
                    let fact = if last {
                        TaskFact::AttemptsUsedUp
                    } else {
                        TaskFact::AttemptFailed
                    };
                    self.end(*attempt, outcome, fact, &reason).await?;
                    if last {
                        let attempts = ordinal + 1 - first;
                        return Ok(TaskEnd::Failed { attempts, reason });
                    }
                }
            }
            ordinal += 1;
        }
    }

    /// A check that passes before the work proves nothing about the work; that is worth knowing.
    async fn see_it_fail(&self) -> Result<(), BuildError> {
        let runs =
            |one: &&Acceptance| one.must_fail_before && !matches!(one.check, Check::Human { .. });
        let first: Vec<&Acceptance> = self.task.acceptance.iter().filter(runs).collect();
        if first.is_empty() {
            return Ok(());
        }
        let worktree = self.lay_out()?;
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
        let evidence = self.check().await?;
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

    fn lay_out(&self) -> Result<Worktree, BuildError> {
        Ok(self
            .ctx
            .git
            .worktree_open(&self.place, self.base.as_deref())?)
    }

    async fn check(&self) -> Result<Evidence, BuildError> {
        let named = self
            .task
            .acceptance
            .iter()
            .map(|one| (format!("{}/{}", number(&self.task), one.id), one))
            .collect();
        match &self.worktree {
            Some(worktree) => self.verification(worktree, &self.tree, named).run().await,
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
    ask_person(ctx, &run.id, Some(&task.id), &question).await
}
