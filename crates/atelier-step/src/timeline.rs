//! A run looked back on: what held it up, what was saved, and the same as a trace for a browser.

use std::collections::BTreeMap;

use atelier_model::StepKind;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{Graph, StepIndex, Verdict};

/// The process that a trace shows: there is only one.
const TRACE_PROCESS: u32 = 1;
/// Steps of the deciding chain of which it is found out what they could save.
const POTENTIALS_MAX: usize = 32;

/// What one step did, in milliseconds from the start of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The step.
    pub step: StepIndex,
    /// What it is for.
    pub kind: StepKind,
    /// When it was begun.
    pub start_ms: u64,
    /// When it was over.
    pub end_ms: u64,
    /// What became of it.
    pub verdict: Verdict,
    /// How long it takes when it is executed, where that is known.
    pub usual_ms: Option<u64>,
}

/// A run of steps that is over.
#[derive(Debug, Clone)]
pub struct Timeline<'g> {
    graph: &'g Graph,
    spans: Vec<Span>,
    /// The place of a step's span in the list.
    of_step: BTreeMap<StepIndex, usize>,
}

/// One step of the chain that decided how long the run took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The step.
    pub step: String,
    /// Milliseconds it took.
    pub took_ms: u64,
    /// Milliseconds it waited for room after everything before it was over.
    pub waited_ms: u64,
    /// Milliseconds by which the longest chain were shorter if it took no time; known of the steps
    /// that took the most.
    pub potential_ms: Option<u64>,
}

impl Span {
    /// Milliseconds it took.
    pub fn took_ms(&self) -> u64 {
        self.end_ms.saturating_sub(self.start_ms)
    }

    /// Milliseconds that were not spent, because it did not have to be executed.
    pub fn saved_ms(&self) -> u64 {
        match self.verdict {
            Verdict::CutOff | Verdict::UpToDate | Verdict::Restored => {
                self.usual_ms.unwrap_or(0).saturating_sub(self.took_ms())
            }
            Verdict::Succeeded
            | Verdict::Flaky
            | Verdict::Failed
            | Verdict::NotReached(_)
            | Verdict::Cancelled => 0,
        }
    }
}

impl<'g> Timeline<'g> {
    /// Puts what the steps of a graph did in the order in which they were begun.
    pub fn new(graph: &'g Graph, mut spans: Vec<Span>) -> Self {
        spans.retain(|span| span.step.get() < graph.len());
        spans.sort_by_key(|span| (span.start_ms, span.end_ms, span.step));
        let places = spans.iter().enumerate();
        let of_step = places.map(|(at, span)| (span.step, at)).collect();
        Self {
            graph,
            spans,
            of_step,
        }
    }

    /// What the steps did, in the order in which they were begun.
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// Milliseconds from the start of the run to the end of its last step.
    pub fn took_ms(&self) -> u64 {
        self.spans.iter().map(|span| span.end_ms).max().unwrap_or(0)
    }

    /// Milliseconds of work, over all steps.
    pub fn work_ms(&self) -> u64 {
        let took = self.spans.iter().map(Span::took_ms);
        took.fold(0, u64::saturating_add)
    }

    /// Milliseconds of work that did not have to be done again.
    pub fn saved_ms(&self) -> u64 {
        let saved = self.spans.iter().map(Span::saved_ms);
        saved.fold(0, u64::saturating_add)
    }

    /// The chain that decided how long the run took, first to last: from the step that ended last
    /// always to the one before it that was over last.
    pub fn critical_path(&self) -> Vec<Link> {
        let mut links = Vec::new();
        let last = self
            .spans
            .iter()
            .max_by_key(|span| (span.end_ms, span.start_ms));
        let mut at = last;
        while let Some(span) = at {
            let needs = self.graph.needs(span.step).iter();
            let before = needs
                .filter_map(|step| self.span(*step))
                .max_by_key(|before| (before.end_ms, before.step));
            let due = before.map_or(0, |before| before.end_ms);
            links.push((span.step, span.took_ms(), span.start_ms.saturating_sub(due)));
            at = before;
        }
        links.reverse();
        let potentials = self.potentials(&links);
        let link = |(step, took_ms, waited_ms)| Link {
            step: self.graph.name(step).to_owned(),
            took_ms,
            waited_ms,
            potential_ms: potentials.get(&step).copied(),
        };
        links.into_iter().map(link).collect()
    }

    /// What the steps of a chain that took the most could save.
    fn potentials(&self, links: &[(StepIndex, u64, u64)]) -> BTreeMap<StepIndex, u64> {
        let mut longest_first: Vec<_> =
            links.iter().map(|(step, took, _)| (*took, *step)).collect();
        longest_first.sort_unstable_by(|a, b| b.cmp(a));
        let mut durations = self.durations();
        let whole = longest(self.graph, &durations);
        let mut potentials = BTreeMap::new();
        for (took, step) in longest_first.into_iter().take(POTENTIALS_MAX) {
            durations[step.get()] = 0;
            let without = longest(self.graph, &durations);
            durations[step.get()] = took;
            potentials.insert(step, whole.saturating_sub(without));
        }
        potentials
    }

    fn span(&self, step: StepIndex) -> Option<&Span> {
        self.spans.get(*self.of_step.get(&step)?)
    }

    fn durations(&self) -> Vec<u64> {
        let took = |step| self.span(step).map_or(0, Span::took_ms);
        self.graph.steps().map(took).collect()
    }

    /// The run in the trace event format that browsers and trace viewers read; each step in the first
    /// lane that was free when it was begun.
    pub fn trace(&self) -> Value {
        let mut events = vec![json!({
            "name": "process_name", "ph": "M", "pid": TRACE_PROCESS, "tid": 0,
            "args": { "name": "steps" },
        })];
        let mut lanes: Vec<u64> = Vec::new();
        for span in &self.spans {
            let free = lanes.iter().position(|until| *until <= span.start_ms);
            let lane = free.unwrap_or(lanes.len());
            lanes.resize(lanes.len().max(lane + 1), 0);
            lanes[lane] = span.end_ms;
            events.push(json!({
                "name": self.graph.name(span.step),
                "cat": span.kind.as_str(),
                "ph": "X",
                "pid": TRACE_PROCESS,
                "tid": lane + 1,
                "ts": span.start_ms.saturating_mul(1_000),
                "dur": span.took_ms().saturating_mul(1_000),
                "args": { "verdict": span.verdict.as_str(), "saved_ms": span.saved_ms() },
            }));
        }
        json!({ "displayTimeUnit": "ms", "traceEvents": events })
    }
}

/// Milliseconds of the longest chain.
fn longest(graph: &Graph, durations: &[u64]) -> u64 {
    let remaining = graph.remaining(durations);
    remaining.into_iter().max().unwrap_or(0)
}

#[cfg(test)]
mod tests;
