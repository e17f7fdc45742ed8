//! Why a run ended before its goal, and the exit code that says so.

use atelier_build::{CheckError, ProjectError};
use atelier_cas::ReadBlobError;
use atelier_docs::{RenderDocumentsError, codex::RosterError};
use atelier_exec::{GitError, ReadTreeError, SpawnError, WriteTreeError};
use atelier_llm::{AskError, AskErrorKind, GatewayError};
use atelier_model::{GraphError, Resource, RunId, TaskId};
use atelier_plan::{DraftError, Problem};
use atelier_prompt::RenderPromptError;
use atelier_store::{Scope, StoreError, WorkerError};

use crate::{ChangeError, Divergence, change, checks::OpenChecksError, verify::ChooseLevelError};

/// What helps where a prompt cannot be made.
const TEMPLATE: &str = "mend the overriding template, or remove it";
/// What helps where a plan that was imported cannot be executed.
const PLAN_FILE: &str = "mend the file and import it again; how many steps a plan may have is the \
setting `limits.steps_max`";
/// What helps where tasks wait for a person.
const PERSON: &str =
    "`atelier status` names what helps each of them; then go on with `atelier resume`";
/// What helps where the machine or the state is at fault.
const DOCTOR: &str = "run `atelier doctor`; the work so far is kept: `atelier resume`";

/// How an invocation ends. The numbers are a public contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Exit {
    /// Everything asked for is verified.
    Verified = 0,
    /// A fault of Atelier or of the machine.
    Internal = 1,
    /// The command or the requirement cannot be used.
    Usage = 2,
    /// Configuration or credentials are wrong.
    Configuration = 3,
    /// A person is needed.
    Blocked = 10,
    /// A person stopped it.
    Cancelled = 11,
    /// The budget would have been exceeded.
    Budget = 12,
    /// A check failed, or the plan cannot be executed.
    Failed = 13,
    /// The provider or the network failed.
    Provider = 14,
    /// The run's branch is not where the run left it.
    Conflict = 15,
    /// A replay is not what was recorded.
    Diverged = 16,
}

impl Exit {
    /// The exit of a code that was once recorded.
    pub(crate) fn of_code(code: i32) -> Self {
        let all = [
            Self::Verified,
            Self::Usage,
            Self::Configuration,
            Self::Blocked,
            Self::Cancelled,
            Self::Budget,
            Self::Failed,
            Self::Provider,
            Self::Conflict,
            Self::Diverged,
        ];
        let found = all.into_iter().find(|exit| exit.code() == code);
        found.unwrap_or(Self::Internal)
    }

    /// The number.
    pub fn code(self) -> i32 {
        i32::from(self as u8)
    }
}

