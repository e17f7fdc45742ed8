//! The real toolchains: how a project of each language is built and tested by hand.

/// The programs a language needs; empty for a language no fixture is written in.
pub fn programs(language: &str) -> &'static [&'static str] {
    match language {
        "Rust" => &["cargo"],
        "Python" => &["python3"],
        "JavaScript" => &["node"],
        "Go" => &["go"],
        "C" => &["cmake", "ctest", "cc"],
        _ => &[],
    }
}

/// The argument that makes a program print its version.
pub fn version_flag(program: &str) -> &'static str {
    if program == "go" {
        "version"
    } else {
        "--version"
    }
}

/// The commands that build a project at its root and run all its tests, without a network.
pub fn build_and_test(language: &str) -> &'static [&'static [&'static str]] {
    match language {
        "Rust" => &[
            &["cargo", "build", "--offline"],
            &["cargo", "test", "--offline"],
        ],
        "Python" => &[&[
            "python3", "-m", "unittest", "discover", "-s", "tests", "-t", ".",
        ]],
        "JavaScript" => &[&["node", "--test"]],
        "Go" => &[&["go", "vet", "./..."], &["go", "test", "./..."]],
        "C" => &[
            &["cmake", "-S", ".", "-B", "build"],
            &["cmake", "--build", "build"],
            &["ctest", "--test-dir", "build", "--no-tests=error"],
        ],
        _ => &[],
    }
}
