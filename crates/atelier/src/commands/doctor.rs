//! `atelier doctor`: what is here, what is missing, and what to do about it.

use std::path::Path;

use atelier_exec::{Level, Sandbox, find_program, program_version};
use atelier_llm::{PROVIDERS, ProbeError, local_servers, probe_key};
use atelier_model::{Limits, Stage};
use clap::Args;
use serde_json::json;
use url::Url;

use crate::{
    app::{self, Place},
    cli::{Global, RunOptions},
    cli_error::CliError,
    config::Settings,
    ui::{Tone, Ui, plain},
};

/// Milliseconds a local server has to answer.
const ANSWER_MS: u64 = 300;
/// Models named of one server.
const MODELS_NAMED: usize = 4;

/// Programs that build things, each with how to ask for its version.
const TOOLCHAINS: [(&str, &str); 9] = [
    ("cargo", "--version"),
    ("python3", "--version"),
    ("node", "--version"),
    ("npm", "--version"),
    ("go", "version"),
    ("cmake", "--version"),
    ("make", "--version"),
    ("cc", "--version"),
    ("mvn", "--version"),
];

/// Check models, keys, git, toolchains and sandbox, and say what to do about each problem
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Do not send anything over the network
    #[arg(long)]
    pub(crate) offline: bool,
}

/// One finding.
struct Finding {
    group: &'static str,
    state: State,
    text: String,
    remedy: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Good,
    Note,
    Problem,
}

pub(crate) async fn run(global: &Global, args: &DoctorArgs, ui: &Ui) -> Result<u8, CliError> {
    let place = Place::find(global)?;
    let mut found = Vec::new();
    machine(&place, &mut found);
    toolchains(&mut found);
    models(&place, global, args.offline, &mut found).await;
    state(&place, &mut found).await;
    let problems = found
        .iter()
        .filter(|one| one.state == State::Problem)
        .count();
    for one in &found {
        tell(ui, one);
    }
    if !ui.is_json() {
        let good = found.iter().filter(|one| one.state == State::Good).count();
        ui.out(&format!(
            "{good} ok · {} notes · {problems} problems",
            found.len() - good - problems
        ));
    }
    Ok(if problems == 0 { 0 } else { 3 })
}

fn tell(ui: &Ui, one: &Finding) {
    let (tone, mark, word) = match one.state {
        State::Good => (Tone::Good, "✓", "ok"),
        State::Note => (Tone::Warning, "!", "note"),
        State::Problem => (Tone::Bad, "✗", "problem"),
    };
    if ui.is_json() {
        let line = json!({
            "v": 1, "type": "finding", "group": one.group, "state": word, "text": one.text,
            "remedy": one.remedy,
        });
        ui.out(&line.to_string());
        return;
    }
    ui.out(&format!(
        "{:<10} {} {}",
        one.group,
        ui.ink(tone, mark),
        plain(&one.text)
    ));
    if !one.remedy.is_empty() {
        ui.out(&format!(
            "{:<10}   {} {}",
            "",
            ui.ink(Tone::Strong, "→"),
            one.remedy
        ));
    }
}

fn machine(place: &Place, found: &mut Vec<Finding>) {
    let mut say = |state, text: String, remedy: &str| {
        found.push(Finding {
            group: "machine",
            state,
            text,
            remedy: remedy.to_owned(),
        });
    };
    match program("git", "--version") {
        Some(version) => say(State::Good, version, ""),
        None => say(
            State::Problem,
            "git is missing".to_owned(),
            "install git 2.30 or newer",
        ),
    }
    match std::env::current_exe().map(Sandbox::new) {
        Ok(sandbox) => match sandbox.level() {
            Level::Landlock { abi } => {
                say(
                    State::Good,
                    format!("sandbox: Landlock {abi}, writes stay in the worktree"),
                    "",
                );
            }
            Level::None { reason } => say(
                State::Note,
                format!("no sandbox: {reason}"),
                "generated code runs with your rights; use a container, or Linux 5.13 or newer",
            ),
        },
        Err(error) => say(
            State::Problem,
            format!("this program's own file: {error}"),
            "",
        ),
    }
    match &place.git {
        Some(git) => say(
            State::Good,
            format!("repository {}", git.root().display()),
            "",
        ),
        None => say(
            State::Note,
            format!("{} is no git repository", place.folder.display()),
            "an empty folder becomes one by itself; else run `atelier init`",
        ),
    }
}

fn toolchains(found: &mut Vec<Finding>) {
    for (name, flag) in TOOLCHAINS {
        let (state, text) = match program(name, flag) {
            Some(version) => (State::Good, version),
            None => (
                State::Note,
                format!("{name} is not there; its projects cannot be built"),
            ),
        };
        found.push(Finding {
            group: "toolchain",
            state,
            text,
            remedy: String::new(),
        });
    }
}

fn program(name: &str, flag: &str) -> Option<String> {
    let path = std::env::var("PATH").unwrap_or_default();
    let found = find_program(name, &path)?;
    let version = program_version(Path::new(&found), &[flag])?;
    Some(if version.contains(name) {
        version
    } else {
        format!("{name} {version}")
    })
}

