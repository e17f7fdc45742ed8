//! `atelier doctor`: what is here, what is missing, and what to do about it.

mod sandbox;
mod stored;

use std::collections::BTreeMap;

use atelier_engine::{Exit, chain};
use atelier_exec::{Sandbox, Support, find_program, program_version};
use atelier_llm::{
    LocalServer, PROVIDERS, ProbeError, Route, local_servers, probe_key, server_url,
};
use atelier_model::{Limits, RunStatus};
use clap::{Args, ValueEnum};
use serde_json::json;
use url::Url;

use crate::{
    app::{self, Place},
    cli::{Global, RunOptions},
    cli_error::CliError,
    config::{OFFLINE, Settings},
    ui::{Tone, Ui, plain},
    watch::many,
};

/// Milliseconds a provider has to answer.
const PROBE_MS: u64 = 3_000;
/// Runs looked at.
const RUNS_MAX: u32 = 20;
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
    /// Look at this alone, and closely
    #[arg(value_name = "PART")]
    pub(crate) part: Option<DoctorPart>,

    /// Do not send anything over the network
    #[arg(long)]
    pub(crate) offline: bool,
}

/// What can be looked at alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DoctorPart {
    /// Which level of confinement works, why, and how to get a better one.
    Sandbox,
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
    if args.part == Some(DoctorPart::Sandbox) {
        return Ok(conclude(&sandbox::findings().await?, ui));
    }
    let place = Place::find(global)?;
    let (machine, toolchains, servers, routes, state) = tokio::join!(
        machine(&place),
        toolchains(),
        servers(args.offline),
        routes(&place, global, args.offline),
        state(&place),
    );
    let found: Vec<Finding> = [
        machine,
        toolchains,
        keys(),
        stored::keys(),
        servers,
        routes,
        state,
    ]
    .into_iter()
    .flatten()
    .collect();
    Ok(conclude(&found, ui))
}

/// Tells all findings and what they come to.
fn conclude(found: &[Finding], ui: &Ui) -> u8 {
    let mut group = "";
    for one in found {
        tell(ui, one, one.group != group);
        group = one.group;
    }
    let count = |state| found.iter().filter(|one| one.state == state).count();
    let problems = count(State::Problem);
    if !ui.is_json() {
        let (good, notes) = (count(State::Good), many(count(State::Note), "note"));
        ui.out(&format!(
            "{good} ok · {notes} · {}",
            many(problems, "problem")
        ));
    }
    if problems == 0 {
        0
    } else {
        Exit::Configuration as u8
    }
}

fn tell(ui: &Ui, one: &Finding, is_first: bool) {
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
    let group = if is_first { one.group } else { "" };
    let group = ui.ink(Tone::Strong, &format!("{group:<10}"));
    ui.out(&format!(
        "{group} {} {}",
        ui.ink(tone, mark),
        plain(&one.text)
    ));
    if !one.remedy.is_empty() {
        ui.out(&format!("{:<10}   → {}", "", plain(&one.remedy)));
    }
}

impl Finding {
    fn new(group: &'static str, state: State, text: impl Into<String>, remedy: &str) -> Self {
        Self {
            group,
            state,
            text: text.into(),
            remedy: remedy.to_owned(),
        }
    }
}

async fn machine(place: &Place) -> Vec<Finding> {
    let of = |state, text: String, remedy: &str| Finding::new("machine", state, text, remedy);
    let git = match version("git", "--version").await {
        Some(version) => of(State::Good, format!("git {version}"), ""),
        None => of(
            State::Problem,
            "git is missing".to_owned(),
            "install git 2.30 or newer",
        ),
    };
    let sandbox = match atelier_exec::helper_program().map(Sandbox::new) {
        Ok(sandbox) => match sandbox.support() {
            Support::Landlock { abi } => {
                let text = format!("sandbox: Landlock {abi}, commands stay in their places");
                of(State::Good, text, "")
            }
            Support::None { reason } => of(
                State::Note,
                format!("no sandbox: {reason}"),
                "generated code runs with your rights; use a container, or Linux 5.13 or newer",
            ),
        },
        Err(error) => of(
            State::Problem,
            format!("this program's own file: {error}"),
            "",
        ),
    };
    let repository = match &place.git {
        Some(git) => of(
            State::Good,
            format!("repository {}", git.root().display()),
            "",
        ),
        None => of(
            State::Note,
            format!("{} is no git repository", place.folder.display()),
            "an empty folder becomes one by itself; else run `atelier init`",
        ),
    };
    vec![git, sandbox, repository]
}

