//! The report: plain values, as programs get them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a run came to. Money is in millionths of a US dollar, instants are RFC 3339 in UTC, texts are
/// free of control characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunReport {
    /// The format's number: 1. A field may be added; a changed meaning gets another number.
    pub v: u32,
    /// `run.report`.
    #[serde(rename = "type")]
    pub kind: String,
    /// When the report was made.
    pub made_at: String,
    /// Id of the run.
    pub run: String,
    /// Name of what is built.
    pub name: String,
    /// What it is, in a sentence or two.
    pub summary: String,
    /// The requirement, word for word.
    pub requirement: String,
    /// What became of it.
    pub outcome: Outcome,
    /// What there is in all.
    pub totals: Totals,
    /// The statements of the requirement, those that are not met first.
    pub requirements: Vec<Requirement>,
    /// How each task proves that it is done, in the order of the plan.
    pub criteria: Vec<Criterion>,
    /// The tasks in the order of the plan.
    pub tasks: Vec<TaskLine>,
    /// The newest check of the result as a whole, in a fresh checkout.
    pub verdict: Option<Verdict>,
    /// What stands behind the verdict.
    pub evidence: Evidence,
    /// What the run was expected to use, as it was told before.
    pub estimates: Vec<Estimated>,
    /// Time.
    pub time: Times,
    /// Tokens of the asks that a provider answered.
    pub tokens: Tokens,
    /// What was limited, and how much of it is used.
    pub budget: Vec<Budgeted>,
    /// Answers that were there before they were asked for.
    pub cache: Cache,
    /// What each model was asked, by stage.
    pub models: Vec<ModelUse>,
    /// Tries that did not pass, and why, in the order in which they ended.
    pub retries: Vec<Retry>,
    /// Ids of the tasks that took longest, the longest first.
    pub slowest: Vec<String>,
    /// Ids of the tasks that cost most, the dearest first.
    pub dearest: Vec<String>,
    /// When what was worked on.
    pub timeline: Timeline,
    /// What became of the user's branch.
    pub delivery: Option<Delivery>,
    /// Paths of the documents that were written.
    pub documents: Vec<String>,
    /// What a person should look at.
    pub warnings: Vec<Note>,
    /// What is doubtful in the project, the most severe first.
    pub remarks: Vec<Remark>,
    /// Where the remarks come from: what was looked at, such as a folder; empty where nothing was.
    pub remarks_of: String,
    /// Tools that looked.
    pub tools: Vec<String>,
    /// Tools that could not look.
    pub absences: Vec<Absence>,
    /// Files that a forge executes the project's steps by.
    pub workflows: Vec<Workflow>,
    /// What to do next, the most urgent first.
    pub hints: Vec<Hint>,
}

/// What became of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Outcome {
    /// `planning`, `planned`, `running`, `verifying`, `done`, `stopped` or `cancelled`.
    pub status: String,
    /// Whether the result as a whole is verified: every acceptance was checked in a fresh checkout.
    pub verified: bool,
    /// Exit code of the newest end; none while it goes on.
    pub exit_code: Option<i32>,
    /// Why it ended before its goal; empty where it did not.
    pub reason: String,
    /// The branch with the result.
    pub branch: String,
    /// The newest commit on it.
    pub commit: Option<String>,
    /// The commit it began from.
    pub base: Option<String>,
    /// The answers came from built-in templates, not from a model.
    pub offline: bool,
}

/// What there is in all.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Totals {
    /// Statements of the requirement.
    pub requirements: u64,
    /// Of these, those that are met.
    pub requirements_met: u64,
    /// Criteria.
    pub criteria: u64,
    /// Of these, those that passed when they were last checked.
    pub criteria_passed: u64,
    /// Tasks.
    pub tasks: u64,
    /// Of these, those that are done.
    pub tasks_done: u64,
    /// Of these, those that a person leaves out or does without.
    pub tasks_left_out: u64,
    /// Tries at tasks.
    pub attempts: u64,
    /// Of these, those that passed.
    pub attempts_passed: u64,
    /// Asks of models.
    pub asks: u64,
    /// Of these, those without an answer.
    pub asks_failed: u64,
    /// Money spent.
    pub cost_micro_usd: u64,
    /// Files that differ from where the run began.
    pub files: Option<u64>,
    /// Lines added.
    pub lines_added: Option<u64>,
    /// Lines deleted.
    pub lines_deleted: Option<u64>,
    /// Entries of lists that are not here because a list of this report was full.
    pub left_out: u64,
}

/// How far something asked for is met.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// A criterion did not hold when it was last checked.
    NotMet,
    /// No criterion stands for it.
    Unproven,
    /// Nothing of it was checked yet.
    Open,
    /// A part of its criteria passed, the rest was not checked or is left out.
    Partly,
    /// All of its criteria passed.
    Met,
}