/// Why a run ended before its goal.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The requirement is empty.
    #[error("read the requirement: it is empty")]
    EmptyRequirement,
    /// The requirement is too long.
    #[error("read the requirement: it has {bytes} bytes; at most {limit}")]
    LongRequirement {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// There is no such run.
    #[error("find a run to go on with")]
    NoRun,
    /// The run has ended for good.
    #[error("go on with run {0}: it was cancelled")]
    Finished(RunId),
    /// This process could not be put on record.
    #[error("begin to work on the project")]
    Worker(#[from] WorkerError),
    /// Another process conducted the run, and ended it before its goal.
    #[error("{reason}")]
    EndedElsewhere {
        /// How it ended.
        exit: Exit,
        /// Why.
        reason: String,
    },
    /// The agents of the project cannot be used.
    #[error(transparent)]
    Roster(#[from] RosterError),
    /// A plan cannot be changed so.
    #[error("change the plan")]
    Change(#[from] ChangeError),
    /// A plan that was made elsewhere cannot be executed.
    #[error("use the plan:\n{}", change::list(.0))]
    Unfit(Vec<Problem>),
    /// There is no plan that can be executed.
    #[error("plan the work")]
    Draft(#[from] DraftError),
    /// A model could not be asked for a task.
    #[error("ask for task {task}")]
    Ask {
        /// The task.
        task: TaskId,
        /// Why.
        #[source]
        source: AskError,
    },
    /// A prompt could not be made.
    #[error("render a prompt")]
    Render(#[from] RenderPromptError),
    /// The tasks form no order.
    #[error("order the tasks")]
    Graph(#[from] GraphError),
    /// All attempts at a task are used up.
    #[error("finish task {task} ({title}) after {tries}: {reason}", tries = tries(*attempts))]
    TaskFailed {
        /// The task.
        task: TaskId,
        /// Its title.
        title: String,
        /// How many attempts were made.
        attempts: u32,
        /// The last failure.
        reason: String,
    },
    /// A task does not fit together with others, and all attempts are used up.
    #[error("bring task {task} ({title}) together with the others after {tries}: {reason}", tries = tries(*attempts))]
    Conflict {
        /// The task.
        task: TaskId,
        /// Its title.
        title: String,
        /// How many attempts were made.
        attempts: u32,
        /// Both sides.
        reason: String,
    },
    /// The final commit did not pass in a fresh checkout.
    #[error("verify commit {commit} in a fresh checkout: {reason}")]
    Verdict {
        /// The commit.
        commit: String,
        /// The first failure.
        reason: String,
    },
    /// Nobody is there to answer.
    #[error("go on without a person: {0}")]
    NeedsPerson(String),
    /// The person said no.
    #[error("go on: {0} was declined")]
    Declined(String),
    /// The model that a person gave a task to cannot be asked.
    #[error("connect the model that the task is given to")]
    Model(#[from] GatewayError),
    /// Something waits for the approval of a person who is not here.
    #[error("go on: {what} waits for approval")]
    AwaitsAnswer {
        /// What.
        what: String,
        /// How it is named in an answer.
        subject: String,
    },
    /// A person wants the run to rest.
    #[error("go on: a person paused the run")]
    Paused,
    /// A person ended the run for good, from elsewhere.
    #[error("go on: a person cancelled the run")]
    RunCancelled,
    /// Time is used up.
    #[error(
        "go on within the {}{}: {} of {} of work are used", .scope.name(),
        of_subject(.subject), Resource::Wall.in_words(*.spent), Resource::Wall.in_words(*.budget)
    )]
    TimeSpent {
        /// Whose budget.
        scope: Scope,
        /// The stage or task; empty for the run.
        subject: String,
        /// Milliseconds that are used.
        spent: u64,
        /// Milliseconds there were.
        budget: u64,
    },
    /// A person stopped the run.
    #[error("finish: it was stopped")]
    Cancelled,
    /// The run's branch is not where the run left it.
    #[error("move branch {branch}: it was changed from outside; it should stand at {expected}")]
    BranchMoved {
        /// The branch.
        branch: String,
        /// The commit it should stand at.
        expected: String,
    },
    /// Git failed.
    #[error("use the repository")]
    Git(#[from] GitError),
    /// A process could not be started.
    #[error("start a process")]
    Spawn(#[from] SpawnError),
    /// No level of confinement will do.
    #[error(transparent)]
    Sandbox(#[from] ChooseLevelError),
    /// What the configuration says of build steps cannot be used.
    #[error("take the build steps from the configuration")]
    Steps(#[source] ProjectError),
    /// Build steps could not be executed at all.
    #[error("open the checks")]
    Checks(#[source] OpenChecksError),
    /// Build steps could not be carried out.
    #[error("carry out the build steps")]
    Check(#[from] CheckError),
    /// What a build step printed is lost.
    #[error("read what a build step printed")]
    Printed(#[source] ReadBlobError),
    /// The machine gives no port for a service that is checked.
    #[error("find a free port")]
    Port(#[source] std::io::Error),
    /// The home of build steps could not be tidied.
    #[error("tidy the home that build steps see")]
    Home(#[source] std::io::Error),
    /// The hidden tests that a person laid down could not be read.
    #[error("read the hidden tests below `.atelier/hidden`")]
    Hidden(#[source] ReadTreeError),
    /// Files could not be written.
    #[error("write files")]
    Write(#[from] WriteTreeError),
    /// The documents could not be rendered.
    #[error("render the documents")]
    Documents(#[from] RenderDocumentsError),
    /// A replay is not what was recorded.
    #[error("replay the run")]
    Diverged(#[from] Divergence),
    /// State could not be read or written.
    #[error("keep the run's state")]
    Store(#[from] StoreError),
}

impl BuildError {
    /// The exit code that says so.
    pub fn exit(&self) -> Exit {
        match self {
            Self::EmptyRequirement
            | Self::LongRequirement { .. }
            | Self::NoRun
            | Self::Change(_)
            | Self::Unfit(_)
            | Self::Finished(_) => Exit::Usage,
            Self::Draft(DraftError::Ask { source, .. }) | Self::Ask { source, .. } => asked(source),
            Self::Draft(
                DraftError::Answer { .. }
                | DraftError::CutOff { .. }
                | DraftError::Lint(_)
                | DraftError::Delta(_),
            )
            | Self::Graph(_)
            | Self::TaskFailed { .. }
            | Self::Verdict { .. }
            | Self::Documents(_) => Exit::Failed,
            Self::NeedsPerson(_) | Self::Declined(_) | Self::AwaitsAnswer { .. } | Self::Paused => {
                Exit::Blocked
            }
            Self::Cancelled | Self::RunCancelled => Exit::Cancelled,
            Self::TimeSpent { .. } => Exit::Budget,
            Self::BranchMoved { .. } | Self::Conflict { .. } => Exit::Conflict,
            Self::EndedElsewhere { exit, .. } => *exit,
            Self::Diverged(_) => Exit::Diverged,
            Self::Draft(DraftError::Render { .. })
            | Self::Render(_)
            | Self::Roster(_)
            | Self::Model(_)
            | Self::Sandbox(_)
            | Self::Steps(_) => Exit::Configuration,
            Self::Draft(DraftError::Store(_))
            | Self::Worker(_)
            | Self::Git(_)
            | Self::Spawn(_)
            | Self::Checks(_)
            | Self::Check(_)
            | Self::Printed(_)
            | Self::Port(_)
            | Self::Home(_)
            | Self::Hidden(_)
            | Self::Write(_)
            | Self::Store(_) => Exit::Internal,
        }
    }

    /// What a person can do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::EmptyRequirement => {
                "say what to build: atelier build \"a command-line tool that …\", or pipe it in \
                 with `-`"
            }
            Self::LongRequirement { .. } => {
                "shorten it, or put details into files of the project and name them"
            }
            Self::NoRun => "see `atelier status`; begin with `atelier build \"…\"`",
            Self::Finished(run) => return format!("take it up again: `atelier resume {run}`"),
            Self::EndedElsewhere { .. } => "see `atelier status`; go on with `atelier resume`",
            Self::Draft(error) => return draft_hint(error),
            Self::Ask { source, .. } => return source.hint(),
            Self::Change(error) => error.hint(),
            Self::Unfit(_) => PLAN_FILE,
            Self::Roster(_) => "mend the file in `.codex` and commit it; see `atelier agent list`",
            Self::TaskFailed { task, .. } => {
                return format!(
                    "see `atelier show {task}`; then `atelier task retry {task}`, also with \
                     another model"
                );
            }
            Self::Conflict { task, .. } => {
                return format!(
                    "see `atelier show {task}`: what was tried is kept under \
                     refs/atelier/attempts; `atelier resume` tries once more on what is there now"
                );
            }
            Self::Verdict { .. } => "see `atelier log`; the branch holds what was built",
            Self::NeedsPerson(_) => PERSON,
            Self::Declined(_) => "change the requirement, or go on with `atelier resume`",
            Self::Model(_) => "give it to another one: `atelier task retry TASK -m MODEL`",
            Self::Cancelled | Self::Paused => "go on with `atelier resume`",
            Self::AwaitsAnswer { subject, .. } => {
                return format!(
                    "see `atelier status`; then `atelier approve {subject}` or `atelier reject \
                     {subject} --reason TEXT`, and `atelier resume`"
                );
            }
            Self::RunCancelled => {
                "what is finished stays on its branch; `atelier resume RUN` takes it \
                                   up again"
            }
            Self::TimeSpent { scope, subject, .. } => return time_hint(*scope, subject),
            Self::BranchMoved { .. } => {
                "put the branch back with `git branch -f`, or begin a new run"
            }
            Self::Sandbox(error) => return error.hint(),
            Self::Steps(_) => "mend `[steps]` in atelier.toml; see `atelier steps`",
            Self::Diverged(divergence) => divergence_hint(divergence),
            Self::Documents(_) => "mend the markers in the named document",
            Self::Render(_) => TEMPLATE,
            Self::Store(error) => store_hint(error),
            Self::Graph(_)
            | Self::Worker(_)
            | Self::Git(_)
            | Self::Spawn(_)
            | Self::Checks(_)
            | Self::Check(_)
            | Self::Printed(_)
            | Self::Port(_)
            | Self::Home(_)
            | Self::Hidden(_)
            | Self::Write(_) => DOCTOR,
        }
        .to_owned()
    }
}

fn draft_hint(error: &DraftError) -> String {
    match error {
        DraftError::Ask { source, .. } => return source.hint(),
        DraftError::Answer { .. } => {
            "use a model that follows JSON schemas for this stage: `[stages.NAME] model`"
        }
        DraftError::CutOff { .. } => "raise `tokens_max` of the stage, or ask for less at once",
        DraftError::Lint(_) | DraftError::Delta(_) => {
            "say more precisely what to build, or use a stronger model for `plan` and `detail`"
        }
        DraftError::Render { .. } => TEMPLATE,
        DraftError::Store(error) => store_hint(error),
    }
    .to_owned()
}

fn time_hint(scope: Scope, subject: &str) -> String {
    let kept = "nothing already answered is asked again";
    match scope {
        Scope::Task => format!(
            "give it more with `atelier task edit {subject} --budget-wall +10m`, then `atelier \
             resume`; {kept}"
        ),
        Scope::Stage => {
            format!("raise `stages.{subject}.budget_wall`, then `atelier resume`; {kept}")
        }
        Scope::Run | Scope::Everyone | Scope::EveryoneDay | Scope::Client | Scope::ClientDay => {
            format!("resume with `--budget-wall +10m`, say; {kept}")
        }
    }
}

fn divergence_hint(divergence: &Divergence) -> &'static str {
    if matches!(divergence, Divergence::Check { .. }) {
        "replay with the tools that `atelier.lock` names, or take what is recorded of the checks \
         with `--without-checks`"
    } else {
        "replay with the version of the program that made the run; the replay is kept apart from \
         your branches"
    }
}

fn store_hint(error: &StoreError) -> &'static str {
    if matches!(error, StoreError::Full(_)) {
        "make room on the disk, then go on with `atelier resume`: nothing is lost"
    } else {
        DOCTOR
    }
}

fn asked(error: &AskError) -> Exit {
    match error.kind() {
        AskErrorKind::Budget => Exit::Budget,
        AskErrorKind::Credentials => Exit::Configuration,
        AskErrorKind::Provider => Exit::Provider,
        AskErrorKind::Diverged => Exit::Diverged,
        AskErrorKind::Cancelled => Exit::Cancelled,
        AskErrorKind::Internal => Exit::Internal,
    }
}

fn of_subject(subject: &str) -> String {
    if subject.is_empty() {
        String::new()
    } else {
        format!(" {subject}")
    }
}

fn tries(attempts: u32) -> String {
    if attempts == 1 {
        "one attempt".to_owned()
    } else {
        format!("{attempts} attempts")
    }
}

/// An error and its causes in one line, each said once.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = error.source();
    }
    text
}
