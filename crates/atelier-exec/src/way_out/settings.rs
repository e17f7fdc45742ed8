//! What the user's own settings say of package registries, and of the proxies on the way to them.
//!
//! Settings of the user and of the machine count, those of a project do not: whatever runs there
//! could have written them.

use std::collections::BTreeMap;

/// Variables that name a registry: these, and all that begin or end so.
const VARIABLES: [&str; 19] = [
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "PIP_FIND_LINKS",
    "UV_INDEX_URL",
    "UV_INDEX",
    "UV_DEFAULT_INDEX",
    "UV_EXTRA_INDEX_URL",
    "UV_FIND_LINKS",
    "YARN_NPM_REGISTRY_SERVER",
    "COREPACK_NPM_REGISTRY",
    "GOPROXY",
    "GOSUMDB",
    "RUSTUP_DIST_SERVER",
    "RUSTUP_UPDATE_ROOT",
    "HEX_MIRROR",
    "HEX_API_URL",
    "PUB_HOSTED_URL",
    "GEM_SOURCE",
    "NPM_CONFIG_REGISTRY",
];
const BEGINNINGS: [&str; 4] = [
    "CARGO_REGISTRIES_",
    "CARGO_SOURCE_",
    "BUNDLE_MIRROR__",
    "POETRY_REPOSITORIES_",
];
const ENDINGS: [&str; 1] = ["npm_config_registry"];

/// How a file of settings says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// A name and its value, one a line; notes behind `#` or `;`.
    Lines,
    /// Elements called `url`.
    Elements,
}

/// Files of the user's settings, below his home, and of the machine's.
pub(crate) const FILES: [(&str, Form); 19] = [
    (".npmrc", Form::Lines),
    (".yarnrc", Form::Lines),
    (".yarnrc.yml", Form::Lines),
    (".bunfig.toml", Form::Lines),
    (".pip/pip.conf", Form::Lines),
    (".config/pip/pip.conf", Form::Lines),
    (".config/uv/uv.toml", Form::Lines),
    (".condarc", Form::Lines),
    (".cargo/config.toml", Form::Lines),
    (".cargo/config", Form::Lines),
    (".config/go/env", Form::Lines),
    (".gemrc", Form::Lines),
    (".bundle/config", Form::Lines),
    (".m2/settings.xml", Form::Elements),
    ("/etc/npmrc", Form::Lines),
    ("/usr/etc/npmrc", Form::Lines),
    ("/etc/pip.conf", Form::Lines),
    ("/etc/uv/uv.toml", Form::Lines),
    ("/etc/maven/settings.xml", Form::Elements),
];

/// What was found of the user's own settings.
#[derive(Debug, Clone, Default)]
pub(crate) struct Said {
    /// Variables of this program's own environment.
    pub(crate) variables: BTreeMap<String, String>,
    /// Texts of files.
    pub(crate) files: Vec<(Form, String)>,
}

/// Whether a variable names registries.
pub(crate) fn is_registry_variable(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    VARIABLES.contains(&name)
        || BEGINNINGS.iter().any(|begin| name.starts_with(begin))
        || ENDINGS.iter().any(|end| lower.ends_with(end))
}

/// What of it matters here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Settings {
    /// Addresses of registries.
    pub(super) registries: Vec<String>,
    /// The proxy for what is encrypted, and for what is not.
    pub(super) https: Option<String>,
    pub(super) http: Option<String>,
    /// Hosts for which there is none.
    pub(super) direct: Vec<String>,
}

impl Settings {
    pub(super) fn of(said: &Said) -> Self {
        let variable = |names: &[&str]| {
            let found = names.iter().filter_map(|name| said.variables.get(*name));
            found
                .map(|value| value.trim().to_owned())
                .find(|value| !value.is_empty())
        };
        let mut settings = Self {
            registries: Vec::new(),
            https: variable(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]),
            http: variable(&["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]),
            direct: Vec::new(),
        };
        let named = said.variables.iter();
        for (_, value) in named.filter(|(name, _)| is_registry_variable(name)) {
            settings.registries.extend(urls(value));
        }
        for (form, text) in &said.files {
            match form {
                Form::Lines => settings.lines(text),
                Form::Elements => settings.registries.extend(elements(text)),
            }
        }
        let direct = variable(&["no_proxy", "NO_PROXY"]).unwrap_or_default();
        let direct = direct.split([',', ' ']).map(str::trim);
        let direct = direct.filter(|host| !host.is_empty());
        settings.direct.extend(direct.map(str::to_ascii_lowercase));
        settings
    }

    fn lines(&mut self, text: &str) {
        for line in text.lines().map(str::trim) {
            if line.starts_with(['#', ';']) {
                continue;
            }
            match proxy_line(line) {
                None => self.registries.extend(urls(line)),
                Some((_, "")) => {}
                Some((name, value)) => self.proxy(&name, value),
            }
        }
    }

    /// Takes a proxy from a file where the environment names none.
    fn proxy(&mut self, name: &str, value: &str) {
        let plain = matches!(name, "proxy" | "httpproxy" | "http");
        let sealed = matches!(name, "proxy" | "httpsproxy" | "https");
        if plain && self.http.is_none() {
            self.http = Some(value.to_owned());
        }
        if sealed && self.https.is_none() {
            self.https = Some(value.to_owned());
        }
    }
}

/// The plain name and the value of a line that is about a proxy. What it names is a way, and must
/// not be taken for a place.
fn proxy_line(line: &str) -> Option<(String, &str)> {
    let line = line.trim_start_matches([':', '-', '"', '\'', ' ']);
    let end = line.find(['=', ':', ' ', '\t', '"']).unwrap_or(line.len());
    let (name, rest) = line.split_at(end);
    let mut name = name.to_ascii_lowercase();
    name.retain(|c| c.is_ascii_alphanumeric());
    let is_address = rest.starts_with("://");
    let by_protocol = matches!(name.as_str(), "http" | "https") && !is_address;
    let about = by_protocol || (name.contains("proxy") && name != "goproxy");
    let value = rest.trim_matches([' ', '\t', '=', ':', '"', '\'']);
    about.then_some((name, value))
}

/// Addresses of the web in a text.
fn urls(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let ends = |c: char| c.is_whitespace() || "\"'<>,|()[]{}".contains(c);
    for piece in text.split(ends) {
        if let Some(at) = piece.find("http://").or_else(|| piece.find("https://")) {
            found.extend(piece.get(at..).map(str::to_owned));
        }
    }
    found
}

/// The addresses in elements called `url`; what stands in notes does not count.
fn elements(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        rest = &rest[at..];
        if let Some(note) = rest.strip_prefix("<!--") {
            rest = note.split_once("-->").map_or("", |(_, rest)| rest);
        } else if let Some(url) = rest.strip_prefix("<url>") {
            let (url, after) = url.split_once('<').unwrap_or((url, ""));
            found.extend(urls(url));
            rest = after;
        } else {
            rest = &rest[1..];
        }
    }
    found
}