async fn toolchains() -> Vec<Finding> {
    let asked = TOOLCHAINS.map(|(name, flag)| async move {
        if let Some(version) = version(name, flag).await {
            return Finding::new("toolchain", State::Good, format!("{name} {version}"), "");
        }
        let text = format!("{name} is not there; its projects cannot be built");
        Finding::new("toolchain", State::Note, text, "")
    });
    all(asked).await
}

/// Waits for all of them at once.
async fn all<F: Future<Output = Finding>>(asked: impl IntoIterator<Item = F>) -> Vec<Finding> {
    futures_util::future::join_all(asked).await
}

/// The version a program tells, as a number with dots, or what it says instead.
async fn version(name: &'static str, flag: &'static str) -> Option<String> {
    let asked = tokio::task::spawn_blocking(move || {
        let path = std::env::var("PATH").unwrap_or_default();
        let found = find_program(name, &path)?;
        program_version(&found, &[flag])
    });
    let said = plain(&asked.await.ok().flatten()?);
    Some(number(&said).unwrap_or(said))
}

fn number(said: &str) -> Option<String> {
    let words = said.split_whitespace();
    let numbers = words.map(|word| word.trim_start_matches("go").trim_start_matches('v'));
    let is_number = |word: &&str| {
        word.contains('.')
            && word
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'.')
    };
    numbers.into_iter().find(is_number).map(str::to_owned)
}

/// Keys in the environment; never what they are.
fn keys() -> Vec<Finding> {
    let mut providers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for entry in PROVIDERS {
        for name in entry.key_variables {
            providers.entry(name).or_default().push(entry.name);
        }
    }
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|key| !key.is_empty());
    let set = providers.into_iter().filter(|(name, _)| is_set(name));
    set.map(|(name, providers)| {
        let text = format!("{name} is set, for provider {}", providers.join(" or "));
        Finding::new("models", State::Good, text, "")
    })
    .collect()
}

async fn servers(offline: bool) -> Vec<Finding> {
    if offline {
        return Vec::new();
    }
    let named = ["OLLAMA_HOST", "OPENAI_BASE_URL", "LMSTUDIO_BASE_URL"];
    let named = named.iter().filter_map(|name| std::env::var(name).ok());
    let extra: Vec<Url> = named.filter_map(|text| server_url(&text)).collect();
    let servers = local_servers(ANSWER_MS, &extra).await;
    if servers.is_empty() {
        return vec![Finding::new(
            "models",
            State::Note,
            "no local model server answers (Ollama, LM Studio, llama.cpp, vLLM)",
            "start one, for instance `ollama serve`, or set the key of a provider, such as \
             OPENAI_API_KEY, ANTHROPIC_API_KEY or GEMINI_API_KEY",
        )];
    }
    servers.iter().map(server).collect()
}

