//! The package registries that are known: the one list of them.
//!
//! A host is known where its packages come from its registry alone. Places where anybody keeps
//! anything, such as the hosts of repositories, are named by the operator or not at all.

/// Who installs from there, and the hosts: the registry's and those its files lie on.
const KNOWN: [(&str, &[&str]); 24] = [
    (
        "cargo",
        &["crates.io", "index.crates.io", "static.crates.io"],
    ),
    ("rustup", &["static.rust-lang.org"]),
    (
        "npm, yarn, pnpm, bun",
        &["registry.npmjs.org", "registry.yarnpkg.com"],
    ),
    ("corepack", &["repo.yarnpkg.com"]),
    ("node headers", &["nodejs.org"]),
    ("deno", &["jsr.io", "npm.jsr.io", "deno.land"]),
    (
        "pip, uv, poetry, pdm",
        &["pypi.org", "files.pythonhosted.org"],
    ),
    ("conda", &["conda.anaconda.org", "repo.anaconda.com"]),
    ("go", &["proxy.golang.org", "sum.golang.org"]),
    (
        "maven, gradle, sbt",
        &[
            "repo.maven.apache.org",
            "repo1.maven.org",
            "maven.google.com",
            "dl.google.com",
        ],
    ),
    (
        "gradle",
        &[
            "plugins.gradle.org",
            "plugins-artifacts.gradle.org",
            "services.gradle.org",
            "downloads.gradle.org",
        ],
    ),
    ("clojure", &["repo.clojars.org"]),
    ("gem, bundler", &["rubygems.org", "index.rubygems.org"]),
    ("composer", &["packagist.org", "repo.packagist.org"]),
    (
        "mix, rebar3, gleam",
        &["hex.pm", "repo.hex.pm", "builds.hex.pm"],
    ),
    ("nuget", &["api.nuget.org", "globalcdn.nuget.org"]),
    ("dart", &["pub.dev"]),
    (
        "cabal, stack",
        &["hackage.haskell.org", "hackage-content.haskell.org"],
    ),
    ("opam", &["opam.ocaml.org"]),
    (
        "cpan",
        &[
            "cpan.org",
            "www.cpan.org",
            "cpan.metacpan.org",
            "fastapi.metacpan.org",
        ],
    ),
    ("R", &["cran.r-project.org", "cloud.r-project.org"]),
    ("julia", &["pkg.julialang.org", "storage.julialang.net"]),
    ("luarocks", &["luarocks.org"]),
    (
        "terraform",
        &["registry.terraform.io", "releases.hashicorp.com"],
    ),
];

/// Whether a host, in lower case, is a known registry's.
pub(super) fn is_known(host: &str) -> bool {
    KNOWN.iter().any(|(_, hosts)| hosts.contains(&host))
}
