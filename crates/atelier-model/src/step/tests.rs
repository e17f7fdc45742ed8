//! Steps as data: what may be left out, what comes back as it was, what is refused and how.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};

use super::{BuildStep, Network, SandboxLevel, StepKind};
use crate::{PatternForm, TreePath};

fn read(value: Value) -> Result<BuildStep, serde_json::Error> {
    serde_json::from_value(value)
}

fn refused(field: &str, value: Value, says: &str) {
    let mut form = json!({ "name": "web:test", "argv": ["true"] });
    form[field] = value;
    let error = read(form).unwrap_err().to_string();
    assert!(error.contains("web:test"), "{error}");
    assert!(error.contains(field), "{error}");
    assert!(error.contains(says), "{error}");
}

#[test]
fn a_name_and_a_command_are_enough() {
    let step = read(json!({ "name": "build", "argv": ["make"] })).unwrap();
    assert_eq!(step, BuildStep::new("build", StepKind::Build, ["make"]));
    let back = serde_json::to_value(&step).unwrap();
    assert_eq!(
        back,
        json!({ "name": "build", "kind": "build", "argv": ["make"] })
    );
}

#[test]
fn a_script_is_kept_as_a_script() {
    let form = json!({ "name": "docs", "kind": "build", "shell": "a && b" });
    let step = read(form.clone()).unwrap();
    assert_eq!(step.argv, ["sh", "-c", "a && b"]);
    assert_eq!(step.command_line(), "a && b");
    assert_eq!(serde_json::to_value(&step).unwrap(), form);
}

#[test]
fn everything_that_is_said_comes_back() {
    let form = json!({
        "name": "web:test",
        "kind": "test",
        "argv": ["npm", "test"],
        "cwd": "web",
        "env": { "CI": "1" },
        "env_pass": ["LANG"],
        "inputs": ["src/**", "/shared/", "!src/generated/**"],
        "outputs": ["coverage/", "report.xml"],
        "depends_on": ["web:install"],
        "network": "loopback",
        "sandbox": "strong",
        "timeout_ms": 1000,
        "idle_timeout_ms": 500,
        "cpu": 2,
        "memory_bytes": 4096,
        "tokens": { "database": 1 },
        "retries": 2,
        "cacheable": false,
        "report": "junit",
        "report_files": ["report.xml"],
        "tools": [{ "program": "npm", "hint": "install it", "version_args": ["--version"] }],
    });
    let step = read(form.clone()).unwrap();
    assert_eq!(step.network, Network::Loopback);
    assert_eq!(step.sandbox, Some(SandboxLevel::Strong));
    assert_eq!(serde_json::to_value(&step).unwrap(), form);
    let shown = |list: Vec<crate::RootPattern>| -> Vec<String> {
        list.iter().map(ToString::to_string).collect()
    };
    let inputs = step.inputs_from_root();
    assert!(inputs[2].excluded);
    assert_eq!(
        shown(inputs),
        ["web/src/**", "shared/", "web/src/generated/**"]
    );
    assert_eq!(
        shown(step.outputs_from_root()),
        ["web/coverage/", "web/report.xml"]
    );
}

#[test]
fn a_step_without_inputs_reads_its_folder() {
    let mut step = BuildStep::new("a", StepKind::Build, ["make"]);
    let whole = step.inputs_from_root();
    assert_eq!(
        (whole[0].text.as_str(), whole[0].form),
        ("", PatternForm::Folder)
    );
    step.cwd = Some(TreePath::parse("web/app").unwrap());
    assert_eq!(step.inputs_from_root()[0].to_string(), "web/app/");
}

#[test]
fn what_cannot_be_executed_is_refused_with_step_field_and_accepted_form() {
    refused("argv", json!([]), "a program and its arguments");
    refused("argv", json!(["a", "b\u{0}"]), "without NUL");
    refused("shell", json!("true"), "or else `shell` a script");
    refused("env", json!({ "A B": "" }), "letters, digits and `_`");
    refused("env_pass", json!(["1A"]), "letters, digits and `_`");
    refused("env_pass", json!(["PATH"]), "another name");
    refused("inputs", json!(["!a"]), "without `!`");
    refused("outputs", json!(["!a"]), "without `!`");
    refused("depends_on", json!(["web:test"]), "another step");
    refused("depends_on", json!(["a b"]), "the name of a step");
    refused("cpu", json!(0), "from 1 to 4096");
    refused("tokens", json!({ "gpu": 0 }), "from 1 to 4096");
    refused("retries", json!(11), "at most 10");
    refused("timeout_ms", json!(0), "more than 0");
    refused("idle_timeout_ms", json!(0), "more than 0");
    refused("memory_bytes", json!(0), "more than 0");
}

#[test]
fn a_name_has_no_blanks() {
    for name in ["", "a b", "a\n", &"x".repeat(201)] {
        let error = read(json!({ "name": name, "argv": ["true"] })).unwrap_err();
        assert!(error.to_string().contains("`name`"), "{error}");
    }
}

#[test]
fn unknown_fields_and_missing_commands_are_refused() {
    let error = read(json!({ "name": "a", "argv": ["b"], "input": [] })).unwrap_err();
    assert!(error.to_string().contains("input"), "{error}");
    let error = read(json!({ "name": "a" })).unwrap_err();
    assert!(error.to_string().contains("`argv` is missing"), "{error}");
}