/// One statement of the requirement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Requirement {
    /// Its id, such as `R1`.
    pub id: String,
    /// The statement.
    pub text: String,
    /// How far it is met.
    pub state: Need,
    /// Places of its criteria in `criteria`, from 0.
    pub criteria: Vec<usize>,
    /// Ids of the tasks that serve it.
    pub tasks: Vec<String>,
}

/// How a task proves something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Criterion {
    /// Its name in the evidence, such as `2.3/A1`.
    pub name: String,
    /// The task.
    pub task: String,
    /// Ids of the statements it proves.
    pub requirements: Vec<String>,
    /// The criterion in words.
    pub text: String,
    /// How it is checked.
    pub how: String,
    /// `passed`, `failed`, `timed_out`, `not_started`, `no_tests` or `needs_person` when it was last
    /// checked; `open` where it was not yet, `left_out` where a person does without it.
    pub outcome: String,
    /// Why it did not pass; empty where it did.
    pub reason: String,
    /// Where it was last checked: `verdict` or `task`; empty where it was not.
    pub checked_in: String,
    /// Tests that its check executed.
    pub tests: Option<u64>,
    /// The commit that holds what it proves.
    pub commit: Option<String>,
    /// Digest of the evidence of its task, as in the trailer of the commit.
    pub evidence: Option<String>,
}

/// A task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TaskLine {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Where it stands: `pending`, `ready`, `running`, `verifying`, `merging`, `done`, `blocked`,
    /// `failed`, `cancelled`, `skipped` or `waived`.
    pub state: String,
    /// Why it stands there, where that needs a word.
    pub reason: String,
    /// Who asked for it: `plan`, `user`, `proposal` or `agent`.
    pub source: String,
    /// The agent that does it, where it is not the one that takes its files.
    pub agent: Option<String>,
    /// Ids of the statements it serves.
    pub requirements: Vec<String>,
    /// Ids of the tasks that had to be done first.
    pub depends_on: Vec<String>,
    /// Tries.
    pub attempts: u32,
    /// The commit that finished it.
    pub commit: Option<String>,
    /// Digest of its evidence.
    pub evidence: Option<String>,
    /// Checks of its evidence.
    pub checks: u64,
    /// Tests that its build steps executed.
    pub tests: u64,
    /// Asks for it.
    pub asks: u64,
    /// Tokens of them.
    pub tokens: u64,
    /// Money spent on it.
    pub cost_micro_usd: u64,
    /// Milliseconds in which somebody was at it.
    pub took_ms: u64,
    /// When its first try began.
    pub started_at: Option<String>,
    /// When its last try ended.
    pub ended_at: Option<String>,
}

/// A check of the result as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// When it was taken.
    pub at: String,
    /// The commit.
    pub commit: String,
    /// Whether every check passed.
    pub passed: bool,
    /// Whether all tasks were done when it was taken; otherwise it speaks of a part.
    pub whole: bool,
    /// Checks that ran.
    pub checks: u64,
    /// Tests that were executed.
    pub tests: u64,
    /// Checks that did not pass, as `name: why`.
    pub failed: Vec<String>,
}

/// What stands behind a verdict.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// Build steps and other checks that belong to no criterion, of the newest verdict.
    pub steps: Vec<String>,
    /// How tightly commands were confined.
    pub sandbox: Option<String>,
    /// What is not as tight as it could be, and why.
    pub sandbox_lacks: Vec<String>,
    /// Files of hidden tests that were fixed before the code was asked for.
    pub hidden_tests: u64,
    /// How often acceptance was fixed before the code was asked for.
    pub acceptance_fixed: u64,
    /// How often acceptance was changed after that.
    pub acceptance_changed: u64,
    /// Protected files that were put back.
    pub restored: Vec<Note>,
}

/// What a run was expected to use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Estimated {
    /// When it was told.
    pub at: String,
    /// Whether the plan was known.
    pub planned: bool,
    /// Money; none where a model has no price.
    pub cost_micro_usd: Option<u64>,
    /// Asks.
    pub asks: u64,
    /// Tokens, of prompts and answers.
    pub tokens: u64,
    /// Milliseconds of work, where one task follows the other.
    pub wall_ms: u64,
}

/// Time, in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Times {
    /// When the run was created.
    pub created_at: String,
    /// When it last ended.
    pub ended_at: Option<String>,
    /// From the one to the other; pauses count.
    pub elapsed_ms: u64,
    /// In which somebody worked on it.
    pub worked_ms: u64,
    /// Of waiting for models, of all asks together.
    pub models_ms: u64,
    /// Of build steps and checks of tasks, all together.
    pub checks_ms: u64,
}

/// Tokens.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Tokens {
    /// Of prompts.
    pub input: u64,
    /// Of these, those that the provider had in its own cache.
    pub input_cached: u64,
    /// Of answers.
    pub output: u64,
}

