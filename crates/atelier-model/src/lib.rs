//! The words of the house: types, ids, states, the task graph, digests, limits and events.
//!
//! Everything here is plain data and pure functions over it. Start with [`Task`] and
//! [`next_task`], then [`Ask`] and [`AskKey`], then [`Event`].
//!
//! Invariants: this crate opens no file, starts no process, reads no clock, environment or
//! random source, and knows nothing of SQL, HTTP or the terminal.

mod act;
mod archive;
mod ask;
mod audit;
mod budget;
mod change;
mod course;
mod design;
mod digest;
mod event;
mod evidence;
mod form;
mod graph;
mod id;
mod limits;
mod money;
mod path;
mod plan;
mod relay;
mod routing;
mod run;
mod state;
mod step;
mod summary;
mod task;
mod time;
mod tree;

pub use act::{Act, ActRecord, ChangeAsked};
pub use archive::{ArchiveEntry, ArchiveKind};
pub use ask::{
    Ask, AskDescriptor, AskDifference, AskKey, AskRecord, AskSource, Message, Reply, Role, Stage,
    StopReason, Usage,
};
pub use audit::{
    AuditCheck, AuditEntry, AuditExportLine, AuditFact, AuditLink, AuditNote, AuditReport,
    AuditRequest, Checkpoint, ExportLineError, Frontier, Standing, Tampering, TreeHash, TreeProof,
    TreeProofError, check_export,
};
pub use budget::{Amount, BUDGET_MARKS, Bound, Budget, BudgetChange, Resource, Used, marks_passed};
pub use change::{Dropped, PlanChange, StepChange, TaskChange, TaskChangeKind};
pub use course::{AskLine, AttemptLine};
pub use design::{Component, Design, RequirementItem, TechnologyStack};
pub use digest::{Digest, ParseDigestError};
pub use event::{Event, EventKind};
pub use evidence::{CheckOutcome, CheckResult, Evidence, TestCounts, TestFailure};
pub use form::{EditForm, EditsOutcome, FormTally, FormUse};
pub use graph::{GraphError, TaskGraph};
pub use id::{AskId, IdSource, ProjectId, RelayId, RunId, TaskId, WorkerId};
pub use limits::Limits;
pub use money::{MicroUsd, ParseMoneyError};
pub use path::{PathError, TreePath};
pub use plan::{
    Acceptance, BasicPlan, Check, ComponentNote, ContextHints, DetailedPhase, DevPlan, Expect,
    Handoff, Phase, PhaseOutline, Prose, Step,
};
pub use relay::RelayRecord;
pub use routing::{ChoiceReason, PassedOver, PassedOverReason, RouteChoice, Strategy};
pub use run::{Approval, Run, RunMode, RunStatus};
pub use state::{Refused, RunFact, TaskFact, TaskState, next_run, next_task};
pub use step::{
    BuildStep, Network, PathPattern, PatternError, PatternForm, ReportFormat, RootPattern,
    SandboxLevel, StepError, StepKind, Tool,
};
pub use summary::{PromptPart, PromptRecord, Summary, SummaryMaker, SummaryRecord};
pub use task::{Attempt, AttemptOutcome, Task, TaskSource};
pub use time::{Clock, Timestamp};
pub use tree::{FileEntry, FileTree, Obstacle};

/// A boxed future, for the few traits that are kept behind `dyn`.
pub type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;
