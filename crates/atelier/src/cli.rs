//! The command line: every command and option, and their help.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::commands;

/// `make` for requirements: a requirement and a budget go in, a branch of verified commits comes
/// out.
#[derive(Debug, Parser)]
#[command(
    name = "atelier",
    version,
    propagate_version = true,
    max_term_width = 100,
    after_help = "Exit codes: 0 verified · 1 internal · 2 usage · 3 configuration or credentials · \
                  10 needs a person · 11 cancelled · 12 budget · 13 verification failed · 14 \
                  provider or network · 15 conflict · 16 a replay \
                  that is not what was recorded.\nBegin with: atelier build \"a command-line \
                  tool that …\""
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options every command takes.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Global {
    /// Work in this folder instead of the current one
    #[arg(short = 'C', long = "directory", global = true, value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,

    /// Set a configuration value, such as `-c stages.code.model=gpt-5`
    #[arg(short = 'c', long = "config", global = true, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,

    /// Provider: openai (and everything compatible), anthropic, offline
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) provider: Option<String>,

    /// Model for every stage that names no other
    #[arg(short = 'm', long, global = true, value_name = "NAME")]
    pub(crate) model: Option<String>,

    /// Base URL of the provider, such as `http://127.0.0.1:11434/v1`
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) base_url: Option<String>,

    /// One JSON event a line on standard output
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// Say nothing but the answer and errors
    #[arg(short = 'q', long, global = true)]
    pub(crate) quiet: bool,

    /// Write what happens as JSON lines to this file; no text of questions and answers is in them
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) log: Option<PathBuf>,

    /// Colour: auto, always or never; `NO_COLOR` is honoured
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_possible_values = true
    )]
    pub(crate) color: ColorWhen,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum ColorWhen {
    /// On a terminal.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Options of the commands that run something.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct RunOptions {
    #[command(flatten)]
    pub(crate) limits: LimitOptions,

    /// When to ask before going on: never, plan, task
    #[arg(long, value_name = "POLICY")]
    pub(crate) approval: Option<String>,

    /// Tasks done at once; as many as processors, memory and models allow if left out
    #[arg(short = 'j', long, value_name = "N")]
    pub(crate) jobs: Option<String>,

    /// Approve plans and tasks without asking; what a person must look at is asked still
    #[arg(short = 'y', long)]
    pub(crate) yes: bool,
}

/// How much may be used up; with a `+` before it, how much more than so far.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct LimitOptions {
    /// Most it may cost, in dollars, or how much more, such as +1.00; it stops before the call that
    /// could exceed it
    #[arg(long, visible_alias = "max-cost-usd", value_name = "USD")]
    pub(crate) budget: Option<String>,

    /// Most tokens it may take, such as 200k or +50k
    #[arg(long, visible_alias = "max-tokens", value_name = "TOKENS")]
    pub(crate) budget_tokens: Option<String>,

    /// Most calls of models it may make, such as 40 or +10
    #[arg(long, value_name = "CALLS")]
    pub(crate) budget_calls: Option<String>,

    /// Most time of work it may take, such as 30m or +10m
    #[arg(long, value_name = "TIME")]
    pub(crate) budget_wall: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Init(commands::init::InitArgs),
    Doctor(commands::doctor::DoctorArgs),
    Build(commands::build::BuildArgs),
    Plan(commands::plan::PlanArgs),
    Run(commands::run::RunArgs),
    Change(commands::change::ChangeArgs),
    Resume(commands::resume::ResumeArgs),
    Pause(commands::control::PauseArgs),
    Cancel(commands::control::CancelArgs),
    Approve(commands::control::ApproveArgs),
    Reject(commands::control::RejectArgs),
    Status(commands::status::StatusArgs),
    Log(commands::log::LogArgs),
    Show(commands::show::ShowArgs),
    Diff(commands::diff::DiffArgs),
    Report(commands::report::ReportArgs),
    Cost(commands::cost::CostArgs),
    Stats(commands::stats::StatsArgs),
    Demo(commands::demo::DemoArgs),
    Pack(commands::pack::PackArgs),
    Replay(commands::replay::ReplayArgs),
    Verify(commands::verify::VerifyArgs),
    Blame(commands::blame::BlameArgs),
    #[command(subcommand)]
    Task(commands::task::TaskCommand),
    #[command(subcommand)]
    Agent(commands::agent::AgentCommand),
    #[command(subcommand)]
    Edit(commands::edit::EditCommand),
    Check(commands::check::CheckArgs),
    Steps(commands::steps::StepsArgs),
    Why(commands::why::WhyArgs),
    Analyse(commands::analyse::AnalyseArgs),
    #[command(subcommand)]
    Docs(commands::docs::DocsCommand),
    #[command(subcommand)]
    Ci(commands::ci::CiCommand),
    Exec(commands::exec::ExecArgs),
    #[command(subcommand)]
    Guard(commands::guard::GuardCommand),
    // Whoever serves, serves the models too: both names lead to them.
    #[command(visible_alias = "serve")]
    Gateway(commands::gateway::GatewayArgs),
    #[command(subcommand)]
    Audit(commands::audit::AuditCommand),
    #[command(subcommand)]
    Keys(commands::keys::KeysCommand),
    #[command(subcommand)]
    Prices(commands::prices::PricesCommand),
    #[command(subcommand)]
    Archive(commands::archive::ArchiveCommand),
    #[command(subcommand)]
    Batch(commands::batch::BatchCommand),
    #[command(subcommand)]
    Config(commands::config::ConfigCommand),
    Gc(commands::gc::GcArgs),
    Shell(commands::shell::ShellArgs),
    Completion(commands::completion::CompletionArgs),
    #[command(hide = true)]
    Names(commands::completion::NamesArgs),
    #[command(hide = true)]
    Reference(commands::reference::ReferenceArgs),
}