/// Something that was limited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Budgeted {
    /// `usd` in millionths, `tokens`, `calls`, or `wall` in milliseconds.
    pub resource: String,
    /// How much may be used.
    pub limit: u64,
    /// How much is.
    pub used: u64,
    /// The same in percent, rounded down.
    pub percent: u64,
}

/// Answers that were there before they were asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Cache {
    /// Asks that a provider answered.
    pub provider: u64,
    /// Asks whose very question had been answered before.
    pub exact: u64,
    /// Asks whose question had been answered before in other words.
    pub semantic: u64,
    /// Money that the exact answers saved.
    pub exact_saved_micro_usd: u64,
    /// Money that the semantic ones saved.
    pub semantic_saved_micro_usd: u64,
    /// Tokens of prompts that the provider had in its own cache.
    pub provider_tokens: u64,
}

/// What a model was asked in a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ModelUse {
    /// The stage.
    pub stage: String,
    /// Provider.
    pub provider: String,
    /// Model.
    pub model: String,
    /// Asks.
    pub asks: u64,
    /// Of these, answered without the provider.
    pub kept: u64,
    /// Of these, without an answer.
    pub failed: u64,
    /// Tokens of prompts that the provider answered.
    pub input: u64,
    /// Tokens of its answers.
    pub output: u64,
    /// Money spent.
    pub cost_micro_usd: u64,
}

/// A try that did not pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Retry {
    /// The task.
    pub task: String,
    /// 1 for the first try.
    pub attempt: u32,
    /// `edits_refused`, `checks_failed`, `interrupted` or `conflict`.
    pub outcome: String,
    /// What failed, in a line.
    pub reason: String,
    /// Milliseconds it took.
    pub took_ms: u64,
}

/// When what was worked on. Times are milliseconds from the first try; pauses are taken out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Timeline {
    /// Milliseconds from the first try to the end of the last.
    pub wall_ms: u64,
    /// Milliseconds of all tries together.
    pub busy_ms: u64,
    /// The most tries that were under way at once.
    pub width: u64,
    /// Tries, in the order in which they began.
    pub spans: Vec<Span>,
    /// How many tries were under way at once, over equal parts of the time.
    pub load: Vec<Load>,
    /// The chain of tasks that decided how long it took, first to last.
    pub critical_path: Vec<Link>,
    /// Times in which nobody worked, which are taken out.
    pub pauses: Pauses,
}

/// A try on the timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Span {
    /// The task.
    pub task: String,
    /// 1 for the first try.
    pub attempt: u32,
    /// Begin.
    pub start_ms: u64,
    /// End.
    pub end_ms: u64,
    /// `passed`, `running`, or as of retries.
    pub outcome: String,
}

/// How much went on in a part of the time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Load {
    /// Begin of the part.
    pub start_ms: u64,
    /// Tries under way, on average, in hundredths.
    pub hundredths: u64,
}

/// A task of the critical path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Link {
    /// The task.
    pub task: String,
    /// Milliseconds from its first try to the end of its last.
    pub took_ms: u64,
    /// Milliseconds it waited for a place after what it depends on was done.
    pub waited_ms: u64,
}

/// Times in which nobody worked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Pauses {
    /// How many.
    pub count: u64,
    /// Milliseconds.
    pub ms: u64,
}

/// What became of the user's branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Delivery {
    /// The user's branch, where it was moved.
    pub moved: Option<String>,
    /// Why it was not moved, and the command that does it; empty where it was.
    pub reason: String,
}

/// Something a person should look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Note {
    /// The task it is about.
    pub task: Option<String>,
    /// What.
    pub text: String,
}

/// One thing that is doubtful in the project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Remark {
    /// `critical`, `high`, `medium` or `low`.
    pub severity: String,
    /// What told it.
    pub tool: String,
    /// The tool's own name for what it is.
    pub rule: String,
    /// Where, such as `src/lib.rs:12`.
    pub place: String,
    /// What.
    pub text: String,
    /// What to do; empty if the text says it.
    pub remedy: String,
}

/// A tool that could not look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Absence {
    /// The tool.
    pub tool: String,
    /// What it would have found.
    pub finds: String,
    /// Why it did not.
    pub why: String,
    /// How to get it.
    pub remedy: String,
}

/// A file that a forge executes the project's steps by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Workflow {
    /// Its path.
    pub path: String,
    /// How it stands to the steps: `missing`, `current`, `outdated`, or whose it is.
    pub state: String,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Hint {
    /// Why.
    pub text: String,
    /// The command.
    pub command: String,
}

impl RunReport {
    /// The number of the format.
    pub const FORMAT: u32 = 1;
    /// The word of the format.
    pub const KIND: &'static str = "run.report";

    /// The schema of the JSON form.
    pub fn schema() -> schemars::Schema {
        schemars::schema_for!(Self)
    }

    /// The task of an id.
    pub(crate) fn task(&self, id: &str) -> Option<&TaskLine> {
        self.tasks.iter().find(|task| task.id == id)
    }
}
