//! What a check is about to do, and why: told before the first step is begun.

use std::fmt;

use atelier_model::StepKind;
use atelier_step::{StepIndex, estimates};
use serde::Serialize;

use crate::{
    Project,
    look::{First, Past},
};

/// Milliseconds of a second.
const SECOND_MS: u64 = 1_000;

/// What a check is about to do, as far as that is known before it begins: what its steps make may
/// make others due.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Plan {
    /// Steps that are looked at.
    pub steps: usize,
    /// Those of them that are not as they were when they last ended well.
    pub due: usize,
    /// Of these, those that a person wants executed whatever is known of them.
    pub forced: usize,
    /// Those that were never executed.
    pub new: usize,
    /// Those that failed the last time.
    pub failed: usize,
    /// Those whose results were made from the same before and do not stand: they can be brought back.
    pub lost: usize,
    /// Those that are made from something else than before, or may never be used again.
    pub changed: usize,
    /// Tests that failed the last time and are begun before everything that can wait.
    pub failed_first: usize,
    /// Milliseconds all of it takes at least, by what it took before; `None` where nothing is known.
    pub about_ms: Option<u64>,
}

impl Plan {
    /// Plans what is due of some steps, on so many processors.
    pub(crate) fn new(
        project: &Project,
        past: &Past,
        first: &First,
        cpu: u32,
        forced: bool,
    ) -> Self {
        let mut plan = Self {
            steps: first.len(),
            ..Self::default()
        };
        let mut durations = vec![0; project.steps.len()];
        let estimated = estimates(&project.steps, &past.outlooks);
        for (step, examined) in first {
            let (at, outlook) = (step.get(), &past.outlooks[step.get()]);
            if outlook.unchanged {
                continue;
            }
            plan.due += 1;
            let counted = if forced {
                &mut plan.forced
            } else if examined.record.is_some() {
                &mut plan.lost
            } else if outlook.failed_last {
                &mut plan.failed
            } else if past.ran[at] {
                &mut plan.changed
            } else {
                &mut plan.new
            };
            *counted += 1;
            let is_test = project.steps[at].kind == StepKind::Test;
            plan.failed_first += usize::from(outlook.failed_last && is_test);
            durations[at] = estimated[at];
        }
        let known = |step: &StepIndex| past.usual_ms[step.get()].is_some();
        if first.keys().any(known) {
            let longest = project.graph.remaining(&durations).into_iter().max();
            let work: u64 = durations.iter().sum();
            let shared = work / u64::from(cpu.max(1));
            plan.about_ms = Some(shared.max(longest.unwrap_or(0)));
        }
        plan
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} steps: ", self.due, self.steps)?;
        let counts = [
            (self.forced, "asked for"),
            (self.new, "never run before"),
            (self.changed, "changed"),
            (self.failed, "failed last time"),
            (self.lost, "to be brought back"),
        ];
        let told = counts.iter().filter(|(count, _)| *count > 0);
        let told: Vec<String> = told
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
        f.write_str(&told.join(", "))?;
        if let Some(about_ms) = self.about_ms.filter(|about| *about >= SECOND_MS) {
            write!(f, "; about {} s", about_ms.div_ceil(SECOND_MS))?;
        }
        if self.failed_first > 0 {
            f.write_str(", failed tests first")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
