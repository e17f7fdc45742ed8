//! Whether a value follows its schema, and where it does not, in words for the model.

use jsonschema::{ValidationError, Validator, error::ValidationErrorKind};
use serde_json::Value;

use super::ReadAnswerError;

/// Problems that are told at once.
const PROBLEMS_MAX: usize = 20;
const PROBLEM_BYTES_MAX: usize = 300;

pub(super) fn validator(schema: &Value) -> Result<Validator, ReadAnswerError> {
    jsonschema::validator_for(schema).map_err(|error| ReadAnswerError::Schema {
        problems: vec![format!("- the schema itself cannot be used: {error}")],
    })
}

/// What does not fit, one line each; empty if all does.
pub(super) fn problems(validator: &Validator, value: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    for error in validator.iter_errors(value) {
        tell(&error, "", &mut problems);
    }
    let spare = problems.len().saturating_sub(PROBLEMS_MAX);
    if spare > 0 {
        problems.truncate(PROBLEMS_MAX);
        problems.push(format!("- and {spare} more"));
    }
    problems
}

/// Of an object that could be of several kinds, the errors of the kind its tag names are told.
fn tell(error: &ValidationError<'_>, above: &str, problems: &mut Vec<String>) {
    let path = format!("{above}{}", error.instance_path());
    if let ValidationErrorKind::OneOfNotValid { context } | ValidationErrorKind::AnyOf { context } =
        error.kind()
    {
        let meant = context
            .iter()
            .find(|errors| !errors.is_empty() && !errors.iter().any(is_tag));
        for inner in meant.into_iter().flatten() {
            tell(inner, above, problems);
        }
        if meant.is_some() {
            return;
        }
        let tags: Vec<_> = context.iter().flatten().filter_map(tag).collect();
        if !tags.is_empty() {
            problems.push(line(
                &path,
                &format!("its `type` must be one of {}", tags.join(", ")),
            ));
            return;
        }
    }
    problems.push(line(&path, &error.masked().to_string()));
}

fn line(path: &str, said: &str) -> String {
    let place = if path.is_empty() { "the answer" } else { path };
    let said: String = said.chars().take(PROBLEM_BYTES_MAX).collect();
    format!("- at {place}: {said}")
}

fn is_tag(error: &ValidationError<'_>) -> bool {
    tag(error).is_some()
}

/// The value that a kind's tag would have to have.
fn tag(error: &ValidationError<'_>) -> Option<String> {
    if let ValidationErrorKind::Constant { expected_value } = error.kind() {
        Some(expected_value.to_string())
    } else {
        None
    }
}
