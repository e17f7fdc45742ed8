//! Events: facts that happened, numbered, never changed.

use serde::{Deserialize, Serialize};

use crate::{
    Approval, AskId, AskSource, AttemptOutcome, Budget, CheckOutcome, Digest, MicroUsd, Resource,
    RouteChoice, RunId, RunStatus, SandboxLevel, Stage, TaskChange, TaskId, TaskState, TestCounts,
    Timestamp, Usage,
};

/// One fact that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its number: 1, 2, 3, … without a gap in one project.
    pub seq: u64,
    /// When it happened.
    pub at: Timestamp,
    /// The run it belongs to.
    pub run: Option<RunId>,
    /// The task it belongs to.
    pub task: Option<TaskId>,
    /// What happened.
    pub kind: EventKind,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum EventKind {
    /// A run was created.
    #[serde(rename = "run.created")]
    RunCreated {
        /// Digest of the requirement.
        requirement: Digest,
        /// Commit it starts from.
        base: Option<String>,
        /// Branch that receives verified commits.
        branch: String,
        /// Money it may spend.
        budget: Option<MicroUsd>,
        /// When a person is asked.
        approval: Approval,
    },
    /// A run moved to another status.
    #[serde(rename = "run.status")]
    RunStatus {
        /// From.
        from: RunStatus,
        /// To.
        to: RunStatus,
    },
    /// A stage began.
    #[serde(rename = "stage.started")]
    StageStarted {
        /// The stage.
        stage: Stage,
        /// The phase, in the detail stage.
        phase: Option<u32>,
    },
    /// A stage's artifact is stored.
    #[serde(rename = "stage.finished")]
    StageFinished {
        /// The stage.
        stage: Stage,
        /// The phase, in the detail stage.
        phase: Option<u32>,
        /// Digest of the artifact.
        artifact: Digest,
        /// One line on it, for people.
        summary: String,
    },
    /// The plan was checked without a model.
    #[serde(rename = "plan.linted")]
    PlanLinted {
        /// What is wrong; empty when all is well.
        problems: Vec<String>,
    },
    /// The plan of a run was changed.
    #[serde(rename = "plan.changed")]
    PlanChanged {
        /// 1 for the first change of the run.
        change: u32,
        /// Digest of the requirement as it reads now.
        requirement: Digest,
        /// What changes, in a sentence or two.
        summary: String,
        /// What is done to each task that is not left as it is.
        tasks: Vec<TaskChange>,
    },
    /// An ask was sent.
    #[serde(rename = "ask.started")]
    AskStarted {
        /// The ask.
        ask: AskId,
        /// Its stage.
        stage: Stage,
        /// Its key.
        key: Digest,
        /// Provider.
        provider: String,
        /// Model.
        model: String,
        /// Money reserved for it.
        reserved: MicroUsd,
        /// Why it was sent there, where there was a choice.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        choice: Option<RouteChoice>,
    },
    /// An ask is sent again after a failure that may pass.
    #[serde(rename = "ask.retried")]
    AskRetried {
        /// The ask.
        ask: AskId,
        /// The failure.
        reason: String,
        /// Milliseconds waited before the next sending.
        wait_ms: u64,
        /// What had come of its answer, by the digest under which that is kept.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        partial: Option<Digest>,
    },
    /// A reply is stored.
    #[serde(rename = "ask.finished")]
    AskFinished {
        /// The ask.
        ask: AskId,
        /// Its stage.
        stage: Stage,
        /// Its key.
        key: Digest,
        /// Provider.
        provider: String,
        /// Model.
        model: String,
        /// Where the reply came from.
        source: AskSource,
        /// Tokens.
        usage: Usage,
        /// Money spent now.
        cost: MicroUsd,
        /// Milliseconds.
        latency_ms: u64,
    },
    /// An ask ended without a reply.
    #[serde(rename = "ask.failed")]
    AskFailed {
        /// The ask.
        ask: AskId,
        /// Its stage.
        stage: Stage,
        /// Why.
        error: String,
        /// Money that must be taken as spent.
        cost: MicroUsd,
        /// What had come of its answer, by the digest under which that is kept.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        partial: Option<Digest>,
    },
    /// The budget refused an ask before it was sent.
    #[serde(rename = "budget.refused")]
    BudgetRefused {
        /// The stage that asked.
        stage: Stage,
        /// Whose budget: of the `run`, its `stage` or its `task`.
        #[serde(default = "of_the_run")]
        scope: String,
        /// The most the ask could have cost.
        needed: MicroUsd,
        /// What is spent or reserved.
        spent: MicroUsd,
        /// The budget.
        budget: MicroUsd,
    },
    /// Something other than money was used up: nothing more is begun.
    #[serde(rename = "budget.exhausted")]
    BudgetExhausted {
        /// Whose budget: of the `run`, its `stage` or its `task`.
        scope: String,
        /// What.
        resource: Resource,
        /// The most that the next sending could have used.
        needed: u64,
        /// What is used or reserved.
        spent: u64,
        /// The budget.
        budget: u64,
    },
    /// A mark of a budget was passed, for the first time.
    #[serde(rename = "budget.marked")]
    BudgetMarked {
        /// Whose budget: of the `run`, its `stage` or its `task`.
        scope: String,
        /// The name of the stage, or the task's id; empty for the run.
        subject: String,
        /// Of what.
        resource: Resource,
        /// The mark.
        percent: u64,
        /// What is used.
        spent: u64,
        /// The budget.
        budget: u64,
    },
    /// A person changed what may be used up.
    #[serde(rename = "budget.set")]
    BudgetSet {
        /// The task whose budget it is; of the run where there is none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        task: Option<TaskId>,
        /// The budget from now on.
        budget: Budget,
    },
    /// A person asked for something that whoever works on the run obeys.
    #[serde(rename = "control.asked")]
    ControlAsked {
        /// What, in the word of its command.
        command: String,
        /// Why, where a person said so.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
    },
    /// A person changed a task.
    #[serde(rename = "task.edited")]
    TaskEdited {
        /// What was changed, one word a field.
        fields: Vec<String>,
        /// Why, where a person said so.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
    },
    /// A task was added.
    #[serde(rename = "task.added")]
    TaskAdded {
        /// Its title.
        title: String,
        /// What it depends on.
        depends_on: Vec<TaskId>,
    },
    /// A task moved to another state.
    #[serde(rename = "task.state")]
    TaskState {
        /// From.
        from: TaskState,
        /// To.
        to: TaskState,
        /// Why, where it is not obvious.
        reason: String,
    },
    /// How a task, or the run, is judged was fixed before its code was asked for.
    #[serde(rename = "acceptance.fixed")]
    AcceptanceFixed {
        /// Digest of the criteria.
        acceptance: Digest,
        /// Digest of the list of its hidden tests, under which that list is kept.
        hidden: Option<Digest>,
        /// How many files of hidden tests there are.
        files: u64,
        /// Digest of criteria and hidden tests as they were fixed before, where they were changed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<Digest>,
        /// Who changed them and why; empty for the first time.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
    },
    /// A try at a task began.
    #[serde(rename = "attempt.started")]
    AttemptStarted {
        /// 1 for the first.
        ordinal: u32,
    },
    /// A try at a task ended.
    #[serde(rename = "attempt.finished")]
    AttemptFinished {
        /// 1 for the first.
        ordinal: u32,
        /// How.
        outcome: AttemptOutcome,
        /// One line on what failed.
        reason: String,
    },
    /// A reply's edits stand in the worktree.
    #[serde(rename = "edits.applied")]
    EditsApplied {
        /// Paths written.
        written: Vec<String>,
        /// Paths deleted.
        deleted: Vec<String>,
        /// How edits were placed where it was not letter by letter.
        notes: Vec<String>,
    },
    /// What a model is shown of the project was made shorter.
    #[serde(rename = "context.packed")]
    ContextPacked {
        /// Bytes that the shown files and documents would have had.
        bytes_full: u64,
        /// Bytes that they have.
        bytes: u64,
    },
    /// Edits broke files that could be read before: they no longer follow their grammar.
    #[serde(rename = "syntax.broken")]
    SyntaxBroken {
        /// The places, each as `path:line:column: what is wrong`.
        faults: Vec<String>,
    },
    /// A reply's edits were refused, all of them.
    #[serde(rename = "edits.refused")]
    EditsRefused {
        /// What is wrong, one line each.
        problems: Vec<String>,
    },
    /// Protected files were put back.
    #[serde(rename = "tests.restored")]
    TestsRestored {
        /// What was tried, one line a file.
        files: Vec<String>,
    },
    /// It was decided how tightly the commands of the run are confined.
    #[serde(rename = "sandbox.chosen")]
    SandboxChosen {
        /// The level.
        level: SandboxLevel,
        /// What is not as tight as it could be elsewhere, and why, one line each.
        lacks: Vec<String>,
    },
    /// A build step or check began.
    #[serde(rename = "check.started")]
    CheckStarted {
        /// Its name.
        name: String,
        /// Its command line.
        command: String,
    },
    /// A build step or check ended.
    #[serde(rename = "check.finished")]
    CheckFinished {
        /// Its name.
        name: String,
        /// What it concluded.
        outcome: CheckOutcome,
        /// One line that says why it failed; empty when it passed.
        reason: String,
        /// Counts, where a test report was read.
        tests: Option<TestCounts>,
        /// Milliseconds.
        duration_ms: u64,
        /// How tightly its command was confined, where one was run.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        level: Option<SandboxLevel>,
    },
    /// A task's work is committed.
    #[serde(rename = "task.committed")]
    TaskCommitted {
        /// The commit.
        commit: String,
        /// Its subject line.
        subject: String,
    },
    /// A document was written.
    #[serde(rename = "document.written")]
    DocumentWritten {
        /// Its path.
        path: String,
        /// Digest of its content.
        digest: Digest,
    },
    /// A person is asked.
    #[serde(rename = "approval.asked")]
    ApprovalAsked {
        /// What for: `plan`, or a task's id.
        subject: String,
    },
    /// A person answered.
    #[serde(rename = "approval.given")]
    ApprovalGiven {
        /// What for.
        subject: String,
        /// Whether the answer was yes.
        approved: bool,
        /// What the person said beside.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
    },
    /// The fresh checkout of the final commit was checked.
    #[serde(rename = "run.verified")]
    RunVerified {
        /// The commit.
        commit: String,
        /// Whether every check passed.
        passed: bool,
        /// How many checks ran.
        checks: u64,
        /// How many tests were executed.
        tests: u64,
    },
    /// The user's branch moved to the result, or it could not.
    #[serde(rename = "run.delivered")]
    RunDelivered {
        /// The branch with the result.
        branch: String,
        /// The user's branch, where it was moved.
        fast_forwarded: Option<String>,
        /// Why it was not moved, and the command that does it.
        reason: String,
    },
    /// What the run will probably use was told, before it was used.
    #[serde(rename = "run.estimated")]
    RunEstimated {
        /// Whether the plan was known.
        planned: bool,
        /// Money; none where a model has no price.
        cost: Option<MicroUsd>,
        /// Asks.
        asks: u64,
        /// Tokens of all prompts.
        input_tokens: u64,
        /// Tokens of all answers.
        output_tokens: u64,
        /// Milliseconds of asks and checks, one after the other.
        wall_ms: u64,
    },
    /// Something a person should know that stops nothing.
    #[serde(rename = "warning")]
    Warning {
        /// What.
        message: String,
    },
    /// A run ended: the last event of an invocation.
    #[serde(rename = "run.finished")]
    RunFinished {
        /// Its status.
        status: RunStatus,
        /// Exit code of the invocation.
        exit_code: i32,
        /// One line.
        reason: String,
        /// The newest verified commit.
        commit: Option<String>,
        /// Money spent over all invocations.
        cost: MicroUsd,
    },
}

/// Before there were budgets of stages and tasks, each was of its run.
fn of_the_run() -> String {
    "run".to_owned()
}

impl EventKind {
    /// The kind's name, such as `task.state`.
    pub fn name(&self) -> String {
        let value = serde_json::to_value(self).unwrap_or_default();
        value["type"].as_str().unwrap_or_default().to_owned()
    }
}

#[cfg(test)]
mod tests;
