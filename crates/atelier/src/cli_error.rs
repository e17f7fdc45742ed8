//! Every failure a person can see, once: text, hint, exit code.

use std::path::PathBuf;

use atelier_build::{CheckError, ProjectError};
use atelier_cas::{OpenCasError, OpenWorkspaceError, WatchError};
use atelier_docs::codex::RosterError;
use atelier_edit::PatternError;
use atelier_engine::{BuildError, CommandError, Exit, chain};
use atelier_exchange::ImportError;
use atelier_exec::{ChangeFilesError, GitError, ReadTreeError};
use atelier_llm::{GatewayError, ReadPricesError};
use atelier_model::Tampering;
use atelier_prompt::LibraryError;
use atelier_recipe::RecipeError;
use atelier_server::ServerError;
use atelier_store::{LedgerError, LockError, NotaryError, OpenError, StoreError};

use crate::{
    commands::{
        archive::ArchiveError, batch::BatchCommandError, replay::ReplayError, show,
        verify::VerifyError,
    },
    config::ConfigError,
    guard_key::GuardKeyError,
    keys::KeysError,
    telemetry::StartError,
};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// The runtime did not start.
    #[error("start")]
    Runtime(#[source] std::io::Error),
    /// The folder is not there.
    #[error("work in {}", path.display())]
    Folder {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// The file with the requirement cannot be read.
    #[error("read the requirement from {}", path.display())]
    Requirement {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// The place of hidden tests cannot be made.
    #[error("lay down the hidden tests of {}", path.display())]
    HiddenTests {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// Hidden tests cannot be read.
    #[error("take hidden tests from {}", path.display())]
    HiddenRead {
        path: PathBuf,
        #[source]
        source: atelier_exec::ReadTreeError,
    },
    /// Hidden tests cannot be laid down.
    #[error("lay down the hidden tests")]
    HiddenWrite(#[source] atelier_exec::WriteTreeError),
    /// A file that was named, such as one with a plan, cannot be read or written.
    #[error("use {}", path.display())]
    PlanFile {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// A file holds no plan that can be understood.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The agents of the project cannot be used.
    #[error(transparent)]
    Roster(#[from] RosterError),
    /// The options of a new agent do not make one.
    #[error(transparent)]
    NewAgent(RosterError),
    /// The file with the roster cannot be written.
    #[error("write `.codex/AGENTS.md`")]
    RosterDocument(#[source] atelier_docs::DocumentError),
    /// Documents cannot be written.
    #[error("repair documents")]
    Documents(#[source] atelier_exec::WriteTreeError),
    /// The folder has files but is no repository.
    #[error("work in {}: it has files but is no git repository", .0.display())]
    NoRepository(PathBuf),
    /// The project's state would lie elsewhere.
    #[error("keep the project's state in {}: it is a link", .0.display())]
    StateElsewhere(PathBuf),
    /// Nothing was ever built here.
    #[error("find a project in {}: there is no `.atelier` folder", .0.display())]
    NoProject(PathBuf),
    /// Nothing was planned or built here yet.
    #[error("find a run: there is none yet")]
    NoRun,
    /// The system names no folder for the user's data.
    #[error("find the folder for your data")]
    NoDataFolder,
    /// Something that was named is not there.
    #[error("find {what} `{name}`{}", among(.known))]
    NotFound {
        what: &'static str,
        name: String,
        known: Vec<String>,
    },
    /// Words that mean nothing.
    #[error("{0}")]
    Usage(String),
    /// Configuration cannot be used.
    #[error("read the configuration")]
    Config(#[from] ConfigError),
    /// A price list cannot be read.
    #[error("read the price list {}", path.display())]
    PriceList {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// A price list is none.
    #[error(transparent)]
    Prices(ReadPricesError),
    /// Telemetry cannot be written or exported.
    #[error(transparent)]
    Telemetry(#[from] StartError),
    /// The gateway cannot be opened.
    #[error("connect the models")]
    Gateway(#[from] GatewayError),
    /// There is no key for placeholders.
    #[error("hide anything from providers")]
    GuardKey(#[from] GuardKeyError),
    /// A template of the project cannot be used.
    #[error("read the prompts")]
    Library(#[from] LibraryError),
    /// A recipe of the project cannot be used.
    #[error("read the recipes")]
    Recipe(#[from] RecipeError),
    /// State cannot be opened.
    #[error("open the project's state")]
    Open(#[from] OpenError),
    /// There is no key to sign the audit log with.
    #[error("sign the audit log")]
    Notary(#[from] NotaryError),
    /// The audit log is not what was written.
    #[error("verify the audit log: {first}{}", beside(*.count))]
    Tampered { count: u64, first: Tampering },
    /// State cannot be read or written.
    #[error("use the project's state")]
    Store(#[from] StoreError),
    /// The ledger of the gateway cannot be kept.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Git failed.
    #[error("use the repository")]
    Git(#[from] GitError),
    /// The run could not begin.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// What a person asked of a run was not done.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// A file could not be read or written.
    #[error("use {}", path.display())]
    File {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// A file with steps holds something else.
    #[error("read the steps in {}", path.display())]
    Steps {
        path: PathBuf,
        #[source]
        source: serde_json::Error,
    },
    /// Another check in the same folder goes on and on.
    #[error("wait for another check in this folder for more than {} minutes", .0.as_secs() / 60)]
    CheckHeld(std::time::Duration),
    /// The folder cannot be watched.
    #[error(transparent)]
    Watch(#[from] WatchError),
    /// A file that was named cannot be made.
    #[error("write {}", path.display())]
    Output {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// The file with the reply cannot be read.
    #[error("read the reply from {}", path.display())]
    Reply {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// A pattern of paths means nothing.
    #[error(transparent)]
    Pattern(PatternError),
    /// The files that a reply names cannot be read.
    #[error("read the folder's files")]
    Tree(#[from] ReadTreeError),
    /// The files of a folder could not be changed.
    #[error(transparent)]
    Change(#[from] ChangeFilesError),
    /// The user's keys cannot be used.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// Answers were not archived or brought back.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// A run was not packed or replayed.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// A chain was not verified, or does not hold.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// A batch was not sent, shown or fetched.
    #[error(transparent)]
    Batch(#[from] BatchCommandError),
    /// The store of what steps make cannot be opened.
    #[error(transparent)]
    Cas(#[from] OpenCasError),
    /// The folder of a project cannot be opened for its steps.
    #[error(transparent)]
    Workspace(#[from] OpenWorkspaceError),
    /// The steps of a project cannot be used.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// A check could not be carried out.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// Other programs cannot be answered.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// Standard input or output failed.
    #[error("use the terminal")]
    Terminal(#[source] std::io::Error),
}

/// Whether what a person named is at fault, and not the repository.
fn is_named_wrongly(error: &GitError) -> bool {
    matches!(
        error,
        GitError::NoCheckout(_)
            | GitError::NoCommit(_)
            | GitError::NoFile { .. }
            | GitError::NoLine { .. }
    )
}

fn git_hint(error: &GitError) -> &'static str {
    match error {
        GitError::NoFile { .. } | GitError::NoLine { .. } => {
            "name a file that is committed, with lines it has: FILE, FILE:LINE or FILE:FIRST-LAST"
        }
        GitError::NoCommit(_) => "name a branch, a tag or a commit: git log --all --oneline",
        GitError::NoCheckout(_) => "work in a clone of it: git clone",
        GitError::Missing => "install git, and see that it is on PATH",
        GitError::Host(_)
        | GitError::Refused { .. }
        | GitError::Unexpected { .. }
        | GitError::Moved { .. }
        | GitError::WorktreeName { .. }
        | GitError::Read(_)
        | GitError::Io { .. } => "check that `git status` works there",
    }
}

/// What else was found.
fn beside(count: u64) -> String {
    match count {
        0 | 1 => String::new(),
        count => format!(", and {} more", count - 1),
    }
}

fn among(known: &[String]) -> String {
    if known.is_empty() {
        String::new()
    } else {
        format!("; there are {}", known.join(", "))
    }
}

impl CliError {
    /// The exit code.
    pub(crate) fn code(&self) -> u8 {
        let exit = match self {
            Self::Folder { .. }
            | Self::Requirement { .. }
            | Self::PlanFile { .. }
            | Self::Import(_)
            | Self::HiddenTests { .. }
            | Self::HiddenRead { .. }
            | Self::HiddenWrite(_)
            | Self::Documents(_)
            | Self::RosterDocument(_)
            | Self::Roster(RosterError::NoAgent { .. })
            | Self::NewAgent(_)
            | Self::Reply { .. }
            | Self::Output { .. }
            | Self::PriceList { .. }
            | Self::Prices(_)
            | Self::Pattern(_)
            | Self::NoRepository(_)
            | Self::StateElsewhere(_)
            | Self::NoProject(_)
            | Self::NoRun
            | Self::NoDataFolder
            | Self::NotFound { .. }
            | Self::Server(_)
            | Self::Project(ProjectError::NoStep { .. })
            | Self::Telemetry(StartError::Option(_))
            | Self::Usage(_) => Exit::Usage,
            Self::Git(error) if is_named_wrongly(error) => Exit::Usage,
            // What a file says is configuration; what an option says is how the command is used.
            Self::Config(error) if error.is_argument() => Exit::Usage,
            Self::Runtime(_)
            | Self::Terminal(_)
            | Self::Open(_)
            | Self::Store(_)
            | Self::Ledger(
                LedgerError::Lock(LockError::File { .. })
                | LedgerError::Journal { .. }
                | LedgerError::Store(_),
            )
            | Self::Git(_)
            | Self::Tree(_)
            | Self::Cas(_)
            | Self::Workspace(_)
            | Self::Watch(_)
            | Self::Check(_)
            | Self::File { .. } => Exit::Internal,
            Self::Config(_)
            | Self::Keys(_)
            | Self::Notary(_)
            | Self::Telemetry(_)
            | Self::Gateway(_)
            | Self::GuardKey(_)
            | Self::Library(_)
            | Self::Roster(_)
            | Self::Recipe(_)
            | Self::Steps { .. }
            | Self::Project(_) => Exit::Configuration,
            Self::CheckHeld(_) | Self::Ledger(LedgerError::Lock(LockError::Held { .. })) => {
                Exit::Blocked
            }
            Self::Tampered { .. } => Exit::Failed,
            Self::Archive(error) => error.exit(),
            Self::Replay(error) => error.exit(),
            Self::Verify(error) => error.exit(),
            Self::Batch(error) => error.exit(),
            Self::Build(error) => error.exit(),
            Self::Command(error) if error.is_internal() => Exit::Internal,
            Self::Command(_) => Exit::Usage,
            Self::Change(error) => change_exit(error),
        };
        exit as u8
    }

    /// What a person can do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Runtime(_) | Self::Terminal(_) => return None,
            Self::Folder { .. } => "create it, or name another one with -C".to_owned(),
            Self::Import(error) => error.hint().to_owned(),
            Self::Requirement { .. }
            | Self::PlanFile { .. }
            | Self::Reply { .. }
            | Self::PriceList { .. } => "name a file that is there and may be read".to_owned(),
            Self::Roster(error) => roster_hint(error).to_owned(),
            Self::NewAgent(_) => {
                "see `atelier help agent add`, and `atelier agent list`".to_owned()
            }
            Self::RosterDocument(_) => "mend the file, or remove it".to_owned(),
            Self::Documents(_) => "see that the documents may be written".to_owned(),
            Self::HiddenTests { .. } | Self::HiddenRead { .. } | Self::HiddenWrite(_) => {
                "name a folder of tests that is there and may be read".to_owned()
            }
            Self::Output { .. } => PLACE_OF_OUTPUT.to_owned(),
            Self::NoRepository(_) => REPOSITORY.to_owned(),
            Self::StateElsewhere(_) => STATE_ELSEWHERE.to_owned(),
            Self::NoProject(_) | Self::NoRun => "begin with `atelier build \"…\"`".to_owned(),
            Self::NoDataFolder => "name one in ATELIER_DATA, or set HOME".to_owned(),
            Self::NotFound { known, .. } if !known.is_empty() => "name one of these".to_owned(),
            Self::NotFound { what, .. } => found_by(what).to_owned(),
            Self::Prices(_) => "give it the file as it is published, unpacked".to_owned(),
            Self::Usage(_) => "see `atelier --help`".to_owned(),
            Self::Server(error) => server_hint(error).to_owned(),
            Self::Telemetry(_) => TELEMETRY.to_owned(),
            Self::Config(error) => error.hint(),
            Self::Archive(error) => error.hint(),
            Self::Replay(error) => error.hint(),
            Self::Verify(error) => error.hint(),
            Self::Batch(error) => error.hint(),
            Self::Keys(error) => error.hint(),
            Self::Gateway(error) => gateway_hint(error).to_owned(),
            Self::GuardKey(error) => error.hint(),
            Self::Notary(error) => notary_hint(error),
            Self::Tampered { first, .. } => tampered_hint(first),
            Self::Library(_) => "mend or remove the file in `.atelier/prompts`".to_owned(),
            Self::Recipe(_) => "mend or remove the file in `.atelier/recipes`".to_owned(),
            Self::Ledger(error) => ledger_hint(error).to_owned(),
            Self::Store(error) => store_hint(error).to_owned(),
            Self::Open(OpenError::Create { .. }) => STATE_FOLDER.to_owned(),
            Self::Open(_) => STATE.to_owned(),
            Self::Git(error) => git_hint(error).to_owned(),
            Self::File { .. } => ROOM.to_owned(),
            Self::Pattern(_) => PATTERN.to_owned(),
            Self::Cas(_) | Self::Check(_) => CHECKS.to_owned(),
            Self::Project(error) => project_hint(error),
            Self::Steps { .. } => STEPS.to_owned(),
            Self::CheckHeld(_) => "end the other one, then try again".to_owned(),
            Self::Watch(error) => watch_hint(error).to_owned(),
            Self::Workspace(_) => "check that the folder may be read".to_owned(),
            Self::Tree(_) => "check that the files may be read".to_owned(),
            Self::Build(error) => error.hint(),
            Self::Command(error) => error.hint().to_owned(),
            Self::Change(error) => change_hint(error),
        })
    }

    /// The failure as a program reads it.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "v": 1, "type": "error", "exit_code": self.code(), "error": self.text(),
            "hint": self.hint(),
        })
    }

    /// The failure and its causes, each once, in one line.
    pub(crate) fn text(&self) -> String {
        format!("failed to {}", chain(self))
    }
}

/// Where what is not there would be seen.
fn found_by(what: &str) -> &'static str {
    match what {
        "document" => "see `atelier docs list`",
        "step" => "see `atelier steps` for build steps, `atelier status` for tasks",
        "the commit" => "see `git log`",
        show::NOT_BEGUN => {
            "begin with `atelier run`, or change the plan: `atelier plan export`, `atelier plan import`"
        }
        _ => "see `atelier status`",
    }
}

/// Hints that are longer than a line.
const PLACE_OF_OUTPUT: &str = "name a file in a folder that is there and may be written";
const REPOSITORY: &str =
    "run `atelier init` there: it makes a repository of it and commits what there is";
const STATE_ELSEWHERE: &str = "remove the link, or put a folder in its place: what it leads to would be \
                               written and removed by runs";
const TELEMETRY: &str = "mend it, or leave it out to work without a log or a collector";
const STATE_FOLDER: &str =
    "work where you may write; ATELIER_DATA names another folder for what is yours";
const STATE: &str = "check that `.atelier` may be written and that the disk has room; `atelier doctor` \
                     looks at it";
const DOCTOR: &str = "run `atelier doctor`";
const ROOM: &str = "check that it may be written and that the disk has room";
const PATTERN: &str = "write it as a path from the root in which `*`, `**`, `?` and `[..]` stand for \
                       others, such as `tests/**`";
const CHECKS: &str = "check that `.atelier` and the folder `checks` of your data (ATELIER_DATA) may be \
                      written and that the disk has room; what lies in `checks` may be removed at \
                      any time";
const STEPS: &str =
    "mend it: a JSON array of steps, in the form that `atelier steps --json` prints";

fn roster_hint(error: &RosterError) -> &'static str {
    if let RosterError::NoAgent { .. } = error {
        "name one of these, or add it with `atelier agent add`"
    } else {
        "mend the file in `.codex`; see `atelier agent list`"
    }
}

fn store_hint(error: &StoreError) -> &'static str {
    if let StoreError::Full(_) = error {
        "make room on the disk, then try again; what was written before is kept"
    } else {
        DOCTOR
    }
}

fn ledger_hint(error: &LedgerError) -> &'static str {
    match error {
        LedgerError::Lock(_) => {
            "stop the other gateway, or give this one a state of its own in ATELIER_DATA"
        }
        LedgerError::Store(error) => store_hint(error),
        LedgerError::Journal { .. } => ROOM,
    }
}

fn server_hint(error: &ServerError) -> &'static str {
    match error {
        ServerError::Listen { .. } => "name another port with --listen; port 0 takes a free one",
        ServerError::Open(_) => {
            "issue keys with `atelier keys issue NAME`, or put some into a variable and name it \
             with --keys-from"
        }
    }
}

fn watch_hint(error: &WatchError) -> &'static str {
    match error {
        WatchError::TooMany { .. } => {
            "let the system watch more: sysctl fs.inotify.max_user_watches=524288"
        }
        WatchError::Survey(_) | WatchError::Io(_) => "check that the folder may be read",
    }
}

fn project_hint(error: &ProjectError) -> String {
    match error {
        ProjectError::Graph(_) => "see `atelier steps`, and mend what `depends_on`, `inputs` and \
                                   `outputs` say"
            .to_owned(),
        ProjectError::Own { name, .. } => {
            format!("mend `[steps.{name}]` in atelier.toml; `atelier steps --json` shows the form")
        }
        ProjectError::Source { .. } => {
            "take it out of the step's `outputs`, or let the step write \
                                        it where git does not keep it"
                .to_owned()
        }
        ProjectError::NoStep { .. } => "name one of these, or a kind of step".to_owned(),
    }
}

fn change_exit(error: &ChangeFilesError) -> Exit {
    match error {
        ChangeFilesError::Busy | ChangeFilesError::HalfDone => Exit::Blocked,
        ChangeFilesError::Changed { .. } => Exit::Conflict,
        ChangeFilesError::NoFile { .. }
        | ChangeFilesError::ReadOnly { .. }
        | ChangeFilesError::ReadOnlyFolder { .. }
        | ChangeFilesError::ReadOnlyRoot
        | ChangeFilesError::OtherFileSystem { .. }
        | ChangeFilesError::ForeignStage { .. }
        | ChangeFilesError::Journal { .. }
        | ChangeFilesError::OtherVersion { .. }
        | ChangeFilesError::Write(_)
        | ChangeFilesError::NotUndone { .. } => Exit::Internal,
    }
}

fn change_hint(error: &ChangeFilesError) -> String {
    match error {
        ChangeFilesError::Busy => "wait for the other one to end, then try again".to_owned(),
        ChangeFilesError::HalfDone => "run `atelier edit apply` there without --dry-run: it first \
                                       finishes that change, or undoes it"
            .to_owned(),
        ChangeFilesError::Changed { .. } => {
            "nothing was changed; look at what changed there, then try again".to_owned()
        }
        ChangeFilesError::NoFile { .. } => {
            "nothing was changed; move what stands there out of the way".to_owned()
        }
        ChangeFilesError::ReadOnly { path } => {
            format!("nothing was changed; if it may be changed: chmod u+w {path}")
        }
        ChangeFilesError::ReadOnlyFolder { .. } | ChangeFilesError::ReadOnlyRoot => {
            "nothing was changed; work where you may write, or ask whoever owns the folder"
                .to_owned()
        }
        ChangeFilesError::OtherFileSystem { path } => {
            format!(
                "nothing was changed; name a folder on that file system with -C: {path} is there"
            )
        }
        ChangeFilesError::ForeignStage { .. } | ChangeFilesError::Journal { .. } => {
            "look at it, and remove the folder `.atelier-edit` once nothing in it is needed"
                .to_owned()
        }
        ChangeFilesError::OtherVersion { .. } => {
            "finish that change with the version that began it".to_owned()
        }
        ChangeFilesError::Write(_) => {
            "nothing was changed; check that it may be written and that the disk has room"
                .to_owned()
        }
        ChangeFilesError::NotUndone { .. } => {
            "mend the cause, then run `atelier edit apply` there again: it undoes the rest first"
                .to_owned()
        }
    }
}

fn gateway_hint(error: &GatewayError) -> &'static str {
    match error {
        GatewayError::NothingToRelay => {
            "name a model with -m, or list models under `[providers.NAME]` in atelier.toml"
        }
        GatewayError::Url { .. } | GatewayError::PlainHttp { .. } => {
            "`atelier config show` says where that `base_url` stands"
        }
        GatewayError::NoAddress { .. } => {
            "set `base_url` beside the provider, or pass --base-url; see `atelier config show`"
        }
        GatewayError::GuardKeyMissing => "see `atelier doctor`",
        GatewayError::RouteMissing { .. }
        | GatewayError::ProviderUnknown { .. }
        | GatewayError::Embeddings { .. }
        | GatewayError::Effort { .. }
        | GatewayError::Key
        | GatewayError::Client { .. } => "see `atelier config show`",
    }
}

fn notary_hint(error: &NotaryError) -> String {
    match error {
        NotaryError::Exposed(path) => format!(
            "if nobody else read it: chmod 600 {}; else remove it, and a new key signs from now on",
            path.display()
        ),
        NotaryError::NoKey(path) => {
            format!("remove {}, and a new key signs from now on", path.display())
        }
        NotaryError::File { .. } => "check that it may be read and written".to_owned(),
    }
}

fn tampered_hint(first: &Tampering) -> String {
    match first {
        Tampering::Replaced { place, .. } => {
            format!("if you removed that state yourself, remove {place} too")
        }
        Tampering::CheckpointUntrusted { key, .. } => {
            format!("if you know that key: atelier audit verify --key {key}")
        }
        Tampering::Changed { .. }
        | Tampering::Moved { .. }
        | Tampering::Missing { .. }
        | Tampering::Inserted { .. }
        | Tampering::Rewritten { .. }
        | Tampering::Truncated { .. }
        | Tampering::Unsigned { .. }
        | Tampering::Unreadable { .. }
        | Tampering::CheckpointChanged { .. }
        | Tampering::CheckpointMissing { .. }
        | Tampering::CheckpointMoved { .. }
        | Tampering::CheckpointForeign { .. }
        | Tampering::CopyDiffers { .. }
        | Tampering::CopyChanged { .. }
        | Tampering::HeadChanged
        | Tampering::EventChanged { .. }
        | Tampering::Line { .. } => "compare with an export or a backup; what stands before that \
                                     place is as it was written"
            .to_owned(),
    }
}
