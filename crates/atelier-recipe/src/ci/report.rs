//! Where test reports are in a pipeline.

use atelier_model::{BuildStep, ReportFormat};

/// A variable with which a runner also writes a `JUnit` file, for those that have one.
pub(super) fn junit(step: &BuildStep, file: &str) -> Option<(&'static str, String)> {
    if !step.report_files.is_empty() {
        return None;
    }
    let (name, value) = match step.report? {
        ReportFormat::Pytest => ("PYTEST_ADDOPTS", format!("--junitxml={file}")),
        ReportFormat::NodeTest => (
            "NODE_OPTIONS",
            format!(
                "--test-reporter=spec --test-reporter-destination=stdout \
                 --test-reporter=junit --test-reporter-destination={file}"
            ),
        ),
        ReportFormat::Cargo
        | ReportFormat::Unittest
        | ReportFormat::Vitest
        | ReportFormat::Jest
        | ReportFormat::Mocha
        | ReportFormat::Go
        | ReportFormat::Ctest
        | ReportFormat::Surefire
        | ReportFormat::Junit
        | ReportFormat::Tap
        | ReportFormat::Minitest
        | ReportFormat::Rspec
        | ReportFormat::Phpunit
        | ReportFormat::Exunit
        | ReportFormat::Nim
        | ReportFormat::Meson
        | ReportFormat::Automake
        | ReportFormat::Zig
        | ReportFormat::Bun
        | ReportFormat::Deno
        | ReportFormat::Dotnet
        | ReportFormat::Swift
        | ReportFormat::Dart
        | ReportFormat::Sbt
        | ReportFormat::Terraform
        | ReportFormat::Tasty
        | ReportFormat::Clojure
        | ReportFormat::JunitConsole
        | ReportFormat::Any => return None,
    };
    (!step.env.contains_key(name)).then_some((name, value))
}

/// The patterns of the report's files, from the root of the tree.
pub(super) fn files(step: &BuildStep) -> Vec<String> {
    let rooted = |pattern: &String| match &step.cwd {
        Some(folder) => format!("{folder}/{pattern}"),
        None => pattern.clone(),
    };
    step.report_files.iter().map(rooted).collect()
}
