//! Executes a tool of others in the sandbox, on the project as it stands.

use std::path::{Path, PathBuf};

use atelier_exec::{
    Caps, Command, Confinement, Exit, Report, Returns, Sandbox, Workspace, environment,
    environment_at, find_program, helper_program,
};
use atelier_model::{FileTree, Limits, Network, SandboxLevel, TreePath};
use tokio_util::sync::CancellationToken;

use super::{finding::Finding, read::Output, tools::Tool};
use crate::{
    app::Place,
    cli_error::CliError,
    config::{Config, sandbox},
};

/// Milliseconds a tool may take.
const WALL_MS: u64 = 600_000;
/// Processes a tool may have at once.
const PROCESSES_MAX: u64 = 512;
/// Bytes of what a tool prints.
const OUTPUT_BYTES_MAX: usize = 64 << 20;
/// The home of a tool that has a machine of its own.
const HOME: &str = "/home/atelier";
/// Columns of what a tool said of its own failure.
const TOLD_COLUMNS: usize = 160;
/// Where a project keeps programs of its own.
const PROGRAMS: [&str; 3] = ["node_modules/.bin", ".venv/bin", "vendor/bin"];

/// What came of one execution.
pub(super) enum Outcome {
    /// It told what it found.
    Told(Vec<Finding>),
    /// It is not there.
    Missing,
    /// It could not tell.
    Failed { why: String, remedy: String },
}

/// The door to the tools.
pub(super) struct Runner {
    root: PathBuf,
    home: PathBuf,
    sandbox: Sandbox,
    level: SandboxLevel,
    registries: Vec<String>,
}

impl Runner {
    pub(super) fn new(place: &Place, config: &Config) -> Result<Self, CliError> {
        Ok(Self {
            root: place.root.clone(),
            home: place.state().join("home"),
            sandbox: Sandbox::new(helper_program().map_err(CliError::Runtime)?),
            level: sandbox::level(config)?,
            registries: sandbox::registries(config),
        })
    }

    pub(super) async fn run(
        &self,
        tool: &Tool,
        folder: Option<&TreePath>,
        tree: &FileTree,
    ) -> Outcome {
        let cwd = folder.map_or_else(
            || self.root.clone(),
            |folder| self.root.join(folder.as_str()),
        );
        let strong = self.level == SandboxLevel::Strong;
        let env = if strong {
            environment_at(Path::new(HOME))
        } else {
            environment(&self.home)
        };
        let search = env.get("PATH").cloned().unwrap_or_default();
        let Some(program) = self.program(tool, &cwd, &search) else {
            return Outcome::Missing;
        };
        let words = tool.args.iter().map(|word| (*word).to_owned());
        let argv = [program.display().to_string()]
            .into_iter()
            .chain(words)
            .chain(tool.files(tree));
        let command = Command {
            argv: argv.collect(),
            cwd,
            env,
            writable: if strong {
                Vec::new()
            } else {
                vec![self.home.clone()]
            },
            wall_ms: WALL_MS,
            idle_ms: WALL_MS,
            output_bytes_max: OUTPUT_BYTES_MAX,
            processes_max: PROCESSES_MAX,
            kill_grace_ms: Limits::default().kill_grace_ms_max,
            stdin: Vec::new(),
            confinement: Confinement {
                level: self.level,
                network: if tool.asks {
                    Network::Install
                } else {
                    Network::Loopback
                },
                host_network: false,
                registries: self.registries.clone(),
                readable: Vec::new(),
                workspace: Some(Workspace {
                    folder: self.root.clone(),
                    returns: Returns::Nothing,
                }),
                caps: Caps::default(),
            },
        };
        match self
            .sandbox
            .run(&command, &CancellationToken::new(), None)
            .await
        {
            Ok(report) => outcome(tool, folder, &self.root, &report),
            Err(error) => Outcome::Failed {
                why: atelier_engine::chain(&error),
                remedy: error
                    .hint()
                    .unwrap_or_else(|| "run `atelier doctor sandbox`".to_owned()),
            },
        }
    }

    /// The project's own program, or else that of the machine.
    fn program(&self, tool: &Tool, cwd: &Path, search: &str) -> Option<PathBuf> {
        let places = [cwd, &self.root];
        let own = places
            .iter()
            .flat_map(|folder| PROGRAMS.map(|place| folder.join(place).join(tool.program)))
            .find(|file| file.is_file());
        own.or_else(|| find_program(tool.program, search))
    }
}

fn outcome(tool: &Tool, folder: Option<&TreePath>, root: &Path, report: &Report) -> Outcome {
    let output = Output {
        folder,
        root,
        text: &report.output,
    };
    let ended = matches!(report.exit, Exit::Code(_)) && !report.truncated;
    if let Some(findings) = (tool.read)(&output).filter(|_| ended) {
        return Outcome::Told(findings.into_iter().map(Finding::tidied).collect());
    }
    let mut refused = report
        .usage
        .way_out
        .iter()
        .flat_map(|traffic| &traffic.refused);
    let remedy = match refused.next() {
        Some(refusal) => format!("{refusal}; {}", refusal.remedy()),
        None => format!("see what `{} {}` says", tool.program, tool.args.join(" ")),
    };
    Outcome::Failed {
        why: format!("it ended without a report: {}", told(&report.output)),
        remedy,
    }
}

/// What a tool said of its own failure: the first line that speaks of one, else the last.
fn told(output: &str) -> String {
    let mut lines = output
        .lines()
        .filter(|line| line.chars().any(char::is_alphanumeric));
    let of_failure = |line: &&str| line.to_ascii_lowercase().contains("error");
    let line = lines.clone().find(of_failure).or_else(|| lines.next_back());
    let line = line.unwrap_or("it printed nothing").trim();
    crate::ui::plain(&crate::row::cut(line, TOLD_COLUMNS))
}
