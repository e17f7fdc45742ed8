//! The first look: every step examined as the folder stands, before anything is done.

use std::{collections::BTreeMap, sync::Arc};

use atelier_cas::Outcome;
use atelier_model::{Digest, Timestamp};
use atelier_step::{Outlook, StepIndex};

use crate::{
    CheckError, Project, Workshop,
    check::{Choice, blocking},
    examine::{Examined, Inspector},
    retire::retire,
};

/// Steps that are examined together: enough to look at files at once, and few enough to keep what
/// they read in memory.
pub(crate) const STEPS_AT_ONCE: usize = 1_024;
pub(crate) type First = BTreeMap<StepIndex, Arc<Examined>>;

/// Examines every step as the folder stands, each after those it depends on.
pub(crate) async fn look(
    shop: &Workshop,
    project: &Arc<Project>,
    choice: &Choice,
) -> Result<(Arc<Inspector>, First), CheckError> {
    let (shop, project) = (shop.clone(), Arc::clone(project));
    let wanted = choice.wanted.clone();
    let asked = choice.asked.is_some();
    blocking(move || {
        shop.workspace.cas().load()?;
        retire(&shop, &project).map_err(|source| CheckError::Retire { source })?;
        survey(&shop, &project, &wanted, asked)
    })
    .await
}

/// The same, where it may block. `is_kept` is whether what is seen is noted, to be kept in the end.
pub(crate) fn survey(
    shop: &Workshop,
    project: &Arc<Project>,
    wanted: &[StepIndex],
    is_kept: bool,
) -> Result<(Arc<Inspector>, First), CheckError> {
    let inspector = Inspector::new(shop.clone(), Arc::clone(project), wanted)?;
    if is_kept {
        inspector.take_notes();
    }
    let mut first = First::new();
    for layer in layers(project, wanted) {
        for part in layer.chunks(STEPS_AT_ONCE) {
            let made = |step| {
                first
                    .get(&step)
                    .map(|one: &Arc<Examined>| made_of(project, step, one))
            };
            let mut examined = inspector.examine(part, &made)?;
            examined.iter_mut().for_each(Examined::slim);
            let examined = examined.into_iter().map(Arc::new);
            first.extend(part.iter().copied().zip(examined));
        }
    }
    Ok((Arc::new(inspector), first))
}

/// What past executions say of the steps, by their places in the graph.
pub(crate) struct Past {
    pub(crate) outlooks: Vec<Outlook>,
    /// Milliseconds each usually takes.
    pub(crate) usual_ms: Vec<Option<u64>>,
    /// Whether it was ever executed.
    pub(crate) ran: Vec<bool>,
}

impl Past {
    /// Looks what is known of every step that was looked at.
    pub(crate) fn of(shop: &Workshop, project: &Project, first: &First, force: bool) -> Self {
        let steps = project.steps.len();
        let mut past = Self {
            outlooks: vec![Outlook::default(); steps],
            usual_ms: vec![None; steps],
            ran: vec![false; steps],
        };
        for (step, examined) in first {
            let history = shop.workspace.cas().history(project.graph.name(*step));
            let history = history.unwrap_or_default();
            let usual_ms = history.usual_ms();
            past.usual_ms[step.get()] = usual_ms;
            past.ran[step.get()] = history.last.is_some();
            past.outlooks[step.get()] = Outlook {
                duration_ms: usual_ms,
                memory_bytes: (history.rss_bytes_max > 0).then_some(history.rss_bytes_max),
                failed_last: history.last == Some(Outcome::Failed),
                unchanged: !force && examined.stands(),
            };
        }
        past
    }
}

/// Steps of which none says that it depends on another of the same layer, layer by layer.
fn layers(project: &Project, wanted: &[StepIndex]) -> Vec<Vec<StepIndex>> {
    let graph = &project.graph;
    let mut depth = vec![0_usize; project.steps.len()];
    let mut layers: Vec<Vec<StepIndex>> = Vec::new();
    let mut is_wanted = vec![false; project.steps.len()];
    for step in wanted {
        is_wanted[step.get()] = true;
    }
    for step in graph.order().iter().filter(|step| is_wanted[step.get()]) {
        let said = &project.step(*step).depends_on;
        let needs = graph
            .needs(*step)
            .iter()
            .filter(|needed| said.contains(graph.name(**needed)));
        let own = needs
            .map(|needed| depth[needed.get()] + 1)
            .max()
            .unwrap_or(0);
        depth[step.get()] = own;
        layers.resize(layers.len().max(own + 1), Vec::new());
        layers[own].push(*step);
    }
    layers
}

/// What a step made, for the keys of those after it: what is not known to be all counts as what it
/// was made from.
pub(crate) fn made_of(project: &Project, step: StepIndex, examined: &Examined) -> Digest {
    let Some(record) = &examined.record else {
        return examined.before.unwrap_or(examined.key);
    };
    let one = project.step(step);
    if !one.outputs.is_empty() {
        record.outputs.digest()
    } else if one.marks.is_empty() {
        examined.key
    } else {
        marked(examined.key, record.when)
    }
}

/// What a step with marks made: each time it is something new, for only the marks of it are known.
pub(crate) fn marked(key: Digest, when: Timestamp) -> Digest {
    Digest::of_json(&(key, when))
}
