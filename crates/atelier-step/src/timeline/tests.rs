//! Looking back: the deciding chain, what it waited for, what was saved, and the trace.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use atelier_model::{BuildStep, StepKind};
use serde_json::json;

use super::{Link, Span, Timeline};
use crate::{Graph, Verdict};

/// `a` and `b` before `c`; `d` alone.
fn steps() -> Vec<BuildStep> {
    let after = |name: &str, names: &[&str]| BuildStep {
        depends_on: names.iter().map(ToString::to_string).collect(),
        ..BuildStep::new(name, StepKind::Build, ["true"])
    };
    vec![
        after("a", &[]),
        after("b", &[]),
        after("c", &["a", "b"]),
        after("d", &[]),
    ]
}

fn timeline(graph: &Graph) -> Timeline<'_> {
    let span = |name: &str, start_ms, end_ms, verdict| Span {
        step: graph.find(name).unwrap(),
        kind: StepKind::Build,
        start_ms,
        end_ms,
        verdict,
        usual_ms: Some(100),
    };
    let spans = vec![
        span("c", 60, 90, Verdict::Succeeded),
        span("a", 0, 30, Verdict::Succeeded),
        span("b", 0, 50, Verdict::Flaky),
        span("d", 30, 35, Verdict::Restored),
    ];
    Timeline::new(graph, spans)
}

#[test]
fn the_deciding_chain_goes_back_from_the_last_end() {
    let graph = Graph::new(&steps()).unwrap();
    let timeline = timeline(&graph);
    let link = |step: &str, took_ms, waited_ms, potential_ms| Link {
        step: step.to_owned(),
        took_ms,
        waited_ms,
        potential_ms: Some(potential_ms),
    };
    // Without `b`, `a` would hold `c` up nearly as long.
    let expected = [link("b", 50, 0, 20), link("c", 30, 10, 30)];
    assert_eq!(timeline.critical_path(), expected);
    assert_eq!(timeline.took_ms(), 90);
    assert_eq!(timeline.work_ms(), 30 + 50 + 30 + 5);
    assert_eq!(timeline.saved_ms(), 95, "only `d` was spared");
}

#[test]
fn a_trace_has_every_step_in_a_free_lane() {
    let graph = Graph::new(&steps()).unwrap();
    let trace = timeline(&graph).trace();
    let events = trace["traceEvents"].as_array().unwrap();
    let seen: Vec<_> = events[1..]
        .iter()
        .map(|event| json!([event["name"], event["tid"], event["ts"], event["dur"]]))
        .collect();
    let expected = [
        json!(["a", 1, 0, 30_000]),
        json!(["b", 2, 0, 50_000]),
        json!(["d", 1, 30_000, 5_000]),
        json!(["c", 1, 60_000, 30_000]),
    ];
    assert_eq!(seen, expected);
    assert_eq!(events[3]["args"]["verdict"], "restored");
    assert_eq!(events[3]["args"]["saved_ms"], 95);
}

#[test]
fn a_run_of_nothing_took_nothing() {
    let graph = Graph::new(&[]).unwrap();
    let timeline = Timeline::new(&graph, Vec::new());
    assert_eq!((timeline.took_ms(), timeline.saved_ms()), (0, 0));
    assert!(timeline.critical_path().is_empty());
}
