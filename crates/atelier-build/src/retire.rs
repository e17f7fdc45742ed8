//! Steps that are no more: what they made is taken away, or it would be taken for somebody's work.

use std::collections::BTreeSet;

use atelier_cas::{Outcome, Outputs, Record};
use atelier_model::Digest;

use crate::{Project, Workshop, execute::KeepError};

/// Begins the name of no step, under which a list of steps is remembered.
const NAME: &str = " steps ";

/// Removes what steps made that were in the project's list the last time and are no longer, as far
/// as it stands as it was made and no other step makes it; and remembers the list.
pub(crate) fn retire(shop: &Workshop, project: &Project) -> Result<(), KeepError> {
    let cas = shop.workspace.cas();
    let name = format!("{NAME}{}", project.list);
    let makes = project.steps.iter().filter(|step| !step.outputs.is_empty());
    let now: BTreeSet<&str> = makes.map(|step| step.name.as_str()).collect();
    let listed = serde_json::to_vec(&now).unwrap_or_default();
    let key = Digest::of(&listed);
    let Some(last) = cas.last(&name)? else {
        return remember(shop, name, key, &listed);
    };
    if last.record.key == key {
        return Ok(());
    }
    let before: BTreeSet<String> =
        serde_json::from_slice(&last.descriptor.unwrap_or_default()).unwrap_or_default();
    for gone in before.iter().filter(|step| !now.contains(step.as_str())) {
        let Some(last) = cas.last(gone)? else {
            continue;
        };
        let mut own = Outputs::default();
        for (path, output) in last.record.outputs.iter() {
            if project.graph.producer(path).is_none() {
                own.put(path, output.clone())?;
            }
        }
        shop.workspace.remove_stale(&own, &Outputs::default())?;
    }
    remember(shop, name, key, &listed)
}

fn remember(shop: &Workshop, name: String, key: Digest, listed: &[u8]) -> Result<(), KeepError> {
    let record = Record {
        key,
        step: name,
        outcome: Outcome::Failed,
        exit: None,
        when: shop.clock.now(),
        duration_us: 0,
        rss_bytes_max: 0,
        log: None,
        outputs: Outputs::default(),
    };
    Ok(shop.workspace.cas().append(&record, listed)?)
}
