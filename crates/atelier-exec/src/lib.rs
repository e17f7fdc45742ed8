//! Sandboxed processes, git and file trees on disk.
//!
//! Three doors to the outside: [`Sandbox`] runs commands that nobody trusts, [`Git`] is the user's
//! repository, [`tree_read`] and [`tree_write`] are the files of a folder.
//!
//! Invariants: a command never runs in this process's own group, and none of its descendants
//! outlives it or this process; a file is never written through a symbolic link of the tree it
//! belongs to; git is never asked through a `.git` file that a command could have changed, and
//! runs no hook. The environment is read in [`environment`] alone. Knows nothing of runs, tasks,
//! models or the store.

mod environment;
mod git;
mod home;
mod host;
mod jobserver;
mod keyring;
mod machine;
mod program;
mod sandbox;
mod tools;
mod tree;
mod way_out;

pub use environment::{environment, environment_at};
pub use git::{
    AttemptRef, BlamedLine, ChangeSize, Commit, Delivery, Git, GitError, Head, LogEntry,
    MergeConflict, Merged, Worktree,
};
pub use home::{home_copy, home_remove, home_settle};
pub use host::HostError;
pub use jobserver::{Holding, JobServer};
pub use keyring::{Keyring, KeyringError};
pub use machine::{MachineMemory, machine_memory};
pub use program::{find_program, helper_program, program_version};
pub use sandbox::{
    Cap, Caps, Command, Confinement, Exit, Grade, HELPER_COMMAND, OutputSink, Report, RequestError,
    Returned, Returns, Sandbox, SandboxFinding, Service, ServiceAnswer, SpawnError, Support, Usage,
    Workspace, free_port, helper_main, sandbox_findings,
};
pub use tree::{
    ChangeFilesError, HeldFolder, ReadTreeError, Settled, Skip, SkippedFile, WriteTreeError,
    file_read, files_beside, files_matching, tree_glimpse, tree_near, tree_read, tree_survey,
    tree_write,
};
pub use way_out::{Refusal, Traffic, Why};
