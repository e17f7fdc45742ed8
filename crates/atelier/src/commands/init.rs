//! `atelier init`: makes a folder a project.

use atelier_exec::{Commit, Git};
use atelier_llm::local_servers;
use atelier_model::{Clock, Limits, TreePath};
use clap::Args;

use super::ending::short;
use crate::{
    app::{Place, SystemClock},
    cli::Global,
    cli_error::CliError,
    config::PROJECT_FILE,
    ui::{Ui, plain},
    watch::many,
};

/// Milliseconds a local server has to answer.
const ANSWER_MS: u64 = 300;

/// Files named when some are left out.
const NAMED_MAX: usize = 3;
/// Endings of files that hold keys.
const SECRET_ENDINGS: [&str; 4] = [".pem", ".key", ".p12", ".keystore"];
/// Names of files that hold keys.
const SECRET_NAMES: [&str; 5] = [".netrc", ".npmrc", ".pypirc", "id_rsa", "id_ed25519"];
/// Folders that tools fill.
const MADE_FOLDERS: [&str; 7] = [
    "node_modules",
    "target",
    ".venv",
    "venv",
    "__pycache__",
    "dist",
    "build",
];

/// Make this folder a project: a git repository with an `atelier.toml`
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Do not look for local model servers
    #[arg(long)]
    pub(crate) offline: bool,
}

pub(crate) async fn run(global: &Global, args: &InitArgs, ui: &Ui) -> Result<u8, CliError> {
    let place = Place::find(global)?;
    let file = place.root.join(PROJECT_FILE);
    if file.exists() && place.git.is_some() {
        ui.out(&format!("{} is there already", file.display()));
        return Ok(0);
    }
    if !file.exists() {
        let text = configuration(args.offline, ui).await;
        let failed = |source| CliError::File {
            path: file.clone(),
            source,
        };
        std::fs::create_dir_all(&place.root).map_err(failed)?;
        std::fs::write(&file, text).map_err(failed)?;
        ui.out(&format!("wrote {}", file.display()));
    }
    if place.git.is_none() {
        let git = Git::init(&place.folder)?;
        ui.out(&format!("made {} a git repository", git.root().display()));
        first_commit(&git, ui)?;
    }
    ui.status("next: atelier doctor, then atelier build \"…\"");
    Ok(0)
}

/// The file's text, with the first model that answers on this machine.
async fn configuration(offline: bool, ui: &Ui) -> String {
    let servers = if offline {
        Vec::new()
    } else {
        local_servers(ANSWER_MS, &[]).await
    };
    let found = servers
        .iter()
        .find_map(|server| Some((server, server.models.first()?)));
    if let Some((server, model)) = found {
        let (name, url) = (server.kind.name(), &server.base_url);
        ui.status(&format!("found {name} at {url} with {model}"));
        return template(Some((url, model)));
    }
    if !offline {
        ui.status("no local model server answers; `offline` lays out skeletons meanwhile");
    }
    template(None)
}

/// What stands in the folder becomes the first commit, so that a run has something to start from.
fn first_commit(git: &Git, ui: &Ui) -> Result<(), CliError> {
    let (kept, left): (Vec<String>, Vec<String>) =
        git.dirty()?.into_iter().partition(|path| !stays_out(path));
    let files = atelier_exec::tree_read(git.root(), &Limits::default())
        .map_err(atelier_exec::GitError::from)?;
    let listed = |path: &TreePath| kept.iter().any(|file| file == path.as_str());
    let changes = files
        .iter()
        .filter(|(path, _)| listed(path))
        .map(|(path, file)| (path.clone(), Some(file.clone())))
        .collect();
    let message = "chore: what stood here before\n".to_owned();
    let commit = Commit {
        message,
        parent: None,
        at: SystemClock.now(),
    };
    let made = git.commit_changes(&changes, &commit)?;
    let branch = git.head()?.branch.unwrap_or_else(|| "main".to_owned());
    git.branch_set(&branch, &made, None)?;
    git.index_follow()?;
    ui.status(&format!(
        "committed {} as {}",
        many(kept.len(), "file"),
        short(&made)
    ));
    if !left.is_empty() {
        let named = left
            .iter()
            .take(NAMED_MAX)
            .map(|path| plain(path))
            .collect::<Vec<_>>();
        ui.warn(&format!(
            "left out {} that no repository should hold, such as {}; name them in .gitignore",
            many(left.len(), "file"),
            named.join(", ")
        ));
    }
    Ok(())
}

/// Whether a file is a secret, or made by a tool and made again at any time.
fn stays_out(path: &str) -> bool {
    let mut parts = path.split('/').rev();
    let name = parts.next().unwrap_or(path);
    let secret = (name.starts_with(".env") && !name.ends_with(".example"))
        || SECRET_ENDINGS.iter().any(|ending| name.ends_with(ending))
        || SECRET_NAMES.contains(&name);
    secret || parts.any(|folder| MADE_FOLDERS.contains(&folder))
}

fn template(found: Option<(&str, &str)>) -> String {
    let model = match found {
        Some((url, model)) => {
            format!("provider = \"openai\"\nbase_url = {url:?}\nmodel = {model:?}\n")
        }
        None => "# provider = \"openai\"        # and everything compatible; or anthropic\n\
                 # model = \"gpt-5\"\n\
                 # base_url = \"http://127.0.0.1:11434/v1\"\n"
            .to_owned(),
    };
    format!(
        "# Configuration of atelier for this project; `atelier config show --all` lists every key.\n\
         # Keys of providers belong into the environment: OPENAI_API_KEY, ANTHROPIC_API_KEY.\n\n\
         {model}\n\
         # approval = \"plan\"          # ask before a plan is executed: never, plan, task\n\
         # budget = \"2.00\"            # dollars a run may cost\n\n\
         # [stages.code]              # any stage: design, plan, detail, handoff, code, docs\n\
         # model = \"gpt-5\"\n"
    )
}

#[cfg(test)]
mod tests;
