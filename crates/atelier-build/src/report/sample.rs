//! A check for tests: a build step that ran and a test step that did not have to.

use atelier_model::StepKind;
use atelier_step::Link;

use crate::{CheckReport, StepReport};

pub(crate) fn sample() -> CheckReport {
    let step = |name: &str, kind, verdict: &str, start_ms, took_ms| StepReport {
        step: name.to_owned(),
        kind,
        verdict: verdict.to_owned(),
        why: "never run before".to_owned(),
        explanation: None,
        failure: None,
        hint: None,
        missing: false,
        exit: None,
        ended: None,
        tests: None,
        level: None,
        log: None,
        printed: None,
        start_ms,
        took_ms,
        saved_ms: 0,
    };
    CheckReport {
        steps: vec![
            step("build", StepKind::Build, "succeeded", 0, 400),
            step("test", StepKind::Test, "up_to_date", 400, 20),
        ],
        unchanged: 0,
        examined: 2,
        tests: 0,
        passed: true,
        cancelled: false,
        took_ms: 420,
        saved_ms: 0,
        critical_path: vec![Link {
            step: "build".to_owned(),
            took_ms: 400,
            waited_ms: 0,
            potential_ms: Some(400),
        }],
        trace: serde_json::Value::Null,
    }
}
