//! Places of a machine that every program needs, and no secrets among them.

use std::path::{Path, PathBuf};

/// Programs, libraries and what comes with them.
pub(super) const SYSTEM: [&str; 10] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/opt",
    "/nix/store",
    // What Debian's GHC has a link to.
    "/var/lib/ghc",
];

/// Settings of the machine that programs look for, in the folder of all such settings; who may
/// log in, with which password and key, is not among them.
const SETTINGS: [&str; 42] = [
    "alternatives",
    "crypto-policies",
    "crystal",
    "dotnet",
    "elixir",
    "erlang",
    "fonts",
    "ghc",
    "gitconfig",
    "gradle",
    "groovy",
    "hosts",
    "julia",
    "kotlin",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "lua",
    "maven",
    "mime.types",
    "mono",
    "nim",
    "node",
    "nsswitch.conf",
    "ocaml",
    "os-release",
    "pki/ca-trust",
    "pki/java",
    "pki/tls/cert.pem",
    "pki/tls/certs",
    "profile",
    "protocols",
    "R",
    "resolv.conf",
    "sbt",
    "scala",
    "services",
    "ssl/certs",
    "ssl/openssl.cnf",
    "texmf",
    "timezone",
];

/// Beginnings of names of settings folders of languages, a version behind each.
const LANGUAGES: [&str; 6] = ["java-", "openjdk", "perl", "php", "python", "ruby"];

/// Settings that name the machine's users; a command in a machine of its own is given others.
const ACCOUNTS: [&str; 2] = ["passwd", "group"];

/// Folder of the machine's settings.
const SETTINGS_FOLDER: &str = "/etc";

/// The kernel's own records; of devices a command gets those without a memory alone.
const RECORDS: [&str; 2] = ["/proc", "/sys"];

/// What a command on this machine may read beside what it is told.
pub(super) fn machine() -> Vec<PathBuf> {
    let accounts = ACCOUNTS.map(|name| Path::new(SETTINGS_FOLDER).join(name));
    let system = SYSTEM.iter().chain(&RECORDS).map(PathBuf::from);
    system
        .chain(accounts)
        .chain(settings(Path::new("/")))
        .collect()
}

/// Settings of the machine whose root stands at `root` that are no secret, as far as they are
/// there, by their names on that machine.
pub(super) fn settings(root: &Path) -> Vec<PathBuf> {
    let folder = Path::new(SETTINGS_FOLDER);
    let seen = |path: &Path| root.join(path.strip_prefix("/").unwrap_or(path));
    let named = SETTINGS.iter().map(|name| folder.join(name));
    let entries = std::fs::read_dir(seen(folder)).into_iter().flatten();
    let languages = entries.filter_map(|entry| {
        let name = entry.ok()?.file_name().into_string().ok()?;
        let known = LANGUAGES.iter().any(|start| name.starts_with(start));
        known.then(|| folder.join(name))
    });
    named
        .chain(languages)
        .filter(|path| seen(path).exists())
        .collect()
}