fn server(server: &LocalServer) -> Finding {
    let models: Vec<&str> = server
        .models
        .iter()
        .take(MODELS_NAMED)
        .map(String::as_str)
        .collect();
    let more = match server.models.len().saturating_sub(MODELS_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let named = if models.is_empty() {
        "no model".to_owned()
    } else {
        models.join(", ")
    };
    let (kind, url) = (server.kind.name(), &server.base_url);
    let text = format!("{kind} {} at {url}: {named}{more}", server.detail);
    let remedy = match models.first() {
        Some(model) => {
            format!("use it: atelier config set base_url {url} && atelier config set model {model}")
        }
        None => "load a model there, for instance `ollama pull qwen3-coder`".to_owned(),
    };
    Finding::new("models", State::Good, text, &remedy)
}

/// What is configured, and whether it would work.
async fn routes(place: &Place, global: &Global, offline: bool) -> Vec<Finding> {
    let settings = match app::configure(place, global, &RunOptions::default()) {
        Ok((config, settings)) => {
            let warnings = config.warnings.into_iter();
            let told = warnings.map(|text| Finding::new("models", State::Note, text, ""));
            let mut found: Vec<Finding> = told.collect();
            found.extend(all(distinct(&settings).map(|route| probe(route, offline))).await);
            return found;
        }
        Err(error) => error,
    };
    let hint = settings.hint().unwrap_or_default();
    vec![Finding::new(
        "models",
        State::Problem,
        settings.text(),
        &hint,
    )]
}

/// The routes of all stages, those that stand by, and those for other programs, each once.
fn distinct(settings: &Settings) -> impl Iterator<Item = &Route> {
    let mut seen: Vec<&Route> = Vec::new();
    let routing = settings.routing.values();
    let standbys = routing.flat_map(|routing| &routing.fallback);
    let all = settings.routes.values().chain(standbys);
    all.chain(&settings.upstreams).filter(move |route| {
        let is_new = !seen.contains(route);
        seen.push(route);
        is_new
    })
}

async fn probe(route: &Route, offline: bool) -> Finding {
    let name = format!("{} {}", route.name(), route.model);
    if route.provider == OFFLINE {
        let text = "no model is configured: `offline` lays out skeletons from templates";
        let remedy = "connect one: atelier config set model NAME";
        return Finding::new("models", State::Note, text, remedy);
    }
    if offline {
        return Finding::new("models", State::Good, format!("{name} is configured"), "");
    }
    let limits = Limits {
        connect_ms_max: PROBE_MS,
        first_byte_ms_max: PROBE_MS,
        ask_total_ms_max: PROBE_MS,
        ..Limits::default()
    };
    match probe_key(route, &limits).await {
        Ok(()) => Finding::new("models", State::Good, format!("{name} answers"), ""),
        Err(error) => {
            let text = format!("{name}: failed to {}", chain(&error));
            Finding::new("models", State::Problem, text, &remedy(&error))
        }
    }
}

fn remedy(error: &ProbeError) -> String {
    match error {
        ProbeError::Ask(error) => error.hint(),
        ProbeError::Route(_) => "see `atelier config show`".to_owned(),
    }
}

async fn state(place: &Place) -> Vec<Finding> {
    let of = |state, text: String, remedy: &str| Finding::new("state", state, text, remedy);
    let store = match place.store().await {
        Ok(store) => store,
        Err(CliError::NoProject(_)) => {
            return vec![of(State::Good, "nothing was built here yet".to_owned(), "")];
        }
        Err(error) => {
            let remedy = "move `.atelier/state.db` away to begin anew";
            return vec![of(State::Problem, error.text(), remedy)];
        }
    };
    let mut found = vec![match store.events_verify().await {
        Ok(count) => of(State::Good, format!("{count} events, chain intact"), ""),
        Err(error) => {
            let text = format!("the event log: failed to {}", chain(&error));
            of(
                State::Problem,
                text,
                "restore `.atelier/state.db` from a backup",
            )
        }
    }];
    found.push(stored::contents(&store).await);
    let runs = store.run_list(RUNS_MAX).await.unwrap_or_default();
    for run in runs.iter().filter(|run| run.status == RunStatus::Stopped) {
        let text = format!("run {} can go on; it stopped: {}", run.id, run.reason);
        found.push(of(State::Note, text, &format!("atelier resume {}", run.id)));
    }
    found
}

#[cfg(test)]
mod tests;