async fn models(place: &Place, global: &Global, offline: bool, found: &mut Vec<Finding>) {
    for entry in PROVIDERS {
        for variable in entry.key_variables {
            if std::env::var_os(variable).is_some_and(|value| !value.is_empty()) {
                let text = format!("{variable} is set");
                found.push(Finding {
                    group: "models",
                    state: State::Good,
                    text,
                    remedy: String::new(),
                });
            }
        }
    }
    if !offline {
        servers(found).await;
    }
    match app::configure(place, global, &RunOptions::default()) {
        Ok((_, settings)) => routes(&settings, offline, found).await,
        Err(CliError::Config(error)) => found.push(Finding {
            group: "models",
            state: State::Problem,
            text: format!("configuration: failed to {error}"),
            remedy: error.hint(),
        }),
        Err(error) => found.push(Finding {
            group: "models",
            state: State::Problem,
            text: error.text(),
            remedy: error.hint().unwrap_or_default(),
        }),
    }
}

async fn servers(found: &mut Vec<Finding>) {
    let named = ["OLLAMA_HOST", "OPENAI_BASE_URL", "LMSTUDIO_BASE_URL"];
    let extra: Vec<Url> = named
        .iter()
        .filter_map(|name| std::env::var(name).ok())
        .map(|text| {
            if text.contains("://") {
                text
            } else {
                format!("http://{text}")
            }
        })
        .filter_map(|text| text.parse().ok())
        .collect();
    let servers = local_servers(ANSWER_MS, &extra).await;
    if servers.is_empty() {
        found.push(Finding {
            group: "models",
            state: State::Note,
            text: "no local model server answers (Ollama, LM Studio, llama.cpp, vLLM)".to_owned(),
            remedy: "start one, for instance `ollama serve`, or set OPENAI_API_KEY or \
                     ANTHROPIC_API_KEY"
                .to_owned(),
        });
    }
    for server in servers {
        let models: Vec<&str> = server
            .models
            .iter()
            .take(MODELS_NAMED)
            .map(String::as_str)
            .collect();
        let text = format!(
            "{} {} at {}: {}",
            server.kind.name(),
            server.detail,
            server.base_url,
            if models.is_empty() {
                "no model".to_owned()
            } else {
                models.join(", ")
            }
        );
        let remedy = match models.first() {
            Some(model) => format!(
                "use it: atelier config set base_url {} && atelier config set model {model}",
                server.base_url
            ),
            None => "load a model there, for instance `ollama pull qwen3-coder`".to_owned(),
        };
        found.push(Finding {
            group: "models",
            state: State::Good,
            text,
            remedy,
        });
    }
}

async fn routes(settings: &Settings, offline: bool, found: &mut Vec<Finding>) {
    let mut seen = Vec::new();
    for stage in Stage::ALL {
        let Some(route) = settings.routes.get(&stage) else {
            continue;
        };
        if seen.contains(&route) {
            continue;
        }
        seen.push(route);
        let (state, text, remedy) = if route.provider == "offline" {
            (
                State::Note,
                "no model is configured: `offline` lays out skeletons from templates".to_owned(),
                "connect one: atelier config set model NAME".to_owned(),
            )
        } else if offline {
            (
                State::Good,
                format!("{} {}", route.provider, route.model),
                String::new(),
            )
        } else {
            match probe_key(route, &Limits::default()).await {
                Ok(()) => (
                    State::Good,
                    format!(
                        "{} {} answers and takes the key",
                        route.provider, route.model
                    ),
                    String::new(),
                ),
                Err(error) => (
                    State::Problem,
                    format!("{} {}: {error}", route.provider, route.model),
                    remedy(&error),
                ),
            }
        };
        found.push(Finding {
            group: "models",
            state,
            text,
            remedy,
        });
    }
}

fn remedy(error: &ProbeError) -> String {
    match error {
        ProbeError::Ask(error) => error.hint(),
        ProbeError::Route(_) => "see `atelier config show`".to_owned(),
    }
}

async fn state(place: &Place, found: &mut Vec<Finding>) {
    let mut say = |state, text: String, remedy: &str| {
        found.push(Finding {
            group: "state",
            state,
            text,
            remedy: remedy.to_owned(),
        });
    };
    let store = match place.store().await {
        Ok(store) => store,
        Err(CliError::NoProject(_)) => {
            say(State::Good, "nothing was built here yet".to_owned(), "");
            return;
        }
        Err(error) => {
            say(
                State::Problem,
                error.text(),
                "move `.atelier/state.db` away to begin anew",
            );
            return;
        }
    };
    match store.events_verify().await {
        Ok(count) => say(State::Good, format!("{count} events, chain intact"), ""),
        Err(error) => say(
            State::Problem,
            format!("event log: {error}"),
            "restore a backup",
        ),
    }
    let Ok(runs) = store.run_list(u32::from(u8::MAX)).await else {
        return;
    };
    for run in runs
        .iter()
        .filter(|run| run.status == atelier_model::RunStatus::Stopped)
    {
        let text = format!("run {} can go on: {}", run.id, plain(&run.reason));
        say(State::Note, text, &format!("atelier resume {}", run.id));
    }
}
