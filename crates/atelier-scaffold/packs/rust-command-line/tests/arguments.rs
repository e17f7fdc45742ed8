//! How arguments are understood.

use std::ffi::OsString;

use {{module}}::{Invocation, UsageError, parse};

fn check(arguments: &[&str], expected: &Result<Invocation, UsageError>) {
    let given = arguments.iter().map(OsString::from);
    assert_eq!(&parse(given), expected, "{arguments:?}");
}

#[test]
fn help_and_version_have_a_short_and_a_long_form() {
    check(&["-h"], &Ok(Invocation::Help));
    check(&["--help"], &Ok(Invocation::Help));
    check(&["-V"], &Ok(Invocation::Version));
    check(&["--version"], &Ok(Invocation::Version));
}

#[test]
fn a_command_takes_its_options() {
    check(&["about"], &Ok(Invocation::About { json: false }));
    check(&["about", "--json"], &Ok(Invocation::About { json: true }));
    check(&["about", "--help"], &Ok(Invocation::Help));
}

#[test]
fn no_argument_at_all_is_a_missing_command() {
    check(&[], &Err(UsageError::NoCommand));
}

#[test]
fn an_unknown_option_is_named() {
    let named = |name: &str| Err(UsageError::UnknownOption(name.to_owned()));
    check(&["--colour"], &named("--colour"));
    check(&["about", "--yaml"], &named("--yaml"));
}

#[test]
fn an_unknown_command_is_named() {
    let named = |name: &str| Err(UsageError::UnknownCommand(name.to_owned()));
    check(&["abuot"], &named("abuot"));
    check(&["-"], &named("-"));
    check(&[""], &named(""));
}

#[test]
fn an_argument_too_many_is_named() {
    let expected = Err(UsageError::Unexpected("now".to_owned()));
    check(&["about", "now"], &expected);
}
