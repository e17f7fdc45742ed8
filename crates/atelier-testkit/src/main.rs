//! The stand-in model server as a program, so that anyone can try the product against it.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this program's answer is what it prints"
)]

use std::{path::PathBuf, process::ExitCode};

use atelier_testkit::{Dialect, EditForm, Fixture, Mode, Script, Server, Times, chain, wide};
use clap::{Parser, Subcommand, ValueEnum};

#[derive(Debug, Parser)]
#[command(about = "Stand-in models for trying and testing atelier")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Answers like a model, from a fixture.
    Serve {
        /// How it behaves.
        #[arg(long, value_enum, default_value_t = ModeName::Oracle)]
        mode: ModeName,
        /// Folder of the fixture.
        #[arg(long)]
        fixture: Option<PathBuf>,
        /// Port; 0 takes a free one.
        #[arg(long, default_value_t = 0)]
        port: u16,
        /// The dialect that is printed; all are always spoken.
        #[arg(long, value_enum, default_value_t = DialectName::Any)]
        dialect: DialectName,
        /// Form of the edits.
        #[arg(long, value_enum, default_value_t = FormName::Mixed)]
        form: FormName,
        /// Milliseconds before the first byte of each answer.
        #[arg(long, default_value_t = 0)]
        latency_ms: u64,
        /// How often a failing mode fails, from the start; always if left out.
        #[arg(long)]
        times: Option<u32>,
    },
    /// Writes a fixture that is a chain of tiny tasks.
    Chain {
        /// How many tasks.
        #[arg(long, default_value_t = 20)]
        tasks: u32,
        /// Folder to write to.
        #[arg(long)]
        into: PathBuf,
    },
    /// Writes a fixture of tiny tasks that can be done at once, after a first one.
    Wide {
        /// How many tasks can be done at once.
        #[arg(long, default_value_t = 20)]
        tasks: u32,
        /// Folder to write to.
        #[arg(long)]
        into: PathBuf,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum DialectName {
    Any,
    Openai,
    Responses,
    Anthropic,
    Gemini,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FormName {
    Whole,
    SearchReplace,
    DiffFenced,
    ApplyPatch,
    Mixed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ModeName {
    Oracle,
    OracleNoise,
    FailThenFix,
    UnclosedThenFix,
    Lazy,
    Truncated,
    ProseOnly,
    MalformedJson,
    RepairableJson,
    TamperTests,
    TamperTestsGood,
    ForgeTests,
    Unauthorized,
    RateLimited,
    ServerError,
    Hang,
    Stall,
    SlowDrip,
}

/// Seconds that the rate-limited mode asks for.
const RETRY_AFTER: u32 = 1;

/// Milliseconds between two pieces of a slow answer.
const DRIP_MS: u64 = 200;

fn mode(name: ModeName, times: Times) -> Mode {
    match name {
        ModeName::Oracle => Mode::Oracle,
        ModeName::OracleNoise => Mode::OracleNoise,
        ModeName::FailThenFix => Mode::FailThenFix,
        ModeName::UnclosedThenFix => Mode::UnclosedThenFix,
        ModeName::Lazy => Mode::Lazy,
        ModeName::Truncated => Mode::Truncated(times),
        ModeName::ProseOnly => Mode::ProseOnly { planning: false },
        ModeName::MalformedJson => Mode::MalformedJson { repairable: false },
        ModeName::RepairableJson => Mode::MalformedJson { repairable: true },
        ModeName::TamperTests => Mode::TamperTests { good: false },
        ModeName::TamperTestsGood => Mode::TamperTests { good: true },
        ModeName::ForgeTests => Mode::ForgeTests,
        ModeName::Unauthorized => Mode::Unauthorized,
        ModeName::RateLimited => Mode::RateLimited {
            retry_after: RETRY_AFTER,
            times,
        },
        ModeName::ServerError => Mode::ServerError { status: 500, times },
        ModeName::Hang => Mode::Hang,
        ModeName::Stall => Mode::Stall,
        ModeName::SlowDrip => Mode::SlowDrip { ms: DRIP_MS },
    }
}

fn form(name: FormName) -> EditForm {
    match name {
        FormName::Whole => EditForm::Whole,
        FormName::SearchReplace => EditForm::SearchReplace,
        FormName::DiffFenced => EditForm::DiffFenced,
        FormName::ApplyPatch => EditForm::ApplyPatch,
        FormName::Mixed => EditForm::Mixed,
    }
}

/// Why the program could not do what it was asked to.
#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error(transparent)]
    Fixture(#[from] atelier_testkit::LoadFixtureError),
    #[error(transparent)]
    Server(#[from] atelier_testkit::StartServerError),
    #[error("name the files of the fixture")]
    Path(#[from] atelier_model::PathError),
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("failed to {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), RunError> {
    match command {
        Command::Serve {
            mode: name,
            fixture,
            port,
            dialect,
            form: form_name,
            latency_ms,
            times,
        } => {
            let times = times.map_or(Times::Always, Times::First);
            let mut script = Script::new(mode(name, times))
                .with_form(form(form_name))
                .with_latency_ms(latency_ms);
            if let Some(folder) = fixture {
                script = script.with_fixture(Fixture::load(&folder)?);
            }
            let server = Server::start_on(script, port)?;
            introduce(&server, dialect);
            server.serve_for_ever();
        }
        Command::Chain { tasks, into } => {
            chain(tasks)?.write(&into)?;
            println!("{}", into.display());
        }
        Command::Wide { tasks, into } => {
            wide(tasks)?.write(&into)?;
            println!("{}", into.display());
        }
    }
    Ok(())
}

/// Prints where it listens, and what to tell the product.
fn introduce(server: &Server, dialect: DialectName) {
    let dialect = match dialect {
        DialectName::Any | DialectName::Openai => Dialect::OpenAi,
        DialectName::Responses => Dialect::Responses,
        DialectName::Anthropic => Dialect::Anthropic,
        DialectName::Gemini => Dialect::Gemini,
    };
    let version = match dialect {
        Dialect::Gemini => "v1beta",
        Dialect::OpenAi | Dialect::Responses | Dialect::Anthropic => "v1",
    };
    let (url, provider) = (server.base_url(), dialect.provider());
    println!("{url}");
    println!("export ATELIER_PROVIDER={provider} ATELIER_MODEL=standin-large");
    println!("export ATELIER_BASE_URL={url}/{version}");
    println!("export ATELIER_KEY=any");
}
