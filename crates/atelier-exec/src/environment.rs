//! The environment of commands nobody trusts: named variables, nothing else.

#![expect(
    clippy::disallowed_methods,
    reason = "this is the one file that reads the environment"
)]

use std::{
    collections::BTreeMap,
    env, fs,
    io::Read,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use crate::tools;
use crate::way_out::{FILES, Form, Said, is_registry_variable};

/// Variables that are handed on as they are: how to speak, where the network is, and which
/// mirrors stand in for package registries. None of them is meant to hold a secret.
const HANDED_ON: [&str; 68] = [
    "PATH",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "PIP_CERT",
    "NIX_SSL_CERT_FILE",
    "CARGO_HTTP_CAINFO",
    "CARGO_HTTP_PROXY",
    "CARGO_HTTP_TIMEOUT",
    "CARGO_HTTP_MULTIPLEXING",
    "CARGO_NET_OFFLINE",
    "CARGO_NET_RETRY",
    "CARGO_NET_GIT_FETCH_WITH_CLI",
    "CARGO_BUILD_JOBS",
    "RUSTUP_TOOLCHAIN",
    "RUSTUP_DIST_SERVER",
    "RUSTUP_UPDATE_ROOT",
    "RUSTUP_AUTO_INSTALL",
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "PIP_FIND_LINKS",
    "PIP_NO_INDEX",
    "PIP_TRUSTED_HOST",
    "PIP_DEFAULT_TIMEOUT",
    "PIP_DISABLE_PIP_VERSION_CHECK",
    "UV_INDEX_URL",
    "UV_DEFAULT_INDEX",
    "UV_EXTRA_INDEX_URL",
    "UV_FIND_LINKS",
    "UV_OFFLINE",
    "UV_NATIVE_TLS",
    "UV_PYTHON",
    "PYENV_VERSION",
    "NPM_CONFIG_REGISTRY",
    "npm_config_registry",
    "YARN_NPM_REGISTRY_SERVER",
    "COREPACK_NPM_REGISTRY",
    "USER",
    "LOGNAME",
    "GOPROXY",
    "GOSUMDB",
    "GONOSUMDB",
    "GOPRIVATE",
    "GONOPROXY",
    "GOTOOLCHAIN",
    "CC",
    "CXX",
    "AR",
    "PKG_CONFIG_PATH",
    "LD_LIBRARY_PATH",
    "MAVEN_HOME",
    "JAVA_TOOL_OPTIONS",
];

/// Homes and configuration files of tools: variable, and where the tool looks below the user's
/// home if it is not set.
const TOOL_HOMES: [(&str, &str); 17] = [
    ("RUSTUP_HOME", ".rustup"),
    ("PYENV_ROOT", ".pyenv"),
    ("NVM_DIR", ".nvm"),
    ("VOLTA_HOME", ".volta"),
    ("FNM_DIR", ".local/share/fnm"),
    ("ASDF_DIR", ".asdf"),
    ("ASDF_DATA_DIR", ".asdf"),
    ("MISE_DATA_DIR", ".local/share/mise"),
    ("MISE_CONFIG_DIR", ".config/mise"),
    ("SDKMAN_DIR", ".sdkman"),
    ("JAVA_HOME", ""),
    ("GOROOT", ""),
    ("UV_PYTHON_INSTALL_DIR", ".local/share/uv/python"),
    ("NPM_CONFIG_USERCONFIG", ".npmrc"),
    ("PIP_CONFIG_FILE", ".config/pip/pip.conf"),
    ("UV_CONFIG_FILE", ".config/uv/uv.toml"),
    ("GOENV", ".config/go/env"),
];

/// Settings of every command: no questions, no colour, no news, no telemetry, no git hooks.
const SETTINGS: [(&str, &str); 19] = [
    ("TERM", "dumb"),
    ("NO_COLOR", "1"),
    ("CI", "1"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("DEBIAN_FRONTEND", "noninteractive"),
    ("PYTHONUNBUFFERED", "1"),
    ("PYTHONDONTWRITEBYTECODE", "1"),
    ("PIP_NO_INPUT", "1"),
    ("npm_config_update_notifier", "false"),
    ("npm_config_fund", "false"),
    ("npm_config_audit", "false"),
    ("COREPACK_ENABLE_DOWNLOAD_PROMPT", "0"),
    ("NEXT_TELEMETRY_DISABLED", "1"),
    ("ASTRO_TELEMETRY_DISABLED", "1"),
    ("DOTNET_CLI_TELEMETRY_OPTOUT", "1"),
    ("HUSKY", "0"),
    ("LEFTHOOK", "0"),
    ("GOFLAGS", "-modcacherw"),
    ("CARGO_TERM_COLOR", "never"),
];

/// Folders below the throwaway home that tools write to.
const FOLDERS: [(&str, &str); 13] = [
    ("HOME", ""),
    ("CARGO_HOME", "cargo"),
    ("npm_config_cache", "npm"),
    ("YARN_CACHE_FOLDER", "yarn"),
    ("PNPM_HOME", "pnpm"),
    ("COREPACK_HOME", "corepack"),
    ("PIP_CACHE_DIR", "pip"),
    ("UV_CACHE_DIR", "uv"),
    ("GOPATH", "go"),
    ("GOCACHE", "go-build"),
    ("GOMODCACHE", "go/pkg/mod"),
    ("GRADLE_USER_HOME", "gradle"),
    ("XDG_CACHE_HOME", "cache"),
];

/// Files of cargo's configuration, without its credentials.
const CARGO_FILES: [&str; 2] = ["config.toml", "config"];

/// The environment for commands whose home is `home`, a throwaway folder.
///
/// Creates the folder, and in it links to the user's cargo configuration, so that a mirror named
/// there is found; where that fails, commands see no such configuration. Only named variables are
/// handed on: a key that some other variable holds does not reach a command.
pub fn environment(home: &Path) -> BTreeMap<String, String> {
    if let Some(cargo) = cargo_home() {
        cargo_link(&cargo, &home.join("cargo"));
    }
    environment_at(home)
}

/// The same for a home that is not on this machine; nothing is created.
pub fn environment_at(home: &Path) -> BTreeMap<String, String> {
    let user_home = env::var_os("HOME").map(PathBuf::from);
    let mut variables = BTreeMap::new();
    for name in HANDED_ON {
        if let Ok(value) = env::var(name) {
            variables.insert(name.to_owned(), value);
        }
    }
    for (name, below) in TOOL_HOMES {
        let set = env::var_os(name).map(PathBuf::from);
        let usual = || user_home.as_ref().map(|home| home.join(below));
        let place = set.or_else(|| usual().filter(|_| !below.is_empty()));
        if let Some(text) = place.filter(|place| place.exists()).and_then(text) {
            variables.insert(name.to_owned(), text);
        }
    }
    for (name, value) in SETTINGS {
        variables.insert(name.to_owned(), value.to_owned());
    }
    for (name, below) in FOLDERS {
        let folder = if below.is_empty() {
            home.to_owned()
        } else {
            home.join(below)
        };
        variables.extend(text(folder).map(|folder| (name.to_owned(), folder)));
    }
    variables.insert(
        "MAVEN_OPTS".to_owned(),
        maven_options(home, user_home.as_deref()),
    );
    variables
}

/// Variables that name a file in which a tool keeps its user's settings, passwords of package
/// registries among them.
const TOLD_IN_CONFIDENCE: [&str; 4] = [
    "NPM_CONFIG_USERCONFIG",
    "PIP_CONFIG_FILE",
    "UV_CONFIG_FILE",
    "GOENV",
];

/// The machine's settings of package managers, which may hold such passwords too.
const MACHINES: [&str; 2] = ["/etc/npmrc", "/etc/pip.conf"];

/// Files and folders that the environment of this process names: programs, tools and their
/// settings, but those that may hold passwords of registries. What a command's own environment
/// names does not count: others may have written it.
///
/// A place that holds the user's whole home is none: it is far more than a tool.
pub(crate) fn places() -> Vec<PathBuf> {
    // The environment of this process stays as it is, and what lies behind it nearly so.
    static FOUND: OnceLock<Vec<PathBuf>> = OnceLock::new();
    FOUND.get_or_init(places_find).clone()
}

/// The user's and the machine's settings of package managers, which may hold passwords, with their
/// texts.
pub(crate) fn confidential() -> BTreeMap<PathBuf, String> {
    let named = environment_at(Path::new(""));
    let told = TOLD_IN_CONFIDENCE
        .iter()
        .filter_map(|name| named.get(*name));
    let mut files: Vec<PathBuf> = told.map(PathBuf::from).collect();
    files.extend(MACHINES.map(PathBuf::from));
    if let Some(cargo) = cargo_home() {
        files.extend(CARGO_FILES.map(|file| cargo.join(file)));
    }
    let mut found = BTreeMap::new();
    for path in files.into_iter().filter(|path| path.is_absolute()) {
        // Where the place of a link is shown, its target is too.
        if let (Some(text), Ok(real)) = (said_in(&path), path.canonicalize()) {
            found.insert(real, text.clone());
            found.insert(path, text);
        }
    }
    found
}

fn places_find() -> Vec<PathBuf> {
    let home = env::var_os("HOME").map(PathBuf::from);
    let holds_home = |path: &Path| {
        let holds = |home: &PathBuf| home.starts_with(path);
        path.components().count() < 2 || home.as_ref().is_some_and(holds)
    };
    let named = environment_at(Path::new(""));
    let told = named
        .iter()
        .filter(|(name, _)| !TOLD_IN_CONFIDENCE.contains(&name.as_str()));
    let mut found: Vec<PathBuf> = told
        .flat_map(|(_, value)| value.split([':', '=', ',', ' ']))
        .filter(|piece| piece.starts_with('/'))
        .map(PathBuf::from)
        .filter(|path| !holds_home(path) && path.exists())
        .collect();
    let programs = env::var_os("PATH").unwrap_or_default();
    let programs: Vec<PathBuf> = env::split_paths(&programs)
        .filter(|folder| folder.is_absolute())
        .collect();
    let behind = tools::behind(programs.iter().map(PathBuf::as_path));
    let fits = |path: &PathBuf| !holds_home(path) && path.exists();
    found.extend(behind.into_iter().filter(fits));
    found.sort();
    found.dedup();
    found
}

/// Bytes of a file of settings that are read.
const SAID_BYTES_MAX: u64 = 1 << 20;

/// What the user's own environment and settings say of package registries and of the proxies on
/// the way to them. What a command's environment says does not count: others may have written it.
pub(crate) fn said() -> Said {
    let of_proxy = |name: &str| name.to_ascii_lowercase().ends_with("_proxy");
    let wanted = |(name, _): &(String, String)| of_proxy(name) || is_registry_variable(name);
    // A name or value that is no text names no host.
    let texts = env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let home = env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let mut files: Vec<(PathBuf, Form)> = FILES
        .iter()
        .map(|(name, form)| (home.join(name), *form))
        .collect();
    let cargo = cargo_home().into_iter();
    files.extend(cargo.flat_map(|cargo| CARGO_FILES.map(|file| (cargo.join(file), Form::Lines))));
    for name in TOLD_IN_CONFIDENCE {
        files.extend(env::var_os(name).map(|file| (PathBuf::from(file), Form::Lines)));
    }
    let files = files.into_iter().filter(|(path, _)| path.is_absolute());
    Said {
        variables: texts.filter(wanted).collect(),
        files: files
            .filter_map(|(path, form)| Some((form, said_in(&path)?)))
            .collect(),
    }
}

/// The text of a file of settings.
fn said_in(path: &Path) -> Option<String> {
    let mut text = String::new();
    let file = fs::File::open(path).ok()?;
    file.take(SAID_BYTES_MAX).read_to_string(&mut text).ok()?;
    Some(text)
}

/// Where the user's cargo keeps its configuration.
fn cargo_home() -> Option<PathBuf> {
    let named = env::var_os("CARGO_HOME").map(PathBuf::from);
    named.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")))
}

/// Java takes the home from the password file, so Maven is told where its repository is. What the
/// user's own repository holds is found there by the versions that look into a second one.
fn maven_options(home: &Path, user_home: Option<&Path>) -> String {
    let users = env::var("MAVEN_OPTS").unwrap_or_default();
    let own = home.join("m2");
    let mut options = format!("{users} -Dmaven.repo.local={}", own.display());
    let second = user_home.map(|home| home.join(".m2/repository"));
    if let Some(second) = second.filter(|second| second.is_dir()) {
        options = format!("{options} -Dmaven.repo.local.tail={}", second.display());
    }
    options.trim_start().to_owned()
}

fn cargo_link(user: &Path, own: &Path) {
    // Without the folder there is nowhere to link from, and cargo will say what it misses.
    let _ = fs::create_dir_all(own);
    for file in CARGO_FILES {
        let (target, link) = (user.join(file), own.join(file));
        if target != link && target.exists() && !link.exists() {
            let _ = symlink(&target, &link);
        }
    }
}

fn text(path: PathBuf) -> Option<String> {
    path.into_os_string().into_string().ok()
}
