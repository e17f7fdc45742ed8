//! What of the environment of this process a command sees.

use std::{collections::BTreeMap, fs, process};

use crate::bench::{Bench, helper};

/// The environment of a command when this process has only these variables.
fn seen(bench: &Bench, variables: &[(&str, &str)]) -> BTreeMap<String, String> {
    let output = process::Command::new(helper())
        .arg("run")
        .arg(bench.work())
        .arg("env")
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[test]
fn keys_and_unknown_variables_do_not_pass() {
    let bench = Bench::new();
    let secrets = [
        ("OPENAI_API_KEY", "sk-1"),
        ("ANTHROPIC_API_KEY", "sk-2"),
        ("ATELIER_CODE_KEY", "sk-3"),
        ("GITHUB_TOKEN", "sk-4"),
        ("AWS_SECRET_ACCESS_KEY", "sk-5"),
        ("CARGO_REGISTRIES_OWN_TOKEN", "sk-6"),
        ("NPM_TOKEN", "sk-7"),
        ("SSH_AUTH_SOCK", "sk-8"),
        ("LD_PRELOAD", ""),
        ("ANYTHING", "sk-9"),
    ];
    let plain = seen(&bench, &[]);
    assert_eq!(
        seen(&bench, &secrets).keys().collect::<Vec<_>>(),
        plain.keys().collect::<Vec<_>>()
    );
    assert!(!plain.values().any(|value| value.contains("sk-")));
}

#[test]
fn the_network_and_the_tools_are_found() {
    let bench = Bench::new();
    let home = bench.folder().join("user");
    for folder in [".rustup", ".cargo", ".nvm"] {
        fs::create_dir_all(home.join(folder)).unwrap();
    }
    fs::write(home.join(".cargo/config.toml"), "[source.mirror]\n").unwrap();
    fs::write(home.join(".cargo/credentials.toml"), "token").unwrap();
    let java = bench.folder().join("java");
    fs::create_dir(&java).unwrap();
    let text = |path: &std::path::Path| path.display().to_string();
    let seen = seen(
        &bench,
        &[
            ("HOME", &text(&home)),
            ("JAVA_HOME", &text(&java)),
            ("GOROOT", "/no/such/folder"),
            ("HTTPS_PROXY", "http://proxy:1"),
            ("SSL_CERT_FILE", "/certs"),
            ("GOPROXY", "http://mirror"),
            ("TZ", "UTC"),
            ("MAVEN_OPTS", "-Dproxy"),
        ],
    );
    let own = bench.work().join(".home");
    for (name, value) in [
        ("HOME", text(&own)),
        ("CARGO_HOME", text(&own.join("cargo"))),
        ("RUSTUP_HOME", text(&home.join(".rustup"))),
        ("NVM_DIR", text(&home.join(".nvm"))),
        ("JAVA_HOME", text(&java)),
        ("HTTPS_PROXY", "http://proxy:1".to_owned()),
        ("SSL_CERT_FILE", "/certs".to_owned()),
        ("GOPROXY", "http://mirror".to_owned()),
        ("TZ", "UTC".to_owned()),
        ("TERM", "dumb".to_owned()),
        ("NO_COLOR", "1".to_owned()),
        ("CI", "1".to_owned()),
        (
            "MAVEN_OPTS",
            format!("-Dproxy -Dmaven.repo.local={}", own.join("m2").display()),
        ),
    ] {
        assert_eq!(seen.get(name), Some(&value), "{name}");
    }
    for name in ["GOROOT", "VOLTA_HOME", "PYENV_ROOT"] {
        assert_eq!(seen.get(name), None, "{name}");
    }
    let config = fs::read_to_string(own.join("cargo/config.toml")).unwrap();
    assert_eq!(config, "[source.mirror]\n");
    assert!(!fs::exists(own.join("cargo/credentials.toml")).unwrap());
}
