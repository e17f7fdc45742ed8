//! The built program, run as a user runs it.

use std::process::{Command, Output};

use {{module}}::{NAME, SUMMARY, VERSION};

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_{{name}}"))
        .args(arguments)
        .output()
        .expect("the program starts")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("the program prints UTF-8")
}

#[test]
fn help_explains_the_usage_on_standard_output() {
    let output = run(&["--help"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).contains(&format!("Usage: {NAME} ")));
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn version_is_one_line() {
    let output = run(&["--version"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stdout), format!("{NAME} {VERSION}\n"));
}

#[test]
fn about_says_what_the_program_is() {
    let output = run(&["about"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).contains(SUMMARY));
}

#[test]
fn about_as_json_is_one_object_on_one_line() {
    let output = run(&["about", "--json"]);
    let json = text(&output.stdout).trim_end();
    let version = format!("\"version\": \"{VERSION}\"");
    assert!(json.starts_with('{') && json.ends_with('}'), "{json}");
    assert!(json.contains(&version), "{json}");
    assert_eq!(json.lines().count(), 1);
}

#[test]
fn a_usage_error_goes_to_standard_error_with_code_2() {
    let output = run(&["--no-such-option"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(text(&output.stdout), "");
    assert!(text(&output.stderr).contains("`--no-such-option`"));
    assert!(text(&output.stderr).contains("--help"));
}

#[test]
fn a_missing_command_is_a_usage_error() {
    let output = run(&[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("a command is missing"));
}
